"""Lockstep: all nodes of a robot in one thread, in virtual time, over streams in private memory.

The same nodes, in the order of the process table, on the grid of the world's ticks; the same seed gives the same bytes.
"""

from collections.abc import Iterator

from vagus.body.robot import Robot
from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.runtime.child import Scheduled, build, close_all
from vagus.runtime.context import Context
from vagus.runtime.graph import processes
from vagus.runtime.run_dir import Run
from vagus.streams.streams import memory_streams

_START_NS = 1_000_000_000
"""Virtual time starts at 1 s, so that no capture time is zero or negative."""


class Lockstep:
    """A whole simulated robot in this thread."""

    def __init__(
        self, run: Run, *, cameras: bool = False, only_looked_at: bool = False, without: tuple[str, ...] = (),
        robot: Robot | None = None,
    ) -> None:  # fmt: skip
        """Build all nodes but those of processes in ``without``; cameras render only if asked to.

        Args:
            run: What runs.
            cameras: Render pictures, and perceive in them.
            only_looked_at: Render no exposure but those that perception will look at, a tenth of all: they are the same
                to the bit, only who looks at every one (watch, a film) misses the others.
            without: Names of processes that are left out.
            robot: Stands in for what the run's robot file declares.
        """
        if run.is_real:
            raise ConfigError("lockstep runs simulated robots; this run is on a real body")
        skipped = {*without, "page", *(() if cameras else ("camera", "perception", "detector"))}
        rows = [row for row in processes(run) if row.name not in skipped]
        self.run = run
        self.streams = memory_streams(run.table())
        self.context = Context(run=run, streams=self.streams, loaded=robot)
        self.nodes: dict[str, Scheduled] = {}
        for row in rows:
            for spec, scheduled in zip(row.nodes, build(self.context, row.nodes), strict=True):
                self.nodes[spec.name] = scheduled
        if cameras and only_looked_at:
            # Due in the same ticks, and before it.
            self.nodes["camera"].period_ns = self.nodes["perception"].period_ns
        self.tick_ns = round(1e9 / run.spec.encoder.rate_hz)
        self.now_ns = _START_NS

    def step(self) -> int:
        """Advance virtual time by one tick of the world and return it [ns]."""
        self.now_ns += self.tick_ns
        for node in self.nodes.values():
            node.step(self.now_ns)
        return self.now_ns

    def run_for(self, seconds: float) -> Iterator[int]:
        """Yield the time after every tick for ``seconds`` of virtual time."""
        for _ in range(round(seconds * 1e9 / self.tick_ns)):
            yield self.step()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass."""
        for _ in self.run_for(seconds):
            pass

    def say(self, words: str) -> None:
        """Say something to the robot, as a person at the command line would."""
        utterance = m.blank(m.text(self.run.spec))
        utterance["stamp_ns"] = self.now_ns
        m.set_text(utterance, words)
        self.streams.writer("utterance.operator").publish(utterance)

    def close(self) -> None:
        """Close what nodes hold open (recordings)."""
        close_all(self.nodes.values())
