"""Rates of all streams, ages at the actuators since the start, and how every process is doing: for people."""

from vagus.core.ages import quantiles_ns
from vagus.core.messages import Record
from vagus.core.robot import RobotSpec
from vagus.page.wire import AgeFigure, Figures, ProcessFigure, StreamFigure
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams
from vagus.streams.table import PROCESSES, StreamSpec

_WINDOW_NS = 2_000_000_000
"""Rates are counted over this long [ns]: a 10 Hz stream is then known to within one message in 20."""


class _StreamCount:
    """Counts one stream's messages by its ring's sequence, so that none needs to be read to be counted."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._seen: list[tuple[int, int]] = []

    def read(self, now_ns: int) -> StreamFigure:
        with self._reader.view() as view:
            stamp_ns = 0 if view.record is None else int(view.record["stamp_ns"])
        count = self._reader.sequence
        self._seen.append((now_ns, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now_ns - _WINDOW_NS:
            del self._seen[0]
        then_ns, before = self._seen[0]
        rate = None if now_ns <= then_ns else round((count - before) * 1e9 / (now_ns - then_ns), 1)
        age = None if not view.is_valid else round((now_ns - stamp_ns) * 1e-9, 3)
        return StreamFigure(rate_hz=rate, age_s=age, count=count)


class FiguresWatch:
    """Reads every stream's count, ``ages`` and ``stats.*``."""

    def __init__(self, spec: RobotSpec, streams: Streams, table: dict[str, StreamSpec]) -> None:
        self._spec = spec
        self._counts = [_StreamCount(streams.reader(name)) for name in table]
        self._ages = streams.reader("ages")
        self._stats = {name: streams.reader(f"stats.{name}") for name in PROCESSES}
        self._before: dict[str, tuple[Record, float | None]] = {}

    def read(self, now_ns: int) -> Figures:
        """Return the figures now. Call it at a steady pace, about twice a second."""
        return Figures(
            streams=[count.read(now_ns) for count in self._counts],
            processes=[row for row in (self._process(name, now_ns) for name in self._stats) if row],
            ages=self._read_ages(),
        )

    def _read_ages(self) -> list[AgeFigure | None]:
        ages = self._ages.latest()
        if ages is None:
            return [None for _ in self._spec.sensors]
        rows: list[AgeFigure | None] = []
        for counts, largest in zip(ages["counts"], ages["max_ns"].tolist(), strict=True):
            p50, p99, p999 = (None if ns is None else ns * 1e-9 for ns in quantiles_ns(counts, (0.5, 0.99, 0.999)))
            rows.append(None if p50 is None else AgeFigure(p50=p50, p99=p99, p999=p999, largest=largest * 1e-9))
        return rows

    def _process(self, name: str, now_ns: int) -> ProcessFigure | None:
        stats = self._stats[name].latest()
        if stats is None:
            return None
        return ProcessFigure(
            name=name, pid=int(stats["pid"]), cpu=self._cpu(name, stats), rss_bytes=int(stats["rss_bytes"]),
            ticks=int(stats["ticks"]), overruns=int(stats["overruns"]), lost=int(stats["lost"]),
            wake_error_max_s=int(stats["wake_error_max_ns"]) * 1e-9,
            realtime_factor=round(float(stats["realtime_factor"]), 3),
            age_s=round((now_ns - int(stats["stamp_ns"])) * 1e-9, 2),
        )  # fmt: skip

    def _cpu(self, name: str, stats: Record) -> float | None:
        """Return the CPU share between the last two messages of one life of the process [fraction of a core]."""
        before, share = self._before.get(name, (None, None))
        if before is None or int(before["pid"]) != int(stats["pid"]):
            share = None
        elif int(stats["stamp_ns"]) > int(before["stamp_ns"]):
            used = int(stats["cpu_ns"]) - int(before["cpu_ns"])
            share = round(used / (int(stats["stamp_ns"]) - int(before["stamp_ns"])), 3)
        self._before[name] = (stats, share)
        return share
