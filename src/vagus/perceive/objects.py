"""Things on boards in one RGB-D picture: what shape, what colour, how large, where, and how sure of that.

From the picture alone: boards are level, an object is a solid that stands on one, and its parts are patches of one
colour. The largest patch is fitted, what stands over the same foot joins it (labels, lids, what is in a cup), and what
one solid cannot explain is tried as two that touch. Objects are seen one exposure at a time; ``tracks`` follows them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.robot import CameraSpec
from vagus.perceive.boards import Board, above, find_boards
from vagus.perceive.cloud import Cloud, Image, Labels, Mask, cloud, connected, facets
from vagus.perceive.colours import Colour, Kinds, Rgb, name_pixels, white_of
from vagus.perceive.people import SeenPerson, find_people
from vagus.perceive.primitives import Ball, Box, Fit, Primitive, fit, fit_two, top_of
from vagus.perceive.walls import find_walls

Array = NDArray[np.float64]

_FAR = 2.0
"""Farther than this [m] a cup has fewer than 14 pixels across and depth is noisy by 6 mm: too little to go by."""
LOWEST = 0.25
"""What lies lower than this [m] is on the floor, where the hand of a robot that stands on it does not reach."""
_TALLEST = 0.24
"""Taller things [m] are furniture or people."""
_WIDEST = 0.20
"""Wider ones [m], too."""
_FACE_MAX = 0.014
"""A single flat side larger than this [m^2] is a piece of furniture: the largest box that a hand can hold has less."""
_EDGE_MAX = 4
"""With more pixels than this at the picture's edge a thing is cut: what is seen says too little of the rest."""
_MARGIN = 0.015
"""What stands on a board reaches at most so far beyond its outline [m]."""
_SEED_MIN, _OBJECT_MIN = 25, 60
"""Fewest pixels of the patch that an object grows from, and of an object."""
_LEVEL = 0.01
"""What is not higher from end to end than this [m], three times the depth's noise there and back, is level."""
_SHORTEST = 0.02
"""Lower things [m] are marks on the board, or its noise."""
_BESIDE = 0.006
"""A patch's points count as over a foot when they are at most so far beside it [m]: three times the depth's noise."""
_LIFTED = 0.04
"""What is higher than this over the board below it [m] may stand on another one."""
_BEYOND = 0.25
"""A board may reach so far beyond what is seen of it [m]: its far part is lost at grazing angles, or hidden."""
_GRAZING = 0.25
"""A board that falls off from the eye by less than this share of its distance, or rises, may not be seen: cameras lose
surfaces that they see from 75 degrees or more."""
_AROUND = 0.05
"""Where the foot of something is looked for [m]."""
_BELOW, _BEHIND = 3, 0.06
"""So far below [px] what stands is the board that it stands on, no farther than this behind it [m]."""
_THICKEST, _FLUSH = 0.06, 0.025
"""A board is thinner than this [m]: what is so far below a thing is not so near to the thing's own surface [m]."""
_BAD_FIT = 0.0028
"""A fit that misses by more than this [m], on average, may be two objects that touch,"""
_PAIR_GAIN = 0.72
"""if two solids miss by less than this share of it."""
_HANDLE = 0.040
"""How far a cup's handle stands out [m]; where its loop is seen apart from the cup it is no thing of its own."""
_HEAPED = 0.005
"""What stands out over a bowl by more than this [m] is in it, no part of it."""
_BOARD_SIGMA = 0.003
"""How well the camera's pose, after calibration, is known where the hands work [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One object in one exposure, in the world."""

    shape: str
    """One of ``vagus.core.things.SHAPES``."""
    colour: str
    """One of ``vagus.core.things.COLOURS``."""
    centre: Array
    """Its middle [m], shape (3,)."""
    yaw: float
    """Of its x axis about z [rad]; of a box, in [0, pi/2)."""
    size: tuple[float, float, float]
    """Full extent along its x, y, z [m], handles left out."""
    sigma: float
    """Standard deviation of the centre, each axis [m]."""
    pixels: Labels
    """Indices into the flattened picture, shape (n,)."""

    @property
    def top(self) -> float:
        """Height of its top [m]."""
        return float(self.centre[2]) + 0.5 * self.size[2]

    def box(self, width: int) -> tuple[int, int, int, int]:
        """Return its left, top, right and bottom pixel in a picture so wide."""
        v, u = np.divmod(self.pixels, width)
        return int(u.min()), int(v.min()), int(u.max()), int(v.max())


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """Pixels that belong together, and where."""

    points: Array
    """In the world, shape (n, 3) [m]."""
    colours: Kinds
    pixels: Labels


@dataclass(frozen=True, slots=True, eq=False)
class _Patch(_Surface):
    """A surface of one colour."""

    colour: Colour
    cluster: int
    """Which connected surface, of whatever colours, it is part of."""
    board: int
    """Index of the board under most of that; -1 for none."""

    @property
    def is_level(self) -> bool:
        """Flat and level, as a lid is: a can that is seen from above shows more of it than of its side."""
        low, high = np.percentile(self.points[:, 2], (5.0, 95.0))
        return bool(high - low < _LEVEL)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one exposure shows."""

    objects: list[Seen]
    """Those wholly inside it, largest first; others may hide parts of them."""
    boards: list[Board]
    """What things may stand on, the floor included, largest first."""
    people: list[SeenPerson]
    """Who stands there, nearest first."""


def look(depth: Image, rgb: Rgb, cam: CameraSpec, X_WC: Array, ignore: Mask | None = None, lowest: float = LOWEST
         ) -> Look:  # fmt: skip
    """Find objects, boards and people in one exposure; what people wear and hold are no objects.

    Args:
        depth: Along the optical axis [m], NaN in holes, shape (H, W).
        rgb: Shape (H, W, 3).
        cam: The camera.
        X_WC: Pose (4, 4) of its optical frame at the exposure, in a world whose z is up and whose floor is at 0.
        ignore: Pixels that are no object's, such as those of the robot's own hands, shape (H, W).
        lowest: What lies lower [m] is no object's.
    """
    seen = cloud(depth, cam, X_WC)
    surfaces = facets(seen)
    boards = find_boards(surfaces)
    walls = find_walls(seen, surfaces)
    people = find_people(seen, boards, walls, ignore)
    taken = np.zeros(depth.shape, bool) if ignore is None else ignore.copy()
    for person in people:
        taken.flat[person.pixels] = True
    rng = np.random.default_rng(0)  # the same picture gives the same objects
    is_none = taken | (walls > 0.0) | (seen.points[..., 2] < lowest)
    left = _patches(seen, boards, is_none, rgb)
    found: list[Seen] = []
    # What has a hue first: white and black parts of those (labels, lids) are not objects of their own. Lids last.
    seeds = [p for p in left if len(p.pixels) >= _SEED_MIN and p.colour != Colour.BROWN]
    for seed in sorted(seeds, key=lambda p: (p.colour >= Colour.WHITE, p.is_level, -len(p.pixels))):
        if not any(seed is p for p in left):
            continue
        plane = _stands_on(seed, left, boards, seen)
        if plane is not None:
            found += _grow(seed, left, plane, seen.eye[:2], rng)
    return Look([one for one in _without_fragments(found) if not _is_cut(one, cam)], boards, people)


def _is_cut(one: Seen, cam: CameraSpec) -> bool:
    """Say whether the picture's edge cuts an object off; holes and the median leave out the outermost pixels."""
    v, u = np.divmod(one.pixels, cam.width)
    at_edge = (v <= 1) | (v >= cam.height - 2) | (u <= 1) | (u >= cam.width - 2)
    return int(at_edge.sum()) > _EDGE_MAX


def _patches(seen: Cloud, boards: list[Board], is_none: Mask, rgb: Rgb) -> list[_Patch]:
    """Return what may be parts of objects: surfaces of one colour that are no board and not of the mask ``is_none``."""
    which, is_board = above(seen, boards, margin=_MARGIN)
    z = seen.points[..., 2]
    distance = np.linalg.norm(seen.points - seen.eye.astype(np.float32), axis=-1)
    is_high = z > seen.eye[2] - _GRAZING * distance
    mask = (distance < _FAR) & np.isfinite(z) & ~is_board & ~is_none & ((which >= 0) | is_high)
    _, clusters = connected(seen, mask)
    colours = np.zeros(mask.shape, np.int8)
    colours[mask] = name_pixels(_medians(rgb, mask), white_of(rgb))
    count, labels = connected(seen, mask, colours)
    order = np.argsort(labels, kind="stable")
    points, colour = seen.points[mask][order], colours[mask][order]
    cluster, board = clusters[order], which[mask][order]
    pixels = np.flatnonzero(mask)[order]
    standing = _standing(cluster, board)
    found: list[_Patch] = []
    for k in np.split(np.arange(len(pixels)), np.cumsum(np.bincount(labels, minlength=count))[:-1]):
        if len(k):
            of = int(cluster[k[0]])
            found.append(
                _Patch(points[k].astype(np.float64), colour[k], pixels[k], Colour(int(colour[k[0]])), of, standing[of])
            )
    return found


def _medians(rgb: Rgb, mask: Mask) -> Rgb:
    """Return the median colour of the nine pixels around each pixel of a mask, shape (n, 3)."""
    padded = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    v, u = np.nonzero(mask)
    around = np.stack([padded[v + dv, u + du] for dv in range(3) for du in range(3)])
    return np.partition(around, 4, axis=0)[4]


def _standing(cluster: Labels, board: NDArray[np.int16]) -> dict[int, int]:
    """Say which board is under most of every cluster; -1 for none."""
    return {int(k): int(np.bincount(board[cluster == k] + 1).argmax()) - 1 for k in np.unique(cluster)}


def _stands_on(seed: _Patch, left: list[_Patch], boards: list[Board], seen: Cloud) -> Board | None:
    """Return the board under a patch, or one at its foot if the eye is hardly higher than that and does not see it.

    A patch high over its board stands there, too, with its foot behind something; but near the height of the eye it
    stands on a board of which the edge alone is seen, if it has a foot there.
    """
    eye = seen.eye
    middle = seed.points[:, :2].mean(axis=0)
    cluster = [p for p in left if p.cluster == seed.cluster]
    around = np.concatenate([p.points for p in cluster])
    around = around[np.linalg.norm(around[:, :2] - middle, axis=1) < _AROUND]
    around = around if len(around) else seed.points  # a ring round nothing
    foot = float(np.percentile(around[:, 2], 2.0)) - 0.003
    under = boards[seed.board] if seed.board >= 0 else None
    is_lifted = under is None or foot - float(under.height(middle)) > _LIFTED
    for board in boards if is_lifted else ():
        if abs(foot - float(board.height(middle))) < _LIFTED and bool(board.contains(middle, _BEYOND)):
            return board
    if is_lifted and foot > eye[2] - _GRAZING * float(np.linalg.norm(middle - eye[:2])):
        if _has_no_foot(np.concatenate([p.pixels for p in cluster]), foot, seen):
            return None
        return Board(np.array([foot, 0.0, 0.0]), np.zeros((0, 3)), np.zeros((0, 2)))
    return under


def _has_no_foot(pixels: Labels, foot: float, seen: Cloud) -> bool:
    """Say whether a surface hangs in the air or goes on below, where what stands there has its board.

    Below most of its lower edge the picture then shows something farther, or farther down its own surface still.
    """
    height, width = seen.depth.shape
    pixels = pixels[np.abs(seen.points[..., 2].flat[pixels] - foot) < _LIFTED]
    v, u = np.divmod(pixels, width)
    lowest = np.full(width, -1)
    np.maximum.at(lowest, u, v)
    u = np.flatnonzero(lowest >= 0)
    own = seen.depth[lowest[u], u]

    def is_mostly(rows: NDArray[np.intp], low: float, high: float) -> bool:
        """Say whether most of what is in these rows is farther by so much [m]; holes and what is outside are not."""
        behind = seen.depth[np.minimum(rows, height - 1), u] - own
        return bool(np.mean((rows < height) & (behind > low) & (behind < high)) > 0.5)

    thickest = np.ceil(seen.focal * _THICKEST / own).astype(np.intp)
    return is_mostly(lowest[u] + _BELOW, _BEHIND, np.inf) or is_mostly(lowest[u] + thickest, -_FLUSH, _FLUSH)


def _on(points: Array, board: Board) -> Array:
    """Return points of the world in the board's frame, shape (n, 3) [m]."""
    return np.column_stack([points[:, :2], points[:, 2] - board.height(points[:, :2])])


def _grow(seed: _Patch, left: list[_Patch], board: Board, eye: Array, rng: np.random.Generator) -> list[Seen]:
    """Fit a solid to a patch and what belongs to it, taken from ``left``; return the object, or the two it is."""
    mine = [seed]
    _take(left, mine)
    points = _on(seed.points, board)
    found = fit(points, eye, rng)
    while found is not None and (joining := [p for p in left if _belongs(p, seed, found, board)]):
        _take(left, joining)
        mine += joining
        points = _on(np.concatenate([p.points for p in mine]), board)
        found = fit(points, eye, rng)
    if found is None:
        return []
    whole = _Surface(*(np.concatenate([getattr(p, key) for p in mine]) for key in ("points", "colours", "pixels")))
    parts = [(np.ones(len(whole.pixels), bool), found)]
    is_wide = float(np.ptp(points[:, :2], axis=0).max()) > 1.4 * _WIDEST
    if found.cost > _BAD_FIT and len(whole.pixels) >= 100 and not is_wide:
        pair = fit_two(points, eye, rng)
        if pair is not None and pair[1].cost < _PAIR_GAIN * found.cost and not _overlap(pair[1], pair[2]):
            parts = [(pair[0], pair[1]), (~pair[0], pair[2])]
    some = (_object(whole, part, one, seed.colour, board) for part, one in parts)
    return [one for one in some if one is not None]


def _overlap(one: Fit, other: Fit) -> bool:
    """Say whether two solids are in one another: then they are not two things that touch."""
    a, b = one.solid.centre, other.solid.centre
    return bool(one.solid.covers(b[None], 0.01)[0] or other.solid.covers(a[None], 0.01)[0])


def _take(left: list[_Patch], taken: list[_Patch]) -> None:
    ids = {id(p) for p in taken}
    left[:] = [p for p in left if id(p) not in ids]


def _belongs(patch: _Patch, seed: _Patch, found: Fit, board: Board) -> bool:
    """Say whether a patch is part of the object: of its colour or of none, and over its foot."""
    is_same = patch.colour == seed.colour
    is_part = patch.colour >= Colour.WHITE and patch.cluster == seed.cluster
    if not is_same and not is_part:
        return False
    # A label is smaller than what it is on, a lid is level; what is in a cup may fill most of the picture of it.
    is_small = patch.colour == Colour.BROWN or len(patch.pixels) < 0.7 * len(seed.pixels)
    if not is_same and not is_small and not patch.is_level:
        return False
    points = _on(patch.points, board)
    is_over = found.solid.covers(points[:, :2], _BESIDE) & (points[:, 2] > 0.0) & (points[:, 2] < _TALLEST)
    return bool(is_over.mean() > (0.5 if is_same else 0.6))


def _object(whole: _Surface, part: Mask, found: Fit, colour: Colour, board: Board) -> Seen | None:
    """Name and measure the object that part of a surface is; None if that is too little to be one."""
    points, colours = _on(whole.points[part], board), whole.colours[part]
    if len(points) < _OBJECT_MIN:
        return None
    solid, top = found.solid, top_of(points)
    if not _SHORTEST < top < _TALLEST or max(solid.size[:2]) > _WIDEST:
        return None
    if isinstance(solid, Box) and solid.is_face and max(solid.size[:2]) * top > _FACE_MAX:
        return None
    shape = _shape(found, points, top, colours, colour)
    size = solid.size if shape == "ball" else (*solid.size[:2], top)
    x, y = solid.centre
    z = float(board.height(solid.centre)) + 0.5 * size[2]
    sigma = float(np.hypot(_BOARD_SIGMA, found.cost))
    return Seen(shape, colour.name.lower(), np.array([x, y, z]), solid.yaw, size, sigma, whole.pixels[part])


def _shape(found: Fit, points: Array, top: float, colours: Kinds, colour: Colour) -> str:
    """Name the shape of a fitted solid."""
    solid = found.solid
    if isinstance(solid, Box):
        return "box"
    if isinstance(solid, Ball):
        return "ball"
    radius = 0.5 * solid.size[0]
    if radius > 0.048 and top < 0.085:
        return "bowl"
    if top > 0.14:
        return "bottle"
    return "cup" if _is_cup(solid, points, top, colours, colour) else "can"


def _is_cup(solid: Primitive, points: Array, top: float, colours: Kinds, colour: Colour) -> bool:
    """Tell cups from cans: by what is inside the rim, by a handle, and, where neither is seen, by how slender it is."""
    centre, radius = solid.centre, 0.5 * solid.size[0]
    out = np.linalg.norm(points[:, :2] - centre, axis=1) - radius
    inner = colours[(out < -0.004) & (points[:, 2] > top - 0.015)]
    dark = np.sum(inner == Colour.BROWN) + (np.sum(inner == Colour.BLACK) if colour != Colour.BLACK else 0)
    light = np.sum(inner == Colour.WHITE) if colour != Colour.WHITE else 0
    if dark + light >= 6:
        return bool(dark > light)
    is_handle = (out > 0.008) & (out < 0.04) & (points[:, 2] < 0.85 * top) & (points[:, 2] > 0.15 * top)
    return bool(np.sum(is_handle) >= 6) or top < 1.55 * 2.0 * radius


def _without_fragments(found: list[Seen]) -> list[Seen]:
    """Join to each object what is but a fragment of it: smaller, over its foot, and of its colour or of none."""
    kept: list[Seen] = []
    for one in sorted(found, key=lambda s: -len(s.pixels)):
        if not any(_is_fragment(one, other) for other in kept):
            kept.append(one)
    return kept


def _is_fragment(one: Seen, other: Seen) -> bool:
    is_handle = other.shape == "cup" and one.colour == other.colour and len(one.pixels) < 0.3 * len(other.pixels)
    beside = _HANDLE if is_handle else 0.012
    is_within = float(np.linalg.norm(one.centre[:2] - other.centre[:2])) < 0.5 * max(other.size[:2]) + beside
    is_near = abs(one.centre[2] - other.centre[2]) < 0.10
    is_alike = one.colour in (other.colour, "white", "black")
    if other.shape == "bowl" and one.top > other.top + _HEAPED:
        return False  # what is in it
    return is_within and is_near and is_alike and len(one.pixels) < 0.6 * len(other.pixels)
