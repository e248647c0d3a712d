"""The built-in parser: an utterance in Korean or English becomes skill calls, or an honest "I did not understand".

It is the on-robot fallback: word tables, no model, no memory, no guess. If any part of an utterance means nothing to
it, nothing of it is done, except that "stop" always stops.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vagus.core.robot import RobotSpec
from vagus.decide import words
from vagus.decide.answer import Language, lacks, lacks_arm, language_of, no_anatomy, no_arm, not_understood, too_far
from vagus.decide.numbers import digits, quantity
from vagus.decide.speech import lift, marked

STEP_M = 0.5
"""How far "go forward" goes [m]."""
A_LITTLE_M, A_LITTLE_DEG = 0.2, 30.0
TURN_DEG = 90.0
"""How far "turn left" turns."""
SPEED_M_S, RATE_DEG_S = 0.25, 30.0
"""How fast "drive for three seconds" drives."""
DISTANCE_MAX_M, TURN_MAX_DEG, TIME_MAX_S = 10.0, 1080.0, 30.0

LENGTH_MAX = 400
"""Longest utterance that is parsed [characters]: some patterns take time with the square of it."""

_VERBS = {"look": ("봐", "look"), "point": ("가리켜", "point"), "drive": ("가", "go")}
_GREETINGS = {"hello": ("안녕하세요!", "Hello!"), "bye": ("안녕히 가세요!", "Goodbye!")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One skill to run, after the call before it has ended."""

    name: str
    args: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    together: bool = False
    """Start it beside the call before it instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understanding:
    """What an utterance meant: calls to make, or an answer that says why there are none."""

    language: Language
    calls: tuple[Call, ...] = ()
    answer: str = ""
    """Empty when there are calls."""


class _UnknownError(Exception):
    """These words mean nothing here."""


class _TooFarError(Exception):
    """More than one command may ask for; carries the limit in words."""


def understand(text: str, spec: RobotSpec) -> Understanding:
    """Return what an utterance asks of this robot. Never raises: any text, however odd, gets calls or an answer."""
    language = language_of(text)
    try:
        calls = _parse(text)
    except _UnknownError as unknown:
        return Understanding(language=language, answer=not_understood(spec, language, str(unknown)))
    except _TooFarError as far:
        return Understanding(language=language, answer=too_far(language, str(far)))
    for call in calls:
        part = lacks(spec, call.name)
        if part is not None and not call.together:
            return Understanding(language=language, answer=no_anatomy(language, part))
        side = call.args.get("arm")
        if isinstance(side, str) and lacks_arm(spec, side):
            return Understanding(language=language, answer=no_arm(language, side))
    able = tuple(call for call in calls if lacks(spec, call.name) is None)
    return Understanding(language=language, calls=able)


def _parse(text: str) -> list[Call]:
    """Return the calls of a whole utterance. Raises _UnknownError with the part that means nothing."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > LENGTH_MAX:
        if re.search(words.STOP, text.casefold()):
            return [Call(name="stop")]
        raise _UnknownError(f"{text[:40]}…")
    lifted, said = lift(text, lambda part: _is_command(part))
    plain = normalise(lifted)
    try:
        return _parse_clauses(plain, said, language_of(text))
    except _UnknownError:
        if re.search(words.STOP, plain) and not re.search(words.NEGATION, plain):
            return [Call(name="stop")]
        raise


def _is_command(part: str) -> bool:
    try:
        return bool(_parse_clauses(normalise(part), [], language_of(part)))
    except (_UnknownError, _TooFarError):
        return False


def normalise(text: str) -> str:
    """Return lower-case text with digits for number words, "|" for punctuation, and no courtesies."""
    text = unicodedata.normalize("NFC", text).casefold()
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("’", "'")
    text = re.sub(r"[,;!?。、！？…~]+|\.(?!\d)", " | ", text)
    text = re.sub(words.POLITE, " ", text)
    text = re.sub(r"(?<!\S)(?:좀|제발|한번|한 번|이제|자|로봇아|야)(?=\s|$)", " ", text)
    text = re.sub(r"\s+", " ", text).strip(" |")
    return digits(re.sub(r"(?:\| )+", "| ", text))


def _parse_clauses(plain: str, said: list[str], language: Language) -> list[Call]:
    calls: list[Call] = []
    together = False
    for piece in re.split(f"({words.THEN}|{words.WHILE})", f"{plain} "):
        if re.fullmatch(f"{words.THEN}|{words.WHILE}", piece):
            together = bool(re.fullmatch(words.WHILE, piece))
            continue
        clause = piece.strip(" |")
        if not clause:
            continue
        found = _clause(clause, said, language, calls[-1].name if calls else "")
        if together and calls:
            found = [replace(found[0], together=True), *found[1:]]
        calls, together = calls + found, False
    if not calls:
        raise _UnknownError(plain)
    return calls


def _clause(clause: str, said: list[str], language: Language, before: str) -> list[Call]:
    """Return the calls of one clause; one without a verb ("... and right") takes that of the call before it."""
    index = marked(clause)
    if index is not None and index < len(said) and not re.search(words.NEGATION, clause):
        return [Call(name="say", args={"text": said[index]})]
    found = _match(clause, language)
    if not found and before in _VERBS and _direction(clause):
        ko, en = _VERBS[before]
        found = _match(f"{clause} {ko if language == 'ko' else en}", language)
    if not found:
        raise _UnknownError(clause)
    return found


def _match(clause: str, language: Language) -> list[Call]:
    """Return what the first rule makes of a clause, or nothing. The order settles words that several rules know."""
    is_negated = bool(re.search(words.NEGATION, clause))
    if is_negated:
        # "Don't go" asks for rest; "don't stop" and "don't worry" ask for nothing that is known.
        rest = re.sub(words.NEGATION, " ", clause).strip()
        is_motion = bool(re.search("move|움직|" + words.MOVE, rest)) or bool(_match(rest, language))
        return [Call(name="stop")] if is_motion and not re.search(words.STOP, clause) else []
    if re.search(words.QUESTION, clause) and not re.search(words.STOP, clause):
        return []
    for rule in _RULES:
        calls = rule(clause, language)
        if calls:
            return calls
    return []


def _direction(clause: str) -> str | None:
    return _first(words.DIRECTIONS, clause)


def _first(table: Mapping[str, str], clause: str) -> str | None:
    return next((key for key, pattern in table.items() if re.search(pattern, clause)), None)


def _simple(name: str, pattern: str) -> Callable[[str, Language], list[Call]]:
    def rule(clause: str, _language: Language) -> list[Call]:
        return [Call(name=name)] if re.search(pattern, clause) else []

    return rule


def _greet(clause: str, language: Language) -> list[Call]:
    for key, pattern in (("hello", words.GREETING), ("bye", words.FAREWELL)):
        if re.search(pattern, clause):
            ko, en = _GREETINGS[key]
            return [Call(name="say", args={"text": ko if language == "ko" else en}), Call(name="wave", together=True)]
    return []


def _express(clause: str, _language: Language) -> list[Call]:
    emotion = _first(words.EMOTIONS, clause) if re.search(words.SHOWING, clause) else None
    return [Call(name="express", args={"emotion": emotion})] if emotion else []


def _with_arm(clause: str) -> tuple[str, dict[str, float | str]]:
    """Take the arm that is named out of a clause, so that its side is not read as a direction."""
    side = _first(words.SIDE_OF_ARM, clause)
    if side is None:
        return clause, {}
    return re.sub(words.SIDE_OF_ARM[side], " ", clause), {"arm": side}


def _wave(clause: str, _language: Language) -> list[Call]:
    return [Call(name="wave", args=_with_arm(clause)[1])] if re.search(words.WAVE, clause) else []


def _point(clause: str, _language: Language) -> list[Call]:
    rest, args = _with_arm(clause)
    direction = _direction(rest)
    if not re.search(words.POINT, rest) or direction is None:
        return []
    return [Call(name="point", args={"direction": direction, **args})]


def _look(clause: str, _language: Language) -> list[Call]:
    direction = _direction(clause)
    is_head_turned = bool(re.search(words.HEAD, clause)) and direction is not None
    if direction is None or not (is_head_turned or re.search(words.LOOK, clause)):
        return []
    angle = quantity(clause, "angle")
    if angle is None:
        return [Call(name="look", args={"direction": direction})]
    if direction in ("up", "down"):
        return [Call(name="look", args={"elevation_deg": angle if direction == "up" else -angle})]
    return [Call(name="look", args={"azimuth_deg": -angle if direction == "right" else angle})]


def _head(clause: str, language: Language) -> list[Call]:
    return _look(clause, language) if re.search(words.HEAD, clause) else []


def _turn(clause: str, _language: Language) -> list[Call]:
    if re.search(words.TURN_ROUND, clause) and quantity(clause, "angle") is None:
        return [Call(name="drive", args={"turn_deg": 180.0})]
    side, angle, time_s = _direction(clause), quantity(clause, "angle"), quantity(clause, "time")
    says_how = side in ("left", "right", "back") or angle is not None or time_s is not None
    if not re.search(words.TURN, clause) or not says_how:
        return []
    sign = -1.0 if side == "right" else 1.0
    if time_s is not None:
        return [_timed("turn_deg_s", sign * RATE_DEG_S, time_s)]
    if angle is None:
        angle = A_LITTLE_DEG if re.search(words.A_LITTLE, clause) else TURN_DEG
    if angle > TURN_MAX_DEG:
        raise _TooFarError(f"{TURN_MAX_DEG:g}°")
    return [Call(name="drive", args={"turn_deg": sign * angle})]


def _move(clause: str, _language: Language) -> list[Call]:
    direction, distance, time_s = _direction(clause), quantity(clause, "distance"), quantity(clause, "time")
    has_verb = bool(re.search(words.MOVE, clause))
    if direction in ("up", "down") or not has_verb or (direction is None and distance is None and time_s is None):
        return []
    if distance is None:
        distance = A_LITTLE_M if re.search(words.A_LITTLE, clause) else STEP_M
    if distance > DISTANCE_MAX_M:
        raise _TooFarError(f"{DISTANCE_MAX_M:g} m")
    sign = -1.0 if direction == "back" else 1.0
    ahead = Call(name="drive", args={"distance_m": sign * distance})
    if time_s is not None:
        ahead = _timed("speed_m_s", sign * SPEED_M_S, time_s)
    if direction in ("left", "right"):  # wheels do not go sideways
        return [Call(name="drive", args={"turn_deg": TURN_DEG if direction == "left" else -TURN_DEG}), ahead]
    return [ahead]


def _timed(key: str, rate: float, time_s: float) -> Call:
    if time_s > TIME_MAX_S:
        raise _TooFarError(f"{TIME_MAX_S:g} s")
    return Call(name="drive", args={key: rate, "duration_s": time_s})


_RULES: tuple[Callable[[str, Language], list[Call]], ...] = (
    _simple("stop", words.STOP), _greet, _simple("nod", words.NOD), _simple("shake", words.SHAKE), _express, _point,
    _wave, _simple("go_home", words.HOME), _head, _turn, _move, _look,
)  # fmt: skip
