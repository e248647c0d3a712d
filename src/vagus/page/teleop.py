"""A person moves the robot by hand from the page: one lease, held buttons, and a dead man's switch at every step.

A button counts as held only while the browser keeps saying so; control lasts only while the browser shows signs of
life; the lease lasts only while this node renews it; the motors move only while commands come. Each of them ending
stops the robot by itself. What the gate stopped moves again only after the page in control let go of the button and
pressed anew: silence is no letting go, nor is another page's word. Reads ``reflex`` and ``joint_state``; writes
``command.teleop`` and ``request.teleop``; reads no clock.
"""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.errors import ConfigError, VagusError
from vagus.core.messages import Record, Request, Source, State
from vagus.core.robot import RobotSpec
from vagus.page.jog import JogCfg, Jogger
from vagus.streams.streams import Streams

_NEAR = {"rad": 0.05, "m": 0.01}
"""How far a joint may be from its last command to start there [rad, m]: half of what the gate lets a first command be
from the measured pose."""
_PAD = -1
"""The drive pad, among the joints' buttons."""


class RefusedError(VagusError):
    """A person asked for something that cannot be done; ``code`` and ``details`` name the sentence that says why."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that a page should be told."""

    page: int
    code: str
    details: dict[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True, slots=True)
class TeleopCfg:
    """How long signs of life last, and how commands are sent."""

    lease_s: float = 1.0
    """Length of a lease [s]."""
    renew_s: float = 0.25
    """How often it is renewed while the browser is alive [s], < lease_s."""
    keep_timeout_s: float = 0.6
    """Silence after which a page loses control [s], < lease_s; browsers say ``keep`` every 0.1 to 0.2 s."""
    button_timeout_s: float = 0.3
    """Silence after which a held button counts as let go [s]."""
    rate_hz: float = 100.0
    """How often commands are sent."""
    ahead_s: float = 0.04
    """When a command is to be reached, from when it is sent [s]: without another one the gate brakes then. Longer would
    ride out more hiccups of this process; shorter would stop sooner when it dies. Braking must start within 50 ms."""
    lead_s: float = 0.15
    """How far targets may run ahead of what the gate lets through, as a time at jog speed [s]: when the gate slows the
    robot near a person, it must not go on moving after the button is let go."""
    encoder_budget_s: float = 0.1
    """Oldest joint reading that a jog command may come from [s]: the gate's own bound."""
    reflex_timeout_s: float = 0.25
    """Silence after which the reflex counts as gone [s]."""
    start_timeout_s: float = 0.5
    """How long a group may take from its first command to running [s]."""
    jog: JogCfg = field(default_factory=JogCfg)

    def __post_init__(self) -> None:
        for key in ("renew_s", "keep_timeout_s"):
            if not 0.0 < getattr(self, key) < self.lease_s:
                raise ConfigError(f"{key}: got {getattr(self, key)!r}, allowed: > 0 and < lease_s ({self.lease_s})")
        if not 20.0 <= self.rate_hz <= 200.0:
            raise ConfigError(f"rate_hz: got {self.rate_hz!r}, allowed: 20 to 200")
        if not 2.0 / self.rate_hz <= self.ahead_s <= 0.05:
            raise ConfigError(f"ahead_s: got {self.ahead_s!r}, allowed: two periods ({2 / self.rate_hz:g}) to 0.05")


class _Phase(Enum):
    IDLE = 0
    """No commands are sent for the group."""
    STARTING = 1
    """Commands are sent; the reflex does not run the group yet."""
    RUNNING = 2


@dataclass(slots=True)
class _Button:
    """A jog button or the drive pad, from its press until it is let go, whether or not it is spoken of meanwhile."""

    speeds: NDArray[np.float64]
    """Joint speeds wished for [unit/s], shape (n_joints,)."""
    said_ns: int
    is_blocked: bool = False
    """It was held when its group stopped: it works again only after it was let go."""


@dataclass(slots=True)
class _Group:
    joints: NDArray[np.bool_]
    phase: _Phase = _Phase.IDLE
    nonce: int = 0
    since_ns: int = 0


class Teleop:
    """Who holds control, which buttons are held, and what follows from it."""

    def __init__(self, spec: RobotSpec, streams: Streams, cfg: TeleopCfg | None = None) -> None:
        self._spec = spec
        self._cfg = cfg or TeleopCfg()
        self._reflex_in = streams.reader("reflex")
        self._state_in = streams.reader("joint_state")
        self._commands = streams.writer("command.teleop")
        self._requests = streams.writer("request.teleop")
        self._command = m.blank(m.command(spec))
        self._jogger = Jogger(spec, self._cfg.jog)
        self._group_of = spec.group_of_joint()
        self._groups = [_Group(self._group_of == g) for g in range(len(spec.groups))]
        self._all = (1 << len(spec.groups)) - 1
        self._counter = 0
        self._page: int | None = None
        self._kept_ns = self._renewed_ns = self._stepped_ns = 0
        self._buttons: dict[int, _Button] = {}
        """Joint (or ``_PAD``) → its button, from the press until the owner lets go."""
        self._owner: int | None = None
        """The page that the buttons belong to: the one in control, or the last one that was."""
        self.events: list[Event] = []
        """What pages should be told; whoever tells them empties it."""

    @property
    def page(self) -> int | None:
        """The page that holds control, or None."""
        return self._page

    @property
    def period_ns(self) -> int:
        """How often ``step`` is due while a page holds control [ns]."""
        return round(1e9 / self._cfg.rate_hz)

    def take(self, page: int, now_ns: int) -> None:
        """Give control to a page and ask the reflex for a lease on every group.

        Raises:
            RefusedError: Another page holds it, the robot is in emergency stop, or the reflex is silent.
        """
        if self._page == page:
            return
        if self._page is not None:
            raise RefusedError("taken", page=self._page)
        reflex = self._read_reflex(now_ns)
        if reflex is None:
            raise RefusedError("silent")
        if np.any(reflex["state"] == State.ESTOP):
            raise RefusedError("estopped")
        self._page, self._kept_ns, self._renewed_ns, self._stepped_ns = page, now_ns, now_ns, now_ns
        if page != self._owner:
            self._owner = page
            self._buttons.clear()
        nonce = self._ask(Request.LEASE, self._all, now_ns)
        for group in self._groups:
            group.phase, group.nonce = _Phase.IDLE, nonce

    def keep(self, page: int, now_ns: int) -> None:
        """Note a sign of life; one from a page that is not in control is ignored."""
        if page == self._page:
            self._kept_ns = now_ns

    def release(self, page: int, now_ns: int) -> None:
        """Take control back from a page, if it has it: commands end at once, and the reflex is told."""
        if page == self._page:
            self._end_control()
            self._ask_by_nonce(Request.RELEASE, now_ns)

    def jog(self, page: int, joint: str, fraction: float, now_ns: int) -> None:
        """Note that a joint's button is held (fraction != 0: direction and speed, in [-1, 1]) or let go (0).

        Only the page that pressed a button can let go of it; another one's 0 is ignored.

        Raises:
            RefusedError: The page is not in control, or there is no such joint.
        """
        if joint not in self._spec.joint_names:
            raise RefusedError("no_joint", got=joint, allowed=", ".join(self._spec.joint_names))
        index = self._spec.joint_index(joint)
        if fraction == 0.0:
            self._let_go(page, index)
        else:
            self._hold(page, index, self._jogger.jog_speeds({index: fraction}), now_ns)

    def drive(self, page: int, v: float, w: float, now_ns: int) -> None:
        """Note where the drive pad is held: ``v`` forward, ``w`` to the left, fractions in [-1, 1]; (0, 0) lets go.

        Raises:
            RefusedError: The page is not in control, or the robot has no base.
        """
        if self._spec.base is None:
            raise RefusedError("no_base")
        if v == 0.0 and w == 0.0:
            self._let_go(page, _PAD)
        else:
            self._hold(page, _PAD, self._jogger.wheel_speeds(v, w), now_ns)

    def estop(self, now_ns: int) -> None:
        """Ask for an emergency stop of every group, at once; control ends."""
        self._ask(Request.ESTOP, self._all, now_ns)
        self._end_control()

    def reset(self, now_ns: int) -> None:
        """Ask the reflex to leave the emergency stop.

        Raises:
            RefusedError: No group is in emergency stop, or the reflex is silent.
        """
        reflex = self._read_reflex(now_ns)
        if reflex is None:
            raise RefusedError("silent")
        if not np.any(reflex["state"] == State.ESTOP):
            raise RefusedError("not_estopped")
        self._ask(Request.RESET, self._all, now_ns)

    def is_granted(self, reflex: Record) -> bool:
        """Say whether the reflex has granted every group to the page in control."""
        return self._page is not None and all(_is_ours(reflex, g, group) for g, group in enumerate(self._groups))

    def step(self, now_ns: int) -> None:
        """Renew the lease and send the next command; does nothing while nobody holds control."""
        if self._page is None:
            return
        if now_ns - self._kept_ns > self._cfg.keep_timeout_s * 1e9:
            self.events.append(Event(page=self._page, code="lapsed", details={"seconds": self._cfg.keep_timeout_s}))
            self.release(self._page, now_ns)
            return
        dt_s = min((now_ns - self._stepped_ns) * 1e-9, self._cfg.ahead_s)
        self._stepped_ns = now_ns
        reflex, state = self._read_reflex(now_ns), self._state_in.latest()
        if reflex is None or state is None:
            self._silence()
            return
        if np.any(reflex["state"] == State.ESTOP):
            self.release(self._page, now_ns)
            return
        self._renew(now_ns)
        speeds = self._speeds(now_ns)
        for g, group in enumerate(self._groups):
            self._step_group(g, group, bool(np.any(speeds[group.joints])), reflex, state, now_ns)
        self._send(speeds, reflex, state, dt_s, now_ns)

    def _hold(self, page: int, key: int, speeds: NDArray[np.float64], now_ns: int) -> None:
        if self._page != page:
            raise RefusedError("not_yours")
        self._kept_ns = now_ns
        button = self._buttons.setdefault(key, _Button(speeds, now_ns))
        button.speeds, button.said_ns = speeds, now_ns

    def _let_go(self, page: int, key: int) -> None:
        if page == self._owner:
            self._buttons.pop(key, None)

    def _end_control(self) -> None:
        self._page = None
        self._silence()

    def _silence(self) -> None:
        """Stop commanding; buttons that are held now must be pressed anew."""
        for group in self._groups:
            group.phase = _Phase.IDLE
        for button in self._buttons.values():
            button.is_blocked = True

    def _read_reflex(self, now_ns: int) -> Record | None:
        reflex = self._reflex_in.latest()
        if reflex is None or now_ns - int(reflex["stamp_ns"]) > self._cfg.reflex_timeout_s * 1e9:
            return None
        return reflex

    def _speeds(self, now_ns: int) -> NDArray[np.float64]:
        """Return what is wished for now [unit/s]: by buttons that work and were spoken of lately."""
        oldest_ns = now_ns - round(self._cfg.button_timeout_s * 1e9)
        speeds = np.zeros(self._spec.n_joints)
        for button in self._buttons.values():
            if button.said_ns >= oldest_ns and not button.is_blocked:
                speeds += button.speeds
        return speeds

    def _renew(self, now_ns: int) -> None:
        if now_ns - self._renewed_ns < self._cfg.renew_s * 1e9:
            return
        self._renewed_ns = now_ns
        self._ask_by_nonce(Request.LEASE, now_ns)

    def _ask_by_nonce(self, kind: Request, now_ns: int) -> None:
        """Ask the same for every group; one request for all that were granted together."""
        masks: dict[int, int] = {}
        for g, group in enumerate(self._groups):
            masks[group.nonce] = masks.get(group.nonce, 0) | 1 << g
        for nonce, mask in masks.items():
            self._ask(kind, mask, now_ns, nonce=nonce)

    def _step_group(self, g: int, group: _Group, is_wished: bool, reflex: Record, state: Record, now_ns: int) -> None:
        if group.phase is _Phase.IDLE:
            if is_wished:
                self._start_group(g, group, reflex, state, now_ns)
            return
        runs = int(reflex["state"][g]) == State.RUN and _is_ours(reflex, g, group)
        if runs:
            group.phase = _Phase.RUNNING
        elif group.phase is _Phase.RUNNING or now_ns - group.since_ns > self._cfg.start_timeout_s * 1e9:
            # After a stop, whatever its cause: moving again takes a new lease, and a new press of the button.
            self._ask(Request.RELEASE, 1 << g, now_ns, nonce=group.nonce)
            group.phase, group.nonce = _Phase.IDLE, self._ask(Request.LEASE, 1 << g, now_ns)
            self._block(g, group, "group_stopped")

    def _start_group(self, g: int, group: _Group, reflex: Record, state: Record, now_ns: int) -> None:
        if int(reflex["state"][g]) not in (State.HOLD, State.RUN):
            return  # still coming to rest: the held button waits
        if not _is_ours(reflex, g, group):
            return
        q = state["q"]
        if not (np.all(state["valid"][group.joints] == 1) and np.all(np.isfinite(q[group.joints]))):
            self._block(g, group, "no_reading")
            return
        self._jogger.place(group.joints, _start_from(self._spec, q, reflex["q_last"]))
        group.phase, group.since_ns = _Phase.STARTING, now_ns

    def _block(self, g: int, group: _Group, code: str) -> None:
        """Have the group's buttons pressed anew, those that are silent now included, and say so if there are any."""
        held = [b for b in self._buttons.values() if np.any(b.speeds[group.joints]) and not b.is_blocked]
        for button in held:
            button.is_blocked = True
        if held and self._page is not None:
            self.events.append(Event(page=self._page, code=code, details={"group": self._spec.groups[g].name}))

    def _send(self, speeds: NDArray[np.float64], reflex: Record, state: Record, dt_s: float, now_ns: int) -> None:
        active = [group.phase is not _Phase.IDLE for group in self._groups]
        if not any(active):
            return
        use = np.array(active)[self._group_of]
        self._jogger.advance(np.where(use, speeds, 0.0), dt_s)
        self._jogger.stay_near(use, reflex["q_last"], self._cfg.lead_s)
        command = self._command
        self._counter = max(self._counter + 1, now_ns)  # rises across restarts of the page, too
        command["counter"], command["stamp_ns"] = self._counter, now_ns
        command["origin_ns"] = UNUSED
        encoder = self._spec.sensor_index(self._spec.encoder.name)
        command["origin_ns"][encoder] = state["origin_ns"][encoder]
        command["budget_ns"] = UNUSED
        command["budget_ns"][encoder] = round(self._cfg.encoder_budget_s * 1e9)
        command["at_ns"] = now_ns + round(self._cfg.ahead_s * 1e9)
        command["lease"] = np.where(active, reflex["lease"], 0)
        command["q"], command["v"] = np.where(use, self._jogger.q, 0.0), np.where(use, self._jogger.v, 0.0)
        command["effort_max"] = np.where(use, self._spec.array("effort_max"), 0.0)
        command["use"] = use
        self._commands.publish(command)

    def _ask(self, kind: Request, groups: int, now_ns: int, *, nonce: int | None = None) -> int:
        """Publish a request; returns its nonce, a new one unless given."""
        if nonce is None:
            self._counter = nonce = max(self._counter + 1, now_ns)
        request = m.blank(m.request(self._spec))
        request["stamp_ns"], request["kind"], request["groups"], request["nonce"] = now_ns, kind, groups, nonce
        request["duration_ns"] = round(self._cfg.lease_s * 1e9) if kind is Request.LEASE else 0
        self._requests.publish(request)
        return nonce


def _is_ours(reflex: Record, g: int, group: _Group) -> bool:
    return (
        int(reflex["holder"][g]) == Source.TELEOP
        and int(reflex["lease_nonce"][g]) == group.nonce
        and int(reflex["lease"][g]) != 0
    )


def _start_from(spec: RobotSpec, q: NDArray[np.float64], q_last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a jog starts: the last command, which the motors hold, unless the joint is somewhere else by now.

    Starting at the measurement would let an arm sag a little with every press.
    """
    reach = np.array([_NEAR[joint.unit] for joint in spec.joints])
    near = np.isfinite(q_last) & (np.abs(q_last - q) <= reach)
    return np.where(near, q_last, q)
