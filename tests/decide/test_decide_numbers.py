"""Numbers and amounts of both languages: what is written is what is read, or nothing is."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.decide.numbers import amounts, digits

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
    assert amounts(digits(f"왼쪽으로 {sino(n)}도 돌아")) == ({"angle": n}, "왼쪽으로   돌아")


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
    assert amounts(digits(f"turn left {english(n)} degrees"))[0] == {"angle": n}


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
    found, rest = amounts(digits(words))
    assert found == {kind: pytest.approx(value)}
    assert rest.strip() == ""


@pytest.mark.parametrize(
    "words", ["make a sad face", "and then wave", "이리 와", "일어나", "한번 웃어", "5 mangos", "twelve"]
)
def test_words_that_count_nothing_are_no_quantity(words: str) -> None:
    assert amounts(digits(words))[0] == {}


NOT_WHOLE = (
    "-2 m", "5 m/s", "1e5 m", "50 km", "3 miles", "5 m²", "1/0 m", "0x2 m", "1.2.3 m", "2m3", "1_0 m", "to 90 degrees",
    "50 cm 1 m", "2 m 3 m", "1백 미터", "이삼 미터", "두세 걸음", "2킬로미터", "2제곱미터", "2도씨", "일도와줘",
)  # fmt: skip


@pytest.mark.parametrize("words", NOT_WHOLE)
def test_an_amount_is_read_whole_or_stays_in_the_clause(words: str) -> None:
    assert amounts(digits(words)) == ({}, words)


UNITS = {
    "m": ("distance", 1.0), "metres": ("distance", 1.0), "cm": ("distance", 0.01), "centimeters": ("distance", 0.01),
    "mm": ("distance", 0.001), "feet": ("distance", 0.3048), "inches": ("distance", 0.0254), "steps": ("distance", 0.5),
    "degrees": ("angle", 1.0), "°": ("angle", 1.0), "rad": ("angle", 180.0 / math.pi), "turns": ("angle", 360.0),
    "radians": ("angle", 180.0 / math.pi), "seconds": ("time", 1.0), "s": ("time", 1.0),
    "미터": ("distance", 1.0), "센티": ("distance", 0.01), "센티미터": ("distance", 0.01), "밀리": ("distance", 0.001),
    "걸음": ("distance", 0.5), "도": ("angle", 1.0), "라디안": ("angle", 180.0 / math.pi), "바퀴": ("angle", 360.0),
    "초": ("time", 1.0),
}  # fmt: skip
units = st.sampled_from(sorted(UNITS))
numbers = st.one_of(
    st.integers(0, 10**6).map(str),
    st.decimals(0, 1000, places=3).map(lambda d: f"{d:f}"),
    st.fractions(0, 100, max_denominator=16).map(lambda f: f"{f.numerator}/{f.denominator}"),
)


@given(numbers, units, st.sampled_from(["", " "]))
def test_amounts_round_trip(number: str, unit: str, space: str) -> None:
    kind, size = UNITS[unit]
    found, rest = amounts(digits(f"go {number}{space}{unit} on"))
    assert found == {kind: pytest.approx(float(Fraction(number)) * size)}
    assert rest.split() == ["go", "on"]


COMPOUNDS = [("m", "cm"), ("metres", "cm"), ("미터", "센티"), ("미터", "cm"), ("turns", "degrees"), ("바퀴", "도")]


@given(st.integers(0, 100), st.integers(0, 99), st.sampled_from(COMPOUNDS))
def test_compounds_are_sums(large: int, small: int, pair: tuple[str, str]) -> None:
    (kind, size), (_, smaller) = UNITS[pair[0]], UNITS[pair[1]]
    for joint in (" ", " and "):
        found, rest = amounts(digits(f"{large} {pair[0]}{joint}{small} {pair[1]}"))
        assert found == {kind: pytest.approx(large * size + small * smaller)}
        assert rest.strip() == ""


@given(numbers, units, st.sampled_from(["-", "−", "+", "±", "x", "1e", "$", "~", "1."]))
def test_nothing_is_read_of_a_number_that_something_stands_before(number: str, unit: str, before: str) -> None:
    words = f"{before}{number} {unit}"
    if before != "1." or not number.isdecimal():  # 1.5 m is a number again
        assert amounts(digits(words)) == ({}, words)


@given(numbers, units, st.sampled_from(["/s", "/초", "²", "^2", "per", "킬로", "%", "*2", "-3", ".5"]))
def test_nothing_is_read_of_a_unit_that_something_follows(number: str, unit: str, after: str) -> None:
    words = f"{number} {unit}{after}"
    assert amounts(digits(words)) == ({}, words)
