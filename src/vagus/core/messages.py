"""The layout of every message: fixed-size numpy records, one dtype per stream, made from the robot's spec.

Fields are 8-, 4-, 2- or 1-byte numbers and fixed arrays of them, aligned as C aligns them; that is also how CDR (the
ROS 2 wire format) lays them out, so a record's bytes can be recorded and opened as they are. Every message starts with
``stamp_ns`` (when it was written) and ``origin_ns`` (see ``vagus.core.ages``). A missing float reading is NaN.
"""

import json
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import N_BUCKETS, UNUSED
from vagus.core.errors import CommandError
from vagus.core.robot import CameraSpec, RobotSpec

Record = NDArray[np.void]
"""A zero-dimensional structured array: one message."""

TEXT_BYTES = 2048
"""Longest text in one message [bytes of UTF-8]."""
LONG_TEXT_BYTES = 16384
"""The same, of what is asked of a planner and what it advises: a scene, the talk so far, a plan."""
N_CLEARANCES = 8
"""How many closest pairs a clearance message holds."""
N_OBJECTS = 32
"""How many things an objects message holds."""
N_SUPPORTS, N_CORNERS = 8, 12
"""How many boards it holds, and how many corners each has at most."""
N_PEOPLE = 4
"""How many people it holds."""
N_SIGHTS = 16
"""How many things that a detector made out a sights message holds."""


class Mode(IntEnum):
    """What a motor does with a command."""

    OFF = 0
    """No torque."""
    BRAKE = 1
    """Decelerate to rest and hold there by the motor's own loop (or its mechanical brake)."""
    DAMP = 2
    """Torque against the velocity only: for a position that cannot be trusted."""
    POSITION = 3
    VELOCITY = 4


class State(IntEnum):
    """What a group of actuators is doing; DESIGN.md section 4."""

    OFF = 0
    """No reading from the body yet."""
    STANDBY = 1
    """The motors hold by themselves; the reflex takes over once readings are fresh and the group is at rest."""
    HOLD = 2
    """At rest, powered, nobody's."""
    RUN = 3
    """A lease holder's commands reach the motors, through the gate."""
    STOPPING = 4
    """Braking along the path."""
    DAMPED = 5
    """The position is not trusted: velocity is damped."""
    ESTOP = 6
    """Latched stop; only a person's reset, at rest, leads out of it, to STANDBY."""


class Verdict(IntFlag):
    """Why the gate changed or refused a command, or stopped a group."""

    NONE = 0
    # limited: the command went through, made smaller
    LIMITED_POSITION = 1 << 0
    LIMITED_SPEED = 1 << 1
    LIMITED_ACCELERATION = 1 << 2
    LIMITED_EFFORT = 1 << 3
    LIMITED_CLEARANCE = 1 << 4
    LIMITED_PERSON = 1 << 5
    # refused: the command did not go through
    REFUSED_NOT_FINITE = 1 << 8
    REFUSED_STALE = 1 << 9
    REFUSED_NO_LEASE = 1 << 10
    REFUSED_REPLAYED = 1 << 11
    REFUSED_FAR_FROM_POSE = 1 << 12
    REFUSED_FUTURE = 1 << 13
    REFUSED_STATE = 1 << 14
    # stopped: something ended the motion
    STOPPED_LATE = 1 << 16
    STOPPED_ENCODER_STALE = 1 << 17
    STOPPED_ENCODER_INVALID = 1 << 18
    STOPPED_FOLLOWING_ERROR = 1 << 19
    STOPPED_TORQUE = 1 << 20
    STOPPED_LEASE_END = 1 << 21
    STOPPED_ESTOP = 1 << 22
    STOPPED_PREEMPTED = 1 << 23
    STOPPED_REFUSED = 1 << 24


class Request(IntEnum):
    """What a source asks the reflex for; read in order, never skipped."""

    LEASE = 1
    RELEASE = 2
    ESTOP = 3
    RESET = 4
    """Leave ESTOP: only a person asks for it."""


class Source(IntEnum):
    """Who commands; a higher number may take a group from a lower one."""

    NOBODY = 0
    IDLE = 1
    SKILL = 2
    TELEOP = 3
    OPERATOR = 4
    """The command line: requests only, no joint commands."""


SOURCES_COMMANDING = (Source.IDLE, Source.SKILL, Source.TELEOP)
SOURCES_REQUESTING = (Source.IDLE, Source.SKILL, Source.TELEOP, Source.OPERATOR)


def _layout(n_sensors: int, *fields: tuple[str, str] | tuple[str, str, tuple[int, ...]]) -> np.dtype[np.void]:
    head = [("stamp_ns", "<i8"), ("origin_ns", "<i8", (n_sensors,))]
    return np.dtype(head + list(fields), align=True)


def joint_state(spec: RobotSpec) -> np.dtype[np.void]:
    """What the encoders and motors say: q [rad or m], v [/s], effort [N m or N]; ``valid`` is 0 where there is none."""
    n = (spec.n_joints,)
    return _layout(len(spec.sensors), ("counter", "<u8"), ("q", "<f8", n), ("v", "<f8", n), ("effort", "<f8", n),
                   ("valid", "u1", n))  # fmt: skip


def joint_command(spec: RobotSpec) -> np.dtype[np.void]:
    """What the motors are told, by the reflex alone; ``effort`` is feed-forward, ``effort_max`` the limit [N m, N]."""
    n = (spec.n_joints,)
    return _layout(len(spec.sensors), ("counter", "<u8"), ("q", "<f8", n), ("v", "<f8", n), ("effort", "<f8", n),
                   ("effort_max", "<f8", n), ("mode", "u1", n))  # fmt: skip


def actuation(spec: RobotSpec) -> np.dtype[np.void]:
    """What the body did: which command it applied (its origins, at ``stamp_ns``), whether its watchdog brakes."""
    return _layout(len(spec.sensors), ("counter", "<u8"), ("is_braking", "u1"))


def command(spec: RobotSpec) -> np.dtype[np.void]:
    """What a source wants: be at ``q`` with velocity ``v`` at ``at_ns``, for the joints where ``use`` is 1.

    ``counter`` rises with every new command; ``lease`` holds the token granted for each group (0: none); ``budget_ns``
    is the largest age per sensor that the source declares for this command (``UNUSED`` where it does not care).
    Where ``bounded`` is 1 the source declares an envelope (``vagus.core.envelope``) for the joint: while the command
    runs it stays within ``position_min``, ``position_max`` and ``speed_max``, too.
    """
    n, g = (spec.n_joints,), (len(spec.groups),)
    return _layout(len(spec.sensors), ("counter", "<u8"), ("lease", "<u8", g), ("at_ns", "<i8"),
                   ("budget_ns", "<i8", (len(spec.sensors),)), ("q", "<f8", n), ("v", "<f8", n), ("effort", "<f8", n),
                   ("effort_max", "<f8", n), ("position_min", "<f8", n), ("position_max", "<f8", n),
                   ("speed_max", "<f8", n), ("use", "u1", n), ("bounded", "u1", n))  # fmt: skip


def request(spec: RobotSpec) -> np.dtype[np.void]:
    """A ``Request`` for the groups in ``groups`` (bit mask); a lease for ``duration_ns``, told apart by ``nonce``."""
    return _layout(len(spec.sensors), ("nonce", "<u8"), ("duration_ns", "<i8"), ("groups", "<u4"), ("kind", "u1"))


def reflex(spec: RobotSpec) -> np.dtype[np.void]:
    """What the reflex did this tick: state and cause per group, lease holders, the last command, counters."""
    n, g = (spec.n_joints,), (len(spec.groups),)
    return _layout(len(spec.sensors), ("tick", "<u8"), ("overruns", "<u8"), ("refused", "<u8"), ("limited", "<u8"),
                   ("lease", "<u8", g), ("lease_nonce", "<u8", g), ("lease_until_ns", "<i8", g), ("q_last", "<f8", n),
                   ("v_last", "<f8", n), ("cause", "<u4", g), ("verdict", "<u4", g), ("state", "u1", g),
                   ("holder", "u1", g))  # fmt: skip


def clearance(spec: RobotSpec) -> np.dtype[np.void]:
    """How near the robot is to itself and its surroundings, for the gate.

    Pair k is at signed ``distance`` [m], which changes by ``gradient[k] @ dq`` [m] as joints move; computed at ``q``.
    NaN distances are unused rows. ``effort_bias`` is the joint effort that gravity alone explains [N m or N].
    """
    n = spec.n_joints
    return _layout(len(spec.sensors), ("distance", "<f8", (N_CLEARANCES,)), ("gradient", "<f8", (N_CLEARANCES, n)),
                   ("q", "<f8", (n,)), ("effort_bias", "<f8", (n,)))  # fmt: skip


def proximity(spec: RobotSpec) -> np.dtype[np.void]:
    """How near a person may be: distance from the base's edge [m], NaN if nobody is in range, and the bearing [rad]."""
    return _layout(len(spec.sensors), ("distance", "<f8"), ("bearing", "<f8"))


def odometry(spec: RobotSpec) -> np.dtype[np.void]:
    """Where the base is in the world: x, y [m] and yaw [rad, not wrapped], from where odometry began; it drifts."""
    return _layout(len(spec.sensors), ("x", "<f8"), ("y", "<f8"), ("yaw", "<f8"))


def objects(spec: RobotSpec) -> np.dtype[np.void]:
    """Things that perception knows of: rows 0 to ``n``, each with its ``id``, which stays its own.

    ``centre`` [m] and ``yaw`` [rad] are in the world of odometry, ``size`` is the full extent along the thing's axes
    [m], ``sigma`` the standard deviation of the centre along each axis [m]; ``shape`` and ``colour`` are indices into
    ``vagus.core.things``. ``origin_ns`` is of the newest exposure, ``counter`` its number, and ``box`` is where that
    picture shows a thing (left, top, right, bottom [px]; NaN where it does not); ``seen_ns``, per thing, is of the last
    exposure that showed it. Boards that things stand on have a ``board_height`` [m] (NaN: no more boards) and corners,
    ``board_corner``, counterclockwise [m] (NaN: no more corners). People have a ``person_place`` on the floor [m] with
    its standard deviation (0 or NaN: no more people), a height [m] (NaN: not seen) and the palm of a held-out
    ``person_hand`` [m] (NaN: none). ``vagus.core.seen`` reads all of these.
    """
    k, b, p = N_OBJECTS, N_SUPPORTS, N_PEOPLE
    return _layout(len(spec.sensors), ("counter", "<u8"), ("seen_ns", "<i8", (k,)), ("centre", "<f8", (k, 3)),
                   ("yaw", "<f8", (k,)), ("size", "<f8", (k, 3)), ("sigma", "<f8", (k,)), ("board_height", "<f8", (b,)),
                   ("board_corner", "<f8", (b, N_CORNERS, 2)), ("person_seen_ns", "<i8", (p,)),
                   ("person_place", "<f8", (p, 2)), ("person_height", "<f8", (p,)), ("person_hand", "<f8", (p, 3)),
                   ("person_sigma", "<f8", (p,)), ("box", "<f4", (k, 4)),
                   ("n", "<u4"), ("id", "<u4", (k,)), ("shape", "u1", (k,)), ("colour", "u1", (k,)))  # fmt: skip


def sights(spec: RobotSpec) -> np.dtype[np.void]:
    """What a detector made out in one exposure: rows 0 to ``n``, the surest first.

    ``kind`` is an index into ``vagus.core.sights``, ``score`` how sure it is, ``box`` left, top, right, bottom [px].
    """
    k = (N_SIGHTS,)
    return _layout(len(spec.sensors), ("counter", "<u8"), ("box", "<f4", (*k, 4)), ("score", "<f4", k), ("n", "<u4"),
                   ("kind", "u1", k))  # fmt: skip


def gaze(spec: RobotSpec) -> np.dtype[np.void]:
    """What the eye shall follow: what is within ``radius`` of ``point``, and not below ``lowest`` [m].

    In the world of odometry; a NaN for nothing.
    """
    return _layout(len(spec.sensors), ("point", "<f8", (3,)), ("radius", "<f8"), ("lowest", "<f8"))


def followed(spec: RobotSpec) -> np.dtype[np.void]:
    """Where an exposure shows what the eye follows: ``point`` [m] in the world of odometry, NaN where it does not."""
    return _layout(len(spec.sensors), ("counter", "<u8"), ("point", "<f8", (3,)))


def imu(spec: RobotSpec) -> np.dtype[np.void]:
    """Angular velocity [rad/s] and specific force [m/s^2], in the IMU's frame."""
    return _layout(len(spec.sensors), ("counter", "<u8"), ("gyro", "<f8", (3,)), ("accelerometer", "<f8", (3,)))


def touch(spec: RobotSpec) -> np.dtype[np.void]:
    """Normal force on each pad [N]."""
    n_pads = len(spec.touch.pads) if spec.touch else 0
    return _layout(len(spec.sensors), ("counter", "<u8"), ("force", "<f8", (n_pads,)))


def lidar(spec: RobotSpec) -> np.dtype[np.void]:
    """Ranges [m], ray i at 2 pi i / n; NaN where nothing came back."""
    n_rays = spec.lidar.n_rays if spec.lidar else 0
    return _layout(len(spec.sensors), ("counter", "<u8"), ("range", "<f4", (n_rays,)))


def camera(spec: RobotSpec, cam: CameraSpec) -> np.dtype[np.void]:
    """One exposure: ``counter`` is the camera's own; depth along the optical axis [m], NaN in holes; q at exposure."""
    shape = (cam.height, cam.width)
    return _layout(len(spec.sensors), ("counter", "<u8"), ("depth", "<f4", shape), ("rgb", "u1", (*shape, 3)))


def scene(spec: RobotSpec, *, nq: int, nmocap: int, nbody: int) -> np.dtype[np.void]:
    """The simulated world at a camera's exposure: for rendering, for people to look at, for scoring. Never perception.

    ``qpos`` is MuJoCo's; ``body_p`` [m] and ``body_q`` (wxyz) are every body's pose in the world; ``light`` is the
    brightness factor and the index of the direction it comes from.
    """
    return _layout(len(spec.sensors), ("counter", "<u8"), ("qpos", "<f8", (nq,)), ("mocap", "<f8", (nmocap, 7)),
                   ("light", "<f8", (2,)), ("body_p", "<f4", (nbody, 3)), ("body_q", "<f4", (nbody, 4)))  # fmt: skip


def text(spec: RobotSpec) -> np.dtype[np.void]:
    """Words: an utterance heard, a sentence said, a plan, an outcome. ``id`` ties an answer to what it answers."""
    return _layout(len(spec.sensors), ("id", "<u8"), ("length", "<u4"), ("utf8", "u1", (TEXT_BYTES,)))


def long_text(spec: RobotSpec) -> np.dtype[np.void]:
    """Longer words, for programs: what is asked of a planner, what it advises (``vagus.decide.advice``)."""
    return _layout(len(spec.sensors), ("id", "<u8"), ("length", "<u4"), ("utf8", "u1", (LONG_TEXT_BYTES,)))


def stats(spec: RobotSpec) -> np.dtype[np.void]:
    """How a process is doing, since it started; written about twice a second."""
    return _layout(len(spec.sensors), ("pid", "<u8"), ("ticks", "<u8"), ("overruns", "<u8"), ("lost", "<u8"),
                   ("wake_error_max_ns", "<u8"), ("cpu_ns", "<u8"), ("rss_bytes", "<u8"), ("started_ns", "<i8"),
                   ("realtime_factor", "<f8"))  # fmt: skip


def ages(spec: RobotSpec) -> np.dtype[np.void]:
    """Ages at the actuators of every applied command since the start: per sensor, a histogram and the largest [ns]."""
    k = len(spec.sensors)
    return _layout(k, ("max_ns", "<i8", (k,)), ("counts", "<u4", (k, N_BUCKETS)))


def blank(layout: np.dtype[np.void]) -> Record:
    """Return a zeroed record that depends on no sensor yet."""
    record = np.zeros((), layout)
    record["origin_ns"] = UNUSED
    return record


def describe(layout: np.dtype[np.void]) -> str:
    """Return a layout as JSON text: one line a reader and a writer can be compared by, and a person can read."""
    if layout.fields is None:
        raise CommandError(f"not a structured layout: {layout}")
    rows = [
        {"name": name, "type": sub.base.str, "shape": list(sub.shape), "offset": offset}
        for name, (sub, offset, *_) in layout.fields.items()
    ]
    return json.dumps({"itemsize": layout.itemsize, "fields": rows}, separators=(",", ":"))


def set_text(record: Record, words: str) -> None:
    """Write words into a text record, long or not. Raises CommandError if they do not fit."""
    raw = words.encode()
    if len(raw) > record["utf8"].size:
        raise CommandError(f"text of {len(raw)} bytes, allowed: at most {record['utf8'].size}")
    record["length"] = len(raw)
    record["utf8"] = 0
    record["utf8"][: len(raw)] = np.frombuffer(raw, np.uint8)


def get_text(record: Record) -> str:
    """Read the words of a text record; bytes that are not UTF-8 become U+FFFD."""
    return bytes(record["utf8"][: int(record["length"])]).decode(errors="replace")
