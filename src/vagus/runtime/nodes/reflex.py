"""The reflex behind streams: the body that the reflex process reads and writes, simulated or real."""

from vagus.core import messages as m
from vagus.core.body import Body
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.reflex.node import ReflexNode
from vagus.runtime.ages import AgeCounter
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


class PublishedBody:
    """A real body in the reflex's own process; what it reads and is told is published for everyone else."""

    def __init__(self, ctx: Context, body: Body) -> None:
        self._body = body
        self._state = ctx.streams.writer("joint_state")
        self._command = ctx.streams.writer("joint_command")
        self._actuation_out = ctx.streams.writer("actuation")
        self._actuation = m.blank(m.actuation(ctx.spec))
        self._ages = AgeCounter(ctx)
        self._read_ns = 0

    def read(self, now_ns: int) -> Record | None:
        """Read the motors and publish what they say."""
        self._read_ns = now_ns
        state = self._body.read(now_ns)
        if state is not None:
            self._state.publish(state)
        return state

    def write(self, command: Record) -> None:
        """Write to the motors, then publish what they were told, at the time of this tick."""
        self._body.write(command)
        self._command.publish(command)
        actuation = self._actuation
        actuation["stamp_ns"] = self._read_ns
        actuation["counter"], actuation["origin_ns"] = command["counter"], command["origin_ns"]
        self._actuation_out.publish(actuation)
        self._ages.count(actuation)

    def close(self) -> None:
        """Let go of the motors, braked."""
        self._body.close()


def make_reflex(ctx: Context) -> ReflexNode:
    """Build the reflex node on the body that this run has.

    Raises:
        ConfigError: The real body cannot be opened.
    """
    return ReflexNode(ctx.spec, ctx.streams, _body(ctx), seed=ctx.run.seed)


def _body(ctx: Context) -> Body:
    if not ctx.run.is_real:
        return StreamBody(ctx.streams)
    if ctx.run.real is None:
        raise ConfigError(f"robot {ctx.run.name!r} has no real body; give its robot file `real=FeetechCfg(...)`")
    from vagus.body.feetech.body import open_body  # pyserial, which simulated robots do without

    return PublishedBody(ctx, open_body(ctx.spec, ctx.run.real))
