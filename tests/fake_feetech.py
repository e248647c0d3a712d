"""A Feetech bus made of memory: servos that hear bytes, keep a memory table, move, and answer bytes.

It is written from the protocol's description, apart from ``vagus.body.feetech.protocol``, so that one checks the other.
``FakeBus`` has the interface of a serial port; ``on_pty`` puts it behind a real device file.
"""

import os
import threading
import tty
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STEPS = 4096


def _sum(body: bytes) -> int:
    return 255 - sum(body) % 256


@dataclass
class FakeServo:
    """One servo: its memory table, and a motor that ramps to its goal."""

    servo_id: int
    table: bytearray = field(default_factory=lambda: bytearray(90))
    position: float = 2048.0
    speed: float = 0.0
    status: int = 0
    ramp: float = 0.0

    def __post_init__(self) -> None:
        self.put(3, 777, 2)
        self.put(18, 12, 1)  # phase as shipped: fine speed unit, single turn
        self.put(48, 1000, 2)
        self.put(62, 74, 1)
        self.put(63, 31, 1)
        self.put(42, 2048, 2)

    def put(self, address: int, value: int, size: int) -> None:
        self.table[address : address + size] = value.to_bytes(size, "little")

    def get(self, address: int, size: int) -> int:
        return int.from_bytes(self.table[address : address + size], "little")

    def hear(self, address: int, data: bytes) -> None:
        """Take written bytes; a goal switches the torque on, as the real servo's does."""
        self.table[address : address + len(data)] = data
        if address <= 42 < address + len(data):
            self.put(40, 1, 1)

    def show(self) -> None:
        """Put what is measured into the table."""
        self.put(56, round(self.position), 2)
        speed = round(abs(self.speed))
        self.put(58, speed | (0x8000 if self.speed < 0 else 0), 2)

    def advance(self, dt_s: float) -> None:
        """Move for a while: to the goal by the servo's own speed and ramp; torque off lets it drop slowly."""
        if self.get(40, 1) == 1:
            top = self.get(46, 2) or 3000
            ramp = 100.0 * (self.get(41, 1) or 254)
            gap = self.get(42, 2) - self.position
            wish = min(top, (2.0 * ramp * abs(gap)) ** 0.5, abs(gap) / dt_s) * (1 if gap > 0 else -1)
            self.speed += max(-ramp * dt_s, min(ramp * dt_s, wish - self.speed))
        else:
            self.speed = 0.0 if self.get(40, 1) == 2 else -20.0
        self.position = max(0.0, min(STEPS - 1.0, self.position + self.speed * dt_s))


class FakeBus:
    """Servos on one wire, as a serial port: what is written is heard, what they answer is read."""

    def __init__(self, *ids: int) -> None:
        self.servos = {i: FakeServo(i) for i in ids}
        self.out = b""
        self.heard: list[bytes] = []
        self.waits = 0
        """Reads that ran into the port's timeout."""
        self.noise = b""
        self.has_echo = False
        self.is_gone = False
        self.is_open = True
        self._unheard = b""
        self._faults: Counter[tuple[int, str]] = Counter()

    def break_answers(self, servo_id: int, how: str, times: int = 1_000_000) -> None:
        """Spoil a servo's next answers: 'silent', 'checksum', 'truncated', 'wrong id'."""
        self._faults[servo_id, how] = times

    def advance(self, dt_s: float) -> None:
        for servo in self.servos.values():
            servo.advance(dt_s)

    def read(self, size: int = 1, /) -> bytes:
        self._check()
        chunk, self.out = self.out[:size], self.out[size:]
        self.waits += len(chunk) < size
        return chunk

    def write(self, b: bytes, /) -> int:
        self._check()
        self.heard.append(bytes(b))
        if self.has_echo:
            self.out += b
        self.out += self.noise
        self._unheard += bytes(b)
        while len(self._unheard) >= 4 and len(self._unheard) >= self._unheard[3] + 4:
            end = self._unheard[3] + 4
            self._obey(self._unheard[:end])
            self._unheard = self._unheard[end:]
        return len(b)

    def reset_input_buffer(self) -> None:
        self._check()
        self.out = b""

    def close(self) -> None:
        self.is_open = False

    def _check(self) -> None:
        if self.is_gone:
            raise OSError("device disconnected")

    def _obey(self, packet: bytes) -> None:
        if (
            len(packet) < 6
            or packet[:2] != b"\xff\xff"
            or packet[3] != len(packet) - 4
            or packet[-1] != _sum(packet[2:-1])
        ):
            return
        servo_id, what, params = packet[2], packet[4], packet[5:-1]
        if what == 0x02 and servo_id in self.servos:
            self._answer(servo_id, params[0], params[1])
        elif what == 0x82:
            for i in params[2:]:
                if i in self.servos:
                    self._answer(i, params[0], params[1])
        elif what == 0x83:
            address, size = params[0], params[1]
            for start in range(2, len(params), size + 1):
                if params[start] in self.servos:
                    self.servos[params[start]].hear(address, params[start + 1 : start + 1 + size])

    def _answer(self, servo_id: int, address: int, size: int) -> None:
        servo = self.servos[servo_id]
        servo.show()
        body = bytes((servo_id, size + 2, servo.status)) + bytes(servo.table[address : address + size])
        packet = b"\xff\xff" + body + bytes((_sum(body),))
        for how in ("silent", "checksum", "truncated", "wrong id"):
            if self._faults[servo_id, how] > 0:
                self._faults[servo_id, how] -= 1
                packet = _spoil(packet, how)
        self.out += packet


def _spoil(packet: bytes, how: str) -> bytes:
    if how == "checksum":
        return packet[:-1] + bytes((packet[-1] ^ 0x40,))
    if how == "truncated":
        return packet[: len(packet) // 2]
    if how == "wrong id":
        body = bytes((packet[2] ^ 0x40,)) + packet[3:-1]
        return b"\xff\xff" + body + bytes((_sum(body),))
    return b""


@contextmanager
def on_pty(bus: FakeBus) -> Iterator[str]:
    """Serve the bus on a pseudo-terminal and give its device path."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    device = os.ttyname(theirs)
    end_read, end_write = os.pipe()

    def serve() -> None:
        import select

        while end_read not in (ready := select.select([ours, end_read], [], [])[0]):
            bus.write(os.read(ready[0], 4096))
            os.write(ours, bus.read(len(bus.out)))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield device
    finally:
        os.write(end_write, b"x")
        thread.join()
        for fd in (ours, theirs, end_read, end_write):
            os.close(fd)
