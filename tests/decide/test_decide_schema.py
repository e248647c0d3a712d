"""What a model may answer: what the robot can do and sees; ``parse`` lets nothing else through."""

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planner_kit import NUMBERS, SKILLS

from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.plan import Call, Plan
from vagus.decide.schema import ANSWER_BYTES, STEPS_MAX, Repertoire, parse, plan_schema


def answer(*steps: dict[str, Any], say: str = "", reason: str = "") -> str:
    return json.dumps({"reason": reason, "steps": steps, "say": say})


def read(text: str, things: tuple[int, ...] = NUMBERS) -> Plan:
    return parse(text, SKILLS, things, "en")


def objects(schema: Any) -> list[dict[str, Any]]:
    """Return every object schema within a schema."""
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    return own + list(chain.from_iterable(objects(part) for part in inner))


def test_every_object_of_the_schema_is_closed_and_requires_all_it_has() -> None:
    found = objects(plan_schema(SKILLS, NUMBERS))
    assert len(found) > len(SKILLS.skills)
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


def test_the_schema_uses_only_words_that_strict_structured_output_knows() -> None:
    known = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "minimum", "maximum",
             "maxItems"}  # fmt: skip
    for schema in objects(plan_schema(SKILLS, NUMBERS)):
        for part in (schema, *schema["properties"].values()):
            assert set(part) <= known


def steps_of(name: str, things: tuple[int, ...] = NUMBERS) -> list[dict[str, Any]]:
    steps = plan_schema(SKILLS, things)["properties"]["steps"]
    assert steps["maxItems"] == STEPS_MAX
    found = [step["properties"] for step in steps["items"]["anyOf"]]
    return [properties for properties in found if properties["skill"]["enum"] == [name]]


def test_things_are_an_enum_of_those_that_are_seen_and_without_any_nothing_can_be_picked() -> None:
    (pick,) = steps_of("pick")
    assert pick["thing"] == {"type": "integer", "enum": [3, 4, 7]}
    assert steps_of("pick", ()) == []


def test_numbers_have_limits_choices_are_enums_and_what_may_be_left_out_may_be_null() -> None:
    (look,) = steps_of("look")
    assert look["azimuth_deg"]["anyOf"] == [{"type": "number", "minimum": -180.0, "maximum": 180.0}, {"type": "null"}]
    assert {"left", "up"} < set(look["direction"]["anyOf"][0]["enum"])
    (express,) = steps_of("express")
    assert "happy" in express["emotion"]["enum"]


def test_arguments_that_do_not_go_together_are_forms_of_their_own() -> None:
    assert [set(form) for form in steps_of("drive")] == [{"skill", "distance_m"}, {"skill", "turn_deg"}]


def test_a_form_is_one_that_a_skill_takes_whichever_of_its_choices_is_made() -> None:
    (place,) = steps_of("place")  # "on" may do without a target, "in" and "next_to" may not
    assert place["target"] == {"type": "integer", "enum": [3, 4, 7]}
    assert steps_of("place", ()) == []


def test_the_schema_is_small() -> None:
    assert len(json.dumps(plan_schema(SKILLS, range(1, 33)), separators=(",", ":"))) < 4400


def test_a_plan_is_read_with_its_sentence_and_without_its_nulls() -> None:
    plan = read(answer({"skill": "look", "direction": "left", "azimuth_deg": None}, {"skill": "pick", "thing": 4},
                       say="Here it is."))  # fmt: skip
    assert plan.calls == (Call(name="look", args={"direction": "left"}), Call(name="pick", args={"thing": 4}))
    assert (plan.answer, plan.reason, plan.language) == ("Here it is.", "", "en")


@pytest.mark.parametrize(("reason", "means"), [("impossible", "impossible"), ("absent", "absent"), ("", "told")])
def test_a_refusal_is_a_plan_without_calls_that_says_why(reason: str, means: str) -> None:
    plan = read(answer(say="I cannot\nfly.", reason=reason))
    assert (plan.calls, plan.answer, plan.reason) == ((), "I cannot fly.", means)


def test_a_model_writes_steps_first_then_why_there_are_none() -> None:
    properties = plan_schema(SKILLS, NUMBERS)["properties"]
    assert list(properties) == ["steps", "reason", "say"]  # the other way round a small model declines what it can do
    assert properties["reason"]["enum"][:2] == ["", "ambiguous"]


def test_a_fence_around_the_answer_is_taken_off() -> None:
    fenced = f"```json\n{answer({'skill': 'wave'})}\n```"
    assert [call.name for call in read(fenced).calls] == ["wave"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "allowed: a JSON object"),
        ("Sure! I will wave.", "allowed: a JSON object"),
        ("[" * 15_000, "allowed: a JSON object"),
        ('{"steps": ' + '{"a":' * 2_000 + "1" + "}" * 2_001, "allowed: a JSON object"),
        ('{"steps": [], "say": "\\ud800"}', "allowed: a JSON object"),
        ('{"steps": [], "say": "hi", "skills": ["fly"]}', "skills"),
        ('{"steps": [{"skill": "drive", "distance_m": NaN}], "say": ""}', "allowed: a JSON object"),
        ('{"steps": [{"skill": "drive", "distance_m": 1e999}], "say": ""}', "allowed: a JSON object"),
        (answer({"skill": "drive", "distance_m": 11}), "got 11, allowed: a number from -10 to 10"),
        (answer({"skill": "drive", "distance_m": 1, "turn_deg": 90}), "allowed: distance_m, or turn_deg"),
        (answer({"skill": "drive", "speed_m_s": 1}), "argument 'speed_m_s': allowed: ['distance_m', 'turn_deg']"),
        (answer({"skill": "fly"}), "skill: got 'fly', allowed: ['wave'"),
        (answer({"skill": "alive"}), "skill: got 'alive'"),
        (answer({"skill": None}), "skill: got 'None'"),
        (answer({"thing": 3}), "skill: got 'None'"),
        (answer({"skill": "pick", "thing": 5}), "got 5, allowed, because seen: [3, 4, 7]"),
        (answer({"skill": "pick", "thing": True}), "got True, allowed, because seen"),
        (answer({"skill": "pick", "thing": "3"}), "got 3, allowed, because seen"),
        (answer({"skill": "pick"}), "thing: got nothing"),
        (answer({"skill": "pick", "thing": [3]}), "allowed: a JSON object"),
        (answer({"skill": "express", "emotion": "bored"}), "got 'bored', allowed: one of"),
        (answer(*[{"skill": "nod"}] * 9), "steps: got 9, allowed: at most 8"),
        (answer({"skill": "say", "text": "la" * 200}), "got 400 characters, allowed: at most 300"),
        (answer(say="la" * 200), "say: got 400 characters"),
        (answer({"skill": "nod"}, reason="absent"), "got 1 steps and the reason 'absent' to do nothing"),
        (answer(say="No.", reason="tired"), "allowed: a JSON object"),
        (answer(), "neither steps nor anything to say"),
        (answer(say="\u0000 \n"), "neither steps nor anything to say"),
    ],
)  # fmt: skip
def test_what_is_no_plan_of_this_robot_is_refused_and_says_why(text: str, says: str) -> None:
    with pytest.raises(PlannerError) as refused:
        read(text)
    assert says in str(refused.value)


@pytest.mark.parametrize("size", [ANSWER_BYTES + 1, 10_000_000])
def test_a_long_answer_is_refused_before_it_is_read(size: int) -> None:
    with pytest.raises(PlannerError, match=f"answer: got {size} bytes, allowed: at most {ANSWER_BYTES}"):
        read(answer(say="x").ljust(size))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = st.sampled_from(["skill", "thing", "distance_m", "turn_deg", "direction", "emotion", "arm", "text", "x"])
STEPS = st.dictionaries(NAMES, SCALARS | st.sampled_from([*NUMBERS, "pick", "drive", "look", "wave"]), max_size=4)


@given(st.lists(STEPS, max_size=10), st.text(max_size=400))
def test_whatever_comes_is_refused_or_a_plan_that_the_skills_accept(steps: list[dict[str, Any]], say: str) -> None:
    try:
        plan = read(json.dumps({"steps": steps, "say": say}))
    except PlannerError:
        return
    assert plan.calls or plan.answer
    for call in plan.calls:
        SKILLS.check(call.name, call.args)  # raises where it does not
        assert call.args.get("thing", 3) in NUMBERS


@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
def test_no_text_gets_anything_but_a_planner_error(text: str) -> None:
    with pytest.raises(PlannerError):
        read(text)


class OddParam:
    name, kind, minimum, maximum, choices, required = "way", "smell", 0.0, 1.0, (), True


class OddSkill:
    name, text, params = "sniff", SKILLS.skills[0].text, (OddParam(),)


def test_a_parameter_of_a_kind_that_no_schema_has_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"skill 'sniff' way: got kind 'smell', allowed: .*'thing', 'choice'"):
        Repertoire(skills=(OddSkill(),), check=SKILLS.check)
