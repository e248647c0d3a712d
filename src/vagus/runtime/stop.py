"""``vagus stop`` and ``vagus reset``: the emergency stop from a terminal, and the way out of it.

A stop is verified by the body's own readings, not by the reflex's word. A reflex that does not answer is killed: its
silence makes the body brake by its own watchdog; the request stays in its ring, so that the restarted reflex starts in
ESTOP.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.errors import StreamError, VagusError
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.limits import per_joint
from vagus.runtime import run_dir
from vagus.streams.lock import writer_is_alive
from vagus.streams.ring import Reader, Writer
from vagus.streams.streams import Streams, shared_streams

_ANSWER_S = 0.25
_REST_WITHIN_S = 3.0
_RESET_S = 1.0
"""How long the reflex may take to grant a reset [s]: a request older than this is refused."""
_UNSEEN_S = 0.1
"""How much older than its sensor allows a reading may be [s]: this terminal is no real-time process, readings are."""
_LOOK_S = 0.002
_OPERATOR, _ANYONE = ("request.operator",), ("request.operator", "request.idle")
"""Where a request may be written. A stop is honoured whoever asks; nobody else writes as ``idle``."""


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What a stop achieved."""

    latched_after_s: float | None
    """Until the reflex said ESTOP for every group; None if it did not."""
    killed: int | None
    """Process id of the reflex that did not say so and was killed; None if there was none to kill."""
    is_requested: bool
    """Whether the stop stands in a ring, for the next reflex to start in; not if others hold all of them."""
    at_rest_after_s: float
    """Until the body's readings had shown rest, from the request."""


@dataclass(frozen=True, kw_only=True)
class Reset:
    """What came of the request to leave the emergency stop."""

    granted_after_s: float | None
    """Until the reflex had left ESTOP; None if it stays there."""
    is_needed: bool = True
    """Whether it was in ESTOP at all, or silent, so that it had to be asked."""
    why_not: str = ""


def request(path: Path, kind: m.Request) -> None:
    """Publish one request of the operator's, for all groups.

    Raises:
        StreamError: Another terminal holds the operator's stream and does not let go.
    """
    run = run_dir.load(path)
    _publish(run.spec, shared_streams(path, run.table()), kind, _OPERATOR)


def _publish(spec: RobotSpec, streams: Streams, kind: m.Request, names: Sequence[str]) -> None:
    record = m.blank(m.request(spec))
    record["kind"] = kind
    record["groups"] = (1 << len(spec.groups)) - 1
    record["nonce"] = time.time_ns()
    writer = _open_writer(streams, names)
    record["stamp_ns"] = time.monotonic_ns()
    writer.publish(record)
    writer.close()


def _open_writer(streams: Streams, names: Sequence[str]) -> Writer:
    """Open the first ring that is free. Another terminal's request holds one for a moment, so it is tried again."""
    end_s = time.monotonic() + _ANSWER_S
    while time.monotonic() < end_s:
        for name in names:
            with contextlib.suppress(StreamError):
                return streams.writer(name)
        time.sleep(_LOOK_S)
    return streams.writer(names[0])


def stop_all(paths: Sequence[Path]) -> list[Stopped | VagusError]:
    """Stop several robots at once; none waits for another, and what went wrong with one stands in its place."""

    def one(path: Path) -> Stopped | VagusError:
        try:
            return stop(path)
        except VagusError as exc:
            return exc

    with ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(one, paths))


def stop(path: Path) -> Stopped:
    """Stop the robot and return once its own readings show rest.

    Raises:
        VagusError: The robot's readings do not show rest in time: press the hardware stop.
    """
    run = run_dir.load(path)
    streams = shared_streams(path, run.table())
    reflex, rest = streams.reader("reflex"), _Rest(run.spec, streams.reader("joint_state"))
    is_requested = True
    try:
        _publish(run.spec, streams, m.Request.ESTOP, _ANYONE)
    except StreamError:  # others hold every ring: what follows needs none
        is_requested = False
    latched_after_s = _await_latch(reflex, rest.start_ns) if is_requested else None
    killed = _kill_reflex(path) if latched_after_s is None else None
    return Stopped(
        latched_after_s=latched_after_s, killed=killed, is_requested=is_requested, at_rest_after_s=_await_rest(rest)
    )


def _await_latch(reflex: Reader, start_ns: int) -> float | None:
    """Return how long it took until the reflex, at work since the request, said ESTOP for every group [s]."""
    while (elapsed_ns := time.monotonic_ns() - start_ns) < _ANSWER_S * 1e9:
        newest = reflex.latest()
        if newest is not None and int(newest["stamp_ns"]) > start_ns and np.all(newest["state"] == m.State.ESTOP):
            return elapsed_ns * 1e-9
        time.sleep(_LOOK_S)
    return None


def _kill_reflex(path: Path) -> int | None:
    """Kill the process that writes the reflex's stream; return its id, or None if there is none."""
    ring = path / "reflex.ring"
    if not writer_is_alive(ring):
        return None
    pid = run_dir.writer_pid(ring)
    if pid == 0:  # it opens the ring at this very moment: it starts, and finds the request
        return None
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended just now
        return None
    return pid


class _Rest:
    """What the body's own readings show from now on: which joints are at rest, by the gate's measure of it."""

    def __init__(self, spec: RobotSpec, state: Reader) -> None:
        cfg = GateCfg()
        self.spec, self._state = spec, state
        self._speed = per_joint(spec, rad=cfg.rest_rad_s, m=cfg.rest_m_s)
        self._rest_ns, self._max_age_ns = cfg.rest_s * 1e9, (spec.encoder.max_age_s + _UNSEEN_S) * 1e9
        state.latest()  # only what is read from now on counts
        self.start_ns = time.monotonic_ns()
        self._read_ns: NDArray[np.int64] = np.zeros(spec.n_joints, np.int64)
        self._moved_ns: NDArray[np.int64] = np.full(spec.n_joints, self.start_ns)

    def look(self) -> NDArray[np.bool_]:
        """Read what is new; return which joints are at rest and known to be, shape (n_joints,)."""
        for record in self._state.since():
            is_read = record["valid"] != 0
            self._read_ns[is_read] = record["stamp_ns"]
            self._moved_ns[is_read & ~(np.abs(record["v"]) <= self._speed)] = record["stamp_ns"]
        now_ns = time.monotonic_ns()
        return (now_ns - self._moved_ns > self._rest_ns) & (now_ns - self._read_ns < self._max_age_ns)

    @property
    def since_s(self) -> float:
        """When the last joint came to rest, from the start [s]."""
        return (int(self._moved_ns.max()) - self.start_ns) * 1e-9


def _await_rest(rest: _Rest) -> float:
    """Return when the last joint came to rest, from the request [s]: every joint was read, and none moves any more."""
    while not (is_at_rest := rest.look()).all():
        if time.monotonic_ns() - rest.start_ns > _REST_WITHIN_S * 1e9:
            names = [joint for joint, rests in zip(rest.spec.joint_names, is_at_rest, strict=True) if not rests]
            raise VagusError(
                f"the robot's own readings do not show rest after {_REST_WITHIN_S:g} s: PRESS THE HARDWARE STOP; "
                f"moving, or not read: {', '.join(names)}"
            )
        time.sleep(_LOOK_S)
    return rest.since_s


def reset(path: Path) -> Reset:
    """Ask the reflex to leave the emergency stop, and wait until it has, or 1 s.

    Raises:
        StreamError: Another terminal holds the operator's stream and does not let go.
    """
    run = run_dir.load(path)
    streams = shared_streams(path, run.table())
    reflex, rest = streams.reader("reflex"), _Rest(run.spec, streams.reader("joint_state"))
    newest = reflex.latest()
    is_fresh = newest is not None and rest.start_ns - int(newest["stamp_ns"]) < _ANSWER_S * 1e9
    if newest is not None and is_fresh and not np.any(newest["state"] == m.State.ESTOP):
        return Reset(granted_after_s=0.0, is_needed=False)
    _publish(run.spec, streams, m.Request.RESET, _OPERATOR)
    asked_ns, newest = time.monotonic_ns(), None
    while (elapsed_ns := time.monotonic_ns() - asked_ns) < _RESET_S * 1e9:
        rest.look()
        for newest in (record for record in reflex.since() if int(record["stamp_ns"]) > asked_ns):
            if not np.any(newest["state"] == m.State.ESTOP):
                return Reset(granted_after_s=elapsed_ns * 1e-9)
        time.sleep(_LOOK_S)
    return Reset(granted_after_s=None, why_not=_why_not(rest, newest))


def _why_not(rest: _Rest, reflex: m.Record | None) -> str:
    """Say why a reset was not granted, from the readings and the newest word of the reflex since it was asked."""
    if reflex is None:
        return "the reflex does not answer"
    spec, is_at_rest = rest.spec, rest.look()
    unrested = {
        group.name: [joint for joint in group.joints if not is_at_rest[spec.joint_index(joint)]]
        for group in spec.groups
    }
    told = [f"{name} ({', '.join(joints)})" for name, joints in unrested.items() if joints]
    if told:
        return f"not at rest, or not read: {', '.join(told)}"
    causes = [flag.name or "" for flag in m.Verdict(int(np.bitwise_or.reduce(reflex["cause"])))]
    return f"at rest, but the reflex stays in ESTOP ({', '.join(causes)}); try again, and look at `vagus top`"
