"""What the gate reads: are joint readings fresh, valid, possible, at rest; how slow do the surroundings ask it to be.

It decides nothing about states or commands.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import UNUSED
from vagus.core.messages import Record
from vagus.core.robot import RobotSpec
from vagus.reflex.cfg import GateCfg
from vagus.reflex.limits import Array, Groups, Limits, Mask, per_joint

_SANE = 1e9  # no joint is at, or as fast as, this [rad or m, and per second]; keeps arithmetic on readings finite


class Reading(NamedTuple):
    """One joint reading, judged."""

    is_fresh: bool
    """Within the encoder's age budget."""
    ok: Mask
    """Joints with a valid reading, shape (n_joints,)."""
    q: Array
    """Measured positions as they came; use where ``ok``."""
    v: Array
    """Measured velocities as they came; use where ``ok``."""
    effort: Array
    """Measured efforts as they came; NaN where there is no such sensor."""
    is_moving: list[bool]
    """Per group: some joint does not show rest."""
    is_doubtful: list[bool]
    """Per group: some reading is missing or impossible in this tick."""
    is_untrusted: list[bool]
    """Per group: some joint's readings are impossible, or have been missing for too long."""


@dataclass(slots=True)
class Seen:
    """Memory of the senses, shape (n_joints,) each."""

    q: Array
    """Last valid positions; NaN before the first."""
    stamp_ns: NDArray[np.int64]
    """When they were captured [ns]."""
    invalid: NDArray[np.int64]
    """For how many ticks a valid reading has been missing."""
    strain: NDArray[np.int64]
    """For how many ticks effort has been beyond what gravity explains."""


class Senses:
    """Judges readings against what the robot's joints can do."""

    def __init__(self, spec: RobotSpec, cfg: GateCfg, limits: Limits, groups: Groups) -> None:
        self._cfg, self._limits, self._groups = cfg, limits, groups
        self._encoder = spec.sensor_index(spec.encoder.name)
        self._max_age_ns = round(spec.encoder.max_age_s * 1e9)
        self._future_ns = round(cfg.future_s * 1e9)
        self._rest_speed = per_joint(spec, rad=cfg.rest_rad_s, m=cfg.rest_m_s)
        self._jump = per_joint(spec, rad=cfg.jump_rad, m=cfg.jump_m)
        self._jump_speed = cfg.jump_factor * limits.speed
        self._near = per_joint(spec, rad=cfg.near_rad, m=cfg.near_m)
        self._strain_ticks = round(cfg.torque_s * spec.reflex_hz)
        self._must_not_press = np.array([spec.groups[g].on_estop != "hold" for g in groups.of_joint])
        self._strain = cfg.torque_fraction * limits.effort
        following = spec.array("following_error_max")
        self._position_error = np.where(limits.is_position, following, np.inf)
        self._velocity_error = np.where(limits.is_position, np.inf, following)
        self._proximity_age_ns: list[int] = spec.max_age_ns().tolist()
        self._clearance_age_ns = [round(cfg.clearance_age_s * 1e9)] * len(spec.sensors)

    def start(self) -> Seen:
        """Return the memory of senses that have seen nothing."""
        n = len(self._rest_speed)
        return Seen(np.full(n, np.nan), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))

    def read(self, seen: Seen, state: Record, now_ns: int) -> Reading:
        """Judge the newest joint state; updates ``seen``."""
        origin = int(state["origin_ns"][self._encoder])
        is_fresh = origin != UNUSED and -self._future_ns <= now_ns - origin <= self._max_age_ns
        q, v = state["q"], state["v"]
        if not is_fresh:
            every = [True] * self._groups.n
            untrusted = self._groups.any(seen.invalid > self._cfg.invalid_ticks)
            return Reading(False, np.zeros(len(q), bool), q, v, state["effort"], every, every, untrusted)
        speed, move = np.abs(v), np.abs(q - seen.q)
        ok = (state["valid"] != 0) & (np.abs(q) < _SANE) & (speed < _SANE)  # NaN is not ok either
        elapsed_s = np.maximum(origin - seen.stamp_ns, 0) * 1e-9
        jumped = move > self._jump + self._jump_speed * elapsed_s  # never before the first: NaN
        moving = self._groups.any(~(speed <= self._rest_speed))
        if ok.all() and not jumped.any():  # the fast and usual way through what follows
            seen.q, seen.stamp_ns, seen.invalid = q.copy(), np.full(len(q), origin), np.zeros(len(q), np.int64)
            never = [False] * self._groups.n
            return Reading(True, ok, q, v, state["effort"], moving, never, never)
        seen.invalid = np.where(ok, 0, seen.invalid + 1)
        seen.q = np.where(ok, q, seen.q)
        seen.stamp_ns = np.where(ok, origin, seen.stamp_ns)
        jumped &= ok
        any_of = self._groups.any
        doubtful = any_of(~ok | jumped)
        untrusted = any_of((seen.invalid > self._cfg.invalid_ticks) | jumped)
        moving = [a or b for a, b in zip(moving, doubtful, strict=True)]
        return Reading(True, ok, q, v, state["effort"], moving, doubtful, untrusted)

    def is_inside(self, q: Array) -> list[bool]:
        """Say per group whether positions are within the limits, or as near to them as servo droop may take them."""
        limits = self._limits
        # Written so that NaN, not yet seen, counts as outside.
        inside = (q >= limits.q_min - self._near) & (q <= limits.q_max + self._near)
        return [not x for x in self._groups.any(~inside)]

    def is_off_path(self, reading: Reading, q_last: Array, v_last: Array) -> list[bool]:
        """Say per group whether some joint is farther from its command than ``following_error_max``."""
        off = np.abs(q_last - reading.q) > self._position_error
        off |= np.abs(v_last - reading.v) > self._velocity_error
        off &= reading.ok
        return self._groups.any(off) if off.any() else [False] * self._groups.n

    def is_strained(self, seen: Seen, reading: Reading, bias: Array | None) -> list[bool]:
        """Say per group whether some joint has strained against something for too long; updates ``seen``.

        Grippers are left out: pressing is their work, and ``effort_max`` caps it.

        Args:
            seen: Memory; its ``strain`` is updated.
            reading: This tick's reading.
            bias: Effort that gravity explains, shape (n_joints,); None where unknown: then nothing is judged.
        """
        never = [False] * self._groups.n
        if bias is None:
            seen.strain = np.zeros(len(seen.strain), np.int64)
            return never
        over = (reading.effort > bias + self._strain) | (reading.effort < bias - self._strain)
        seen.strain = (seen.strain + 1) * (over & reading.ok & self._must_not_press)
        return self._groups.any(seen.strain > self._strain_ticks) if over.any() else never

    def person_scale(self, proximity: Record | None, now_ns: int) -> float:
        """Return the share of full speed that a person's distance allows; unknown or stale means slow."""
        cfg = self._cfg
        if not cfg.watches_people:
            return 1.0
        if proximity is None or not self._is_within(proximity, self._proximity_age_ns, now_ns):
            return cfg.slow_fraction
        distance = float(proximity["distance"])
        if math.isnan(distance):
            return 1.0
        share = (distance - cfg.person_near_m) / (cfg.person_far_m - cfg.person_near_m)
        return cfg.slow_fraction + (1.0 - cfg.slow_fraction) * min(max(share, 0.0), 1.0)

    def is_clearance_usable(self, clearance: Record | None, now_ns: int) -> bool:
        """Say whether a clearance message is fresh and made of numbers."""
        if clearance is None:
            return False
        if not self._is_within(clearance, self._clearance_age_ns, now_ns):
            return False
        used = ~np.isnan(clearance["distance"])
        return bool(np.isfinite(clearance["gradient"][used]).all() and np.isfinite(clearance["q"]).all())

    def _is_within(self, message: Record, budget_ns: list[int], now_ns: int) -> bool:
        """Say whether a message depends on some sensor, and on no sample that is over budget or from the future."""
        origins: list[int] = message["origin_ns"].tolist()
        used = [(now_ns - o, budget) for o, budget in zip(origins, budget_ns, strict=True) if o != UNUSED]
        return bool(used) and all(-self._future_ns <= age <= budget for age, budget in used)
