"""What a film tells beside the room: at its moment and no sooner, in letters that are there, within its picture."""

import json
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from vagus.core import messages as m
from vagus.core.things import COLOURS, SHAPES
from vagus.page.plan import Plan, PlanStep
from vagus.runtime.captions import HEIGHT, ROOM_WIDTH, WIDTH, Captions, wrapped
from vagus.runtime.story import Mark, Moment, Story
from vagus.streams.streams import Streams, memory_streams
from vagus.streams.table import stream_table

pytest.importorskip("pylopdf_fonts_ko", reason="the extra `video` is not installed")
SPEC = run_path(str(Path(__file__).parents[2] / "robots" / "host.py"))["robot"].spec
EYE = SPEC.cameras[0]
S = 1_000_000_000
ROOM = np.full((HEIGHT, ROOM_WIDTH, 3), 90, np.uint8)
PLAN = Plan(id=1, by="parser", words="빨간 컵을 집을게요.", state="running",
            steps=(PlanStep(skill="pick", text="빨간 컵 집기", state="running", things=(4,)),))  # fmt: skip


@pytest.fixture
def streams() -> Streams:
    return memory_streams(stream_table(SPEC, None))


@pytest.fixture(scope="module")
def captions() -> Captions:
    return Captions()


def tell(streams: Streams, name: str, text: str, at_ns: int) -> None:
    record = m.blank(m.text(SPEC))
    record["stamp_ns"] = at_ns
    m.set_text(record, text)
    streams.writer(name).publish(record)


def plan(**more: object) -> str:
    step = {"skill": "pick", "text": "pick", "state": "running", "things": [4]}
    return json.dumps({"id": 1, "by": "model", "words": "ok", "state": "running", "steps": [step]} | more)


def see(streams: Streams, at_ns: int) -> None:
    record, picture = m.blank(m.objects(SPEC)), m.blank(m.camera(SPEC, EYE))
    for row in (record, picture):
        row["origin_ns"][SPEC.sensor_index(EYE.name)] = at_ns
    record["n"], record["box"], picture["rgb"] = 2, np.nan, 200
    for k, number in enumerate((4, 9)):
        record["id"][k], record["shape"][k], record["colour"][k] = number, SHAPES.index("cup"), COLOURS.index("red")
        record["box"][k] = (10, 20, 30, 40)
    streams.writer("objects").publish(record)
    streams.writer(EYE.name).publish(picture)


def test_words_and_plans_are_told_at_their_moment_and_no_sooner(streams: Streams) -> None:
    story = Story(SPEC, streams, EYE)
    tell(streams, "plan", plan(state="done"), 3 * S)
    tell(streams, "say", "네", 2 * S)
    tell(streams, "plan", plan(), 2 * S)
    tell(streams, "utterance.operator", "빨간 컵 집어", 1 * S)
    moments = [story.at(round(at * S)) for at in (0.5, 1.5, 2.5, 3.5)]
    assert [(now.heard, now.said, now.plan and now.plan.state) for now in moments] == [
        ("", "", None), ("빨간 컵 집어", "", None), ("빨간 컵 집어", "네", "running"), ("빨간 컵 집어", "네", "done"),
    ]  # fmt: skip
    assert [now.language for now in moments] == ["en", "ko", "ko", "ko"]


def test_new_words_end_what_was_told_of_the_old_ones(streams: Streams) -> None:
    story = Story(SPEC, streams, EYE)
    told = [("utterance.page", "wave"), ("say", "Hello"), ("plan", plan()), ("utterance.page", "멈춰")]
    for k, (name, text) in enumerate(told):
        tell(streams, name, text, k)
    now = story.at(S)
    assert (now.heard, now.said, now.plan, now.language) == ("멈춰", "", None, "ko")


def test_a_plan_that_is_none_is_not_shown(streams: Streams) -> None:
    tell(streams, "plan", "garbage", S)
    assert Story(SPEC, streams, EYE).at(S).plan is None


def test_what_is_seen_is_told_with_what_the_plan_is_about_until_it_is_old(streams: Streams) -> None:
    story = Story(SPEC, streams, EYE)
    assert story.at(S).picture is None
    see(streams, S)
    tell(streams, "utterance.page", "빨간 컵 집어", S)
    tell(streams, "plan", plan(), S)
    now = story.at(2 * S)
    assert [(mark.name, mark.box, mark.is_about) for mark in now.marks] == [
        ("빨간 컵", (10, 20, 30, 40), True), ("빨간 컵", (10, 20, 30, 40), False),
    ]  # fmt: skip
    assert now.picture is not None
    assert now.picture.shape == (EYE.height, EYE.width, 3)
    later = story.at(4 * S)
    assert (later.marks, later.picture) == ((), None)


def test_a_robot_without_cameras_has_a_story_too() -> None:
    blind = replace(SPEC, cameras=(), neck=None)
    streams = memory_streams(stream_table(blind, None))
    assert Story(blind, streams, None).at(S).picture is None


LONG = [
    "pick up the red cup and put it on the shelf",
    "빨간 컵을 집어서 선반에 놓아 줘",
    "가" * 200,
    "a" * 200,
    "",
    "  \n\t ",
]


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("width", [20, 90, 400])
def test_lines_are_never_wider_than_allowed_and_lose_no_letter_unless_cut(
    captions: Captions, text: str, width: int
) -> None:
    font = captions._middle
    whole = wrapped(text, font, width, 1000)
    assert "".join("".join(whole).split()) == "".join(text.split())
    short = wrapped(text, font, width, 2)
    assert short == whole if len(whole) <= 2 else len(short) == 2 and short[-1].endswith("…")
    assert all(font.getlength(line) <= width for line in whole + short)


def test_every_letter_and_mark_it_writes_has_a_shape_of_its_own(captions: Captions) -> None:
    from vagus.runtime import captions as room

    words = "".join([*room._MARKS.values(), *(t for table in room._STATES.values() for t in table.values()), "뷁“”…"])
    missing = bytes(captions._large.getmask("\U000f1234"))
    assert [c for c in set(words) - {" "} if bytes(captions._large.getmask(c)) == missing] == []


def test_each_part_of_a_moment_is_drawn_in_its_own_place(captions: Captions) -> None:
    blank = captions.compose(ROOM, Moment())
    picture = np.full((EYE.height, EYE.width, 3), 200, np.uint8)
    boxes = (Mark(name="컵", box=(100.0, 100.0, 150.0, 150.0), is_about=True),)
    places = {"plan": Moment(plan=PLAN), "heard": Moment(heard="안녕"), "seen": Moment(picture=picture, marks=boxes)}
    found = {name: np.argwhere((captions.compose(ROOM, now) != blank).any(axis=2)) for name, now in places.items()}
    assert found["plan"].min(axis=0).tolist() > [324, ROOM_WIDTH]
    assert found["heard"][:, 1].max() < ROOM_WIDTH
    assert found["heard"][:, 0].min() > HEIGHT // 2
    assert found["seen"][:, 0].max() < 324
    assert found["seen"][:, 1].min() >= ROOM_WIDTH
    assert np.array_equal(captions.compose(ROOM, Moment()), blank), "nothing of another moment stays"


@pytest.mark.parametrize("state", ["looking", "running", "done", "failed", "refused", "asking"])
def test_a_plan_of_twenty_long_steps_and_of_any_state_stays_in_its_place(captions: Captions, state: str) -> None:
    steps = tuple(
        PlanStep(skill="pick", text=f"{k} " + "빨간 컵을 " * 30, state="done" if k < 9 else "running")
        for k in range(20)
    )
    long = Plan(id=1, by="model", words="가 " * 400, state=state, why="나" * 400, steps=steps)  # type: ignore[arg-type]
    full = captions.compose(ROOM, Moment(plan=long, heard="다 " * 500, said="라" * 500))
    assert full.shape == (HEIGHT, WIDTH, 3)
    assert (full[:324, :ROOM_WIDTH] == 90).all(), "the upper half of the room is free"
