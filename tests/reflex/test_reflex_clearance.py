"""Slowing down for clearances: braking distance is kept, what opens is free, pairs that share joints go together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reflex_rig import small_spec

from vagus.core import messages as m
from vagus.core.messages import Record
from vagus.reflex.clearance import clearance_scale

DT = 0.002
SPEC = small_spec()
A = np.full(7, 4.0)


def message(*pairs: tuple[float, dict[int, float]], q: float = 0.0) -> Record:
    record = m.blank(m.clearance(SPEC))
    record["distance"] = np.nan
    record["gradient"] = np.nan  # unused rows hold anything
    record["q"] = q
    for k, (distance, gradient) in enumerate(pairs):
        record["distance"][k], record["gradient"][k] = distance, 0.0
        for joint, slope in gradient.items():
            record["gradient"][k, joint] = slope
    return record


def scale(record: Record, v: dict[int, float], *, q: float = 0.0, reserve: float = 1.0) -> np.ndarray:
    speeds = np.zeros(7)
    for joint, speed in v.items():
        speeds[joint] = speed
    out = clearance_scale(record, np.full(7, q), speeds, A, margin=0.01, reserve=reserve, dt=DT)
    return np.ones(7) if out is None else out


def test_by_hand() -> None:
    # Closes at 0.5 m/s with 0.06 m of room; braking from 1 rad/s at 4 rad/s^2 takes 0.25 s and closes 0.0625 m.
    s = scale(message((0.07, {0: -0.5})), {0: 1.0})[0]
    assert s < 1.0
    assert s * 0.5 * DT + s * s * 0.5 * 0.25 / 2 == pytest.approx(0.06)
    twice = scale(message((0.07, {0: -0.5})), {0: 1.0}, reserve=2.0)[0]
    assert twice * 0.5 * DT + 2.0 * twice * twice * 0.5 * 0.25 / 2 == pytest.approx(0.06)


def test_a_joint_that_brakes_for_seconds_is_slowed_in_time() -> None:
    # 0.4 rad/s, braked at 0.05 rad/s^2: 8 s. It closes at 0.4 m/s with 0.5 m of room, and braking would take 1.6 m.
    speeds, slow = np.zeros(7), np.full(7, 0.05)
    speeds[0] = 0.4
    out = clearance_scale(message((0.51, {0: -1.0})), np.zeros(7), speeds, slow, margin=0.01, reserve=1.0, dt=DT)
    assert out is not None
    assert out[0] * 0.4 * DT + out[0] ** 2 * 0.4 * 8.0 / 2 == pytest.approx(0.5)


def test_just_enough_room_is_not_slowed_and_just_too_little_is() -> None:
    need = 0.5 * DT + 0.5 * 0.25 / 2
    assert scale(message((0.01 + need + 1e-9, {0: -0.5})), {0: 1.0})[0] == 1.0
    assert scale(message((0.01 + need - 1e-6, {0: -0.5})), {0: 1.0})[0] < 1.0


@pytest.mark.parametrize("distance", [0.01, 0.0, -0.2])
def test_within_the_margin_nothing_closes_but_anything_opens(distance: float) -> None:
    assert scale(message((distance, {0: -0.5})), {0: 1e-6})[0] == 0.0
    assert scale(message((distance, {0: -0.5})), {0: -2.0})[0] == 1.0


def test_the_distance_is_predicted_from_where_it_was_computed() -> None:
    near = message((0.07, {0: -0.5}), q=-0.1)  # since then the joint has closed another 0.05 m
    assert scale(near, {0: 1.0})[0] < scale(message((0.07, {0: -0.5})), {0: 1.0})[0]
    assert scale(message((0.07, {0: -0.5}), q=0.1), {0: 1.0})[0] == 1.0


def test_only_joints_of_the_pair_are_slowed_and_all_alike() -> None:
    s = scale(message((0.02, {0: -0.5, 1: 0.1})), {0: 1.0, 1: -1.0, 2: 1.0})
    assert s[0] == s[1] < 1.0
    assert s[2:].tolist() == [1.0] * 5


def test_a_joint_of_the_pair_that_moves_slowly_still_counts_for_the_braking_time() -> None:
    # Joint 1 needs 0.5 s to brake, though it hardly closes: its pair brakes along the path.
    assert (
        scale(message((0.08, {0: -0.5, 1: -1e-6})), {0: 1.0, 1: 2.0})[0]
        < scale(message((0.08, {0: -0.5})), {0: 1.0})[0]
    )


def test_pairs_that_share_joints_by_way_of_others_are_slowed_alike() -> None:
    chain = [(9.0, {k: -0.1, k + 1: -0.1}) for k in range(6)]
    s = scale(message((0.01, {0: -0.5}), *chain), dict.fromkeys(range(7), 1.0))
    assert s.tolist() == [0.0] * 7


def test_pairs_apart_are_slowed_apart() -> None:
    s = scale(message((0.01, {0: -0.5}), (0.02, {1: -0.5})), {0: 1.0, 1: 1.0, 2: 1.0})
    assert s[0] == 0.0
    assert 0.0 < s[1] < 1.0
    assert s[2] == 1.0


def test_a_fast_joint_outside_the_pair_does_not_count() -> None:
    # Room for the pair's own braking (0.7 mm), not for that of joint 1, which is in no pair.
    assert clearance_scale(message((0.011, {0: -0.5})), np.zeros(7), np.array([0.1, 2.0, 0, 0, 0, 0, 0]), A,
                           margin=0.01, reserve=1.0, dt=DT).tolist() == [1.0] * 7  # fmt: skip


def test_joints_of_other_pairs_do_not_count() -> None:
    alone = scale(message((0.07, {0: -0.5})), {0: 1.0})[0]
    assert scale(message((0.07, {0: -0.5}), (9.0, {1: -0.1})), {0: 1.0, 1: 2.0})[0] == pytest.approx(alone)


def test_braking_that_takes_more_than_a_second() -> None:
    s = scale(message((1.01, {0: -0.5})), {0: 8.0})[0]  # closes at 4 m/s, 2 s to brake, 4 m
    assert s * 4.0 * DT + s * s * 4.0 * 2.0 / 2 == pytest.approx(1.0)


def test_a_pair_that_hardly_closes_is_no_trouble() -> None:
    s = scale(message((0.0, {0: -0.5}), (0.5, {1: -1.0})), {0: 1.0, 1: 1e-311})
    assert s.tolist() == [0.0] + [1.0] * 6


def test_no_pairs_no_slowing() -> None:
    assert clearance_scale(message(), np.zeros(7), np.ones(7), A, margin=0.01, reserve=1.0, dt=DT) is None


gradients = arrays(float, (8, 7), elements=st.sampled_from([0.0, 0.0, -0.5, 0.3, 1.0, -1e-3]))


@settings(max_examples=300)
@given(gradients, arrays(float, 8, elements=st.floats(-0.1, 0.5)), arrays(float, 7, elements=st.floats(-2.0, 2.0)))
def test_no_pair_closes_more_than_it_can_brake(gradient: np.ndarray, distance: np.ndarray, v: np.ndarray) -> None:
    record = message()
    record["distance"], record["gradient"] = distance, gradient
    s = clearance_scale(record, np.zeros(7), v, A, margin=0.01, reserve=1.0, dt=DT)
    scaled = v if s is None else v * s
    closing = -(gradient @ scaled)
    brake = np.where(gradient != 0, np.abs(scaled) / A, 0.0).max(axis=1)
    need = closing * DT + closing * brake / 2
    assert np.all((closing <= 1e-12) | (need <= np.maximum(distance - 0.01, 0.0) + 1e-9))


@settings(max_examples=100)
@given(gradients, arrays(float, 7, elements=st.floats(-2.0, 2.0)))
def test_motion_that_closes_no_pair_is_never_slowed(gradient: np.ndarray, v: np.ndarray) -> None:
    record = message()
    record["distance"], record["gradient"] = 0.0, np.where((gradient @ v)[:, None] < 0.0, -gradient, gradient)
    s = clearance_scale(record, np.zeros(7), v, A, margin=0.01, reserve=1.0, dt=DT)
    assert s is None or np.all(s == 1.0)
