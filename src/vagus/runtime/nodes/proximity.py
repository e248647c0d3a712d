"""The proximity node: how near a person may be, from the lidar."""

from vagus.perceive.proximity import find_person, mount_of
from vagus.runtime.context import Context


class ProximityNode:
    """Reads ``lidar``, writes ``proximity``; a sweep that was seen already is not published again."""

    def __init__(self, ctx: Context) -> None:
        self._spec = ctx.spec
        self._lidar = ctx.streams.reader("lidar")
        self._out = ctx.streams.writer("proximity")
        self._mount = mount_of(ctx.spec, ctx.robot.build_model().compile()) if ctx.spec.base else None
        self._counter = -1

    def step(self, now_ns: int) -> None:
        """Look at the newest sweep."""
        sweep = self._lidar.latest()
        if sweep is not None and int(sweep["counter"]) != self._counter:
            self._counter = int(sweep["counter"])
            self._out.publish(find_person(self._spec, sweep, now_ns, self._mount))
