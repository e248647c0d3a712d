"""Streams by name: the writers and readers of one process, over shared files or private memory.

What streams there are stands in ``table``; how a ring works stands in ``ring``.
"""

from collections.abc import Mapping
from pathlib import Path

from vagus.core.errors import StreamError
from vagus.streams.ring import Reader, Writer
from vagus.streams.segment import Segment, private_segment, shared_segment
from vagus.streams.table import StreamSpec


class Streams:
    """Opens a robot's streams. Each has one writer, the same at every call, and as many readers as asked for."""

    def __init__(self, table: Mapping[str, StreamSpec], run_dir: Path | None) -> None:
        """Use the rings in ``run_dir``, or private memory: see ``shared_streams`` and ``memory_streams``."""
        self._table = table
        self._run_dir = run_dir
        self._private: dict[str, Segment] = {}
        self._writers: dict[str, Writer] = {}

    def writer(self, name: str) -> Writer:
        """Return the writer of a stream, opened at the first call.

        Raises:
            LayoutError: The ring has another layout or capacity.
            StreamError: No such stream, a live writer elsewhere, or the ring cannot be made.
        """
        if name not in self._writers:
            self._writers[name] = Writer(self._segment(name, is_writable=True))
        return self._writers[name]

    def reader(self, name: str) -> Reader:
        """Return a new reader of a stream, which need not have a writer yet.

        Raises:
            LayoutError: The ring has another layout or capacity.
            StreamError: No such stream, or the ring cannot be made.
        """
        return Reader(self._segment(name, is_writable=False))

    def close(self) -> None:
        """Let go of every stream written here, so that another process may write it; readers need no closing."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _segment(self, name: str, *, is_writable: bool) -> Segment:
        if name not in self._table:
            raise StreamError(f"stream: got {name!r}, allowed: {', '.join(sorted(self._table))}")
        if self._run_dir is not None:
            return shared_segment(self._run_dir / f"{name}.ring", self._table[name], is_writable=is_writable)
        if name not in self._private:
            self._private[name] = private_segment(self._table[name])
        return self._private[name]


def shared_streams(run_dir: Path, table: Mapping[str, StreamSpec]) -> Streams:
    """Return the streams of a running robot; a ring's file ``<run_dir>/<name>.ring`` is made by whoever needs it first.

    Raises:
        StreamError: There is no such directory.
    """
    if not run_dir.is_dir():
        raise StreamError(f"run directory: got {run_dir}, allowed: a directory that exists, under /dev/shm")
    return Streams(table, run_dir)


def memory_streams(table: Mapping[str, StreamSpec]) -> Streams:
    """Return streams in private memory, for one thread: lockstep and tests."""
    return Streams(table, None)
