"""Numbers and units in Korean and English: words become digits, and quantities are read out with their unit.

Only counts, fractions and sizes up to the thousands; no dates, no arithmetic.
"""

import re

_SINO = {"영": 0, "공": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "륙": 6, "칠": 7, "팔": 8, "구": 9}
_SINO_PLACES = {"십": 10, "백": 100, "천": 1000}
_NATIVE = {"하나": 1, "한": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7,
           "여덟": 8, "아홉": 9, "열": 10, "스무": 20, "반": 0.5}  # fmt: skip
_KO_UNITS = "미터|메터|센티미터|센티|센치|밀리미터|밀리|도|바퀴|걸음|발짝|초|m|cm|mm|°"
_KO_WORD = re.compile(
    rf"(?<![가-힣])({'|'.join(sorted(_NATIVE, key=len, reverse=True))}|[영공일이삼사오육륙칠팔구십백천점]+)"
    rf"\s*(?=(?:{_KO_UNITS})(?![가-힣]*러))"
)
_KO_AND_A_HALF = re.compile(rf"(\d+(?:\.\d+)?)\s*({_KO_UNITS})\s*반(?![가-힣])")

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EN = {word: float(i) for i, word in enumerate(_ONES)} | {word: 10.0 * (i + 2) for i, word in enumerate(_TENS)}
_EN_UNIT = re.compile(r"(met(er|re)s?|centimet(er|re)s?|cm|m|mm|feet|foot|inch(es)?|steps?|turns?|revolutions?|"
                      r"degrees?|circles?|seconds?|full)$")  # fmt: skip
_EN_AND_A_HALF = re.compile(r"(\d+(?:\.\d+)?) ([a-z]+) and 0\.5\b")

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_UNITS: dict[str, tuple[tuple[str, float], ...]] = {
    # quantity → (unit pattern, value of one in SI or degrees), longer patterns first
    "distance": (
        (r"(?:cm|센티미터|센티|센치|centimet(?:er|re)s?)", 0.01), (r"(?:mm|밀리미터|밀리|millimet(?:er|re)s?)", 0.001),
        (r"(?:met(?:er|re)s?|미터|메터|m)", 1.0), (r"(?:feet|foot|ft)", 0.3048), (r"(?:inch(?:es)?)", 0.0254),
        (r"(?:steps?|걸음|발짝)", 0.5),
    ),
    "angle": ((r"(?:degrees?|deg|도|°)", 1.0), (r"(?:full )?(?:turns?|revolutions?|circles?|바퀴)", 360.0)),
    "time": ((r"(?:seconds?|secs?|s|초)", 1.0),),
}  # fmt: skip


def quantity(clause: str, kind: str) -> float | None:
    """Return a distance [m], angle [deg] or time [s] named in a clause whose numbers are digits; None if there is none.

    ``kind`` is "distance", "angle" or "time".
    """
    for pattern, size in _UNITS[kind]:
        match = re.search(rf"{_NUMBER} ?{pattern}(?![a-z])", clause)
        if match:
            return float(match.group(1)) * size
    return None


def digits(text: str) -> str:
    """Return a lower-case text with the number words of both languages as digits, where they count something."""
    text = _KO_WORD.sub(lambda match: f"{_korean(match.group(1)):g}", text)
    text = _KO_AND_A_HALF.sub(lambda match: f"{float(match.group(1)) + 0.5:g}{match.group(2)}", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    words, out, i = text.split(" "), list[str](), 0
    while i < len(words):
        value, used = _english(words[i:])
        out.append(words[i] if used == 0 else f"{value:g}")
        i += max(1, used)
    return _EN_AND_A_HALF.sub(lambda m: f"{float(m.group(1)) + 0.5:g} {m.group(2)}", " ".join(out))


def _korean(word: str) -> float:
    """Read a native or Sino-Korean number word, decimals included (일점오 is 1.5)."""
    if word in _NATIVE:
        return _NATIVE[word]
    whole, _, decimals = word.partition("점")
    total, digit = 0, 0
    for char in whole:
        if char in _SINO_PLACES:
            total, digit = total + max(1, digit) * _SINO_PLACES[char], 0
        else:
            digit = 10 * digit + _SINO.get(char, 0)
    text = "".join(str(_SINO[c]) for c in decimals if c in _SINO)
    return total + digit + (float(f"0.{text}") if text else 0.0)


def _english(words: list[str]) -> tuple[float, int]:
    """Read a number at the start of ``words``: its value and how many words it took (0: none is there)."""
    head = words[0]
    if head in ("a", "an") and len(words) > 1:
        if words[1] in ("half", "quarter"):
            return _english(words[1:])[0], 1 + _english(words[1:])[1]
        return (1.0, 1) if _EN_UNIT.match(words[1]) else (0.0, 0)
    if head in ("half", "quarter"):
        used = 1
        while used < len(words) and words[used] in ("of", "a", "an", "the"):
            used += 1
        return (0.5 if head == "half" else 0.25), used
    value, used = _english_whole(words)
    if used == 0 and re.fullmatch(r"\d+(\.\d+)?", head):
        value, used = float(head), 1
    if words[used : used + 1] == ["point"] and len(words) > used + 1 and words[used + 1] in _ONES[:10]:
        decimals = 0
        while used + 1 + decimals < len(words) and words[used + 1 + decimals] in _ONES[:10]:
            decimals += 1
        text = "".join(str(_ONES.index(w)) for w in words[used + 1 : used + 1 + decimals])
        return value + float(f"0.{text}"), used + 1 + decimals
    if used and words[used : used + 3] == ["and", "a", "half"]:
        return value + 0.5, used + 3
    return value, used


def _english_whole(words: list[str]) -> tuple[float, int]:
    total, current, used = 0.0, 0.0, 0
    for k, word in enumerate(words):
        is_joint = word == "and" and used and words[k - 1] == "hundred" and k + 1 < len(words) and words[k + 1] in _EN
        if word in _EN:
            current += _EN[word]
        elif word == "hundred" and used:
            total, current = total + max(1.0, current) * 100.0, 0.0
        elif not is_joint:
            break
        used = k + 1
    return total + current, used
