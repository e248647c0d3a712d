"""Things, boards and people in a message: what is written is read."""

from pathlib import Path

import numpy as np
import pytest

from vagus.body.load import load_robot
from vagus.core import messages as m
from vagus.core.seen import read_people, read_supports, read_things, write_people, write_supports, write_things
from vagus.core.things import COLOURS, SHAPES, Person, Support, Thing

SPEC = load_robot(Path(__file__).resolve().parents[2] / "robots" / "host.py").spec


def thing(k: int) -> Thing:
    centre = np.array([0.1 * k, -0.2, 0.8])
    return Thing(id=k + 1, shape=SHAPES[k % 6], colour=COLOURS[k % 8], centre=centre, yaw=0.1 * k,
                 size=(0.06, 0.07, 0.1), sigma=0.003, seen_ns=10 * k)  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, m.N_OBJECTS, m.N_OBJECTS + 5])
def test_things_are_read_as_they_were_written_as_many_as_fit(n: int) -> None:
    record = m.blank(m.objects(SPEC))
    write_things(record, [thing(k) for k in range(n)])
    read = read_things(record)
    assert len(read) == min(n, m.N_OBJECTS)
    for k, one in enumerate(read):
        want = thing(k)
        assert (one.id, one.shape, one.colour, one.size, one.seen_ns) == (
            want.id, want.shape, want.colour, want.size, want.seen_ns)  # fmt: skip
        np.testing.assert_array_equal(one.centre, want.centre)


@pytest.mark.parametrize("n", [0, 1, m.N_SUPPORTS, m.N_SUPPORTS + 2])
def test_boards_are_read_as_they_were_written_as_many_as_fit(n: int) -> None:
    boards = [Support(corners=np.arange(6.0 + 2 * k).reshape(-1, 2), height=0.4 + 0.1 * k) for k in range(n)]
    record = m.blank(m.objects(SPEC))
    write_supports(record, boards)
    read = read_supports(record)
    assert len(read) == min(n, m.N_SUPPORTS)
    for got, want in zip(read, boards, strict=False):
        assert got.height == want.height
        np.testing.assert_array_equal(got.corners, want.corners)


def test_a_thing_knows_its_foot_and_top() -> None:
    one = thing(2)
    assert (one.foot, one.top) == pytest.approx((0.75, 0.85))
    assert not one.is_round
    assert thing(0).is_round


@pytest.mark.parametrize("n", [0, 1, m.N_PEOPLE, m.N_PEOPLE + 2])
def test_people_are_read_as_they_were_written_as_many_as_fit(n: int) -> None:
    hands = [None if k % 2 else np.array([0.1 * k, 0.2, 1.1]) for k in range(n)]
    people = [Person(place=np.array([k, 1.0]), height=None if k == 1 else 1.7, hand=hands[k], sigma=0.04, seen_ns=k)
              for k in range(n)]  # fmt: skip
    record = m.blank(m.objects(SPEC))
    assert read_people(record) == ()
    write_people(record, people)
    read = read_people(record)
    assert len(read) == min(n, m.N_PEOPLE)
    for one, want in zip(read, people, strict=False):
        assert (one.height, one.sigma, one.seen_ns) == (want.height, want.sigma, want.seen_ns)
        np.testing.assert_array_equal(one.place, want.place)
        assert (one.hand is None) == (want.hand is None)
        assert one.hand is None or np.array_equal(one.hand, np.asarray(want.hand))
