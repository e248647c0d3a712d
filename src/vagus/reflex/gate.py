"""The gate: the last code before the actuators. Refuses, limits or replaces commands; owns the stop states.

``step`` is a function of its memory, its inputs and ``now_ns`` alone: it reads no clock, no stream, no random source,
so the same inputs always give the same outputs. It composes the rules of this room: ``senses``, ``leases``, ``states``,
``commands``; ``motion`` moves what they let move. It is a software stop, not a certified safety function.
"""

from dataclasses import dataclass, replace

import numpy as np

from vagus.core import messages as m
from vagus.core.errors import CommandError
from vagus.core.messages import Record, Request, Source, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.commands import Judge, Judged, Pose
from vagus.reflex.leases import Answer, Ask
from vagus.reflex.limits import Groups, Limits
from vagus.reflex.memory import Inputs, Memory, Output, fresh
from vagus.reflex.motion import Motion, Pace
from vagus.reflex.senses import Reading, Senses
from vagus.reflex.states import Facts, settle

PERSONS = (Source.TELEOP, Source.OPERATOR)
"""Sources that speak for a person, who alone may leave an emergency stop."""
_LASTING = (State.HOLD, State.RUN)
"""States that good readings do not change."""


@dataclass(slots=True)
class _Tick:
    """What is being worked out in this tick."""

    now_ns: int
    verdicts: list[int]
    """What became of commands and requests, flags of ``Verdict`` per group (plain integers: enums are slow)."""
    reading: Reading | None = None


class Gate:
    """One robot's gate."""

    def __init__(self, spec: RobotSpec, cfg: GateCfg | None = None, *, seed: int = 0) -> None:
        """Prepare for a robot; ``seed`` starts the lease tokens.

        Raises:
            ConfigError: The configured envelope does not fit the robot.
        """
        cfg = cfg or GateCfg()
        if cfg.watches_people is None:
            cfg = replace(cfg, watches_people=spec.lidar is not None)
        if cfg.expects_clearance is None:
            cfg = replace(cfg, expects_clearance=bool(spec.arms))
        self.spec, self.cfg = spec, cfg
        self.limits = Limits.of(spec).tightened(cfg.envelope)
        self._seed = seed
        self._groups = Groups(spec)
        self._senses = Senses(spec, cfg, self.limits, self._groups)
        self._judge = Judge(spec, cfg, self.limits, self._groups)
        self._motion = Motion(spec, cfg, self._groups)
        self._watchdog_ns = round(spec.watchdog_s * 1e9)
        self._lease_max_ns = round(cfg.lease_max_s * 1e9)
        self._request_age_ns, self._future_ns = round(cfg.request_age_s * 1e9), round(cfg.future_s * 1e9)
        self._layout = m.reflex(spec)

    def start(self, now_ns: int, *, is_estopped: bool = False) -> Memory:
        """Return the memory of a gate that starts after ``now_ns``, OFF, or in ESTOP if one is latched."""
        memory = fresh(self.spec, self.limits, self._groups, self._senses.start(), seed=self._seed, now_ns=now_ns)
        for group in memory.groups:
            if is_estopped:
                group.estop(now_ns)
        return memory

    def step(self, memory: Memory, inputs: Inputs, now_ns: int) -> Output:
        """Do one tick; updates ``memory``.

        Raises:
            CommandError: Time did not advance since the last tick.
        """
        if now_ns <= memory.now_ns:
            raise CommandError(f"now_ns: got {now_ns}, allowed: after the last tick's, {memory.now_ns}")
        tick = _Tick(now_ns, [0] * self._groups.n)
        self._mind_gap(memory, now_ns)
        self._read(memory, inputs, tick)
        self._handle_requests(memory, inputs, tick)
        self._settle(memory, tick)
        self._grant(memory, now_ns)
        for source, command in inputs.commands:
            self._take_up(memory, source, command, tick)
        pace = self._pace(inputs, now_ns)
        self._watch(memory, pace, tick)
        flags = self._motion.move(memory, self.limits, pace, now_ns)
        memory.limited += any(flags)
        tick.verdicts = [v | f for v, f in zip(tick.verdicts, flags, strict=True)]
        memory.tick, memory.now_ns = memory.tick + 1, now_ns
        command = None
        if inputs.joint_state is not None:
            command = self._motion.command(memory, inputs.joint_state, now_ns)
        return Output(command, self._report(memory, inputs, tick))

    def _mind_gap(self, memory: Memory, now_ns: int) -> None:
        """A gap as long as the body's watchdog: the body has braked by itself, so nothing goes on from where it was."""
        if now_ns - memory.now_ns >= self._watchdog_ns:
            memory.v_last = np.zeros(self.spec.n_joints)
            for g, group in enumerate(memory.groups):
                if group.state != State.OFF:
                    memory.leases.end(g, is_stopped=group.state in (State.RUN, State.STOPPING))
                group.lose()
                group.moved_ns = now_ns

    def _read(self, memory: Memory, inputs: Inputs, tick: _Tick) -> None:
        if inputs.joint_state is not None:
            tick.reading = self._senses.read(memory.seen, inputs.joint_state, tick.now_ns)
        for g, group in enumerate(memory.groups):
            if tick.reading is None or tick.reading.is_moving[g]:
                group.moved_ns = tick.now_ns
            if tick.reading is None or tick.reading.is_doubtful[g]:
                group.doubted_ns = tick.now_ns

    def _stop(self, memory: Memory, g: int, cause: Verdict, *, keeps_lease: bool = False) -> None:
        """Brake a group; unless it is merely late, its lease ends at once."""
        group = memory.groups[g]
        is_moving = group.state in (State.RUN, State.STOPPING)
        group.stop(cause)
        if not keeps_lease:
            memory.leases.end(g, is_stopped=is_moving)

    def _handle_requests(self, memory: Memory, inputs: Inputs, tick: _Tick) -> None:
        if inputs.is_request_lost:
            self._estop(memory, tick.now_ns)
        for source, request in inputs.requests:
            kind, mask = int(request["kind"]), int(request["groups"])
            if kind == Request.ESTOP:  # whatever its groups and stamps: a stop is never refused
                self._estop(memory, tick.now_ns)
                continue
            asked = [g for g in range(self._groups.n) if mask >> g & 1]
            if kind == Request.RELEASE:
                self._release(memory, source, asked)
            elif kind == Request.RESET and source in PERSONS and self._is_recent(request, tick.now_ns):
                self._reset(memory, tick)
            elif kind == Request.LEASE and self._is_leasable(source, request, tick.now_ns):
                for g in asked:
                    self._lease(memory, source, request, g, tick)
            else:
                memory.refused += 1
                for g in asked:
                    tick.verdicts[g] |= Verdict.REFUSED_STATE
        for g in range(self._groups.n):
            if memory.leases.has_ended(g, tick.now_ns):
                self._stop(memory, g, self._moving_cause(memory, g, Verdict.STOPPED_LEASE_END))

    def _is_recent(self, request: Record, now_ns: int) -> bool:
        return -self._future_ns <= now_ns - int(request["stamp_ns"]) <= self._request_age_ns

    def _is_leasable(self, source: Source, request: Record, now_ns: int) -> bool:
        is_known = int(request["groups"]) >> self._groups.n == 0
        return source in m.SOURCES_COMMANDING and is_known and int(request["duration_ns"]) > 0 and self._is_recent(
            request, now_ns
        )  # fmt: skip

    def _estop(self, memory: Memory, now_ns: int) -> None:
        for g, group in enumerate(memory.groups):
            memory.leases.clear(g)
            group.estop(now_ns)

    def _reset(self, memory: Memory, tick: _Tick) -> None:
        """Leave the emergency stop as a whole, or not at all."""
        if all(group.can_reset(tick.now_ns, self.cfg) for group in memory.groups):
            for group in memory.groups:
                group.reset(tick.now_ns)
            return
        memory.refused += 1
        tick.verdicts = [v | Verdict.REFUSED_STATE for v in tick.verdicts]

    @staticmethod
    def _moving_cause(memory: Memory, g: int, cause: Verdict) -> Verdict:
        """Return the cause for a group in motion; a group that holds is not stopped by losing its lease."""
        return cause if memory.groups[g].state in (State.RUN, State.STOPPING) else Verdict.NONE

    def _release(self, memory: Memory, source: Source, asked: list[int]) -> None:
        for g in asked:
            memory.leases.withdraw(g, source)
            if memory.leases.held[g].source == source:
                self._stop(memory, g, self._moving_cause(memory, g, Verdict.STOPPED_LEASE_END))

    def _lease(self, memory: Memory, source: Source, request: Record, g: int, tick: _Tick) -> None:
        duration_ns = min(int(request["duration_ns"]), self._lease_max_ns)
        self._forget_counter(memory, source)
        answer = memory.leases.ask(
            g, Ask(source, int(request["nonce"]), duration_ns, tick.now_ns), memory.groups[g].state
        )
        if answer is Answer.REFUSED:
            memory.refused += 1
            tick.verdicts[g] |= Verdict.REFUSED_STATE
        elif answer is Answer.PREEMPTS:
            self._stop(memory, g, Verdict.STOPPED_PREEMPTED)

    def _settle(self, memory: Memory, tick: _Tick) -> None:
        reading = tick.reading
        if reading is None:
            return
        is_quiet = reading.is_fresh and not any(reading.is_untrusted)
        if is_quiet and all(group.state in _LASTING for group in memory.groups):
            return
        still = [not x for x in self._groups.any(memory.v_last != 0.0)]
        is_inside = self._senses.is_inside(memory.seen.q)
        for g, group in enumerate(memory.groups):
            before = group.state
            facts = Facts(reading.is_fresh, not reading.is_untrusted[g], still[g], is_inside[g])
            if settle(group, facts, tick.now_ns, self.cfg):
                self._motion.take_pose(memory, g)
            # Stale readings brake, as a late source does; its lease ends when the group holds, or is not trusted.
            is_only_stale = not reading.is_fresh and group.state == State.STOPPING
            if group.state != before and not is_only_stale:
                memory.leases.end(g, is_stopped=before in (State.RUN, State.STOPPING))

    def _grant(self, memory: Memory, now_ns: int) -> None:
        for g, group in enumerate(memory.groups):
            ask = memory.leases.waiting[g]
            if ask is not None and group.state == State.HOLD:
                self._forget_counter(memory, ask.source)
                memory.leases.grant_waiting(g, ask, now_ns)

    @staticmethod
    def _forget_counter(memory: Memory, source: int) -> None:
        """Let a source that gets its first lease count anew; old commands of its carry old tokens."""
        if not memory.leases.holds_any(source):
            memory.newest[source] = 0

    def _take_up(self, memory: Memory, source: Source, command: Record, tick: _Tick) -> None:
        """Take up a source's newest command if it is new and passes, else brake what its source commands with it."""
        counter = int(command["counter"])
        if counter == memory.judged[source]:
            return  # judged before: still the current command, or still refused
        if tick.reading is not None and not tick.reading.is_fresh:
            return  # nothing is judged on readings that are none; the body is braking
        memory.judged[source] = counter
        judged = self._judge.judge(command, source, memory.leases.held, memory.newest[source], tick.now_ns)
        verdict = judged.verdict
        if verdict == Verdict.NONE:
            pose = Pose(memory.seen.q, memory.q_last)
            if any(self._judge.starts_far(command, judged, memory.groups, pose, tick.now_ns)):
                verdict = Verdict.REFUSED_FAR_FROM_POSE
        if verdict == Verdict.NONE:
            memory.newest[source] = counter
            self._motion.follow(memory, command, judged)
        else:
            self._refuse(memory, judged, verdict, tick)

    def _refuse(self, memory: Memory, judged: Judged, verdict: Verdict, tick: _Tick) -> None:
        memory.refused += 1
        cause = Verdict.STOPPED_LATE if judged.is_late else Verdict.STOPPED_REFUSED
        for g in range(self._groups.n):
            if judged.touched[g]:
                tick.verdicts[g] |= verdict
            if judged.proven[g]:  # who proves no lease disturbs nobody
                self._stop(memory, g, cause, keeps_lease=judged.is_late)

    def _watch(self, memory: Memory, pace: Pace, tick: _Tick) -> None:
        """Stop what runs late, on data that has grown too old, off its path, or against something."""
        reading = tick.reading
        if reading is None:
            return
        bias = None if pace.clearance is None else pace.clearance["effort_bias"]
        strained = self._senses.is_strained(memory.seen, reading, bias)
        running = [g for g, group in enumerate(memory.groups) if group.state == State.RUN]
        if not running:
            return
        off_path = self._senses.is_off_path(reading, memory.q_last, memory.v_last)
        for g in running:
            group = memory.groups[g]
            if tick.now_ns > group.stale_ns:
                tick.verdicts[g] |= Verdict.REFUSED_STALE
                self._stop(memory, g, Verdict.STOPPED_REFUSED)
            if off_path[g]:
                self._stop(memory, g, Verdict.STOPPED_FOLLOWING_ERROR)
            if strained[g]:
                self._stop(memory, g, Verdict.STOPPED_TORQUE)
            if tick.now_ns >= group.at_ns:
                self._stop(memory, g, Verdict.STOPPED_LATE, keeps_lease=True)

    def _pace(self, inputs: Inputs, now_ns: int) -> Pace:
        """Return how fast the surroundings let the robot move."""
        person = self._senses.person_scale(inputs.proximity, now_ns)
        is_usable = self._senses.is_clearance_usable(inputs.clearance, now_ns)
        blind = 1.0 if is_usable or not self.cfg.expects_clearance else self.cfg.slow_fraction
        return Pace(person, blind, inputs.clearance if is_usable else None)

    def _report(self, memory: Memory, inputs: Inputs, tick: _Tick) -> Record:
        record = m.blank(self._layout)
        record["stamp_ns"] = tick.now_ns
        if inputs.joint_state is not None:
            record["origin_ns"] = inputs.joint_state["origin_ns"]
        record["tick"], record["refused"], record["limited"] = memory.tick, memory.refused, memory.limited
        held = memory.leases.held
        record["lease"] = [lease.token for lease in held]
        record["lease_nonce"] = [lease.nonce for lease in held]
        record["lease_until_ns"] = [lease.until_ns for lease in held]
        record["holder"] = [int(lease.source) for lease in held]
        record["q_last"], record["v_last"] = memory.q_last, memory.v_last
        record["cause"] = [int(group.cause) for group in memory.groups]
        record["verdict"] = tick.verdicts
        record["state"] = [int(group.state) for group in memory.groups]
        return record
