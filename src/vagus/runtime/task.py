"""One request being carried out, and how it is told: the plan with its progress, and what came of it, as JSON.

It starts nothing and speaks to nobody: the brain does.
"""

import json
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from vagus.act.skill import Outcome
from vagus.core import messages as m
from vagus.decide.plan import Call, Language, Plan

State = Literal["looking", "running", "done", "failed", "refused", "asking"]
_REFUSED = {"ambiguous": "asking", "told": "done"}
"""Why there are no calls → how that is shown; anything else is refused."""


@dataclass
class Step:
    """One call of a plan."""

    call: Call
    text: str
    """It in words."""
    things: list[int] = field(default_factory=list[int])
    """Numbers of the things it is about."""
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    why: str = ""
    """A sentence, where it failed."""

    def told(self) -> dict[str, Any]:
        """Return it for the page."""
        return {"skill": self.call.name, "text": self.text, "state": self.state, "why": self.why, "things": self.things}


@dataclass
class Task:
    """What is left to start, what runs, what came of the rest."""

    id: int
    language: Language
    by: str = "parser"
    """Who planned it."""
    words: str = ""
    """What it will do, in one sentence."""
    state: State = "running"
    why: str = ""
    """Why it was refused or failed, or what it asks."""
    unadvised: Plan | None = None
    """What the parser made of it, while a language model is asked."""
    unsettled: Plan | None = None
    """What was understood but is about something that is not seen: the robot looks around first,"""
    went_round: bool = False
    """and once from elsewhere."""
    steps: list[Step] = field(default_factory=list[Step])
    left: deque[Step] = field(default_factory=deque[Step])
    running: dict[int, Step | None] = field(default_factory=dict[int, "Step | None"])
    """The runner's id of a skill → its step; None: a look around beforehand."""
    done: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What the outcome tells of every skill that has ended."""

    @property
    def failed(self) -> str | None:
        """The reason of the first skill that failed, or None."""
        return next((step["reason"] for step in self.done if not step["ok"]), None)

    def refuse(self, plan: Plan) -> None:
        """Take an answer instead of calls."""
        self.state, self.why = _REFUSED.get(plan.reason, "refused"), plan.answer  # type: ignore[assignment]


def plan_json(task: Task) -> str:
    """Return a task for the page; the last steps are left out where they do not fit into one message."""
    steps = [step.told() for step in task.steps]
    while True:
        whole: dict[str, Any] = {
            "id": task.id, "by": task.by, "words": task.words, "state": task.state, "why": task.why, "steps": steps,
        }  # fmt: skip
        words = json.dumps(whole, ensure_ascii=False)
        if len(words.encode()) <= m.TEXT_BYTES or not steps:
            return words
        steps = steps[:-1]


def outcome_json(about: int, reason: str, steps: list[dict[str, Any]]) -> str:
    """Return an outcome as JSON that fits in one message: if need be without figures, or without its last steps.

    A figure that is not finite was not measured: null, as JSON has no NaN.
    """
    told = [step | {"figures": {key: _measured(v) for key, v in step["figures"].items()}} for step in steps]
    whole: dict[str, Any] = {"id": about, "ok": reason in ("done", "told"), "reason": reason, "steps": told}
    words = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    kept = [{key: step[key] for key in ("skill", "ok", "reason")} for step in steps]
    while len(words.encode()) > m.TEXT_BYTES:
        words = json.dumps(whole | {"steps": kept, "left_out": len(steps) - len(kept)}, ensure_ascii=False)
        kept = kept[:-1]
    return words


def ended(name: str, outcome: Outcome) -> dict[str, Any]:
    """Return what an outcome tells of one skill."""
    step = {"skill": name, "ok": outcome.ok, "reason": outcome.reason, "figures": dict(outcome.figures)}
    return step | ({"detail": outcome.detail} if outcome.detail else {})


def _measured(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None
