"""What people look at in Foxglove: pictures, the robot in 3D, lidar sweeps and the talk, in Foxglove's own schemas."""

from typing import Any

import foxglove
import numpy as np
from foxglove import channels, messages

from vagus.core import messages as m
from vagus.core.robot import CameraSpec


def timestamp(ns: int) -> messages.Timestamp:
    """Return a Foxglove timestamp."""
    return messages.Timestamp(ns // 1_000_000_000, ns % 1_000_000_000)


class CameraView:
    """A camera's colour and depth as ``foxglove.RawImage``, lossless: depth in metres, NaN in holes."""

    def __init__(self, camera: CameraSpec, context: foxglove.Context) -> None:
        self._camera = camera
        self._rgb = channels.RawImageChannel(f"/{camera.name}/rgb", context=context)
        self._depth = channels.RawImageChannel(f"/{camera.name}/depth", context=context)

    def log(self, record: m.Record, at_ns: int) -> None:
        """Log one exposure."""
        cam, when = self._camera, timestamp(at_ns)
        size: dict[str, Any] = {"timestamp": when, "frame_id": cam.name, "width": cam.width, "height": cam.height}
        rgb = messages.RawImage(encoding="rgb8", step=3 * cam.width, data=record["rgb"].tobytes(), **size)
        self._rgb.log(rgb, log_time=at_ns)
        depth = messages.RawImage(encoding="32FC1", step=4 * cam.width, data=record["depth"].tobytes(), **size)
        self._depth.log(depth, log_time=at_ns)


class LidarView:
    """Sweeps as ``foxglove.LaserScan``."""

    def __init__(self, context: foxglove.Context) -> None:
        self._channel = channels.LaserScanChannel("/lidar/scan", context=context)

    def log(self, record: m.Record, at_ns: int) -> None:
        """Log one sweep."""
        ranges = record["range"]
        step = 2 * np.pi / len(ranges)
        scan = messages.LaserScan(
            timestamp=timestamp(at_ns), frame_id="lidar", start_angle=0.0, end_angle=2 * np.pi - step,
            ranges=ranges.tolist(),
        )  # fmt: skip
        self._channel.log(scan, log_time=at_ns)


class TalkView:
    """Words heard and said as ``foxglove.Log``."""

    def __init__(self, stream: str, context: foxglove.Context) -> None:
        self._name = stream
        self._channel = channels.LogChannel("/talk", context=context)

    def log(self, record: m.Record, at_ns: int) -> None:
        """Log one line."""
        line = messages.Log(
            timestamp=timestamp(at_ns), level=messages.LogLevel.Info, message=m.get_text(record), name=self._name
        )
        self._channel.log(line, log_time=at_ns)


class SceneView:
    """The simulated world in 3D: ``foxglove.FrameTransforms``, and its shapes as ``foxglove.SceneUpdate``."""

    def __init__(self, scene: dict[str, Any], context: foxglove.Context) -> None:
        self._bodies: list[str] = scene["bodies"]
        self._transforms = channels.FrameTransformsChannel("/tf", context=context)
        self._shapes_channel = channels.SceneUpdateChannel("/scene/shapes", context=context)
        self._entities = _entities(scene)

    def log_shapes(self, at_ns: int) -> None:
        """Log what the bodies look like; once a file."""
        self._shapes_channel.log(messages.SceneUpdate(entities=self._entities), log_time=at_ns)

    def log(self, record: m.Record, at_ns: int) -> None:
        """Log where the bodies are."""
        when = timestamp(at_ns)
        rows: list[messages.FrameTransform] = []
        poses = zip(self._bodies, record["body_p"].tolist(), record["body_q"].tolist(), strict=True)
        for name, (x, y, z), (w, i, j, k) in poses:
            rows.append(messages.FrameTransform(
                timestamp=when, parent_frame_id="world", child_frame_id=name,
                translation=messages.Vector3(x=x, y=y, z=z), rotation=messages.Quaternion(x=i, y=j, z=k, w=w),
            ))  # fmt: skip
        self._transforms.log(messages.FrameTransforms(transforms=rows), log_time=at_ns)


def _entities(scene: dict[str, Any]) -> list[messages.SceneEntity]:
    names: list[str] = scene["bodies"]
    shapes: dict[int, dict[str, list[Any]]] = {}
    for geom in scene["geoms"]:
        kind, size = geom["type"], [2.0 * s for s in geom["size"]]
        px, py, pz = geom["p"]
        w, x, y, z = geom["q"]
        pose = messages.Pose(
            position=messages.Vector3(x=px, y=py, z=pz), orientation=messages.Quaternion(x=x, y=y, z=z, w=w)
        )
        r, g, b, a = geom["rgba"]
        color = messages.Color(r=r, g=g, b=b, a=a)
        lists = shapes.setdefault(geom["body"], {"cubes": [], "spheres": [], "cylinders": []})
        if kind == "box":
            extent = messages.Vector3(x=size[0], y=size[1], z=size[2])
            lists["cubes"].append(messages.CubePrimitive(pose=pose, size=extent, color=color))
        elif kind in ("sphere", "ellipsoid"):
            sx, sy, sz = size if kind == "ellipsoid" else [size[0]] * 3
            extent = messages.Vector3(x=sx, y=sy, z=sz)
            lists["spheres"].append(messages.SpherePrimitive(pose=pose, size=extent, color=color))
        elif kind in ("cylinder", "capsule"):
            length = size[1] + (size[0] if kind == "capsule" else 0.0)
            extent = messages.Vector3(x=size[0], y=size[0], z=length)
            lists["cylinders"].append(
                messages.CylinderPrimitive(pose=pose, size=extent, bottom_scale=1.0, top_scale=1.0, color=color)
            )
    return [
        messages.SceneEntity(
            frame_id=names[body],
            id=names[body],
            frame_locked=True,
            cubes=lists["cubes"],
            spheres=lists["spheres"],
            cylinders=lists["cylinders"],
        )
        for body, lists in shapes.items()
    ]
