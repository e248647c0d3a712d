"""The stream table: every stream of a robot, as data, in one place. It opens nothing."""

from dataclasses import dataclass

import numpy as np

from vagus.core import messages as m
from vagus.core.robot import RobotSpec

PROCESSES = ("world", "camera", "reflex", "brain", "recorder", "page")
"""Every process there may be; each writes ``stats.<process>``."""
_FAST = 2048
"""Messages that a ring of the reflex's rate keeps: 4 s at 500 Hz, so that a starved recorder loses nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSpec:
    """One stream: its layout, how often it is written and how many messages its ring keeps."""

    name: str
    layout: np.dtype[np.void]
    rate_hz: float
    """Nominal rate; 0 means when something happens."""
    capacity: int
    is_ordered: bool = False
    """Read in order and never skipped (words, requests), rather than newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneShape:
    """Sizes of a simulated world, for the ``scene`` stream."""

    nq: int
    nmocap: int
    nbody: int


def stream_table(spec: RobotSpec, scene: SceneShape | None) -> dict[str, StreamSpec]:
    """Return every stream of this robot by name; ``scene`` is None on a real robot, which has no such stream."""
    hz = spec.reflex_hz
    rows = [
        StreamSpec(name="joint_state", layout=m.joint_state(spec), rate_hz=spec.encoder.rate_hz, capacity=_FAST),
        StreamSpec(name="joint_command", layout=m.joint_command(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="actuation", layout=m.actuation(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="ages", layout=m.ages(spec), rate_hz=2.0, capacity=8),
        StreamSpec(name="reflex", layout=m.reflex(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="clearance", layout=m.clearance(spec), rate_hz=50.0, capacity=32),
        StreamSpec(name="proximity", layout=m.proximity(spec), rate_hz=10.0, capacity=32),
    ]
    for source in m.SOURCES_COMMANDING:
        name = f"command.{source.name.lower()}"
        rows.append(StreamSpec(name=name, layout=m.command(spec), rate_hz=100.0, capacity=512))
    for source in m.SOURCES_REQUESTING:
        name = f"request.{source.name.lower()}"
        rows.append(StreamSpec(name=name, layout=m.request(spec), rate_hz=0.0, capacity=64, is_ordered=True))
    for name in ("utterance.page", "utterance.operator", "say", "outcome"):
        rows.append(StreamSpec(name=name, layout=m.text(spec), rate_hz=0.0, capacity=64, is_ordered=True))
    for process in PROCESSES:
        rows.append(StreamSpec(name=f"stats.{process}", layout=m.stats(spec), rate_hz=2.0, capacity=8))
    if spec.imu:
        rows.append(StreamSpec(name="imu", layout=m.imu(spec), rate_hz=spec.imu.rate_hz, capacity=1024))
    if spec.touch:
        rows.append(StreamSpec(name="touch", layout=m.touch(spec), rate_hz=spec.touch.rate_hz, capacity=512))
    if spec.lidar:
        rows.append(StreamSpec(name="lidar", layout=m.lidar(spec), rate_hz=spec.lidar.rate_hz, capacity=16))
    for cam in spec.cameras:
        rows.append(StreamSpec(name=cam.name, layout=m.camera(spec, cam), rate_hz=cam.rate_hz, capacity=32))
    if scene:
        layout = m.scene(spec, nq=scene.nq, nmocap=scene.nmocap, nbody=scene.nbody)
        rows.append(StreamSpec(name="scene", layout=layout, rate_hz=30.0, capacity=64))
    return {row.name: row for row in rows}
