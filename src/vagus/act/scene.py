"""What perception knows of, as skills use it: things and boards in the frame of the base, and fresh sightings."""

import math
from dataclasses import replace

import numpy as np

from vagus.act.skill import Array, Context, Observation
from vagus.act.surroundings import Solid, Surroundings, board_of, skin_of, solid_of
from vagus.core.frames import invert, transform
from vagus.core.things import Person, Support, Thing

_AWAY_M = 0.2
"""A thing whose number was lost may be the one that looks like it at most so far from there [m]."""
_IN_HAND_M = 0.03
"""What is seen so near to what is held [m], beyond half of its width, is that."""
_IN_BODY_M = 0.005
"""What reaches farther into the robot than this [m] is no thing: nothing can."""
_BODY_M = 0.24
"""Kept free about the middle of a person [m]: their trunk and arms, not the hand that is held out."""
_HELD_M = 0.15
"""What is seen so near to a hand's tip is in the hand [m]: half of the tallest thing, and how far off it is seen."""
_HAND_M = 0.10
"""Kept free about the middle of a palm, and below it [m]."""
_HEIGHT = 1.7
"""Height of somebody whose head was not seen [m]."""
BOARD_M = 0.04
"""How thick a board is taken to be [m]."""


def base_pose(obs: Observation) -> Array:
    """Return X_WB (4, 4), where the base is in the world of odometry; the identity for a robot that does not drive."""
    return np.eye(4) if obs.odometry is None else level_pose(obs.odometry.x, obs.odometry.y, obs.odometry.yaw)


def level_pose(x: float, y: float, yaw: float) -> Array:
    """Return the pose (4, 4) of a frame whose z is up, on the floor."""
    X = np.eye(4)
    X[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    X[:2, 3] = x, y
    return X


def thing_in(thing: Thing, X_AW: Array) -> Thing:
    """Return a thing in another level frame A."""
    turned = math.atan2(float(X_AW[1, 0]), float(X_AW[0, 0]))
    return replace(thing, centre=transform(X_AW, thing.centre), yaw=thing.yaw + turned)


def support_in(support: Support, X_AW: Array) -> Support:
    """Return a board in another level frame A."""
    return replace(support, corners=support.corners @ X_AW[:2, :2].T + X_AW[:2, 3])


def solids(obs: Observation, X_WA: Array, *, but: int = 0) -> list[Solid]:
    """Return all things but that number, and all boards, as solids in a level frame A."""
    X_AW = invert(X_WA)
    things = [solid_of(thing_in(thing, X_AW)) for thing in obs.things if thing.id != but]
    return things + [board_of(support_in(s, X_AW), BOARD_M) for s in obs.supports]


def past_hands(ctx: Context, obs: Observation) -> Observation:
    """Return what is known but for what hands hold: neither where it stood, nor where it is seen in the hand."""
    inside = [held_in(ctx, obs, arm) for arm in ctx.held]
    free = [t for t in obs.things if not any(t.id == held.id or _is_in_hand(t, held) for held in inside)]
    return replace(obs, things=tuple(free))


def _is_in_hand(thing: Thing, held: Thing) -> bool:
    """Say whether a sighting is what is held: perception takes that for a column from the board below up to its top."""
    apart = float(np.linalg.norm(thing.centre[:2] - held.centre[:2]))
    return apart < 0.5 * max(held.size[:2]) + _IN_HAND_M and thing.top > held.centre[2] and thing.foot < held.top


def held_in(ctx: Context, obs: Observation, arm: str) -> Thing:
    """Return what an arm holds, where it is now by the joints, in the world."""
    held = ctx.held[arm]
    tip = next(a.tip for a in ctx.spec.arms if a.name == arm)
    X_WF = base_pose(obs) @ ctx.kinematics.pose_of(obs.commanded()[0], tip) @ invert(held.X_FT)
    return replace(held.thing, centre=transform(X_WF, np.array([0.0, 0.0, 0.5 * held.thing.size[2]])))


def find_thing(obs: Observation, number: int) -> Thing | None:
    """Return the thing of a number, in the world; None if it is not known, or no more."""
    return next((thing for thing in obs.things if thing.id == number), None)


def find_again(obs: Observation, thing: Thing) -> Thing | None:
    """Return what is known now of a thing that was known: nearest to where it was, of that number or of its looks."""
    mine = find_thing(obs, thing.id)
    near = [t for t in obs.things if t is mine or (t.colour, t.shape) == (thing.colour, thing.shape)]
    near = [t for t in near if float(np.linalg.norm(t.centre - thing.centre)) <= _AWAY_M]
    return min(near, key=lambda t: float(np.linalg.norm(t.centre - thing.centre)), default=mine)


def past_body(ctx: Context, obs: Observation) -> Observation:
    """Return what is known but for what is seen where the robot itself is: that is the robot, in its own picture."""
    q, X_BW = obs.commanded()[0], invert(base_pose(obs))
    skin = skin_of(ctx.kinematics)
    free = [t for t in obs.things if skin.clearance(q, Surroundings([solid_of(thing_in(t, X_BW))])) > -_IN_BODY_M]
    return replace(obs, things=tuple(free))


def with_people(obs: Observation, *, but: Array | None = None, over: float | None = None) -> Observation:
    """Return the observation with people among the things: what ways and arms keep clear of.

    Args:
        obs: The observation.
        but: Where a hand holds something (3,) [m]: things that are seen there are what it holds, and are left out.
        over: Hands that are held out are among them, too, as much higher than they are [m]; None: they are not.
    """
    things = [t for t in obs.things if but is None or float(np.linalg.norm(t.centre - but)) > _HELD_M]
    for person in obs.people:
        height = person.height or _HEIGHT
        things.append(_column(person, person.place, 0.0, height, _BODY_M))
        if over is not None and person.hand is not None:
            things.append(_column(person, person.hand[:2], person.hand[2] - _HAND_M, person.hand[2] + over, _HAND_M))
    return replace(obs, things=tuple(things))


def _column(person: Person, middle: Array, low: float, high: float, radius: float) -> Thing:
    centre = np.array([*middle, 0.5 * (low + high)])
    return Thing(id=-1, shape="can", colour="black", centre=centre, yaw=0.0,
                 size=(2.0 * radius, 2.0 * radius, high - low), sigma=person.sigma, seen_ns=person.seen_ns)  # fmt: skip
