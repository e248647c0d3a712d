"""The whole way: a model is asked what the parser does not understand; without its plan the parser's answer stands."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

import fake_endpoint as fake
from vagus.core import messages as m
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.planner import PlannerNode
from vagus.runtime.prepare import host_file, prepare

ODD = "would you kindly bob that head of yours in agreement with me"
NOD = '{"reason": "", "steps": [{"skill": "nod"}], "say": ""}'


@contextmanager
def robot(monkeypatch: pytest.MonkeyPatch, server: fake.FakeEndpoint) -> Iterator[Lockstep]:
    """The host in virtual time, its planner ready."""
    monkeypatch.setenv("VAGUS_LLM_URL", server.url)
    monkeypatch.setenv("VAGUS_LLM_MODEL", "small")
    run, _ = prepare(host_file(), seed=3, scene="empty")
    found = Lockstep(replace(run, planner="endpoint"))
    planner = found.nodes["planner"].node
    assert isinstance(planner, PlannerNode)
    while planner._planner is None:
        found.advance(0.05)
    yield found
    found.close()


def told(robot: Lockstep, words: str) -> dict[str, Any]:
    """Say something and return what came of it."""
    outcomes = robot.streams.reader("outcome")
    outcomes.since()
    robot.say(words)
    for _ in robot.run_for(30.0):
        for record in outcomes.since():
            return json.loads(m.get_text(record))
    raise AssertionError(f"nothing came of {words!r}")


def test_what_the_parser_does_not_understand_the_model_plans_and_the_robot_does(monkeypatch) -> None:
    with fake.serving(fake.says(NOD)) as server, robot(monkeypatch, server) as host:
        n = len(server.asked)
        outcome = told(host, ODD)
        assert [(step["skill"], step["ok"]) for step in outcome["steps"]] == [("nod", True)], outcome
        assert json.dumps(ODD) in server.asked[-1]["messages"][-1]["content"]
        assert told(host, "stop")["ok"]  # the parser knows that by itself
        assert len(server.asked) == n + 1


@pytest.mark.parametrize("mood", [fake.fails(500, b"broken"), fake.says('{"steps": [{"skill": "fly"}], "say": ""}')])
def test_where_the_model_has_no_plan_the_parsers_answer_stands(monkeypatch, mood: fake.Mood) -> None:
    with fake.serving(mood) as server, robot(monkeypatch, server) as host:
        outcome = told(host, ODD)
    assert (outcome["ok"], outcome["reason"], outcome["steps"]) == (False, "not_understood", [])


def test_a_server_that_says_nothing_does_not_hold_up_what_is_said_next(monkeypatch) -> None:
    with fake.serving(fake.says(NOD)) as server, robot(monkeypatch, server) as host:
        server.mood = fake.never
        outcomes = host.streams.reader("outcome")
        host.say(ODD)
        host.advance(0.2)
        host.say("stop")
        host.advance(1.0)
        heard = [json.loads(m.get_text(record)) for record in outcomes.since()]
    assert [outcome["reason"] for outcome in heard] == ["replaced", "done"]
