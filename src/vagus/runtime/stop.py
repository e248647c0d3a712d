"""``vagus stop``: the emergency stop from a terminal, verified by the body's own readings, not by the reflex's word.

If the reflex does not answer, it is killed: its silence makes the body brake by its own watchdog; the request stays in
its ring, so that the restarted reflex starts in ESTOP.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vagus.core import messages as m
from vagus.core.errors import VagusError
from vagus.runtime import run_dir
from vagus.streams.ring import Writer
from vagus.streams.streams import shared_streams

_ANSWER_S = 0.25
_REST_SPEED = 0.05
"""A joint slower than this is at rest [rad/s or m/s]: above the noise of velocities differenced from encoders."""
_REST_FOR_S = 0.1
_REST_WITHIN_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What a stop achieved."""

    latched_after_s: float | None
    """Until the reflex said ESTOP for every group; None if it did not and was killed."""
    at_rest_after_s: float
    """Until the body's readings had shown rest, from the request."""


def request(path: Path, kind: m.Request) -> None:
    """Publish one request of the operator's, for all groups."""
    run = run_dir.load(path)
    record = m.blank(m.request(run.spec))
    record["kind"] = kind
    record["groups"] = (1 << len(run.spec.groups)) - 1
    record["nonce"] = time.time_ns()
    record["stamp_ns"] = time.monotonic_ns()
    writer: Writer = shared_streams(path, run.table()).writer("request.operator")
    writer.publish(record)
    writer.close()


def stop(path: Path) -> Stopped:
    """Stop the robot and return once its own readings show rest.

    Raises:
        VagusError: The robot's readings do not show rest in time: press the hardware stop.
    """
    run = run_dir.load(path)
    streams = shared_streams(path, run.table())
    reflex, state = streams.reader("reflex"), streams.reader("joint_state")
    start_s = time.monotonic()
    request(path, m.Request.ESTOP)
    latched_after_s: float | None = None
    while latched_after_s is None and time.monotonic() - start_s < _ANSWER_S:
        newest = reflex.latest()
        if newest is not None and np.all(newest["state"] == m.State.ESTOP):
            latched_after_s = time.monotonic() - start_s
        time.sleep(0.002)
    if latched_after_s is None:
        _kill_reflex(streams.reader("stats.reflex").latest())
    resting_since_s: float | None = None
    while time.monotonic() - start_s < _REST_WITHIN_S:
        now_s = time.monotonic()
        if not _is_at_rest(state.latest(), run.spec.encoder.max_age_s, now_s):
            resting_since_s = None
        elif resting_since_s is None:
            resting_since_s = now_s
        elif now_s - resting_since_s > _REST_FOR_S:
            return Stopped(latched_after_s=latched_after_s, at_rest_after_s=resting_since_s - start_s)
        time.sleep(0.002)
    raise VagusError(f"the robot's own readings do not show rest after {_REST_WITHIN_S} s: PRESS THE HARDWARE STOP")


def _is_at_rest(state: m.Record | None, max_age_s: float, now_s: float) -> bool:
    # Generous with the age: this terminal is not a real-time process, the readings are.
    if state is None or now_s - int(state["stamp_ns"]) * 1e-9 > max_age_s + 0.1:
        return False
    valid = state["valid"] != 0
    return bool(valid.any() and np.all(np.abs(state["v"][valid]) < _REST_SPEED))


def _kill_reflex(stats: m.Record | None) -> None:
    if stats is not None:
        try:
            os.kill(int(stats["pid"]), signal.SIGKILL)
        except ProcessLookupError:
            return  # dead already: the watchdog brakes
