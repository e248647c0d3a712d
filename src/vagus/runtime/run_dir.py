"""The run directory: what every process of one running robot needs to know, under /dev/shm/vagus/<robot>/.

It holds the rings, ``run.msgpack`` (this module's ``Run``), the kinematic model, the scene's geometry and the logs. One
supervisor owns it, by a lock that vanishes with its process.
"""

import errno
import fcntl
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from vagus.body.feetech.cfg import FeetechCfg
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.streams.header import PID_AT
from vagus.streams.lock import writer_is_alive
from vagus.streams.stale import RUN_LOCK
from vagus.streams.table import SceneShape, StreamSpec, stream_table

ROOT = Path(os.environ.get("VAGUS_RUN_ROOT", "/dev/shm/vagus"))
_CLAIM_S, _ORPHANS_S, _PAUSE_S = 0.3, 6.0, 0.02
"""How long the lock is tried for, how long a killed supervisor's processes may take to end, and between looks [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one robot, as its supervisor set it up."""

    spec: RobotSpec
    robot_file: str
    seed: int
    scene: str
    shape: SceneShape | None
    """Sizes of the simulated world; None on a real body."""
    is_real: bool = False
    real: FeetechCfg | None = None
    """The real body, where ``is_real``."""
    realtime: bool = True
    record_dir: str | None = None
    """Where the recorder writes; None records nothing."""
    page_port: int = 0
    """Port of the page on 127.0.0.1; 0 means no page."""
    page_token: str = ""
    calibration: str | None = None
    """Calibration file, if the robot has one."""
    epoch_ns: int = 0
    """Unix time minus the robot's clock [ns], for the log; 0 in lockstep."""

    @property
    def name(self) -> str:
        return self.spec.name

    def table(self) -> dict[str, StreamSpec]:
        """Return the stream table of this run."""
        return stream_table(self.spec, self.shape)


def directory(name: str) -> Path:
    """Return the run directory of a robot. Raises ConfigError if the name could not be a directory's."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise ConfigError(f"robot name: got {name!r}, allowed: letters, digits, '_', '.', '-', at most 64")
    return ROOT / name


def claim(name: str) -> tuple[Path, IO[bytes]]:
    """Make the run directory afresh and lock it.

    Raises:
        ConfigError: Another run of this robot holds it, processes of a dead one do not end, or it cannot be made.
    """
    path = directory(name)
    try:
        lock = _lock(path, name)
        if path.stat().st_uid != os.geteuid():  # it could read the page's token
            raise PermissionError(errno.EPERM, "it belongs to another user")
        _await_orphans(path, name)
        for old in path.iterdir():
            if old.name != RUN_LOCK:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        (path / "log").mkdir()
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return path, lock


def _lock(path: Path, name: str) -> IO[bytes]:
    """Take the run's lock. Whoever lists running robots or cleans up holds it for a moment, so it is tried again."""
    end_s = time.monotonic() + _CLAIM_S
    while True:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (path / RUN_LOCK).open("a+b")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), (path / RUN_LOCK).stat()):
                return lock
        except (BlockingIOError, FileNotFoundError):  # held; or cleaned away since it was opened
            pass
        lock.seek(0)
        holder = lock.read().decode(errors="replace") or "unknown"
        lock.close()
        if time.monotonic() > end_s:
            raise ConfigError(
                f"robot {name!r} is already running (process {holder}); end it first (Ctrl-C where it runs)"
            )
        time.sleep(_PAUSE_S)


def _await_orphans(path: Path, name: str) -> None:
    """Wait for the processes of a supervisor that was killed; they end by themselves unless they hang."""
    end_s = time.monotonic() + _ORPHANS_S
    while rings := [ring for ring in path.glob("*.ring") if writer_is_alive(ring)]:
        if time.monotonic() > end_s:
            pids = " ".join(str(pid) for pid in sorted({_writer_pid(ring) for ring in rings}))
            raise ConfigError(f"robot {name!r}: processes of an earlier run are still there; end them: kill -9 {pids}")
        time.sleep(_PAUSE_S)


def _writer_pid(ring: Path) -> int:
    with ring.open("rb") as file:
        file.seek(PID_AT)
        return int.from_bytes(file.read(8), sys.byteorder)


def release(path: Path, lock: IO[bytes]) -> None:
    """Give the rings' memory back and unlock; what the processes said stays readable in ``log/``."""
    for ring in path.glob("*.ring"):
        ring.unlink(missing_ok=True)
    lock.close()


def write(path: Path, data: bytes) -> None:
    """Write one file of a run directory. Raises ConfigError if there is no room."""
    try:
        path.write_bytes(data)
    except OSError as exc:
        raise _unusable(path.parent, exc) from exc


def _unusable(path: Path, exc: OSError) -> ConfigError:
    return ConfigError(
        f"run directory {path}: {exc.strerror}; allowed: a folder of yours with room for the streams, best on a file "
        f"system in memory; the environment variable VAGUS_RUN_ROOT names the place, now {ROOT}"
    )


def save(path: Path, run: Run) -> None:
    """Write the run's description into its directory. Raises ConfigError if there is no room."""
    write(path / "run.msgpack", msgspec.msgpack.encode(run))


def load(path: Path) -> Run:
    """Read a run's description. Raises ConfigError if there is none or it is not one."""
    try:
        return msgspec.msgpack.decode((path / "run.msgpack").read_bytes(), type=Run)
    except FileNotFoundError as exc:
        raise ConfigError(f"no run in {path}; running robots: {running() or 'none'}") from exc
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path / 'run.msgpack'} is not a run's description: {exc}") from exc


def running() -> list[str]:
    """Return the names of this user's robots whose supervisor is alive."""
    return [lock.parent.name for lock in sorted(ROOT.glob(f"*/{RUN_LOCK}")) if _is_held(lock)]


def _is_held(lock_path: Path) -> bool:
    try:
        with lock_path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, PermissionError):  # cleaned away meanwhile; another user's
        return False
    return False


def choose(name: str | None) -> Path:
    """Return the directory of the named run, or of the only one there is. Raises ConfigError otherwise."""
    names = running()
    if not names:
        raise ConfigError("no robot is running; start one with `vagus demo` or `vagus run FILE`")
    if name is None and len(names) > 1:
        raise ConfigError(f"robot name: got none, but several are running, allowed: {', '.join(names)}")
    if name is not None and name not in names:
        raise ConfigError(f"robot name: got {name!r}, allowed, because running: {', '.join(names)}")
    return directory(name or names[0])
