"""What the built-in parser makes of words alone: refusals, feelings, names, clauses, and what it does not guess."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import SPEC, calls, plan_of

from vagus.decide.clauses import clauses
from vagus.decide.intents import Classifier, classifier
from vagus.decide.learn import learn, of, patterns
from vagus.decide.mentions import masked, mentions
from vagus.decide.parser import parse

HELD_OUT = Path(__file__).parents[2] / "bench" / "phrasings.json"


@pytest.mark.parametrize("words", [
    "hit that man", "throw the bottle at my brother", "smash everything", "저 사람 때려", "컵을 창문에 던져",
    "안전 장치 꺼 줘", "take the bottle and hit him with it",
])  # fmt: skip
def test_harm_is_refused_and_it_says_why(words: str) -> None:
    plan, _ = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "harmful")
    assert "hurt" in plan.answer or "다치" in plan.answer


@pytest.mark.parametrize(
    "words", ["fly to the moon", "cook me dinner", "lift the sofa", "하늘을 날아 봐", "라면 끓여 줘", "불 켜 줘"]
)
def test_the_impossible_is_refused_with_what_is_possible(words: str) -> None:
    plan, _ = plan_of(words)
    assert (plan.calls, plan.reason) == ((), "impossible")
    assert "pick" in plan.answer or "집기" in plan.answer


@pytest.mark.parametrize(("words", "shown"), [
    ("오늘 너무 슬퍼", "sad"), ("I passed my exam!", "happy"), ("my dog died yesterday", "sad"),
    ("나 승진했어!", "happy"),
    ("I am so scared of the storm", "sad"), ("상사 때문에 진짜 열받아", "sad"),
    ("wow, I can't believe it", "surprised"),
])  # fmt: skip
def test_a_feeling_is_answered_with_a_face_and_a_kind_sentence(words: str, shown: str) -> None:
    plan, _ = plan_of(words)
    assert [name for name, _ in calls(plan)] == ["say", "express"]
    assert plan.calls[1].args == {"emotion": shown}


@pytest.mark.parametrize("called", ["hey robot ", "hi there robot, ", "okay robot. ", "hello, Mr. Robot! ", "robot "])
@pytest.mark.parametrize("asked", ["pick up the red cup", "grab the red cup"])
def test_calling_it_before_a_request_is_no_greeting(called: str, asked: str) -> None:
    plan, _ = plan_of(called + asked)
    assert [name for name, _ in calls(plan)] == ["pick"]


@pytest.mark.parametrize("words", [
    "don't pick up the red cup", "빨간 컵 집지 마", "do not put the ball in the bowl", "never give me the can",
    "그 컵 들지 말아 줘", "pick up the red cup. no, don't pick it up", "빨간 컵 집어. 아니, 집지 마",
])  # fmt: skip
def test_what_is_denied_is_not_done(words: str) -> None:
    plan, _ = plan_of(words)
    assert [name for name, _ in calls(plan)] in ([], ["stop"])


@pytest.mark.parametrize("words", [
    "the red cup is old", "where is the red cup?", "I like the blue cup", "pick a number", "빨간 컵 예쁘다",
    "컵 어디 있어?",
    "asdf qwerty", "", "   ", "🙂", "🍎🍌 컵", "ㅋㅋㅋ", "a" * 10_000, "빨" * 3_000, "pick" * 50,
])  # fmt: skip
def test_talk_moves_nothing(words: str) -> None:
    plan, _ = plan_of(words)
    assert not any(name in ("pick", "place", "hand_over", "put_down", "drive") for name, _ in calls(plan)), plan
    assert plan.calls or plan.answer


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_text_raises(words: str) -> None:
    plan = parse(words, SPEC)
    assert plan.calls or plan.answer or plan.kind != "do"


@pytest.mark.parametrize(("words", "done"), [
    ("the red cup, into the white bowl", [("pick", 3.0), ("place", 3.0)]),
    ("빨간 컵, 하얀 그릇 안에", [("pick", 3.0), ("place", 3.0)]),
    ("it would be nice if you could pick up the red cup", [("pick", 3.0)]),
    ("there's a red cup on the table, bring it to me", [("pick", 3.0), ("hand_over", 3.0)]),
    ("빨간 컵을 가져다가 하얀 그릇 옆에 놓으면 돼", [("pick", 3.0), ("place", 3.0)]),
    ("fetch the red cup and put it next to the white bowl", [("pick", 3.0), ("place", 3.0)]),
    ("저기 빨간 컵 있네. 하얀 그릇에 담자", [("pick", 3.0), ("place", 3.0)]),
    ("빨간 컵도 한번 들어 봐", [("pick", 3.0)]),
    ("can you give it to me, the red cup?", [("pick", 3.0), ("hand_over", 3.0)]),
    ("my hands are full, so pass us the red cup", [("pick", 3.0), ("hand_over", 3.0)]),
    ("bring the red cup over to the white bowl and put it beside it", [("pick", 3.0), ("place", 3.0)]),
    ("저기 하얀 그릇 보이지? 거기에 빨간 컵을 넣어 줘", [("pick", 3.0), ("place", 3.0)]),
    ("get the red cup into the white bowl", [("pick", 3.0), ("place", 3.0)]),
    ("the red cup belongs in the white bowl, so please put it there", [("pick", 3.0), ("place", 3.0)]),
    ("don't touch the green ball. pick up the red cup", [("pick", 3.0)]),
])  # fmt: skip
def test_one_request_in_several_pieces_is_one(words: str, done: list[tuple[str, float]]) -> None:
    plan, _ = plan_of(words)
    assert [(name, args["thing"]) for name, args in calls(plan)] == done


@pytest.mark.parametrize(("words", "args"), [
    ("look at me", {}), ("날 봐", {}), ("keep looking at me", {"seconds": 20.0}), ("나를 계속 봐", {"seconds": 20.0}),
    ("follow me with your eyes", {"seconds": 20.0}), ("look at the red cup", {"thing": 3.0}),
    ("빨간 컵 봐", {"thing": 3.0}), ("keep an eye on the green ball", {"thing": 7.0, "seconds": 20.0}),
])  # fmt: skip
def test_to_look_at_somebody_or_something_is_to_watch(words: str, args: dict[str, float]) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) == [("watch", args)]


@pytest.mark.parametrize("words", [
    "one, take the red cup; two, put it next to the green ball; three, wave",
    "take the red cup. put it next to the green ball. and finally, wave. in that order.",
    "빨간 컵 집어서 초록 공 옆에 놔봐 그리고 손 흔들어봐",
    "빨간 컵을 들어서 초록 공 옆에 내려놓으신 뒤에 손을 흔들어 주세요",
    "첫째, 빨간 컵을 집는다. 둘째, 초록 공 옆에 놓는다. 셋째, 손을 흔든다.",
])  # fmt: skip
def test_what_is_counted_is_done_in_order(words: str) -> None:
    plan, _ = plan_of(words)
    assert [name for name, _ in calls(plan)] == ["pick", "place", "wave"]


@pytest.mark.parametrize("words", [
    "take the red cup and wave it at the green ball", "grab the red cup, then dance",
    "take the red cup and put it beside it",
])  # fmt: skip
def test_nothing_is_done_of_what_is_understood_in_part(words: str) -> None:
    plan, _ = plan_of(words)
    assert (calls(plan), plan.reason != "") == ([], True)


@pytest.mark.parametrize("words", [
    "빨간 컵 집어줄 수 있나요? 그리고 손 흔들어 줘", "see if you can pick up the red cup, then wave",
    "pick up the red cup, I like the green ball. wave",
])  # fmt: skip
def test_no_request_is_taken_for_a_remark(words: str) -> None:
    plan, _ = plan_of(words)
    assert calls(plan) in ([], [("pick", {"thing": 3.0}), ("wave", {})])
    assert plan.calls or plan.reason


@pytest.mark.parametrize(
    "words", ["don't take the red cup instead", "pick up the ball. do not take the red cup instead"]
)
def test_what_shall_not_be_done_instead_is_not_done(words: str) -> None:
    assert ("pick", {"thing": 3.0}) not in calls(plan_of(words)[0])


def test_who_waves_with_one_hand_and_then_the_other_waves_twice() -> None:
    plan, _ = plan_of("pick up the red cup, wave with your left hand, wave with your right hand")
    assert [args for name, args in calls(plan) if name == "wave"] == [{"arm": "left"}, {"arm": "right"}]


@pytest.mark.parametrize("words", ["follow me", "따라와"])
def test_to_follow_without_the_eyes_is_no_watching(words: str) -> None:
    plan, _ = plan_of(words)
    assert not any(name == "watch" for name, _ in calls(plan))


@pytest.mark.parametrize("words", ["그만 들고 내려놔", "stop holding that and put it on the table"])
def test_to_stop_holding_is_to_put_down(words: str) -> None:
    assert [call.name for call in parse(words, SPEC).calls] == ["put_down"]


@pytest.mark.parametrize(
    "words",
    [
        "그만",
        "그만해",
        "그만 들어",
        "stop",
        "stop it and put it down",
        "그만 움직여",
        "enough",
        "가만히 있어",
        "that's enough",
        "that's close enough",
        "good enough",
        "가만히 놓아둬",
    ],
)
def test_all_other_stops_stop(words: str) -> None:
    assert [call.name for call in parse(words, SPEC).calls] == ["stop"]


@pytest.mark.parametrize("words", ["I can't stop smiling", "컵을 초록 공 옆에 가만히 놓아", "that is not enough"])
def test_a_stop_word_that_stops_nothing(words: str) -> None:
    assert "stop" not in [call.name for call in parse(words, SPEC).calls]


@pytest.mark.parametrize(("words", "parts"), [
    ("pick up the can, then put it down and wave", ["pick up the can", "put it down", "wave"]),
    ("빨간 캔 집어서 파란 상자 옆에 놓고 손 흔들어 줘", ["빨간 캔 집어서", "파란 상자 옆에 놓고", "손 흔들어 줘"]),
    ("캔을 집은 다음 손을 흔들어", ["캔을 집은", "손을 흔들어"]),
    ("컵 들고 있어", ["컵 들고 있어"]), ("컵 들고 와 줘", ["컵 들고 와 줘"]),
    ("상자 옆에다가 컵 좀 둬", ["상자 옆에다가 컵 좀 둬"]),
    ("상자 옆에 컵을 집어다 놓고 웃어", ["상자 옆에 컵을 집어다 놓고", "웃어"]),
    ("first of all, take the can, next wave", ["take the can", "wave"]),
])  # fmt: skip
def test_clauses(words: str, parts: list[str]) -> None:
    assert clauses(words) == parts


@pytest.mark.parametrize(("words", "found"), [
    ("put it into the white bowl", [("any", "any", "it", ""), ("bowl", "white", "the", "in")]),
    ("빨간 컵을 파란 상자 옆에 놔", [("cup", "red", "the", ""), ("box", "blue", "the", "next_to")]),
    ("can you hand me the can", [("can", "any", "the", "")]),
    ("그거 말고 파란 거", [("any", "any", "it", ""), ("any", "blue", "the", "")]),
    ("병원 가자", []), ("i can fly", []), ("제일 큰 상자", [("box", "any", "big", "")]),
])  # fmt: skip
def test_names(words: str, found: list[tuple[str, str, str, str]]) -> None:
    assert [(m.ref.shape, m.ref.colour, m.ref.which, m.relation) for m in mentions(words)] == found


def test_the_file_that_ships_was_learnt_from_the_examples() -> None:
    some = [(intent, line) for k, (intent, line) in enumerate(patterns()) if k % 12 == 0]
    sentences = [(intent, text) for intent, texts in of(some).items() for text in texts]

    def agreed(by: Classifier) -> float:
        return sum(by.guess(text).intent == intent for intent, text in sentences) / len(sentences)

    assert agreed(classifier()) > 0.97
    assert agreed(learn(of(some))) > 0.97  # far fewer examples, the same way


def test_no_phrasing_that_is_held_out_is_an_example() -> None:
    examples = {text.strip(" .!?") for texts in of(patterns()).values() for text in texts}
    held_out = [p["text"].casefold() for p in json.loads(HELD_OUT.read_text(encoding="utf-8"))]
    same = [text for text in held_out if masked(text, mentions(text)).strip(" .!?") in examples]
    assert len(same) <= 0.1 * len(held_out), same
