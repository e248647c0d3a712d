"""Which thing is meant: one that fits, or an answer that says what is seen."""

import numpy as np
import pytest

from vagus.body.load import load_robot
from vagus.core.things import COLOURS, SHAPES, Thing
from vagus.decide.ground import ground, name_of
from vagus.decide.phrases import understand
from vagus.runtime.prepare import host_file

SPEC = load_robot(host_file()).spec


def thing(number: int, colour: str, shape: str) -> Thing:
    size = (0.06, 0.06, 0.1)
    return Thing(id=number, shape=shape, colour=colour, centre=np.zeros(3), yaw=0.0, size=size, sigma=0.003, seen_ns=0)


TABLE = (thing(3, "red", "cup"), thing(4, "blue", "cup"), thing(7, "green", "ball"), thing(9, "orange", "can"))


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("pick up the red cup", 3),
        ("can you pick up the can", 9),
        ("grab the ball please", 7),
        ("pick the blue one up", 4),
        ("take the orange", 9),
        ("get me the blue cup from the table", 4),
        ("빨간 컵 집어", 3),
        ("파란색 컵을 집어 줘", 4),
        ("공 좀 주워 줄래", 7),
        ("저기 있는 초록색 공을 들어 줘", 7),
        ("주황색 거 잡아", 9),
        ("캔을 집어 들어", 9),
    ],
)
def test_what_is_named_is_found_by_its_number(words: str, number: int) -> None:
    understood = ground(understand(words, SPEC), TABLE)
    assert [(c.name, dict(c.args)) for c in understood.calls] == [("pick", {"thing": float(number)})], understood.answer


@pytest.mark.parametrize(("words", "asks"), [("pick up the cup", "Which one"), ("컵 집어", "어느 것")])
def test_of_several_it_asks_which_and_names_them(words: str, asks: str) -> None:
    understood = ground(understand(words, SPEC), TABLE)
    assert not understood.calls
    assert asks in understood.answer
    for name in ("a red cup", "a blue cup") if understood.language == "en" else ("빨간 컵", "파란 컵"):
        assert name in understood.answer
    assert "ball" not in understood.answer


@pytest.mark.parametrize("words", ["pick up the white bottle", "하얀 병 집어"])
def test_of_none_it_says_so_and_what_it_sees(words: str) -> None:
    understood = ground(understand(words, SPEC), TABLE)
    assert not understood.calls
    assert ("white bottle" if understood.language == "en" else "하얀 병") in understood.answer
    assert ("green ball" if understood.language == "en" else "초록색 공") in understood.answer


def test_who_sees_nothing_says_that() -> None:
    assert "no things" in ground(understand("pick up the red cup", SPEC), ()).answer
    assert "보이지" in ground(understand("빨간 컵 집어", SPEC), ()).answer


def test_nothing_of_an_utterance_is_done_if_one_part_of_it_fits_nothing() -> None:
    assert not ground(understand("wave and pick up the white bottle", SPEC), TABLE).calls


def test_other_calls_pass_as_they_are() -> None:
    understood = understand("wave and look left", SPEC)
    assert ground(understood, TABLE) == understood


@pytest.mark.parametrize("words", ["pick up the red and blue cup", "집어", "pick up", "빨간 파란 컵 집어"])
def test_what_names_nothing_or_two_colours_at_once_is_not_understood(words: str) -> None:
    assert not understand(words, SPEC).calls


@pytest.mark.parametrize(
    "words", ["put it down", "put the cup down", "put it back", "let go", "내려놔", "컵을 내려놓아 줘", "제자리에 놓아"]
)
def test_putting_down_is_a_skill_of_its_own(words: str) -> None:
    assert [c.name for c in ground(understand(words, SPEC), TABLE).calls] == ["put_down"]


@pytest.mark.parametrize("words", ["look around", "둘러봐", "주위를 살펴봐"])
def test_looking_around_is_a_skill_too(words: str) -> None:
    assert [c.name for c in understand(words, SPEC).calls] == ["look_around"]


def test_every_colour_and_shape_has_a_name_of_its_own_in_both_languages() -> None:
    for k, language in enumerate(("ko", "en")):
        names = {name_of(c, s, language) for c in COLOURS for s in SHAPES}  # pyright: ignore[reportArgumentType]
        assert len(names) == len(COLOURS) * len(SHAPES), (k, language)
