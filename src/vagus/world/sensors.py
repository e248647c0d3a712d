"""Body sensors of a simulated robot: encoders, IMU, touch pads, lidar; what they read of the world, and how badly.

Each sensor draws from its own generator, so that one sensor's settings leave another's noise alone. A missing reading
is NaN. Cameras are in ``camera``; nothing here steps the physics or knows streams.
"""

import math
from dataclasses import dataclass, field
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.fields import check_types
from vagus.core.messages import Record
from vagus.core.robot import LidarSpec, RobotSpec, TouchSpec
from vagus.world.motors import find_actuator

Array = NDArray[np.float64]

DELAY_STEPS_MAX = 30
"""Longest delay of a reading [encoder periods]: 60 ms at 500 Hz."""


def _check(ok: bool, what: str, got: object, allowed: str) -> None:
    if not ok:
        raise ConfigError(f"{what}: got {got!r}, allowed: {allowed}")


def _check_numbers(cfg: object, names: tuple[str, ...]) -> None:
    """Check that the named fields, and those that every sensor has, are in range."""
    what = type(cfg).__name__
    check_types(cfg, what)
    for name in names:
        value = getattr(cfg, name)
        _check(0.0 <= value < math.inf, f"{what}.{name}", value, "a finite number >= 0")
    dropout, delay = getattr(cfg, "dropout", 0.0), getattr(cfg, "delay_steps", 0)
    _check(0.0 <= dropout <= 1.0, f"{what}.dropout", dropout, "0 to 1")
    _check(0 <= delay <= DELAY_STEPS_MAX, f"{what}.delay_steps", delay, f"0 to {DELAY_STEPS_MAX} encoder periods")


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderCfg:
    """Joint encoders and the drives' own estimates of speed and effort."""

    resolution_rad: float = 2.0 * math.pi / 2**17
    """One count of a 17-bit absolute encoder, common on the output side of robot joints (RLS AksIM-2, Nikon) [rad]."""
    resolution_m: float = 1e-5
    """One count of a magnetic linear scale (RLS LM10 class) [m]."""
    noise_counts: float = 0.7
    """Standard deviation of the position [counts]; magnetic encoders jitter by about one count."""
    speed_noise_rad: float = 0.002
    speed_noise_m: float = 0.0002
    """Standard deviation of the speed [rad/s, m/s]. The true speed plus noise, not a difference of positions: drives
    measure it before the gear and at 10 kHz or more, so theirs lacks the lag and the steps that a difference over one
    bus cycle has (one count in 2 ms would be 0.024 rad/s)."""
    effort_noise: float = 0.01
    """Standard deviation of the effort, as a fraction of the largest: current sensing is good to about 1 %."""
    dropout: float = 1e-6
    """Chance that a joint's reading is missing in one tick: a bus frame with a bad checksum."""
    delay_steps: int = 0
    """Whole encoder periods from capture to publication; the bus takes under 1 ms."""
    offset_sigma: float = 0.01
    """Standard deviation of each arm and neck joint's mounting error [rad]: half a degree, a zero set by eye."""

    def __post_init__(self) -> None:
        names = ("resolution_rad", "resolution_m", "noise_counts", "speed_noise_rad", "speed_noise_m", "effort_noise",
                 "offset_sigma")  # fmt: skip
        _check_numbers(self, names)
        for name in ("resolution_rad", "resolution_m"):
            _check(getattr(self, name) > 0.0, f"EncoderCfg.{name}", getattr(self, name), "a finite number > 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImuCfg:
    """A MEMS IMU; numbers of Bosch's BMI088 data sheet, noise densities times the root of a 100 Hz bandwidth."""

    gyro_noise: float = 0.0024
    """0.014 deg/s/sqrt(Hz) [rad/s]."""
    gyro_bias: float = 0.003
    """Standard deviation of the constant bias [rad/s]: what the 1 deg/s of the data sheet leaves after a warm zero."""
    accelerometer_noise: float = 0.017
    """175 ug/sqrt(Hz) [m/s^2]."""
    accelerometer_bias: float = 0.1
    """Half of the data sheet's 20 mg bound [m/s^2]."""
    dropout: float = 1e-4
    """Chance that a reading does not come: a data-ready interrupt served too late, a transfer with a bad checksum. One
    in 50 s at 200 Hz."""
    delay_steps: int = 1
    """Whole encoder periods from measurement to publication."""

    def __post_init__(self) -> None:
        _check_numbers(self, ("gyro_noise", "gyro_bias", "accelerometer_noise", "accelerometer_bias"))


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchCfg:
    """Resistive or barometric fingertip pads."""

    noise: float = 0.02
    """Standard deviation [N]; TakkTile class barometric pads resolve 0.01 N."""
    resolution: float = 0.01
    """One count [N]."""
    force_max: float = 50.0
    """The reading saturates here [N]."""
    dropout: float = 1e-4
    """Chance that a pad's reading is missing."""
    delay_steps: int = 1
    """Whole encoder periods from measurement to publication."""

    def __post_init__(self) -> None:
        _check_numbers(self, ("noise", "resolution", "force_max"))
        _check(self.resolution > 0.0, "TouchCfg.resolution", self.resolution, "a finite number > 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class LidarCfg:
    """A small spinning lidar (RPLIDAR S2 class: 30 mm accuracy taken as three standard deviations)."""

    noise: float = 0.01
    """Standard deviation of a range [m]."""
    dropout: float = 0.005
    """Chance that a ray returns nothing: dark, shiny or grazed surfaces."""
    range_min: float = 0.05
    """Nothing is seen nearer than this [m]."""
    delay_s: float = 0.010
    """From capture to publication [s]. A whole sweep is captured at one instant here; real ones turn for 100 ms."""

    def __post_init__(self) -> None:
        _check_numbers(self, ("noise", "range_min", "delay_s"))
        _check(self.delay_s <= 1.0, "LidarCfg.delay_s", self.delay_s, "0 to 1 [s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorCfg:
    """All body sensors."""

    encoder: EncoderCfg = field(default_factory=EncoderCfg)
    imu: ImuCfg = field(default_factory=ImuCfg)
    touch: TouchCfg = field(default_factory=TouchCfg)
    lidar: LidarCfg = field(default_factory=LidarCfg)


def ideal() -> SensorCfg:
    """Return sensors without noise, drop-outs, delays and mounting errors; counts stay."""
    return SensorCfg(
        encoder=EncoderCfg(noise_counts=0.0, speed_noise_rad=0.0, speed_noise_m=0.0, effort_noise=0.0, dropout=0.0,
                           offset_sigma=0.0),
        imu=ImuCfg(gyro_noise=0.0, gyro_bias=0.0, accelerometer_noise=0.0, accelerometer_bias=0.0, dropout=0.0,
                   delay_steps=0),
        touch=TouchCfg(noise=0.0, dropout=0.0, delay_steps=0),
        lidar=LidarCfg(noise=0.0, dropout=0.0, delay_s=0.0),
    )  # fmt: skip


class Sensor(Protocol):
    """A sensor: how long its readings take, and how to take one."""

    delay_steps: int

    def read(self) -> Record | None:
        """Return a reading of the world as it stands, None if it is lost; stamps and origins are the caller's."""
        ...


class Encoders:
    """Positions, speeds and efforts of all joints, corrected as the drives' firmware does it."""

    def __init__(
        self, spec: RobotSpec, model: mujoco.MjModel, data: mujoco.MjData, cfg: EncoderCfg, *,
        offset: Array, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Find the joints. ``offset`` is what each encoder reads beyond the truth, corrections applied, (n_joints,)."""
        joints = [model.joint(name) for name in spec.joint_names]
        self._qpos = np.array([j.qposadr[0] for j in joints])
        self._dof = np.array([j.dofadr[0] for j in joints])
        self._actuator = np.array([find_actuator(model, name) for name in spec.joint_names])
        self._data, self._cfg, self._rng, self._offset = data, cfg, rng, offset
        is_slide = np.array([joint.unit == "m" for joint in spec.joints])
        self._count: Array = np.where(is_slide, cfg.resolution_m, cfg.resolution_rad)
        self._speed_noise: Array = np.where(is_slide, cfg.speed_noise_m, cfg.speed_noise_rad)
        self._effort_noise: Array = cfg.effort_noise * spec.array("effort_max")
        self._layout = m.joint_state(spec)
        self.delay_steps = cfg.delay_steps

    def read(self) -> Record:
        """Return a ``joint_state``."""
        record, data, rng = m.blank(self._layout), self._data, self._rng
        noise = rng.standard_normal((3, len(self._qpos)))
        q = data.qpos[self._qpos] + self._offset + self._cfg.noise_counts * self._count * noise[0]
        record["q"] = np.round(q / self._count) * self._count
        record["v"] = data.qvel[self._dof] + self._speed_noise * noise[1]
        record["effort"] = data.actuator_force[self._actuator] + self._effort_noise * noise[2]
        lost = rng.random(len(q)) < self._cfg.dropout
        record["valid"] = ~lost
        if lost.any():
            for key in ("q", "v", "effort"):
                record[key][lost] = math.nan
        return record


def encoder_offsets(spec: RobotSpec, cfg: EncoderCfg, rng: np.random.Generator) -> Array:
    """Draw what each encoder reads beyond the truth because of how it was mounted [rad], shape (n_joints,).

    Only arms and neck have such errors: grippers, lifts and faces find their zero at an end stop, wheels need none.
    """
    mounted = {name for arm in spec.arms for name in arm.joints}
    if spec.neck:
        mounted |= {spec.neck.yaw, spec.neck.pitch}
    draws = cfg.offset_sigma * rng.standard_normal(spec.n_joints)
    return np.where([name in mounted for name in spec.joint_names], draws, 0.0)


class Imu:
    """Angular velocity and specific force, with constant biases and white noise."""

    def __init__(
        self, spec: RobotSpec, model: mujoco.MjModel, data: mujoco.MjData, cfg: ImuCfg, rng: np.random.Generator
    ) -> None:
        """Find the model's gyro and accelerometer. Raises ConfigError if there is not one of each."""
        self._gyro = _find_sensor(model, mujoco.mjtSensor.mjSENS_GYRO, "gyro")
        self._accelerometer = _find_sensor(model, mujoco.mjtSensor.mjSENS_ACCELEROMETER, "accelerometer")
        self._data, self._cfg, self._rng = data, cfg, rng
        self._gyro_bias = cfg.gyro_bias * rng.standard_normal(3)
        self._accelerometer_bias = cfg.accelerometer_bias * rng.standard_normal(3)
        self._layout = m.imu(spec)
        self.delay_steps = cfg.delay_steps

    def read(self) -> Record | None:
        """Return an ``imu`` record, None if it is lost."""
        record, cfg = m.blank(self._layout), self._cfg
        noise = self._rng.standard_normal((2, 3))  # drawn in any case: what comes is the same, however much is lost
        if self._rng.random() < cfg.dropout:
            return None
        record["gyro"] = self._data.sensordata[self._gyro] + self._gyro_bias + cfg.gyro_noise * noise[0]
        force = self._data.sensordata[self._accelerometer] + self._accelerometer_bias
        record["accelerometer"] = force + cfg.accelerometer_noise * noise[1]
        return record


class Touch:
    """Normal force on each pad."""

    def __init__(
        self, spec: RobotSpec, touch: TouchSpec, model: mujoco.MjModel, data: mujoco.MjData, cfg: TouchCfg, *,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Find the pads. Raises ConfigError if the model has no touch sensor of a pad's name."""
        self._address = [_touch_address(model, pad) for pad in touch.pads]
        self._data, self._cfg, self._rng = data, cfg, rng
        self._layout = m.touch(spec)
        self.delay_steps = cfg.delay_steps

    def read(self) -> Record:
        """Return a ``touch`` record."""
        record, cfg = m.blank(self._layout), self._cfg
        n = len(self._address)
        force = self._data.sensordata[self._address] + cfg.noise * self._rng.standard_normal(n)
        force = np.clip(np.round(force / cfg.resolution) * cfg.resolution, 0.0, cfg.force_max)
        force[self._rng.random(n) < cfg.dropout] = math.nan
        record["force"] = force
        return record


class Lidar:
    """Ranges over the full turn, past the robot's own body."""

    _OWN_GROUP = 5
    """Geom group that the robot's own geoms are in while rays are cast (MuJoCo has 0 to 5), so as to be left out."""

    def __init__(
        self, spec: RobotSpec, lidar: LidarSpec, model: mujoco.MjModel, data: mujoco.MjData, cfg: LidarCfg, *,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Find the site ``lidar.name`` and the robot's own geoms.

        Raises:
            ConfigError: The model has no such site.
        """
        self._site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, lidar.name)
        if self._site < 0:
            raise ConfigError(f"lidar: got no site {lidar.name!r} in the model, allowed: a site of the sensor's name")
        self._model, self._data, self._cfg, self._rng = model, data, cfg, rng
        roots = {int(model.body_rootid[model.joint(name).bodyid[0]]) for name in spec.joint_names}
        own = np.isin(model.body_rootid[model.geom_bodyid], sorted(roots))
        self._drawn_groups = np.array(model.geom_group)
        self._ray_groups = np.where(own, self._OWN_GROUP, self._drawn_groups)
        self._groups = np.array([1, 1, 1, 0, 0, 0], np.uint8)  # what MuJoCo draws; 3 and up are hidden shapes
        angle = 2.0 * math.pi * np.arange(lidar.n_rays) / lidar.n_rays
        self._rays_L = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        self._range_max = lidar.range_max
        self._distance = np.zeros(lidar.n_rays)
        self._geom = np.zeros(lidar.n_rays, np.int32)
        self._layout = m.lidar(spec)
        self.delay_steps = round(cfg.delay_s * spec.encoder.rate_hz)

    def read(self) -> Record:
        """Return a ``lidar`` record; ``data`` must hold the kinematics of this instant."""
        record, cfg, n = m.blank(self._layout), self._cfg, len(self._distance)
        R_WL = self._data.site_xmat[self._site].reshape(3, 3)
        rays = np.ascontiguousarray((self._rays_L @ R_WL.T).reshape(-1))
        self._model.geom_group[:] = self._ray_groups
        mujoco.mj_multiRay(
            self._model, self._data, self._data.site_xpos[self._site], rays, self._groups, True, -1, self._geom,
            self._distance, None, n, self._range_max,
        )  # fmt: skip
        self._model.geom_group[:] = self._drawn_groups
        seen = self._distance + cfg.noise * self._rng.standard_normal(n)
        is_lost = self._rng.random(n) < cfg.dropout
        is_lost |= (self._geom < 0) | (seen < cfg.range_min) | (seen > self._range_max)
        record["range"] = np.where(is_lost, math.nan, seen)
        return record


def _find_sensor(model: mujoco.MjModel, kind: mujoco.mjtSensor, what: str) -> slice:
    found = np.flatnonzero(np.asarray(model.sensor_type) == int(kind))
    if len(found) != 1:
        raise ConfigError(f"imu: got {len(found)} sensors of kind {what!r} in the model, allowed: exactly one")
    start = int(model.sensor_adr[found[0]])
    return slice(start, start + 3)


def _touch_address(model: mujoco.MjModel, pad: str) -> int:
    k = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SENSOR, pad)
    if k < 0 or int(model.sensor_type[k]) != mujoco.mjtSensor.mjSENS_TOUCH:
        raise ConfigError(f"touch pad {pad!r}: the model has no touch sensor of that name")
    return int(model.sensor_adr[k])
