"""Finds the things that words name ("the blue cup on the left", "왼쪽 파란 컵", "다른 거"), and how they stand there.

It reads words and nothing else; which of the things that are seen is meant, ``vagus.decide.ground`` finds out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vagus.core.things import SHAPES
from vagus.decide.plan import Ref, Which

Relation = Literal["", "next_to", "in", "on"]
MASK = "@"
"""Stands for a thing in a clause whose things were taken out."""

_SHAPES: dict[str, str] = {
    "cup": r"(?:tea ?|coffee ?)?(?:cup|mug)s?\b|(?:머그|커피|물|종이|찻)?컵|머그잔?|찻잔|(?<![가-힣])잔(?![가-힣]{2})",
    "bottle": r"(?:water ?)?(?:bottle|flask)s?\b|(?:물|음료수 ?|플라스틱 ?|유리)?병(?![원실들신])|보틀|페트병",
    "box": r"(?:box(?:es)?|carton|package|packet)\b|상자|박스|곽",
    "ball": r"balls?\b|(?<![가-힣])공(?![가-힣]*(?:부|간|기|원|짜|항|연))|(?<![가-힣])볼(?=[을를이가은는도만]|\s|$)",
    "can": r"(?:soda |drinks? |soup |tin )?(?:cans?|tins?)\b|(?:음료수? ?)?캔|깡통",
    "bowl": r"(?:bowls?|dish)\b|그릇|사발|대접|보울",
}
_COLOURS: dict[str, str] = {
    "red": r"red\b|빨간|빨강|빨갛고?|붉은|새빨간|레드",
    "orange": r"orange\b|주황|오렌지(?:색|빛)?",
    "yellow": r"yellow\b|노란|노랑|누런|샛노란|옐로",
    "green": r"green\b|초록|녹색|풀색|그린",
    "blue": r"blue\b|파란|파랑|푸른|새파란|블루",
    "purple": r"(?:purple|violet)\b|보라|자주",
    "white": r"white\b|하얀|하양|흰|새하얀|화이트",
    "black": r"black\b|검은|검정|까만|까망|새까만|블랙",
}
_OF = r"(?= ?(?:에 ?)?(?:있는|거|것|컵|병|상자|공|캔|그릇))"
_MOST = r"(?:제일|가장|더)? ?"
_WHICH: dict[str, str] = {
    "any": r"any\b|아무",
    "other": r"(?:(?:an)?other|different|second)\b|다른(?: ?쪽)?|나머지|남은|딴",
    "left": r"(?:left(?:most|[ -]hand)?)\b|왼쪽|좌측|왼편",
    "right": r"(?:right(?:most|[ -]hand)?)\b|오른쪽|우측|오른편",
    "near": rf"(?:near(?:est|er)|close(?:st|r))\b|{_MOST}(?:가까운|가까이|앞쪽|앞){_OF}",
    "far": rf"(?:far(?:thest|thermost|ther)?|furthest)\b|{_MOST}(?:먼|멀리|뒤쪽|뒤){_OF}",
    "big": rf"(?:big(?:ger|gest)?|large(?:r|st)?|tall(?:er|est)?)\b|{_MOST}(?:큰|커다란)",
    "small": rf"(?:small(?:er|est)?|little(?= (?:one|{'|'.join(SHAPES)})))\b|{_MOST}(?:작은|조그만)",
}
_ANY = (r"(?:one|1|thing|object|item)s?\b|물건|(?<=[른지은] )하나"
        r"|(?<![가-힣])(?:거|것|걸|게|놈|녀석)(?=[을를은는도만로랑]?(?:\s|$))")  # fmt: skip
_IT = (r"(?:it(?! be\b)|this one|that one)\b|(?<=in )there\b|(?<=into )there\b"
       r"|(?:this|that)\b(?=\s*(?:$|[,.!?]|(?:in|into|on|onto|next|beside|near|by|down|back|up|to|away|over|here|please|now|"
       r"for|and|instead|too|inside|then)\b))"
       r"|(?<![가-힣])(?:그거|그것|그걸|이거|이것|이걸|저거|저것|저걸|걔)(?=[을를은는도만]?(?:[\s,.!?]|$))"
       r"|(?<![가-힣])그(?= ?(?:옆|곁|안|속|위)(?:에|으로|쪽|\s|$))|거기(?=에|다|에다| 넣| 담)")  # fmt: skip
_GLUE = (r"(?:\s|-|색(?:깔|상)?의?|빛|coloured|colored|(?:있는|놓인|보이는|생긴)|쪽|편|에|의|으?로|된|of|on|to|the|"
         r"that'?s|which|is|at|in colou?r)*")  # fmt: skip
"""What may stand between the words of one name."""
_ARTICLE = (
    r"(?:\b(?:the|an?|that|this|those|these|my|your|some|its)\s+)?(?:(?<![가-힣])(?:그|저|이|저기|거기|여기)\s+)?"
)

_KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("colour", _COLOURS), ("shape", _SHAPES), ("which", _WHICH), ("it", {"it": _IT}),
    ("any", {"any": _ANY}),
)  # fmt: skip
_WORD = re.compile("|".join(
    f"(?P<{kind}_{name}>(?<![a-z])(?:{pattern}))"
    for kind, table in _KINDS for name, pattern in table.items()
))  # fmt: skip
# "can" is a thing only after a word that makes it one: "can you", "I can" are not.
_FIRST_OF = r"(?:the|an?|that|this|soda|drinks?|tin|other|one|colou?red)"
_CAN = re.compile(rf"\b(?:{_FIRST_OF}|{'|'.join(_COLOURS)}|left|right|big|small)\s+cans?\b")

_TO_RIGHT: tuple[tuple[Relation, str], ...] = (  # Korean says it after the name
    ("next_to", r"^(?:의|이랑|랑|하고|과|와|[이가]? 있는 (?:데|곳))? ?(?:바로 |딱 )?(?:옆|곁|근처|가까이|나란히)"
                r"|^ ?쪽(?:에|으로)"),
    ("in", r"^의? ?(?:안|속)(?:쪽)?(?:에|으로|에다|에다가)?(?=\s|$|[^가-힣])"),
    ("on", r"^의? ?위(?:쪽)?(?:에|로|에다|에다가)?|^(?:에|에다|에다가) (?:올|얹)"),
)  # fmt: skip
_KO_INTO, _KO_TO = r"넣|담[아는을으겠자]|담$|들어가|퐁당|쏙|골인", r"^(?:에|에다|에다가|다|다가|으로|로)(?=\s|$|만)"
_TO_LEFT: tuple[tuple[Relation, str], ...] = (  # English before it
    ("next_to", r"\b(?:next to|beside|besides|near|close to|alongside|by|adjacent to|(?:to|at|by|on) the side of"
                r"|next door to|right by)\s*$"),
    ("in", r"\b(?:in|into|inside(?: of)?|within)\s*$"),
    ("on", r"\b(?:on|onto|on top of|atop)\s*$"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """A thing that a clause names."""

    ref: Ref
    relation: Relation
    """How something else shall be to it; empty: it is what something is done with."""
    start: int
    end: int


def mentions(clause: str) -> list[Mention]:
    """Return the things that a clause names, from left to right.

    Args:
        clause: Lower case, NFC.
    """
    return [Mention(ref, _relation(clause, start, end), start, end) for ref, start, end in _names(clause)]


def masked(clause: str, found: list[Mention]) -> str:
    """Return a clause with ``MASK`` for every thing, and without the particle after it."""
    out, at = "", 0
    for mention in found:
        out += f"{clause[at : mention.start]}{MASK}"
        at = mention.end
        particle = re.match(r"[을를이가은는](?=\s|$)", clause[at:])
        at += particle.end() if particle else 0
    return out + clause[at:]


def _names(clause: str) -> Iterator[tuple[Ref, int, int]]:
    """Yield names: runs of words of colour, shape, place or size with nothing but glue between them."""
    run: list[tuple[str, str, int, int]] = []
    for word in [*_words(clause), None]:
        if run and (word is None or not _goes_on(clause, run, word)):
            ref = _ref(run)
            if ref is not None:
                article = re.search(rf"{_ARTICLE}$", clause[: run[0][2]])
                yield ref, article.start() if article else run[0][2], run[-1][3]
            run = []
        if word is not None:
            run.append(word)


def _words(clause: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield (kind, name, start, end) of the words that names are made of."""
    cans = [match.end() for match in _CAN.finditer(clause)]
    for match in _WORD.finditer(clause):
        kind, _, name = (match.lastgroup or "_").partition("_")
        if name == "can" and match.group().startswith("can") and match.end() not in cans:
            continue
        yield kind, name, match.start(), match.end()


def _goes_on(clause: str, run: list[tuple[str, str, int, int]], word: tuple[str, str, int, int]) -> bool:
    """Say whether a word belongs to the name before it: no second of its kind, and glue alone between them.

    A name ends with its noun, but for "the cup on the left" and "컵 파란 거".
    """
    kinds = {kind for kind, *_ in run}
    if word[0] in kinds or "it" in (word[0], run[-1][0]) or not re.fullmatch(_GLUE, clause[run[-1][3] : word[2]]):
        return False
    if not kinds & {"shape", "any"}:
        return True
    is_korean = bool(re.search("[가-힣]", clause[run[0][2] : run[0][3]]))
    return word[0] != "shape" and "any" not in kinds if is_korean else word[0] == "which"


def _ref(run: list[tuple[str, str, int, int]]) -> Ref | None:
    """Return what a run of words names; a place, a size or "one" alone names nothing."""
    found = {kind: name for kind, name, *_ in run}
    if "it" in found:
        return Ref(which="it")
    which: Which = found.get("which", "the")  # type: ignore[assignment]
    if not {"colour", "shape"} & set(found) and ("any" not in found or which == "the"):
        return None
    return Ref(shape=found.get("shape", "any"), colour=found.get("colour", "any"), which=which)


def _relation(clause: str, start: int, end: int) -> Relation:
    before, after = clause[:start], clause[end:]
    for relation, pattern in _TO_RIGHT:
        if re.search(pattern, after):
            return relation
    if re.search(_KO_TO, after) and re.search(_KO_INTO, clause):
        return "in"
    for relation, pattern in _TO_LEFT:
        if re.search(pattern, before):
            return relation
    return ""
