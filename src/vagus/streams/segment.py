"""Where a ring lives: a file under /dev/shm that processes share, or private memory for one process.

Makes and maps memory, nothing more; what stands in it is ``header``'s and ``ring``'s.
"""

import contextlib
import errno
import mmap
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from vagus.core.errors import StreamError
from vagus.streams import header
from vagus.streams.header import Geometry
from vagus.streams.table import StreamSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A mapped ring whose header was checked."""

    buffer: mmap.mmap
    geometry: Geometry
    spec: StreamSpec
    path: Path | None
    """The file that processes share; None in private memory."""


def private_segment(spec: StreamSpec) -> Segment:
    """Make a ring in private memory."""
    sizes = header.geometry(spec)
    buffer = mmap.mmap(-1, sizes.total_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    head = header.pack(spec)
    buffer[: len(head)] = head
    return Segment(buffer=buffer, geometry=sizes, spec=spec, path=None)


def shared_segment(path: Path, spec: StreamSpec, *, is_writable: bool) -> Segment:
    """Map the ring file ``path``, which is made if there is none, so that processes may start in any order.

    Every page is mapped at once (MAP_POPULATE): no page fault later, in the middle of a tick.

    Raises:
        LayoutError: The file holds another layout or capacity.
        StreamError: No room, no such directory, no permission, or not a ring.
    """
    sizes = header.geometry(spec)
    try:
        if not path.exists():
            _create(path, spec)
        buffer = _map(path, sizes, spec, is_writable=is_writable)
    except OSError as exc:
        raise StreamError(f"stream {spec.name!r}: cannot open {path} ({sizes.total_bytes} bytes): {exc}") from exc
    return Segment(buffer=buffer, geometry=sizes, spec=spec, path=path)


def _create(path: Path, spec: StreamSpec) -> None:
    """Make the file in full under another name, then link it: nobody ever sees half a ring, and the first one wins."""
    needed = header.geometry(spec).total_bytes
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, needed)  # takes the pages now: a full file system is an error here, not SIGBUS later
        os.pwrite(fd, header.pack(spec), 0)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        os.truncate(fd, 0)
        disk = os.statvfs(path.parent)
        raise StreamError(
            f"stream {spec.name!r}: no room for its ring in {path.parent}: {needed} bytes needed, "
            f"{disk.f_bavail * disk.f_frsize} free ({exc.strerror})"
        ) from exc
    finally:
        os.close(fd)
        os.unlink(temporary)


def _map(path: Path, sizes: Geometry, spec: StreamSpec, *, is_writable: bool) -> mmap.mmap:
    fd = os.open(path, (os.O_RDWR if is_writable else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        header.check(os.pread(fd, sizes.slots_at, 0), spec, f"stream {spec.name!r} ({path})")
        got = os.fstat(fd).st_size
        if got != sizes.total_bytes:
            raise StreamError(f"{path}: got {got} bytes, allowed: {sizes.total_bytes}; remove it and start again")
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if is_writable else 0)
        return mmap.mmap(fd, sizes.total_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=protection)
    finally:
        os.close(fd)
