"""The serial shell of the Feetech bus: asks, waits a bounded time, asks once more. It knows no joints and no units.

A half-duplex bus has one talker at a time: every exchange starts by emptying the input, and some adapters return what
was sent (the echo), which is cut off. Waiting for answers is bounded without a clock: the port gives up a read after
``SLICE_S``, and an exchange makes a fixed number of reads. Sending takes no time unless the adapter hangs, which is an
error after 0.1 s.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import Protocol

from vagus.body.feetech import protocol
from vagus.body.feetech.cfg import BUDGET_MIN_S
from vagus.body.feetech.protocol import Register, Status
from vagus.core.errors import BodyError, ConfigError

SLICE_S = 0.001
"""Longest wait of one read of the port [s]."""
_HUNG_S = 0.1
"""An adapter that does not take a packet within this time hangs [s]: one that works takes it into a buffer at once."""
_TRIES = 2
"""How often a servo is asked: once, and once more if it did not answer well."""


class Port(Protocol):
    """A serial port as pyserial has it: ``read`` returns at most ``size`` bytes, those that came in its timeout."""

    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, b: bytes, /) -> int | None: ...
    def reset_input_buffer(self) -> None: ...
    def close(self) -> None: ...


def open_port(device: str, baud: int) -> Port:
    """Open a serial port for this process alone.

    Raises:
        ConfigError: pyserial is not installed, or the port is missing, forbidden or taken; the message says which, and
            what to do.
    """
    try:
        import serial
        from serial.tools import list_ports
    except ImportError as exc:
        raise ConfigError("a Feetech bus needs pyserial, which is not installed: pip install 'vagus[feetech]'") from exc
    try:
        return serial.Serial(device, baud, timeout=SLICE_S, write_timeout=_HUNG_S, exclusive=True)
    except (OSError, ValueError) as exc:
        ports = [p.device for p in list_ports.comports()]
        hints = {
            errno.ENOENT: f"there is no such device; serial ports here: {ports or 'none'}",
            errno.EACCES: "no permission: sudo usermod -aG dialout $USER, then log in again",
            errno.EAGAIN: "another program has it open",
            errno.EBUSY: "another program has it open",
        }
        hint = hints.get(getattr(exc, "errno", None) or 0, str(exc))
        raise ConfigError(f"cannot open serial port {device!r} at {baud} baud: {hint}") from exc


class Bus:
    """Exchanges packets with the servos on one port, never waiting longer than ``budget_s`` for answers in one call."""

    def __init__(self, port: Port, *, budget_s: float) -> None:
        if not budget_s >= BUDGET_MIN_S:
            raise ConfigError(f"budget_s: got {budget_s} s, allowed: at least {BUDGET_MIN_S} s")
        self._port = port
        self._reads = int(budget_s / SLICE_S + 1e-9) // _TRIES
        self.retries = 0
        """How often a question had to be repeated."""

    def sync_read(self, servo_ids: Sequence[int], address: int, size: int) -> dict[int, Status]:
        """Ask several servos for the same bytes of their tables; those that did not answer are asked once more.

        Returns:
            Id → answer; a servo that answered neither time is missing.

        Raises:
            BodyError: The port is gone.
        """
        found: dict[int, Status] = {}
        for attempt in range(_TRIES):
            missing = [i for i in servo_ids if i not in found]
            if missing:
                self.retries += attempt
                packet = protocol.sync_read(missing, address, size)
                found |= self._exchange(packet, dict.fromkeys(missing, size))
        return found

    def read(self, servo_id: int, register: Register) -> int:
        """Return one register of one servo.

        Raises:
            BodyError: The servo did not answer, or the port is gone.
        """
        packet = protocol.read(servo_id, register.address, register.size)
        for attempt in range(_TRIES):
            self.retries += attempt
            answer = self._exchange(packet, {servo_id: register.size}).get(servo_id)
            if answer:
                return protocol.decode_number(answer.params, register)
        raise BodyError(f"servo {servo_id} does not answer: check its id, its power and its cable")

    def sync_write(self, address: int, data: Mapping[int, bytes]) -> None:
        """Write each servo's bytes from ``address`` on. Nobody acknowledges it: read back what matters.

        Raises:
            BodyError: The port is gone.
        """
        if data:
            self._send(protocol.sync_write(address, data))

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _send(self, packet: bytes) -> None:
        try:
            self._port.reset_input_buffer()
            self._port.write(packet)
        except OSError as exc:
            raise BodyError(f"the serial port is gone or hangs: {exc}") from exc

    def _exchange(self, packet: bytes, expected: Mapping[int, int]) -> dict[int, Status]:
        self._send(packet)
        received = b""
        found: dict[int, Status] = {}
        for _ in range(self._reads):
            missing = sum(protocol.status_size(n) for i, n in expected.items() if i not in found)
            try:
                received += self._port.read(missing)
            except OSError as exc:
                raise BodyError(f"the serial port is gone: {exc}") from exc
            found = protocol.find_answers(received.replace(packet, b"", 1), expected)
            if len(found) == len(expected):
                break
        return found
