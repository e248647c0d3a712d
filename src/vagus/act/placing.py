"""Put what is held where it is wanted: find a way, or drive to where there is one; lower it, let go, and look.

What it may be put on, and where, is in ``feet``; this is the one routine of all skills that put things.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import islice, zip_longest
from typing import NamedTuple

import numpy as np

from vagus.act.approach import back_off, floor_of, go, tuck
from vagus.act.carry import draw_in
from vagus.act.feet import Spot, Spots, hollow, with_handles
from vagus.act.grasp_plan import STEPS, GraspPlan
from vagus.act.hand import SLOW, Hand, open_hand, side_of
from vagus.act.load import hand_with, while_held
from vagus.act.look import face
from vagus.act.motion import Motion, move_to, spread, visit
from vagus.act.place_plan import PlaceSearch
from vagus.act.scene import base_pose, find_again, level_pose, past_hands, solids, thing_in
from vagus.act.skill import Args, Array, Context, Held, Observation, Outcome, Skill, Targets
from vagus.act.stance import Leg
from vagus.core.frames import invert, transform
from vagus.core.things import Thing

Find = Callable[[Observation, Held], Spots]
"""Says where it may be put, by what is known now of all but what hands hold."""

_OVER_M = 0.004
"""How far above its place the hand lets go [m]: what perception is off by in height, half of the time."""
_RISES_M = (0.0, 0.015, 0.03, 0.045)
"""So much higher it may let go over a bowl, where its rim keeps the hand out [m]."""
_TURNS = (0.0, 0.5, -0.5, 1.0, -1.0)
"""How the hand may come beside straight from its shoulder [rad]."""
_PLACES = 8
"""Places that are tried from where it stands,"""
_FAR_PLACES, _STANCES = 3, 90
"""and from elsewhere, with so many stances for all together,"""
_APART_M = 0.15
"""so far from each other [m]."""
_TRIES = 4
"""How often it looks for a place and a way: where it stands, from there with the arms drawn in, and after having driven
twice."""
_IN_THE_WAY = ("place_taken", "no_place", "target_gone")
"""Why there is no place that may be otherwise once the arms are drawn in."""
_LOOK_S = 1.8
"""How long it looks at a place before it plans [s]: five pictures, after which a thing is believed, or gone."""
_LOOKS = 3
"""How often it looks for what it has put down, each time from farther back,"""
_SEEN_S = 4.0
"""and how long [s]."""
_ELSEWHERE_M = 0.30
"""What is seen farther from the place than this [m] is something else."""
_HEAPED_M = 0.004
"""What is in a bowl and looks like part of it makes it seem so much higher at least [m]: heights are seen to 2 mm."""
_FALLEN = 0.7
"""What is seen lower than this share of its height has fallen over."""


class _Way(NamedTuple):
    spot: Spot
    plan: GraspPlan


def placing(ctx: Context, obs: Observation, args: Args, find: Find, about: Array | None = None) -> Skill:
    """Put down what is held; succeeds when the hand has let go, feels nothing, and the camera shows it there.

    As long as it has not let go, whatever fails leaves the thing in the hand.

    Args:
        ctx: The skill's context.
        obs: Where it begins.
        args: The skill's; "thing" says what is meant, where both hands are full.
        find: Says where it may be put.
        about: Where to look before that is judged [m], in the world, (3,); None: at the first place.
    """
    hand = hand_with(ctx, obs, int(args["thing"]) if "thing" in args else None)
    if isinstance(hand, Outcome):
        return hand
    held = ctx.held[hand.arm.name]
    found, obs = yield from while_held(hand, _bring(ctx, obs, hand, find, about), obs)
    if found is None:
        ctx.held.pop(hand.arm.name, None)
        return Outcome(ok=False, reason="lost_it")
    if isinstance(found, str):
        return Outcome(ok=False, reason=found)
    known = {t.id for t in past_hands(ctx, obs).things}
    obs = yield from open_hand(ctx, obs, hand, found.plan.width)
    if hand.forces(obs) is not None and hand.holds(obs):
        return Outcome(ok=False, reason="not_reached")
    ctx.held.pop(hand.arm.name, None)
    obs = yield from move_to(ctx, obs, found.plan.joints, found.plan.before, share=SLOW)
    obs = yield from draw_in(ctx, obs)
    return (yield from _judge(ctx, obs, held, found.spot, known))


def _bring(ctx: Context, obs: Observation, hand: Hand, find: Find, about: Array | None
           ) -> Generator[Targets | None, Observation, _Way | str]:  # fmt: skip
    """Bring it to a place, ready to be let go; return the way, or why there is none."""
    held = ctx.held[hand.arm.name]
    reason = "out_of_reach"
    for n in range(_TRIES):
        if n:
            failed, obs = yield from tuck(ctx, obs)
            if failed:
                return reason if reason in _IN_THE_WAY else failed
            if n > 1:
                failed, obs = yield from _approach(ctx, obs, hand, find)
                if failed:
                    return failed
        spots = find(past_hands(ctx, obs), held) if about is None else []
        if not isinstance(spots, str):
            obs = yield from _gaze(ctx, obs, spots[0].foot if about is None else about, lambda _o: False, _LOOK_S)
            spots = find(past_hands(ctx, obs), held)
        if isinstance(spots, str):
            reason = spots
            if n or spots not in _IN_THE_WAY:
                return spots
            continue  # what the hand is before may be hidden, or the hand be seen there
        reason = "out_of_reach" if len(spots) == 1 else "no_place"
        found, obs = yield from spread(_search(ctx, obs, hand, _nearest(ctx, obs, hand, spots)), obs, per_tick=STEPS)
        if found is not None:
            obs = yield from visit(ctx, obs, found.plan.joints, found.plan.stops)
            yield from move_to(ctx, obs, found.plan.joints, found.plan.at, share=SLOW)
            return found
        if n and ctx.spec.base is None:
            break
    return reason


def _nearest(ctx: Context, obs: Observation, hand: Hand, spots: list[Spot]) -> list[Spot]:
    """Return the places that its arm may reach from here, in the order given, but of every height in turn."""
    shoulder = transform(base_pose(obs), ctx.kinematics.anchor(obs.commanded()[0], hand.arm.joints[0]))
    length = ctx.kinematics.arm_length(hand.arm)
    boards: dict[float, list[Spot]] = {}
    for spot in spots:
        if float(np.linalg.norm(spot.foot[:2] - shoulder[:2])) < length:
            boards.setdefault(round(float(spot.foot[2]), 2), []).append(spot)
    return [spot for turn in zip_longest(*boards.values()) for spot in turn if spot is not None][:_PLACES]


def _search(ctx: Context, obs: Observation, hand: Hand, spots: list[Spot]) -> Generator[None, None, _Way | None]:
    width = hand.width(obs) or 0.0
    search = PlaceSearch(ctx, hand, ctx.held[hand.arm.name], width, obs.commanded()[0])
    return (yield from _ways(ctx, obs, search, base_pose(obs), spots))


def _ways(ctx: Context, obs: Observation, search: PlaceSearch, X_WB: Array, spots: list[Spot]
          ) -> Generator[None, None, _Way | None]:  # fmt: skip
    """Search a way to one of some places, with the base at X_WB."""
    seen = past_hands(ctx, obs)
    wide = replace(seen, things=tuple(with_handles(seen.things)))
    for spot in spots:
        # A hand goes back in as it came out, past the same neighbours.
        others = solids(wide if spot.yaw is None else seen, X_WB, but=spot.bowl.id if spot.bowl else 0)
        others += hollow(thing_in(spot.bowl, invert(X_WB))) if spot.bowl else []
        found = yield from search.at(_feet(spot, X_WB, search.shoulder), others)
        if found is not None:
            return _Way(spot, found)
    return None


def _feet(spot: Spot, X_WB: Array, shoulder: Array) -> list[Array]:
    """Return poses of the foot in the base frame: low ones first, over a bowl higher ones, too."""
    foot = transform(invert(X_WB), spot.foot)
    ahead = math.atan2(float(foot[1] - shoulder[1]), float(foot[0] - shoulder[0]))
    turns = [ahead + turn for turn in _TURNS]
    if spot.yaw is not None:
        turns.insert(0, spot.yaw - math.atan2(float(X_WB[1, 0]), float(X_WB[0, 0])))
    found: list[Array] = []
    for rise in _RISES_M if spot.bowl else (0.0,):
        for turn in turns:
            X_BF = level_pose(float(foot[0]), float(foot[1]), turn)
            X_BF[2, 3] = foot[2] + _OVER_M + rise
            found.append(X_BF)
    return found


def _approach(ctx: Context, obs: Observation, hand: Hand, find: Find
              ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Drive to where it can be put down, carrying; return a reason if that failed."""
    spots = find(past_hands(ctx, obs), ctx.held[hand.arm.name])
    if isinstance(spots, str):
        return spots, obs
    return (yield from go(ctx, obs, _choose(ctx, obs, hand, spots), "out_of_reach" if len(spots) == 1 else "no_place"))


def _is_lying(seen: Thing, stood: Thing, spot: Spot) -> bool:
    """Say whether it is much lower than it stood, and nearer to as low as it is wide; in a bowl nobody knows."""
    lowest = min(_FALLEN * stood.size[2], 0.5 * (stood.size[2] + min(stood.size[:2])))
    return spot.bowl is None and seen.top - float(spot.foot[2]) < lowest


def _choose(ctx: Context, obs: Observation, hand: Hand, spots: list[Spot]
            ) -> Generator[None, None, list[Leg] | None]:  # fmt: skip
    """Search a stance that can be driven to and that a place can be reached from; return the way there."""
    held, q = ctx.held[hand.arm.name], obs.commanded()[0]
    floor = floor_of(ctx, obs)
    search = PlaceSearch(ctx, hand, held, hand.width(obs) or 0.0, q)
    few, side = _spaced(spots, base_pose(obs)[:2, 3]), side_of(ctx, hand.arm)
    for spot in few:
        for X_WS in islice(floor.stances(_at(held.thing, spot), side), _STANCES // len(few)):
            legs = yield from floor.route(X_WS)
            if legs is not None and (yield from _ways(ctx, obs, search, X_WS, [spot])) is not None:
                return legs
    return None


def _spaced(spots: list[Spot], start: Array) -> list[Spot]:
    """Return a few places that are not close together, nearest to where it stands (2,) first."""
    found: list[Spot] = []
    for spot in sorted(spots, key=lambda s: float(np.linalg.norm(s.foot[:2] - start))):
        if all(float(np.linalg.norm(spot.foot - other.foot)) > _APART_M for other in found):
            found.append(spot)
    return found[:_FAR_PLACES]


def _at(thing: Thing, spot: Spot) -> Thing:
    """Return a thing as if it stood there."""
    return replace(thing, centre=_middle(spot, thing))


def _gaze(ctx: Context, obs: Observation, point: Array, is_enough: Callable[[Observation], bool], longest_s: float
          ) -> Motion:  # fmt: skip
    """Turn the head to a point of the world (3,), and look until that is enough, or for so long [s]."""
    obs = yield from face(ctx, obs, point)
    start_ns = obs.now_ns
    while obs.now_ns - start_ns < longest_s * 1e9 and not is_enough(obs):
        obs = yield None
    return obs


def _judge(ctx: Context, obs: Observation, held: Held, spot: Spot, known: set[int]) -> Skill:
    """Look at the place: is it there, as far as the camera shows?"""
    start_ns = obs.now_ns

    def seen(obs: Observation) -> Thing | None:
        new = [t for t in obs.things if t.colour == held.thing.colour and t.seen_ns > start_ns
               and (t.id not in known or t.id == held.thing.id) and _off(t, spot) < _ELSEWHERE_M]  # fmt: skip
        return min(new, key=lambda t: _off(t, spot), default=None) or _fuller(obs, spot, start_ns)

    def is_there(obs: Observation) -> bool:
        thing = seen(obs)
        return thing is not None and _off(thing, spot) <= spot.near

    thing = None
    for _ in range(_LOOKS):  # too near, a hand hides it, or the head does not bow so deep
        obs = yield from _gaze(ctx, obs, _middle(spot, held.thing), is_there, _SEEN_S)
        thing = seen(obs)
        if thing is not None and _off(thing, spot) <= spot.near and not _is_lying(thing, held.thing, spot):
            break
        reason, obs = yield from back_off(ctx, obs)
        if reason:
            break
    if thing is None:
        return Outcome(ok=False, reason="not_seen_there")
    figures = {"off_m": _off(thing, spot), "top_m": thing.top - float(spot.foot[2])}
    if _is_lying(thing, held.thing, spot):
        return Outcome(ok=False, reason="fell_over", figures=figures)
    is_done = figures["off_m"] <= spot.near
    return Outcome(ok=is_done, reason="done" if is_done else "not_there", figures=figures)


def _fuller(obs: Observation, spot: Spot, start_ns: int) -> Thing | None:
    """Return the bowl if it is seen to hold something that looks like part of it: of its own colour, or of none."""
    if spot.bowl is None:
        return None
    bowl = find_again(obs, spot.bowl)
    if bowl is None or bowl.seen_ns <= start_ns or bowl.top < spot.bowl.top + _HEAPED_M:
        return None
    return bowl


def _middle(spot: Spot, thing: Thing) -> Array:
    """Return where the middle of a thing is that stands there [m], shape (3,)."""
    return spot.foot + np.array([0.0, 0.0, 0.5 * thing.size[2]])


def _off(thing: Thing, spot: Spot) -> float:
    """Return how far beside a place a thing is [m]."""
    return float(np.linalg.norm(thing.centre[:2] - spot.foot[:2]))
