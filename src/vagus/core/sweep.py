"""What one sweep of a planar lidar shows by itself: clusters as wide as a leg or a body."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WIDTH_MIN = 0.08
"""Narrowest person: one shin [m]."""
WIDTH_MAX = 0.70
"""Widest person: a body with its arms, or two legs that look like one [m]."""
_JUMP = 0.15  # neighbouring rays farther apart than this in range hit different things [m]
_ISOLATED = 0.20  # what is beside it must be this much farther away [m]
_REACH = 4.0  # where one ray a degree still puts two rays on a shin [m]


def clusters(ranges: Array) -> list[Array]:
    """Return the person-sized, isolated clusters of a sweep: points in the lidar's frame, each of shape (k, 2) [m].

    Args:
        ranges: Ray i at 2 pi i / n [m], NaN where nothing came back, shape (n,).
    """
    n = len(ranges)
    r = np.where(np.isfinite(ranges), ranges, np.inf)
    angle = 2.0 * np.pi / max(1, n)
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(r, append=r[:1]))  # from ray i to ray i + 1, round the full turn; inf - inf is NaN
    ends = np.flatnonzero(~(step <= _JUMP))
    if len(ends) == 0:
        return []  # one closed surface all round
    found: list[Array] = []
    for end, following in zip(ends, np.roll(ends, -1), strict=True):
        rays = np.arange(end + 1, following + 1 if following > end else following + n + 1) % n
        if not np.isfinite(r[rays[0]]):
            continue
        points = np.stack([r[rays] * np.cos(rays * angle), r[rays] * np.sin(rays * angle)], axis=1)
        nearest = float(r[rays].min())
        # A ray covers its own share of the width beyond the first and last hits.
        width = float(np.linalg.norm(points[-1] - points[0])) + nearest * angle
        is_alone = r[(rays[0] - 1) % n] - r[rays[0]] > _ISOLATED and r[(rays[-1] + 1) % n] - r[rays[-1]] > _ISOLATED
        if WIDTH_MIN <= width <= WIDTH_MAX and is_alone and len(rays) >= 2 and nearest <= _REACH:
            found.append(points)
    return found
