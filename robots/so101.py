"""The SO-101: a five-joint arm with a gripper, as TheRobotStudio and LeRobot build it; simulated, or real on USB.

Six servos at 1 Mbaud take 2.6 ms a cycle on the wire and about 2 ms in USB, so the loop runs at 100 Hz. The real arm
has to be set up once with LeRobot's ``lerobot-setup-motors`` and ``lerobot-calibrate``: Vagus uses what they stored.
"""

import math

from vagus.body.robot import FeetechCfg, Robot, SimulatedCfg
from vagus.core.robot import ArmSpec, CameraSpec, GroupSpec, JointSpec, RobotSpec, SensorSpec
from vagus.world import so101

ARM = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")


def joint(name: str, *, effort_max: float = so101.STALL_TORQUE, speed_max: float = 2.0) -> JointSpec:
    """Return one joint's limits: at most half of the servo's no-load speed, and a braking that its torque can do."""
    low, high = so101.RANGES[name]
    return JointSpec(
        name=name,
        position_min=low,
        position_max=high,
        speed_max=speed_max,
        acceleration_max=10.0,
        effort_max=effort_max,
        following_error_max=0.35,
        home=so101.HOME[name],
    )


spec = RobotSpec(
    name="so101",
    # 0.45 N m is 6 N at the jaw's end: it holds what the arm can carry, and squeezing what does not give way does not
    # overpower the arm's own joints. Its gear takes a third of that at half of the speed.
    joints=(*(joint(name) for name in ARM), joint("gripper", effort_max=0.45, speed_max=1.0)),
    groups=(GroupSpec(name="arm", joints=ARM), GroupSpec(name="gripper", joints=("gripper",), on_estop="hold")),
    encoder=SensorSpec(name="encoder", rate_hz=100.0, max_age_s=0.030),
    cameras=(CameraSpec(name="camera.desk", rate_hz=30.0, max_age_s=0.2, fovy=math.radians(so101.CAMERA_FOVY_DEG)),),
    arms=(ArmSpec(name="arm", joints=ARM, tip="tip", gripper="gripper", widths=so101.widths(), has_fixed_finger=True),),
    reflex_hz=100.0,
    watchdog_s=0.050,
    stopping_distance_m=0.35,
)

robot = Robot(
    spec=spec,
    model=so101.build,
    simulated=SimulatedCfg(scene="desk"),
    real=FeetechCfg(
        port="/dev/ttyACM0",
        ids=(1, 2, 3, 4, 5, 6),
        # LeRobot's calibration makes 2048 the middle of every range; the gripper's middle is 45 degrees open.
        zero=(2048, 2048, 2048, 2048, 2048, 1536),
        stall_torque=so101.STALL_TORQUE,
    ),
)
