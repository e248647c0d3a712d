"""The emergency stop from a terminal believes readings, not words, and only fresh ones."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_robot

from vagus.core import messages as m
from vagus.core.errors import StreamError, VagusError
from vagus.runtime import run_dir, stop
from vagus.streams.streams import Streams, shared_streams


class Robot:
    """A thread that writes what a body and a reflex would."""

    def __init__(self, path: Path) -> None:
        run_dir.save(path, toy_robot.RUN)
        self.path = path
        self.streams: Streams = shared_streams(path, toy_robot.RUN.table())
        self.requests = self.streams.reader("request.operator")
        self.valid, self.v = [1, 1], [0.0, 0.0]
        self.reflex_lives = True
        self.set_limit: Callable[[str, float], None]
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._live)

    def say_state(self, state: m.State) -> None:
        record = m.blank(m.reflex(toy_robot.SPEC))
        record["stamp_ns"], record["state"] = time.monotonic_ns(), state
        self.streams.writer("reflex").publish(record)

    def _live(self) -> None:
        is_stopped = False
        while not self.ends.wait(0.002):
            record = m.blank(m.joint_state(toy_robot.SPEC))
            record["stamp_ns"], record["valid"], record["v"] = time.monotonic_ns(), self.valid, self.v
            self.streams.writer("joint_state").publish(record)
            is_stopped |= any(int(r["kind"]) == m.Request.ESTOP for r in self.requests.since())
            if self.reflex_lives:
                self.say_state(m.State.ESTOP if is_stopped else m.State.RUN)


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path)
    monkeypatch.setattr(stop, "_ANSWER_S", 5.0)  # this machine may be held up; the robot's own is not
    monkeypatch.setattr(stop, "_REST_WITHIN_S", 10.0)
    path, lock = run_dir.claim("toy")
    made = Robot(path)
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
    threading.Timer(0.15, lambda: setattr(robot, "v", [0.0, 0.049])).start()
    assert stop.stop(robot.path).at_rest_after_s > 0.1


def test_what_a_frozen_reflex_said_before_is_no_answer(robot: Robot) -> None:
    robot.say_state(m.State.ESTOP)
    robot.reflex_lives = False
    robot.set_limit("_ANSWER_S", 0.1)
    robot.thread.start()
    assert stop.stop(robot.path).latched_after_s is None


def test_the_reflex_that_does_not_answer_is_killed(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(stop.os, "kill", lambda pid, number: killed.append((pid, number)))
    robot.say_state(m.State.RUN)
    robot.reflex_lives = False
    robot.set_limit("_ANSWER_S", 0.1)
    record = m.blank(m.stats(toy_robot.SPEC))
    record["pid"] = 12345
    robot.streams.writer("stats.reflex").publish(record)
    robot.thread.start()
    stop.stop(robot.path)
    assert killed == [(12345, 9)]


def test_a_process_that_only_has_a_dead_reflexs_number_is_left_alone(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop.os, "kill", lambda pid, number: pytest.fail(f"killed {pid}"))
    robot.reflex_lives = False
    robot.set_limit("_ANSWER_S", 0.1)
    record = m.blank(m.stats(toy_robot.SPEC))
    record["pid"] = 1
    robot.streams.writer("stats.reflex").publish(record)
    robot.thread.start()
    assert stop.stop(robot.path).latched_after_s is None


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


def test_two_terminals_that_stop_at_once_both_do(robot: Robot) -> None:
    robot.thread.start()
    other = shared_streams(robot.path, toy_robot.RUN.table())
    other.writer("request.operator")
    threading.Timer(0.1, other.close).start()
    assert stop.stop(robot.path).latched_after_s is not None


def test_a_terminal_that_does_not_let_go_is_named(robot: Robot) -> None:
    robot.set_limit("_ANSWER_S", 0.1)
    other = shared_streams(robot.path, toy_robot.RUN.table())
    other.writer("request.operator")
    with pytest.raises(StreamError, match="got a second writer, allowed: one; process"):
        stop.request(robot.path, m.Request.RESET)
    other.close()
