"""Run directories that dead processes left behind: finds and removes them. It never touches one that is in use."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path

from vagus.streams.lock import writer_is_alive

RUN_LOCK = "run.lock"
"""File in a run directory whose ``flock`` the run's supervisor holds."""


def clean_stale(root: Path) -> list[Path]:
    """Remove every run directory in ``root`` in which no process holds a lock; return those that were removed.

    A run directory is one with a ``run.lock`` or a ring in it; anything else, links and other users' directories
    included, is left alone. Looking takes ``run.lock`` for a moment: a supervisor starting the same robot in just that
    moment is told that it runs already.
    """
    if not root.is_dir():
        return []
    return [path for path in sorted(root.iterdir()) if _is_ours(path) and _remove_if_stale(path)]


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
        return False
    return (path / RUN_LOCK).is_file() or any(path.glob("*.ring"))


def _remove_if_stale(path: Path) -> bool:
    if any(writer_is_alive(ring) for ring in path.glob("*.ring")):
        return False
    lock = path / RUN_LOCK
    fd = os.open(lock if lock.is_file() else path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Out of the way first: a run that starts now makes itself a new directory.
        doomed = path.rename(path.with_name(f".stale.{secrets.token_hex(8)}"))
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    shutil.rmtree(doomed)
    return True
