"""Kinematics of the robot alone: where its parts are, and whether it touches itself or the floor.

Joint positions are always the spec's, shape (n_joints,); poses are in B, the frame of the robot's base. Inverse
kinematics is in ``vagus.act.reach``. One instance owns one ``mujoco.MjData``: do not share it between threads.
"""

import copy
from itertools import pairwise

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core.articulation import Articulation, Shapes, planes
from vagus.core.errors import ConfigError
from vagus.core.frames import invert
from vagus.core.robot import ArmSpec, RobotSpec

Array = NDArray[np.float64]

# A MuJoCo camera looks along its -z with y up; an optical frame along +z with y down.
_OPTICAL = np.diag([1.0, -1.0, -1.0])
MARGIN = 0.01
"""Distance that a planned motion keeps from touching [m]: larger than encoder and servo errors at the hand."""
_LIMIT_MARGIN, _LIMIT_SHARE = 0.05, 0.05  # kept from a joint's limits [rad or m], and at most this share of its range


class Kinematics:
    """Forward kinematics and self-collision of one robot."""

    def __init__(self, model: mujoco.MjModel, spec: RobotSpec) -> None:
        """Take the compiled model of the robot alone, standing on z = 0. Raises ConfigError if a joint is missing."""
        self.spec = spec
        self.model = copy.copy(model)
        self.articulation = Articulation(spec, self.model)
        self.low, self.high = self._room()
        self.data = mujoco.MjData(self.model)
        self._base = self._base_body()
        self.home: Array = spec.array("home")
        # Of bodies, too: what their bounds sort out as too far apart is not looked at.
        self.model.geom_margin[:] = self.model.body_margin[:] = MARGIN
        self.pairs = self.articulation.pairs()
        self._planes = planes(spec)
        self._limb_geoms = self.articulation.colliding_geoms(moved=True)
        # Per pair: the distance it keeps; -inf for geoms that are not watched.
        self._keep = np.full((self.model.ngeom, self.model.ngeom), -np.inf)
        self._keep[self.pairs[:, 0], self.pairs[:, 1]] = MARGIN
        self._spare_pairs_near_at_home()
        self.base_radius = self._measure_base()
        """Radius of the upright cylinder about the base's axis that holds all parts no limb moves [m]."""
        self.lidar_pose: Array = np.eye(4)
        """X_BL, where the lidar is; the base frame itself if the model has no site of the lidar's name."""
        if spec.lidar and mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_SITE, spec.lidar.name) >= 0:
            self.lidar_pose = self.pose_of(self.home, spec.lidar.name)

    def _measure_base(self) -> float:
        self.pose(self.home)
        still = self.articulation.colliding_geoms(moved=False)
        return self._shapes(still).radius_about(self.base_pose()[:3, 3])

    def _shapes(self, geoms: NDArray[np.intp]) -> Shapes:
        return Shapes(self.model, geoms, self.data.geom_xpos, self.data.geom_xmat)

    def _room(self) -> tuple[Array, Array]:
        """Return the lowest and highest positions that skills plan for, shape (n_joints,) each.

        A little inside the limits, but for home: at a mechanical stop a servo that droops, or an encoder that is off,
        presses against it.
        """
        low, high, home = (self.spec.array(key) for key in ("position_min", "position_max", "home"))
        is_bounded = np.isfinite(low) & np.isfinite(high)
        width = np.where(is_bounded, high, 0.0) - np.where(is_bounded, low, 0.0)
        margin = np.minimum(_LIMIT_MARGIN, _LIMIT_SHARE * width)
        return np.minimum(low + margin, home), np.maximum(high - margin, home)

    def _base_body(self) -> int:
        if self.spec.base is None:
            return 1 if self.model.nbody > 1 else 0  # the model's first body: an arm's foot
        try:
            return self.model.body(self.spec.base.body).id
        except KeyError as exc:
            raise ConfigError(f"base body {self.spec.base.body!r} is not in the model: {exc}") from exc

    def _spare_pairs_near_at_home(self) -> None:
        """Let parts be as near as they are built: a shoulder in its socket must not forbid every motion.

        Pairs that touch at home are not watched; pairs within the margin there must keep half of that distance.
        """
        for (a, b), distance in self._near(self.home).items():
            self._keep[a, b] = 0.5 * distance if distance > 0.0 else -np.inf
        self.pairs = self.pairs[np.isfinite(self._keep[self.pairs[:, 0], self.pairs[:, 1]])]

    def pose(self, q: Array) -> None:
        """Put ``self.data`` at ``q``: positions of all bodies, and what Jacobians need."""
        self.data.qpos[:] = self.articulation.qpos(q)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)

    def pose_of(self, q: Array, frame: str) -> Array:
        """Return X_BT, the pose (4, 4) in the base frame of a site, a camera (optical frame) or a body T.

        Raises:
            ConfigError: The model has no such site, camera or body.
        """
        self.pose(q)
        return invert(self._body_pose(self._base)) @ self._world_pose(frame)

    def base_pose(self) -> Array:
        """Return X_WB: where the base stands in the model's own world, (4, 4), after the last ``pose``."""
        return self._body_pose(self._base)

    def _body_pose(self, body: int) -> Array:
        return _pose(self.data.xmat[body], self.data.xpos[body])

    def _world_pose(self, frame: str) -> Array:
        site = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_SITE, frame)
        if site >= 0:
            return _pose(self.data.site_xmat[site], self.data.site_xpos[site])
        camera = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_CAMERA, frame)
        if camera >= 0:
            mujoco.mj_camlight(self.model, self.data)
            return _pose(self.data.cam_xmat[camera].reshape(3, 3) @ _OPTICAL, self.data.cam_xpos[camera])
        body = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_BODY, frame)
        if body >= 0:
            return self._body_pose(body)
        names = [self.model.site(i).name for i in range(self.model.nsite)]
        raise ConfigError(f"frame {frame!r}: allowed: a body, a camera or one of the sites {names}")

    def anchor(self, q: Array, joint: str) -> Array:
        """Return p_BJ, a joint's anchor in the base frame, shape (3,) [m]."""
        self.pose(q)
        X_BW = invert(self.base_pose())
        return X_BW[:3, :3] @ self.data.joint(joint).xanchor + X_BW[:3, 3]

    def axis(self, q: Array, joint: str) -> Array:
        """Return the direction of a joint's axis in the base frame, unit, shape (3,)."""
        self.pose(q)
        return self.base_pose()[:3, :3].T @ self.data.joint(joint).xaxis

    def jacobian(self, q: Array, site: str) -> Array:
        """Return d(site position)/dq in the base frame, shape (3, n_joints)."""
        self.pose(q)
        jac = np.zeros((3, self.model.nv))
        mujoco.mj_jacSite(self.model, self.data, jac, None, self.model.site(site).id)
        return self.base_pose()[:3, :3].T @ jac @ self.articulation.dof_map

    def arm_length(self, arm: ArmSpec) -> float:
        """Return an arm's length along its joints, from the first joint to the tip [m]; the same in every pose."""
        points = [self.anchor(self.home, j) for j in arm.joints]
        points.append(self.pose_of(self.home, arm.tip)[:3, 3])
        return float(sum(np.linalg.norm(b - a) for a, b in pairwise(points)))

    def trunk(self, arm: ArmSpec) -> tuple[str, ...]:
        """Return the joints that carry an arm's first joint, such as a lift."""
        first = int(self.model.jnt_bodyid[self.model.joint(arm.joints[0]).id])
        moves = self.articulation.body_moves()[first]
        return tuple(j.name for k, j in enumerate(self.spec.joints) if moves[k] and j.name not in arm.joints)

    def _near(self, q: Array) -> dict[tuple[int, int], float]:
        """Return the watched pairs within ``MARGIN`` of each other, and their signed distance [m]."""
        self.pose(q)
        mujoco.mj_collision(self.model, self.data)
        found: dict[tuple[int, int], float] = {}
        for k in range(self.data.ncon):
            a, b = sorted(int(g) for g in self.data.contact.geom[k])
            if np.isfinite(self._keep[a, b]):
                found[a, b] = min(found.get((a, b), np.inf), float(self.data.contact.dist[k]))
        return found

    def touching(self, q: Array, margin: float = 0.0) -> list[tuple[str, str]]:
        """Name the geoms nearer than ``margin`` [m] (at most ``MARGIN``) to each other, floor, or workspace's walls.

        Pairs built nearer than that count from half of their distance at home.
        """
        near = sorted(pair for pair, distance in self._near(q).items() if distance < min(margin, self._keep[pair]))
        names = [(self._geom_name(a), self._geom_name(b)) for a, b in near]
        shapes = self._shapes(self._limb_geoms)
        for plane in self._planes:
            names += [(self._geom_name(g), plane.name) for g in self._limb_geoms[shapes.above(plane)[1] < margin]]
        return names

    def _geom_name(self, geom: int) -> str:
        view = self.model.geom(int(geom))
        return view.name or f"{self.model.body(int(view.bodyid[0])).name}.{geom}"

    def is_in_collision(self, q: Array, margin: float = 0.0) -> bool:
        """Say whether the robot touches itself, the floor or a wall of its workspace, to within ``margin`` [m]."""
        return bool(self.touching(q, margin))

    def path_is_free(self, q0: Array, q1: Array, n: int = 20, margin: float = MARGIN) -> bool:
        """Say whether ``n`` points on the straight line from ``q0`` (left out) to ``q1`` are all free of collision."""
        return not any(self.is_in_collision(q0 + s * (q1 - q0), margin) for s in np.linspace(1.0 / n, 1.0, n))


def _pose(rotation: Array, position: Array) -> Array:
    X = np.eye(4)
    X[:3, :3] = np.asarray(rotation).reshape(3, 3)
    X[:3, 3] = position
    return X
