"""Which of the things that are seen is meant: from "the red cup" to its number, or an answer that asks or says why not.

It reads what perception knows of and nothing else: no memory of the talk, no places.
"""

from collections.abc import Sequence
from dataclasses import replace

from vagus.core.things import Thing
from vagus.decide.plan import Call, Language, Plan, Ref

_COLOURS = {
    "red": ("빨간", "red"), "orange": ("주황색", "orange"), "yellow": ("노란", "yellow"), "green": ("초록색", "green"),
    "blue": ("파란", "blue"), "purple": ("보라색", "purple"), "white": ("하얀", "white"), "black": ("검은", "black"),
}  # fmt: skip
_SHAPES = {
    "cup": ("컵", "cup"), "bottle": ("병", "bottle"), "box": ("상자", "box"), "ball": ("공", "ball"),
    "can": ("캔", "can"), "bowl": ("그릇", "bowl"),
}  # fmt: skip
_ANY = ("물건", "thing")


def ground(plan: Plan, things: Sequence[Thing]) -> Plan:
    """Put numbers in the place of descriptions; the answer asks or says why if one fits nothing, or several things."""
    calls: list[Call] = []
    for call in plan.calls:
        found: dict[str, float] = {}
        for name, ref in call.refs.items():
            fitting = [thing for thing in things if _fits(ref, thing)]
            if len(fitting) != 1:
                return Plan(language=plan.language, answer=_answer(ref, fitting, things, plan.language))
            found[name] = float(fitting[0].id)
        calls.append(replace(call, args={**call.args, **found}, refs={}))
    return replace(plan, calls=tuple(calls))


def misses(plan: Plan, things: Sequence[Thing]) -> bool:
    """Say whether a call names something that is not seen."""
    refs = [ref for call in plan.calls for ref in call.refs.values()]
    return any(not any(_fits(ref, thing) for thing in things) for ref in refs)


def _fits(ref: Ref, thing: Thing) -> bool:
    return ref.shape in (thing.shape, "any") and ref.colour in (thing.colour, "any")


def _answer(ref: Ref, fitting: Sequence[Thing], things: Sequence[Thing], language: Language) -> str:
    meant = name_of(ref.colour, ref.shape, language)
    if not things:
        if language == "ko":
            return "지금은 아무 물건도 보이지 않아서 아무것도 하지 않았습니다."
        return "I see no things at the moment, so I did nothing."
    if fitting:
        names = _listed(fitting, language)
        return f"어느 것을 말씀하시나요? {names}." if language == "ko" else f"Which one do you mean? I see {names}."
    names = _listed(things, language)
    if language == "ko":
        return f"{meant}: 보이지 않아서 아무것도 하지 않았습니다. 보이는 것: {names}."
    return f"I see no {meant}, so I did nothing. I see {names}."


def name_of(colour: str, shape: str, language: Language) -> str:
    """Return what a thing is called, such as "red cup"; an unknown colour or shape is left out."""
    k = 0 if language == "ko" else 1
    words = (_COLOURS[colour][k] if colour in _COLOURS else "", _SHAPES.get(shape, _ANY)[k])
    return " ".join(word for word in words if word)


def _listed(things: Sequence[Thing], language: Language) -> str:
    """Return names, each with how many there are if more than one."""
    names = [name_of(thing.colour, thing.shape, language) for thing in things]
    counted = [(name, names.count(name)) for name in dict.fromkeys(names)]
    if language == "ko":
        return ", ".join(name if n == 1 else f"{name} {n}개" for name, n in counted)
    return ", ".join(
        f"a {name}" if n == 1 else f"{n} {name}{'es' if name.endswith('x') else 's'}" for name, n in counted
    )
