"""``vagus stop``: the emergency stop from a terminal, verified by the body's own readings, not by the reflex's word.

If the reflex does not answer, it is killed: its silence makes the body brake by its own watchdog; the request stays in
its ring, so that the restarted reflex starts in ESTOP.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.errors import StreamError, VagusError
from vagus.core.robot import RobotSpec
from vagus.runtime import run_dir
from vagus.streams.lock import writer_is_alive
from vagus.streams.ring import Reader, Writer
from vagus.streams.streams import Streams, shared_streams

_ANSWER_S = 0.25
_REST_SPEED = 0.05
"""A joint slower than this is at rest [rad/s or m/s]: above the noise of velocities differenced from encoders."""
_REST_FOR_S = 0.1
_REST_WITHIN_S = 3.0
_UNSEEN_S = 0.1
"""How much older than its sensor allows a reading may be [s]: this terminal is no real-time process, readings are."""
_LOOK_S = 0.002


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What a stop achieved."""

    latched_after_s: float | None
    """Until the reflex said ESTOP for every group; None if it did not and was killed."""
    at_rest_after_s: float
    """Until the body's readings had shown rest, from the request."""


def request(path: Path, kind: m.Request) -> None:
    """Publish one request of the operator's, for all groups.

    Raises:
        StreamError: Another terminal holds the operator's stream and does not let go.
    """
    run = run_dir.load(path)
    record = m.blank(m.request(run.spec))
    record["kind"] = kind
    record["groups"] = (1 << len(run.spec.groups)) - 1
    record["nonce"] = time.time_ns()
    writer = _open_writer(shared_streams(path, run.table()))
    record["stamp_ns"] = time.monotonic_ns()
    writer.publish(record)
    writer.close()


def _open_writer(streams: Streams) -> Writer:
    """Open the operator's ring. Another terminal's request holds it for a moment, so it is tried again."""
    end_s = time.monotonic() + _ANSWER_S
    while time.monotonic() < end_s:
        with contextlib.suppress(StreamError):
            return streams.writer("request.operator")
        time.sleep(_LOOK_S)
    return streams.writer("request.operator")


def stop(path: Path) -> Stopped:
    """Stop the robot and return once its own readings show rest.

    Raises:
        VagusError: The robot's readings do not show rest in time: press the hardware stop.
    """
    run = run_dir.load(path)
    streams = shared_streams(path, run.table())
    reflex, state = streams.reader("reflex"), streams.reader("joint_state")
    state.latest()  # only what is read from now on counts
    start_ns = time.monotonic_ns()
    request(path, m.Request.ESTOP)
    latched_after_s = _await_latch(reflex, start_ns)
    if latched_after_s is None and writer_is_alive(path / "reflex.ring"):
        _kill(streams.reader("stats.reflex").latest())
    return Stopped(latched_after_s=latched_after_s, at_rest_after_s=_await_rest(run.spec, state, start_ns))


def _await_latch(reflex: Reader, start_ns: int) -> float | None:
    """Return how long it took until the reflex, at work since the request, said ESTOP for every group [s]."""
    while (elapsed_ns := time.monotonic_ns() - start_ns) < _ANSWER_S * 1e9:
        newest = reflex.latest()
        if newest is not None and int(newest["stamp_ns"]) > start_ns and np.all(newest["state"] == m.State.ESTOP):
            return elapsed_ns * 1e-9
        time.sleep(_LOOK_S)
    return None


def _kill(stats: m.Record | None) -> None:
    if stats is not None:
        with contextlib.suppress(ProcessLookupError):  # dead already: the watchdog brakes
            os.kill(int(stats["pid"]), signal.SIGKILL)


def _await_rest(spec: RobotSpec, state: Reader, start_ns: int) -> float:
    """Return when the last joint came to rest, from the request [s]: every joint was read, and none moves any more."""
    read_ns: NDArray[np.int64] = np.zeros(spec.n_joints, np.int64)
    moved_ns: NDArray[np.int64] = np.full(spec.n_joints, start_ns)
    max_age_ns = (spec.encoder.max_age_s + _UNSEEN_S) * 1e9
    while True:
        for record in state.since():
            is_read = record["valid"] != 0
            read_ns[is_read] = record["stamp_ns"]
            moved_ns[is_read & ~(np.abs(record["v"]) < _REST_SPEED)] = record["stamp_ns"]
        now_ns = time.monotonic_ns()
        is_at_rest = (now_ns - moved_ns > _REST_FOR_S * 1e9) & (now_ns - read_ns < max_age_ns)
        if is_at_rest.all():
            return (int(moved_ns.max()) - start_ns) * 1e-9
        if now_ns - start_ns > _REST_WITHIN_S * 1e9:
            names = [joint for joint, rests in zip(spec.joint_names, is_at_rest, strict=True) if not rests]
            raise VagusError(
                f"the robot's own readings do not show rest after {_REST_WITHIN_S:g} s: PRESS THE HARDWARE STOP; "
                f"moving, or not read: {', '.join(names)}"
            )
        time.sleep(_LOOK_S)
