"""The stream table: every stream of a robot, as data, in one place. It opens nothing."""

from dataclasses import dataclass

import numpy as np

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec, SensorSpec

PROCESSES = ("world", "camera", "reflex", "brain", "perception", "detector", "planner", "recorder", "page")
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
    max_age_s: float | None = None
    """Its newest message is stale when its sensor's sample is older [s]; None for streams that no sensor writes."""
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
    """Return every stream of this robot by name; ``scene`` is None on a real robot, which has no such stream.

    Raises:
        ConfigError: A camera has another stream's name.
    """
    hz = spec.reflex_hz
    rows = [
        _sensed("joint_state", spec.encoder, m.joint_state(spec), _FAST),
        StreamSpec(name="joint_command", layout=m.joint_command(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="actuation", layout=m.actuation(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="ages", layout=m.ages(spec), rate_hz=2.0, capacity=8),
        StreamSpec(name="reflex", layout=m.reflex(spec), rate_hz=hz, capacity=_FAST),
        StreamSpec(name="clearance", layout=m.clearance(spec), rate_hz=50.0, capacity=32),
        StreamSpec(name="proximity", layout=m.proximity(spec), rate_hz=10.0, capacity=32),
    ]
    if spec.base:
        rows.append(StreamSpec(name="odometry", layout=m.odometry(spec), rate_hz=100.0, capacity=512))
    if spec.cameras:
        rows.append(StreamSpec(name="objects", layout=m.objects(spec), rate_hz=3.0, capacity=32))
        rows.append(StreamSpec(name="sights", layout=m.sights(spec), rate_hz=1.0, capacity=16))
        rows.append(StreamSpec(name="gaze", layout=m.gaze(spec), rate_hz=0.0, capacity=32))
        rows.append(StreamSpec(name="followed", layout=m.followed(spec), rate_hz=0.0, capacity=32))
    for source in m.SOURCES_COMMANDING:
        name = f"command.{source.name.lower()}"
        rows.append(StreamSpec(name=name, layout=m.command(spec), rate_hz=100.0, capacity=512))
    for source in m.SOURCES_REQUESTING:
        name = f"request.{source.name.lower()}"
        rows.append(StreamSpec(name=name, layout=m.request(spec), rate_hz=0.0, capacity=64, is_ordered=True))
    for name in ("utterance.page", "utterance.operator", "say", "plan", "outcome"):
        rows.append(StreamSpec(name=name, layout=m.text(spec), rate_hz=0.0, capacity=64, is_ordered=True))
    for name in ("ask", "advice"):
        rows.append(StreamSpec(name=name, layout=m.long_text(spec), rate_hz=0.0, capacity=16, is_ordered=True))
    for process in PROCESSES:
        rows.append(StreamSpec(name=f"stats.{process}", layout=m.stats(spec), rate_hz=2.0, capacity=8))
    rows += _sensors(spec)
    if scene:
        layout = m.scene(spec, nq=scene.nq, nmocap=scene.nmocap, nbody=scene.nbody)
        rate_hz = spec.cameras[0].rate_hz if spec.cameras else 30.0  # as the cameras expose, in simulation all alike
        rows.append(StreamSpec(name="scene", layout=layout, rate_hz=rate_hz, capacity=64))
    taken = {row.name for row in rows} | {"scene"}  # a name is good in simulation and on the real body, or in neither
    for cam in spec.cameras:
        if cam.name in taken:
            raise ConfigError(f"camera name: got {cam.name!r}, allowed: no other stream's name: {sorted(taken)}")
        rows.append(_sensed(cam.name, cam, m.camera(spec, cam), 32))
    return {row.name: row for row in rows}


def _sensors(spec: RobotSpec) -> list[StreamSpec]:
    """Return the streams of the sensors that not every robot has, cameras left out."""
    rows: list[StreamSpec] = []
    if spec.imu:
        rows.append(_sensed("imu", spec.imu, m.imu(spec), 1024))
    if spec.touch:
        rows.append(_sensed("touch", spec.touch, m.touch(spec), 512))
    if spec.lidar:
        rows.append(_sensed("lidar", spec.lidar, m.lidar(spec), 16))
    return rows


def _sensed(name: str, sensor: SensorSpec, layout: np.dtype[np.void], capacity: int) -> StreamSpec:
    """Return the stream of a sensor, as fast as it and as old at most."""
    return StreamSpec(
        name=name, layout=layout, rate_hz=sensor.rate_hz, max_age_s=sensor.max_age_s, capacity=capacity
    )  # fmt: skip
