"""Look somewhere: the neck turns until the head faces a direction or a point. The head stays there."""

import math

import numpy as np

from vagus.act.directions import LOOKING, angles, direction
from vagus.act.motion import Motion, clipped, is_there, move_to, plan, visit
from vagus.act.reach import angle_between
from vagus.act.scene import base_pose
from vagus.act.skill import Args, Array, Context, Observation, Outcome, Skill
from vagus.core.frames import invert, transform
from vagus.core.robot import NeckSpec, RobotSpec

_TURN = 1e-4  # step of the finite difference [rad]


def neck_joints(spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    """Return the neck's joints, yaw first."""
    return (spec.neck.yaw, spec.neck.pitch) if spec.neck else ()


def lacks_neck(spec: RobotSpec) -> str | None:
    """Say that a robot has no neck."""
    return None if spec.neck else "a neck"


def facing(ctx: Context, neck: NeckSpec, q: Array) -> tuple[Array, Array]:
    """Return where the head is and which way it faces, both in the base frame, shape (3,).

    The camera's optical axis; without a camera, the x axis of the body that the pitch joint moves.
    """
    kinematics = ctx.kinematics
    if neck.camera:
        X_BC = kinematics.pose_of(q, neck.camera)
        return X_BC[:3, 3], X_BC[:3, 2]
    body = kinematics.model.body(int(kinematics.model.joint(neck.pitch).bodyid[0])).name
    X_BH = kinematics.pose_of(q, body)
    return X_BH[:3, 3], X_BH[:3, 0]


def aim(ctx: Context, neck: NeckSpec, q: Array, args: Args) -> Array:
    """Return neck positions (2,) that face where ``args`` say, unclipped: Newton's method on azimuth and elevation."""
    joints = ctx.indices(neck_joints(ctx.spec, {}))
    q = q.copy()
    for _ in range(8):
        miss = _miss(ctx, neck, q, args)
        slope = np.zeros((2, 2))
        for k, joint in enumerate(joints):
            nudged = q.copy()
            nudged[joint] += _TURN
            slope[:, k] = (_miss(ctx, neck, nudged, args) - miss) / _TURN
        step = np.linalg.lstsq(slope, -miss, rcond=None)[0]
        q[joints] += np.clip(step, -0.5, 0.5)
    return q[joints]


def _miss(ctx: Context, neck: NeckSpec, q: Array, args: Args) -> Array:
    head, axis = facing(ctx, neck, q)
    wanted, got = angles(_wanted(args, head)), angles(axis)
    wrapped = math.remainder(got[0] - wanted[0], 2.0 * math.pi)
    return np.array([wrapped, got[1] - wanted[1]])


def _wanted(args: Args, head: Array) -> Array:
    """Return the wanted direction in the base frame from where the head is, shape (3,)."""
    if "x" in args:
        return np.array([float(args["x"]), float(args["y"]), float(args["z"])]) - head
    azimuth, elevation = LOOKING[str(args.get("direction", "forward"))]
    azimuth, elevation = float(args.get("azimuth_deg", azimuth)), float(args.get("elevation_deg", elevation))
    return direction(math.radians(azimuth), math.radians(elevation))


def face(ctx: Context, obs: Observation, point: Array) -> Motion:
    """Turn the head to a point of the world (3,) [m], as far as the neck goes; a robot without one stays as it is."""
    neck = ctx.spec.neck
    if neck is None:
        return obs
    joints = ctx.indices(neck_joints(ctx.spec, {}))
    return (yield from move_to(ctx, obs, joints, clipped(ctx, joints, aim_at(ctx, obs, neck, point))))


def aim_at(ctx: Context, obs: Observation, neck: NeckSpec, point: Array) -> Array:
    """Return neck positions (2,) that face a point of the world (3,) [m], unclipped."""
    x, y, z = transform(invert(base_pose(obs)), point).tolist()
    return aim(ctx, neck, obs.commanded()[0], {"x": x, "y": y, "z": z})


def measured_facing(ctx: Context, obs: Observation, neck: NeckSpec) -> tuple[Array, Array]:
    """Return what ``facing`` does by where the neck is measured; NaN without readings."""
    joints = ctx.indices(neck_joints(ctx.spec, {}))
    measured, (q, _) = obs.measured(joints), obs.commanded()
    q[joints] = np.nan if measured is None else measured[0]
    return facing(ctx, neck, q)


def look(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Turn the head there; succeeds when the measured neck faces it. Refused where the neck does not reach."""
    neck = ctx.spec.neck
    if neck is None:
        return Outcome(ok=False, reason="out_of_reach")
    joints = ctx.indices(neck_joints(ctx.spec, args))
    q, _ = obs.commanded()
    goal = aim(ctx, neck, q, args)
    low, high = ctx.kinematics.low[joints], ctx.kinematics.high[joints]
    if np.any(goal < low) or np.any(goal > high):
        return Outcome(ok=False, reason="out_of_reach")
    stops = plan(ctx, obs, joints, goal)
    if stops is None:
        return Outcome(ok=False, reason="no_free_path")
    obs = yield from visit(ctx, obs, joints, stops)
    there = is_there(ctx, obs, joints, goal)
    head, axis = measured_facing(ctx, obs, neck)
    off_deg = math.degrees(angle_between(axis, _wanted(args, head)))
    return Outcome(ok=there, reason="done" if there else "not_reached", figures={"off_deg": off_deg})
