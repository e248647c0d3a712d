"""What the brain asks a planner and what it is advised, as JSON for the streams ``ask`` and ``advice``.

An ask holds all that a planner may know; it sees no pictures and no coordinates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import PlannerError
from vagus.core.frames import transform
from vagus.core.messages import LONG_TEXT_BYTES
from vagus.core.things import Support, Thing
from vagus.decide.plan import Language, Plan

Array = NDArray[np.float64]
_T = TypeVar("_T")

_MIDDLE_RAD = math.radians(10.0)
"""A thing whose bearing is within this is in the middle [rad]."""
_NEAR_M = 1.0
"""Nearer than this to the base's middle a thing is near [m]: about where an arm reaches with one step."""
_ON_M = 0.05
"""A foot this near to a board, or this far outside its outline as seen, stands on it [m]."""
_ERROR_CHARS = 400
"""Longest reason for having no plan [characters]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenThing:
    """One thing as a planner is told of it."""

    id: int
    shape: str
    colour: str
    side: Literal["left", "middle", "right"]
    reach: Literal["near", "far"]
    height_cm: int
    """How tall it is."""
    board: int | None = None
    """On which board it stands, counted from the lowest, 1; None: on none that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldThing:
    """What a hand holds."""

    shape: str
    colour: str
    arm: str = ""
    """Which; empty: one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One line of the talk so far."""

    who: Literal["person", "robot"]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request to a planner."""

    id: int
    """The utterance's; the advice bears it, too."""
    deadline_ns: int
    """When an answer is of no use any more, by the robot's clock [ns]."""
    text: str
    """What the person said."""
    language: Language
    things: tuple[SeenThing, ...] = ()
    held: tuple[HeldThing, ...] = ()
    talk: tuple[Said, ...] = ()
    """Oldest first, without ``text``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What a planner answered: a plan, or why there is none."""

    id: int
    seconds: float
    """How long it took [s]."""
    plan: Plan | None = None
    error: str = ""
    """Empty with a plan."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """As the provider counts them; None where it does not, or there is no plan."""


def seen_things(things: Sequence[Thing], supports: Sequence[Support], X_BW: Array) -> tuple[SeenThing, ...]:
    """Return things as a planner is told of them, the nearest first.

    Args:
        things: In the world of odometry.
        supports: The boards, likewise.
        X_BW: Pose of that world in the robot's base frame (x forward, y left), shape (4, 4).
    """
    boards = sorted(supports, key=lambda support: support.height)
    rows: list[tuple[float, SeenThing]] = []
    for thing in things:
        x, y, _ = transform(X_BW, thing.centre[None])[0]
        bearing, distance = math.atan2(y, x), math.hypot(x, y)
        rows.append((distance, SeenThing(
            id=thing.id, shape=thing.shape, colour=thing.colour,
            side="middle" if abs(bearing) <= _MIDDLE_RAD else "left" if bearing > 0.0 else "right",
            reach="near" if distance < _NEAR_M else "far", height_cm=round(100.0 * thing.size[2]),
            board=next((k for k, board in enumerate(boards, 1) if _stands_on(thing, board)), None),
        )))  # fmt: skip
    return tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))


def _stands_on(thing: Thing, board: Support) -> bool:
    return abs(thing.foot - board.height) < _ON_M and bool(board.beyond(thing.centre[:2]) < _ON_M)


def ask_json(ask: Ask) -> str:
    """Return an ask as JSON that fits in one message: if need be without the oldest of the talk.

    Raises:
        PlannerError: It does not fit even without any talk.
    """
    while True:
        raw = msgspec.json.encode(ask)
        if len(raw) <= LONG_TEXT_BYTES:
            return raw.decode()
        if not ask.talk:
            raise PlannerError(f"ask: got {len(raw)} bytes, allowed: at most {LONG_TEXT_BYTES}")
        ask = replace(ask, talk=ask.talk[1:])


def read_ask(words: str) -> Ask:
    """Return the ask in a message. Raises PlannerError if it is none."""
    return _read(words, Ask)


def advice_json(advice: Advice) -> str:
    """Return an advice as JSON that fits in one message: what ``vagus.decide.schema.parse`` lets through does."""
    return msgspec.json.encode(replace(advice, error=advice.error[:_ERROR_CHARS])).decode()


def read_advice(words: str) -> Advice:
    """Return the advice in a message. Raises PlannerError if it is none."""
    return _read(words, Advice)


def _read(words: str, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(words, type=kind)
    except msgspec.MsgspecError as exc:
        raise PlannerError(f"message: got {words[:80]!r} ({exc}), allowed: {kind.__name__} as JSON") from exc
