"""Planning by a language model: builds what it is told, bounds the call, and lets through only what ``parse`` does.

Which model that is, a provider says (``vagus.decide.providers``): each implements ``Model``, and knows nothing of
robots. Whatever a model answers is a request; the skills and the gate have the last word.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vagus.core.errors import PlannerError
from vagus.decide.advice import Advice, Ask
from vagus.decide.caps import Meter
from vagus.decide.plan import Plan
from vagus.decide.prompt import Message, messages
from vagus.decide.schema import Repertoire, parse, plan_schema

TOKENS_MAX = 400
"""Longest answer asked for [tokens]: some 25 a step and 60 a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What a model wrote, and what it took."""

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    """None where the provider does not say."""


class Model(Protocol):
    """One language model."""

    def complete(
        self, chat: Sequence[Message], schema: dict[str, Any], *, seconds_max: float, is_unwanted: Callable[[], bool]
    ) -> Completion:
        """Return the next message of a chat, written to a JSON schema as far as the model can.

        Args:
            chat: What was said so far.
            schema: Of the answer.
            seconds_max: How long the whole call may take [s].
            is_unwanted: Asked again and again; once it says True the call ends.

        Raises:
            PlannerError: There is no answer: nobody there, too late, too long, unwanted, an error.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def _never() -> bool:
    return False


class Planner:
    """Plans by one model for one robot."""

    def __init__(
        self, model: Model, repertoire: Repertoire, *, meter: Meter | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Plan with a model; ``meter`` None sets no caps, ``clock_s`` measures how long calls take [s]."""
        self._model, self._repertoire, self._meter, self._clock_s = model, repertoire, meter, clock_s

    def plan(self, ask: Ask, *, seconds_max: float, is_unwanted: Callable[[], bool] = _never) -> Advice:
        """Return a plan, or why there is none; never raises because of a model."""
        start_s = self._clock_s()
        try:
            plan, done = self._plan(ask, seconds_max, is_unwanted)
        except PlannerError as error:
            return Advice(id=ask.id, error=str(error) or "no reason given", seconds=self._clock_s() - start_s)
        return Advice(
            id=ask.id, plan=plan, seconds=self._clock_s() - start_s, prompt_tokens=done.prompt_tokens,
            completion_tokens=done.completion_tokens,
        )  # fmt: skip

    def _plan(self, ask: Ask, seconds_max: float, is_unwanted: Callable[[], bool]) -> tuple[Plan, Completion]:
        if is_unwanted():
            raise PlannerError("call: not wanted any more")
        things = tuple(thing.id for thing in ask.things)
        chat, schema = messages(ask, self._repertoire), plan_schema(self._repertoire, things)
        if self._meter:
            self._meter.admit(self._clock_s())
        # A token is a byte at least: where nobody counted them, bytes are an upper bound.
        prompt, completion = sum(len(message.content.encode()) for message in chat), 0
        try:
            done = self._model.complete(chat, schema, seconds_max=seconds_max, is_unwanted=is_unwanted)
            prompt = prompt if done.prompt_tokens is None else done.prompt_tokens
            completion = len(done.text.encode()) if done.completion_tokens is None else done.completion_tokens
        finally:
            if self._meter:
                self._meter.spend(prompt + completion, self._clock_s())
        return parse(done.text, self._repertoire, things, ask.language), done

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()
