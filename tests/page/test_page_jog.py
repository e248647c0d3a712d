"""Jogged targets: slow, smooth, inside the joints' limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_stand import small_spec

from vagus.core.errors import ConfigError
from vagus.page.jog import JogCfg, Jogger

SPEC = small_spec()
DT = 0.02
LOW, HIGH = SPEC.array("position_min"), SPEC.array("position_max")


def everything() -> np.ndarray:
    return np.ones(SPEC.n_joints, np.bool_)


@settings(max_examples=40, deadline=None)
@given(wishes=st.lists(st.dictionaries(st.integers(0, 4), st.floats(-1, 1)), min_size=1, max_size=12))
def test_targets_keep_range_speed_and_acceleration_whatever_is_held(wishes: list[dict[int, float]]) -> None:
    jogger = Jogger(SPEC, JogCfg())
    jogger.place(everything(), SPEC.array("home"))
    fastest, hardest = 0.2 * SPEC.array("speed_max"), 0.5 * SPEC.array("acceleration_max")
    for wish in wishes:
        for _ in range(25):
            before = jogger.v.copy()
            jogger.advance(jogger.jog_speeds(wish), DT)
            assert np.all((jogger.q >= LOW) & (jogger.q <= HIGH))
            assert np.all(np.abs(jogger.v) <= fastest + 1e-9)
            assert np.all(np.abs(jogger.v - before) <= hardest * DT + 1e-9)


def test_a_target_comes_to_rest_exactly_at_its_limit() -> None:
    jogger = Jogger(SPEC, JogCfg(speed_fraction=1.0))
    jogger.place(everything(), SPEC.array("home"))
    for _ in range(400):
        jogger.advance(jogger.jog_speeds({3: 1.0}), DT)
    assert jogger.q[3] == pytest.approx(2.5, abs=1e-3)
    assert abs(jogger.v[3]) < 0.02


def test_a_target_placed_outside_its_range_starts_at_the_limit() -> None:
    jogger = Jogger(SPEC, JogCfg())
    jogger.place(everything(), np.full(SPEC.n_joints, 9.0))
    np.testing.assert_allclose(jogger.q, [0.0, 0.0, 1.5, 2.5, 0.04])


def test_driving_forward_turns_both_wheels_alike_and_turning_left_against_each_other() -> None:
    jogger = Jogger(SPEC, JogCfg(drive_speed=0.4, turn_speed=1.0))
    np.testing.assert_allclose(jogger.wheel_speeds(1.0, 0.0)[:2], [5.0, 5.0])  # 0.4 m/s over 0.08 m
    np.testing.assert_allclose(jogger.wheel_speeds(0.0, 1.0)[:2], [-2.5, 2.5])  # 1 rad/s x 0.2 m over 0.08 m


def test_a_curve_too_fast_for_one_wheel_slows_both_and_keeps_its_shape() -> None:
    jogger = Jogger(SPEC, JogCfg(drive_speed=0.8, turn_speed=4.0))
    left, right = jogger.wheel_speeds(1.0, 1.0)[:2]  # wished: 0 and 20 rad/s; allowed: 12
    assert (left, right) == pytest.approx((0.0, 12.0))


def test_targets_do_not_run_ahead_of_a_robot_that_is_slowed_down() -> None:
    jogger = Jogger(SPEC, JogCfg())
    jogger.place(everything(), SPEC.array("home"))
    for _ in range(100):
        jogger.advance(jogger.jog_speeds({2: 1.0}), DT)
        jogger.stay_near(everything(), SPEC.array("home"), 0.15)
    assert jogger.q[2] == pytest.approx(0.15 * 0.2 * 2.0)  # 0.15 s at a fifth of 2 rad/s


@pytest.mark.parametrize("wrong", [{"speed_fraction": 0.0}, {"speed_fraction": 1.1}, {"drive_speed": float("inf")}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        JogCfg(**wrong)
