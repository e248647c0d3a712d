"""Point somewhere: an arm stretches out along a line from its shoulder, holds still, and comes home."""

import math

import numpy as np

from vagus.act.carry import clear_of
from vagus.act.directions import POINTING, direction
from vagus.act.motion import hold, plan, spread, visit
from vagus.act.reach import Reach, angle_between, solving
from vagus.act.skill import Args, Array, Context, Observation, Outcome, Skill
from vagus.core.errors import ConfigError
from vagus.core.robot import ArmSpec, RobotSpec

# Where to hold the tip, in arm lengths from the shoulder: towards the point, and up. Stretched if possible.
_REACHES = ((0.85, 0.0), (0.65, 0.0), (0.60, 0.25), (0.45, 0.25), (0.50, -0.25))
_SIDES = ("left", "right")
_FAR_M = 10.0  # a direction is a point that far away
_HOLD_S = 2.0
_OFF_MAX = math.radians(10.0)  # what people still see as pointing there
_STARTS = 4  # random starts for inverse kinematics beyond the present pose and home


def lacks_arm(spec: RobotSpec) -> str | None:
    """Say that a robot has no arm."""
    return None if spec.arms else "an arm"


def choose_arm(spec: RobotSpec, args: Args) -> ArmSpec:
    """Return the arm that was named, else the one on the side pointed to, else the right one or the only one.

    Raises:
        ConfigError: The robot has several arms or none, and none of that name.
    """
    by_name = {arm.name: arm for arm in spec.arms}
    wanted = str(args.get("arm", ""))
    if wanted and wanted not in by_name and (len(spec.arms) != 1 or spec.arms[0].name in _SIDES):
        raise ConfigError(f"arm: got {wanted!r}, allowed: {sorted(by_name)}")
    side = wanted or ("left" if _azimuth_deg(args) > 0.0 else "right")
    return by_name.get(side) or by_name.get("right") or spec.arms[0]


def arm_joints(spec: RobotSpec, args: Args) -> tuple[str, ...]:
    """Return the joints of the arm that will be used."""
    return choose_arm(spec, args).joints


def _azimuth_deg(args: Args) -> float:
    if "x" in args:
        return math.degrees(math.atan2(float(args["y"]), float(args["x"])))
    return float(args.get("azimuth_deg", POINTING[str(args.get("direction", "forward"))][0]))


def _goal(args: Args, shoulder: Array) -> Array:
    """Return the point pointed at, p_BQ [m], shape (3,)."""
    if "x" in args:
        return np.array([float(args["x"]), float(args["y"]), float(args["z"])])
    elevation = float(args.get("elevation_deg", POINTING[str(args.get("direction", "forward"))][1]))
    return shoulder + _FAR_M * direction(math.radians(_azimuth_deg(args)), math.radians(elevation))


def off_by(ctx: Context, arm: ArmSpec, q: Array, p_BQ: Array) -> float:
    """Return the angle between the tip's z axis and the line from the tip to the point [rad]."""
    X_BT = ctx.kinematics.pose_of(q, arm.tip)
    return angle_between(X_BT[:3, 2], p_BQ - X_BT[:3, 3])


def point(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Point there; succeeds when the measured arm points within 10 degrees."""
    arm = choose_arm(ctx.spec, args)
    joints = ctx.indices(arm.joints)
    q, _ = obs.commanded()
    shoulder = ctx.kinematics.anchor(q, arm.joints[1])  # the first joint of a table arm is down on the table
    p_BQ = _goal(args, shoulder)
    length = ctx.kinematics.arm_length(arm)
    starts = [q, ctx.kinematics.home, *_random_starts(ctx, q, arm)]
    stops = None
    for share, up in _REACHES:
        tip = shoulder + length * (share * _unit(p_BQ - shoulder) + np.array([0.0, 0.0, up]))
        reach = Reach(arm=arm, position=tip, axis=_unit(p_BQ - tip),
                      position_tolerance=0.1 * length, angle_tolerance=0.5 * _OFF_MAX)  # fmt: skip
        found, obs = yield from spread(solving(ctx.kinematics, reach, starts), obs)
        if found.q is not None and off_by(ctx, arm, found.q, p_BQ) <= _OFF_MAX:
            stops = plan(ctx, obs, joints, found.q[joints], clear_of(ctx, obs, joints))
            if stops is not None:
                break
    if stops is None:
        return Outcome(ok=False, reason="out_of_reach")
    return (yield from _show(ctx, obs, arm, stops, p_BQ))


def _show(ctx: Context, obs: Observation, arm: ArmSpec, stops: list[Array], p_BQ: Array) -> Skill:
    """Go there, hold, judge by the encoders, come home."""
    joints = ctx.indices(arm.joints)
    obs = yield from visit(ctx, obs, joints, stops)
    obs = yield from hold(obs, joints, stops[-1], _HOLD_S)
    q, _ = obs.commanded()
    measured = obs.measured(joints)
    q[joints] = np.nan if measured is None else measured[0]
    off = off_by(ctx, arm, q, p_BQ)
    home = plan(ctx, obs, joints, ctx.kinematics.home[joints], clear_of(ctx, obs, joints))
    if home is not None:
        yield from visit(ctx, obs, joints, home)
    ok = off <= _OFF_MAX
    return Outcome(ok=ok, reason="done" if ok else "not_reached", figures={"off_deg": math.degrees(off)})


def _unit(vector: Array) -> Array:
    return vector / max(1e-6, float(np.linalg.norm(vector)))


def _random_starts(ctx: Context, q: Array, arm: ArmSpec) -> list[Array]:
    joints = ctx.indices(arm.joints)
    low, high = ctx.kinematics.low[joints], ctx.kinematics.high[joints]
    starts: list[Array] = []
    for _ in range(_STARTS):
        start = q.copy()
        start[joints] = ctx.rng.uniform(low, high)
        starts.append(start)
    return starts
