"""What a gripper does: open, close until it holds, and say whether it holds. It keeps its grip until it is told more.

Force comes from the motor's limit, not from how far the fingers are told to go: they are told a little more than where
they are, so that a thing that slips away does not let them snap shut.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vagus.act.motion import Motion, move_to
from vagus.act.skill import Array, Context, Indices, Observation, Targets
from vagus.core.errors import ConfigError
from vagus.core.robot import ArmSpec

GRIP_SHARE = 0.8
"""Of the gripper's largest force: what holds a thing. The rest is left for the gate to judge by."""
SLOW = 0.3
"""Share of the joints' speeds at which a hand moves about a thing."""
_TOUCHED_N = 0.5
"""A pad that is pressed by more than this touches something [N]: several times its noise."""
_CLOSE_SHARE = 0.5
"""Of the gripper's largest speed, when it closes on something."""
_SQUEEZE_SHARE = 0.1
"""How far beyond the thing's surface the fingers are told to go, as a share of their stroke."""
_BLIND_SQUEEZE_SHARE = 0.2
"""The same for a hand without touch pads: a thing that settles between its fingers must not look lost."""
_CLOSE_S = 2.5
"""Longest time that closing takes [s]."""
_FIRM_S = 0.15
"""For how long both pads must be pressed before it counts as held [s]."""
_PRESSED_SHARE = 0.05
"""Fingers that are kept from where they are told to be by more than this share of their stroke press on something:
several times what a servo lags when it moves, a quarter of how far beyond the thing's surface they are told to go."""
_EMPTY_SHARE = 0.04
"""A gripper that is closed to this share of its stroke has nothing in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """One arm's gripper."""

    arm: ArmSpec
    joints: Indices
    """The gripper joint's index, shape (1,)."""
    table: Array
    """Positions of its joint [unit] and how far apart the fingers are there [m], both rising, shape (n, 2)."""
    pads: Indices
    """Indices of its touch pads."""

    @classmethod
    def of(cls, ctx: Context, arm: ArmSpec) -> "Hand":
        """Return an arm's hand. Raises ConfigError if it has none, or nobody knows how far it opens."""
        if arm.gripper is None or not arm.can_grasp:
            raise ConfigError(f"arm {arm.name!r}: got no gripper with a known opening, allowed: one, to grasp with")
        joint = ctx.spec.joints[ctx.spec.joint_index(arm.gripper)]
        known = ctx.spec.touch.pads if ctx.spec.touch else ()
        pads = np.array([known.index(pad) for pad in arm.pads], np.intp)
        in_proportion = ((joint.position_min, 0.0), (joint.position_max, arm.opening or 0.0))
        return cls(arm, ctx.indices((arm.gripper,)), np.array(arm.widths or in_proportion, np.float64), pads)

    @property
    def low(self) -> float:
        """Closed [unit of the joint]."""
        return float(self.table[0, 0])

    @property
    def high(self) -> float:
        """Open."""
        return float(self.table[-1, 0])

    @property
    def opening(self) -> float:
        """How far it opens [m]."""
        return float(self.table[-1, 1])

    def position(self, width: float) -> Array:
        """Return the joint's position at which the fingers are ``width`` [m] apart, shape (1,)."""
        return np.array([np.interp(width, self.table[:, 1], self.table[:, 0])])

    def width(self, obs: Observation) -> float | None:
        """Return how far apart the fingers are measured to be [m]; None without a reading."""
        measured = obs.measured(self.joints)
        return None if measured is None else float(np.interp(measured[0][0], self.table[:, 0], self.table[:, 1]))

    def forces(self, obs: Observation) -> Array | None:
        """Return what its pads feel [N], shape (n,); None if it has none, or they are silent."""
        if obs.touch is None or len(self.pads) == 0:
            return None
        forces = obs.touch["force"][self.pads]
        return forces.copy() if np.isfinite(forces).all() else None

    def holds(self, obs: Observation) -> bool:
        """Say whether something is between the fingers.

        All pads are pressed; or, without pads, the fingers are kept apart by more than they would lag.
        """
        measured, forces = obs.measured(self.joints), self.forces(obs)
        if measured is None or measured[0][0] - self.low < _EMPTY_SHARE * (self.high - self.low):
            return False
        if len(self.pads) == 0:
            kept_apart = float(measured[0][0] - obs.commanded()[0][self.joints][0])
            return kept_apart > _PRESSED_SHARE * (self.high - self.low)
        return True if forces is None else bool(np.all(forces > _TOUCHED_N))


def open_hand(ctx: Context, obs: Observation, hand: Hand, width: float) -> Motion:
    """Open, or close, to a width [m]."""
    return (yield from move_to(ctx, obs, hand.joints, hand.position(width), share=0.8, settle_s=0.3))


def close_hand(ctx: Context, obs: Observation, hand: Hand) -> Generator[Targets | None, Observation, Observation]:
    """Close until something is held firmly, or nothing is there."""
    start_ns = firm_ns = obs.now_ns
    q = float(obs.commanded()[0][hand.joints][0])
    step = _CLOSE_SHARE * float(ctx.spec.array("speed_max")[hand.joints][0])
    effort = GRIP_SHARE * ctx.spec.array("effort_max")[hand.joints]
    last_ns = obs.now_ns
    while obs.now_ns - start_ns < _CLOSE_S * 1e9 and obs.now_ns - firm_ns < _FIRM_S * 1e9:
        q = _squeezed(hand, obs, max(hand.low, q - step * (obs.now_ns - last_ns) * 1e-9))
        last_ns = obs.now_ns
        if not hand.holds(obs):
            firm_ns = obs.now_ns
        v = -step if q > hand.low else 0.0
        obs = yield Targets(joints=hand.joints, q=np.array([q]), v=np.array([v]), effort_max=effort,
                            origin_ns=None if obs.touch is None else obs.touch["origin_ns"])  # fmt: skip
    return obs


def _squeezed(hand: Hand, obs: Observation, q: float) -> float:
    """Return where the fingers are told to go: at most a little beyond where they are."""
    measured = obs.measured(hand.joints)
    squeeze = (_SQUEEZE_SHARE if len(hand.pads) else _BLIND_SQUEEZE_SHARE) * (hand.high - hand.low)
    return q if measured is None else max(hand.low, max(q, float(measured[0][0]) - squeeze))


def side_of(ctx: Context, arm: ArmSpec) -> float:
    """Return on which side an arm is: 1 left, -1 right."""
    return math.copysign(1.0, float(ctx.kinematics.anchor(ctx.kinematics.home, arm.joints[0])[1]))
