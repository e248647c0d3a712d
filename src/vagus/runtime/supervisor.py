"""The supervisor: starts a robot's processes, watches them, restarts them with back-off, and ends them in order.

A restart never moves the robot: a restarted reflex starts in STANDBY, a restarted brain has no lease. When the world
itself ends, everything ends.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vagus.core.errors import VagusError
from vagus.runtime import run_dir
from vagus.runtime.child import WRONG_CONFIG
from vagus.runtime.graph import ProcessSpec, processes
from vagus.runtime.run_dir import Run
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams, shared_streams

_BACKOFF_MIN_S, _BACKOFF_MAX_S = 0.1, 5.0
_WELL_AFTER_S = 10.0
"""A process that ran this long starts over with the shortest back-off."""
_GRACE_S = 15.0
"""How long a process may take to import and build before its silence counts [s]."""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"), "1"
)  # libraries' own thread pools fight the reflex for its core


@dataclass
class _Child:
    row: ProcessSpec
    popen: subprocess.Popen[bytes]
    life: Reader
    started_s: float
    restart_at_s: float | None = None
    backoff_s: float = _BACKOFF_MIN_S
    restarts: int = 0


class Supervisor:
    """Owns one run: its directory, its processes."""

    def __init__(self, run: Run, *, report: Callable[[str], None]) -> None:
        """Claim the run directory and write what processes need; ``report`` gets a line when something happens.

        Raises:
            ConfigError: The robot is already running.
        """
        self.run = run
        self.path, self._lock = run_dir.claim(run.name)
        self._report = report
        run_dir.save(self.path, run)
        self.streams: Streams = shared_streams(self.path, run.table())
        self._children: list[_Child] = []

    def start(self) -> None:
        """Start every process of the table."""
        for row in processes(self.run):
            life = self.streams.reader("reflex" if row.name == "reflex" else f"stats.{row.name}")
            self._children.append(_Child(row, self._spawn(row), life, time.monotonic()))

    def pid(self, name: str) -> int:
        """Return the process id of one process."""
        return next(c.popen.pid for c in self._children if c.row.name == name)

    def restarts(self, name: str) -> int:
        """Return how often one process was restarted."""
        return next(c.restarts for c in self._children if c.row.name == name)

    def watch(self) -> None:
        """Look at every process once: restart the dead, kill the frozen. Call it a few times a second.

        Raises:
            VagusError: The world ended, or a process cannot run as configured; the message has its last words.
        """
        now_s = time.monotonic()
        for child in self._children:
            if child.restart_at_s is not None:
                if now_s >= child.restart_at_s:
                    child.popen, child.started_s, child.restart_at_s = self._spawn(child.row), now_s, None
                    child.restarts += 1
                continue
            code = child.popen.poll()
            if code is not None:
                self._ended(child, code, now_s)
            elif self._is_frozen(child, now_s):
                self._report(f"{child.row.name} is frozen; killing it")
                child.popen.kill()

    def _ended(self, child: _Child, code: int, now_s: float) -> None:
        words = f"{child.row.name} ended ({_cause(code)})"
        if not child.row.restarts or (code == WRONG_CONFIG and child.restarts == 0):
            raise VagusError(f"{words}: {self._last_words(child.row.name)}")
        if now_s - child.started_s > _WELL_AFTER_S:
            child.backoff_s = _BACKOFF_MIN_S
        child.restart_at_s = now_s + child.backoff_s
        self._report(f"{words}; starting it again in {child.backoff_s:.1f} s: {self._last_words(child.row.name)}")
        child.backoff_s = min(2 * child.backoff_s, _BACKOFF_MAX_S)

    def _is_frozen(self, child: _Child, now_s: float) -> bool:
        newest = child.life.latest()
        spoke_s = 0.0 if newest is None else int(newest["stamp_ns"]) * 1e-9
        if spoke_s < child.started_s:  # not a word yet from this start
            return now_s - child.started_s > _GRACE_S
        return now_s - spoke_s > child.row.silence_s

    def _spawn(self, row: ProcessSpec) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **_ONE_THREAD}
        log: IO[bytes]
        with (self.path / "log" / f"{row.name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "vagus.runtime.child", str(self.path), row.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )  # fmt: skip

    def _last_words(self, name: str) -> str:
        lines = (self.path / "log" / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it left no message"

    def stop(self) -> None:
        """End every process: the reflex's clients first, the world last, so that the robot is braked when it ends."""
        order = sorted(self._children, key=lambda c: {"reflex": 1, "world": 2}.get(c.row.name, 0))
        for rank in (0, 1, 2):
            batch = [c for c in order if {"reflex": 1, "world": 2}.get(c.row.name, 0) == rank]
            for child in batch:
                child.popen.send_signal(signal.SIGCONT)
                child.popen.terminate()
            for child in batch:
                _wait_or_kill(child.popen)
        self._lock.close()


def _wait_or_kill(popen: subprocess.Popen[bytes]) -> None:
    try:
        popen.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


def _cause(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def new_token() -> str:
    """Return a token that lets a browser in."""
    return secrets.token_urlsafe(24)


def log_tail(path: Path, name: str, lines: int = 20) -> str:
    """Return the last lines of a process's log."""
    return "\n".join((path / "log" / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
