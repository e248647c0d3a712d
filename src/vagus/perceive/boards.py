"""Level boards in a cloud: floor, table, shelf. What things stand on; it finds none of the things.

Which way is up is known: the world's z is. So a board is a height at which much area faces up, refined to a plane.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from vagus.perceive.cloud import Cloud, Facets, Mask

Array = NDArray[np.float64]

_UP = 0.9  # the upward part of a level surface's normal, at least
_BIN = 0.01  # of heights [m]
_AREA_MIN = 0.03
"""Smallest visible area of a board [m^2]: two hands; the top of a box is a sixth of it."""
_TILT_MAX = 0.06
"""Steeper planes [rad] are no boards; the calibrated camera is off by a tenth of that."""
_NEAR = 0.02  # from the peak, what the plane is fitted to [m]
_ON = 0.012  # from the plane, what is part of the board [m]
_TAKEN = 0.03  # from the peak, what can belong to no other board [m]
_CELL = 0.03  # of the grid on which a height's separate boards are told apart [m]


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A level plane and its convex outline."""

    plane: Array
    """z = plane @ (1, x, y) [m]."""
    outline: Array
    """Rows (a, b, c): inside is a x + b y + c <= 0 for all of them; (a, b) is unit."""
    corners: Array
    """Of the same outline, counterclockwise [m], shape (n, 2)."""

    def height(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return its height [m] at points (..., 2)."""
        return self.plane[0] + self.plane[1] * xy[..., 0] + self.plane[2] * xy[..., 1]

    def contains(self, xy: NDArray[np.floating], margin: float) -> Mask:
        """Say which points (..., 2) lie within its outline, or ``margin`` [m] beyond; False for NaN."""
        return within(self.outline, xy, margin)


def within(outline: Array, xy: NDArray[np.floating], margin: float) -> Mask:
    """Say which points (..., 2) lie within a convex outline, or ``margin`` [m] beyond; False for NaN."""
    edges = outline.astype(np.float32)
    inside = _inside(edges[:: max(1, len(edges) // 4)], xy, margin)  # a few edges leave little to ask the others about
    inside[inside] = _inside(edges, xy[inside], margin)
    return inside


def _inside(edges: NDArray[np.float32], xy: NDArray[np.floating], margin: float) -> Mask:
    x, y = xy[..., 0].copy(), xy[..., 1].copy()  # side by side in memory
    inside = np.ones(x.shape, bool)
    for a, b, c in edges:
        inside &= a * x + b * y + c <= margin
    return inside


def find_boards(surfaces: Facets) -> list[Board]:
    """Return the level boards of a cloud, largest visible area first."""
    points, _, area = surfaces.where(np.abs(surfaces.normals[:, 2]) > _UP)
    heights = points[:, 2]
    is_free = np.ones(len(points), bool)
    found: list[Board] = []
    while len(heights) and (peak := _peak(heights[is_free], area[is_free])) is not None:
        near = is_free & (np.abs(heights - peak) < _NEAR)
        is_free &= np.abs(heights - peak) >= _TAKEN
        plane, residual = fit_plane(points[near])
        if np.hypot(plane[1], plane[2]) <= _TILT_MAX:
            on = points[near][np.abs(residual) < _ON]
            found += [Board(plane, *outline) for outline in outlines(on[:, :2], _AREA_MIN)]
    return found


def _peak(heights: Array, area: Array) -> float | None:
    """Return the height at which most area lies, in three bins [m]; None if that is too little for a board."""
    if len(heights) == 0:
        return None
    low = float(heights.min())
    total = np.convolve(np.bincount(((heights - low) / _BIN).astype(np.intp), weights=area), np.ones(3))[1:-1]
    best = int(np.argmax(total))
    return low + (best + 0.5) * _BIN if total[best] >= _AREA_MIN else None


def fit_plane(points: Array, half: float = 0.004) -> tuple[Array, Array]:
    """Fit z = plane @ (1, x, y) to points (n, 3) robustly.

    Args:
        points: Shape (n, 3) [m].
        half: A residual that counts half [m].

    Returns:
        The plane, shape (3,), and the points' residuals [m], shape (n,).
    """
    middle = points[:, :2].mean(axis=0)
    A = np.column_stack([np.ones(len(points)), points[:, :2] - middle])
    weight = np.ones(len(points))
    x = residual = np.zeros(3)
    for _ in range(5):
        At = A.T * weight
        x = np.linalg.solve(At @ A + 1e-9 * np.eye(3), At @ points[:, 2])
        residual = points[:, 2] - A @ x
        weight = 1.0 / (1.0 + (residual / half) ** 2)  # Cauchy's
    return np.array([x[0] - x[1:] @ middle, x[1], x[2]]), residual


def _extent(xy: Array) -> float:
    """Return the area of the upright rectangle around points (n, 2): that of their hull, or more."""
    return float(np.prod(xy.max(axis=0) - xy.min(axis=0))) if len(xy) else 0.0


def outlines(xy: Array, area_min: float) -> Iterator[tuple[Array, Array]]:
    """Yield outline and corners of each separate board among points (n, 2), if it is as large as that [m^2]."""
    if _extent(xy) < area_min:
        return
    cells = np.floor(xy / _CELL).astype(np.intp)
    cells -= cells.min(axis=0) - 2
    grid = np.zeros(cells.max(axis=0) + 3, bool)
    grid[tuple(cells.T)] = True
    closed = ndimage.binary_closing(grid, iterations=2) | grid
    labels, n = cast("tuple[NDArray[np.int32], int]", ndimage.label(closed))
    label = labels[tuple(cells.T)]
    for k in range(1, n + 1):
        mine = xy[label == k]
        if _extent(mine) < area_min:
            continue
        try:
            hull = ConvexHull(mine)
        except (QhullError, ValueError):
            continue  # fewer than three points, or all on a line
        if hull.volume >= area_min:  # of a flat hull, its area
            yield np.asarray(hull.equations, np.float64), mine[hull.vertices]


def above(seen: Cloud, boards: list[Board], *, margin: float) -> tuple[NDArray[np.int16], Mask]:
    """Say what every pixel stands over.

    Args:
        seen: The points.
        boards: Where things may stand.
        margin: How far beyond a board's outline something on it may reach [m].

    Returns:
        The highest board below each pixel, -1 for none; whether the pixel is part of a board itself, to within the
        depth's noise. Shape (H, W) each.
    """
    which = np.full(seen.depth.shape, -1, np.int16)
    is_board = np.zeros(seen.depth.shape, bool)
    least = np.maximum(np.float32(0.008), np.float32(2.2) * seen.sigma)
    top = np.full(seen.depth.shape, -np.inf, np.float32)
    for k, board in enumerate(boards):
        level = board.height(seen.points[..., :2]).astype(np.float32)
        over = seen.points[..., 2] - level
        inside = board.contains(seen.points[..., :2], margin)
        is_board |= inside & (np.abs(over) <= least)
        is_higher = inside & (over > least) & (level > top)
        which[is_higher], top[is_higher] = k, level[is_higher]
    return which, is_board
