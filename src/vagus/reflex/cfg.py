"""The gate's numbers: how old, how near, how slow. What a joint itself may do stands in its ``JointSpec``."""

import math
from dataclasses import dataclass, field

from vagus.core.envelope import Envelope
from vagus.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class GateCfg:
    """Budgets, tolerances and margins of the gate. Times are inclusive: an age of exactly the budget is accepted."""

    command_encoder_age_s: float = 0.1
    """Oldest joint reading behind a command, whatever budget its source declares [s]: ten periods at 100 Hz."""
    command_age_s: float = 0.1
    """Oldest command, by its own stamp, that can still be taken up [s]."""
    horizon_s: float = 0.5
    """How far ahead a knot may be [s]: the longest motion without another word from its source."""
    future_s: float = 0.002
    """How far a stamp may lie ahead of the tick's time [s]: a command may be written just after the tick's time was
    taken."""
    request_age_s: float = 1.0
    """Oldest LEASE or RESET request that is still granted [s]; ESTOP and RELEASE are honoured at any age."""
    lease_max_s: float = 10.0
    """Longest lease [s]; longer ones are cut to this."""
    near_rad: float = 0.1
    """How near to the measured pose the first command must start [rad]: above servo droop, below a visible jump."""
    near_m: float = 0.02
    """The same for sliding joints [m]."""
    rest_rad_s: float = 0.05
    """A joint slower than this is at rest [rad/s]: above the noise of velocities differenced from encoders."""
    rest_m_s: float = 0.02
    """The same for sliding joints [m/s]."""
    rest_s: float = 0.1
    """How long readings must show rest before a stop counts as done [s]."""
    invalid_ticks: int = 5
    """A joint without a valid reading for more than this many ticks is not trusted; 10 ms at 500 Hz."""
    jump_factor: float = 4.0
    """A reading that moved by more than this times what ``speed_max`` allows is impossible."""
    jump_rad: float = 0.05
    """Allowance on top for noise and for being pushed [rad]."""
    jump_m: float = 0.005
    """The same for sliding joints [m]."""
    damped_s: float = 0.5
    """How long all readings of a damped group must be valid again [s]."""
    estop_settle_s: float = 2.0
    """An emergency stop that readings do not confirm engages the brakes (or cuts torque) after this long anyway [s]."""
    torque_fraction: float = 0.9
    """Share of ``effort_max`` that may remain unexplained by gravity."""
    torque_s: float = 0.05
    """For how long it may remain [s]."""
    grip_fraction: float = 0.1
    """Smallest share of ``effort_max`` that a gripper can be limited to: fingers without the force to follow their
    command would fall behind it, and snap after it when they get their force back."""
    effort_fraction: float = 0.1
    """Share of ``effort_max`` by which feed-forward effort may differ from what gravity explains: feed-forward shifts a
    servo's position by effort over stiffness, beyond what position limits see."""
    effort_ramp_s: float = 0.1
    """Feed-forward effort takes this long from nothing to ``effort_max`` [s]: no torque steps, in or out of a stop."""
    slow_fraction: float = 0.2
    """Share of ``speed_max`` near a person, or without knowledge of people or clearances."""
    person_near_m: float = 0.5
    """Slow within this distance of a person [m]."""
    person_far_m: float = 1.5
    """Full speed beyond this distance of a person [m]; linear between."""
    clearance_age_s: float = 0.1
    """Oldest joint reading behind a clearance message [s]: five of its periods."""
    clearance_margin_m: float = 0.005
    """Distance at which closing motion has come to rest [m]: half the margin that planners keep."""
    clearance_reserve: float = 2.0
    """Braking distance is taken this many times longer than joints need, for what the linear prediction leaves out."""
    watches_people: bool | None = None
    """Whether an unknown person distance means slow; None: exactly when the robot has a lidar."""
    expects_clearance: bool | None = None
    """Whether an absent clearance message means slow; None: exactly when the robot has arms."""
    envelope: Envelope = field(default_factory=Envelope)

    def __post_init__(self) -> None:
        for key in ("command_encoder_age_s", "command_age_s", "horizon_s", "request_age_s", "lease_max_s", "near_rad",
                    "near_m", "rest_rad_s", "rest_m_s", "rest_s", "jump_factor", "jump_rad", "jump_m", "damped_s",
                    "estop_settle_s", "torque_fraction", "torque_s", "effort_fraction", "effort_ramp_s",
                    "clearance_age_s"):  # fmt: skip
            value = getattr(self, key)
            if not 0.0 < value < math.inf:
                raise ConfigError(f"{key}: got {value}, allowed: a finite number > 0")
        if not 0.0 <= self.future_s <= 0.1:
            raise ConfigError(f"future_s: got {self.future_s}, allowed: 0 to 0.1")
        if self.invalid_ticks < 0:
            raise ConfigError(f"invalid_ticks: got {self.invalid_ticks}, allowed: at least 0")
        for key in ("slow_fraction", "grip_fraction"):
            if not 0.0 < getattr(self, key) <= 1.0:
                raise ConfigError(f"{key}: got {getattr(self, key)}, allowed: in (0, 1]")
        if not 0.0 <= self.person_near_m < self.person_far_m < math.inf:
            near_far = (self.person_near_m, self.person_far_m)
            raise ConfigError(f"person_near_m, person_far_m: got {near_far}, allowed: finite, 0 <= near < far")
        if not 0.0 <= self.clearance_margin_m < math.inf:
            raise ConfigError(f"clearance_margin_m: got {self.clearance_margin_m}, allowed: finite, at least 0")
        if not 1.0 <= self.clearance_reserve < math.inf:
            raise ConfigError(f"clearance_reserve: got {self.clearance_reserve}, allowed: finite, at least 1")
