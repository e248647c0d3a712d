"""A plan as the brain publishes it on the stream ``plan``: JSON, checked once, here.

A brain of another version may publish anything. Nothing here reads a stream or makes a plan.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vagus.core.errors import VagusError
from vagus.core.messages import N_OBJECTS, TEXT_BYTES

PlanState = Literal["looking", "running", "done", "failed", "refused", "asking"]
StepState = Literal["waiting", "running", "done", "failed"]
_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Sentence = Annotated[str, Meta(max_length=TEXT_BYTES)]
_DETAIL_MAX = 200
"""Longest account of what is wrong with a plan [characters]."""


class PlanError(VagusError):
    """What was published as a plan is none."""


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One skill of a plan, in words."""

    skill: Annotated[str, Meta(max_length=64)]
    text: _Sentence
    state: StepState
    why: _Sentence = ""
    """Why it failed."""
    things: Annotated[tuple[_Number, ...], Meta(max_length=N_OBJECTS)] = ()
    """Numbers of the things it is about, as perception gives them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the robot makes of one utterance, and how far it is. Fields that this page does not know are left out."""

    id: _Number
    """Of the utterance."""
    by: Literal["parser", "model"]
    words: _Sentence
    """What it will do."""
    state: PlanState
    why: _Sentence = ""
    """Why it refused or failed, or what it asks."""
    steps: tuple[PlanStep, ...] = ()

    @property
    def about(self) -> frozenset[int]:
        """Numbers of the things that the running steps are about."""
        return frozenset(thing for step in self.steps if step.state == "running" for thing in step.things)


_decoder: msgspec.json.Decoder[Plan] = msgspec.json.Decoder(Plan)


def read_plan(text: str) -> Plan:
    """Return the plan in a message.

    Raises:
        PlanError: It is not JSON, or a field is missing, wrong or out of range.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        raise PlanError(f"no plan: {exc}"[:_DETAIL_MAX]) from exc
