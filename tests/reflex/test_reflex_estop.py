"""The emergency stop: from everywhere, along the path, latched, confirmed by readings; the way out of it."""

import numpy as np
import pytest
from reflex_rig import ARM, GRIPPER, HAND, HEAD, LEFT, MS, NECK, RIGHT, SHOULDER, TICK, Rig

from vagus.core.messages import Mode, Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg

ALL = range(5)


def stopped(rig: Rig, source: Source = Source.OPERATOR) -> Rig:
    rig.tick((source, rig.request(Request.ESTOP)))
    return rig


def settled(rig: Rig) -> Rig:
    stopped(rig)
    rig.ticks(200)
    return rig


def release(rig: Rig, source: Source = Source.OPERATOR) -> None:
    rig.tick((source, rig.request(Request.RESET)))


@pytest.mark.parametrize("source", [Source.IDLE, Source.SKILL, Source.TELEOP, Source.OPERATOR])
def test_any_source_stops_every_group_whatever_it_names(source: Source) -> None:
    rig = Rig().running()
    rig.tick((source, rig.request(Request.ESTOP, groups=0, stamp_ns=0)))
    assert [rig.state(g) for g in ALL] == [State.ESTOP] * 5
    assert all(rig.cause(g) & Verdict.STOPPED_ESTOP for g in ALL)
    assert not rig.reflex["lease"].any()
    assert not rig.reflex["holder"].any()


@pytest.mark.parametrize("state", [State.OFF, State.STANDBY, State.HOLD, State.RUN, State.STOPPING, State.DAMPED])
def test_it_comes_from_every_state(state: State) -> None:
    rig = Rig().running() if state in (State.RUN, State.STOPPING) else Rig()
    rig.has_body = state != State.OFF
    rig.tick() if state in (State.OFF, State.STANDBY) else None
    if state == State.HOLD:
        rig.hold()
    if state == State.STOPPING:
        rig.until(state)
    if state == State.DAMPED:
        rig.hold().q[SHOULDER] += 0.5
        rig.tick()
    assert rig.state() == state
    assert stopped(rig).state() == State.ESTOP


def test_it_brakes_along_the_path_with_all_the_slowest_joint_has() -> None:
    rig = Rig().running()
    v = rig.memory.v_last.copy()
    time_s = np.max(np.abs(v) / rig.gate.limits.acceleration)
    stopped(rig)
    path = [rig.memory.v_last.copy()]
    while rig.memory.v_last.any():
        rig.tick()
        path.append(rig.memory.v_last.copy())
    assert len(path) == pytest.approx(time_s / 0.002, abs=1.01)
    for now in path:
        assert now[0] * v[1] == pytest.approx(now[1] * v[0], abs=1e-12)


def test_at_rest_each_group_does_what_it_declares() -> None:
    rig = Rig().running()
    stopped(rig)  # only the arm is moving: it brakes first
    at_once = [Mode.POSITION] * 3 + [Mode.BRAKE] * 2 + [Mode.OFF, Mode.BRAKE]
    assert rig.sent["mode"].tolist() == at_once
    rig.ticks(400)
    assert rig.sent["mode"].tolist() == [Mode.BRAKE] * 2 + [Mode.POSITION] + [Mode.BRAKE] * 2 + [Mode.OFF, Mode.BRAKE]


def test_the_gripper_keeps_its_command_and_its_force() -> None:
    rig = Rig().leased()
    rig.follows[GRIPPER] = False  # there is something between the fingers
    for _ in range(200):
        squeeze = max(0.0, float(rig.memory.q_last[GRIPPER]) - 0.003)
        rig.tick((Source.SKILL, rig.command({GRIPPER: squeeze}, effort_max=3.0)))
    settled(rig)
    assert (rig.sent["q"][GRIPPER], rig.sent["effort_max"][GRIPPER]) == (pytest.approx(0.0, abs=1e-12), 3.0)
    release(rig)
    rig.until(State.HOLD, HAND)
    assert (rig.sent["q"][GRIPPER], rig.sent["effort_max"][GRIPPER]) == (pytest.approx(0.0, abs=1e-12), 3.0)
    assert rig.sent["mode"][GRIPPER] == Mode.POSITION


def test_it_is_not_over_while_readings_show_motion_until_its_time_is_up() -> None:
    rig = Rig().hold()
    rig.v[SHOULDER] = 0.06
    stopped(rig)
    start = rig.now
    while rig.sent["mode"][SHOULDER] == Mode.POSITION:
        rig.v[SHOULDER] = 0.06
        rig.tick()
    assert rig.now - start == 2000 * MS


def test_from_standby_the_motors_brakes_stay() -> None:
    rig = Rig()
    rig.tick()
    assert stopped(rig).sent["mode"].tolist() == [Mode.BRAKE] * 7


def test_a_damped_group_stays_damped_until_its_readings_are_back_or_time_is_up() -> None:
    rig = Rig().hold()
    rig.valid[NECK] = 0
    rig.until(State.DAMPED, HEAD)
    stopped(rig)
    assert rig.sent["mode"][NECK] == Mode.DAMP
    rig.ticks(998)
    assert rig.sent["mode"][NECK] == Mode.DAMP
    rig.ticks(2)
    assert rig.sent["mode"][NECK] == Mode.OFF
    assert rig.cause(HEAD) == Verdict.STOPPED_ENCODER_INVALID | Verdict.STOPPED_ESTOP


def test_a_damped_group_whose_readings_are_back_is_settled_by_rest() -> None:
    rig = Rig().hold()
    rig.valid[NECK] = 0
    rig.until(State.DAMPED, HEAD)
    stopped(rig)
    rig.valid[NECK] = 1
    rig.ticks(51)
    assert rig.sent["mode"][NECK] == Mode.OFF


def test_readings_lost_while_braking_damp_the_group() -> None:
    rig = Rig().running()
    stopped(rig)
    rig.valid[SHOULDER] = 0
    rig.ticks(6)
    assert rig.state() == State.ESTOP
    assert rig.sent["mode"][:3].tolist() == [Mode.DAMP, Mode.DAMP, Mode.POSITION]


def test_a_gap_while_braking_leaves_the_stop_to_the_bodys_brakes() -> None:
    rig = Rig().running()
    stopped(rig)
    rig.tick(dt=20 * MS)
    assert rig.state() == State.ESTOP
    assert rig.sent["mode"][:3].tolist() == [Mode.BRAKE, Mode.BRAKE, Mode.POSITION]
    assert not rig.memory.v_last.any()


def test_what_stopped_a_group_before_is_not_forgotten() -> None:
    rig = Rig().running()
    rig.until(State.STOPPING)
    stopped(rig)
    assert rig.cause() == Verdict.STOPPED_LATE | Verdict.STOPPED_ESTOP


def test_a_robot_moved_out_of_its_limits_meanwhile_is_not_taken_over() -> None:
    rig = settled(Rig().running())
    rig.follows[:] = False
    for _ in range(200):
        rig.q[SHOULDER] = min(1.2, rig.q[SHOULDER] + 0.01)
        rig.tick()
    release(rig)
    rig.ticks(100)
    assert rig.state() == State.STANDBY
    assert rig.sent["mode"][SHOULDER] == Mode.BRAKE


def test_a_gripper_that_was_not_trusted_does_not_go_back_to_its_old_command() -> None:
    rig = Rig().hold()
    rig.valid[GRIPPER] = 0
    rig.until(State.DAMPED, HAND)
    stopped(rig)
    rig.valid[GRIPPER] = 1
    rig.ticks(60)
    release(rig)
    assert rig.sent["mode"][GRIPPER] == Mode.BRAKE


def test_a_second_stop_does_not_start_anew() -> None:
    rig = settled(Rig().running())
    stopped(rig, Source.SKILL)
    assert rig.sent["mode"][SHOULDER] == Mode.BRAKE


def test_nothing_moves_it_and_no_lease_is_granted() -> None:
    rig = settled(Rig().leased())
    rig.tick((Source.TELEOP, rig.request(Request.LEASE)))
    assert (rig.holder(), rig.verdict()) == (Source.NOBODY, Verdict.REFUSED_STATE)
    rig.tick((Source.TELEOP, rig.command({SHOULDER: 0.0})))
    assert (rig.state(), rig.verdict()) == (State.ESTOP, Verdict.REFUSED_NO_LEASE)


@pytest.mark.parametrize("source", [Source.TELEOP, Source.OPERATOR])
def test_a_person_leads_out_of_it_to_standby_and_it_holds_again(source: Source) -> None:
    rig = settled(Rig().running())
    release(rig, source)
    assert [rig.state(g) for g in ALL] == [State.STANDBY] * 5
    assert [rig.cause(g) for g in ALL] == [Verdict.NONE] * 5
    assert rig.until(State.HOLD) == 50  # rest is to be shown anew
    assert not rig.reflex["lease"].any()


@pytest.mark.parametrize("source", [Source.IDLE, Source.SKILL])
def test_nobody_else_does(source: Source) -> None:
    rig = settled(Rig().running())
    refused = rig.memory.refused
    release(rig, source)
    assert [rig.state(g) for g in ALL] == [State.ESTOP] * 5
    assert rig.verdict() == Verdict.REFUSED_STATE
    release(rig, source)
    assert rig.memory.refused == refused + 2


def test_it_is_not_left_before_the_stop_is_over() -> None:
    rig = stopped(Rig().running())
    release(rig)
    assert [rig.state(g) for g in ALL] == [State.ESTOP] * 5
    assert all(rig.verdict(g) & Verdict.REFUSED_STATE for g in ALL)
    assert rig.memory.refused == 1
    release(rig)
    assert rig.memory.refused == 2


def test_it_is_not_left_in_the_tick_it_came_in() -> None:
    rig = Rig().hold()
    rig.tick((Source.OPERATOR, rig.request(Request.ESTOP)), (Source.OPERATOR, rig.request(Request.RESET)))
    assert rig.state() == State.ESTOP


def test_it_is_not_left_while_something_moves_or_is_not_read() -> None:
    rig = settled(Rig().running())
    rig.tick()
    rig.v[LEFT] = 0.2
    rig.tick()
    rig.v[LEFT] = 0.0
    release(rig)
    assert rig.state() == State.ESTOP
    rig.ticks(60)
    rig.encoder_age = 9 * MS
    rig.tick()
    release(rig)
    assert rig.state() == State.ESTOP


def test_a_reset_without_an_emergency_stop_is_refused_and_changes_nothing() -> None:
    rig = Rig().running()
    release(rig)
    assert rig.state() == State.RUN
    assert rig.verdict() & Verdict.REFUSED_STATE


@pytest.mark.parametrize(
    ("age", "is_left"), [(1000 * MS, True), (1000 * MS + 1, False), (-2 * MS, True), (-2 * MS - 1, False)]
)
def test_an_old_or_future_reset_is_refused(age: int, is_left: bool) -> None:
    rig = settled(Rig().running())
    rig.tick((Source.OPERATOR, rig.request(Request.RESET, stamp_ns=rig.now + TICK - age)))
    assert (rig.state() == State.STANDBY) == is_left


def test_a_lost_request_may_have_been_a_stop_so_it_is_one() -> None:
    rig = Rig().running()
    rig.is_request_lost = True
    rig.tick()
    assert [rig.state(g) for g in ALL] == [State.ESTOP] * 5


def test_a_gate_started_in_it_stays_in_it_without_and_with_readings() -> None:
    rig = Rig()
    rig.memory = rig.gate.start(rig.now, is_estopped=True)
    rig.has_body = False
    rig.tick()
    assert rig.state() == State.ESTOP
    assert rig.out.command is None
    rig.has_body = True
    rig.ticks(100)
    assert [rig.state(g) for g in ALL] == [State.ESTOP] * 5
    assert rig.sent["mode"][:3].tolist() == [Mode.BRAKE] * 3
    release(rig)
    assert rig.state(ARM) == State.STANDBY


def test_a_robot_moved_by_hand_meanwhile_stays_where_it_is() -> None:
    rig = settled(Rig().running())
    for _ in range(100):
        rig.q[SHOULDER] -= 0.005
        rig.tick()
    rig.ticks(60)
    release(rig)
    rig.until(State.HOLD)
    assert rig.sent["q"][SHOULDER] == rig.q[SHOULDER]


def test_the_time_it_takes_is_a_setting() -> None:
    rig = Rig(cfg=GateCfg(estop_settle_s=0.01)).hold()
    rig.v[RIGHT] = 1.0
    stopped(rig)
    start = rig.now
    while rig.sent["mode"][RIGHT] == Mode.VELOCITY:
        rig.v[RIGHT] = 1.0
        rig.tick()
    assert rig.now - start == 10 * MS


def test_torque_that_is_off_stays_off_when_the_joint_is_moved() -> None:
    rig = stopped(Rig().hold())
    rig.ticks(60)
    assert rig.sent["mode"][NECK] == Mode.OFF
    rig.follows[NECK] = False
    rig.v[NECK] = 1.0  # a hand turns the head: the stop was over and stays so
    for _ in range(100):
        rig.q[NECK] += 0.002
        rig.tick()
        assert rig.sent["mode"][NECK] == Mode.OFF


def test_a_body_that_rests_while_its_command_still_brakes_is_not_let_go() -> None:
    rig = Rig().running(target=0.9)
    rig.follows[:2] = False
    rig.v[:2] = 0.0
    for _ in range(60):  # it is held for longer than rest takes to show, and not yet off its path
        rig.run_on(0.9)
    stopped(rig)
    assert rig.memory.v_last[SHOULDER] > 0.0
    assert rig.sent["mode"][SHOULDER] == Mode.POSITION
