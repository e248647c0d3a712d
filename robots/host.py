"""The humanoid ``host`` as a robot: what the loop, the gate, the page and the skills need to know of it.

Copy this file to start your own robot: name its joints, say what each may do, and point ``model`` at its geometry.
"""

from vagus.body.robot import Robot, SimulatedCfg
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
    SensorSpec,
    TouchSpec,
)
from vagus.world import host

limits = host.joint_limits(host.build())
"""Ranges and efforts stand in the model; nothing repeats them here."""


def joint(name: str, *, speed: float, acceleration: float, following_error: float = float("inf")) -> JointSpec:
    """One position joint of the model [rad or m, and per second]."""
    lim = limits[name]
    return JointSpec(
        name=name, unit="m" if name in SLIDES else "rad", position_min=lim.position_min, position_max=lim.position_max,
        effort_max=lim.effort_max, speed_max=speed, acceleration_max=acceleration, following_error_max=following_error,
        home=host.HOME[name],
    )  # fmt: skip


def wheel(name: str) -> JointSpec:
    """A wheel: 7.5 rad/s is 0.6 m/s, 20 rad/s^2 is 1.6 m/s^2; its motors brake at 2.3 m/s^2 at most."""
    effort = limits[name].effort_max
    return JointSpec(name=name, mode="velocity", speed_max=7.5, acceleration_max=20.0, effort_max=effort,
                     following_error_max=4.0)  # fmt: skip


SLIDES = ("lift", "left_gripper", "right_gripper", "brow_outer_left", "brow_outer_right", "jaw")
WHEELS = ("wheel_left", "wheel_right")
NECK = ("neck_yaw", "neck_pitch")
LEFT, RIGHT = (tuple(f"{side}_{name}" for name in host.ARM_JOINTS) for side in host.SIDES)


def pair(name: str, by: float) -> dict[str, float]:
    """The same displacement on both sides of the face [rad or m]."""
    return {f"{name}_left": by, f"{name}_right": by}


def arm(side: str, joints: tuple[str, ...]) -> ArmSpec:
    """One arm; each of its two fingers moves as far as the gripper's joint says."""
    gripper = f"{side}_gripper"
    return ArmSpec(name=side, joints=joints, tip=f"{side}_tip", gripper=gripper, tucked=host.TUCKED,
                   opening=2.0 * limits[gripper].position_max,
                   pads=tuple(pad for pad in host.TOUCH_PADS if pad.startswith(side)))  # fmt: skip


face = FaceSpec(
    action_units={
        1: pair("brow_inner", 0.48),  # inner brow raiser
        2: pair("brow_outer", 0.020) | pair("brow_inner", -0.40),  # outer brow raiser: the inner end stays
        4: pair("brow_inner", -0.42) | pair("brow_outer", -0.004),  # brow lowerer
        5: pair("lid", 0.45),  # upper lid raiser
        6: pair("lid", -0.30),  # cheek raiser: on this face, eyes narrowed by a smile
        7: pair("lid", -0.50),  # lid tightener
        12: pair("mouth", 0.70),  # lip corner puller
        15: pair("mouth", -0.70),  # lip corner depressor
        20: pair("mouth", -0.40) | {"jaw": 0.006},  # lip stretcher: this mouth cannot widen
        25: {"jaw": 0.012},  # lips part
        26: {"jaw": 0.026},  # jaw drop
        27: {"jaw": 0.034},  # mouth stretch
        43: pair("lid", -2.1),  # eyes closed
        61: {"eye_yaw": 0.45},  # eyes turn left
        62: {"eye_yaw": -0.45},  # eyes turn right
        63: {"eye_pitch": -0.35},  # eyes up
        64: {"eye_pitch": 0.35},  # eyes down
    }
)

robot = Robot(
    model=host.build,
    simulated=SimulatedCfg(scene="room"),
    spec=RobotSpec(
        name="host",
        joints=(
            *(wheel(name) for name in WHEELS),
            joint("lift", speed=0.15, acceleration=0.6, following_error=0.03),
            *(joint(name, speed=2.0, acceleration=8.0, following_error=0.30) for name in NECK),
            *(joint(name, speed=2.0, acceleration=12.0, following_error=0.30) for name in (*LEFT, *RIGHT)),
            *(joint(f"{side}_gripper", speed=0.15, acceleration=2.0) for side in host.SIDES),
            *(
                joint(name, speed=0.3 if name in SLIDES else 12.0, acceleration=6.0 if name in SLIDES else 250.0)
                for name in host.FACE_JOINTS
            ),
        ),
        groups=(
            GroupSpec(name="base", joints=WHEELS),
            GroupSpec(name="lift", joints=("lift",)),
            GroupSpec(name="neck", joints=NECK),
            GroupSpec(name="arm_left", joints=LEFT),
            GroupSpec(name="arm_right", joints=RIGHT),
            GroupSpec(name="gripper_left", joints=("left_gripper",), on_estop="hold"),
            GroupSpec(name="gripper_right", joints=("right_gripper",), on_estop="hold"),
            GroupSpec(name="face", joints=host.FACE_JOINTS),
        ),
        encoder=SensorSpec(name="encoder", rate_hz=500.0, max_age_s=0.008),
        imu=SensorSpec(name="imu", rate_hz=200.0, max_age_s=0.02),
        touch=TouchSpec(name="touch", rate_hz=100.0, max_age_s=0.03, pads=host.TOUCH_PADS),
        lidar=LidarSpec(name="lidar", rate_hz=10.0, max_age_s=0.3, n_rays=360),
        cameras=(CameraSpec(name="camera.head", rate_hz=30.0, max_age_s=0.2, width=320, height=240),),
        base=BaseSpec(left="wheel_left", right="wheel_right", radius=host.WHEEL_RADIUS, track=host.WHEEL_TRACK),
        arms=(arm("left", LEFT), arm("right", RIGHT)),
        neck=NeckSpec(yaw="neck_yaw", pitch="neck_pitch", camera="camera.head"),
        face=face,
        # Worst: a hand 0.77 m from the axis of a full-speed turn (2.8 rad/s, braked at 7.4 rad/s^2: 0.41 m), 50 ms late
        # (0.11 m), while shoulder and elbow stop, too (0.2 m).
        stopping_distance_m=0.8,
    ),
)
