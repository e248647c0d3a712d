"""What a command must be to be taken up: lease, counter, numbers, time, ages, start of its path."""

import numpy as np
import pytest
from reflex_rig import (
    ARM,
    ELBOW,
    ENCODER,
    FACE,
    GRIPPER,
    HAND,
    HEAD,
    LEFT,
    LIDAR,
    MS,
    NECK,
    RIGHT,
    SHOULDER,
    TICK,
    Rig,
)  # fmt: skip

from vagus.core.ages import UNUSED
from vagus.core.messages import Record, Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg


def first(rig: Rig, joints: dict[int, float] | None = None, **changes: object) -> Record:
    """A good first command for the arm, but for the changes."""
    return rig.command({SHOULDER: 0.0, ELBOW: 0.0} if joints is None else joints, **changes)  # type: ignore[arg-type]


def outcome(rig: Rig, command: Record, source: Source = Source.SKILL) -> int:
    """Send a command; return the verdict, and check that a refused one moved nothing."""
    q, refused = rig.memory.q_last.copy(), rig.memory.refused
    rig.tick((source, command))
    if rig.verdict():
        np.testing.assert_array_equal(rig.memory.q_last, q)
        assert rig.state() == State.HOLD
        assert rig.memory.refused == refused + 1
    return rig.verdict()


def test_a_good_command_is_taken_up() -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig)) == Verdict.NONE
    assert rig.state() == State.RUN
    assert rig.memory.refused == 0


@pytest.mark.parametrize("source", [Source.IDLE, Source.TELEOP])
def test_another_sources_token_is_worth_nothing_and_the_holder_is_not_disturbed(source: Source) -> None:
    rig = Rig().running()
    lease = rig.reflex["lease"].copy()
    rig.tick((source, rig.command({SHOULDER: -1.0})), (Source.SKILL, rig.command({SHOULDER: float(rig.q[SHOULDER])})))
    assert rig.verdict() & Verdict.REFUSED_NO_LEASE
    assert rig.state() == State.RUN
    np.testing.assert_array_equal(rig.reflex["lease"], lease)


@pytest.mark.parametrize("token", [0, 1, 2**64 - 1])
def test_a_wrong_token_is_refused_and_the_lease_stays(token: int) -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig, lease=token)) == Verdict.REFUSED_NO_LEASE
    assert rig.holder() == Source.SKILL


def test_a_command_for_a_group_it_does_not_hold_is_refused_whole() -> None:
    rig = Rig().leased(groups=0b00001)
    assert outcome(rig, first(rig, {SHOULDER: 0.0, NECK: 0.0})) == Verdict.REFUSED_NO_LEASE
    assert (rig.verdict(HEAD), rig.verdict(HAND)) == (Verdict.REFUSED_NO_LEASE, Verdict.NONE)
    assert (rig.holder(), rig.cause()) == (Source.NOBODY, Verdict.STOPPED_REFUSED)


def test_groups_it_does_not_touch_need_no_lease() -> None:
    rig = Rig().leased(groups=0b00001)
    assert outcome(rig, first(rig)) == Verdict.NONE


def test_an_older_counter_is_a_replay_and_the_same_one_is_the_same_command() -> None:
    rig = Rig().leased()
    commands = [first(rig) for _ in range(3)]
    rig.tick((Source.SKILL, commands[2]))
    for _ in range(3):
        rig.tick((Source.SKILL, commands[2]))
        assert (rig.state(), rig.verdict(), rig.memory.refused) == (State.RUN, Verdict.NONE, 0)
    rig.tick((Source.SKILL, commands[1]))
    assert (rig.state(), rig.verdict(), rig.memory.refused) == (State.STOPPING, Verdict.REFUSED_REPLAYED, 1)


def test_a_refused_command_is_counted_once_however_long_it_stays_the_newest() -> None:
    rig = Rig().leased()
    bad = first(rig, lease=1)
    rig.tick((Source.SKILL, bad))
    rig.tick((Source.SKILL, bad))
    assert (rig.verdict(), rig.memory.refused) == (Verdict.NONE, 1)


def test_the_command_that_runs_may_come_again_after_one_that_was_refused() -> None:
    rig = Rig().leased()
    good = first(rig)
    rig.tick((Source.SKILL, good))
    rig.tick((Source.SKILL, first(rig, lease=1)))
    assert (rig.state(), rig.verdict()) == (State.RUN, Verdict.REFUSED_NO_LEASE)
    rig.tick((Source.SKILL, good))
    assert (rig.state(), rig.verdict(), rig.memory.refused) == (State.RUN, Verdict.NONE, 1)


def test_counters_of_sources_are_apart() -> None:
    rig = Rig().leased(Source.SKILL, 0b00001)
    rig.tick((Source.TELEOP, rig.request(Request.LEASE, 0b01000)))
    rig.counter = 50
    rig.tick((Source.SKILL, first(rig)))
    rig.counter = 0
    rig.tick((Source.TELEOP, rig.command({NECK: 0.0})))
    assert rig.state(HEAD) == State.RUN


def test_a_source_that_starts_anew_counts_anew_with_its_first_lease() -> None:
    rig = Rig().running()
    rig.until(State.HOLD)
    rig.tick((Source.SKILL, rig.request(Request.RELEASE)))
    rig.counter = 0
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    rig.tick((Source.SKILL, first(rig, {SHOULDER: float(rig.q[SHOULDER])})))
    assert rig.state() == State.RUN


def test_counting_may_begin_at_zero() -> None:
    rig = Rig().leased()
    rig.counter = -1
    assert outcome(rig, first(rig)) == Verdict.NONE


def test_it_does_not_while_it_still_holds_a_group() -> None:
    rig = Rig().running()
    rig.until(State.HOLD)
    assert rig.holder(HEAD) == Source.SKILL
    rig.counter = 0
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    assert outcome(rig, first(rig)) == Verdict.REFUSED_REPLAYED


@pytest.mark.parametrize("field", ["q", "v", "effort", "effort_max"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_number_of_every_used_joint_must_be_finite(field: str, value: float) -> None:
    for joint in (SHOULDER, ELBOW):
        rig = Rig().leased()
        command = first(rig)
        command[field][joint] = value
        assert outcome(rig, command) == Verdict.REFUSED_NOT_FINITE


def test_a_negative_effort_limit_is_no_number() -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig, effort_max=-1e-9)) == Verdict.REFUSED_NOT_FINITE


@pytest.mark.parametrize(
    ("low", "high", "speed", "verdict"),
    [
        (-0.5, 0.5, 1.0, Verdict.NONE),
        (0.25, 0.25, 5e-324, Verdict.NONE),
        (-np.inf, np.inf, np.inf, Verdict.NONE),
        (0.5, 0.5 - 1e-9, 1.0, Verdict.REFUSED_NOT_FINITE),
        (np.nan, 0.5, 1.0, Verdict.REFUSED_NOT_FINITE),
        (-0.5, np.nan, 1.0, Verdict.REFUSED_NOT_FINITE),
        (-0.5, 0.5, 0.0, Verdict.REFUSED_NOT_FINITE),
        (-0.5, 0.5, -1.0, Verdict.REFUSED_NOT_FINITE),
        (-0.5, 0.5, np.nan, Verdict.REFUSED_NOT_FINITE),
    ],
)
def test_an_envelope_must_be_a_box_and_a_speed(low: float, high: float, speed: float, verdict: Verdict) -> None:
    for joint in (SHOULDER, ELBOW):
        rig = Rig().leased()
        command = first(rig)
        command["position_min"], command["position_max"], command["speed_max"] = -1.0, 1.0, 1.0
        command["bounded"] = 1
        command["position_min"][joint], command["position_max"][joint] = low, high
        command["speed_max"][joint] = speed
        assert outcome(rig, command) == verdict
        command["bounded"][joint] = 0
        command["counter"] += 1
        rig = Rig().leased()
        assert outcome(rig, command) == Verdict.NONE  # who declares none may leave anything there


def test_what_unused_joints_hold_does_not_matter_and_does_not_leak() -> None:
    rig = Rig().leased()
    command = first(rig, {SHOULDER: 0.0})
    for field in ("q", "v", "effort", "effort_max", "position_min", "position_max", "speed_max"):
        command[field][1:] = np.nan
    command["bounded"][1:] = 1
    assert outcome(rig, command) == Verdict.NONE
    rig.ticks(5)
    for field in ("q", "v", "effort", "effort_max"):
        assert np.isfinite(rig.sent[field]).all()


@pytest.mark.parametrize(
    ("field", "offset", "verdict"),
    [
        ("stamp_ns", 2 * MS, Verdict.NONE),
        ("stamp_ns", 2 * MS + 1, Verdict.REFUSED_FUTURE),
        ("stamp_ns", -100 * MS, Verdict.NONE),
        ("stamp_ns", -100 * MS - 1, Verdict.REFUSED_STALE),
        ("at_ns", 500 * MS, Verdict.NONE),
        ("at_ns", 500 * MS + 1, Verdict.REFUSED_FUTURE),
        ("at_ns", 1, Verdict.NONE),
        ("at_ns", 0, Verdict.REFUSED_STALE),
    ],
)
def test_times_at_their_limits(field: str, offset: int, verdict: Verdict) -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig, **{field: rig.now + TICK + offset})) == verdict


@pytest.mark.parametrize("slot", [ENCODER, LIDAR])
@pytest.mark.parametrize(("ahead", "verdict"), [(2 * MS, Verdict.NONE), (2 * MS + 1, Verdict.REFUSED_FUTURE)])
def test_a_sample_from_the_future_is_refused(slot: int, ahead: int, verdict: Verdict) -> None:
    rig = Rig().leased()
    command = first(rig)
    command["origin_ns"][slot] = rig.now + TICK + ahead
    assert outcome(rig, command) == verdict


@pytest.mark.parametrize(
    ("slot", "budget", "age", "verdict"),
    [
        (LIDAR, 150 * MS, 150 * MS, Verdict.NONE),
        (LIDAR, 150 * MS, 150 * MS + 1, Verdict.REFUSED_STALE),
        (LIDAR, UNUSED, 10**9, Verdict.NONE),  # the source does not care
        (ENCODER, 30 * MS, 30 * MS, Verdict.NONE),
        (ENCODER, 30 * MS, 30 * MS + 1, Verdict.REFUSED_STALE),
        (ENCODER, 10**9, 100 * MS, Verdict.NONE),  # the gate caps what it may declare
        (ENCODER, 10**9, 100 * MS + 1, Verdict.REFUSED_STALE),
        (ENCODER, UNUSED, 100 * MS + 1, Verdict.REFUSED_STALE),
        (ENCODER, -(2**63), 0, Verdict.REFUSED_STALE),
        (LIDAR, 0, UNUSED, Verdict.NONE),  # a sensor that played no part is never too old
    ],
)
def test_age_budgets_are_exact(slot: int, budget: int, age: int, verdict: Verdict) -> None:
    rig = Rig().leased()
    command = first(rig)
    command["budget_ns"][slot] = budget
    command["origin_ns"][slot] = UNUSED if age == UNUSED else rig.now + TICK - age
    assert outcome(rig, command) == verdict


def test_a_command_that_depends_on_no_sensor_has_only_its_own_age() -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig, origin_ns=UNUSED)) == Verdict.NONE


def test_a_current_command_whose_samples_grow_too_old_stops_its_group() -> None:
    rig = Rig().leased()
    command = first(rig, at_ms=400.0)
    command["budget_ns"][ENCODER] = 15 * MS  # it is 5 ms old on arrival
    rig.tick((Source.SKILL, command))
    rig.ticks(5)
    assert rig.state() == State.RUN
    rig.tick()
    assert (rig.state(), rig.verdict(), rig.holder()) == (State.STOPPING, Verdict.REFUSED_STALE, Source.NOBODY)
    assert rig.cause() == Verdict.STOPPED_REFUSED


def test_a_group_that_grows_stale_says_so_beside_what_else_became_of_commands_for_it() -> None:
    rig = Rig().leased()
    command = first(rig, at_ms=400.0)
    command["budget_ns"][ENCODER] = 15 * MS
    rig.tick((Source.SKILL, command))
    rig.ticks(5)
    rig.tick((Source.TELEOP, first(rig, lease=1)))
    assert rig.verdict() == Verdict.REFUSED_STALE | Verdict.REFUSED_NO_LEASE


def test_a_command_that_comes_after_its_time_is_late_not_wrong() -> None:
    rig = Rig().running()
    lease = int(rig.reflex["lease"][ARM])
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0}, at_ms=0.0)))
    assert (rig.state(), rig.cause(), rig.reflex["lease"][ARM]) == (State.STOPPING, Verdict.STOPPED_LATE, lease)
    assert rig.verdict() == Verdict.REFUSED_STALE
    rig.tick((Source.SKILL, rig.command({SHOULDER: float(rig.memory.q_last[SHOULDER])})))
    assert rig.state() == State.RUN


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("joint", "group", "reach"),
    [(SHOULDER, ARM, 0.1 + 2.0 * 0.02), (ELBOW, ARM, 0.1 + 1.0 * 0.02), (NECK, HEAD, 0.1 + 2.0 * 0.02)],
)
def test_the_first_command_starts_within_reach_of_the_measured_pose(
    joint: int, group: int, reach: float, sign: float
) -> None:
    for share, verdict in ((0.999, Verdict.NONE), (1.001, Verdict.REFUSED_FAR_FROM_POSE)):
        rig = Rig()
        rig.follows[:] = False
        rig.leased()
        rig.q[joint] = 0.05  # it sagged: the pose is not the last command
        rig.tick()
        rig.tick((Source.SKILL, rig.command({joint: 0.05 + sign * share * reach})))
        assert rig.verdict(group) & Verdict.REFUSED_FAR_FROM_POSE == verdict
        assert rig.state(group) == (State.HOLD if verdict else State.RUN)


def test_how_far_a_first_command_may_be_grows_with_its_time() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, first(rig, {SHOULDER: 0.29}, at_ms=100.0)))
    assert rig.state() == State.RUN


def test_a_gripper_may_also_start_from_its_last_command() -> None:
    for q, is_far in ((0.0, False), (0.0089, False), (0.0091, True), (0.0309, True), (0.0311, False), (0.04, False)):
        rig = Rig(cfg=GateCfg(near_m=0.005))
        rig.q[GRIPPER] = 0.0
        rig.leased()
        rig.follows[GRIPPER] = False
        rig.q[GRIPPER] = 0.005  # in steps that a gripper can do
        for step in np.linspace(0.005, 0.04, 10):
            rig.q[GRIPPER] = step
            rig.tick()
        rig.tick((Source.SKILL, rig.command({GRIPPER: q})))
        assert bool(rig.verdict(HAND) & Verdict.REFUSED_FAR_FROM_POSE) == is_far, q


def test_wheels_have_no_pose_to_start_from() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({LEFT: 8.0, RIGHT: 8.0})))
    assert rig.state(2) == State.RUN


def test_resuming_after_lateness_starts_within_reach_of_the_last_command() -> None:
    for beyond, state in ((0.139, State.RUN), (0.141, State.STOPPING)):
        rig = Rig().running(target=0.9, ticks=60)
        rig.until(State.STOPPING)
        q = rig.memory.q_last.copy()
        rig.tick((Source.SKILL, rig.command({SHOULDER: q[SHOULDER] + beyond, ELBOW: q[ELBOW]})))
        assert rig.state() == state
        assert bool(rig.verdict() & Verdict.REFUSED_FAR_FROM_POSE) == (state == State.STOPPING)


def test_while_running_a_far_target_is_limited_not_refused() -> None:
    rig = Rig().running()
    rig.tick((Source.SKILL, rig.command({SHOULDER: -1.0})))
    assert rig.state() == State.RUN


def test_one_far_group_refuses_the_command_whole() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0, NECK: 0.9})))
    assert (rig.state(), rig.state(HEAD)) == (State.HOLD, State.HOLD)
    assert (rig.holder(), rig.holder(HEAD), rig.holder(FACE)) == (Source.NOBODY, Source.NOBODY, Source.SKILL)


def test_a_command_that_uses_no_joint_changes_nothing() -> None:
    rig = Rig().leased()
    assert outcome(rig, first(rig, {})) == Verdict.NONE
    assert rig.state() == State.HOLD


def test_any_nonzero_use_counts_as_use() -> None:
    rig = Rig().leased()
    command = first(rig, {SHOULDER: np.nan})
    command["use"][SHOULDER] = 200
    assert outcome(rig, command) == Verdict.REFUSED_NOT_FINITE


def test_what_became_of_several_sources_commands_is_told_together_and_counted() -> None:
    rig = Rig().leased()
    bad = [(Source.IDLE, rig.command({SHOULDER: 0.0})), (Source.SKILL, rig.command({SHOULDER: np.nan}))]
    rig.tick(*bad)
    assert rig.verdict() == Verdict.REFUSED_NO_LEASE | Verdict.REFUSED_NOT_FINITE
    assert rig.memory.refused == 2


def test_lease_is_checked_before_anything_else_so_that_strangers_disturb_nobody() -> None:
    rig = Rig().running()
    rig.tick((Source.IDLE, rig.command({SHOULDER: np.nan}, at_ms=-5.0)))
    assert rig.verdict() & (Verdict.REFUSED_NO_LEASE | Verdict.REFUSED_NOT_FINITE) == Verdict.REFUSED_NO_LEASE
    assert rig.state() == State.RUN
