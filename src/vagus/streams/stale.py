"""Run directories that dead processes left behind: finds them and removes what Vagus made there, and nothing else.

A run directory bears Vagus's mark in its ``run.lock`` and holds nothing but files that Vagus makes. A folder without
the mark, or with anything else in it, is somebody's: it is not touched, and neither is a run directory in use.
"""

import fcntl
import os
import re
import stat
from pathlib import Path

from vagus.streams.header import MAGIC
from vagus.streams.lock import writer_is_alive

RUN_LOCK = "run.lock"
"""File in a run directory whose ``flock`` the run's supervisor holds."""
MARK = b"Vagus run directory; process "
"""What ``RUN_LOCK`` begins with; the supervisor's process id follows."""
_RUN_FILES = (RUN_LOCK, "run.msgpack", "scene.json", "page.html")
"""What a supervisor writes beside rings and logs. A name that is missing here refuses the robot's next start."""
_LOGS = "log"
_HALF_MADE = re.compile(r"\.[\w.-]+\.ring\.[0-9a-f]{16}")
"""A ring whose maker was killed before it gave it its name (``segment``)."""


def clean_stale(root: Path) -> list[Path]:
    """Remove every run directory in ``root`` in which no process holds a lock; return those that were removed.

    Links, other users' directories and those with a foreign file are left as they are; a root that is not there or may
    not be read has nothing to clean. Looking takes ``run.lock`` for a moment, as listing the running robots does.
    """
    try:
        paths = sorted(root.iterdir())
    except OSError:
        return []
    return [path for path in paths if _remove_if_stale(path)]


def is_marked(path: Path) -> bool:
    """Say whether a folder is a run directory: whether its ``run.lock`` is Vagus's."""
    return _begins(path / RUN_LOCK, MARK)


def foreign(path: Path) -> list[str]:
    """Return the names of what a folder holds and Vagus did not make: everything, where it is no run directory."""
    marked = is_marked(path)
    return [entry.name for entry in sorted(path.iterdir()) if not (_is_known(entry) if marked else _is_blank(entry))]


def rings(path: Path) -> list[Path]:
    """Return the rings of a run directory."""
    return [file for file in sorted(path.glob("*.ring")) if _begins(file, MAGIC)]


def clear(path: Path) -> None:
    """Remove what an earlier run left in a run directory, but for ``run.lock``, which the caller holds."""
    known = [entry for entry in path.iterdir() if entry.name != RUN_LOCK and _is_known(entry)]
    for entry in known:
        if entry.name != _LOGS:
            entry.unlink()
            continue
        for log in entry.iterdir():
            log.unlink()
        entry.rmdir()


def _remove_if_stale(path: Path) -> bool:
    try:
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or not is_marked(path):
            return False
        with (path / RUN_LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_same = os.path.samestat(os.fstat(lock.fileno()), (path / RUN_LOCK).lstat())
            if not is_same or foreign(path) or any(writer_is_alive(ring) for ring in rings(path)):
                return False
            clear(path)
            (path / RUN_LOCK).unlink()
            path.rmdir()
    except OSError:  # in use, cleaned away or claimed at this very moment, or closed to us
        return False
    return True


def _is_known(entry: Path) -> bool:
    if entry.name == _LOGS and entry.is_dir() and not entry.is_symlink():
        return all(_is_file(log) and log.suffix == ".log" for log in entry.iterdir())
    if entry.suffix == ".ring":
        return _begins(entry, MAGIC)
    return _is_file(entry) and (entry.name in _RUN_FILES or _HALF_MADE.fullmatch(entry.name) is not None)


def _is_blank(entry: Path) -> bool:
    """Say whether it is the lock of a supervisor that was killed before it wrote its mark."""
    return entry.name == RUN_LOCK and _is_file(entry) and entry.lstat().st_size == 0


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _begins(path: Path, words: bytes) -> bool:
    if not _is_file(path):
        return False
    with path.open("rb") as file:
        return file.read(len(words)) == words
