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

Array = NDArray[np.float64]

WIDTH_MIN = 0.08
"""Narrowest person: one shin [m]."""
WIDTH_MAX = 0.70
"""Widest person: a body with its arms, or two legs that look like one [m]."""
_JUMP = 0.15  # neighbouring rays farther apart than this in range hit different things [m]
_ISOLATED = 0.20  # what is beside it must be this much farther away [m]
_REACH = 4.0  # where one ray a degree still puts two rays on a shin [m]


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


def clusters(ranges: Array) -> list[Array]:
    """Return the person-sized, isolated clusters of a sweep: points in the lidar's frame, each of shape (k, 2) [m].

    Args:
        ranges: Ray i at 2 pi i / n [m], NaN where nothing came back, shape (n,).
    """
    n = len(ranges)
    r = np.where(np.isfinite(ranges), ranges, np.inf)
    angle = 2.0 * np.pi / max(1, n)
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(r, append=r[:1]))  # from ray i to ray i + 1, round the full turn; inf - inf is NaN
    ends = np.flatnonzero(~(step <= _JUMP))
    if len(ends) == 0:
        return []  # one closed surface all round
    found: list[Array] = []
    for end, following in zip(ends, np.roll(ends, -1), strict=True):
        rays = np.arange(end + 1, following + 1 if following > end else following + n + 1) % n
        if not np.isfinite(r[rays[0]]):
            continue
        points = np.stack([r[rays] * np.cos(rays * angle), r[rays] * np.sin(rays * angle)], axis=1)
        nearest = float(r[rays].min())
        # A ray covers its own share of the width beyond the first and last hits.
        width = float(np.linalg.norm(points[-1] - points[0])) + nearest * angle
        is_alone = r[(rays[0] - 1) % n] - r[rays[0]] > _ISOLATED and r[(rays[-1] + 1) % n] - r[rays[-1]] > _ISOLATED
        if WIDTH_MIN <= width <= WIDTH_MAX and is_alone and len(rays) >= 2 and nearest <= _REACH:
            found.append(points)
    return found
