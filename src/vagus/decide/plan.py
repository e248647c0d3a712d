"""What deciding ends in: a plan of skill calls, or an answer that says why there is none; who makes it is elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["ko", "en"]
Which = Literal["the", "it", "other", "any", "left", "right", "near", "far", "big", "small"]
"""How words choose among things that fit: the only one, the one just talked about, another than that, or one by place
or size as the robot sees it."""


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
    """Arguments that are things not found yet, by the argument's name."""
    together: bool = False
    """Start it beside the call before it instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an utterance comes to: calls to make, or an answer that says why there are none."""

    language: Language
    calls: tuple[Call, ...] = ()
    answer: str = ""
    """What to say before the calls, or instead of them; never empty without calls."""
    reason: str = ""
    """Why there are no calls, such as "not_understood" or "ambiguous"; empty with calls."""
