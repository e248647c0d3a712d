"""The grammar of the built-in parser: stops, motions, gestures and speech, in Korean and English, become skill calls.

Word tables, no model, no memory, no guess. If any part of an utterance means nothing to
it, nothing of it is done, except that "stop" always stops. A rule finds its words in a clause and does not mind their
order; the clause is understood only if those words, amounts and fillers are all there is in it. Korean stems may have
any ending.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from vagus.core.robot import RobotSpec
from vagus.decide import words
from vagus.decide.answer import (
    lacks,
    lacks_arm,
    language_of,
    negative,
    no_anatomy,
    no_arm,
    not_understood,
    out_of_range,
)
from vagus.decide.numbers import amounts, digits
from vagus.decide.plan import Call, Language, Plan
from vagus.decide.speech import lift, mark, marked, shown

STEP_M = 0.5
"""How far "go forward" goes [m]."""
A_LITTLE_M, A_LITTLE_DEG = 0.2, 30.0
TURN_DEG = 90.0
"""How far "turn left" turns."""
SPEED_M_S, RATE_DEG_S = 0.25, 30.0
"""How fast "drive for three seconds" drives."""
LONG_S = 20.0
"""How long "keep looking at me" looks."""
LIMITS: dict[str, tuple[float, float, str]] = {
    "distance_m": (0.0, 10.0, " m"), "turn_deg": (0.0, 1080.0, "°"), "duration_s": (0.1, 30.0, " s"),
    "azimuth_deg": (0.0, 180.0, "°"), "elevation_deg": (0.0, 90.0, "°"),
}  # fmt: skip
"""Argument → the least and the most, either way, that one command may ask for, and their unit."""

LENGTH_MAX = 400
"""Longest utterance that is parsed [characters]: some patterns take time with the square of it."""

# Call before → the verbs that a clause without one may have of it: in "turn left, then right" that is "turn".
_VERBS = {"look": (("봐", "look"),), "point": (("가리켜", "point"),), "drive": (("가", "go"),),
          "turn": (("돌아", "turn"), ("가", "go"))}  # fmt: skip
_THOUSANDS = r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])"  # 1,500; the comma of 0,005 is not ours to read
_GREETINGS = {"hello": ("안녕하세요!", "Hello!"), "bye": ("안녕히 가세요!", "Goodbye!")}


class _UnknownError(Exception):
    """These words mean nothing here."""


class _RangeError(Exception):
    """More or less than one command may ask for; carries what was asked for, the least, the most and the unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """One thing people ask for."""

    find: Callable[[str, Mapping[str, float], Language], list[Call]]
    """Makes calls of a clause that has the words, and of the amounts in it; nothing of any other clause."""
    reads: str
    """The words that it, or people who mean it, use."""
    takes: tuple[str, ...] = ()
    """Kinds of amount that it uses, one at a time."""


def understand(text: str, spec: RobotSpec) -> Plan:
    """Return what an utterance asks of this robot. Never raises: any text, however odd, gets calls or an answer."""
    language = language_of(text)
    try:
        calls = _parse(text)
    except _UnknownError as unknown:
        fragment = str(unknown)
        if re.search(words.MINUS, fragment):
            return Plan(language=language, answer=negative(language, fragment), reason="out_of_range")
        return Plan(language=language, answer=not_understood(spec, language, fragment), reason="not_understood")
    except _RangeError as wrong:
        return Plan(language=language, answer=out_of_range(language, *wrong.args), reason="out_of_range")
    for call in calls:
        part = lacks(spec, call.name)
        if part is not None and not call.together:
            return Plan(language=language, answer=no_anatomy(language, part), reason="cannot")
        side = call.args.get("arm")
        if isinstance(side, str) and lacks_arm(spec, side):
            return Plan(language=language, answer=no_arm(language, side), reason="cannot")
    able = tuple(call for call in calls if lacks(spec, call.name) is None)
    return Plan(language=language, calls=able)


def _parse(text: str) -> list[Call]:
    """Return the calls of a whole utterance. Raises _UnknownError with the part that means nothing, or _RangeError."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > LENGTH_MAX:
        if re.search(words.STOP, text.casefold()):
            return [Call(name="stop")]
        raise _UnknownError(f"{text[:40]}…")
    lifted, said = lift(text, lambda part: _is_command(part))
    plain = normalise(lifted)
    try:
        return _parse_clauses(plain, said, language_of(text))
    except (_UnknownError, _RangeError):
        if re.search(words.STOP, plain) and not re.search(words.NEGATION, plain):
            return [Call(name="stop")]
        raise


def _is_command(part: str) -> bool:
    try:
        return bool(_parse_clauses(normalise(part), [], language_of(part)))
    except (_UnknownError, _RangeError):
        return False


def normalise(text: str) -> str:
    """Return lower-case text with digits for number words, "|" for punctuation, and no courtesies."""
    text = unicodedata.normalize("NFC", text).casefold()
    text = re.sub(_THOUSANDS, lambda match: match.group().replace(",", ""), text.replace("’", "'"))
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
        found = _clause(clause, said, language, _verb(calls))
        if together and calls:
            found = [replace(found[0], together=True), *found[1:]]
        calls, together = calls + found, False
    if not calls:
        raise _UnknownError(plain)
    return calls


def _verb(calls: list[Call]) -> str:
    """Return what a clause without a verb goes on with, a key of ``_VERBS`` or none."""
    if not calls:
        return ""
    is_turn = not {"turn_deg", "turn_deg_s"}.isdisjoint(calls[-1].args)
    return "turn" if is_turn else calls[-1].name


def _clause(clause: str, said: list[str], language: Language, before: str) -> list[Call]:
    """Return the calls of one clause; one without a verb ("... and right") takes that of the call before it."""
    index = marked(clause)
    if index is not None and index < len(said):
        if _is_read(clause, f"{mark(index)}(?!\\d)|{words.SAYING}"):
            return [Call(name="say", args={"text": said[index]})]
        raise _UnknownError(shown(clause, said))
    found = _match(clause, language)
    if not found and before in _VERBS and _direction(clause):
        tries = (_match(f"{clause} {ko if language == 'ko' else en}", language) for ko, en in _VERBS[before])
        found = next((calls for calls in tries if calls), [])
    if not found:
        raise _UnknownError(clause)
    for call in found:
        _check_range(call)
    return found


def _check_range(call: Call) -> None:
    for name, value in call.args.items():
        low, high, unit = LIMITS.get(name, (0.0, 0.0, ""))
        if unit and isinstance(value, float) and not low <= abs(value) <= high:  # also of a NaN
            raise _RangeError(abs(value), low, high, unit)


def _match(clause: str, language: Language) -> list[Call]:
    """Return what the first rule makes of a clause, or nothing. The order settles words that several rules know."""
    if re.search(words.NEGATION, clause):
        # "Don't go" asks for rest; "don't stop" and "don't worry" ask for nothing that is known.
        rest = re.sub(words.NEGATION, " ", clause).strip()
        is_motion = bool(re.search("move|움직|" + words.MOVE, rest)) or any(_found(rest, language))
        return [Call(name="stop")] if is_motion and not re.search(words.STOP, clause) else []
    if re.search(words.STOP, clause):
        return [Call(name="stop")]
    if re.search(words.QUESTION, clause) or _is_torn(clause):
        return []
    given, rest = amounts(clause)
    for rule, calls in _found(clause, language):
        if len(given) <= 1 and set(given) <= set(rule.takes) and _is_read(rest, rule.reads):
            return calls
    return []


def _found(clause: str, language: Language) -> Iterator[tuple[_Rule, list[Call]]]:
    """Yield what every rule that has its words there makes of a clause, whatever else is in it."""
    given, _ = amounts(clause)
    some = ((rule, rule.find(clause, given, language)) for rule in _RULES)
    yield from ((rule, calls) for rule, calls in some if calls)


def _is_torn(clause: str) -> bool:
    """Say whether a clause names two directions, or two feelings, at once."""
    rest, _ = _with_arm(clause)
    tables = (words.DIRECTIONS, words.EMOTIONS)
    return any(sum(bool(re.search(pattern, rest)) for pattern in table.values()) > 1 for table in tables)


def _is_read(clause: str, reads: str) -> bool:
    """Say whether a clause without its amounts holds nothing but these words, with Korean endings, and fillers."""
    for token in re.sub(reads, lambda match: re.sub(r"\S+", "\0", match.group()), clause).split():
        is_word = re.fullmatch(r"(?:\0[가-힣]*)+", token) and not re.search(words.NO_ENDING, token)
        if not is_word and not re.fullmatch(words.FILLER, token):
            return False
    return True


def _direction(clause: str) -> str | None:
    return _first(words.DIRECTIONS, clause)


def _first(table: Mapping[str, str], clause: str) -> str | None:
    return next((key for key, pattern in table.items() if re.search(pattern, clause)), None)


def _simple(name: str, pattern: str) -> Callable[[str, Mapping[str, float], Language], list[Call]]:
    def find(clause: str, _given: Mapping[str, float], _language: Language) -> list[Call]:
        return [Call(name=name)] if re.search(pattern, clause) else []

    return find


def _greet(clause: str, _given: Mapping[str, float], language: Language) -> list[Call]:
    for key, pattern in (("hello", words.GREETING), ("bye", words.FAREWELL)):
        if re.search(pattern, clause):
            ko, en = _GREETINGS[key]
            return [Call(name="say", args={"text": ko if language == "ko" else en}), Call(name="wave", together=True)]
    return []


def _express(clause: str, _given: Mapping[str, float], _language: Language) -> list[Call]:
    emotion = _first(words.EMOTIONS, clause) if re.search(words.SHOWING, clause) else None
    return [Call(name="express", args={"emotion": emotion})] if emotion else []


def _with_arm(clause: str) -> tuple[str, dict[str, float | str]]:
    """Take the arm that is named out of a clause, so that its side is not read as a direction."""
    side = _first(words.SIDE_OF_ARM, clause)
    if side is None:
        return clause, {}
    return re.sub(words.SIDE_OF_ARM[side], " ", clause), {"arm": side}


def _wave(clause: str, _given: Mapping[str, float], _language: Language) -> list[Call]:
    return [Call(name="wave", args=_with_arm(clause)[1])] if re.search(words.WAVE, clause) else []


def _point(clause: str, _given: Mapping[str, float], _language: Language) -> list[Call]:
    rest, args = _with_arm(clause)
    direction = _direction(rest)
    if not re.search(words.POINT, rest) or direction is None:
        return []
    return [Call(name="point", args={"direction": direction, **args})]


def _look(clause: str, given: Mapping[str, float], _language: Language) -> list[Call]:
    direction, angle = _direction(clause), given.get("angle")
    if direction is None or not re.search(f"{words.HEAD}|{words.LOOK}", clause):
        return []
    if angle is None:
        return [Call(name="look", args={"direction": direction})]
    if direction in ("up", "down"):
        return [Call(name="look", args={"elevation_deg": angle if direction == "up" else -angle})]
    if direction in ("left", "right"):
        return [Call(name="look", args={"azimuth_deg": -angle if direction == "right" else angle})]
    return []


def _watch(clause: str, _given: Mapping[str, float], _language: Language) -> list[Call]:
    return watching(clause) if re.search(words.AT_ME, clause) and re.search(words.WATCH, clause) else []


def watching(clause: str) -> list[Call]:
    """Return the call to watch, and for how long; nothing where the clause asks to be walked after."""
    if re.search(words.WALKING, clause) and not re.search(words.EYES, clause):
        return []
    return [Call(name="watch", args={"seconds": LONG_S} if re.search(words.LONG, clause) else {})]


def _head(clause: str, given: Mapping[str, float], language: Language) -> list[Call]:
    return _look(clause, given, language) if re.search(words.HEAD, clause) else []


def _turn(clause: str, given: Mapping[str, float], _language: Language) -> list[Call]:
    """Turn on the spot; to the left, as all angles count, where no side is named."""
    side, angle, time_s = _direction(clause), given.get("angle"), given.get("time")
    is_sided = side in ("left", "right")
    if re.search(words.TURN_ROUND, clause) or (side == "back" and re.search(words.TURN_BACK, clause)):
        return [] if given or is_sided else [Call(name="drive", args={"turn_deg": 180.0})]
    is_told = is_sided or (side is None and bool(given))
    if not re.search(words.TURN, clause) or not is_told:
        return []
    sign = -1.0 if side == "right" else 1.0
    if time_s is not None:
        return [Call(name="drive", args={"turn_deg_s": sign * RATE_DEG_S, "duration_s": time_s})]
    if angle is None:
        angle = A_LITTLE_DEG if re.search(words.A_LITTLE, clause) else TURN_DEG
    return [Call(name="drive", args={"turn_deg": sign * angle})]


def _move(clause: str, given: Mapping[str, float], _language: Language) -> list[Call]:
    direction, distance, time_s = _direction(clause), given.get("distance"), given.get("time")
    is_told = (direction is not None and not re.search(words.GO_AHEAD, clause)) or bool(given)
    if direction in ("up", "down") or not re.search(words.MOVE, clause) or not is_told:
        return []
    if distance is None:
        distance = A_LITTLE_M if re.search(words.A_LITTLE, clause) else STEP_M
    sign = -1.0 if direction == "back" else 1.0
    ahead = Call(name="drive", args={"distance_m": sign * distance})
    if time_s is not None:
        ahead = Call(name="drive", args={"speed_m_s": sign * SPEED_M_S, "duration_s": time_s})
    if direction in ("left", "right"):  # wheels do not go sideways
        return [Call(name="drive", args={"turn_deg": TURN_DEG if direction == "left" else -TURN_DEG}), ahead]
    return [ahead]


def _any(*patterns: str) -> str:
    return "|".join(patterns)


_WAYS, _FEELINGS, _SIDES = (_any(*table.values()) for table in (words.DIRECTIONS, words.EMOTIONS, words.SIDE_OF_ARM))
_LOOKED = _any(words.LOOK, words.AT, _WAYS)
_RULES: tuple[_Rule, ...] = (
    _Rule(find=_greet, reads=".+"),
    _Rule(find=_simple("nod", words.NOD), reads=_any(words.NOD, words.HEAD, words.YES)),
    _Rule(find=_simple("shake", words.SHAKE), reads=_any(words.SHAKE, words.HEAD, words.NO)),
    _Rule(find=_express, reads=_any(_FEELINGS, words.SHOWN)),
    _Rule(find=_point, reads=_any(_SIDES, words.POINT, words.AT, _WAYS, words.HANDS)),
    _Rule(find=_wave, reads=_any(_SIDES, words.WAVE, words.HANDS, words.WAVED)),
    _Rule(find=_watch, reads=_any(words.WATCHED, words.AT_ME, words.WATCH, words.LONG)),
    _Rule(find=_simple("look_around", words.LOOK_ROUND), reads=_any(words.LOOK_ROUND, words.LOOK)),
    _Rule(find=_simple("go_home", words.HOME), reads=_any(words.HOME, words.GOING_HOME)),
    _Rule(find=_head, reads=_any(_LOOKED, words.HEAD, words.MOVED_HEAD), takes=("angle",)),
    _Rule(find=_turn, reads=_any(words.TURN_ROUND, words.TURN, words.A_LITTLE, words.STILL, words.MADE, _WAYS),
          takes=("angle", "time")),
    _Rule(find=_move, reads=_any(words.MOVE, words.A_LITTLE, words.TAKEN, _WAYS), takes=("distance", "time")),
    _Rule(find=_look, reads=_LOOKED, takes=("angle",)),
)  # fmt: skip
