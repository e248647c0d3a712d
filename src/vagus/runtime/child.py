"""One process of a running robot: ``python -m vagus.runtime.child RUN_DIR PROCESS``, started by the supervisor.

It sets itself up for real time, opens its streams, builds its nodes and ticks them until it is told to end. An error
ends it with a traceback in its log; the supervisor decides what follows, and the body's watchdog has braked by then.
"""

import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass
class Scheduled:
    """A node and when it is due."""

    node: Node
    period_ns: int
    due_ns: int = 0

    def step(self, now_ns: int) -> None:
        """Run the node if it is due; what passed meanwhile is skipped."""
        if now_ns >= self.due_ns:
            self.node.step(now_ns)
            self.due_ns = max(self.due_ns + self.period_ns, now_ns - now_ns % self.period_ns + self.period_ns)


def build(ctx: Context, specs: tuple[NodeSpec, ...]) -> list[Scheduled]:
    """Build a process's nodes in the table's order."""
    return [Scheduled(spec.make(ctx), round(1e9 / spec.rate_hz)) for spec in specs]


class _Ended(SystemExit):
    """The process was told to end."""


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise _Ended(0)


def main(path: Path, name: str) -> None:
    """Run one process of the run in ``path`` until SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's; it ends us in order
    signal.signal(signal.SIGTERM, _end)
    realtime.die_with_parent(signal.SIGTERM)
    run = run_dir.load(path)
    row = process(run, name)
    if run.realtime:
        granted = realtime.set_up(row.realtime)
        print(f"{name}: {granted}", flush=True)
    ctx = Context(run=run, streams=shared_streams(path, run.table()), path=path)
    if row.serve:
        row.serve(ctx)
    else:
        _loop(ctx, row)


def _loop(ctx: Context, row: ProcessSpec) -> None:
    stats = StatsWriter(ctx, row.name)
    nodes = build(ctx, row.nodes)
    realtime.freeze_garbage()
    wake = ctx.streams.reader(row.wakes_on) if row.wakes_on else None
    period_ns = min(n.period_ns for n in nodes)
    pacer = realtime.Pacer(period_ns, round(row.phase * period_ns))
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
        main(Path(sys.argv[1]), sys.argv[2])
    except ConfigError as wrong:
        print(f"{wrong}", file=sys.stderr)
        raise SystemExit(WRONG_CONFIG) from wrong
