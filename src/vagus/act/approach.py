"""Go to where a thing can be reached: tuck the arms in, choose a stance, drive there, look at the thing again."""

from collections.abc import Callable, Generator
from itertools import islice

import numpy as np

from vagus.act.carry import carry, raise_full
from vagus.act.drive import follow
from vagus.act.grasp_plan import STEPS, tucked
from vagus.act.load import loads
from vagus.act.look import face
from vagus.act.motion import Motion, first_free, spread, visit
from vagus.act.scene import base_pose, find_again, past_body, past_hands, solids
from vagus.act.skill import Array, Context, Indices, Observation, Targets
from vagus.act.stance import Floor, Leg
from vagus.act.surroundings import Surroundings, no_nearer, skin_of
from vagus.core.things import Thing

Try = Callable[[Observation, Thing, Array, Array], Generator[None, None, object | None]]
"""Says whether a thing can be reached from a stance: (observation, thing, X_WS, joints at rest there)."""

_STANCES = 60
"""How many stances are tried."""
_HERE_M = 0.08
"""A stance so near to where it stands [m] is none: from here it was not reached."""
_SEEN_S = 2.5
"""How long to wait for a fresh sighting of a thing that is looked at [s]."""
MARGIN_M = 0.08
"""Kept free between the base's edge and an obstacle while driving up to a board [m], slowly."""
SPEED = 0.25
"""[m/s]"""
_KEEP_M = 0.03
"""Kept from all that is around while the arms are folded [m]."""
_NO_WAY, _OUT_OF_REACH = "no_free_path", "out_of_reach"
_BACK_OFFS, _BACK_M = 2, 0.25
"""How often it backs off where there is no room to fold the arms, or to carry, and how far [m],"""
_CLEAR_M, _STEP_M = 0.015, 0.025
"""keeping so far from what is known [m], or not much less than before, checked in such steps [m]."""


def tuck_joints(ctx: Context) -> Indices:
    """Return the arms' joints and those of what carries them."""
    trunk = {j for arm in ctx.spec.arms for j in ctx.kinematics.trunk(arm)}
    return ctx.indices((*sorted(trunk), *(j for arm in ctx.spec.arms for j in arm.joints)))


def tucked_in(ctx: Context, q: Array) -> Array:
    """Return all joints' positions with the arms tucked in and what carries them as high as it goes, (n_joints,)."""
    q = q.copy()
    for arm in ctx.spec.arms:
        trunk = ctx.indices(ctx.kinematics.trunk(arm))
        q[trunk] = ctx.kinematics.high[trunk]
        q[ctx.indices(arm.joints)] = tucked(ctx, arm)
    return q


def tuck(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[str, Observation]]:
    """Lift empty hands close to the body, past all that stands around; full hands carry. Backs off where need be.

    Returns why that failed.
    """
    for n in range(1 + _BACK_OFFS):
        is_full = bool(loads(ctx, obs))
        is_done, obs = yield from carry(ctx, obs) if is_full else _fold(ctx, obs)
        if is_done:
            return "", obs
        if n == _BACK_OFFS:
            break
        reason, obs = yield from back_off(ctx, obs)
        if reason == _NO_WAY and is_full:
            obs = yield from raise_full(ctx, obs)
            reason, obs = yield from back_off(ctx, obs)
        if reason:
            return reason, obs
    return _NO_WAY, obs


def back_off(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[str, Observation]]:
    """Drive a little back, the arms as they are; return why that is not possible."""
    if not _may_back_off(ctx, obs):
        return _NO_WAY, obs
    return (yield from follow(ctx, obs, [{"distance_m": -_BACK_M}], margin=MARGIN_M, speed_max=SPEED))


def _may_back_off(ctx: Context, obs: Observation) -> bool:
    """Say whether it drives, and the arms and what they hold touch nothing while it backs off."""
    if ctx.spec.base is None:
        return False
    q, seen = obs.commanded()[0], past_body(ctx, past_hands(ctx, obs))
    skin, held = skin_of(ctx.kinematics), loads(ctx, obs).values()
    points = np.concatenate([skin.points(q), *(load.points(q) for load in held)])
    radii = np.concatenate([skin.radius, *(np.zeros(len(load.points(q))) for load in held)])

    around = Surroundings(solids(seen, base_pose(obs)))

    def gap(distance: float) -> float:
        return float(np.min(around.distance(points - [distance, 0.0, 0.0]) - radii, initial=np.inf))

    keep = no_nearer(gap(0.0), _CLEAR_M)
    return all(gap(float(d)) >= keep for d in np.linspace(0.0, _BACK_M, 1 + round(_BACK_M / _STEP_M)))


def _fold(ctx: Context, obs: Observation) -> Generator[Targets | None, Observation, tuple[bool, Observation]]:
    joints = tuck_joints(ctx)
    stops, obs = yield from spread(_folding(ctx, obs, joints), obs, per_tick=STEPS)
    return stops is not None, (obs if stops is None else (yield from visit(ctx, obs, joints, stops)))


def _folding(ctx: Context, obs: Observation, joints: Indices) -> Generator[None, None, list[Array] | None]:
    """Search a way to fold the arms: at once, or from the elbow on first."""
    q, v = obs.commanded()
    goal, outer = tucked_in(ctx, q)[joints], q.copy()
    for arm in ctx.spec.arms:
        names = arm.joints[len(arm.joints) // 2 :]
        outer[ctx.indices(names)] = tucked_in(ctx, q)[ctx.indices(names)]
    skin = skin_of(ctx.kinematics, tuple(ctx.spec.joints[j].name for j in joints))
    around = Surroundings(solids(past_body(ctx, obs), base_pose(obs)))
    keep = min(_KEEP_M, 0.9 * skin.clearance(q, around))  # who is nearer already only must not get much nearer
    ways = ([goal], [outer[joints], goal])
    return (yield from first_free(ctx, q, v[joints], joints, ways, lambda q: skin.clearance(q, around) > keep))


def approach(ctx: Context, obs: Observation, thing: Thing, can_reach: Try
             ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Drive to a stance from which a thing can be reached, the arms as they are; return a reason if that failed.

    What is not seen where it was, because something stands before it, is looked for from near by first.
    """
    obs = yield from look_at(ctx, obs, thing)
    seen = find_again(obs, thing)
    if seen is None:
        reason, obs = yield from _drive(ctx, obs, thing, _any)
        if reason != _OUT_OF_REACH:
            obs = yield from look_at(ctx, obs, thing)
            seen = find_again(obs, thing)
    if seen is None:
        return "not_seen", obs
    reason, obs = yield from _drive(ctx, obs, seen, can_reach)
    if reason:
        return reason, obs
    return "", (yield from look_at(ctx, obs, seen))


def _drive(ctx: Context, obs: Observation, thing: Thing, can_reach: Try
           ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Choose a stance and drive there; return why that failed: out of reach where there is none."""
    return (yield from go(ctx, obs, _choose(ctx, past_body(ctx, obs), thing, can_reach), _OUT_OF_REACH))


def go(ctx: Context, obs: Observation, search: Generator[None, None, list[Leg] | None], lost: str
       ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Search a way and drive it, up to boards; return why that failed: ``lost`` where there is none."""
    legs, obs = yield from spread(search, obs, per_tick=STEPS)
    if legs is None:
        return lost, obs
    return (yield from follow(ctx, obs, legs, margin=MARGIN_M, speed_max=SPEED))


def floor_of(ctx: Context, obs: Observation) -> Floor:
    """Return the floor for the robot with its joints as they are and with what its hands hold."""
    q = obs.commanded()[0]
    carried = [load.points(q) for load in loads(ctx, obs).values()]
    return Floor(ctx, past_hands(ctx, obs), q, np.concatenate(carried) if carried else None)


def _any(_obs: Observation, _thing: Thing, X_WS: Array, _q: Array) -> Generator[None, None, object]:
    """Take any stance: from there it is looked for, not reached."""
    yield
    return X_WS


def _choose(ctx: Context, obs: Observation, thing: Thing, can_reach: Try
            ) -> Generator[None, None, list[Leg] | None]:  # fmt: skip
    """Search a stance that can be driven to and that the thing can be reached from; return the way there."""
    q, floor, here = obs.commanded()[0], floor_of(ctx, obs), base_pose(obs)[:2, 3]
    elsewhere = (X_WS for X_WS in floor.stances(thing) if np.linalg.norm(X_WS[:2, 3] - here) > _HERE_M)
    for X_WS in islice(elsewhere, _STANCES):
        legs = yield from floor.route(X_WS)
        if legs is not None and (yield from can_reach(obs, thing, X_WS, q)) is not None:
            return legs
    return None


def look_at(ctx: Context, obs: Observation, thing: Thing) -> Motion:
    """Turn the head to a thing, and wait for a sighting that is younger than this; it may not come."""
    if ctx.spec.neck is None:
        return obs
    obs = yield from face(ctx, obs, thing.centre)
    start_ns = obs.now_ns
    while obs.now_ns - start_ns < _SEEN_S * 1e9:
        seen = find_again(obs, thing)
        if seen is not None and seen.seen_ns > start_ns:
            return obs
        obs = yield None
    return obs
