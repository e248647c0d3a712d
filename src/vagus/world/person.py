"""A simple person, 1.7 m tall, from primitives, moved as mocap: stands, walks near, or holds out a hand.

Poses are a pure function of behaviour, time and the person's figures; nothing here steps or reads a clock. The walk is
for being seen, measured and bumped into: feet do not keep their place on the floor exactly.
"""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.person import BEHAVIOURS, Behaviour, check_behaviour
from vagus.world.geoms import (
    ALONG_Y,
    BOX,
    CAPSULE,
    ELLIPSOID,
    OBJECT,
    PERSON,
    ROBOT,
    SPHERE,
    STATIC,
    Look,
    Rgba,
    add,
    add_bar,
)

__all__ = ["BEHAVIOURS", "HAND", "PARTS", "SPEED_MAX", "Behaviour", "PersonCfg", "add_person", "palm_of", "person_pose",
           "sample_person"]  # fmt: skip

PARTS = (
    "person_torso",
    "person_head",
    "person_upper_arm_left",
    "person_upper_arm_right",
    "person_forearm_left",
    "person_forearm_right",
    "person_thigh_left",
    "person_thigh_right",
    "person_shin_left",
    "person_shin_right",
)
"""The mocap bodies, in the order of the rows of ``person_pose``."""
SPEED_MAX = 1.2
"""Fastest walk [m/s]: a relaxed indoor pace."""

# Lengths [m] of a 1.7 m adult. Source: Drillis and Contini, "Body segment parameters", 1966 (fractions of height).
_THIGH, _SHIN, _ANKLE = 0.415, 0.40, 0.07
_HIP_Y, _SHOULDER_Y = 0.095, 0.185
_HIP_TO_SHOULDER, _HIP_TO_HEAD = 0.50, 0.70
_UPPER_ARM = 0.30
_FOREARM = 0.25
_STRIDE_S = 1.1
"""Two steps take this long [s]."""
_REACH_S = 1.5
"""The hand comes out this slowly [s]."""
HAND = "person_forearm_right"
"""The part whose hand is held out."""
_PALM = (0.020, 0.0, -_FOREARM - 0.08)
"""Middle of the palm's face in the frame of that part [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonCfg:
    """Where a person is and how they move."""

    x: float = 0.0
    """Where they stand, and the middle of where they walk [m]."""
    y: float = 0.0
    """[m]"""
    yaw: float = 0.0
    """Where they face while standing [rad]."""
    walk_length: float = 2.4
    """They walk round an ellipse this long [m],"""
    walk_width: float = 0.7
    """this wide [m],"""
    walk_yaw: float = 0.0
    """lying along this direction [rad],"""
    speed_max: float = 0.8
    """at most this fast [m/s], <= 1.2."""
    phase: float = 0.0
    """Where on the ellipse they start, and at which point of a breath [rad]."""
    skin: Rgba = (0.87, 0.67, 0.53, 1.0)
    shirt: Rgba = (0.35, 0.47, 0.62, 1.0)

    def __post_init__(self) -> None:
        if not 0.0 < self.speed_max <= SPEED_MAX:
            raise ConfigError(f"speed_max: got {self.speed_max}, allowed: > 0 and <= {SPEED_MAX} [m/s]")
        if not 0.0 < self.walk_width <= self.walk_length < math.inf:
            got = (self.walk_width, self.walk_length)
            raise ConfigError(f"walk_width, walk_length: got {got}, allowed: 0 < width <= length [m]")


def person_pose(behaviour: Behaviour, t_s: float, cfg: PersonCfg) -> NDArray[np.float64]:
    """Return where every part of the person is after ``t_s`` seconds of a behaviour, shape (10, 7).

    Rows follow ``PARTS``: position [m] and quaternion (wxyz) in the world, smooth in time.

    Raises:
        ConfigError: No such behaviour.
    """
    check_behaviour(behaviour)
    breath = math.sin(2 * math.pi * 0.25 * t_s + cfg.phase)  # 15 breaths a minute
    if behaviour == "walks_near":
        return _walking(t_s, cfg)
    reach = 0.0
    if behaviour == "holds_out_a_hand":
        s = min(max(t_s / _REACH_S, 0.0), 1.0)
        reach = s * s * s * (10.0 - 15.0 * s + 6.0 * s * s)  # minimum jerk; Flash and Hogan, 1985
    sway = 0.010 * breath
    arms = ((sway, 0.15 + sway), (0.45 * reach + sway, 0.15 + 0.97 * reach + sway))
    return _assemble((cfg.x, cfg.y, cfg.yaw), 0.006 * breath, arms, ((0.0, 0.0), (0.0, 0.0)))


def palm_of(position: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of the palm's face (3,) [m] when the part ``HAND`` is at a position (3,), turned so (3, 3)."""
    return position + rotation @ np.array(_PALM)


def _walking(t_s: float, cfg: PersonCfg) -> NDArray[np.float64]:
    a, b = cfg.walk_length / 2, cfg.walk_width / 2
    w = cfg.speed_max / a
    phi = cfg.phase + w * t_s
    px, py = a * math.cos(phi), b * math.sin(phi)
    vx, vy = -a * w * math.sin(phi), b * w * math.cos(phi)
    c, s = math.cos(cfg.walk_yaw), math.sin(cfg.walk_yaw)
    place = (cfg.x + c * px - s * py, cfg.y + s * px + c * py, cfg.walk_yaw + math.atan2(vy, vx))
    speed = math.hypot(vx, vy)
    # Half a step is the leg's length times the sine of the hip's swing.
    swing = math.asin(min(speed * _STRIDE_S / 4 / (_THIGH + _SHIN), 0.9))
    beat = math.sin(2 * math.pi * t_s / _STRIDE_S)
    bend = math.cos(2 * math.pi * t_s / _STRIDE_S)
    legs = tuple((k * swing * beat, 2.0 * swing * max(0.0, k * bend) ** 2) for k in (1.0, -1.0))
    arms = tuple((-0.8 * k * swing * beat, 0.25 + 0.3 * swing) for k in (1.0, -1.0))
    return _assemble(place, 0.05, arms, legs)


def _assemble(
    place: tuple[float, float, float], lean: float, arms: tuple[tuple[float, float], ...],
    legs: tuple[tuple[float, float], ...],
) -> NDArray[np.float64]:  # fmt: skip
    """Put the parts together: place x, y [m], yaw [rad]; lean forward; (shoulder, elbow) and (hip, knee) angles [rad].

    All joints turn about the person's left-right axis; positive swings a limb forward, a knee bends the shin back. The
    lower foot stands on the floor.
    """
    x0, y0, yaw = place
    drop = max(_THIGH * math.cos(hip) + _SHIN * math.cos(hip - knee) for hip, knee in legs)
    hip_z = drop + _ANKLE
    rows: list[tuple[float, float, float, float]] = [(0.0, 0.0, hip_z, -lean)]  # forward, left, up [m], swing [rad]
    rows.append((_HIP_TO_HEAD * math.sin(lean), 0.0, hip_z + _HIP_TO_HEAD * math.cos(lean), 0.0))
    sx, sz = _HIP_TO_SHOULDER * math.sin(lean), hip_z + _HIP_TO_SHOULDER * math.cos(lean)
    sides = (1.0, -1.0)
    rows += [(sx, k * _SHOULDER_Y, sz, a) for k, (a, _) in zip(sides, arms, strict=True)]
    rows += [(sx + _UPPER_ARM * math.sin(a), k * _SHOULDER_Y, sz - _UPPER_ARM * math.cos(a), a + e)
             for k, (a, e) in zip(sides, arms, strict=True)]  # fmt: skip
    rows += [(0.0, k * _HIP_Y, hip_z, h) for k, (h, _) in zip(sides, legs, strict=True)]
    rows += [(_THIGH * math.sin(h), k * _HIP_Y, hip_z - _THIGH * math.cos(h), h - bend)
             for k, (h, bend) in zip(sides, legs, strict=True)]  # fmt: skip
    c, s, ch, sh = math.cos(yaw), math.sin(yaw), math.cos(yaw / 2), math.sin(yaw / 2)
    out = np.empty((len(rows), 7))
    for i, (x, y, z, swing) in enumerate(rows):
        cp, sp = math.cos(-swing / 2), math.sin(-swing / 2)  # forward swing of a hanging limb is about -y
        out[i] = (x0 + c * x - s * y, y0 + s * x + c * y, z, ch * cp, -sh * sp, ch * sp, sh * cp)
    return out


def sample_person(rng: np.random.Generator, place: PersonCfg) -> PersonCfg:
    """Draw pace, phase, skin and shirt, and move the person's place and facing a little."""
    skin = ((0.93, 0.76, 0.64, 1.0), (0.80, 0.58, 0.44, 1.0), (0.55, 0.37, 0.26, 1.0))[int(rng.integers(3))]
    shirt = ((0.35, 0.47, 0.62, 1.0), (0.60, 0.38, 0.36, 1.0), (0.40, 0.52, 0.42, 1.0))[int(rng.integers(3))]
    return PersonCfg(
        x=place.x + float(rng.uniform(-0.15, 0.15)), y=place.y + float(rng.uniform(-0.1, 0.1)),
        yaw=place.yaw + float(rng.uniform(-0.2, 0.2)), walk_length=place.walk_length, walk_width=place.walk_width,
        walk_yaw=place.walk_yaw, speed_max=float(rng.uniform(0.5, 1.0)), phase=float(rng.uniform(0.0, 2 * math.pi)),
        skin=skin, shirt=shirt,
    )  # fmt: skip


def add_person(spec: mujoco.MjSpec, cfg: PersonCfg) -> tuple[str, ...]:
    """Add the person, standing, and return the names of the mocap bodies (``PARTS``)."""
    rows = person_pose("stands", 0.0, cfg)
    parts = {name: spec.worldbody.add_body(name=name, mocap=True, pos=row[:3].tolist(), quat=row[3:].tolist())
             for name, row in zip(PARTS, rows, strict=True)}  # fmt: skip
    for part in parts.values():
        # Without a mass the compiler puts a body's inertial frame at twice its place, where mj_multiRay looks for it:
        # the lidar would see nobody. What it weighs is nothing to a mocap body.
        part.explicitinertial, part.mass, part.inertia = True, 1.0, np.full(3, 0.01)
        part.ipos, part.iquat = np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0])
    skin, shirt, trousers = _solid(cfg.skin), _solid(cfg.shirt), _solid((0.20, 0.22, 0.30, 1.0))
    _shape_trunk(parts["person_torso"], shirt, skin, trousers)
    _shape_head(parts["person_head"], skin)
    for side in ("left", "right"):
        add_bar(parts[f"person_upper_arm_{side}"], shirt, (0.0, 0.0, 0.0), (0.0, 0.0, -_UPPER_ARM), 0.048)
        forearm = parts[f"person_forearm_{side}"]
        add_bar(forearm, skin, (0.0, 0.0, 0.0), (0.0, 0.0, -_FOREARM + 0.02), 0.036)
        add(forearm, skin, BOX, (0.020, 0.042, 0.085), (0.0, 0.0, -_FOREARM - 0.08))
        add_bar(parts[f"person_thigh_{side}"], trousers, (0.0, 0.0, -0.02), (0.0, 0.0, -_THIGH), 0.075)
        shin = parts[f"person_shin_{side}"]
        add_bar(shin, trousers, (0.0, 0.0, 0.0), (0.0, 0.0, -_SHIN), 0.055)
        add(shin, _solid((0.12, 0.10, 0.10, 1.0)), BOX, (0.125, 0.045, 0.033), (0.06, 0.0, -_SHIN - 0.037))
    return PARTS


def _solid(rgba: Rgba) -> Look:
    return Look(rgba=rgba, contype=PERSON, conaffinity=STATIC | ROBOT | OBJECT)


def _shape_trunk(torso: mujoco.MjsBody, shirt: Look, skin: Look, trousers: Look) -> None:
    add(torso, trousers, CAPSULE, (0.105, 0.055), (0.0, 0.0, 0.02), quat=ALONG_Y)
    add(torso, shirt, CAPSULE, (0.125, 0.22), (0.0, 0.0, 0.26))
    add(torso, shirt, CAPSULE, (0.075, 0.13), (0.0, 0.0, _HIP_TO_SHOULDER - 0.01), quat=ALONG_Y)
    add_bar(torso, skin, (0.0, 0.0, 0.55), (0.0, 0.0, 0.62), 0.048)


def _shape_head(head: mujoco.MjsBody, skin: Look) -> None:
    add(head, skin, ELLIPSOID, (0.095, 0.078, 0.115))
    add(head, Look(rgba=(0.16, 0.10, 0.07, 1.0)), ELLIPSOID, (0.098, 0.086, 0.098), (-0.016, 0.0, 0.035))
    add(head, skin, SPHERE, (0.017,), (0.093, 0.0, -0.012))
    for y in (0.032, -0.032):
        add(head, Look(rgba=(0.95, 0.95, 0.95, 1.0)), ELLIPSOID, (0.010, 0.016, 0.010), (0.083, y, 0.014))
        add(head, Look(rgba=(0.10, 0.07, 0.05, 1.0)), SPHERE, (0.007,), (0.089, y, 0.014))
        brow = Look(rgba=(0.16, 0.10, 0.07, 1.0))
        add_bar(head, brow, (0.090, y * 0.55, 0.036), (0.080, y * 1.5, 0.036), 0.004)
        add_bar(head, Look(rgba=(0.68, 0.30, 0.28, 1.0)), (0.090, 0.0, -0.055), (0.083, y * 0.8, -0.050), 0.005)
