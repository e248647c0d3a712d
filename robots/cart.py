"""A cart: two driven wheels, two casters, an IMU and a lidar. Copy this file to start a robot on wheels."""

import mujoco

from vagus.body.robot import Robot
from vagus.core.robot import BaseSpec, GroupSpec, JointSpec, LidarSpec, RobotSpec, SensorSpec

MODEL = """
<mujoco model="cart">
  <default>
    <geom group="2"/>
    <default class="caster"><geom type="sphere" size="0.03" condim="1" priority="1" mass="0.1"/></default>
    <default class="wheel"><geom type="cylinder" size="0.08 0.015" quat="1 1 0 0" mass="0.8" rgba="0 0 0 1"/></default>
  </default>
  <worldbody>
    <body name="base">
      <freejoint/>
      <geom type="box" size="0.20 0.14 0.04" pos="0 0 0.11" mass="8" rgba="0.9 0.5 0.1 1"/>
      <geom class="caster" pos="0.16 0 0.0304"/>
      <geom class="caster" pos="-0.16 0 0.0304"/>
      <site name="imu" pos="0 0 0.11"/>
      <site name="lidar" pos="0.1 0 0.22"/>
      <body name="wheel_left" pos="0 0.17 0.08">
        <joint name="wheel_left" axis="0 1 0" armature="0.01"/><geom class="wheel"/>
      </body>
      <body name="wheel_right" pos="0 -0.17 0.08">
        <joint name="wheel_right" axis="0 1 0" armature="0.01"/><geom class="wheel"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <velocity name="wheel_left" joint="wheel_left" kv="8" forcerange="-3 3"/>
    <velocity name="wheel_right" joint="wheel_right" kv="8" forcerange="-3 3"/>
  </actuator>
  <sensor><gyro name="gyro" site="imu"/><accelerometer name="accelerometer" site="imu"/></sensor>
</mujoco>
"""
WHEELS = ("wheel_left", "wheel_right")

spec = RobotSpec(
    name="cart",
    # 10 rad/s of a wheel of 0.08 m is 0.8 m/s; 15 rad/s^2 is 1.2 m/s^2: it stops within 0.8^2 / 2.4 = 0.27 m.
    joints=tuple(JointSpec(name=w, mode="velocity", speed_max=10, acceleration_max=15, effort_max=3) for w in WHEELS),
    groups=(GroupSpec(name="base", joints=WHEELS),),
    imu=SensorSpec(name="imu", rate_hz=200, max_age_s=0.02),
    lidar=LidarSpec(name="lidar", rate_hz=10, max_age_s=0.3),
    base=BaseSpec(left="wheel_left", right="wheel_right", radius=0.08, track=0.34),
    stopping_distance_m=0.3,
)
robot = Robot(spec=spec, model=lambda: mujoco.MjSpec.from_string(MODEL))
