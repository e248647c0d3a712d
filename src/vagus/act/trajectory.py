"""Jerk-limited moves of some joints to one target, by ruckig. It knows nothing of collisions: see ``motion``.

Always one target from the *commanded* state: ruckig sends waypoints to a cloud service, and starting at the measured
state would let a loaded joint sag at every new move.
"""

from dataclasses import dataclass

import numpy as np
import ruckig
from numpy.typing import NDArray

from vagus.core.errors import CommandError
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]

_NOTHING = 1e-9
"""A distance or speed that is none [rad or m, and per second]."""
JERK_TIME_S = 0.1
"""Time in which a move builds up its full acceleration [s]: quick to the eye, and does not excite a light arm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How fast some joints may move: three arrays of one shape (k,)."""

    speed: Array
    """[unit/s]"""
    acceleration: Array
    """[unit/s^2]"""

    @classmethod
    def of(cls, spec: RobotSpec, joints: NDArray[np.intp], share: float = 0.6) -> "Limits":
        """Return a share of what the gate allows these joints, so that the gate has nothing to cut off."""
        speed, acceleration = spec.array("speed_max")[joints], spec.array("acceleration_max")[joints]
        return cls(speed=share * speed, acceleration=share * acceleration)

    @property
    def jerk(self) -> Array:
        """[unit/s^3]"""
        return self.acceleration / JERK_TIME_S


class JointMove:
    """One move of k joints from a position and velocity to rest at a target, all arriving together."""

    def __init__(self, start_ns: int, q0: Array, v0: Array, q1: Array, limits: Limits) -> None:
        """Plan it. Raises CommandError if the shapes differ, a value is not finite or ruckig finds no trajectory."""
        k = len(limits.speed)
        for name, value in (("q0", q0), ("v0", v0), ("q1", q1)):
            if value.shape != (k,) or not np.isfinite(value).all():
                raise CommandError(f"{name}: got {value!r}, allowed: {k} finite numbers")
        self.start_ns = start_ns
        self.target = q1
        # Ruckig finds no trajectory over less than it can resolve: what is that near is there, what is that slow rests.
        v0 = np.where(np.abs(v0) < _NOTHING, 0.0, v0)
        q0 = np.where((np.abs(q1 - q0) < _NOTHING) & (v0 == 0.0), q1, q0)
        wanted = ruckig.InputParameter(k)
        wanted.current_position, wanted.current_velocity, wanted.current_acceleration = q0, v0, np.zeros(k)
        wanted.target_position = q1
        wanted.max_velocity, wanted.max_acceleration = limits.speed, limits.acceleration
        wanted.max_jerk = limits.jerk
        wanted.synchronization = ruckig.Synchronization.Phase  # straight in joint space where v0 allows it
        self._trajectory = ruckig.Trajectory(k)
        try:
            result = ruckig.Ruckig(k).calculate(wanted, self._trajectory)
        except ruckig.RuckigError as exc:
            raise CommandError(f"no trajectory from {q0} at {v0} to {q1}: {exc}") from exc
        if result not in (ruckig.Result.Working, ruckig.Result.Finished):
            raise CommandError(f"no trajectory from {q0} at {v0} to {q1}: ruckig says {result}")

    @property
    def end_ns(self) -> int:
        """When it is at rest at the target [ns]."""
        return self.start_ns + round(self._trajectory.duration * 1e9)

    def at(self, at_ns: int) -> tuple[Array, Array]:
        """Return position and velocity at a time [ns], each of shape (k,); before the start or after the end: those."""
        time_s = min(max(0.0, (at_ns - self.start_ns) * 1e-9), self._trajectory.duration)
        q, v, _ = self._trajectory.at_time(time_s)
        return np.array(q), np.array(v)

    def samples(self, n: int) -> Array:
        """Return ``n`` positions evenly spaced in time, the start left out, the target included, shape (n, k)."""
        times = np.linspace(self._trajectory.duration / n, self._trajectory.duration, n)
        return np.array([self._trajectory.at_time(float(t))[0] for t in times])
