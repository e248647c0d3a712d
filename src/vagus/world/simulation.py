"""The simulated world and robot, one physics step at a time: commands in, the messages that are due out.

It reads no clock and knows no streams; the same seed and the same calls give the same bytes. Pictures are rendered
elsewhere (``camera``) from the ``scene`` message; perception never sees that message.
"""

import hashlib
import math
from collections import deque
from dataclasses import dataclass, field

import mujoco
import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.articulation import Articulation
from vagus.core.calibration import Calibration, none
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.core.person import check_behaviour
from vagus.core.robot import RobotSpec, SensorSpec
from vagus.world.motors import MotorCfg, Motors, add_history
from vagus.world.person import Behaviour, person_pose
from vagus.world.scenes import LIGHT_FACTOR_RANGE, LIGHTS, TIMESTEP_S, Scene
from vagus.world.sensors import DELAY_STEPS_MAX, Encoders, Imu, Lidar, Sensor, SensorCfg, Touch, encoder_offsets

Message = tuple[str, Record]
"""Stream name and record."""

_PERSON_S = 0.010
"""The person moves this often, or at every encoder period if that is longer [s]: 8 mm at a walk."""
_SCENE_HZ = 30.0
"""How often the scene is published for people to look at when the robot has no camera."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationCfg:
    """How the simulated world behaves; what it contains is the scene's."""

    motors: MotorCfg = field(default_factory=MotorCfg)
    sensors: SensorCfg = field(default_factory=SensorCfg)
    camera_delay_s: float = 0.010
    """From a camera's exposure until the exposure can be rendered [s]: read-out and USB transfer of 320x240 RGB-D."""
    camera_dropout: float = 1e-3
    """Chance that an exposure is lost to all: a USB transfer cut short on a busy host; one in half a minute at 30 Hz.
    The exposure counter goes on. A robot without a camera loses none."""
    person: Behaviour = "stands"
    """What the person does; where there is nobody, they can only stand."""
    light: tuple[float, int] | None = None
    """Brightness (0.4-1.2) and direction (index in ``scenes.LIGHTS``); None draws both from the seed."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.camera_delay_s <= 1.0:
            raise ConfigError(f"camera_delay_s: got {self.camera_delay_s}, allowed: 0 to 1 [s]")
        if not 0.0 <= self.camera_dropout <= 1.0:
            raise ConfigError(f"camera_dropout: got {self.camera_dropout}, allowed: 0 to 1")
        check_behaviour(self.person)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldShape:
    """Sizes of the world, which give the ``scene`` message its layout."""

    nq: int
    nmocap: int
    nbody: int


@dataclass(frozen=True, slots=True)
class _Channel:
    """One sensor's stream: when it is due, and how late its readings are."""

    name: str
    sensor: Sensor
    slot: int
    per_step: float
    """Readings per physics step, at most 1."""
    is_native: bool
    """Its delay is MuJoCo's own: what is read is old already, and from before the step (``sensordata``)."""


class Simulation:
    """One robot in one scene."""

    def __init__(
        self, spec: RobotSpec, scene: Scene, cfg: SimulationCfg | None = None, *, seed: int,
        calibration: Calibration | None = None,
    ) -> None:  # fmt: skip
        """Stand the robot in the scene at its home pose.

        Args:
            spec: The robot.
            scene: Where it stands; compiled again here with room for delays, and left as it is.
            cfg: How motors and sensors behave.
            seed: Of all noise, delays, mounting errors and light, >= 0.
            calibration: What the drives correct their encoders by; None corrects nothing.

        Raises:
            ConfigError: The scene's model lacks what the spec names, a sensor is faster than the encoders, cameras are
                not all as fast, or the person is to do something where nobody is.
        """
        self.spec, self.scene, self.cfg = spec, scene, cfg or SimulationCfg()
        if seed < 0:
            raise ConfigError(f"seed: got {seed}, allowed: an integer >= 0")
        self._period_s = 1.0 / spec.encoder.rate_hz
        self._substeps = max(1, math.ceil(self._period_s / TIMESTEP_S - 1e-9))
        """Physics steps per encoder reading: a slow bus must not make soft contacts."""
        self.model = _compile(spec, scene.spec, self.cfg, self._substeps)
        self.data = mujoco.MjData(self.model)
        # One generator each, always in this order: what one draws does not depend on another's settings.
        rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(8)]
        self.encoder_offsets = encoder_offsets(spec, self.cfg.sensors.encoder, rngs[0])
        """What each encoder reads beyond the truth, uncorrected [rad or m], shape (n_joints,)."""
        self.light = self.cfg.light or _draw_light(rngs[1])
        """Brightness factor, and index of the direction it comes from."""
        offset = self.encoder_offsets - (calibration or none(spec)).offsets(spec)
        self.data.qpos[:] = Articulation(spec, self.model).qpos(spec.array("home"))
        self._person = _PersonMotion(scene, self.model, self.data, self.cfg.person)
        self._person.move(0.0)
        mujoco.mj_forward(self.model, self.data)
        self._motors = Motors(spec, self.model, self.data, self.cfg.motors, offset=offset, rng=rngs[2])
        self._channels = self._make_channels(offset, rngs[3:7])
        self._camera_rng = rngs[7]
        self._steps = 0
        self._exposures = 0
        self._nows: deque[int] = deque(maxlen=DELAY_STEPS_MAX + 2)
        self._person_steps = max(1, round(_PERSON_S / self._period_s))
        self._pending: list[tuple[int, str, Record]] = []
        self._actuation = m.actuation(spec)
        self._scene_layout = m.scene(spec, nq=self.model.nq, nmocap=self.model.nmocap, nbody=self.model.nbody)
        self._camera_slots = [spec.sensor_index(cam.name) for cam in spec.cameras]
        self._exposures_per_step = _exposure_rate(spec) * self._period_s
        self._camera_delay = round(self.cfg.camera_delay_s / self._period_s)

    def _make_channels(self, offset: NDArray[np.float64], rngs: list[np.random.Generator]) -> list[_Channel]:
        spec, model, data, cfg = self.spec, self.model, self.data, self.cfg.sensors
        encoders = Encoders(spec, model, data, cfg.encoder, offset=offset, rng=rngs[0])
        channels = [self._channel("joint_state", spec.encoder, encoders)]
        if spec.imu:
            imu = Imu(spec, model, data, cfg.imu, rngs[1])
            channels.append(self._channel("imu", spec.imu, imu, is_native=True))
        if spec.touch:
            touch = Touch(spec, spec.touch, model, data, cfg.touch, rng=rngs[2])
            channels.append(self._channel("touch", spec.touch, touch, is_native=True))
        if spec.lidar:
            lidar = Lidar(spec, spec.lidar, model, data, cfg.lidar, rng=rngs[3])
            channels.append(self._channel("lidar", spec.lidar, lidar))
        return channels

    def _channel(self, name: str, row: SensorSpec, sensor: Sensor, *, is_native: bool = False) -> _Channel:
        per_step = row.rate_hz * self._period_s
        if per_step > 1.0 + 1e-9:
            raise ConfigError(
                f"sensor {row.name!r} rate_hz: got {row.rate_hz}, allowed in simulation: at most the encoder's, "
                f"{self.spec.encoder.rate_hz}"
            )
        return _Channel(name, sensor, self.spec.sensor_index(row.name), per_step, is_native)

    @property
    def shape(self) -> WorldShape:
        """Sizes of the world."""
        return WorldShape(nq=self.model.nq, nmocap=self.model.nmocap, nbody=self.model.nbody)

    @property
    def publishes(self) -> tuple[str, ...]:
        """Names of the streams that ``step`` returns messages of."""
        return (*(c.name for c in self._channels), "actuation", "scene")

    def behave(self, behaviour: Behaviour) -> None:
        """Have the person begin to do something else. Raises ConfigError if there is no such behaviour, or nobody."""
        self._person.begin(behaviour, float(self.data.time))

    def step(self, now_ns: int, command: Record | None) -> list[Message]:
        """Advance the world by one encoder period, which ends at ``now_ns``.

        Args:
            now_ns: The robot's clock [ns]; it must rise from call to call.
            command: The newest ``joint_command`` (the same one again if there is no new one), or None.

        Returns:
            The messages that are due, as (stream name, record), in a fixed order.
        """
        if self._steps % self._person_steps == 0:
            self._person.move(float(self.data.time))
        self._motors.step(now_ns, command)
        mujoco.mj_step(self.model, self.data, self._substeps)
        self._steps += 1
        self._nows.append(now_ns)
        self._read_sensors(now_ns)
        return [("actuation", self._report(now_ns)), *self._take_due(now_ns)]

    def _read_sensors(self, now_ns: int) -> None:
        is_exposed = self._is_due(self._exposures_per_step)
        due = [c for c in self._channels if self._is_due(c.per_step)]
        if is_exposed or any(c.name == "lidar" for c in due):
            # mj_step leaves poses of the step's begin; rays and pictures want those of its end.
            mujoco.mj_kinematics(self.model, self.data)
        for channel in due:
            # ``sensordata`` belongs to the last step's begin, at most one period ago, and MuJoCo's delay comes on top.
            age = 1 + channel.sensor.delay_steps if channel.is_native else 0
            if age >= len(self._nows):
                continue  # not yet a reading of anything
            record = channel.sensor.read()
            if record is None:
                continue  # lost: its count is passed over
            if "counter" in (record.dtype.names or ()):
                record["counter"] = self._count(channel.per_step)
            record["origin_ns"][channel.slot] = self._nows[-1 - age]
            wait = 0 if channel.is_native else channel.sensor.delay_steps
            self._pending.append((self._steps + wait, channel.name, record))
        if is_exposed:
            exposure = self._expose(now_ns)
            if not self._camera_slots or self._camera_rng.random() >= self.cfg.camera_dropout:
                self._pending.append((self._steps + self._camera_delay, "scene", exposure))

    def _is_due(self, per_step: float) -> bool:
        return self._count(per_step) != int((self._steps - 1) * per_step + 1e-9)

    def _count(self, per_step: float) -> int:
        return int(self._steps * per_step + 1e-9)

    def _take_due(self, now_ns: int) -> list[Message]:
        due = [(name, record) for at, name, record in self._pending if at <= self._steps]
        if due:
            self._pending = [row for row in self._pending if row[0] > self._steps]
        for _, record in due:
            record["stamp_ns"] = now_ns
        return due

    def _report(self, now_ns: int) -> Record:
        record = m.blank(self._actuation)
        record["stamp_ns"] = now_ns
        record["origin_ns"] = self._motors.origin_ns
        record["counter"] = self._motors.counter
        record["is_braking"] = self._motors.is_braking
        return record

    def _expose(self, now_ns: int) -> Record:
        record, data = m.blank(self._scene_layout), self.data
        self._exposures += 1
        record["counter"] = self._exposures
        record["origin_ns"][self._camera_slots] = now_ns
        record["qpos"] = data.qpos
        record["mocap"][:, :3] = data.mocap_pos
        record["mocap"][:, 3:] = data.mocap_quat
        record["light"] = self.light
        record["body_p"] = data.xpos
        record["body_q"] = data.xquat
        return record

    def state_hash(self) -> str:
        """Return the SHA-256 of the physics' whole state, delays' histories included."""
        kind = mujoco.mjtState.mjSTATE_INTEGRATION
        state = np.empty(mujoco.mj_stateSize(self.model, kind))
        mujoco.mj_getState(self.model, self.data, state, kind)
        return hashlib.sha256(state.tobytes()).hexdigest()


class _PersonMotion:
    """Moves the person's mocap bodies, if there is a person."""

    def __init__(self, scene: Scene, model: mujoco.MjModel, data: mujoco.MjData, behaviour: Behaviour) -> None:
        self._scene, self._cfg, self._data = scene, scene.person_cfg, data
        self._rows = [int(model.body(name).mocapid[0]) for name in scene.person]
        self.begin(behaviour, 0.0)

    def begin(self, behaviour: Behaviour, t_s: float) -> None:
        self._scene.check_person(behaviour)
        self._behaviour: Behaviour = behaviour
        self._since_s = t_s

    def move(self, t_s: float) -> None:
        if self._cfg:
            rows = person_pose(self._behaviour, t_s - self._since_s, self._cfg)
            self._data.mocap_pos[self._rows] = rows[:, :3]
            self._data.mocap_quat[self._rows] = rows[:, 3:]


def _compile(spec: RobotSpec, world: mujoco.MjSpec, cfg: SimulationCfg, substeps: int) -> mujoco.MjModel:
    """Compile the scene again, ``substeps`` to an encoder period, with MuJoCo's delays where it has them."""
    world = world.copy()
    dt_s = 1.0 / spec.encoder.rate_hz
    world.option.timestep = dt_s / substeps
    add_history(world)
    kinds = mujoco.mjtSensor
    for sensor in world.sensors:
        is_imu = sensor.type in (kinds.mjSENS_GYRO, kinds.mjSENS_ACCELEROMETER)
        steps = cfg.sensors.imu.delay_steps if is_imu else cfg.sensors.touch.delay_steps
        if (is_imu or sensor.type == kinds.mjSENS_TOUCH) and steps:
            # MuJoCo takes the newest sample that is at least this old; half a step less: rounding cannot matter.
            sensor.delay, sensor.nsample = (steps - 0.5) * dt_s, steps * substeps + 2
    try:
        return world.compile()
    except ValueError as exc:  # how MuJoCo reports a model that does not compile
        raise ConfigError(f"the scene of robot {spec.name!r} does not compile: {exc}") from exc


def _draw_light(rng: np.random.Generator) -> tuple[float, int]:
    return float(rng.uniform(*LIGHT_FACTOR_RANGE)), int(rng.integers(len(LIGHTS)))


def _exposure_rate(spec: RobotSpec) -> float:
    rates = {cam.rate_hz for cam in spec.cameras} or {_SCENE_HZ}
    if len(rates) > 1 or max(rates) > spec.encoder.rate_hz:
        raise ConfigError(
            f"camera rate_hz: got {sorted(rates)}, allowed in simulation: one for all, at most {spec.encoder.rate_hz}"
        )
    return rates.pop()
