"""Moves keep their limits and arrive, whatever state they start in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vagus.act.trajectory import JERK_TIME_S, JointMove, Limits
from vagus.core.errors import CommandError

LIMITS = Limits(speed=np.array([1.0, 2.0]), acceleration=np.array([4.0, 5.0]))
position = st.floats(-3.0, 3.0)
speed = st.floats(-0.9, 0.9)


@settings(max_examples=60, deadline=None)
@given(st.tuples(position, position), st.tuples(speed, speed), st.tuples(position, position))
def test_move_keeps_speed_and_acceleration_and_arrives_at_rest(q0, v0, q1) -> None:
    move = JointMove(1_000, np.array(q0), np.array(v0), np.array(q1), LIMITS)
    times = np.linspace(move.start_ns, move.end_ns, 400).astype(np.int64)
    v = np.array([move.at(int(t))[1] for t in times])
    assert np.all(np.abs(v) <= LIMITS.speed + 1e-9)
    dt = np.maximum(np.diff(times) * 1e-9, 1e-12)[:, None]
    assert np.all(np.abs(np.diff(v, axis=0)) <= LIMITS.acceleration * dt + 1e-6)
    q_end, v_end = move.at(move.end_ns)
    np.testing.assert_allclose(q_end, q1, atol=1e-6)
    np.testing.assert_allclose(v_end, 0.0, atol=1e-6)


def test_move_starts_at_the_commanded_state() -> None:
    q, v = JointMove(50, np.array([0.3, -0.2]), np.array([0.5, 0.1]), np.ones(2), LIMITS).at(50)
    np.testing.assert_allclose(q, [0.3, -0.2], atol=1e-12)
    np.testing.assert_allclose(v, [0.5, 0.1], atol=1e-12)


def test_move_from_rest_is_straight_in_joint_space() -> None:
    move = JointMove(0, np.zeros(2), np.zeros(2), np.array([1.0, -0.5]), LIMITS)
    for q in move.samples(20):
        assert q[1] == pytest.approx(-0.5 * q[0], abs=1e-6)


def test_jerk_builds_full_acceleration_in_the_stated_time() -> None:
    np.testing.assert_allclose(LIMITS.jerk * JERK_TIME_S, LIMITS.acceleration)


def test_before_the_start_and_after_the_end_it_stands_still() -> None:
    move = JointMove(1_000_000, np.zeros(2), np.zeros(2), np.ones(2), LIMITS)
    np.testing.assert_array_equal(move.at(0)[0], 0.0)
    np.testing.assert_allclose(move.at(move.end_ns + 10**9)[0], 1.0, atol=1e-9)


@pytest.mark.parametrize("q1", [np.array([np.nan, 0.0]), np.array([np.inf, 0.0]), np.zeros(3)])
def test_unusable_targets_are_refused(q1) -> None:
    with pytest.raises(CommandError, match="q1"):
        JointMove(0, np.zeros(2), np.zeros(2), q1, LIMITS)


@pytest.mark.parametrize("off", [1e-16, 1e-13, 1e-10])
def test_a_move_to_where_it_is_already_ends_at_once(off: float) -> None:
    """Met in practice: a goal an ulp away, and what braking left of the speed; ruckig finds no trajectory for that."""
    q1 = np.array([0.3325, -0.7, 0.25, 0.0, 2.45])
    q0 = q1 - off * np.array([1.0, -1.0, 1.0, 1.0, 1.0])
    v0 = 5.25e-15 * np.array([1.0, -1.0, 0.5, 0.0, 8.0])
    limits = Limits(speed=np.array([0.09, 1.2, 1.2, 1.2, 1.2]), acceleration=np.array([0.36, 7.2, 7.2, 7.2, 7.2]))
    move = JointMove(0, q0, v0, q1, limits)
    assert move.end_ns < 50_000_000
    np.testing.assert_allclose(move.at(move.end_ns)[0], q1, atol=1e-9)
