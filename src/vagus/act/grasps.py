"""Where a hand may grasp a thing: poses of the tip about it, best first, from its shape and size alone.

Geometry of a parallel gripper; whether an arm gets there, and what is in its way, others find out.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.things import Thing

Array = NDArray[np.float64]

BACK_M = 0.11
"""From here [m] the hand comes in along its fingers: they are then beside the thing, not yet about it."""
LIFT_M = 0.10
"""How high a thing is lifted [m]."""
_FINGER_END, _FINGER_HALF = 0.018, 0.011
"""The fingers end so far beyond the tip, and are so wide [m, half]."""
_PALM_BACK, _PALM_HALF = 0.074, 0.024
"""The palm begins so far behind the tip, and is so thick [m, half]."""
_OVER_BOARD = 0.008
"""Kept between the hand and the board [m]."""
_TO_SPARE = 0.005
"""The open fingers stand off by at least this, each side [m]: the thing may be so far from where it was seen."""
_GRIP = 0.030
"""How far down from its top the fingertips reach when a thing is taken from above [m]."""
_STEEP = 0.9
"""From here on the hand comes from above [rad]: it takes a thing by its top, not its waist."""
_PITCHES = (0.35, 0.7, 0.1, 1.05, 1.35)
"""How steeply the hand comes down [rad], best first: low enough to hold the waist, with room for the forearm."""
_BOWL_PITCHES = (0.9, 0.7, 1.2)
"""The same for a bowl: the finger inside comes in over the rim."""
_TURNS = (0.0, 0.35, -0.35, 0.7, -0.7, 1.1, -1.1)
"""From which directions beside the straight one [rad]."""
_HANDLE = 0.6
"""A finger keeps this far from a cup's handle [rad]."""
_WALL, _WALL_GRIP = 0.008, 0.022
"""A bowl's wall is so thick at most, and is held so far down from its rim [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class Grasp:
    """One way to take a thing."""

    X_BT: Array
    """Pose (4, 4) of the tip with the fingers about the thing, in the frame in which the thing is given."""
    width: float
    """What the fingers close on [m]."""
    back: float = BACK_M
    """From how far away the hand comes in along its fingers [m],"""
    aside: float = 0.0
    """and from how far to the side from which its fingers close, so that the first one touches at the end alone [m]."""
    lift: float = LIFT_M
    """How high the thing is lifted [m]."""

    @property
    def approach(self) -> Array:
        """The direction the hand comes in, unit, shape (3,)."""
        return self.X_BT[:3, 2]

    @property
    def before(self) -> Array:
        """Pose (4, 4) of the tip before the hand comes in."""
        return shifted(self.X_BT, -self.back * self.approach - self.aside * self.X_BT[:3, 1])

    @property
    def lifted(self) -> Array:
        """Pose (4, 4) of the tip with the thing lifted."""
        return shifted(self.X_BT, np.array([0.0, 0.0, self.lift]))


def shifted(X_BT: Array, by: Array) -> Array:
    """Return a pose (4, 4) moved by that [m], shape (3,)."""
    X = X_BT.copy()
    X[:3, 3] += by
    return X


def tip_pose(position: Array, approach: Array, closing: Array) -> Array:
    """Return X_BT (4, 4) of a tip there, its z along ``approach`` and its y along ``closing`` (unit, perpendicular)."""
    X = np.eye(4)
    X[:3, 0], X[:3, 1], X[:3, 2], X[:3, 3] = np.cross(closing, approach), closing, approach, position
    return X


def grasps(thing: Thing, start: Array, opening: float) -> Iterator[Grasp]:
    """Yield ways to take a thing, roughly best first: fingers level, from where the arm is, and from ever higher.

    Args:
        thing: It, in the frame that the grasps are wanted in.
        start: Where the arm comes from: its shoulder [m], shape (3,).
        opening: How far the gripper opens [m].
    """
    out = thing.centre[:2] - start[:2]
    ahead = math.atan2(float(out[1]), float(out[0]))
    for pitch in _BOWL_PITCHES if thing.shape == "bowl" else _PITCHES:
        ways = _rims(thing, ahead) if thing.shape == "bowl" else _sides(thing, ahead)
        for azimuth, width, middle in ways:
            z = _height(thing, pitch)
            if z is None or width + 2.0 * _TO_SPARE > opening:
                continue
            level = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
            approach = math.cos(pitch) * level - math.sin(pitch) * np.array([0.0, 0.0, 1.0])
            closing = np.array([-level[1], level[0], 0.0])
            for sign in (1.0, -1.0):  # the two fingers are alike
                yield Grasp(tip_pose(np.array([*middle, z]), approach, sign * closing), width)


def _height(thing: Thing, pitch: float) -> float | None:
    """Return how high the tip is [m], so that neither fingers nor palm touch the board; None if that is too high."""
    ends = _FINGER_HALF * math.cos(pitch) + _FINGER_END * math.sin(pitch)
    palm = _PALM_HALF * math.cos(pitch) - _PALM_BACK * math.sin(pitch)
    lowest = thing.foot + _OVER_BOARD + max(ends, palm)
    by_top = thing.top - _GRIP + _FINGER_END * math.sin(pitch)
    if thing.shape == "bowl":
        return max(lowest, thing.top - _WALL_GRIP + _FINGER_END * math.sin(pitch))
    if thing.shape == "ball":
        return float(thing.centre[2]) if lowest <= thing.centre[2] + 0.003 else None
    z = max(lowest, by_top if pitch > _STEEP else float(thing.centre[2]))
    return z if z < thing.top - 0.012 else None


def _sides(thing: Thing, ahead: float) -> Iterator[tuple[float, float, Array]]:
    """Yield directions to come from, how wide the thing is across them, and what is between the fingers."""
    if thing.is_round:
        for turn in _TURNS:
            if thing.shape != "cup" or _is_free_of_handle(thing, ahead + turn):
                yield ahead + turn, thing.size[0], thing.centre[:2]
        return
    azimuths = [thing.yaw + 0.5 * math.pi * k for k in range(4)]
    for k in sorted(range(4), key=lambda k: (thing.size[1 - k % 2] > 0.065, -math.cos(azimuths[k] - ahead))):
        if math.cos(azimuths[k] - ahead) > 0.2:
            yield azimuths[k], thing.size[1 - k % 2], thing.centre[:2]


def _is_free_of_handle(cup: Thing, azimuth: float) -> bool:
    """Say whether neither finger, on both sides of the way in, meets the handle along x, nor the palm does."""
    off = abs((cup.yaw - azimuth + math.pi) % (2.0 * math.pi) - math.pi)
    return abs(off - 0.5 * math.pi) > _HANDLE and off < math.pi - 0.5


def _rims(bowl: Thing, ahead: float) -> Iterator[tuple[float, float, Array]]:
    """Yield directions to come from with a bowl's wall between the fingers: its left and its right side."""
    radius = 0.5 * (bowl.size[0] - _WALL)
    for turn in _TURNS:
        for side in (1.0, -1.0):
            angle = ahead + turn + side * 0.5 * math.pi
            yield ahead + turn, _WALL, bowl.centre[:2] + radius * np.array([math.cos(angle), math.sin(angle)])
