"""``vagus top``: what a running robot's streams, ages and processes are doing, from its rings alone."""

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Group
from rich.table import Table

from vagus.core import messages as m
from vagus.core.ages import quantiles_ns
from vagus.runtime import run_dir
from vagus.runtime.child import GRANTED
from vagus.runtime.graph import processes
from vagus.runtime.run_dir import Run
from vagus.streams.streams import shared_streams

_LEVELS = (0.5, 0.99, 0.999)
_SILENT_NS = 2_000_000_000
"""A process without a sign of life for this long shows as silent [ns]; it gives one every half second."""


@dataclass(frozen=True, kw_only=True)
class StreamRow:
    """One stream over the last look."""

    rate_hz: float
    nominal_hz: float
    messages: int
    age_ms: float | None
    """Since the newest message was written; None if there never was one."""
    is_stale: bool = False
    """A sensor's stream whose newest sample is older than it is worth acting on, or that never had one."""


@dataclass(frozen=True, kw_only=True)
class AgeRow:
    """Ages of one sensor's samples at the actuators, since the start [ms]."""

    p50: float | None
    p99: float | None
    p999: float | None
    max: float | None
    commands: int


@dataclass(frozen=True, kw_only=True)
class ProcessRow:
    """One process since it started."""

    pid: int
    ticks: int
    overruns: int
    overrun_share: float
    lost: int
    wake_error_max_ms: float
    cpu_share: float
    """Of one core, over the last look."""
    rss_mb: float
    up_s: float
    is_silent: bool


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """One actuator group now."""

    state: str
    cause: list[str]
    holder: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything ``vagus top`` shows; ``--json`` prints it as it is."""

    robot: str
    up_s: float
    realtime_factor: float | None
    ages_ms: dict[str, AgeRow]
    streams: dict[str, StreamRow]
    processes: dict[str, ProcessRow]
    groups: dict[str, GroupRow]
    granted: dict[str, str]
    """What each process was granted of its real-time wishes."""


@dataclass(frozen=True)
class _Cpu:
    """A process's CPU time at one of its signs of life, and its share of a core up to then."""

    stamp_ns: int
    cpu_ns: int
    share: float


class Top:
    """Looks at one run; rates are over the time between two looks."""

    def __init__(self, path: Path) -> None:
        """Open the run's streams for reading. Raises ConfigError if there is no such run."""
        self.run: Run = run_dir.load(path)
        self._path = path
        self._table = self.run.table()
        self._processes = [row.name for row in processes(self.run)]
        streams = shared_streams(path, self._table)
        self._readers = {name: streams.reader(name) for name in self._table}
        self._before: dict[str, tuple[int, int]] = {}
        self._cpu: dict[str, _Cpu] = {}

    def look(self) -> Snapshot:
        """Return what is new since the last look."""
        newest = {name: reader.latest() for name, reader in self._readers.items()}
        now_ns = time.monotonic_ns()
        rows = {name: self._stream(name, newest[name], now_ns) for name in self._table}
        stats = {p: s for p in self._processes if (s := newest[f"stats.{p}"]) is not None}
        world = stats.get("world")
        return Snapshot(
            robot=self.run.name,
            up_s=max((now_ns - int(s["started_ns"])) * 1e-9 for s in stats.values()) if stats else 0.0,
            realtime_factor=None if world is None else float(world["realtime_factor"]),
            ages_ms=self._ages(newest["ages"]),
            streams=rows,
            processes={p: self._process(p, s, now_ns) for p, s in stats.items()},
            groups=self._groups(newest["reflex"]),
            granted=self._granted(),
        )

    def _stream(self, name: str, newest: m.Record | None, now_ns: int) -> StreamRow:
        sequence = self._readers[name].sequence
        then, then_ns = self._before.get(name, (sequence, now_ns))
        self._before[name] = (sequence, now_ns)
        seconds = (now_ns - then_ns) * 1e-9
        return StreamRow(
            rate_hz=(sequence - then) / seconds if seconds > 0 else 0.0,
            nominal_hz=self._table[name].rate_hz,
            messages=sequence,
            age_ms=None if newest is None else (now_ns - int(newest["stamp_ns"])) * 1e-6,
            is_stale=_is_stale(newest, self._table[name].max_age_s, now_ns),
        )

    def _ages(self, ages: m.Record | None) -> dict[str, AgeRow]:
        if ages is None:
            return {}
        rows: dict[str, AgeRow] = {}
        for i, sensor in enumerate(self.run.spec.sensors):
            counts = ages["counts"][i]
            p50, p99, p999 = (None if q is None else q * 1e-6 for q in quantiles_ns(counts, _LEVELS))
            largest = int(ages["max_ns"][i]) * 1e-6 if counts.any() else None
            rows[sensor.name] = AgeRow(p50=p50, p99=p99, p999=p999, max=largest, commands=int(counts.sum()))
        return rows

    def _process(self, name: str, stats: m.Record, now_ns: int) -> ProcessRow:
        ticks, overruns = int(stats["ticks"]), int(stats["overruns"])
        return ProcessRow(
            pid=int(stats["pid"]),
            ticks=ticks,
            overruns=overruns,
            overrun_share=overruns / max(1, ticks + overruns),
            lost=int(stats["lost"]),
            wake_error_max_ms=int(stats["wake_error_max_ns"]) * 1e-6,
            cpu_share=self._cpu_share(name, stats),
            rss_mb=int(stats["rss_bytes"]) / 1e6,
            up_s=(now_ns - int(stats["started_ns"])) * 1e-9,
            is_silent=now_ns - int(stats["stamp_ns"]) > _SILENT_NS,
        )

    def _cpu_share(self, name: str, stats: m.Record) -> float:
        """Return the share between the newest two figures that looks have found; at first, since the start."""
        stamp, started, cpu = int(stats["stamp_ns"]), int(stats["started_ns"]), int(stats["cpu_ns"])
        before = self._cpu.get(name)
        if before is None or before.stamp_ns < started:  # it was restarted: its CPU time begins at 0 again
            before = _Cpu(started, 0, 0.0)
        if stamp > before.stamp_ns:
            before = _Cpu(stamp, cpu, (cpu - before.cpu_ns) / (stamp - before.stamp_ns))
        self._cpu[name] = before
        return before.share

    def _groups(self, reflex: m.Record | None) -> dict[str, GroupRow]:
        if reflex is None:
            return {}
        return {
            group.name: GroupRow(
                state=m.State(int(reflex["state"][i])).name,
                cause=[flag.name or "" for flag in m.Verdict(int(reflex["cause"][i]))],
                holder=m.Source(int(reflex["holder"][i])).name,
            )
            for i, group in enumerate(self.run.spec.groups)
        }

    def _granted(self) -> dict[str, str]:
        said: dict[str, str] = {}
        for name in self._processes:
            log = self._path / "log" / f"{name}.log"
            lines = log.read_text(errors="replace").splitlines() if log.exists() else []
            said[name] = next((line.removeprefix(GRANTED) for line in reversed(lines) if line.startswith(GRANTED)), "")
        return said


def _is_stale(newest: m.Record | None, max_age_s: float | None, now_ns: int) -> bool:
    if max_age_s is None:
        return False
    return newest is None or now_ns - int(newest["origin_ns"].min()) > max_age_s * 1e9  # UNUSED is the largest


def to_json(snapshot: Snapshot) -> str:
    """Return a snapshot as one JSON object; see ``vagus top --help`` for its keys."""
    return msgspec.json.encode(snapshot).decode()


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def render(snapshot: Snapshot) -> Group:
    """Return a snapshot as tables for a terminal."""
    ages = Table("sensor", "p50", "p99", "p99.9", "max", "commands", title="age at the actuators [ms]")
    for name, row in snapshot.ages_ms.items():
        figures = (_number(v) for v in (row.p50, row.p99, row.p999, row.max))
        ages.add_row(name, *figures, str(row.commands))
    streams = Table("stream", "rate [Hz]", "nominal", "newest [ms]", "messages", title="streams")
    for name, row in snapshot.streams.items():
        if row.messages or row.is_stale:
            nominal = f"{row.nominal_hz:g}" if row.nominal_hz else "-"
            newest = _number(row.age_ms) + (" stale" if row.is_stale else "")
            figures = (_number(row.rate_hz), nominal, newest, str(row.messages))
            streams.add_row(name, *figures, style="red" if row.is_stale else None)
    table = Table("process", "pid", "overruns", "late max [ms]", "lost", "CPU", "RSS [MB]", title="processes")
    for name, row in snapshot.processes.items():
        style = "red" if row.is_silent else None
        late = f"{row.overruns} ({row.overrun_share:.3%})"
        figures = (_number(row.wake_error_max_ms), str(row.lost), f"{row.cpu_share:.0%}", _number(row.rss_mb, 0))
        table.add_row(name, str(row.pid), late, *figures, style=style)
    groups = Table("group", "state", "cause", "holder", title="actuator groups")
    for name, row in snapshot.groups.items():
        groups.add_row(name, row.state, ", ".join(row.cause), row.holder)
    factor = snapshot.realtime_factor
    head = f"{snapshot.robot}, up {snapshot.up_s:.0f} s" + (f", real-time factor {factor:.3f}" if factor else "")
    return Group(head, ages, groups, streams, table)
