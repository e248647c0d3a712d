"""The shell around the gate: streams in, body and streams out; restarts; a stop that outlives the process."""

import numpy as np
import pytest
from reflex_rig import ENCODER, MS, SHOULDER, TICK, small_spec

from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.messages import Mode, Record, Request, Source, State
from vagus.reflex.node import ReflexNode, is_latched
from vagus.streams.streams import Streams, memory_streams
from vagus.streams.table import stream_table

SPEC = small_spec()


class StillBody:
    """A body that stands still and keeps what it was told."""

    def __init__(self) -> None:
        self.written: list[Record] = []
        self.is_there = True
        self.age = MS
        self.is_closed = False

    def read(self, now_ns: int) -> Record | None:
        record = m.blank(m.joint_state(SPEC))
        record["valid"], record["origin_ns"][ENCODER] = 1, now_ns - self.age
        return record if self.is_there else None

    def write(self, command: Record) -> None:
        self.written.append(command)

    def close(self) -> None:
        self.is_closed = True


class Stand:
    """A reflex node on memory streams, with a pen for every stream it reads."""

    def __init__(self, streams: Streams | None = None, now: int = 10**9) -> None:
        self.streams = streams or memory_streams(stream_table(SPEC, None))
        self.body, self.now = StillBody(), now
        self.node = ReflexNode(SPEC, self.streams, self.body, seed=3)
        self.reflex = self.streams.reader("reflex")

    def step(self, n: int = 1, dt: int = TICK) -> Record:
        for _ in range(n):
            self.now += dt
            self.node.step(self.now)
        newest = self.reflex.latest()
        assert newest is not None
        return newest

    def ask(self, source: Source, kind: Request, groups: int = 0b11111, stamp: int | None = None) -> None:
        record = m.blank(m.request(SPEC))
        record["stamp_ns"] = self.now if stamp is None else stamp
        record["kind"], record["groups"], record["nonce"], record["duration_ns"] = kind, groups, self.now, 10**10
        self.streams.writer(f"request.{source.name.lower()}").publish(record)

    def command(self, source: Source, counter: int, lease: np.ndarray) -> None:
        record = m.blank(m.command(SPEC))
        record["stamp_ns"], record["at_ns"], record["counter"] = self.now, self.now + 20 * MS, counter
        record["lease"], record["budget_ns"], record["use"][SHOULDER] = lease, UNUSED, 1
        self.streams.writer(f"command.{source.name.lower()}").publish(record)


def states(record: Record) -> set[int]:
    return set(record["state"].tolist())


def test_it_starts_off_writes_nothing_without_a_body_and_holds_with_one() -> None:
    stand = Stand()
    stand.body.is_there = False
    assert states(stand.step(3)) == {State.OFF}
    assert stand.body.written == []
    stand.body.is_there = True
    assert states(stand.step()) == {State.STANDBY}
    assert stand.body.written[-1]["mode"].tolist() == [Mode.BRAKE] * 7
    assert states(stand.step(60)) == {State.HOLD}
    assert len(stand.body.written) == 61


@pytest.mark.parametrize("source", [Source.IDLE, Source.SKILL, Source.TELEOP])
def test_requests_and_commands_of_every_source_reach_the_gate(source: Source) -> None:
    stand = Stand()
    stand.step(60)
    stand.ask(source, Request.LEASE)
    granted = stand.step()
    assert granted["holder"].tolist() == [source] * 5
    stand.command(source, 1, granted["lease"])
    assert stand.step()["state"][0] == State.RUN
    assert stand.step(8)["state"][0] == State.RUN
    assert stand.step()["state"][0] == State.STOPPING


def test_a_command_that_came_in_a_tick_of_stale_readings_is_judged_when_they_are_back() -> None:
    stand = Stand()
    stand.step(60)
    stand.ask(Source.SKILL, Request.LEASE)
    lease = stand.step()["lease"]
    stand.command(Source.SKILL, 1, lease)
    assert stand.step()["state"][0] == State.RUN
    stand.body.age = 9 * MS  # more than the encoder's budget
    stand.command(Source.SKILL, 2, lease)
    assert stand.step()["state"][0] == State.STOPPING
    stand.body.age = MS
    assert stand.step()["state"][0] == State.RUN


def test_every_tick_is_published_with_its_number_and_overruns() -> None:
    stand = Stand()
    assert [(int(r["tick"]), int(r["overruns"])) for r in (stand.step(), stand.step(), stand.step(dt=4 * TICK))] == [
        (1, 0), (2, 0), (3, 3),
    ]  # fmt: skip
    assert [int(stand.step(dt=dt)["overruns"]) for dt in (TICK * 14 // 10, TICK * 16 // 10, TICK // 2)] == [3, 4, 4]
    assert stand.node.overruns == 4


def test_clearance_and_proximity_reach_the_gate() -> None:
    stand = Stand()
    stand.step(60)
    stand.ask(Source.SKILL, Request.LEASE)
    speeds = []
    for fresh in (False, True):
        lease = stand.step()["lease"]
        for _ in range(150):
            for name, layout, slot in (("clearance", m.clearance, 0), ("proximity", m.proximity, 1)):
                record = m.blank(layout(SPEC))
                record["distance"] = np.nan
                record["origin_ns"][slot] = stand.now - (0 if fresh else 10**10)
                stand.streams.writer(name).publish(record)
            command = m.blank(m.command(SPEC))
            command["stamp_ns"], command["at_ns"], command["counter"] = stand.now, stand.now + 20 * MS, stand.now
            command["lease"], command["budget_ns"], command["use"][3:5], command["v"] = lease, UNUSED, 1, 2.0
            stand.streams.writer("command.skill").publish(command)
            speeds.append(float(stand.step()["v_last"][3]))
    assert max(speeds[:150]) == pytest.approx(1.6)  # a fifth of 8 rad/s
    assert max(speeds) == pytest.approx(2.0)


def test_an_emergency_stop_outlives_the_reflex_and_a_reset_leads_out() -> None:
    first = Stand()
    first.step(60)
    first.ask(Source.SKILL, Request.ESTOP)
    assert states(first.step()) == {State.ESTOP}
    second = Stand(first.streams, first.now + 10**9)
    assert states(second.step(100)) == {State.ESTOP}
    second.ask(Source.OPERATOR, Request.RESET)
    second.step()
    assert states(second.step(60)) == {State.HOLD}
    assert states(Stand(first.streams, second.now + 10**9).step()) == {State.STANDBY}


def test_a_stop_asked_for_while_there_was_no_reflex_is_found() -> None:
    first = Stand()
    first.step(60)
    first.now += 10**9
    first.ask(Source.TELEOP, Request.ESTOP)
    assert states(Stand(first.streams, first.now + 1).step()) == {State.ESTOP}


def test_a_restarted_reflex_grants_nothing_that_was_asked_before_and_no_token_comes_back() -> None:
    first = Stand()
    first.step(60)
    first.ask(Source.SKILL, Request.LEASE)
    tokens = set(first.step()["lease"].tolist())
    first.ask(Source.SKILL, Request.LEASE)
    second = Stand(first.streams, first.now)
    assert not second.step(60)["lease"].any()
    second.ask(Source.SKILL, Request.LEASE)
    assert not tokens & set(second.step()["lease"].tolist())


def test_a_restarted_reflex_does_not_take_up_old_commands() -> None:
    first = Stand()
    first.step(60)
    first.ask(Source.SKILL, Request.LEASE)
    first.command(Source.SKILL, 1, first.step()["lease"])
    first.step()
    assert states(Stand(first.streams, first.now).step(60)) == {State.HOLD}


def test_the_same_seed_and_times_give_the_same_tokens() -> None:
    def tokens(now: int) -> list[int]:
        stand = Stand(now=now)
        stand.step(60)
        stand.ask(Source.SKILL, Request.LEASE)
        return stand.step()["lease"].tolist()

    assert tokens(10**9) == tokens(10**9)
    assert not set(tokens(10**9)) & set(tokens(10**9 + 1))


def test_requests_overwritten_before_they_were_read_stop_the_robot_and_are_counted() -> None:
    stand = Stand()
    stand.step(60)
    for _ in range(65):
        stand.ask(Source.IDLE, Request.RELEASE)
    assert states(stand.step()) == {State.ESTOP}
    assert stand.node.figures() == {"lost": 1}
    stand.ask(Source.OPERATOR, Request.RESET)
    assert states(stand.step(100)) == {State.HOLD}


def test_requests_overwritten_before_the_reflex_started_do_not() -> None:
    stand = Stand()
    for _ in range(65):
        stand.ask(Source.IDLE, Request.RELEASE)
    assert states(stand.step(60)) == {State.HOLD}


def test_closing_lets_go_of_the_body() -> None:
    stand = Stand()
    stand.node.close()
    assert stand.body.is_closed


def reflex(state: State, stamp: int) -> Record:
    record = m.blank(m.reflex(SPEC))
    record["state"][2], record["stamp_ns"] = state, stamp
    return record


def request(source: Source, kind: Request, stamp: int) -> tuple[Source, Record]:
    record = m.blank(m.request(SPEC))
    record["kind"], record["stamp_ns"] = kind, stamp
    return source, record


SECOND = 10**9
ESTOP, RESET = Request.ESTOP, Request.RESET


@pytest.mark.parametrize(
    ("before", "requests", "expected"),
    [
        (None, [], False),
        (reflex(State.RUN, 100 * SECOND), [], False),
        (reflex(State.ESTOP, 100 * SECOND), [], True),
        (reflex(State.ESTOP, 100 * SECOND), [request(Source.OPERATOR, RESET, 150 * SECOND)], True),
        (None, [request(Source.SKILL, ESTOP, 0)], True),
        (None, [request(Source.SKILL, Request.LEASE, 5)], False),
        (None, [request(Source.SKILL, ESTOP, 5), request(Source.OPERATOR, RESET, 6)], False),
        (None, [request(Source.SKILL, ESTOP, 5), request(Source.TELEOP, RESET, 5)], True),
        (None, [request(Source.SKILL, ESTOP, 5), request(Source.SKILL, RESET, 6)], True),
        (None, [request(Source.SKILL, ESTOP, 7), request(Source.TELEOP, RESET, 6)], True),
        (None, [request(Source.SKILL, ESTOP, 5), request(Source.TELEOP, RESET, 200 * SECOND)], False),
        (None, [request(Source.SKILL, ESTOP, 5), request(Source.TELEOP, RESET, 200 * SECOND + 1)], True),
        (reflex(State.RUN, 100 * SECOND), [request(Source.SKILL, ESTOP, 99 * SECOND)], True),
        (reflex(State.RUN, 100 * SECOND), [request(Source.SKILL, ESTOP, 99 * SECOND - 1)], False),
        (reflex(State.RUN, 100 * SECOND), [request(Source.SKILL, ESTOP, 150 * SECOND)], True),
        (reflex(State.RUN, 100 * SECOND),
         [request(Source.SKILL, ESTOP, 99 * SECOND), request(Source.TELEOP, RESET, 99 * SECOND + 1)], False),
        (reflex(State.RUN, 100 * SECOND),
         [request(Source.SKILL, ESTOP, 99 * SECOND), request(Source.SKILL, ESTOP, 1)], True),
    ],
)  # fmt: skip
def test_what_counts_as_a_latched_stop(
    before: Record | None, requests: list[tuple[Source, Record]], expected: bool
) -> None:
    assert is_latched(before, requests, 200 * SECOND) == expected
