"""Moves what the gate lets move: the next commanded positions, velocities and efforts, within every limit.

It decides nothing about who commands or which state a group is in.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.messages import Mode, Record, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.clearance import clearance_scale
from vagus.reflex.commands import Judged
from vagus.reflex.limits import (
    Array,
    Bounds,
    Box,
    Groups,
    Limits,
    Mask,
    approach,
    bounds,
    braking_scale,
    excess,
    path_velocity,
    ramp_velocity,
)  # fmt: skip
from vagus.reflex.memory import Memory
from vagus.reflex.states import Group

_NOISE = 1e-4  # a velocity changed by less than this share of the speed limit is not worth a word
_CONTROLLED, _RUNNING, _BRAKING = 1, 2, 4
_POSITION, _TO_VELOCITY = np.uint8(Mode.POSITION), np.uint8(Mode.VELOCITY - Mode.POSITION)


class Pace(NamedTuple):
    """How fast the surroundings let the robot move."""

    person: float
    """Share of full speed that a person's distance allows."""
    blind: float
    """Share of full speed while clearances are unknown; 1 while they are known."""
    clearance: Record | None
    """A clearance message that can be used."""


class _Chase(NamedTuple):
    """One tick's velocities, from what was asked for to what is done, shape (n_joints,) each."""

    path: Array
    """What the commands' knots ask for."""
    timely: Array
    """No more than lets the joint stop at its knot."""
    paced: Array
    """No faster than the surroundings and the joints allow; and what brakes."""
    cap: Array
    """Largest speeds."""
    bounded: Array
    """Within every joint's own limits."""
    allowed: Bounds
    """Those limits."""
    clear: Array
    """Keeping clear of obstacles: what is done."""


class Motion:
    """Knows the robot's joints, groups and tick."""

    def __init__(self, spec: RobotSpec, cfg: GateCfg, groups: Groups) -> None:
        self._cfg, self._groups = cfg, groups
        self._dt = 1.0 / spec.reflex_hz
        self._limits = Limits.of(spec)
        self._unbounded = Box.unbounded(spec.n_joints)
        self._is_wheel = ~self._limits.is_position
        self._has_wheels = bool(self._is_wheel.any())
        self._encoder = spec.sensor_index(spec.encoder.name)
        self._layout = m.joint_command(spec)
        self._keeps_force = np.array([spec.groups[g].on_estop == "hold" for g in groups.of_joint])
        face = {j for moves in (spec.face.action_units.values() if spec.face else ()) for j in moves}
        self._is_face = np.array([j.name in face for j in spec.joints])  # hits nobody, and speaks to who is near
        self._noise = _NOISE * self._limits.speed
        self._grip = cfg.grip_fraction * self._limits.effort
        self._effort_slack = cfg.effort_fraction * self._limits.effort
        self._effort_step = self._limits.effort * (self._dt / cfg.effort_ramp_s)
        # Groups change their states seldom: what follows from them for the joints is kept. Nobody writes to it.
        self._who = lru_cache(256)(self._find_who)
        self._modes = lru_cache(256)(self._find_modes)

    def take_pose(self, memory: Memory, g: int) -> None:
        """Make the measured pose of a group at rest its last command, but never a command farther outside the limits.

        A joint that was brought outside by hand is held there, not thrown back; it can then only be moved inward.
        """
        joints = self._groups.joints[g]
        low, high = self._hard(memory.q_last)
        memory.q_last[joints] = np.clip(memory.seen.q[joints], low[joints], high[joints])

    def follow(self, memory: Memory, command: Record, judged: Judged) -> None:
        """Make a command the current one of the groups it touches, cut to the limits."""
        touched = np.array(judged.touched)[self._groups.of_joint]
        use, limits, knot = judged.use, self._limits, memory.knot
        given = np.where(use & self._keeps_force, command["effort_max"], memory.effort_cap)
        cap = np.minimum(np.maximum(given, self._grip), limits.effort)
        memory.effort_cap = np.where(given > 0.0, cap, limits.effort)
        flags = np.zeros(len(use), np.uint32)
        for name, low, high, flag in (
            ("q", limits.q_min, limits.q_max, Verdict.LIMITED_POSITION),
            ("v", -limits.speed, limits.speed, Verdict.LIMITED_SPEED),
            ("effort", -limits.effort, limits.effort, Verdict.LIMITED_EFFORT),
        ):
            is_meant = use if name != "q" else use & limits.is_position  # a wheel's position means nothing
            wanted = np.where(is_meant, command[name], 0.0)
            cut = np.minimum(np.maximum(wanted, low), high)
            flags |= np.where(is_meant & (cut != wanted), np.uint32(flag), np.uint32(0))
            setattr(knot, name, np.where(use, cut, getattr(knot, name)))
        is_bounded = use & (command["bounded"] != 0)
        if knot.is_boxed or is_bounded.any():
            knot.box = self._box(command, is_bounded).where(touched, knot.box)
            knot.is_boxed = any(np.isfinite(side).any() for side in knot.box)
        knot.use = np.where(touched, use, knot.use)
        for g, (is_touched, flag) in enumerate(zip(judged.touched, self._groups.union(flags), strict=True)):
            if is_touched:
                knot.flags[g] = flag
                memory.groups[g].run(int(command["at_ns"]), judged.stale_ns)
                memory.origins[g] = command["origin_ns"]

    def move(self, memory: Memory, limits: Limits, pace: Pace, now_ns: int) -> list[int]:
        """Advance the last command by one tick; return per group how its command was limited."""
        of_group = [_bits(g) for g in memory.groups]
        controlled, running, braking = self._who(tuple(of_group))
        active = running & memory.knot.use
        flags, v = [0] * self._groups.n, np.zeros(len(active))
        if any(b & _RUNNING for b in of_group) or memory.v_last.any():
            if memory.knot.is_boxed:
                limits = limits.within(memory.knot.box.where(active, self._unbounded))
            chase = self._chase(memory, limits, pace, (active, braking), now_ns)
            v = chase.clear * controlled
            flags = self._explain(chase, active, pace, memory.v_last)
            flags = [f | (k if b & _RUNNING else 0) for f, k, b in zip(flags, memory.knot.flags, of_group, strict=True)]
        self._advance(memory, v, controlled)
        if memory.knot.effort.any() or memory.effort_last.any():
            cut = self._groups.any(self._exert(memory, active, pace.clearance) & active)
            flags = [f | (Verdict.LIMITED_EFFORT if c else 0) for f, c in zip(flags, cut, strict=True)]
        memory.effort_last = memory.effort_last * controlled
        return flags

    def command(self, memory: Memory, joint_state: Record, now_ns: int) -> Record:
        """Return the ``joint_command`` of this tick.

        Its encoder origin is that of the reading that this tick was computed from; its other origins are those of the
        commands that run. (The encoder origin of a source's command is held to its budget on its own.)
        """
        record = m.blank(self._layout)
        record["stamp_ns"], record["counter"] = now_ns, memory.tick
        origin = joint_state["origin_ns"]
        running = [g for g, group in enumerate(memory.groups) if group.state == State.RUN]
        record["origin_ns"] = np.minimum(origin, memory.origins[running].min(axis=0)) if running else origin
        record["origin_ns"][self._encoder] = origin[self._encoder]
        record["q"], record["v"] = memory.q_last, memory.v_last
        record["effort"], record["effort_max"] = memory.effort_last, memory.effort_cap
        record["mode"] = self._modes(tuple(g.mode() for g in memory.groups))
        return record

    def _find_who(self, of_group: tuple[int, ...]) -> tuple[Mask, Mask, Mask]:
        """Return which joints are controlled, follow commands, and brake, given what is known of their groups."""
        bits = np.array(of_group, np.uint8)[self._groups.of_joint]
        return (bits & _CONTROLLED) != 0, (bits & _RUNNING) != 0, (bits & _BRAKING) != 0

    def _find_modes(self, of_group: tuple[Mode, ...]) -> NDArray[np.uint8]:
        """Return the joints' modes, given those of their groups."""
        modes = np.array(of_group, np.uint8)[self._groups.of_joint]
        return modes + self._is_wheel * (modes == _POSITION) * _TO_VELOCITY

    def _chase(self, memory: Memory, limits: Limits, pace: Pace, who: tuple[Mask, Mask], now_ns: int) -> _Chase:
        """Work out this tick's velocities.

        ``who``: the joints that follow commands, and those that brake, shape (n_joints,) each.
        """
        active, braking = who
        groups, q, v_last, cap = self._groups, memory.q_last, memory.v_last, limits.speed
        path = timely = paced = np.zeros(len(active))
        if active.any():
            share = min(pace.person, pace.blind)
            cap = cap if share >= 1.0 else np.where(self._is_face, 1.0, share) * cap
            path, timely = self._follow_path(memory, active, now_ns)
            paced = timely / excess(timely, cap, groups)[groups.of_joint]  # a group alike: it keeps its direction
        if braking.any():
            v = v_last * braking
            scale = braking_scale(v, limits.acceleration, groups, dt=self._dt)[groups.of_joint]
            paced, cap = np.where(braking, v * scale, paced), np.where(braking, self._limits.speed, cap)
        allowed = bounds(q, v_last, cap, limits, dt=self._dt)
        bounded = clear = allowed.clip(paced)
        if pace.clearance is not None:
            cfg = self._cfg
            scale = clearance_scale(pace.clearance, q, bounded, limits.acceleration, margin=cfg.clearance_margin_m,
                                    reserve=cfg.clearance_reserve, dt=self._dt)  # fmt: skip
            clear = bounded if scale is None else allowed.clip(np.where(active, bounded * scale, bounded))
        return _Chase(path, timely, paced, cap, bounded, allowed, clear)

    def _follow_path(self, memory: Memory, active: Mask, now_ns: int) -> tuple[Array, Array]:
        """Return the velocities that the knots ask for, and no more than braking in time for them allows, (n,) each."""
        limits, knot, dt = self._limits, memory.knot, self._dt
        q, v = memory.q_last, memory.v_last
        ends = [g.at_ns - now_ns if g.state == State.RUN else 1 for g in memory.groups]
        tau = np.array(ends)[self._groups.of_joint] * 1e-9
        path = path_velocity(q, v, knot.q, knot.v, tau=tau, dt=dt)
        timely = approach(path, q, knot.q, knot.v, a=limits.acceleration, dt=dt)
        if self._has_wheels:
            ramp = ramp_velocity(v, knot.v, tau=tau, dt=dt)
            path, timely = np.where(self._is_wheel, ramp, path), np.where(self._is_wheel, ramp, timely)
        return path * active, timely * active

    def _explain(self, chase: _Chase, active: Mask, pace: Pace, v_last: Array) -> list[int]:
        """Say per group what made its command smaller."""
        noise = self._noise
        if not (active & (np.abs(chase.path - chase.clear) > noise)).any():
            return [0] * self._groups.n
        by_clearance = np.abs(chase.bounded - chase.clear) > noise
        by_speed = np.abs(chase.timely - chase.paced) > noise
        by_limit = np.abs(chase.paced - chase.bounded) > noise
        by_time = np.abs(chase.path - chase.timely) > noise
        step, allowed, cap = self._limits.acceleration * self._dt, chase.allowed, chase.cap
        by_position = by_limit & np.where(chase.paced > chase.bounded, allowed.high < np.minimum(cap, v_last + step),
                                          allowed.low > np.maximum(-cap, v_last - step))  # fmt: skip
        surroundings = Verdict.LIMITED_PERSON if pace.person < 1.0 else Verdict.NONE
        surroundings |= Verdict.LIMITED_CLEARANCE if pace.blind < 1.0 else Verdict.NONE
        own = np.uint32(Verdict.LIMITED_SPEED)
        flags = by_clearance * np.uint32(Verdict.LIMITED_CLEARANCE)
        flags |= by_speed * np.where(self._is_face, own, np.uint32(surroundings or own))
        flags |= by_position * np.uint32(Verdict.LIMITED_POSITION)
        flags |= (by_time | (by_limit & ~by_position)) * np.uint32(Verdict.LIMITED_ACCELERATION)
        return self._groups.union(flags * active)

    def _box(self, command: Record, is_bounded: Mask) -> Box:
        given = Box(command["position_min"], command["position_max"], command["speed_max"])
        return given.where(is_bounded, self._unbounded)

    def _hard(self, q_last: Array) -> tuple[Array, Array]:
        """Return what no command leaves: the hard limits, or the last command where that is outside them."""
        return np.minimum(self._limits.q_min, q_last), np.maximum(self._limits.q_max, q_last)

    def _advance(self, memory: Memory, v: Array, controlled: Mask) -> None:
        # Rounding aside, the bounds keep q within the limits; the clip is for the last bit.
        low, high = self._hard(memory.q_last)
        q = np.minimum(np.maximum(memory.q_last + v * self._dt, low), high)
        follows = ~(controlled & self._limits.is_position) & np.isfinite(memory.seen.q)
        memory.q_last, memory.v_last = np.where(follows, memory.seen.q, q), v

    def _exert(self, memory: Memory, active: Mask, clearance: Record | None) -> Mask:
        """Ramp feed-forward effort to what is commanded, to nothing where nobody commands.

        It is cut to what gravity explains, within ``effort_fraction``, and to the effort limit. Returns the joints for
        which it was cut, shape (n_joints,).
        """
        bias = np.zeros(len(active)) if clearance is None else clearance["effort_bias"]
        wanted = memory.knot.effort * active
        low, high = np.fmin(bias, 0.0) - self._effort_slack, np.fmax(bias, 0.0) + self._effort_slack  # NaN counts as 0
        target = np.minimum(np.maximum(wanted, low), high)
        last, step, cap = memory.effort_last, self._effort_step, memory.effort_cap
        effort = np.minimum(np.maximum(target, last - step), last + step)
        memory.effort_last = np.minimum(np.maximum(effort, -cap), cap)
        return target != wanted


def _bits(group: Group) -> int:
    """Return what motion needs to know of a group's state."""
    if not group.is_controlled:
        return 0
    return _CONTROLLED | (_RUNNING if group.state == State.RUN else 0) | (_BRAKING if group.is_braking else 0)
