"""The emergency stop from a terminal believes readings, not words, and only fresh ones."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import toy_robot

from vagus.core import messages as m
from vagus.core.errors import StreamError, VagusError
from vagus.runtime import run_dir, stop
from vagus.streams.streams import Streams, shared_streams


class Robot:
    """A thread that writes what a body and a reflex would."""

    def __init__(self, path: Path, run: run_dir.Run = toy_robot.RUN) -> None:
        run_dir.save(path, run)
        self.path = path
        self.spec = run.spec
        self.streams: Streams = shared_streams(path, run.table())
        self.requests = [self.streams.reader(f"request.{who}") for who in ("operator", "idle")]
        self.valid, self.v, self.state = [1, 1], [0.0, 0.0], m.State.RUN
        self.reflex_lives = self.grants_resets = True
        self.cause = m.Verdict.STOPPED_ESTOP
        self.killed: list[tuple[int, int]] = []
        self.set_limit: Callable[[str, float], None]
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._live)

    def say_state(self, state: m.State) -> None:
        record = m.blank(m.reflex(self.spec))
        record["stamp_ns"], record["state"], record["cause"] = time.monotonic_ns(), state, self.cause
        self.streams.writer("reflex").publish(record)

    def _live(self) -> None:
        while not self.ends.wait(0.002):
            record = m.blank(m.joint_state(self.spec))
            record["stamp_ns"], record["valid"], record["v"] = time.monotonic_ns(), self.valid, self.v
            self.streams.writer("joint_state").publish(record)
            for kind in (int(r["kind"]) for reader in self.requests for r in reader.since()):
                is_left = kind == m.Request.RESET and self.grants_resets
                self.state = m.State.ESTOP if kind == m.Request.ESTOP else m.State.STANDBY if is_left else self.state
            if self.reflex_lives:
                self.say_state(self.state)


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path)
    monkeypatch.setattr(stop, "_ANSWER_S", 5.0)  # this machine may be held up; the robot's own is not
    monkeypatch.setattr(stop, "_REST_WITHIN_S", 10.0)
    path, lock = run_dir.claim("toy")
    made = Robot(path)
    monkeypatch.setattr(stop.os, "kill", lambda pid, number: made.killed.append((pid, number)))
    made.set_limit = lambda key, seconds: monkeypatch.setattr(stop, key, seconds)
    yield made
    made.ends.set()
    if made.thread.ident:
        made.thread.join()
    lock.close()


def test_a_stop_is_latched_by_the_reflex_and_shown_by_readings(robot: Robot) -> None:
    robot.thread.start()
    done = stop.stop(robot.path)
    assert done.latched_after_s is not None
    assert done.at_rest_after_s == 0.0  # it did not move to begin with


def test_rest_is_counted_from_the_last_motion_that_was_read(robot: Robot) -> None:
    robot.v = [0.0, 0.5]
    robot.thread.start()
    threading.Timer(0.5, lambda: setattr(robot, "v", [0.0, 0.049])).start()
    assert stop.stop(robot.path).at_rest_after_s > 0.1


def test_what_a_frozen_reflex_said_before_is_no_answer(robot: Robot) -> None:
    robot.say_state(m.State.ESTOP)
    robot.reflex_lives = False
    robot.set_limit("_ANSWER_S", 0.1)
    robot.thread.start()
    assert stop.stop(robot.path).latched_after_s is None


def die(robot: Robot) -> None:
    """The reflex has ended; its last figures still name the process id that it had."""
    record = m.blank(m.stats(robot.spec))
    record["pid"] = 1
    robot.streams.writer("stats.reflex").publish(record)
    robot.reflex_lives = False
    robot.set_limit("_ANSWER_S", 0.1)


def freeze(robot: Robot) -> None:
    """The reflex holds its ring and is silent."""
    die(robot)
    robot.say_state(m.State.RUN)


def test_the_reflex_that_does_not_answer_is_killed_by_the_id_in_its_ring_not_in_its_figures(robot: Robot) -> None:
    freeze(robot)
    robot.thread.start()
    done = stop.stop(robot.path)
    assert robot.killed == [(os.getpid(), signal.SIGKILL)]
    assert (done.latched_after_s, done.killed, done.is_requested) == (None, os.getpid(), True)


def test_a_reflex_that_is_dead_already_is_not_killed_and_not_said_to_be(robot: Robot) -> None:
    die(robot)
    robot.thread.start()
    done = stop.stop(robot.path)
    assert robot.killed == []
    assert (done.latched_after_s, done.killed, done.is_requested) == (None, None, True)


def turn(robot: Robot) -> None:
    robot.v = [0.0, 0.06]


def go_blind(robot: Robot) -> None:
    robot.valid = [1, 0]


@pytest.mark.parametrize("spoil", [turn, go_blind])
def test_a_joint_that_moves_or_is_not_read_is_no_rest_and_is_named(
    robot: Robot, spoil: Callable[[Robot], None]
) -> None:
    spoil(robot)
    robot.set_limit("_REST_WITHIN_S", 0.4)
    robot.thread.start()
    with pytest.raises(VagusError, match=r"PRESS THE HARDWARE STOP; moving, or not read: right$"):
        stop.stop(robot.path)


def test_readings_from_before_are_no_rest(robot: Robot) -> None:
    robot.set_limit("_ANSWER_S", 0.1)
    robot.set_limit("_REST_WITHIN_S", 0.2)
    robot.streams.writer("joint_state").publish(m.blank(m.joint_state(toy_robot.SPEC)))
    with pytest.raises(VagusError, match="not read: left, right"):
        stop.stop(robot.path)


def hold(robot: Robot, *names: str) -> Streams:
    """Be another terminal, which does not let go."""
    other = shared_streams(robot.path, toy_robot.RUN.table())
    for name in names:
        other.writer(name)
    return other


def test_a_stop_is_latched_though_another_terminal_holds_the_operators_ring(robot: Robot) -> None:
    other = hold(robot, "request.operator")
    robot.thread.start()
    done = stop.stop(robot.path)
    assert done.latched_after_s is not None
    assert robot.killed == []
    other.close()


def test_a_stop_kills_the_reflex_where_others_hold_every_ring(robot: Robot) -> None:
    other = hold(robot, "request.operator", "request.idle")
    robot.set_limit("_ANSWER_S", 0.1)
    robot.say_state(m.State.RUN)
    robot.thread.start()
    done = stop.stop(robot.path)
    assert robot.killed == [(os.getpid(), signal.SIGKILL)]
    assert (done.latched_after_s, done.is_requested) == (None, False)
    other.close()


def test_a_terminal_that_does_not_let_go_is_named(robot: Robot) -> None:
    robot.set_limit("_ANSWER_S", 0.1)
    other = shared_streams(robot.path, toy_robot.RUN.table())
    other.writer("request.operator")
    with pytest.raises(StreamError, match="got a second writer, allowed: one; process"):
        stop.request(robot.path, m.Request.RESET)
    other.close()


def lift(unit: Literal["rad", "m"]) -> run_dir.Run:
    joints = tuple(replace(joint, unit=unit if joint.name == "right" else "rad") for joint in toy_robot.SPEC.joints)
    return replace(toy_robot.RUN, spec=replace(toy_robot.SPEC, joints=joints))


@pytest.mark.parametrize(
    ("unit", "speed", "is_rest"),
    [("m", 0.04, False), ("m", 0.021, False), ("m", 0.02, True), ("rad", 0.05, True), ("rad", 0.051, False)],
)
def test_rest_is_what_the_gate_calls_rest_in_the_joints_own_unit(
    robot: Robot, unit: Literal["rad", "m"], speed: float, is_rest: bool
) -> None:
    robot.set_limit("_UNSEEN_S", 10.0)
    made = Robot(robot.path, lift(unit))
    rest = stop._Rest(made.spec, made.streams.reader("joint_state"))
    time.sleep(0.11)
    record = m.blank(m.joint_state(made.spec))
    record["stamp_ns"], record["valid"], record["v"] = time.monotonic_ns(), 1, [0.0, -speed]
    made.streams.writer("joint_state").publish(record)
    assert rest.look().tolist() == [True, is_rest]


def test_of_several_robots_all_stop_and_what_fails_with_one_stands_in_its_place(robot: Robot, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    robot.thread.start()
    torn, done = stop.stop_all([tmp_path / "other", robot.path])
    assert isinstance(done, stop.Stopped)
    assert done.latched_after_s is not None
    assert "no run in" in str(torn)


def test_several_robots_are_stopped_at_once_not_one_after_the_other(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3)
    monkeypatch.setattr(stop, "stop", lambda path: together.wait(10.0))
    assert sorted(stop.stop_all([robot.path] * 3)) == [0, 1, 2]


def test_a_reset_is_granted_when_the_reflex_has_left_the_stop(robot: Robot) -> None:
    robot.state = m.State.ESTOP
    robot.thread.start()
    done = stop.reset(robot.path)
    assert done.granted_after_s is not None
    assert robot.state == m.State.STANDBY


def test_without_an_emergency_stop_nothing_is_asked_for(robot: Robot) -> None:
    robot.thread.start()
    wait_for_words(robot)
    assert stop.reset(robot.path) == stop.Reset(granted_after_s=0.0, is_needed=False)
    assert robot.state == m.State.RUN


def wait_for_words(robot: Robot) -> None:
    assert robot.streams.reader("reflex").wait(10.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(turn, r"not at rest, or not read: base \(right\)"), (go_blind, r"not at rest, or not read: base \(right\)")],
)
def test_a_reset_that_is_not_granted_says_which_joints_move(
    robot: Robot, spoil: Callable[[Robot], None], why: str
) -> None:
    spoil(robot)
    robot.state, robot.grants_resets = m.State.ESTOP, False
    robot.thread.start()
    done = stop.reset(robot.path)
    assert done.granted_after_s is None
    assert re.fullmatch(why, done.why_not)


def test_a_reset_that_is_not_granted_at_rest_gives_the_reflexs_cause(robot: Robot) -> None:
    robot.state, robot.grants_resets = m.State.ESTOP, False
    robot.cause = m.Verdict.STOPPED_ESTOP | m.Verdict.STOPPED_ENCODER_INVALID
    robot.thread.start()
    assert "stays in ESTOP (STOPPED_ENCODER_INVALID, STOPPED_ESTOP)" in stop.reset(robot.path).why_not


def test_a_reset_of_a_frozen_reflex_is_not_granted(robot: Robot) -> None:
    robot.say_state(m.State.ESTOP)
    robot.reflex_lives = False
    robot.thread.start()
    done = stop.reset(robot.path)
    assert (done.granted_after_s, done.why_not) == (None, "the reflex does not answer")
