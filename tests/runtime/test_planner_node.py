"""The planner's process: what the brain asks it is advised on, late, never or wrong too, and nobody waits for it."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fake_endpoint as fake
from vagus.core import messages as m
from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.advice import Advice, Ask, SeenThing, ask_json, read_advice
from vagus.decide.planner import Completion, Planner
from vagus.runtime import run_dir
from vagus.runtime.context import Context
from vagus.runtime.graph import processes
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.planner import PlannerNode
from vagus.runtime.planning import configured, make_planner, repertoire
from vagus.runtime.prepare import host_file, prepare
from vagus.runtime.run_dir import Run
from vagus.runtime.supervisor import CHILD
from vagus.streams.streams import memory_streams, shared_streams

CUP = SeenThing(id=3, shape="cup", colour="red", side="left", reach="near", height_cm=9)
PICK = '{"steps": [{"skill": "pick", "thing": 3}], "say": ""}'
PATIENCE_S = 20.0
T0_NS = 10**9


@pytest.fixture(scope="module")
def run() -> Run:
    return prepare(host_file(), scene="empty")[0]


class Slow:
    """A model that answers once it may, or is told that nobody wants it any more."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.seconds: list[float] = []

    def complete(self, chat: Any, schema: Any, *, seconds_max: float, is_unwanted: Callable[[], bool]) -> Completion:
        self.seconds.append(seconds_max)
        while not self.may.wait(0.005):
            if is_unwanted():
                raise PlannerError("call: not wanted any more")
        return Completion(text=PICK, prompt_tokens=None, completion_tokens=None)

    def close(self) -> None:
        """Hold nothing."""


class Rig:
    """The node over streams in memory."""

    def __init__(self, run: Run, make: Callable[[], Planner]) -> None:
        self.spec = run.spec
        self.context = Context(run=run, streams=memory_streams(run.table()))
        self.asks, self.advice = self.context.streams.writer("ask"), self.context.streams.reader("advice")
        self.node = PlannerNode(self.context, make)

    def ask(self, number: int, *, deadline_ns: int = T0_NS + 10**10, words: str | None = None) -> None:
        record = m.blank(m.long_text(self.spec))
        record["id"] = number
        asked = Ask(id=number, deadline_ns=deadline_ns, text="the cup, please", language="en", things=(CUP,))
        m.set_text(record, ask_json(asked) if words is None else words)
        self.asks.publish(record)

    def until(self, n: int, now_ns: int = T0_NS) -> list[Advice]:
        """Step until so many answers came, and return them."""
        told: list[Advice] = []
        end_s = time.monotonic() + PATIENCE_S
        while len(told) < n and time.monotonic() < end_s:
            self.node.step(now_ns)
            told += [read_advice(m.get_text(record)) for record in self.advice.since()]
            time.sleep(0.002)
        assert len(told) == n, told
        return told

    def ready(self) -> "Rig":
        """Wait until the model is there."""
        while self.node._planner is None:
            self.node.step(T0_NS)
            time.sleep(0.002)
        return self


@pytest.fixture
def slow(run: Run) -> Iterator[tuple[Rig, Slow]]:
    model = Slow()
    model.may.set()
    rig = Rig(run, lambda: Planner(model, repertoire(run.spec))).ready()
    model.may.clear()
    yield rig, model
    rig.node.close()


def test_an_ask_is_advised_on_by_its_number(slow: tuple[Rig, Slow]) -> None:
    rig, model = slow
    rig.ask(41)
    rig.node.step(T0_NS)
    assert rig.advice.since() == []
    model.may.set()
    (advice,) = rig.until(1)
    assert advice.id == 41
    assert advice.plan is not None
    assert [(call.name, call.args) for call in advice.plan.calls] == [("pick", {"thing": 3})]
    assert 9.0 < model.seconds[-1] <= 10.0


def test_no_tick_waits_for_a_model(slow: tuple[Rig, Slow]) -> None:
    rig, _ = slow
    rig.ask(1)
    start_s = time.monotonic()
    for _ in range(20):
        rig.node.step(T0_NS)
    assert time.monotonic() - start_s < 1.0


def test_a_newer_ask_ends_the_one_before_and_both_are_told(slow: tuple[Rig, Slow]) -> None:
    rig, model = slow
    rig.ask(1)
    rig.node.step(T0_NS)
    rig.ask(2)
    (first,) = rig.until(1)
    model.may.set()
    (second,) = rig.until(1)
    assert (first.id, first.error, second.id, second.error) == (1, "call: not wanted any more", 2, "")


def test_an_ask_that_comes_too_late_or_is_none_is_told_so(slow: tuple[Rig, Slow]) -> None:
    rig, model = slow
    rig.ask(1, deadline_ns=T0_NS - 2 * 10**9)
    rig.ask(2, words="wave")
    late, none = rig.until(2)
    assert (late.id, late.error) == (1, "ask: came 2.0 s after its time")
    assert (none.id, none.error[:17]) == (2, "message: got 'wav")
    assert len(model.seconds) == 1


def test_a_planner_that_is_getting_ready_says_so_at_once(run: Run) -> None:
    model = Slow()
    rig = Rig(run, lambda: Planner(model, repertoire(run.spec)))
    rig.ask(1)
    (advice,) = rig.until(1)
    assert advice.error == "planner: it is still getting ready"
    model.may.set()
    rig.ready().ask(2)
    assert rig.until(1)[0].plan is not None
    rig.node.close()


def test_a_planner_that_cannot_be_made_ends_the_process(run: Run) -> None:
    def make() -> Planner:
        raise ConfigError("model: got none")

    rig = Rig(run, make)
    with pytest.raises(ConfigError, match="model: got none"):
        rig.until(1)


def test_what_was_asked_before_a_restart_is_not_answered_after_it(slow: tuple[Rig, Slow], run: Run) -> None:
    rig, model = slow
    rig.ask(1)
    model.may.set()
    rig.node = PlannerNode(rig.context, lambda: Planner(model, repertoire(run.spec)))
    rig.ready().ask(2)
    assert [advice.id for advice in rig.until(1)] == [2]


def test_in_the_whole_robot_it_is_a_process_only_where_a_model_is_configured(run: Run, monkeypatch) -> None:
    assert "planner" not in [row.name for row in processes(run)]
    with fake.serving(fake.says(PICK)) as server:
        monkeypatch.setenv("VAGUS_LLM_URL", server.url)
        monkeypatch.setenv("VAGUS_LLM_MODEL", "small")
        robot = Lockstep(replace(run, planner="endpoint"), without=("world", "brain", "reflex"))
        rig = Rig.__new__(Rig)
        rig.spec, rig.node = run.spec, robot.nodes["planner"].node
        rig.asks, rig.advice = robot.streams.writer("ask"), robot.streams.reader("advice")
        rig.ready().ask(5)
        (advice,) = rig.until(1)
        robot.close()
    assert (advice.id, advice.error, advice.prompt_tokens) == (5, "", 900)


@pytest.fixture
def process(run: Run, tmp_path: Path) -> Iterator[tuple[Rig, fake.FakeEndpoint, subprocess.Popen[bytes]]]:
    """The planner as a process of its own, as the supervisor starts it."""
    run_dir.save(tmp_path, replace(run, planner="endpoint", realtime=False))
    rig = Rig.__new__(Rig)
    rig.spec, streams = run.spec, shared_streams(tmp_path, run.table())
    rig.asks, rig.advice = streams.writer("ask"), streams.reader("advice")
    with fake.serving(fake.says(PICK)) as server:
        env = {**os.environ, "VAGUS_LLM_URL": server.url, "VAGUS_LLM_MODEL": "small", "VAGUS_LLM_KEY": "secret"}
        child = subprocess.Popen([*CHILD, str(tmp_path), "planner", str(os.getpid())], env=env)
        try:
            yield rig, server, child
        finally:
            child.kill()
            child.wait()


def is_planned_at_last(rig: Rig) -> bool:
    """Ask again and again: before the node is there it hears nothing, while it gets ready it says so."""
    for number in range(1, 200):
        rig.ask(number, deadline_ns=time.monotonic_ns() + 10**10)
        rig.advice.wait(0.1)
        if any(read_advice(m.get_text(record)).plan for record in rig.advice.since()):
            return True
        time.sleep(0.1)
    return False


def test_as_a_process_it_answers_and_ends_in_the_middle_of_a_call(
    process: tuple[Rig, fake.FakeEndpoint, subprocess.Popen[bytes]],
) -> None:
    rig, server, child = process
    assert is_planned_at_last(rig)
    assert server.keys[-1] == "Bearer secret"
    server.mood, n = fake.never, len(server.asked)
    rig.ask(999, deadline_ns=time.monotonic_ns() + 10**11)
    while len(server.asked) == n:
        time.sleep(0.01)
    child.terminate()
    assert child.wait(timeout=PATIENCE_S) == 0


URL, GGUF = {"VAGUS_LLM_URL": "http://127.0.0.1:1/v1", "VAGUS_LLM_MODEL": "m"}, {"VAGUS_GGUF": __file__}


@pytest.mark.parametrize(("env", "kind"), [({}, ""), (URL, "endpoint"), (GGUF, "gguf"), ({"VAGUS_GGUF": ""}, "")])
def test_the_environment_says_which_model_plans(env: dict[str, str], kind: str) -> None:
    assert configured(env) == kind


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (URL | GGUF, "got both, allowed: one of them"),
        ({"VAGUS_LLM_URL": "http://127.0.0.1:1/v1"}, "VAGUS_LLM_MODEL): got none"),
        ({"VAGUS_LLM_URL": "here", "VAGUS_LLM_MODEL": "m"}, "url: got 'here'"),
        ({"VAGUS_GGUF": "/none.gguf"}, "got /none.gguf, which is no file"),
        (URL | {"VAGUS_LLM_CALLS_PER_MINUTE": "many"}, "VAGUS_LLM_CALLS_PER_MINUTE: got 'many', allowed: a whole"),
        (URL | {"VAGUS_LLM_TOKENS_PER_HOUR": "0"}, "tokens_per_hour: got 0, allowed: at least 1"),
        (GGUF | {"VAGUS_GGUF_THREADS": "-1"}, "VAGUS_GGUF_THREADS: got '-1'"),
    ],
)
def test_settings_that_are_wrong_are_refused_before_anything_starts(env: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        configured(env)
    assert says in str(refused.value)


def test_without_a_model_there_is_no_planner(run: Run) -> None:
    with pytest.raises(ConfigError, match="planner: got none"):
        make_planner(run.spec, {})


def test_a_planner_may_choose_all_skills_but_what_the_robot_does_of_itself(run: Run) -> None:
    names = {skill.name for skill in repertoire(run.spec).skills}
    assert {"pick", "stop", "say"} < names
    assert "alive" not in names
