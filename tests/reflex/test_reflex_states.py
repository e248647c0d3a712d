"""The state table: every state, every transition, by the gate with a body that follows; and what motors are told."""

import numpy as np
import pytest
from reflex_rig import ARM, BASE, ELBOW, FACE, GRIPPER, HAND, HEAD, LEFT, MS, NECK, RIGHT, SHOULDER, TICK, Rig

from vagus.core import messages as m
from vagus.core.messages import Mode, Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg
from vagus.reflex.states import Group

ALL = range(5)
_REST_TICKS = 50  # 0.1 s


def test_off_until_the_first_reading_and_nothing_is_sent() -> None:
    rig = Rig()
    rig.has_body = False
    rig.ticks(100)
    assert [rig.state(g) for g in ALL] == [State.OFF] * 5
    assert rig.out.command is None
    rig.has_body = True
    rig.tick()
    assert [rig.state(g) for g in ALL] == [State.STANDBY] * 5


def test_standby_brakes_and_reports_the_measured_pose() -> None:
    rig = Rig()
    rig.q[SHOULDER] = 0.3
    rig.tick()
    assert rig.sent["mode"].tolist() == [Mode.BRAKE] * 7
    np.testing.assert_array_equal(rig.sent["q"], rig.q)
    assert not rig.sent["v"].any()


def test_standby_holds_after_a_tenth_of_a_second_of_rest() -> None:
    rig = Rig()
    rig.q[SHOULDER] = 0.3
    rig.tick()
    rig.ticks(_REST_TICKS - 2)
    assert rig.state() == State.STANDBY
    rig.tick()
    assert [rig.state(g) for g in ALL] == [State.HOLD] * 5
    assert rig.sent["mode"].tolist() == [Mode.POSITION] * 3 + [Mode.VELOCITY] * 2 + [Mode.POSITION] * 2
    np.testing.assert_array_equal(rig.sent["q"], rig.q)


@pytest.mark.parametrize(("joint", "limit"), [(SHOULDER, 0.05), (GRIPPER, 0.02)])
def test_rest_is_a_measured_speed_up_to_the_limit(joint: int, limit: float) -> None:
    for factor, expected in ((1.0, State.HOLD), (1.0001, State.STANDBY), (-1.0001, State.STANDBY)):
        rig = Rig()
        for _ in range(60):
            rig.v[joint] = factor * limit
            rig.tick()
        assert rig.state(ARM if joint == SHOULDER else HAND) == expected


def test_one_moving_reading_starts_the_wait_anew() -> None:
    rig = Rig()
    rig.ticks(40)
    rig.v[SHOULDER] = 1.0
    rig.tick()
    rig.ticks(_REST_TICKS - 1)
    assert (rig.state(), rig.state(HEAD)) == (State.STANDBY, State.HOLD)
    rig.tick()
    assert rig.state() == State.HOLD


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (1.1, State.HOLD),
        (1.1001, State.STANDBY),
        (-1.1, State.HOLD),
        (-1.1001, State.STANDBY),
    ],
)
def test_a_robot_outside_its_limits_is_held_where_it_is_if_at_all(q: float, expected: State) -> None:
    rig = Rig()
    rig.follows[:] = False
    rig.q[SHOULDER] = q
    rig.ticks(60)
    assert rig.state() == expected
    assert rig.sent["q"][SHOULDER] == q  # commanding the limit would throw it there


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_joint_held_outside_its_limits_can_only_be_moved_inward(side: float) -> None:
    rig = Rig()
    rig.q[SHOULDER] = 1.05 * side
    rig.leased()
    for target in (1.1, 0.5):
        before = rig.sent["q"].copy()
        for _ in range(600):
            rig.tick((Source.SKILL, rig.command({SHOULDER: side * target})))
            after = rig.sent["q"]
            assert side * after[SHOULDER] <= max(1.0, side * before[SHOULDER])
            assert abs(after - before)[SHOULDER] <= 2.0 * TICK * 1e-9 + 1e-12
            before = after.copy()
    assert rig.sent["q"][SHOULDER] == pytest.approx(0.5 * side)


def test_readings_that_were_missing_for_no_longer_than_they_may_are_only_stale_when_no_more_come() -> None:
    rig = Rig().hold()
    rig.valid[SHOULDER] = 0
    rig.ticks(5)
    rig.encoder_age = 9 * MS
    rig.tick()
    assert (rig.state(), rig.cause()) == (State.STOPPING, Verdict.STOPPED_ENCODER_STALE)


def test_one_joints_missing_readings_are_not_counted_for_another() -> None:
    rig = Rig().hold()
    rig.valid[ELBOW] = 0
    rig.tick()
    rig.valid[[SHOULDER, ELBOW]] = 0, 1
    rig.ticks(5)
    assert rig.state() == State.HOLD
    rig.tick()
    assert rig.state() == State.DAMPED


def test_one_joints_missing_readings_allow_another_no_greater_jump() -> None:
    rig = Rig().hold()
    rig.follows[:] = False
    rig.valid[ELBOW] = 0
    rig.ticks(4)
    rig.q[SHOULDER] += 0.1  # 0.066 rad is possible in one tick, 0.13 in the five since the elbow was read
    rig.tick()
    assert (rig.state(), rig.cause()) == (State.DAMPED, Verdict.STOPPED_ENCODER_INVALID)


def test_a_loaded_arm_that_droops_below_its_command_does_not_sink_with_each_stop() -> None:
    rig = Rig().running()
    rig.follows[SHOULDER] = False
    rig.q[SHOULDER] -= 0.02
    for _ in range(600):
        rig.q[SHOULDER] = rig.sent["q"][SHOULDER] - 0.02
        rig.tick()
        if rig.state() == State.STOPPING:
            stopped_at = float(rig.memory.q_last[SHOULDER])
    assert (rig.state(), rig.cause()) == (State.HOLD, Verdict.STOPPED_LATE)
    assert rig.sent["q"][SHOULDER] == stopped_at


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_pose_taken_up_after_contact_is_not_outside_the_limits(side: float) -> None:
    rig = Rig().running(target=0.7 * side, ticks=400)
    rig.follows[:] = False
    while side * rig.q[SHOULDER] < 1.06:  # pushed away: off its path, and beyond its limit
        rig.q[SHOULDER] += 0.02 * side
        rig.run_on(0.7 * side)
    assert rig.cause() == Verdict.STOPPED_FOLLOWING_ERROR
    rig.until(State.HOLD)
    assert rig.sent["q"][SHOULDER] == side


def test_a_command_runs_the_group_and_only_that() -> None:
    rig = Rig().running()
    assert [rig.state(g) for g in ALL] == [State.RUN] + [State.HOLD] * 4
    assert rig.q[SHOULDER] > 0.1


def test_a_knot_that_passes_unfollowed_stops_the_group_and_rest_makes_it_hold() -> None:
    rig = Rig().running()
    lease = rig.reflex["lease"][ARM]
    ticks = rig.until(State.STOPPING)
    assert ticks == 10  # 20 ms
    assert rig.cause() == Verdict.STOPPED_LATE
    assert rig.reflex["lease"][ARM] == lease
    rig.until(State.HOLD)
    assert rig.cause() == Verdict.STOPPED_LATE
    assert (rig.holder(), rig.reflex["lease"][ARM]) == (Source.NOBODY, 0)


def test_stopping_becomes_hold_only_when_the_body_shows_rest() -> None:
    rig = Rig().running()
    rig.until(State.STOPPING)
    for _ in range(1000):  # the motors do not obey: it keeps moving
        rig.tick()
        rig.v[ELBOW] = 0.06
    assert rig.state() == State.STOPPING
    assert not rig.sent["v"].any()
    rig.v[ELBOW] = 0.0
    assert rig.until(State.HOLD) == _REST_TICKS


def test_stopping_does_not_become_hold_while_the_command_moves() -> None:
    rig = Rig(cfg=GateCfg(rest_s=0.002)).running()
    rig.follows[:] = False  # the body stands still at once
    rig.until(State.STOPPING)
    while rig.state() == State.STOPPING:
        moving = bool(rig.memory.v_last.any())
        rig.tick()
    assert not moving
    assert rig.state() == State.HOLD


def test_a_late_source_that_comes_back_before_rest_goes_on_from_the_last_command() -> None:
    rig = Rig().running()
    rig.until(State.STOPPING)
    rig.ticks(5)
    v = rig.memory.v_last.copy()
    rig.run_on()
    assert (rig.state(), rig.cause()) == (State.RUN, Verdict.NONE)
    assert np.all(np.abs(rig.memory.v_last - v) <= rig.gate.limits.acceleration * 0.002 + 1e-12)


def test_a_late_source_that_comes_back_after_rest_needs_a_new_lease() -> None:
    rig = Rig().running()
    old = rig.reflex["lease"].copy()
    rig.until(State.HOLD)
    rig.tick((Source.SKILL, rig.command({SHOULDER: float(rig.q[SHOULDER])}, lease=old)))
    assert rig.state() == State.HOLD
    assert rig.verdict() == Verdict.REFUSED_NO_LEASE
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    rig.tick((Source.SKILL, rig.command({SHOULDER: float(rig.q[SHOULDER])})))
    assert rig.state() == State.RUN


def test_a_refused_command_of_the_holder_stops_the_group_and_ends_its_lease() -> None:
    rig = Rig().running()
    rig.tick((Source.SKILL, rig.command({SHOULDER: float("nan")})))
    assert (rig.state(), rig.cause(), rig.holder()) == (State.STOPPING, Verdict.STOPPED_REFUSED, Source.NOBODY)
    assert rig.verdict() == Verdict.REFUSED_NOT_FINITE
    rig.until(State.HOLD)
    assert rig.cause() == Verdict.STOPPED_REFUSED


def test_a_refused_first_command_leaves_the_group_holding_but_ends_its_lease() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.9})))
    assert (rig.state(), rig.verdict(), rig.holder()) == (State.HOLD, Verdict.REFUSED_FAR_FROM_POSE, Source.NOBODY)
    assert rig.cause() == Verdict.STOPPED_REFUSED
    assert rig.holder(HEAD) == Source.SKILL


@pytest.mark.parametrize("state", [State.HOLD, State.RUN])
def test_stale_readings_stop_every_group_until_they_are_back_and_then_leases_end(state: State) -> None:
    rig = Rig().leased() if state == State.HOLD else Rig().running()
    rig.encoder_age = 9 * MS
    rig.tick()
    assert [rig.state(g) for g in ALL] == [State.STOPPING] * 5
    assert rig.cause() & Verdict.STOPPED_ENCODER_STALE
    rig.ticks(300)
    assert rig.state() == State.STOPPING
    rig.encoder_age = 1 * MS
    assert rig.until(State.HOLD) == _REST_TICKS
    assert not rig.reflex["lease"].any()


def test_no_command_gets_through_while_readings_are_stale() -> None:
    rig = Rig().running()
    rig.encoder_age = 9 * MS
    refused = int(rig.reflex["refused"])
    for _ in range(100):
        speed = np.abs(rig.memory.v_last[SHOULDER])
        rig.run_on(-0.5)
        assert rig.state() == State.STOPPING
        assert np.abs(rig.memory.v_last[SHOULDER]) <= speed
    assert rig.memory.v_last[SHOULDER] == 0.0
    assert int(rig.reflex["refused"]) == refused  # not judged on readings that are none


def test_a_source_goes_on_within_its_lease_when_stale_readings_are_back() -> None:
    rig = Rig().running()
    rig.encoder_age = 9 * MS
    for _ in range(5):
        rig.run_on()
    slow, token = rig.memory.v_last[SHOULDER], int(rig.reflex["lease"][ARM])
    rig.encoder_age = 1 * MS
    rig.run_on()
    assert (rig.state(), rig.cause()) == (State.RUN, Verdict.NONE)
    assert int(rig.reflex["lease"][ARM]) == token
    assert abs(rig.memory.v_last[SHOULDER] - slow) <= 10.0 * 0.002 + 1e-12  # from where it braked to: no jump


def test_readings_that_come_back_impossible_end_the_lease() -> None:
    rig = Rig().running()
    rig.encoder_age = 9 * MS
    rig.tick()
    rig.encoder_age = 1 * MS
    rig.q[SHOULDER] += 0.8
    rig.run_on()
    assert (rig.state(), rig.holder()) == (State.DAMPED, Source.NOBODY)


@pytest.mark.parametrize(("age", "state"), [(8 * MS, State.HOLD), (8 * MS + 1, State.STOPPING), (-2 * MS, State.HOLD),
                                            (-2 * MS - 1, State.STOPPING)])  # fmt: skip
def test_the_encoders_age_budget_is_exact(age: int, state: State) -> None:
    rig = Rig().hold()
    rig.encoder_age = age
    rig.tick()
    assert rig.state() == state


def test_a_reading_without_an_encoder_origin_is_stale() -> None:
    rig = Rig().hold()
    rig.encoder_age = rig.now + TICK - int(m.UNUSED)
    rig.tick()
    assert rig.state() == State.STOPPING


@pytest.mark.parametrize("how", ["valid", "nan", "inf", "velocity", "huge"])
def test_readings_missing_for_more_than_five_ticks_damp_their_group_alone(how: str) -> None:
    rig = Rig().running()
    for k in range(6):
        assert rig.state() == State.RUN
        rig.valid[ELBOW] = how != "valid"
        if how == "velocity":
            rig.v[ELBOW] = np.nan
        elif how != "valid":
            rig.q[ELBOW] = {"nan": np.nan, "inf": -np.inf, "huge": 1e9}[how]
        rig.run_on()
        assert k == 5 or rig.state() == State.RUN
    assert (rig.state(), rig.cause(), rig.holder()) == (State.DAMPED, Verdict.STOPPED_ENCODER_INVALID, Source.NOBODY)
    assert [rig.state(g) for g in ALL[1:]] == [State.HOLD] * 4
    assert rig.sent["mode"][:3].tolist() == [Mode.DAMP, Mode.DAMP, Mode.POSITION]
    assert not rig.sent["v"].any()


@pytest.mark.parametrize("ahead", [1, -1])
def test_an_impossible_jump_damps_at_once(ahead: int) -> None:
    # In 2 ms: 4 x 2 rad/s x 2 ms = 0.016, and 0.05 allowance.
    for jump, state in ((0.0659, State.HOLD), (0.0661, State.DAMPED)):
        rig = Rig().hold()
        rig.q[SHOULDER] += ahead * jump
        rig.tick()
        assert rig.state() == state


def test_the_time_since_the_last_valid_reading_counts_for_a_jump() -> None:
    rig = Rig().hold()
    rig.follows[:] = False
    rig.valid[SHOULDER] = 0
    rig.ticks(3)
    rig.valid[SHOULDER] = 1
    rig.q[SHOULDER] += 0.1139  # 8 ms x 8 rad/s + 0.05
    rig.tick()
    assert rig.state() == State.HOLD
    rig.q[SHOULDER] += 0.0661
    rig.tick()
    assert rig.state() == State.DAMPED


def test_an_older_reading_than_before_allows_no_motion_beyond_noise() -> None:
    rig = Rig().hold()
    rig.encoder_age = 7 * MS
    rig.q[SHOULDER] += 0.0501
    rig.tick()
    assert rig.state() == State.DAMPED


def test_damped_becomes_standby_after_half_a_second_of_valid_readings_then_holds_where_it_is() -> None:
    rig = Rig().running()
    rig.valid[ELBOW] = 0
    rig.until(State.DAMPED)
    rig.ticks(400)
    assert rig.state() == State.DAMPED
    rig.valid[ELBOW] = 1
    rig.q[ELBOW] += 0.04
    assert rig.until(State.STANDBY) == 250
    assert rig.sent["mode"][ELBOW] == Mode.BRAKE
    rig.until(State.HOLD)
    assert rig.sent["q"][ELBOW] == rig.q[ELBOW]
    assert rig.cause() == Verdict.STOPPED_ENCODER_INVALID


def test_damped_waits_for_rest_too() -> None:
    rig = Rig().hold()
    rig.q[SHOULDER] += 0.5
    rig.tick()
    for _ in range(400):
        rig.v[SHOULDER] = 0.06
        rig.tick()
    assert rig.state() == State.DAMPED
    rig.v[SHOULDER] = 0.0
    assert rig.until(State.STANDBY) == _REST_TICKS


def test_standby_with_missing_readings_is_damped_too() -> None:
    rig = Rig()
    rig.valid[NECK] = 0
    rig.ticks(6)
    assert (rig.state(HEAD), rig.state(ARM)) == (State.DAMPED, State.STANDBY)


def test_a_joint_never_seen_is_sent_no_motion_and_its_group_is_damped() -> None:
    rig = Rig()
    rig.valid[NECK], rig.q[NECK] = 0, np.nan
    rig.ticks(100)
    assert rig.state(HEAD) == State.DAMPED
    assert np.isfinite(rig.sent["q"]).all()
    assert rig.sent["mode"][NECK] == Mode.DAMP


def test_following_error_stops_and_the_motors_stop_pressing() -> None:
    rig = Rig().running(ticks=20)
    rig.follows[SHOULDER] = False
    for _ in range(300):
        rig.run_on()
        if rig.state() != State.RUN:
            break
    assert (rig.state(), rig.cause(), rig.holder()) == (State.STOPPING, Verdict.STOPPED_FOLLOWING_ERROR, Source.NOBODY)
    assert abs(rig.memory.q_last[SHOULDER] - rig.q[SHOULDER]) == pytest.approx(0.3, abs=0.01)
    rig.until(State.HOLD)
    assert rig.sent["q"][SHOULDER] == rig.q[SHOULDER]


def test_after_any_other_stop_the_last_command_stands_however_the_arm_sags() -> None:
    rig = Rig().running()
    rig.until(State.STOPPING)
    rig.ticks(200)
    last = rig.memory.q_last.copy()
    rig.follows[:] = False
    rig.q[SHOULDER] -= 0.06
    rig.ticks(200)
    np.testing.assert_array_equal(rig.sent["q"][:3], last[:3])
    assert rig.state() == State.HOLD


def test_a_wheel_that_does_not_turn_as_told_stops_the_base() -> None:
    rig = Rig().leased()
    rig.follows[LEFT] = False
    for _ in range(300):
        rig.tick((Source.SKILL, rig.command({LEFT: 8.0, RIGHT: 8.0})))
        if rig.state(BASE) == State.STOPPING:
            break
    assert rig.cause(BASE) == Verdict.STOPPED_FOLLOWING_ERROR
    assert rig.memory.v_last[LEFT] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("state", [State.HOLD, State.RUN, State.STOPPING])
def test_a_gap_as_long_as_the_bodys_watchdog_is_a_restart(state: State) -> None:
    rig = Rig().leased() if state == State.HOLD else Rig().running()
    if state == State.STOPPING:
        rig.until(State.STOPPING)
    rig.tick(dt=20 * MS - 1)
    assert rig.state() in (state, State.STOPPING)  # in RUN the command has run out
    rig.tick(dt=20 * MS)
    assert (rig.state(), rig.holder(), rig.state(HEAD)) == (State.STANDBY, Source.NOBODY, State.STANDBY)
    assert rig.cause() & Verdict.STOPPED_LATE
    assert not rig.memory.v_last.any()
    assert rig.sent["mode"].tolist() == [Mode.BRAKE] * 2 + [Mode.POSITION] + [Mode.BRAKE] * 4  # the gripper holds on
    assert rig.until(State.HOLD) == _REST_TICKS


def test_a_gap_while_off_changes_nothing() -> None:
    rig = Rig()
    rig.has_body = False
    rig.tick()
    rig.tick(dt=10**9)
    assert (rig.state(), rig.cause()) == (State.OFF, Verdict.NONE)


@pytest.mark.parametrize(
    ("state", "settled", "seeded", "cause", "modes"),
    [
        # modes for on_estop brake, off, hold
        (State.STANDBY, False, False, 0, (Mode.BRAKE, Mode.BRAKE, Mode.BRAKE)),
        (State.STANDBY, False, True, 0, (Mode.BRAKE, Mode.BRAKE, Mode.POSITION)),
        (State.HOLD, False, True, 0, (Mode.POSITION,) * 3),
        (State.RUN, False, True, 0, (Mode.POSITION,) * 3),
        (State.STOPPING, False, True, 0, (Mode.POSITION,) * 3),
        (State.DAMPED, False, False, Verdict.STOPPED_ENCODER_INVALID, (Mode.DAMP,) * 3),
        (State.ESTOP, False, True, 0, (Mode.POSITION,) * 3),
        (State.ESTOP, False, False, 0, (Mode.BRAKE,) * 3),
        (State.ESTOP, False, False, Verdict.STOPPED_ENCODER_INVALID, (Mode.DAMP,) * 3),
        (State.ESTOP, True, True, 0, (Mode.BRAKE, Mode.OFF, Mode.POSITION)),
        (State.ESTOP, True, False, Verdict.STOPPED_ENCODER_INVALID, (Mode.BRAKE, Mode.OFF, Mode.BRAKE)),
        (State.OFF, False, False, 0, (Mode.BRAKE,) * 3),
    ],
)
def test_the_mode_follows_from_the_state(
    state: State, settled: bool, seeded: bool, cause: int, modes: tuple[Mode, ...]
) -> None:
    for on_estop, mode in zip(("brake", "off", "hold"), modes, strict=True):
        group = Group(on_estop, state=state, is_settled=settled, is_seeded=seeded, cause=Verdict(cause))  # type: ignore[arg-type]
        assert group.mode() == mode


@pytest.mark.parametrize("state", list(State))
def test_stop_brakes_what_runs_and_leaves_what_the_gate_does_not_control(state: State) -> None:
    group = Group("brake", state=state, cause=Verdict.STOPPED_LATE)
    group.stop(Verdict.STOPPED_TORQUE)
    assert group.state == (State.STOPPING if state == State.RUN else state)
    is_controlled = state in (State.HOLD, State.RUN, State.STOPPING)
    assert group.cause == Verdict.STOPPED_LATE | (Verdict.STOPPED_TORQUE if is_controlled else Verdict.NONE)


@pytest.mark.parametrize("state", list(State))
def test_is_braking_says_whether_the_commanded_velocity_goes_to_zero(state: State) -> None:
    assert Group("brake", state=state).is_braking == (state in (State.STOPPING, State.ESTOP))
    assert Group("brake", state=state, is_settled=True).is_braking == (state == State.STOPPING)


def test_the_face_is_a_group_like_any_other() -> None:
    rig = Rig().hold()
    assert rig.state(FACE) == State.HOLD
