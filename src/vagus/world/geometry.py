"""What a world looks like, as plain data: for a page or a log viewer that draws it from body poses.

``describe_scene`` says what does not change; the ``scene`` message says where the bodies are. Nothing is rendered here.
"""

import math
from typing import Any

import mujoco
import numpy as np

from vagus.core.frames import rotation_from_quat

_DRAWN_GROUPS = (0, 1, 2)
"""Geom groups that MuJoCo draws by default; the others hold shapes for collision only."""
_TYPES = {
    int(kind): kind.name.removeprefix("mjGEOM_").lower()
    for kind in (
        mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_CAPSULE,
        mujoco.mjtGeom.mjGEOM_ELLIPSOID, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_BOX,
    )
}  # fmt: skip
"""Shapes that are told; meshes, height fields and distance fields are told as their bounding box."""


def describe_scene(model: mujoco.MjModel) -> dict[str, Any]:
    """Return what is drawn in a world, ready for JSON.

    Returns:
        ``bodies``: names, in the order of the rows of ``body_p`` and ``body_q``; nameless ones are ``body<i>``.
        ``geoms``: each with ``body`` (index), ``type`` (plane, sphere, capsule, ellipsoid, cylinder, box), ``size``
        (MuJoCo's half sizes [m], three numbers; a capsule's and a cylinder's are radius, half length; a plane's are
        half x, half y, 0 for endless), ``p`` [m] and ``q`` (wxyz) in the body's frame, ``rgba``.
        ``cameras``: each with ``name``, ``body``, ``p``, ``q`` (MuJoCo's frame: looks along -z, y up), ``fovy`` [rad].
    """
    bodies = [model.body(i).name or f"body{i}" for i in range(model.nbody)]
    geoms = [_describe_geom(model, i) for i in range(model.ngeom) if _is_drawn(model, i)]
    cameras = [
        {
            "name": model.camera(i).name or f"camera{i}",
            "body": int(model.cam_bodyid[i]),
            "p": _numbers(model.cam_pos[i]),
            "q": _numbers(model.cam_quat[i]),
            "fovy": math.radians(float(model.cam_fovy[i])),  # MuJoCo has it in degrees
        }
        for i in range(model.ncam)
    ]
    return {"bodies": bodies, "geoms": geoms, "cameras": cameras}


def _is_drawn(model: mujoco.MjModel, i: int) -> bool:
    return int(model.geom_group[i]) in _DRAWN_GROUPS and _rgba(model, i)[3] > 0.0


def _describe_geom(model: mujoco.MjModel, i: int) -> dict[str, Any]:
    kind = _TYPES.get(int(model.geom_type[i]))
    p, size = model.geom_pos[i], model.geom_size[i]
    if kind is None:
        # The bounding box is centred beside the geom's frame: its middle is turned into the body's frame.
        R = rotation_from_quat(model.geom_quat[i])
        p, size, kind = p + R @ model.geom_aabb[i, :3], model.geom_aabb[i, 3:], "box"
    return {
        "body": int(model.geom_bodyid[i]),
        "type": kind,
        "size": _numbers(size),
        "p": _numbers(p),
        "q": _numbers(model.geom_quat[i]),
        "rgba": _rgba(model, i),
    }


def _rgba(model: mujoco.MjModel, i: int) -> list[float]:
    """Return the colour that MuJoCo draws: the material's, unless the geom has one of its own."""
    material = int(model.geom_matid[i])
    own = _numbers(model.geom_rgba[i])
    return own if material < 0 or own != [0.5, 0.5, 0.5, 1.0] else _numbers(model.mat_rgba[material])


def _numbers(values: Any) -> list[float]:
    # Rounded to 0.1 um: a page reads this text, and float32 noise would double its length.
    return [round(float(x), 7) for x in np.asarray(values)]
