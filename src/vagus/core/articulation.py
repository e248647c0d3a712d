"""How a robot's spec maps onto the kinematic model of the robot alone: coordinates, coupled joints, pairs to watch.

Reads the arrays of a compiled ``mujoco.MjModel`` through the small protocol below, so that it stays free of MuJoCo;
it computes no kinematics and no distances.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]
Ints = NDArray[Any]

_EQ_JOINT = 2  # mujoco.mjtEq.mjEQ_JOINT: joint 1 follows a polynomial of joint 2
_FREE, _BALL = 0, 1  # mujoco.mjtJoint


@dataclass(frozen=True, slots=True)
class Plane:
    """What limbs stay on one side of, in the frame of the model of the robot alone: ``normal @ p >= offset``."""

    name: str
    normal: Array
    """Unit, into the free side, shape (3,)."""
    offset: float
    """[m]"""


def planes(spec: RobotSpec) -> list[Plane]:
    """Return the floor and the walls of the workspace."""
    found = [Plane("floor", np.array([0.0, 0.0, 1.0]), 0.0)]
    if spec.workspace:
        for axis, low, high in zip(np.eye(3), spec.workspace.low, spec.workspace.high, strict=True):
            found += [Plane("workspace", axis, low), Plane("workspace", -axis, -high)]
    return found


class JointView(Protocol):
    """One joint of a model."""

    @property
    def id(self) -> int: ...


class ArticulatedModel(Protocol):
    """The part of ``mujoco.MjModel`` that is read here."""

    @property
    def nv(self) -> int: ...
    @property
    def nbody(self) -> int: ...
    @property
    def ngeom(self) -> int: ...
    @property
    def qpos0(self) -> Array: ...
    @property
    def body_parentid(self) -> Ints: ...
    @property
    def body_weldid(self) -> Ints: ...
    @property
    def dof_bodyid(self) -> Ints: ...
    @property
    def jnt_type(self) -> Ints: ...
    @property
    def jnt_qposadr(self) -> Ints: ...
    @property
    def jnt_dofadr(self) -> Ints: ...
    @property
    def eq_type(self) -> Ints: ...
    @property
    def eq_obj1id(self) -> Ints: ...
    @property
    def eq_obj2id(self) -> Ints: ...
    @property
    def eq_data(self) -> Array: ...
    @property
    def geom_bodyid(self) -> Ints: ...
    @property
    def geom_contype(self) -> Ints: ...
    @property
    def geom_conaffinity(self) -> Ints: ...
    @property
    def exclude_signature(self) -> Ints: ...
    def joint(self, name: str) -> JointView:
        """Return a joint by name; KeyError naming the joints there are."""
        ...


class ShapedModel(Protocol):
    """The part of ``mujoco.MjModel`` that says how large its geoms are."""

    @property
    def geom_type(self) -> Ints: ...
    @property
    def geom_size(self) -> Array: ...
    @property
    def geom_aabb(self) -> Array: ...


class Articulation:
    """The spec's joints in the model's coordinates.

    ``dof_map`` (nv, n_joints) maps joint velocities of the spec to those of the model, coupled fingers included.
    ``limbs`` (n_joints,) marks the joints that can bring parts of the robot together: position joints that are neither
    a gripper's nor the face's.
    """

    def __init__(self, spec: RobotSpec, model: ArticulatedModel) -> None:
        """Find every joint of the spec. Raises ConfigError when the model lacks one or it is no hinge or slide."""
        self.spec = spec
        self._model = model
        ids = [self._joint_id(name) for name in spec.joint_names]
        self.qpos_index = np.array([int(model.jnt_qposadr[i]) for i in ids], np.intp)
        self.dof_index = np.array([int(model.jnt_dofadr[i]) for i in ids], np.intp)
        self._followers = self._find_followers(ids)
        self.dof_map = np.zeros((model.nv, spec.n_joints))
        self.dof_map[self.dof_index, np.arange(spec.n_joints)] = 1.0
        for joint, _, dof, polynomial in self._followers:
            self.dof_map[dof, joint] = polynomial[1]
        special = {arm.gripper for arm in spec.arms}
        special |= {j for moves in (spec.face.action_units.values() if spec.face else ()) for j in moves}
        self.limbs = np.array([j.mode == "position" and j.name not in special for j in spec.joints])

    def _joint_id(self, name: str) -> int:
        try:
            joint = self._model.joint(name).id
        except KeyError as exc:
            raise ConfigError(f"joint {name!r} of robot {self.spec.name!r} is not in its model: {exc}") from exc
        if int(self._model.jnt_type[joint]) in (_FREE, _BALL):
            raise ConfigError(f"joint {name!r}: got a free or ball joint, allowed: hinge, slide")
        return joint

    def _find_followers(self, ids: list[int]) -> list[tuple[int, int, int, Array]]:
        """Return (spec joint, qpos index, dof index, polynomial) of joints that an equality couples to the spec's."""
        model, found = self._model, list[tuple[int, int, int, Array]]()
        for k in range(len(model.eq_type)):
            follower, leader = int(model.eq_obj1id[k]), int(model.eq_obj2id[k])
            if int(model.eq_type[k]) == _EQ_JOINT and leader in ids and follower not in ids:
                qpos, dof = int(model.jnt_qposadr[follower]), int(model.jnt_dofadr[follower])
                found.append((ids.index(leader), qpos, dof, np.array(model.eq_data[k, :5], np.float64)))
        return found

    def qpos(self, q: Array) -> Array:
        """Return the model's coordinates (nq,) at joint positions ``q`` (n_joints,); the root stays where it is drawn.

        Source: MuJoCo's joint equality, q1 - q1_0 = sum_i a_i (q2 - q2_0)^i.
        """
        out = np.array(self._model.qpos0, np.float64)
        for joint, index, _, polynomial in self._followers:
            x = float(q[joint]) - float(self._model.qpos0[self.qpos_index[joint]])
            out[index] += float(polynomial @ (x ** np.arange(5)))
        out[self.qpos_index] = q
        return out

    def body_moves(self, counted: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Say which joints of the spec, of those ``counted`` (the limbs'), move which body, shape (nbody, n_joints)."""
        counted = self.limbs if counted is None else counted
        model = self._model
        moves = np.zeros((model.nbody, self.spec.n_joints), bool)
        for dof in range(model.nv):
            moves[int(model.dof_bodyid[dof])] |= (self.dof_map[dof] != 0.0) & counted
        for body in range(1, model.nbody):  # parents come before their children
            moves[body] |= moves[int(model.body_parentid[body])]
        return moves

    def pairs(self) -> Ints:
        """Return the geom pairs that limb joints can bring together, shape (n_pairs, 2).

        Left out: geoms that do not collide by their masks, bodies welded together, parent and child, pairs the model
        excludes, pairs of parts that no limb joint moves relative to each other (the two fingers of one hand).
        """
        model, moves = self._model, self.body_moves()
        excluded = {int(s) for s in model.exclude_signature}
        kept: list[tuple[int, int]] = []
        for a, b in combinations(range(model.ngeom), 2):
            body_a, body_b = int(model.geom_bodyid[a]), int(model.geom_bodyid[b])
            collide = (int(model.geom_contype[a]) & int(model.geom_conaffinity[b])) or (
                int(model.geom_contype[b]) & int(model.geom_conaffinity[a])
            )
            signatures = {(body_a << 16) + body_b, (body_b << 16) + body_a}
            is_moved = bool(np.any(moves[body_a] != moves[body_b]))
            if collide and is_moved and not signatures & excluded and not self._adjacent(body_a, body_b):
                kept.append((a, b))
        return np.array(kept, np.intp).reshape(-1, 2)

    def _adjacent(self, body_a: int, body_b: int) -> bool:
        weld, parent = self._model.body_weldid, self._model.body_parentid
        a, b = int(weld[body_a]), int(weld[body_b])
        return a == b or a == int(weld[int(parent[b])]) or b == int(weld[int(parent[a])])

    def colliding_geoms(self, *, moved: bool) -> Ints:
        """Return the colliding geoms that limb joints move (they could touch the floor), or those that none moves."""
        model = self._model
        is_moved = np.any(self.body_moves()[np.asarray(model.geom_bodyid)], axis=1)
        collides = (np.asarray(model.geom_contype) != 0) | (np.asarray(model.geom_conaffinity) != 0)
        return np.flatnonzero((is_moved == moved) & collides)


_SPHERE, _CAPSULE, _ELLIPSOID, _CYLINDER = 2, 3, 4, 5  # mujoco.mjtGeom


@dataclass(frozen=True, slots=True)
class Shapes:
    """Some geoms of a model, as they stand in the world now."""

    model: ShapedModel
    geoms: Ints
    """Their indices, shape (n,)."""
    xpos: Array
    """Positions of all the model's geoms [m], shape (ngeom, 3), as in ``mjData.geom_xpos``."""
    xmat: Array
    """Rotations of all the model's geoms, shape (ngeom, 9), as in ``mjData.geom_xmat``."""

    def farthest(self, direction: Array) -> Array:
        """Return each geom's farthest point along a unit ``direction`` (3,), in the world, shape (n, 3) [m].

        Exact for spheres, capsules, cylinders, ellipsoids and boxes; a mesh counts as its bounding box.
        """
        R = self.xmat[self.geoms].reshape(-1, 3, 3)
        d = np.einsum("nji,j->ni", R, direction)  # in each geom's frame
        kind, size = self.model.geom_type[self.geoms], self.model.geom_size[self.geoms]
        box = self.model.geom_aabb[self.geoms]
        out = box[:, :3] + np.where(d >= 0.0, box[:, 3:], -box[:, 3:])
        up = np.where(d[:, 2] >= 0.0, size[:, 1], -size[:, 1])
        flat = d[:, :2] / np.maximum(1e-12, np.linalg.norm(d[:, :2], axis=1, keepdims=True))
        stretched = d * size**2
        stretched /= np.maximum(1e-12, np.linalg.norm(d * size, axis=1, keepdims=True))
        rod = size[:, :1] * d
        rod[:, 2] += np.where(kind == _CAPSULE, up, 0.0)
        drum = np.concatenate([size[:, :1] * flat, up[:, None]], axis=1)
        for kinds, points in (((_SPHERE, _CAPSULE), rod), ((_CYLINDER,), drum), ((_ELLIPSOID,), stretched)):
            out = np.where(np.isin(kind, kinds)[:, None], points, out)
        return self.xpos[self.geoms] + np.einsum("nij,nj->ni", R, out)

    def lowest(self) -> Array:
        """Return each geom's lowest point, shape (n, 3) [m]."""
        return self.farthest(np.array([0.0, 0.0, -1.0]))

    def above(self, plane: Plane) -> tuple[Array, Array]:
        """Return each geom's point nearest to a plane, shape (n, 3), and its signed distance, shape (n,) [m]."""
        points = self.farthest(-plane.normal)
        return points, points @ plane.normal - plane.offset

    def radius_about(self, centre: Array) -> float:
        """Return the radius of the upright cylinder about ``centre`` (3,) that holds them all, to 1 % [m]."""
        radius = 0.0
        for angle in np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False):
            out = np.array([np.cos(angle), np.sin(angle), 0.0])
            radius = max(radius, float(np.max((self.farthest(out) - centre) @ out, initial=0.0)))
        return radius
