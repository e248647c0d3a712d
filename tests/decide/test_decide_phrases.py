"""The parser's table, its refusals, and that what it says can always be done."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from utterances import MEANINGLESS, TABLE

from vagus.act.skill import check_args
from vagus.act.skills import SKILLS, available
from vagus.body.load import load_robot
from vagus.core.robot import BaseSpec, GroupSpec, JointSpec, RobotSpec
from vagus.decide.answer import SKILL_NEEDS, language_of
from vagus.decide.phrases import Call, understand

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


@pytest.mark.parametrize("words", MEANINGLESS)
def test_what_means_nothing_does_nothing_and_says_so_in_its_language(words: str) -> None:
    understood = understand(words, HOST)
    assert understood.calls == ()
    if language_of(words) == "ko":
        assert "모르겠어서" in understood.answer
        assert "손 흔들기" in understood.answer
    else:
        assert "did not understand" in understood.answer
        assert "wave" in understood.answer


@pytest.mark.parametrize(("words", "meaning"), TABLE)
def test_every_call_is_one_that_a_skill_accepts(words: str, meaning: str) -> None:
    for call in understand(words, HOST).calls:
        check_args(SKILLS[call.name], call.args)


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
        for name, part in SKILL_NEEDS.items():
            assert (name in able) == bool(getattr(spec, part)), (name, spec.name)


@pytest.mark.parametrize(
    ("words", "spec", "answer"),
    [
        ("smile", SO101, "I cannot do that: I have no face."),
        ("앞으로 가", SO101, "저에게는 바퀴가 없어서 할 수 없습니다."),
        ("wave", cart(), "I cannot do that: I have no arms."),
        ("왼쪽 봐", cart(), "저에게는 움직이는 목이 없어서 할 수 없습니다."),
        ("go forward and then smile", SO101, "I cannot do that: I have no wheels."),
        ("앞으로 50미터 가", HOST, "한 번에 그렇게 멀리는 가지 않습니다. 최대 10 m입니다."),
        ("turn 2000 degrees left", HOST, "I do not go that far at once: at most 1080°."),
        ("drive forward for 90 seconds", HOST, "I do not go that far at once: at most 30 s."),
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
    "words", ["stop", "please make coffee and stop", "멈춰 커피", "wave, no, STOP!", "stop the music"]
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
    assert len(understand(text, HOST).answer) < 400
    assert written(understand(f"{text} stop", HOST).calls) == "stop"


@pytest.mark.parametrize("metres", [0.1, 0.25, 1.0, 7.5, 10.0])
def test_numbers_come_through_in_every_spelling(metres: float) -> None:
    for words in (f"drive forward {metres} m", f"앞으로 {metres}미터 가", f"go forward {100 * metres:g} cm",
                  f"앞으로 {100 * metres:g}센티 가"):  # fmt: skip
        (call,) = understand(words, HOST).calls
        assert np.isclose(call.args["distance_m"], metres)
