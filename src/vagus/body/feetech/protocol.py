"""The Feetech STS/SMS serial protocol: bytes to packets and back, with every check. It opens no port.

An instruction is ``FF FF ID LENGTH INSTRUCTION params CHECKSUM``, a servo's answer is
``FF FF ID LENGTH STATUS params CHECKSUM``; LENGTH counts what follows it, CHECKSUM is the inverted low byte of the sum
from ID to the last param. Numbers are little-endian; signed ones are sign and magnitude, not two's complement.

Source: Feetech, "Communication Protocol User Manual" (2019-12) and "Magnetic encoding STS servo memory table".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from vagus.core.errors import BodyError

HEADER = b"\xff\xff"
BROADCAST = 0xFE
ID_MAX = 0xFD
"""Largest id a single servo can have."""
STEPS_PER_TURN = 4096
STS3215 = 777
"""What the model number register of an STS3215 reads."""
_OVERHEAD = 6
"""Bytes of a status packet without params: header, id, length, status, checksum."""
_PARAMS_MAX = 253
"""Most params in one packet: LENGTH is one byte and counts two more."""


class Instruction(IntEnum):
    """What the computer asks of a servo."""

    READ = 0x02
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class Fault(IntFlag):
    """Status bits that a servo sends with every answer; 0 means all is well."""

    NONE = 0
    VOLTAGE = 1 << 0
    ENCODER = 1 << 1
    TEMPERATURE = 1 << 2
    CURRENT = 1 << 3
    OVERLOAD = 1 << 5


@dataclass(frozen=True, slots=True)
class Register:
    """One entry of the servo's memory table."""

    address: int
    size: int
    """1 or 2 [bytes]."""
    sign_bit: int | None = None
    """Which bit holds the sign; None for a number that is never negative."""


# The part of the table that Vagus uses. Addresses below 40 are EEPROM: Vagus reads them and never writes them.
MODEL_NUMBER = Register(3, 2)
RETURN_DELAY = Register(7, 1)  # [2 us]
PHASE = Register(18, 1)
HOMING_OFFSET = Register(31, 2, sign_bit=11)
OPERATING_MODE = Register(33, 1)
TORQUE_ENABLE = Register(40, 1)
ACCELERATION = Register(41, 1)  # [100 steps/s^2]; 0: as hard as it can
GOAL_POSITION = Register(42, 2, sign_bit=15)
GOAL_TIME = Register(44, 2)
GOAL_SPEED = Register(46, 2, sign_bit=15)  # [PHASE: 1 or 50 steps/s]; 0: as fast as it can
TORQUE_LIMIT = Register(48, 2)  # [0.1 %]
PRESENT_POSITION = Register(56, 2, sign_bit=15)
PRESENT_SPEED = Register(58, 2, sign_bit=15)
PRESENT_LOAD = Register(60, 2, sign_bit=10)  # [0.1 % of full duty]
PRESENT_VOLTAGE = Register(62, 1)  # [0.1 V]
PRESENT_TEMPERATURE = Register(63, 1)  # [deg C]

TORQUE_OFF, TORQUE_ON, TORQUE_DAMP = 0, 1, 2
"""Values of TORQUE_ENABLE. 128 would make the present position the middle of the range: Vagus never sends it."""
POSITION_MODE = 0
"""Value of OPERATING_MODE for a position servo."""
PHASE_FINE_SPEED = 1 << 2
"""Bit of PHASE: the speed unit is 0.0146 rpm (1 step/s) when set, 0.732 rpm (50 steps/s) when clear."""
PHASE_MULTI_TURN = 1 << 4
"""Bit of PHASE: positions count over several turns when set."""
COARSE_SPEED_UNIT = 50
"""Steps/s per unit of speed when PHASE_FINE_SPEED is clear."""
ACCELERATION_UNIT = 100
"""Steps/s^2 per unit of ACCELERATION."""
ACCELERATION_MAX = 254
"""Largest value of ACCELERATION."""


@dataclass(frozen=True, slots=True)
class Status:
    """A servo's answer."""

    servo_id: int
    fault: Fault
    params: bytes


def encode_number(value: int, register: Register) -> bytes:
    """Return a register's value as its bytes on the wire.

    Raises:
        BodyError: The value does not fit: the message names what the register can hold.
    """
    bits = 8 * register.size if register.sign_bit is None else register.sign_bit
    largest = (1 << bits) - 1
    smallest = 0 if register.sign_bit is None else -largest
    if not smallest <= value <= largest:
        raise BodyError(f"register {register.address}: got {value}, allowed: {smallest} to {largest}")
    raw = abs(value) | ((1 << bits) if value < 0 else 0)
    return raw.to_bytes(register.size, "little")


def decode_number(raw: bytes, register: Register) -> int:
    """Return the value of a register's bytes; bits above the sign bit are not the number's and are dropped.

    Raises:
        BodyError: The number of bytes is not the register's.
    """
    if len(raw) != register.size:
        raise BodyError(f"register {register.address}: got {len(raw)} bytes, allowed: {register.size}")
    value = int.from_bytes(raw, "little")
    if register.sign_bit is None:
        return value
    magnitude = value & ((1 << register.sign_bit) - 1)
    return -magnitude if value >> register.sign_bit & 1 else magnitude


def checksum(body: bytes) -> int:
    """Return the checksum of the bytes from ID to the last param."""
    return ~sum(body) & 0xFF


def instruction(servo_id: int, what: Instruction, params: bytes = b"") -> bytes:
    """Return an instruction packet.

    Raises:
        BodyError: The id or the number of params cannot be sent.
    """
    if not (0 <= servo_id <= ID_MAX or servo_id == BROADCAST):
        raise BodyError(f"servo id: got {servo_id}, allowed: 0 to {ID_MAX}, or {BROADCAST} for all")
    if len(params) > _PARAMS_MAX:
        raise BodyError(f"params of one packet: got {len(params)} bytes, allowed: at most {_PARAMS_MAX}")
    body = bytes((servo_id, len(params) + 2, what)) + params
    return HEADER + body + bytes((checksum(body),))


def read(servo_id: int, address: int, size: int) -> bytes:
    """Return the packet that asks one servo for ``size`` bytes from ``address`` on."""
    return instruction(servo_id, Instruction.READ, _octets(address, size))


def sync_read(servo_ids: Sequence[int], address: int, size: int) -> bytes:
    """Return the packet that asks several servos, which answer in this order, for the same bytes."""
    return instruction(BROADCAST, Instruction.SYNC_READ, _octets(address, size) + _octets(*servo_ids))


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Return the packet that writes each servo's bytes from ``address`` on; nobody answers.

    Raises:
        BodyError: There are no data, or their sizes differ.
    """
    sizes = {len(chunk) for chunk in data.values()}
    if len(sizes) != 1:
        raise BodyError(f"data of a sync write: got sizes {sorted(sizes)}, allowed: one size for every servo")
    chunks = b"".join(_octets(servo_id) + chunk for servo_id, chunk in data.items())
    return instruction(BROADCAST, Instruction.SYNC_WRITE, _octets(address, sizes.pop()) + chunks)


def status_size(n_params: int) -> int:
    """Return the length of a status packet [bytes]."""
    return _OVERHEAD + n_params


def decode_status(packet: bytes) -> Status:
    """Return the answer that exactly these bytes are.

    Raises:
        BodyError: Header, length, id or checksum is wrong: the message says which, and shows the bytes.
    """
    shown = packet.hex(" ") or "nothing"
    if len(packet) < _OVERHEAD:
        raise BodyError(f"truncated answer: got {shown}, allowed: at least {_OVERHEAD} bytes")
    if packet[:2] != HEADER:
        raise BodyError(f"answer without header: got {shown}, allowed: ff ff first")
    if packet[2] > ID_MAX:
        raise BodyError(f"answer from id {packet[2]}: got {shown}, allowed: 0 to {ID_MAX}")
    if packet[3] != len(packet) - 4:
        raise BodyError(f"answer of wrong length: got {shown}, allowed: {packet[3]} bytes after the length")
    if packet[-1] != checksum(packet[2:-1]):
        raise BodyError(f"answer with checksum {packet[-1]:02x}: got {shown}, allowed: {checksum(packet[2:-1]):02x}")
    return Status(packet[2], Fault(packet[4]), packet[5:-1])


def find_answers(received: bytes, expected: Mapping[int, int]) -> dict[int, Status]:
    """Return the good answers among received bytes, which may hold noise, broken and foreign packets.

    Args:
        received: Bytes as they came from the wire.
        expected: Id of every servo that was asked → how many params its answer has.

    Returns:
        Id → answer, only of servos that were asked, with the number of params that was asked for.
    """
    found: dict[int, Status] = {}
    start = received.find(HEADER)
    while start >= 0:
        end = start + 4 + received[start + 3] if start + 3 < len(received) else len(received) + 1
        answer = _try_decode(received[start:end]) if end <= len(received) else None
        if answer and len(answer.params) == expected.get(answer.servo_id):
            found.setdefault(answer.servo_id, answer)
        # No packet here: the next header may begin one byte later, as in FF FF FF.
        start = received.find(HEADER, end if answer else start + 1)
    return found


def _try_decode(packet: bytes) -> Status | None:
    try:
        return decode_status(packet)
    except BodyError:
        return None


def _octets(*values: int) -> bytes:
    wrong = [v for v in values if not 0 <= v <= 0xFF]
    if wrong:
        raise BodyError(f"address, size or id: got {wrong}, allowed: 0 to 255")
    return bytes(values)
