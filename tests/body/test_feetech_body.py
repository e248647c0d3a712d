"""Claims about the arm on a Feetech bus, checked at the servos' own memory tables."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fake_feetech import FakeBus, FakeServo, on_pty
from vagus.body.feetech.body import STEP, FeetechBody, open_body, problems, wire_s
from vagus.body.feetech.bus import Bus
from vagus.body.feetech.protocol import Fault
from vagus.body.robot import FeetechCfg
from vagus.core import messages as m
from vagus.core.errors import BodyError, ConfigError
from vagus.core.messages import Mode
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec, SensorSpec

MS = 1_000_000
CFG = FeetechCfg(port="none", ids=(1, 2), zero=(2048, 1500), direction=(1, -1), stall_torque=2.0)


def _spec(rate_hz: float = 100.0) -> RobotSpec:
    joints = tuple(
        JointSpec(name=n, position_min=-1.0, position_max=2.0, speed_max=2.0, acceleration_max=10.0, effort_max=1.5)
        for n in ("a", "b")
    )
    encoder = SensorSpec(name="encoder", rate_hz=rate_hz, max_age_s=0.03)
    return RobotSpec(name="two", joints=joints, groups=(GroupSpec(name="arm", joints=("a", "b")),), encoder=encoder)


def _arm(cfg: FeetechCfg = CFG) -> tuple[FeetechBody, FakeBus]:
    wire = FakeBus(1, 2)
    return FeetechBody(_spec(), cfg, Bus(wire, budget_s=cfg.budget_s)), wire


def _command(mode: Mode, *, q: float = 0.0, at_ms: int = 0, effort_max: float = 1.0) -> m.Record:
    command = m.blank(m.joint_command(_spec()))
    command["mode"], command["q"], command["effort_max"], command["stamp_ns"] = mode, q, effort_max, at_ms * MS
    return command


def _torque(servo: FakeServo) -> int:
    return servo.get(40, 1)


def _read(body: FeetechBody, at_ms: int) -> m.Record:
    state = body.read(at_ms * MS)
    assert state is not None
    return state


def test_opening_switches_no_torque_and_sends_no_goal() -> None:
    _, wire = _arm()
    assert [_torque(s) for s in wire.servos.values()] == [0, 0]
    assert not any(packet[4] == 0x83 for packet in wire.heard)


def test_readings_are_in_si_units_by_zero_and_direction() -> None:
    body, wire = _arm()
    wire.servos[1].position, wire.servos[2].position = 3072, 1500 + 1024  # a quarter turn up, each
    wire.servos[2].speed = 1024
    wire.servos[1].put(60, 0x400 | 250, 2)  # -25 % duty
    state = _read(body, 5)
    np.testing.assert_allclose(state["q"], [math.pi / 2, -math.pi / 2], atol=1e-12)
    np.testing.assert_allclose(state["v"], [0.0, -math.pi / 2], atol=1e-12)
    np.testing.assert_allclose(state["effort"], [-0.5, 0.0])  # a quarter of 2 N m
    assert (state["valid"].tolist(), int(state["stamp_ns"]), int(state["origin_ns"][0])) == ([1, 1], 5 * MS, 5 * MS)
    assert body.health["a"].voltage == pytest.approx(7.4)


def test_the_coarse_speed_unit_is_read_from_the_servo() -> None:
    wire = FakeBus(1, 2)
    wire.servos[1].put(18, 8, 1)  # phase with bit 2 clear: 0.732 rpm, which is 50 steps/s
    body = FeetechBody(_spec(), CFG, Bus(wire, budget_s=0.008))
    wire.servos[1].speed = 10
    assert _read(body, 0)["v"][0] == pytest.approx(10 * 50 * STEP)
    body.write(_command(Mode.POSITION))
    assert wire.servos[1].get(46, 2) * 50 * STEP == pytest.approx(1.25 * 2.0, abs=50 * STEP)


def test_nothing_is_reported_before_any_servo_answered() -> None:
    body, wire = _arm()
    wire.break_answers(1, "silent")
    wire.break_answers(2, "silent")
    assert body.read(0) is None


@pytest.mark.parametrize("how", ["silent", "checksum", "truncated", "wrong id"])
def test_a_servo_that_does_not_answer_is_nan_and_not_valid(how: str) -> None:
    body, wire = _arm()
    _read(body, 0)
    wire.break_answers(2, how)
    state = _read(body, 10)
    assert state["valid"].tolist() == [1, 0]
    assert np.isfinite(state["q"]).tolist() == np.isfinite(state["v"]).tolist() == [True, False]


def test_when_nobody_answers_the_encoder_grows_old_and_the_counter_stands() -> None:
    body, wire = _arm()
    before = _read(body, 0)
    for servo_id in wire.servos:
        wire.break_answers(servo_id, "silent")
    after = _read(body, 10)
    assert (after["origin_ns"][0], after["counter"]) == (before["origin_ns"][0], before["counter"])
    assert after["valid"].tolist() == [0, 0]


def test_a_reading_handed_out_is_not_changed_by_the_next() -> None:
    body, wire = _arm()
    first = _read(body, 0)
    wire.servos[1].position = 3000
    _read(body, 10)
    assert first["q"][0] == 0.0


@pytest.mark.parametrize(("fault", "is_valid"), [(Fault.OVERLOAD, 1), (Fault.VOLTAGE, 1), (Fault.ENCODER, 0)])
def test_faults_are_kept_and_a_bad_encoder_is_not_valid(fault: Fault, is_valid: int) -> None:
    body, wire = _arm()
    wire.servos[1].status = int(fault)
    assert _read(body, 0)["valid"].tolist() == [is_valid, 1]
    assert body.health["a"].fault == fault


def test_a_position_reaches_the_servo_with_all_its_limits() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=math.pi / 4, effort_max=1.0))
    one, two = wire.servos.values()
    assert (one.get(42, 2), two.get(42, 2)) == (2048 + 512, 1500 - 512)
    assert (one.get(48, 2), _torque(one)) == (500, 1)  # 1 N m of 2
    assert one.get(46, 2) * STEP == pytest.approx(1.25 * 2.0, abs=STEP)
    assert 20.0 <= one.get(41, 1) * 100 * STEP < 20.0 + 100 * STEP  # twice 10 rad/s^2, rounded up


@pytest.mark.parametrize(("effort_max", "register"), [(0.0, 0), (1.5, 750), (99.0, 750), (math.inf, 750)])
def test_torque_never_exceeds_command_nor_spec(effort_max: float, register: int) -> None:
    body, wire = _arm()
    body.write(_command(Mode.POSITION, effort_max=effort_max))
    assert wire.servos[1].get(48, 2) == register


@pytest.mark.parametrize("q", [-1e9, -1.0, 2.0, 1e9])
def test_no_goal_leaves_the_joint_range(q: float) -> None:
    body, wire = _arm()
    body.write(_command(Mode.POSITION, q=q))
    lowest, highest = 2048 + math.floor(-1.0 / STEP), 2048 + math.ceil(2.0 / STEP)
    assert lowest <= wire.servos[1].get(42, 2) <= highest


@pytest.mark.parametrize(
    "command",
    [
        _command(Mode.POSITION, q=math.nan),
        _command(Mode.POSITION, q=math.inf),
        _command(Mode.POSITION, effort_max=math.nan),
        _command(Mode.POSITION, effort_max=-0.1),
        _command(Mode.VELOCITY),
        _command(Mode(4)),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_refused_and_nothing_is_sent(command: m.Record) -> None:
    body, wire = _arm()
    said = len(wire.heard)
    with pytest.raises(BodyError, match="allowed"):
        body.write(command)
    assert len(wire.heard) == said


def test_an_unknown_mode_is_refused_and_nothing_is_sent() -> None:
    body, wire = _arm()
    command = _command(Mode.POSITION)
    command["mode"][1] = 200
    said = len(wire.heard)
    with pytest.raises(BodyError, match="allowed"):
        body.write(command)
    assert len(wire.heard) == said


@pytest.mark.parametrize(("mode", "torque"), [(Mode.OFF, 0), (Mode.DAMP, 2), (Mode.BRAKE, 1), (Mode.POSITION, 1)])
def test_each_mode_sets_the_servos_torque(mode: Mode, torque: int) -> None:
    body, wire = _arm()
    for before in (Mode.OFF, Mode.DAMP, Mode.BRAKE, Mode.POSITION):
        for tick, sent in enumerate((before, mode)):
            _read(body, 10 * tick)
            body.write(_command(sent))
        assert [_torque(s) for s in wire.servos.values()] == [torque, torque]


def test_braking_a_limp_arm_holds_it_where_it_is() -> None:
    body, wire = _arm()
    wire.servos[1].position = 2300
    _read(body, 0)
    body.write(_command(Mode.BRAKE))
    assert (wire.servos[1].get(42, 2), _torque(wire.servos[1])) == (2300, 1)


def test_an_arm_nobody_measured_is_not_powered_by_braking() -> None:
    body, wire = _arm()
    body.write(_command(Mode.BRAKE))
    assert [_torque(s) for s in wire.servos.values()] == [0, 0]
    _read(body, 10)
    body.write(_command(Mode.BRAKE))
    assert [_torque(s) for s in wire.servos.values()] == [1, 1]


def test_braking_at_rest_keeps_the_goal_so_that_a_loaded_arm_does_not_sink() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=0.5))
    goal = wire.servos[1].get(42, 2)
    wire.servos[1].position = goal - 30  # sags under its load
    _read(body, 10)
    body.write(_command(Mode.BRAKE))
    assert wire.servos[1].get(42, 2) == goal


def test_braking_in_motion_stops_within_the_declared_deceleration() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=1.5))
    for _ in range(20):
        wire.advance(0.01)
    state = _read(body, 200)
    body.write(_command(Mode.BRAKE))
    for _ in range(100):
        wire.advance(0.01)
    q, v = state["q"][0], state["v"][0]
    assert v > 1.5
    assert _read(body, 210)["q"][0] == pytest.approx(q + v * v / (2 * 10.0), abs=2 * STEP)


def test_silence_longer_than_the_watchdog_brakes_and_stays_braked() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=2.0, at_ms=0))
    state = _read(body, 0)
    for tick in range(1, 100):
        wire.advance(0.01)
        state = _read(body, 10 * tick)
    # 30 ms of at most 2.5 rad/s until the watchdog sees it, then (2.5 rad/s)^2 / (2 * 10 rad/s^2).
    assert 0.0 < state["q"][0] < 0.075 + 0.3125 + 2 * STEP
    assert state["v"][0] == 0.0


def test_commands_on_time_keep_the_watchdog_quiet() -> None:
    body, wire = _arm()
    for tick in range(100):
        _read(body, 10 * tick)
        body.write(_command(Mode.POSITION, q=1.0, at_ms=10 * tick))
        wire.advance(0.01)
    assert _read(body, 1000)["q"][0] == pytest.approx(1.0, abs=2 * STEP)


def test_an_arm_that_was_never_commanded_is_left_as_it_was() -> None:
    body, wire = _arm()
    said = len(wire.heard)
    body.close()
    assert len(wire.heard) == said


def test_a_dead_process_leaves_the_servo_at_its_last_goal() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=0.1))
    for _ in range(1000):
        wire.advance(0.01)
    assert abs(wire.servos[1].position - (2048 + 0.1 / STEP)) <= 1.0


def test_a_servo_that_lost_its_torque_is_not_valid_and_gets_no_goal_until_it_brakes() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=0.5))
    one = wire.servos[1]
    one.put(40, 0, 1)  # its supply dipped
    one.position = 1900.0
    assert _read(body, 10)["valid"].tolist() == [0, 1]
    body.write(_command(Mode.POSITION, q=0.5))
    assert _torque(one) == 0
    body.write(_command(Mode.BRAKE))
    assert (_torque(one), one.get(42, 2)) == (1, 1900)
    assert _read(body, 20)["valid"].tolist() == [1, 1]


def test_closing_brakes_leaves_the_torque_on_and_lets_go_of_the_port() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION, q=0.2))
    body.close()
    assert [_torque(s) for s in wire.servos.values()] == [1, 1]
    assert not wire.is_open


def test_the_port_is_let_go_even_when_it_is_gone() -> None:
    body, wire = _arm()
    _read(body, 0)
    body.write(_command(Mode.POSITION))
    wire.is_gone = True
    with pytest.raises(BodyError, match="gone"):
        body.close()
    assert not wire.is_open


@pytest.mark.parametrize(
    ("address", "value", "size", "said"),
    [(3, 1284, 2, "STS3215"), (33, 1, 1, "position"), (7, 250, 1, r"at most 20"), (18, 28, 1, "one turn")],
)
def test_a_servo_set_up_otherwise_is_refused_by_register(address: int, value: int, size: int, said: str) -> None:
    wire = FakeBus(1, 2)
    wire.servos[2].put(address, value, size)
    with pytest.raises(ConfigError, match=f"joint 'b', servo 2, register {address}: got {value}, allowed: .*{said}"):
        FeetechBody(_spec(), CFG, Bus(wire, budget_s=0.008))


def test_a_missing_servo_is_named_with_its_joint() -> None:
    with pytest.raises(ConfigError, match="joint 'b': servo 2 does not answer"):
        FeetechBody(_spec(), CFG, Bus(FakeBus(1), budget_s=0.008))


def test_six_servos_fit_100_hz_and_not_200() -> None:
    assert sum(wire_s(6, 1_000_000)) == pytest.approx(0.00262)
    assert problems(_spec(100.0), CFG) == []
    assert "encoder.rate_hz: got 200" in problems(_spec(200.0), CFG)[0]
    assert "budget_s: got 0.008" in problems(_spec(100.0), replace(CFG, baud=115_200))[0]


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        (replace(CFG, ids=(1,), zero=(), direction=()), "one per joint"),
        (replace(CFG, zero=(4000, 2048)), "joint 'a': its range is .* allowed: within 0 to 4095"),
    ],
)
def test_a_robot_that_does_not_fit_the_bus_is_refused(cfg: FeetechCfg, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        FeetechBody(_spec(), cfg, Bus(FakeBus(1, 2), budget_s=0.008))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ids": (1, 1)},
        {"ids": (1, 254)},
        {"ids": ("1", "2")},
        {"port": ""},
        {"baud": 0},
        {"baud": -1},
        {"baud": 9600.5},
        {"budget_s": 0.0019},
        {"budget_s": math.nan},
        {"budget_s": math.inf},
        {"budget_s": "fast"},
        {"zero": (1,)},
        {"zero": (1, 5000)},
        {"direction": (1, 0)},
        {"stall_torque": 0},
    ],
)
def test_a_wrong_bus_setting_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        replace(CFG, **wrong)  # pyright: ignore[reportArgumentType]


def test_an_arm_on_a_serial_device_reads_and_obeys() -> None:
    wire = FakeBus(1, 2)
    with on_pty(wire) as device:
        slow = replace(_spec(), encoder=SensorSpec(name="encoder", rate_hz=0.4, max_age_s=3.0))  # no claim about time
        body = open_body(slow, replace(CFG, port=device, budget_s=2.0))
        assert _read(body, 0)["valid"].tolist() == [1, 1]
        body.write(_command(Mode.POSITION, q=math.pi / 4))
        _read(body, 10)  # its answer comes after the goal was heard
        body.close()
    assert wire.servos[1].get(42, 2) == 2048 + 512


def test_a_port_whose_arm_is_refused_is_let_go() -> None:
    with on_pty(FakeBus(1)) as device:
        for _ in range(2):  # a port that was kept would be taken the second time
            with pytest.raises(ConfigError, match="does not answer"):
                open_body(_spec(), replace(CFG, port=device))


@pytest.mark.parametrize("changes", [{"unit": "m"}, {"mode": "velocity"}])
def test_joints_that_are_not_servo_angles_are_refused(changes: dict[str, object]) -> None:
    spec = _spec()
    spec = replace(spec, joints=(replace(spec.joints[0], **changes), spec.joints[1]))  # pyright: ignore
    with pytest.raises(ConfigError, match=r"joint 'a': got .* allowed: position in rad"):
        FeetechBody(spec, CFG, Bus(FakeBus(1, 2), budget_s=0.008))
