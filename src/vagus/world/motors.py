"""The motor controllers of a simulated robot: what each drive does with a ``joint_command``, and its own watchdog.

Works on MuJoCo's position and velocity actuators: gains are theirs, this module writes their targets, gains and caps.
All positions here are in encoder coordinates, which is all that a drive knows. It reads no clock and no stream.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import Origins, unused
from vagus.core.errors import ConfigError
from vagus.core.messages import Mode, Record
from vagus.core.robot import RobotSpec

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Modes = NDArray[np.uint8]

_LARGE = 1e6
"""Commands are clipped to this [any unit]: MuJoCo drops all targets of a step if one is beyond 1e10."""
_HISTORY_S = 0.010
"""Longest delay that a prepared model has room for [s]."""


# As plain integers: looking a member up in an enumeration costs a microsecond, some twenty times a step.
_OFF, _BRAKE, _DAMP, _POSITION, _VELOCITY = (int(mode) for mode in Mode)


@dataclass(frozen=True, kw_only=True, slots=True)
class MotorCfg:
    """How far the drives are from ideal."""

    delay_min_s: float = 0.001
    delay_max_s: float = 0.004
    """Each drive acts on a command after a delay of its own, drawn from this range [s]: one bus cycle and one cycle of
    the position loop, 1 kHz to 500 Hz in EtherCAT and CAN FD joints. MuJoCo rounds it up to whole steps."""
    torque_noise: float = 0.005
    """White noise of the torque in one step, as a fraction of the largest: cogging and current ripple of geared
    brushless joints are 0.5 to 2 % of the rated torque."""
    speed_limit: float = 1.1
    """Speed that a position drive's own loops let its joint reach, as a share of ``speed_max``: CiA 402 drives hold
    "max motor speed" (0x6080), servos their speed register. Without it a joint that was blocked behind its target
    snaps after it when it comes free."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.delay_min_s <= self.delay_max_s <= _HISTORY_S:
            raise ConfigError(
                f"motor delay: got {self.delay_min_s} to {self.delay_max_s}, allowed: 0 <= min <= max <= {_HISTORY_S}"
            )
        if not 0.0 <= self.torque_noise <= 1.0:
            raise ConfigError(f"torque_noise: got {self.torque_noise}, allowed: 0 to 1")
        if not 1.0 <= self.speed_limit <= 10.0:
            raise ConfigError(f"speed_limit: got {self.speed_limit}, allowed: 1 to 10")


def add_history(model: mujoco.MjSpec) -> None:
    """Give every actuator of a model room for a delay; ``Motors`` then draws the delay, which is 0 until it does."""
    for actuator in model.actuators:
        actuator.nsample = round(_HISTORY_S / model.option.timestep) + 2


@dataclass(frozen=True, slots=True)
class _Drives:
    """Where each joint's drive is in the model, and its gains; shapes (n_joints,)."""

    index: NDArray[np.intp]
    qpos: NDArray[np.intp]
    dof: NDArray[np.intp]
    is_velocity: Bools
    kp: Array
    kv: Array


class Motors:
    """All drives of one robot.

    A drive brakes by itself ("watchdog") when no new command came for ``spec.watchdog_s``, and before the first one; a
    command counts as new when its counter differs from the last one's and all its numbers are finite. Drives of a group
    that holds on emergency stop (grippers) keep their last target and force instead. Until the watchdog brakes, a
    position drive goes on along its last command, but never faster than it could still stop at its limits.
    """

    def __init__(
        self, spec: RobotSpec, model: mujoco.MjModel, data: mujoco.MjData, cfg: MotorCfg, *,
        offset: Array, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Take over the robot's actuators.

        Args:
            spec: The robot.
            model: The world's model; gains, caps and delays of the robot's actuators are written here.
            data: The world's state, which stands where the drives will hold at first.
            cfg: How far the drives are from ideal.
            offset: What each encoder reads beyond the truth, corrections applied [rad or m], shape (n_joints,).
            rng: Draws delays and torque noise.

        Raises:
            ConfigError: A joint has no actuator of its own that follows positions (or velocities, as the spec says).
        """
        self._spec, self._model, self._data, self._cfg, self._rng = spec, model, data, cfg, rng
        self._drives = d = _find_drives(spec, model)
        self._offset = offset
        n = spec.n_joints
        self._dt_s = 1.0 / spec.encoder.rate_hz
        self._watchdog_ns = round(spec.watchdog_s * 1e9)
        self._acceleration = spec.array("acceleration_max")
        self._limit_low, self._limit_high = spec.array("position_min"), spec.array("position_max")
        group = spec.group_of_joint()
        self._holds = np.array([spec.groups[g].on_estop == "hold" for g in group])
        built = np.where(model.actuator_forcelimited[d.index], model.actuator_forcerange[d.index, 1], np.inf)
        self._cap_max: Array = np.minimum(spec.array("effort_max"), built)
        model.actuator_forcelimited[d.index] = 1
        model.actuator_ctrllimited[d.index] = 0  # targets carry feed-forward, so they may lie beyond the joint's range
        self._own_mode: Modes = np.where(d.is_velocity, _VELOCITY, _POSITION).astype(np.uint8)
        self._stiffness: Array = np.where(d.is_velocity, d.kv, d.kp)  # what turns force into target
        # A position target leads, so that the loop's damping does not drag.
        self._lead_s: Array = np.where(d.is_velocity, 0.0, d.kv / self._stiffness)
        self._reach: Array = np.where(d.is_velocity, np.inf, self._lead_s * cfg.speed_limit * spec.array("speed_max"))
        self._noise: Array = cfg.torque_noise * self._cap_max / self._stiffness
        self._commanded: Modes = np.full(n, _BRAKE, np.uint8)
        self._mode: Modes = np.full(n, _OFF, np.uint8)  # so that the first step enters BRAKE and writes all gains
        self._cap = self._cap_max.copy()
        self._target: Array = data.qpos[d.qpos] + offset
        self._speed = np.zeros(n)
        self._effort = np.zeros(n)
        self._last_ns: int | None = None
        self._seen: int | None = None
        self.counter = 0
        """Counter of the newest command that was applied; 0 before any."""
        self.origin_ns: Origins = unused(len(spec.sensors))
        """Its origins."""
        self.is_braking = True
        """The watchdog brakes."""
        self._draw_delays()

    def _draw_delays(self) -> None:
        """Draw each drive's delay and fill its history with the target at which it holds now."""
        model, data = self._model, self._data
        delays = self._rng.uniform(self._cfg.delay_min_s, self._cfg.delay_max_s, self._spec.n_joints)
        for i, k in enumerate(self._drives.index):
            n_samples = int(model.actuator_history[k, 0])
            if n_samples == 0:
                continue
            model.actuator_delay[k] = delays[i]
            times: Array = data.time - self._dt_s * np.arange(n_samples, 0, -1).astype(np.float64)
            start = 0.0 if self._drives.is_velocity[i] else float(self._target[i] - self._offset[i])
            mujoco.mj_initCtrlHistory(model, data, int(k), times, np.full(n_samples, start))

    def step(self, now_ns: int, command: Record | None) -> None:
        """Write MuJoCo's targets for the step that begins now.

        Args:
            now_ns: The robot's clock [ns].
            command: The newest ``joint_command`` that reached the drives (the same again if none is new), or None.
        """
        if not self._listen(now_ns, command) and not self.is_braking:
            self._go_on()
        d, data = self._drives, self._data
        q: Array = data.qpos[d.qpos] + self._offset
        v: Array = data.qvel[d.dof]
        mode = np.where(self._holds, self._commanded, _BRAKE).astype(np.uint8) if self.is_braking else self._commanded
        self._switch(mode, q, v)
        self._move_targets(q)
        target = np.where(d.is_velocity, self._speed, self._target - self._offset + self._lead_s * self._speed)
        target += self._effort / self._stiffness
        target = self._limit_speed(target)
        data.ctrl[d.index] = target + self._noise * self._rng.standard_normal(len(target))

    def _limit_speed(self, target: Array) -> Array:
        """Keep targets where the loop does not drive a joint beyond its speed limit.

        The loop is a position loop around a speed loop: ``kp (target - q) - kv v = kv (v_wanted - v)``. What carries
        the joint's load (gravity), as the speed loop's integral part would, does not count as wanted speed.
        """
        d, data = self._drives, self._data
        centre: Array = data.qpos[d.qpos] + data.qfrc_bias[d.dof] / self._stiffness
        return np.clip(target, centre - self._reach, centre + self._reach)

    def _listen(self, now_ns: int, command: Record | None) -> bool:
        """Take a new command if there is one and it can be used; otherwise look at the watchdog. Say whether it was."""
        if command is not None and int(command["counter"]) != self._seen:
            self._seen = int(command["counter"])
            if self._is_usable(command):
                self._accept(now_ns, command)
                return True
        if self._last_ns is None or now_ns - self._last_ns >= self._watchdog_ns:
            if not self.is_braking:
                self._speed[self._holds] = 0.0
            self.is_braking = True
        return False

    def _is_usable(self, command: Record) -> bool:
        """Say whether every number is finite and every mode one that this joint's drive has."""
        mode = command["mode"]
        has_mode = (mode <= _DAMP) | (mode == self._own_mode)
        numbers = (command["q"], command["v"], command["effort"], command["effort_max"])
        return bool(has_mode.all()) and all(bool(np.isfinite(x).all()) for x in numbers)

    def _accept(self, now_ns: int, command: Record) -> None:
        self._last_ns = now_ns
        self.counter = int(command["counter"])
        self.origin_ns = np.array(command["origin_ns"])
        self.is_braking = False
        self._commanded = np.array(command["mode"])
        self._cap = np.clip(command["effort_max"], 0.0, self._cap_max)
        follows = self._commanded == self._own_mode
        q, v, effort = (np.clip(command[key], -_LARGE, _LARGE) for key in ("q", "v", "effort"))
        self._target = np.where(follows, q, self._target)
        self._speed = np.where(follows, v, self._speed)
        self._effort = np.where(follows, effort, self._effort)

    def _go_on(self) -> None:
        """Move the targets of position drives by one step of their speed: a late command leaves no gap in the motion.

        The speed stays below sqrt(2 a d), d being the way that is left to the joint's limit.
        """
        ahead = np.where(self._speed > 0.0, self._limit_high - self._target, self._target - self._limit_low)
        fastest = np.sqrt(2.0 * self._acceleration * np.maximum(ahead, 0.0))
        speed = np.clip(self._speed, -fastest, fastest)
        goes_on = (self._commanded == self._own_mode) & ~self._drives.is_velocity
        self._speed = np.where(goes_on, speed, self._speed)
        self._target = np.where(goes_on, self._target + speed * self._dt_s, self._target)

    def _switch(self, mode: Modes, q: Array, v: Array) -> None:
        """Enter modes, and write gains and caps where they changed."""
        entering = (mode == _BRAKE) & (self._mode != _BRAKE)
        if entering.any():
            # From where the loop pulls now, not from the measurement, or a loaded arm would sag; but no farther away
            # than the cap can pull, or the drive would go on after an outrageous target.
            reach = self._cap / self._stiffness
            pulls_at = np.clip(self._target + self._effort / self._stiffness, q - reach, q + reach)
            self._target = np.where(entering, pulls_at, self._target)
            # The measured speed; but the target's where the loop's own lag explains the difference, or a joint that
            # slows down already would be sped up again.
            lag = self._acceleration * (self._lead_s + 2.0 * self._dt_s)
            self._speed = np.where(entering, v + np.clip(self._speed - v, -lag, lag), self._speed)
            self._effort = np.where(entering, 0.0, self._effort)
        self._write_gains(mode)
        self._mode = mode

    def _write_gains(self, mode: Modes) -> None:
        model, d = self._model, self._drives
        cap = np.where(mode == _OFF, 0.0, self._cap)
        model.actuator_forcerange[d.index, 0] = -cap
        model.actuator_forcerange[d.index, 1] = cap
        if not np.array_equal(mode, self._mode):
            free = mode == _DAMP
            model.actuator_gainprm[d.index, 0] = np.where(free, 0.0, self._stiffness)
            model.actuator_biasprm[d.index, 1] = np.where(free | d.is_velocity, 0.0, -d.kp)

    def _move_targets(self, q: Array) -> None:
        """Ramp the braking joints' speed down; where there is no target, let it follow the joint."""
        braking = self._mode == _BRAKE
        if braking.any():
            slower = np.maximum(np.abs(self._speed) - self._acceleration * self._dt_s, 0.0)
            self._speed = np.where(braking, np.copysign(slower, self._speed), self._speed)
            self._target = np.where(braking, self._target + self._speed * self._dt_s, self._target)
        limp = (self._mode == _OFF) | (self._mode == _DAMP)
        if limp.any():
            self._target = np.where(limp, q, self._target)
            self._speed = np.where(limp, 0.0, self._speed)
            self._effort = np.where(limp, 0.0, self._effort)


def _find_drives(spec: RobotSpec, model: mujoco.MjModel) -> _Drives:
    """Find every joint's actuator. Raises ConfigError naming the joint and what its actuator is."""
    index = [find_actuator(model, joint.name) for joint in spec.joints]
    joints = [model.joint(joint.name).id for joint in spec.joints]
    is_velocity = np.array([joint.mode == "velocity" for joint in spec.joints])
    kp, kv = model.actuator_gainprm[index, 0].copy(), -model.actuator_biasprm[index, 2]
    for i, (joint, k) in enumerate(zip(spec.joints, index, strict=True)):
        gain, (_, b1, b2) = float(model.actuator_gainprm[k, 0]), (float(b) for b in model.actuator_biasprm[k, :3])
        follows = b1 == 0.0 and b2 == -gain if joint.mode == "velocity" else b1 == -gain
        is_affine = (
            int(model.actuator_biastype[k]) == mujoco.mjtBias.mjBIAS_AFFINE
            and int(model.actuator_dyntype[k]) == mujoco.mjtDyn.mjDYN_NONE
        )
        if not (follows and is_affine and gain > 0.0):
            raise ConfigError(
                f"actuator of joint {joint.name!r}: got gain {gain}, bias {(b1, b2)}, allowed for a {joint.mode} "
                f"joint: MuJoCo's <{joint.mode}> actuator without activation"
            )
        if is_velocity[i]:
            kp[i] = 0.0
    return _Drives(
        np.array(index), np.array([model.jnt_qposadr[j] for j in joints]),
        np.array([model.jnt_dofadr[j] for j in joints]), is_velocity, kp, kv,
    )  # fmt: skip


def find_actuator(model: mujoco.MjModel, joint: str) -> int:
    """Return the index of a joint's only actuator. Raises ConfigError if there is none, several, or one with a gear."""
    try:
        wanted = model.joint(joint).id
    except KeyError as exc:
        raise ConfigError(f"joint {joint!r} is not in the model: {exc}") from exc
    found = [
        k
        for k in range(model.nu)
        if int(model.actuator_trntype[k]) == mujoco.mjtTrn.mjTRN_JOINT and int(model.actuator_trnid[k, 0]) == wanted
    ]
    if len(found) != 1:
        raise ConfigError(f"joint {joint!r}: got {len(found)} actuators in the model, allowed: exactly one")
    if float(model.actuator_gear[found[0], 0]) != 1.0:
        raise ConfigError(f"actuator of joint {joint!r}: got gear {model.actuator_gear[found[0], 0]}, allowed: 1")
    return found[0]
