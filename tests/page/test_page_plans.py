"""Plans, as the page is told them: the newest of every utterance; what is no plan is called that and breaks nothing."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_live import live, run, until
from page_stand import SCENE, SECOND, START_NS, Stand

from vagus.core.messages import TEXT_BYTES
from vagus.page import wire
from vagus.page.desk import Desk
from vagus.page.plan import PlanError, read_plan
from vagus.page.watch import PlanWatch

STEP = {"skill": "pick", "text": "빨간 컵 집기", "state": "waiting", "why": "", "things": [3]}
PLAN = {"id": 7, "by": "model", "words": "빨간 컵을 집을게요.", "state": "running", "why": "", "steps": [STEP]}


@pytest.fixture
def stand() -> Stand:
    return Stand()


def told(watch: PlanWatch, stand: Stand) -> dict:
    plans = watch.read(stand.now_ns)
    assert plans is not None
    return msgspec.json.decode(wire.encode(plans))


def test_a_plan_is_told_as_it_was_published() -> None:
    assert msgspec.to_builtins(read_plan(json.dumps(PLAN))) == PLAN | {"steps": (STEP | {"things": (3,)},)}


def test_a_step_of_a_newer_brain_with_more_fields_and_without_the_optional_ones_is_understood() -> None:
    step = {"skill": "fly", "text": "Fly", "state": "done", "height": 3}
    plan = read_plan(json.dumps(PLAN | {"steps": [step], "mood": "good"}))
    assert (plan.steps[0].skill, plan.steps[0].things, plan.steps[0].why) == ("fly", (), "")


def test_a_plan_is_about_the_things_of_its_running_steps() -> None:
    states = ["done", "running", "running", "waiting"]
    steps = [STEP | {"state": state, "things": [k, 9]} for k, state in enumerate(states)]
    assert read_plan(json.dumps(PLAN | {"steps": steps})).about == {1, 2, 9}


NO_PLANS = [
    "", "null", "[]", "{}", "plan", "\x00", '{"id": 1', "[" * 2000, json.dumps(PLAN | {"id": "7"}),
    json.dumps(PLAN | {"id": -1}), json.dumps(PLAN | {"id": 10**40}), json.dumps(PLAN | {"by": "magic"}),
    json.dumps(PLAN | {"state": "flying"}), json.dumps(PLAN | {"words": None}), json.dumps(PLAN | {"steps": "pick"}),
    json.dumps(PLAN | {"steps": [STEP | {"state": "refused"}]}),
    json.dumps(PLAN | {"steps": [STEP | {"things": ["x"]}]}),
    json.dumps(PLAN | {"steps": [STEP | {"things": [0.5]}]}), json.dumps(PLAN | {"words": "\ud800"}),
    '{"mood": ' + "[" * 1000 + "]" * 1000 + ', "id": 1}',
]  # fmt: skip


@pytest.mark.parametrize("text", NO_PLANS)
def test_what_is_no_plan_is_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(PlanError, match=r"no plan: .{5}") as caught:
        read_plan(text)
    assert len(str(caught.value)) <= 200


@settings(max_examples=150)
@given(
    st.one_of(
        st.text(max_size=300), st.dictionaries(st.sampled_from(list(PLAN)), st.text() | st.integers()).map(json.dumps)
    )
)
def test_whatever_is_published_is_told_as_a_plan_or_as_unreadable_and_the_page_stays(text: str) -> None:
    stand = Stand()
    watch = PlanWatch(stand.streams)
    stand.publish_words("plan", text.encode(errors="replace")[:TEXT_BYTES].decode(errors="ignore"))
    found = told(watch, stand)
    assert (len(found["plans"]) == 1) != (found["unreadable"] is not None)


def test_what_is_no_plan_leaves_the_plans_before_it_and_the_next_plan_takes_the_note_away(stand: Stand) -> None:
    watch = PlanWatch(stand.streams)
    stand.publish_plan()
    stand.publish_words("plan", "garbage")
    found = told(watch, stand)
    assert (len(found["plans"]), found["unreadable"][:8]) == (1, "no plan:")
    stand.publish_plan(state="done")
    found = told(watch, stand)
    assert ([line["plan"]["state"] for line in found["plans"]], found["unreadable"]) == (["done"], None)


def test_of_one_utterance_the_newest_plan_is_told_and_the_last_told_of_comes_last(stand: Stand) -> None:
    watch = PlanWatch(stand.streams)
    for number, state in [(1, "looking"), (2, "running"), (1, "failed")]:
        stand.publish_plan(id=number, state=state)
    stand.now_ns += 2 * SECOND
    found = told(watch, stand)["plans"]
    assert [(line["plan"]["id"], line["plan"]["state"], line["age_s"]) for line in found] == [
        (2, "running", 2.0), (1, "failed", 2.0),
    ]  # fmt: skip
    assert watch.read(stand.now_ns) is None, "nothing changed"


def test_a_page_is_told_of_the_last_sixteen_plans_however_many_there_were(stand: Stand) -> None:
    watch = PlanWatch(stand.streams)
    for number in range(40):
        stand.publish_plan(id=number)
    assert [line["plan"]["id"] for line in told(watch, stand)["plans"]] == list(range(24, 40))


def test_a_browser_that_reads_slowly_gets_the_newest_plans_once(stand: Stand) -> None:
    desk = Desk(stand.spec, stand.streams, SCENE)
    client = desk.connect(START_NS)
    assert client is not None
    for k in range(30):
        stand.publish_plan(id=k % 3, words=f"turn {k}")
        desk.broadcast(START_NS)
    frames = [client.next() for _ in range(20)]
    plans = [msgspec.json.decode(f) for f in frames if f and f.startswith(b'{"type":"plans"')]
    assert [[line["plan"]["words"] for line in plan["plans"]] for plan in plans] == [["turn 27", "turn 28", "turn 29"]]


def test_plans_reach_every_page_and_pages_that_come_later() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as first:
            await until(first, "state")
            page.stand.publish_plan(words="빨간 컵을 집을게요.")
            found = await until(first, "plans", lambda told: told["plans"])
            assert found["plans"][0]["plan"]["words"] == "빨간 컵을 집을게요."
            async with page.socket() as second:
                assert (await until(second, "plans"))["plans"][0]["plan"]["steps"][0]["things"] == [1]

    run(work)
