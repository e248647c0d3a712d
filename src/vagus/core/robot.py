"""What a robot is: its joints, groups, sensors and anatomy, as plain data that every room reads.

SI units, radians. No I/O; a robot file builds these, ``vagus check`` explains what one lacks.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.fields import check_types

OnEstop = Literal["brake", "off", "hold"]
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a name must be to name a file too: robots name their run directory, cameras their stream's ring."""
FILE_NAME_ALLOWED = "letters, digits, '_', '.', '-', at most 64, the first a letter or digit"


def _require(ok: bool, what: str, got: object, allowed: str) -> None:
    if not ok:
        raise ConfigError(f"{what}: got {got!r}, allowed: {allowed}")


def _is_positive(x: float) -> bool:
    return 0.0 < x < math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class JointSpec:
    """One actuated joint and the limits the gate holds it to."""

    name: str
    mode: Literal["position", "velocity"] = "position"
    """What a command means: a position [rad or m], or a velocity [rad/s or m/s] (wheels)."""
    unit: Literal["rad", "m"] = "rad"
    position_min: float = -math.inf
    """Lower limit [unit]; must be finite for position joints."""
    position_max: float = math.inf
    """Upper limit [unit]; must be finite for position joints."""
    speed_max: float
    """Largest speed [unit/s], > 0."""
    acceleration_max: float
    """Largest acceleration, braking included [unit/s^2], > 0."""
    effort_max: float
    """Largest motor torque [N m] or force [N], > 0."""
    following_error_max: float = math.inf
    """Largest distance between command and measurement before the gate stops the group [unit; unit/s for velocity]."""
    home: float = 0.0
    """Where ``go home`` takes it [unit]."""

    def __post_init__(self) -> None:
        where = f"joint {self.name!r}"
        check_types(self, where)
        _require(bool(self.name), "joint name", self.name, "a non-empty string")
        for key in ("speed_max", "acceleration_max", "effort_max"):
            value = getattr(self, key)
            _require(_is_positive(value), f"{where} {key}", value, "a finite number > 0")
        _require(self.following_error_max > 0.0, f"{where} following_error_max", self.following_error_max, "> 0")
        if self.mode == "position":
            span = (self.position_min, self.position_max)
            ok = math.isfinite(span[0]) and math.isfinite(span[1]) and span[0] < span[1]
            _require(ok, f"{where} position_min, position_max", span, "finite, min < max")
            _require(span[0] <= self.home <= span[1], f"{where} home", self.home, f"within {span}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSpec:
    """Joints that are leased, stopped and trusted together."""

    name: str
    joints: tuple[str, ...]
    on_estop: OnEstop = "brake"
    """After an emergency stop is at rest: engage the brakes, cut the torque, or hold with force (a gripper)."""

    def __post_init__(self) -> None:
        check_types(self, f"group {self.name!r}")
        _require(bool(self.name), "group name", self.name, "a non-empty string")
        _require(bool(self.joints), f"group {self.name!r} joints", self.joints, "at least one joint name")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorSpec:
    """A sensor without an image: its name, rate and the oldest reading still worth acting on."""

    name: str
    """By which ages and budgets know it. Streams have names of their own: joint_state, imu, touch, lidar."""
    rate_hz: float
    max_age_s: float

    def __post_init__(self) -> None:
        check_types(self, f"sensor {self.name!r}")
        _require(bool(self.name), "sensor name", self.name, "a non-empty string")
        _require(_is_positive(self.rate_hz), f"sensor {self.name!r} rate_hz", self.rate_hz, "a finite number > 0")
        _require(
            _is_positive(self.max_age_s) and self.max_age_s >= 1.0 / self.rate_hz,
            f"sensor {self.name!r} max_age_s", self.max_age_s, f"finite, at least one period (1/{self.rate_hz:g} s)",
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraSpec(SensorSpec):
    """An RGB-D camera: colour and depth registered, looking along its frame's +z, x right, y down (optical frame).

    Its name is its stream's, too.
    """

    width: int = 320
    height: int = 240
    fovy: float = math.radians(58.0)
    """Vertical field of view [rad]."""

    def __post_init__(self) -> None:
        SensorSpec.__post_init__(self)  # super() does not know a class with slots
        _require(bool(FILE_NAME.fullmatch(self.name)), "camera name", self.name, FILE_NAME_ALLOWED)
        for key in ("width", "height"):
            value = getattr(self, key)
            _require(value >= 1, f"camera {self.name!r} {key}", value, "at least 1 px")
        _require(0.0 < self.fovy < math.pi, f"camera {self.name!r} fovy", self.fovy, "above 0, below pi rad")

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy [px] of the pinhole model, square pixels, centre of the image."""
        f = 0.5 * self.height / math.tan(0.5 * self.fovy)
        return f, f, 0.5 * (self.width - 1), 0.5 * (self.height - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LidarSpec(SensorSpec):
    """A planar lidar: ``n_rays`` over the full turn, ray i at angle 2 pi i / n_rays from its frame's +x, about +z."""

    n_rays: int = 360
    range_max: float = 12.0
    """Largest range [m]."""

    def __post_init__(self) -> None:
        SensorSpec.__post_init__(self)
        _require(self.n_rays >= 1, f"lidar {self.name!r} n_rays", self.n_rays, "at least 1")
        _require(_is_positive(self.range_max), f"lidar {self.name!r} range_max", self.range_max, "a finite number > 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchSpec(SensorSpec):
    """Touch pads that measure normal force [N], in this order."""

    pads: tuple[str, ...]

    def __post_init__(self) -> None:
        SensorSpec.__post_init__(self)
        ok = bool(self.pads) and len(set(self.pads)) == len(self.pads)
        _require(ok, f"sensor {self.name!r} pads", self.pads, "at least one name, none twice")


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseSpec:
    """A differential-drive base: two wheel joints and where they stand."""

    left: str
    right: str
    radius: float
    """Wheel radius [m]."""
    track: float
    """Distance between the wheels' contact points [m]."""
    body: str = "base"
    """Body of the model that carries the base frame: x forward, z up."""

    def __post_init__(self) -> None:
        check_types(self, "base")
        for key in ("radius", "track"):
            value = getattr(self, key)
            _require(_is_positive(value), f"base {key}", value, "a finite number > 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmSpec:
    """An arm: its joints from shoulder to wrist, the site it moves, and its gripper."""

    name: str
    """What people call it: 'left', 'right', 'arm'."""
    joints: tuple[str, ...]
    tip: str
    """Site of the model: between the fingers, z out of the hand, y along the fingers' closing direction."""
    gripper: str | None = None
    """Gripper joint: position_min closed, position_max open."""
    opening: float | None = None
    """How far apart the fingers are at position_max [m], and in proportion before; without it and ``widths`` it grasps
    nothing."""
    widths: tuple[tuple[float, float], ...] = ()
    """In its place, for a gripper that is not in proportion, as with a jaw that turns: positions of the gripper's joint
    [unit] and how far apart the fingers are there [m], both rising, from closed to as far open as is of use."""
    has_fixed_finger: bool = False
    """One finger stands still, and the tip is on its face; the other one comes towards it, from the tip's +y."""
    pads: tuple[str, ...] = ()
    """The touch pads on its fingers."""
    tucked: tuple[float, ...] = ()
    """Where its joints are while the robot drives up to something: the hand close to the body; none: their home."""

    @property
    def can_grasp(self) -> bool:
        """It has a gripper, and how far that opens is known."""
        return self.gripper is not None and (self.opening is not None or bool(self.widths))

    @property
    def fingers(self) -> tuple[str, ...]:
        """The gripper's joint, if there is one."""
        return () if self.gripper is None else (self.gripper,)

    def __post_init__(self) -> None:
        check_types(self, f"arm {self.name!r}")
        _require(bool(self.joints), f"arm {self.name!r} joints", self.joints, "at least one joint name")
        _require(len(self.tucked) in (0, len(self.joints)), f"arm {self.name!r} tucked", self.tucked,
                 f"none, or one position for each of {self.joints}")  # fmt: skip
        if self.opening is not None:
            _require(_is_positive(self.opening), f"arm {self.name!r} opening", self.opening, "a finite number > 0 [m]")
            _require(
                not self.widths, f"arm {self.name!r} opening and widths", (self.opening, self.widths), "one of them"
            )
        if self.widths:
            table = np.array(self.widths)
            is_rising = len(table) > 1 and bool(np.isfinite(table).all() and (np.diff(table, axis=0) > 0.0).all())
            _require(is_rising and table[0, 1] >= 0.0, f"arm {self.name!r} widths", self.widths,
                     "at least two pairs (position, width >= 0 [m]), both rising")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class NeckSpec:
    """A head that turns: yaw and pitch joints and the camera it carries."""

    yaw: str
    pitch: str
    camera: str | None = None

    def __post_init__(self) -> None:
        check_types(self, "neck")


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceSpec:
    """Which joints each facial action unit (FACS number) moves, and by how much at intensity 1.

    Source of the units: Ekman, Friesen, Hager, "Facial Action Coding System", 2002.
    """

    action_units: dict[int, dict[str, float]]
    """Action unit → {joint: displacement from home at intensity 1 [rad or m]}."""

    def __post_init__(self) -> None:
        check_types(self, "face")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceSpec:
    """The upright box that the limbs stay in, in the frame of the model of the robot alone, floor at z = 0 [m].

    A base that drives takes its box along.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def __post_init__(self) -> None:
        check_types(self, "workspace")
        is_box = all(-math.inf < a < b < math.inf for a, b in zip(self.low, self.high, strict=True))
        _require(is_box, "workspace low, high", (self.low, self.high), "finite, low < high along each axis")


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotSpec:
    """One robot, fully described: what the loop, the gate, the page and the skills need to know of it."""

    name: str
    """Names its run directory, too."""
    joints: tuple[JointSpec, ...]
    groups: tuple[GroupSpec, ...]
    encoder: SensorSpec = field(default_factory=lambda: SensorSpec(name="encoder", rate_hz=500.0, max_age_s=0.008))
    imu: SensorSpec | None = None
    touch: TouchSpec | None = None
    lidar: LidarSpec | None = None
    cameras: tuple[CameraSpec, ...] = ()
    base: BaseSpec | None = None
    arms: tuple[ArmSpec, ...] = ()
    neck: NeckSpec | None = None
    face: FaceSpec | None = None
    workspace: WorkspaceSpec | None = None
    """Where the limbs may be, besides above the floor; None: anywhere."""
    reflex_hz: float = 500.0
    watchdog_s: float = 0.020
    """The motors brake by themselves when no command came for this long [s]."""
    stopping_distance_m: float = 0.5
    """Declared: farthest any point of the robot travels from the start of braking to rest [m]."""

    def __post_init__(self) -> None:
        check_types(self, f"robot {self.name!r}")
        _require(bool(FILE_NAME.fullmatch(self.name)), "robot name", self.name, FILE_NAME_ALLOWED)
        names = [j.name for j in self.joints]
        _require(bool(names), f"robot {self.name!r} joints", names, "at least one joint")
        _require(len(set(names)) == len(names), "joint names", names, "no name twice")
        _require(len({s.name for s in self.sensors}) == len(self.sensors), "sensor names",
                 [s.name for s in self.sensors], "no name twice")  # fmt: skip
        group_names = [g.name for g in self.groups]
        _require(len(set(group_names)) == len(group_names), "group names", group_names, "no name twice")
        for key in ("reflex_hz", "watchdog_s", "stopping_distance_m"):
            value = getattr(self, key)
            _require(_is_positive(value), f"robot {self.name!r} {key}", value, "a finite number > 0")
        grouped = [j for g in self.groups for j in g.joints]
        _require(sorted(grouped) == sorted(names), f"robot {self.name!r} groups hold", sorted(grouped),
                 f"every joint exactly once: {sorted(names)}")  # fmt: skip
        _require(len(self.groups) <= 32, "number of groups", len(self.groups), "at most 32 (a lease mask has 32 bits)")
        for where, joint in self._named_joints():
            _require(joint in names, where, joint, f"one of {names}")
        pads = self.touch.pads if self.touch else ()
        for arm in self.arms:
            for pad in arm.pads:
                _require(pad in pads, f"arm {arm.name!r} pads", pad, f"one of {pads}")
        if self.neck and self.neck.camera is not None:
            cameras = [cam.name for cam in self.cameras]
            _require(self.neck.camera in cameras, "neck.camera", self.neck.camera, f"one of {cameras}")

    def _named_joints(self) -> Iterable[tuple[str, str]]:
        if self.base:
            yield from (("base.left", self.base.left), ("base.right", self.base.right))
        for arm in self.arms:
            yield from ((f"arm {arm.name!r} joints", j) for j in arm.joints)
            if arm.gripper:
                yield f"arm {arm.name!r} gripper", arm.gripper
        if self.neck:
            yield from (("neck.yaw", self.neck.yaw), ("neck.pitch", self.neck.pitch))
        if self.face:
            yield from ((f"face AU{au}", j) for au, move in self.face.action_units.items() for j in move)

    @property
    def eye(self) -> CameraSpec | None:
        """The camera that perception looks through: the neck's, else the first."""
        of_neck = self.neck.camera if self.neck else None
        return next((cam for cam in self.cameras if cam.name == of_neck), self.cameras[0] if self.cameras else None)

    @property
    def n_joints(self) -> int:
        return len(self.joints)

    @property
    def joint_names(self) -> tuple[str, ...]:
        return tuple(j.name for j in self.joints)

    @property
    def sensors(self) -> tuple[SensorSpec, ...]:
        """All sensors, in the order of the slots of ``origin_ns``."""
        some = (self.encoder, self.imu, self.touch, self.lidar)
        return tuple(s for s in some if s is not None) + self.cameras

    def sensor_index(self, name: str) -> int:
        """Return the slot of a sensor in ``origin_ns``. Raises ConfigError naming the sensors there are."""
        names = [s.name for s in self.sensors]
        _require(name in names, "sensor", name, f"one of {names}")
        return names.index(name)

    def joint_index(self, name: str) -> int:
        """Return the index of a joint. Raises ConfigError naming the joints there are."""
        _require(name in self.joint_names, "joint", name, f"one of {self.joint_names}")
        return self.joint_names.index(name)

    def group_index(self, name: str) -> int:
        """Return the index of a group. Raises ConfigError naming the groups there are."""
        names = [g.name for g in self.groups]
        _require(name in names, "group", name, f"one of {names}")
        return names.index(name)

    def group_of_joint(self) -> NDArray[np.intp]:
        """Return the group index of every joint, shape (n_joints,)."""
        index = {j: i for i, g in enumerate(self.groups) for j in g.joints}
        return np.array([index[j.name] for j in self.joints], np.intp)

    def group_mask(self, joints: Iterable[str]) -> int:
        """Return the bit mask of the groups that hold these joints (bit i is group i)."""
        group = self.group_of_joint()
        return int(np.bitwise_or.reduce([1 << int(group[self.joint_index(j)]) for j in joints] or [0]))

    def array(self, key: str) -> NDArray[np.float64]:
        """Return one numeric field of ``JointSpec`` over all joints, shape (n_joints,)."""
        return np.array([getattr(j, key) for j in self.joints], np.float64)

    def max_age_ns(self) -> NDArray[np.int64]:
        """Return the oldest age worth acting on, per sensor [ns], shape (n_sensors,)."""
        return np.array([round(s.max_age_s * 1e9) for s in self.sensors], np.int64)
