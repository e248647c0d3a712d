"""Watch somebody or something: the head follows it from picture to picture, as long as it is wanted.

A servo on the camera: every new picture says where it is now, and the neck goes on from where it was told to be. What
it moves on is never older than a fifth of a second; without a picture so young it keeps still.
"""

import math
from collections.abc import Generator

import numpy as np

from vagus.act.look import aim_at, measured_facing, neck_joints
from vagus.act.meet import again, glance, nearest
from vagus.act.motion import clipped
from vagus.act.reach import angle_between
from vagus.act.scene import base_pose, find_again, find_thing
from vagus.act.skill import Args, Array, Context, Followed, Gaze, Observation, Outcome, Skill, Targets
from vagus.act.trajectory import Limits
from vagus.core.frames import invert, transform
from vagus.core.robot import NeckSpec
from vagus.core.things import Person, Thing

EYE_BUDGET_S = 0.2
"""Oldest picture that the neck is moved on [s]."""
_FRESH_NS = 160_000_000
"""An older picture [ns] is not acted on: it would be over the budget by when the motors are told."""
_RECENT_NS = 700_000_000
"""Somebody who was seen within this [ns] is about there: two pictures at perception's rate."""
_LOST_NS = 1_500_000_000
"""Whoever was not seen for so long [ns] is looked for once more; a thing is gone."""
_STILL_RAD = math.radians(0.7)
"""It looks straight enough when this near [rad]: eyes that always move look nervous."""
_SLOW, _FASTEST = math.radians(4.0), math.radians(120.0)
"""What moves more slowly may be noise; faster, nobody does [rad/s]."""
_GAIN, _LEARN = 6.0, 0.25
"""Of the miss [1/s]; of what a new picture says about how fast it moves [-]: four pictures, an eighth of a second."""
_LAG_RAD = 0.15
"""So far from where it was told to be [rad] the neck is when something holds it back."""
_SHARE = 0.7
"""Of the neck's speed and acceleration."""
_AROUND = tuple(math.radians(azimuth) for azimuth in (0.0, 40.0, -40.0, 75.0, -75.0))
"""Where the head looks for somebody, as far as it turns [rad]."""
_HEAD_M, _FACE_M = 0.17, 0.11
"""Radius of a head with its neck, and how far below its top its middle is [m]."""
_HEIGHT = 1.7
"""Height of somebody whose head was not seen yet [m]."""
_ROOM_M, _ABOVE_M = 0.02, 0.008
"""What holds a thing is so much larger than it, and begins so far above its foot [m]."""


def watch(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Follow a thing of that number, else the nearest person, with the head; succeeds if it was seen until the end."""
    neck = ctx.spec.neck
    if neck is None:
        return Outcome(ok=False, reason="out_of_reach")
    thing = find_thing(obs, int(args["thing"])) if "thing" in args else None
    person: Person | None = None
    if "thing" not in args:
        person, obs = yield from glance(ctx, obs, _AROUND, obs.now_ns - _RECENT_NS)
    what = thing or person
    if what is None:
        return Outcome(ok=False, reason="not_seen" if "thing" in args else "nobody")
    return (yield from _follow(ctx, obs, neck, what, float(args.get("seconds", 5.0))))


def _follow(ctx: Context, obs: Observation, neck: NeckSpec, what: Thing | Person, seconds: float
            ) -> Generator[Targets | None, Observation, Outcome]:  # fmt: skip
    start_ns = seen_ns = obs.now_ns
    servo = _Servo(ctx, neck)
    off: list[float] = []
    while obs.now_ns - start_ns < seconds * 1e9:
        what = _known(obs, what) or what
        seen = _fresh(obs, start_ns)
        if seen is not None:
            if seen.seen_ns > seen_ns:
                off.append(_off(ctx, obs, neck, seen.point))
            seen_ns = max(seen_ns, seen.seen_ns)
            obs = yield servo.targets(obs, seen, _gaze(what))
            continue
        servo.rest()
        if obs.now_ns - seen_ns <= _LOST_NS:
            none = np.zeros(0)
            obs = yield Targets(joints=np.zeros(0, np.intp), q=none, v=none, gaze=_gaze(what))
            continue
        if isinstance(what, Thing):
            return Outcome(ok=False, reason="lost_sight")
        somebody, obs = yield from glance(ctx, obs, _AROUND, obs.now_ns)
        if somebody is None:
            return Outcome(ok=False, reason="lost_sight")
        what, seen_ns = somebody, obs.now_ns
    if not off:
        return Outcome(ok=False, reason="lost_sight")
    return Outcome(ok=True, reason="done", figures={"off_deg": float(np.median(off)), "pictures": float(len(off))})


class _Servo:
    """The neck's controller: towards where the newest picture shows it, as fast as that moves."""

    def __init__(self, ctx: Context, neck: NeckSpec) -> None:
        self._ctx, self._neck = ctx, neck
        self._joints = ctx.indices(neck_joints(ctx.spec, {}))
        self._limits = Limits.of(ctx.spec, self._joints, _SHARE)
        self._goal: Array | None = None
        self._seen_ns = 0
        self._rate = np.zeros(2)
        self._told: tuple[int, Array, Array] | None = None
        """For when [ns] it was told to be where, and how fast."""

    def rest(self) -> None:
        """Begin anew from where the neck is."""
        self._goal, self._rate, self._told = None, np.zeros(2), None

    def targets(self, obs: Observation, seen: Followed, gaze: Gaze) -> Targets:
        """Return where the neck shall be next: on from where it was told to be, which the gate is on the way to."""
        goal, at_ns = self._aimed(obs, seen), self._ctx.at_ns(obs)
        q0 = obs.commanded()[0][self._joints]
        if self._told is None or float(np.abs(self._told[1] - q0).max()) > _LAG_RAD:  # the gate slows it down
            self._told = (obs.now_ns, q0, obs.commanded()[1][self._joints])
        told_ns, q, v = self._told
        time_s = min(0.1, (at_ns - told_ns) * 1e-9)
        miss = clipped(self._ctx, self._joints, goal + (at_ns - seen.seen_ns) * 1e-9 * self._rate) - q
        is_still = (np.abs(miss) < _STILL_RAD) & (np.abs(self._rate) < _SLOW)
        wanted = np.where(is_still, 0.0, _GAIN * miss + self._rate)
        braking = np.abs(self._rate) + np.sqrt(self._limits.acceleration * np.abs(miss))
        wanted = np.clip(wanted, -np.minimum(self._limits.speed, braking), np.minimum(self._limits.speed, braking))
        step = time_s * self._limits.acceleration
        v1 = v + np.clip(wanted - v, -step, step)
        q1 = clipped(self._ctx, self._joints, q + 0.5 * time_s * (v + v1))
        self._told = (at_ns, q1, v1)
        return Targets(joints=self._joints, q=q1, v=v1, origin_ns=seen.origin_ns, gaze=gaze)

    def _aimed(self, obs: Observation, seen: Followed) -> Array:
        """Return the neck's positions (2,) that face it, and learn how fast these change."""
        if self._goal is not None and seen.seen_ns == self._seen_ns:
            return self._goal
        goal = aim_at(self._ctx, obs, self._neck, seen.point)
        if self._goal is not None:
            measured = (goal - self._goal) / max(1e-3, (seen.seen_ns - self._seen_ns) * 1e-9)
            self._rate += _LEARN * (np.clip(measured, -_FASTEST, _FASTEST) - self._rate)
        self._goal, self._seen_ns = goal, seen.seen_ns
        return goal


def _known(obs: Observation, what: Thing | Person) -> Thing | Person | None:
    """Return what perception knows of it now; of people whoever is seen now, if the one who was is not."""
    if isinstance(what, Thing):
        return find_again(obs, what)
    known = again(obs, what)
    is_seen = known is not None and obs.now_ns - known.seen_ns < _RECENT_NS
    return known if is_seen else nearest(obs, obs.now_ns - _RECENT_NS) or known


def _gaze(what: Thing | Person) -> Gaze:
    if isinstance(what, Thing):
        radius = 0.5 * float(np.linalg.norm(what.size)) + _ROOM_M
        return Gaze(point=what.centre, radius=radius, lowest=what.foot + _ABOVE_M)
    face = np.array([*what.place, (what.height or _HEIGHT) - _FACE_M])
    return Gaze(point=face, radius=_HEAD_M, lowest=float(face[2]) - _HEAD_M)


def _fresh(obs: Observation, start_ns: int) -> Followed | None:
    """Return where it is seen in a picture that is young enough to act on."""
    seen = obs.followed
    if seen is None or seen.seen_ns < start_ns or obs.now_ns - seen.seen_ns > _FRESH_NS:
        return None
    return seen


def _off(ctx: Context, obs: Observation, neck: NeckSpec, point: Array) -> float:
    """Return how far the measured head faces beside a point of the world [deg]; NaN without readings."""
    head, axis = measured_facing(ctx, obs, neck)
    return math.degrees(angle_between(axis, transform(invert(base_pose(obs)), point) - head))
