"""The SO-101-class arm: five joints and a gripper on a fixed foot, from MuJoCo primitives alone, no mesh files.

Base frame: x forward, y left, z up, origin on the ground under the back of the foot. At zero the arm's joints are in
the middle of their ranges: upper arm up, forearm and gripper level, pointing forward. Joints and actuators:
``shoulder_pan``, ``shoulder_lift``, ``elbow_flex``, ``wrist_flex``, ``wrist_roll``, ``gripper``; site: ``tip``; camera:
``camera.desk``, on a stand beside the foot, looking down at what the arm reaches.

Source of axes, offsets, ranges and masses: TheRobotStudio, SO-ARM100, Simulation/SO101 (new calibration), measured from
its kinematics; servo data: the same project's bill of materials.
"""

import math

import mujoco
import numpy as np

from vagus.core.frames import quat_from_rotation
from vagus.world.geoms import BOX, CYLINDER, EVERYTHING, GROUP_ROBOT, ROBOT, Look, Vec, add, add_bar
from vagus.world.host_parts import Motor, add_joint

PAN_AXIS_X = 0.0388
"""The pan axis stands this far in front of the origin [m]."""
SHOULDER = (0.0304, 0.0, 0.1166)
"""Shoulder lift axis from the pan axis at the ground [m]."""
UPPER_ARM = (0.0280, 0.0, 0.1126)
"""Elbow from shoulder at zero [m]: 0.116 m long."""
FOREARM = (0.1349, 0.0, 0.0052)
"""Wrist from elbow at zero [m]: 0.135 m long."""
WRIST = 0.0611
"""Roll joint from wrist flex, along the forearm [m]."""
TIP = (0.0982, 0.0, -0.0079)
"""Tip from the roll joint [m]."""
JAW = (0.0234, 0.0, 0.0211)
"""Jaw's axis from the roll joint [m]."""
RANGES: dict[str, tuple[float, float]] = {
    "shoulder_pan": (-1.9198, 1.9198),
    "shoulder_lift": (-1.7453, 1.7453),
    "elbow_flex": (-1.69, 1.69),
    "wrist_flex": (-1.6580, 1.6580),
    "wrist_roll": (-2.7438, 2.8412),
    "gripper": (-0.1745, 1.7453),
}
"""Range of every joint [rad]; the gripper is closed at its lower end."""
HOME: dict[str, float] = {
    "shoulder_pan": 0.0, "shoulder_lift": -1.65, "elbow_flex": 1.2, "wrist_flex": -1.2, "wrist_roll": 0.0,
    "gripper": 0.0,
}  # fmt: skip
"""Folded over its foot with the hand up, where it hides next to nothing from the camera [rad]."""
CAMERA_AT, CAMERA_LOOKS_AT = (-0.04, 0.22, 0.42), (0.20, 0.01, 0.03)
"""Where the camera is and what is in the middle of its picture [m]: a stand beside the foot, out of the arm's reach."""
CAMERA_FOVY_DEG = 45.0
"""Vertical field of view [deg], as structured-light cameras of the Xtion class have."""
STALL_TORQUE = 1.62
"""Of an STS3215 at 6 V: 16.5 kg cm [N m]."""
_NO_LOAD_SPEED = 4.7
"""Of the same servo: 60 deg in 0.222 s [rad/s]."""

# kp: 1 N m of load sags the joint by 1/100 rad, as the servo's proportional loop does. kv: critical damping of the
# rotor, 2 sqrt(kp armature). damping: the line from stall torque to no-load speed. armature: identified by the source.
_SERVO = Motor(kp=100.0, kv=3.3, effort_max=STALL_TORQUE, armature=0.028, damping=STALL_TORQUE / _NO_LOAD_SPEED)
# Half torque, as LeRobot sets it: the motor does not burn when it holds something.
_GRIPPER = Motor(kp=20.0, kv=1.5, effort_max=STALL_TORQUE / 2, armature=0.028, damping=STALL_TORQUE / _NO_LOAD_SPEED)

_PRINT = Look(rgba=(0.96, 0.78, 0.15, 1.0), group=GROUP_ROBOT, contype=ROBOT, conaffinity=EVERYTHING)
_SERVO_LOOK = Look(rgba=(0.12, 0.12, 0.13, 1.0), group=GROUP_ROBOT, contype=ROBOT, conaffinity=EVERYTHING)
_LIFT_AXIS = (0.0, 1.0, 0.0)
_TIP_QUAT = (0.5, 0.5, 0.5, 0.5)
"""z of the tip along the hand (+x at zero), y along the jaw's closing direction (+z, from finger to jaw)."""
_FINGER_HALF = (0.040, 0.011, 0.004)
"""Half sizes of finger and jaw: along, across, thick [m]."""
_HELD = 0.020
"""How far behind the tip the width between finger and jaw is taken [m]."""


def build() -> mujoco.MjSpec:
    """Return a fresh model of the arm alone, bolted to the ground at the origin; 0.63 kg."""
    spec = mujoco.MjSpec()
    spec.modelname = "so101"
    spec.compiler.degree = False
    base = spec.worldbody.add_body(name="base")
    add(base, _PRINT.weighing(0.087), BOX, (0.035, 0.040, 0.020), (0.010, 0.0, 0.020))
    add(base, _SERVO_LOOK.weighing(0.060), BOX, (0.023, 0.013, 0.020), (0.026, 0.0, 0.040))

    shoulder = base.add_body(name="shoulder", pos=[PAN_AXIS_X, 0.0, 0.0])
    add_joint(spec, shoulder, "shoulder_pan", (0.0, 0.0, -1.0), RANGES["shoulder_pan"], _SERVO)
    add(shoulder, _PRINT.weighing(0.100), BOX, (0.025, 0.024, 0.028), (0.022, 0.0, 0.089))

    upper = shoulder.add_body(name="upper_arm", pos=list(SHOULDER))
    add_joint(spec, upper, "shoulder_lift", _LIFT_AXIS, RANGES["shoulder_lift"], _SERVO)
    add_bar(upper, _PRINT.weighing(0.103), (0.0, 0.0, 0.0), UPPER_ARM, 0.018)

    lower = upper.add_body(name="lower_arm", pos=list(UPPER_ARM))
    add_joint(spec, lower, "elbow_flex", _LIFT_AXIS, RANGES["elbow_flex"], _SERVO)
    add_bar(lower, _PRINT.weighing(0.104), (0.0, 0.0, 0.0), FOREARM, 0.016)

    wrist = lower.add_body(name="wrist", pos=list(FOREARM))
    add_joint(spec, wrist, "wrist_flex", _LIFT_AXIS, RANGES["wrist_flex"], _SERVO)
    add(wrist, _SERVO_LOOK.weighing(0.079), BOX, (0.023, 0.013, 0.020), (0.030, 0.0, 0.0))

    _add_gripper(spec, wrist)
    _add_stand(spec)
    # The foot is part of the ground, and MuJoCo lets a body collide with a parent that cannot move.
    spec.add_exclude(bodyname1="base", bodyname2="shoulder")
    spec.add_exclude(bodyname1="shoulder", bodyname2="lower_arm")
    spec.add_exclude(bodyname1="lower_arm", bodyname2="gripper")
    return spec


def _add_gripper(spec: mujoco.MjSpec, wrist: mujoco.MjsBody) -> None:
    hand = wrist.add_body(name="gripper", pos=[WRIST, 0.0, 0.0])
    add_joint(spec, hand, "wrist_roll", (-1.0, 0.0, 0.0), RANGES["wrist_roll"], _SERVO)
    add(hand, _SERVO_LOOK.weighing(0.060), CYLINDER, (0.014, 0.016), (0.010, 0.0, 0.0), quat=_along_x())
    thick = _FINGER_HALF[2]
    finger = add(hand, _PRINT.weighing(0.027), BOX, _FINGER_HALF, (TIP[0] - 0.032, 0.0, TIP[2] - thick))
    hand.add_site(name="tip", pos=list(TIP), quat=list(_TIP_QUAT), group=4)

    jaw = hand.add_body(name="jaw", pos=list(JAW))
    add_joint(spec, jaw, "gripper", (0.0, -1.0, 0.0), RANGES["gripper"], _GRIPPER)
    # Closed, the jaw's inner face runs from its axis to the tip; at zero it is open by the range's lower end.
    dx, dz = TIP[0] - JAW[0], TIP[2] - JAW[2]
    length, droop = math.hypot(dx, dz), math.atan2(-dz, dx) + RANGES["gripper"][0]
    middle = (length / 2, thick)  # along the face, and out of it
    centre = (
        middle[0] * math.cos(droop) + middle[1] * math.sin(droop), 0.0,
        -middle[0] * math.sin(droop) + middle[1] * math.cos(droop),
    )  # fmt: skip
    quat = (math.cos(droop / 2), 0.0, math.sin(droop / 2), 0.0)
    pad = add(jaw, _PRINT.weighing(0.012), BOX, (length / 2, *_FINGER_HALF[1:]), centre, quat=quat)
    for geom in (finger, pad):
        geom.condim = 4
        geom.friction[:] = [1.0, 0.01, 0.0001]  # rubbered print on household things
        # Gives 1 mm under 10 N: as stiff as two 2 ms steps allow, for a thing that weighs next to nothing, too.
        geom.priority = 1
        geom.solref[:] = [0.004, 1.0]
        geom.solimp[:] = [0.95, 0.99, 0.001, 0.5, 2.0]


def _add_stand(spec: mujoco.MjSpec) -> None:
    """Add the camera on its stand, which never moves: its weight does not matter."""
    stand = spec.worldbody.add_body(name="stand")
    x, y, z = CAMERA_AT
    add(stand, _SERVO_LOOK, CYLINDER, (0.035, 0.006), (x, y, 0.006))
    add_bar(stand, _SERVO_LOOK, (x, y, 0.02), (x, y, z - 0.02), 0.008)
    back = np.subtract(CAMERA_AT, CAMERA_LOOKS_AT)
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    # MuJoCo's camera looks along its -z with y up.
    quat = quat_from_rotation(np.stack([right, np.cross(back, right), back], axis=1)).tolist()
    # Wholly behind the camera's centre, which would see it otherwise.
    add(stand, _SERVO_LOOK, BOX, (0.045, 0.013, 0.012), (np.array(CAMERA_AT) + 0.013 * back).tolist(), quat=quat)
    stand.add_camera(name="camera.desk", pos=list(CAMERA_AT), quat=quat, fovy=CAMERA_FOVY_DEG)


def widths(n: int = 9) -> tuple[tuple[float, float], ...]:
    """Return how far apart finger and jaw are [m] at ``n`` positions of the gripper [rad], from closed to open.

    Measured out of the finger's face, ``_HELD`` behind the tip, where things are held. The jaw's face is a line through
    its axis, which stands ``JAW - TIP`` over the finger; closed, it runs to the tip. Further open than the last
    position, the jaw's end is behind that place.
    """
    over, along = JAW[2] - TIP[2], TIP[0] - JAW[0]
    closed, length = math.atan2(over, along), math.hypot(over, along)
    at = along - _HELD
    low, high = RANGES["gripper"][0], RANGES["gripper"][0] + closed + math.acos(at / length)
    return tuple((float(q), over + at * math.tan(q - low - closed)) for q in np.linspace(low, high, n))


def _along_x() -> Vec:
    return (math.sqrt(0.5), 0.0, math.sqrt(0.5), 0.0)
