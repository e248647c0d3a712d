"""The living room: floor, walls, windows, table, shelf, sofa and what else stands there for good.

Only what never moves, all of it in the world's own body; ``scenes`` adds objects, person and light.
"""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core.frames import quat_from_rotation
from vagus.world.geoms import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    GROUP_HULL,
    PLANE,
    SPHERE,
    STATIC,
    Look,
    Rgba,
    Vec,
    add,
    add_bar,
)

HALF_X, HALF_Y, WALL_HEIGHT = 3.2, 2.7, 2.5
"""The room's half sizes and height [m]."""
TABLE_HEIGHT = 0.75
"""[m]"""
SHELF_HEIGHTS = (0.45, 0.85, 1.25)
"""Upper faces of the shelf's boards [m]."""

_TABLE = (1.30, 0.10)
"""Middle of the table [m]."""
_TABLE_HALF = (0.38, 0.65)
_SHELF = (0.55, 2.50)
"""Middle of the shelf, which stands at the left wall [m]."""
_SHELF_HALF = (0.55, 0.16)


@dataclass(frozen=True, kw_only=True)
class Support:
    """A level board on which objects stand."""

    name: str
    low: NDArray[np.float64]
    """Corner with the least x and y [m], shape (2,)."""
    high: NDArray[np.float64]
    """Corner with the largest x and y [m], shape (2,)."""
    height: float
    """[m]"""
    away: float
    """Direction away from who stands in front of it [rad]."""
    n_objects: int


def _board(name: str, middle: Vec, half: Vec, height: float, away: float, n: int) -> Support:
    centre, extent = np.array(middle), np.array(half)
    return Support(name=name, low=centre - extent, high=centre + extent, height=height, away=away, n_objects=n)


SUPPORTS = (
    # The front half of the table, where a robot standing before it reaches.
    _board("table", (_TABLE[0] - 0.11, _TABLE[1]), (0.25, 0.50), TABLE_HEIGHT, 0.0, 7),
    *(_board(f"shelf_{i}", _SHELF, (0.48, 0.12), z, math.pi / 2, 2) for i, z in enumerate(SHELF_HEIGHTS)),
)

_FLOOR: Rgba = (0.66, 0.55, 0.43, 1.0)
_WALL: Rgba = (0.90, 0.88, 0.83, 1.0)
WOOD: Rgba = (0.62, 0.43, 0.27, 1.0)
_DARK_WOOD: Rgba = (0.40, 0.28, 0.19, 1.0)
_CLOTH: Rgba = (0.36, 0.45, 0.50, 1.0)


def _solid(rgba: Rgba) -> Look:
    return Look(rgba=rgba, contype=STATIC)


def add_room(spec: mujoco.MjSpec) -> None:
    """Add everything that stands in the room for good."""
    world = spec.worldbody
    floor = add(world, _solid(_FLOOR), PLANE, (HALF_X, HALF_Y, 0.1))
    floor.name = "floor"
    _add_walls(world)
    _add_windows(spec, world)
    _add_table(world)
    _add_shelf(world)
    _add_sofa(world)
    _add_decoration(world)
    eye, target = np.array([-2.4, -2.2, 2.1]), np.array([0.55, 0.25, 0.75])
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    quat = quat_from_rotation(np.stack([right, np.cross(back, right), back], axis=1))
    world.add_camera(name="overview", pos=eye.tolist(), quat=quat.tolist(), fovy=62.0)


def _add_walls(world: mujoco.MjsBody) -> None:
    """Draw walls as planes, which are seen from inside only, and let boxes behind them stop what drives there."""
    for axis, sign in ((0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)):
        half = (HALF_X, HALF_Y)[axis]
        along = (HALF_X, HALF_Y)[1 - axis]
        pos = [0.0, 0.0, WALL_HEIGHT / 2]
        pos[axis] = sign * half
        s = math.sqrt(0.5)
        # A plane's normal is its z axis: turned to look back into the room.
        quat = (s, 0.0, -sign * s, 0.0) if axis == 0 else (s, sign * s, 0.0, 0.0)
        size = (WALL_HEIGHT / 2, along, 0.1) if axis == 0 else (along, WALL_HEIGHT / 2, 0.1)
        add(world, Look(rgba=_WALL), PLANE, size, pos, quat=quat)
        thick = [along, along, WALL_HEIGHT / 2]
        thick[axis] = 0.05
        pos[axis] = sign * (half + 0.05)
        add(world, Look(rgba=_WALL, group=GROUP_HULL, contype=STATIC), BOX, thick, pos)
        skirt = [along, along, 0.04]
        skirt[axis] = 0.008
        pos[axis], pos[2] = sign * (half - 0.008), 0.04
        add(world, Look(rgba=(0.97, 0.96, 0.94, 1.0)), BOX, skirt, pos)
    add(world, Look(rgba=(0.95, 0.95, 0.93, 1.0)), PLANE, (HALF_X, HALF_Y, 0.1), (0.0, 0.0, WALL_HEIGHT),
        quat=(0.0, 1.0, 0.0, 0.0))  # fmt: skip


def _add_windows(spec: mujoco.MjSpec, world: mujoco.MjsBody) -> None:
    """Draw windows in front and on the right and a lamp on the left: where the three lights seem to come from."""
    material = spec.add_material(name="room_glow", rgba=[0.86, 0.93, 0.98, 1.0])
    material.emission = 0.8
    glow = Look(rgba=(0.86, 0.93, 0.98, 1.0), material="room_glow")
    frame = Look(rgba=(0.97, 0.96, 0.94, 1.0))
    add(world, frame, BOX, (0.010, 0.72, 0.56), (HALF_X, 0.3, 1.5))
    for y in (-0.05, 0.65):
        add(world, glow, BOX, (0.016, 0.32, 0.50), (HALF_X, y, 1.5))
    add(world, frame, BOX, (0.72, 0.010, 0.56), (-0.4, -HALF_Y, 1.5))
    for x in (-0.75, -0.05):
        add(world, glow, BOX, (0.32, 0.016, 0.50), (x, -HALF_Y, 1.5))
    add(world, Look(rgba=_DARK_WOOD), CYLINDER, (0.14, 0.012), (-0.75, 2.3, 0.012))
    add(world, _solid(_DARK_WOOD), CYLINDER, (0.018, 0.70), (-0.75, 2.3, 0.70))
    add(world, glow, CYLINDER, (0.17, 0.13), (-0.75, 2.3, 1.50))


def _add_table(world: mujoco.MjsBody) -> None:
    x, y = _TABLE
    hx, hy = _TABLE_HALF
    top = add(world, _solid(WOOD), BOX, (hx, hy, 0.018), (x, y, TABLE_HEIGHT - 0.018))
    top.name = "table"
    for dx in (hx - 0.05, -hx + 0.05):
        for dy in (hy - 0.05, -hy + 0.05):
            leg = (TABLE_HEIGHT - 0.036) / 2
            add(world, _solid(_DARK_WOOD), BOX, (0.025, 0.025, leg), (x + dx, y + dy, leg))


def _add_shelf(world: mujoco.MjsBody) -> None:
    x, y = _SHELF
    hx, hy = _SHELF_HALF
    for i, z in enumerate(SHELF_HEIGHTS):
        board = add(world, _solid(WOOD), BOX, (hx - 0.012, hy, 0.012), (x, y, z - 0.012))
        board.name = f"shelf_{i}"
    for dx in (hx, -hx):
        add(world, _solid(_DARK_WOOD), BOX, (0.012, hy, 0.81), (x + dx, y, 0.81))
    add(world, _solid(_DARK_WOOD), BOX, (hx, hy, 0.012), (x, y, 1.608))
    add(world, Look(rgba=(0.70, 0.60, 0.48, 1.0)), BOX, (hx, 0.006, 0.81), (x, y + hy, 0.81))


def _add_sofa(world: mujoco.MjsBody) -> None:
    x = -2.65
    add(world, _solid(_CLOTH), BOX, (0.42, 0.95, 0.20), (x, 0.3, 0.20))
    add(world, _solid(_CLOTH), BOX, (0.10, 0.95, 0.22), (x - 0.34, 0.3, 0.60))
    for y in (-0.60, 1.20):
        add(world, _solid(_CLOTH), BOX, (0.42, 0.10, 0.12), (x, y, 0.50))
    soft: Rgba = (0.86, 0.68, 0.36, 1.0)
    add(world, Look(rgba=soft), ELLIPSOID, (0.07, 0.20, 0.20), (x - 0.18, -0.15, 0.56))
    add(world, Look(rgba=(0.80, 0.80, 0.76, 1.0)), ELLIPSOID, (0.07, 0.20, 0.20), (x - 0.18, 0.80, 0.56))


def _add_decoration(world: mujoco.MjsBody) -> None:
    add(world, Look(rgba=(0.80, 0.74, 0.64, 1.0)), BOX, (1.1, 0.8, 0.003), (-1.0, 0.3, 0.0))
    add(world, Look(rgba=(0.58, 0.30, 0.26, 1.0)), BOX, (1.0, 0.7, 0.0032), (-1.0, 0.3, 0.0002))
    add(world, Look(rgba=(0.80, 0.74, 0.64, 1.0)), BOX, (0.85, 0.55, 0.0034), (-1.0, 0.3, 0.0004))
    # a plant in the corner
    pot = (2.75, 2.25)
    add(world, _solid((0.72, 0.40, 0.28, 1.0)), CYLINDER, (0.16, 0.16), (*pot, 0.16))
    leaf = Look(rgba=(0.22, 0.46, 0.24, 1.0))
    add_bar(world, Look(rgba=_DARK_WOOD), (*pot, 0.3), (*pot, 0.8), 0.015)
    for dx, dy, z, r in (
        (0.0, 0.0, 0.95, 0.20),
        (0.13, 0.05, 0.75, 0.15),
        (-0.12, 0.06, 0.80, 0.14),
        (0.0, -0.14, 0.78, 0.15),
    ):
        add(world, leaf, SPHERE, (r,), (pot[0] + dx, pot[1] + dy, z))
    # pictures
    for x, rgba in ((-1.9, (0.30, 0.50, 0.58, 1.0)), (-1.35, (0.85, 0.55, 0.35, 1.0))):
        add(world, Look(rgba=_DARK_WOOD), BOX, (0.22, 0.010, 0.28), (x, HALF_Y, 1.55))
        add(world, Look(rgba=rgba), BOX, (0.19, 0.014, 0.25), (x, HALF_Y, 1.55))
    # a low cabinet on the right
    add(world, _solid(WOOD), BOX, (0.45, 0.20, 0.35), (2.5, -2.45, 0.35))
    for x in (2.28, 2.72):
        add(world, Look(rgba=_DARK_WOOD), BOX, (0.20, 0.004, 0.29), (x, -2.25, 0.37))
