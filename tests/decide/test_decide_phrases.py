"""The parser's table, its refusals, and that what it says can always be done."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from utterances import MEANINGLESS, MISUNDERSTOOD, SIGNED, TABLE

from vagus.act.skill import check_args
from vagus.act.skills import SKILLS, available
from vagus.body.load import load_robot
from vagus.core.robot import BaseSpec, GroupSpec, JointSpec, RobotSpec
from vagus.decide.answer import SKILL_NEEDS, language_of
from vagus.decide.phrases import understand
from vagus.decide.plan import Call

ROBOTS = Path(__file__).parents[2] / "robots"
HOST = load_robot(ROBOTS / "host.py").spec
SO101 = load_robot(ROBOTS / "so101.py").spec


def cart() -> RobotSpec:
    wheels = tuple(
        JointSpec(name=n, mode="velocity", speed_max=9.0, acceleration_max=9.0, effort_max=5.0) for n in "lr"
    )
    return RobotSpec(name="cart", joints=wheels, groups=(GroupSpec(name="base", joints=("l", "r")),),
                     base=BaseSpec(left="l", right="r", radius=0.1, track=0.3))  # fmt: skip


def written(calls: tuple[Call, ...]) -> str:
    def one(call: Call) -> str:
        args = ",".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in call.args.items())
        return f"{'+' * call.together}{call.name}{f'({args})' if args else ''}"

    return " ".join(one(call) for call in calls)


@pytest.mark.parametrize(("words", "meaning"), TABLE)
def test_utterance_means(words: str, meaning: str) -> None:
    understood = understand(words, HOST)
    assert written(understood.calls) == meaning
    assert understood.answer == ""
    assert understood.language == language_of(words)


def test_the_table_is_large_and_half_korean() -> None:
    korean = sum(language_of(words) == "ko" for words, _ in TABLE)
    assert len(TABLE) >= 80
    assert korean >= len(TABLE) / 2


@pytest.mark.parametrize("words", MEANINGLESS + MISUNDERSTOOD)
def test_what_means_nothing_does_nothing_and_says_so_in_its_language(words: str) -> None:
    understood = understand(words, HOST)
    assert understood.calls == ()
    if language_of(words) == "ko":
        assert "모르겠어서" in understood.answer
        assert "손 흔들기" in understood.answer
    else:
        assert "did not understand" in understood.answer
        assert "wave" in understood.answer


@pytest.mark.parametrize("words", SIGNED)
def test_an_amount_with_a_sign_is_asked_about(words: str) -> None:
    understood = understand(words, HOST)
    assert understood.calls == ()
    assert ("어느 쪽인가요?" if understood.language == "ko" else "Which way do you mean?") in understood.answer


def test_an_unknown_unit_is_answered_with_the_known_ones() -> None:
    assert "Units I know: metres, " in understand("go forward 50 km", HOST).answer
    assert "아는 단위: 미터, " in understand("앞으로 50킬로미터 가", HOST).answer
    assert "Units" not in understand("dance", HOST).answer


@pytest.mark.parametrize(("words", "meaning"), TABLE)
def test_every_call_is_one_that_a_skill_accepts(words: str, meaning: str) -> None:
    for call in understand(words, HOST).calls:
        check_args(SKILLS[call.name], call.args)


BOUNDARIES = (
    "0", "0.05", "0.1", "1/3", "1 1/2", "10", "10.001", "30", "31", "90", "91", "180", "180.5", "1080", "half a",
    "one hundred and one", "-1", "1e3", "9" * 320, "반", "백팔십", "영점영오",
)  # fmt: skip
NUMBERS = st.sampled_from(BOUNDARIES) | st.decimals(0, 2000, places=2).map(str)
UNITS = (
    "m", "metres", "cm", "feet", "steps", "degrees", "rad", "turns", "seconds", "km", "miles", "m/s", "", "미터",
    "센티", "걸음", "도", "라디안", "바퀴", "초", "킬로미터",
)  # fmt: skip
FRAMES = (
    "{} {}", "{} and {}", "go forward {}", "drive back for {}", "turn left {}", "turn right {} {}", "look up {}",
    "look left {}", "look right {} and left {}", "turn your head left {}", "move left {}", "spin {}", "wave {}",
    "point up {}", "앞으로 {} 가", "뒤로 {} {} 이동해", "{} 동안 전진해", "왼쪽으로 {} 돌아", "오른쪽으로 {} 봐",
    "위를 {} 봐", "고개를 오른쪽으로 {} 돌려",
)  # fmt: skip
AMOUNTS = st.tuples(NUMBERS, st.sampled_from(UNITS))


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(FRAMES), AMOUNTS, AMOUNTS, st.sampled_from(["", " "]))
def test_whatever_the_amount_every_call_is_one_that_a_skill_accepts(frame, one, other, space: str) -> None:
    words = frame.format(space.join(one), space.join(other))
    understood = understand(words, HOST)
    assert bool(understood.calls) != bool(understood.answer), words
    for call in understood.calls:
        check_args(SKILLS[call.name], call.args)


FOREIGN = ("bananas", "77", "-", "not", "안", "킬로", "3번", "두세", "½", "quickly")


@pytest.mark.parametrize("words", [words for words, meaning in TABLE if not re.search("say|stop", meaning)])
def test_one_unknown_word_anywhere_and_nothing_is_done(words: str) -> None:
    tokens = words.split()
    for k, foreign in itertools.product(range(len(tokens) + 1), FOREIGN):
        said = " ".join([*tokens[:k], foreign, *tokens[k:]])
        assert understand(said, HOST).calls == (), said


@pytest.mark.parametrize("spec", [SO101, cart()], ids=["so101", "cart"])
@pytest.mark.parametrize(("words", "meaning"), TABLE)
def test_a_robot_is_only_asked_for_what_its_body_can_do(words: str, meaning: str, spec: RobotSpec) -> None:
    able = {skill.name for skill in available(spec)} | {"go_home"}
    understood = understand(words, spec)
    assert {call.name for call in understood.calls} <= able
    assert bool(understood.calls) != bool(understood.answer)


def test_needs_agree_with_the_skills_own() -> None:
    for spec in (HOST, SO101, cart()):
        able = {skill.name for skill in available(spec)}
        for name, parts in SKILL_NEEDS.items():
            assert (name in able) == all(getattr(spec, part) for part in parts), (name, spec.name)


@pytest.mark.parametrize(
    ("words", "spec", "answer"),
    [
        ("smile", SO101, "I cannot do that: I have no face."),
        ("앞으로 가", SO101, "저에게는 바퀴가 없어서 할 수 없습니다."),
        ("wave", cart(), "I cannot do that: I have no arms."),
        ("왼쪽 봐", cart(), "저에게는 움직이는 목이 없어서 할 수 없습니다."),
        ("go forward and then smile", SO101, "I cannot do that: I have no wheels."),
        ("앞으로 50미터 가", HOST, "50 m: 한 번에 0~10 m만 할 수 있어서 아무것도 하지 않았습니다."),
        ("왼쪽으로 200도 봐", HOST, "200°: 한 번에 0~180°만 할 수 있어서 아무것도 하지 않았습니다."),
        ("turn 2000 degrees left", HOST, "2,000° is not what I do at once, 0 to 1080° is. I did nothing."),
        ("turn left 2000000 degrees", HOST, "2,000,000° is not what I do at once, 0 to 1080° is. I did nothing."),
        ("go forward 20 m 50 cm", HOST, "20.5 m is not what I do at once, 0 to 10 m is. I did nothing."),
        ("look left 200 degrees", HOST, "200° is not what I do at once, 0 to 180° is. I did nothing."),
        ("look up 120 degrees", HOST, "120° is not what I do at once, 0 to 90° is. I did nothing."),
        ("drive forward for 90 seconds", HOST, "90 s is not what I do at once, 0.1 to 30 s is. I did nothing."),
        ("drive for 0.05 seconds", HOST, "0.05 s is not what I do at once, 0.1 to 30 s is. I did nothing."),
        ("drive forward for 0 seconds", HOST, "0 s is not what I do at once, 0.1 to 30 s is. I did nothing."),
    ],
)
def test_it_says_why_it_does_not(words: str, spec: RobotSpec, answer: str) -> None:
    understood = understand(words, spec)
    assert (understood.calls, understood.answer) == ((), answer)


def test_an_arm_that_is_missing_is_named() -> None:
    from dataclasses import replace

    one_armed = replace(HOST, arms=HOST.arms[1:])
    assert understand("wave your left hand", one_armed).answer == "I cannot do that: I have no left arm."
    assert written(understand("오른손 흔들어", one_armed).calls) == "wave(arm=right)"
    assert written(understand("왼손 흔들어", SO101).calls) == "wave(arm=left)"  # its only arm is both


@pytest.mark.parametrize(
    "words",
    ["stop", "please make coffee and stop", "멈춰 커피", "wave, no, STOP!", "stop the music", "go 50 m then stop"],
)
def test_stop_stops_whatever_else_was_said(words: str) -> None:
    assert written(understand(words, HOST).calls).startswith("stop") or "stop" in written(understand(words, HOST).calls)


@pytest.mark.parametrize("words", [words for words, meaning in TABLE if meaning and "say" not in meaning])
def test_case_punctuation_and_courtesy_change_nothing(words: str) -> None:
    plain = understand(words, HOST).calls
    for variant in (words.upper(), f"  {words}!! ", f"{words}.", f"Please {words}" if words.isascii() else f"{words}~"):
        assert understand(variant, HOST).calls == plain, variant


@pytest.mark.parametrize("words", [words for words, _ in TABLE])
def test_decomposed_hangul_is_the_same(words: str) -> None:
    import unicodedata

    assert understand(unicodedata.normalize("NFD", words), HOST).calls == understand(words, HOST).calls


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_calls_or_an_answer(text: str) -> None:
    understood = understand(text, HOST)
    assert bool(understood.calls) != bool(understood.answer)


@pytest.mark.parametrize("text", ["a" * 401, "wave and " * 60, "say hello and " * 100])
def test_too_long_an_utterance_is_not_parsed_but_stop_is_heard_in_it(text: str) -> None:
    assert understand(text, HOST).calls == ()
    assert len(understand(text, HOST).answer) < 420
    assert written(understand(f"{text} stop", HOST).calls) == "stop"


@pytest.mark.parametrize("metres", [0.1, 0.25, 1.0, 7.5, 10.0])
def test_numbers_come_through_in_every_spelling(metres: float) -> None:
    for words in (f"drive forward {metres} m", f"앞으로 {metres}미터 가", f"go forward {100 * metres:g} cm",
                  f"앞으로 {100 * metres:g}센티 가"):  # fmt: skip
        (call,) = understand(words, HOST).calls
        assert np.isclose(call.args["distance_m"], metres)
