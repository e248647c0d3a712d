"""What a browser may say: every message is checked, and one that is refused changes nothing."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_stand import MS, SCENE, SECOND, START_NS, Stand

from vagus.core.messages import Request
from vagus.page import wire, words
from vagus.page.client import AHEAD_MAX, WORDS_MAX, Allowance, Client
from vagus.page.desk import Desk, FloodError


class Meeting:
    """A desk, a stand and one page."""

    def __init__(self) -> None:
        self.stand = Stand()
        self.desk = Desk(self.stand.spec, self.stand.streams, SCENE)
        self.now_ns = START_NS
        self.stand.step(self.now_ns)
        client = self.desk.connect(self.now_ns)
        assert client is not None
        self.client = client
        self.told()

    def send(self, frame: str | bytes) -> list[dict]:
        self.now_ns += SECOND  # never a flood
        self.stand.step(self.now_ns)
        self.desk.receive(self.client, frame, self.now_ns)
        self.stand.step(self.now_ns)
        return self.told()

    def told(self) -> list[dict]:
        frames: list[bytes] = []
        while (frame := self.client.next()) is not None:
            frames.append(frame)
        return [msgspec.json.decode(f) for f in frames if f[:1] == b"{"]

    def is_untouched(self) -> bool:
        return not (self.stand.requests or self.stand.commands or self.stand.heard)


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


GARBAGE = [
    "", "null", "[]", "42", "{", '"estop"', "{}", '{"type":"fly"}', '{"type":["estop"]}', "\x00", "\ud800",
    '{"type":"estop","now":true}', '{"type":"say"}', '{"type":"say","text":""}', '{"type":"say","text":7}',
    json.dumps({"type": "say", "text": "a" * 501}), '{"type":"jog","joint":"left_elbow","direction":2}',
    '{"type":"jog","joint":"left_elbow","direction":1.5}',
    '{"type":"jog","joint":"left_elbow","direction":1,"speed":9}',
    '{"type":"jog","joint":"left_elbow","direction":1,"speed":NaN}', '{"type":"drive","v":1e999,"w":0}',
    '{"type":"drive","v":"1","w":0}', '{"type":"drive","v":1.01,"w":0}', '{"type":"language","value":"xx"}',
    '{"type":"watch","visible":1}', '{"type":"watch","visible":true,"camera":"nose"}',
    '{"type":"seen","n":-1}', b"\x01\x02",
]  # fmt: skip


@pytest.mark.parametrize("frame", GARBAGE)
def test_garbage_gets_a_sentence_and_changes_nothing(meeting: Meeting, frame: str | bytes) -> None:
    notices = meeting.send(frame)
    assert [n["type"] for n in notices] == ["notice"]
    assert len(notices[0]["text"]) < 600
    assert meeting.is_untouched()


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
kinds = st.sampled_from(["say", "jog", "drive", "take", "keep", "seen", "watch", "language", "reset", "x"])
fields = st.sampled_from(["text", "joint", "direction", "speed", "v", "w", "n", "visible", "camera", "value"])
messages = st.builds(lambda kind, rest: json.dumps(rest | {"type": kind}), kinds, st.dictionaries(fields, anything))


@settings(max_examples=150, deadline=None)
@given(frame=st.one_of(messages, st.text(max_size=200), st.binary(max_size=200)))
def test_whatever_a_browser_sends_no_command_and_no_stop_comes_of_it_by_accident(frame: str | bytes) -> None:
    meeting = Meeting()
    meeting.send(frame)
    meeting.desk.step(meeting.now_ns)
    meeting.stand.step(meeting.now_ns)
    assert meeting.stand.commands == []
    assert not {Request.ESTOP, Request.RESET} & set(meeting.stand.kinds())


def test_a_flood_is_refused_but_a_stop_in_it_is_heard(meeting: Meeting) -> None:
    def pour(frame: str) -> None:
        for _ in range(1000):
            meeting.desk.receive(meeting.client, frame, meeting.now_ns)

    with pytest.raises(FloodError):
        pour('{"type":"keep"}')
    assert meeting.is_untouched()
    with pytest.raises(FloodError):
        meeting.desk.receive(meeting.client, '{"type":"estop"}', meeting.now_ns)
    meeting.stand.step(meeting.now_ns)
    assert meeting.stand.kinds() == [Request.ESTOP]


def test_garbage_is_patience_spent_faster(meeting: Meeting) -> None:
    meeting.now_ns += SECOND
    for _ in range(18):
        meeting.desk.receive(meeting.client, "garbage", meeting.now_ns)
    with pytest.raises(FloodError):
        meeting.desk.receive(meeting.client, "garbage", meeting.now_ns)


def test_a_page_in_full_use_is_no_flood(meeting: Meeting) -> None:
    for i in range(600):  # a minute of 20 states seen, keep, jog and drive every 100 ms
        meeting.now_ns += 100 * MS
        seen = [json.dumps({"type": "seen", "n": n}) for n in (2 * i, 2 * i + 1)]
        for frame in ['{"type":"keep"}', '{"type":"drive","v":0.0,"w":0.0}', *seen]:
            meeting.desk.receive(meeting.client, frame, meeting.now_ns)
    assert meeting.told() == []


def test_sentences_faster_than_a_robot_can_follow_are_refused(meeting: Meeting) -> None:
    for i in range(8):
        meeting.desk.receive(meeting.client, json.dumps({"type": "say", "text": f"go {i}"}), meeting.now_ns)
    meeting.stand.step(meeting.now_ns)
    assert meeting.stand.heard == [f"go {i}" for i in range(5)]
    assert [n["code"] for n in meeting.told() if n["type"] == "notice"] == ["say_too_fast"] * 3


def test_the_longest_sentence_arrives_whole_in_any_script(meeting: Meeting) -> None:
    meeting.send(json.dumps({"type": "say", "text": "😀" * 500}))
    assert meeting.stand.heard == ["😀" * 500]


def test_spaces_alone_are_not_said(meeting: Meeting) -> None:
    assert meeting.send('{"type":"say","text":"   "}')[0]["code"] == "empty_say"
    assert meeting.stand.heard == []


def test_sentences_come_in_the_page_s_language(meeting: Meeting) -> None:
    meeting.send('{"type":"language","value":"ko"}')
    assert "조종" in meeting.send('{"type":"jog","joint":"left_elbow","direction":1}')[0]["text"]


@pytest.mark.parametrize("code", words.codes())
def test_every_sentence_exists_in_both_languages(code: str) -> None:
    assert words.languages(code) == ["en", "ko"]


def test_a_joint_the_robot_lacks_is_answered_with_those_it_has(meeting: Meeting) -> None:
    meeting.send('{"type":"take"}')
    notice = meeting.send('{"type":"jog","joint":"tail","direction":1}')[0]
    assert "'tail'" in notice["text"]
    assert "left_elbow" in notice["text"]


def test_only_the_newest_frame_of_a_kind_waits_and_sentences_are_bounded() -> None:
    client = Client(1)
    for i in range(500):
        client.put_state(i, b"{%d}" % i)
        client.put_words(b"{w%d}" % i)
    sent = []
    while (frame := client.next()) is not None:
        sent.append(frame)
    assert sent == [b"{w%d}" % i for i in range(500 - WORDS_MAX, 500)] + [b"{499}"]
    assert client.dropped == 499


def test_nothing_is_sent_far_ahead_of_what_the_browser_has_taken_in() -> None:
    client = Client(1)
    for n in range(AHEAD_MAX):
        client.put_state(n, b"{}")
        assert client.next() == b"{}"
    client.put_state(9, b"{}")
    client.put("picture", b"\x02")
    assert client.next() is None
    client.seen(0)
    assert client.next() == b"{}"
    client.seen(9)
    assert client.next() == b"\x02"


def test_an_allowance_refills_at_its_rate_and_never_above_its_burst() -> None:
    allowance = Allowance(rate_hz=10.0, burst=3.0)
    assert [allowance.spend(0) for _ in range(4)] == [True, True, True, False]
    assert allowance.spend(100 * MS)
    assert not allowance.spend(100 * MS)
    assert [allowance.spend(60 * SECOND) for _ in range(4)] == [True, True, True, False]


def test_numbers_that_cannot_be_sent_are_missing_not_zero() -> None:
    from vagus.page.watch import numbers

    assert numbers([1.23456, float("nan"), float("inf"), 2.0], [1, 1, 1, 0]) == [1.2346, None, None, None]


def test_poses_and_pictures_have_the_layout_that_the_browser_reads() -> None:
    import numpy as np

    frame = wire.encode_poses(np.array([[1, 2, 3]], np.float32), np.array([[1, 0, 0, 0]], np.float32))
    assert (frame[0], int.from_bytes(frame[4:8], "little"), len(frame)) == (1, 1, 8 + 12 + 16)
    np.testing.assert_array_equal(np.frombuffer(frame, "<f4", 3, 8), [1, 2, 3])
    picture = wire.encode_picture(3, 2**40, 0.25, b"JPEG")
    assert (picture[0], picture[1], int.from_bytes(picture[8:16], "little")) == (2, 3, 2**40)
    assert np.frombuffer(picture, "<f8", 1, 16)[0] == 0.25
    assert picture[24:] == b"JPEG"
