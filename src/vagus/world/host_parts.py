"""Motors, joints and colours that all parts of the humanoid ``host`` are made from.

It places nothing; ``host``, ``host_arm`` and ``host_head`` do.
"""

from dataclasses import dataclass

import mujoco

from vagus.world.geoms import EVERYTHING, GROUP_HULL, GROUP_ROBOT, ROBOT, Look, Rgba, Vec


@dataclass(frozen=True, kw_only=True, slots=True)
class Motor:
    """A joint's motor with its own position loop: ``effort = kp (q_cmd - q) - kv dq``, capped at ``effort_max``.

    To follow a moving target without lag, command ``q_cmd + kv / kp * v_cmd``. Gains give a natural frequency of 55-75
    rad/s with the arm out straight, about what a servo joint with a 500 Hz loop reaches, critically damped, so that
    gravity sags the unloaded arm by < 5 mrad per joint. MuJoCo's ``gravcomp`` is not used: it is an outer force, so
    it would take the arms' weight off the wheels, and a base with its arms out would not tip when it should.
    """

    kp: float
    """Stiffness [N m/rad or N/m]."""
    kv: float
    """Damping of the loop [N m s/rad or N s/m]."""
    effort_max: float
    """Largest torque or force [N m or N]."""
    armature: float
    """Rotor inertia as felt at the joint: rotor times gear ratio squared [kg m^2 or kg]."""
    damping: float = 0.0
    """Viscous friction of the gear [N m s/rad or N s/m]."""


# Efforts and rotor inertias are those of harmonic-drive joints of light cobots (class of Franka FR3, Unitree G1 arms);
# kv = 2 sqrt(kp (armature + inertia moved)).
SHOULDER = Motor(kp=2500.0, kv=80.0, effort_max=60.0, armature=0.20, damping=1.0)
UPPER_ARM = Motor(kp=900.0, kv=28.0, effort_max=40.0, armature=0.12, damping=0.6)
ELBOW = Motor(kp=1000.0, kv=28.0, effort_max=40.0, armature=0.12, damping=0.6)
WRIST = Motor(kp=160.0, kv=4.4, effort_max=12.0, armature=0.025, damping=0.15)
GRIPPER = Motor(kp=6000.0, kv=130.0, effort_max=20.0, armature=0.3, damping=2.0)
"""Both fingers share the cap through their gear: each presses with half of it, 10 N."""
LIFT = Motor(kp=1.0e5, kv=4000.0, effort_max=600.0, armature=20.0, damping=100.0)
"""A ball screw; it carries 20 kg (200 N) and sags 2 mm."""
NECK = Motor(kp=160.0, kv=6.5, effort_max=12.0, armature=0.03, damping=0.1)
FACE_TURN = Motor(kp=2.0, kv=0.08, effort_max=0.5, armature=0.0008)
"""A 9 g hobby servo."""
FACE_SLIDE = Motor(kp=200.0, kv=8.0, effort_max=5.0, armature=0.08)
WHEEL_KV = 20.0
"""Velocity loop of a hub motor [N m s/rad]: a wheel carries 26 kg * (0.08 m)^2 = 0.17 kg m^2, so it settles in 8 ms."""
WHEEL_EFFORT = 5.0
"""Largest wheel torque [N m]: brakes at 2.4 m/s^2, below the 3 m/s^2 at which the base would tip, arms out, lift up."""


def look(rgba: Rgba, material: str) -> Look:
    """Return the look of a drawn part of the robot that weighs nothing and touches nothing."""
    return Look(rgba=rgba, group=GROUP_ROBOT, material=material)


SHELL = look((0.93, 0.92, 0.89, 1.0), "host_shell")
DARK = look((0.17, 0.18, 0.21, 1.0), "host_dark")
GREY = look((0.52, 0.54, 0.58, 1.0), "host_grey")
ACCENT = look((0.10, 0.62, 0.62, 1.0), "host_accent")
RUBBER = look((0.10, 0.10, 0.11, 1.0), "host_rubber")
VISOR = look((0.075, 0.09, 0.125, 1.0), "host_visor")
LID = look((0.20, 0.24, 0.32, 1.0), "host_lid")
EYE = look((0.97, 0.98, 1.0, 1.0), "host_eye")
IRIS = look((0.12, 0.66, 0.72, 1.0), "host_iris")
PUPIL = look((0.02, 0.03, 0.05, 1.0), "host_pupil")
BROW = look((1.0, 0.93, 0.80, 1.0), "host_brow")
LIP = look((1.0, 0.52, 0.45, 1.0), "host_lip")
MOUTH = look((0.50, 0.13, 0.15, 1.0), "host_mouth")
HULL = Look(rgba=(0.9, 0.4, 0.2, 0.4), group=GROUP_HULL, contype=ROBOT, conaffinity=EVERYTHING)
"""A collision shape that is not drawn; it carries the mass."""

_SHINE: tuple[tuple[Look, float, float, float], ...] = (
    # look, specular, shininess, emission
    (SHELL, 0.35, 0.5, 0.05),
    (DARK, 0.3, 0.4, 0.0),
    (GREY, 0.5, 0.6, 0.0),
    (ACCENT, 0.4, 0.5, 0.25),
    (RUBBER, 0.1, 0.1, 0.0),
    (VISOR, 0.6, 0.9, 0.0),
    (LID, 0.2, 0.3, 0.1),
    (EYE, 0.3, 0.8, 0.45),
    (IRIS, 0.3, 0.8, 0.45),
    (PUPIL, 0.6, 0.9, 0.0),
    (BROW, 0.1, 0.2, 0.5),
    (LIP, 0.1, 0.2, 0.5),
    (MOUTH, 0.1, 0.2, 0.2),
)


def add_materials(spec: mujoco.MjSpec) -> None:
    """Add the robot's materials to its model."""
    for surface, specular, shininess, emission in _SHINE:
        material = spec.add_material(name=surface.material, rgba=list(surface.rgba))
        material.specular, material.shininess, material.emission = specular, shininess, emission


def add_joint(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, axis: Vec, limits: tuple[float, float], motor: Motor
) -> mujoco.MjsJoint:
    """Add a hinge about ``axis`` with limits [rad] and its position-controlled motor, both named ``name``."""
    joint = body.add_joint(
        name=name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=list(axis), range=list(limits),
        limited=mujoco.mjtLimited.mjLIMITED_TRUE, armature=motor.armature, damping=[motor.damping, 0.0, 0.0],
    )  # fmt: skip
    actuator = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.set_to_position(kp=motor.kp, kv=motor.kv)
    actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    actuator.forcerange[:] = [-motor.effort_max, motor.effort_max]
    return joint


def add_slide(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, axis: Vec, limits: tuple[float, float], motor: Motor
) -> mujoco.MjsJoint:
    """Add a slide along ``axis`` with limits [m] and its position-controlled motor, both named ``name``."""
    joint = add_joint(spec, body, name, axis, limits, motor)
    joint.type = mujoco.mjtJoint.mjJNT_SLIDE
    return joint


def add_follower(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, leader: mujoco.MjsJoint, name: str, axis: Vec
) -> mujoco.MjsJoint:
    """Add a joint without a motor that a gear couples one to one to ``leader``."""
    joint = body.add_joint(
        name=name, type=leader.type, axis=list(axis), range=list(leader.range), limited=leader.limited,
        armature=leader.armature, damping=list(leader.damping),
    )  # fmt: skip
    gear = spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, name=f"{name}_gear", name1=name, name2=leader.name)
    gear.objtype = mujoco.mjtObj.mjOBJ_JOINT
    gear.data[:5] = [0.0, 1.0, 0.0, 0.0, 0.0]  # follower = 0 + 1 * leader
    gear.solref[:] = [0.004, 1.0]  # [s, -]: as stiff as two 2 ms steps allow
    return joint
