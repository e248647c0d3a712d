"""Which pixels show the robot itself: what its joints say its parts cover, a little wider."""

import numpy as np
from numpy.typing import NDArray

from vagus.core.robot import CameraSpec
from vagus.perceive.cloud import Image, Mask

Array = NDArray[np.float64]

_WIDER = 0.012
"""How much wider than it is a part counts [m]: shells stand out over the shapes that are reckoned with."""
_DEEP = 0.03
"""What is at most so far before or behind a part's surface is the part [m]: depth mixes at edges."""


def own_pixels(depth: Image, cam: CameraSpec, middles: Array, radii: Array) -> Mask:
    """Return the pixels of a depth picture that show the robot.

    Args:
        depth: Along the optical axis [m], NaN in holes, shape (H, W).
        cam: The camera.
        middles: Of balls that cover the robot's parts, in the optical frame [m], shape (n, 3).
        radii: Of these balls [m], shape (n,).

    Returns:
        Shape (H, W).
    """
    fx, fy, cx, cy = cam.intrinsics
    own = np.zeros(depth.shape, bool)
    for (x, y, z), radius in zip(middles, radii + _WIDER, strict=True):
        if z - radius < 0.02:
            continue  # beside or behind the lens
        u, v, r = fx * x / z + cx, fy * y / z + cy, fx * radius / (z - radius)
        u0, u1 = max(0, int(u - r)), min(cam.width, int(u + r) + 2)
        v0, v1 = max(0, int(v - r)), min(cam.height, int(v + r) + 2)
        if u0 >= u1 or v0 >= v1:
            continue
        du, dv = np.arange(u0, u1) - u, np.arange(v0, v1)[:, None] - v
        is_near = np.abs(depth[v0:v1, u0:u1] - z) < radius + _DEEP
        own[v0:v1, u0:u1] |= is_near & (du * du + dv * dv <= r * r)
    return own
