"""What is asked and advised survives its way as a message, and fits in one."""

import math

import numpy as np
import pytest
from planner_kit import NUMBERS, SKILLS, SPEC, ask

from vagus.core import messages as m
from vagus.core.errors import CommandError, PlannerError
from vagus.core.things import COLOURS, SHAPES, Support, Thing
from vagus.decide.advice import (
    Advice,
    HeldThing,
    Said,
    SeenThing,
    advice_json,
    ask_json,
    read_advice,
    read_ask,
    seen_things,
)
from vagus.decide.schema import STEPS_MAX, TEXT_CHARS, parse


def test_an_ask_and_an_advice_survive_their_way() -> None:
    asked = ask(
        "컵 줘", talk=(Said(who="robot", text='"네"'),), held=(HeldThing(arm="left", shape="cup", colour="red"),)
    )
    assert read_ask(ask_json(asked)) == asked
    plan = parse('{"steps": [{"skill": "pick", "thing": 3}], "say": "네."}', SKILLS, NUMBERS, "ko")
    advice = Advice(id=4, seconds=0.25, plan=plan, prompt_tokens=10, completion_tokens=2)
    assert read_advice(advice_json(advice)) == advice


def test_a_full_scene_and_endless_talk_fit_in_a_message_the_newest_of_the_talk_is_kept() -> None:
    things = tuple(
        SeenThing(id=2**32 - 1 - k, shape=SHAPES[k % 6], colour=COLOURS[k % 8], side="middle", reach="near",
                  height_cm=100, board=8) for k in range(m.N_OBJECTS)
    )  # fmt: skip
    talk = (*[Said(who="person", text="가" * 600)] * 50, Said(who="robot", text="last"))
    words = ask_json(ask("가" * 680, things=things, talk=talk))
    assert len(words.encode()) <= m.LONG_TEXT_BYTES
    kept = read_ask(words)
    assert kept.things == things
    assert 3 < len(kept.talk) < len(talk)
    assert kept.talk[-1].text == "last"


def test_an_ask_that_fits_in_no_message_is_refused() -> None:
    with pytest.raises(PlannerError, match=r"ask: got 3\d+ bytes, allowed: at most 16384"):
        ask_json(ask("x" * 30_000))


@pytest.mark.parametrize("char", ["x", "가", '"', "\N{ROBOT FACE}"])
def test_the_longest_plan_that_is_read_and_the_longest_error_fit_in_a_message(char: str) -> None:
    step = '{"skill": "say", "text": "' + (char * TEXT_CHARS).replace('"', '\\"') + '"}'
    plan = parse(f'{{"steps": [{", ".join([step] * STEPS_MAX)}], "say": ""}}', SKILLS, (), "ko")
    record = m.blank(m.long_text(SPEC))
    m.set_text(record, advice_json(Advice(id=1, seconds=1.0, plan=plan)))
    assert read_advice(m.get_text(record)).plan == plan
    m.set_text(record, advice_json(Advice(id=1, seconds=1.0, error=char * 100_000)))
    assert read_advice(m.get_text(record)).error == char * 400


def test_text_that_is_longer_than_its_message_is_refused() -> None:
    for layout, size in ((m.text(SPEC), m.TEXT_BYTES), (m.long_text(SPEC), m.LONG_TEXT_BYTES)):
        record = m.blank(layout)
        m.set_text(record, "x" * size)
        with pytest.raises(CommandError, match=f"text of {size + 1} bytes, allowed: at most {size}"):
            m.set_text(record, "x" * (size + 1))


@pytest.mark.parametrize("words", ["", "{}", "[]", '{"id": -1, "seconds": "soon"}'])
def test_what_is_no_ask_or_advice_is_refused(words: str) -> None:
    with pytest.raises(PlannerError, match="allowed: Ask as JSON"):
        read_ask(words)
    with pytest.raises(PlannerError, match="allowed: Advice as JSON"):
        read_advice(words)


def thing(number: int, x: float, y: float, foot: float) -> Thing:
    centre = np.array([x, y, foot + 0.05])
    return Thing(id=number, shape="cup", colour="red", centre=centre, yaw=0.0, size=(0.07, 0.07, 0.1), sigma=0.003,
                 seen_ns=0)  # fmt: skip


def board(x: float, height: float) -> Support:
    corners = np.array([[x - 0.3, -1.0], [x + 0.3, -1.0], [x + 0.3, 1.0], [x - 0.3, 1.0]])
    return Support(corners=corners, height=height)


def test_a_scene_is_told_roughly_nearest_first_and_by_boards_from_below() -> None:
    boards = (board(1.5, 1.1), board(0.7, 0.7))
    things = (thing(1, 1.5, 0.5, 1.1), thing(2, 0.7, 0.0, 0.7), thing(3, 0.6, -0.4, 0.7), thing(4, 0.5, 0.2, 0.3))
    rows = seen_things(things, boards, np.eye(4))
    assert [(row.id, row.side, row.reach, row.board) for row in rows] == [
        (4, "left", "near", None), (2, "middle", "near", 1), (3, "right", "near", 1), (1, "left", "far", 2),
    ]  # fmt: skip
    assert {row.height_cm for row in rows} == {10}


def test_sides_are_the_robots_wherever_it_stands() -> None:
    yaw = math.radians(90.0)  # it stands at x = 1 and looks along y
    X_WB = np.array([[math.cos(yaw), -math.sin(yaw), 0.0, 1.0], [math.sin(yaw), math.cos(yaw), 0.0, 0.0],
                     [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])  # fmt: skip
    (row,) = seen_things([thing(1, 0.5, 0.6, 0.7)], (), np.linalg.inv(X_WB))
    assert (row.side, row.reach) == ("left", "near")
