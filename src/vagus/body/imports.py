"""Joints and limits out of an MJCF or URDF file: what the file holds is taken, what it does not must be given.

MJCF holds joints, ranges, actuators and their force ranges; it knows no speed or acceleration limits. URDF holds
joints, ranges, effort and velocity limits; it knows no actuators, so they are added here. Neither knows groups, anatomy
or sensors: a robot file adds those to the ``RobotSpec`` that it makes of the result, and ``vagus check`` says what is
still missing.

**Gains of added actuators.** Position: full effort at an error of 0.1 rad or 0.02 m, so kp = effort_max / 0.1,
critically damped: kv = 2 sqrt(kp I). Velocity: full effort at an error of a tenth of speed_max. I is the joint's own
inertia at zero, raised by armature where a loop faster than 100 rad/s would outrun the physics' step (2 ms).
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import mujoco
import numpy as np

from vagus.core.errors import ConfigError
from vagus.core.fields import check_types
from vagus.core.robot import JointSpec

Limit = float | Mapping[str, float] | None
"""One number for every joint, or joint → number, or None: not given."""

_FULL_EFFORT_ERROR = {"rad": 0.1, "m": 0.02}
_BANDWIDTH_MAX = 100.0
"""Fastest loop that added gains make [rad/s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCfg:
    """What the file does not say, and choices that are not its own. A limit given here wins over the file's."""

    speed_max: Limit = None
    """[rad/s or m/s]; MJCF has none, URDF has <limit velocity>."""
    acceleration_max: Limit = None
    """[rad/s^2 or m/s^2]; neither format has it."""
    effort_max: Limit = None
    """[N m or N]; MJCF has forcerange, URDF has <limit effort>."""
    following_error_max: Limit = None
    """[rad or m; per second for velocity joints]; neither format has it; not given: not guarded."""
    position_range: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """Joint → least and largest position [rad or m]: for joints without a range, or with one that is not meant."""
    velocity_joints: tuple[str, ...] = ()
    """URDF: joints driven by velocity (wheels). MJCF says it by its actuators."""
    sites: Mapping[str, str] = field(default_factory=dict[str, str])
    """Site to add → body (URDF: link) in whose origin it stands: tips, 'lidar', 'imu' (which also gets its sensors)."""
    is_mobile: bool = False
    """Let the root move freely: give its body a freejoint, unless it has one."""

    def __post_init__(self) -> None:
        check_types(self, "ImportCfg")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came of a model file: the joints for a ``RobotSpec``, and the model for a ``Robot``."""

    joints: tuple[JointSpec, ...]
    model: Callable[[], mujoco.MjSpec]
    """Builds a fresh copy of the model; actuators carry their joints' names."""


@dataclass(slots=True)
class _Found:
    """What a file says of one joint; None where it says nothing."""

    mode: Literal["position", "velocity"]
    unit: Literal["rad", "m"]
    span: tuple[float, float] | None
    speed_max: float | None
    effort_max: float | None


def spec_from_model(source: Path | mujoco.MjSpec, cfg: ImportCfg) -> Imported:
    """Import a model by what it is: a ``mujoco.MjSpec`` or a .xml or .mjcf file as MJCF, a .urdf file as URDF.

    Raises:
        ConfigError: The file is missing or broken, or lacks what ``cfg`` does not give: named joint by joint.
    """
    if isinstance(source, mujoco.MjSpec) or source.suffix in (".xml", ".mjcf"):
        return from_mjcf(source, cfg)
    if source.suffix == ".urdf":
        return from_urdf(source, cfg)
    raise ConfigError(f"model file {source}: got {source.suffix or 'no suffix'!r}, allowed: .xml, .mjcf, .urdf")


def from_mjcf(source: Path | mujoco.MjSpec, cfg: ImportCfg) -> Imported:
    """Import an MJCF model: every joint that an actuator drives becomes a joint of the spec, in the actuators' order.

    Raises:
        ConfigError: See ``spec_from_model``; also an actuator that is no plain position or velocity servo of one joint.
    """
    where = "model" if isinstance(source, mujoco.MjSpec) else f"model file {source}"
    parts = source.copy() if isinstance(source, mujoco.MjSpec) else _parse(source)
    model = _compile(parts, where)
    found: dict[str, _Found] = {}
    wrong: list[str] = []
    for k, actuator in enumerate(parts.actuators):
        joint, kind = actuator.target, servo_kind(actuator)
        if actuator.trntype != mujoco.mjtTrn.mjTRN_JOINT or kind is None or actuator.gear[0] != 1.0 or joint in found:
            label = actuator.name or f"number {k}"
            wrong.append(f"actuator {label!r} is no position or velocity servo of gear 1, alone on its joint")
            continue
        actuator.name = joint
        limit = float(model.actuator_forcerange[k][1]) or float(parts.joint(joint).actfrcrange[1])
        found[joint] = _Found(kind, _unit(model, joint), _span(model, joint), None, limit or None)
    _refuse(where, wrong)
    if not found:
        raise ConfigError(
            f"{where}: got no actuator, allowed: a <position> or <velocity> actuator for every joint to move"
        )
    return _finish(where, parts, found, cfg)


def from_urdf(path: Path, cfg: ImportCfg) -> Imported:
    """Import a URDF file: every joint that moves and mimics no other becomes a joint of the spec, and gets an actuator.

    Links stay bodies of their own (fixed ones are not fused), so that sites can stand on them.

    Raises:
        ConfigError: See ``spec_from_model``; also floating or planar joints.
    """
    where = f"model file {path}"
    parts = _parse(path)
    found: dict[str, _Found] = {}
    wrong: list[str] = []
    for joint in ET.parse(path).getroot().findall("joint"):  # <transmission>, <ros2_control> have others inside
        name, kind = joint.get("name", ""), joint.get("type", "")
        if kind == "fixed" or joint.find("mimic") is not None:
            continue
        if kind not in ("revolute", "continuous", "prismatic"):
            wrong.append(f"joint {name!r} is {kind or 'of no type'}, allowed: revolute, continuous, prismatic, fixed")
            continue
        try:
            found[name] = _urdf_joint(joint, is_velocity=name in cfg.velocity_joints)
        except ConfigError as exc:
            wrong.append(str(exc))
    unknown = [repr(name) for name in cfg.velocity_joints if name not in found]
    if unknown:
        wrong.append(f"velocity_joints {', '.join(unknown)} are not among its joints {list(found)}")
    _refuse(where, wrong)
    if not found:
        raise ConfigError(
            f"{where}: got no joint that moves, allowed: <robot> with revolute, continuous or prismatic joints"
        )
    parts.compiler.fusestatic = False
    imported = _finish(where, parts, found, cfg)
    _add_actuators(parts, _compile(parts, where), imported.joints)
    _compile(parts, where)
    return imported


def _parse(path: Path) -> mujoco.MjSpec:
    if not path.is_file():
        here = sorted(p.name for p in path.parent.glob("*") if p.suffix in (".xml", ".mjcf", ".urdf"))
        raise ConfigError(f"model file {path}: there is no such file; in {path.parent}: {', '.join(here) or 'none'}")
    try:
        if path.suffix != ".mjcf":
            return mujoco.MjSpec.from_file(str(path))
        parts = mujoco.MjSpec.from_string(path.read_text())  # MuJoCo itself knows no such suffix
        parts.modelfiledir = str(path.parent)
        return parts
    except ValueError as exc:
        raise ConfigError(f"model file {path}: {' '.join(str(exc).split())}") from exc


def _compile(parts: mujoco.MjSpec, where: str) -> mujoco.MjModel:
    try:
        return parts.compile()
    except ValueError as exc:
        raise ConfigError(f"{where}: MuJoCo cannot compile it: {' '.join(str(exc).split())}") from exc


def _refuse(where: str, wrong: list[str]) -> None:
    if wrong:
        raise ConfigError(f"{where}: " + "; ".join(wrong))


def servo_kind(actuator: mujoco.MjsActuator) -> Literal["position", "velocity"] | None:
    """Tell MuJoCo's <position> and <velocity> actuators by their gain and bias; None for every other one."""
    gain, bias = float(actuator.gainprm[0]), [float(x) for x in actuator.biasprm[:3]]
    is_affine = actuator.biastype == mujoco.mjtBias.mjBIAS_AFFINE and actuator.dyntype == mujoco.mjtDyn.mjDYN_NONE
    if is_affine and gain > 0.0 and bias[1] == -gain:
        return "position"
    return "velocity" if is_affine and gain > 0.0 and bias[1] == 0.0 and bias[2] == -gain else None


def _unit(model: mujoco.MjModel, joint: str) -> Literal["rad", "m"]:
    return "m" if model.joint(joint).type[0] == mujoco.mjtJoint.mjJNT_SLIDE else "rad"


def _span(model: mujoco.MjModel, joint: str) -> tuple[float, float] | None:
    """Return the range from the compiled model, where it is in radians whatever unit the file uses."""
    found = model.joint(joint)
    return (float(found.range[0]), float(found.range[1])) if found.limited[0] else None


def _urdf_joint(joint: ET.Element, *, is_velocity: bool) -> _Found:
    limit = joint.find("limit")

    def number(key: str) -> float | None:
        text = None if limit is None else limit.get(key)
        try:
            return None if text is None else float(text)
        except ValueError as exc:
            raise ConfigError(f"joint {joint.get('name')!r} <limit {key}>: got {text!r}, allowed: a number") from exc

    low, high = number("lower"), number("upper")
    has_span = joint.get("type") != "continuous" and limit is not None
    return _Found(
        mode="velocity" if is_velocity else "position",
        unit="m" if joint.get("type") == "prismatic" else "rad",
        span=(low or 0.0, high or 0.0) if has_span else None,  # URDF: a limit that is left out is 0
        speed_max=number("velocity"),
        effort_max=number("effort"),
    )


def _finish(where: str, parts: mujoco.MjSpec, found: Mapping[str, _Found], cfg: ImportCfg) -> Imported:
    """Join what the file says with what was given; say of every joint what neither has."""
    joints: list[JointSpec] = []
    lacks: list[str] = []
    for name, said in found.items():
        span = cfg.position_range.get(name, said.span)
        limits = {
            "speed_max": _given(cfg.speed_max, name, said.speed_max),
            "acceleration_max": _given(cfg.acceleration_max, name, None),
            "effort_max": _given(cfg.effort_max, name, said.effort_max),
        }
        missing = [key for key, value in limits.items() if value is None]
        if said.mode == "position" and span is None:
            missing.append("a range (position_range, or if it is a wheel, velocity_joints)")
        if missing:
            lacks.append(f"joint {name!r} lacks {', '.join(missing)}")
            continue
        error = _given(cfg.following_error_max, name, math.inf)
        span = span if said.mode == "position" and span else (-math.inf, math.inf)
        try:
            joints.append(
                JointSpec(
                    name=name,
                    mode=said.mode,
                    unit=said.unit,
                    position_min=span[0],
                    position_max=span[1],
                    home=min(max(0.0, span[0]), span[1]),
                    following_error_max=math.inf if error is None else error,
                    **{key: value for key, value in limits.items() if value is not None},
                )
            )
        except ConfigError as exc:
            lacks.append(str(exc))
    _refuse(where, lacks + _strangers(cfg, found))
    _set_ranges(parts, [joint for joint in joints if joint.name in cfg.position_range])
    _add_sites(where, parts, cfg)
    _compile(parts, where)
    return Imported(joints=tuple(joints), model=parts.copy)


def _given(limit: Limit, name: str, said: float | None) -> float | None:
    if isinstance(limit, Mapping):
        return limit.get(name, said)
    return said if limit is None else limit


def _strangers(cfg: ImportCfg, found: Mapping[str, _Found]) -> list[str]:
    given = (cfg.speed_max, cfg.acceleration_max, cfg.effort_max, cfg.following_error_max, cfg.position_range)
    names = {name for limit in given if isinstance(limit, Mapping) for name in limit} - set(found)
    return [f"limits are given for {sorted(names)}, which are not among its joints {list(found)}"] if names else []


def _set_ranges(parts: mujoco.MjSpec, joints: list[JointSpec]) -> None:
    """Limit joints of the model as the spec's are."""
    for spec in joints:
        if spec.mode == "position":
            joint = parts.joint(spec.name)
            is_in_degrees = spec.unit == "rad" and bool(parts.compiler.degree)
            span = np.array([spec.position_min, spec.position_max])
            joint.range[:] = np.degrees(span) if is_in_degrees else span
            joint.limited = mujoco.mjtLimited.mjLIMITED_TRUE


def _add_sites(where: str, parts: mujoco.MjSpec, cfg: ImportCfg) -> None:
    bodies = {body.name: body for body in parts.bodies}
    wrong = [f"site {site!r} on {body!r}" for site, body in cfg.sites.items() if body not in bodies]
    if wrong:
        raise ConfigError(f"{where}: got {', '.join(wrong)}, allowed: a site on one of {list(bodies)}")
    for site, body in cfg.sites.items():
        bodies[body].add_site(name=site, group=4)
    if "imu" in cfg.sites:
        kinds = (("gyro", mujoco.mjtSensor.mjSENS_GYRO), ("accelerometer", mujoco.mjtSensor.mjSENS_ACCELEROMETER))
        for name, kind in kinds:
            parts.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="imu")
    roots = parts.worldbody.bodies
    if cfg.is_mobile and len(roots) != 1:
        raise ConfigError(f"{where}: got {len(roots)} roots {[b.name for b in roots]}, allowed: one, to move freely")
    if cfg.is_mobile and not any(j.type == mujoco.mjtJoint.mjJNT_FREE for j in roots[0].joints):
        roots[0].add_freejoint()


def _add_actuators(parts: mujoco.MjSpec, model: mujoco.MjModel, joints: tuple[JointSpec, ...]) -> None:
    for spec in joints:
        joint = parts.joint(spec.name)
        inertia = float(model.dof_M0[model.joint(spec.name).dofadr[0]])
        actuator = parts.add_actuator(name=spec.name, target=spec.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if spec.mode == "position":
            kp = spec.effort_max / _FULL_EFFORT_ERROR[spec.unit]
            needed = kp / _BANDWIDTH_MAX**2
            actuator.set_to_position(kp=kp, kv=2.0 * math.sqrt(kp * max(inertia, needed)))
        else:
            kv = spec.effort_max / (0.1 * spec.speed_max)
            needed = kv / _BANDWIDTH_MAX
            actuator.set_to_velocity(kv=kv)
        joint.armature += max(0.0, needed - inertia)
        actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
        actuator.forcerange[:] = [-spec.effort_max, spec.effort_max]
