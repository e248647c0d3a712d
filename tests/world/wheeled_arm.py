"""A small robot to test simulation with: two wheels, an arm that turns about an upright axis and bends, a gripper."""

from collections.abc import Callable

import mujoco
import numpy as np

from vagus.core import messages as m
from vagus.core.messages import Mode, Record
from vagus.core.robot import (
    ArmSpec,
    CameraSpec,
    GroupSpec,
    JointSpec,
    LidarSpec,
    RobotSpec,
    SensorSpec,
    TouchSpec,
)  # fmt: skip
from vagus.world.motors import MotorCfg
from vagus.world.scenes import Scene, build_scene
from vagus.world.sensors import SensorCfg, ideal
from vagus.world.simulation import Simulation, SimulationCfg

DT_NS = 2_000_000
START_NS = 1_000_000_000
KP, KV = 200.0, 6.0
GRIP_KP, GRIP_EFFORT = 1500.0, 20.0

PERFECT = SimulationCfg(
    motors=MotorCfg(delay_min_s=0.0, delay_max_s=0.0, torque_noise=0.0), sensors=ideal(), camera_delay_s=0.0,
    camera_dropout=0.0, light=(1.0, 0),
)  # fmt: skip


def _joint(name: str, *, effort: float, acceleration: float = 5.0, unit: str = "rad", home: float = 0.0) -> JointSpec:
    low, high = (-2.0, 2.0) if unit == "rad" else (0.0, 0.04)
    return JointSpec(name=name, unit=unit, position_min=low, position_max=high, speed_max=3.0,
                     acceleration_max=acceleration, effort_max=effort, home=home)  # fmt: skip


def _wheel(name: str) -> JointSpec:
    return JointSpec(name=name, mode="velocity", speed_max=10.0, acceleration_max=20.0, effort_max=4.0)


SPEC = RobotSpec(
    name="wheeled_arm",
    joints=(
        _wheel("wheel_left"), _wheel("wheel_right"), _joint("turn", effort=10.0), _joint("bend", effort=10.0),
        _joint("gripper", effort=GRIP_EFFORT, unit="m", home=0.02),
    ),
    groups=(
        GroupSpec(name="base", joints=("wheel_left", "wheel_right")),
        GroupSpec(name="arm", joints=("turn", "bend")),
        GroupSpec(name="hand", joints=("gripper",), on_estop="hold"),
    ),
    imu=SensorSpec(name="imu", rate_hz=200.0, max_age_s=0.02),
    touch=TouchSpec(name="touch", rate_hz=100.0, max_age_s=0.03, pads=("pad",)),
    lidar=LidarSpec(name="lidar", rate_hz=10.0, max_age_s=0.3, n_rays=36),
    cameras=(CameraSpec(name="eye", rate_hz=30.0, max_age_s=0.2, width=64, height=48),),
    arms=(ArmSpec(name="arm", joints=("turn", "bend"), tip="tip", gripper="gripper"),),
)  # fmt: skip

_MODEL = f"""
<mujoco>
  <worldbody>
    <body name="base">
      <freejoint/>
      <geom type="box" size=".2 .15 .05" pos="0 0 .15" mass="20"/>
      <geom type="sphere" size=".03" pos=".17 0 .0305" mass=".1" condim="1" priority="1"/>
      <geom type="sphere" size=".03" pos="-.17 0 .0305" mass=".1" condim="1" priority="1"/>
      <site name="imu" pos="0 0 .15"/>
      <site name="lidar" pos="0 0 .3"/>
      <camera name="eye" pos=".21 0 .15" xyaxes="0 -1 0 0 0 1"/>
      <geom name="mast" type="cylinder" size=".02 .1" pos=".1 0 .3" mass=".1" contype="0" conaffinity="0"/>
      <body name="wheel_left" pos="0 .2 .1"><joint name="wheel_left" axis="0 1 0" armature=".02"/>
        <geom type="ellipsoid" size=".1 .02 .1" mass="1"/></body>
      <body name="wheel_right" pos="0 -.2 .1"><joint name="wheel_right" axis="0 1 0" armature=".02"/>
        <geom type="ellipsoid" size=".1 .02 .1" mass="1"/></body>
      <body name="upper" pos="0 0 .5">
        <joint name="turn" axis="0 0 1" armature=".05"/>
        <geom type="capsule" fromto=".05 0 0 .25 0 0" size=".02" mass=".5"/>
        <body name="lower" pos=".3 0 0">
          <joint name="bend" axis="0 1 0" armature=".05"/>
          <geom type="capsule" fromto=".03 0 0 .2 0 0" size=".02" mass=".3"/>
          <site name="tip" pos=".3 0 0"/>
          <geom name="thumb" type="box" size=".03 .005 .02" pos=".27 -.019 0" mass=".01"/>
          <body name="finger" pos=".27 -.01 0">
            <joint name="gripper" type="slide" axis="0 1 0" range="0 .04" limited="true" armature=".3" damping="2"/>
            <geom name="finger" type="box" size=".03 .005 .02" mass=".05"/>
            <site name="pad" type="box" size=".031 .009 .021"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <contact><exclude body1="base" body2="upper"/><pair geom1="thumb" geom2="finger"/></contact>
  <actuator>
    <velocity name="wheel_left" joint="wheel_left" kv="10" forcerange="-4 4"/>
    <velocity name="wheel_right" joint="wheel_right" kv="10" forcerange="-4 4"/>
    <position name="turn" joint="turn" kp="{KP}" kv="{KV}"/>
    <position name="bend" joint="bend" kp="{KP}" kv="{KV}"/>
    <position name="gripper" joint="gripper" kp="{GRIP_KP}" kv="50" forcerange="-{GRIP_EFFORT} {GRIP_EFFORT}"/>
  </actuator>
  <sensor>
    <gyro name="gyro" site="imu"/><accelerometer name="accelerometer" site="imu"/><touch name="pad" site="pad"/>
  </sensor>
</mujoco>
"""


def build() -> mujoco.MjSpec:
    return mujoco.MjSpec.from_string(_MODEL)


def place(edit: Callable[[mujoco.MjSpec], object] = lambda _: None) -> Scene:
    """Return the robot in the empty scene, after ``edit`` has added what a test needs."""
    robot = build()
    edit(robot)
    return build_scene(robot, scene="empty", seed=0)


class Bench:
    """A simulation with a clock and a source of commands."""

    def __init__(self, cfg: SimulationCfg = PERFECT, *, seed: int = 0, scene: Scene | None = None, **kwargs: object):
        self.sim = Simulation(SPEC, scene or place(), cfg, seed=seed, **kwargs)
        self.now_ns = START_NS
        self.counter = 0
        self.seen: dict[str, list[Record]] = {}

    def command(self, **fields: object) -> Record:
        """Return a new command: every joint stays at home in its own mode, but for ``fields``."""
        self.counter += 1
        record = m.blank(m.joint_command(SPEC))
        record["counter"], record["stamp_ns"] = self.counter, self.now_ns
        record["q"], record["effort_max"] = SPEC.array("home"), SPEC.array("effort_max")
        record["mode"] = [Mode.VELOCITY if j.mode == "velocity" else Mode.POSITION for j in SPEC.joints]
        for key, value in fields.items():
            record[key] = value
        return record

    def step(self, command: Record | None = None, n: int = 1) -> Record:
        """Step ``n`` times with the same command and return the last ``actuation``."""
        for _ in range(n):
            self.now_ns += DT_NS
            for name, record in self.sim.step(self.now_ns, command):
                self.seen.setdefault(name, []).append(record)
        return self.seen["actuation"][-1]

    def follow(self, n: int, **fields: object) -> None:
        """Step ``n`` times, each with a new command."""
        for _ in range(n):
            self.step(self.command(**fields))

    def q(self, joint: str) -> float:
        return float(self.sim.data.joint(joint).qpos[0])

    def v(self, joint: str) -> float:
        return float(self.sim.data.joint(joint).qvel[0])

    def force(self, joint: str) -> float:
        return float(self.sim.data.actuator(joint).force[0])


def with_joint(value: float, joint: str, base: np.ndarray | None = None) -> np.ndarray:
    """Return ``base`` (zeros by default) with one joint's entry set."""
    out = np.zeros(SPEC.n_joints) if base is None else np.array(base, np.float64)
    out[SPEC.joint_index(joint)] = value
    return out


__all__ = ["GRIP_EFFORT", "KP", "KV", "PERFECT", "SPEC", "Bench", "SensorCfg", "build", "place", "with_joint"]
