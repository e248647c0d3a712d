"""What the gate lets through: limits, envelopes, stops, origins; and that a tick is a function of its inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reflex_rig import (
    ARM,
    BASE,
    ELBOW,
    ENCODER,
    FACE,
    GRIPPER,
    HAND,
    HEAD,
    JAW,
    LEFT,
    LIDAR,
    MS,
    NECK,
    RIGHT,
    SHOULDER,
    TICK,
    Rig,
    drive,
    small_spec,
)  # fmt: skip

from vagus.core.ages import UNUSED
from vagus.core.envelope import Envelope
from vagus.core.errors import CommandError, ConfigError
from vagus.core.messages import Mode, Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg
from vagus.reflex.gate import Gate

EVERY = {SHOULDER: 0.0, ELBOW: 0.0, GRIPPER: 0.02, LEFT: 0.0, RIGHT: 0.0, NECK: 0.0, JAW: 0.0}


def test_the_body_is_where_the_knot_says_when_it_says() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.005}, at_ms=80.0)))
    rig.ticks(39)
    assert rig.q[SHOULDER] == pytest.approx(0.005, abs=1e-9)
    assert rig.state() == State.RUN
    rig.tick()
    assert rig.state() == State.STOPPING


def test_a_steady_stream_of_knots_is_followed_exactly_and_not_called_limited() -> None:
    rig = Rig().leased()
    verdicts = 0
    for k in range(400):
        t = k * 0.002 + 0.02
        at = {SHOULDER: 0.3 * (1 - np.cos(2 * t)), ELBOW: 0.1 * (1 - np.cos(2 * t))}
        command = rig.command(at)
        command["v"][:2] = 0.6 * np.sin(2 * t), 0.2 * np.sin(2 * t)
        if k % 5 == 0:
            rig.tick((Source.SKILL, command))
        else:
            rig.tick()
        if k > 20:
            verdicts |= rig.verdict()
            assert rig.q[SHOULDER] == pytest.approx(0.3 * (1 - np.cos(2 * (k + 1) * 0.002)), abs=2e-4)
    assert verdicts == Verdict.NONE


def test_a_step_is_reached_without_overshoot() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.5, ELBOW: -0.5}, 600)
    top = max(v for v, _ in [(rig.q[SHOULDER], 0)])
    assert top == pytest.approx(0.5, abs=1e-6)
    assert rig.q[ELBOW] == pytest.approx(-0.5, abs=1e-6)


def test_a_step_never_passes_its_target_by_more_than_a_tick_of_braking() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
    for _ in range(600):
        rig.tick((Source.SKILL, rig.command({SHOULDER: 0.5})))
        assert rig.q[SHOULDER] <= 0.5 + 10.0 * 0.002**2


def said(rig: Rig, target: float, at_ms: float, ticks: int) -> int:
    """Return what is said of the last of some ticks in which the elbow is to be at a target."""
    rig.tick((Source.SKILL, rig.command({ELBOW: float(rig.memory.q_last[ELBOW])})))
    for _ in range(ticks):
        rig.tick((Source.SKILL, rig.command({ELBOW: target}, at_ms=at_ms)))
    return rig.verdict()


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_each_limit_is_said_for_itself_alone(side: float) -> None:
    assert said(Rig().leased(), side * 1e-5, 20.0, 1) == Verdict.NONE
    assert said(Rig().leased(), side * 0.001, 10.0, 1) == Verdict.LIMITED_ACCELERATION  # from rest, in 10 ms
    assert said(Rig().leased(), side * 0.5, 20.0, 310) == Verdict.LIMITED_ACCELERATION  # braking in time, but late
    assert said(Rig().leased(), side * 0.95, 300.0, 250) == Verdict.LIMITED_SPEED  # under way, at its speed limit
    tight = GateCfg(envelope=Envelope(position_min=(-0.3,) * 7, position_max=(0.3,) * 7))
    assert said(Rig(cfg=tight).leased(), side * 0.9, 500.0, 900) == Verdict.LIMITED_POSITION  # at rest at the limit


def test_what_was_cut_of_a_command_is_not_said_of_the_stop_after_it() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 1.5}, 100)
    assert rig.verdict() & Verdict.LIMITED_POSITION
    rig.tick((Source.SKILL, rig.request(Request.RELEASE)))
    assert rig.memory.v_last[SHOULDER] > 0.0
    assert (rig.state(), rig.verdict()) == (State.STOPPING, Verdict.NONE)


def test_nothing_is_said_of_wheels_that_turn_as_they_are_told() -> None:
    rig = Rig().leased()
    drive(rig, {LEFT: 2.0, RIGHT: 2.0}, 300)
    assert rig.verdict(BASE) == Verdict.NONE
    assert rig.sent["v"][[LEFT, RIGHT]] == pytest.approx([2.0, 2.0])


def test_ticks_that_limit_a_command_are_counted() -> None:
    rig = Rig().leased()
    said = 0
    for _ in range(20):
        rig.tick((Source.SKILL, rig.command({SHOULDER: 1.5 if rig.is_started(SHOULDER) else 0.0, NECK: 0.0})))
        said += bool(rig.reflex["verdict"].any())
    assert rig.memory.limited == said > 10


@pytest.mark.parametrize(
    ("target", "flag"),
    [
        (0.0, Verdict.NONE),
        (0.9, Verdict.LIMITED_SPEED),
        (1.5, Verdict.LIMITED_POSITION),
        (-1.5, Verdict.LIMITED_POSITION),
    ],
)
def test_what_was_limited_is_said(target: float, flag: Verdict) -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
    seen = 0
    for _ in range(120):
        rig.tick((Source.SKILL, rig.command({SHOULDER: target}, at_ms=80.0)))
        seen |= rig.verdict()
    assert seen & flag == flag
    assert bool(seen) == bool(flag)
    assert (rig.verdict(HEAD), rig.verdict(HAND)) == (0, 0)
    assert bool(rig.memory.limited) == bool(flag)


def test_a_target_velocity_beyond_the_limit_is_cut_and_said() -> None:
    for v, is_cut in ((2.0, False), (2.001, True), (-2.001, True)):
        rig = Rig().leased()
        rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0}, v=v, at_ms=100.0)))
        assert bool(rig.verdict() & Verdict.LIMITED_SPEED) == is_cut
        assert abs(rig.memory.knot.v[SHOULDER]) == 2.0


def test_a_wheels_command_is_a_velocity_and_its_position_does_not_matter() -> None:
    rig = Rig().leased()
    command = rig.command({LEFT: 0.1, RIGHT: 0.2})
    command["q"][LEFT] = 1e30
    rig.tick((Source.SKILL, command))
    rig.ticks(8)
    assert rig.sent["v"][LEFT : RIGHT + 1].tolist() == pytest.approx([0.09, 0.18], abs=0.011)
    assert rig.verdict(BASE) & Verdict.LIMITED_POSITION == 0


def test_wheels_that_are_too_fast_keep_their_curve() -> None:
    rig = Rig().leased()
    speeds = drive(rig, {LEFT: 4.0, RIGHT: 16.0}, 600, at_ms=2.0)[-1]
    assert speeds[LEFT : RIGHT + 1].tolist() == pytest.approx([4.0, 8.0])  # the cut of the knot comes first
    rig.proximity["distance"] = 0.1  # type: ignore[index]
    slow = drive(rig, {LEFT: 4.0, RIGHT: 8.0}, 600, at_ms=2.0)[-1]
    assert slow[LEFT : RIGHT + 1].tolist() == pytest.approx([0.8, 1.6])


def test_joints_that_the_command_does_not_use_stay() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.5, ELBOW: 0.5}, 50)
    rig.tick((Source.SKILL, rig.command({SHOULDER: float(rig.q[SHOULDER])})))
    v = rig.memory.v_last[ELBOW]
    drive(rig, {SHOULDER: 0.5}, 50)
    assert v > 0.0
    assert rig.memory.v_last[ELBOW] == 0.0


def test_the_command_never_leaves_the_limits_even_by_rounding() -> None:
    rig = Rig(spec=small_spec(arms=())).leased()
    drive(rig, {SHOULDER: 1.0, ELBOW: -1.0, GRIPPER: 0.0}, 800)
    assert rig.sent["q"][:3].tolist() == pytest.approx([1.0, -1.0, 0.0], abs=1e-9)
    assert rig.sent["q"][SHOULDER] <= 1.0
    assert rig.sent["q"][ELBOW] >= -1.0
    assert rig.sent["q"][GRIPPER] >= 0.0


def test_an_envelope_holds_in_motion_and_brakes_no_harder_than_the_joint_may() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.9}, 100)
    rig.envelope = {"speed_max": 1.0, "position_max": 0.3}
    speeds = [x[SHOULDER] for x in drive(rig, {SHOULDER: 0.9}, 400)]
    assert np.abs(np.diff(speeds)).max() <= 0.02 + 1e-12
    assert rig.q[SHOULDER] == pytest.approx(0.3, abs=0.2)
    assert speeds[-1] == 0.0


def test_a_commands_envelope_holds_for_its_own_joints_until_another_comes() -> None:
    rig = Rig().leased()
    rig.envelope = {"speed_max": 0.4, "position_min": -0.2, "position_max": 0.1}
    both = [drive(rig, {SHOULDER: target, NECK: target}, 450) for target in (0.9, -0.9)]
    assert np.abs(both).max(axis=(0, 1))[[SHOULDER, NECK]] == pytest.approx([0.4, 0.4])
    assert rig.q[[SHOULDER, NECK]] == pytest.approx([-0.2, -0.2], abs=1e-6)
    rig.envelope = {}
    freed = drive(rig, {SHOULDER: 0.9}, 600)  # the neck, in a group of its own, is not spoken of
    assert max(x[SHOULDER] for x in freed) == pytest.approx(2.0)
    assert rig.q[SHOULDER] == pytest.approx(0.9)
    assert rig.q[NECK] == pytest.approx(-0.2, abs=1e-6)


@pytest.mark.parametrize("bounds", [(-9.0, 9.0, 99.0), (-np.inf, np.inf, np.inf), (2.0, 3.0, 9.0), (-3.0, -2.0, 9.0)])
def test_a_commands_envelope_never_loosens(bounds: tuple[float, float, float]) -> None:
    rig = Rig(cfg=GateCfg(envelope=Envelope(speed_fraction=0.5, position_max=(0.4,) * 7))).leased()
    rig.envelope = dict(zip(("position_min", "position_max", "speed_max"), bounds, strict=True))
    for target in (0.9, -5.0):
        speeds = drive(rig, {SHOULDER: target}, 400)
        assert np.abs(speeds).max(axis=0)[SHOULDER] <= 1.0 + 1e-12
        assert -1.0 <= rig.memory.q_last[SHOULDER] <= 0.4


def test_what_brakes_is_not_bound_by_what_was_commanded() -> None:
    rig = Rig().leased()
    rig.envelope = {"speed_max": 1.0}
    drive(rig, {SHOULDER: 0.9, ELBOW: 0.9}, 100)
    rig.envelope = {"speed_max": 1e-3, "position_max": -0.5}
    drive(rig, {SHOULDER: 0.9, ELBOW: 0.9}, 1)
    v = rig.memory.v_last.copy()
    rig.tick((Source.SKILL, rig.request(Request.RELEASE)))
    assert rig.state() == State.STOPPING
    assert rig.memory.v_last[0] * v[1] == pytest.approx(rig.memory.v_last[1] * v[0])
    assert rig.memory.v_last[SHOULDER] > 0.0


def test_a_configured_envelope_holds_always() -> None:
    rig = Rig(cfg=GateCfg(envelope=Envelope(speed_fraction=0.25, position_max=(0.2,) * 7))).leased()
    speeds = [x[SHOULDER] for x in drive(rig, {SHOULDER: 0.9}, 800)]
    assert max(speeds) == pytest.approx(0.5)
    assert rig.q[SHOULDER] == pytest.approx(0.2, abs=1e-6)
    with pytest.raises(ConfigError, match="one per joint"):
        Gate(small_spec(), GateCfg(envelope=Envelope(position_max=(0.2,))))


def test_a_stop_in_a_slow_envelope_still_brakes_along_the_path() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.9, ELBOW: 0.9}, 100)
    v = rig.memory.v_last.copy()
    rig.envelope = {"speed_max": 0.01}
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.9, ELBOW: 0.9})), (Source.OPERATOR, rig.request(Request.ESTOP)))
    assert rig.memory.v_last[0] * v[1] == pytest.approx(rig.memory.v_last[1] * v[0])


def test_a_stop_beside_a_group_that_a_person_slows_still_brakes_along_the_path() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.9, ELBOW: 0.9, NECK: 0.9}, 100)
    v = rig.memory.v_last.copy()
    rig.proximity["distance"] = 0.1  # type: ignore[index]
    release = (Source.SKILL, rig.request(Request.RELEASE, 1 << ARM))
    rig.tick(release, (Source.SKILL, rig.command({NECK: 0.9})))
    assert (rig.state(ARM), rig.state(HEAD)) == (State.STOPPING, State.RUN)
    assert rig.memory.v_last[SHOULDER] * v[ELBOW] == pytest.approx(rig.memory.v_last[ELBOW] * v[SHOULDER])
    assert rig.memory.v_last[SHOULDER] > 0.4  # no slower than braking alone makes it: the cap is 0.4


def test_a_stop_near_a_limit_leaves_the_path_rather_than_the_limits() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0, ELBOW: 0.0})))
    for _ in range(90):
        near = {SHOULDER: rig.memory.q_last[SHOULDER] + 0.002, ELBOW: 0.9}
        rig.tick((Source.SKILL, rig.command(near)))
    rig.memory.q_last[SHOULDER] = rig.q[SHOULDER] = 1.0 - 1e-4
    rig.memory.v_last[SHOULDER] = 0.02
    rig.tick((Source.OPERATOR, rig.request(Request.ESTOP)))
    rig.ticks(300)
    assert 1.0 - 1e-4 <= rig.memory.q_last[SHOULDER] <= 1.0


def test_following_error_at_its_limit() -> None:
    for error, state in ((0.2999, State.RUN), (0.3001, State.STOPPING), (-0.3001, State.STOPPING)):
        rig = Rig(cfg=GateCfg(jump_rad=1.0)).leased()
        rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
        rig.q[SHOULDER] = error
        rig.run_on(0.0)
        assert rig.state() == state


def test_following_error_is_not_judged_without_a_valid_reading() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
    rig.q[SHOULDER], rig.valid[SHOULDER] = 0.5, 0
    rig.run_on(0.0)
    assert rig.state() == State.RUN


def test_origins_tell_the_gates_own_reading_and_the_commands_other_sensors() -> None:
    rig = Rig().leased()
    command = rig.command({SHOULDER: 0.0})
    command["origin_ns"][LIDAR] = rig.now - 77 * MS
    rig.tick((Source.SKILL, command))
    assert rig.sent["origin_ns"].tolist() == [rig.now - MS, rig.now - TICK - 77 * MS]
    assert rig.reflex["origin_ns"].tolist() == [rig.now - MS, UNUSED]
    rig.until(State.STOPPING)
    assert rig.sent["origin_ns"].tolist() == [rig.now - MS, UNUSED]


def test_one_sensors_age_is_not_anothers() -> None:
    rig = Rig().leased()
    command = rig.command({SHOULDER: 0.0})  # its encoder reading is 5 ms old
    command["origin_ns"][LIDAR] = rig.now
    rig.tick((Source.SKILL, command))
    assert rig.sent["origin_ns"].tolist() == [rig.now - MS, rig.now - TICK]


def test_the_oldest_origin_of_all_running_groups_counts() -> None:
    rig = Rig().leased()
    for joint, age in ((SHOULDER, 50), (NECK, 90)):
        command = rig.command({joint: 0.0})
        command["origin_ns"][LIDAR] = rig.now + TICK - age * MS
        rig.tick((Source.SKILL, command))
    assert rig.sent["origin_ns"][LIDAR] == rig.now - 90 * MS


def test_records_are_stamped_and_counted() -> None:
    rig = Rig()
    for k in range(1, 4):
        rig.tick()
        assert (rig.sent["stamp_ns"], rig.reflex["stamp_ns"]) == (rig.now, rig.now)
        assert (rig.sent["counter"], rig.reflex["tick"]) == (k, k)
    rig.hold()
    np.testing.assert_array_equal(rig.reflex["q_last"], rig.memory.q_last)
    rig = Rig().running()
    np.testing.assert_array_equal(rig.reflex["v_last"], rig.sent["v"])
    assert rig.reflex["limited"] == rig.memory.limited > 0
    rig.tick((Source.IDLE, rig.command({SHOULDER: 0.0})))
    assert rig.reflex["refused"] == rig.memory.refused == 1


def test_without_a_body_the_report_has_no_origin() -> None:
    rig = Rig()
    rig.has_body = False
    rig.tick()
    assert rig.reflex["origin_ns"].tolist() == [UNUSED, UNUSED]


@pytest.mark.parametrize("dt", [0, -1])
def test_time_must_advance_and_nothing_changes_if_it_does_not(dt: int) -> None:
    rig = Rig().running()
    before = rig.memory.copy()
    with pytest.raises(CommandError, match=rf"now_ns: got \d+, allowed: after the last tick's, {rig.now}"):
        rig.tick(dt=dt)
    assert repr(rig.memory) == repr(before)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_memory_and_inputs_give_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rig = Rig().running(ticks=int(rng.integers(1, 40)))
    twin = Rig()
    twin.now, twin.memory, twin.q, twin.v = rig.now, rig.memory.copy(), rig.q.copy(), rig.v.copy()
    for _ in range(20):
        command = rig.command({SHOULDER: float(rng.normal()), ELBOW: float(rng.normal())})
        outs = [each.tick((Source.SKILL, command)) for each in (rig, twin)]
        assert outs[0].command.tobytes() == outs[1].command.tobytes()  # type: ignore[union-attr]
        assert outs[0].reflex.tobytes() == outs[1].reflex.tobytes()


def test_a_copy_of_the_memory_is_independent() -> None:
    rig = Rig().running()
    kept = rig.memory.copy()
    before = repr(kept)
    rig.tick((Source.OPERATOR, rig.request(Request.ESTOP)))
    rig.ticks(20)
    assert repr(kept) == before
    assert repr(rig.memory) != before


def test_gripper_mode_and_wheel_mode_while_running() -> None:
    rig = Rig().leased()
    drive(rig, EVERY, 3)
    assert [rig.state(g) for g in (ARM, HAND, BASE, HEAD, FACE)] == [State.RUN] * 5
    assert rig.sent["mode"].tolist() == [Mode.POSITION] * 3 + [Mode.VELOCITY] * 2 + [Mode.POSITION] * 2
    np.testing.assert_array_equal(rig.sent["q"][LEFT : RIGHT + 1], rig.joint_state()["q"][LEFT : RIGHT + 1])


def test_the_encoder_slot_is_found_by_name() -> None:
    assert small_spec().sensor_index("encoder") == ENCODER
