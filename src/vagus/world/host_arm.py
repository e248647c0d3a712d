"""One arm of the humanoid ``host``: seven joints, and a hand with two coupled fingers and a touch pad on each.

Lengths: shoulder to elbow 0.29 m, elbow to wrist 0.27 m, wrist to tip 0.16 m. Tip frame: z out of the hand, y along
the fingers' closing direction.
"""

import mujoco

from vagus.world.geoms import BOX, CAPSULE, CYLINDER, EVERYTHING, GROUP_ROBOT, ROBOT, SPHERE, Look, Vec, add, add_bar
from vagus.world.host_parts import (
    ACCENT,
    DARK,
    ELBOW,
    GREY,
    GRIPPER,
    HULL,
    RUBBER,
    SHELL,
    SHOULDER,
    UPPER_ARM,
    WRIST,
    add_follower,
    add_joint,
    add_slide,
)

UPPER_ARM_LENGTH = 0.29
"""Shoulder to elbow [m]."""
FOREARM_LENGTH = 0.27
"""Elbow to wrist [m]."""
HAND_LENGTH = 0.16
"""Wrist to tip [m]."""
FINGER_STROKE = 0.04
"""Each finger moves this far [m]: the hand opens 80 mm."""
PAD_HALF = (0.011, 0.005, 0.020)
"""Half sizes of a rubber fingertip pad: along the finger's width, closing direction, length [m]."""
FINGER_END = 0.018
"""The fingers end this far beyond the tip [m]."""

_PITCH = (0.0, -1.0, 0.0)
"""Positive lifts the hanging arm forward."""
_TURN_Y = (0.7071068, 0.7071068, 0.0, 0.0)


def add_arm(spec: mujoco.MjSpec, torso: mujoco.MjsBody, side: str, sign: float, *, shoulder: Vec) -> None:
    """Add the arm ``side`` to the torso at ``shoulder`` [m, torso frame]; ``sign`` is +1 left, -1 right."""
    out, turn = (sign, 0.0, 0.0), (0.0, 0.0, -sign)
    yoke = torso.add_body(name=f"{side}_shoulder", pos=list(shoulder))
    add_joint(spec, yoke, f"{side}_shoulder_pitch", _PITCH, (-1.2, 3.0), SHOULDER)
    add(yoke, GREY.weighing(0.5), SPHERE, (0.05,))

    socket = yoke.add_body(name=f"{side}_shoulder_socket")
    add_joint(spec, socket, f"{side}_shoulder_roll", out, (-0.15, 2.2), SHOULDER)
    add(socket, ACCENT.weighing(0.3), CYLINDER, (0.040, 0.054), quat=_TURN_Y)

    upper = socket.add_body(name=f"{side}_upper_arm")
    add_joint(spec, upper, f"{side}_shoulder_yaw", turn, (-1.6, 1.6), UPPER_ARM)
    _limb(upper, UPPER_ARM_LENGTH, 0.042, 0.9)

    forearm = upper.add_body(name=f"{side}_forearm", pos=[0.0, 0.0, -UPPER_ARM_LENGTH])
    add_joint(spec, forearm, f"{side}_elbow", _PITCH, (0.0, 2.5), ELBOW)
    add(forearm, GREY.weighing(0.3), CYLINDER, (0.036, 0.043), quat=_TURN_Y)

    wrist = forearm.add_body(name=f"{side}_wrist", pos=[0.0, 0.0, -FOREARM_LENGTH])
    add_joint(spec, wrist, f"{side}_wrist_yaw", turn, (-1.9, 1.9), WRIST)
    _sleeve(wrist)

    joint = wrist.add_body(name=f"{side}_wrist_joint")
    add_joint(spec, joint, f"{side}_wrist_pitch", _PITCH, (-1.45, 1.45), WRIST)
    add(joint, GREY.weighing(0.12), SPHERE, (0.030,))

    _add_hand(spec, joint, side, sign)
    # Shells that turn inside each other at a joint, with a small link between them.
    for a, b in (("upper_arm", "wrist"), ("wrist", "hand"), ("shoulder", "upper_arm")):
        spec.add_exclude(bodyname1=f"{side}_{a}", bodyname2=f"{side}_{b}")


def _limb(upper: mujoco.MjsBody, length: float, radius: float, mass: float) -> None:
    """Shape the upper arm: a shell that narrows towards the elbow."""
    add_bar(upper, HULL.weighing(mass), (0.0, 0.0, -0.03), (0.0, 0.0, -length + 0.01), radius)
    add_bar(upper, SHELL, (0.0, 0.0, -0.02), (0.0, 0.0, -0.15), radius)
    add_bar(upper, SHELL, (0.0, 0.0, -0.12), (0.0, 0.0, -length + 0.02), radius - 0.009)


def _sleeve(wrist: mujoco.MjsBody) -> None:
    """Shape the forearm: it turns about its own length, so all of it belongs to the wrist's yaw."""
    up = FOREARM_LENGTH
    add_bar(wrist, HULL.weighing(0.7), (0.0, 0.0, up - 0.06), (0.0, 0.0, 0.03), 0.037)
    add_bar(wrist, SHELL, (0.0, 0.0, up - 0.055), (0.0, 0.0, 0.06), 0.037)
    add(wrist, ACCENT, CYLINDER, (0.0375, 0.006), (0.0, 0.0, 0.045))


def _add_hand(spec: mujoco.MjSpec, wrist: mujoco.MjsBody, side: str, sign: float) -> None:
    hand = wrist.add_body(name=f"{side}_hand")
    add_joint(spec, hand, f"{side}_wrist_roll", (sign, 0.0, 0.0), (-0.9, 0.9), WRIST)
    add(hand, HULL.weighing(0.35), BOX, (0.024, 0.052, 0.020), (0.0, 0.0, -0.052))
    add(hand, SHELL, CAPSULE, (0.024, 0.032), (0.0, 0.0, -0.045), quat=_TURN_Y)
    add(hand, DARK, BOX, (0.020, 0.052, 0.010), (0.0, 0.0, -0.064))
    # Quaternion (0, 1, 0, 0): half a turn about x, so that the tip's z points out of the hand.
    hand.add_site(name=f"{side}_tip", pos=[0.0, 0.0, -HAND_LENGTH], quat=[0.0, 1.0, 0.0, 0.0], group=4)
    inner, outer = (hand.add_body(name=f"{side}_finger_{which}") for which in ("inner", "outer"))
    slide = add_slide(spec, inner, f"{side}_gripper", (0.0, -sign, 0.0), (0.0, FINGER_STROKE), GRIPPER)
    add_follower(spec, outer, slide, f"{side}_gripper_follower", (0.0, sign, 0.0))
    _shape_finger(spec, inner, f"{side}_touch_inner", -sign)
    _shape_finger(spec, outer, f"{side}_touch_outer", sign)


def _shape_finger(spec: mujoco.MjSpec, finger: mujoco.MjsBody, touch: str, out: float) -> None:
    """Shape one finger, which opens towards ``out`` * y, and add its rubber pad and the touch sensor ``touch``."""
    solid = Look(rgba=GREY.rgba, group=GROUP_ROBOT, contype=ROBOT, conaffinity=EVERYTHING, material=GREY.material)
    end = -HAND_LENGTH - FINGER_END
    add(finger, solid.weighing(0.04), BOX, (0.010, 0.005, 0.054), (0.0, out * 0.0155, end + 0.054))
    rubber = Look(rgba=RUBBER.rgba, group=GROUP_ROBOT, contype=ROBOT, conaffinity=EVERYTHING, mass=0.01,
                  material=RUBBER.material)  # fmt: skip
    centre = (0.0, out * (PAD_HALF[1] + 0.0005), end + PAD_HALF[2])
    pad = add(finger, rubber, BOX, PAD_HALF, centre)
    # Silicone on household plastic: friction about 1; torsional friction [m] of a patch 20 mm wide; condim 4 turns it
    # on. solref, solimp: a soft pad that gives about 1 mm under 10 N, damped as rubber is. MuJoCo leaves out how
    # contacts turn with the robot: what is held r off the axis of a turn drifts outward by w^2 r / b,
    # b = 2 / (dmax solref[0]). So the pad's damping is as high as two time steps allow, its stiffness
    # 1 / (solref[0] solref[1])^2 as of (0.01, 1), and what it touches has no say in it.
    pad.condim = 4
    pad.friction[:] = [1.0, 0.02, 0.0001]
    pad.solref[:] = [0.004, 2.5]
    pad.priority = 1
    pad.solimp[:] = [0.90, 0.97, 0.002, 0.5, 2.0]
    site = finger.add_site(name=touch, pos=list(centre), type=BOX, group=4)
    site.size[:] = [PAD_HALF[0] + 0.001, PAD_HALF[1] + 0.004, PAD_HALF[2] + 0.001]
    spec.add_sensor(name=touch, type=mujoco.mjtSensor.mjSENS_TOUCH, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=touch)
