"""Outcomes: whatever was said gets one, in one message, also when the brain is restarted in between."""

import json
import math
from typing import Any

import pytest
import toy_robot

from vagus.core import messages as m
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.brain import BrainNode
from vagus.runtime.prepare import host_file, prepare
from vagus.runtime.task import outcome_json


@pytest.mark.parametrize("n_steps", [0, 1, 8, 15, 30, 200])
def test_an_outcome_of_any_length_is_whole_json_that_fits_in_a_message(n_steps: int) -> None:
    step: dict[str, Any] = {"skill": "wave", "ok": True, "reason": "done", "figures": {"error_m": 0.0123456789}}
    words = outcome_json(7, "done", [step] * n_steps)
    m.set_text(m.blank(m.text(toy_robot.SPEC)), words)
    told = json.loads(words)
    assert (told["id"], told["ok"], told["reason"]) == (7, True, "done")
    assert len(told["steps"]) + told.get("left_out", 0) == n_steps


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_was_not_measured_is_null(value: float) -> None:
    steps: list[dict[str, Any]] = [
        {"skill": "look", "ok": False, "reason": "not_reached", "figures": {"off_deg": value, "error": 0.5}}
    ]
    words = outcome_json(7, "not_reached", steps)
    told = json.loads(words, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert told["steps"][0]["figures"] == {"off_deg": None, "error": 0.5}
    assert steps[0]["figures"]["error"] == 0.5


def test_details_of_any_length_fit_in_a_message() -> None:
    step: dict[str, Any] = {"skill": "look", "ok": False, "reason": "error", "figures": {}, "detail": "왜" * 3000}
    words = outcome_json(7, "error", [step])
    m.set_text(m.blank(m.text(toy_robot.SPEC)), words)
    assert json.loads(words)["steps"][0]["reason"] == "error"


def test_words_that_a_restarted_brain_gives_up_get_the_outcome_interrupted_and_ended_ones_no_second() -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    outcomes = robot.streams.reader("outcome")
    for number, words in ((1, "say hello"), (2, "wave")):
        record = m.blank(m.text(robot.run.spec))
        record["stamp_ns"], record["id"] = robot.now_ns, number
        m.set_text(record, words)
        robot.streams.writer("utterance.operator").publish(record)
        robot.advance(1.0)
    robot.streams.writer("stats.brain").publish(m.blank(m.stats(robot.run.spec)))
    robot.nodes["brain"].node = BrainNode(robot.context)
    robot.advance(0.1)
    told = [json.loads(m.get_text(record)) for record in outcomes.since()]
    assert [(t["id"], t["ok"], t["reason"]) for t in told] == [(1, True, "done"), (2, False, "interrupted")]
