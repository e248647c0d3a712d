"""Plans a grasp: which of a thing's grasps an arm reaches past all that stands around, and the ways there and up."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np

from vagus.act.grasps import Grasp, grasps
from vagus.act.hand import Hand
from vagus.act.motion import first_free
from vagus.act.plane_grasps import PUSH_M, plane_grasps, plane_hand
from vagus.act.reach import Avoid, Reach, solving
from vagus.act.skill import Array, Context, Indices
from vagus.act.surroundings import Solid, Surroundings, skin_of, solid_of
from vagus.core.frames import invert, transform
from vagus.core.robot import ArmSpec
from vagus.core.things import Thing

_CLEAR_M = 0.012
"""Kept from all that stands around on the way [m]: perception's p95 error is 9 mm."""
_CLOSE_M = 0.003
"""Kept by the hand from what stands beside the thing once it is there [m]: it was seen together with the thing."""
_ROOM_M, _MORE = 0.009, 5
"""Where a hand has less room than this beside the thing [m], so many grasps more are tried for one with the most."""
STEPS = 4
"""Steps of a search per tick: half of the tick's time on a slow core."""
_TRIES = 24
"""Grasps that are tried before it counts as out of reach."""
_STRETCH = 0.94
"""An arm takes nothing beyond this share of its length: of 120 grasps that were found, the farthest was at 0.92."""
_PLANE_TRIES = 60
"""The same for an arm of five joints, which cannot dodge: what is in the way of one grasp is in the way of most."""
_AT_M, _AT_RAD = 0.004, 0.06
"""How near the tip must be planned to a grasp."""
_CHECKS = (0.2, 0.4, 0.6, 0.8)
"""Where on the way in the hand is checked."""


@dataclass(frozen=True, slots=True, eq=False)
class GraspPlan:
    """One pick, from the first stop to the lifted hand; positions of ``joints``, shape (k,)."""

    hand: Hand
    joints: Indices
    """Of the arm and what carries it."""
    width: float
    """What the fingers close on [m]."""
    stops: list[Array]
    """To the place before the thing; to put it down, to the place above."""
    before: Array
    """With the fingers beside the thing."""
    at: Array
    """With the fingers about it."""
    lifted: Array


class GraspSearch:
    """The search for one arm, from joint positions at which it would begin."""

    def __init__(self, ctx: Context, arm: ArmSpec, q: Array, v: Array) -> None:
        """Take all joints' positions and velocities at the start, shape (n_joints,) each."""
        kinematics = ctx.kinematics
        self._ctx, self._v = ctx, v
        self._hand = Hand.of(ctx, arm)
        names = (*kinematics.trunk(arm), *arm.joints)
        self._arm, self._joints = replace(arm, joints=names, tucked=()), ctx.indices(names)
        self._skin = skin_of(kinematics, (*names, *arm.fingers))
        self._limb = self._skin.moved_by(arm.joints)
        """The arm itself, which goes between things;"""
        self._rest = ~self._limb
        """what its trunk moves along, such as the other arm, stays away from them."""
        # Beside a finger that stands still the other one must not touch the thing either before it closes.
        fingers = self._skin.moved_by(() if arm.has_fixed_finger else arm.fingers)
        self._palm = self._limb & ~fingers
        self._beside = PUSH_M if arm.has_fixed_finger else _CLOSE_M
        self._plane = plane_hand(kinematics, self._arm, self._hand.opening)
        self._q = q.copy()
        self._q[self._hand.joints] = self._hand.position(self._hand.opening)
        self._shoulder = kinematics.anchor(self._q, arm.joints[0])
        X_BT = kinematics.pose_of(self._q, arm.tip)
        self._claw = self._skin.moved_by((arm.joints[-1], *arm.fingers))
        self._p_T_claw = transform(invert(X_BT), self._skin.points(self._q)[self._claw])
        self._p_T_wrist = transform(invert(X_BT), kinematics.anchor(self._q, arm.joints[-1]))
        self._length = _STRETCH * (kinematics.arm_length(arm) - float(np.linalg.norm(self._p_T_wrist)))
        self._tucked = self._q.copy()
        self._tucked[ctx.indices(arm.joints)] = tucked(ctx, arm)
        self._middle = self._q.copy()
        self._middle[self._joints] = 0.5 * (kinematics.low[self._joints] + kinematics.high[self._joints])

    def run(self, target: Thing, others: list[Solid]) -> Generator[None, None, GraspPlan | None]:
        """Search a way to take a thing; yields after every step of it.

        Args:
            target: The thing, in the base frame.
            others: What else stands around, in the base frame.
        """
        self._look(target, others)
        ways = plane_grasps(target, self._plane) if self._plane else grasps(target, self._shoulder, self._hand.opening)
        best: tuple[float, GraspPlan] | None = None
        left = _PLANE_TRIES if self._plane else _TRIES
        for grasp in filter(self._may_fit, ways):
            left -= 1
            found = yield from self._try(grasp)
            stops = None if found is None else (yield from self._way(found[0], self._is_clear_before))
            if found is not None and stops is not None:
                before, at, lifted = found
                j, room = self._joints, self._skin.clearance(at, self._others, self._limb)
                if best is None or room > best[0]:
                    best = room, GraspPlan(self._hand, j, grasp.width, stops, before[j], at[j], lifted[j])
                left = min(left, _MORE)
            if left <= 0 or (best is not None and best[0] > _ROOM_M):
                break
        return None if best is None else best[1]

    def _look(self, target: Thing, others: list[Solid]) -> None:
        self._others, self._target = Surroundings(others), Surroundings([solid_of(target)])
        self._all = Surroundings([*others, solid_of(target)])

    def _may_fit(self, grasp: Grasp) -> bool:
        """Say whether the wrist would be within the arm's length, and the hand alone have room there and before."""
        wrist = transform(grasp.X_BT, self._p_T_wrist)
        if np.linalg.norm((wrist - self._shoulder)[:2]) > self._length:
            return False
        at, radii = transform(grasp.X_BT, self._p_T_claw), self._skin.radius[self._claw]
        if np.any(self._others.distance(at) - radii < _CLOSE_M):
            return False
        before = transform(grasp.before, self._p_T_claw)
        return bool(np.all(self._all.distance(before) - radii > _CLEAR_M))

    def _try(self, grasp: Grasp) -> Generator[None, None, tuple[Array, Array, Array] | None]:
        """Search positions of all joints before a grasp, at it, and lifted; (n_joints,) each."""
        at = yield from self._reach(grasp.X_BT, self._q)
        if at is None:
            return None
        before = yield from self._reach(grasp.before, at)
        if before is None or not self._is_clear_before(before):
            return None
        if not all(self._is_clear_at(before + share * (at - before)) for share in (*_CHECKS, 1.0)):
            return None
        lifted = yield from self._reach(grasp.lifted, at)
        return None if lifted is None else (before, at, lifted)

    def _way(self, goal: Array, is_clear: Callable[[Array], bool]) -> Generator[None, None, list[Array] | None]:
        j = self._joints
        ways = ([goal[j]], [self._tucked[j], goal[j]])
        return (yield from first_free(self._ctx, self._q, self._v[j], j, ways, is_clear))

    def _reach(self, X_BT: Array, start: Array) -> Generator[None, None, Array | None]:
        """Search joints that bring the tip there: freely at first, then pushed off what is in the way."""
        reach = Reach(arm=self._arm, position=X_BT[:3, 3], rotation=X_BT[:3, :3], position_tolerance=_AT_M,
                      angle_tolerance=_AT_RAD, stays_near_start=True)  # fmt: skip
        found = yield from solving(self._ctx.kinematics, reach, [start, self._middle] if self._plane else [start])
        if found.q is None or self._is_clear_at(found.q):
            return found.q
        avoid = (Avoid(skin=self._skin, around=self._others, which=self._limb, keep=2.0 * _CLOSE_M),
                 Avoid(skin=self._skin, around=self._all, which=self._rest, keep=_CLEAR_M + _CLOSE_M),
                 Avoid(skin=self._skin, around=self._target, which=self._palm, keep=2.0 * _CLOSE_M))  # fmt: skip
        found = yield from solving(self._ctx.kinematics, replace(reach, avoid=avoid), [found.q])
        return found.q

    def _is_clear_at(self, q: Array) -> bool:
        """Say whether the hand about the thing touches nothing else, and its palm not the thing."""
        skin = self._skin
        return (
            skin.clearance(q, self._others, self._limb) > _CLOSE_M
            and skin.clearance(q, self._all, self._rest) > _CLEAR_M
            and skin.clearance(q, self._target, self._palm) > self._beside
        )

    def _is_clear_before(self, q: Array) -> bool:
        return self._skin.clearance(q, self._all) > _CLEAR_M


def tucked(ctx: Context, arm: ArmSpec) -> Array:
    """Return the positions of an arm's joints, shape (k,), at which its hand is close to the body."""
    return np.array(arm.tucked) if arm.tucked else ctx.kinematics.home[ctx.indices(arm.joints)]
