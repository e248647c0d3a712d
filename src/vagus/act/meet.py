"""People, as skills use them: find somebody, look at them, know them again, and keep out of their way."""

import math
from collections.abc import Generator, Sequence

import numpy as np

from vagus.act.drive import follow
from vagus.act.hand import side_of
from vagus.act.look import face, neck_joints
from vagus.act.motion import Motion, clipped, move_to, spread, unless
from vagus.act.scene import base_pose, level_pose
from vagus.act.skill import Array, Context, Observation, Targets
from vagus.act.stance import Floor
from vagus.core.things import Person

CHEST = 1.2
"""Where to look at somebody [m]: head and hands are then in the picture."""
_SAME_M = 0.7
"""Somebody may have stepped so far [m] and be the same."""
_SIDE, _DOWN = math.radians(40.0), math.radians(8.0)
"""How far the head looks to either side and down for people [rad]."""
_LOOK_S = 1.2
"""How long a look takes [s]: four pictures."""
_BACK_M = 0.35
"""How far it backs off where it cannot turn [m]."""
_TURNS = (0.0, *[math.radians(120.0)] * 2)
"""How the base turns to see all around [rad];"""
_HALF_TURNS = (0.0, *[math.radians(72.0)] * 4)
"""the same where a full hand hides one side: what is carried is before the shoulder, and half of the picture."""


def nearest(obs: Observation, since_ns: int = 0) -> Person | None:
    """Return the nearest person that is known of, and was seen since then [ns]."""
    at = base_pose(obs)[:2, 3]
    seen = [person for person in obs.people if person.seen_ns >= since_ns]
    return min(seen, key=lambda p: float(np.linalg.norm(p.place - at)), default=None)


def again(obs: Observation, person: Person) -> Person | None:
    """Return what is known now of a person that was known: whoever stands nearest to there."""
    near = min(obs.people, key=lambda p: float(np.linalg.norm(p.place - person.place)), default=None)
    is_same = near is not None and float(np.linalg.norm(near.place - person.place)) < _SAME_M
    return near if is_same else None


def find_somebody(ctx: Context, obs: Observation
                  ) -> Generator[Targets | None, Observation, tuple[Person | None, Observation]]:  # fmt: skip
    """Look for somebody: with the head, then turning the base; return the nearest, or None."""
    full = {side_of(ctx, arm) for arm in ctx.spec.arms if arm.name in ctx.held}
    clear = -full.pop() if len(full) == 1 else 0.0
    turns = [clear * turn for turn in _HALF_TURNS] if clear else _TURNS
    for turn in turns if ctx.spec.base else turns[:1]:
        if (person := nearest(obs)) is not None:
            return person, obs
        obs = yield from _turn(ctx, obs, turn)
        _, obs = yield from glance(ctx, obs, (0.0, clear * _SIDE) if clear else (0.0, _SIDE, -_SIDE))
    return nearest(obs), obs


def glance(ctx: Context, obs: Observation, azimuths: Sequence[float] = (0.0, _SIDE, -_SIDE), since_ns: int = 0
           ) -> Generator[Targets | None, Observation, tuple[Person | None, Observation]]:  # fmt: skip
    """Look for somebody with the head alone, in these directions [rad]; return the nearest seen since then, or None."""

    def seen(obs: Observation) -> str:
        return "" if nearest(obs, since_ns) is None else "seen"

    for azimuth in azimuths:
        if not seen(obs):
            _, obs = yield from unless(seen, _look(ctx, obs, np.array([azimuth, _DOWN])), obs)
    return nearest(obs, since_ns), obs


def look_at(ctx: Context, obs: Observation, point: Array) -> Motion:
    """Turn the head to a point in the world (3,) [m] and wait for pictures."""
    if ctx.spec.neck is None:
        return obs
    obs = yield from face(ctx, obs, point)
    return (yield from _wait(obs))


def _look(ctx: Context, obs: Observation, goal: Array) -> Motion:
    joints = ctx.indices(neck_joints(ctx.spec, {}))
    if len(joints):
        obs = yield from move_to(ctx, obs, joints, clipped(ctx, joints, goal))
    return (yield from _wait(obs))


def _wait(obs: Observation) -> Motion:
    """Wait for pictures."""
    until_ns = obs.now_ns + round(_LOOK_S * 1e9)
    while obs.now_ns < until_ns:
        obs = yield None
    return obs


def _turn(ctx: Context, obs: Observation, turn: float) -> Motion:
    """Turn the base, backing off first where there is no free way to; else stay."""
    if turn == 0.0:
        return obs
    for _ in range(2):
        floor = Floor(ctx, obs, obs.commanded()[0])
        legs, obs = yield from spread(floor.route(base_pose(obs) @ level_pose(0.0, 0.0, turn)), obs)
        reason, obs = yield from follow(ctx, obs, legs or [{"distance_m": -_BACK_M}])
        if reason or legs:
            break
    return obs
