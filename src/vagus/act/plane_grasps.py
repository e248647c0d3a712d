"""Grasps for an arm of five joints: its hand comes in within the upright plane through its first, upright axis.

Such an arm chooses how steeply its hand comes down, and by its last joint which way the fingers close; from where it
comes, the thing's place decides. Geometry alone: what it reaches, and what is in its way, others find out.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.act.grasps import Grasp, tip_pose
from vagus.act.kinematics import Kinematics
from vagus.act.surroundings import Skin
from vagus.core.frames import invert, transform
from vagus.core.robot import ArmSpec
from vagus.core.things import Thing

Array = NDArray[np.float64]

_UPRIGHT = 0.02
"""An axis is upright to within this [rad]."""
_FACE = 0.03
"""What is at most so far behind the tip belongs to the fingers [m]."""
_PITCHES = (1.2, 1.5, 0.95, 0.7, 1.35)
"""How steeply the hand comes down [rad], best first: steep, because neighbours and the board leave most room above."""
_TOUCH = 0.002
"""A finger that stands still is planned to end so near to the thing [m]: what the other finger has to push over to it
first jams on the board, because that one turns and presses it down."""
_UNSEEN = 0.005
"""The same on the side that the camera does not see [m]: boxes reach up to 6 mm further there than it was reckoned."""
PUSH_M = -0.002
"""Such a finger may push the thing aside by this [m]."""
_SLACK = 0.01
"""Allowed to a reach that is reckoned without the hand's offset from the plane [m]."""
_ASIDE = 0.016
"""From so far to that side the hand comes in [m]."""
_STAND_OFF = 0.006
"""The open fingers stand off by this, each side [m]: twice what calibration and perception leave open."""
_OVER_BOARD = 0.009
"""Kept between the fingers and the board [m]: the gate brakes at 5 mm, a servo droops by 1 mm."""
_GRIPS = (0.022, 0.030)
"""How far down from its top the fingertips reach [m], best first: the less, the less askew a jaw that turns."""
_LEAST_GRIP = 0.012
"""Fingertips that reach less far down hold nothing [m]."""
_AHEAD = 0.008
"""The tip reaches so far beyond the middle of a thing [m]: the fingers' faces hold it, not their ends."""
_TILT = 0.35
"""How far from level the fingers may close [rad]."""
_WIDE = 0.056
"""Where they can, fingers close across less than this [m]: the further open, the more askew a jaw that turns."""
_ROUND_TURNS = (0.0, 0.5, -0.5, 1.0, -1.0, 1.5)
"""Which way fingers may close about a round thing, from across the plane [rad]."""
_HANDLE = 0.7
"""A finger keeps this far from a cup's handle [rad]."""
_BEYOND = 0.030
"""Before it comes in, the hand's tip is so far from the thing [m]."""
_LIFT = 0.06
"""How high it lifts [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaneHand:
    """An arm that moves in a plane, and its hand."""

    axis: Array
    """Where its first axis stands [m], shape (2,)."""
    shoulder: Array
    """Where its second axis is: out from the first one, and up [m], shape (2,)."""
    reach: float
    """How far the fourth axis can be from the second one [m]."""
    length: float
    """From the fourth axis to the tip, along the hand [m]."""
    beside: float
    """How far the tip is from the last joint's axis, along the fingers' closing direction [m]."""
    end: float
    """How far the fingers end beyond the tip [m]."""
    half: float
    """Half of how wide they are [m]."""
    opening: float
    """How far the fingers open [m]."""
    has_fixed_finger: bool
    """The tip is on the face of the one finger that does not move, and not in the middle."""
    eye: Array
    """Where the camera is [m], shape (2,)."""


def plane_hand(kinematics: Kinematics, arm: ArmSpec, opening: float) -> PlaneHand | None:
    """Return what grasps of such an arm depend on, measured from its model; None for another kind of arm.

    Args:
        kinematics: The robot's.
        arm: With all joints that move its hand, the first one first.
        opening: How far its fingers open [m].
    """
    q, eye = kinematics.home, kinematics.spec.eye
    first = kinematics.axis(q, arm.joints[0])
    if len(arm.joints) != 5 or abs(first[2]) < math.cos(_UPRIGHT):
        return None
    X_TB = invert(kinematics.pose_of(q, arm.tip))
    skin = Skin(kinematics, arm.fingers + arm.joints[-1:])
    points = transform(X_TB, skin.points(q))
    at_end = points[:, 2] > -_FACE
    at = [kinematics.anchor(q, joint) for joint in arm.joints]
    last, wrist = transform(X_TB, at[4]), transform(X_TB, at[3])
    sees_from = np.zeros(2) if eye is None else kinematics.pose_of(q, eye.name)[:2, 3]
    return PlaneHand(
        axis=at[0][:2], shoulder=np.array([float(np.linalg.norm(at[1][:2] - at[0][:2])), float(at[1][2])]),
        reach=float(np.linalg.norm(at[2] - at[1]) + np.linalg.norm(at[3] - at[2])), length=-float(wrist[2]),
        beside=-float(last[1]), opening=opening,
        end=float((points[:, 2] + skin.radius).max()), half=float((np.abs(points[:, 0]) + skin.radius)[at_end].max()),
        has_fixed_finger=arm.has_fixed_finger, eye=sees_from,
    )  # fmt: skip


def plane_grasps(thing: Thing, hand: PlaneHand) -> Iterator[Grasp]:
    """Yield ways to take a thing, best first; it is given in the frame that the grasps are wanted in."""
    for grip in _GRIPS:
        for pitch in _PITCHES:
            z = _height(thing, hand, pitch, grip)
            if z is None:
                continue
            for across, width in _closings(thing, hand):
                if width + 2.0 * _STAND_OFF > hand.opening:
                    continue
                grasp = _grasp(thing, hand, pitch, z, across, width)
                if grasp is not None:
                    yield grasp


def _height(thing: Thing, hand: PlaneHand, pitch: float, grip: float) -> float | None:
    """Return how high the tip is [m], so that the fingers do not touch the board; None if that is too high."""
    lowest = thing.foot + _OVER_BOARD + hand.end * math.sin(pitch) + hand.half * math.cos(pitch)
    if thing.shape == "ball":  # held above its middle it would be squeezed out
        return float(thing.centre[2]) if lowest < thing.centre[2] + 0.003 and grip == _GRIPS[0] else None
    z = max(lowest, thing.top - grip)
    return z if z < thing.top - _LEAST_GRIP else None


def _closings(thing: Thing, hand: PlaneHand) -> Iterator[tuple[Array, float]]:
    """Yield level directions (2,) from one finger to the other, and how wide the thing is along each [m]."""
    out = thing.centre[:2] - hand.axis
    across = math.atan2(out[1], out[0]) + 0.5 * math.pi
    if thing.is_round:
        angles = [across + turn for turn in _ROUND_TURNS]
        if thing.shape == "cup":
            angles = [a for a in angles if abs(math.cos(a - thing.yaw)) < math.cos(_HANDLE)]
        rows = [(angle, thing.size[0]) for angle in angles]
    else:
        rows = [(thing.yaw, thing.size[0]), (thing.yaw + 0.5 * math.pi, thing.size[1])]
        rows.sort(key=lambda row: (row[1] > _WIDE, -abs(math.cos(row[0] - across))))
    # A finger that stands still comes in from the side that the camera sees: what is behind is only reckoned.
    ways = [(np.array([math.cos(a), math.sin(a)]), width) for angle, width in rows for a in (angle, angle + math.pi)]
    yield from sorted(ways, key=lambda way: hand.has_fixed_finger and not _is_seen(thing, hand, way[0]))


def _is_seen(thing: Thing, hand: PlaneHand, across: Array) -> bool:
    """Say whether the camera sees the side of a thing from which that direction points across it."""
    return bool(across @ (thing.centre[:2] - hand.eye) > 0.0)


def _grasp(thing: Thing, hand: PlaneHand, pitch: float, z: float, across: Array, width: float) -> Grasp | None:
    """Return the grasp at which the last joint's axis lies in the plane through the first; None if it cannot be."""
    out = thing.centre[:2] - hand.axis
    closing = approach = tip = np.zeros(3)
    wanted = np.array([across[0], across[1], 0.0])
    for _ in range(4):  # each turn of the plane moves the tip by a tenth of what it was off
        azimuth = math.atan2(out[1], out[0])
        level = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
        approach = math.cos(pitch) * level - np.array([0.0, 0.0, math.sin(pitch)])
        closing = wanted - (wanted @ approach) * approach
        closing /= np.linalg.norm(closing)
        aside = 0.0
        if hand.has_fixed_finger:
            aside = 0.5 * width + (_TOUCH if _is_seen(thing, hand, across) else _UNSEEN)
        tip = np.array([thing.centre[0], thing.centre[1], z]) + _AHEAD * math.cos(pitch) * level - aside * closing
        out = (tip - hand.beside * closing)[:2] - hand.axis
    if abs(wanted @ approach) > math.sin(_TILT):
        return None
    behind = 0.5 * max(thing.size[:2]) * math.cos(pitch) + (thing.top - z) * math.sin(pitch)
    grasp = Grasp(tip_pose(tip, approach, closing), width, back=behind + _BEYOND,
                  aside=_ASIDE if hand.has_fixed_finger else 0.0, lift=_LIFT)  # fmt: skip
    poses = (grasp.X_BT, grasp.before, grasp.lifted)
    return grasp if all(_is_in_reach(hand, X_BT) for X_BT in poses) else None


def _is_in_reach(hand: PlaneHand, X_BT: Array) -> bool:
    """Say whether the arm is long enough for its tip to be there; whether it bends so, inverse kinematics finds."""
    wrist = X_BT[:3, 3] - hand.length * X_BT[:3, 2]
    out = float(np.linalg.norm(wrist[:2] - hand.axis)) - hand.shoulder[0]
    return math.hypot(out, wrist[2] - hand.shoulder[1]) < hand.reach + _SLACK
