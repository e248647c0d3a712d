"""The recorder node: every stream, in order, into MCAP; it counts what it lost and never slows anyone down.

A camera's stream is split: its pictures are ``/<camera>/rgb`` and ``/<camera>/depth``, for Foxglove; the rest, such as
the exposure counter and the ages, is ``/<camera>``, at the same time. A recorder that was restarted writes once more
what the rings still hold.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import foxglove
import numpy as np

from vagus.core import messages as m
from vagus.runtime.context import Context
from vagus.runtime.record import cdr, views
from vagus.runtime.record.about import about
from vagus.runtime.record.writer import FileSet
from vagus.streams.ring import Reader

_CORE_BUDGET = 4 << 30
"""Disk for everything but pictures [bytes]: about 30 minutes of the host robot."""
_CAMERA_BUDGET = 2 << 30
"""Disk for pictures, which are evicted on their own [bytes]: about 2 minutes of one lossless RGB-D camera."""
_FILE_BYTES = 256 << 20
_FLUSH_NS = 1_000_000_000
"""How often everything is written out [ns]: the most that killing this process costs."""


class _View(Protocol):
    def log(self, record: m.Record, at_ns: int) -> None: ...


class RecorderNode:
    """Reads every stream, writes MCAP files; ``lost`` counts messages that are in none of them."""

    def __init__(self, ctx: Context) -> None:
        run = ctx.run
        folder, facts = Path(run.record_dir or "."), about(run)
        self._offset_ns = run.epoch_ns
        self._core = FileSet(folder, "core", facts, budget=_CORE_BUDGET, file_bytes=_FILE_BYTES)
        self._camera = FileSet(folder, "camera", facts, budget=_CAMERA_BUDGET, file_bytes=_FILE_BYTES)
        self._left_out = 0
        self._drawn = 0
        self._flush_ns = 0
        self._scene = self._make_scene(ctx)
        self._streams: list[tuple[Reader, Callable[[m.Record], None]]] = []
        cameras = {cam.name: cam for cam in ctx.spec.cameras}
        for name, row in run.table().items():
            view: _View | None = None
            if name in cameras:
                view = views.CameraView(cameras[name], self._camera.context)
            elif name == "lidar":
                view = views.LidarView(self._core.context)
            elif name == "scene":
                view = self._scene
            elif row.layout == m.text(ctx.spec):
                view = views.TalkView(name, self._core.context)
            sink = self._sink(name, row.layout, view, is_camera=name in cameras)
            self._streams.append((ctx.streams.reader(name), sink))
        if ctx.streams.reader("stats.recorder").latest() is None:  # the first recorder of this run came this late
            self._left_out = sum(reader.sequence for reader, _ in self._streams)

    def _make_scene(self, ctx: Context) -> views.SceneView | None:
        if ctx.path is None or not (ctx.path / "scene.json").exists():
            return None
        return views.SceneView(json.loads((ctx.path / "scene.json").read_text()), self._core.context)

    def _sink(
        self, name: str, layout: np.dtype[np.void], view: _View | None, *, is_camera: bool
    ) -> Callable[[m.Record], None]:
        files = self._camera if is_camera else self._core
        header = np.dtype([(f, layout[f]) for f in ("stamp_ns", "origin_ns", "counter")]) if is_camera else layout
        schema = foxglove.Schema(name=f"vagus/{name}", encoding="ros2msg", data=cdr.schema_text(header))
        channel = foxglove.Channel(f"/{name}", schema=schema, message_encoding="cdr", context=files.context)

        def write(record: m.Record) -> None:
            at_ns = int(record["stamp_ns"]) + self._offset_ns
            if not files.admit(layout.itemsize):
                self._left_out += 1
                return
            if files is self._core and self._scene and self._drawn != files.number:
                self._scene.log_shapes(at_ns)
                self._drawn = files.number
            data = np.array(record[list(header.names or ())].astype(header)) if is_camera else record
            channel.log(cdr.encode(data), log_time=at_ns)
            if view is not None:
                view.log(record, at_ns)

        return write

    def figures(self) -> dict[str, int | float]:
        """Return how many messages were overwritten before they could be recorded, or found no room on the disk."""
        return {"lost": self._left_out + sum(reader.lost for reader, _ in self._streams)}

    def step(self, now_ns: int) -> None:
        """Write what is new on every stream."""
        self._take()
        if now_ns >= self._flush_ns:
            self._flush_ns = now_ns + _FLUSH_NS
            self._core.flush()
            self._camera.flush()

    def _take(self) -> None:
        for reader, write in self._streams:
            for record in reader.since():
                write(record)

    def close(self) -> None:
        """Write what came last and finish the files with their indexes."""
        self._take()
        self._core.close()
        self._camera.close()
