"""How a real arm hangs on its Feetech bus: what a robot file says of it. Plain data; nothing is opened here."""

import math
from dataclasses import dataclass

from vagus.core.errors import ConfigError
from vagus.core.fields import check_types

BUDGET_MIN_S = 0.002
"""Least ``budget_s`` [s]: two tries, and a port that wakes once a millisecond."""


@dataclass(frozen=True, kw_only=True)
class FeetechCfg:
    """A real arm of STS3215 servos on a Feetech serial bus, as LeRobot's SO-101 uses it.

    ``ids``, ``zero`` and ``direction`` are per joint of the spec, in the spec's order.
    """

    port: str
    """Serial device, such as /dev/ttyACM0."""
    ids: tuple[int, ...]
    """Servo id of every joint."""
    baud: int = 1_000_000
    zero: tuple[int, ...] = ()
    """What each servo reads when its joint is at 0 rad [steps of 1/4096 turn]; empty: 2048, the middle, for all."""
    direction: tuple[int, ...] = ()
    """1 where the joint's positive turn counts up, -1 where it counts down; empty: 1 for all."""
    stall_torque: float = 1.6
    """Torque at full duty and no motion [N m]: 1.6 for the 7.4 V servo (16.5 kg cm), 2.9 for the 12 V one."""
    budget_s: float = 0.008
    """Longest wait for the answers to one reading of all servos, the second try included [s], at least 0.002."""

    def __post_init__(self) -> None:
        check_types(self, "real")
        n = len(self.ids)
        if not self.port:
            raise ConfigError("port: got '', allowed: a serial device, such as '/dev/ttyACM0'")
        if self.baud < 1:
            raise ConfigError(f"baud: got {self.baud}, allowed: at least 1 [bit/s]; STS servos come with 1000000")
        if not BUDGET_MIN_S <= self.budget_s < math.inf:
            raise ConfigError(f"budget_s: got {self.budget_s}, allowed: at least {BUDGET_MIN_S}, finite [s]")
        if len(set(self.ids)) != n or not all(0 <= i <= 253 for i in self.ids):
            raise ConfigError(f"servo ids: got {self.ids}, allowed: 0 to 253, none twice")
        if len(self.zero) not in (0, n) or not all(0 <= z <= 4095 for z in self.zero):
            raise ConfigError(f"zero: got {self.zero}, allowed: nothing, or {n} readings from 0 to 4095")
        if len(self.direction) not in (0, n) or not all(d in (1, -1) for d in self.direction):
            raise ConfigError(f"direction: got {self.direction}, allowed: nothing, or {n} times 1 or -1")
        if not 0.0 < self.stall_torque < math.inf:
            raise ConfigError(f"stall_torque: got {self.stall_torque}, allowed: a finite number > 0 [N m]")
