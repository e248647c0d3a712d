"""The writer's lock on its ring file: at most one live writer, and anyone may ask whether there is one.

An open-file-description lock (``man 2 fcntl``): the kernel drops it when the process ends, however it ends, and
``F_OFD_GETLK`` asks about it without taking it, so that a supervisor that looks never gets in a writer's way; with
``flock`` the look itself would be a lock, and a writer that starts in that moment would be refused.
"""

import fcntl
import os
import struct
from pathlib import Path

_FLOCK = struct.Struct("hhqqi0q")  # struct flock of 64-bit Linux: type, whence, start, length, pid
_WHOLE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_TYPE_AT = 0


class WriterLock:
    """Holds the lock of one ring file until ``release``, or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises BlockingIOError if a live writer has it."""
        self._fd = -1
        # A descriptor of its own: the lock belongs to the open file, which a mapping made from it would keep open.
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _WHOLE)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back; doing so twice does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.release()


def writer_is_alive(path: Path) -> bool:
    """Say whether a live process holds the writer's lock of the ring file ``path``; False if there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE)
    finally:
        os.close(fd)
    return _FLOCK.unpack(answer)[_TYPE_AT] != fcntl.F_UNLCK
