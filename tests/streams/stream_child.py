"""A process that writes or reads checked messages: ``stream_child.py RUN_DIR ROLE N_BYTES CAPACITY COUNT``.

Writers: ``write`` publishes numbers from the ring's next sequence on, COUNT of them (0: for ever) and says "ready"
first. Readers (``latest``, ``view``, ``since``) read until number COUNT is in the ring and print what they saw as JSON.
"""

import json
import os
import sys
from pathlib import Path

import checked

from vagus.core.messages import Record
from vagus.streams.ring import Reader, Writer
from vagus.streams.streams import shared_streams


def write(writer: Writer, count: int) -> None:
    print("ready", flush=True)
    last = writer.sequence + count if count else None
    parent = os.getppid()
    while writer.sequence != last and os.getppid() == parent:  # for ever, but not longer than who started it
        with writer.slot() as record:
            checked.fill(record, writer.sequence + 1)


def read(reader: Reader, role: str, count: int) -> dict[str, int]:
    print("ready", flush=True)
    seen = torn = out_of_order = newest = 0
    while reader.sequence < count and reader.wait(20.0):
        for number, is_intact in _take(reader, role):
            seen += 1
            torn += not is_intact
            out_of_order += number <= newest
            newest = number
    return {"seen": seen, "torn": torn, "out_of_order": out_of_order, "newest": newest, "lost": reader.lost}


def _take(reader: Reader, role: str) -> list[tuple[int, bool]]:
    if role == "view":
        with reader.view() as view:
            assert view.record is not None
            found = _check(view.record)
        return [found] if view.is_valid else []
    if role == "since":
        return [_check(record) for record in reader.since()]
    record = reader.latest()
    assert record is not None
    return [_check(record)]


def _check(record: Record) -> tuple[int, bool]:
    return int(record["number"]), checked.is_intact(record)


def main() -> None:
    run_dir, role, n_bytes, capacity, count = sys.argv[1:]
    streams = shared_streams(Path(run_dir), checked.table(n_bytes=int(n_bytes), capacity=int(capacity)))
    if role == "write":
        write(streams.writer("checked"), int(count))
    else:
        print(json.dumps(read(streams.reader("checked"), role, int(count))), flush=True)


if __name__ == "__main__":
    main()
