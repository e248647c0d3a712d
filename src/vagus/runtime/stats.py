"""What a process says about itself twice a second, and how others read it."""

import os
import time

from vagus.core import messages as m
from vagus.runtime.context import Context

_PERIOD_NS = 500_000_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class StatsWriter:
    """Writes ``stats.<process>``: the sign of life the supervisor looks for."""

    def __init__(self, ctx: Context, process: str) -> None:
        self._out = ctx.streams.writer(f"stats.{process}")
        self._record = m.blank(m.stats(ctx.spec))
        self._record["pid"] = os.getpid()
        self._record["started_ns"] = time.monotonic_ns()
        self._next_ns = 0

    def is_due(self, now_ns: int) -> bool:
        """Say whether it is time for another message."""
        return now_ns >= self._next_ns

    def write(self, now_ns: int, *figures: dict[str, int | float]) -> None:
        """Publish figures with the process's CPU time and resident memory."""
        self._next_ns = now_ns + _PERIOD_NS
        record = self._record
        record["stamp_ns"] = now_ns
        record["cpu_ns"] = time.process_time_ns()
        with open("/proc/self/statm", "rb") as statm:
            record["rss_bytes"] = int(statm.read().split()[1]) * _PAGE_BYTES
        for some in figures:
            for key, value in some.items():
                record[key] = value
        self._out.publish(record)
