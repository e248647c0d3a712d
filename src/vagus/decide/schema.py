"""What a language model may answer: a JSON schema made from the robot's skills and what it sees, and the way back.

The schema is a help for the model; ``parse`` is the law. It trusts nothing: an answer, from wherever it comes, becomes
a plan of the robot's own skills, with arguments that these accept, on things that are seen; or a ``PlannerError``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Literal, Protocol

import msgspec

from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.plan import Call, Language, Plan, Reason

STEPS_MAX = 8
ANSWER_BYTES = 16384
"""Longest answer that is read at all [bytes]: some ten times what eight steps and a sentence take."""
TEXT_CHARS = 300
"""Longest text among a step's arguments, and longest sentence to say [characters]: half a minute of speech."""
REASONS: dict[Reason, str] = {
    "ambiguous": "several things fit what they say: ask which",
    "absent": "no thing that is seen fits",
    "impossible": "no skill does it",
    "harmful": "somebody could be hurt, or something broken",
    "told": "they only talk or ask",
}
"""Why a model may do nothing, and when."""
_LEFT_OUT = frozenset({"x", "y", "z", "speed_m_s", "turn_deg_s", "duration_s", "thing"})
"""Parameters not offered where they may be left out: a model cannot know coordinates, need not choose speeds, and what
is held has no number among the things that are seen. Each that it leaves out costs it a few tokens to say so."""


_KINDS = ("thing", "choice", "number", "text")
"""Kinds of parameter that a schema can describe."""


class Param(Protocol):
    """One argument of a skill; ``vagus.act.skill.Param`` is one."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def choices(self) -> tuple[str, ...]: ...
    @property
    def required(self) -> bool: ...


class Words(Protocol):
    """What a skill does, in Korean and English."""

    @property
    def ko(self) -> str: ...
    @property
    def en(self) -> str: ...


class Skill(Protocol):
    """One thing the robot can do; ``vagus.act.skill.SkillSpec`` is one."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> Words: ...
    @property
    def params(self) -> Sequence[Param]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """One way to give a skill its arguments."""

    given: tuple[Param, ...]
    """Those it takes, this way."""
    nullable: tuple[Param, ...] = ()
    """Those that may be left out, as null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repertoire:
    """What a planner may choose among."""

    skills: tuple[Skill, ...]
    check: Callable[[str, Mapping[str, object]], Mapping[str, float | str]]
    """Returns a skill's arguments as it takes them, by the skill's name; raises ``ConfigError``."""

    def __post_init__(self) -> None:
        for skill in self.skills:
            for param in skill.params:
                if param.kind not in _KINDS:
                    raise ConfigError(f"skill {skill.name!r} {param.name}: got kind {param.kind!r}, allowed: {_KINDS}")

    def offered(self, things: Collection[int]) -> tuple[Skill, ...]:
        """Return the skills that can be used now: those that need a thing only where one is seen."""
        return tuple(skill for skill in self.skills if self.forms(skill, things))

    def forms(self, skill: Skill, things: Collection[int]) -> tuple[Form, ...]:
        """Return the ways to give a skill its arguments; none where it needs a thing and none is seen.

        One with what may be left out as null, unless the skill's own rule says which arguments go together: then one
        for every choice among them that it takes, whatever their values.
        """
        params = [param for param in offered_params(skill) if things or param.kind != "thing" or param.required]
        given = tuple(param for param in params if param.required)
        if not things and any(param.kind == "thing" for param in given):
            return ()
        free = [param for param in params if not param.required]
        choices = [chosen for n in range(len(free) + 1) for chosen in combinations(free, n)]
        taken = [chosen for chosen in choices if self._takes(skill, (*given, *chosen))]
        if len(taken) == len(choices):
            return (Form(given=given, nullable=tuple(free)),)
        return tuple(Form(given=(*given, *chosen)) for chosen in taken)

    def _takes(self, skill: Skill, params: Sequence[Param]) -> bool:
        """Say whether a skill's rule takes these arguments together, whichever of the choices they are."""
        names = [param.name for param in params]
        try:
            for values in product(*map(_samples, params)):
                self.check(skill.name, dict(zip(names, values, strict=True)))
        except ConfigError:
            return False
        return True


def _samples(param: Param) -> tuple[float | str, ...]:
    """Return values that a parameter accepts: every one of its choices, else one."""
    if param.kind == "choice":
        return param.choices
    return ({"number": param.maximum, "thing": 1, "text": "a"}[param.kind],)


def offered_params(skill: Skill) -> tuple[Param, ...]:
    """Return the parameters of a skill that a model is told of."""
    return tuple(param for param in skill.params if param.required or param.name not in _LEFT_OUT)


def plan_schema(repertoire: Repertoire, things: Collection[int]) -> dict[str, Any]:
    """Return the JSON schema of a plan, within what strict structured output takes.

    Every property is required, so one that may be left out may be null instead; numbers of things are an enum.
    """
    steps = [_step_schema(skill, form, things) for skill in repertoire.skills
             for form in repertoire.forms(skill, things)]  # fmt: skip
    return _object({
        "steps": {"type": "array", "items": {"anyOf": steps}, "maxItems": STEPS_MAX},
        "reason": {"type": "string", "enum": ["", *REASONS]},
        "say": {"type": "string"},
    })  # fmt: skip


def _step_schema(skill: Skill, form: Form, things: Collection[int]) -> dict[str, Any]:
    fields: dict[str, Any] = {"skill": {"type": "string", "enum": [skill.name]}}
    fields |= {param.name: _param_schema(param, things) for param in form.given}
    fields |= {param.name: {"anyOf": [_param_schema(param, things), {"type": "null"}]} for param in form.nullable}
    return _object(fields)


def _param_schema(param: Param, things: Collection[int]) -> dict[str, Any]:
    if param.kind == "thing":
        return {"type": "integer", "enum": sorted(things)}
    if param.kind == "choice":
        return {"type": "string", "enum": list(param.choices)}
    if param.kind == "number":
        return {"type": "number", "minimum": param.minimum, "maximum": param.maximum}
    return {"type": "string"}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    steps: list[dict[str, bool | int | float | str | None]]
    reason: Literal["", "ambiguous", "absent", "impossible", "harmful", "told"] = ""
    say: str = ""


def parse(answer: str, repertoire: Repertoire, things: Collection[int], language: Language) -> Plan:
    """Return the plan in a model's answer; a fence of Markdown around the JSON is taken off, nothing else is mended.

    Raises:
        PlannerError: It is no plan, too long, or asks for what this robot does not have, does not see or cannot do.
    """
    size = len(answer.encode(errors="surrogatepass"))
    if size > ANSWER_BYTES:
        raise PlannerError(f"answer: got {size} bytes, allowed: at most {ANSWER_BYTES}")
    try:
        found = msgspec.json.decode(_unfenced(answer), type=_Answer)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as exc:
        raise PlannerError(f"answer: got {answer[:80]!r} ({exc}), allowed: a JSON object of steps and say") from exc
    if len(found.steps) > STEPS_MAX:
        raise PlannerError(f"steps: got {len(found.steps)}, allowed: at most {STEPS_MAX}")
    say = _sentence("say", found.say)
    if not found.steps and not say:
        raise PlannerError("plan: got neither steps nor anything to say, allowed: one of them at least")
    if found.steps and found.reason:
        raise PlannerError(f"plan: got {len(found.steps)} steps and the reason {found.reason!r} to do nothing")
    calls = tuple(_call(step, repertoire, things) for step in found.steps)
    return Plan(language=language, calls=calls, answer=say, reason="" if calls else found.reason or "told")


def _unfenced(answer: str) -> str:
    """Return what stands between the lines of a Markdown fence, or the answer if there is none."""
    lines = answer.strip().splitlines()
    is_fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```"
    return "\n".join(lines[1:-1]) if is_fenced else answer


def _call(step: dict[str, Any], repertoire: Repertoire, things: Collection[int]) -> Call:
    name = step.pop("skill", None)
    able = {skill.name: skill for skill in repertoire.offered(things)}
    if not isinstance(name, str) or name not in able:
        raise PlannerError(f"skill: got {str(name)[:40]!r}, allowed: {list(able)}")
    params = {param.name: param for param in offered_params(able[name])}
    given = {key: value for key, value in step.items() if value is not None}
    for key, value in given.items():
        if key not in params:
            raise PlannerError(f"skill {name!r} argument {key[:40]!r}: allowed: {list(params) or 'none'}")
        if params[key].kind == "thing" and (isinstance(value, bool) or value not in things):
            raise PlannerError(f"skill {name!r} {key}: got {str(value)[:40]}, allowed, because seen: {sorted(things)}")
        if isinstance(value, str):
            given[key] = _sentence(f"skill {name!r} {key}", value)
    try:
        return Call(name=name, args=repertoire.check(name, given))
    except ConfigError as exc:
        raise PlannerError(str(exc)) from exc


def _sentence(what: str, words: str) -> str:
    """Return words on one line, of characters that can be shown and said."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    if len(line) > TEXT_CHARS:
        raise PlannerError(f"{what}: got {len(line)} characters, allowed: at most {TEXT_CHARS}")
    return line
