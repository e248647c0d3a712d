"""Requests about things, and the talk around them: what is meant, what is asked back, what follow-ups change."""

from dataclasses import replace

import numpy as np
import pytest
from rooms import SPEC, TABLE, calls, plan_of, scene, thing

from vagus.core.sights import KINDS
from vagus.core.things import COLOURS, SHAPES
from vagus.decide.ground import Scene, name_of
from vagus.decide.parser import parse
from vagus.decide.talk import Talk

RED, BLUE, BALL, CAN, BOWL = TABLE


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("pick up the red cup", 3), ("can you pick up the can", 9), ("grab the ball please", 7),
        ("pick the blue one up", 4), ("the cup on the left, take it", 3), ("lift the rightmost cup", 4),
        ("빨간 컵 집어", 3), ("파란색 컵을 집어 줘", 4), ("공 좀 주워 줄래", 7), ("저기 있는 초록색 공을 들어 줘", 7),
        ("주황색 거 잡아", 9), ("캔을 집어 들어", 9), ("왼쪽 컵 집어 줘", 3), ("컵 파란 거 들어", 4),
    ],
)  # fmt: skip
def test_what_is_named_is_found_by_its_number(words: str, number: int) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) == [("pick", {"thing": float(number)})], plan.answer


@pytest.mark.parametrize(
    ("words", "where", "target"),
    [
        ("put the ball next to the red cup", "next_to", 3), ("could you place the ball in the bowl?", "in", 12),
        ("drop the ball into the white bowl", "in", 12), ("공을 빨간 컵 옆에 놔", "next_to", 3),
        ("하얀 그릇에 초록색 공 넣어 줘", "in", 12), ("빨간 컵 옆에 공을 놓아 주세요", "next_to", 3),
        ("you see the red cup? put the ball beside it", "next_to", 3),
    ],
)  # fmt: skip
def test_a_thing_is_taken_first_and_then_put_where_it_is_wanted(words: str, where: str, target: int) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) == [
        ("pick", {"thing": 7.0}),
        ("place", {"where": where, "thing": 7.0, "target": float(target)}),
    ], plan.answer


@pytest.mark.parametrize(
    "words",
    ["clear the ball away", "get the ball out of the way, please", "공 좀 치워 줘", "초록색 공 다른 데로 치워 줄래"],
)
def test_a_thing_that_is_in_the_way_is_cleared_away(words: str) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) == [("pick", {"thing": 7.0}), ("clear", {"thing": 7.0})], plan.answer


@pytest.mark.parametrize(
    "words", ["clear the table", "put everything away, please", "테이블 좀 치워 줘", "여기 있는 거 다 치워 주세요"]
)
def test_all_that_stands_where_the_nearest_thing_stands_is_cleared_away_nearest_first(words: str) -> None:
    higher = replace(thing(30, "black", "can"), centre=np.array([1.0, 0.0, 1.2]))
    plan, talk = plan_of(words, scene(CAN, things=(*TABLE, higher)))
    near = sorted((t for t in (RED, BLUE, BALL, BOWL)), key=lambda t: float(np.linalg.norm(t.centre[:2])))
    assert calls(plan) == [step for t in near for step in (("pick", {"thing": float(t.id)}),
                                                           ("clear", {"thing": float(t.id)}))]  # fmt: skip
    assert [t.id for t in talk.things] == [t.id for t in near]


@pytest.mark.parametrize("words", ["take the can please", "the can, take it please", "캔으로 집어 줘"])
def test_what_may_answer_a_question_is_a_request_where_nothing_was_asked(words: str) -> None:
    picks = [("pick", {"thing": 9.0})]
    assert calls(plan_of(words)[0]) == picks
    _, talk = plan_of("put the ball next to the red cup")
    assert calls(plan_of(words, talk=talk)[0]) == picks


def test_what_a_detector_makes_out_is_told_but_for_what_is_measured() -> None:
    kinds = tuple([name for name, _ in KINDS].index(one) for one in ("cat", "cup", "person", "person"))
    where = Scene(things=(RED, CAN), kinds=kinds, X_BA=np.eye(4))
    assert plan_of("what do you see?", where)[0].answer.endswith("I also make out a cat, a person.")
    assert plan_of("뭐가 보여?", where)[0].answer.endswith("그 밖에 알아본 것: 고양이, 사람.")
    assert "make out" not in plan_of("what do you see?")[0].answer


@pytest.mark.parametrize(
    "words", ["clear everything except the red cup", "clear the table but leave the red cup", "빨간 컵 빼고 다 치워 줘",
              "빨간 컵만 남기고 다 치워 줘"],
)  # fmt: skip
def test_all_but_one_is_no_request_to_clear_that_one_away(words: str) -> None:
    plan, _ = plan_of(words)
    assert plan.calls == ()
    assert plan.answer


def test_what_shall_be_cleared_away_is_not_put_where_it_stands() -> None:
    for words in ("clear away the can beside the red cup", "빨간 컵 옆에 있는 캔 치워 줘"):
        assert calls(plan_of(words)[0]) == [("pick", {"thing": 9.0}), ("clear", {"thing": 9.0})], words


def test_what_is_taken_first_is_not_cleared_away_with_the_rest() -> None:
    found = calls(plan_of("take the red cup and then clear the table")[0])
    assert [args["thing"] for name, args in found if name == "pick"] == [3.0, 4.0, 7.0, 9.0, 12.0]
    assert [args["thing"] for name, args in found if name == "clear"] == [4.0, 7.0, 9.0, 12.0]


@pytest.mark.parametrize(
    "words",
    ["don't take the can please", "take the can, not the bowl, please", "take the ball next to the bowl please"],
)
def test_a_follow_up_that_names_more_than_what_to_take_takes_nothing_by_mistake(words: str) -> None:
    assert ("pick", {"thing": 12.0}) not in calls(plan_of(words)[0])
    assert words[0] != "d" or plan_of(words)[0].calls == ()


def test_of_an_empty_table_nothing_is_cleared() -> None:
    plan, _ = plan_of("clear the table", scene(things=()))
    assert (plan.calls, plan.reason) == ((), "absent")
    plan, _ = plan_of("clear the shelf")
    assert (plan.calls, plan.reason) == ((), "ambiguous")  # of the boards it tells no shelf from a table


def test_what_is_in_the_hand_is_not_picked_up_again() -> None:
    plan, _ = plan_of("put the ball next to the red cup", scene(BALL))
    assert [name for name, _ in calls(plan)] == ["place"]
    plan, _ = plan_of("give it to me", scene(BALL))
    assert calls(plan) == [("hand_over", {"thing": 7.0})]


@pytest.mark.parametrize(
    "words",
    ["pick up the can, put it next to the red cup and wave", "캔 집어서 빨간 컵 옆에 놓고 손 흔들어 줘"],
)
def test_a_sequence_is_done_in_order(words: str) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) == [
        ("pick", {"thing": 9.0}),
        ("place", {"where": "next_to", "thing": 9.0, "target": 3.0}),
        ("wave", {}),
    ]


@pytest.mark.parametrize(("words", "asks", "reply"), [
    ("pick up the cup", "Which one", "the blue one"), ("컵 집어", "어느 것", "파란 거"),
    ("컵 좀 집어 줘", "어느 것", "파란 거 집어"),
])  # fmt: skip
def test_of_several_it_asks_which_and_does_it_once_it_knows(words: str, asks: str, reply: str) -> None:
    plan, talk = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "ambiguous")
    assert asks in plan.answer
    assert all(name in plan.answer for name in (("빨간", "파란") if "어" in asks else ("red cup", "blue cup")))
    plan, talk = plan_of(reply, talk=talk)
    assert calls(plan) == [("pick", {"thing": 4.0})]
    assert talk.asked is None


def test_things_of_one_name_are_told_apart_by_where_they_are() -> None:
    plan, talk = plan_of("take the cup", scene(things=(thing(1, "red", "cup", 0.2), thing(2, "red", "cup", -0.2))))
    assert "red cup on the left" in plan.answer
    plan, _ = plan_of("the left one", scene(things=(thing(1, "red", "cup", 0.2), thing(2, "red", "cup", -0.2))), talk)
    assert calls(plan) == [("pick", {"thing": 1.0})]


@pytest.mark.parametrize("words", ["pick up the white bottle", "하얀 병 집어"])
def test_of_none_it_says_so_and_what_it_sees(words: str) -> None:
    plan, _ = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "absent")
    assert all(name in plan.answer for name in (
        ("white bottle", "green ball") if plan.language == "en" else ("하얀 병", "초록색 공")))  # fmt: skip
    plan, _ = plan_of(words, scene(things=()))
    assert "no things" in plan.answer or "아무 물건도" in plan.answer


@pytest.mark.parametrize("words", ["no, the blue one", "그거 말고 파란 거", "not that one, I meant the blue cup"])
def test_a_correction_puts_the_wrong_thing_back_and_takes_the_right_one(words: str) -> None:
    _, talk = plan_of("pick up the red cup")
    plan, _ = plan_of(words, scene(RED), talk)
    assert calls(plan) == [("put_back", {"thing": 3.0}), ("pick", {"thing": 4.0})]


def test_a_correction_before_anything_is_held_only_changes_the_plan() -> None:
    _, talk = plan_of("put the red cup next to the ball")
    plan, _ = plan_of("no, the blue one", talk=talk)
    assert calls(plan) == [("pick", {"thing": 4.0}), ("place", {"where": "next_to", "thing": 4.0, "target": 7.0})]


@pytest.mark.parametrize("words", ["the other cup too", "다른 컵도", "take the other one as well"])
def test_the_other_one_too(words: str) -> None:
    _, talk = plan_of("pick up the red cup")
    plan, _ = plan_of(words, scene(RED), talk)
    assert calls(plan) == [("pick", {"thing": 4.0})]


@pytest.mark.parametrize(("words", "skill"), [
    ("put it back where it was", "put_back"), ("제자리에 놔 줘", "put_back"), ("put it down", "put_down"),
    ("내려놔", "put_down"),
])  # fmt: skip
def test_it_is_what_the_hand_holds(words: str, skill: str) -> None:
    plan, _ = plan_of(words, scene(CAN))
    assert calls(plan) == [(skill, {"thing": 9.0})]
    plan, _ = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "ambiguous")


@pytest.mark.parametrize("words", ["no, the blue one", "다른 컵도", "빨간 거요"])
def test_a_follow_up_to_nothing_asks(words: str) -> None:
    plan, _ = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "ambiguous")


@pytest.mark.parametrize("words", ["what do you see?", "뭐가 보여?"])
def test_it_says_what_it_sees_and_holds(words: str) -> None:
    plan, _ = plan_of(words, scene(CAN))
    assert plan.reason == "told"
    assert all(name in plan.answer for name in (
        ("red cup", "orange can") if plan.language == "en" else ("빨간 컵", "주황색 캔")))  # fmt: skip


def test_every_thing_has_a_name_in_both_languages() -> None:
    names = {name_of(colour, shape, language) for colour in COLOURS for shape in SHAPES for language in ("ko", "en")}
    assert len(names) == 2 * len(COLOURS) * len(SHAPES)


def test_the_talk_goes_on_after_an_answer() -> None:
    _, talk = plan_of("pick up the red cup")
    _, after = plan_of("what do you see?", scene(RED), talk)
    assert after == talk
    assert parse("thanks", SPEC).reason == "told"
    assert Talk().last is None
