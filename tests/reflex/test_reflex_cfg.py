"""Settings outside their range are refused, saying what is allowed."""

import math

import pytest

from vagus.core.envelope import Envelope
from vagus.core.errors import ConfigError
from vagus.reflex.cfg import GateCfg

POSITIVE = ["command_encoder_age_s", "command_age_s", "horizon_s", "request_age_s", "lease_max_s", "near_rad", "near_m",
            "rest_rad_s", "rest_m_s", "rest_s", "jump_factor", "jump_rad", "jump_m", "damped_s", "estop_settle_s",
            "torque_fraction", "torque_s", "effort_fraction", "effort_ramp_s", "clearance_age_s"]  # fmt: skip


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_what_must_be_positive_is_checked(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{key}: got {value}, allowed: a finite number > 0"):
        GateCfg(**{key: value})


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("future_s", [0.0, 0.1], [-1e-9, 0.11, math.nan]),
        ("invalid_ticks", [0, 50], [-1]),
        ("slow_fraction", [1e-6, 1.0], [0.0, 1.01, math.nan]),
        ("grip_fraction", [1e-6, 1.0], [0.0, 1.01, math.nan]),
        ("person_near_m", [0.0, 1.49], [-0.1, 1.5, math.nan]),
        ("person_far_m", [0.51, 9.0], [0.5, math.inf]),
        ("clearance_margin_m", [0.0, 1.0], [-0.001, math.inf, math.nan]),
        ("clearance_reserve", [1.0, 5.0], [0.99, math.inf, math.nan]),
    ],
)
def test_ranges_hold_at_their_ends(key: str, good: list[float], bad: list[float]) -> None:
    for value in good:
        GateCfg(**{key: value})
    for value in bad:
        with pytest.raises(ConfigError, match=rf"{key}.*got .*{value}.*allowed"):
            GateCfg(**{key: value})


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.0001, math.nan])
def test_an_envelope_cannot_loosen_or_stop(fraction: float) -> None:
    with pytest.raises(ConfigError, match=rf"speed_fraction: got {fraction}, allowed: in \(0, 1\]"):
        Envelope(speed_fraction=fraction)


@pytest.mark.parametrize("key", ["position_min", "position_max"])
def test_an_envelope_is_made_of_numbers(key: str) -> None:
    Envelope(**{key: (math.inf, -math.inf)})
    with pytest.raises(ConfigError, match=f"{key}: got .*nan.*, allowed: numbers"):
        Envelope(**{key: (0.0, math.nan)})
