"""The robot live, in its processes and real time: it does what is said, stops when told, survives its processes."""

import json
import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from vagus.core import messages as m
from vagus.runtime import prepare, stop
from vagus.runtime.supervisor import Supervisor
from vagus.runtime.top import Top

pytestmark = pytest.mark.realtime
PATIENCE_S = 40.0


class LiveRobot:
    """The host under a supervisor, watched while time passes."""

    def __init__(self) -> None:
        run, robot = prepare.prepare(prepare.host_file(), seed=5, scene="empty")
        run = prepare.live(run, record_dir=None, page_port=0, page_token="")
        self.said: list[str] = []
        self.came: list[str] = []
        self.supervisor = Supervisor(run, report=self.said.append)
        prepare.write_models(self.supervisor.path, run, robot)
        streams = self.supervisor.streams
        self.reflex, self.outcome = streams.reader("reflex"), streams.reader("outcome")
        self.joint_state, self.actuation = streams.reader("joint_state"), streams.reader("actuation")
        self.ear = streams.writer("utterance.operator")
        self.supervisor.start()

    def until(self, condition) -> bool:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.supervisor.watch()
            if condition():
                return True
            time.sleep(0.01)
        return False

    def states(self) -> list[m.State]:
        newest = self.reflex.latest()
        fresh = newest is not None and time.monotonic_ns() - int(newest["stamp_ns"]) < 200_000_000
        return [m.State(int(s)) for s in newest["state"]] if fresh else []

    def holds(self) -> bool:
        states = self.states()
        return bool(states) and all(s in (m.State.HOLD, m.State.RUN) for s in states)

    def moves(self) -> bool:
        arm = self.supervisor.run.spec.joint_index("right_shoulder_pitch")
        newest = self.joint_state.latest()
        return newest is not None and abs(float(newest["v"][arm])) > 0.2

    def say(self, words: str) -> None:
        record = m.blank(m.text(self.supervisor.run.spec))
        record["stamp_ns"], record["id"] = time.monotonic_ns(), 1
        m.set_text(record, words)
        self.ear.publish(record)

    def waves(self) -> bool:
        """Wave, up to three times: a machine that stalls for longer than the age budget makes the gate brake."""
        for _ in range(3):
            self.outcome.since()
            self.came = []
            self.say("wave")
            self.until(lambda: self.moves() or bool(self._hear()))
            if self.moves():
                return True
        return False

    def _hear(self) -> list[str]:
        self.came += [m.get_text(record) for record in self.outcome.since()]
        return self.came


@pytest.fixture(scope="module")
def robot() -> Iterator[LiveRobot]:
    live = LiveRobot()
    try:
        assert live.until(live.holds), live.said
        yield live
    finally:
        live.supervisor.stop()


def test_it_does_what_is_said(robot: LiveRobot) -> None:
    for _ in range(3):  # a machine that stalls for longer than the age budget makes the gate brake: that is its job
        told: list[m.Record] = []
        robot.outcome.since()
        robot.say("look left")
        assert robot.until(lambda told=told: bool(told.extend(robot.outcome.since()) or told))
        if json.loads(m.get_text(told[0]))["ok"]:
            return
    pytest.fail("it could not look left in three tries")


def test_top_shows_ages_rates_and_processes(robot: LiveRobot) -> None:
    top = Top(robot.supervisor.path)
    top.look()
    time.sleep(1.0)
    snapshot = top.look()
    assert snapshot.ages_ms["encoder"].commands > 100
    assert snapshot.ages_ms["encoder"].p50 is not None
    assert snapshot.ages_ms["encoder"].p50 < 8.0
    assert 200.0 < snapshot.streams["reflex"].rate_hz < 800.0
    # Perception gets what nobody else wants: on a full machine it is late to say that it lives.
    assert robot.until(lambda: set(top.look().processes) == {"world", "camera", "brain", "perception", "reflex"})


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGSTOP])
def test_without_its_reflex_the_body_brakes_and_then_holds_again(robot: LiveRobot, kind: signal.Signals) -> None:
    assert robot.until(robot.holds)
    assert robot.waves(), (robot.said, robot.came)
    restarts = robot.supervisor.restarts("reflex")
    robot.actuation.since()
    at_ns = time.monotonic_ns()
    os.kill(robot.supervisor.pid("reflex"), kind)
    time.sleep(0.4)
    braking = [int(r["stamp_ns"]) for r in robot.actuation.since() if r["is_braking"] and int(r["stamp_ns"]) > at_ns]
    assert braking
    assert braking[0] - at_ns < 200_000_000  # 20 ms where the machine is not held up
    assert robot.until(lambda: robot.supervisor.restarts("reflex") > restarts)
    assert robot.until(robot.holds), robot.said


def test_stop_is_latched_verified_and_outlives_the_reflex(robot: LiveRobot) -> None:
    assert robot.until(robot.holds)
    assert robot.waves(), (robot.said, robot.came)
    done = stop.stop(robot.supervisor.path)
    assert done.at_rest_after_s < 3.0
    assert all(s == m.State.ESTOP for s in robot.states())
    restarts = robot.supervisor.restarts("reflex")
    os.kill(robot.supervisor.pid("reflex"), signal.SIGKILL)
    assert robot.until(lambda: robot.supervisor.restarts("reflex") > restarts)
    assert robot.until(lambda: bool(robot.states()))
    assert all(s == m.State.ESTOP for s in robot.states())
    before = robot.joint_state.latest()["q"].copy()
    robot.say("wave")
    time.sleep(1.0)
    after = robot.joint_state.latest()
    assert np.nanmax(np.abs(after["q"] - before)) < 0.02
    time.sleep(0.5)
    stop.request(robot.supervisor.path, m.Request.RESET)
    assert robot.until(robot.holds)
