"""The page behind streams: serves it until the process is told to end."""

import json
import time
from collections.abc import Callable
from functools import partial

from vagus.page.server import create_app, serve
from vagus.runtime.context import Context
from vagus.runtime.stats import StatsWriter


def make_page(ctx: Context) -> Callable[[], None]:
    """Return what serves the robot's page on 127.0.0.1. It raises ConfigError if the port is taken."""
    stats = StatsWriter(ctx, "page")
    scene_file = ctx.path / "scene.json" if ctx.path else None
    scene = json.loads(scene_file.read_text()) if scene_file and scene_file.exists() else None
    app = create_app(
        spec=ctx.spec,
        streams=ctx.streams,
        scene=scene,
        token=ctx.run.page_token,
        clock=time.monotonic_ns,
        heartbeat=lambda now_ns: stats.write(now_ns),
    )
    return partial(serve, app, "127.0.0.1", ctx.run.page_port)
