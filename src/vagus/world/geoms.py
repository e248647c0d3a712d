"""How everything simulated is drawn and what it collides with: collision classes, groups, colours, geom helpers.

It builds no body; ``host``, ``objects``, ``person`` and ``scenes`` do. No mesh, no texture, no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco

Vec = Sequence[float]
Rgba = tuple[float, float, float, float]

# Collision classes, bits of MuJoCo's contype; conaffinity lists the classes a geom meets. Bit 1 is also MuJoCo's own
# default, so a robot imported from a plain MJCF or URDF meets furniture, objects and people without being edited.
STATIC = 1
ROBOT = 2
OBJECT = 4
PERSON = 8
EVERYTHING = STATIC | ROBOT | OBJECT | PERSON

# Geom groups. MuJoCo's renderer shows 0-2 by default; rays choose groups, so a lidar that asks for GROUP_SCENE alone
# sees furniture, objects and people, and never its own robot.
GROUP_SCENE = 0
GROUP_ROBOT = 2
GROUP_HULL = 3
"""Collision shapes that are not drawn."""

BOX = mujoco.mjtGeom.mjGEOM_BOX
SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
CAPSULE = mujoco.mjtGeom.mjGEOM_CAPSULE
CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
ELLIPSOID = mujoco.mjtGeom.mjGEOM_ELLIPSOID
PLANE = mujoco.mjtGeom.mjGEOM_PLANE

ALONG_X = (0.7071067811865476, 0.0, 0.7071067811865476, 0.0)
"""Quaternion (wxyz) that lays a geom's z axis along +x."""
ALONG_Y = (0.7071067811865476, -0.7071067811865476, 0.0, 0.0)
"""Quaternion (wxyz) that lays a geom's z axis along +y."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a geom is besides its shape. The default is drawn, weighs nothing and touches nothing."""

    rgba: Rgba = (0.5, 0.5, 0.5, 1.0)
    group: int = GROUP_SCENE
    contype: int = 0
    conaffinity: int = 0
    mass: float = 0.0
    """[kg]"""
    material: str = ""
    """Name of a material that shines or glows; ``rgba`` repeats its colour for readers that know no materials."""

    def weighing(self, mass: float) -> "Look":
        """Return the same look with another mass [kg]."""
        return replace(self, mass=mass)


def add(
    body: mujoco.MjsBody, look: Look, shape: mujoco.mjtGeom, size: Vec, pos: Vec = (0.0, 0.0, 0.0), *,
    quat: Vec = (1.0, 0.0, 0.0, 0.0),
) -> mujoco.MjsGeom:  # fmt: skip
    """Add one geom to a body: MuJoCo half sizes [m], position [m] and quaternion (wxyz) in the body's frame."""
    geom = body.add_geom(type=shape, size=_three(size), pos=list(pos), quat=list(quat))
    return _dress(geom, look)


def add_bar(body: mujoco.MjsBody, look: Look, start: Vec, end: Vec, radius: float) -> mujoco.MjsGeom:
    """Add a capsule from one point to another [m, body frame]."""
    geom = body.add_geom(type=CAPSULE, fromto=[*start, *end], size=_three((radius,)))
    return _dress(geom, look)


def _three(size: Vec) -> list[float]:
    return [*size, 0.0, 0.0, 0.0][:3]


def _dress(geom: mujoco.MjsGeom, look: Look) -> mujoco.MjsGeom:
    geom.rgba[:] = list(look.rgba)
    geom.group = look.group
    geom.contype = look.contype
    geom.conaffinity = look.conaffinity
    geom.mass = look.mass
    if look.material:
        geom.material = look.material
    return geom
