"""Where a thing that is held may be put: on a free place, beside something, in a bowl, on a box, or back.

Geometry of what perception knows, in the world; whether an arm gets there, others find out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vagus.act.load import radius_of
from vagus.act.skill import Array, Held
from vagus.act.surroundings import Solid, Surroundings, solid_of
from vagus.core.things import Support, Thing, sides

_APART_M = 0.03
"""Kept between what is put down and anything else, and the board's edge [m]."""
_GRID_M = 0.05
"""How finely free places are looked for [m]."""
_ON_M = 0.03
"""What stands at most so far above or below a board stands on it [m]."""
_AROUND_M = 0.05
"""What stands at most so far beyond the outline that is known of a board [m] stands on it."""
_GAPS_M = (0.05, 0.06, 0.04, 0.07)
"""How far beside something is put what shall be next to it [m], best first: fingers open between the two."""
_FINGER_M = 0.025
"""Room for a finger beside a handle [m]."""
_AROUND = 16
"""Directions that are tried."""
_BOWL_WALL_M = 0.008
"""A bowl's wall and floor are so thick at most [m]."""
_WALLS = 12
"""Flat pieces that a bowl's wall is taken for."""
_SPARE_M = 0.006
"""Kept on each side from a bowl's wall [m]."""
_NARROWEST_M = 0.04
"""Boxes with a narrower top carry nothing [m]: perception is off by a quarter of that."""
_OVER_M = 0.6
"""A box carries what is at most so much wider than its top, as a share: its middle is then well over it."""
_OFF_M = 0.006
"""What stood touching it is not where it was [m]: sizes and places are seen to 3 mm each."""
_THERE_M = 0.03
"""How near the place it must be seen to be there [m]: what hand and eye are off by together, and a little more."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spot:
    """A place for the foot of what is held, in the world."""

    foot: Array
    """Its middle [m], shape (3,)."""
    near: float = _THERE_M
    """How far beside it still counts as there [m]."""
    yaw: float | None = None
    """How the foot's frame is to be turned [rad]; None: anyhow."""
    bowl: Thing | None = None
    """The bowl that it is lowered into."""


Spots = list[Spot] | str
"""Places, best first; or why there is none."""


def free(held: Held, things: Sequence[Thing], boards: Sequence[Support]) -> Spots:
    """Return all free places on boards, where it came from first if that is free."""
    before = back(held, things)
    return ([] if isinstance(before, str) else before) + _free(held, things, boards) or "no_place"


def away(held: Held, things: Sequence[Thing], boards: Sequence[Support]) -> Spots:
    """Return the free places on other boards than the one it was picked up from."""
    foot = held.X_WF[:3, 3]
    under = [b for b in boards if b.height < foot[2] + _ON_M and _is_inside(b, foot[:2], -_AROUND_M)]
    own = max(under, key=lambda b: b.height, default=None)
    others = [b for b in boards if b is not own]
    return _free(held, things, others) or ("no_place" if others else "no_other_board")


def _free(held: Held, things: Sequence[Thing], boards: Sequence[Support]) -> list[Spot]:
    """Return the free places on boards, a grid on each."""
    margin = _wide(held) + _APART_M
    found: list[Spot] = []
    for board in boards:
        low, high = board.corners.min(axis=0), board.corners.max(axis=0)
        grid = np.stack(np.meshgrid(*(np.arange(a, b, _GRID_M) for a, b in zip(low, high, strict=True))), axis=-1)
        found += [Spot(foot=np.array([*xy, board.height])) for xy in grid.reshape(-1, 2)
                  if _is_inside(board, xy, margin)]  # fmt: skip
    return [s for s in found if _is_free(s.foot, margin, things)]


def back(held: Held, things: Sequence[Thing]) -> Spots:
    """Return where it was picked up, unless something stands there now."""
    X_WF = held.X_WF
    outline = X_WF[:2, 3] + _ring(held) @ X_WF[:2, :2].T
    points = np.column_stack([outline, np.full(len(outline), X_WF[2, 3] + 0.02)])
    if not bool(np.all(Surroundings([solid_of(t) for t in things]).distance(points) > 0.0)):
        return "place_taken"
    return [Spot(foot=X_WF[:3, 3].copy(), yaw=math.atan2(float(X_WF[1, 0]), float(X_WF[0, 0])))]


def next_to(held: Held, target: Thing, things: Sequence[Thing], boards: Sequence[Support]) -> Spots:
    """Return places beside something on its board, with nothing else between."""
    under = [b for b in boards if abs(b.height - target.foot) < _ON_M and _is_inside(b, target.centre[:2], 0.0)]
    others = [thing for thing in things if thing.id != target.id]
    found = [Spot(foot=np.array([*xy, board.height])) for board in under for xy in _beside(held, target)
             if _is_inside(board, xy, _wide(held) + 0.5 * _APART_M)
             and _is_free(np.array([*xy, board.height]), _wide(held) + 0.5 * _APART_M, others)
             and not any(_is_between(t, target.centre[:2], xy) for t in others)]  # fmt: skip
    return found or "no_place"


def inside(held: Held, target: Thing, things: Sequence[Thing]) -> Spots:
    """Return the middle of a bowl, if it is one, wide enough and empty."""
    if target.shape != "bowl":
        return "not_a_bowl"
    inner = 0.5 * target.size[0] - _BOWL_WALL_M
    if _wide(held) + _SPARE_M > inner:
        return "does_not_fit"
    foot = np.array([*target.centre[:2], target.foot + _BOWL_WALL_M])
    if not _is_free(foot, 0.0, [thing for thing in things if thing.id != target.id]):
        return "place_taken"
    return [Spot(foot=foot, near=0.5 * target.size[0], bowl=target)]


def on_top(held: Held, target: Thing, things: Sequence[Thing]) -> Spots:
    """Return the middle of a box's top, if that is flat, wide enough and empty."""
    width = min(target.size[:2])
    if target.shape != "box" or held.thing.shape == "ball":
        return "not_flat"
    if width < _NARROWEST_M or width < _OVER_M * 2.0 * radius_of(held):
        return "does_not_fit"
    foot = np.array([*target.centre[:2], target.top])
    if not _is_free(foot, radius_of(held), [thing for thing in things if thing.id != target.id]):
        return "place_taken"
    return [Spot(foot=foot)]


def with_handles(things: Sequence[Thing]) -> list[Thing]:
    """Return cups as wide as a handle on every side would make them: where it is, perception does not say."""
    return [replace(t, size=(t.size[0] + 2.0 * _handle(t), t.size[1] + 2.0 * _handle(t), t.size[2])) for t in things]


def hollow(bowl: Thing) -> list[Solid]:
    """Return a bowl as a ring of upright walls and a floor: what is lowered into it keeps away from these."""
    outer, x, y = 0.5 * bowl.size[0], float(bowl.centre[0]), float(bowl.centre[1])
    inner = outer - _BOWL_WALL_M
    found = [Solid(low=bowl.foot, high=bowl.foot + _BOWL_WALL_M, outline=np.zeros((0, 3)), middle=(x, y), radius=outer)]
    for a, b in pairwise(np.linspace(0.0, 2.0 * np.pi, _WALLS + 1).tolist()):
        ring = [(inner, a), (outer, a), (outer, b), (inner, b)]  # counterclockwise
        corners = np.array([[x + r * math.cos(angle), y + r * math.sin(angle)] for r, angle in ring])
        found.append(Solid(low=bowl.foot, high=bowl.top, outline=sides(corners)))
    return found


def _wide(held: Held) -> float:
    """Return the radius of the cylinder that holds it, with a cup's handle, which may be on any side [m]."""
    return radius_of(held) + _handle(held.thing)


def _handle(thing: Thing) -> float:
    """Return how far a handle may stand out [m]."""
    return 0.035 if thing.shape == "cup" else 0.0


def _ring(held: Held) -> Array:
    """Return points a little within the outline of its foot, seen from its middle, shape (n, 2) [m]."""
    angles = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    x, y, _ = held.thing.size
    return (0.5 * min(x, y) - _OFF_M) * np.column_stack([np.cos(angles), np.sin(angles)])


def _half(thing: Thing, direction: float) -> float:
    """Return how far a thing reaches from its middle in a direction [m]."""
    if thing.is_round:
        return 0.5 * thing.size[0]
    a = direction - thing.yaw
    return 0.5 * (abs(math.cos(a)) * thing.size[0] + abs(math.sin(a)) * thing.size[1])


def _beside(held: Held, target: Thing) -> Iterator[Array]:
    """Yield places (2,) around a thing; where a handle may be, a finger has room beside it."""
    handles = _handle(target) + _handle(held.thing)
    least = handles + _FINGER_M if handles else 0.0
    mine = radius_of(held)  # a box may be turned either way
    for gap in _GAPS_M:
        for angle in np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False):
            far = max(gap, least) + mine + _half(target, float(angle))
            yield target.centre[:2] + far * np.array([math.cos(angle), math.sin(angle)])


def _is_between(thing: Thing, a: Array, b: Array) -> bool:
    """Say whether a thing reaches onto the line between two places (2,)."""
    along = b - a
    share = float(np.clip(along @ (thing.centre[:2] - a) / (along @ along), 0.0, 1.0))
    return float(np.linalg.norm(a + share * along - thing.centre[:2])) < 0.5 * max(thing.size[:2])


def _is_free(foot: Array, margin: float, things: Sequence[Thing]) -> bool:
    """Say whether nothing that reaches above a foot is nearer to it than a margin [m]."""
    return all(np.linalg.norm(t.centre[:2] - foot[:2]) > margin + 0.5 * max(t.size[:2]) + _handle(t)
               for t in things if t.top > foot[2] + 0.005 and t.foot < foot[2] + 0.25)  # fmt: skip


def _is_inside(board: Support, xy: Array, margin: float) -> bool:
    return bool(board.beyond(xy) <= -margin)
