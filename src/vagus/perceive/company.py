"""People over time: who is believed to stand where, from sightings in single pictures.

It tells nobody from anybody else. Whoever was not seen again where they should have been is gone, and so is whoever was
not looked at for a while: people walk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vagus.core.frames import invert, transform
from vagus.core.robot import CameraSpec
from vagus.core.things import Person
from vagus.perceive.cloud import Image
from vagus.perceive.people import SeenPerson

Array = NDArray[np.float64]

_GATE = 0.7
"""A sighting farther than this from where somebody was [m] is somebody else: a walk of 1.2 m/s between two pictures,
three a second, twice over."""
_MOVED = 0.12
"""Whoever is seen farther than this from where they were [m], three standard deviations, has moved there."""
_HAND_MOVED = 0.05
"""The same for a hand [m]."""
_GAIN = 0.5
"""How much a place follows a new sighting of somebody who stands still."""
_SURE = 2
"""Sightings after which a person is believed."""
_MISSES_MAX = 3
"""Whoever was not found so many times in a row, with nothing before them, is gone."""
_HAND_MISSES_MAX = 2
"""A hand that was not found so many times in a row, on somebody who was, is taken back: one in ten is missed."""
_FORGET_NS = 20_000_000_000
"""Whoever was not seen for so long may be anywhere [ns]."""
_CHEST, _HALF = 1.15, 0.35
"""Where a person is looked for again: height of the chest, and half of what must be in the picture there [m]."""


@dataclass(slots=True, eq=False)
class _Known:
    """One person."""

    person: Person
    n_seen: int = 1
    n_missed: int = 0
    n_hand_missed: int = 0


class Company:
    """All people known."""

    def __init__(self, cam: CameraSpec) -> None:
        self._cam = cam
        self._known: list[_Known] = []

    @property
    def all(self) -> Sequence[Person]:
        """Who is believed to be there, the last seen first."""
        return sorted((k.person for k in self._known if k.n_seen >= _SURE), key=lambda p: -p.seen_ns)

    def update(self, seen: Sequence[SeenPerson], depth: Image, X_WC: Array, origin_ns: int) -> None:
        """Take in who one exposure showed.

        Args:
            seen: The people found in it.
            depth: Its depth [m], NaN in holes, shape (H, W): tells who is hidden from who is gone.
            X_WC: Pose (4, 4) of the camera's optical frame at the exposure.
            origin_ns: When it was exposed [ns].
        """
        left = list(self._known)
        for one in seen:
            known = min(left, key=lambda k: float(np.linalg.norm(k.person.place - one.place)), default=None)
            if known is None or float(np.linalg.norm(known.person.place - one.place)) > _GATE:
                self._known.append(_Known(_began(one, origin_ns)))
                continue
            left.remove(known)
            _follow(known, one, origin_ns)
        for known in left:
            known.n_missed += self._should_be_seen(known.person, depth, X_WC)
        self._known = [k for k in self._known if origin_ns - k.person.seen_ns < _FORGET_NS
                       and k.n_missed < (_MISSES_MAX if k.n_seen >= _SURE else 1)]  # fmt: skip

    def _should_be_seen(self, person: Person, depth: Image, X_WC: Array) -> bool:
        """Say whether a person's chest is in the picture from side to side with nothing before it."""
        fx, fy, cx, cy = self._cam.intrinsics
        x, y, z = transform(invert(X_WC), np.array([*person.place, _CHEST])).tolist()
        if z < 0.5:
            return False
        u, v, half = fx * x / z + cx, fy * y / z + cy, fx * _HALF / z
        if not (half <= u < self._cam.width - half and 2.0 <= v < self._cam.height - 2.0):
            return False
        around = depth[int(v) - 2 : int(v) + 3, int(u) - 2 : int(u) + 3]
        known = around[np.isfinite(around)]
        return len(known) > 0 and float(np.median(known)) > z - _HALF


def _began(one: SeenPerson, origin_ns: int) -> Person:
    return Person(place=one.place, height=one.height, hand=one.hand, sigma=one.sigma, seen_ns=origin_ns)


def _follow(known: _Known, one: SeenPerson, origin_ns: int) -> None:
    """Take in a sighting: average what stands still, start anew where it moved."""
    last = known.person
    known.n_seen, known.n_missed = known.n_seen + 1, 0
    known.n_hand_missed = 0 if one.hand is not None else known.n_hand_missed + 1
    hand = last.hand if known.n_hand_missed < _HAND_MISSES_MAX else None
    if one.hand is not None:
        hand = one.hand if last.hand is None else _averaged(last.hand, one.hand, _HAND_MOVED)
    place = _averaged(last.place, one.place, _MOVED)
    height = last.height if one.height is None else one.height
    known.person = replace(last, place=place, height=height, hand=hand, sigma=one.sigma, seen_ns=origin_ns)


def _averaged(last: Array, new: Array, moved: float) -> Array:
    return new if float(np.linalg.norm(new - last)) > moved else last + _GAIN * (new - last)
