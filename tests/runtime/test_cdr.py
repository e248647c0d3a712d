"""CDR: a record's bytes are its recording."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.core.errors import CommandError
from vagus.core.messages import blank
from vagus.runtime.record import cdr

LAYOUT = np.dtype([("stamp_ns", "<i8"), ("q", "<f8", (3,)), ("grid", "<f4", (2, 2)), ("mode", "u1", (5,))], align=True)


@given(st.binary(min_size=LAYOUT.itemsize, max_size=LAYOUT.itemsize))
def test_decoding_gives_back_the_very_bytes(raw: bytes) -> None:
    record = np.ndarray((), LAYOUT, bytearray(raw))
    assert cdr.decode(cdr.encode(record), LAYOUT).tobytes() == raw  # what lies between fields included


def test_schema_names_every_field_with_its_ros_type() -> None:
    assert cdr.schema_text(LAYOUT).decode().splitlines() == [
        "int64 stamp_ns",
        "float64[3] q",
        "float32[4] grid",
        "uint8[5] mode",
    ]


def test_fields_lie_where_cdr_puts_them() -> None:
    offset = 0
    for sub, at in ((LAYOUT[name], LAYOUT.fields[name][1]) for name in LAYOUT.names):
        size = sub.base.itemsize
        offset = -(-offset // size) * size  # CDR aligns each primitive to its own size
        assert at == offset
        offset += sub.itemsize


@pytest.mark.parametrize("wrong", [b"", b"\x00\x01\x00\x00", b"\x00\x00\x00\x00" + bytes(LAYOUT.itemsize)])
def test_a_message_of_another_shape_is_refused(wrong: bytes) -> None:
    with pytest.raises(CommandError, match="allowed"):
        cdr.decode(wrong, LAYOUT)


def test_a_type_without_a_ros_name_is_refused() -> None:
    with pytest.raises(CommandError, match="'x' has type"):
        cdr.schema_text(blank(np.dtype([("origin_ns", "<i8"), ("x", "<c16")])).dtype)
