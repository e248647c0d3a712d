"""What one writer and its readers promise, over shared files and private memory alike."""

import contextlib
import math
from collections.abc import Callable

import checked
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.core.errors import LayoutError, StreamError
from vagus.streams.ring import Reader, Writer
from vagus.streams.segment import private_segment
from vagus.streams.streams import Streams, memory_streams, shared_streams

SPEC = checked.stream()
CAPACITY = SPEC.capacity


def publish(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        writer.publish(checked.message(number, SPEC.layout))


def pair(capacity: int = CAPACITY) -> tuple[Writer, Reader]:
    segment = private_segment(checked.stream(capacity=capacity))
    return Writer(segment), Reader(segment)


def test_sequences_count_from_one(streams: Streams) -> None:
    writer = streams.writer("checked")
    assert [writer.publish(checked.message(n, SPEC.layout)) for n in range(10)] == list(range(1, 11))
    assert writer.sequence == 10


def test_nothing_is_read_before_the_first_message(streams: Streams) -> None:
    reader = streams.reader("checked")
    with reader.view() as view:
        assert view.record is None
    assert (reader.latest(), reader.since(), view.is_valid, reader.sequence) == (None, [], False, 0)
    assert (reader.lost, reader.discarded) == (0, 0)


@pytest.mark.parametrize("n", [1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 3 * CAPACITY])
def test_latest_is_the_newest_bit_for_bit(streams: Streams, n: int) -> None:
    publish(streams.writer("checked"), *range(1, n + 1))
    reader = streams.reader("checked")
    record = reader.latest()
    assert record is not None
    assert record.tobytes() == checked.message(n, SPEC.layout).tobytes()
    assert reader.sequence == n


def test_latest_is_a_copy_that_belongs_to_the_reader(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    mine, other = reader.latest(), reader.latest()
    assert mine is not None
    assert other is not None
    mine["number"] = 99
    publish(writer, *range(2, 2 + CAPACITY))
    assert checked.numbers([other]) == [1]
    assert checked.numbers(streams.reader("checked").since()) == [2, 3, 4, 5]


def test_latest_gives_the_same_message_again_when_there_is_no_newer(streams: Streams) -> None:
    publish(streams.writer("checked"), 1)
    reader = streams.reader("checked")
    assert [checked.numbers([r]) for r in (reader.latest(), reader.latest()) if r is not None] == [[1], [1]]


def test_readers_do_not_disturb_each_other(streams: Streams) -> None:
    publish(streams.writer("checked"), 1, 2, 3)
    newest, ordered = streams.reader("checked"), streams.reader("checked")
    newest.latest()
    assert newest.since() == []
    assert checked.numbers(ordered.since()) == [1, 2, 3]


def test_a_late_reader_starts_at_the_oldest_message_kept_and_lost_nothing(streams: Streams) -> None:
    publish(streams.writer("checked"), *range(1, 11))
    reader = streams.reader("checked")
    assert checked.numbers(reader.since()) == [7, 8, 9, 10]
    assert reader.lost == 0


def test_since_counts_exactly_what_was_overwritten(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, *range(1, CAPACITY + 4))
    assert checked.numbers(reader.since()) == [4, 5, 6, 7]
    assert reader.lost == 3


def test_since_with_a_limit_goes_on_where_it_stopped(streams: Streams) -> None:
    publish(streams.writer("checked"), 1, 2, 3, 4)
    reader = streams.reader("checked")
    assert [checked.numbers(reader.since(limit=3)), checked.numbers(reader.since(limit=3))] == [[1, 2, 3], [4]]
    assert reader.since(limit=3) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_since_refuses_a_limit_below_one(streams: Streams, limit: int) -> None:
    publish(streams.writer("checked"), 1)
    reader = streams.reader("checked")
    with pytest.raises(StreamError, match=f"got {limit}, allowed: at least 1"):
        reader.since(limit=limit)
    assert checked.numbers(reader.since()) == [1]


Op = tuple[str, int]
OPS = st.lists(
    st.tuples(st.sampled_from(["publish", "since", "latest", "view", "torn"]), st.integers(1, 7)), max_size=40
)


class _TornError(Exception):
    """Ends a slot half-way."""


def play(writer: Writer, reader: Reader, ops: list[Op]) -> list[object]:
    """Run operations and write down everything that can be seen."""
    seen: list[object] = []
    for what, k in ops:
        if what == "publish":
            publish(writer, *range(writer.sequence + 1, writer.sequence + 1 + k))
        elif what == "torn":
            with contextlib.suppress(_TornError), writer.slot() as record:
                record["payload"] = k
                raise _TornError
        elif what == "since":
            seen.append(checked.numbers(reader.since(limit=k)))
        elif what == "latest":
            record = reader.latest()
            seen.append(record if record is None else checked.numbers([record]))
        else:
            with reader.view() as view:
                seen.append(view.record if view.record is None else checked.numbers([view.record]))
            seen.append(view.is_valid)
        seen.append((reader.sequence, reader.lost, reader.discarded))
    return seen


@given(ops=OPS, capacity=st.integers(2, 6))
def test_since_returns_every_message_once_in_order_or_counts_it_lost(ops: list[Op], capacity: int) -> None:
    writer, reader = pair(capacity)
    for op in ops:
        if op[0] in ("latest", "view"):
            continue  # these pass over messages on purpose
        before, lost_before = reader.sequence, reader.lost
        seen = play(writer, reader, [op])
        returned: object = seen[0] if op[0] == "since" else []
        assert isinstance(returned, list)
        assert len(returned) + reader.lost - lost_before == reader.sequence - before
        assert returned == sorted(set(returned))
        assert all(before < n <= reader.sequence for n in returned)
    while reader.since(limit=3):
        pass
    assert reader.sequence == writer.sequence


@given(ops=OPS)
def test_memory_and_shared_rings_are_indistinguishable(ops: list[Op], tmp_path_factory: pytest.TempPathFactory) -> None:
    shared = shared_streams(tmp_path_factory.mktemp("run"), checked.table())
    transcripts = [
        play(s.writer("checked"), s.reader("checked"), ops) for s in (shared, memory_streams(checked.table()))
    ]
    assert transcripts[0] == transcripts[1]


def test_a_view_shows_the_ring_itself_and_is_valid_if_nothing_came(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    with reader.view() as view:
        assert view.record is not None
        assert checked.numbers([view.record]) == [1]
        assert not view.is_valid  # not before it was checked
        publish(writer, *range(2, 1 + CAPACITY))  # every slot but this one
    assert (view.is_valid, view.sequence, reader.sequence, reader.discarded) == (True, 1, 1, 0)


def test_a_lapped_view_is_flagged_and_counted(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    with reader.view() as view:
        publish(writer, *range(2, 2 + CAPACITY))
        assert view.record is not None
        assert int(view.record["number"]) == 1 + CAPACITY  # in place: it changed under us
    assert (view.is_valid, reader.discarded) == (False, 1)
    assert reader.wait(0.0)


def test_a_view_that_is_being_overwritten_is_flagged(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, *range(1, CAPACITY + 1))
    with reader.view() as view:
        publish(writer, *range(CAPACITY + 1, 2 * CAPACITY))
        with writer.slot():  # goes to the slot that is viewed
            view.__exit__(None, None, None)
    assert not view.is_valid


def test_a_view_is_checked_even_when_its_user_raises(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    with contextlib.suppress(_TornError), reader.view() as view:
        publish(writer, *range(2, 2 + CAPACITY))
        raise _TornError
    assert (view.is_valid, reader.discarded) == (False, 1)


def test_nobody_writes_through_a_view(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    with reader.view() as view:
        assert view.record is not None
        with pytest.raises(ValueError, match="read-only"):
            view.record["number"] = 2
    assert checked.numbers(reader.since() or streams.reader("checked").since()) == [1]


def test_a_slot_is_published_on_exit_and_not_before(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    with writer.slot() as record:
        checked.fill(record, 1)
        assert reader.latest() is None
    assert checked.numbers(reader.since()) == [1]


def test_a_slot_is_not_published_when_filling_it_fails(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, *range(1, CAPACITY + 1))
    with contextlib.suppress(_TornError), writer.slot() as record:
        record["payload"] = 7
        raise _TornError
    assert writer.sequence == CAPACITY
    assert checked.numbers(reader.since()) == [2, 3, 4]  # 1 stood in the slot that was torn
    assert reader.lost == 1
    publish(writer, CAPACITY + 1)
    assert checked.numbers(reader.since()) == [CAPACITY + 1]


def test_publishing_is_refused_while_a_slot_is_open(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    with writer.slot() as record:
        with pytest.raises(StreamError, match="a slot of it is being filled"):
            publish(writer, 9)
        with pytest.raises(StreamError, match="a slot of it is being filled"), writer.slot():
            pass
        checked.fill(record, 1)
    assert checked.numbers(reader.since()) == [1]


def test_a_closed_writer_publishes_nothing(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    with pytest.raises(StreamError, match="writer is closed"), writer.slot():
        writer.close()
    with pytest.raises(StreamError, match="writer is closed"):
        publish(writer, 1)
    writer.close()
    assert (writer.sequence, reader.latest()) == (0, None)


def test_a_record_of_another_layout_is_refused_showing_both(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    publish(writer, 1)
    with pytest.raises(LayoutError, match="first at: payload") as caught:
        writer.publish(np.zeros((), checked.layout(49)))
    assert "payload |u1 (48,)" in str(caught.value)
    assert "payload |u1 (49,)" in str(caught.value)
    with pytest.raises(LayoutError, match="got float64"):
        writer.publish(np.zeros(()))  # type: ignore[arg-type]
    assert (writer.sequence, checked.numbers(reader.since())) == (1, [1])


def test_an_equal_layout_that_is_another_object_is_accepted(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    writer.publish(checked.message(1, checked.layout(48)))
    writer.publish(checked.message(2, SPEC.layout))
    with writer.slot() as record:
        checked.fill(record, 3)
    assert checked.numbers(reader.since()) == [1, 2, 3]


@pytest.mark.parametrize("shape", [(1,), (0,), (2, 2)])
def test_an_array_of_records_is_refused(streams: Streams, shape: tuple[int, ...]) -> None:
    writer = streams.writer("checked")
    with pytest.raises(StreamError, match="allowed: one record"):
        writer.publish(np.zeros(shape, SPEC.layout))
    assert writer.sequence == 0


@pytest.mark.parametrize("capacity", [1, 0, -3])
def test_a_ring_of_fewer_than_two_messages_is_refused(capacity: int) -> None:
    with pytest.raises(StreamError, match=f"capacity: got {capacity}, allowed: at least 2"):
        pair(capacity)


def test_wait_says_whether_something_newer_exists(streams: Streams) -> None:
    writer, reader = streams.writer("checked"), streams.reader("checked")
    before = reader.wait(0.0)
    publish(writer, 1)
    fresh = reader.wait(0.0)
    reader.latest()
    assert (before, fresh, reader.wait(0.0)) == (False, True, False)


@pytest.mark.parametrize("timeout_s", [-1e-9, math.nan, math.inf, 1.1e9])
def test_wait_refuses_a_timeout_that_is_no_time(streams: Streams, timeout_s: float) -> None:
    with pytest.raises(StreamError, match="allowed: 0 to"):
        streams.reader("checked").wait(timeout_s)


class Interfering:
    """Slots' bytes that are overwritten, by ``act``, just before each of the first ``times`` copies of them."""

    def __init__(self, reader: Reader, act: Callable[[], None], times: int) -> None:
        self._real, self._act, self._left = reader._payloads, act, times
        reader._payloads = self  # type: ignore[assignment]

    def __getitem__(self, index: int) -> memoryview:
        if self._left > 0:
            self._left -= 1
            self._act()
        return self._real[index]


def lap(writer: Writer) -> Callable[[], None]:
    return lambda: publish(writer, *range(writer.sequence + 1, writer.sequence + 1 + CAPACITY))


def test_latest_overwritten_during_its_copy_is_discarded_and_read_again() -> None:
    writer, reader = pair()
    publish(writer, 1)
    Interfering(reader, lap(writer), times=2)
    record = reader.latest()
    assert record is not None
    assert checked.numbers([record]) == [1 + 2 * CAPACITY]
    assert (reader.discarded, reader.sequence) == (2, 1 + 2 * CAPACITY)


def test_latest_overwritten_for_ever_is_an_error_not_a_torn_message() -> None:
    writer, reader = pair()
    publish(writer, 1)
    Interfering(reader, lap(writer), times=1_000_000)
    with pytest.raises(StreamError, match="too small for its writer, or damaged"):
        reader.latest()
    assert reader.sequence == 0


def test_since_overwritten_during_its_copies_counts_them_lost() -> None:
    writer, reader = pair()
    publish(writer, 1, 2, 3)
    Interfering(reader, lap(writer), times=1)  # while it copies message 1: 4 more come, so 1, 2 and 3 are gone
    assert reader.since() == []
    assert (reader.lost, reader.sequence) == (3, 3)
    assert checked.numbers(reader.since()) == [4, 5, 6, 7]


def test_a_damaged_head_is_an_error_for_newest_first_reads() -> None:
    writer, reader = pair()
    publish(writer, 1)
    writer._words[16] = 1_000  # the head, at byte 128
    with pytest.raises(StreamError, match="damaged"):
        reader.latest()
    with pytest.raises(StreamError, match="damaged"), reader.view():
        pass
    assert reader.since() == []
    assert reader.lost == 1_000
