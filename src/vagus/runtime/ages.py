"""Counting ages at the actuators: every command that was applied, per sensor, since the start."""

from vagus.core import messages as m
from vagus.core.ages import UNUSED, bucket
from vagus.runtime.context import Context

_EVERY_NS = 500_000_000
"""How often the histogram is published [ns]."""


class AgeCounter:
    """Writes ``ages``: a histogram per sensor of how old what moves the robot is when it does."""

    def __init__(self, ctx: Context) -> None:
        self._out = ctx.streams.writer("ages")
        self._ages = m.blank(m.ages(ctx.spec))
        self._applied = 0
        self._next_ns = 0

    def count(self, actuation: m.Record) -> None:
        """Count an actuation; a command that is still the one before is counted once."""
        stamp = int(actuation["stamp_ns"])
        if int(actuation["counter"]) != self._applied:
            self._applied = int(actuation["counter"])
            counts, largest = self._ages["counts"], self._ages["max_ns"]
            for i, origin in enumerate(actuation["origin_ns"].tolist()):
                if origin != UNUSED:
                    counts[i, bucket(stamp - origin)] += 1
                    largest[i] = max(largest[i], stamp - origin)
        if stamp >= self._next_ns:
            self._next_ns = stamp + _EVERY_NS
            self._ages["stamp_ns"] = stamp
            self._out.publish(self._ages)
