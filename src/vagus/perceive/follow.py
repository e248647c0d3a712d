"""Follow one thing from picture to picture, fast: where its points have moved, by mean shift in the depth picture.

It knows no shapes and no colours: it goes on from where perception saw the thing, within a radius about as large as it.
Source: Comaniciu and Meer, "Mean shift: a robust approach toward feature space analysis", PAMI 2002, a flat kernel.
"""

import numpy as np
from numpy.typing import NDArray

from vagus.core.frames import invert, transform
from vagus.core.robot import CameraSpec
from vagus.perceive.cloud import Image

Array = NDArray[np.float64]

_FEWEST = 25
"""With fewer pixels [px] it is lost."""
_SHIFTS, _STILL_M = 8, 0.001
"""Shifts at most, and one so small [m] is the last."""
_WIDE = 3.0
"""Within so many radii it is looked for where it is not within one: it walked on since it was seen."""


def follow(depth: Image, cam: CameraSpec, X_WC: Array, point: Array, radius: float, lowest: float) -> Array | None:
    """Return where the middle of a thing's visible surface is now, (3,) [m] in the world; None where it is not seen.

    Args:
        depth: Along the optical axis [m], NaN in holes, shape (H, W).
        cam: The camera.
        X_WC: Pose (4, 4) of its optical frame at the exposure, in a world whose z is up.
        point: Where it was a moment ago (3,) [m].
        radius: Of the ball that holds it [m].
        lowest: What is lower [m] is no part of it: the board it stands on.
    """
    fx, fy, cx, cy = cam.intrinsics
    x, y, z = transform(invert(X_WC), point).tolist()
    if z < radius:
        return None
    u, v = fx * x / z + cx, fy * y / z + cy
    wide, high = (_WIDE + 1.0) * fx * radius / z, (_WIDE + 1.0) * fy * radius / z
    left, right = (int(np.clip(k, 0, cam.width)) for k in (u - wide, u + wide + 1.0))
    top, bottom = (int(np.clip(k, 0, cam.height)) for k in (v - high, v + high + 1.0))
    d = depth[top:bottom, left:right].astype(np.float64)
    rows, columns = np.nonzero(np.abs(d - z) < (_WIDE + 1.0) * radius)  # False for NaN
    far = d[rows, columns]
    p_C = np.column_stack([(columns + left - cx) / fx * far, (rows + top - cy) / fy * far, far])
    points = transform(X_WC, p_C)
    points = points[points[:, 2] > lowest]
    found = _shifted(points, point, radius)
    if found is None:
        near = _shifted(points, point, _WIDE * radius)
        found = None if near is None else _shifted(points, near, radius)
    return found


def _shifted(points: Array, at: Array, radius: float) -> Array | None:
    """Return where the mean of points (n, 3) within a radius comes to rest, from a place (3,) on; None without any."""
    for _ in range(_SHIFTS):
        near = points[np.linalg.norm(points - at, axis=1) < radius]
        if len(near) < _FEWEST:
            return None
        before, at = at, near.mean(axis=0)
        if np.linalg.norm(at - before) < _STILL_M:
            break
    return at
