"""Look around: the head sweeps what is before the robot, so that perception sees what stands there.

What stands behind other things is looked for from elsewhere: the robot drives a part of a circle about them first.
"""

import math
from collections.abc import Generator

import numpy as np

from vagus.act.approach import floor_of, go, tuck
from vagus.act.look import neck_joints
from vagus.act.motion import clipped, hold, is_there, move_to
from vagus.act.pick import pick_joints
from vagus.act.scene import base_pose, past_body, past_hands
from vagus.act.skill import Args, Context, Observation, Outcome, Skill, Targets
from vagus.act.stance import Leg
from vagus.core.robot import RobotSpec

ELSEWHERE = "elsewhere"
PLACES = ("here", ELSEWHERE)
"""Where it may look around from."""

_DOWN = math.radians(28.0)
"""How far the head looks down: tables and shelves that hands reach are then in the picture."""
_SIDE = math.radians(35.0)
"""How far to either side: less than the camera's field of view, so that the pictures overlap."""
_HOLD_S = 1.1
"""How long it looks: three pictures at perception's rate, of a head at rest, make a thing believed."""
_NEAR_M = 1.8
"""Things at most so far away [m] may hide others."""
_TURNS = (1.1, -1.1, 0.8, -0.8, 1.5, -1.5)
"""How far round about them it goes [rad], best first: what nearly touches a thing of its width is beside it then."""


def lacks_eyes(spec: RobotSpec) -> str | None:
    """Say that a robot has no neck, or no camera on it."""
    return None if spec.neck and spec.neck.camera else "a camera on a neck"


def look_joints(spec: RobotSpec, args: Args) -> tuple[str, ...]:
    """Return the neck's joints; to look from elsewhere, all but the face's."""
    return pick_joints(spec, args) if args.get("where") == ELSEWHERE else neck_joints(spec, args)


def look_around(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Look ahead, left and right of there; succeeds when the neck is measured where the last look was."""
    if args.get("where") == ELSEWHERE:
        reason, obs = yield from _go_round(ctx, obs)
        if reason:
            return Outcome(ok=False, reason=reason)
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


def _go_round(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[str, Observation]]:
    """Drive to where all that is known is seen from another side; return why that failed."""
    if ctx.spec.base is None:
        return "out_of_reach", obs
    reason, obs = yield from tuck(ctx, obs)
    if reason:
        return reason, obs
    return (yield from go(ctx, obs, _way(ctx, past_body(ctx, obs)), "no_free_path"))


def _way(ctx: Context, obs: Observation) -> Generator[None, None, list[Leg] | None]:
    """Search the way to another side of what stands before it; None if nothing does."""
    floor, here = floor_of(ctx, obs), base_pose(obs)[:2, 3]
    places = [thing.centre[:2] for thing in past_hands(ctx, obs).things]
    near = [place for place in places if float(np.linalg.norm(place - here)) <= _NEAR_M]
    for X_WS in floor.views(np.mean(near, axis=0), _TURNS) if near else ():
        legs = yield from floor.route(X_WS)
        if legs is not None:
            return legs
    return None
