"""Plans how to put down what a hand holds: the way above the place, down to it, and out with the fingers open."""

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from vagus.act.grasp_plan import GraspPlan, GraspSearch
from vagus.act.grasps import BACK_M, LIFT_M
from vagus.act.hand import Hand
from vagus.act.load import Load
from vagus.act.motion import first_free
from vagus.act.skill import Array, Context, Held
from vagus.act.surroundings import Solid, Surroundings
from vagus.core.frames import invert, transform

_CHECKS = (0.25, 0.5, 0.75)
"""Where on the way down and out it is checked."""
_STRETCH = 0.9
"""An arm puts nothing down beyond this share of its length from its shoulder, on a level: it would be straight."""
_CLOSE_M = 0.003
"""Kept by what is held from all else on the way down [m]."""
LOOSE_M = 0.015
"""How far each finger moves off the thing when it lets go [m]."""


class PlaceSearch(GraspSearch):
    """The search for one hand, from joint positions at which it would begin."""

    def __init__(self, ctx: Context, hand: Hand, held: Held, width: float, q: Array) -> None:
        """Take what it holds, how far apart the fingers are [m], and where all joints are at rest, (n_joints,)."""
        super().__init__(ctx, hand.arm, q, np.zeros(len(q)))
        self._held, self._load = held, Load(ctx, hand, held)
        self.width = min(hand.opening, width + 2.0 * LOOSE_M)
        """How far the hand opens [m]."""
        self._q[self._hand.joints] = hand.position(self.width)
        which = self._skin.moved_by((hand.arm.joints[-1], *hand.arm.fingers))
        X_TB = invert(ctx.kinematics.pose_of(self._q, hand.arm.tip))
        self._balls, self._radii = transform(X_TB, self._skin.points(self._q)[which]), self._skin.radius[which]
        """What covers the hand, in the tip's frame [m]."""
        self._span = _STRETCH * ctx.kinematics.arm_length(hand.arm)

    @property
    def shoulder(self) -> Array:
        """Where the arm begins, in the base frame [m], shape (3,)."""
        return self._shoulder

    def at(self, feet: Sequence[Array], others: list[Solid]) -> Generator[None, None, GraspPlan | None]:
        """Search a way to put its foot's frame at one of some poses (4, 4) in the base frame, best first."""
        around = Surroundings(others)
        for X_BF in feet:
            if not self._has_room(X_BF @ self._held.X_FT, around):
                continue
            thing = replace(self._held.thing, centre=X_BF[:3, 3] + [0.0, 0.0, 0.5 * self._held.thing.size[2]])
            self._look(thing, others)
            found = yield from self._lower(X_BF @ self._held.X_FT)
            if found is None:
                continue
            before, at, lifted = found
            j = self._joints
            stops = yield from first_free(self._ctx, self._q, self._v[j], j, ([lifted[j]],), self._is_clear_above)
            if stops is not None:
                return GraspPlan(self._hand, j, self.width, stops, before[j], at[j], lifted[j])
        return None

    def _has_room(self, X_BT: Array, around: Surroundings) -> bool:
        """Say whether the tip is within the arm's length there, and the hand alone touches nothing."""
        is_near = float(np.linalg.norm(X_BT[:2, 3] - self._shoulder[:2])) < self._span
        return is_near and bool(np.all(around.distance(transform(X_BT, self._balls)) - self._radii > 0.0))

    def _lower(self, X_BT: Array) -> Generator[None, None, tuple[Array, Array, Array] | None]:
        """Search positions of all joints after it let go, where it does, and above; (n_joints,) each."""
        at = yield from self._reach(X_BT, self._q)
        if at is None:
            return None
        lifted = yield from self._reach(_raised(X_BT), at)
        if lifted is None or not all(self._is_clear_down(at + share * (lifted - at)) for share in _CHECKS):
            return None
        out = X_BT.copy()
        out[:3, 3] -= BACK_M * X_BT[:3, 2]
        for way in (out, _raised(X_BT)):
            before = yield from self._reach(way, at)
            if before is not None and self._is_clear_out(at, before):
                return before, at, lifted
        return None

    def _is_clear_down(self, q: Array) -> bool:
        return self._load.is_clear(q, self._others, _CLOSE_M) and self._skin.clearance(q, self._others) > _CLOSE_M

    def _is_clear_out(self, at: Array, before: Array) -> bool:
        """Say whether the open hand comes out without touching what it has put down, or anything else."""
        is_free = self._skin.clearance(before, self._others) > _CLOSE_M
        return is_free and all(self._is_clear_at(at + share * (before - at)) for share in (0.0, *_CHECKS))

    def _is_clear_above(self, q: Array) -> bool:
        """Say whether arm and what it holds keep away from all that is around."""
        return self._load.is_clear(q, self._others) and self._skin.clearance(q, self._others) > _CLOSE_M


def _raised(X_BT: Array) -> Array:
    X = X_BT.copy()
    X[2, 3] += LIFT_M
    return X
