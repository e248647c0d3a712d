"""Renders a robot's RGB-D camera from a ``scene`` message, without a GPU, and spoils it as a real camera would.

One renderer per camera, made and used in one thread. The same exposure of the same seed gives the same picture in every
process. It steps no physics and knows no streams.
"""

import atexit
import copy
import ctypes
import importlib
import math
import os
from typing import Protocol

import mujoco
import numpy as np

from vagus.core.ages import UNUSED
from vagus.core.calibration import CameraMount
from vagus.core.errors import ConfigError
from vagus.core.frames import quat_from_axis_angle
from vagus.core.messages import Record
from vagus.core.robot import CameraSpec, RobotSpec
from vagus.world.camera_noise import CameraCfg, CameraNoise
from vagus.world.gl import GL_APT
from vagus.world.scenes import set_light

_MAX_GEOMS = 2000
_STREAM_KEY = int.from_bytes(b"camera", "big")
"""Keeps the cameras' random numbers apart from those that others draw from the same seed."""
_FLIP = np.diag([1.0, -1.0, -1.0])
"""From MuJoCo's camera frame (x right, y up, looking along -z) to the optical frame (y down, looking along +z)."""


class _Context(Protocol):
    def make_current(self) -> None: ...
    def free(self) -> None: ...


def mount_error(spec: RobotSpec, cam: CameraSpec, cfg: CameraCfg, seed: int) -> CameraMount:
    """Draw where the camera really sits in the frame where the model has it; the same for the same seed."""
    rng = np.random.default_rng([seed, _STREAM_KEY, spec.sensor_index(cam.name), 0])
    turn = cfg.mount_angle / math.sqrt(3.0) * rng.standard_normal(3)
    x, y, z = (float(c) for c in cfg.mount_distance / math.sqrt(3.0) * rng.standard_normal(3))
    angle = float(np.linalg.norm(turn))
    quat = quat_from_axis_angle(turn, angle) if angle > 0.0 else np.array([1.0, 0.0, 0.0, 0.0])
    qw, qx, qy, qz = (float(c) for c in quat)
    return CameraMount(position=(x, y, z), quat=(qw, qx, qy, qz))


class CameraRenderer:
    """One camera of the robot."""

    def __init__(
        self, model: mujoco.MjModel, spec: RobotSpec, cam: CameraSpec, cfg: CameraCfg | None = None, *, seed: int
    ) -> None:
        """Open a rendering context, in the thread that will render.

        Args:
            model: The world that the ``scene`` messages are of; copied, because drawing changes it.
            spec: The robot.
            cam: Its camera; the model has one of the same name.
            cfg: How far it is from ideal.
            seed: Of its noise and its mounting error, >= 0.

        Raises:
            ConfigError: The model has no such camera, or nothing can render here.
        """
        self._cfg = cfg or CameraCfg()
        self._model = copy.copy(model)
        self._id = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, cam.name)
        if self._id < 0:
            names = [model.camera(i).name for i in range(model.ncam)]
            raise ConfigError(f"camera: got no {cam.name!r} in the model, allowed: one of {names}")
        self.mount = mount_error(spec, cam, self._cfg, seed)
        """Where the camera really sits; the robot does not know it before it is calibrated."""
        self._seed = (seed, _STREAM_KEY, spec.sensor_index(cam.name))
        self._slot = spec.sensor_index(cam.name)
        self._noise = CameraNoise(cam, self._cfg, np.random.default_rng([*self._seed, 1]))
        self._prepare(cam)
        self._data = mujoco.MjData(self._model)
        self._light: tuple[float, int] | None = None
        self._open(cam)
        atexit.register(self.close)  # before EGL itself is taken down, or freeing the context would fail
        self._rgb = np.empty((cam.height, cam.width, 3), np.uint8)
        self._z = np.empty((cam.height, cam.width), np.float32)

    def _prepare(self, cam: CameraSpec) -> None:
        """Make the copy of the model draw fast: no multisampling, and only as large a buffer as is needed."""
        model = self._model
        model.vis.quality.offsamples = 0
        model.vis.quality.shadowsize = 0
        model.vis.global_.offwidth, model.vis.global_.offheight = cam.width, cam.height
        model.cam_fovy[self._id] = math.degrees(cam.fovy)
        model.cam_sensorsize[self._id] = 0.0  # otherwise MuJoCo ignores fovy
        model.opt.enableflags &= ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)  # what sleeps would not be moved to its pose
        near, far = (model.stat.extent * x for x in (model.vis.map.znear, model.vis.map.zfar))
        if not near <= self._cfg.range_min:
            raise ConfigError(
                f"camera {cam.name!r}: the model's near plane (extent * znear) is at {near} m, allowed: at most "
                f"{self._cfg.range_min} m, where the camera begins to see"
            )
        self._near_far = (np.float32(near), np.float32(far))

    def _open(self, cam: CameraSpec) -> None:
        self._gl = _open_gl(cam.width, cam.height)
        self._context = mujoco.MjrContext(self._model, int(mujoco.mjtFontScale.mjFONTSCALE_100))
        mujoco.mjr_setBuffer(int(mujoco.mjtFramebuffer.mjFB_OFFSCREEN), self._context)
        # Depth runs from 1 at the near plane to 0 at the far one, where floats are dense.
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._rect = mujoco.MjrRect(0, 0, cam.width, cam.height)
        self._scene = mujoco.MjvScene(self._model, maxgeom=_MAX_GEOMS)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION,
                     mujoco.mjtRndFlag.mjRND_SKYBOX, mujoco.mjtRndFlag.mjRND_HAZE):  # fmt: skip
            self._scene.flags[int(flag)] = 0
        self._option = mujoco.MjvOption()
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = self._id

    def render(self, scene: Record, out: Record) -> None:
        """Fill ``out`` (a ``camera`` message) with the exposure that ``scene`` describes; its stamp is the caller's.

        Args:
            scene: The ``scene`` message: coordinates, light, exposure counter, and when it was exposed.
            out: Written in place: counter, origins, ``depth`` [m] with NaN in holes, ``rgb``.
        """
        self._place(scene)
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._view, int(mujoco.mjtCatBit.mjCAT_ALL), self._scene
        )
        mujoco.mjr_render(self._rect, self._scene, self._context)
        mujoco.mjr_readPixels(self._rgb, self._z, self._rect, self._context)
        near, far = self._near_far
        # Undoes the perspective division; 0 is the far plane, where nothing was drawn.
        z = near * far / (self._z * (far - near) + near)
        z[self._z <= 0.0] = np.inf
        rng = np.random.default_rng([*self._seed, 2, int(scene["counter"])])
        out["depth"] = self._noise.spoil_depth(z[::-1], rng)  # OpenGL's rows go up
        out["rgb"] = self._noise.spoil_rgb(self._rgb[::-1], rng)
        out["counter"] = scene["counter"]
        out["origin_ns"] = UNUSED
        out["origin_ns"][self._slot] = scene["origin_ns"][self._slot]

    def _place(self, scene: Record) -> None:
        """Move all bodies, the light and the camera to where they were at the exposure."""
        model, data = self._model, self._data
        data.qpos[:] = scene["qpos"]
        data.mocap_pos[:] = scene["mocap"][:, :3]
        data.mocap_quat[:] = scene["mocap"][:, 3:]
        light = (float(scene["light"][0]), int(scene["light"][1]))
        if light != self._light:
            set_light(model, *light)
            self._light = light
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        R_WM = data.cam_xmat[self._id].reshape(3, 3)
        X = self.mount.X_NC
        R_WN = R_WM @ _FLIP
        data.cam_xpos[self._id] += R_WN @ X[:3, 3]
        data.cam_xmat[self._id] = (R_WN @ X[:3, :3] @ _FLIP).reshape(-1)

    def close(self) -> None:
        """Free the rendering context; done at the interpreter's exit if nobody did before."""
        atexit.unregister(self.close)
        self._context.free()
        self._gl.free()


def _open_gl(width: int, height: int) -> _Context:
    """Open an off-screen context: what MUJOCO_GL names, else EGL, else OSMesa. Raises ConfigError naming packages."""
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    if wanted not in ("", "egl", "osmesa"):
        raise ConfigError(f"MUJOCO_GL: got {wanted!r}, allowed: 'egl', 'osmesa', or nothing")
    name = wanted or ("egl" if _loads("libEGL.so.1") else "osmesa")
    try:
        context: _Context = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        context.make_current()
    # What PyOpenGL and mujoco raise when a library, or the driver behind it, is missing.
    except (ImportError, AttributeError, OSError, RuntimeError, TypeError) as exc:
        why = f"{name}: {type(exc).__name__}: {exc}"
        raise ConfigError(f"no OpenGL library that renders without a screen ({why}); install one: {GL_APT}") from exc
    return context


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
