"""What a joint may do in one tick, relative to the last command: position, speed, acceleration, braking distance.

Pure arithmetic over all joints at once; it knows no states, leases or clocks. Nothing here is relative to the measured
position: clamping to the measurement would cap a servo's torque and let a loaded arm sink.

Motion is discrete: in one tick of dt a joint moves by v dt, where v, the velocity commanded in this tick, differs from
the last tick's by at most a dt.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vagus.core.envelope import Envelope
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of all joints, each of shape (n_joints,)."""

    q_min: Array
    """Hard lower position limit [rad or m]; never crossed."""
    q_max: Array
    """Hard upper position limit [rad or m]; never crossed."""
    low: Array
    """Lower limit as tightened, within the hard limits: never moved away from once outside [rad or m]."""
    high: Array
    """Upper limit as tightened [rad or m]."""
    speed: Array
    """Largest speed [/s]."""
    acceleration: Array
    """Largest acceleration, braking included [/s^2]."""
    effort: Array
    """Largest effort [N m or N]."""
    is_position: Mask
    """True for joints commanded by position, False for velocity joints (wheels)."""

    @classmethod
    def of(cls, spec: RobotSpec) -> "Limits":
        """Return the limits that a robot's joints declare."""
        low, high = spec.array("position_min"), spec.array("position_max")
        return cls(q_min=low, q_max=high, low=low, high=high, speed=spec.array("speed_max"),
                   acceleration=spec.array("acceleration_max"), effort=spec.array("effort_max"),
                   is_position=np.array([j.mode == "position" for j in spec.joints]))  # fmt: skip

    def tightened(self, envelope: Envelope) -> "Limits":
        """Return limits that are tighter where the envelope is, and nowhere looser.

        Raises:
            ConfigError: The envelope's positions are not one per joint.
        """
        low, high = envelope.positions(len(self.speed))
        return self.within(Box(low, high, self.speed * envelope.speed_fraction))

    def within(self, box: "Box") -> "Limits":
        """Return limits that are tighter where the box is, and nowhere looser."""
        return replace(self, low=np.maximum(self.low, box.low), high=np.minimum(self.high, box.high),
                       speed=np.minimum(self.speed, box.speed))  # fmt: skip


class Box(NamedTuple):
    """Positions and speeds to stay within, shape (n_joints,) each; infinite where there is nothing to keep to."""

    low: Array
    high: Array
    speed: Array

    @classmethod
    def unbounded(cls, n: int) -> "Box":
        """Return the box that everything is in."""
        infinite = np.full(n, np.inf)
        return cls(-infinite, infinite, infinite)

    def where(self, mask: Mask, other: "Box") -> "Box":
        """Return this box for the joints of the mask, the other one for the rest."""
        return Box(*(np.where(mask, mine, its) for mine, its in zip(self, other, strict=True)))


class Groups:
    """Which joint is in which group, and reductions over groups."""

    def __init__(self, spec: RobotSpec) -> None:
        self.of_joint = spec.group_of_joint()
        """Group of every joint, shape (n_joints,)."""
        self.n = len(spec.groups)
        self.joints = [np.flatnonzero(self.of_joint == g) for g in range(self.n)]
        """Joints of every group."""
        self._order = np.concatenate(self.joints)
        sizes = [len(j) for j in self.joints]
        self._starts = np.cumsum([0, *sizes[:-1]])

    def max(self, values: Array) -> Array:
        """Return the largest value in each group, shape (n_groups,)."""
        return np.maximum.reduceat(values[self._order], self._starts)

    def any(self, mask: Mask) -> list[bool]:
        """Say for each group whether the mask is true for any of its joints."""
        return np.logical_or.reduceat(mask[self._order], self._starts).tolist()

    def union(self, flags: NDArray[np.uint32]) -> list[int]:
        """Return for each group all flags of its joints."""
        return np.bitwise_or.reduceat(flags[self._order], self._starts).tolist()


def path_velocity(q: Array, v: Array, q_to: Array, v_to: Array, *, tau: Array, dt: float) -> Array:
    """Return this tick's velocity on the smoothest path to ``q_to``, ``v_to`` in ``tau`` from now.

    Smoothest: the accelerations of the remaining N = tau / dt ticks lie on a line and their squares' sum is least, as
    for the cubic in continuous time, a = 6 (q_to - q) / tau^2 - (4 v + 2 v_to) / tau, to which this converges for many
    ticks. Unlike that cubic, sampled, it arrives with both position and velocity right. With S0 = (v_to - v) / dt, the
    accelerations' sum, and S1 = ((q_to - q) / dt - N v) / dt, their sum weighted by the ticks they act:
    a_1 = 6 S1 / (N (N + 1)) - 2 S0 / N.
    In the last tick (tau <= dt) it aims at where the path would be at the tick's end.

    Args:
        q: Last commanded positions, shape (n,).
        v: Last commanded velocities, shape (n,).
        q_to: Where to be, shape (n,).
        v_to: How fast to be there, shape (n,).
        tau: Time left [s], > 0, shape (n,).
        dt: Tick [s].

    Returns:
        Velocities, not limited, shape (n,).
    """
    gap = q_to - q
    smooth = v + dt * (6.0 * (gap - tau * v) / (tau * (tau + dt)) - 2.0 * (v_to - v) / tau)
    last = (gap + v_to * (dt - tau)) / dt
    return np.where(tau > dt, smooth, last)


def ramp_velocity(v: Array, v_to: Array, *, tau: Array, dt: float) -> Array:
    """Return this tick's velocity of a velocity joint on the straight line to ``v_to`` in ``tau`` [s], shape (n,)."""
    return v + (v_to - v) * np.minimum(dt / tau, 1.0)


def reachable_speed(distance: Array, v_end: Array | float, *, a: Array, step: Array) -> Array:
    """Return the largest speed now from which ``v_end`` is still reached within ``distance``, braking at ``a``.

    sqrt((v_end + step)^2 + 2 a d) - step. With ``step`` = a dt the distance is never exceeded; for v_end = 0, with
    n = v / (a dt) and D = d / (a dt^2): this tick moves n, the next ones n-1, n-2, ..., together
    n (n+1) / 2 + f (1-f) / 2, f the fraction of n. The bound, n = sqrt(1 + 2 D) - 1, is D = n^2 / 2 + n, which is no
    less, as f (1-f) <= n. After the tick D' = D - n, and n - 1 <= sqrt(1 + 2 D') - 1 is the same as n^2 <= n^2 + 1:
    whoever kept the bound in this tick keeps it in the next by braking with ``a``. It never asks for more than ``a``.

    With ``step`` = a dt / 2 it is D = n (n+1) / 2, what braking at ``a`` takes to within a dt^2 / 8: it lets every path
    pass that the joint can follow.

    Args:
        distance: Distances left [unit], shape (n,); below 0 counts as 0.
        v_end: Speed allowed at the end [unit/s], >= 0.
        a: Largest acceleration, shape (n,).
        step: What a tick is worth: see above, shape (n,).
    """
    end = v_end + step
    return np.sqrt(end * end + (2.0 * a) * np.maximum(distance, 0.0)) - step


def approach(want: Array, q: Array, q_to: Array, v_to: Array, *, a: Array, dt: float) -> Array:
    """Slow ``want`` (n,) down so that it does not overshoot a target it cannot reach in time.

    Does nothing to a path that the joint's acceleration can follow.
    """
    gap, step = q_to - q, a * (0.5 * dt)
    up = reachable_speed(gap, np.maximum(v_to, 0.0), a=a, step=step)
    down = reachable_speed(-gap, np.maximum(-v_to, 0.0), a=a, step=step)
    return np.minimum(np.maximum(want, -down), up)


def excess(want: Array, cap: Array, groups: Groups) -> Array:
    """Return per group by how many times its fastest joint exceeds ``cap`` (n,), at least 1, shape (n_groups,)."""
    return np.maximum(groups.max(np.abs(want) / cap), 1.0)


def braking_scale(v: Array, a: Array, groups: Groups, *, dt: float) -> Array:
    """Return the factor by which each group's velocities shrink in one tick of braking along the path, (n_groups,).

    All joints of a group shrink alike, so that the motion keeps its direction in joint space; the joint that needs
    longest, T = max |v_i| / a_i, brakes with all it has: v <- v (1 - dt / T), and T <- T - dt. At rest after T.
    """
    time_left = groups.max(np.abs(v) / a)
    return 1.0 - dt / np.maximum(time_left, dt)


class Bounds(NamedTuple):
    """The velocities that are allowed in this tick, shape (n_joints,): between ``low`` and ``high``."""

    low: Array
    high: Array

    def clip(self, v: Array) -> Array:
        """Return the nearest allowed velocities."""
        return np.minimum(np.maximum(v, self.low), self.high)


def bounds(q: Array, v: Array, cap: Array, limits: Limits, *, dt: float) -> Bounds:
    """Return which velocities keep speed, acceleration and braking distance to the position limits.

    Where they contradict each other because limits were tightened in motion, acceleration wins: the joint brakes with
    all it has. The hard limits hold all the same, as their own bound was kept in every tick before.

    Args:
        q: Last commanded positions, within the hard limits, shape (n,).
        v: Last commanded velocities, shape (n,).
        cap: Largest speed now, shape (n,).
        limits: What the joints may do.
        dt: Tick [s].
    """
    a = limits.acceleration
    step = a * dt
    lowest, highest = v - step, v + step
    up = np.minimum(cap, reachable_speed(limits.high - q, 0.0, a=a, step=step))
    down = np.minimum(cap, reachable_speed(q - limits.low, 0.0, a=a, step=step))
    return Bounds(np.minimum(np.maximum(-down, lowest), highest), np.minimum(np.maximum(up, lowest), highest))


def per_joint(spec: RobotSpec, *, rad: float, m: float) -> Array:
    """Return a tolerance per joint, by its unit, shape (n_joints,)."""
    pick: Callable[[str], float] = {"rad": rad, "m": m}.__getitem__
    return np.array([pick(j.unit) for j in spec.joints])
