"""Messages as CDR, the wire format of ROS 2: a record's bytes, behind a four-byte header, with a schema text.

Our records are laid out as C aligns them, which for numbers and fixed arrays of at most eight bytes an item is what CDR
prescribes (OMG DDSI-RTPS 2.5, section 10; XCDR1). So encoding is a copy, and decoding gives back the very same bytes.
"""

import numpy as np

from vagus.core.errors import CommandError
from vagus.core.messages import Record

_HEADER = b"\x00\x01\x00\x00"
"""Plain CDR, little-endian."""
_ROS2_TYPES = {"<i8": "int64", "<u8": "uint64", "<f8": "float64", "<u4": "uint32", "<f4": "float32", "|u1": "uint8"}


def schema_text(layout: np.dtype[np.void]) -> bytes:
    """Return the ros2msg definition of a layout; arrays of several dimensions become flat ones."""
    lines: list[str] = []
    for name, (sub, *_) in (layout.fields or {}).items():
        kind = _ROS2_TYPES.get(sub.base.str)
        if kind is None:
            raise CommandError(f"field {name!r} has type {sub.base.str}, allowed: {sorted(_ROS2_TYPES)}")
        size = int(np.prod(sub.shape)) if sub.shape else None
        lines.append(f"{kind} {name}" if size is None else f"{kind}[{size}] {name}")
    return "\n".join(lines).encode()


def encode(record: Record) -> bytes:
    """Return a record as a CDR message."""
    return _HEADER + record.tobytes()


def decode(data: bytes, layout: np.dtype[np.void]) -> Record:
    """Return the record in a CDR message. Raises CommandError if the message has another length."""
    if len(data) != len(_HEADER) + layout.itemsize or data[:4] != _HEADER:
        raise CommandError(f"a message of {len(data)} bytes, allowed: {len(_HEADER) + layout.itemsize}, plain CDR")
    # Not by NumPy's copy: it copies field by field and leaves what lies between fields as it happens to be.
    return np.ndarray((), layout, bytearray(data[len(_HEADER) :]))
