"""The run directory: what every process of one running robot needs to know, under /dev/shm/vagus/<robot>/.

It holds the rings, ``run.msgpack`` (this module's ``Run``), the kinematic model, the scene's geometry and the logs. One
supervisor owns it, by a lock that vanishes with its process.
"""

import fcntl
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from vagus.body.feetech.cfg import FeetechCfg
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.streams.table import SceneShape, StreamSpec, stream_table

ROOT = Path(os.environ.get("VAGUS_RUN_ROOT", "/dev/shm/vagus"))


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
    """Make the run directory afresh and lock it. Raises ConfigError if another run of this robot holds it."""
    path = directory(name)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (path / "run.lock").open("a+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.seek(0)
        holder = lock.read().decode(errors="replace") or "unknown"
        raise ConfigError(
            f"robot {name!r} is already running (process {holder}); stop it first, or give another --name"
        ) from exc
    for old in path.iterdir():
        if old.name != "run.lock":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    lock.truncate(0)
    lock.write(str(os.getpid()).encode())
    lock.flush()
    (path / "log").mkdir()
    return path, lock


def save(path: Path, run: Run) -> None:
    """Write the run's description into its directory."""
    (path / "run.msgpack").write_bytes(msgspec.msgpack.encode(run))


def load(path: Path) -> Run:
    """Read a run's description. Raises ConfigError if there is none or it is not one."""
    try:
        return msgspec.msgpack.decode((path / "run.msgpack").read_bytes(), type=Run)
    except FileNotFoundError as exc:
        raise ConfigError(f"no run in {path}; running robots: {running() or 'none'}") from exc
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path / 'run.msgpack'} is not a run's description: {exc}") from exc


def running() -> list[str]:
    """Return the names of robots whose supervisor is alive."""
    names: list[str] = []
    for lock_path in sorted(ROOT.glob("*/run.lock")):
        with lock_path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                names.append(lock_path.parent.name)
    return names


def choose(name: str | None) -> Path:
    """Return the directory of the named run, or of the only one there is. Raises ConfigError otherwise."""
    names = running()
    if name is None and len(names) == 1:
        return directory(names[0])
    if name is None:
        raise ConfigError(f"which robot? running: {names or 'none'}; start one with `vagus demo` or `vagus run FILE`")
    if name not in names:
        raise ConfigError(f"robot {name!r} is not running; running: {names or 'none'}")
    return directory(name)
