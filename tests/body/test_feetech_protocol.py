"""Claims about the bytes of the Feetech protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.body.feetech import protocol as p
from vagus.core.errors import BodyError

SIGNED = [p.HOMING_OFFSET, p.GOAL_POSITION, p.GOAL_SPEED, p.PRESENT_POSITION, p.PRESENT_SPEED, p.PRESENT_LOAD]
UNSIGNED = [p.MODEL_NUMBER, p.TORQUE_ENABLE, p.ACCELERATION, p.TORQUE_LIMIT, p.PRESENT_VOLTAGE]


def _status(servo_id: int, params: bytes, fault: int = 0) -> bytes:
    body = bytes((servo_id, len(params) + 2, fault)) + params
    return b"\xff\xff" + body + bytes((255 - sum(body) % 256,))


def test_read_packet_is_the_manuals_example() -> None:
    # Protocol manual: read the two bytes at 0x38 of servo 1 = FF FF 01 04 02 38 02 BE.
    assert p.read(1, 0x38, 2) == bytes.fromhex("ffff01040238 02be")


def test_sync_write_packet_is_hand_worked() -> None:
    # FE + 07 + 83 + 2A + 02 + 01 + 00 + 08 = 1BD; the inverted low byte of it is 42.
    assert p.sync_write(0x2A, {1: b"\x00\x08"}) == bytes.fromhex("fffffe07832a0201000842")


def test_sync_read_packet_is_hand_worked() -> None:
    # FE + 06 + 82 + 38 + 08 + 01 + 02 = 1C9; the inverted low byte of it is 36.
    assert p.sync_read([1, 2], 0x38, 8) == bytes.fromhex("fffffe06823808010236")


@pytest.mark.parametrize("register", SIGNED)
def test_signed_numbers_survive_the_round_trip_up_to_their_ends(register: p.Register) -> None:
    assert register.sign_bit is not None
    largest = (1 << register.sign_bit) - 1
    for value in (-largest, -1, 0, 1, largest):
        assert p.decode_number(p.encode_number(value, register), register) == value
    for value in (-largest - 1, largest + 1):
        with pytest.raises(BodyError, match=f"got {value}, allowed"):
            p.encode_number(value, register)


@pytest.mark.parametrize("register", UNSIGNED)
def test_unsigned_numbers_survive_the_round_trip_up_to_their_ends(register: p.Register) -> None:
    largest = (1 << 8 * register.size) - 1
    for value in (0, 1, largest):
        assert p.decode_number(p.encode_number(value, register), register) == value
    for value in (-1, largest + 1):
        with pytest.raises(BodyError, match=f"got {value}, allowed"):
            p.encode_number(value, register)


def test_signs_are_sign_and_magnitude() -> None:
    assert p.encode_number(-1, p.GOAL_POSITION) == b"\x01\x80"
    assert p.encode_number(-1, p.HOMING_OFFSET) == b"\x01\x08"
    assert p.decode_number(b"\x64\x04", p.PRESENT_LOAD) == -100


@given(st.integers(0, p.ID_MAX), st.binary(max_size=40), st.integers(0, 255))
def test_a_status_packet_survives_the_round_trip(servo_id: int, params: bytes, fault: int) -> None:
    answer = p.decode_status(_status(servo_id, params, fault))
    assert (answer.servo_id, answer.params, int(answer.fault)) == (servo_id, params, fault)


@given(st.integers(0, p.ID_MAX), st.binary(min_size=1, max_size=20), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_never_taken_for_the_same_answer(servo_id: int, params: bytes, at: int, flip: int) -> None:
    packet = bytearray(_status(servo_id, params))
    packet[at % len(packet)] ^= flip
    with pytest.raises(BodyError):
        p.decode_status(bytes(packet))


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused_by_name(data: bytes) -> None:
    refusal = ""
    try:
        answer = p.decode_status(data)
        assert _status(answer.servo_id, answer.params, int(answer.fault)) == data
    except BodyError as exc:
        refusal = str(exc)
    assert not refusal or ("got" in refusal and "allowed" in refusal)


@given(st.binary(max_size=120), st.dictionaries(st.integers(0, 3), st.integers(0, 4), max_size=3))
def test_nothing_is_found_in_noise_but_what_was_asked_for(data: bytes, expected: dict[int, int]) -> None:
    for servo_id, answer in p.find_answers(data, expected).items():
        assert _status(servo_id, answer.params, int(answer.fault)) in data
        assert len(answer.params) == expected[servo_id]


@given(st.binary(max_size=8).filter(lambda noise: b"\xff" not in noise), st.integers(0, 3))
def test_answers_are_found_behind_noise_and_extra_header_bytes(noise: bytes, extra: int) -> None:
    data = noise + b"\xff" * extra + _status(1, b"\x01\x02") + noise + _status(2, b"\xff\xff")
    found = p.find_answers(data, {1: 2, 2: 2})
    assert {i: a.params for i, a in found.items()} == {1: b"\x01\x02", 2: b"\xff\xff"}


@pytest.mark.parametrize("cut", range(8))
def test_a_truncated_answer_is_refused_and_hides_no_later_one(cut: int) -> None:
    whole = _status(1, b"\x01\x02")
    with pytest.raises(BodyError):
        p.decode_status(whole[:cut])
    assert set(p.find_answers(whole[:cut] + _status(2, b"\x03\x04"), {1: 2, 2: 2})) == {2}


def test_packets_that_cannot_be_sent_are_refused() -> None:
    for build in (
        lambda: p.read(255, 56, 2),
        lambda: p.read(-1, 56, 2),
        lambda: p.read(1, 256, 2),
        lambda: p.sync_write(42, {}),
        lambda: p.sync_write(42, {1: b"\x00", 2: b"\x00\x00"}),
        lambda: p.sync_write(42, {i: bytes(9) for i in range(40)}),
        lambda: p.decode_number(b"\x00", p.PRESENT_POSITION),
    ):
        with pytest.raises(BodyError, match="allowed"):
            build()
