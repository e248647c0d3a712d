"""Household objects from primitives: cups, bottles, boxes, balls, cans and bowls in eight colours.

All fit a gripper that opens 80 mm (a bowl by its rim), the small ones also that of a desktop arm. Where they stand is
the scene's choice.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from vagus.core.errors import ConfigError
from vagus.core.things import SHAPES
from vagus.world.geoms import BOX, CYLINDER, EVERYTHING, OBJECT, SPHERE, Look, Rgba, add, add_bar

COLOURS: dict[str, Rgba] = {
    "red": (0.80, 0.10, 0.10, 1.0),
    "orange": (0.95, 0.48, 0.08, 1.0),
    "yellow": (0.95, 0.82, 0.12, 1.0),
    "green": (0.14, 0.58, 0.22, 1.0),
    "blue": (0.12, 0.28, 0.78, 1.0),
    "purple": (0.48, 0.18, 0.62, 1.0),
    "white": (0.93, 0.93, 0.92, 1.0),
    "black": (0.07, 0.07, 0.08, 1.0),
}

_Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What objects of one shape may be."""

    x: _Range
    """Smallest and largest extent [m]; round shapes draw x and use it for y."""
    y: _Range
    z: _Range
    mass: _Range
    """[kg]"""


HOUSEHOLD: dict[str, _Kind] = {
    # no width to grasp is over 70 mm; masses from a kitchen scale, cups empty to half full
    "cup": _Kind((0.062, 0.070), (0.062, 0.070), (0.080, 0.100), (0.15, 0.28)),
    "bottle": _Kind((0.054, 0.066), (0.054, 0.066), (0.170, 0.210), (0.20, 0.45)),
    "box": _Kind((0.055, 0.095), (0.040, 0.062), (0.070, 0.140), (0.10, 0.30)),
    "ball": _Kind((0.054, 0.068), (0.054, 0.068), (0.054, 0.068), (0.05, 0.12)),
    "can": _Kind((0.058, 0.066), (0.058, 0.066), (0.095, 0.122), (0.20, 0.38)),
    "bowl": _Kind((0.110, 0.135), (0.110, 0.135), (0.048, 0.060), (0.12, 0.22)),
}
SMALL: dict[str, _Kind] = {
    # For a desktop arm: no width to grasp is over 56 mm, none too thin for perception. 0.12 kg at 0.29 m takes 0.9 N m
    # of the SO-101's shoulder, its own weight included (so101.build, mj_rne): a bit over half of what it can do.
    "cup": _Kind((0.050, 0.055), (0.050, 0.055), (0.055, 0.065), (0.05, 0.10)),  # of espresso
    "box": _Kind((0.040, 0.065), (0.036, 0.050), (0.045, 0.080), (0.02, 0.10)),  # of tea, of screws
    "ball": _Kind((0.042, 0.052), (0.042, 0.052), (0.042, 0.052), (0.01, 0.06)),  # golf, table tennis, juggling
    "can": _Kind((0.050, 0.054), (0.050, 0.054), (0.085, 0.095), (0.03, 0.12)),  # of tomato paste, partly used
}
_FRICTION: _Range = (0.7, 1.1)
"""Sliding friction of glazed, painted and printed surfaces against wood and rubber [-]."""
_BOWL_WALLS = 8
_BOWL_THICKNESS = 0.006
"""[m]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneObject:
    """One movable object; its body and free joint have this name, its frame lies in the middle, z up."""

    name: str
    shape: str
    """One of ``SHAPES``."""
    colour: str
    """One of ``COLOURS``."""
    size: tuple[float, float, float]
    """Full extent along x, y, z [m], a cup's handle left out."""
    mass: float
    """[kg]"""
    friction: float
    """Sliding friction coefficient [-]."""

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ConfigError(f"object {self.name!r} shape: got {self.shape!r}, allowed: one of {SHAPES}")
        if self.colour not in COLOURS:
            raise ConfigError(f"object {self.name!r} colour: got {self.colour!r}, allowed: one of {tuple(COLOURS)}")
        for key, value in (("size", min(self.size)), ("mass", self.mass), ("friction", self.friction)):
            if not 0.0 < value < math.inf:
                raise ConfigError(f"object {self.name!r} {key}: got {value}, allowed: finite, > 0")

    @property
    def radius(self) -> float:
        """Radius of the upright cylinder that holds it, a cup's handle included [m]."""
        if self.shape == "box":
            return 0.5 * math.hypot(self.size[0], self.size[1])
        return 0.5 * self.size[0] + (0.035 if self.shape == "cup" else 0.0)


def sample_objects(
    rng: np.random.Generator, n: int, kinds: Mapping[str, _Kind] = HOUSEHOLD
) -> tuple[SceneObject, ...]:  # fmt: skip
    """Draw ``n`` objects (at most 8 of each kind), no two of the same shape and colour, every shape once before any
    twice."""
    if not 0 <= n <= len(kinds) * len(COLOURS):
        raise ConfigError(f"number of objects: got {n}, allowed: 0 to {len(kinds) * len(COLOURS)}")
    rows = [rng.permutation(len(COLOURS)) for _ in kinds]
    out: list[SceneObject] = []
    for i in range(n):
        round_, k = divmod(i, len(kinds))
        out.append(sample_object(rng, tuple(kinds)[k], tuple(COLOURS)[rows[k][round_]], kinds))
    return tuple(out)


def sample_object(
    rng: np.random.Generator, shape: str, colour: str, kinds: Mapping[str, _Kind] = HOUSEHOLD
) -> SceneObject:
    """Draw the size, mass and friction of one object of this shape and colour; it is named ``<colour>_<shape>``."""
    if shape not in kinds:
        raise ConfigError(f"object shape: got {shape!r}, allowed: one of {tuple(kinds)}")
    kind = kinds[shape]
    x, y, z = (float(rng.uniform(*span)) for span in (kind.x, kind.y, kind.z))
    size = (x, y, z) if shape == "box" else (x, x, x if shape == "ball" else z)
    mass, friction = float(rng.uniform(*kind.mass)), float(rng.uniform(*_FRICTION))
    return SceneObject(name=f"{colour}_{shape}", shape=shape, colour=colour, size=size, mass=mass, friction=friction)


def add_object(spec: mujoco.MjSpec, obj: SceneObject, pos: Sequence[float], yaw: float) -> mujoco.MjsBody:
    """Add an object standing at ``pos`` [m], the middle of its foot, turned by ``yaw`` [rad] about z; asleep."""
    x, y, z = pos
    quat = [math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]
    body = spec.worldbody.add_body(name=obj.name, pos=[x, y, z + obj.size[2] / 2], quat=quat)
    body.add_freejoint(name=obj.name)
    body.sleep = mujoco.mjtSleepPolicy.mjSLEEP_INIT
    look = Look(rgba=COLOURS[obj.colour], contype=OBJECT, conaffinity=EVERYTHING)
    _BUILDERS[obj.shape](body, obj, look)
    for geom in body.geoms:
        if geom.contype:
            # condim 4: torsional friction [m] of a patch some 10 mm wide keeps a grasped object from turning.
            geom.condim = 4
            geom.friction[:] = [obj.friction, 0.01, 0.0001]
    if obj.shape == "ball":
        body.first_geom().condim = 6
        body.first_geom().friction[:] = [obj.friction, 0.01, 0.002]  # a soft ball: comes to rest within a metre
    return body


def _cup(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    r, h = obj.size[0] / 2, obj.size[2] / 2
    add(body, look.weighing(0.95 * obj.mass), CYLINDER, (r, h))
    add(body, Look(rgba=(0.20, 0.12, 0.08, 1.0)), CYLINDER, (0.86 * r, 0.001), (0.0, 0.0, h))
    out, up = r + (0.026 if r > 0.030 else 0.8 * r), 0.5 * h  # for a finger, or of a small cup to be pinched
    handle = look.weighing(0.05 / 3 * obj.mass)
    for start, end in (((r, up), (out, up)), ((out, up), (out, -up)), ((out, -up), (r, -up))):
        add_bar(body, handle, (start[0], 0.0, start[1]), (end[0], 0.0, end[1]), 0.005)


def _bottle(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    r, h = obj.size[0] / 2, obj.size[2] / 2
    trunk, neck = 0.72 * h, 0.20 * h  # the rest is the cap
    add(body, look.weighing(0.90 * obj.mass), CYLINDER, (r, trunk), (0.0, 0.0, trunk - h))
    add(body, look.weighing(0.08 * obj.mass), CYLINDER, (0.42 * r, neck), (0.0, 0.0, 2 * trunk + neck - h))
    cap = h - trunk - neck
    white = Look(rgba=(0.90, 0.90, 0.88, 1.0), mass=0.02 * obj.mass)
    add(body, white, CYLINDER, (0.48 * r, cap), (0.0, 0.0, h - cap))
    add(body, Look(rgba=(0.90, 0.90, 0.88, 1.0)), CYLINDER, (1.01 * r, 0.3 * trunk), (0.0, 0.0, trunk - h))


def _box(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    half = tuple(s / 2 for s in obj.size)
    add(body, look.weighing(obj.mass), BOX, half)
    add(body, Look(rgba=(0.95, 0.93, 0.86, 1.0)), BOX, (1.01 * half[0], 1.01 * half[1], 0.16 * half[2]),
        (0.0, 0.0, 0.45 * half[2]))  # fmt: skip


def _ball(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    add(body, look.weighing(obj.mass), SPHERE, (obj.size[0] / 2,))


def _can(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    r, h = obj.size[0] / 2, obj.size[2] / 2
    add(body, look.weighing(obj.mass), CYLINDER, (r, h))
    metal = Look(rgba=(0.75, 0.76, 0.78, 1.0))
    add(body, metal, CYLINDER, (0.92 * r, 0.0012), (0.0, 0.0, h))
    add(body, metal, CYLINDER, (1.012 * r, 0.05 * h), (0.0, 0.0, 0.88 * h))


def _bowl(body: mujoco.MjsBody, obj: SceneObject, look: Look) -> None:
    """A ring of upright walls on a floor: hollow, and thin enough at the rim to be pinched."""
    r, h, t = obj.size[0] / 2, obj.size[2] / 2, _BOWL_THICKNESS / 2
    add(body, look.weighing(0.3 * obj.mass), CYLINDER, (0.93 * r, t), (0.0, 0.0, t - h))
    half = (r - t) * math.tan(math.pi / _BOWL_WALLS)
    wall = look.weighing(0.7 / _BOWL_WALLS * obj.mass)
    for i in range(_BOWL_WALLS):
        a = 2 * math.pi * i / _BOWL_WALLS
        pos = ((r - t) * math.cos(a), (r - t) * math.sin(a), t)
        add(body, wall, BOX, (t, half, h - t), pos, quat=(math.cos(a / 2), 0.0, 0.0, math.sin(a / 2)))


_BUILDERS = {"cup": _cup, "bottle": _bottle, "box": _box, "ball": _ball, "can": _can, "bowl": _bowl}
