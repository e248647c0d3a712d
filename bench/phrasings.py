"""Requests for benches: phrasings (``phrasings.json``, held out from the parser) over a scene.

A request is what a person says, in one or two turns, and what shall come of it. Names of things are filled in from the
things that stand there; Korean particles follow the word before them. Nothing here knows how anything is understood.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vagus.core.things import COLOURS, SHAPES
from vagus.decide.plan import Language

PHRASINGS: list[dict[str, str]] = json.loads((Path(__file__).parent / "phrasings.json").read_text(encoding="utf-8"))
KINDS = tuple(dict.fromkeys(phrasing["kind"] for phrasing in PHRASINGS))
STARTERS = {"correct": "pick", "put_back": "pick", "put_down": "pick", "also": "pick", "clarify": "ambiguous"}
"""A phrasing of these kinds is said after one of that kind."""
REFUSED = {
    "absent": {"absent"}, "impossible": {"impossible", "cannot", "harmful"}, "harmful": {"harmful", "impossible"},
    "ambiguous": {"ambiguous"},
}  # fmt: skip
"""Kinds that nothing is done for → the reasons that are right."""
REPLIES = {"sad": "sad", "happy": "happy", "angry": "sad", "afraid": "sad", "surprised": "surprised"}
"""What a person feels → what a kind face answers with."""

_KO_COLOURS = dict(zip(COLOURS, ("빨간", "주황색", "노란", "초록색", "파란", "보라색", "하얀", "검은"), strict=True))
_KO_SHAPES = dict(zip(SHAPES, ("컵", "병", "상자", "공", "캔", "그릇"), strict=True))
_PARTICLES = {"을": ("을", "를"), "이": ("이", "가"), "은": ("은", "는"), "으로": ("으로", "로"), "과": ("과", "와")}

Name = tuple[str, str]
"""Colour and shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is said, and what shall be the case after it."""

    kind: str
    """What the last turn is: a kind of phrasing."""
    language: Language
    turns: tuple[str, ...]
    thing: Name | None = None
    """What it is about,"""
    other: Name | None = None
    """next to or in what it shall be; for "correct" and "also" what was asked for first."""
    emotion: str = ""


def plan_of(n: int, first: int, kinds: tuple[str, ...]) -> list[tuple[int, str, Language]]:
    """Return (seed, kind, language) of every trial: kinds in turn, languages by turns of all kinds."""
    languages: tuple[Language, Language] = ("ko", "en")
    return [(first + k, kinds[k % len(kinds)], languages[(k // len(kinds) + k) % 2]) for k in range(n)]


def draw(rng: np.random.Generator, things: Sequence[Name], kind: str, language: Language,
         phrasing: dict[str, str] | None = None) -> Request | None:  # fmt: skip
    """Draw a request of a kind over the things of a scene; None if the scene does not allow one.

    Args:
        rng: Chooses phrasings and things.
        things: Colour and shape of each thing within reach; names may come twice.
        kind: One of ``KINDS``.
        language: "ko" or "en".
        phrasing: The one to use; None: one of that kind and language.
    """
    unique = [name for name, n in Counter(things).items() if n == 1]
    order = [unique[int(k)] for k in rng.permutation(len(unique))]
    chosen = _CHOOSERS.get(kind, _one)(order)
    if kind == "absent":
        chosen = _absent(rng, things)
    if chosen is None and kind not in ("impossible", "harmful", "feeling", "see"):
        return None
    thing, other = (*(chosen or ()), None, None)[:2]
    phrasing = phrasing or _phrasing(rng, kind, language)
    first = STARTERS.get(kind)
    said = [] if first is None else [_phrasing(rng, first, language)["text"]]
    about = other if kind in ("correct", "also") else thing
    turns = [_filled(text, language, about, other) for text in said]
    turns.append(_filled(phrasing["text"], language, thing or (order[0] if order else None), other))
    return Request(kind=kind, language=language, turns=tuple(turns), thing=thing, other=other,
                   emotion=phrasing.get("emotion", ""))  # fmt: skip


def _phrasing(rng: np.random.Generator, kind: str, language: Language) -> dict[str, str]:
    fit = [p for p in PHRASINGS if p["kind"] == kind and p["language"] == language]
    return fit[int(rng.integers(len(fit)))]


def _one(order: list[Name]) -> tuple[Name, ...] | None:
    fit = [name for name in order if name[1] != "bowl"] or order
    return (fit[0],) if fit else None


def _two(order: list[Name]) -> tuple[Name, ...] | None:
    fit = [name for name in order if name[1] != "bowl"]
    return (fit[0], next(n for n in order if n != fit[0])) if fit and len(order) > 1 else None


def _into(order: list[Name]) -> tuple[Name, ...] | None:
    bowl = next((name for name in order if name[1] == "bowl"), None)
    ball = next((name for name in order if name[1] == "ball"), None)
    return (ball, bowl) if ball and bowl else None


def _alike(order: list[Name]) -> tuple[Name, ...] | None:
    """Two of a shape, and no third."""
    n = Counter(shape for _, shape in order)
    pairs = [[name for name in order if name[1] == shape] for shape in n if n[shape] == 2 and shape != "bowl"]
    return tuple(pairs[0]) if pairs else None


def _absent(rng: np.random.Generator, things: Sequence[Name]) -> tuple[Name, ...]:
    free = [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in things]
    return (free[int(rng.integers(len(free)))],)


_CHOOSERS: dict[str, Callable[[list[Name]], tuple[Name, ...] | None]] = {
    "next_to": _two, "sequence": _two, "in": _into, "correct": _alike, "also": _alike, "ambiguous": _alike,
    "clarify": _alike,
}  # fmt: skip


def name_of(name: Name, language: Language) -> str:
    """Return what people call a thing of that colour and shape."""
    return f"{_KO_COLOURS[name[0]]} {_KO_SHAPES[name[1]]}" if language == "ko" else f"{name[0]} {name[1]}"


def _filled(text: str, language: Language, thing: Name | None, other: Name | None) -> str:
    """Put names in the place of slots, and choose the particles after them."""
    for slot, name in (("{thing}", thing), ("{other}", other), ("{bowl}", other)):
        text = text.replace(slot, name_of(name, language) if name else slot)
    if thing is not None:
        text = text.replace("{shape}", _KO_SHAPES[thing[1]] if language == "ko" else thing[1])
        text = text.replace("{colour}", _KO_COLOURS[thing[0]] if language == "ko" else thing[0])
    return re.sub(r"(.)\{([가-힣]+)/[가-힣]+\}", lambda m: m[1] + _particle(m[1], m[2]), text)


def _particle(before: str, particle: str) -> str:
    """Return the form of a particle after a syllable: its first form after a final consonant (으로: not after ㄹ)."""
    letters = unicodedata.normalize("NFD", before)
    has_final = len(letters) == 3
    if particle == "으로" and letters[-1] == "\u11af":
        has_final = False
    return _PARTICLES[particle][0 if has_final else 1]
