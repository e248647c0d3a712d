"""The brain's side of a language-model planner: asks it what the parser does not understand, and never waits for it."""

from collections import deque
from typing import Literal

import numpy as np

from vagus.core import messages as m
from vagus.core.errors import PlannerError
from vagus.core.robot import RobotSpec
from vagus.core.things import Support
from vagus.decide.advice import Advice, Ask, HeldThing, Said, ask_json, read_advice, seen_things
from vagus.decide.ground import Scene
from vagus.decide.plan import Plan
from vagus.streams.streams import Streams

PATIENCE_NS = 12_000_000_000
"""How long an answer is of use [ns]: a local model of 1.5 billion weights takes up to 5 s on two cores."""
_LINES = 8
"""How much of the talk it is told [lines]."""


class Adviser:
    """What was said, what is asked, and what is answered in time."""

    def __init__(self, spec: RobotSpec, streams: Streams) -> None:
        self._spec = spec
        self._asks, self._advice = streams.writer("ask"), streams.reader("advice")
        self._talk: deque[Said] = deque(maxlen=_LINES)
        self._until_ns: dict[int, int] = {}
        self._answers: dict[int, Advice] = {}

    def heard(self, who: Literal["person", "robot"], words: str) -> None:
        """Take note of a line of the talk."""
        self._talk.append(Said(who=who, text=words))

    def ask(self, about: int, words: str, plan: Plan, scene: Scene, boards: tuple[Support, ...], now_ns: int) -> None:
        """Ask what an utterance means that the parser made nothing of."""
        held = tuple(HeldThing(arm="", shape=thing.shape, colour=thing.colour) for thing in scene.held)
        ask = Ask(id=about, deadline_ns=now_ns + PATIENCE_NS, text=words, language=plan.language,
                  things=seen_things(scene.things, boards, np.asarray(scene.X_BA)), held=held,
                  talk=tuple(self._talk)[:-1])  # fmt: skip
        record = m.blank(m.long_text(self._spec))
        record["stamp_ns"], record["id"] = now_ns, about
        m.set_text(record, ask_json(ask))
        self._asks.publish(record)
        self._until_ns = {about: now_ns + PATIENCE_NS}

    def answer(self, about: int, otherwise: Plan, now_ns: int) -> tuple[Plan, str] | None:
        """Return what an utterance means and who says so; None while that may still come.

        What is late, wrong or missing leaves the parser's own answer.
        """
        for record in self._advice.since():
            try:
                advice = read_advice(m.get_text(record))
            except PlannerError:
                continue
            self._answers = {advice.id: advice}
        advice = self._answers.get(about)
        if advice is not None and advice.plan is not None:
            return advice.plan, "model"
        if advice is not None or now_ns > self._until_ns.get(about, 0):
            return otherwise, "parser"
        return None
