"""The detector node: what kinds of things the robot's eye shows, now and then."""

from collections.abc import Mapping
from pathlib import Path

from vagus.core import messages as m
from vagus.core.robot import CameraSpec
from vagus.core.sights import write_sights
from vagus.perceive.detector import CenterNet, Detector
from vagus.runtime.context import Context


class DetectorNode:
    """Reads one camera, writes ``sights`` for every exposure it looked at."""

    def __init__(self, ctx: Context, cam: CameraSpec, detector: Detector) -> None:
        self._spec, self._detector = ctx.spec, detector
        self._slot = ctx.spec.sensor_index(cam.name)
        self._camera, self._out = ctx.streams.reader(cam.name), ctx.streams.writer("sights")
        self._counter = -1

    def step(self, now_ns: int) -> None:
        """Look at the newest exposure, if it is a new one."""
        picture = self._camera.latest()
        if picture is None or int(picture["counter"]) == self._counter:
            return
        self._counter = int(picture["counter"])
        record = m.blank(m.sights(self._spec))
        record["stamp_ns"], record["counter"] = now_ns, self._counter
        record["origin_ns"][self._slot] = picture["origin_ns"][self._slot]
        write_sights(record, self._detector.detect(picture["rgb"]))
        self._out.publish(record)


def named(env: Mapping[str, str]) -> str:
    """Return the file of the network that the environment names by ``VAGUS_DETECTOR``; empty: none.

    Raises:
        ConfigError: It cannot be used.
    """
    path = env.get("VAGUS_DETECTOR", "")
    if not path:
        return ""
    CenterNet(Path(path))  # now, where somebody reads why not
    return str(Path(path).resolve())


def make_detector(ctx: Context, cam: CameraSpec) -> DetectorNode:
    """Return the node with the network that the run names. Raises ConfigError if that cannot be used."""
    return DetectorNode(ctx, cam, CenterNet(Path(ctx.run.detector)))
