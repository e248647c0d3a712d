"""The follow node: where the newest picture shows what the eye shall follow, at the camera's own rate."""

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.robot import CameraSpec
from vagus.perceive.follow import follow
from vagus.runtime.context import Context
from vagus.runtime.nodes.viewpoint import Viewpoint

Array = NDArray[np.float64]

_KEPT_NS = 500_000_000
"""For so long [ns] it goes on from where it saw it last rather than from where it is told it is,"""
_NEAR_M = 0.6
"""if that is not farther away [m]: perception, which knows things, is a few walking steps behind."""


class FollowNode:
    """Reads ``gaze``, the camera, ``joint_state`` and ``odometry``; writes ``followed`` per exposure, if asked to."""

    def __init__(self, ctx: Context, cam: CameraSpec) -> None:
        self._spec, self._cam = ctx.spec, cam
        self._slot = ctx.spec.sensor_index(cam.name)
        self._gaze, self._camera = ctx.streams.reader("gaze"), ctx.streams.reader(cam.name)
        self._out = ctx.streams.writer("followed")
        self._viewpoint = Viewpoint(ctx, cam)
        self._counter = -1
        self._last: tuple[Array, int] | None = None

    def step(self, now_ns: int) -> None:
        """Look at the newest exposure, if it is a new one and something is to be followed."""
        self._viewpoint.listen()
        gaze = self._gaze.latest()
        if gaze is None or not np.isfinite(gaze["point"]).all():
            self._last = None
            return
        with self._camera.view() as shown:  # in place: a copy of a picture takes longer than the look
            picture = shown.record
            if picture is None or int(picture["counter"]) == self._counter:
                return
            self._counter, exposed_ns = int(picture["counter"]), int(picture["origin_ns"][self._slot])
            origin_ns = picture["origin_ns"].copy()
            view = self._viewpoint.at(exposed_ns)
            if view is None:
                return
            start, radius, lowest = self._start(gaze, exposed_ns), float(gaze["radius"]), float(gaze["lowest"])
            at = follow(picture["depth"], self._cam, view.X_WC, start, radius, lowest)
        if not shown.is_valid:
            return
        record = m.blank(m.followed(self._spec))
        record["stamp_ns"], record["counter"] = now_ns, self._counter
        # The readings that say where the camera was are as old as the exposure: its age stands for theirs.
        record["origin_ns"] = origin_ns
        record["point"] = np.nan if at is None else at
        self._last = self._last if at is None else (at, exposed_ns)
        self._out.publish(record)

    def _start(self, gaze: m.Record, exposed_ns: int) -> Array:
        """Return where to look first: where it was in the last picture, else where it is said to be."""
        told = gaze["point"].copy()
        if self._last is None or exposed_ns - self._last[1] > _KEPT_NS:
            return told
        return self._last[0] if float(np.linalg.norm(self._last[0] - told)) < _NEAR_M else told
