"""Judges a source's command before it may move anything: lease, counter, numbers, time, ages, start of its path.

A command is refused whole or taken up whole. It reads the gate's memory and changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import UNUSED
from vagus.core.messages import Record, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.leases import Lease
from vagus.reflex.limits import Array, Groups, Limits, Mask, per_joint
from vagus.reflex.states import Group


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate makes of a command."""

    verdict: Verdict
    """Why it is refused; NONE if it is taken up."""
    is_late: bool
    """It is refused only because its time has passed: lateness, no fault."""
    use: Mask
    """The joints it uses, shape (n_joints,)."""
    touched: list[bool]
    """The groups it touches."""
    proven: list[bool]
    """Those of them whose lease it proves by its token: they brake if it is refused, nobody else's do."""
    stale_ns: int
    """The last time at which every sample behind it is within its budget [ns]."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the robot is: what a first command must start from, shape (n_joints,) each."""

    measured: Array
    commanded: Array


class Judge:
    """Knows the robot's budgets and reaches."""

    def __init__(self, spec: RobotSpec, cfg: GateCfg, limits: Limits, groups: Groups) -> None:
        self._groups, self._limits = groups, limits
        self._encoder = spec.sensor_index(spec.encoder.name)
        self._cap_ns = np.full(len(spec.sensors), UNUSED, np.int64)
        self._cap_ns[self._encoder] = round(cfg.command_encoder_age_s * 1e9)
        self._age_ns, self._horizon_ns = round(cfg.command_age_s * 1e9), round(cfg.horizon_s * 1e9)
        self._future_ns = round(cfg.future_s * 1e9)
        self._near = per_joint(spec, rad=cfg.near_rad, m=cfg.near_m)
        self._keeps_force = np.array([spec.groups[g].on_estop == "hold" for g in groups.of_joint])

    def judge(self, command: Record, source: int, leases: list[Lease], newest: int, now_ns: int) -> Judged:
        """Judge all but the start of the path.

        Args:
            command: The command.
            source: Whose stream it came from.
            leases: Every group's lease.
            newest: Counter of the last command taken up from this source.
            now_ns: The robot's clock [ns].
        """
        use = command["use"] != 0
        touched = self._groups.any(use)
        stale_ns = self._stale_ns(command)
        verdict, is_late = Verdict.NONE, False
        tokens = command["lease"].tolist()
        proven = [
            is_touched and lease.source == source and lease.token == token
            for is_touched, lease, token in zip(touched, leases, tokens, strict=True)
        ]
        if proven != touched:
            verdict = Verdict.REFUSED_NO_LEASE
        elif int(command["counter"]) < newest:
            verdict = Verdict.REFUSED_REPLAYED
        elif not self._is_made_of_numbers(command, use):
            verdict = Verdict.REFUSED_NOT_FINITE
        elif self._is_from_future(command, now_ns):
            verdict = Verdict.REFUSED_FUTURE
        elif now_ns > stale_ns or now_ns - int(command["stamp_ns"]) > self._age_ns:
            verdict = Verdict.REFUSED_STALE
        elif int(command["at_ns"]) <= now_ns:
            verdict, is_late = Verdict.REFUSED_STALE, True
        return Judged(verdict, is_late, use, touched, proven, stale_ns)

    def starts_far(self, command: Record, judged: Judged, groups: list[Group], pose: Pose, now_ns: int) -> list[bool]:
        """Say per group whether the command starts too far from where the group is.

        Leaving HOLD, the target must be within reach of the measured pose: ``near`` plus what ``speed_max`` covers
        until it is due. A gripper may also start from its last command: what it holds keeps it from getting there.
        Resuming while STOPPING, the target must be within reach of the last command.
        """
        starting = np.array([g.state == State.HOLD for g in groups])[self._groups.of_joint]
        resuming = np.array([g.state == State.STOPPING for g in groups])[self._groups.of_joint]
        reach = self._near + self._limits.speed * ((int(command["at_ns"]) - now_ns) * 1e-9)
        q = np.where(judged.use, command["q"], 0.0)
        off_command = np.abs(q - pose.commanded) > reach
        off_measured = ~(np.abs(q - pose.measured) <= reach)  # not yet seen, NaN, is far
        far = np.where(starting, off_measured & (off_command | ~self._keeps_force), resuming & off_command)
        return self._groups.any(far & judged.use & self._limits.is_position)

    def _is_made_of_numbers(self, command: Record, use: Mask) -> bool:
        numbers = np.concatenate([command[key][use] for key in ("q", "v", "effort", "effort_max")])
        if not (np.isfinite(numbers).all() and (command["effort_max"][use] >= 0.0).all()):
            return False
        bounded = use & (command["bounded"] != 0)  # infinite is no bound; NaN is neither below nor above anything
        is_box = command["position_min"] <= command["position_max"]
        return bool((is_box & (command["speed_max"] > 0.0))[bounded].all())

    def _is_from_future(self, command: Record, now_ns: int) -> bool:
        latest_ns = now_ns + self._future_ns
        origin = command["origin_ns"]
        if int(command["stamp_ns"]) > latest_ns or int(command["at_ns"]) > now_ns + self._horizon_ns:
            return True
        return bool(((origin != UNUSED) & (origin > latest_ns)).any())

    def _stale_ns(self, command: Record) -> int:
        """Return until when every used sample is within budget: the source's own, and the gate's for the encoder."""
        origin: NDArray[np.int64] = command["origin_ns"]
        budget: NDArray[np.int64] = np.minimum(command["budget_ns"], self._cap_ns)
        pairs = zip(origin.tolist(), budget.tolist(), strict=True)  # plain integers: sums of hostile ones do not wrap
        return min((o + b for o, b in pairs if UNUSED not in (o, b)), default=UNUSED)
