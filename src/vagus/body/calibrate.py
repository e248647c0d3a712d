"""The robot looks at its own hands: from joint readings and a marker seen by its camera to a calibration.

Estimates the encoder offsets of arms and neck, if it has one, and where the camera really sits. Pure: it moves nothing
and renders nothing; whoever runs it commands ``calibration_poses``, and hands over what was read and seen there,
uncorrected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import least_squares

from vagus.body.robot import Robot
from vagus.core.articulation import Articulation, Shapes, planes
from vagus.core.calibration import Calibration, CameraMount
from vagus.core.errors import ConfigError
from vagus.core.frames import quat_from_axis_angle, rotation_from_quat
from vagus.core.messages import Record
from vagus.core.robot import ArmSpec, CameraSpec, NeckSpec, RobotSpec
from vagus.world.geoms import GROUP_ROBOT, SPHERE, Look, add

Array = NDArray[np.float64]

MARKER_RADIUS = 0.015
"""Radius of the marker ball [m]: a table-tennis ball is 0.020; this one gives 13 pixels at half a metre."""
MARKER_BEYOND_TIP = 0.04
"""The ball's centre lies so far beyond the arm's tip, along the tip's z [m]: clear of the fingers, from all sides."""
_MAGENTA = (1.0, 0.0, 1.0, 1.0)
_FLIP = np.diag([1.0, -1.0, -1.0])
"""From MuJoCo's camera frame (looking along -z, y up) to the optical frame (looking along +z, y down)."""


def with_markers(robot: Robot) -> Robot:
    """Return the robot with a magenta ball at each hand, which weighs nothing and touches nothing."""

    def model() -> mujoco.MjSpec:
        spec = robot.build_model()
        paint = spec.add_material(name="calibration_marker", rgba=list(_MAGENTA))
        paint.emission, paint.specular = 0.4, 0.0  # bright and without highlights, as matt fluorescent paint is
        for arm in robot.spec.arms:
            tip = spec.site(arm.tip)
            at = np.asarray(tip.pos) + rotation_from_quat(tip.quat) @ [0.0, 0.0, MARKER_BEYOND_TIP]
            look = Look(rgba=_MAGENTA, group=GROUP_ROBOT, material="calibration_marker")
            add(tip.parent, look, SPHERE, (MARKER_RADIUS,), at.tolist()).name = f"{arm.name}_marker"
        return spec

    return replace(robot, model=model)


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationPose:
    """Where to stand still and look."""

    arm: str
    """The arm whose marker is in view."""
    q: Array
    """Positions of all joints [rad or m], shape (n_joints,); velocity joints 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """What one stop gave."""

    arm: str
    q: Array
    """Joint readings, uncorrected [rad or m], shape (n_joints,)."""
    p: Array
    """Marker's centre in the camera's optical frame [m], shape (3,)."""


def find_marker(picture: Record, cam: CameraSpec) -> Array | None:
    """Return the centre of the magenta ball in the optical frame [m], shape (3,), or None if it is not clearly seen.

    The largest magenta patch counts, if it is round, whole, and as large as the ball is at its depth.
    """
    rgb = picture["rgb"].astype(np.int16)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    dim = np.minimum(red, blue)
    is_magenta = (dim > 40) & (4 * green < dim)  # a purple object has 2.7 times as much red as green
    patches, n = cast("tuple[NDArray[np.int32], int]", ndimage.label(is_magenta))
    if n == 0:
        return None
    label = 1 + int(np.argmax(np.bincount(patches.ravel())[1:]))
    v, u = np.nonzero(patches == label)
    is_cut = u.min() == 0 or v.min() == 0 or u.max() == cam.width - 1 or v.max() == cam.height - 1
    if len(u) < 30 or is_cut:
        return None
    return _ball_centre(picture["depth"], u, v, cam)


def _ball_centre(depth: NDArray[np.float32], u: NDArray[np.intp], v: NDArray[np.intp], cam: CameraSpec) -> Array | None:
    """Find the ball's centre: its bearing from the patch's middle, its distance from the depths near the middle."""
    fx, fy, cx, cy = cam.intrinsics
    x, y, z = (float(u.mean()) - cx) / fx, (float(v.mean()) - cy) / fy, depth[v, u].astype(np.float64)
    seen = np.isfinite(z)
    if seen.sum() < 0.5 * len(z):
        return None
    # A ball's outline is an ellipse whose middle lies a little outside the centre's image, by Z^2 / (Z^2 - r^2).
    shrink = 1.0 - (MARKER_RADIUS / float(np.median(z[seen]))) ** 2
    bearing = np.array([x * shrink, y * shrink, 1.0])
    bearing /= np.linalg.norm(bearing)
    points = np.stack([(u[seen] - cx) / fx, (v[seen] - cy) / fy, np.ones(int(seen.sum()))], axis=1) * z[seen, None]
    along = points @ bearing
    aside = np.linalg.norm(points - along[:, None] * bearing, axis=1)
    inner = aside < 0.7 * MARKER_RADIUS  # the outline's pixels fly
    if inner.sum() < 10:
        return None
    distance = float(np.median(along[inner] + np.sqrt(MARKER_RADIUS**2 - aside[inner] ** 2)))
    area = math.pi * fx * fy * (MARKER_RADIUS / distance) ** 2 / bearing[2] ** 3
    if not 0.8 < len(u) / area < 1.25:
        return None  # something hides a part of it, or it is no ball
    return distance * bearing


class HandEye:
    """Where the robot's model has the markers in its camera's frame, for given joint positions and corrections."""

    def __init__(self, spec: RobotSpec, model: mujoco.MjModel) -> None:
        """Take the compiled model of the robot alone (markers not needed).

        Raises:
            ConfigError: The robot has no camera, none on the neck that it has, or no arm.
        """
        if spec.eye is None or (spec.neck and spec.neck.camera is None) or not spec.arms:
            raise ConfigError(
                f"robot {spec.name!r}: got no camera, none on its neck, or no arm; calibration needs both"
            )
        self.spec, self.model, self.data = spec, model, mujoco.MjData(model)
        self.neck: NeckSpec | None = spec.neck
        self.cam = spec.eye
        self.articulation = Articulation(spec, model)
        self._camera = model.camera(self.cam.name).id
        self._tips = {arm.name: model.site(arm.tip).id for arm in spec.arms}
        neck = (spec.neck.yaw, spec.neck.pitch) if spec.neck else ()
        names = [*neck, *(joint for arm in spec.arms for joint in arm.joints)]
        self.joints = tuple(dict.fromkeys(names))
        """Joints whose encoders are calibrated."""
        self.index = np.array([spec.joint_index(name) for name in self.joints])

    def place(self, q: Array) -> None:
        """Move the model to joint positions ``q`` (n_joints,)."""
        self.data.qpos[:] = self.articulation.qpos(q)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def marker_W(self, arm: str) -> Array:  # noqa: N802 (the field's notation)
        """Return the marker's centre in the world, as placed (3,) [m]."""
        tip = self._tips[arm]
        return self.data.site_xpos[tip] + MARKER_BEYOND_TIP * self.data.site_xmat[tip].reshape(3, 3)[:, 2]

    def marker_N(self, arm: str) -> Array:  # noqa: N802
        """Return the marker's centre in the optical frame where the model has it, as placed (3,) [m]."""
        R_WN = self.data.cam_xmat[self._camera].reshape(3, 3) @ _FLIP
        return R_WN.T @ (self.marker_W(arm) - self.data.cam_xpos[self._camera])

    def marker_C(self, arm: str, q: Array, calibration: Calibration) -> Array:  # noqa: N802
        """Predict the marker in the real camera's optical frame, from readings ``q`` and a calibration (3,) [m]."""
        self.place(q - calibration.offsets(self.spec))
        X_NC = calibration.mount(self.cam.name).X_NC
        return X_NC[:3, :3].T @ (self.marker_N(arm) - X_NC[:3, 3])


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveCfg:
    """How much is believed of what."""

    marker_sigma: float = 0.0015
    """Standard deviation of a sighting, each axis [m]; three times it is where sightings begin to count less."""
    offset_sigma: float = 0.02
    """Encoder offsets expected [rad]."""
    turn_sigma: float = 0.02
    """Camera turns expected, each axis [rad]."""
    shift_sigma: float = 0.005
    """Camera shifts expected, each axis [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How well a calibration went."""

    n_used: int
    n_outliers: int
    """Sightings farther than five standard deviations from what the calibrated model predicts."""
    rms_before: float
    """Distance between prediction and sighting before [m]."""
    rms_after: float
    """And after [m]."""
    unobservable: tuple[str, ...]
    """Combinations that the sightings say less about than what was expected beforehand; their split is a guess, which
    does not matter for hand and eye to agree."""


def solve(
    spec: RobotSpec, model: mujoco.MjModel, sightings: Sequence[Sighting], cfg: SolveCfg | None = None
) -> tuple[Calibration, Report]:
    """Estimate the calibration by robust nonlinear least squares with priors.

    Args:
        spec: The robot.
        model: The compiled model of the robot alone.
        sightings: What was read and seen, of an uncalibrated robot.
        cfg: How much is believed of what.

    Returns:
        The calibration, and how well it explains the sightings.

    Raises:
        ConfigError: No camera, none on the neck, no arm, or fewer sightings than unknowns need.
    """
    cfg = cfg or SolveCfg()
    eye = HandEye(spec, model)
    n = len(eye.joints)
    if 3 * len(sightings) < n + 6:
        raise ConfigError(f"sightings: got {len(sightings)}, allowed: at least {math.ceil((n + 6) / 3)}")
    scale = np.concatenate(
        [np.full(n, cfg.offset_sigma), np.full(3, cfg.turn_sigma), np.full(3, cfg.shift_sigma)]
    )  # unknowns are in units of what is expected, so the priors are plain

    def misses(x: Array) -> Array:
        calibration = _calibration(eye, x * scale)
        return np.array([eye.marker_C(s.arm, s.q, calibration) - s.p for s in sightings])

    def residuals(x: Array) -> Array:
        return np.concatenate([misses(x).ravel() / cfg.marker_sigma, x])

    found = least_squares(residuals, np.zeros(n + 6), loss="soft_l1", f_scale=3.0, x_scale=1.0, max_nfev=50)
    after = np.linalg.norm(misses(found.x), axis=1)
    fits = after < 5.0 * math.sqrt(3.0) * cfg.marker_sigma
    before = np.linalg.norm(misses(np.zeros(n + 6)), axis=1)
    labels = [*eye.joints, *(f"{cam} {axis}" for cam in ("camera turn", "camera shift") for axis in "xyz")]
    report = Report(
        n_used=len(sightings),
        n_outliers=int((~fits).sum()),
        rms_before=float(np.sqrt(np.mean(before**2))),
        rms_after=float(np.sqrt(np.mean(after**2))),
        unobservable=_unobservable(np.asarray(found.jac[: -(n + 6)], np.float64), labels),
    )
    return _calibration(eye, found.x * scale), report


def _calibration(eye: HandEye, x: Array) -> Calibration:
    """Return the calibration that the unknowns stand for: offsets, then the camera's turn (rotation vector), shift."""
    n = len(eye.joints)
    turn, (sx, sy, sz) = x[n : n + 3], (float(c) for c in x[n + 3 :])
    angle = float(np.linalg.norm(turn))
    w, i, j, k = (float(c) for c in quat_from_axis_angle(turn, angle)) if angle > 0.0 else (1.0, 0.0, 0.0, 0.0)
    return Calibration(
        robot=eye.spec.name,
        encoder_offset={name: float(offset) for name, offset in zip(eye.joints, x[:n], strict=True)},
        camera={eye.cam.name: CameraMount(position=(sx, sy, sz), quat=(w, i, j, k))},
    )


def _unobservable(jacobian: Array, labels: list[str]) -> tuple[str, ...]:
    """Describe the directions along which the data weigh less than the priors (singular values below 1)."""
    _, weights, directions = np.linalg.svd(jacobian)
    lines: list[str] = []
    for weight, row in zip(weights, directions, strict=False):
        if weight < 1.0:
            parts = sorted(zip(row, labels, strict=True), key=lambda part: -abs(part[0]))
            lines.append(" ".join(f"{c:+.2f} {label}" for c, label in parts if abs(c) > 0.2))
    return tuple(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoseCfg:
    """What a good pose is."""

    n_per_arm: int = 20
    nearest: float = 0.28
    farthest: float = 0.70
    """Distance between camera and marker [m]: depth is good to 1.5 mm there, and the ball 9 pixels or more."""
    clearance: float = 0.02
    """Least distance between parts of the robot that move, on the way too [m]."""
    limit_margin: float = 0.05
    """Kept from every joint limit [rad]."""
    image_margin: float = 0.18
    """Fraction of the image, at each edge, that the marker keeps out of: the camera may sit a few degrees off."""


def calibration_poses(
    spec: RobotSpec, model: mujoco.MjModel, cfg: PoseCfg | None = None, *, seed: int = 0
) -> list[CalibrationPose]:
    """Draw poses in which the camera sees one hand's marker, in an order with collision-free straight ways between.

    The other arm, and all else, stays at home; the first way begins and the last one can end at home too.

    Args:
        spec: The robot.
        model: The compiled model of the robot alone (markers not needed).
        cfg: What a good pose is.
        seed: Chooses among the poses there are.

    Raises:
        ConfigError: No camera, none on the neck, no arm, or no such poses were found.
    """
    search = _PoseSearch(HandEye(spec, model), cfg or PoseCfg(), np.random.default_rng(seed))
    return [pose for arm in spec.arms for pose in search.find(arm)]


class _PoseSearch:
    """Rejection sampling of poses."""

    _TRIES = 20_000

    def __init__(self, eye: HandEye, cfg: PoseCfg, rng: np.random.Generator) -> None:
        self.eye, self.cfg, self.rng = eye, cfg, rng
        self.home = np.where([j.mode == "position" for j in eye.spec.joints], eye.spec.array("home"), 0.0)
        self.pairs = eye.articulation.pairs()
        self.planes = planes(eye.spec)
        self.limbs = eye.articulation.colliding_geoms(moved=True)
        self.names = eye.spec.joint_names
        self.low = eye.spec.array("position_min") + cfg.limit_margin
        self.high = eye.spec.array("position_max") - cfg.limit_margin

    def find(self, arm: ArmSpec) -> list[CalibrationPose]:
        """Return poses of one arm; every way between neighbours and from and to home is free."""
        index = [self.names.index(name) for name in arm.joints]
        found: list[CalibrationPose] = []
        last = self.home
        for _ in range(self._TRIES):
            q = self.home.copy()
            q[index] = self.rng.uniform(self.low[index], self.high[index])
            if not self._aim(q, arm.name):
                continue
            if self._is_free_way(last, q) and self._is_free_way(q, self.home):
                found.append(CalibrationPose(arm=arm.name, q=q))
                last = q
                if len(found) == self.cfg.n_per_arm:
                    return found
        raise ConfigError(
            f"calibration poses of arm {arm.name!r}: got {len(found)} in {self._TRIES} tries, allowed: "
            f"{self.cfg.n_per_arm} poses in which the camera sees the hand"
        )

    def _aim(self, q: Array, arm: str) -> bool:
        """Turn the neck of ``q``, if there is one, so that the marker lies in the picture; say whether it does."""
        eye, cfg, cam = self.eye, self.cfg, self.eye.cam
        eye.place(q)
        p = eye.marker_N(arm)
        if not cfg.nearest - 0.1 < float(np.linalg.norm(p)) < cfg.farthest + 0.1:
            return False
        if eye.neck:
            self._turn(q, arm, eye.neck, p)
        eye.place(q)
        p = eye.marker_N(arm)
        fx, fy, cx, cy = cam.intrinsics
        if not cfg.nearest < p[2] < cfg.farthest:
            return False
        u, v = fx * p[0] / p[2] + cx, fy * p[1] / p[2] + cy
        margin = cfg.image_margin
        is_inside = margin < u / cam.width < 1.0 - margin and margin < v / cam.height < 1.0 - margin
        return is_inside and self._is_visible(arm)

    def _turn(self, q: Array, arm: str, neck_spec: NeckSpec, p: Array) -> None:
        """Turn the neck of ``q`` to a marker that is at ``p`` (3,) in the optical frame."""
        eye = self.eye
        neck = [self.names.index(neck_spec.yaw), self.names.index(neck_spec.pitch)]
        # Turning to the left and down by the marker's bearing, two times, looks straight at it; then a little aside.
        for _ in range(2):
            q[neck[0]] -= math.atan2(p[0], p[2])
            q[neck[1]] += math.atan2(p[1], math.hypot(p[0], p[2]))
            q[neck] = np.clip(q[neck], self.low[neck], self.high[neck])
            eye.place(q)
            p = eye.marker_N(arm)
        q[neck] = np.clip(q[neck] + self.rng.uniform(-0.35, 0.35, 2), self.low[neck], self.high[neck])

    def _is_visible(self, arm: str) -> bool:
        """Say whether nothing of the robot stands between camera and marker, as placed; the head is left out."""
        eye = self.eye
        camera = eye.model.camera(eye.cam.name).id
        start, geom = np.array(eye.data.cam_xpos[camera]), np.zeros(1, np.int32)
        centre = eye.marker_W(arm)
        for aside in (np.zeros(3), *(1.3 * MARKER_RADIUS * np.vstack([np.eye(3), -np.eye(3)]))):
            way = centre + aside - start
            hit = mujoco.mj_ray(eye.model, eye.data, start, way, None, True, int(eye.model.cam_bodyid[camera]), geom)
            if 0.0 <= hit < 1.0:
                return False
        return True

    def _is_free_way(self, a: Array, b: Array) -> bool:
        """Say whether no two parts come too near on the straight way in joint space, nor one to the floor or a wall.

        Sampled every 0.1 rad.
        """
        eye, fromto = self.eye, np.zeros(6)
        n = max(2, math.ceil(float(np.max(np.abs(b - a))) / 0.1))
        for s in np.linspace(1.0, 0.0, n):  # the new pose first: it is where most candidates fail
            eye.place(a + s * (b - a))
            shapes = Shapes(eye.model, self.limbs, eye.data.geom_xpos, eye.data.geom_xmat)
            if any(float(shapes.above(plane)[1].min()) < self.cfg.clearance for plane in self.planes):
                return False
            for g1, g2 in self.pairs:
                d = mujoco.mj_geomDistance(eye.model, eye.data, int(g1), int(g2), self.cfg.clearance, fromto)
                if d < self.cfg.clearance:
                    return False
        return True
