"""Fits: from the side that faces the camera to the whole solid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.perceive.primitives import Ball, Box, Cylinder, fit, fit_two, top_of

EYE = np.zeros(2)
"""The camera stands at the origin; things are one metre ahead."""
NOISE = 0.002
"""Of depth at one metre [m]."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def cylinder(x: float, y: float, radius: float, height: float, n: int = 300, seed: int = 0) -> np.ndarray:
    """Points of the side that faces the camera, and of the top."""
    g = rng(seed)
    facing = np.arctan2(-y, -x)
    a = facing + g.uniform(-1.35, 1.35, n)
    side = np.column_stack([x + radius * np.cos(a), y + radius * np.sin(a), g.uniform(0.01, height, n)])
    b, r = g.uniform(-np.pi, np.pi, n // 3), radius * np.sqrt(g.random(n // 3))
    top = np.column_stack([x + r * np.cos(b), y + r * np.sin(b), np.full(n // 3, height)])
    points = np.vstack([side, top])
    return points + NOISE * g.standard_normal(points.shape)


def box(x: float, y: float, size: tuple[float, float, float], yaw: float, n: int = 400, seed: int = 0) -> np.ndarray:
    """Points of the sides that face the camera, and of the top."""
    g = rng(seed)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, s], [-s, c]])
    at, half = turn @ (EYE - [x, y]), 0.5 * np.array(size[:2])
    faces = []
    for axis in range(2):
        if abs(at[axis]) > half[axis]:
            q = g.uniform(-half, half, (n, 2))
            q[:, axis] = np.sign(at[axis]) * half[axis]
            faces.append(np.column_stack([q, g.uniform(0.01, size[2], n)]))
    faces.append(np.column_stack([g.uniform(-half, half, (n // 2, 2)), np.full(n // 2, size[2])]))
    points = np.vstack(faces)
    points[:, :2] = points[:, :2] @ turn + [x, y]
    return points + NOISE * g.standard_normal(points.shape)


def ball(x: float, y: float, radius: float, n: int = 300, seed: int = 0) -> np.ndarray:
    g = rng(seed)
    out = g.standard_normal((4 * n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    out = out[out @ np.array([-0.8, 0.0, 0.6]) > 0.1][:n]
    return np.array([x, y, radius]) + radius * out + NOISE * g.standard_normal(out.shape)


@given(st.floats(0.6, 1.4), st.floats(-0.4, 0.4), st.floats(0.027, 0.036), st.floats(0.08, 0.2), st.integers(0, 99))
def test_a_cylinder_is_found_within_four_millimetres(x: float, y: float, r: float, h: float, seed: int) -> None:
    found = fit(cylinder(x, y, r, h, seed=seed), EYE, rng())
    assert found is not None
    assert isinstance(found.solid, Cylinder)
    np.testing.assert_allclose(found.solid.centre, [x, y], atol=0.004)
    assert found.solid.radius == pytest.approx(r, abs=0.004)
    assert found.solid.height == pytest.approx(h, abs=0.006)


@given(st.floats(0.6, 1.4), st.floats(-0.4, 0.4), st.floats(0.0, np.pi / 2), st.integers(0, 99))
def test_a_box_is_found_within_eight_millimetres(x: float, y: float, yaw: float, seed: int) -> None:
    size = (0.085, 0.05, 0.12)
    found = fit(box(x, y, size, yaw, seed=seed), EYE, rng())
    assert found is not None
    assert isinstance(found.solid, Box)
    np.testing.assert_allclose(found.solid.centre, [x, y], atol=0.008)
    np.testing.assert_allclose(sorted(found.solid.size[:2]), [0.05, 0.085], atol=0.012)


@given(st.floats(0.6, 1.4), st.floats(-0.3, 0.3), st.floats(0.027, 0.034), st.integers(0, 99))
def test_a_ball_is_found_within_four_millimetres(x: float, y: float, r: float, seed: int) -> None:
    found = fit(ball(x, y, r, seed=seed), EYE, rng())
    assert found is not None
    assert isinstance(found.solid, Ball)
    np.testing.assert_allclose(found.solid.centre, [x, y], atol=0.004)
    assert found.solid.radius == pytest.approx(r, abs=0.003)


def test_too_few_points_are_no_solid() -> None:
    assert fit(cylinder(1.0, 0.0, 0.03, 0.1)[:11], EYE, rng()) is None


def test_a_wide_drum_must_be_hollow_to_be_one() -> None:
    """A bowl: the far wall is seen over the near rim, lower than it."""
    outer = cylinder(1.0, 0.0, 0.06, 0.05)
    g = rng(1)
    a = g.uniform(-1.2, 1.2, 200)
    inner = np.column_stack([1.0 + 0.054 * np.cos(a), 0.054 * np.sin(a), g.uniform(0.01, 0.05, 200)])
    floor = np.column_stack([1.0 + g.uniform(-0.03, 0.03, 60), g.uniform(-0.03, 0.03, 60), np.full(60, 0.008)])
    hollow = np.vstack([outer[outer[:, 2] < 0.045], inner, floor])
    found = fit(hollow, EYE, rng())
    assert found is not None
    assert isinstance(found.solid, Cylinder)
    assert found.solid.radius == pytest.approx(0.06, abs=0.006)


@pytest.mark.parametrize("angle", np.linspace(0.0, np.pi, 7))
def test_two_cylinders_that_touch_are_two(angle: float) -> None:
    r = 0.031
    apart = 2.0 * r * np.array([np.cos(angle), np.sin(angle)])
    if abs(np.sin(angle)) < 0.1:
        pytest.skip("one hides the other")
    a, b = cylinder(1.0, 0.0, r, 0.1, seed=1), cylinder(1.0 + apart[0], apart[1], r, 0.1, seed=2)
    both = np.vstack([a, b])
    one, pair = fit(both, EYE, rng()), fit_two(both, EYE, rng())
    assert one is not None
    assert pair is not None
    first, left, right = pair
    assert left.cost < 0.72 * one.cost
    assert max(first[: len(a)].mean(), 1 - first[: len(a)].mean()) > 0.9
    centres = sorted([left.solid.centre, right.solid.centre], key=lambda c: float(np.linalg.norm(c - [1.0, 0.0])))
    np.testing.assert_allclose(centres, [[1.0, 0.0], [1.0 + apart[0], apart[1]]], atol=0.006)


def test_what_is_over_a_foot_is_covered_and_what_is_beside_it_is_not() -> None:
    turned = Box(np.pi / 4, np.array([0.5, -0.1]), np.array([0.7, 0.1]), 0.1)
    at = turned.centre
    assert turned.covers(at[None], 0.0).all()
    assert not turned.covers(at[None] + [0.16, 0.16], 0.0).any()
    for solid in (Cylinder(at, 0.05, 0.1), Ball(at, 0.05)):
        assert solid.covers(at[None] + [0.0, 0.049], 0.0).all()
        assert not solid.covers(at[None] + [0.0, 0.051], 0.0).any()
        assert solid.covers(at[None] + [0.0, 0.051], 0.002).all()


def test_points_on_a_surface_are_at_no_distance_from_it() -> None:
    drum = Cylinder(np.array([1.0, 0.0]), 0.05, 0.1)
    points = np.array([[1.05, 0.0, 0.03], [1.0, 0.0, 0.1], [1.0, 0.02, 0.1]])
    np.testing.assert_allclose(drum.distance(points), 0.0, atol=1e-12)
    np.testing.assert_allclose(drum.distance(np.array([[1.07, 0.0, 0.05]])), 0.02, atol=1e-12)


def test_the_top_is_what_hardly_any_point_exceeds() -> None:
    points = np.zeros((1000, 3))
    points[:, 2] = np.linspace(0.0, 0.1, 1000)
    points[0, 2] = 9.0
    assert top_of(points) == pytest.approx(0.097, abs=0.001)
