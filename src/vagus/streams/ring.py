"""Rings: the writer and the readers of one stream, over a shared file or private memory, by the same code.

One writer, many readers, none of which can block or damage the writer. Every slot is a sequence lock: its stamp is 0
while the message is being written and the message's sequence (1, 2, ...) when it is whole. A reader takes a message
only if the stamp is right before and after, so neither a fast writer nor one that died half-way ever makes it see a
torn message. The head, the newest whole message's sequence, is stored last and is all that a restarted writer needs.

It opens no files (``segment``), knows no stream table (``streams``), and is not for several threads: a ``Writer`` or
``Reader`` belongs to one thread.
"""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import LayoutError, StreamError
from vagus.core.messages import Record, describe
from vagus.streams import header
from vagus.streams.barrier import load_fence
from vagus.streams.futex import Futex, low_half
from vagus.streams.lock import WriterLock
from vagus.streams.segment import Segment

_HEAD = header.HEAD_AT // 8
_PID = header.PID_AT // 8
_LOW_HALF = 0xFFFF_FFFF
_TRIES = 64
"""How often in a row the newest message may be overwritten under a reader before that is an error, not bad luck."""
_FILLING, _CLOSED = "a slot of it is being filled", "its writer is closed"
_TIMEOUT_MAX_S = 1e9  # 30 years; keeps the deadline within 64 bits of nanoseconds


class _Cells:
    """A ring's memory: as 8-byte words, and as messages."""

    __slots__ = ("_first", "_segment", "_stride", "capacity", "fence", "name", "words")

    def __init__(self, segment: Segment) -> None:
        sizes = segment.geometry
        self.name = segment.spec.name
        self.capacity = sizes.capacity
        self.words = memoryview(segment.buffer).cast("Q")
        """The whole ring; an aligned word is read and written in one instruction, never by halves."""
        self.fence = load_fence(platform.machine())
        self._segment = segment
        self._first = sizes.slots_at // 8
        self._stride = sizes.slot_bytes // 8

    def stamp_at(self, sequence: int) -> int:
        """Return the index in ``words`` of the stamp of the slot that ``sequence`` goes to."""
        return self._first + sequence % self.capacity * self._stride

    def is_whole(self, sequence: int) -> bool:
        """Say whether message ``sequence`` is in the ring in full, after all reads before and before all after."""
        if self.fence is None:
            return self.words[self.stamp_at(sequence)] == sequence
        self.fence()
        stamp = self.words[self.stamp_at(sequence)]
        self.fence()
        return stamp == sequence

    def newest(self) -> int:
        """Return the sequence of the newest message, found whole; 0 if nothing was ever written."""
        for _ in range(_TRIES):
            head = self.words[_HEAD]
            if head == 0 or self.is_whole(head):
                return head
        raise self.overrun()

    def overrun(self) -> StreamError:
        """Return the error of a reader that never gets hold of the newest message."""
        return StreamError(
            f"stream {self.name!r}: the newest message was overwritten {_TRIES} times in a row while it was read: "
            f"the ring of {self.capacity} messages is too small for its writer, or damaged"
        )

    def messages(self, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """Return the messages of all slots, in place, shape (capacity,)."""
        sizes, start = self._segment.geometry, self._segment.geometry.slots_at + header.PAYLOAD_AT
        return np.ndarray((self.capacity,), dtype, self._segment.buffer, start, (sizes.slot_bytes,))

    def payloads(self) -> list[memoryview]:
        """Return the bytes of every slot's message, in place."""
        sizes, raw = self._segment.geometry, memoryview(self._segment.buffer)
        starts = [sizes.slots_at + header.PAYLOAD_AT + i * sizes.slot_bytes for i in range(self.capacity)]
        return [raw[at : at + self._segment.spec.layout.itemsize] for at in starts]

    def futex(self) -> Futex | None:
        """Return the futex on the head's changing half; None in private memory, where nobody sleeps."""
        if self._segment.path is None:
            return None
        address = int(np.frombuffer(self._segment.buffer, np.uint8, 1).ctypes.data)
        return Futex(low_half(address + header.HEAD_AT))


class Writer:
    """The one writer of a stream. A restarted writer goes on where the last one left off, however that one ended."""

    def __init__(self, segment: Segment) -> None:
        """Write to a segment that is mapped writable; keeps other writers of a shared one out until ``close``.

        Raises:
            StreamError: Another writer is alive.
        """
        self.name = segment.spec.name
        self._layout = segment.spec.layout
        self._cells = _Cells(segment)
        self._words = self._cells.words
        self._messages = self._cells.messages(self._layout)
        self._dtype = self._layout
        self._futex = self._cells.futex()
        self._lock = self._take_lock(segment.path) if segment.path else None
        self._refusal: str | None = None
        self._words[_PID] = os.getpid()

    @property
    def sequence(self) -> int:
        """Sequence of the newest message; 0 before the first."""
        return self._words[_HEAD]

    def publish(self, record: Record) -> int:
        """Copy a message into the ring, wake the readers, and return its sequence, from 1.

        Raises:
            LayoutError: The record is not of this stream's layout; nothing was published.
            StreamError: It is not a single record, or a slot is open, or the writer is closed; nothing was published.
        """
        if record.dtype is not self._dtype:
            self._adopt(record.dtype)
        if record.ndim:
            raise StreamError(f"stream {self.name!r}: got an array of shape {record.shape}, allowed: one record, ()")
        sequence = self._begin()
        self._messages[sequence % self._cells.capacity] = record
        return self._commit(sequence)

    def slot(self) -> "Slot":
        """Return a context manager that gives the next message to be filled in place, and publishes it on exit.

        The record still holds what an older message left there: fill every field. After an exception nothing is
        published, and that older message, the ring's oldest, is gone.
        """
        return Slot(self._open_slot, self._close_slot)

    def close(self) -> None:
        """Let go of the stream, so that another writer may have it."""
        self._refusal = _CLOSED
        if self._lock is not None:
            self._lock.release()

    def _take_lock(self, path: Path) -> WriterLock:
        try:
            return WriterLock(path)
        except BlockingIOError as exc:
            raise StreamError(
                f"stream {self.name!r}: got a second writer, allowed: one; process {self._words[_PID]} writes {path}"
            ) from exc

    def _adopt(self, dtype: np.dtype[np.void]) -> None:
        """Accept an equal layout that is another object: NumPy copies plain bytes only between identical ones."""
        if dtype != self._layout:
            got = header.difference(describe(self._layout), describe(dtype)) if dtype.names else f"got {dtype}"
            raise LayoutError(f"stream {self.name!r}: the record does not fit: {got}")
        self._messages, self._dtype = self._cells.messages(dtype), dtype

    def _open_slot(self) -> Record:
        sequence = self._begin()
        self._refusal = _FILLING
        return self._messages[sequence % self._cells.capacity, ...]

    def _close_slot(self, is_filled: bool) -> None:
        if self._refusal == _FILLING:
            self._refusal = None
        if is_filled:
            self._refuse_if_busy()
            self._commit(self._words[_HEAD] + 1)

    def _refuse_if_busy(self) -> None:
        if self._refusal is not None:
            raise StreamError(f"stream {self.name!r}: cannot publish now: {self._refusal}")

    def _begin(self) -> int:
        self._refuse_if_busy()
        words, cells = self._words, self._cells
        sequence = words[_HEAD] + 1
        words[cells.stamp_at(sequence)] = 0
        if cells.fence is not None:
            cells.fence()
        return sequence

    def _commit(self, sequence: int) -> int:
        words, cells = self._words, self._cells
        if cells.fence is not None:
            cells.fence()
        words[cells.stamp_at(sequence)] = sequence
        if cells.fence is not None:
            cells.fence()
        words[_HEAD] = sequence
        if self._futex is not None:
            self._futex.wake()
        return sequence


class Slot:
    """``with writer.slot() as record``: see ``Writer.slot``."""

    __slots__ = ("_close", "_open")

    def __init__(self, open_slot: Callable[[], Record], close_slot: Callable[[bool], None]) -> None:
        self._open, self._close = open_slot, close_slot

    def __enter__(self) -> Record:
        return self._open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close(kind is None)


class Reader:
    """One reader of a stream, with a place of its own in it.

    A new reader stands before the oldest message that the ring still holds: ``since`` starts there, so that words
    spoken before it opened are heard; ``latest`` moves it to the newest, for a reader that wants none of that.
    """

    def __init__(self, segment: Segment) -> None:
        """Read from a segment, which may be mapped read-only."""
        self.name = segment.spec.name
        self._layout = segment.spec.layout
        self._cells = _Cells(segment)
        self._words = self._cells.words
        self._payloads = self._cells.payloads()
        messages = self._cells.messages(self._layout)
        messages.flags.writeable = False
        self._records: list[Record] = [messages[i, ...] for i in range(self._cells.capacity)]
        self._futex = self._cells.futex()
        self.sequence = max(0, self._words[_HEAD] - self._cells.capacity)
        """Where it stands: sequence of the last message it returned, or counted as lost."""
        self.lost = 0
        """Messages that were overwritten before ``since`` came to them; what ``latest`` passes over is not lost."""
        self.discarded = 0
        """Messages that were overwritten while they were read by ``latest`` or in a view, and so thrown away."""

    def latest(self) -> Record | None:
        """Return a copy of the newest message, new or not; None if nothing was ever written.

        Raises:
            StreamError: The writer overwrote the message under the reader again and again.
        """
        for _ in range(_TRIES):
            head = self._cells.newest()
            if head == 0:
                return None
            record = self._copy(head)
            if record is not None:
                self.sequence = head
                return record
            self.discarded += 1
        raise self._cells.overrun()

    def view(self) -> "View":
        """Return a context manager that shows the newest message in place, read-only: nothing is copied.

        After the ``with``, ``is_valid`` says whether the message stayed whole all the while; use what was computed
        from ``record`` only then, and never the record itself, which is a window on memory that changes.
        """
        return View(self, self._cells, self._records)

    def since(self, limit: int | None = None) -> list[Record]:
        """Return copies of the messages after ``sequence``, in order, at most ``limit``; counts the ``lost`` ones.

        Raises:
            StreamError: The limit is below 1.
        """
        if limit is not None and limit < 1:
            raise StreamError(f"stream {self.name!r}: since(limit): got {limit}, allowed: at least 1, or None for all")
        head = self._words[_HEAD]
        if head <= self.sequence:
            return []
        oldest = max(self.sequence, head - self._cells.capacity) + 1
        self.lost += oldest - self.sequence - 1
        self.sequence = oldest - 1
        records: list[Record] = []
        while self.sequence < head and (limit is None or len(records) < limit):
            self.sequence += 1
            record = self._copy(self.sequence)
            if record is None:
                self.lost += 1
            else:
                records.append(record)
        return records

    def wait(self, timeout_s: float) -> bool:
        """Sleep until there is a message newer than ``sequence``, at most ``timeout_s`` [s]; say whether there is one.

        In private memory nobody could publish meanwhile: it answers at once.

        Raises:
            StreamError: The timeout is not within 0 to 1e9 s, or the kernel refuses to let us sleep.
        """
        if self._words[_HEAD] > self.sequence:
            return True
        if not 0.0 <= timeout_s <= _TIMEOUT_MAX_S:
            raise StreamError(f"stream {self.name!r}: wait(timeout_s): got {timeout_s}, allowed: 0 to {_TIMEOUT_MAX_S}")
        if self._futex is None or timeout_s == 0.0:
            return False
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        is_time_left = True
        while self._words[_HEAD] <= self.sequence and is_time_left:
            is_time_left = self._futex.wait(self.sequence & _LOW_HALF, deadline_ns)
        return self._words[_HEAD] > self.sequence

    def _copy(self, sequence: int) -> Record | None:
        cells = self._cells
        if not cells.is_whole(sequence):
            return None
        copied = bytearray(self._payloads[sequence % cells.capacity])
        # A plain copy of the bytes: NumPy would copy field by field, ten times slower.
        return np.ndarray((), self._layout, copied) if cells.is_whole(sequence) else None


class View:
    """``with reader.view() as view``: see ``Reader.view``."""

    __slots__ = ("_cells", "_reader", "_records", "is_valid", "record", "sequence")

    def __init__(self, reader: Reader, cells: _Cells, records: list[Record]) -> None:
        self._reader, self._cells, self._records = reader, cells, records
        self.record: Record | None = None
        """The newest message in place; None if nothing was ever written."""
        self.sequence = 0
        self.is_valid = False
        """After the ``with``: there was a message and it was not overwritten meanwhile. Before: False."""

    def __enter__(self) -> "View":
        self.sequence = self._cells.newest()
        if self.sequence:
            self.record = self._records[self.sequence % self._cells.capacity]
            self._reader.sequence = self.sequence
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.record is not None:
            self.is_valid = self._cells.is_whole(self.sequence)
            self._reader.discarded += not self.is_valid
