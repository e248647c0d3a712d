"""Where a camera on a robot was when it exposed a picture, by the encoders and the odometry of that moment."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import Kinematics
from vagus.core import messages as m
from vagus.core.ages import Origins, merge
from vagus.core.robot import CameraSpec
from vagus.perceive.odometry import OdometryPose
from vagus.runtime.context import Context

Array = NDArray[np.float64]

_HISTORY_S = 0.5
"""How far back readings are kept [s]: a picture is rendered, or transferred, some 30 ms after its exposure."""
_APART_NS = 20_000_000
"""Readings farther than this from an exposure [ns] do not tell where the camera was."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Where the robot was at one exposure."""

    X_WC: Array
    """Pose (4, 4) of the camera's optical frame in the world of odometry."""
    X_WB: Array
    """Pose (4, 4) of the base."""
    q: Array
    """Joint positions, shape (n_joints,)."""
    origin_ns: Origins
    """What this is known from."""


class _History:
    """The last readings of one stream, by when they were captured."""

    def __init__(self) -> None:
        self._times = deque[int]()
        self._records = deque[m.Record]()

    def add(self, at_ns: int, record: m.Record) -> None:
        if self._times and at_ns <= self._times[-1]:
            return
        self._times.append(at_ns)
        self._records.append(record)
        while at_ns - self._times[0] > _HISTORY_S * 1e9:
            self._times.popleft()
            self._records.popleft()

    def at(self, at_ns: int) -> m.Record | None:
        """Return the reading nearest to a time, or None if none is near."""
        k = bisect_left(self._times, at_ns)
        near = [i for i in (k - 1, k) if 0 <= i < len(self._times)]
        best = min(near, key=lambda i: abs(self._times[i] - at_ns), default=None)
        if best is None or abs(self._times[best] - at_ns) > _APART_NS:
            return None
        return self._records[best]


class Viewpoint:
    """Keeps the last readings of ``joint_state`` and ``odometry``."""

    def __init__(self, ctx: Context, cam: CameraSpec) -> None:
        self._cam = cam
        self._encoder = ctx.spec.sensor_index(ctx.spec.encoder.name)
        self._joint_state = ctx.streams.reader("joint_state")
        self._odometry = ctx.streams.reader("odometry") if ctx.spec.base else None
        self._readings, self._poses = _History(), _History()
        self._X_NC = ctx.calibration.mount(cam.name).X_NC
        self.kinematics = Kinematics(ctx.robot.build_model().compile(), ctx.spec)

    def listen(self) -> None:
        """Take in what was measured since."""
        for reading in self._joint_state.since():
            self._readings.add(int(reading["origin_ns"][self._encoder]), reading)
        for pose in self._odometry.since() if self._odometry else ():
            self._poses.add(int(pose["origin_ns"][self._encoder]), pose)

    def at(self, at_ns: int) -> View | None:
        """Return where it was at a time [ns]; None if that is not known."""
        reading = self._readings.at(at_ns)
        pose = self._poses.at(at_ns)
        if reading is None or not reading["valid"].all() or (self._odometry is not None and pose is None):
            return None
        X_WB = np.eye(4) if pose is None else OdometryPose.of(pose).X_WB
        X_WC = X_WB @ self.kinematics.pose_of(reading["q"], self._cam.name) @ self._X_NC
        origin_ns = reading["origin_ns"] if pose is None else merge(reading["origin_ns"], pose["origin_ns"])
        return View(X_WC, X_WB, reading["q"], origin_ns)
