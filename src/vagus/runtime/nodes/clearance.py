"""The clearance node: how near the robot is to itself, from its own joint readings."""

from vagus.perceive.clearance import Clearance
from vagus.runtime.context import Context


class ClearanceNode:
    """Reads ``joint_state``, writes ``clearance``."""

    def __init__(self, ctx: Context) -> None:
        self._joint_state = ctx.streams.reader("joint_state")
        self._out = ctx.streams.writer("clearance")
        self._clearance = Clearance(ctx.spec, ctx.robot.build_model().compile())

    def step(self, now_ns: int) -> None:
        """Compute clearances at the newest readings; silent, and so stale, when there are none."""
        state = self._joint_state.latest()
        if state is not None:
            self._out.publish(self._clearance.compute(state, now_ns))
