"""Ages: merging is a semilattice, budgets hold to the nanosecond, a quantile is never too small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vagus.core.ages import (
    N_BUCKETS,
    UNUSED,
    ages_s,
    bucket,
    bucket_upper_ns,
    merge,
    over_budget,
    quantiles_ns,
    unused,
)

FIRST_NS, LAST_NS = 1 << 10, 1 << 36  # the histogram's range
TIMES = st.integers(0, 2**62) | st.just(UNUSED)
ORIGINS = arrays(np.int64, 3, elements=TIMES)
AGES = st.integers(0, 36).flatmap(lambda k: st.integers(max(0, (1 << k) - 2), min((1 << (k + 1)) + 2, LAST_NS - 1)))


@given(a=ORIGINS, b=ORIGINS, c=ORIGINS)
def test_merge_is_a_semilattice_with_unused_as_its_neutral_element(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    np.testing.assert_array_equal(merge(a, b), merge(b, a))
    np.testing.assert_array_equal(merge(merge(a, b), c), merge(a, merge(b, c)))
    np.testing.assert_array_equal(merge(a, b, c), merge(merge(a, b), c))
    np.testing.assert_array_equal(merge(a, a), a)
    np.testing.assert_array_equal(merge(a, unused(3)), a)


@given(a=ORIGINS, b=ORIGINS)
def test_merge_never_makes_anything_younger_and_changes_no_input(a: np.ndarray, b: np.ndarray) -> None:
    a_before, b_before = a.copy(), b.copy()
    merged = merge(a, b)
    assert np.all(merged <= a)
    assert np.all(merged <= b)
    np.testing.assert_array_equal([a, b], [a_before, b_before])


def test_ages_are_seconds_and_an_unused_sensor_has_none() -> None:
    origins = np.array([1_000_000_000, UNUSED, 3_500_000_000], np.int64)
    assert ages_s(origins, 3_000_000_000) == [2.0, None, -0.5]


@pytest.mark.parametrize(
    ("age_ns", "is_over"), [(-(2**40), True), (-1, True), (0, False), (99, False), (100, False), (101, True)]
)
def test_budgets_hold_to_the_nanosecond_and_the_future_is_over_budget(age_ns: int, is_over: bool) -> None:
    now_ns = 10**12
    origin, budget = np.array([now_ns - age_ns], np.int64), np.array([100], np.int64)
    assert over_budget(origin, budget, now_ns).tolist() == [is_over]


@given(now_ns=st.integers(0, 2**62), budget_ns=st.integers(0, 2**62))
def test_an_unused_sensor_is_never_over_budget(now_ns: int, budget_ns: int) -> None:
    assert not over_budget(unused(2), np.full(2, budget_ns), now_ns).any()


def test_a_budget_that_does_not_care_accepts_any_age_but_not_the_future() -> None:
    budget = unused(3)  # UNUSED as a budget
    origins = np.array([0, 10**12, 10**12 + 1], np.int64)
    assert over_budget(origins, budget, 10**12).tolist() == [False, False, True]


@given(age_ns=AGES)
def test_a_buckets_upper_edge_is_above_its_ages_by_at_most_one_sixteenth(age_ns: int) -> None:
    upper = bucket_upper_ns(bucket(age_ns))
    assert upper > age_ns
    if age_ns >= FIRST_NS:
        assert upper - age_ns <= age_ns / 16


@pytest.mark.parametrize("index", range(N_BUCKETS))
def test_buckets_meet_at_their_edges(index: int) -> None:
    edge = bucket_upper_ns(index)
    assert bucket(edge - 1) == index
    assert bucket(edge) == min(index + 1, N_BUCKETS - 1)


@pytest.mark.parametrize(
    ("age_ns", "index"), [(-5, 0), (0, 0), (FIRST_NS - 1, 0), (FIRST_NS, 0), (LAST_NS - 1, 415), (LAST_NS, 415),
                          (2**62, 415)],
)  # fmt: skip
def test_ages_outside_the_histogram_fall_in_its_end_buckets(age_ns: int, index: int) -> None:
    assert (bucket(age_ns), N_BUCKETS) == (index, 416)  # 26 doublings of 16


@given(ages=st.lists(AGES, min_size=1, max_size=60), level=st.floats(0.0, 1.0))
def test_a_quantile_is_never_too_small_and_at_most_a_bucket_too_large(ages: list[int], level: float) -> None:
    counts = np.bincount([bucket(a) for a in ages], minlength=N_BUCKETS)
    (got,) = quantiles_ns(counts, [level])
    true = sorted(ages)[max(1, int(np.ceil(level * len(ages)))) - 1]
    assert got == bucket_upper_ns(bucket(true))
    assert got > true


def test_quantiles_of_a_hundred_ages_by_hand() -> None:
    counts = np.zeros(N_BUCKETS, np.uint32)
    counts[10], counts[20] = 99, 1
    edges = [bucket_upper_ns(10)] * 2 + [bucket_upper_ns(20)] * 2
    assert quantiles_ns(counts, [0.0, 0.99, 0.991, 1.0]) == edges


def test_an_empty_histogram_has_no_quantiles() -> None:
    assert quantiles_ns(np.zeros(N_BUCKETS, np.uint32), [0.5, 0.999]) == [None, None]
