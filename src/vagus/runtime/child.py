"""One process of a running robot: ``python -m vagus.runtime.child RUN_DIR PROCESS PARENT``, started by the supervisor.

It opens its streams, builds its nodes, sets itself up for real time and ticks until it is told to end. An error ends
it with a traceback in its log; the supervisor decides what follows, and the body's watchdog has braked by then.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from vagus.core.errors import ConfigError
from vagus.runtime import realtime, run_dir
from vagus.runtime.context import Closable, Context, HasFigures, Node
from vagus.runtime.graph import NodeSpec, ProcessSpec, process
from vagus.runtime.stats import StatsWriter
from vagus.streams.streams import shared_streams

WRONG_CONFIG = 78
"""Exit status of a process that can never run as it is asked to (EX_CONFIG of sysexits.h)."""
GRANTED = "granted: "
"""What the line of a log begins with that says what the operating system granted."""
_END_S = 4
"""How long a process may take to end in order [s]; then the kernel ends it."""


@dataclass
class Scheduled:
    """A node and when it is due."""

    node: Node
    period_ns: int
    phase_ns: int = 0
    """It is due at ``phase_ns + k * period_ns``: on the same lines as its process's pacer."""
    due_ns: int = 0

    def step(self, now_ns: int) -> None:
        """Run the node if it is due; what passed meanwhile is skipped."""
        if now_ns >= self.due_ns:
            self.node.step(now_ns)
            self.due_ns = now_ns - (now_ns - self.phase_ns) % self.period_ns + self.period_ns


def build(ctx: Context, specs: tuple[NodeSpec, ...], phase_ns: int = 0) -> list[Scheduled]:
    """Build a process's nodes in the table's order."""
    return [Scheduled(spec.make(ctx), _period_ns(spec), phase_ns) for spec in specs]


def _period_ns(spec: NodeSpec) -> int:
    return round(1e9 / spec.rate_hz)


class _Ended(SystemExit):
    """The process was told to end."""


def _end(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # told twice, it still closes what it holds
    signal.alarm(_END_S)
    raise _Ended(0)


def main(path: Path, name: str, parent: int) -> None:
    """Run one process of the run in ``path`` until SIGTERM, or until its supervisor, process ``parent``, has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's; it ends us in order
    signal.signal(signal.SIGTERM, _end)
    realtime.die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the kernel knew that we depend on it
        return
    run = run_dir.load(path)
    row = process(run, name)
    os.nice(row.realtime.nice)  # upward, it is always granted; what it builds shall not be in others' way, either
    ctx = Context(run=run, streams=shared_streams(path, run.table()), path=path)
    work = row.serve(ctx) if row.serve else partial(_loop, ctx, row, build(ctx, row.nodes, _phase_ns(row)))
    if run.realtime:
        granted = realtime.set_up(row.realtime)
        with contextlib.suppress(OSError):  # the log's file system may be full: no reason not to run
            print(f"{GRANTED}{granted}", flush=True)
    work()


def _tick_ns(row: ProcessSpec) -> int:
    return min(_period_ns(spec) for spec in row.nodes)


def _phase_ns(row: ProcessSpec) -> int:
    return round(row.phase * _tick_ns(row))


def _loop(ctx: Context, row: ProcessSpec, nodes: list[Scheduled]) -> None:
    stats = StatsWriter(ctx, row.name)
    wake = ctx.streams.reader(row.wakes_on) if row.wakes_on else None
    # What is built by now lives as long as the process: nothing after this makes a tick wait for its collection.
    realtime.freeze_garbage()
    pacer = realtime.Pacer(_tick_ns(row), _phase_ns(row))
    try:
        while True:
            if wake is not None:
                wake.wait(0.1)
                wake.latest()
            now_ns = pacer.wait() if wake is None else pacer.now()
            for node in nodes:
                node.step(now_ns)
            if stats.is_due(now_ns):
                stats.write(
                    now_ns, pacer.figures(), *(n.node.figures() for n in nodes if isinstance(n.node, HasFigures))
                )
    finally:
        close_all(nodes)


def close_all(nodes: Iterable[Scheduled]) -> None:
    """Close the nodes that hold something open."""
    for scheduled in nodes:
        if isinstance(scheduled.node, Closable):
            scheduled.node.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    except ConfigError as wrong:
        print(f"{wrong}", file=sys.stderr)
        raise SystemExit(WRONG_CONFIG) from wrong
