"""The reflex node: the thin shell that reads the body and the streams, asks the gate, and writes what it decides.

It decides nothing itself, but for one thing: whether an emergency stop was latched when the last reflex ended.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from vagus.core import messages as m
from vagus.core.body import Body
from vagus.core.messages import Record, Request, Source, State
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.gate import PERSONS, Gate
from vagus.reflex.leases import token
from vagus.reflex.memory import Inputs, Memory
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams

_Key = TypeVar("_Key")
_UNSEEN_NS = 1_000_000_000
"""How long a request may take from its stamp until a reflex has acted on it [ns]: many times what it ever takes."""


class ReflexNode:
    """Read → gate → write, once a tick."""

    def __init__(self, spec: RobotSpec, streams: Streams, body: Body, cfg: GateCfg | None = None, *, seed: int) -> None:
        """Open the streams; tokens of leases follow from ``seed`` and the time of the first step.

        Raises:
            ConfigError: The configuration does not fit the robot.
        """
        self._spec, self._cfg, self._seed, self._body = spec, cfg, seed, body
        self._gate = Gate(spec, cfg)
        self._period_ns = round(1e9 / spec.reflex_hz)
        self._out = streams.writer("reflex")
        self._before = streams.reader("reflex")
        self._commands = {source: streams.reader(f"command.{source.name.lower()}") for source in m.SOURCES_COMMANDING}
        self._requests = [(source, streams.reader(f"request.{source.name.lower()}")) for source in m.SOURCES_REQUESTING]
        self._surroundings = {name: streams.reader(name) for name in ("clearance", "proximity")}
        self._near: dict[str, Record] = {}
        self._newest: dict[Source, Record] = {}
        self._lost = 0
        self._memory: Memory | None = None
        self.overruns = 0
        """Ticks that were skipped, published with every record. Counted here from the times of the steps."""

    def step(self, now_ns: int) -> None:
        """Do one tick at ``now_ns``, the robot's clock."""
        if self._memory is None:
            self._memory = self._start(now_ns)
        self.overruns += max(0, round((now_ns - self._memory.now_ns) / self._period_ns) - 1)
        out = self._gate.step(self._memory, self._read(now_ns), now_ns)
        if out.command is not None:
            self._body.write(out.command)
        out.reflex["overruns"] = self.overruns
        self._out.publish(out.reflex)

    def figures(self) -> dict[str, int | float]:
        """Return what this node counts, as fields of ``stats``."""
        return {"lost": self._lost}

    def close(self) -> None:
        """Let go of the body; its watchdog brakes it."""
        self._body.close()

    def _read(self, now_ns: int) -> Inputs:
        requests: list[tuple[Source, Record]] = []
        for source, reader in self._requests:
            requests += [(source, record) for record in reader.since()]
        lost, self._lost = self._lost, sum(reader.lost for _, reader in self._requests)
        self._newest |= _new(self._commands)
        self._near |= _new(self._surroundings)
        return Inputs(
            joint_state=self._body.read(now_ns), commands=list(self._newest.items()), requests=requests,
            is_request_lost=self._lost > lost, clearance=self._near.get("clearance"),
            proximity=self._near.get("proximity"),
        )  # fmt: skip

    def _start(self, now_ns: int) -> Memory:
        """Start the gate one tick ago; requests from before are not granted any more, but a latched stop stays."""
        before = [(source, record) for source, reader in self._requests for record in reader.since()]
        self._lost = sum(reader.lost for _, reader in self._requests)
        # Tokens of an earlier reflex of the same run must not come back: its sources may still use them.
        self._gate = Gate(self._spec, self._cfg, seed=token(self._seed, now_ns))
        is_estopped = is_latched(self._before.latest(), before, now_ns)
        return self._gate.start(now_ns - self._period_ns, is_estopped=is_estopped)


def is_latched(reflex: Record | None, requests: Sequence[tuple[Source, Record]], now_ns: int) -> bool:
    """Say whether an emergency stop is latched, as the streams of before tell.

    It is if the last reflex said so, whatever was asked since: nobody was there to see the robot at rest. Else it is
    if an ESTOP was asked for that no person's RESET followed, except one so long before that reflex's last tick that
    it must have been left since: its RESET may have been overwritten in the ring.

    Args:
        reflex: The last reflex's last record, if there is one.
        requests: All requests that the rings still hold.
        now_ns: The robot's clock [ns].
    """
    if reflex is not None and np.any(reflex["state"] == State.ESTOP):
        return True
    stops = [int(r["stamp_ns"]) for _, r in requests if int(r["kind"]) == Request.ESTOP]
    resets = [int(r["stamp_ns"]) for s, r in requests if int(r["kind"]) == Request.RESET and s in PERSONS]
    since = [stamp for stamp in resets if stamp <= now_ns]
    if reflex is not None:
        since.append(int(reflex["stamp_ns"]) - _UNSEEN_NS)
    return any(stamp >= max(since, default=stamp) for stamp in stops)


def _new(readers: Mapping[_Key, Reader]) -> dict[_Key, Record]:
    """Return the newest message of each stream that has one that was not read before."""
    return {
        key: record for key, reader in readers.items() if reader.wait(0.0) and (record := reader.latest()) is not None
    }
