"""Boards over time: what was seen of each from several places becomes one outline. It forgets none, and moves none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from vagus.core.messages import N_CORNERS, N_SUPPORTS
from vagus.core.things import Support, sides
from vagus.perceive.boards import Board
from vagus.perceive.objects import LOWEST

Array = NDArray[np.float64]

_HIGHEST = 1.8
"""Higher boards are ceilings and the tops of cupboards [m]."""
_SAME = 0.03
"""Boards whose heights differ by less may be one [m]."""
_NEAR = 0.10
"""if they overlap, or are at most so far apart [m]."""
_GAIN = 0.2
"""How much the height follows a new sighting: the depth's noise averages out."""


class Supports:
    """All boards known."""

    def __init__(self, lowest: float = LOWEST) -> None:
        """Remember boards higher than that [m]: lower ones are the floor and what lies on it."""
        self._lowest = lowest
        self._known: list[Support] = []

    @property
    def all(self) -> Sequence[Support]:
        """What is known of, largest first, as many as a message holds."""
        return sorted(self._known, key=lambda s: -_area(s.corners))[:N_SUPPORTS]

    def update(self, boards: Sequence[Board]) -> None:
        """Take in the boards of one exposure."""
        for board in boards:
            height = float(board.height(board.corners.mean(axis=0)))
            if not self._lowest < height < _HIGHEST:
                continue
            same = [s for s in self._known if abs(s.height - height) < _SAME and _overlap(s.corners, board.corners)]
            self._known = [s for s in self._known if not any(s is other for other in same)]
            known = same[0].height if same else height
            corners = np.concatenate([board.corners, *(s.corners for s in same)])
            self._known.append(Support(corners=outline(corners), height=known + _GAIN * (height - known)))


def outline(points: Array) -> Array:
    """Return the corners of the hull of points (n, 2), counterclockwise; the flattest are left out if too many."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        return points
    while len(corners) > N_CORNERS:
        before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
        cut = np.abs(_cross(corners - before, after - before))  # twice the area that leaving each out would cost
        corners = np.delete(corners, int(np.argmin(cut)), axis=0)
    return corners


def _cross(a: Array, b: Array) -> Array:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _area(corners: Array) -> float:
    return 0.5 * abs(float(np.sum(_cross(corners, np.roll(corners, -1, axis=0)))))


def _overlap(a: Array, b: Array) -> bool:
    """Say whether two convex outlines are nowhere apart by more than ``_NEAR``, by the separating axes of both."""
    for one in (a, b):
        normals = sides(one)[:, :2]
        low_a, high_a = (a @ normals.T).min(axis=0), (a @ normals.T).max(axis=0)
        low_b, high_b = (b @ normals.T).min(axis=0), (b @ normals.T).max(axis=0)
        if np.any(np.maximum(low_a, low_b) - np.minimum(high_a, high_b) > _NEAR):
            return False
    return True
