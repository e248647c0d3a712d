"""The run directory: what every process of one running robot needs to know, under /dev/shm/vagus/<robot>/.

It holds the rings, ``run.msgpack`` (this module's ``Run``), the kinematic model, the scene's geometry and the logs. One
supervisor owns it, by a lock that vanishes with its process.
"""

import contextlib
import errno
import fcntl
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import msgspec

from vagus.body.feetech.cfg import FeetechCfg
from vagus.core.errors import ConfigError
from vagus.core.person import Behaviour, check_behaviour
from vagus.core.robot import FILE_NAME, FILE_NAME_ALLOWED, RobotSpec
from vagus.streams.header import PID_AT
from vagus.streams.lock import writer_is_alive
from vagus.streams.stale import MARK, RUN_LOCK, clear, foreign, is_marked, rings
from vagus.streams.table import SceneShape, StreamSpec, stream_table

Provider = Literal["", "endpoint", "gguf"]
"""What kind of language model plans; empty: none."""
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
    person: Behaviour = "stands"
    """What the simulated person does."""
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
    planner: Provider = ""
    """What kind of language model plans beside the built-in parser; its settings, a key perhaps, stay in the
    environment. Empty: none does."""
    detector: str = ""
    """File of a network that tells kinds of things in pictures, beside what is measured (``vagus.perceive.detector``);
    empty: none does."""
    epoch_ns: int = 0
    """Unix time minus the robot's clock [ns], for the log; 0 in lockstep."""

    def __post_init__(self) -> None:
        check_behaviour(self.person)

    @property
    def name(self) -> str:
        return self.spec.name

    def table(self) -> dict[str, StreamSpec]:
        """Return the stream table of this run."""
        return stream_table(self.spec, self.shape)


def directory(name: str) -> Path:
    """Return the run directory of a robot. Raises ConfigError if the name could not be a directory's."""
    if not FILE_NAME.fullmatch(name):
        raise ConfigError(f"robot name: got {name!r}, allowed: {FILE_NAME_ALLOWED}")
    return ROOT / name


def claim(name: str) -> tuple[Path, IO[bytes]]:
    """Make the run directory afresh and lock it; removes what an earlier run left there, and nothing else.

    Raises:
        ConfigError: Another run of this robot holds it, something that Vagus did not make lies there, processes of a
            dead run do not end, or it cannot be made.
    """
    path = directory(name)
    try:
        if path.is_dir() and not is_marked(path):
            _refuse_foreign(path)  # before a lock file is made there
        lock = _lock(path, name)
        try:
            if path.stat().st_uid != os.geteuid():  # it could read the page's token
                raise PermissionError(errno.EPERM, "it belongs to another user")
            _await_orphans(path, name)
            _refuse_foreign(path)
            clear(path)
            lock.truncate(0)
            lock.write(MARK + str(os.getpid()).encode())
            lock.flush()
            (path / "log").mkdir()
        except BaseException:
            lock.close()
            raise
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return path, lock


def _refuse_foreign(path: Path) -> None:
    if names := foreign(path):
        told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise ConfigError(
            f"run directory {path}: got a folder with files that Vagus did not make ({told}), allowed: none, an empty "
            f"one, or an earlier run's; move them, or name another place in VAGUS_RUN_ROOT, now {ROOT}"
        )


def _lock(path: Path, name: str) -> IO[bytes]:
    """Take the run's lock. Whoever lists running robots or cleans up holds it for a moment, so it is tried again."""
    end_s = time.monotonic() + _CLAIM_S
    while True:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if lock := _try_lock(path / RUN_LOCK):
            return lock
        if time.monotonic() > end_s:
            raise ConfigError(
                f"robot {name!r} is already running (process {_holder(path)}); end it first (Ctrl-C where it runs)"
            )
        time.sleep(_PAUSE_S)


def _try_lock(file: Path) -> IO[bytes] | None:
    lock = None
    with contextlib.suppress(BlockingIOError, FileNotFoundError):  # held; or cleaned away meanwhile
        lock = file.open("a+b")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock.fileno()), file.stat()):
            return lock
    if lock:
        lock.close()
    return None


def _holder(path: Path) -> str:
    try:
        return (path / RUN_LOCK).read_bytes().removeprefix(MARK).decode(errors="replace") or "unknown"
    except FileNotFoundError:
        return "unknown"


def _await_orphans(path: Path, name: str) -> None:
    """Wait for the processes of a supervisor that was killed; they end by themselves unless they hang."""
    end_s = time.monotonic() + _ORPHANS_S
    while alive := [ring for ring in rings(path) if writer_is_alive(ring)]:
        if time.monotonic() > end_s:
            pids = " ".join(str(pid) for pid in sorted({writer_pid(ring) for ring in alive}))
            raise ConfigError(f"robot {name!r}: processes of an earlier run are still there; end them: kill -9 {pids}")
        time.sleep(_PAUSE_S)


def writer_pid(ring: Path) -> int:
    """Return the process id of whoever opened a ring for writing last; 0 if nobody did."""
    with ring.open("rb") as file:
        file.seek(PID_AT)
        return int.from_bytes(file.read(8), sys.byteorder)


def release(path: Path, lock: IO[bytes]) -> None:
    """Give the rings' memory back and unlock; what the processes said stays readable in ``log/``.

    Does nothing the second time: by then the directory may be another run's.
    """
    if lock.closed:
        return
    for ring in rings(path):
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
    try:
        locks = sorted(ROOT.glob(f"*/{RUN_LOCK}"))
    except PermissionError:  # another user's place: none of ours run there
        return []
    return [lock.parent.name for lock in locks if _is_held(lock)]


def _is_held(lock_path: Path) -> bool:
    try:
        if not is_marked(lock_path.parent):  # another program's lock
            return False
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
