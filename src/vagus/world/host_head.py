"""Neck, head and face of the humanoid ``host``: brows, lids, eyes, mouth corners and jaw move, and show expressions.

Zero is the neutral face. Positive raises a brow or a mouth's corner, opens a lid wider, turns the eyes left or down,
drops the jaw. It knows no expressions; the robot file's table of action units does.
"""

import math

import mujoco

from vagus.core.frames import quat_from_rotation
from vagus.world.geoms import ALONG_X, CYLINDER, ELLIPSOID, SPHERE, Vec, add, add_bar
from vagus.world.host_parts import (
    ACCENT,
    BROW,
    DARK,
    EYE,
    FACE_SLIDE,
    FACE_TURN,
    GREY,
    HULL,
    IRIS,
    LID,
    LIP,
    MOUTH,
    NECK,
    PUPIL,
    SHELL,
    VISOR,
    add_follower,
    add_joint,
    add_slide,
)

CAMERA_FOVY_DEG = 58.0
"""Vertical field of view of ``camera.head`` [deg], as an Intel RealSense D435's depth image has."""
_NECK = (0.0, 0.0, 0.30)
"""The neck's frame in the torso [m]."""
_PIVOT = 0.045
"""Height of the pitch axis over the neck's frame [m]."""
_CENTRE = (0.02, 0.0, 0.125)
"""Centre of the skull from the pitch axis [m]."""
_EYE_R = 0.031
"""Radius of an eyeball [m]."""
_FACE_X = 0.158
"""Where the lips and brows float, just before the visor [m, head frame]."""


def add_head(spec: mujoco.MjSpec, torso: mujoco.MjsBody) -> None:
    """Add neck, head, camera and face to the torso."""
    neck = torso.add_body(name="neck", pos=list(_NECK))
    add_joint(spec, neck, "neck_yaw", (0.0, 0.0, 1.0), (-1.4, 1.4), NECK)
    add(neck, DARK.weighing(0.4), CYLINDER, (0.036, 0.045), (0.0, 0.0, 0.015))
    head = neck.add_body(name="head", pos=[0.0, 0.0, _PIVOT])
    add_joint(spec, head, "neck_pitch", (0.0, 1.0, 0.0), (-0.5, 0.8), NECK)
    _shape_head(head)
    _add_camera(head)
    leaders: dict[str, mujoco.MjsJoint] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add_eye(spec, head, side, sign, leaders)
        _add_brow(spec, head, side, sign)
        _add_mouth_corner(spec, head, side, sign)
    _add_jaw(spec, head)


def _at(y: float, z: float, x: float = _FACE_X) -> list[float]:
    """Return a point on the face: left [m], up from the skull's centre [m]."""
    return [x, y, _CENTRE[2] + z]


def _shape_head(head: mujoco.MjsBody) -> None:
    add(head, HULL.weighing(2.0), SPHERE, (0.130,), _CENTRE)
    # Poles along x, so that the rims where these balls meet follow the facets and come out smooth.
    add(head, SHELL, ELLIPSOID, (0.128, 0.138, 0.125), _CENTRE, quat=ALONG_X)
    add(head, VISOR, ELLIPSOID, (0.110, 0.122, 0.091), _at(0.0, -0.002, 0.064), quat=ALONG_X)
    for y in (0.135, -0.135):
        turn = (0.7071068, 0.7071068, 0.0, 0.0)
        add(head, GREY, CYLINDER, (0.042, 0.010), (0.01, y, _CENTRE[2]), quat=turn)
        add(head, ACCENT, CYLINDER, (0.030, 0.014), (0.01, y, _CENTRE[2]), quat=turn)
    add_bar(head, GREY, _at(-0.05, 0.10, -0.01), _at(-0.065, 0.165, -0.02), 0.005)
    add(head, ACCENT, SPHERE, (0.013,), _at(-0.066, 0.170, -0.021))
    add(head, DARK, CYLINDER, (0.014, 0.008), _at(0.0, 0.092, 0.122), quat=ALONG_X)


def _add_camera(head: mujoco.MjsBody) -> None:
    """Add ``camera.head`` in the forehead.

    MuJoCo's camera looks along its -z with y up. The optical frame of ``CameraSpec`` (x right, y down, z forward) is
    this frame after half a turn about x.
    """
    # Columns of its rotation, in the head's frame: right is -y, up is +z, backwards is -x.
    quat = quat_from_rotation([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    head.add_camera(name="camera.head", pos=_at(0.0, 0.092, 0.135), quat=quat.tolist(), fovy=CAMERA_FOVY_DEG)


def _add_eye(
    spec: mujoco.MjSpec, head: mujoco.MjsBody, side: str, sign: float, leaders: dict[str, mujoco.MjsJoint]
) -> None:
    """Add one eye and its upper lid. The left eye has the motors, the right one follows by a gear."""
    centre = _at(0.048 * sign, 0.004, 0.128)
    eye = head.add_body(name=f"eye_{side}", pos=centre)
    for name, axis, limit in (("eye_yaw", (0.0, 0.0, 1.0), 0.5), ("eye_pitch", (0.0, 1.0, 0.0), 0.4)):
        if side == "left":
            leaders[name] = add_joint(spec, eye, name, axis, (-limit, limit), FACE_TURN)
        else:
            add_follower(spec, eye, leaders[name], f"{name}_right", axis)
    r = _EYE_R
    add(eye, EYE.weighing(0.01), SPHERE, (r,), quat=ALONG_X)
    add(eye, IRIS, ELLIPSOID, (0.62 * r, 0.62 * r, 0.36 * r), (0.68 * r, 0.0, 0.0), quat=ALONG_X)
    add(eye, PUPIL, ELLIPSOID, (0.36 * r, 0.36 * r, 0.30 * r), (0.78 * r, 0.0, 0.0), quat=ALONG_X)
    add(eye, EYE, SPHERE, (0.13 * r,), (1.0 * r, 0.20 * r, 0.24 * r))
    _add_lid(spec, head, side, centre)


def _add_lid(spec: mujoco.MjSpec, head: mujoco.MjsBody, side: str, centre: Vec) -> None:
    """Add an upper lid: a ball as large as the eye, off its centre, so that it hides the half it is moved towards.

    It turns about the eye's own axis; ``_LID_REST`` is where it points when neutral, from straight ahead over the top.
    """
    rest = math.radians(142.0)  # covers the eye above 52 degrees: open, not staring
    off = 0.34 * _EYE_R
    lid = head.add_body(name=f"lid_{side}", pos=list(centre))
    add_joint(spec, lid, f"lid_{side}", (0.0, -1.0, 0.0), (-2.2, 0.5), FACE_TURN)
    add(lid, LID.weighing(0.008), SPHERE, (1.055 * _EYE_R,), (off * math.cos(rest), 0.0, off * math.sin(rest)))


def _add_brow(spec: mujoco.MjSpec, head: mujoco.MjsBody, side: str, sign: float) -> None:
    """Add a brow: ``brow_outer`` slides it up along the face [m], ``brow_inner`` then tips its inner end up [rad]."""
    outer = _at(0.080 * sign, 0.048, 0.138)
    brow = head.add_body(name=f"brow_outer_{side}", pos=outer)
    # Up and back along the visor there.
    add_slide(spec, brow, f"brow_outer_{side}", (-0.5, 0.0, 0.866), (-0.014, 0.022), FACE_SLIDE)
    add(brow, BROW.weighing(0.004), SPHERE, (0.0062,))
    tip = brow.add_body(name=f"brow_inner_{side}")
    add_joint(spec, tip, f"brow_inner_{side}", (-sign, 0.0, 0.0), (-0.6, 0.6), FACE_TURN)
    add_bar(tip, BROW.weighing(0.006), (0.0, 0.0, 0.0), (0.018, -0.055 * sign, 0.004), 0.0062)


def _add_mouth_corner(spec: mujoco.MjSpec, head: mujoco.MjsBody, side: str, sign: float) -> None:
    """Add half of the upper lip: from the middle, a short fixed half and a corner that turns up or down."""
    start = _at(0.016 * sign, -0.056)
    add_bar(head, LIP, _at(0.0, -0.056), start, 0.0050)
    corner = head.add_body(name=f"mouth_{side}", pos=start)
    add_joint(spec, corner, f"mouth_{side}", (sign, 0.0, 0.0), (-0.9, 0.9), FACE_TURN)
    add_bar(corner, LIP.weighing(0.006), (0.0, 0.0, 0.0), (-0.008, 0.024 * sign, 0.0), 0.0050)


def _add_jaw(spec: mujoco.MjSpec, head: mujoco.MjsBody) -> None:
    """Add the jaw: the lower lip waits inside the visor and comes out of its slope as ``jaw`` slides down [m]."""
    jaw = head.add_body(name="jaw", pos=_at(0.0, -0.057, 0.137))
    add_slide(spec, jaw, "jaw", (0.0, 0.0, -1.0), (0.0, 0.034), FACE_SLIDE)
    add_bar(jaw, LIP.weighing(0.01), (0.0, -0.016, 0.0), (0.0, 0.016, 0.0), 0.0050)
    for y in (1.0, -1.0):
        add_bar(jaw, LIP, (0.0, 0.016 * y, 0.0), (-0.007, 0.029 * y, 0.015), 0.0046)
    add(jaw, MOUTH, ELLIPSOID, (0.005, 0.024, 0.014), (-0.004, 0.0, 0.013))
