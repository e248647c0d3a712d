"""Where jogged joints should be next: slow targets that start, turn and stop within the joints' own limits.

Pure: it knows joint limits and a step of time, neither streams nor clocks nor leases. What it returns is a wish; the
gate still decides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class JogCfg:
    """How gently a person moves single joints."""

    speed_fraction: float = 0.2
    """Fastest jog, as a fraction of the joint's ``speed_max``, in (0, 1]."""
    acceleration_fraction: float = 0.5
    """Acceleration used, as a fraction of the joint's ``acceleration_max``, in (0, 1]: the gate keeps some in hand."""
    drive_speed: float = 0.35
    """Fastest forward drive [m/s], > 0."""
    turn_speed: float = 0.9
    """Fastest turn on the spot [rad/s], > 0."""

    def __post_init__(self) -> None:
        for key in ("speed_fraction", "acceleration_fraction"):
            value = getattr(self, key)
            if not 0.0 < value <= 1.0:
                raise ConfigError(f"{key}: got {value!r}, allowed: in (0, 1]")
        for key in ("drive_speed", "turn_speed"):
            value = getattr(self, key)
            if not 0.0 < value < np.inf:
                raise ConfigError(f"{key}: got {value!r}, allowed: finite, > 0")


class Jogger:
    """Integrates a target per joint from held buttons."""

    def __init__(self, spec: RobotSpec, cfg: JogCfg) -> None:
        self._spec = spec
        self._cfg = cfg
        self._is_velocity = np.array([j.mode == "velocity" for j in spec.joints])
        self._speed_max = spec.array("speed_max") * cfg.speed_fraction
        self._acceleration = spec.array("acceleration_max") * cfg.acceleration_fraction
        self._low, self._high = spec.array("position_min"), spec.array("position_max")
        self.q: Array = np.zeros(spec.n_joints)
        """Target [rad or m], shape (n_joints,); 0 for velocity joints."""
        self.v: Array = np.zeros(spec.n_joints)
        """Velocity of the target [unit/s], shape (n_joints,)."""

    def place(self, joints: NDArray[np.bool_], q: Array) -> None:
        """Put the targets of these joints (mask, shape (n_joints,)) at ``q``, at rest."""
        self.q = np.where(joints & ~self._is_velocity, np.clip(q, self._low, self._high), self.q)
        self.v = np.where(joints, 0.0, self.v)

    def wheel_speeds(self, v: float, w: float) -> Array:
        """Return joint speeds [rad/s] for a drive wish in fractions: ``v`` forward, ``w`` to the left, in [-1, 1].

        Both wheels are scaled together when one would be faster than a jog allows, so that the curve keeps its shape.
        Source: the differential drive's kinematics, (v -+ w track/2) / radius.
        """
        base = self._spec.base
        speeds = np.zeros(self._spec.n_joints)
        if base is None:
            return speeds
        forward, turn = v * self._cfg.drive_speed, w * self._cfg.turn_speed * base.track / 2
        left, right = self._spec.joint_index(base.left), self._spec.joint_index(base.right)
        speeds[left], speeds[right] = (forward - turn) / base.radius, (forward + turn) / base.radius
        # drive_speed makes driving slow already: here the wheels' own limit holds, not jogging's fraction of it.
        excess = max(abs(speeds[j]) / self._spec.joints[j].speed_max for j in (left, right))
        return speeds / max(1.0, excess)

    def jog_speeds(self, wishes: dict[int, float]) -> Array:
        """Return joint speeds [unit/s] for held buttons: joint index → signed fraction of the slow speed."""
        speeds = np.zeros(self._spec.n_joints)
        for joint, fraction in wishes.items():
            speeds[joint] = fraction * self._speed_max[joint]
        return speeds

    def advance(self, speeds: Array, dt_s: float) -> None:
        """Move the targets towards ``speeds`` [unit/s], shape (n_joints,), for ``dt_s``.

        Speeds change no faster than the acceleration allows, and are low enough to come to rest at a position limit:
        v (dt/2) + v^2 / (2 a) <= distance, solved for v.
        """
        a, half = self._acceleration, 0.5 * dt_s
        up, down = np.maximum(self._high - self.q, 0.0), np.maximum(self.q - self._low, 0.0)
        v = np.clip(speeds, self.v - a * dt_s, self.v + a * dt_s)
        v_up = a * (np.sqrt(half**2 + 2 * up / a) - half)
        v_down = a * (np.sqrt(half**2 + 2 * down / a) - half)
        self.v = np.where(self._is_velocity, v, np.clip(v, -v_down, v_up))
        moved = np.clip(self.q + self.v * dt_s, self._low, self._high)
        self.q = np.where(self._is_velocity, 0.0, moved)

    def stay_near(self, joints: NDArray[np.bool_], q_last: Array, lead_s: float) -> None:
        """Keep the targets of these joints within ``lead_s`` at jog speed of ``q_last``, what was commanded really."""
        lead = lead_s * self._speed_max
        bound = joints & ~self._is_velocity & np.isfinite(q_last)
        self.q = np.where(bound, np.clip(self.q, q_last - lead, q_last + lead), self.q)
