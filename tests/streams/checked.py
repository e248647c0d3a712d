"""Messages that carry a checksum of themselves, so that a torn one shows, and a small stream table of them."""

import subprocess
import zlib
from collections.abc import Callable

import numpy as np

from vagus.core.messages import Record
from vagus.streams.table import StreamSpec

StartChild = Callable[..., "subprocess.Popen[str]"]
"""The fixture ``start``: starts ``stream_child.py`` with arguments."""


def layout(n_bytes: int) -> np.dtype[np.void]:
    head = [("stamp_ns", "<i8"), ("origin_ns", "<i8", (2,)), ("number", "<u8")]
    return np.dtype([*head, ("payload", "u1", (n_bytes,)), ("crc", "<u4")], align=True)


def stream(name: str = "checked", *, n_bytes: int = 48, capacity: int = 4) -> StreamSpec:
    return StreamSpec(name=name, layout=layout(n_bytes), rate_hz=0.0, capacity=capacity)


def table(**kwargs: int) -> dict[str, StreamSpec]:
    return {name: stream(name, **kwargs) for name in ("checked", "other")}


def fill(record: Record, number: int) -> Record:
    record["number"] = number
    record["payload"] = number % 251
    record["payload"][0] = number % 13
    record["crc"] = _crc(record)
    return record


def message(number: int, dtype: np.dtype[np.void]) -> Record:
    return fill(np.zeros((), dtype), number)


def is_intact(record: Record) -> bool:
    return int(record["crc"]) == _crc(record)


def _crc(record: Record) -> int:
    return zlib.crc32(record["payload"], int(record["number"]) & 0xFFFF_FFFF)


def numbers(records: list[Record]) -> list[int]:
    assert all(is_intact(r) for r in records)
    return [int(r["number"]) for r in records]
