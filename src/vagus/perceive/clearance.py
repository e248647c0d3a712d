"""How near the robot is to touching itself, the floor or its workspace's walls, and how that changes with its joints.

It is what the gate keeps clear by.

Computed from joint readings with the model of the robot alone; it knows nothing of the room.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.articulation import Articulation, Shapes, planes
from vagus.core.messages import N_CLEARANCES, Record
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]

RANGE_M = 0.5
"""Pairs farther apart than this are left out [m]: an arm stops within it from full speed."""


@dataclass(frozen=True, slots=True)
class _Row:
    """Two geoms and how near they are."""

    distance: float
    """Signed [m]."""
    a: int
    b: int
    """Below 0: the plane -1 - b."""
    fromto: Array
    """Nearest points on a and on b [m, world], shape (6,)."""


def _worst(best: dict[tuple[int, int], _Row]) -> float:
    """Return the distance that a pair must beat to be among the closest [m]."""
    if len(best) < N_CLEARANCES:
        return RANGE_M
    return sorted(row.distance for row in best.values())[N_CLEARANCES - 1]


class Clearance:
    """Finds the closest pairs of a robot's parts; owns one ``mujoco.MjData``."""

    def __init__(self, spec: RobotSpec, model: mujoco.MjModel) -> None:
        """Take the compiled model of the robot alone, standing on z = 0. Raises ConfigError if a joint is missing."""
        self._spec = spec
        self._model = model
        self._data = mujoco.MjData(self._model)
        self._articulation = Articulation(spec, self._model)
        self._is_wheel = np.array([joint.mode == "velocity" for joint in spec.joints])
        _, link = np.unique(self._articulation.body_moves(), axis=0, return_inverse=True)
        self._link = link.reshape(-1)[model.geom_bodyid]  # a hand and its fingers are one link
        pairs = self._articulation.pairs()
        self._planes = planes(spec)
        self._limb_geoms = self._articulation.colliding_geoms(moved=True)
        self._pose(spec.array("home"))
        apart = np.array([self._distance(int(a), int(b))[0] > 0.0 for a, b in pairs], bool)
        self.pairs = pairs[apart]
        """Geom pairs watched, shape (n_pairs, 2). Parts that touch at home are built so, and are left out."""
        radius = self._model.geom_rbound
        self._reach = radius[self.pairs[:, 0]] + radius[self.pairs[:, 1]]

    def compute(self, joint_state: Record, now_ns: int) -> Record:
        """Return a ``clearance`` record at the measured joint positions: the closest pair of each two links.

        Without a valid reading of every position joint nothing is known: ``q`` and the rest are NaN, which the gate
        takes as no message at all.
        """
        record = m.blank(m.clearance(self._spec))
        record["stamp_ns"], record["origin_ns"] = now_ns, joint_state["origin_ns"]
        record["distance"] = np.nan
        is_known = (joint_state["valid"] != 0) & np.isfinite(joint_state["q"])
        if not np.all(is_known | self._is_wheel):
            record["q"] = record["effort_bias"] = np.nan
            return record
        q = np.where(is_known, joint_state["q"], 0.0)
        record["q"] = q
        self._pose(q)
        for k, row in enumerate(self._closest()):
            record["distance"][k], record["gradient"][k] = row.distance, self._gradient(row)
        record["effort_bias"] = self._effort_bias()
        return record

    def _pose(self, q: Array) -> None:
        self._data.qpos[:] = self._articulation.qpos(q)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)

    def _closest(self) -> list[_Row]:
        """Return the closest pairs, nearest first, one for every two links: a hand's many geoms do not crowd them."""
        best: dict[tuple[int, int], _Row] = {}
        for row in self._to_planes():
            best.setdefault((int(self._link[row.a]), row.b), row)
        position = self._data.geom_xpos
        bound = np.linalg.norm(position[self.pairs[:, 0]] - position[self.pairs[:, 1]], axis=1) - self._reach
        worst = _worst(best)
        for k in np.argsort(bound):
            if bound[k] >= worst:
                break  # bounding spheres are nearer than what is in them: nothing closer follows
            a, b = (int(g) for g in self.pairs[k])
            links = (int(self._link[a]), int(self._link[b]))
            limit = min(worst, best[links].distance) if links in best else worst
            distance, fromto = self._distance(a, b, limit)
            if distance < limit:
                best[links] = _Row(distance, a, b, fromto)
                worst = _worst(best)
        return sorted(best.values(), key=lambda row: row.distance)[:N_CLEARANCES]

    def _to_planes(self) -> list[_Row]:
        """Return how far each limb geom's nearest point is from each plane, nearest first for each plane."""
        shapes = Shapes(self._model, self._limb_geoms, self._data.geom_xpos, self._data.geom_xmat)
        rows: list[_Row] = []
        for k, plane in enumerate(self._planes):
            points, distances = shapes.above(plane)
            for index in np.argsort(distances):
                p, distance = points[index], float(distances[index])
                if distance < RANGE_M:
                    on_plane = p - distance * plane.normal
                    rows.append(_Row(distance, int(self._limb_geoms[index]), -1 - k, np.concatenate([p, on_plane])))
        return rows

    def _distance(self, a: int, b: int, limit: float = RANGE_M) -> tuple[float, Array]:
        """Return the signed distance [m] of two geoms, at most ``limit``, and their nearest points (6,)."""
        fromto = np.zeros(6)
        return mujoco.mj_geomDistance(self._model, self._data, a, b, limit, fromto), fromto

    def _gradient(self, row: _Row) -> Array:
        """Return d(distance)/dq (n_joints,): how b's nearest point moves from a's along the line between them."""
        normal = row.fromto[3:] - row.fromto[:3]
        if row.b < 0:
            normal = -self._planes[-1 - row.b].normal
        else:
            length = float(np.linalg.norm(normal))
            if length < 1e-9:
                return np.zeros(self._spec.n_joints)  # just touching: no direction to tell
            normal /= length if row.distance >= 0.0 else -length
        relative = -self._jacobian(row.a, row.fromto[:3])
        if row.b >= 0:
            relative += self._jacobian(row.b, row.fromto[3:])
        return normal @ relative @ self._articulation.dof_map

    def _jacobian(self, geom: int, point: Array) -> Array:
        jac = np.zeros((3, self._model.nv))
        mujoco.mj_jac(self._model, self._data, jac, None, point, int(self._model.geom_bodyid[geom]))
        return jac

    def _effort_bias(self) -> Array:
        """Return the joint effort that holds the robot against gravity, less what gravcomp carries, (n_joints,)."""
        bias = np.zeros(self._model.nv)
        mujoco.mj_rne(self._model, self._data, 0, bias)  # qvel is zero throughout: gravity alone
        if self._model.ngravcomp:
            mujoco.mj_passive(self._model, self._data)
            bias -= self._data.qfrc_gravcomp
        return bias @ self._articulation.dof_map
