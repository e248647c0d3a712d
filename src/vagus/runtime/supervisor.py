"""The supervisor: starts a robot's processes, watches them, restarts them with back-off, and ends them in order.

A restart never moves the robot: a restarted reflex starts in STANDBY, a restarted brain has no lease. When the world
itself ends, everything ends.
"""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from vagus.core.errors import VagusError
from vagus.runtime import run_dir
from vagus.runtime.child import GRANTED, WRONG_CONFIG
from vagus.runtime.graph import ProcessSpec, processes
from vagus.runtime.run_dir import Run
from vagus.streams.ring import Reader
from vagus.streams.stale import clean_stale
from vagus.streams.streams import Streams, shared_streams

CHILD = (sys.executable, "-m", "vagus.runtime.child")
"""What is run for every process, followed by the run directory, the process's name and the supervisor's process id."""
_BACKOFF_MIN_S, _BACKOFF_MAX_S = 0.1, 5.0
_WELL_AFTER_S = 10.0
"""A process that ran this long starts over with the shortest back-off."""
_GRACE_S = 15.0
"""How long a process may take to import and build before its silence counts [s]."""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"), "1"
)  # libraries' own thread pools fight the reflex for its core
_ENDS = {"reflex": 1, "world": 2, "recorder": 3}
"""In which order processes end; others at 0. The recorder sees the robot come to rest."""
_END_S = 5.0
"""How long a process may take to end before it is killed [s]."""
_LOG_BYTES, _LOG_KEPT, _LOOK_AT_LOGS_S = 4 << 20, 64 << 10, 10.0
"""A log that grew beyond the first is cut to its beginning of the second [bytes]: logs lie in memory."""


@dataclass
class _Child:
    row: ProcessSpec
    log: Path
    life: Reader
    popen: subprocess.Popen[bytes]
    started_s: float
    log_from: int = 0
    """Where its words since this start begin in the log [bytes]."""
    is_killed: bool = False
    restart_at_s: float | None = None
    backoff_s: float = _BACKOFF_MIN_S
    restarts: int = 0


class Supervisor:
    """Owns one run: its directory, its processes."""

    def __init__(self, run: Run, *, report: Callable[[str], None]) -> None:
        """Claim the run directory and make all streams; ``report`` gets a line when something happens.

        Raises:
            ConfigError: The robot is already running, or its run directory cannot be made.
            StreamError: There is no room for the streams.
        """
        self.run = run
        self._report = report
        self._children: list[_Child] = []
        self._look_at_logs_s = 0.0
        clean_stale(run_dir.ROOT)
        self.path, self._lock = run_dir.claim(run.name)
        try:
            run_dir.save(self.path, run)
            table = run.table()
            self.streams: Streams = shared_streams(self.path, table)
            for name in table:
                self.streams.reader(name)  # makes its ring: without room nothing starts, rather than half of it
        except BaseException:
            run_dir.release(self.path, self._lock)
            raise

    def start(self) -> None:
        """Start every process of the table, or none.

        Raises:
            VagusError: One cannot be started; those that were are ended.
        """
        try:
            for row in processes(self.run):
                life = self.streams.reader("reflex" if row.name == "reflex" else f"stats.{row.name}")
                log = self.path / "log" / f"{row.name}.log"
                self._children.append(_Child(row, log, life, self._spawn(row.name, log), time.monotonic()))
        except BaseException:
            self.stop()
            raise

    def pid(self, name: str) -> int:
        """Return the process id of one process."""
        return next(c.popen.pid for c in self._children if c.row.name == name)

    def restarts(self, name: str) -> int:
        """Return how often one process was restarted."""
        return next(c.restarts for c in self._children if c.row.name == name)

    def watch(self) -> None:
        """Look at every process once: restart the dead, kill the frozen. Call it a few times a second.

        Raises:
            VagusError: The world ended, a process never could run as configured, or cannot be started again; the
                message has its last words.
        """
        now_s = time.monotonic()
        self._trim_logs(now_s)
        for child in self._children:
            if child.restart_at_s is not None:
                if now_s >= child.restart_at_s:
                    self._restart(child, now_s)
            elif (code := child.popen.poll()) is not None:
                self._ended(child, code, now_s)
            elif not child.is_killed and self._is_frozen(child, now_s):
                self._report(f"{child.row.name} is frozen; killing it")
                child.popen.kill()
                child.is_killed = True

    def _restart(self, child: _Child, now_s: float) -> None:
        child.log_from = _size(child.log)
        child.popen = self._spawn(child.row.name, child.log)
        child.started_s, child.restart_at_s, child.is_killed = now_s, None, False
        child.restarts += 1

    def _ended(self, child: _Child, code: int, now_s: float) -> None:
        words = f"{child.row.name} ended ({_cause(code)})"
        # A setting that was right once may be wrong for a while (a port is taken, a cable is out): it is tried again.
        is_wrong = code == WRONG_CONFIG and child.restarts == 0 and self._spoke_s(child) is None
        if is_wrong or not child.row.restarts:
            raise VagusError(f"{words}{_last_words(child)}")
        if now_s - child.started_s > _WELL_AFTER_S:
            child.backoff_s = _BACKOFF_MIN_S
        child.restart_at_s = now_s + child.backoff_s
        self._report(f"{words}; starting it again in {child.backoff_s:.1f} s{_last_words(child)}")
        child.backoff_s = min(2 * child.backoff_s, _BACKOFF_MAX_S)

    def _is_frozen(self, child: _Child, now_s: float) -> bool:
        spoke_s = self._spoke_s(child)
        if spoke_s is None:
            return now_s - child.started_s > _GRACE_S
        return now_s - spoke_s > child.row.silence_s

    @staticmethod
    def _spoke_s(child: _Child) -> float | None:
        """Return when a process last showed life [s]; None if it has not since it was started."""
        newest = child.life.latest()
        spoke_s = -math.inf if newest is None else int(newest["stamp_ns"]) * 1e-9
        return spoke_s if spoke_s >= child.started_s else None

    def _spawn(self, name: str, log: Path) -> subprocess.Popen[bytes]:
        try:
            with log.open("ab") as words:
                return subprocess.Popen(
                    [*CHILD, str(self.path), name, str(os.getpid())],
                    stdin=subprocess.DEVNULL, stdout=words, stderr=words, env={**os.environ, **_ONE_THREAD},
                    # What a terminal sends (Ctrl-C, Ctrl-Z) is for the supervisor alone; and if that is killed while
                    # this process is frozen, the kernel hangs up on the orphaned group.
                    process_group=0,
                )  # fmt: skip
        except OSError as exc:
            raise VagusError(f"process {name} cannot be started: {exc.strerror}") from exc

    def _trim_logs(self, now_s: float) -> None:
        if now_s < self._look_at_logs_s:
            return
        self._look_at_logs_s = now_s + _LOOK_AT_LOGS_S
        for child in self._children:
            if _size(child.log) > _LOG_BYTES:
                os.truncate(child.log, _LOG_KEPT)

    def stop(self) -> None:
        """End every process, the robot at rest before what records it, and give the run directory's memory back.

        Does nothing the second time.
        """
        rank = {child.row.name: _ENDS.get(child.row.name, 0) for child in self._children}
        children = sorted(self._children, key=lambda child: rank[child.row.name])
        for _, together in groupby(children, key=lambda child: rank[child.row.name]):
            batch = list(together)
            for child in batch:
                child.popen.send_signal(signal.SIGCONT)
                child.popen.terminate()
            for child in batch:
                _wait_or_kill(child.popen)
        self.streams.close()
        run_dir.release(self.path, self._lock)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _last_words(child: _Child) -> str:
    """Return the last line that a process wrote since it was started, after a colon; nothing if it wrote none."""
    raw = child.log.read_bytes() if child.log.exists() else b""
    lines = raw[min(child.log_from, len(raw)) :].decode(errors="replace").strip().splitlines()
    return next((f": {line}" for line in reversed(lines) if not line.startswith(GRANTED)), "")


def _wait_or_kill(popen: subprocess.Popen[bytes]) -> None:
    try:
        popen.wait(timeout=_END_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


def _cause(code: int) -> str:
    return f"signal {-code}, {signal.strsignal(-code)}" if code < 0 else f"exit status {code}"
