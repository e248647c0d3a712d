"""The reflex on a real arm's bus: the same node, with the bus in its own process and its readings published."""

from dataclasses import replace

import numpy as np
import pytest

from fake_feetech import FakeBus, on_pty
from vagus.body.feetech.body import FeetechBody
from vagus.body.feetech.bus import Bus
from vagus.body.feetech.cfg import FeetechCfg
from vagus.core import messages as m
from vagus.core.ages import UNUSED, quantiles_ns
from vagus.core.errors import ConfigError
from vagus.core.messages import Mode, Record, Request, State
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec, SensorSpec
from vagus.reflex.node import ReflexNode
from vagus.runtime.context import Context
from vagus.runtime.nodes.reflex import PublishedBody, make_reflex
from vagus.runtime.run_dir import Run
from vagus.streams.ring import Reader
from vagus.streams.streams import memory_streams

MS = 1_000_000
TICK = 10 * MS
CFG = FeetechCfg(port="none", ids=(1, 2), stall_torque=2.0)
SPEC = RobotSpec(
    name="arm",
    joints=tuple(
        JointSpec(name=n, position_min=-1.0, position_max=1.0, speed_max=1.0, acceleration_max=5.0, effort_max=1.5)
        for n in ("lower", "upper")
    ),
    groups=(GroupSpec(name="arm", joints=("lower", "upper")),),
    encoder=SensorSpec(name="encoder", rate_hz=100.0, max_age_s=0.03),
    reflex_hz=100.0,
    watchdog_s=0.1,
)


def run_on(cfg: FeetechCfg) -> Run:
    return Run(spec=SPEC, robot_file="arm.py", seed=3, scene="", shape=None, is_real=True, real=cfg)


class Arm:
    """The reflex on a fake bus, and what a skill and everyone else see of it, in virtual time."""

    def __init__(self) -> None:
        self.wire = FakeBus(1, 2)
        self.streams = memory_streams(run_on(CFG).table())
        body = FeetechBody(SPEC, CFG, Bus(self.wire, budget_s=CFG.budget_s))
        self.node = ReflexNode(
            SPEC, self.streams, PublishedBody(Context(run=run_on(CFG), streams=self.streams), body), seed=3
        )
        self.readers: dict[str, Reader] = {
            name: self.streams.reader(name) for name in ("joint_state", "joint_command", "actuation", "ages", "reflex")
        }
        self.now, self.counter = 10**9, 0

    def tick(self) -> None:
        self.now += TICK
        self.wire.advance(TICK * 1e-9)
        self.node.step(self.now)

    def newest(self, name: str) -> Record:
        record = self.readers[name].latest()
        assert record is not None, name
        return record

    def state(self) -> State:
        return State(int(self.newest("reflex")["state"][0]))

    def until(self, state: State) -> None:
        for _ in range(300):
            self.tick()
            if self.state() == state:
                return
        pytest.fail(f"not {state.name} after 3 s but {self.state().name}")

    def lease(self) -> None:
        record = m.blank(m.request(SPEC))
        record["stamp_ns"], record["kind"], record["groups"] = self.now, Request.LEASE, 1
        record["nonce"], record["duration_ns"] = 7, 10**10
        self.streams.writer("request.skill").publish(record)
        self.tick()

    def command(self, q: float) -> None:
        """Ask both joints, as a skill does every tick, to be a step nearer to ``q`` two ticks from now."""
        state, reflex = self.newest("joint_state"), self.newest("reflex")
        record = m.blank(m.command(SPEC))
        self.counter += 1
        record["stamp_ns"], record["counter"], record["at_ns"] = self.now, self.counter, self.now + 2 * TICK
        record["origin_ns"], record["budget_ns"] = state["origin_ns"], UNUSED
        record["lease"], record["use"] = reflex["lease"], 1
        record["q"] = np.clip(q, reflex["q_last"] - 0.01, reflex["q_last"] + 0.01)
        record["effort_max"] = 1.5
        self.streams.writer("command.skill").publish(record)


def test_the_reflex_takes_the_arm_from_standby_to_hold_and_publishes_what_it_reads_and_tells() -> None:
    arm = Arm()
    arm.until(State.HOLD)
    for name in ("joint_state", "joint_command", "actuation"):
        assert int(arm.newest(name)["stamp_ns"]) == arm.now
    assert arm.newest("joint_state")["valid"].tolist() == [1, 1]
    assert arm.newest("joint_command")["mode"].tolist() in ([Mode.BRAKE] * 2, [Mode.POSITION] * 2)
    assert int(arm.newest("actuation")["counter"]) == int(arm.newest("joint_command")["counter"])
    assert [servo.get(40, 1) for servo in arm.wire.servos.values()] == [1, 1]  # powered


def test_ages_of_what_moves_the_arm_are_counted() -> None:
    arm = Arm()
    arm.until(State.HOLD)
    arm.lease()
    for _ in range(150):
        arm.command(0.3)
        arm.tick()
    counts = arm.newest("ages")["counts"][0]
    (median_ns,) = quantiles_ns(counts, [0.5])
    assert counts.sum() > 50
    assert median_ns <= 1.07 * TICK  # a command is computed from the tick before


def test_a_leased_command_moves_the_servos_and_its_end_stops_them() -> None:
    arm = Arm()
    arm.until(State.HOLD)
    arm.lease()
    for _ in range(200):
        arm.command(0.3)
        arm.tick()
    assert arm.state() == State.RUN
    np.testing.assert_allclose(arm.newest("joint_state")["q"], 0.3, atol=0.01)
    arm.until(State.HOLD)  # nobody commands any more
    before = [servo.position for servo in arm.wire.servos.values()]
    for _ in range(50):
        arm.tick()
    np.testing.assert_allclose([servo.position for servo in arm.wire.servos.values()], before, atol=1.0)


def test_a_servo_that_falls_silent_stops_the_group() -> None:
    arm = Arm()
    arm.until(State.HOLD)
    arm.lease()
    arm.command(0.3)
    arm.tick()
    assert arm.state() == State.RUN
    arm.wire.break_answers(2, "silent")
    arm.until(State.DAMPED)
    assert arm.newest("joint_state")["valid"].tolist() == [1, 0]


def test_before_any_servo_answers_nothing_is_published_of_the_body() -> None:
    arm = Arm()
    for servo_id in (1, 2):
        arm.wire.break_answers(servo_id, "silent")
    for _ in range(5):
        arm.tick()
    assert arm.readers["joint_state"].latest() is None
    assert arm.state() == State.OFF


def test_closing_brakes_the_servos_and_lets_the_port_go() -> None:
    arm = Arm()
    arm.until(State.HOLD)
    arm.node.close()
    assert not arm.wire.is_open
    assert [servo.get(40, 1) for servo in arm.wire.servos.values()] == [1, 1]  # not limp: a limp arm falls


def test_the_reflex_process_opens_the_port_that_the_run_names() -> None:
    wire = FakeBus(1, 2)
    with on_pty(wire) as device:
        run = run_on(replace(CFG, port=device, budget_s=0.1))
        run = replace(run, spec=replace(SPEC, encoder=SensorSpec(name="encoder", rate_hz=5.0, max_age_s=0.5)))
        streams = memory_streams(run.table())
        node = make_reflex(Context(run=run, streams=streams))
        node.step(10**9)
        node.close()
    state = streams.reader("joint_state").latest()
    assert state is not None
    assert state["valid"].tolist() == [1, 1]


def test_a_port_that_is_not_there_is_refused() -> None:
    run = run_on(replace(CFG, port="/dev/ttyNone"))
    with pytest.raises(ConfigError, match=r"cannot open serial port '/dev/ttyNone'.*no such device"):
        make_reflex(Context(run=run, streams=memory_streams(run.table())))


def test_a_run_without_a_real_body_is_refused() -> None:
    run = replace(run_on(CFG), real=None)
    with pytest.raises(ConfigError, match="has no real body"):
        make_reflex(Context(run=run, streams=memory_streams(run.table())))
