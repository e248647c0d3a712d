"""Carry what the hands hold: upright, close to the body and clear of it; empty arms are tucked in."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np

from vagus.act.grasp_plan import STEPS, tucked
from vagus.act.load import loads
from vagus.act.motion import Motion, first_free, spread, visit
from vagus.act.reach import Reach, solving
from vagus.act.scene import base_pose, level_pose, past_hands, solids
from vagus.act.skill import Array, Context, Held, Indices, Observation, Targets
from vagus.act.surroundings import Surroundings, no_nearer, skin_of
from vagus.core.robot import ArmSpec

_BELOW = (-0.04, 0.04, 0.12, -0.12)
"""How far below its shoulder an arm carries, as a share of its length, best first: with the lift up above what
stands on tables."""
_AHEAD = (0.35, 0.42, 0.50)
"""How far ahead of its shoulder, as a share of its length: with the elbow bent, close to the body."""
_ASIDE = (0.08, 0.0, 0.16)
"""How far out to its side: there the camera sees past it."""
_TURNS = (0.0, 0.4, -0.4)
"""How its approach may be turned beside straight ahead [rad]."""
_RAISES_M = (0.16, 0.12, 0.08, 0.05)
"""How much higher what is held goes where it stays in the way [m], best first."""
_AT_M, _AT_RAD = 0.01, 0.12
"""How near the tip must be: a cup that is carried 7 degrees askew spills nothing."""
_CLEAR_M = 0.015
"""Kept from all that stands around [m]; what is nearer already must not get much nearer."""

_Search = Generator[None, None, list[Array] | None]


def carry(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[bool, Observation]]:
    """Raise what carries the arms, bring full hands before their shoulders, and tuck empty arms in.

    What has no free way stays where it is; returns whether every full hand is where it carries.
    """
    trunk = ctx.indices(tuple(dict.fromkeys(j for arm in ctx.spec.arms for j in ctx.kinematics.trunk(arm))))
    if len(trunk):
        _, obs = yield from _go(ctx, obs, trunk, _straight(ctx, obs, trunk, [ctx.kinematics.high[trunk]]))
    is_carried = True
    full = loads(ctx, obs)
    for arm in sorted(ctx.spec.arms, key=lambda a: a.name not in full):
        joints = ctx.indices(arm.joints)
        search = _before_shoulder(ctx, obs, arm) if arm.name in full else _folded(ctx, obs, arm)
        is_there, obs = yield from _go(ctx, obs, joints, search)
        is_carried &= is_there or arm.name not in full
    return is_carried, obs


def draw_in(ctx: Context, obs: Observation) -> Motion:
    """Do the same, as far as there are ways."""
    return (yield from carry(ctx, obs))[1]


def raise_full(ctx: Context, obs: Observation) -> Motion:
    """Raise what the hands hold straight up, as far as there is a way: over what stands around it."""
    for arm in ctx.spec.arms:
        if arm.name in loads(ctx, obs):
            _, obs = yield from _go(ctx, obs, ctx.indices(arm.joints), _higher(ctx, obs, arm))
    return obs


def _higher(ctx: Context, obs: Observation, arm: ArmSpec) -> _Search:
    joints, q = ctx.indices(arm.joints), obs.commanded()[0]
    X_BT = ctx.kinematics.pose_of(q, arm.tip)
    for up in _RAISES_M:
        found = (yield from solving(ctx.kinematics, _reach(arm, X_BT, up), [q])).q
        stops = None if found is None else (yield from _straight(ctx, obs, joints, [found[joints]]))
        if stops is not None:
            return stops
    return None


def _reach(arm: ArmSpec, X_BT: Array, up: float = 0.0) -> Reach:
    return Reach(arm=replace(arm, tucked=()), position=X_BT[:3, 3] + [0.0, 0.0, up], rotation=X_BT[:3, :3],
                 position_tolerance=_AT_M, angle_tolerance=_AT_RAD, stays_near_start=True)  # fmt: skip


def _go(ctx: Context, obs: Observation, joints: Indices, search: _Search
        ) -> Generator[Targets | None, Observation, tuple[bool, Observation]]:  # fmt: skip
    stops, obs = yield from spread(search, obs, per_tick=STEPS)
    if stops is None:
        return False, obs
    return True, (yield from visit(ctx, obs, joints, stops))


def _straight(ctx: Context, obs: Observation, joints: Indices, *ways: list[Array]) -> _Search:
    """Search the first of some ways on which neither the robot nor what it holds touches anything."""
    q, v = obs.commanded()
    return (yield from first_free(ctx, q, v[joints], joints, ways, clear_of(ctx, obs, joints)))


def clear_of(ctx: Context, obs: Observation, joints: Indices) -> Callable[[Array], bool]:
    """Return what says whether these joints may be somewhere, by what is known around now."""
    around = Surroundings(solids(past_hands(ctx, obs), base_pose(obs)))
    skin = skin_of(ctx.kinematics, tuple(ctx.spec.joints[int(j)].name for j in joints))
    held, q = loads(ctx, obs).values(), obs.commanded()[0]
    near = [skin.clearance(q, around), *(float(around.distance(load.points(q)).min()) for load in held)]
    keep = [no_nearer(m, _CLEAR_M) for m in near]

    def is_clear(at: Array) -> bool:
        is_free = skin.clearance(at, around) >= keep[0]
        return is_free and all(load.is_clear(at, around, m) for load, m in zip(held, keep[1:], strict=True))

    return is_clear


def _folded(ctx: Context, obs: Observation, arm: ArmSpec) -> _Search:
    """Search a way to tuck an arm in: at once, or from its middle joint on first."""
    joints, goal = ctx.indices(arm.joints), tucked(ctx, arm)
    outer = obs.commanded()[0][joints]
    outer[len(joints) // 2 :] = goal[len(joints) // 2 :]
    return (yield from _straight(ctx, obs, joints, [goal], [outer, goal]))


def _before_shoulder(ctx: Context, obs: Observation, arm: ArmSpec) -> _Search:
    """Search where an arm carries what it holds, with a way there."""
    joints, q = ctx.indices(arm.joints), obs.commanded()[0]
    is_clear, drawn_in = clear_of(ctx, obs, joints), q.copy()
    drawn_in[joints] = tucked(ctx, arm)
    for X_BT in _poses(ctx, q, arm, ctx.held[arm.name]):
        found = (yield from solving(ctx.kinematics, _reach(arm, X_BT), [q, drawn_in])).q
        if found is None or not is_clear(found):
            continue
        stops = yield from _straight(ctx, obs, joints, [found[joints]])
        if stops is not None:
            return stops
    return None


def _poses(ctx: Context, q: Array, arm: ArmSpec, held: Held) -> Iterator[Array]:
    """Yield poses of the tip before the shoulder, with what it holds upright."""
    shoulder, length = ctx.kinematics.anchor(q, arm.joints[0]), ctx.kinematics.arm_length(arm)
    out = np.sign(shoulder[1]) or 1.0
    for below in _BELOW:
        for ahead in _AHEAD:
            for aside in _ASIDE:
                for turn in _TURNS:
                    X_BT = level_pose(0.0, 0.0, turn) @ held.X_FT
                    X_BT[:3, 3] = shoulder + length * np.array([ahead, out * aside, -below])
                    yield X_BT
