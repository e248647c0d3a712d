"""What a browser and the page's server say to each other: typed messages, checked once, here.

Text frames are JSON objects told apart by ``type``; binary frames (body poses, pictures) start with their kind in the
first byte. Nothing here reads a stream or moves the robot.
"""

import struct
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from vagus.page.plan import Plan

MAX_FRAME_BYTES = 16 * 1024
"""Largest frame a browser may send [bytes]; a longer one closes its connection."""
MAX_SAY = 500
"""Longest sentence a person may type [characters]."""

Language = Literal["en", "ko"]
_Name = Annotated[str, Meta(min_length=1, max_length=64)]
_Unit = Annotated[float, Meta(ge=-1.0, le=1.0)]


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """A message from a browser: no unknown field, no wrong type gets in."""


class Say(_Said, frozen=True, tag="say"):
    """A person typed something for the robot."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_SAY)]


class Take(_Said, frozen=True, tag="take"):
    """Ask for control: a lease on every group."""


class Release(_Said, frozen=True, tag="release"):
    """Give control back."""


class Keep(_Said, frozen=True, tag="keep"):
    """A sign of life of whoever holds control; without it the lease is not renewed."""


class Jog(_Said, frozen=True, tag="jog"):
    """A jog button is held: sent again while it is, and with direction 0 when it is let go."""

    joint: _Name
    direction: Literal[-1, 0, 1]
    speed: Annotated[float, Meta(ge=0.05, le=1.0)] = 1.0
    """Fraction of the slow speed that jogging allows at most."""


class Drive(_Said, frozen=True, tag="drive"):
    """The drive pad is held: ``v`` forward and ``w`` to the left, as fractions of the slow drive speeds."""

    v: _Unit
    w: _Unit


class Estop(_Said, frozen=True, tag="estop"):
    """Stop everything, now."""


class Reset(_Said, frozen=True, tag="reset"):
    """A person lets the robot out of the emergency stop."""


class SetLanguage(_Said, frozen=True, tag="language"):
    """Which language the server's own sentences come in."""

    value: Language


class Watch(_Said, frozen=True, tag="watch"):
    """What the browser can see: whether its tab is visible, and the camera it shows, if any."""

    visible: bool
    camera: _Name | None = None


class Seen(_Said, frozen=True, tag="seen"):
    """The browser has drawn the state with this number; the server sends no more than a few ahead of it."""

    n: Annotated[int, Meta(ge=0)]


ClientMessage = Say | Take | Release | Keep | Jog | Drive | Estop | Reset | SetLanguage | Watch | Seen

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


def decode(frame: str | bytes) -> ClientMessage:
    """Return the message in a text frame.

    Raises:
        msgspec.MsgspecError: It is not JSON, not a known message, or a field is unknown, wrong or out of range.
    """
    return _decoder.decode(frame)


class _Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A message to a browser."""


class JointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One joint, as the page shows it; ``range`` is None for a wheel."""

    name: str
    group: int
    unit: str
    mode: str
    range: tuple[float, float] | None
    speed_max: float


class GroupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One group of joints."""

    name: str
    joints: list[int]
    on_estop: str


class SensorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor: how often it speaks and how old a reading may be."""

    name: str
    rate_hz: float
    max_age_s: float


class CameraInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One camera."""

    name: str
    width: int
    height: int


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One stream and its nominal rate; 0 when it speaks only when something happens."""

    name: str
    rate_hz: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of talk. ``id`` ties an answer to what it answers."""

    who: Literal["person", "operator", "robot", "outcome"]
    id: int
    age_s: float
    text: str


class Hello(_Told, frozen=True, kw_only=True, tag="hello"):
    """Everything that does not change while a browser is connected."""

    you: int
    """The number of this page."""
    robot: str
    joints: list[JointInfo]
    groups: list[GroupInfo]
    sensors: list[SensorInfo]
    cameras: list[CameraInfo]
    streams: list[StreamInfo]
    processes: list[str]
    states: list[str]
    sources: list[str]
    verdicts: dict[int, str]
    """Bit value of a verdict → its name."""
    languages: list[str]
    has_base: bool
    has_hand: bool
    """It can grasp things."""
    scene: Any
    """The room's geometry (``scene.json``), or None on a robot that has no simulated room."""
    max_say: int
    talk: list[Line]


class GroupState(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the reflex says about one group; sent as an array in this order."""

    state: int
    cause: int
    verdict: int
    holder: int


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """Who may jog: the number of the page that holds control, or None; and whether the reflex granted it."""

    page: int | None
    is_granted: bool


class StateUpdate(_Told, frozen=True, kw_only=True, tag="state"):
    """What changes all the time. None is a reading that is missing or too old to show."""

    n: int
    q: list[float | None]
    v: list[float | None]
    joint_age_s: float | None
    reflex_age_s: float | None
    groups: list[GroupState]
    is_at_rest: bool | None
    """By the body's own readings; None when they are missing or old."""
    is_braking: bool | None
    """The motors brake by their own watchdog."""
    ages_s: list[float | None]
    """Per sensor: age of the oldest sample behind the command that the motors applied last."""
    overruns: int
    refused: int
    limited: int
    control: Control


class StreamFigure(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of one stream: measured rate, age of its newest message, messages since it was opened."""

    rate_hz: float | None
    age_s: float | None
    count: int


class ProcessFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Of one process: what it says about itself; ``cpu`` is a fraction of one core."""

    name: str
    pid: int
    cpu: float | None
    rss_bytes: int
    ticks: int
    overruns: int
    lost: int
    wake_error_max_s: float
    realtime_factor: float
    age_s: float


class AgeFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Ages at the actuators since the start, one sensor [s]."""

    p50: float | None
    p99: float | None
    p999: float | None
    largest: float


class Figures(_Told, frozen=True, kw_only=True, tag="figures"):
    """Rates, ages and processes, about twice a second."""

    streams: list[StreamFigure]
    processes: list[ProcessFigure]
    ages: list[AgeFigure | None]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the robot knows of."""

    id: int
    shape: str
    colour: str
    p: list[float]
    """Its middle, in the robot's base frame now [m]."""
    yaw: float
    """There, too [rad]."""
    size: list[float]
    """Full extent along its axes [m]."""
    age_s: float
    """Since it was seen last."""
    box: list[float] | None
    """Left, top, right, bottom [px] in the picture that was looked at last; None where that does not show it."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a detector made out."""

    name: list[str]
    """What it is like, in English and Korean."""
    score: float
    box: list[float]
    """Left, top, right, bottom [px]."""


class Things(_Told, frozen=True, kw_only=True, tag="things"):
    """All things that the robot knows of, whenever it has looked at a picture."""

    things: list[Thing]
    counter: int
    """Of that picture."""
    age_s: float
    """Of that picture."""
    sights: list[Sight] = []
    """What a detector makes out beside that, in a picture of its own; none if that is old."""


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it was told last."""

    age_s: float
    """Since then."""
    plan: Plan


class Plans(_Told, frozen=True, kw_only=True, tag="plans"):
    """The last plans, one an utterance, the one told of last at the end; sent whole whenever one of them changed."""

    plans: list[PlanLine]
    unreadable: str | None = None
    """What is wrong with the newest message, if it is no plan."""


class Talk(_Told, frozen=True, kw_only=True, tag="talk"):
    """New lines of talk; ``lost`` counts lines that were overwritten before the page read them."""

    lines: list[Line]
    lost: int = 0


class Notice(_Told, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the person: what went wrong (or right), in the language of the page."""

    code: str
    text: str
    is_error: bool = True
    name: str | None = None
    """A group's name that the text holds, for the page to read out in its language."""


_encoder = msgspec.json.Encoder()


def encode(message: _Told) -> bytes:
    """Return a message as JSON bytes."""
    return _encoder.encode(message)


KIND_POSES, KIND_PICTURE = 1, 2
_POSES = struct.Struct("<BxxxI")
_PICTURE = struct.Struct("<BBxxxxxxQd")


def encode_poses(p: NDArray[np.float32], q: NDArray[np.float32]) -> bytes:
    """Return body poses as a binary frame: kind, number of bodies, positions (n, 3) [m], quaternions (n, 4) wxyz."""
    return _POSES.pack(KIND_POSES, len(p)) + p.astype("<f4").tobytes() + q.astype("<f4").tobytes()


def encode_picture(camera: int, counter: int, age_s: float, jpeg: bytes) -> bytes:
    """Return a picture as a binary frame: kind, camera index, exposure counter, age when sent [s], JPEG."""
    return _PICTURE.pack(KIND_PICTURE, camera, counter, age_s) + jpeg
