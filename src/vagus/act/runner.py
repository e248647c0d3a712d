"""Runs skills: gets their groups, merges their targets into one command per tick, and ends them for every good reason.

Pure: an observation in, records and words out. Skills on different groups run side by side; a new skill replaces the
ones whose groups it needs. What the reflex does with the commands is read back from its records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import Kinematics
from vagus.act.leases import Leases
from vagus.act.scene import past_hands
from vagus.act.skill import (
    EYE,
    Args,
    Array,
    Context,
    Gaze,
    Held,
    Observation,
    Outcome,
    Skill,
    SkillSpec,
    Targets,
    check_args,
)
from vagus.act.skills import find
from vagus.core import messages as m
from vagus.core.ages import UNUSED, Origins, merge
from vagus.core.errors import VagusError
from vagus.core.messages import Record, Source, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.core.things import Thing

PERIOD_S = 0.01
"""How often ``step`` is meant to be called [s]."""
LEAD_S = 0.04
"""How far ahead commands are [s]: it rides out hiccups of a process among others, and when that process dies the gate
brakes within 50 ms."""
ENCODER_BUDGET_S = 0.05
"""Oldest encoder reading that any skill commands on [s]."""
_GRANT_NS = 2_000_000_000  # how long to wait for groups: longer than braking from full speed
_AGAIN_MAX = 3  # how often a skill asks again for groups it lost because readings came late
_SILENT_NS = 500_000_000  # readings older than this end every skill
_NS = 1_000_000_000
_NOTHING = Targets(joints=np.zeros(0, np.intp), q=np.zeros(0), v=np.zeros(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A skill that ended, under the id it was started with."""

    id: int
    skill: SkillSpec
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnerOutput:
    """What one tick asks to be published."""

    command: Record | None = None
    requests: list[Record] = field(default_factory=list[Record])
    said: list[str] = field(default_factory=list[str])
    gaze: Gaze | None = None
    """What the eye shall follow; None: nothing."""
    outcomes: list[Ended] = field(default_factory=list[Ended])


@dataclass(kw_only=True, slots=True)
class _Running:
    skill: SkillSpec
    args: Args
    id: int
    groups: int
    envelope: dict[str, Array]
    """Per field of a command that declares it, one value per joint; empty: none."""
    asked_ns: int | None = None
    is_waiting: bool = False
    """It lost its groups to a hiccup and asks for them again,"""
    n_again: int = 0
    """for the so manieth time."""
    old_causes: list[int] = field(default_factory=list[int])
    """Why each group had stopped before it began: it stands there until the group runs."""
    started_ns: int | None = None
    steps: Skill | None = None
    told: NDArray[np.bool_]
    """The joints it has moved so far, shape (n_joints,): each stays where it was told to be last, with that effort."""
    q: Array
    effort_max: Array


class SkillRunner:
    """Runs the skills of one source of commands."""

    def __init__(
        self, spec: RobotSpec, kinematics: Kinematics, rng: np.random.Generator, source: Source = Source.SKILL
    ) -> None:
        self._spec, self._source = spec, source
        self._context = Context(spec=spec, kinematics=kinematics, rng=rng, lead_ns=round(LEAD_S * _NS))
        self._leases = Leases(spec, source, rng)
        self._running: list[_Running] = []
        self._ended: list[Ended] = []
        self._counter = 0
        self._joint_group = spec.group_of_joint()

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the skills that have not ended."""
        return tuple(r.skill.name for r in self._running)

    @property
    def held(self) -> Mapping[str, Held]:
        """What skills know to be in the hands, by arm."""
        return self._context.held

    def not_held(self, obs: Observation) -> tuple[Thing, ...]:
        """Return the things that stand somewhere, not those in a hand."""
        return past_hands(self._context, obs).things

    def start(self, name: str, args: Mapping[str, object], id: int) -> None:  # noqa: A002
        """Start a skill; those whose groups it needs end as "replaced".

        Raises:
            ConfigError: Unknown skill or argument, the robot lacks the anatomy, or the skill's envelope does not fit
                it; nothing has changed then.
        """
        skill = find(self._spec, name)
        checked = check_args(skill, args)
        envelope = self._envelope(skill)
        groups = self._spec.group_mask(skill.joints(self._spec, checked))
        for other in list(self._running):
            if skill.stops_others:
                self._end(other, Outcome(ok=False, reason="cancelled"))
            elif other.groups & groups:
                self._end(other, Outcome(ok=False, reason="replaced"))
        n, effort_max = self._spec.n_joints, self._spec.array("effort_max")
        self._running.append(_Running(skill=skill, args=checked, id=id, groups=groups, envelope=envelope,
                                      told=np.zeros(n, bool), q=np.zeros(n), effort_max=effort_max))  # fmt: skip

    def cancel(self, id: int | None = None) -> None:  # noqa: A002
        """End one skill, or all; the reflex brakes when their leases are given back at the next step."""
        for running in list(self._running):
            if id is None or running.id == id:
                self._end(running, Outcome(ok=False, reason="cancelled"))

    def step(self, obs: Observation) -> RunnerOutput:
        """Do one tick: publish what is returned, in the order requests, command."""
        is_live = self._is_live(obs)
        if is_live and obs.reflex is not None:
            self._leases.update(obs.reflex)
        targets: list[tuple[_Running, Targets]] = []
        for running in list(self._running):
            if running.asked_ns is None:
                running.asked_ns = obs.now_ns
            may_go_on = not running.groups or (is_live and self._has_groups(running, obs))
            wanted = self._advance(running, obs) if may_go_on else None
            if may_go_on and running in self._running and (wanted is not None or running.told.any()):
                targets.append((running, wanted or _NOTHING))
            if running.groups and not is_live and running in self._running:
                self._end_in_silence(running, obs)
        requests: list[Record] = []
        if is_live and obs.reflex is not None:
            requests = self._leases.requests(self._wanted(), obs.reflex, obs.now_ns)
        has_joints = any(len(t.joints) or r.told.any() for r, t in targets)
        command = self._merge(obs, targets) if has_joints else None
        ended, self._ended = self._ended, []
        return RunnerOutput(command=command, requests=requests, said=[t.say for _, t in targets if t.say],
                            gaze=next((t.gaze for _, t in targets if t.gaze), None), outcomes=ended)  # fmt: skip

    def _wanted(self) -> int:
        return int(np.bitwise_or.reduce([r.groups for r in self._running] or [0]))

    def _is_live(self, obs: Observation) -> bool:
        """Say whether encoder readings and the reflex's records still come."""
        if obs.joint_state is None or obs.reflex is None:
            return False
        origin = int(obs.joint_state["origin_ns"][self._spec.sensor_index(self._spec.encoder.name)])
        return obs.now_ns - min(origin, int(obs.reflex["stamp_ns"])) <= _SILENT_NS

    def _end_in_silence(self, running: _Running, obs: Observation) -> None:
        if running.steps is not None or obs.now_ns - (running.asked_ns or 0) > _SILENT_NS:
            self._end(running, Outcome(ok=False, reason="no_readings"))

    def _has_groups(self, running: _Running, obs: Observation) -> bool:
        """Say whether the skill holds all its groups; ends it where it lost one, or never got one."""
        if not running.groups & ~self._leases.held:
            running.is_waiting = False
            return True
        if obs.reflex is None:
            return False
        mine = [g for g in range(len(self._spec.groups)) if running.groups >> g & 1]
        is_latched = any(int(obs.reflex["state"][g]) == State.ESTOP for g in mine)
        if running.steps is not None and self._is_hiccup(running, obs.reflex) and running.n_again < _AGAIN_MAX:
            if not running.is_waiting:
                running.is_waiting, running.asked_ns, running.n_again = True, obs.now_ns, running.n_again + 1
            if obs.now_ns - (running.asked_ns or 0) <= _GRANT_NS:
                return False
        if running.steps is not None:
            self._end(running, Outcome(ok=False, reason=self._why_lost(mine, obs.reflex)))
        elif is_latched or obs.now_ns - (running.asked_ns or 0) > _GRANT_NS:
            self._end(running, Outcome(ok=False, reason="emergency_stop" if is_latched else "not_granted"))
        return False

    def _is_hiccup(self, running: _Running, reflex: Record) -> bool:
        """Say whether groups were lost to readings that came late, and to nothing else: then they are asked for again.

        A computer that stands still for ten milliseconds is no reason to give up what was asked for. The gate has
        braked, and lets go of HOLD only by a new lease and a command near the pose, as ever.
        """
        lost = [g for g in range(len(self._spec.groups)) if (running.groups & ~self._leases.held) >> g & 1]
        causes = [int(reflex["cause"][g]) & ~running.old_causes[g] for g in lost]
        is_free = all(int(reflex["holder"][g]) in (Source.NOBODY, self._source) for g in lost)
        only = int(Verdict.STOPPED_ENCODER_STALE | Verdict.STOPPED_LATE)
        is_late = any(cause & Verdict.STOPPED_ENCODER_STALE for cause in causes)
        return is_free and is_late and not any(cause & ~only for cause in causes)

    def _why_lost(self, groups: list[int], reflex: Record) -> str:
        """Read from the reflex why a group was lost: the gravest of the groups' causes."""
        cause = int(np.bitwise_or.reduce([int(reflex["cause"][g]) for g in groups]))
        if any(int(reflex["state"][g]) == State.ESTOP for g in groups) or cause & Verdict.STOPPED_ESTOP:
            return "emergency_stop"
        if cause & (Verdict.STOPPED_FOLLOWING_ERROR | Verdict.STOPPED_TORQUE):
            return "contact"
        is_taken = any(int(reflex["holder"][g]) not in (Source.NOBODY, self._source) for g in groups)
        return "preempted" if is_taken or cause & Verdict.STOPPED_PREEMPTED else "stopped"

    def _advance(self, running: _Running, obs: Observation) -> Targets | None:
        """Let one skill do its tick: start, go on, or end."""
        if running.started_ns is None:
            running.started_ns = obs.now_ns
        if obs.now_ns - running.started_ns > running.skill.timeout_s * _NS:
            self._end(running, Outcome(ok=False, reason="timeout"))
            return None
        try:
            if running.steps is None:
                running.old_causes = [] if obs.reflex is None else obs.reflex["cause"].tolist()
                running.steps = running.skill.run(self._context, obs, running.args)
                return next(running.steps)
            return running.steps.send(obs)
        except StopIteration as end:
            self._end(running, end.value)
        except VagusError as error:  # its groups are given back like any failed skill's; the others go on
            self._end(running, Outcome(ok=False, reason="error", detail=str(error)))
        return None

    def _end(self, running: _Running, outcome: Outcome) -> None:
        if running.steps is not None:
            running.steps.close()
        self._running.remove(running)
        self._ended.append(Ended(id=running.id, skill=running.skill, outcome=outcome))

    def _merge(self, obs: Observation, targets: list[tuple[_Running, Targets]]) -> Record:
        """Return one command for the joints of all skills; its origins and budgets are the strictest of theirs."""
        self._counter += 1
        command = m.blank(m.command(self._spec))
        command["stamp_ns"], command["counter"] = obs.now_ns, self._counter
        command["at_ns"] = self._context.at_ns(obs)
        command["effort_max"] = self._spec.array("effort_max")
        command["origin_ns"] = self._origins(obs, [t for _, t in targets])
        command["budget_ns"] = self._budgets([running.skill for running, _ in targets])
        for running, wanted in targets:
            if wanted.effort_max is not None:
                running.effort_max[wanted.joints] = wanted.effort_max
            running.q[wanted.joints], running.told[wanted.joints] = wanted.q, True
            joints = np.flatnonzero(running.told)
            for name, values in running.envelope.items():
                command[name][joints] = values[joints]
            command["use"][joints] = 1
            command["q"][joints], command["effort_max"][joints] = running.q[joints], running.effort_max[joints]
            command["v"][wanted.joints] = wanted.v
        used = np.unique(self._joint_group[command["use"] == 1])
        command["lease"][used] = self._leases.tokens[used]
        return command

    def _envelope(self, skill: SkillSpec) -> dict[str, Array]:
        """Return the fields of a command in which a skill declares its envelope."""
        if skill.envelope is None:
            return {}
        envelope, n = skill.envelope(self._spec), self._spec.n_joints
        low, high = envelope.positions(n)
        speed = envelope.speed_fraction * self._spec.array("speed_max")
        return {"bounded": np.ones(n), "position_min": low, "position_max": high, "speed_max": speed}

    def _origins(self, obs: Observation, targets: list[Targets]) -> Origins:
        encoders = np.full(len(self._spec.sensors), UNUSED, np.int64)
        if obs.joint_state is not None:
            encoders = obs.joint_state["origin_ns"]
        return merge(encoders, *[t.origin_ns for t in targets if t.origin_ns is not None])

    def _budgets(self, skills: list[SkillSpec]) -> Origins:
        budgets = np.full(len(self._spec.sensors), UNUSED, np.int64)
        budgets[self._spec.sensor_index(self._spec.encoder.name)] = round(ENCODER_BUDGET_S * _NS)
        eye = self._spec.eye
        for k, sensor in enumerate(self._spec.sensors):
            name = EYE if sensor is eye else sensor.name
            for skill in skills:
                if name in skill.budget_s:
                    budgets[k] = min(int(budgets[k]), round(skill.budget_s[name] * _NS))
        return budgets
