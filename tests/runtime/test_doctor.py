"""``vagus doctor``: every row says what was found, and how to mend it where it is not well."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vagus.runtime import doctor
from vagus.runtime.doctor import Check, examine
from vagus.world.gl import GL_APT


def row(rows: list[Check], what: str) -> Check:
    return next(check for check in rows if what in check.what)


@pytest.fixture(scope="module")
def rows() -> list[Check]:
    return examine(0)


def test_everything_is_looked_at_once(rows: list[Check]) -> None:
    assert [check.what for check in rows if "shm" not in check.what] == [
        "Python", "cores", "real-time scheduling", "locked memory", "rendering", "port 0", "browser",
    ]  # fmt: skip


def test_what_is_not_well_says_how_to_mend_it(rows: list[Check]) -> None:
    assert all(check.found for check in rows)
    assert all(bool(check.mend) is (check.status != "ok") for check in rows)


def test_a_library_that_is_not_there_is_an_error_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    check = row(doctor.examine(0), "rendering")
    assert check.status == "error"
    assert "got 'nonsense', allowed: 'egl', 'osmesa'" in check.found
    assert "unset MUJOCO_GL" in check.mend
    assert GL_APT in check.mend


def test_a_taken_port_and_one_that_is_none_are_warnings() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert doctor._port(port).status == "warning"
        assert "is taken" in doctor._port(port).found
    assert "got 99999, allowed: 1 to 65535" in doctor._port(99999).found


def test_too_little_room_for_streams_is_an_error_and_the_place_is_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "not" / "yet")
    assert doctor._shared_memory().what == str(tmp_path)
    monkeypatch.setattr(doctor, "_RINGS_BYTES", 1 << 60)
    assert doctor._shared_memory().status == "error"


UNPRIVILEGED = """
from vagus.runtime.realtime import Pacer, RealtimeCfg, set_up
from vagus.runtime import doctor
print(set_up(RealtimeCfg(priority=60, core=-1, lock_memory=True)))
pacer = Pacer(1_000_000)
print([pacer.wait() > 0 for _ in range(3)], pacer.ticks)
print(doctor._fifo().status)
"""


# Root keeps its files, not its rights; anyone else has none to begin with.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-sys_nice,-ipc_lock,-sys_resource"] if os.geteuid() == 0 else []


def give_up_limits() -> None:
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (64 << 10, 64 << 10))


def test_without_rights_what_was_refused_is_said_and_the_loop_still_ticks() -> None:
    command = [*WITHOUT_RIGHTS, sys.executable, "-c", UNPRIVILEGED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=give_up_limits)
    granted, ticks, checks = done.stdout.splitlines()
    assert "fifo=False, memory_locked=False" in granted
    assert "SCHED_FIFO 60: Operation not permitted (allow it by: echo" in granted
    assert "mlockall: " in granted
    assert ticks == "[True, True, True] 3"
    assert checks == "warning"
