"""An arm of Feetech STS servos as the loop sees it: ``joint_state`` out of the bus, ``joint_command`` into it.

One cycle is one sync read of registers 40 to 63 and one sync write of 41 to 49. For n servos that is 8 + n bytes asked,
30 n answered, 8 + 10 n written: 262 bytes for six servos, 2.6 ms at 1 Mbaud (10 bits a byte), and about 2 ms more for
two turns through USB: good for 100 Hz, not for 500. A sync write is not acknowledged; the read shows what came of it.

**When the loop goes silent.** The servo's memory table has no command watchdog: a servo that hears nothing drives to
its last goal and holds it, powered, for ever. So silence is made safe beforehand: a goal is never further away than the
gate let the last command be, and the servo itself limits acceleration (41), speed (46) and torque (48) near what the
robot file declares, so it comes to rest within the last step and stays there. While this process lives but no command
comes for ``watchdog_s``, ``read`` brakes. ``close`` brakes too and leaves the torque on: an arm that goes limp falls.

It writes no EEPROM: ids, offsets and modes are set once by a tool such as LeRobot's, and checked here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.body.feetech import protocol as p
from vagus.body.feetech.bus import Bus, open_port
from vagus.body.feetech.cfg import FeetechCfg
from vagus.core import messages as m
from vagus.core.errors import BodyError, ConfigError
from vagus.core.messages import Mode, Record
from vagus.core.robot import RobotSpec

STEP = 2.0 * math.pi / p.STEPS_PER_TURN
"""One step of the encoder [rad]."""
_MODELS = {777: "STS3215", 2825: "STS3250"}
_RETURN_DELAY_MAX = 20
"""Largest RETURN_DELAY [2 us]: six servos at Feetech's former default of 250 would take 3 ms longer to answer."""
_HEADROOM = 1.25
"""How much faster than declared the servo itself lets a joint move: the gate limits, the servo backs it up."""
_RAMP = 2.0
"""How much steeper the servo's own ramp is than the declared acceleration: an equal one makes it trail v^2 / 2a."""
_AT_REST = 0.05
"""Speed below which braking keeps the last goal [rad/s]: a new goal at the measured, sagged position sinks the arm."""
_FIRST, _SIZE = p.TORQUE_ENABLE.address, p.PRESENT_TEMPERATURE.address + 1 - p.TORQUE_ENABLE.address
_TORQUE = {Mode.OFF: p.TORQUE_OFF, Mode.DAMP: p.TORQUE_DAMP, Mode.BRAKE: p.TORQUE_ON, Mode.POSITION: p.TORQUE_ON}


@dataclass(frozen=True, slots=True)
class Health:
    """What a servo says of itself besides its motion."""

    fault: p.Fault
    voltage: float
    """Supply [V]."""
    temperature: float
    """Inside [deg C]."""


def problems(spec: RobotSpec, cfg: FeetechCfg) -> list[str]:
    """Say why this robot cannot run on this bus; an empty list means it can. Opens nothing."""
    found: list[str] = []
    if len(cfg.ids) != spec.n_joints:
        found.append(f"ids: got {len(cfg.ids)}, allowed: one per joint, {spec.n_joints}: {list(spec.joint_names)}")
    zeros = cfg.zero or (p.STEPS_PER_TURN // 2,) * spec.n_joints
    signs = cfg.direction or (1,) * spec.n_joints
    for joint, zero, sign in zip(spec.joints, zeros, signs, strict=False):
        if joint.mode != "position" or joint.unit != "rad":
            found.append(f"joint {joint.name!r}: got {joint.mode} in {joint.unit}, allowed: position in rad")
            continue
        ends = sorted(round(zero + sign * q / STEP) for q in (joint.position_min, joint.position_max))
        if ends[0] < 0 or ends[1] >= p.STEPS_PER_TURN:
            found.append(f"joint {joint.name!r}: its range is {ends} in servo steps, allowed: within 0 to 4095")
    read_s, write_s = wire_s(len(cfg.ids), cfg.baud)
    if cfg.budget_s < 2.0 * read_s:
        found.append(f"budget_s: got {cfg.budget_s}, allowed: at least twice the answers' {1000 * read_s:.2f} ms")
    period_s, needed_s = 1.0 / spec.encoder.rate_hz, cfg.budget_s + write_s
    if needed_s > period_s:
        found.append(
            f"encoder.rate_hz: got {spec.encoder.rate_hz:g}, allowed: at most {1.0 / needed_s:.0f} with budget_s "
            f"{cfg.budget_s} and {len(cfg.ids)} servos at {cfg.baud} baud"
        )
    return found


def wire_s(n_servos: int, baud: int) -> tuple[float, float]:
    """Return how long reading and writing all servos once keep the wire busy [s], at 10 bits a byte."""
    return (8 + n_servos + n_servos * p.status_size(_SIZE)) * 10 / baud, (8 + 10 * n_servos) * 10 / baud


def open_body(spec: RobotSpec, cfg: FeetechCfg) -> "FeetechBody":
    """Open the port and return the body on it; nothing moves and no torque changes.

    Raises:
        ConfigError: The port cannot be opened, or a servo is missing or not set up for this.
        BodyError: The port went away.
    """
    bus = Bus(open_port(cfg.port, cfg.baud), budget_s=cfg.budget_s)
    try:
        return FeetechBody(spec, cfg, bus)
    except BaseException:
        bus.close()
        raise


class FeetechBody:
    """The servos of one arm. A servo that did not answer reads NaN and not valid; the others read what they measured.

    ``effort`` is duty times stall torque: what the motor would give at rest; it reads too high in motion. A servo that
    lost its torque while it should hold a position (its supply dipped) is not valid either, so that the gate stops it.
    """

    def __init__(self, spec: RobotSpec, cfg: FeetechCfg, bus: Bus) -> None:
        found = problems(spec, cfg)
        if found:
            raise ConfigError(f"robot {spec.name!r} on a Feetech bus: " + "; ".join(found))
        n = spec.n_joints
        self._spec, self._cfg, self._bus = spec, cfg, bus
        self._zero = np.array(cfg.zero or [p.STEPS_PER_TURN // 2] * n, np.float64)
        self._direction = np.array(cfg.direction or [1] * n, np.float64)
        self._range = np.array([[j.position_min, j.position_max] for j in spec.joints])
        self._speed_unit = [self._check_servo(i, joint.name) for i, joint in zip(cfg.ids, spec.joints, strict=True)]
        self._speed_goal = [self._speed_register(k) for k in range(n)]
        self._mode: list[Mode | None] = [None] * n
        self._goal: NDArray[np.float64] = np.full(n, np.nan)
        self._torque_seen: list[int | None] = [None] * n
        self._state = m.blank(m.joint_state(spec))
        self._forget()
        self._has_read = False
        self._last_command_ns: int | None = None
        self.health: dict[str, Health] = {}
        """Joint → what its servo last said of itself."""

    def read(self, now_ns: int) -> Record | None:
        """Ask all servos once and return their readings, captured at ``now_ns``; None until one has ever answered.

        Waits at most ``budget_s`` for answers. Brakes when no command came for ``watchdog_s``.

        Raises:
            BodyError: The port is gone, or takes no packet for 0.1 s.
        """
        answers = self._bus.sync_read(self._cfg.ids, _FIRST, _SIZE)
        state = self._state
        self._forget()
        state["stamp_ns"] = now_ns
        for k, servo_id in enumerate(self._cfg.ids):
            if servo_id in answers:
                self._take(k, answers[servo_id])
        if answers:
            self._has_read = True
            state["counter"] += 1
            state["origin_ns"][0] = now_ns
        if self._last_command_ns is not None and now_ns - self._last_command_ns > round(self._spec.watchdog_s * 1e9):
            self._last_command_ns = None
            self._apply(self._silent_modes(), None)
        return state.copy() if self._has_read else None

    def write(self, command: Record) -> None:
        """Send a ``joint_command``: goals and torque limits, and torque on, off or damping where the mode changed.

        Raises:
            BodyError: A goal is not finite, a mode is VELOCITY or unknown (nothing was sent), or the port is gone.
        """
        try:
            modes = [Mode(int(x)) for x in command["mode"]]
        except ValueError as exc:
            raise BodyError(f"modes: got {command['mode']}, allowed: {list(_TORQUE)}") from exc
        for k, mode in enumerate(modes):
            name = self._spec.joint_names[k]
            if mode not in _TORQUE:
                raise BodyError(f"joint {name!r}: got mode {mode.name}, allowed: {[x.name for x in _TORQUE]}")
            goal = (float(command["q"][k]), float(command["effort_max"][k]))
            if mode == Mode.POSITION and not (math.isfinite(goal[0]) and goal[1] >= 0.0):
                raise BodyError(f"joint {name!r}: got q, effort_max {goal}, allowed: a finite q, effort_max >= 0")
        self._apply(modes, command)
        self._last_command_ns = int(command["stamp_ns"])

    def close(self) -> None:
        """Brake what moves, leave the torque as it is, and let go of the port."""
        try:
            self._apply(self._silent_modes(), None)
        finally:
            self._bus.close()

    def _forget(self) -> None:
        for name in ("q", "v", "effort"):
            self._state[name] = np.nan
        self._state["valid"] = 0

    def _silent_modes(self) -> list[Mode | None]:
        return [Mode.BRAKE if mode == Mode.POSITION else mode for mode in self._mode]

    def _apply(self, modes: Sequence[Mode | None], command: Record | None) -> None:
        goals: dict[int, bytes] = {}
        torques: dict[int, bytes] = {}
        for k, (servo_id, mode) in enumerate(zip(self._cfg.ids, modes, strict=True)):
            if mode is None:
                continue
            effort_max = self._spec.joints[k].effort_max
            if mode == Mode.POSITION and command is not None:
                self._goal[k] = np.clip(command["q"][k], *self._range[k])
                effort_max = min(effort_max, float(command["effort_max"][k]))
            elif mode == Mode.BRAKE:
                self._goal[k] = self._rest_goal(k)
            if self._must_switch(k, mode):
                torques[servo_id] = bytes((_TORQUE[mode],))
            # A goal switches a servo's torque on: one that shall have none, or lost it by itself, gets no goal.
            is_on = servo_id in torques or self._torque_seen[k] == p.TORQUE_ON
            if is_on and _TORQUE[mode] == p.TORQUE_ON and math.isfinite(self._goal[k]):
                goals[servo_id] = self._goal_bytes(k, effort_max)
            self._mode[k] = mode
        self._bus.sync_write(p.ACCELERATION.address, goals)
        self._bus.sync_write(p.TORQUE_ENABLE.address, torques)

    def _must_switch(self, k: int, mode: Mode) -> bool:
        """Torque goes on only where it holds: a goal is known, and a POSITION servo that dropped out first brakes."""
        wanted, before = _TORQUE[mode], self._mode[k]
        if wanted == p.TORQUE_ON and not math.isfinite(self._goal[k]):
            return False
        is_new = before is None or _TORQUE[before] != wanted
        return is_new or (mode != Mode.POSITION and self._torque_seen[k] != wanted)

    def _rest_goal(self, k: int) -> float:
        """Where a braking joint comes to rest [rad]; NaN when nothing tells."""
        q, v, last = float(self._state["q"][k]), float(self._state["v"][k]), float(self._goal[k])
        is_held = self._mode[k] in (Mode.POSITION, Mode.BRAKE) and self._torque_seen[k] == p.TORQUE_ON
        if is_held and (self._mode[k] == Mode.BRAKE or not abs(v) > _AT_REST):
            return last
        if not math.isfinite(q):
            return last if is_held else math.nan
        return float(np.clip(q + v * abs(v) / (2.0 * self._spec.joints[k].acceleration_max), *self._range[k]))

    def _goal_bytes(self, k: int, effort_max: float) -> bytes:
        """Return registers 41 to 49: acceleration, goal, time (unused), speed, torque limit."""
        joint = self._spec.joints[k]
        ramp = math.ceil(_RAMP * joint.acceleration_max / (STEP * p.ACCELERATION_UNIT))
        steps = round(float(self._zero[k] + self._direction[k] * self._goal[k] / STEP))
        share = min(1.0, effort_max / self._cfg.stall_torque)
        return (
            p.encode_number(min(ramp, p.ACCELERATION_MAX), p.ACCELERATION)
            + p.encode_number(steps, p.GOAL_POSITION)
            + p.encode_number(0, p.GOAL_TIME)
            + p.encode_number(self._speed_goal[k], p.GOAL_SPEED)
            + p.encode_number(math.floor(1000.0 * share), p.TORQUE_LIMIT)
        )

    def _speed_register(self, k: int) -> int:
        speed = _HEADROOM * self._spec.joints[k].speed_max / (STEP * self._speed_unit[k])
        return min(math.ceil(speed), (1 << 15) - 1)

    def _take(self, k: int, answer: p.Status) -> None:
        """Write one servo's answer into the record."""
        sign = float(self._direction[k])
        state, get = self._state, self._number
        state["q"][k] = sign * (get(answer, p.PRESENT_POSITION) - self._zero[k]) * STEP
        state["v"][k] = sign * get(answer, p.PRESENT_SPEED) * self._speed_unit[k] * STEP
        state["effort"][k] = sign * get(answer, p.PRESENT_LOAD) / 1000.0 * self._cfg.stall_torque
        self._torque_seen[k] = get(answer, p.TORQUE_ENABLE)
        lost_torque = self._mode[k] == Mode.POSITION and self._torque_seen[k] != p.TORQUE_ON
        state["valid"][k] = not (answer.fault & p.Fault.ENCODER or lost_torque)
        self.health[self._spec.joint_names[k]] = Health(
            fault=answer.fault,
            voltage=get(answer, p.PRESENT_VOLTAGE) / 10.0,
            temperature=float(get(answer, p.PRESENT_TEMPERATURE)),
        )

    @staticmethod
    def _number(answer: p.Status, register: p.Register) -> int:
        start = register.address - _FIRST
        return p.decode_number(answer.params[start : start + register.size], register)

    def _check_servo(self, servo_id: int, joint: str) -> int:
        """Check one servo's set-up and return its speed unit [steps/s]. Raises ConfigError saying what to change."""
        try:
            found = {
                r: self._bus.read(servo_id, r) for r in (p.MODEL_NUMBER, p.OPERATING_MODE, p.RETURN_DELAY, p.PHASE)
            }
        except BodyError as exc:
            raise ConfigError(f"joint {joint!r}: {exc}") from exc
        checks = (
            (p.MODEL_NUMBER, found[p.MODEL_NUMBER] in _MODELS, f"one of {_MODELS}"),
            (p.OPERATING_MODE, found[p.OPERATING_MODE] == p.POSITION_MODE, f"{p.POSITION_MODE}: position"),
            (p.RETURN_DELAY, found[p.RETURN_DELAY] <= _RETURN_DELAY_MAX, f"at most {_RETURN_DELAY_MAX} [2 us]; set 0"),
            (p.PHASE, not found[p.PHASE] & p.PHASE_MULTI_TURN, "bit 4 clear: positions within one turn"),
        )
        for register, is_good, allowed in checks:
            if not is_good:
                where = f"joint {joint!r}, servo {servo_id}, register {register.address}"
                raise ConfigError(f"{where}: got {found[register]}, allowed: {allowed}")
        return 1 if found[p.PHASE] & p.PHASE_FINE_SPEED else p.COARSE_SPEED_UNIT
