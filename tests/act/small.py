"""A small robot to test on: wheeled base, lidar, one 6-joint arm with a coupled gripper, a neck and a face."""

import mujoco

from vagus.core.robot import (
    ArmSpec,
    BaseSpec,
    CameraSpec,
    FaceSpec,
    GroupSpec,
    JointSpec,
    LidarSpec,
    NeckSpec,
    RobotSpec,
    SensorSpec,  # fmt: skip
)

XML = """
<mujoco model="small">
  <compiler angle="radian"/>
  <worldbody>
    <body name="base">
      <freejoint/>
      <site name="imu" pos="0 0 .2"/>
      <site name="lidar" pos="0.05 0 .25"/>
      <geom name="chassis" type="cylinder" size=".2 .1" pos="0 0 .15" mass="20"/>
      <geom name="column" type="capsule" size=".06" fromto="0 0 .3 0 0 1.0" mass="5"/>
      <body name="wl" pos="0 .18 .08"><joint name="wheel_left" axis="0 1 0"/>
        <geom type="cylinder" size=".08 .02" euler="1.5708 0 0" mass="1"/></body>
      <body name="wr" pos="0 -.18 .08"><joint name="wheel_right" axis="0 1 0"/>
        <geom type="cylinder" size=".08 .02" euler="1.5708 0 0" mass="1"/></body>
      <body name="head_yaw" pos="0 0 1.15"><joint name="neck_yaw" axis="0 0 1"/>
        <geom type="sphere" size=".03" mass=".2"/>
        <body name="head" pos="0 0 .06"><joint name="neck_pitch" axis="0 1 0"/>
          <geom name="skull" type="sphere" size=".09" pos="0 0 .1" mass="1"/>
          <camera name="camera.head" pos=".1 0 .1" xyaxes="0 -1 0 0 0 1"/>
          <body name="lid" pos=".09 0 .12"><joint name="lid" axis="0 1 0"/>
            <geom type="box" size=".01 .03 .01" contype="0" conaffinity="0" mass=".01"/></body>
          <body name="mouth" pos=".09 0 .05"><joint name="mouth" axis="1 0 0"/>
            <geom type="box" size=".01 .03 .01" contype="0" conaffinity="0" mass=".01"/></body>
        </body></body>
      <body name="a1" pos="0 -.18 .95"><joint name="pan" axis="0 1 0"/>
        <geom type="sphere" size=".045" mass=".4"/>
        <body name="a2" pos="0 -.05 0"><joint name="roll" axis="1 0 0"/>
          <geom type="sphere" size=".04" mass=".4"/>
          <body name="a3" pos="0 0 -.06"><joint name="twist" axis="0 0 1"/>
            <geom type="capsule" size=".035" fromto="0 0 0 0 0 -.22" mass="1"/>
            <body name="a4" pos="0 0 -.26"><joint name="elbow" axis="0 1 0"/>
              <geom type="capsule" size=".03" fromto="0 0 0 0 0 -.2" mass=".8"/>
              <body name="a5" pos="0 0 -.24"><joint name="wrist" axis="0 1 0"/>
                <geom type="capsule" size=".025" fromto="0 0 0 0 0 -.04" mass=".2"/>
                <body name="hand" pos="0 0 -.07"><joint name="spin" axis="0 0 1"/>
                  <geom type="box" size=".02 .04 .02" mass=".2"/>
                  <site name="tip" pos="0 0 -.09" euler="3.14159265 0 0"/>
                  <body name="f1" pos="0 .01 -.06"><joint name="gripper" type="slide" axis="0 1 0"/>
                    <geom type="box" size=".01 .005 .04" mass=".05"/></body>
                  <body name="f2" pos="0 -.01 -.06"><joint name="finger2" type="slide" axis="0 -1 0"/>
                    <geom type="box" size=".01 .005 .04" mass=".05"/></body>
                </body></body></body></body></body></body>
    </body>
  </worldbody>
  <equality><joint joint1="finger2" joint2="gripper"/></equality>
</mujoco>
"""


def small_model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(XML)


def _joint(name: str, low: float, high: float, home: float = 0.0) -> JointSpec:
    return JointSpec(name=name, position_min=low, position_max=high, home=home, speed_max=2.0, acceleration_max=8.0,
                     effort_max=30.0)  # fmt: skip


def _face(name: str) -> JointSpec:
    return JointSpec(name=name, position_min=-0.6, position_max=0.6, speed_max=6.0, acceleration_max=60.0,
                     effort_max=1.0)  # fmt: skip


def _wheel(name: str) -> JointSpec:
    return JointSpec(name=name, mode="velocity", speed_max=10.0, acceleration_max=10.0, effort_max=5.0)


ARM = ("pan", "roll", "twist", "elbow", "wrist", "spin")


def small_spec() -> RobotSpec:
    gripper = JointSpec(name="gripper", unit="m", position_min=0.0, position_max=0.04, speed_max=0.2,
                        acceleration_max=2.0, effort_max=10.0)  # fmt: skip
    arm = (_joint("pan", -3.0, 1.5), _joint("roll", -2.8, 0.1, -0.15), _joint("twist", -2.0, 2.0),
           _joint("elbow", -2.4, 0.05, -0.1), _joint("wrist", -1.5, 1.5), _joint("spin", -2.5, 2.5))  # fmt: skip
    return RobotSpec(
        name="small",
        joints=(_wheel("wheel_left"), _wheel("wheel_right"), _joint("neck_yaw", -1.4, 1.4),
                _joint("neck_pitch", -0.7, 0.9), *arm, gripper, _face("lid"), _face("mouth")),
        groups=(GroupSpec(name="base", joints=("wheel_left", "wheel_right")),
                GroupSpec(name="neck", joints=("neck_yaw", "neck_pitch")), GroupSpec(name="arm", joints=ARM),
                GroupSpec(name="gripper", joints=("gripper",), on_estop="hold"),
                GroupSpec(name="face", joints=("lid", "mouth"))),
        imu=SensorSpec(name="imu", rate_hz=200.0, max_age_s=0.02),
        lidar=LidarSpec(name="lidar", rate_hz=10.0, max_age_s=0.3),
        cameras=(CameraSpec(name="camera.head", rate_hz=30.0, max_age_s=0.2),),
        base=BaseSpec(left="wheel_left", right="wheel_right", radius=0.08, track=0.36),
        arms=(ArmSpec(name="right", joints=ARM, tip="tip", gripper="gripper"),),
        neck=NeckSpec(yaw="neck_yaw", pitch="neck_pitch", camera="camera.head"),
        face=FaceSpec(action_units={12: {"mouth": 0.5}, 15: {"mouth": -0.4}, 1: {"lid": 0.1}, 2: {"lid": 0.1},
                                    4: {"lid": -0.2}, 5: {"lid": 0.3}, 45: {"lid": -0.5}}),
    )  # fmt: skip
