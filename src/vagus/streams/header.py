"""The head of a ring: magic, version, sizes and the layout's description, and what to say when two of them differ.

It packs and compares bytes; files and memory are ``segment``'s, messages are ``ring``'s.

Bytes: 0 fixed fields (``_FIXED``), 128 sequence of the newest message (u64), 192 process id of the writer (u64),
256 layout as JSON; then, from the next page on, slots. A slot is its message's sequence (u64; 0 while it is being
written), padding to 64 bytes, the message. Words that change stand alone in their 64-byte cache lines.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from vagus.core.errors import LayoutError, StreamError
from vagus.core.messages import describe
from vagus.streams.table import StreamSpec

MAGIC = b"VAGUSRNG"
VERSION = 1
HEAD_AT, PID_AT = 128, 192
"""Offsets of the newest sequence and of the writer's process id [bytes]."""
PAYLOAD_AT = 64
"""Offset of the message in its slot [bytes]."""

_FIXED = struct.Struct("<8sIIQQQ32s")  # magic, version, JSON bytes, capacity, slot bytes, message bytes, SHA-256
_JSON_AT = 256
_LINE = 64  # cache line [bytes]
_PAGE = 4096  # smallest page; only keeps the header off the slots' pages


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometry:
    """Where a ring's parts are [bytes]."""

    slots_at: int
    slot_bytes: int
    capacity: int

    @property
    def total_bytes(self) -> int:
        return self.slots_at + self.slot_bytes * self.capacity


def _round_up(n: int, unit: int) -> int:
    return -(-n // unit) * unit


def geometry(spec: StreamSpec) -> Geometry:
    """Lay out a stream's ring. Raises StreamError if it keeps fewer than two messages."""
    if spec.capacity < 2:  # with one slot, a reader would find nothing while the writer writes
        raise StreamError(f"stream {spec.name!r} capacity: got {spec.capacity}, allowed: at least 2 messages")
    return Geometry(
        slots_at=_round_up(_JSON_AT + len(describe(spec.layout).encode()), _PAGE),
        slot_bytes=_round_up(PAYLOAD_AT + spec.layout.itemsize, _LINE),
        capacity=spec.capacity,
    )


def pack(spec: StreamSpec) -> bytes:
    """Return the header of a ring that nothing was written to yet."""
    text, sizes = describe(spec.layout).encode(), geometry(spec)
    digest = hashlib.sha256(text).digest()
    fixed = _FIXED.pack(
        MAGIC, VERSION, len(text), sizes.capacity, sizes.slot_bytes, spec.layout.itemsize, digest
    )  # fmt: skip
    return fixed.ljust(_JSON_AT, b"\0") + text


def check(head: bytes, spec: StreamSpec, where: str) -> None:
    """Refuse a ring whose header is not exactly what this process would have written.

    Args:
        head: The ring's first ``geometry(spec).slots_at`` bytes, or as many as there are.
        spec: The stream as this process's table has it.
        where: The ring's name for messages.

    Raises:
        LayoutError: Layout or capacity differ; both layouts are shown, field by field.
        StreamError: Not a ring, or one of another version.
    """
    if len(head) < _JSON_AT or not head.startswith(MAGIC):
        raise StreamError(f"{where}: not a ring: got {head[:8]!r} ({len(head)} bytes), allowed: {MAGIC!r} first")
    _, version, json_bytes, capacity, _, _, digest = _FIXED.unpack_from(head)
    if version != VERSION:
        raise StreamError(f"{where}: ring version: got {version}, allowed: {VERSION}; remove what another Vagus left")
    ours = describe(spec.layout)
    if digest != hashlib.sha256(ours.encode()).digest():
        theirs = head[_JSON_AT : _JSON_AT + json_bytes].decode(errors="replace")
        raise LayoutError(f"{where}: {difference(theirs, ours)}")
    if capacity != spec.capacity:
        raise LayoutError(f"{where}: capacity: got {capacity} messages in the ring, allowed: {spec.capacity}, as here")


def difference(theirs: str, ours: str) -> str:
    """Say how two layouts differ (``core.messages.describe`` of each): the first field that does, then both in full."""
    try:
        left, right = _rows(theirs), _rows(ours)
    except (ValueError, KeyError, TypeError):  # the ring's bytes are not ours to trust
        return f"layouts differ; in the ring: {theirs!r}; here: {ours}"
    pairs = list(zip_longest(left, right, fillvalue="(none)"))
    first = next((a if a != "(none)" else b for a, b in pairs if a != b), "nothing")
    width = max(len(a) for a, _ in pairs)
    table = [f"  {'=' if a == b else '!'} {a:<{width}}  {b}" for a, b in pairs]
    title = f"    {'in the ring':<{width}}  here"
    return "\n".join([f"layouts differ, first at: {first}", title, *table])


def _rows(text: str) -> list[str]:
    layout: dict[str, Any] = json.loads(text)
    fields: list[dict[str, Any]] = layout["fields"]
    rows = [f"{f['name']} {f['type']} {tuple(f['shape']) or ''}".rstrip() + f" @{f['offset']}" for f in fields]
    return [*rows, f"total {layout['itemsize']} bytes"]
