"""Large upright surfaces in a cloud: walls, the back of a shelf, the front of a cupboard. Nothing to pick up."""

import numpy as np
from numpy.typing import NDArray

from vagus.perceive.boards import fit_plane, outlines, within
from vagus.perceive.cloud import Cloud, Facets, Mask

Array = NDArray[np.float64]

_EVERY = 3  # of the facets: a wall is large
_UPRIGHT = 0.3  # the upward part of an upright surface's normal, at most
_DIRECTIONS = 72
_OUT = np.column_stack([f(np.arange(_DIRECTIONS) * (2.0 * np.pi / _DIRECTIONS)) for f in (np.cos, np.sin)])
"""Unit vectors on the level, shape (_DIRECTIONS, 2)."""
_SPREAD = 4  # directions to either side in which facets of one wall may face: depth noise makes them differ by 20 deg
_BIN = 0.02  # of distances from the origin [m]
_AREA_MIN = 0.04
"""Smallest visible area of a wall [m^2]: three times the side of the largest box that a hand can hold."""
_NEAR = 0.04  # from the peak, what the plane is fitted to, and what can belong to no other wall [m]
_ON = 0.015  # from the plane, what is part of the wall [m]
_MARGIN = 0.10  # beyond its outline, likewise [m]: slopes end eight pixels from the picture's edge


def find_walls(seen: Cloud, surfaces: Facets) -> NDArray[np.float32]:
    """Return how large the wall is that each pixel is part of, as far as it is seen [m^2], 0 for none; shape (H, W)."""
    points, normals, area = (rows[::_EVERY] for rows in surfaces.where(np.abs(surfaces.normals[:, 2]) < _UPRIGHT))
    area = _EVERY * area
    size, reach = np.zeros(seen.depth.shape, np.float32), _ON + seen.sigma
    heading = np.round(np.arctan2(normals[:, 1], normals[:, 0]) * (_DIRECTIONS / (2.0 * np.pi))).astype(np.intp)
    faced = (heading[:, None] + np.arange(-_SPREAD, _SPREAD + 1)) % _DIRECTIONS
    distance = np.einsum("nj,nkj->nk", points[:, :2], _OUT[faced])
    while (peak := _peak(faced, distance, area)) is not None:
        k, far = peak
        turn = np.array([[-_OUT[k, 1], _OUT[k, 0], 0.0], [0.0, 0.0, 1.0], [_OUT[k, 0], _OUT[k, 1], 0.0]])
        local = points @ turn.T
        near, plane = _settle(local, (faced == k).any(axis=1), far)
        on = local[near & (np.abs(local[:, 2] - _distance(plane, local)) < _ON)]
        if found := list(outlines(on[:, :2], _AREA_MIN)):
            # How far out each pixel is beyond the plane: (its point's last coordinate) - plane @ (1, its first two).
            beyond = seen.points @ (turn[2] - plane[1] * turn[0] - plane[2] * turn[1]).astype(np.float32) - plane[0]
            is_near = np.abs(beyond) < reach
            along = seen.points[is_near] @ turn[:2].T.astype(np.float32)
            for outline, corners in found:
                mine = np.where(within(outline, along, _MARGIN), np.float32(_area(corners)), np.float32(0.0))
                size[is_near] = np.maximum(size[is_near], mine)
        points, faced, distance, area = points[~near], faced[~near], distance[~near], area[~near]
    return size


def _area(corners: Array) -> float:
    """Return the area of a polygon, corners (n, 2) counterclockwise [m^2]."""
    x, y = corners.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _distance(plane: Array, local: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return how far out a plane is where points (..., 3) along it are [m]."""
    return plane[0] + plane[1] * local[..., 0] + plane[2] * local[..., 1]


def _settle(local: Array, mine: Mask, distance: float) -> tuple[Mask, Array]:
    """Fit a plane near a distance to the points that face its way; gather anew what is near it, for it is turned."""
    plane = np.array([distance, 0.0, 0.0])
    near = mine
    for reach in (_NEAR, 0.02, _ON, _ON):  # a shelf's back may stand 5 cm before the wall
        near = mine & (np.abs(local[:, 2] - _distance(plane, local)) < reach)
        plane, _ = fit_plane(local[near], 0.3 * reach)
    return near, plane


def _peak(faced: NDArray[np.intp], distance: Array, area: Array) -> tuple[int, float] | None:
    """Find the direction and the distance at which most area faces that way.

    Args:
        faced: The directions that each facet may face, shape (n, k).
        distance: Its distance along each of them [m], likewise.
        area: Its area [m^2], shape (n,).

    Returns:
        The direction's number and the distance [m]; None if that area is too small for a wall.
    """
    if not len(area):
        return None
    low = float(distance.min()) - _BIN
    bins = int((float(distance.max()) - low) / _BIN) + 2
    cells = faced * bins + ((distance - low) / _BIN).astype(np.intp)
    table = np.bincount(cells.ravel(), np.repeat(area, faced.shape[1]), _DIRECTIONS * bins).reshape(_DIRECTIONS, bins)
    total = table[:, :-2] + table[:, 1:-1] + table[:, 2:]
    k, best = np.unravel_index(int(np.argmax(total)), total.shape)
    return (int(k), low + (int(best) + 1.5) * _BIN) if total[k, best] > _AREA_MIN else None
