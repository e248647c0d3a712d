"""The arithmetic of one tick: laws, hand-worked numbers, boundaries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reflex_rig import SHOULDER, small_spec

from vagus.core.envelope import Envelope
from vagus.core.errors import ConfigError
from vagus.reflex import limits as lim
from vagus.reflex.limits import Box, Groups, Limits

DT = 0.002
A = np.array([10.0])
unit = st.floats(-1.0, 1.0)


def one(x: float) -> np.ndarray:
    return np.array([x])


def ride(q: float, v: float, q_to: float, v_to: float, n: int) -> tuple[float, float]:
    """Follow the path to a knot n ticks ahead and return where it arrives."""
    for k in range(n):
        v = float(lim.path_velocity(one(q), one(v), one(q_to), one(v_to), tau=one((n - k) * DT), dt=DT)[0])
        q += v * DT
    return q, v


@given(unit, unit, unit, unit, st.integers(2, 60))
def test_the_path_arrives_with_the_knots_position_and_velocity(
    q: float, v: float, q_to: float, v_to: float, n: int
) -> None:
    np.testing.assert_allclose(ride(q, v, q_to, v_to, n), (q_to, v_to), atol=1e-7)


@given(unit, unit, unit)
def test_one_tick_before_the_knot_the_path_goes_straight_to_its_position(q: float, v: float, q_to: float) -> None:
    assert ride(q, v, q_to, 0.0, 1)[0] == pytest.approx(q_to, abs=1e-12)


def test_the_path_converges_to_the_cubic() -> None:
    q, v, q_to, v_to, tau, dt = 0.1, 0.2, 0.9, -0.3, 1.0, 1e-7
    cubic = 6 * (q_to - q) / tau**2 - (4 * v + 2 * v_to) / tau
    path = lim.path_velocity(one(q), one(v), one(q_to), one(v_to), tau=one(tau), dt=dt)[0]
    assert (path - v) / dt == pytest.approx(cubic, rel=1e-5)


def test_a_knot_inside_the_tick_is_passed_at_its_own_velocity() -> None:
    # Half a tick to the knot at 0.001, then half a tick at 3 /s: 0.004 in 2 ms is 2 /s.
    v = lim.path_velocity(one(0.0), one(9.0), one(0.001), one(3.0), tau=one(DT / 2), dt=DT)
    assert v[0] == pytest.approx(2.0)


def test_a_steady_path_stays_steady_wherever_the_knot_lies() -> None:
    for tau in (0.3 * DT, DT, 1.5 * DT, 7.2 * DT):
        v = lim.path_velocity(one(0.0), one(0.4), one(0.4 * tau), one(0.4), tau=one(tau), dt=DT)
        assert v[0] == pytest.approx(0.4)


@pytest.mark.parametrize(("tau", "expected"), [(0.02, 1.1), (0.004, 1.5), (0.002, 2.0), (0.001, 2.0)])
def test_a_wheel_ramps_in_a_straight_line(tau: float, expected: float) -> None:
    assert lim.ramp_velocity(one(1.0), one(2.0), tau=one(tau), dt=DT)[0] == pytest.approx(expected)


def test_reachable_speed_by_hand() -> None:
    # a dt = 0.02: sqrt(0.02^2 + 2 * 10 * 0.1) - 0.02; with an end speed 0.5: sqrt(0.52^2 + 2) - 0.02
    step = A * DT
    assert lim.reachable_speed(one(0.1), 0.0, a=A, step=step)[0] == pytest.approx(np.sqrt(0.0004 + 2) - 0.02)
    assert lim.reachable_speed(one(0.1), 0.5, a=A, step=step)[0] == pytest.approx(np.sqrt(0.52**2 + 2) - 0.02)
    assert lim.reachable_speed(one(0.0), 0.0, a=A, step=step)[0] == 0.0
    assert lim.reachable_speed(one(-5.0), 0.5, a=A, step=step)[0] == pytest.approx(0.5)


@given(st.floats(0.0, 3.0), st.floats(0.5, 50.0))
def test_braking_from_the_reachable_speed_stays_within_the_distance(distance: float, a: float) -> None:
    v = float(lim.reachable_speed(one(distance), 0.0, a=one(a), step=one(a * DT))[0])
    travelled = 0.0
    while v > 0.0:
        travelled += v * DT
        v = max(0.0, v - a * DT)
    assert travelled <= distance + 1e-12


@given(st.floats(1e-6, 3.0), st.floats(0.5, 50.0))
def test_whoever_keeps_the_reachable_speed_never_needs_more_than_a(distance: float, a: float) -> None:
    v = float(lim.reachable_speed(one(distance), 0.0, a=one(a), step=one(a * DT))[0])
    after = float(lim.reachable_speed(one(distance - v * DT), 0.0, a=one(a), step=one(a * DT))[0])
    assert v - a * DT <= after + 1e-12


@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.integers(1, 40))
def test_approach_leaves_alone_what_the_joint_can_follow(q_to: float, v_to: float, n: int) -> None:
    """A braking path at the joint's own acceleration, sampled anywhere, is not slowed down."""
    v = v_to + 10.0 * DT * n  # n more ticks to brake
    gap = (v**2 - v_to**2) / (2 * 10.0)
    want = v - 10.0 * DT / 2  # the tick's mean velocity
    assert lim.approach(one(want), one(q_to - gap), one(q_to), one(v_to), a=A, dt=DT)[0] == pytest.approx(want)
    assert lim.approach(one(-want), one(gap - q_to), one(-q_to), one(-v_to), a=A, dt=DT)[0] == pytest.approx(-want)


def test_approach_brakes_in_time_for_a_target_either_way() -> None:
    up = float(lim.reachable_speed(one(0.1), 0.0, a=A, step=A * DT / 2)[0])
    assert lim.approach(one(99.0), one(0.0), one(0.1), one(0.0), a=A, dt=DT)[0] == pytest.approx(up)
    assert lim.approach(one(-99.0), one(0.0), one(-0.1), one(0.0), a=A, dt=DT)[0] == pytest.approx(-up)
    assert lim.approach(one(-99.0), one(0.0), one(0.1), one(0.0), a=A, dt=DT)[0] == 0.0
    assert lim.approach(one(-99.0), one(0.0), one(0.0), one(-0.5), a=A, dt=DT)[0] == pytest.approx(-0.5)
    assert lim.approach(one(99.0), one(0.0), one(0.0), one(0.5), a=A, dt=DT)[0] == pytest.approx(0.5)


def test_groups_reduce_over_their_own_joints() -> None:
    groups = Groups(small_spec())
    assert groups.n == 5
    assert groups.max(np.array([1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0])).tolist() == [2.0, 3.0, 5.0, 6.0, 7.0]
    assert groups.any(np.array([False, True, False, False, False, True, False])) == [True, False, False, True, False]
    assert groups.union(np.array([1, 2, 4, 8, 8, 0, 0], np.uint32)) == [3, 4, 8, 0, 0]
    assert [j.tolist() for j in groups.joints] == [[0, 1], [2], [3, 4], [5], [6]]


def test_groups_whose_joints_are_scattered_reduce_all_the_same() -> None:
    spec = small_spec()
    scattered = small_spec()
    object.__setattr__(scattered, "joints", (*spec.joints[1:], spec.joints[0]))  # the shoulder comes last
    values = np.array([2.0, 3.0, 5.0, 4.0, 6.0, 7.0, 9.0])
    assert Groups(scattered).max(values).tolist() == [9.0, 3.0, 5.0, 6.0, 7.0]


def test_excess_is_the_fastest_joints_and_at_least_one() -> None:
    groups = Groups(small_spec())
    cap = np.full(7, 2.0)
    assert lim.excess(np.array([-6.0, 1.0, 1.0, 2.0, -3.0, 0.0, 2.0]), cap, groups).tolist() == [
        3.0,
        1.0,
        1.5,
        1.0,
        1.0,
    ]


def test_braking_scale_by_hand() -> None:
    groups = Groups(small_spec())
    a = small_spec().array("acceleration_max")
    v = np.zeros(7)
    v[0], v[1] = 1.0, -0.2  # T = max(1/10, 0.2/4) = 0.1 s = 50 ticks
    scale = lim.braking_scale(v, a, groups, dt=DT)
    assert scale[0] == pytest.approx(1.0 - DT / 0.1)
    assert scale[1:].tolist() == [0.0] * 4
    v[0] = 10.0 * DT
    v[1] = 0.0
    assert lim.braking_scale(v, a, groups, dt=DT)[0] == 0.0


@given(st.floats(-2.0, 2.0), st.floats(-1.0, 1.0))
def test_braking_stops_along_the_path_in_the_computed_time_and_distance(shoulder: float, elbow: float) -> None:
    spec = small_spec()
    groups, a = Groups(spec), spec.array("acceleration_max")
    start = np.array([shoulder, elbow, 0, 0, 0, 0, 0.0])
    v, travelled, ticks = start.copy(), np.zeros(7), 0
    while np.any(v != 0.0):
        v = v * lim.braking_scale(v, a, groups, dt=DT)[groups.of_joint]
        travelled += v * DT
        ticks += 1
    time_s = np.max(np.abs(start) / a)
    assert ticks <= time_s / DT + 1.001
    assert np.all(np.abs(travelled) <= np.abs(start) * time_s / 2 + 1e-12)
    assert travelled[0] * start[1] == pytest.approx(travelled[1] * start[0], abs=1e-12)


def box(q: float, v: float, cap: float = 2.0, **changes: object) -> lim.Bounds:
    spec = small_spec()
    limits = Limits.of(spec)
    for key, value in changes.items():
        array = getattr(limits, key).copy()
        array[SHOULDER] = value
        object.__setattr__(limits, key, array)
    full = np.zeros(7)
    full[SHOULDER] = q
    speeds = np.zeros(7)
    speeds[SHOULDER] = v
    caps = limits.speed.copy()
    caps[SHOULDER] = cap
    return lim.bounds(full, speeds, caps, limits, dt=DT)


@pytest.mark.parametrize(
    ("q", "v", "cap", "low", "high"),
    [
        (0.0, 0.0, 2.0, -0.02, 0.02),  # one tick at 10 /s^2
        (0.0, 2.0, 2.0, 1.98, 2.0),  # at full speed
        (0.0, -2.0, 2.0, -2.0, -1.98),
        (0.0, 1.0, 0.5, 0.98, 0.98),  # cap lowered in motion: brake, no harder than a
        (1.0, 0.0, 2.0, -0.02, 0.0),  # at the upper limit
        (-1.0, 0.0, 2.0, 0.0, 0.02),
    ],
)
def test_bounds_by_hand(q: float, v: float, cap: float, low: float, high: float) -> None:
    allowed = box(q, v, cap)
    assert (allowed.low[SHOULDER], allowed.high[SHOULDER]) == pytest.approx((low, high), abs=1e-12)


def test_a_limit_tightened_over_the_joint_brakes_it_and_lets_it_back() -> None:
    assert box(0.5, 1.0, high=0.2).clip(np.full(7, 9.0))[SHOULDER] == pytest.approx(0.98)
    assert box(0.5, 0.0, high=0.2).clip(np.full(7, 9.0))[SHOULDER] == 0.0
    assert box(0.5, 0.0, high=0.2).clip(np.full(7, -9.0))[SHOULDER] == pytest.approx(-0.02)
    assert box(-0.5, 0.0, low=-0.2).clip(np.full(7, -9.0))[SHOULDER] == 0.0
    assert box(-0.5, -1.0, low=-0.2).clip(np.full(7, -9.0))[SHOULDER] == pytest.approx(-0.98)


@given(st.lists(st.floats(-1e300, 1e300), min_size=30, max_size=200), st.floats(-1.0, 1.0))
def test_bounds_keep_every_limit_against_any_wish(wishes: list[float], q0: float) -> None:
    q, v = q0, 0.0
    for wish in wishes:
        new = float(box(q, v).clip(np.full(7, wish))[SHOULDER])
        assert abs(new - v) <= 10.0 * DT * (1 + 1e-9)
        assert abs(new) <= 2.0
        q, v = q + new * DT, new
        assert -1.0 - 1e-12 <= q <= 1.0 + 1e-12


def test_limits_are_the_specs() -> None:
    limits, spec = Limits.of(small_spec()), small_spec()
    for name, key in (("q_min", "position_min"), ("q_max", "position_max"), ("low", "position_min"),
                      ("high", "position_max"), ("speed", "speed_max"), ("acceleration", "acceleration_max"),
                      ("effort", "effort_max")):  # fmt: skip
        np.testing.assert_array_equal(getattr(limits, name), spec.array(key))
    assert limits.is_position.tolist() == [True, True, True, False, False, True, True]


numbers = st.floats(-5.0, 5.0)
boxes = st.none() | st.tuples(*[numbers] * 7)


@given(st.floats(0.01, 1.0), boxes, boxes)
def test_an_envelope_only_tightens(
    fraction: float, low: tuple[float, ...] | None, high: tuple[float, ...] | None
) -> None:
    limits = Limits.of(small_spec())
    tight = limits.tightened(Envelope(speed_fraction=fraction, position_min=low, position_max=high))
    assert np.all(tight.low >= limits.low)
    assert np.all(tight.high <= limits.high)
    assert np.all(tight.speed <= limits.speed)
    for same in ("q_min", "q_max", "acceleration", "effort", "is_position"):
        np.testing.assert_array_equal(getattr(tight, same), getattr(limits, same))


def test_an_envelope_takes_effect() -> None:
    inner = (-0.5,) * 7, (0.01,) * 7
    tight = Limits.of(small_spec()).tightened(
        Envelope(speed_fraction=0.5, position_min=inner[0], position_max=inner[1])
    )
    assert (tight.low[SHOULDER], tight.high[SHOULDER], tight.speed[SHOULDER]) == (-0.5, 0.01, 1.0)
    again = tight.tightened(Envelope())
    assert (again.low[SHOULDER], again.high[SHOULDER], again.speed[SHOULDER]) == (-0.5, 0.01, 1.0)


@pytest.mark.parametrize("key", ["position_min", "position_max"])
def test_an_envelope_of_the_wrong_length_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: got 2 numbers, allowed: one per joint \(7\)"):
        Limits.of(small_spec()).tightened(Envelope(**{key: (0.0, 0.0)}))


def test_tolerances_follow_each_joints_unit() -> None:
    assert lim.per_joint(small_spec(), rad=3.0, m=4.0).tolist() == [3.0, 3.0, 4.0, 3.0, 3.0, 3.0, 3.0]


def test_within_the_unbounded_box_limits_are_as_they_were() -> None:
    limits = Limits.of(small_spec())
    inside = limits.within(Box.unbounded(len(limits.speed)))
    for key in ("low", "high", "speed", "acceleration"):
        np.testing.assert_array_equal(getattr(inside, key), getattr(limits, key))
