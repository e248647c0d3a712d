"""Ages: how old the oldest sample is that a message was computed from, per sensor.

Every message carries ``origin_ns``: one int64 per sensor of the robot (order: ``RobotSpec.sensors``), the capture
time of the oldest sample of that sensor that went into it. ``UNUSED`` marks a sensor that played no part.
This module does arithmetic on such arrays; it reads no clock.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Origins = NDArray[np.int64]

UNUSED: int = int(np.iinfo(np.int64).max)
"""Origin of a sensor that a message does not depend on: later than any time, so that merging by minimum ignores it."""


def unused(n_sensors: int) -> Origins:
    """Return origins that depend on no sensor, shape (n_sensors,)."""
    return np.full(n_sensors, UNUSED, np.int64)


def merge(*origins: Origins) -> Origins:
    """Return the per-sensor minimum: the origins of a message computed from all of these, shape (n_sensors,)."""
    return np.minimum.reduce(origins)


def ages_s(origin_ns: Origins, now_ns: int) -> list[float | None]:
    """Return each sensor's age [s] at ``now_ns``; ``None`` for a sensor that was not used."""
    return [None if int(o) == UNUSED else (now_ns - int(o)) * 1e-9 for o in origin_ns]


def over_budget(origin_ns: Origins, budget_ns: NDArray[np.int64], now_ns: int) -> NDArray[np.bool_]:
    """Say per sensor whether its sample is older than the budget allows, or claims to come from the future.

    Args:
        origin_ns: Capture times [ns], shape (n_sensors,); ``UNUSED`` is never over budget.
        budget_ns: Largest allowed age [ns], shape (n_sensors,).
        now_ns: The robot's clock [ns].

    Returns:
        True where the age is above budget or negative, shape (n_sensors,).
    """
    age = np.int64(now_ns) - origin_ns
    return (origin_ns != UNUSED) & ((age > budget_ns) | (age < 0))


# Log-linear histogram of ages: 16 buckets per doubling from 2^10 ns (1 us) to 2^36 ns (69 s): each at most 6.3 % wide.
_SUB = 16
_EXP_MIN, _EXP_MAX = 10, 36
N_BUCKETS: int = (_EXP_MAX - _EXP_MIN) * _SUB


def bucket(age_ns: int) -> int:
    """Return the histogram bucket of an age [ns]; ages outside 1 us to 69 s fall in the first or last bucket."""
    if age_ns < 1 << _EXP_MIN:
        return 0
    exponent = age_ns.bit_length() - 1
    if exponent >= _EXP_MAX:
        return N_BUCKETS - 1
    return (exponent - _EXP_MIN) * _SUB + ((age_ns >> (exponent - 4)) & (_SUB - 1))


def bucket_upper_ns(index: int) -> int:
    """Return the upper edge of a bucket [ns], so that a quantile read from it is never too small."""
    exponent, sub = divmod(index, _SUB)
    exponent += _EXP_MIN
    return (1 << exponent) + ((sub + 1) << (exponent - 4))


def quantiles_ns(counts: NDArray[np.integer], levels: Sequence[float]) -> list[int | None]:
    """Read quantiles [ns] from a histogram of shape (N_BUCKETS,); ``None`` where it is empty."""
    total = int(counts.sum())
    if total == 0:
        return [None for _ in levels]
    cumulative = np.cumsum(counts)
    return [bucket_upper_ns(int(np.searchsorted(cumulative, max(1, np.ceil(level * total))))) for level in levels]
