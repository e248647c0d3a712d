"""Counting ages at the actuators: every command that was applied, per sensor, since the start."""

from vagus.core import messages as m
from vagus.core.ages import UNUSED, bucket
from vagus.runtime.context import Context

_EVERY = 250
"""Actuations between two publications: half a second at 500 Hz."""


class AgeCounter:
    """Writes ``ages``: a histogram per sensor of how old what moves the robot is when it does."""

    def __init__(self, ctx: Context) -> None:
        self._out = ctx.streams.writer("ages")
        self._ages = m.blank(m.ages(ctx.spec))
        self._applied = 0
        self._actuations = 0

    def count(self, actuation: m.Record) -> None:
        """Count an actuation; a command that is still the one before is counted once."""
        if int(actuation["counter"]) != self._applied:
            self._applied = int(actuation["counter"])
            stamp = int(actuation["stamp_ns"])
            counts, largest = self._ages["counts"], self._ages["max_ns"]
            for i, origin in enumerate(actuation["origin_ns"].tolist()):
                if origin != UNUSED:
                    counts[i, bucket(stamp - origin)] += 1
                    largest[i] = max(largest[i], stamp - origin)
        self._actuations += 1
        if self._actuations % _EVERY == 0:
            self._ages["stamp_ns"] = actuation["stamp_ns"]
            self._out.publish(self._ages)
