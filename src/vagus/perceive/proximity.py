"""How near a person may be, from one lidar sweep: the nearest cluster as wide as a leg or a body, standing by itself.

A chair leg is too thin, a wall too wide; a bin of the right width counts as a person, and that is the safe error. It
tracks nobody and sees nobody above or below the lidar's plane.
"""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.articulation import Articulation, Shapes
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.core.robot import RobotSpec
from vagus.core.sweep import clusters

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class LidarMount:
    """Where the lidar sits in the base frame, and how far the base reaches."""

    x: float = 0.0
    """[m]"""
    y: float = 0.0
    """[m]"""
    yaw: float = 0.0
    """[rad]"""
    edge: float
    """Radius of the base about its axis [m]."""


def default_mount(spec: RobotSpec) -> LidarMount:
    """Guess from the spec alone: in the middle of a base that reaches a wheel's width beyond its track."""
    half_track = 0.5 * spec.base.track if spec.base else 0.0
    return LidarMount(edge=half_track + 0.05)


def mount_of(spec: RobotSpec, model: mujoco.MjModel) -> LidarMount:
    """Measure on the model of the robot alone: the site of the lidar's name, and every part that no limb moves.

    Raises:
        ConfigError: The robot has no lidar or no base, or the model lacks its site or body.
    """
    if spec.lidar is None or spec.base is None:
        raise ConfigError(f"lidar mount: robot {spec.name!r} lacks a lidar or a base")
    articulation, data = Articulation(spec, model), mujoco.MjData(model)
    data.qpos[:] = articulation.qpos(spec.array("home"))
    mujoco.mj_kinematics(model, data)
    try:
        site, base = data.site(spec.lidar.name), data.body(spec.base.body)
    except KeyError as exc:
        raise ConfigError(f"lidar mount: the model lacks a site or body: {exc}") from exc
    R_BW = base.xmat.reshape(3, 3).T
    p_BL, x_axis = R_BW @ (site.xpos - base.xpos), R_BW @ site.xmat.reshape(3, 3)[:, 0]
    still = Shapes(model, articulation.colliding_geoms(moved=False), data.geom_xpos, data.geom_xmat)
    return LidarMount(x=float(p_BL[0]), y=float(p_BL[1]), yaw=math.atan2(x_axis[1], x_axis[0]),
                      edge=still.radius_about(base.xpos))  # fmt: skip


def find_person(spec: RobotSpec, sweep: Record, now_ns: int, mount: LidarMount | None = None) -> Record:
    """Return a ``proximity`` record: distance of the nearest person from the base's edge, and the bearing.

    Args:
        spec: The robot.
        sweep: A ``lidar`` record; its origin becomes the result's.
        now_ns: The robot's clock [ns].
        mount: Where the lidar is; None takes ``default_mount``.

    Returns:
        Distance [m], >= 0, and bearing from straight ahead, left positive [rad]; both NaN if there is nobody.

    Raises:
        ConfigError: The robot has no lidar.
    """
    if spec.lidar is None:
        raise ConfigError(f"proximity: robot {spec.name!r} has no lidar")
    at = mount or default_mount(spec)
    record = m.blank(m.proximity(spec))
    record["stamp_ns"], record["origin_ns"] = now_ns, sweep["origin_ns"]
    record["distance"] = record["bearing"] = np.nan
    for points in clusters(sweep["range"].astype(np.float64)):
        x = at.x + points[:, 0] * math.cos(at.yaw) - points[:, 1] * math.sin(at.yaw)
        y = at.y + points[:, 0] * math.sin(at.yaw) + points[:, 1] * math.cos(at.yaw)
        far = np.hypot(x, y)
        nearest = int(np.argmin(far))
        distance = max(0.0, float(far[nearest]) - at.edge)
        if not record["distance"] <= distance:  # also true while it is NaN
            record["distance"], record["bearing"] = distance, math.atan2(y[nearest], x[nearest])
    return record
