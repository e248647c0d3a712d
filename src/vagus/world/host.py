"""The humanoid ``host``: wheels, lift, two arms with grippers, a neck and a face, from MuJoCo primitives alone.

Body frame: x forward, y left, z up; body ``base`` has its origin on the floor, midway between the wheels. At zero the
arms hang straight down; equal joint values make the two arms mirror images, positive lifts forward, outward, or bends.
``host_arm`` builds arms and hands, ``host_head`` neck and face, ``host_parts`` motors and colours. Nothing here steps,
renders or adds noise. Names that others use:

- joints and actuators (same names): see ``HOME``; followers ``<side>_gripper_follower``, ``eye_yaw_right``,
  ``eye_pitch_right`` have no motor;
- sites ``imu``, ``lidar``, ``left_tip``, ``right_tip``, and one per touch pad; camera ``camera.head``;
- sensors ``gyro``, ``accelerometer`` (at ``imu``) and ``{left,right}_touch_{inner,outer}``.
"""

from dataclasses import dataclass

import mujoco

from vagus.world.geoms import (
    ALONG_X,
    BOX,
    CAPSULE,
    CYLINDER,
    ELLIPSOID,
    EVERYTHING,
    GROUP_ROBOT,
    ROBOT,
    SPHERE,
    Look,
    add,
)
from vagus.world.host_arm import add_arm
from vagus.world.host_head import add_head
from vagus.world.host_parts import (
    ACCENT,
    DARK,
    GREY,
    HULL,
    LIFT,
    RUBBER,
    SHELL,
    WHEEL_EFFORT,
    WHEEL_KV,
    add_materials,
    add_slide,
)

WHEEL_RADIUS = 0.08
"""[m]"""
WHEEL_TRACK = 0.43
"""Distance between the points where the wheels touch the floor [m]."""
BASE_RADIUS = 0.22
"""[m]; the wheels stand out to 0.24 m."""
LIFT_STROKE = 0.35
"""[m]"""
SHOULDER_HEIGHT = 0.66
"""Height of the shoulders' axes with the lift down [m]: hands reach the floor, and 1.3 m with the lift up."""
LIDAR_HEIGHT = 0.25
"""[m]: above a person's ankles, below table tops."""
TORSO_BOTTOM = 0.44
"""Height of the torso's frame with the lift down [m]."""
CASTER_X, CASTER_Y, CASTER_RADIUS = 0.175, 0.09, 0.03
"""Where the four casters stand [m]: the corners of the area the base stands on."""
CASTER_CLEARANCE = 0.0004
"""Casters end this far above the floor [m], so that the wheels carry most of the weight and never spin in the air."""

SIDES = ("left", "right")
ARM_JOINTS = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_yaw", "wrist_pitch", "wrist_roll")
TOUCH_PADS = tuple(f"{side}_touch_{which}" for side in SIDES for which in ("inner", "outer"))
"""Sensors on the fingertips: ``inner`` is the finger nearer to the body's middle."""
FACE_JOINTS = (
    "brow_inner_left",
    "brow_inner_right",
    "brow_outer_left",
    "brow_outer_right",
    "lid_left",
    "lid_right",
    "eye_yaw",
    "eye_pitch",
    "mouth_left",
    "mouth_right",
    "jaw",
)

_ARM_HOME = (0.05, 0.16, 0.0, 0.35, 0.0, 0.0, 0.0)
_ARM_READY = (0.0, 0.20, 0.0, 1.75, 0.0, -0.18, 0.0)
TUCKED = (1.5, 0.45, -0.5, 2.4, 0.0, -0.8, 0.0)
"""An arm with its elbow lifted ahead and its hand up, off the head [rad]: with the lift up all of it is higher than
what stands on a table, nothing is in the camera's way to the table, and the hand comes down on things from above."""


def _pose(lift: float, arm: tuple[float, ...], gripper: float) -> dict[str, float]:
    pose = {"wheel_left": 0.0, "wheel_right": 0.0, "lift": lift, "neck_yaw": 0.0, "neck_pitch": 0.0}
    for side in SIDES:
        pose |= {f"{side}_{name}": q for name, q in zip(ARM_JOINTS, arm, strict=True)}
        pose[f"{side}_gripper"] = gripper
    return pose | dict.fromkeys(FACE_JOINTS, 0.0)


HOME = _pose(0.30, _ARM_HOME, 0.02)
"""Hands beside the body; 1.4 m tall. Every actuated joint [rad or m]."""
READY = _pose(0.30, _ARM_READY, 0.04)
"""Forearms level, open hands in front of the body at 0.72 m; every actuated joint [rad or m]."""


@dataclass(frozen=True, slots=True)
class JointLimits:
    """What a model says of one joint."""

    position_min: float
    """[rad or m], -inf for an unlimited joint."""
    position_max: float
    """[rad or m], inf for an unlimited joint."""
    effort_max: float
    """Largest torque or force of its motor [N m or N]."""


def joint_limits(spec: mujoco.MjSpec) -> dict[str, JointLimits]:
    """Read the range and the largest effort of every actuated joint from a model, by the joint's name."""
    limits: dict[str, JointLimits] = {}
    for actuator in spec.actuators:
        joint = spec.joint(actuator.target)
        low, high = (
            (float(x) for x in joint.range) if joint.range[0] < joint.range[1] else (-float("inf"), float("inf"))
        )
        limits[joint.name] = JointLimits(low, high, float(actuator.forcerange[1]))
    return limits


def build() -> mujoco.MjSpec:
    """Return a fresh model of ``host`` alone, 54 kg, standing on z = 0.

    With all joints at zero the lift is down and the straight arms reach below the floor: begin from ``HOME``.
    """
    spec = mujoco.MjSpec()
    spec.modelname = "host"
    spec.compiler.degree = False
    add_materials(spec)
    base = spec.worldbody.add_body(name="base")
    base.add_freejoint(name="base_free")
    _add_base(base)
    _add_wheel(spec, base, "wheel_left", 1.0)
    _add_wheel(spec, base, "wheel_right", -1.0)
    torso = base.add_body(name="torso", pos=[0.0, 0.0, TORSO_BOTTOM])
    add_slide(spec, torso, "lift", (0.0, 0.0, 1.0), (0.0, LIFT_STROKE), LIFT)
    _add_torso(torso)
    add_head(spec, torso)
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        add_arm(spec, torso, side, sign, shoulder=(0.02, 0.205 * sign, SHOULDER_HEIGHT - TORSO_BOTTOM))
    _add_imu(spec)
    # Neighbours that always touch where a link turns inside another.
    for a, b in [("base", "torso"), ("torso", "head"), *((f"{s}_upper_arm", "torso") for s in SIDES)]:
        spec.add_exclude(bodyname1=a, bodyname2=b)
    return spec


def _add_base(base: mujoco.MjsBody) -> None:
    add(base, HULL.weighing(12.0), CYLINDER, (BASE_RADIUS, 0.085), (0.0, 0.0, 0.125))
    # Batteries and drives lie as low as they can: they are what keeps the stretched-out robot from tipping.
    add(base, DARK.weighing(19.0), BOX, (0.13, 0.11, 0.03), (0.0, 0.0, 0.075))
    add(base, HULL.weighing(1.0), CYLINDER, (0.066, 0.12), (-0.02, 0.0, 0.32))
    add(base, DARK, CYLINDER, (BASE_RADIUS - 0.008, 0.042), (0.0, 0.0, 0.066))
    add(base, ACCENT, CYLINDER, (BASE_RADIUS - 0.002, 0.005), (0.0, 0.0, 0.110))
    add(base, SHELL, CYLINDER, (BASE_RADIUS, 0.040), (0.0, 0.0, 0.155))
    add(base, SHELL, ELLIPSOID, (BASE_RADIUS, BASE_RADIUS, 0.035), (0.0, 0.0, 0.195))
    add(base, GREY, CYLINDER, (0.085, 0.012), (-0.02, 0.0, 0.235))
    add(base, DARK, CYLINDER, (0.066, 0.10), (-0.02, 0.0, 0.34))
    add(base, DARK, CYLINDER, (0.034, 0.022), (0.155, 0.0, LIDAR_HEIGHT - 0.007))
    add(base, ACCENT, CYLINDER, (0.035, 0.003), (0.155, 0.0, LIDAR_HEIGHT - 0.007))
    for x in (CASTER_X, -CASTER_X):
        for y in (CASTER_Y, -CASTER_Y):
            look = Look(rgba=GREY.rgba, group=GROUP_ROBOT, contype=ROBOT, conaffinity=EVERYTHING, mass=0.1)
            caster = add(base, look, SPHERE, (CASTER_RADIUS,), (x, y, CASTER_RADIUS + CASTER_CLEARANCE))
            caster.condim = 1  # a free-turning caster has no friction in the plane,
            caster.priority = 1  # whatever the floor's friction is
    base.add_site(name="imu", pos=[0.0, 0.0, 0.10], group=4)
    base.add_site(name="lidar", pos=[0.155, 0.0, LIDAR_HEIGHT], group=4)


def _add_wheel(spec: mujoco.MjSpec, base: mujoco.MjsBody, name: str, side: float) -> None:
    wheel = base.add_body(name=name, pos=[0.0, side * WHEEL_TRACK / 2, WHEEL_RADIUS])
    wheel.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=[0.0, 1.0, 0.0], armature=0.02)
    # An ellipsoid touches the floor in one point under the wheel's centre: exact radius and track, one cheap contact.
    tyre = add(wheel, HULL.weighing(1.5), ELLIPSOID, (WHEEL_RADIUS, 0.02, WHEEL_RADIUS))
    tyre.friction[:] = [1.0, 0.005, 0.0001]  # rubber on wood or tile
    add(wheel, RUBBER, CYLINDER, (WHEEL_RADIUS, 0.02), quat=(0.7071068, 0.7071068, 0.0, 0.0))
    hub = (0.0, side * 0.003, 0.0)
    add(wheel, SHELL, CYLINDER, (0.055, 0.019), hub, quat=(0.7071068, 0.7071068, 0.0, 0.0))
    add(wheel, ACCENT, BOX, (0.045, 0.0225, 0.008))
    motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    motor.set_to_velocity(kv=WHEEL_KV)
    motor.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    motor.forcerange[:] = [-WHEEL_EFFORT, WHEEL_EFFORT]


def _add_torso(torso: mujoco.MjsBody) -> None:
    top = SHOULDER_HEIGHT - TORSO_BOTTOM
    add(torso, HULL.weighing(6.0), CAPSULE, (0.105, 0.045), (0.0, 0.0, 0.16))
    shoulders = add(torso, HULL.weighing(2.5), CAPSULE, (0.06, 0.11), (0.02, 0.0, top))
    shoulders.quat[:] = [0.7071068, 0.7071068, 0.0, 0.0]
    add(torso, HULL.weighing(1.5), CYLINDER, (0.050, LIFT_STROKE / 2), (-0.02, 0.0, -LIFT_STROKE / 2))
    add(torso, GREY, CYLINDER, (0.050, LIFT_STROKE / 2), (-0.02, 0.0, -LIFT_STROKE / 2))
    add(torso, DARK, CYLINDER, (0.085, 0.03), (-0.005, 0.0, 0.03))
    add(torso, SHELL, ELLIPSOID, (0.150, 0.140, 0.115), (0.0, 0.0, 0.165), quat=ALONG_X)
    add(torso, SHELL, CAPSULE, (0.062, 0.115), (0.02, 0.0, top), quat=(0.7071068, 0.7071068, 0.0, 0.0))
    add(torso, DARK, ELLIPSOID, (0.088, 0.082, 0.058), (0.068, 0.0, 0.165), quat=ALONG_X)
    add(torso, ACCENT, ELLIPSOID, (0.028, 0.028, 0.014), (0.122, 0.0, 0.180), quat=ALONG_X)
    add(torso, DARK, BOX, (0.03, 0.075, 0.09), (-0.105, 0.0, 0.17))


def _add_imu(spec: mujoco.MjSpec) -> None:
    for name, kind in (
        ("gyro", mujoco.mjtSensor.mjSENS_GYRO),
        ("accelerometer", mujoco.mjtSensor.mjSENS_ACCELEROMETER),
    ):
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="imu")
