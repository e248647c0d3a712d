"""One hop between two processes: how old a message is when its reader holds it as a numpy view.

Compares Vagus's rings with the floor (mmap and futex in C, ``hop_floor.c``) and with multiprocessing's Pipe and Queue:
64 B, 12 kB and 900 kB at 30, 100 and 500 Hz, on an idle machine and beside two busy processes. Writers stamp each
message (CLOCK_MONOTONIC) just before they publish it; readers block. It measures one writer and one reader; it sets no
real-time priority and pins nothing.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from vagus.streams.ring import Reader, Writer
from vagus.streams.streams import Streams, shared_streams
from vagus.streams.table import StreamSpec

SIZES = (64, 12_000, 900_000)
RATES_HZ = (30.0, 100.0, 500.0)
LOADS = ("idle", "busy")
TRANSPORTS = ("floor", "vagus", "pipe", "queue")
QUICK = ((64, 500.0), (12_000, 100.0), (900_000, 30.0))
"""What a robot has: joint states, lidar scans, camera frames."""
SILENCE_S = 2.0
REPLY_S = 60.0
HELP = """
A cell is one transport, size, rate and load. Every round visits all cells in a shuffled order, so that a slow minute
hits all alike. No outlier is removed. --quick: 64 B at 500 Hz, 12 kB at 100 Hz, 900 kB at 30 Hz; 3 short rounds.

keys of --json (one object on stdout):
  rounds, seconds      rounds made, and how long the whole run took [s]
  machine              cpus, kernel, python, load_1min before the start
  cells[]              transport (floor, vagus, pipe, queue), bytes, rate_hz, load (idle, busy) and
    p50_us p99_us p999_us  age at the view [us]: quantile within each round, then the median over the rounds
    max_us             oldest of all rounds [us]
    sent, lost         messages over all rounds, and those the reader never held: floor and vagus are read newest
                       first, so a message that a newer one overtook is lost and has no age; pipe and queue queue up
    cpu_s              CPU-seconds of writer and reader together over all rounds
    p50_to_floor, p99_to_floor   age divided by the floor's in the same size, rate and load
quantiles of few messages are maxima: at 30 Hz a round has some tens.
"""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is measured together."""

    transport: str
    bytes: int
    rate_hz: float
    load: str
    count: int
    """Messages in one round."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round of one cell."""

    ages_ns: list[int]
    cpu_s: float


def layout(n_bytes: int) -> np.dtype[np.void]:
    head = [("stamp_ns", "<i8"), ("origin_ns", "<i8", (1,)), ("number", "<u8")]
    return np.dtype([*head, ("payload", "u1", (n_bytes - 24,))], align=True)


def table() -> dict[str, StreamSpec]:
    rows = [StreamSpec(name=f"hop.{n}", layout=layout(n), rate_hz=0.0, capacity=8) for n in SIZES]
    return {row.name: row for row in rows}


# Each end is a function: a sender stamps and sends message ``number``; a receiver blocks and returns age and number.
Send = Callable[[int], None]
Receive = Callable[[], tuple[int, int] | None]


def make_sender(cell: Cell, ends: "Ends") -> Send:
    record = np.zeros((), layout(cell.bytes))
    raw = record.reshape(1).view(np.uint8).data
    writer: Writer | None = ends.streams.writer(f"hop.{cell.bytes}") if cell.transport == "vagus" else None

    def stamp(number: int) -> None:
        record["number"] = number
        record["stamp_ns"] = time.monotonic_ns()

    def send_ring(number: int) -> None:
        stamp(number)
        writer.publish(record)  # pyright: ignore[reportOptionalMemberAccess]

    def send_pipe(number: int) -> None:
        stamp(number)
        ends.pipe.send_bytes(raw)

    def send_queue(number: int) -> None:
        stamp(number)
        ends.queue.put(record.copy())  # the queue's thread pickles it later: it must be its own

    return {"vagus": send_ring, "pipe": send_pipe, "queue": send_queue}[cell.transport]


def make_receiver(cell: Cell, ends: "Ends") -> Receive:
    dtype = layout(cell.bytes)
    reader = ends.readers[cell.bytes]
    reader.latest()  # what earlier cells left is none of ours

    def receive_ring() -> tuple[int, int] | None:
        while reader.wait(SILENCE_S):
            with reader.view() as view:
                record, now_ns = view.record, time.monotonic_ns()
                assert record is not None  # noqa: S101  (wait said so)
                age_ns, number = now_ns - int(record["stamp_ns"]), int(record["number"])
            if view.is_valid:
                return age_ns, number
        return None

    def receive_pipe() -> tuple[int, int]:
        record, now_ns = np.frombuffer(ends.pipe.recv_bytes(), dtype)[0], time.monotonic_ns()
        return now_ns - int(record["stamp_ns"]), int(record["number"])

    def receive_queue() -> tuple[int, int]:
        record, now_ns = ends.queue.get(), time.monotonic_ns()
        return now_ns - int(record["stamp_ns"]), int(record["number"])

    return {"vagus": receive_ring, "pipe": receive_pipe, "queue": receive_queue}[cell.transport]


@dataclass
class Ends:
    """One process's ends of all transports."""

    streams: Streams
    pipe: Connection
    queue: Any
    readers: dict[int, Reader]


def publisher(control: Connection, run_dir: Path, pipe: Connection, queue: Any) -> None:
    ends = Ends(shared_streams(run_dir, table()), pipe, queue, {})
    while (cell := control.recv()) is not None:
        send, cpu_s = make_sender(cell, ends), time.process_time()
        due_s, period_s = time.monotonic(), 1.0 / cell.rate_hz
        for number in range(1, cell.count + 1):
            due_s += period_s
            if time.monotonic() >= due_s:  # a period late: start afresh, no burst to catch up
                due_s = time.monotonic() + period_s
            time.sleep(max(0.0, due_s - time.monotonic()))
            send(number)
        control.send(time.process_time() - cpu_s)


def subscriber(control: Connection, run_dir: Path, pipe: Connection, queue: Any) -> None:
    streams = shared_streams(run_dir, table())
    ends = Ends(streams, pipe, queue, {n: streams.reader(f"hop.{n}") for n in SIZES})
    while (cell := control.recv()) is not None:
        receive = make_receiver(cell, ends)
        control.send("ready")
        cpu_s = time.process_time()
        ages_ns: list[int] = []
        number = 0
        while number < cell.count and (got := receive()) is not None:
            age_ns, number = got
            ages_ns.append(age_ns)
        control.send(Sample(ages_ns=ages_ns, cpu_s=time.process_time() - cpu_s))


def busy(control: Connection) -> None:
    """Burn a core between an "on" and whatever comes next."""
    while control.recv() is not None:
        while not control.poll():
            for _ in range(10_000):
                pass
        control.recv()


def ask(control: Connection, what: str) -> Any:
    if not control.poll(REPLY_S):
        raise SystemExit(f"bench/hop.py: no answer from the {what} for {REPLY_S:g} s")
    try:
        return control.recv()
    except (EOFError, OSError) as exc:
        raise SystemExit(f"bench/hop.py: the {what} ended: {exc!r}") from exc


class Bench:
    """Starts the processes once and runs cells one at a time."""

    def __init__(self, run_dir: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.floor = compile_floor(run_dir)
        self.run_dir = run_dir
        pipe_in, pipe_out = spawn.Pipe(duplex=False)
        queue = self.queue = spawn.Queue()  # kept: its semaphores are gone when nobody here holds it
        self.controls: dict[str, Connection] = {}
        self.processes = []
        for name, target, args in (
            ("publisher", publisher, (run_dir, pipe_out, queue)),
            ("subscriber", subscriber, (run_dir, pipe_in, queue)),
            ("busy 1", busy, ()),
            ("busy 2", busy, ()),
        ):
            self.controls[name], theirs = spawn.Pipe()
            self.processes.append(spawn.Process(target=target, args=(theirs, *args), daemon=True))
            self.processes[-1].start()

    def measure(self, cell: Cell) -> Sample:
        """Run one cell under its load."""
        loads = [self.controls[f"busy {i}"] for i in (1, 2)] if cell.load == "busy" else []
        for control in loads:
            control.send("on")
        try:
            return self._measure_floor(cell) if cell.transport == "floor" else self._measure_python(cell)
        finally:
            for control in loads:
                control.send("off")

    def _measure_python(self, cell: Cell) -> Sample:
        reader, writer = self.controls["subscriber"], self.controls["publisher"]
        reader.send(cell)
        ask(reader, "subscriber")
        writer.send(cell)
        cpu_s: float = ask(writer, "publisher")
        sample: Sample = ask(reader, "subscriber")
        return replace(sample, cpu_s=sample.cpu_s + cpu_s)

    def _measure_floor(self, cell: Cell) -> Sample:
        path = self.run_dir / "floor"
        line = [str(path), str(cell.bytes), str(cell.count)]
        reader = subprocess.Popen([self.floor, "read", *line], stdout=subprocess.PIPE, text=True)
        assert reader.stdout is not None  # noqa: S101  (PIPE)
        reader.stdout.readline()
        writer = subprocess.run(
            [self.floor, "write", *line, str(cell.rate_hz)], stdout=subprocess.PIPE, text=True, check=True
        )
        cpu_line, *ages = reader.stdout.read().split("\n")
        reader.wait()
        path.unlink()
        cpu_ns = int(cpu_line.split()[1]) + int(writer.stdout.split()[1])
        return Sample(ages_ns=[int(a) for a in ages if a], cpu_s=cpu_ns * 1e-9)

    def close(self) -> None:
        for control in self.controls.values():
            with contextlib.suppress(OSError):  # a process that died says so elsewhere
                control.send(None)
        for process in self.processes:
            process.join(5.0)
            process.kill()


def compile_floor(folder: Path) -> str:
    source, program = Path(__file__).with_name("hop_floor.c"), folder / "hop_floor"
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("bench/hop.py: no C compiler for the floor; on Debian: apt install gcc libc6-dev")
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(program), str(source)], check=True)
    return str(program)


def cells(*, is_quick: bool) -> list[Cell]:
    shapes = QUICK if is_quick else [(size, rate) for size in SIZES for rate in RATES_HZ]
    made: list[Cell] = []
    for size, rate in shapes:
        seconds = (0.75 if rate < 50.0 else 0.4) if is_quick else (2.0 if rate < 50.0 else 1.0)
        for load in LOADS:
            for transport in TRANSPORTS:
                count = round(rate * seconds)
                made.append(Cell(transport=transport, bytes=size, rate_hz=rate, load=load, count=count))
    return made


def summarise(samples: dict[Cell, list[Sample]]) -> list[dict[str, Any]]:
    """Return one row per cell; see HELP for its keys."""
    rows: list[dict[str, Any]] = []
    for cell, rounds in samples.items():
        row: dict[str, Any] = {k: v for k, v in asdict(cell).items() if k != "count"}
        heard = [s.ages_ns for s in rounds if s.ages_ns]
        for key, level in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
            per_round = [float(np.quantile(ages, level, method="higher")) for ages in heard]
            row[key] = round(statistics.median(per_round) * 1e-3, 2) if per_round else None
        row["max_us"] = max((max(ages) for ages in heard), default=0) * 1e-3 if heard else None
        row["sent"] = cell.count * len(rounds)
        row["lost"] = row["sent"] - sum(len(s.ages_ns) for s in rounds)
        row["cpu_s"] = round(sum(s.cpu_s for s in rounds), 4)
        rows.append(row)
    floors = {(r["bytes"], r["rate_hz"], r["load"]): r for r in rows if r["transport"] == "floor"}
    for row in rows:
        floor = floors[row["bytes"], row["rate_hz"], row["load"]]
        for key in ("p50", "p99"):
            got, least = row[f"{key}_us"], floor[f"{key}_us"]
            row[f"{key}_to_floor"] = round(got / least, 2) if got and least else None
    return rows


def run(*, is_quick: bool, rounds: int) -> dict[str, Any]:
    load_1min, start_s = os.getloadavg()[0], time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="vagus-hop-", dir="/dev/shm"))
    plan = cells(is_quick=is_quick)
    samples: dict[Cell, list[Sample]] = {cell: [] for cell in plan}
    try:
        bench = Bench(folder)
        try:
            for k in range(rounds):
                for cell in random.Random(k).sample(plan, len(plan)):
                    samples[cell].append(bench.measure(cell))
        finally:
            bench.close()
    finally:
        shutil.rmtree(folder)
    machine = {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
               "load_1min": round(load_1min, 2)}  # fmt: skip
    seconds = round(time.monotonic() - start_s, 1)
    return {"rounds": rounds, "seconds": seconds, "machine": machine, "cells": summarise(samples)}


def show(result: dict[str, Any]) -> None:
    out = Table(title=f"Age at the reader's numpy view (us); medians of {result['rounds']} rounds; x: times the floor")
    for column in ("bytes", "Hz", "load", "transport", "p50", "p99", "p99.9", "max", "p50 x", "p99 x",
                   "lost/sent", "CPU s"):  # fmt: skip
        out.add_column(column, justify="left" if column in ("load", "transport") else "right")
    for r in result["cells"]:
        ages = [f"{r[k]:.0f}" if r[k] is not None else "-" for k in ("p50_us", "p99_us", "p999_us", "max_us")]
        ratios = [f"{r[k]:.1f}" if r[k] is not None else "-" for k in ("p50_to_floor", "p99_to_floor")]
        what = [f"{r['bytes']}", f"{r['rate_hz']:g}", r["load"], r["transport"]]
        out.add_row(*what, *ages, *ratios, f"{r['lost']}/{r['sent']}", f"{r['cpu_s']:.3f}",
                    end_section=r["transport"] == TRANSPORTS[-1])  # fmt: skip
    console = Console(width=max(110, Console().width))
    console.print(out)
    console.print(f"{result['machine']}, {result['seconds']} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="three shapes, three rounds: below 50 s")
    parser.add_argument("--rounds", type=int, default=None, help="how many rounds (default 5, quick 3)")
    args = parser.parse_args()
    rounds = args.rounds if args.rounds is not None else (3 if args.quick else 5)
    if rounds < 1:
        parser.error(f"--rounds: got {rounds}, allowed: at least 1")
    result = run(is_quick=args.quick, rounds=rounds)
    if args.json:
        json.dump(result, sys.stdout)
        print()
    else:
        show(result)


if __name__ == "__main__":
    main()
