"""What deciding ends in: a plan of skill calls, or an answer that says why there is none; who makes it is elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["ko", "en"]
Which = Literal["the", "it", "other", "any", "all", "left", "right", "near", "far", "big", "small"]
"""How words choose among things that fit: the only one, the one just talked about, another than that, any, all that
stand at the height of the nearest, or one by place or size as the robot sees it."""
Kind = Literal["do", "correct", "also", "choose", "see"]
"""A request; the one before for another thing instead, or too; which thing was meant; what is seen."""
Reason = Literal["", "not_understood", "cannot", "out_of_range", "ambiguous", "absent", "impossible", "harmful", "told"]
"""Why nothing is done: "cannot" is a robot without the anatomy; "told" answers a question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """A thing as words name it; ``vagus.decide.ground`` finds out which of those that are seen it is."""

    shape: str = "any"
    """One of ``vagus.core.things.SHAPES``, or "any"."""
    colour: str = "any"
    which: Which = "the"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One skill to run, after the call before it has ended."""

    name: str
    args: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    refs: Mapping[str, Ref] = field(default_factory=dict[str, Ref])
    """Things not found yet, by the argument that they are; "thing" may also be what the hand shall hold."""
    together: bool = False
    """Start it beside the call before it instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an utterance comes to: calls to make, or an answer that says why there are none."""

    language: Language
    kind: Kind = "do"
    calls: tuple[Call, ...] = ()
    """Of "choose": what it asks for where nothing was asked back."""
    ref: Ref | None = None
    """The thing that "correct", "also" and "choose" are about; the only one named in what was not understood."""
    answer: str = ""
    """What to say instead of calls."""
    reason: Reason = ""
    """Why there are no calls; empty with calls."""
