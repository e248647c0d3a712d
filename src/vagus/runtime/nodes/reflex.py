"""The reflex behind streams: the body that the reflex process reads and writes, simulated or real."""

from vagus.core.body import Body
from vagus.core.messages import Record
from vagus.reflex.node import ReflexNode
from vagus.runtime.context import Context
from vagus.streams.streams import Streams


class StreamBody:
    """A body whose motors listen to ``joint_command`` and whose encoders speak on ``joint_state``."""

    def __init__(self, streams: Streams) -> None:
        self._state = streams.reader("joint_state")
        self._command = streams.writer("joint_command")

    def read(self, now_ns: int) -> Record | None:
        """Return the newest readings."""
        return self._state.latest()

    def write(self, command: Record) -> None:
        """Publish the command."""
        self._command.publish(command)

    def close(self) -> None:
        """Say nothing more: the body's watchdog brakes."""


def make_reflex(ctx: Context) -> ReflexNode:
    """Build the reflex node on the body that this run has."""
    body: Body = StreamBody(ctx.streams)
    return ReflexNode(ctx.spec, ctx.streams, body, seed=ctx.run.seed)
