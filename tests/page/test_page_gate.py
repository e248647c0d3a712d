"""Teleoperation through the real gate: a jog moves the robot, and whatever ends it brings the robot to HOLD."""

import numpy as np
import pytest
from page_stand import START_NS, small_spec

from vagus.core import messages as m
from vagus.core.messages import Mode, Record, Source, State
from vagus.page.teleop import Teleop
from vagus.reflex.node import ReflexNode
from vagus.streams.streams import memory_streams
from vagus.streams.table import stream_table

TICK_NS = 2_000_000


class IdealBody:
    """Motors that are where they were told to be, one tick later."""

    def __init__(self) -> None:
        self.spec = small_spec()
        self.q = self.spec.array("home")
        self.v = np.zeros(self.spec.n_joints)
        self.counter = 0

    def read(self, now_ns: int) -> Record:
        state = m.blank(m.joint_state(self.spec))
        state["stamp_ns"], state["counter"], state["valid"] = now_ns, self.counter, 1
        state["origin_ns"][0], state["q"], state["v"] = now_ns, self.q, self.v
        return state

    def write(self, command: Record) -> None:
        wheels = np.array([j.mode == "velocity" for j in self.spec.joints])
        runs = (command["mode"] == Mode.POSITION) | (command["mode"] == Mode.VELOCITY)
        q = np.where(runs & ~wheels, command["q"], self.q)
        self.v = np.where(wheels, np.where(runs, command["v"], 0.0), (q - self.q) / 0.002)
        self.q = np.where(wheels, self.q + self.v * 0.002, q)
        self.counter += 1

    def close(self) -> None:
        pass


class Loop:
    """The reflex at 500 Hz and teleoperation at 50 Hz, in one virtual time."""

    def __init__(self) -> None:
        self.body = IdealBody()
        self.streams = memory_streams(stream_table(self.body.spec, None))
        self.reflex = ReflexNode(self.body.spec, self.streams, self.body, seed=1)
        self.teleop = Teleop(self.body.spec, self.streams)
        self.states = self.streams.writer("joint_state")
        self.seen = self.streams.reader("reflex")
        self.now_ns = START_NS
        self.held: dict[str, float] = {}

    def run(self, seconds: float, *, with_page: bool = True) -> None:
        for k in range(round(seconds * 500)):
            self.now_ns += TICK_NS
            self.states.publish(self.body.read(self.now_ns))
            self.reflex.step(self.now_ns)
            if with_page and k % 50 == 0 and self.teleop.page is not None:
                self.teleop.keep(1, self.now_ns)
                for joint, fraction in self.held.items():
                    self.teleop.jog(1, joint, fraction, self.now_ns)
            if with_page and k % 10 == 0:
                self.teleop.step(self.now_ns)

    def group(self, name: str) -> tuple[State, Source]:
        reflex = self.seen.latest()
        assert reflex is not None
        g = self.body.spec.group_index(name)
        return State(int(reflex["state"][g])), Source(int(reflex["holder"][g]))

    def token(self, name: str) -> int:
        reflex = self.seen.latest()
        assert reflex is not None
        return int(reflex["lease"][self.body.spec.group_index(name)])


@pytest.fixture
def loop() -> Loop:
    loop = Loop()
    loop.run(1.0)
    loop.teleop.take(1, loop.now_ns)
    loop.run(0.3)
    return loop


def test_control_is_granted_and_kept_while_nothing_moves(loop: Loop) -> None:
    loop.run(2.0)
    assert loop.group("arm_left") == (State.HOLD, Source.TELEOP)
    assert loop.group("base") == (State.HOLD, Source.TELEOP)


def test_a_jog_passes_the_gate_and_moves_one_joint(loop: Loop) -> None:
    start = loop.body.q.copy()
    loop.held = {"left_elbow": 1.0}
    loop.run(1.5)
    moved = loop.body.q - start
    assert loop.group("arm_left") == (State.RUN, Source.TELEOP)
    assert 0.4 < moved[3] <= 0.6
    np.testing.assert_allclose(np.delete(moved, 3), 0.0, atol=1e-9)
    loop.held = {}
    loop.run(0.6)
    rest = loop.body.q.copy()
    loop.run(0.5)
    np.testing.assert_allclose(loop.body.q, rest, atol=1e-6)
    assert loop.teleop.events == [], "no stop was needed"


def test_a_joint_jogged_to_its_limit_stays_there_in_run(loop: Loop) -> None:
    loop.held = {"left_elbow": -1.0}
    loop.run(3.0)
    assert loop.body.q[3] == pytest.approx(0.0, abs=2e-3)
    assert loop.group("arm_left")[0] == State.RUN


def test_a_vanished_page_ends_in_hold_and_nobody_s(loop: Loop) -> None:
    loop.held = {"left_elbow": 1.0}
    loop.run(1.0)
    loop.teleop.release(1, loop.now_ns)
    loop.run(1.0)
    assert loop.group("arm_left") == (State.HOLD, Source.NOBODY)


def test_a_dead_page_server_ends_in_hold_and_nobody_s(loop: Loop) -> None:
    loop.held = {"left_elbow": 1.0}
    loop.run(1.0)
    loop.run(0.5, with_page=False)
    q = loop.body.q.copy()
    loop.run(1.5, with_page=False)
    assert loop.group("arm_left") == (State.HOLD, Source.NOBODY)
    np.testing.assert_allclose(loop.body.q, q, atol=1e-6)


def test_a_server_that_hiccups_mid_jog_moves_again_only_after_a_new_press_and_lease(loop: Loop) -> None:
    loop.held = {"left_elbow": 1.0}
    loop.run(1.0)
    before = loop.token("arm_left")
    loop.run(0.4, with_page=False)
    loop.run(0.6)
    q = loop.body.q.copy()
    loop.run(0.6)
    np.testing.assert_allclose(loop.body.q, q, atol=1e-6)
    loop.teleop.jog(1, "left_elbow", 0.0, loop.now_ns)
    loop.run(1.0)
    assert loop.body.q[3] > q[3] + 0.1
    assert loop.token("arm_left") not in (0, before)


def test_estop_and_reset_go_through_the_gate(loop: Loop) -> None:
    loop.held = {"left_elbow": 1.0}
    loop.run(1.0)
    loop.teleop.estop(loop.now_ns)
    loop.held = {}
    loop.run(1.0)
    assert loop.group("arm_left")[0] == State.ESTOP
    assert loop.group("base")[0] == State.ESTOP
    loop.teleop.reset(loop.now_ns)
    loop.run(1.5)
    assert loop.group("arm_left") == (State.HOLD, Source.NOBODY)
    loop.teleop.take(1, loop.now_ns)
    loop.run(0.5)
    assert loop.group("arm_left") == (State.HOLD, Source.TELEOP)


def test_driving_passes_the_gate_and_stops(loop: Loop) -> None:
    loop.teleop.drive(1, 1.0, 0.0, loop.now_ns)
    loop.run(0.25)
    assert loop.body.v[0] == loop.body.v[1] > 0.5
    loop.run(1.0)  # nobody says drive any more
    np.testing.assert_allclose(loop.body.v[:2], 0.0, atol=1e-6)
