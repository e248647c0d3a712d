"""Number words of both languages."""

import pytest

from vagus.decide.numbers import digits, quantity

_SINO = "영일이삼사오육칠팔구"


def sino(n: int) -> str:
    """Write 1 to 999 the Korean way: 백이십삼, 백, 십."""
    hundreds, rest = divmod(n, 100)
    tens, ones = divmod(rest, 10)
    words = "" if hundreds == 0 else (_SINO[hundreds] if hundreds > 1 else "") + "백"
    words += "" if tens == 0 else (_SINO[tens] if tens > 1 else "") + "십"
    return words + (_SINO[ones] if ones else "")


@pytest.mark.parametrize("n", range(1, 1000, 7))
def test_sino_korean_numbers_round_trip(n: int) -> None:
    assert quantity(digits(f"왼쪽으로 {sino(n)}도 돌아"), "angle") == n


ONES = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def english(n: int) -> str:
    hundreds, rest = divmod(n, 100)
    words = [f"{ONES[hundreds - 1]} hundred"] if hundreds else []
    if rest >= 20:
        words.append(TENS[rest // 10 - 2] + (f"-{ONES[rest % 10 - 1]}" if rest % 10 else ""))
    elif rest:
        words.append(ONES[rest - 1])
    return " and ".join(words)


@pytest.mark.parametrize("n", range(1, 1000, 7))
def test_english_numbers_round_trip(n: int) -> None:
    assert quantity(digits(f"turn left {english(n)} degrees"), "angle") == n


@pytest.mark.parametrize(
    ("words", "kind", "value"),
    [
        ("half a metre", "distance", 0.5),
        ("a half metre", "distance", 0.5),
        ("a metre and a half", "distance", 1.5),
        ("two and a half meters", "distance", 2.5),
        ("a quarter turn", "angle", 90.0),
        ("half a turn", "angle", 180.0),
        ("zero point two five m", "distance", 0.25),
        ("point five metres", "distance", 0.5),
        ("1.25 m", "distance", 1.25),
        ("three feet", "distance", 0.9144),
        ("12 inches", "distance", 0.3048),
        ("50cm", "distance", 0.5),
        ("500 mm", "distance", 0.5),
        ("two steps", "distance", 1.0),
        ("five seconds", "time", 5.0),
        ("반 미터", "distance", 0.5),
        ("1미터 반", "distance", 1.5),
        ("일 미터 반", "distance", 1.5),
        ("영점오 미터", "distance", 0.5),
        ("오십 센티미터", "distance", 0.5),
        ("두 걸음", "distance", 1.0),
        ("한 바퀴", "angle", 360.0),
        ("반 바퀴", "angle", 180.0),
        ("한 바퀴 반", "angle", 540.0),
        ("구십도", "angle", 90.0),
        ("90°", "angle", 90.0),
        ("십 초", "time", 10.0),
    ],
)
def test_quantities(words: str, kind: str, value: float) -> None:
    assert quantity(digits(words), kind) == pytest.approx(value)


@pytest.mark.parametrize(
    "words", ["make a sad face", "and then wave", "이리 와", "일어나", "한번 웃어", "5 mangos", "twelve"]
)
def test_words_that_count_nothing_are_no_quantity(words: str) -> None:
    assert [quantity(digits(words), kind) for kind in ("distance", "angle", "time")] == [None, None, None]
