"""What stands around a robot, as upright solids, and how far its limbs are from it.

Limbs are covered by balls, solids are exact, so that one numpy expression answers for a whole arm. Only what was put
in is known: no floor, no walls, and not the robot itself (``vagus.act.kinematics``).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import Kinematics
from vagus.core.frames import invert, transform
from vagus.core.things import Support, Thing, sides

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ON = 1e-9
"""What is nearer to a surface than this [m] is on it."""
_STEP = 0.02
"""How far apart the balls that cover a limb are at most [m]: a third of the thinnest thing there is."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solid:
    """An upright cylinder, or a prism on a convex outline, in the base frame."""

    low: float
    """Height of its foot [m]."""
    high: float
    """Height of its top [m]."""
    outline: Array
    """Of a prism, rows (a, b, c) with (a, b) unit: inside is a x + b y + c <= 0 for all; of a cylinder, none. (k, 3)"""
    middle: tuple[float, float] = (0.0, 0.0)
    """Of a cylinder [m]."""
    radius: float = 0.0
    """[m]"""


def solid_of(thing: Thing) -> Solid:
    """Return a thing as a solid; a cup's handle is left out."""
    middle = (float(thing.centre[0]), float(thing.centre[1]))
    if thing.is_round:
        return Solid(
            low=thing.foot, high=thing.top, outline=np.zeros((0, 3)), middle=middle, radius=0.5 * thing.size[0]
        )
    angles = thing.yaw + 0.5 * np.pi * np.arange(4)
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    half = 0.5 * np.array([thing.size[0], thing.size[1]] * 2)
    outline = np.column_stack([normals, -normals @ thing.centre[:2] - half])
    return Solid(low=thing.foot, high=thing.top, outline=outline)


def board_of(support: Support, thickness: float) -> Solid:
    """Return a board so thick [m] as a solid."""
    return Solid(low=support.height - thickness, high=support.height, outline=sides(support.corners))


class Surroundings:
    """Some solids."""

    def __init__(self, solids: Iterable[Solid]) -> None:
        rows = list(solids)
        self._n = len(rows)
        k = max([1, *(len(s.outline) for s in rows)])
        self._is_round = np.array([len(s.outline) == 0 for s in rows], bool)
        # An outline with fewer sides than others has its last one several times.
        self._sides = np.array([_padded(s.outline, k) for s in rows]).reshape(-1, k, 3)
        self._middle = np.array([s.middle for s in rows]).reshape(-1, 2)
        self._radius = np.array([s.radius for s in rows])
        self.low, self.high = np.array([s.low for s in rows]), np.array([s.high for s in rows])
        """Heights of their feet and tops [m], shape (n_solids,)."""

    def distance(self, points: Array) -> Array:
        """Return how far points (n, 3) are from the nearest solid [m], shape (n,); less than 0 inside one, inf if none.

        Beside a prism's edges it is less than the true distance, by a factor of 0.7 at a right angle.
        Source: Quilez, "Distance functions", the capped cylinder, with the outline's farthest side for the radius.
        """
        if self._n == 0:
            return np.full(len(points), np.inf)
        return _signed(self._level(points)[0], self._upright(points)).min(axis=1)

    def nearest(self, points: Array) -> tuple[Array, Array]:
        """Return distances as above, and the direction away from the nearest solid, unit, shape (n, 3)."""
        if self._n == 0:
            return np.full(len(points), np.inf), np.tile([0.0, 0.0, 1.0], (len(points), 1))
        level, away = self._level(points)
        upright = self._upright(points)
        signed = _signed(level, upright)
        row, k = np.arange(len(points)), signed.argmin(axis=1)
        beside, over = level[row, k], upright[row, k]
        # Outside along what is beyond the surface; inside along the shorter way out.
        is_inside = (beside <= _ON) & (over <= _ON)
        x = np.where(is_inside, beside >= over, np.maximum(beside, 0.0))
        z = np.where(is_inside, over > beside, np.maximum(over, 0.0))
        z = z * np.where(points[:, 2] >= 0.5 * (self.low + self.high)[k], 1.0, -1.0)
        normal = np.column_stack([away[row, k] * x[:, None], z])
        return signed[row, k], normal / np.maximum(1e-9, np.linalg.norm(normal, axis=1, keepdims=True))

    def beside(self, points: Array) -> Array:
        """Return how far points (n, 2 or 3) are beside each solid, heights apart [m], shape (n, n_solids)."""
        return self._level(points)[0]

    def _level(self, points: Array) -> tuple[Array, Array]:
        """Return how far points are beside each outline [m], (n, n_solids), and which way, (n, n_solids, 2)."""
        beyond = np.tensordot(points[:, :2], self._sides[..., :2], axes=([1], [2])) + self._sides[..., 2]
        side = beyond.argmax(axis=2)
        d = points[:, None, :2] - self._middle
        far = np.linalg.norm(d, axis=-1)
        level = np.where(self._is_round, far - self._radius, beyond.max(axis=2))
        normals = np.take_along_axis(self._sides[None, ..., :2], side[..., None, None], axis=2)[:, :, 0]
        away = np.where(self._is_round[:, None], d / np.maximum(1e-9, far)[..., None], normals)
        return level, away

    def _upright(self, points: Array) -> Array:
        """Return how far points are above or below each solid [m], shape (n, n_solids)."""
        z = points[:, 2:]
        return np.maximum(self.low - z, z - self.high)


def _padded(outline: Array, k: int) -> Array:
    if len(outline) == 0:
        return np.zeros((k, 3))
    return np.concatenate([outline, np.repeat(outline[-1:], k - len(outline), axis=0)])


def _signed(a: Array, b: Array) -> Array:
    return np.hypot(np.maximum(a, 0.0), np.maximum(b, 0.0)) + np.minimum(np.maximum(a, b), 0.0)


def no_nearer(now: float, clear: float) -> float:
    """Return what is to be kept on the way from where something is so far off now [m], where ``clear`` is wanted [m].

    What is nearer already must not get much nearer.
    """
    return min(clear, 0.9 * now if now > 0.0 else 1.1 * now)


class Skin:
    """Balls that cover a robot, or the parts of it that some joints move."""

    def __init__(self, kinematics: Kinematics, joints: Sequence[str] | None = None) -> None:
        """Cover what ``joints`` move, or everything."""
        self._kinematics = kinematics
        model = kinematics.model
        moved = np.ones(model.nbody, bool) if joints is None else _moved(kinematics, joints)
        geoms = [g for g in range(model.ngeom) if moved[model.geom_bodyid[g]] and _collides(model, g)]
        covers = [_cover(model, g) for g in geoms]
        balls = np.concatenate([np.zeros((0, 4)), *covers])
        self.body: NDArray[np.intp] = np.repeat(model.geom_bodyid[geoms], [len(c) for c in covers]).astype(np.intp)
        """The body that each ball is fixed to, shape (n,)."""
        self._points = balls[:, :3]
        self.radius = balls[:, 3]
        """Of each ball [m], shape (n,)."""

    def moved_by(self, joints: Sequence[str]) -> Mask:
        """Say which balls any of these joints moves, shape (n,)."""
        return _moved(self._kinematics, joints)[self.body]

    def points(self, q: Array) -> Array:
        """Return the balls' middles in the base frame at joint positions ``q`` (n_joints,), shape (n, 3) [m]."""
        self._kinematics.pose(q)
        return transform(invert(self._kinematics.base_pose()), self.at(self._kinematics.data))

    def at(self, data: mujoco.MjData) -> Array:
        """Return the balls' middles in the model's world, as its bodies stand, shape (n, 3) [m]."""
        R = data.xmat[self.body].reshape(-1, 3, 3)
        return data.xpos[self.body] + np.einsum("nij,nj->ni", R, self._points)

    def clearance(self, q: Array, around: Surroundings, which: Mask | None = None) -> float:
        """Return the least distance to what is around, at ``q`` [m]; of the balls in ``which`` (n,), or all."""
        points, radius = self.points(q), self.radius
        if which is not None:
            points, radius = points[which], radius[which]
        return float(np.min(around.distance(points) - radius, initial=np.inf))


@lru_cache(maxsize=16)
def skin_of(kinematics: Kinematics, joints: tuple[str, ...] | None = None) -> Skin:
    """Return the skin of what ``joints`` move, or of everything: covering it takes as long as a step of a search."""
    return Skin(kinematics, joints)


def _moved(kinematics: Kinematics, joints: Sequence[str]) -> Mask:
    """Say which bodies any of these joints moves, shape (nbody,)."""
    counted = np.isin(kinematics.spec.joint_names, list(joints))
    return np.any(kinematics.articulation.body_moves(counted), axis=1)


def _collides(model: mujoco.MjModel, geom: int) -> bool:
    return bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def _cover(model: mujoco.MjModel, geom: int) -> Array:
    """Return balls that cover a geom: middles in its body's frame and radii, shape (n, 4) [m].

    Rods and balls exactly, up to the ripples between balls; of boxes and all else, what fills the bounding box but for
    its edges, and the corners as points.
    """
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    middle, half = np.zeros(3), model.geom_aabb[geom, 3:]
    if kind in (mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER):
        radius = float(size[0])
        reach = 0.0 if kind == mujoco.mjtGeom.mjGEOM_SPHERE else float(size[1])
        grid = np.array([[0.0, 0.0, z] for z in _spread(reach)])
        corners = np.zeros((0, 3))
    else:
        middle, radius = model.geom_aabb[geom, :3], float(half.min())
        grid = np.array(np.meshgrid(*(_spread(h - radius) for h in half))).reshape(3, -1).T
        corners = half * np.array(np.meshgrid(*([-1.0, 1.0],) * 3)).reshape(3, -1).T
    points = middle + np.concatenate([grid, corners])
    R = np.zeros(9)
    mujoco.mju_quat2Mat(R, model.geom_quat[geom])
    radii = np.concatenate([np.full(len(grid), radius), np.zeros(len(corners))])
    return np.column_stack([points @ R.reshape(3, 3).T + model.geom_pos[geom], radii])


def _spread(reach: float) -> Array:
    """Return places from -reach to reach, at most ``_STEP`` apart."""
    return np.linspace(-reach, reach, max(1, 1 + math.ceil(2.0 * reach / _STEP)))
