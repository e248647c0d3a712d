"""An OpenAI-compatible endpoint, over HTTP as it is: with and without structured output, well and badly behaved."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from planner_kit import PICK, SKILLS, ask

import fake_endpoint as fake
from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.advice import Advice
from vagus.decide.caps import CapsCfg, Meter
from vagus.decide.planner import Completion, Planner
from vagus.decide.prompt import Message
from vagus.decide.providers.openai_endpoint import Endpoint, EndpointCfg

CHAT = (Message(role="system", content="Be brief."), Message(role="user", content="손 흔들어"))
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
LATE_S = 2.0
"""How much longer than it may a call takes at most, on a machine with other work [s]."""


@contextmanager
def endpoint(url: str, key: str = "") -> Iterator[Endpoint]:
    model = Endpoint(EndpointCfg(url=url, model="small", key=key))
    try:
        yield model
    finally:
        model.close()


def complete(model: Endpoint, seconds_max: float = 10.0) -> Completion:
    return model.complete(CHAT, SCHEMA, seconds_max=seconds_max, is_unwanted=lambda: False)


def test_it_asks_for_the_schema_as_openai_takes_it_and_reads_the_answer() -> None:
    with fake.serving(fake.knows(PICK, "json_schema")) as server, endpoint(server.url, "secret") as model:
        done = complete(model)
    assert done == Completion(text=PICK, prompt_tokens=900, completion_tokens=20)
    (body,) = server.asked
    assert body["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": SCHEMA}
    }  # fmt: skip
    assert body["messages"][1] == {"role": "user", "content": "손 흔들어"}
    assert (body["model"], body["temperature"], server.keys) == ("small", 0, ["Bearer secret"])


@pytest.mark.parametrize(("formats", "tries"), [(("json_object",), 2), (("text",), 4), (("json_schema", "text"), 1)])
def test_a_server_that_does_not_know_schemas_is_asked_in_simpler_words_and_the_next_time_at_once(
    formats: tuple[str, ...], tries: int
) -> None:
    with fake.serving(fake.knows(PICK, *formats)) as server, endpoint(server.url) as model:
        assert [complete(model).text, complete(model).text] == [PICK, PICK]
    assert len(server.asked) == tries + 1
    assert server.asked[-1].get("response_format") == server.asked[-2].get("response_format")


def test_llama_cpps_own_server_which_calls_a_format_it_does_not_know_an_error_of_its_own_is_asked_again() -> None:
    def mood(handler: fake.Handler, body: dict[str, Any]) -> None:
        if body["response_format"]["type"] == "json_object":
            handler.answer(PICK)
        else:  # as llama-cpp-python 0.3.36 answers, shortened
            handler.send(500, b'{"error": {"message": "literal_error: body, response_format, type"}}')

    with fake.serving(mood) as server, endpoint(server.url) as model:
        assert complete(model).text == PICK
    assert server.asked[-1]["response_format"] == {"type": "json_object", "schema": SCHEMA}


def test_a_server_that_refused_everything_for_a_while_is_asked_for_the_schema_again() -> None:
    with fake.serving(fake.fails(400, b"the model is being loaded")) as server, endpoint(server.url) as model:
        with pytest.raises(PlannerError, match="HTTP 400, 'the model is being loaded'"):
            complete(model)
        server.mood = fake.says(PICK)
        assert complete(model).text == PICK
    assert [body.get("response_format", {}).get("type") for body in server.asked] == [
        "json_schema", "json_object", "json_object", None, "json_schema"
    ]  # fmt: skip


def test_a_server_that_takes_json_objects_gets_the_schema_within_and_if_it_refuses_that_without() -> None:
    def mood(handler: fake.Handler, body: dict[str, Any]) -> None:
        is_plain = body["response_format"] == {"type": "json_object"}
        handler.answer(PICK) if is_plain else handler.send(422, b'{"detail": "response_format"}')

    with fake.serving(mood) as server, endpoint(server.url) as model:
        assert complete(model).text == PICK
    assert server.asked[1]["response_format"] == {"type": "json_object", "schema": SCHEMA}


def test_parameters_that_a_model_does_not_take_are_left_out_or_renamed() -> None:
    def mood(handler: fake.Handler, body: dict[str, Any]) -> None:
        if "max_tokens" in body:
            handler.send(400, b'{"error": {"message": "Use max_completion_tokens instead.", "param": "max_tokens"}}')
        elif "temperature" in body:
            handler.send(400, b'{"error": {"message": "temperature: only 1 is allowed", "param": "temperature"}}')
        else:
            handler.answer(PICK)

    with fake.serving(mood) as server, endpoint(server.url) as model:
        assert complete(model).text == PICK
    assert len(server.asked) == 3
    assert server.asked[-1]["response_format"]["type"] == "json_schema"
    assert server.asked[-1]["max_completion_tokens"] > server.asked[0]["max_tokens"]


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        (fake.fails(500, b"out of memory"), "got HTTP 500, 'out of memory'"),
        (fake.fails(401, b"bad key"), "got HTTP 401"),
        (fake.fails(429, b"slow down"), "got HTTP 429"),
        (fake.fails(400, b"no such model"), "got HTTP 400, 'no such model'"),
        (fake.fails(302, b"elsewhere"), "got HTTP 302"),
        (fake.fails(200, b"<html>"), "allowed: a chat completion as JSON"),
        (fake.fails(200, b"\xff\xfe"), "allowed: a chat completion as JSON"),
        (fake.fails(200, b"[" * 200_000), "allowed: a chat completion as JSON"),
        (fake.fails(200, b'{"choices": []}'), "got no choices"),
        (fake.fails(200, b'{"choices": [], "usage": {"prompt_tokens": -9}}'), "allowed: a chat completion"),
        (fake.fails(200, b'{"choices": [{"message": {"content": 3}}]}'), "allowed: a chat completion"),
        (fake.fails(200, b'{"choices": [{"message": {"refusal": "No."}}]}'), "the model refused: 'No.'"),
        (lambda handler, _: handler.answer(PICK[:20], finish_reason="length"), "got one cut short"),
        (fake.says("x" * 10_000_000), "response: got more than 262144 bytes"),
        (fake.pouring, "response: got more than 262144 bytes"),
    ],
)
def test_what_is_no_answer_is_a_planner_error_that_says_what_came(mood: fake.Mood, says: str) -> None:
    with fake.serving(mood) as server, endpoint(server.url) as model, pytest.raises(PlannerError) as error:
        complete(model)
    assert says in str(error.value)


@pytest.mark.parametrize("mood", [fake.never, fake.dripping])
def test_the_whole_call_has_a_deadline_however_often_something_comes(mood: fake.Mood) -> None:
    with fake.serving(mood) as server, endpoint(server.url) as model:
        start_s = time.monotonic()
        with pytest.raises(PlannerError, match=r"no answer yet, allowed: within 0\.3 s"):
            complete(model, 0.3)
        assert 0.3 <= time.monotonic() - start_s < 0.3 + LATE_S


def test_a_call_that_nobody_wants_any_more_ends_soon_and_the_next_is_answered() -> None:
    with fake.serving(fake.never) as server, endpoint(server.url) as model:
        start_s = time.monotonic()
        with pytest.raises(PlannerError, match="not wanted any more"):
            model.complete(CHAT, SCHEMA, seconds_max=20.0, is_unwanted=lambda: bool(server.asked))
        assert time.monotonic() - start_s < LATE_S
        server.mood = fake.says(PICK)
        assert complete(model).text == PICK


def test_where_nobody_answers_that_is_said() -> None:
    with fake.serving(fake.never) as server:
        url = server.url
    with endpoint(url, "secret") as model, pytest.raises(PlannerError, match=f"endpoint {url}: ConnectError") as error:
        complete(model)
    assert "secret" not in f"{error.value}{EndpointCfg(url=url, model='m', key='secret')}"


def test_a_server_that_dies_in_the_middle_costs_that_answer_alone() -> None:
    def mood(handler: fake.Handler, _body: dict[str, Any]) -> None:
        handler.begin(200, "Content-Length", "5000")
        handler.wfile.write(b'{"choices"')
        handler.close_connection = True

    with fake.serving(mood) as server, endpoint(server.url) as model:
        with pytest.raises(PlannerError, match="RemoteProtocolError"):
            complete(model)
        server.mood = fake.says(PICK)
        assert complete(model).text == PICK


def planned(mood: fake.Mood, n: int = 1, **caps: int) -> tuple[list[Advice], fake.FakeEndpoint]:
    with fake.serving(mood) as server, endpoint(server.url) as model:
        planner = Planner(model, SKILLS, meter=Meter(CapsCfg(**caps)))
        return [planner.plan(ask("the red cup, please"), seconds_max=10.0) for _ in range(n)], server


@pytest.mark.parametrize("formats", [("json_schema",), ("text",)])
def test_plans_come_from_servers_with_and_without_structured_output(formats: tuple[str, ...]) -> None:
    ((advice,), _) = planned(fake.knows(f"```json\n{PICK}\n```", *formats))
    assert advice.plan is not None, advice.error
    assert [(call.name, dict(call.args)) for call in advice.plan.calls] == [("pick", {"thing": 3})]


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"skill": "fly"}, "skill: got 'fly'"),
        ({"skill": "pick", "thing": 99}, "got 99, allowed, because seen"),
        ({"skill": "drive", "distance_m": 500}, "got 500, allowed: a number from -10 to 10"),
    ],
)
def test_a_server_that_ignores_the_schema_gets_nothing_past_it(step: dict[str, Any], says: str) -> None:
    ((advice,), _) = planned(fake.says(json.dumps({"steps": [step], "say": ""})))
    assert advice.plan is None
    assert says in advice.error


def test_caps_hold_and_what_is_over_them_reaches_no_server() -> None:
    advices, server = planned(fake.says(PICK), 3, calls_per_minute=2)
    assert [bool(advice.plan) for advice in advices] == [True, True, False]
    assert len(server.asked) == 2
    advices, server = planned(fake.says(PICK), 3, tokens_per_hour=1000)
    assert [bool(advice.plan) for advice in advices] == [True, True, False]


@pytest.mark.parametrize("url", ["", "api.openai.com", "ftp://x/v1", "http://", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"url: got .* allowed: such as http"):
        EndpointCfg(url=url, model="small")


@pytest.mark.parametrize("key", ["열쇠", "a\nX-Other: b", "two words"])
def test_a_key_that_no_header_holds_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="key: got one with other characters") as error:
        EndpointCfg(url="http://127.0.0.1:1/v1", model="small", key=key)
    assert key not in str(error.value)


def test_an_endpoint_without_a_model_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model \(VAGUS_LLM_MODEL\): got none"):
        EndpointCfg(url="http://127.0.0.1:1/v1", model="")
