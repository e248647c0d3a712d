"""Drive the base: a distance straight on, a turn on the spot, or a velocity for a time.

Closed by odometry (wheels and gyro). With a lidar it slows down and stops ahead of what is in the way; without fresh
lidar readings a robot that has a lidar does not drive. It plans no way around anything, and sees no more than the lidar
does: not a table's top, nor a cup on the floor.
"""

import math
from collections.abc import Generator, Iterable

import numpy as np
from numpy.typing import NDArray

from vagus.act.skill import Args, Context, Observation, Odometry, Outcome, Skill, Targets
from vagus.core.ages import UNUSED, merge
from vagus.core.frames import transform
from vagus.core.messages import Record
from vagus.core.robot import BaseSpec, RobotSpec
from vagus.core.sweep import clusters

SPEED_MAX = 0.5
"""[m/s], half of a walk."""
TURN_MAX = 1.2
"""[rad/s]"""
_TURN_FULL_MAX = 0.7
"""With something in a hand [rad/s]: at arm's length it then swings no more than it can be held."""
MARGIN_M = 0.30
"""What is kept free between the base's edge and an obstacle [m]: a lidar 0.2 s late at full speed costs 0.1 m."""
LIDAR_BUDGET_S = 0.40
"""Oldest sweep that a command may rest on [s]."""
_LIDAR_FRESH_S = 0.30  # older sweeps stop the base before the gate has to: three periods of a 10 Hz lidar

_SHARE = 0.6  # of the wheels' limits
_ACCELERATION_MAX = 0.6  # [m/s^2], gentle enough for a tall robot
_TURN_ACCELERATION_MAX = 2.5  # [rad/s^2]
_GAIN = 3.0  # [1/s], of the last centimetres, where a square root profile would chatter
_NEAR_M, _NEAR_RAD = 0.005, math.radians(0.5)  # where driving ends
_OK_M, _OK_RAD, _OK_SHARE = 0.03, math.radians(3.0), 0.03  # measured error that still counts as done
_REST_SHARE = 0.02  # of the wheels' largest speed, measured
_PATIENCE_S = 1.0  # how long something may be in the way, or the lidar silent, while at rest
_SIDE_M = 0.05  # kept free beside the base [m]


def wheel_joints(spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    """Return the wheels' joints, left first."""
    return (spec.base.left, spec.base.right) if spec.base else ()


def lacks_base(spec: RobotSpec) -> str | None:
    """Say that a robot has no wheels."""
    return None if spec.base else "wheels"


def drive(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Drive; succeeds when odometry says the base arrived."""
    return (yield from driving(ctx, obs, args))[0]


def driving(
    ctx: Context, obs: Observation, args: Args, *, margin: float = MARGIN_M, speed_max: float = SPEED_MAX
) -> Generator[Targets | None, Observation, tuple[Outcome, Observation]]:
    """Drive as part of another skill.

    Args:
        ctx: The skill's context.
        obs: Where it begins.
        args: As of the skill ``drive``.
        margin: What is kept free between the base's edge and an obstacle [m].
        speed_max: [m/s]
    """
    base = ctx.spec.base
    if base is None or obs.odometry is None:
        return Outcome(ok=False, reason="no_odometry"), obs
    trip = _Trip(ctx, base, (obs.odometry, obs.now_ns), args, margin=margin, speed_max=speed_max)
    while True:
        outcome = trip.judge(obs)
        if outcome is not None:
            return outcome, obs
        obs = yield trip.targets(obs)


def follow(
    ctx: Context, obs: Observation, legs: Iterable[Args], *, margin: float = MARGIN_M, speed_max: float = SPEED_MAX
) -> Generator[Targets | None, Observation, tuple[str, Observation]]:
    """Drive one leg after the other; return why one failed, or nothing."""
    for leg in legs:
        outcome, obs = yield from driving(ctx, obs, leg, margin=margin, speed_max=speed_max)
        if not outcome.ok:
            return outcome.reason, obs
    return "", obs


class _Trip:
    """One drive, from where odometry says it began."""

    def __init__(
        self, ctx: Context, base: BaseSpec, start: tuple[Odometry, int], args: Args, *, margin: float, speed_max: float
    ) -> None:
        self._ctx, self._base, self._margin = ctx, base, margin
        self._start, self._start_ns = start
        self._joints = ctx.indices((base.left, base.right))
        self._distance = _number(args, "distance_m")
        self._turn = None if self._distance is not None else _radians(args, "turn_deg")
        self._speed = _number(args, "speed_m_s") or 0.0
        self._rate = _radians(args, "turn_deg_s") or 0.0
        self._duration_s = _number(args, "duration_s") or 1.0
        wheel = int(self._joints[0])
        speed = _SHARE * ctx.spec.joints[wheel].speed_max * base.radius
        acceleration = _SHARE * ctx.spec.joints[wheel].acceleration_max * base.radius
        turn = _TURN_FULL_MAX if ctx.held else TURN_MAX
        self._v_max, self._w_max = min(speed_max, speed), min(turn, 2.0 * speed / base.track)
        self._a_max = min(_ACCELERATION_MAX, acceleration)
        self._b_max = min(_TURN_ACCELERATION_MAX, 2.0 * acceleration / base.track)
        self._wanted = (0.0, 0.0)
        self._waiting_since: int | None = None

    def _progress(self, at: Odometry) -> tuple[float, float]:
        """Return how far along the first heading [m] and how far turned [rad]."""
        dx, dy = at.x - self._start.x, at.y - self._start.y
        return dx * math.cos(self._start.yaw) + dy * math.sin(self._start.yaw), at.yaw - self._start.yaw

    def _sweep(self, obs: Observation) -> Record | None:
        """Return the newest lidar record if it is fresh enough to drive on."""
        lidar = self._ctx.spec.lidar
        if lidar is None or obs.lidar is None:
            return None
        origin = int(obs.lidar["origin_ns"][self._ctx.spec.sensor_index(lidar.name)])
        is_fresh = origin != UNUSED and obs.now_ns - origin <= _LIDAR_FRESH_S * 1e9
        return obs.lidar if is_fresh else None

    def _gap(self, obs: Observation, sign: float) -> float | None:
        """Return the free way ahead of the base's edge [m] where it moves; None if the lidar says nothing fresh."""
        if self._ctx.spec.lidar is None:
            return math.inf
        sweep = self._sweep(obs)
        if sweep is None:
            return None
        return free_way(lidar_points(self._ctx, sweep["range"]), sign, self._ctx.kinematics.base_radius)

    def judge(self, obs: Observation) -> Outcome | None:
        """Say how it ended, or None while under way; decides what to want next."""
        if obs.odometry is None:
            return Outcome(ok=False, reason="no_odometry")
        s, turned = self._progress(obs.odometry)
        self._wanted, left = self._wish(obs, s, turned)
        figures = {"distance_m": s, "turned_deg": math.degrees(turned)}
        if left <= 0.0 and self._is_at_rest(obs):
            ok = self._is_done(s, turned)
            return Outcome(ok=ok, reason="done" if ok else "not_reached", figures=figures)
        gap = self._gap(obs, math.copysign(1.0, self._wanted[0])) if self._wanted[0] else math.inf
        free = 0.0 if gap is None else max(0.0, gap - self._margin)
        v_safe = min(math.sqrt(2.0 * self._a_max * free), _GAIN * free)
        v = float(np.clip(self._wanted[0], -v_safe, v_safe))
        is_waiting = self._wanted[0] != 0.0 and v_safe < 0.02 * SPEED_MAX and self._is_at_rest(obs)
        self._waiting_since = (self._waiting_since or obs.now_ns) if is_waiting else None
        self._wanted = (v, self._wanted[1])
        if self._waiting_since is None or obs.now_ns - self._waiting_since < _PATIENCE_S * 1e9:
            return None
        return Outcome(ok=False, reason="blind" if gap is None else "blocked", figures=figures)

    def _wish(self, obs: Observation, s: float, turned: float) -> tuple[tuple[float, float], float]:
        """Return (v [m/s], w [rad/s]) wanted now, and what is left of the trip (<= 0: nothing)."""
        if self._distance is not None:
            left = self._distance - s
            v = math.copysign(min(self._v_max, math.sqrt(2.0 * self._a_max * abs(left)), _GAIN * abs(left)), left)
            w = float(np.clip(-2.0 * turned, -0.5, 0.5))  # hold the heading
            return ((v, w) if abs(left) > _NEAR_M else (0.0, 0.0)), abs(left) - _NEAR_M
        if self._turn is not None:
            left = self._turn - turned
            w = math.copysign(min(self._w_max, math.sqrt(2.0 * self._b_max * abs(left)), _GAIN * abs(left)), left)
            return (0.0, w if abs(left) > _NEAR_RAD else 0.0), abs(left) - _NEAR_RAD
        left_s = self._duration_s - (obs.now_ns - self._start_ns) * 1e-9
        v = float(np.clip(self._speed, -self._v_max, self._v_max))
        w = float(np.clip(self._rate, -self._w_max, self._w_max))
        return ((v, w) if left_s > 0.0 else (0.0, 0.0)), left_s

    def _is_done(self, s: float, turned: float) -> bool:
        if self._distance is not None:
            return abs(s - self._distance) <= max(_OK_M, _OK_SHARE * abs(self._distance))
        if self._turn is not None:
            return abs(turned - self._turn) <= max(_OK_RAD, _OK_SHARE * abs(self._turn))
        return (self._speed == 0.0 or abs(s) + abs(turned) > _OK_M) and (self._rate == 0.0 or abs(turned) > _OK_RAD)

    def _is_at_rest(self, obs: Observation) -> bool:
        measured = obs.measured(self._joints)
        slow = _REST_SHARE * self._ctx.spec.array("speed_max")[self._joints]
        return measured is not None and bool(np.all(np.abs(measured[1]) <= slow))

    def targets(self, obs: Observation) -> Targets:
        """Return wheel speeds towards what is wanted, no faster than the acceleration allows from the last command."""
        base, at_ns = self._base, self._ctx.at_ns(obs)
        last = obs.commanded()[1][self._joints]
        v0 = 0.5 * base.radius * float(last[0] + last[1])
        w0 = base.radius / base.track * float(last[1] - last[0])
        stamp_ns = obs.now_ns if obs.reflex is None else int(obs.reflex["stamp_ns"])
        time_s = min(0.1, max(0.0, (at_ns - stamp_ns) * 1e-9))
        v = v0 + float(np.clip(self._wanted[0] - v0, -self._a_max * time_s, self._a_max * time_s))
        w = w0 + float(np.clip(self._wanted[1] - w0, -self._b_max * time_s, self._b_max * time_s))
        wheels = np.array([v - 0.5 * w * base.track, v + 0.5 * w * base.track]) / base.radius
        step = time_s * 0.9 * self._ctx.spec.array("acceleration_max")[self._joints]  # curves ask for both at once
        wheels = last + np.clip(wheels - last, -step, step)
        sweep = self._sweep(obs)
        origins = [] if obs.odometry is None else [obs.odometry.origin_ns]
        origins += [] if sweep is None else [sweep["origin_ns"]]
        return Targets(joints=self._joints, q=np.zeros(2), v=wheels, origin_ns=merge(*origins) if origins else None)


def lidar_points(ctx: Context, ranges: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the lidar hit, in the base frame, shape (n_hits, 3) [m]; the robot's own body is left out."""
    angles = 2.0 * np.pi * np.arange(len(ranges)) / max(1, len(ranges))
    hit = np.isfinite(ranges)
    r = ranges[hit].astype(np.float64)
    return _past_base(ctx, np.stack([r * np.cos(angles[hit]), r * np.sin(angles[hit])], axis=1))


def person_points(ctx: Context, ranges: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the lidar hit of what may be somebody's legs, in the base frame, shape (n_hits, 3) [m]."""
    return _past_base(ctx, np.concatenate([np.zeros((0, 2)), *clusters(ranges.astype(np.float64))]))


def _past_base(ctx: Context, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (n, 2) of the lidar's frame in the base frame, shape (k, 3) [m], without those on the robot."""
    points = transform(ctx.kinematics.lidar_pose, np.column_stack([points, np.zeros(len(points))]))
    return points[np.hypot(points[:, 0], points[:, 1]) > ctx.kinematics.base_radius]


def free_way(points: NDArray[np.float64], sign: float, radius: float) -> float:
    """Return how far a round base can go along ``sign`` * x before it touches a point [m]; inf if never.

    Args:
        points: Obstacles in the base frame [m], shape (n, 3).
        sign: +1 forward, -1 backward.
        radius: Of the base [m].
    """
    wide = radius + _SIDE_M
    ahead = points[(sign * points[:, 0] > 0.0) & (np.abs(points[:, 1]) < wide)]
    if len(ahead) == 0:
        return math.inf
    edge = np.sqrt(np.maximum(0.0, radius**2 - ahead[:, 1] ** 2))
    return float(max(0.0, np.min(np.abs(ahead[:, 0]) - edge)))


def _number(args: Args, name: str) -> float | None:
    return float(args[name]) if name in args else None


def _radians(args: Args, name: str) -> float | None:
    return math.radians(float(args[name])) if name in args else None
