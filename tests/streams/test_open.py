"""Opening streams: names, layouts, locks, what is not a ring, and no room."""

import ctypes
import os
import platform
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import checked
import numpy as np
import pytest

from vagus.core.errors import LayoutError, StreamError
from vagus.core.messages import describe
from vagus.core.robot import CameraSpec, GroupSpec, JointSpec, RobotSpec
from vagus.streams import header, segment
from vagus.streams.barrier import load_fence
from vagus.streams.futex import Futex
from vagus.streams.lock import WriterLock, writer_is_alive
from vagus.streams.ring import Reader, Writer
from vagus.streams.streams import Streams, memory_streams, shared_streams
from vagus.streams.table import stream_table

FULL = 64 << 10  # bytes of a small tmpfs
BIG = checked.table(n_bytes=200_000)


def test_an_unknown_stream_is_refused_listing_those_there_are(streams: Streams) -> None:
    for ask in (streams.reader, streams.writer):
        with pytest.raises(StreamError, match="got 'chekced', allowed: checked, other"):
            ask("chekced")


def test_a_missing_run_directory_is_refused(run_dir: Path) -> None:
    with pytest.raises(StreamError, match="allowed: a directory that exists"):
        shared_streams(run_dir / "none", checked.table())
    assert not (run_dir / "none").exists()


def test_the_writer_is_the_same_at_every_call(streams: Streams) -> None:
    assert streams.writer("checked") is streams.writer("checked")
    assert streams.writer("checked") is not streams.writer("other")
    assert streams.reader("checked") is not streams.reader("checked")


def test_streams_do_not_mix(streams: Streams) -> None:
    streams.writer("checked").publish(checked.message(1, checked.layout(48)))
    assert streams.reader("other").latest() is None


def test_closing_lets_another_writer_in_and_it_goes_on(run_dir: Path) -> None:
    first, second = (shared_streams(run_dir, checked.table()) for _ in range(2))
    first.writer("checked").publish(checked.message(1, checked.layout(48)))
    with pytest.raises(StreamError, match=f"process {os.getpid()} writes"):
        second.writer("checked")
    assert writer_is_alive(run_dir / "checked.ring")
    first.close()
    assert not writer_is_alive(run_dir / "checked.ring")
    assert second.writer("checked").publish(checked.message(2, checked.layout(48))) == 2


def test_asking_for_liveness_never_gets_in_a_writers_way(run_dir: Path) -> None:
    ring = run_dir / "checked.ring"
    shared_streams(run_dir, checked.table()).reader("checked")
    fd = os.open(ring, os.O_RDONLY)  # somebody else looks, all the while
    assert not writer_is_alive(ring)
    lock = WriterLock(ring)
    assert writer_is_alive(ring)
    lock.release()
    lock.release()
    os.close(fd)
    assert not writer_is_alive(ring)


@pytest.mark.parametrize("n_bytes", [47, 49, 4_800])
def test_another_layout_is_refused_showing_both_field_by_field(run_dir: Path, n_bytes: int) -> None:
    shared_streams(run_dir, checked.table()).writer("checked").publish(checked.message(1, checked.layout(48)))
    other = shared_streams(run_dir, checked.table(n_bytes=n_bytes))
    for ask in (other.reader, other.writer):
        with pytest.raises(LayoutError, match="first at: payload") as caught:
            ask("checked")
        lines = str(caught.value).splitlines()
        assert [line.split()[0] for line in lines[2:6]] == ["=", "=", "=", "!"]
        assert "payload |u1 (48,) @32" in lines[5]
        assert f"payload |u1 ({n_bytes},) @32" in lines[5]
    record = shared_streams(run_dir, checked.table()).reader("checked").latest()
    assert record is not None
    assert checked.numbers([record]) == [1]


def test_another_capacity_is_refused(run_dir: Path) -> None:
    shared_streams(run_dir, checked.table()).reader("checked")
    with pytest.raises(LayoutError, match="capacity: got 4 messages in the ring, allowed: 8"):
        shared_streams(run_dir, checked.table(capacity=8)).reader("checked")


def test_a_difference_names_an_added_a_removed_and_a_moved_field() -> None:
    left = np.dtype([("a", "<i8"), ("b", "<f4"), ("c", "<f4")])
    fewer, moved = np.dtype([("a", "<i8"), ("b", "<f4")]), np.dtype([("a", "<i8"), ("c", "<f4"), ("b", "<f4")])
    assert "first at: c <f4 @12" in header.difference(describe(left), describe(fewer))
    assert "first at: total 12 bytes" in header.difference(describe(fewer), describe(left))
    assert "first at: b <f4 @8" in header.difference(describe(left), describe(moved))
    assert "not json" in header.difference("not json", describe(left))


def overwrite(path: Path, at: int, raw: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(raw)


@pytest.mark.parametrize(
    ("at", "raw", "message"),
    [(0, b"NOTARING", "not a ring"), (8, b"\x09", "ring version: got 9"), (48, b"\xff\xff", "layouts differ")],
)
def test_a_file_that_is_no_ring_of_ours_is_refused(run_dir: Path, at: int, raw: bytes, message: str) -> None:
    streams = shared_streams(run_dir, checked.table())
    streams.reader("checked")
    overwrite(run_dir / "checked.ring", at, raw)
    with pytest.raises(StreamError, match=message):
        streams.writer("checked")


@pytest.mark.parametrize("size", [0, 1, 255, 4_095, 4_096, 4_735])
def test_a_cut_file_is_refused_instead_of_a_crash(run_dir: Path, size: int) -> None:
    streams = shared_streams(run_dir, checked.table())
    streams.reader("checked")
    os.truncate(run_dir / "checked.ring", size)
    with pytest.raises(StreamError, match=r"checked\.ring"):
        streams.reader("checked")


def test_a_ring_that_may_not_be_opened_says_so(run_dir: Path) -> None:
    (run_dir / "checked.ring").mkdir()
    with pytest.raises(StreamError, match=r"cannot open .*checked\.ring"):
        shared_streams(run_dir, checked.table()).reader("checked")


@pytest.fixture
def small_tmpfs(run_dir: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={FULL}", "vagus-test", str(run_dir)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small tmpfs here: {mounted.stderr.strip()}")
    yield run_dir
    subprocess.run(["umount", "-l", str(run_dir)], check=True)


def test_a_full_file_system_is_refused_with_bytes_needed_and_free(small_tmpfs: Path) -> None:
    needed = header.geometry(BIG["checked"]).total_bytes
    with pytest.raises(StreamError, match=f"{needed} bytes needed, {FULL} free"):
        shared_streams(small_tmpfs, BIG).writer("checked")
    assert list(small_tmpfs.iterdir()) == []


def test_a_file_size_limit_is_refused_with_bytes_needed(run_dir: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, hard))
    try:
        with pytest.raises(StreamError, match=r"no room for its ring.*bytes needed, .*free \(File too large\)"):
            shared_streams(run_dir, BIG).writer("checked")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(run_dir.iterdir()) == []


def test_a_ring_takes_all_its_room_when_it_is_made(run_dir: Path) -> None:
    shared_streams(run_dir, BIG).reader("checked")
    stat = (run_dir / "checked.ring").stat()
    assert stat.st_size == header.geometry(BIG["checked"]).total_bytes
    assert stat.st_blocks * 512 >= stat.st_size
    assert stat.st_mode & 0o077 == 0


def test_a_ring_made_twice_at_once_is_the_first_one(run_dir: Path) -> None:
    streams = shared_streams(run_dir, checked.table())
    streams.writer("checked").publish(checked.message(1, checked.layout(48)))
    segment._create(run_dir / "checked.ring", checked.stream())  # by one that had looked before it was there
    assert checked.numbers(shared_streams(run_dir, checked.table()).reader("checked").since()) == [1]
    assert [p.name for p in run_dir.iterdir()] == ["checked.ring"]


def test_machines_that_keep_order_need_no_fence() -> None:
    assert load_fence("x86_64") is None


def test_other_machines_get_a_fence_or_the_name_of_its_package() -> None:
    with pytest.raises(StreamError, match="libatomic1"):
        load_fence("aarch64", "libno-such-library.so.1")
    with pytest.raises(StreamError, match="libatomic1"):
        load_fence("aarch64", "libc.so.6")  # a library without the function


def test_the_fence_of_an_arm_machine_can_be_called() -> None:
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        pytest.skip("libatomic1 is not installed")
    fence = load_fence("aarch64")
    assert fence is not None
    fence()


class CountingFence:
    """A fence that counts how often it stood in the way."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_a_fence_stands_between_all_steps_of_a_write_and_a_read() -> None:
    streams = memory_streams(checked.table())
    writer, reader = streams.writer("checked"), streams.reader("checked")
    writer._cells.fence, reader._cells.fence = CountingFence(), CountingFence()
    writer.publish(checked.message(1, checked.layout(48)))
    record = reader.latest()
    assert record is not None
    assert checked.numbers([record]) == [1]
    assert writer._cells.fence.count == 3  # stamp cleared | message | stamp set | head
    assert reader._cells.fence.count == 6  # around each look at the stamp: newest, before the copy, after it


def test_an_unknown_machine_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(StreamError, match=r"linux on pdp11, allowed: linux on \['aarch64'"):
        Futex(0)


def test_a_futex_on_no_memory_is_an_error() -> None:
    with pytest.raises(StreamError, match="futex wait: got Bad address"):
        Futex(8).wait(0, 2**40)


def test_every_row_of_the_stream_table_fits_a_ring() -> None:
    joint = JointSpec(name="j", position_min=-1, position_max=1, speed_max=1, acceleration_max=1, effort_max=1)
    cam = CameraSpec(name="camera.head", rate_hz=30, max_age_s=0.1)
    spec = RobotSpec(name="r", joints=(joint,), groups=(GroupSpec(name="g", joints=("j",)),), cameras=(cam,))
    table = stream_table(spec, None)
    streams = memory_streams(table)
    for name in table:
        writer, reader = streams.writer(name), streams.reader(name)
        assert isinstance(writer, Writer)
        assert isinstance(reader, Reader)
        record = np.zeros((), table[name].layout)
        record["stamp_ns"] = 7
        writer.publish(record)
        assert [int(r["stamp_ns"]) for r in reader.since()] == [7]


def test_slots_never_share_bytes() -> None:
    for n_bytes in range(130):
        spec = replace(checked.stream(), layout=checked.layout(n_bytes))
        sizes = header.geometry(spec)
        assert sizes.slot_bytes >= header.PAYLOAD_AT + spec.layout.itemsize
        assert sizes.slot_bytes % 64 == sizes.slots_at % 4096 == 0
        assert len(header.pack(spec)) <= sizes.slots_at
