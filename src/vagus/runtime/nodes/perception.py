"""The perception node: what the head camera shows, as things, boards and people in the world, followed over time."""

from bisect import bisect_left
from collections import deque

import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import Kinematics
from vagus.act.surroundings import Skin
from vagus.core import messages as m
from vagus.core.ages import merge
from vagus.core.frames import invert, transform
from vagus.core.robot import CameraSpec
from vagus.core.seen import write_people, write_supports, write_things
from vagus.perceive.company import Company
from vagus.perceive.objects import LOWEST, look
from vagus.perceive.odometry import OdometryPose
from vagus.perceive.own_body import own_pixels
from vagus.perceive.supports import Supports
from vagus.perceive.tracks import Tracks
from vagus.runtime.context import Context

Array = NDArray[np.float64]

_HISTORY_S = 0.5
"""How far back readings are kept [s]: a picture is rendered, or transferred, some 30 ms after its exposure."""
_APART_NS = 20_000_000
"""Readings farther than this from an exposure [ns] do not tell where the camera was."""

_BENCH_LOWEST = -0.05
"""What lies lower than this [m] is beneath the board that a robot which does not drive is mounted on."""


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


class PerceptionNode:
    """Reads one camera, ``joint_state`` and ``odometry``; writes ``objects`` for every exposure it looked at.

    An exposure of which it is not known where the camera was is passed over.
    """

    def __init__(self, ctx: Context, cam: CameraSpec) -> None:
        self._spec, self._cam = ctx.spec, cam
        self._slot = ctx.spec.sensor_index(cam.name)
        self._encoder = ctx.spec.sensor_index(ctx.spec.encoder.name)
        self._camera = ctx.streams.reader(cam.name)
        self._joint_state = ctx.streams.reader("joint_state")
        self._odometry = ctx.streams.reader("odometry") if ctx.spec.base else None
        self._out = ctx.streams.writer("objects")
        self._kinematics = Kinematics(ctx.robot.build_model().compile(), ctx.spec)
        self._X_NC = ctx.calibration.mount(cam.name).X_NC
        self._readings, self._poses = _History(), _History()
        # A camera on the robot's head sees its arms alone; one on a stand beside it, all of it.
        arms = [j for arm in ctx.spec.arms for j in (*arm.joints, *arm.fingers)]
        self._skin = Skin(self._kinematics, arms if ctx.spec.neck else None)
        self._lowest = LOWEST if ctx.spec.base else _BENCH_LOWEST
        self._tracks, self._supports, self._company = Tracks(cam), Supports(self._lowest), Company(cam)
        self._counter = -1

    def step(self, now_ns: int) -> None:
        """Look at the newest exposure, if it is a new one."""
        for reading in self._joint_state.since():
            self._readings.add(int(reading["origin_ns"][self._encoder]), reading)
        for pose in self._odometry.since() if self._odometry else ():
            self._poses.add(int(pose["origin_ns"][self._encoder]), pose)
        picture = self._camera.latest()
        if picture is None or int(picture["counter"]) == self._counter:
            return
        self._counter = int(picture["counter"])
        exposed_ns = int(picture["origin_ns"][self._slot])
        found = self._at(exposed_ns)
        if found is None:
            return
        X_WC, balls, origin_ns = found
        own = own_pixels(picture["depth"], self._cam, transform(invert(X_WC), balls), self._skin.radius)
        seen = look(picture["depth"], picture["rgb"], self._cam, X_WC, ignore=own, lowest=self._lowest)
        self._tracks.update(seen.objects, picture["depth"], X_WC, exposed_ns)
        self._supports.update(seen.boards)
        self._company.update(seen.people, picture["depth"], X_WC, exposed_ns)
        self._publish(now_ns, exposed_ns, merge(picture["origin_ns"], origin_ns))

    def _at(self, at_ns: int) -> tuple[Array, Array, NDArray[np.int64]] | None:
        """Return where camera and body were in the world, and the origins this is known from; None if it is not."""
        reading = self._readings.at(at_ns)
        pose = self._poses.at(at_ns)
        if reading is None or not reading["valid"].all() or (self._odometry is not None and pose is None):
            return None
        X_WB = np.eye(4) if pose is None else OdometryPose.of(pose).X_WB
        X_WC = X_WB @ self._kinematics.pose_of(reading["q"], self._cam.name) @ self._X_NC
        balls = transform(X_WB, self._skin.points(reading["q"]))
        origin_ns = reading["origin_ns"] if pose is None else merge(reading["origin_ns"], pose["origin_ns"])
        return X_WC, balls, origin_ns

    def _publish(self, now_ns: int, exposed_ns: int, origin_ns: NDArray[np.int64]) -> None:
        record = m.blank(m.objects(self._spec))
        record["stamp_ns"], record["origin_ns"], record["counter"] = now_ns, origin_ns, self._counter
        tracks = sorted(self._tracks.all, key=lambda t: -t.seen_ns)[: m.N_OBJECTS]
        write_things(record, [track.thing for track in tracks])
        write_supports(record, self._supports.all)
        write_people(record, self._company.all)
        for k, track in enumerate(tracks):
            if track.seen_ns == exposed_ns:
                record["box"][k] = track.box
        self._out.publish(record)
