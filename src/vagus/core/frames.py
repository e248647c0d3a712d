"""Rigid transforms and rotations.

``X_AB`` (4, 4) is B's pose in A; ``p_BQ_A`` is Q from B, written in A. Adjacent letters must match:
``X_AC = X_AB @ X_BC``. **Quaternions are wxyz, unit length**, everywhere in Vagus.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def quat_multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the Hamilton product of two wxyz quaternions, shape (..., 4)."""
    w0, x0, y0, z0 = np.moveaxis(np.asarray(a, np.float64), -1, 0)
    w1, x1, y1, z1 = np.moveaxis(np.asarray(b, np.float64), -1, 0)
    return np.stack(
        [
            w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1,
            w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1,
            w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1,
            w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1,
        ],
        axis=-1,
    )


def quat_from_axis_angle(axis: ArrayLike, angle: float) -> Array:
    """Return the wxyz quaternion that turns by ``angle`` [rad] about ``axis`` (3,), which need not be unit."""
    axis = np.asarray(axis, np.float64)
    return np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * axis / np.linalg.norm(axis)])


def rotation_from_quat(q: ArrayLike) -> Array:
    """Return the rotation matrix (3, 3) of a wxyz quaternion (normalised here)."""
    w, x, y, z = np.asarray(q, np.float64) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quat_from_rotation(rotation: ArrayLike) -> Array:
    """Return the wxyz quaternion (w >= 0) of a rotation matrix (3, 3).

    Source: the largest-component branch of Shepperd, "Quaternion from rotation matrix", J. Guidance 1(3), 1978.
    """
    r = np.asarray(rotation, np.float64)
    squares = np.array([1 + r[0, 0] + r[1, 1] + r[2, 2], 1 + r[0, 0] - r[1, 1] - r[2, 2],
                        1 - r[0, 0] + r[1, 1] - r[2, 2], 1 - r[0, 0] - r[1, 1] + r[2, 2]])  # fmt: skip
    k = int(np.argmax(squares))
    q = np.array(
        [
            [squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], squares[1], r[1, 0] + r[0, 1], r[0, 2] + r[2, 0]],
            [r[0, 2] - r[2, 0], r[1, 0] + r[0, 1], squares[2], r[2, 1] + r[1, 2]],
            [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[2, 1] + r[1, 2], squares[3]],
        ]
    )[k]
    q /= np.linalg.norm(q)
    return q if q[0] >= 0 else -q


def pose(p: ArrayLike = (0.0, 0.0, 0.0), q: ArrayLike = (1.0, 0.0, 0.0, 0.0)) -> Array:
    """Return the transform (4, 4) with translation ``p`` [m] and wxyz rotation ``q``."""
    X = np.eye(4)
    X[:3, :3] = rotation_from_quat(q)
    X[:3, 3] = p
    return X


def invert(X: ArrayLike) -> Array:
    """Return ``X_BA`` from ``X_AB``, shape (4, 4)."""
    X_AB = np.asarray(X, np.float64)
    out = np.eye(4)
    out[:3, :3] = X_AB[:3, :3].T
    out[:3, 3] = -X_AB[:3, :3].T @ X_AB[:3, 3]
    return out


def transform(X_AB: ArrayLike, p_BQ_B: ArrayLike) -> Array:
    """Return points ``p_AQ_A`` from points ``p_BQ_B``, shape (..., 3) [m]."""
    X = np.asarray(X_AB, np.float64)
    return np.asarray(p_BQ_B, np.float64) @ X[:3, :3].T + X[:3, 3]
