"""Numbers and units in Korean and English: words become digits, and amounts are read out with their unit.

Counts, decimals and fractions, in words up to the thousands in Korean and the hundreds in English; no signs, no
arithmetic. What it cannot read it leaves as it is: a number is read whole, with its unit, or not at all.
"""

import math
import re
from decimal import Decimal

_ONES_KO = "일이삼사오육륙칠팔구"
_SINO = {"영": 0, "공": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "륙": 6, "칠": 7, "팔": 8, "구": 9}
_PLACES = {"십": 10, "백": 100, "천": 1000}
_NATIVE_ONES = {"하나": 1, "한": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6,
                "일곱": 7, "여덟": 8, "아홉": 9}  # fmt: skip
_NATIVE_TENS = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80,
                "아흔": 90}  # fmt: skip

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_PARTS = {"half": Decimal("0.5"), "quarter": Decimal("0.25"), "quarters": Decimal("0.25")}

_UNITS: tuple[tuple[str, str, float], ...] = (
    # kind, pattern, value of one [m, deg or s]; of two that begin alike the longer comes first
    ("distance", r"centimet(?:er|re)s?|cm|센티미터|센티|센치", 0.01),
    ("distance", r"millimet(?:er|re)s?|mm|밀리미터|밀리", 0.001),
    ("distance", r"met(?:er|re)s?|미터|메터|m", 1.0),
    ("distance", r"feet|foot|ft", 0.3048),
    ("distance", r"inch(?:es)?", 0.0254),
    ("distance", r"steps?|걸음|발짝", 0.5),
    ("angle", r"degrees?|deg|도|°", 1.0),
    ("angle", r"radians?|rad|라디안", math.degrees(1.0)),
    ("angle", r"(?:full )?(?:turns?|revolutions?|circles?)|바퀴", 360.0),
    ("time", r"seconds?|secs?|s|초", 1.0),
)
UNITS = {
    "ko": "미터, 센티미터, 밀리미터, 걸음, 도, 라디안, 바퀴, 초",
    "en": "metres, centimetres, millimetres, feet, inches, steps, degrees, radians, turns, seconds",
}
"""What amounts may be given in, by language."""

_NUMBER = r"(?:\d+ \d+/0*[1-9]\d*|\d+/0*[1-9]\d*|\d+(?:\.\d+)?|\.\d+)"
_UNIT = f"(?:{'|'.join(pattern for _, pattern, _ in _UNITS)})(?![a-z])"
_ONE = rf"{_NUMBER} ?{_UNIT}"
_PARTICLE = r"(?: ?(?:정도|쯤|가량|만큼|동안))?(?:만|씩|간|을|를)?(?:으로|로|만)?"
_END = rf"{_PARTICLE}(?=$|\s|돌|회전|이동|움직|전진|후진|직진)"
# Where a number may begin: at a space, or right after a Korean "towards" (왼쪽으로90도). "to 90 degrees" is no amount.
_RUN = re.compile(rf"(?<![^\s로])(?<!\bto )({_ONE}(?: ?{_ONE})*){_END}")
_PART = re.compile(rf"({_NUMBER}) ?({_UNIT})")
_JOINT = re.compile(rf"(?<!\S)({_ONE}) and (?={_ONE}(?!\S))")

_KO_UNIT = "|".join(part for _, pattern, _ in _UNITS for part in pattern.split("|") if part.isalpha() and part > "가")
_KO_PLACES = "".join(f"(?:[{_ONES_KO}]?{place})?" for place in reversed(_PLACES))
_KO_NATIVE = rf"(?:{'|'.join(_NATIVE_TENS)})?(?:{'|'.join(_NATIVE_ONES)})|{'|'.join(_NATIVE_TENS)}"
_KO_WORD = re.compile(
    rf"(?<![^\s로])(반|{_KO_NATIVE}|(?=[영공{_ONES_KO}십백천])(?:[영공]|{_KO_PLACES}[{_ONES_KO}]?)(?:점[영공{_ONES_KO}]+)?)"
    rf"\s*(?=(?:{_KO_UNIT}|cm|mm|m|°)(?:{_END}|\s*반))"
)
_KO_AND_A_HALF = re.compile(rf"(?<!\S)(\d+(?:\.\d+)?)( ?{_UNIT})\s*반(?={_END})")
_EN_AND_A_PART = re.compile(rf"(?<!\S)(\d+(?:\.\d+)?)( ?{_UNIT}) and (0\.25|0\.5)(?=$| )(?! ?{_UNIT})")


def amounts(clause: str) -> tuple[dict[str, float], str]:
    """Read the amounts out of a clause whose numbers are digits.

    Returns:
        Amounts by kind: "distance" [m], "angle" [deg], "time" [s], each >= 0 and perhaps infinite; and the clause
        without them. What cannot be read, or is a second amount of its kind, stays in the clause.
    """
    found: dict[str, float] = {}

    def take(run: re.Match[str]) -> str:
        parts = [(float(_value(number)), *_unit(unit)) for number, unit in _PART.findall(run.group(1))]
        kinds, sizes = {kind for _, kind, _ in parts}, [size for _, _, size in parts]
        if len(kinds) > 1 or kinds & set(found) or sizes != sorted(set(sizes), reverse=True):
            return run.group()  # 1 m 50 cm is a sum; 1 m 2 m, or 50 cm 1 m, is nothing people say
        found[parts[0][1]] = sum(value * size for value, _, size in parts)
        return " "

    return found, _RUN.sub(take, clause)


def _value(number: str) -> float:
    """Return the value of digits: 2, 2.5, 1/2 or 1 1/2."""
    return sum(float(over) / float(under or 1) for over, _, under in (part.partition("/") for part in number.split()))


def _unit(word: str) -> tuple[str, float]:
    """Return the kind of a unit and the value of one."""
    return next((kind, size) for kind, pattern, size in _UNITS if re.fullmatch(pattern, word))


def digits(text: str) -> str:
    """Return a lower-case text with the number words of both languages as digits, where they count something."""
    text = _KO_WORD.sub(lambda match: _written(_korean(match.group(1))), text)
    text = _KO_AND_A_HALF.sub(lambda match: _plus(match, "0.5"), text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    words, out, i = text.split(" "), list[str](), 0
    while i < len(words):
        value, used = _english(words[i:])
        out.append(words[i] if used == 0 else _written(value))
        i += max(1, used)
    text = _EN_AND_A_PART.sub(lambda match: _plus(match, match.group(3)), " ".join(out))
    return _JOINT.sub(_joined, text)


def _plus(match: re.Match[str], part: str) -> str:
    """Return a number and its unit, the number larger by a part."""
    return _written(Decimal(match.group(1)) + Decimal(part)) + match.group(2)


def _joined(match: re.Match[str]) -> str:
    """Drop the "and" of "1 metre and 50 centimetres"; that of "2 metres and 1 metre back" joins two clauses."""
    first, second = _PART.match(match.group(1)), _PART.match(match.string, match.end())
    if first is None or second is None:
        return match.group()
    (kind, size), (other, smaller) = _unit(first.group(2)), _unit(second.group(2))
    return f"{match.group(1)} " if kind == other and smaller < size else match.group()


def _written(value: Decimal) -> str:
    """Return plain digits, never an exponent."""
    return f"{value:f}"


def _korean(word: str) -> Decimal:
    """Read a native or Sino-Korean number word, decimals included (일점오 is 1.5)."""
    if word == "반":
        return _PARTS["half"]
    for tens, ten in {"": 0, **_NATIVE_TENS}.items():
        rest = word.removeprefix(tens)
        if word.startswith(tens) and (rest in _NATIVE_ONES or (tens and not rest)):
            return Decimal(ten + _NATIVE_ONES.get(rest, 0))
    whole, _, decimals = word.partition("점")
    total = digit = 0
    for char in whole:
        if char in _PLACES:
            total, digit = total + max(1, digit) * _PLACES[char], 0
        else:
            digit = _SINO[char]
    return Decimal(f"{total + digit}.{''.join(str(_SINO[c]) for c in decimals) or 0}").normalize()


def _english(words: list[str]) -> tuple[Decimal, int]:
    """Read a number at the start of ``words``: its value and how many words it took (0: none is there)."""
    head, after = words[0], words[1:2]
    if head in ("a", "an") and after:
        if after[0] in _PARTS:
            value, used = _english(words[1:])
            return value, 1 + used
        if after[0] == "hundred":
            return _english(["one", *words[1:]])
        # "a turn to the left" says no angle, "a full turn" does
        is_counted = bool(re.fullmatch(f"full|{_UNIT}", after[0])) and after[0] != "turn"
        return (Decimal(1), 1) if is_counted else (Decimal(0), 0)
    if head in ("half", "quarter"):
        return _PARTS[head], 1 + _articles(words[1:])
    value, used = _whole(words)
    if used == 0 and re.fullmatch(r"\d+(\.\d+)?", head):
        value, used = Decimal(head), 1
    if 1 <= value <= 3 and words[used : used + 1] and words[used] in _PARTS and value == int(value):
        return value * _PARTS[words[used]], used + 1 + _articles(words[used + 1 :])  # three quarters of a turn
    tail = words[used:]
    if tail[:1] == ["point"]:
        n = next((k for k, word in enumerate(tail[1:]) if word not in _ONES[:10]), len(tail) - 1)
        text = "".join(str(_ONES.index(word)) for word in tail[1 : 1 + n])
        return (value + Decimal(f"0.{text}"), used + 1 + n) if n else (value, used)
    if used and tail[:2] == ["and", "a"] and tail[2:3] and tail[2] in ("half", "quarter"):
        return value + _PARTS[tail[2]], used + 3
    return value, used


def _articles(words: list[str]) -> int:
    """Count the words between a part and its unit: half *of a* metre."""
    return next((k for k, word in enumerate(words) if word not in ("of", "a", "an", "the")), len(words))


def _whole(words: list[str]) -> tuple[Decimal, int]:
    value, used = _below_hundred(words)
    if 1 <= value <= 19 and words[used : used + 1] == ["hundred"]:
        value, used = 100 * value, used + 1
        joint = 1 if words[used : used + 1] == ["and"] else 0
        more, n = _below_hundred(words[used + joint :])
        value, used = (value + more, used + joint + n) if n else (value, used)
    return Decimal(value), used


def _below_hundred(words: list[str]) -> tuple[int, int]:
    head, after = words[:1], words[1:2]
    if head and head[0] in _TENS:
        ten = 10 * (2 + _TENS.index(head[0]))
        return (ten + _ONES.index(after[0]), 2) if after and after[0] in _ONES[1:10] else (ten, 1)
    return (_ONES.index(head[0]), 1) if head and head[0] in _ONES else (0, 0)
