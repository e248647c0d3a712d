"""Claims about the bus: it finds answers through faults, asks once more, and never waits longer than it says."""

import contextlib
import os
import sys
import time
import tty

import pytest

from fake_feetech import FakeBus, on_pty
from vagus.body.feetech import protocol as p
from vagus.body.feetech.bus import SLICE_S, Bus, open_port
from vagus.core.errors import BodyError, ConfigError


def _positions(bus: Bus, *ids: int) -> dict[int, int]:
    answers = bus.sync_read(ids, p.PRESENT_POSITION.address, 2)
    return {i: p.decode_number(a.params, p.PRESENT_POSITION) for i, a in answers.items()}


def test_all_servos_are_read_in_one_exchange() -> None:
    wire = FakeBus(1, 2, 3)
    wire.servos[2].position = 1000
    assert _positions(Bus(wire, budget_s=0.008), 1, 2, 3) == {1: 2048, 2: 1000, 3: 2048}
    assert (len(wire.heard), wire.waits) == (1, 0)


@pytest.mark.parametrize("how", ["silent", "checksum", "truncated", "wrong id"])
def test_a_spoilt_answer_is_asked_for_once_more_and_only_that_one(how: str) -> None:
    wire = FakeBus(1, 2, 3)
    wire.break_answers(2, how, times=1)
    bus = Bus(wire, budget_s=0.008)
    assert _positions(bus, 1, 2, 3) == {1: 2048, 2: 2048, 3: 2048}
    assert bus.retries == 1
    assert wire.heard[1] == p.sync_read([2], 56, 2)


@pytest.mark.parametrize("how", ["silent", "checksum", "truncated", "wrong id"])
def test_a_servo_that_never_answers_is_missing_and_the_others_are_not(how: str) -> None:
    wire = FakeBus(1, 2, 3)
    wire.break_answers(2, how)
    assert _positions(Bus(wire, budget_s=0.008), 1, 2, 3) == {1: 2048, 3: 2048}


@pytest.mark.parametrize("budget_s", [2 * SLICE_S, 3 * SLICE_S, 0.008, 0.1])
def test_waiting_never_exceeds_the_budget(budget_s: float) -> None:
    wire = FakeBus(1)
    _positions(Bus(wire, budget_s=budget_s), 7, 8)
    assert 1 <= wire.waits <= budget_s / SLICE_S + 1e-9  # every wait is one time-out of the port, SLICE_S long


@pytest.mark.parametrize("noise", [b"\x00", b"\xff", b"\xff\xff", b"\xff\xff\x01", b"noise"])
@pytest.mark.parametrize("has_echo", [False, True])
def test_noise_and_echo_do_not_change_what_is_read(noise: bytes, has_echo: bool) -> None:
    wire = FakeBus(1, 2)
    wire.noise, wire.has_echo = noise, has_echo
    wire.servos[1].position = 5
    bus = Bus(wire, budget_s=0.02)
    assert _positions(bus, 1, 2) == {1: 5, 2: 2048}
    assert bus.read(1, p.MODEL_NUMBER) == p.STS3215


def test_an_answer_left_from_before_is_not_taken_for_the_next() -> None:
    wire = FakeBus(1)
    bus = Bus(wire, budget_s=0.008)
    wire.write(p.read(1, 56, 2))  # its answer, 2048, lies in the input
    wire.servos[1].position = 100
    assert _positions(bus, 1) == {1: 100}


def test_a_silent_servo_is_named_when_one_register_is_read() -> None:
    with pytest.raises(BodyError, match="servo 9 does not answer"):
        Bus(FakeBus(1), budget_s=0.008).read(9, p.MODEL_NUMBER)


def test_a_port_that_vanishes_is_a_body_error() -> None:
    wire = FakeBus(1)
    bus = Bus(wire, budget_s=0.008)
    wire.is_gone = True
    with pytest.raises(BodyError, match="gone"):
        _positions(bus, 1)
    with pytest.raises(BodyError, match="gone"):
        bus.sync_write(41, {1: b"\x00"})


def test_a_port_that_vanishes_before_the_answer_is_a_body_error() -> None:
    class Unplugged(FakeBus):
        def read(self, size: int = 1, /) -> bytes:
            raise OSError("device disconnected")

    with pytest.raises(BodyError, match="gone: device disconnected"):
        Bus(Unplugged(1), budget_s=0.008).read(1, p.MODEL_NUMBER)


@pytest.mark.parametrize("budget_s", [0.0, -1.0, float("nan"), SLICE_S])
def test_a_budget_too_short_to_ask_twice_is_refused(budget_s: float) -> None:
    with pytest.raises(ConfigError, match="budget_s"):
        Bus(FakeBus(1), budget_s=budget_s)


def test_a_real_serial_port_carries_the_bytes() -> None:
    wire = FakeBus(1, 2)
    wire.servos[2].position = 777
    with on_pty(wire) as device:
        bus = Bus(open_port(device, 1_000_000), budget_s=2.0)
        assert _positions(bus, 1, 2) == {1: 2048, 2: 777}
        bus.close()


def test_a_missing_port_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"/dev/nothing-here.*no such device"):
        open_port("/dev/nothing-here", 1_000_000)


def test_an_adapter_that_takes_no_more_packets_is_a_body_error_after_a_tenth_of_a_second() -> None:
    ours, theirs = os.openpty()  # nobody reads what is sent: its buffer fills
    tty.setraw(theirs)
    port = open_port(os.ttyname(theirs), 1_000_000)
    bus = Bus(port, budget_s=0.008)
    for _ in range(3):  # a kernel that is busy carries on what it took only after a while, and then takes more
        with contextlib.suppress(OSError):
            for _ in range(5000):
                port.write(bytes(64))
    start_s = time.monotonic()
    with pytest.raises(BodyError, match="gone or hangs"):
        bus.sync_read([1], 56, 2)
    assert 0.09 < time.monotonic() - start_s < 1.0
    bus.close()
    for fd in (ours, theirs):
        os.close(fd)


def test_a_taken_port_is_refused() -> None:
    with on_pty(FakeBus(1)) as device:
        first = open_port(device, 1_000_000)
        with pytest.raises(ConfigError, match="another program has it open"):
            open_port(device, 1_000_000)
        first.close()


def test_without_pyserial_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ConfigError, match=r"pip install 'vagus\[feetech\]'"):
        open_port("/dev/ttyACM0", 1_000_000)
