"""A writer that dies at any store of a publish, or at any byte of the message: readers and a new writer go on.

The real ``Writer.publish`` runs; only what it stores through is replaced by something that dies. Head and stamps are
aligned 8-byte words, which the processor stores whole, so they have one step each; the message has one per byte.
"""

import checked
import numpy as np
import pytest

from vagus.core.messages import Record
from vagus.streams.ring import Reader, Writer
from vagus.streams.segment import Segment, private_segment

SPEC = checked.stream(n_bytes=16, capacity=4)
SIZE = SPEC.layout.itemsize
WORD_STORES = 3  # stamp cleared, stamp set, head


class _DeadError(BaseException):
    """The process is gone."""


class DyingWords:
    """Words of a ring that die before store ``last``."""

    def __init__(self, words: memoryview, last: int) -> None:
        self._words, self._left = words, last

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        if self._left == 0:
            raise _DeadError
        self._left -= 1
        self._words[index] = value


class DyingMessages:
    """Slots that die after the first ``n_bytes`` of a message."""

    def __init__(self, slots: np.ndarray, n_bytes: int) -> None:
        self._slots, self._n_bytes, self.dtype = slots, n_bytes, slots.dtype

    def __setitem__(self, index: int, record: Record) -> None:
        mixed = record.tobytes()[: self._n_bytes] + self._slots[index].tobytes()[self._n_bytes :]
        self._slots[index] = np.frombuffer(mixed, self.dtype)[0]
        raise _DeadError


def ring(n_published: int) -> tuple[Segment, Reader]:
    segment = private_segment(SPEC)
    writer, reader = Writer(segment), Reader(segment)
    for number in range(1, n_published + 1):
        writer.publish(checked.message(number, SPEC.layout))
    return segment, reader


def die_while_publishing(writer: Writer, number: int) -> None:
    with pytest.raises(_DeadError):
        writer.publish(checked.message(number, SPEC.layout))


def check_all_goes_on(segment: Segment, reader: Reader, head: int) -> None:
    """The law: newest whole message readable, order kept, every message seen or counted, the next writer goes on."""
    newest = Reader(segment).latest()
    assert (newest is None) == (head == 0)
    assert newest is None or checked.numbers([newest]) == [head]
    seen = checked.numbers(reader.since())
    assert seen == list(range(head - len(seen) + 1, head + 1))
    assert len(seen) + reader.lost == head
    assert len(seen) >= min(head, SPEC.capacity - 1)  # at most the slot that was hit is gone
    restarted = Writer(segment)
    assert restarted.publish(checked.message(head + 1, SPEC.layout)) == head + 1
    assert checked.numbers(reader.since()) == [head + 1]


@pytest.mark.parametrize("n_published", [0, 1, 4, 6])
@pytest.mark.parametrize("n_bytes", range(SIZE + 1))
def test_dying_at_any_byte_of_the_message_tears_nothing(n_bytes: int, n_published: int) -> None:
    segment, reader = ring(n_published)
    dying = Writer(segment)
    dying._messages = DyingMessages(dying._messages, n_bytes)  # type: ignore[assignment]
    die_while_publishing(dying, n_published + 1)
    check_all_goes_on(segment, reader, n_published)


@pytest.mark.parametrize("n_published", [0, 1, 4, 6])
@pytest.mark.parametrize("store", range(WORD_STORES + 1))
def test_dying_before_any_store_of_a_word_tears_nothing(store: int, n_published: int) -> None:
    segment, reader = ring(n_published)
    dying = Writer(segment)
    dying._words = DyingWords(dying._words, store)  # type: ignore[assignment]
    if store < WORD_STORES:
        die_while_publishing(dying, n_published + 1)
    else:
        dying.publish(checked.message(n_published + 1, SPEC.layout))  # all stores made: it is published
    check_all_goes_on(segment, reader, n_published + (store == WORD_STORES))


@pytest.mark.parametrize("n_bytes", range(0, SIZE, 8))
def test_a_message_in_a_torn_slot_is_not_delivered_by_any_read(n_bytes: int) -> None:
    segment, reader = ring(SPEC.capacity)
    with reader.view() as view:
        pass
    dying = Writer(segment)
    dying._messages = DyingMessages(dying._messages, n_bytes)  # type: ignore[assignment]
    die_while_publishing(dying, SPEC.capacity + 1)
    late = Reader(segment)
    assert (view.sequence, view.is_valid) == (SPEC.capacity, True)
    assert checked.numbers(late.since()) == [2, 3, 4]
    assert late.lost == 1


def test_dying_writers_in_a_row_do_not_wear_the_ring_down() -> None:
    segment, reader = ring(1)
    for n_bytes in range(SIZE):
        dying = Writer(segment)
        dying._messages = DyingMessages(dying._messages, n_bytes)  # type: ignore[assignment]
        die_while_publishing(dying, 2)
    check_all_goes_on(segment, reader, 1)
