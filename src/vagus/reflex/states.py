"""What a group of actuators is doing, and how it changes: the state table of docs/safety.md.

Pure: it is told what readings show and which stops are asked for, and changes a group's own few fields. It knows
neither leases nor commands, and moves nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vagus.core.messages import Mode, State, Verdict
from vagus.core.robot import OnEstop
from vagus.reflex.cfg import GateCfg

_CONTACT = Verdict.STOPPED_FOLLOWING_ERROR | Verdict.STOPPED_TORQUE
_CONTROLLED = (State.HOLD, State.RUN, State.STOPPING)


@dataclass(slots=True)
class Group:
    """One group's state and what led to it."""

    on_estop: OnEstop
    state: State = State.OFF
    cause: Verdict = Verdict.NONE
    """Why it last stopped; forgotten when it runs again or is reset."""
    is_seeded: bool = False
    """Whether the last command is where the motors hold: motion goes on from there."""
    is_settled: bool = False
    """In ESTOP: whether the stop is over, so that brakes are engaged or torque is off."""
    moved_ns: int = 0
    """When readings last failed to show rest [ns]."""
    doubted_ns: int = 0
    """When a reading was last missing or impossible [ns]."""
    estop_ns: int = 0
    """When the emergency stop began [ns]."""
    at_ns: int = 0
    """When the current command is to be reached [ns]; in RUN only."""
    stale_ns: int = 0
    """The last time at which every sample behind the current command is within its budget [ns]; in RUN only."""

    @property
    def keeps_force(self) -> bool:
        """Whether it is a gripper: what it holds must not fall."""
        return self.on_estop == "hold"

    @property
    def is_braking(self) -> bool:
        """Whether its commanded velocity is on its way to zero."""
        return self.state == State.STOPPING or (self.state == State.ESTOP and not self.is_settled)

    @property
    def is_controlled(self) -> bool:
        """Whether the motors get positions and velocities from the gate, rather than a mode alone."""
        is_stopped = self.state == State.STANDBY or (self.state == State.ESTOP and self.is_settled)
        return self.is_seeded and (self.keeps_force or not is_stopped)

    def rested(self, now_ns: int, cfg: GateCfg) -> bool:
        """Say whether readings have shown rest for long enough."""
        return now_ns - self.moved_ns >= cfg.rest_s * 1e9

    def run(self, at_ns: int, stale_ns: int) -> None:
        """Follow a command."""
        self.state, self.cause, self.at_ns, self.stale_ns = State.RUN, Verdict.NONE, at_ns, stale_ns

    def stop(self, cause: Verdict) -> None:
        """Brake along the path; a group at rest stays there. Does nothing where the gate is not in control."""
        if self.state in _CONTROLLED:
            self.cause |= cause
        if self.state == State.RUN:
            self.state = State.STOPPING

    def estop(self, now_ns: int) -> None:
        """Latch the emergency stop; a second one changes nothing."""
        self.cause |= Verdict.STOPPED_ESTOP
        if self.state != State.ESTOP:
            self.state, self.is_settled, self.estop_ns = State.ESTOP, False, now_ns

    def can_reset(self, now_ns: int, cfg: GateCfg) -> bool:
        """Say whether the emergency stop may be left: its stop is over and readings show rest."""
        return self.state == State.ESTOP and self.is_settled and self.rested(now_ns, cfg)

    def reset(self, now_ns: int) -> None:
        """Leave the emergency stop; rest must be shown anew before it holds."""
        self.state, self.cause, self.is_seeded = State.STANDBY, Verdict.NONE, self.is_seeded and self.keeps_force
        self.moved_ns = now_ns

    def lose(self) -> None:
        """Take note that the body has braked by itself meanwhile: the last command is no longer where it is."""
        self.is_seeded = self.is_seeded and self.keeps_force
        if self.state in _CONTROLLED:
            self.state, self.cause = State.STANDBY, self.cause | Verdict.STOPPED_LATE

    def distrust(self) -> None:
        """Take note that its position cannot be trusted."""
        self.is_seeded = False
        self.cause |= Verdict.STOPPED_ENCODER_INVALID
        if self.state != State.ESTOP:
            self.state = State.DAMPED

    def mode(self) -> Mode:
        """Return what its motors shall do; POSITION means VELOCITY for joints that are commanded so."""
        if self.is_controlled:
            return Mode.POSITION
        if self.state == State.DAMPED:
            return Mode.DAMP
        if self.state == State.ESTOP and self.is_settled:
            return Mode.OFF if self.on_estop == "off" else Mode.BRAKE
        if self.state == State.ESTOP and self.cause & Verdict.STOPPED_ENCODER_INVALID:
            return Mode.DAMP
        return Mode.BRAKE


class Facts(NamedTuple):
    """What this tick's readings say about a group."""

    is_fresh: bool
    """The body's readings are within the encoder's age budget."""
    is_trusted: bool
    """No reading was missing for too long or impossible."""
    is_still: bool
    """The commanded velocities are zero."""
    is_inside: bool
    """The measured positions are within the position limits, or nearly."""


def settle(group: Group, facts: Facts, now_ns: int, cfg: GateCfg) -> bool:
    """Do the transitions that readings alone bring about; say whether the group must take up the measured pose.

    It must on entering HOLD from STANDBY (unless it is a gripper that kept its force), so that a robot moved by hand
    stays where it is; and on entering HOLD after a stop by contact, so that it no longer presses. After every other
    stop the last command stands, so that a loaded arm does not sink.
    """
    if group.state == State.OFF:
        group.state = State.STANDBY
    if not facts.is_trusted:
        group.distrust()
    elif not facts.is_fresh and group.state in _CONTROLLED:
        group.stop(Verdict.STOPPED_ENCODER_STALE)
        group.state = State.STOPPING
    return _rest(group, facts, now_ns, cfg)


def _rest(group: Group, facts: Facts, now_ns: int, cfg: GateCfg) -> bool:
    rested = group.rested(now_ns, cfg)
    if group.state == State.STANDBY and rested and (facts.is_inside or group.is_seeded):
        return _hold(group, takes_pose=not group.is_seeded)
    if group.state == State.STOPPING and rested and facts.is_still:
        return _hold(group, takes_pose=bool(group.cause & _CONTACT) and not group.keeps_force)
    if group.state == State.DAMPED and rested and now_ns - group.doubted_ns >= cfg.damped_s * 1e9:
        group.state = State.STANDBY
    if group.state == State.ESTOP and not group.is_settled:
        is_over = rested and (facts.is_still or not group.is_seeded)
        group.is_settled = is_over or now_ns - group.estop_ns >= cfg.estop_settle_s * 1e9
    return False


def _hold(group: Group, *, takes_pose: bool) -> bool:
    group.state, group.is_seeded = State.HOLD, True
    return takes_pose
