"""Carry what the hands hold: upright, close to the body and clear of it, where it touches nothing on the way."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from vagus.act.approach import tuck_joints, tucked_in
from vagus.act.grasp_plan import STEPS
from vagus.act.load import Load, loads
from vagus.act.motion import first_free, spread, visit
from vagus.act.reach import Reach, solving
from vagus.act.scene import base_pose, level_pose, past_hands, solids
from vagus.act.skill import Array, Context, Held, Observation, Targets
from vagus.act.surroundings import Skin, Surroundings
from vagus.core.robot import ArmSpec

_ASIDE = (0.0, 0.08, 0.16)
"""How far out to its side an arm carries, beside its shoulder, as a share of its length, least first."""
_AHEAD = (0.35, 0.42, 0.50)
"""How far ahead of its shoulder, as a share of its length: with the elbow bent, close to the body."""
_BELOW = (0.20, 0.12, 0.04, -0.04)
"""How far below its shoulder, as a share of its length: with the lift up above what stands on tables."""
_TURNS = (0.0, 0.4, -0.4)
"""How its approach may be turned beside straight ahead [rad]."""
_AT_M, _AT_RAD = 0.01, 0.12
"""How near the tip must be: a cup that is carried 7 degrees askew spills nothing."""


def carried_in(ctx: Context, obs: Observation) -> Generator[None, None, Array | None]:
    """Search positions of all joints with empty arms tucked in and full ones carrying, (n_joints,); None if none is."""
    now = obs.commanded()[0]
    q = tucked_in(ctx, now)
    for name, load in loads(ctx, obs).items():
        arm = next(arm for arm in ctx.spec.arms if arm.name == name)
        q[ctx.indices(arm.joints)] = now[ctx.indices(arm.joints)]  # it holds the thing upright now
        found = yield from _carrying(ctx, q, arm, ctx.held[name], load)
        if found is None:
            return None
        q = found
    return q


def _carrying(ctx: Context, q: Array, arm: ArmSpec, held: Held, load: Load) -> Generator[None, None, Array | None]:
    nothing = Surroundings([])
    for X_BT in _poses(ctx, q, arm, held):
        reach = Reach(arm=replace(arm, tucked=()), position=X_BT[:3, 3], rotation=X_BT[:3, :3],
                      position_tolerance=_AT_M, angle_tolerance=_AT_RAD, stays_near_start=True)  # fmt: skip
        found = yield from solving(ctx.kinematics, reach, [q])
        if found.q is not None and load.is_clear(found.q, nothing):
            return found.q
    return None


def _poses(ctx: Context, q: Array, arm: ArmSpec, held: Held) -> Iterator[Array]:
    """Yield poses of the tip before the shoulder, with what it holds upright."""
    shoulder, length = ctx.kinematics.anchor(q, arm.joints[0]), ctx.kinematics.arm_length(arm)
    out = np.sign(shoulder[1]) or 1.0
    for aside in _ASIDE:
        for ahead in _AHEAD:
            for below in _BELOW:
                for turn in _TURNS:
                    X_BT = level_pose(0.0, 0.0, turn) @ held.X_FT
                    X_BT[:3, 3] = shoulder + length * np.array([ahead, out * aside, -below])
                    yield X_BT


def carry(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[Array | None, Observation]]:
    """Bring the arms where they carry; return all joints' positions there, (n_joints,), None if there is no way."""
    goal, obs = yield from spread(carried_in(ctx, obs), obs, per_tick=STEPS)
    if goal is None:
        return None, obs
    joints = tuck_joints(ctx)
    stops, obs = yield from spread(_way(ctx, obs, goal), obs, per_tick=STEPS)
    if stops is None:
        return None, obs
    return goal, (yield from visit(ctx, obs, joints, stops))


def _way(ctx: Context, obs: Observation, goal: Array) -> Generator[None, None, list[Array] | None]:
    """Search a way on which neither arms nor what they hold touch anything: straight, or the trunk first."""
    q, v = obs.commanded()
    joints, held = tuck_joints(ctx), loads(ctx, obs)
    around = Surroundings(solids(past_hands(ctx, obs), base_pose(obs)))
    skin = Skin(ctx.kinematics, [ctx.spec.joints[int(j)].name for j in joints])
    near = min(0.0, skin.clearance(q, around))  # as near as it is now it may stay

    def is_clear(at: Array) -> bool:
        is_free = skin.clearance(at, around) >= near
        return is_free and all(load.is_clear(at, around, keep=near) for load in held.values())

    raised = q.copy()
    trunk = ctx.indices(tuple({j for arm in ctx.spec.arms for j in ctx.kinematics.trunk(arm)}))
    raised[trunk] = goal[trunk]
    ways = ([goal[joints]], [raised[joints], goal[joints]])
    return (yield from first_free(ctx, q, v[joints], joints, ways, is_clear))
