"""Upright cylinders, boxes and balls on a board, fitted to the points of their visible side. It names no objects.

Points are in the board's frame: x, y along the world's, z up from the board, shape (n, 3) [m]; ``eye`` is the camera's
x, y there. Only what faces the camera is seen, and depth noise and other objects' points must not matter much.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vagus.perceive.cloud import Mask

Array = NDArray[np.float64]

RADIUS_MIN, RADIUS_MAX = 0.024, 0.074
"""Of cylinders [m]: from a marker pen to a bowl."""
CAP = 0.010
"""A point farther than this from a surface is no worse for being farther [m]."""
_TOL = 0.004
"""What a good fit's points lie within [m]: twice the depth's noise at one metre."""
_ROUND_TOL = 0.001
"""The same where a circle is looked for [m]: a handle's points are not far beside it, and must not widen it."""
_TRIPLES = 100
_POINTS_MAX = 250
_TOP_SHARE = 97.0
"""The height below which this share of the points [%] lies is the top."""
_DEPTH_UNSEEN = 0.050
"""How deep a box is taken to be of which one side alone is seen [m]."""
_FLAT = 0.030
"""Thinner boxes [m] are the one side of one that is seen."""


class Primitive(Protocol):
    """A solid that stands upright on the board."""

    @property
    def centre(self) -> Array:
        """The middle of its foot, shape (2,) [m]."""
        ...

    @property
    def yaw(self) -> float:
        """Of its x axis [rad]."""
        ...

    @property
    def size(self) -> tuple[float, float, float]:
        """Full extent along its x, y, z [m]."""
        ...

    def distance(self, points: Array) -> Array:
        """Return how far points (n, 3) are from its surface [m], shape (n,)."""
        ...

    def covers(self, xy: Array, margin: float) -> Mask:
        """Say which points (n, 2) lie over its foot, or at most ``margin`` [m] beside it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Cylinder:
    """A round thing with an upright side."""

    centre: Array
    radius: float
    height: float

    @property
    def yaw(self) -> float:
        return 0.0

    @property
    def size(self) -> tuple[float, float, float]:
        return 2.0 * self.radius, 2.0 * self.radius, self.height

    def distance(self, points: Array) -> Array:
        inner = np.linalg.norm(points[:, :2] - self.centre, axis=1) - self.radius
        side = np.abs(inner)
        return np.where(inner < -1.5 * _TOL, np.minimum(side, np.abs(points[:, 2] - self.height)), side)

    def covers(self, xy: Array, margin: float) -> Mask:
        return np.linalg.norm(xy - self.centre, axis=1) < self.radius + margin


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """A ball that lies on the board."""

    centre: Array
    radius: float

    @property
    def yaw(self) -> float:
        return 0.0

    @property
    def size(self) -> tuple[float, float, float]:
        return 2.0 * self.radius, 2.0 * self.radius, 2.0 * self.radius

    def distance(self, points: Array) -> Array:
        return np.abs(np.linalg.norm(points - [*self.centre, self.radius], axis=1) - self.radius)

    def covers(self, xy: Array, margin: float) -> Mask:
        return np.linalg.norm(xy - self.centre, axis=1) < self.radius + margin


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A cuboid; ``low`` and ``high`` are its sides along the axes turned by ``yaw``, shape (2,) [m]."""

    yaw: float
    low: Array
    high: Array
    height: float
    is_face: bool = False
    """One side of it alone was seen: how deep it is, is a guess."""

    @property
    def centre(self) -> Array:
        return 0.5 * (self.low + self.high) @ _turn(self.yaw)

    @property
    def size(self) -> tuple[float, float, float]:
        x, y = self.high - self.low
        return float(x), float(y), self.height

    def distance(self, points: Array) -> Array:
        q = points[:, :2] @ _turn(self.yaw).T
        side = np.minimum(np.abs(q - self.low), np.abs(q - self.high)).min(axis=1)
        return np.minimum(side, np.abs(points[:, 2] - self.height))

    def covers(self, xy: Array, margin: float) -> Mask:
        q = xy @ _turn(self.yaw).T
        return np.all((q > self.low - margin) & (q < self.high + margin), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A primitive, and how well it explains the points."""

    solid: Primitive
    cost: float
    """Mean distance of the points from its surface, each at most ``CAP`` [m]; what is unlikely costs more."""


def top_of(points: Array) -> float:
    """Return the height [m] that hardly any point exceeds."""
    return float(np.percentile(points[:, 2], _TOP_SHARE))


def fit(points: Array, eye: Array, rng: np.random.Generator) -> Fit | None:
    """Return the solid that explains the points best, or None for fewer than a dozen.

    Args:
        points: Of one object, shape (n, 3) [m].
        eye: The camera's x, y, shape (2,) [m].
        rng: Chooses the samples.
    """
    if len(points) < 12:
        return None
    top = top_of(points)
    few = _some(points, rng)
    side = points[points[:, 2] < top - 2.0 * _TOL]
    side = _some(side if len(side) >= 15 else points, rng)
    fits = [Fit(box := fit_box(few, side, eye, top), _cost(box, few) + (0.002 if max(box.size[:2]) > 0.13 else 0.0))]
    if (round_one := fit_cylinder(side, eye, top, rng)) is not None:
        fits.append(Fit(round_one, _cost(round_one, few) + _unlikely(round_one, few)))
    if top < 0.085:
        ball = fit_ball(few, eye)
        fits.append(Fit(ball, _cost(ball, few)))
    return min(fits, key=lambda f: f.cost)


def _cost(solid: Primitive, points: Array) -> float:
    return float(np.minimum(solid.distance(points), CAP).mean())


def _unlikely(solid: Cylinder, points: Array) -> float:
    """Return what a wide cylinder costs [m]: the flat side of a box looks like a part of one."""
    if solid.radius < 0.037:
        return 0.0
    if solid.radius < 0.041:
        return 0.0006
    if solid.height > 0.085 or solid.radius > 0.98 * RADIUS_MAX:
        return 0.003
    within = np.linalg.norm(points[:, :2] - solid.centre, axis=1) < solid.radius - 0.014
    is_hollow = float(np.mean(within & (points[:, 2] < solid.height - 0.014))) >= 0.05
    return 0.0 if is_hollow else 0.001


def _some(points: Array, rng: np.random.Generator) -> Array:
    return points if len(points) <= _POINTS_MAX else points[rng.choice(len(points), _POINTS_MAX, replace=False)]


def fit_cylinder(side: Array, eye: Array, top: float, rng: np.random.Generator) -> Cylinder | None:
    """Fit a cylinder's circle to points (n, 3) of its side: best of circles through triples, then least squares."""
    xy = side[:, :2]
    centre, radius = _circles(*(xy[rng.integers(0, len(xy), _TRIPLES)] for _ in range(3)))
    middle = xy.mean(axis=0)
    away = (middle - eye) / np.linalg.norm(middle - eye)
    # What is seen faces the camera, so the centre lies behind it.
    ok = (radius > RADIUS_MIN) & (radius < RADIUS_MAX) & ((centre - middle) @ away > -0.01)
    if not ok.any():
        return None
    centre, radius = centre[ok], radius[ok]
    miss = np.abs(np.hypot(xy[:, 0] - centre[:, :1], xy[:, 1] - centre[:, 1:]) - radius[:, None])
    best = int(np.argmin(np.minimum(miss, 2.0 * _ROUND_TOL).mean(axis=1)))
    c, r = centre[best], float(radius[best])
    for _ in range(8):
        out = xy - c
        d = np.maximum(np.linalg.norm(out, axis=1), 1e-9)
        # Weakly, the radius stays: on a short arc it trades against the centre.
        step = _step(
            np.column_stack([-out / d[:, None], -np.ones(len(xy))]), d - r, np.array([0.0, 0.0, 0.04]), _ROUND_TOL
        )
        c, r = c + step[:2], float(np.clip(r + step[2], RADIUS_MIN, RADIUS_MAX))
    return Cylinder(c, r, top)


def _circles(a: Array, b: Array, c: Array) -> tuple[Array, Array]:
    """Return centres (n, 2) and radii (n,) of the circles through points a, b, c, each (n, 2); NaN on a line."""
    b, c = b - a, c - a
    with np.errstate(divide="ignore", invalid="ignore"):
        d = 2.0 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
        bb, cc = (b * b).sum(axis=1), (c * c).sum(axis=1)
        out = np.column_stack([c[:, 1] * bb - b[:, 1] * cc, b[:, 0] * cc - c[:, 0] * bb]) / d[:, None]
        return a + out, np.hypot(out[:, 0], out[:, 1])


def _step(jacobian: Array, miss: Array, prior: Array, tol: float = _TOL) -> Array:
    """Return one Gauss-Newton step of robust least squares; ``prior`` holds the unknowns where they are (k,)."""
    weighted = jacobian.T / (1.0 + (miss / tol) ** 2)  # Cauchy's
    step = np.linalg.solve(weighted @ jacobian + np.diag(prior + 1e-9), -(weighted @ miss))
    return np.asarray(step, np.float64)


def fit_ball(points: Array, eye: Array) -> Ball:
    """Fit a ball that lies on the board to points (n, 3)."""
    middle = points[:, :2].mean(axis=0)
    r = 0.031
    c = middle + 0.5 * r * (middle - eye) / np.linalg.norm(middle - eye)
    for _ in range(12):
        out = points - [*c, r]
        d = np.maximum(np.linalg.norm(out, axis=1), 1e-9)
        jacobian = np.column_stack([-out[:, :2] / d[:, None], -out[:, 2] / d - 1.0])
        step = _step(jacobian, d - r, np.array([0.0, 0.0, 0.2]))
        c, r = c + step[:2], float(np.clip(r + step[2], 0.02, 0.06))
    return Ball(c, r)


def fit_box(points: Array, side: Array, eye: Array, top: float) -> Box:
    """Fit a box: the turn at which points (m, 3) of its sides lie nearest to the two sides that face the camera."""
    angles = np.radians(np.arange(0.0, 90.0, 4.0))
    yaw = angles[np.argmin(_misses(side[:, :2], eye, angles))]
    for fine in (2.0, 1.0, 0.5):
        angles = yaw + np.radians([-fine, 0.0, fine])
        yaw = angles[np.argmin(_misses(side[:, :2], eye, angles))]
    turn = _turn(float(yaw))
    low, high = _ends(points[:, :2] @ turn.T)
    at, is_face = turn @ eye, False
    for k in range(2):
        if high[k] - low[k] < _FLAT and not low[k] <= at[k] <= high[k]:
            is_face = True
            low[k], high[k] = (low[k], low[k] + _DEPTH_UNSEEN) if at[k] < low[k] else (high[k] - _DEPTH_UNSEEN, high[k])
    return Box(float(yaw), low, high, top, is_face)


def _misses(xy: Array, eye: Array, angles: Array) -> Array:
    """Return, per turn, the mean distance of side points (n, 2) from the sides that face the camera, capped [m]."""
    turns = np.stack([_turn(float(a)) for a in angles])
    q = xy @ turns.transpose(0, 2, 1)  # (angles, n, 2)
    low, high = _ends(q)
    at = turns @ eye
    facing = np.where(at < low, low, np.where(at > high, high, np.inf))
    return np.minimum(np.abs(q - facing[:, None]).min(axis=2), 2.0 * _TOL).mean(axis=1)


def _ends(q: Array) -> tuple[Array, Array]:
    """Return what 2 % of points (..., n, 2) are below, and what 2 % are above, shape (..., 2) each."""
    n = q.shape[-2]
    low, high = round(0.02 * (n - 1)), round(0.98 * (n - 1))
    q = np.partition(q, (low, high), axis=-2)
    return q[..., low, :], q[..., high, :]


def _turn(yaw: float) -> Array:
    """Return the rotation (2, 2) into axes turned by ``yaw``."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, s], [-s, c]])


def fit_two(points: Array, eye: Array, rng: np.random.Generator) -> tuple[Mask, Fit, Fit] | None:
    """Explain points (n, 3) by two solids that touch: returns which points are the first one's, and both.

    ``cost`` of both is that of the pair. None if no halves are large enough to be fitted.
    """
    pairs = [p for start in _halves(points[:, :2], eye) if (p := _pair(points, start, eye, rng)) is not None]
    best = min(pairs, key=lambda p: p[1].cost, default=None)
    for _ in range(2):
        again = None if best is None else _pair(points, best[0], eye, rng)
        best = again or best
    return best


_HALF_MIN = 30  # pixels: smaller halves are not fitted


def _halves(xy: Array, eye: Array) -> list[Mask]:
    """Return ways to part points (n, 2) in two: nearest to two centres, begun at both ends of four directions."""
    ways: list[Mask] = []
    away = xy.mean(axis=0) - eye
    for angle in np.arctan2(away[1], away[0]) + np.radians([0.0, 45.0, 90.0, 135.0]):
        along = xy @ [np.cos(angle), np.sin(angle)]
        first = along < np.median(along)
        for _ in range(8):
            if not _HALF_MIN <= first.sum() <= len(xy) - _HALF_MIN:
                break
            a, b = xy[first].mean(axis=0), xy[~first].mean(axis=0)
            first = np.linalg.norm(xy - a, axis=1) < np.linalg.norm(xy - b, axis=1)
        else:
            if not any(np.array_equal(first, way) or np.array_equal(first, ~way) for way in ways):
                ways.append(first)
    return ways


def _pair(points: Array, first: Mask, eye: Array, rng: np.random.Generator) -> tuple[Mask, Fit, Fit] | None:
    """Fit both halves, and give each point to the nearer solid; None if a half is too small."""
    if not _HALF_MIN <= first.sum() <= len(points) - _HALF_MIN:
        return None
    one, other = fit(points[first], eye, rng), fit(points[~first], eye, rng)
    if one is None or other is None:
        return None
    to_one, to_other = one.solid.distance(points), other.solid.distance(points)
    cost = float(np.minimum(np.minimum(to_one, to_other), CAP).mean())
    return to_one < to_other, Fit(one.solid, cost), Fit(other.solid, cost)
