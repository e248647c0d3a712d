"""The cameras node: renders each new exposure of the simulated world."""

from vagus.core import messages as m
from vagus.runtime.context import Context
from vagus.world.camera import CameraRenderer


class CamerasNode:
    """Reads ``scene``, writes every camera's stream. An exposure that was missed is missing, never made up."""

    def __init__(self, ctx: Context) -> None:
        self._scene = ctx.streams.reader("scene")
        model = ctx.robot.build_scene(ctx.run.scene, ctx.run.seed).model
        self._cameras = [
            (CameraRenderer(model, ctx.spec, cam, seed=ctx.run.seed), ctx.streams.writer(cam.name))
            for cam in ctx.spec.cameras
        ]
        self._counter = -1

    def step(self, now_ns: int) -> None:
        """Render the newest exposure, if there is one that was not rendered yet."""
        scene: m.Record | None = self._scene.latest()
        if scene is None or int(scene["counter"]) == self._counter:
            return
        self._counter = int(scene["counter"])
        for renderer, out in self._cameras:
            with out.slot() as record:
                renderer.render(scene, record)
                record["stamp_ns"] = now_ns
