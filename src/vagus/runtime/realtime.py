"""Keeping time: one call that sets a process up for real time and says what was granted, and a pacer.

The pacer sleeps to absolute times of CLOCK_MONOTONIC; a tick that comes late is run at once, ticks that passed
meanwhile are counted and skipped, never caught up. This module decides nothing about what a tick does.
"""

import ctypes
import gc
import os
import resource
import time
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC = 1
_TIMER_ABSTIME = 1
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_PR_SET_TIMERSLACK = 29
_PR_SET_PDEATHSIG = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


@dataclass(frozen=True, kw_only=True, slots=True)
class RealtimeCfg:
    """What a process asks of the operating system once it is built, before its first tick."""

    priority: int = 0
    """SCHED_FIFO priority, 1 to 99; 0 asks for none."""
    core: int | None = None
    """CPU to stay on, counted modulo the number there are (-1 is the last); None: any."""
    lock_memory: bool = False
    nice: int = 0
    """How much less than others without a priority it gets of a full machine, 0 to 19 (nice(2)); from its start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    """What the operating system gave, and why not where it did not."""

    fifo: bool
    memory_locked: bool
    core: int | None
    refusals: tuple[str, ...]


def set_up(cfg: RealtimeCfg) -> Granted:
    """Ask for real-time scheduling, a core, locked memory and short timer slack; never fails, reports instead.

    For a process that has imported and built what it needs: those seconds of work at a real-time priority make the
    kernel stall every real-time process of the core for 50 ms, for the sake of the others (its fair server, or
    sched_rt_runtime_us).
    """
    refusals: list[str] = []
    core = _pin(cfg.core, refusals)
    fifo = _fifo(cfg.priority, refusals)
    locked = _lock_memory(refusals) if cfg.lock_memory else False
    _libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)  # 1 ns: only matters where FIFO was refused
    return Granted(fifo=fifo, memory_locked=locked, core=core, refusals=tuple(refusals))


def _pin(core: int | None, refusals: list[str]) -> int | None:
    if core is None:
        return None
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[core % len(allowed)]
    try:
        os.sched_setaffinity(0, {chosen})
    except OSError as exc:
        refusals.append(f"core {chosen}: {exc.strerror}")
        return None
    return chosen


def _fifo(priority: int, refusals: list[str]) -> bool:
    if priority <= 0:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError as exc:
        hint = "allow it by: echo '* - rtprio 80' | sudo tee /etc/security/limits.d/vagus.conf, then log in again"
        refusals.append(f"SCHED_FIFO {priority}: {exc.strerror} ({hint})")
        return False
    return True


def _lock_memory(refusals: list[str]) -> bool:
    if _libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0:
        return True
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    refusals.append(f"mlockall: {os.strerror(ctypes.get_errno())} (RLIMIT_MEMLOCK is {limit} bytes)")
    return False


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent ends (Linux)."""
    _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0)


def freeze_garbage() -> None:
    """Collect once, exempt what lives from collection, and turn automatic collection off for a loop of arrays."""
    gc.collect()
    gc.freeze()
    gc.disable()


class Pacer:
    """Absolute schedule: tick k is due at ``phase + k * period`` on CLOCK_MONOTONIC, aligned across processes."""

    def __init__(self, period_ns: int, phase_ns: int = 0) -> None:
        self.period_ns = period_ns
        self.ticks = 0
        self.overruns = 0
        """Ticks that were skipped because an earlier one took too long, or the process was held up."""
        self.wake_error_max_ns = 0
        now = time.monotonic_ns()
        self._due = now - (now - phase_ns) % period_ns + period_ns
        self._timespec = _Timespec()

    def wait(self) -> int:
        """Sleep until the next tick is due and return the time now [ns]."""
        now = time.monotonic_ns()
        while now < self._due:  # a signal may end the sleep early
            self._timespec.tv_sec, self._timespec.tv_nsec = divmod(self._due, 1_000_000_000)
            _libc.clock_nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, ctypes.byref(self._timespec), None)
            now = time.monotonic_ns()
        late = now - self._due
        self.wake_error_max_ns = max(self.wake_error_max_ns, late)
        missed = late // self.period_ns
        self.overruns += missed
        self.ticks += 1
        self._due += (missed + 1) * self.period_ns
        return now

    def now(self) -> int:
        """Count a tick that something else woke, and return the time now [ns]."""
        self.ticks += 1
        return time.monotonic_ns()

    def figures(self) -> dict[str, int | float]:
        """Return what this pacer counted, as fields of ``stats``."""
        return {"ticks": self.ticks, "overruns": self.overruns, "wake_error_max_ns": self.wake_error_max_ns}
