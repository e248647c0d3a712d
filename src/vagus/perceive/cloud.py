"""A depth picture as points in the world, without the pixels that hang in the air between two surfaces.

The noise model is that of structured-light and stereo cameras; it finds no objects.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from vagus.core.robot import CameraSpec

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.intp]

_NEIGHBOURS_MIN = 3
"""Fewer of a pixel's eight neighbours than this at its own depth: it flies."""
_EVERY = 2
"""Slopes are taken at every second pixel, over as many of those to either side."""
_STEP_FLOOR, _STEP_GROWTH = 0.006, 0.02
"""Neighbouring pixels within floor [m] + growth * depth lie on one surface, one that faces the camera at 75 degrees or
less: at 216 px of focal length such a surface falls back by 0.017 of its depth from pixel to pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """One exposure's points."""

    points: Image
    """In the world [m], NaN where there is none, shape (H, W, 3)."""
    depth: Image
    """Along the optical axis [m], NaN likewise, shape (H, W)."""
    eye: Array
    """The camera's centre in the world [m], shape (3,)."""
    focal: float
    """Focal length [px]."""

    @property
    def sigma(self) -> Image:
        """Standard deviation of depth [m], shape (H, W).

        Source: Nguyen, Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and tracking",
        3DIMPVT 2012, eq. 6.
        """
        return np.float32(0.0012) + np.float32(0.0019) * np.maximum(self.depth - np.float32(0.4), 0.0) ** 2


def cloud(depth: Image, cam: CameraSpec, X_WC: Array) -> Cloud:
    """Return the points of a depth picture.

    Args:
        depth: Along the optical axis [m], NaN in holes, shape (H, W).
        cam: The camera.
        X_WC: Pose (4, 4) of its optical frame in the world.
    """
    fx, fy, cx, cy = cam.intrinsics
    z = without_flying(depth)
    rays = np.ones((cam.height, cam.width, 3), np.float32)
    rays[..., 0] = (np.arange(cam.width) - cx) / fx
    rays[..., 1] = ((np.arange(cam.height) - cy) / fy)[:, None]
    points = (rays @ X_WC[:3, :3].T.astype(np.float32)) * z[..., None] + X_WC[:3, 3].astype(np.float32)
    return Cloud(points, z, X_WC[:3, 3].astype(np.float64), fx)


def without_flying(depth: Image) -> Image:
    """Return the depth picture with NaN for pixels that hang between two surfaces: few neighbours are as far away."""
    height, width = depth.shape
    near = np.pad(depth, 1, constant_values=np.nan)
    n = np.zeros(depth.shape, np.uint8)
    reach = np.float32(_STEP_FLOOR) + np.float32(_STEP_GROWTH) * depth
    for dv, du in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        n += np.abs(near[dv : dv + height, du : du + width] - depth) < reach
    return np.where(n >= _NEIGHBOURS_MIN, depth, np.float32(np.nan))


class Facets(NamedTuple):
    """Small parts of large surfaces."""

    points: Array
    """In the world [m], shape (n, 3)."""
    normals: Array
    """Unit, towards the eye, shape (n, 3)."""
    area: Array
    """What each stands for [m^2], shape (n,)."""

    def where(self, mask: Mask) -> "Facets":
        """Return those of the mask."""
        return Facets(self.points[mask], self.normals[mask], self.area[mask])


def facets(seen: Cloud) -> Facets:
    """Return a facet at every second pixel, its slope from differences over eight pixels: right for large surfaces."""
    k = _EVERY
    p, z = seen.points[::k, ::k], seen.depth[::k, ::k]
    normal = np.full(p.shape, np.nan, np.float32)
    normal[k:-k, k:-k] = np.cross(p[2 * k :, k:-k] - p[: -2 * k, k:-k], p[k:-k, 2 * k :] - p[k:-k, : -2 * k])
    ok = np.isfinite(z) & np.isfinite(normal).all(axis=-1)
    points, normals = p[ok].astype(np.float64), normal[ok].astype(np.float64)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    to_eye = seen.eye - points
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    facing = np.einsum("ni,ni->n", normals, to_eye)
    normals *= np.where(facing < 0.0, -1.0, 1.0)[:, None]
    area = (k * z[ok].astype(np.float64) / seen.focal) ** 2 / np.maximum(np.abs(facing), 0.1)
    return Facets(points, normals, area)


def connected(seen: Cloud, mask: Mask, kinds: NDArray[np.int8] | None = None) -> tuple[int, Labels]:
    """Group the pixels of a mask into surfaces: neighbours near each other in space, and of one kind.

    Args:
        seen: The points.
        mask: Pixels to group, all of them with a depth, shape (H, W).
        kinds: A pixel's kind, shape (H, W); None: all are of one.

    Returns:
        How many groups there are, and each pixel's, shape (number of pixels in the mask,).
    """
    height, width = mask.shape
    n = int(mask.sum())
    index = np.empty(mask.shape, np.intp)
    index[mask] = np.arange(n)
    step2 = (np.float32(_STEP_FLOOR) + np.float32(_STEP_GROWTH) * seen.depth) ** 2
    starts: list[Labels] = []
    ends: list[Labels] = []
    for dv, du in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = (slice(0, height - dv), slice(max(0, -du), width - max(0, du)))
        b = (slice(dv, height), slice(max(0, du), width + min(0, du)))
        both = mask[a] & mask[b]
        if kinds is not None:
            both &= kinds[a] == kinds[b]
        gap = seen.points[a][both] - seen.points[b][both]
        is_near = np.einsum("ni,ni->n", gap, gap) < step2[a][both]
        starts.append(index[a][both][is_near])
        ends.append(index[b][both][is_near])
    start, end = np.concatenate(starts), np.concatenate(ends)
    links = coo_matrix((np.ones(len(start), bool), (start, end)), shape=(n, n))
    count, labels = connected_components(links, directed=False)
    return int(count), np.asarray(labels, np.intp)
