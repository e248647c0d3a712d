"""Frames: round trips, composition, and agreement of quaternions with matrices."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vagus.core.frames import (
    Array,
    invert,
    pose,
    quat_from_axis_angle,
    quat_from_rotation,
    quat_multiply,
    rotation_from_quat,
    transform,
)

NUMBER = st.floats(-1.0, 1.0, allow_subnormal=False)
VECTORS = arrays(np.float64, 3, elements=st.floats(-100.0, 100.0, allow_subnormal=False))
QUATS = arrays(np.float64, 4, elements=NUMBER).filter(lambda q: float(np.linalg.norm(q)) > 1e-3)
POSES = st.builds(pose, VECTORS, QUATS)
HALF = math.sqrt(0.5)


def close(actual: object, expected: object, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=atol)  # type: ignore[arg-type]


@given(q=QUATS)
def test_a_rotation_matrix_is_orthonormal_and_right_handed(q: Array) -> None:
    R = rotation_from_quat(q)
    close(R @ R.T, np.eye(3))
    assert np.linalg.det(R) == pytest.approx(1.0)


@given(q=QUATS)
def test_quaternion_to_matrix_and_back_is_the_same_rotation(q: Array) -> None:
    unit = q / np.linalg.norm(q)
    back = quat_from_rotation(rotation_from_quat(q))
    assert back[0] >= 0.0
    assert np.linalg.norm(back) == pytest.approx(1.0)
    close(abs(back @ unit), 1.0)  # q and -q turn alike


@pytest.mark.parametrize("axis", np.vstack([np.eye(3), -np.eye(3), [[1, 1, 0]], [[1, -2, 3]]]).tolist())
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, math.pi / 2, math.pi - 1e-9, math.pi, 3.0])
def test_every_branch_of_the_conversion_survives_its_boundary(axis: list[float], angle: float) -> None:
    R = rotation_from_quat(quat_from_axis_angle(axis, angle))
    close(rotation_from_quat(quat_from_rotation(R)), R)


@given(a=QUATS, b=QUATS)
def test_quaternions_multiply_as_their_matrices_do(a: Array, b: Array) -> None:
    close(rotation_from_quat(quat_multiply(a, b)), rotation_from_quat(a) @ rotation_from_quat(b))


def test_quaternions_multiply_row_by_row() -> None:
    i, j, k = np.eye(4)[1:]
    close(quat_multiply(np.stack([i, j, k]), np.stack([j, k, i])), np.stack([k, i, j]))  # Hamilton: ij=k, jk=i, ki=j
    close(quat_multiply(i, i), [-1, 0, 0, 0])


@given(axis=VECTORS, a=st.floats(-3.0, 3.0), b=st.floats(-3.0, 3.0))
def test_turns_about_one_axis_add_and_keep_the_axis(axis: Array, a: float, b: float) -> None:
    assume(float(np.linalg.norm(axis)) > 1e-3)
    both = quat_multiply(quat_from_axis_angle(axis, a), quat_from_axis_angle(axis, b))
    close(both, quat_from_axis_angle(axis, a + b))
    close(rotation_from_quat(both) @ axis, axis, atol=1e-7)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    q = quat_from_axis_angle([0, 0, 2.0], math.pi / 2)  # the axis need not be unit
    close(q, [HALF, 0, 0, HALF])
    close(rotation_from_quat(q), [[0, -1, 0], [1, 0, 0], [0, 0, 1]])


def test_a_pose_turns_first_and_then_moves() -> None:
    X_WB = pose([1.0, 2.0, 3.0], [HALF, 0, 0, HALF])
    close(transform(X_WB, [1.0, 0.0, 0.0]), [1.0, 3.0, 3.0])
    close(pose(), np.eye(4))


@given(X_AB=POSES, X_BC=POSES, p_CQ_C=VECTORS)
def test_transforming_twice_is_transforming_by_the_product(X_AB: Array, X_BC: Array, p_CQ_C: Array) -> None:
    close(transform(X_AB, transform(X_BC, p_CQ_C)), transform(X_AB @ X_BC, p_CQ_C), atol=1e-8)


@given(X_AB=POSES, p_BQ_B=VECTORS)
def test_inverting_takes_points_back(X_AB: Array, p_BQ_B: Array) -> None:
    close(invert(X_AB) @ X_AB, np.eye(4))
    close(transform(invert(X_AB), transform(X_AB, p_BQ_B)), p_BQ_B, atol=1e-8)
    close(invert(invert(X_AB)), X_AB)


@given(X_AB=POSES, X_BC=POSES)
def test_the_inverse_of_a_product_is_the_product_of_inverses_turned_round(X_AB: Array, X_BC: Array) -> None:
    close(invert(X_AB @ X_BC), invert(X_BC) @ invert(X_AB), atol=1e-8)


@given(X=POSES, points=arrays(np.float64, (2, 5, 3), elements=st.floats(-10.0, 10.0)))
def test_transform_takes_any_stack_of_points_and_keeps_distances(X: Array, points: Array) -> None:
    out = transform(X, points)
    assert out.shape == points.shape
    close(out[1, 3], transform(X, points[1, 3]))
    close(np.linalg.norm(out[0, 0] - out[1, 1]), np.linalg.norm(points[0, 0] - points[1, 1]), atol=1e-8)
