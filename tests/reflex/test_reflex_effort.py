"""Efforts that the gate lets through, and those that stop a group."""

import numpy as np
import pytest
from reflex_rig import (
    ARM,
    ELBOW,
    GRIPPER,
    HAND,
    HEAD,
    MS,
    NECK,
    SHOULDER,
    Rig,
    drive,
)  # fmt: skip

from vagus.core.messages import Request, Source, State, Verdict


@pytest.mark.parametrize(
    ("given_max", "sent"), [(0.0, 10.0), (5e-324, 1.0), (0.999, 1.0), (1.001, 1.001), (3.0, 3.0), (1e9, 10.0)]
)
def test_a_command_can_lower_a_grippers_effort_limit_but_not_raise_it(given_max: float, sent: float) -> None:
    rig = Rig().leased()
    drive(rig, {GRIPPER: 0.02}, 3, effort_max=given_max)
    assert rig.sent["effort_max"][GRIPPER] == sent


def test_nobody_can_make_an_arm_go_limp() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.1, GRIPPER: 0.02}, 3, effort_max=2.0)
    assert rig.sent["effort_max"][[SHOULDER, ELBOW, GRIPPER]].tolist() == [40.0, 20.0, 2.0]


def test_after_a_stop_a_gripper_keeps_its_limit_until_another_is_commanded() -> None:
    rig = Rig().leased()
    drive(rig, {GRIPPER: 0.02}, 3, effort_max=2.0)
    rig.until(State.STOPPING, HAND)
    assert rig.sent["effort_max"][GRIPPER] == 2.0
    rig.until(State.HOLD, HAND)
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    drive(rig, {NECK: 0.0}, 3, effort_max=1.0)
    assert rig.sent["effort_max"][[GRIPPER, NECK]].tolist() == [2.0, 5.0]
    drive(rig, {GRIPPER: 0.02}, 3)
    assert rig.sent["effort_max"][GRIPPER] == 10.0


def explained(bias: float) -> Rig:
    """A rig whose shoulder carries this much by gravity."""
    rig = Rig().leased()
    rig.clearance["effort_bias"][SHOULDER] = rig.effort[SHOULDER] = bias  # type: ignore[index]
    return rig


def test_feed_forward_effort_is_ramped_in_and_out() -> None:
    rig = explained(30.0)
    step = 40.0 * 0.002 / 0.1
    efforts = []
    for _ in range(60):
        drive(rig, {SHOULDER: 0.0}, 1, effort=30.0)
        efforts.append(float(rig.sent["effort"][SHOULDER]))
    assert np.diff(efforts).max() <= step + 1e-9
    assert efforts[-1] == 30.0
    assert rig.verdict() & Verdict.LIMITED_EFFORT == 0
    rig.until(State.STOPPING)
    assert rig.sent["effort"][SHOULDER] == pytest.approx(30.0 - step)
    rig.ticks(60)
    assert rig.sent["effort"][SHOULDER] == 0.0


@pytest.mark.parametrize(
    ("bias", "asked", "sent"),
    [
        (30.0, 34.0, 34.0), (30.0, 34.1, 34.0), (30.0, -4.0, -4.0), (30.0, -4.1, -4.0), (30.0, 1e300, 34.0),
        (-30.0, -34.0, -34.0), (-30.0, -34.1, -34.0), (-30.0, 4.1, 4.0), (0.0, 4.0, 4.0), (0.0, 4.1, 4.0),
        (39.0, 41.0, 40.0), (-39.0, -41.0, -40.0), (90.0, 80.0, 40.0), (np.nan, 4.0, 4.0), (np.nan, -4.1, -4.0),
    ],
)  # fmt: skip
def test_feed_forward_effort_is_for_gravity(bias: float, asked: float, sent: float) -> None:
    rig = explained(bias)
    drive(rig, {SHOULDER: 0.0}, 120, effort=asked)
    assert rig.sent["effort"][SHOULDER] == pytest.approx(sent)
    assert bool(rig.verdict() & Verdict.LIMITED_EFFORT) == (asked != sent)
    assert rig.sent["effort"][ELBOW] == 0.0


def test_feed_forward_effort_without_knowledge_of_gravity_is_small() -> None:
    rig = explained(30.0)
    rig.clearance_age = None
    drive(rig, {SHOULDER: 0.0}, 120, effort=30.0)
    assert rig.sent["effort"][SHOULDER] == pytest.approx(4.0)


def test_a_gripper_with_a_low_limit_pushes_no_harder_by_feed_forward() -> None:
    rig = Rig().leased()
    rig.clearance["effort_bias"][GRIPPER] = 5.0  # type: ignore[index]
    drive(rig, {GRIPPER: 0.02}, 120, effort=6.0, effort_max=2.0)
    assert rig.sent["effort"][GRIPPER] == 2.0
    rig.clearance["effort_bias"][GRIPPER] = -5.0  # type: ignore[index]
    drive(rig, {GRIPPER: 0.02}, 120, effort=-6.0, effort_max=2.0)
    assert rig.sent["effort"][GRIPPER] == -2.0


def test_feed_forward_effort_ends_at_once_where_the_gate_is_not_in_control() -> None:
    rig = explained(30.0)
    drive(rig, {SHOULDER: 0.0}, 60, effort=30.0)
    assert rig.sent["effort"][SHOULDER] == 30.0
    rig.q[SHOULDER] += 0.5
    rig.tick()
    assert rig.state() == State.DAMPED
    assert rig.sent["effort"][SHOULDER] == 0.0


@pytest.mark.parametrize(("joint", "effort_max"), [(SHOULDER, 40.0), (ELBOW, 20.0)])
def test_effort_that_gravity_does_not_explain_stops_after_fifty_milliseconds(joint: int, effort_max: float) -> None:
    for extra, state in ((0.001, State.STOPPING), (-0.001, State.RUN)):
        for sign in (1.0, -1.0):
            rig = Rig().running(target=0.05, ticks=20)
            rig.clearance["effort_bias"][joint] = 3.0  # type: ignore[index]
            rig.effort[joint] = 3.0 + sign * (0.9 * effort_max + extra)
            for _ in range(25):
                rig.run_on(0.05)
                assert rig.state() == State.RUN
            rig.run_on(0.05)
            assert rig.state() == state
    assert rig.cause() == Verdict.NONE


def test_after_a_stop_by_torque_the_motors_no_longer_press() -> None:
    rig = Rig().running(target=0.1, ticks=20)
    rig.effort[SHOULDER], rig.follows[SHOULDER] = 40.0, False
    rig.q[SHOULDER] = rig.memory.q_last[SHOULDER] - 0.03
    for _ in range(30):
        rig.run_on(0.1)
    assert rig.cause() == Verdict.STOPPED_TORQUE
    rig.until(State.HOLD)
    assert rig.sent["q"][SHOULDER] == rig.q[SHOULDER]


def test_strain_that_comes_and_goes_or_cannot_be_judged_does_not_stop() -> None:
    rig = Rig().running(target=0.05, ticks=20)
    for k in range(100):
        rig.effort[SHOULDER] = 0.0 if k % 25 == 24 else 40.0
        rig.run_on(0.05)
    rig.clearance_age = 200 * MS
    rig.effort[SHOULDER] = 40.0
    for _ in range(100):
        rig.run_on(0.05)
    rig.clearance_age, rig.effort[SHOULDER] = 20 * MS, np.nan
    for _ in range(100):
        rig.run_on(0.05)
    assert rig.state() == State.RUN


def test_strain_is_not_judged_without_a_valid_reading() -> None:
    rig = Rig().running(target=0.05, ticks=20)
    rig.effort[SHOULDER] = 40.0
    for k in range(60):
        rig.valid[SHOULDER] = k % 5 == 0  # never missing for long enough to be distrusted
        rig.run_on(0.05)
    assert rig.state() == State.RUN


def test_a_gripper_may_press() -> None:
    rig = Rig().leased()
    rig.effort[GRIPPER] = 10.0
    drive(rig, {GRIPPER: 0.02}, 100)
    assert rig.state(HAND) == State.RUN


def test_effort_that_gravity_explains_is_given_without_a_word() -> None:
    rig = Rig().leased()
    rig.clearance["effort_bias"][SHOULDER] = 10.0  # type: ignore[index]
    for _ in range(100):
        command = rig.command({SHOULDER: 0.0, NECK: 0.0})
        command["effort"][SHOULDER] = 10.0
        rig.tick((Source.SKILL, command))
    assert rig.sent["effort"][SHOULDER] == pytest.approx(10.0)
    assert (rig.verdict(ARM), rig.verdict(HEAD)) == (Verdict.NONE, Verdict.NONE)
