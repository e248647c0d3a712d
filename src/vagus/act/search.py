"""Look around: the head sweeps what is before the robot, so that perception sees what stands there."""

import math
from collections.abc import Generator

import numpy as np

from vagus.act.look import neck_joints
from vagus.act.motion import clipped, hold, is_there, move_to
from vagus.act.skill import Args, Context, Observation, Outcome, Skill, Targets
from vagus.core.robot import RobotSpec

_DOWN = math.radians(28.0)
"""How far the head looks down: tables and shelves that hands reach are then in the picture."""
_SIDE = math.radians(35.0)
"""How far to either side: less than the camera's field of view, so that the pictures overlap."""
_HOLD_S = 1.1
"""How long it looks: three pictures at perception's rate, of a head at rest, make a thing believed."""


def lacks_eyes(spec: RobotSpec) -> str | None:
    """Say that a robot has no neck, or no camera on it."""
    return None if spec.neck and spec.neck.camera else "a camera on a neck"


def look_around(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Look ahead, left and right of there; succeeds when the neck is measured where the last look was."""
    is_done, obs = yield from sweep(ctx, obs)
    figures = {"things": float(len(obs.things))}
    return Outcome(ok=is_done, reason="done" if is_done else "not_reached", figures=figures)


def sweep(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[bool, Observation]]:
    """Do the same; return whether the neck is measured where the last look was."""
    joints = ctx.indices(neck_joints(ctx.spec, {}))
    goal = obs.commanded()[0][joints]
    for azimuth in (0.0, _SIDE, -_SIDE):
        goal = clipped(ctx, joints, np.array([azimuth, _DOWN]))
        obs = yield from move_to(ctx, obs, joints, goal)
        obs = yield from hold(obs, joints, goal, _HOLD_S)
    return is_there(ctx, obs, joints, goal), obs
