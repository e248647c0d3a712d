"""What the gate remembers between ticks, as one explicit value, and what goes in and comes out of a tick."""

from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import unused
from vagus.core.messages import Record, Source
from vagus.core.robot import RobotSpec
from vagus.reflex.leases import Leases
from vagus.reflex.limits import Array, Box, Groups, Limits, Mask
from vagus.reflex.senses import Seen
from vagus.reflex.states import Group


@dataclass(slots=True)
class Knot:
    """What the joints' sources want, shape (n_joints,) each; meaningful for joints of groups in RUN."""

    q: Array
    """Positions, within the hard limits."""
    v: Array
    """Velocities, within the speed limits."""
    effort: Array
    """Feed-forward efforts, within the effort limits."""
    box: Box
    """What the sources keep to besides the limits."""
    is_boxed: bool
    """Whether that box bounds anything."""
    use: Mask
    """Joints that the source commands; the others of its group stay where they are."""
    flags: list[int]
    """Verdicts on what had to be made smaller for that, per group."""


@dataclass(slots=True)
class Memory:
    """Everything the gate knows from earlier ticks. The gate updates it in place; ``copy`` it to keep one."""

    now_ns: int
    """Time of the last tick [ns]."""
    q_last: Array
    """Last commanded positions, shape (n_joints,)."""
    v_last: Array
    """Last commanded velocities."""
    effort_last: Array
    """Last commanded feed-forward efforts."""
    effort_cap: Array
    """Effort limits in force."""
    knot: Knot
    seen: Seen
    groups: list[Group]
    leases: Leases
    origins: NDArray[np.int64]
    """Origins of the command behind each group, shape (n_groups, n_sensors)."""
    newest: list[int]
    """Counter of the last command taken up, per source."""
    judged: list[int]
    """Counter of the last command judged, per source; -1 before the first."""
    tick: int = 0
    refused: int = 0
    """Commands and requests refused."""
    limited: int = 0
    """Ticks in which a command was made smaller."""

    def copy(self) -> "Memory":
        """Return an independent copy."""
        new = copy(self)
        new.leases = self.leases.copy()
        for name in ("q_last", "v_last", "effort_last", "effort_cap", "knot", "seen", "groups", "origins", "newest",
                     "judged"):  # fmt: skip
            setattr(new, name, deepcopy(getattr(self, name)))
        return new


def fresh(spec: RobotSpec, limits: Limits, groups: Groups, seen: Seen, *, seed: int, now_ns: int) -> Memory:
    """Return the memory of a gate that starts at ``now_ns``: every group OFF, nothing leased."""
    n, zeros = spec.n_joints, np.zeros(spec.n_joints)
    knot = Knot(zeros.copy(), zeros.copy(), zeros.copy(), Box.unbounded(n), False, np.zeros(n, bool), [0] * groups.n)
    states = [Group(g.on_estop, moved_ns=now_ns, doubted_ns=now_ns) for g in spec.groups]
    none = np.tile(unused(len(spec.sensors)), (groups.n, 1))
    return Memory(now_ns, zeros.copy(), zeros.copy(), zeros.copy(), limits.effort.copy(), knot, seen, states,
                  Leases(groups.n, seed), none, [0] * len(Source), [-1] * len(Source))  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a tick is computed from, besides the memory and the time."""

    joint_state: Record | None = None
    """The newest reading; None if there never was one."""
    commands: Sequence[tuple[Source, Record]] = ()
    """The newest command of each source that ever sent one."""
    requests: Sequence[tuple[Source, Record]] = ()
    """All requests since the last tick, each source's in order."""
    is_request_lost: bool = False
    """Some request was overwritten before it was read: it may have been an emergency stop."""
    clearance: Record | None = None
    proximity: Record | None = None


class Output(NamedTuple):
    """What a tick decides."""

    command: Record | None
    """``joint_command`` for the body; None until it has given a reading."""
    reflex: Record
