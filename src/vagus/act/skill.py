"""What a skill is: a generator that turns observations into joint targets and ends with a measured outcome.

A skill is one function in one file and one row of ``vagus.act.skills.SKILLS``. It knows neither leases nor streams:
``vagus.act.runner`` asks for its groups, sends its targets and ends it when a group is taken or stopped.
"""

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import Kinematics
from vagus.core.ages import Origins
from vagus.core.envelope import Envelope
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.core.robot import RobotSpec
from vagus.core.things import Person, Support, Thing

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Language = Literal["ko", "en"]
EYE = "eye"
"""What ``budget_s`` calls the camera that perception looks through, whatever its name."""
Args = Mapping[str, float | str]
"""A skill's arguments by name, as checked by ``check_args``."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    ko: str
    en: str

    def of(self, language: Language) -> str:
        """Return the words in one language."""
        return self.ko if language == "ko" else self.en


class Odometry(Protocol):
    """Where the base is, in a frame that drifts slowly: what ``vagus.perceive.odometry`` estimates."""

    @property
    def x(self) -> float: ...  # [m]
    @property
    def y(self) -> float: ...  # [m]
    @property
    def yaw(self) -> float: ...  # [rad], not wrapped
    @property
    def origin_ns(self) -> Origins: ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gaze:
    """What the eye shall follow."""

    point: Array
    """Where it is [m], in the world of odometry, shape (3,)."""
    radius: float
    """Of the ball that holds it [m]."""
    lowest: float
    """What is lower [m] is no part of it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Followed:
    """Where one picture shows what the eye follows."""

    point: Array
    """Middle of what is seen of it [m], in the world of odometry, shape (3,)."""
    seen_ns: int
    """When the picture was exposed [ns]."""
    origin_ns: Origins


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """The newest record of every sensor at ``now_ns``; None where nothing ever came."""

    now_ns: int
    spec: RobotSpec
    joint_state: Record | None = None
    reflex: Record | None = None
    imu: Record | None = None
    lidar: Record | None = None
    touch: Record | None = None
    odometry: Odometry | None = None
    things: tuple[Thing, ...] = ()
    """What perception knows of, in the world of odometry."""
    supports: tuple[Support, ...] = ()
    """The boards that things stand on, in the world of odometry."""
    people: tuple[Person, ...] = ()
    """Who stands around, nearest first when they were seen, in the world of odometry."""
    followed: Followed | None = None
    """Where the newest picture that shows it shows what a skill wants the eye to follow."""

    def measured(self, joints: Indices) -> tuple[Array, Array] | None:
        """Return measured positions and velocities of these joints, or None if any has no valid reading."""
        state = self.joint_state
        if state is None or not bool(np.all(state["valid"][joints])):
            return None
        return state["q"][joints].copy(), state["v"][joints].copy()

    def commanded(self) -> tuple[Array, Array]:
        """Return what the gate let through last: positions and velocities of all joints.

        Raises:
            ConfigError: There is no reflex record; the runner starts no skill before there is one.
        """
        if self.reflex is None:
            raise ConfigError("commanded state: got no reflex record, allowed: an observation with one")
        return self.reflex["q_last"].copy(), self.reflex["v_last"].copy()


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """What a skill wants of some joints at ``Context.at_ns``, and the sensors it was computed from.

    Joints that it moved before and does not name stay where they were told to be, until it ends.
    """

    joints: Indices
    """Indices of the joints, shape (k,)."""
    q: Array
    """Positions [unit], shape (k,); ignored for velocity joints."""
    v: Array
    """Velocities [unit/s], shape (k,)."""
    effort_max: Array | None = None
    """Motor limits [N m or N], shape (k,); None: the spec's."""
    origin_ns: Origins | None = None
    """Origins besides the encoders', which every command carries."""
    say: str = ""
    """A sentence to say, once."""
    gaze: Gaze | None = None
    """What the eye shall follow meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a skill ended: ``reason`` is a key of ``vagus.act.sentences.REASONS``; figures are measured."""

    ok: bool
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    detail: str = ""
    """The message of the error that ended it, where the reason is "error"."""


Skill = Generator[Targets | None, Observation, Outcome]
"""Yields targets (None: nothing new this tick), receives the next observation, returns its outcome.

A ``VagusError`` that it raises is a failed outcome too; anything else it raises is a bug and ends the process.
"""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Held:
    """What a skill put into a hand, for the skills after it; a brain that was restarted no longer knows."""

    thing: Thing
    """As it was last seen, where it stood then in the world of odometry."""
    X_WF: Array
    """Pose (4, 4) of its foot's middle there, upright, x along the hand's approach: where it is put back."""
    X_FT: Array
    """Pose (4, 4) of the tip seen from the middle of the thing's foot, upright, the tip's approach along +x."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What every skill may use."""

    spec: RobotSpec
    kinematics: Kinematics
    rng: np.random.Generator
    lead_ns: int
    """How far ahead of the observation targets are [ns]."""
    held: dict[str, Held] = field(default_factory=dict[str, Held])
    """Arm → what skills know to be in its hand; whether it still is, the hand feels."""

    def at_ns(self, obs: Observation) -> int:
        """Return the time that targets made from this observation are for [ns]."""
        return obs.now_ns + self.lead_ns

    def indices(self, names: tuple[str, ...]) -> Indices:
        """Return the indices of joints by name, shape (k,)."""
        return np.array([self.spec.joint_index(name) for name in names], np.intp)


@dataclass(frozen=True, kw_only=True, slots=True)
class Param:
    """One argument of a skill: a number within limits, a word out of a list, free text, or the number of a thing."""

    name: str
    kind: Literal["number", "choice", "text", "thing"]
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple[str, ...] = ()
    default: float | str | None = None
    """None: may be left out and is then absent, unless ``required``."""
    required: bool = False

    @property
    def allowed(self) -> str:
        """Say in words what is allowed."""
        if self.kind == "choice":
            return f"one of {list(self.choices)}"
        if self.kind == "thing":
            return "the number of a thing that is seen"
        return "text" if self.kind == "text" else f"a number from {self.minimum:g} to {self.maximum:g}"

    def accepts(self, value: object) -> bool:
        """Say whether a value is allowed."""
        if self.kind in ("number", "thing"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            if self.kind == "thing":
                return value >= 1 and float(value).is_integer()
            return self.minimum <= value <= self.maximum  # False for NaN
        return isinstance(value, str) and (self.kind == "text" or value in self.choices)


@dataclass(frozen=True, kw_only=True, slots=True)
class SkillSpec:
    """One row of the skill table."""

    name: str
    text: Text
    """What it does, to list what the robot can do."""
    run: Callable[[Context, Observation, Args], Skill]
    joints: Callable[[RobotSpec, Args], tuple[str, ...]]
    """The joints it moves; their groups are leased."""
    lacks: Callable[[RobotSpec], str | None] = lambda _spec: None
    """What anatomy a robot lacks for it, or None."""
    params: tuple[Param, ...] = ()
    rule: Callable[[Args], str | None] = lambda _args: None
    """What is allowed, where arguments that are fine one by one do not go together; else None."""
    timeout_s: float = 15.0
    budget_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Largest age per sensor name that it declares, besides the encoders'."""
    envelope: Callable[[RobotSpec], Envelope] | None = None
    """Tighter limits than the robot's own, which the gate holds it to; None: it needs none."""
    stops_others: bool = False


def check_args(skill: SkillSpec, args: Mapping[str, object]) -> dict[str, float | str]:
    """Return the arguments with defaults filled in.

    Raises:
        ConfigError: An argument is unknown, missing, of the wrong type or out of range; says what is allowed.
    """
    known = {p.name: p for p in skill.params}
    for name, value in args.items():
        if name not in known:
            raise ConfigError(f"skill {skill.name!r} argument {name!r}: allowed: {sorted(known) or 'none'}")
        if not known[name].accepts(value):
            raise ConfigError(f"skill {skill.name!r} {name}: got {value!r}, allowed: {known[name].allowed}")
    out: dict[str, float | str] = {}
    for param in skill.params:
        value = args.get(param.name, param.default)
        if value is None and param.required:
            raise ConfigError(f"skill {skill.name!r} {param.name}: got nothing, allowed: {param.allowed}")
        if isinstance(value, int | float | str):
            out[param.name] = value
    wrong = skill.rule(out)
    if wrong is not None:
        raise ConfigError(f"skill {skill.name!r}: got {dict(args)}, allowed: {wrong}")
    return out
