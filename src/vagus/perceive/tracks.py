"""Objects over time: the same thing keeps its number while it is seen, hidden, or behind the robot's back.

What was not seen again where it should have been is gone; what could not be seen is remembered, as old as its last
sighting. Positions are in the world of odometry.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vagus.core.frames import invert
from vagus.core.robot import CameraSpec
from vagus.core.things import Thing
from vagus.perceive.cloud import Image
from vagus.perceive.objects import Seen

Array = NDArray[np.float64]

GATE = 0.08
"""A sighting farther than this from where a thing was [m] is another thing's: hardly more than a thing's width."""
_AWAY = 0.25
"""A thing that is not where it should be seen may be the one of its colour and shape at most so far from there [m]."""
_MOVED = 0.02
"""A thing seen farther than this from where it was [m], by three of its standard deviations, has been moved there."""
_SIGMA_MIN = 0.002
"""However often a thing is seen, the calibration of the camera is no better known than this [m]."""
_MISSES_MAX = 4
"""A thing that was not found so many times in a row, with nothing before it, is gone."""
_SURE = 3
"""Sightings after which a thing is believed; a single one may be noise."""
_OTHER_SHAPE, _OTHER_COLOUR = 0.02, 0.045
"""What a sighting of another shape, or another colour, counts as farther off [m]. Two things are never so near that one
is in the other's place: there, another colour is the same thing in another light, or from another side."""
_HALF, _FORGET = 0.7, 0.99
"""What shows less than this share of what was seen of it at best is half hidden; what it was at best counts so much
less with every sighting."""
_OPEN = 0.6
"""What is seen past to less than this share of the square that a thing covers may be hidden."""
_NEARER = 0.04
"""Something this much nearer [m] than a thing's middle hides it."""


@dataclass(slots=True, eq=False)
class Track:
    """One thing."""

    id: int
    """From 1, never used again."""
    centre: Array
    """Its middle in the world [m], shape (3,)."""
    yaw: float
    """Of its x axis [rad]."""
    size: tuple[float, float, float]
    """Full extent along its x, y, z [m]."""
    sigma: float
    """Standard deviation of the centre, each axis [m]."""
    seen_ns: int
    """When it was seen last [ns]: how old what is known of it is."""
    box: tuple[int, int, int, int]
    """Its left, top, right and bottom pixel then."""
    n_seen: int = 1
    n_missed: int = 0
    """Times in a row that it was not found where it should have been seen."""
    area: float = 0.0
    """How much of it was seen across the line of sight at best [m^2]; slowly forgotten."""
    shapes: Counter[str] = field(default_factory=Counter[str])
    colours: Counter[str] = field(default_factory=Counter[str])

    @property
    def shape(self) -> str:
        """What most sightings called it."""
        return self.shapes.most_common(1)[0][0]

    @property
    def colour(self) -> str:
        """What most sightings called it."""
        return self.colours.most_common(1)[0][0]

    @property
    def thing(self) -> Thing:
        """What is known of it now."""
        return Thing(id=self.id, shape=self.shape, colour=self.colour, centre=self.centre, yaw=self.yaw, size=self.size,
                     sigma=self.sigma, seen_ns=self.seen_ns)  # fmt: skip

    @property
    def is_sure(self) -> bool:
        """Seen often enough to be believed."""
        return self.n_seen >= _SURE


class Tracks:
    """All things known."""

    def __init__(self, cam: CameraSpec) -> None:
        self._cam = cam
        self._tracks: list[Track] = []
        self._next_id = 1

    @property
    def all(self) -> Sequence[Track]:
        """What is believed to be there, seen now or not, in the order of their numbers."""
        return [t for t in self._tracks if t.is_sure]

    def update(self, seen: Sequence[Seen], depth: Image, X_WC: Array, origin_ns: int,
               is_own: Callable[[Seen], bool] = lambda _one: False) -> None:  # fmt: skip
        """Take in what one exposure showed.

        Args:
            seen: The objects found in it.
            depth: Its depth [m], NaN in holes, shape (H, W): tells what is hidden from what is gone.
            X_WC: Pose (4, 4) of the camera's optical frame at the exposure.
            origin_ns: When it was exposed [ns].
            is_own: Says of what is seen for the first time whether the robot itself may be what is seen there.

        What is seen for the first time where a thing of that colour stands, which is not seen whole, is part of that.
        """
        pairs = _assign(self._tracks, seen)
        pairs += self._find_moved(pairs, seen, depth, X_WC)
        area = {id(one): self._area(one, X_WC) for one in seen}
        for track, one in pairs:
            _follow(track, one, origin_ns, area[id(one)])
            track.box = one.box(self._cam.width)
        matched = {id(track) for track, _ in pairs}
        for track in self._tracks:
            if id(track) not in matched and self._should_be_seen(track, depth, X_WC):
                track.n_missed += 1
        self._tracks = [t for t in self._tracks if t.n_missed < (_MISSES_MAX if t.is_sure else 1)]
        taken = {id(one) for _, one in pairs}
        whole = {id(track) for track, one in pairs
                 if track.shape == one.shape and area[id(one)] >= _HALF * track.area}  # fmt: skip
        in_part = [track for track in self._tracks if track.is_sure and id(track) not in whole]
        for one in seen:
            if id(one) not in taken and not is_own(one) and not any(_is_part(one, track) for track in in_part):
                self._tracks.append(self._begin(one, origin_ns, area[id(one)]))

    def _area(self, one: Seen, X_WC: Array) -> float:
        """Return how much of a thing is seen, across the line of sight [m^2]."""
        fx, fy, _, _ = self._cam.intrinsics
        z = float((invert(X_WC) @ [*one.centre, 1.0])[2])
        return len(one.pixels) * z * z / (fx * fy)

    def _find_moved(self, pairs: list[tuple[Track, Seen]], seen: Sequence[Seen], depth: Image, X_WC: Array
                    ) -> list[tuple[Track, Seen]]:  # fmt: skip
        """Pair things that are not where they should be seen with what looks like them nearby, nearest first.

        It was pushed, or the base stands elsewhere than its wheels say; the number stays its own.
        """
        tracks, sightings = {id(track) for track, _ in pairs}, {id(one) for _, one in pairs}
        lost = [t for t in self._tracks if t.is_sure and id(t) not in tracks and self._should_be_seen(t, depth, X_WC)]
        new = [one for one in seen if id(one) not in sightings]
        near = [(float(np.linalg.norm(t.centre - one.centre)), k, j) for k, t in enumerate(lost)
                for j, one in enumerate(new) if (t.colour, t.shape) == (one.colour, one.shape)]  # fmt: skip
        found: dict[int, int] = {}
        for distance, k, j in sorted(near):
            if distance < _AWAY and k not in found and j not in found.values():
                found[k] = j
        return [(lost[k], new[j]) for k, j in found.items()]

    def _begin(self, one: Seen, origin_ns: int, area: float) -> Track:
        track = Track(self._next_id, one.centre.copy(), one.yaw, one.size, one.sigma, origin_ns,
                      one.box(self._cam.width), area=area, shapes=Counter([one.shape]),
                      colours=Counter([one.colour]))  # fmt: skip
        self._next_id += 1
        return track

    def _should_be_seen(self, track: Track, depth: Image, X_WC: Array) -> bool:
        """Say whether a thing is well inside the picture with nothing before its middle, nor before most of it."""
        fx, fy, cx, cy = self._cam.intrinsics
        x, y, z = (invert(X_WC) @ [*track.centre, 1.0])[:3]
        if z <= 0.2:
            return False
        u, v = round(fx * x / z + cx), round(fy * y / z + cy)
        edge = round(fx * max(track.size) / z)
        if not (edge <= u < self._cam.width - edge and edge <= v < self._cam.height - edge):
            return False
        nearest = z - _NEARER - 0.5 * max(track.size[:2])
        around = depth[v - 2 : v + 3, u - 2 : u + 3]
        known = around[np.isfinite(around)]
        half = max(2, edge // 2)
        square = depth[v - half : v + half + 1, u - half : u + half + 1]
        is_open = square[np.isfinite(square)] > nearest
        return len(known) > 0 and float(np.median(known)) > nearest and float(is_open.mean()) > _OPEN


def _assign(tracks: list[Track], seen: Sequence[Seen]) -> list[tuple[Track, Seen]]:
    """Pair tracks with sightings so that the sum of distances is least; too far apart: not at all."""
    if not tracks or not seen:
        return []
    far = np.array([[_distance(t, s) for s in seen] for t in tracks])
    rows, columns = linear_sum_assignment(np.minimum(far, 10.0 * GATE))
    return [(tracks[i], seen[j]) for i, j in zip(rows, columns, strict=True) if far[i, j] < GATE]


def _is_part(one: Seen, track: Track) -> bool:
    """Say whether what is seen may be a piece of a thing that a hand reaches over, or another thing hides."""
    beside = float(np.linalg.norm(one.centre[:2] - track.centre[:2]))
    is_level = abs(float(one.centre[2] - track.centre[2])) < 0.5 * max(one.size[2], track.size[2])
    return one.colour == track.colour and is_level and beside < 0.5 * max(track.size[:2])


def _distance(track: Track, one: Seen) -> float:
    """Return how far apart they are [m]; another shape or colour counts as farther."""
    other = (_OTHER_SHAPE if track.shape != one.shape else 0.0) + (_OTHER_COLOUR if track.colour != one.colour else 0.0)
    return float(np.linalg.norm(track.centre - one.centre)) + other


def _follow(track: Track, one: Seen, origin_ns: int, area: float) -> None:
    """Take in a sighting: average where it stands still, start anew where it was moved, or is known for another shape.

    What is taken for another shape than most times is a thing half hidden, or with a handle: its place and size are as
    wrong as its name. A thing that is half hidden, by a hand that reaches past it, has no say in what it is and where.
    """
    before = track.shape
    is_half = area < _HALF * track.area
    track.area = max(area, _FORGET * track.area)
    track.seen_ns, track.n_missed = origin_ns, 0
    track.n_seen += 1
    off = float(np.linalg.norm(one.centre - track.centre))
    is_moved = off > _MOVED and off > 3.0 * float(np.hypot(track.sigma, one.sigma))
    if is_half and off < max(track.size[:2]):
        return
    track.shapes[one.shape] += 1
    track.colours[one.colour] += 1
    is_new = is_moved or track.shape != before
    if track.shape != one.shape and not is_moved:
        return
    gain = 1.0 if is_new else track.sigma**2 / (track.sigma**2 + one.sigma**2)
    track.centre = track.centre + gain * (one.centre - track.centre)
    track.sigma = one.sigma if is_new else max(_SIGMA_MIN, track.sigma * float(np.sqrt(1.0 - gain)))
    share = max(gain, 0.1)
    x, y, z = (a + share * (b - a) for a, b in zip(track.size, one.size, strict=True))
    track.size = (x, y, z)
    track.yaw = one.yaw
