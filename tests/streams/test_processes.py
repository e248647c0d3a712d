"""Writers and readers in processes of their own, which start in any order and are killed."""

import json
import threading
import time
from pathlib import Path
from subprocess import Popen

import checked
import numpy as np
import pytest
from checked import StartChild

from vagus.core.errors import StreamError
from vagus.streams.lock import writer_is_alive
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams, shared_streams

LONG_S = 20.0  # no test waits this long unless it fails
SIZE, CAPACITY, COUNT = 12_000, 3, 20_000
FRAME = 900_000


def open_streams(run_dir: Path, n_bytes: int = SIZE, capacity: int = CAPACITY) -> Streams:
    return shared_streams(run_dir, checked.table(n_bytes=n_bytes, capacity=capacity))


def is_ready(child: "Popen[str]") -> bool:
    assert child.stdout is not None
    return child.stdout.readline() == "ready\n"


def result(child: "Popen[str]") -> dict[str, int]:
    assert child.stdout is not None
    return json.loads(child.stdout.read())  # not communicate(), which forgets what readline() has buffered


def test_no_torn_message_is_ever_delivered_while_a_writer_runs_at_full_speed(start: StartChild) -> None:
    readers = {role: start(role, SIZE, CAPACITY, COUNT) for role in ("latest", "view", "since")}
    assert all(is_ready(child) for child in readers.values())
    start("write", SIZE, CAPACITY, COUNT)
    for role, child in readers.items():
        seen = result(child)
        assert (seen["torn"], seen["out_of_order"]) == (0, 0), role
        assert seen["seen"] > 0, role
        if role == "since":
            assert seen["seen"] + seen["lost"] == COUNT


@pytest.mark.parametrize("order", ["reader first", "writer first"])
def test_processes_may_start_in_any_order(start: StartChild, order: str) -> None:
    n = CAPACITY  # all of them fit the ring: a reader that comes late misses none
    lines = [("since", SIZE, CAPACITY, n), ("write", SIZE, CAPACITY, n)]
    children: dict[str, Popen[str]] = {}
    for role, *rest in lines if order == "reader first" else lines[::-1]:
        children[role] = start(role, *rest)
        assert is_ready(children[role])
    seen = result(children["since"])
    assert seen == {"seen": n, "torn": 0, "out_of_order": 0, "newest": n, "lost": 0}


def test_a_killed_writer_leaves_whole_messages_and_its_successor_goes_on(run_dir: Path, start: StartChild) -> None:
    reader = open_streams(run_dir, FRAME).reader("checked")
    rng = np.random.default_rng(0)
    newest = 0
    for _ in range(5):
        child = start("write", FRAME, CAPACITY, 0)
        assert is_ready(child)
        assert reader.wait(LONG_S)
        child_lives_for(reader, int(rng.integers(1, 60)))
        child.kill()
        child.wait(LONG_S)
        record = reader.latest()
        assert record is not None
        assert checked.numbers([record]) == [reader.sequence]  # intact, and numbers follow sequences across restarts
        assert reader.sequence > newest
        newest = reader.sequence


def child_lives_for(reader: Reader, n_messages: int) -> None:
    until = reader.sequence + n_messages
    while reader.sequence < until and reader.wait(LONG_S):
        reader.latest()


def test_a_killed_writers_lock_vanishes(run_dir: Path, start: StartChild) -> None:
    ring = run_dir / "checked.ring"
    assert not writer_is_alive(ring)
    child = start("write", SIZE, CAPACITY, 0)
    assert is_ready(child)
    assert writer_is_alive(ring)
    child.kill()
    child.wait(LONG_S)
    assert not writer_is_alive(ring)


def test_a_second_writer_is_refused_with_the_holders_pid(run_dir: Path, start: StartChild) -> None:
    child = start("write", SIZE, CAPACITY, 0)
    assert is_ready(child)
    ours = open_streams(run_dir)
    with pytest.raises(StreamError, match=f"got a second writer, allowed: one; process {child.pid} writes"):
        ours.writer("checked")
    assert child.poll() is None
    child.kill()
    child.wait(LONG_S)
    newest = ours.writer("checked").sequence
    assert ours.writer("checked").publish(checked.message(newest + 1, checked.layout(SIZE))) == newest + 1


def test_a_reader_killed_in_its_sleep_disturbs_nobody(run_dir: Path, start: StartChild) -> None:
    sleeper, other = start("since", SIZE, CAPACITY, 2), start("since", SIZE, CAPACITY, 2)
    assert is_ready(sleeper)
    assert is_ready(other)
    sleeper.kill()
    sleeper.wait(LONG_S)
    writer = open_streams(run_dir).writer("checked")
    for number in (1, 2):
        writer.publish(checked.message(number, checked.layout(SIZE)))
    assert result(other)["seen"] == 2


def test_one_publish_wakes_32_sleeping_readers(run_dir: Path) -> None:
    streams = open_streams(run_dir)
    readers = [streams.reader("checked") for _ in range(32)]
    woken: list[list[int]] = []
    threads = [threading.Thread(target=lambda r=r: woken.append(wait_and_read(r)), daemon=True) for r in readers]
    for thread in threads:
        thread.start()
    time.sleep(0.1)  # so that nearly all of them sleep
    streams.writer("checked").publish(checked.message(1, checked.layout(SIZE)))
    threads[0].join(LONG_S)
    for thread in threads[1:]:
        thread.join(1.0)
    assert woken == [[1]] * 32


def wait_and_read(reader: Reader) -> list[int]:
    return checked.numbers(reader.since()) if reader.wait(1e6) else []  # a timeout must not look like a wake


def test_wait_ends_at_its_timeout_when_nothing_comes(run_dir: Path) -> None:
    reader = open_streams(run_dir).reader("checked")
    assert not reader.wait(0.02)


def test_rings_made_by_many_at_once_are_one_ring(run_dir: Path) -> None:
    barrier = threading.Barrier(8)
    readers: list[Reader] = []

    def open_one() -> None:
        barrier.wait()
        readers.append(open_streams(run_dir).reader("checked"))

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    open_streams(run_dir).writer("checked").publish(checked.message(1, checked.layout(SIZE)))
    assert [checked.numbers(r.since()) for r in readers] == [[1]] * 8
    assert [p.name for p in run_dir.iterdir()] == ["checked.ring"]
