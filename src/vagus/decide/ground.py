"""Which of the things that are seen is meant: from "the red cup on the left" to its number, or why none is.

It reads what perception and the hands know of and nothing else; the talk before is ``vagus.decide.talk``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vagus.core.sights import KINDS
from vagus.core.things import Array, Thing
from vagus.decide.plan import Language, Ref

_COLOURS = {
    "red": ("빨간", "red"), "orange": ("주황색", "orange"), "yellow": ("노란", "yellow"), "green": ("초록색", "green"),
    "blue": ("파란", "blue"), "purple": ("보라색", "purple"), "white": ("하얀", "white"), "black": ("검은", "black"),
}  # fmt: skip
_SHAPES = {
    "cup": ("컵", "cup"), "bottle": ("병", "bottle"), "box": ("상자", "box"), "ball": ("공", "ball"),
    "can": ("캔", "can"), "bowl": ("그릇", "bowl"),
}  # fmt: skip
_SHAPE_OF_KIND = {"cup": "cup", "wine glass": "cup", "bottle": "bottle", "bowl": "bowl", "sports ball": "ball"}
"""What a detector's kinds are where they are measured."""
_ANY = ("물건", "thing")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """What is known of the surroundings when words are heard."""

    things: tuple[Thing, ...] = ()
    """In a frame whose z is up."""
    held: tuple[Thing, ...] = ()
    """What is in a hand, as it was before it was picked up."""
    kinds: tuple[int, ...] = ()
    """What a detector makes out beside them: indices into ``vagus.core.sights.KINDS``, the surest first."""
    X_BA: Array
    """Pose (4, 4) of that frame seen from the robot's base, whose x is ahead and y is left."""

    def thing(self, number: float) -> Thing | None:
        """Return a thing by its number; None if it is neither seen nor held."""
        return next((t for t in (*self.held, *self.things) if t.id == int(number)), None)

    def far(self, thing: Thing) -> float:
        """Return how far from the middle of the base a thing is, on the floor [m]."""
        return float(np.linalg.norm((self.X_BA[:3, :3] @ thing.centre + self.X_BA[:3, 3])[:2]))


def fitting(ref: Ref, scene: Scene, but: Sequence[int] = ()) -> list[Thing]:
    """Return the things that words may mean, the held ones first; one alone if they choose among several."""
    held = {thing.id for thing in scene.held}
    known = [*scene.held, *(t for t in scene.things if t.id not in held)]
    fit = [t for t in known if ref.shape in (t.shape, "any") and ref.colour in (t.colour, "any") and t.id not in but]
    if not fit:
        return []
    at = {t.id: scene.X_BA[:3, :3] @ t.centre + scene.X_BA[:3, 3] for t in fit}
    match ref.which:
        case "left":
            return [max(fit, key=lambda t: at[t.id][1])]
        case "right":
            return [min(fit, key=lambda t: at[t.id][1])]
        case "near" | "any":
            return [min(fit, key=scene.far)]
        case "far":
            return [max(fit, key=scene.far)]
        case "big":
            return [max(fit, key=lambda t: float(np.prod(t.size)))]
        case "small":
            return [min(fit, key=lambda t: float(np.prod(t.size)))]
        case _:
            return fit


def absent(ref: Ref, scene: Scene, language: Language) -> str:
    """Say that nothing fits, and what is seen."""
    meant = name_of(ref.colour, ref.shape, language)
    if not scene.things:
        if language == "ko":
            return "지금은 아무 물건도 보이지 않아서 아무것도 하지 않았습니다."
        return "I see no things at the moment, so I did nothing."
    names = listed(scene.things, language)
    if language == "ko":
        return f"{meant}: 보이지 않아서 아무것도 하지 않았습니다. 보이는 것: {names}."
    return f"I see no {meant}, so I did nothing. I see {names}."


def which(fit: Sequence[Thing], scene: Scene, language: Language) -> str:
    """Ask which of several is meant; things of one name are told apart by where they are."""
    names = [name_of(thing.colour, thing.shape, language) for thing in fit]
    if len(set(names)) < len(names):
        names = [_placed(name, thing, fit, scene, language) for name, thing in zip(names, fit, strict=True)]
    if language == "ko":
        return f"어느 것을 말씀하시나요? {', '.join(names)}."
    return f"Which one do you mean? I see {', '.join(f'the {name}' for name in names)}."


def _placed(name: str, thing: Thing, fit: Sequence[Thing], scene: Scene, language: Language) -> str:
    """Return a name with its place among others from left to right."""
    order = sorted(fit, key=lambda t: -float((scene.X_BA[:3, :3] @ t.centre + scene.X_BA[:3, 3])[1]))
    k = [t.id for t in order].index(thing.id)
    if language == "ko":
        return f"{'왼쪽' if k == 0 else '오른쪽' if k == len(order) - 1 else '가운데'} {name}"
    return f"{name} {'on the left' if k == 0 else 'on the right' if k == len(order) - 1 else 'in the middle'}"


def told(scene: Scene, language: Language) -> str:
    """Say what is seen, what is in the hands, and what else a detector makes out."""
    seen, held, else_ = listed(scene.things, language), listed(scene.held, language), _made_out(scene, language)
    if language == "ko":
        words = f"보이는 것: {seen}." if seen else "지금은 아무 물건도 보이지 않습니다."
        words += f" 손에 든 것: {held}." if held else ""
        return words + (f" 그 밖에 알아본 것: {else_}." if else_ else "")
    words = f"I see {seen}." if seen else "I see no things at the moment."
    words += f" I hold {held}." if held else ""
    return words + (f" I also make out {else_}." if else_ else "")


def _made_out(scene: Scene, language: Language) -> str:
    """Return the kinds that a detector makes out, but for those of things that are told of already."""
    known = {thing.shape for thing in (*scene.things, *scene.held)}
    kinds = [k for k in dict.fromkeys(scene.kinds) if _SHAPE_OF_KIND.get(KINDS[k][0]) not in known]
    return _counted([KINDS[k][language == "ko"] for k in kinds], language)


def name_of(colour: str, shape: str, language: Language) -> str:
    """Return what a thing is called, such as "red cup"; an unknown colour or shape is left out."""
    k = 0 if language == "ko" else 1
    words = (_COLOURS[colour][k] if colour in _COLOURS else "", _SHAPES.get(shape, _ANY)[k])
    return " ".join(word for word in words if word)


def listed(things: Sequence[Thing], language: Language) -> str:
    """Return names, each with how many there are if more than one."""
    return _counted([name_of(thing.colour, thing.shape, language) for thing in things], language)


def _counted(names: Sequence[str], language: Language) -> str:
    counted = [(name, names.count(name)) for name in dict.fromkeys(names)]
    if language == "ko":
        return ", ".join(name if n == 1 else f"{name} {n}개" for name, n in counted)
    return ", ".join(
        f"{_article(name)}{name}" if n == 1 else f"{n} {name}{'es' if name.endswith('x') else 's'}"
        for name, n in counted
    )


def _article(name: str) -> str:
    """Return what goes before a name, of one or of a pair."""
    if name in ("scissors", "skis"):
        return ""
    return "an " if name[0] in "aeiou" else "a "
