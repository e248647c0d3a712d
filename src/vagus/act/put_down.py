"""Put down what a hand holds: on a free place of a board that the arm reaches, first where it came from."""

import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from vagus.act.grasp_plan import STEPS, GraspPlan, GraspSearch
from vagus.act.hand import SLOW, Hand, open_hand
from vagus.act.motion import move_to, spread, visit
from vagus.act.scene import base_pose, solids, support_in, thing_in
from vagus.act.skill import Args, Array, Context, Held, Observation, Outcome, Skill
from vagus.core.frames import invert
from vagus.core.things import Support, Thing, sides

_OVER_M = 0.004
"""How far above the board the hand lets go [m]: what perception is off by in height, half of the time."""
_APART_M = 0.03
"""Kept between what is put down and anything else, and the board's edge [m]."""
_GRID_M = 0.05
"""How finely free places are looked for [m]."""
_AHEAD = (0.42, 0.20)
"""What an arm reaches best: ahead of the base and to its own side [m]."""
_PLACES = 8
"""Places that are tried."""


def put_down(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Put it down; succeeds when the hand has let go and feels nothing."""
    del args
    hands = [Hand.of(ctx, arm) for arm in ctx.spec.arms if arm.can_grasp]
    hand = next((h for h in hands if h.arm.name in ctx.held and h.holds(obs)), None)
    if hand is None:
        is_full = any(h.holds(obs) and h.forces(obs) is not None for h in hands)
        return Outcome(ok=False, reason="not_known" if is_full else "empty_handed")
    held = ctx.held[hand.arm.name]
    found, obs = yield from spread(_search(ctx, obs, hand, held), obs, per_tick=STEPS)
    if found is None:
        return Outcome(ok=False, reason="no_place")
    joints = found.joints
    obs = yield from visit(ctx, obs, joints, found.stops)
    obs = yield from move_to(ctx, obs, joints, found.at, share=SLOW)
    obs = yield from open_hand(ctx, obs, hand, hand.opening)
    is_let_go = not hand.holds(obs) or hand.forces(obs) is None
    ctx.held.pop(hand.arm.name, None)
    yield from move_to(ctx, obs, joints, found.before, share=SLOW)
    return Outcome(ok=is_let_go, reason="done" if is_let_go else "not_reached")


def _search(ctx: Context, obs: Observation, hand: Hand, held: Held) -> Generator[None, None, GraspPlan | None]:
    X_WB = base_pose(obs)
    X_BW = invert(X_WB)
    others = solids(obs, X_WB, but=held.thing.id)
    q = obs.commanded()[0]
    search = GraspSearch(ctx, hand.arm, q, np.zeros(len(q)))
    boards = [support_in(board, X_BW) for board in obs.supports]
    things = [thing_in(t, X_BW) for t in obs.things if t.id != held.thing.id]
    for foot in islice(_places(ctx, hand, thing_in(held.thing, X_BW), boards, things), _PLACES):
        middle = np.array([foot[0], foot[1], foot[2] + _OVER_M + 0.5 * held.thing.size[2]])
        target = replace(held.thing, centre=middle)
        ahead = math.atan2(foot[1], foot[0])
        found = yield from search.run_placing(held, target, (ahead, ahead + 0.5, ahead - 0.5), others)
        if found is not None:
            return found
    return None


def _places(ctx: Context, hand: Hand, held: Thing, boards: list[Support], things: list[Thing]) -> Iterator[Array]:
    """Yield free places for its foot, (3,) in the base frame: where it stood, then what the arm reaches best."""
    radius = _radius(held)
    shoulder = ctx.kinematics.anchor(ctx.kinematics.home, hand.arm.joints[0])
    best = np.array([_AHEAD[0], math.copysign(_AHEAD[1], shoulder[1])])
    spots: list[Array] = []
    for board in boards:
        low, high = board.corners.min(axis=0), board.corners.max(axis=0)
        grid = np.stack(np.meshgrid(*(np.arange(a, b, _GRID_M) for a, b in zip(low, high, strict=True))), axis=-1)
        inside = [xy for xy in grid.reshape(-1, 2) if _is_inside(board, xy, radius + _APART_M)]
        spots += [np.array([*xy, board.height]) for xy in inside]
        if abs(held.foot - board.height) < _APART_M and _is_inside(board, held.centre[:2], 0.0):
            yield np.array([*held.centre[:2], board.height])
    for spot in sorted(spots, key=lambda s: float(np.linalg.norm(s[:2] - best))):
        if all(np.linalg.norm(t.centre[:2] - spot[:2]) > radius + _radius(t) + _handle(t) + _APART_M for t in things):
            yield spot


def _radius(thing: Thing) -> float:
    """Return the radius of the upright cylinder that holds it, a cup's handle left out [m]."""
    return 0.5 * (thing.size[0] if thing.is_round else math.hypot(*thing.size[:2]))


def _handle(thing: Thing) -> float:
    """Return how far a handle may stand out [m]."""
    return 0.035 if thing.shape == "cup" else 0.0


def _is_inside(board: Support, xy: Array, margin: float) -> bool:
    return bool(np.all(sides(board.corners) @ [*xy, 1.0] <= -margin))
