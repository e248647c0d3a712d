"""Sights: as many as a message holds, the surest first, and no kind that there is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.core import messages as m
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec
from vagus.core.sights import KINDS, Sight, read_sights, write_sights

JOINT = JointSpec(name="j", position_min=-1, position_max=1, speed_max=1, acceleration_max=1, effort_max=1)
SPEC = RobotSpec(name="r", joints=(JOINT,), groups=(GroupSpec(name="g", joints=("j",)),))
SIGHTS = st.builds(Sight, st.integers(0, 79), st.floats(0, 1, width=32),
                   st.tuples(*[st.floats(0, 640, width=32)] * 4))  # fmt: skip


def test_the_kinds_are_those_of_coco_in_its_order() -> None:
    names = [name for name, _ in KINDS]
    assert (len(names), len(set(names)), len({ko for _, ko in KINDS})) == (80, 80, 80)
    assert [names[k] for k in (0, 15, 39, 41, 56, 79)] == ["person", "cat", "bottle", "cup", "chair", "toothbrush"]
    assert KINDS[15] == ("cat", "고양이")


@given(st.lists(SIGHTS, max_size=20))
def test_the_surest_survive_the_trip(sights: list[Sight]) -> None:
    record = m.blank(m.sights(SPEC))
    write_sights(record, sights)
    assert read_sights(record) == sorted(sights, key=lambda one: -one.score)[: m.N_SIGHTS]


def test_what_is_not_there_any_more_and_what_is_no_kind_is_not_read() -> None:
    record = m.blank(m.sights(SPEC))
    write_sights(record, [Sight(3, 0.9, (0, 0, 5, 5)), Sight(4, 0.8, (0, 0, 5, 5))])
    record["kind"][0] = 200
    assert [one.kind for one in read_sights(record)] == [4]
    write_sights(record, [])
    assert read_sights(record) == []
    assert np.isnan(record["box"]).all()


@pytest.mark.parametrize("n", [m.N_SIGHTS + 1, 2**32 - 1])
def test_a_count_that_is_too_large_reads_no_further_than_there_is(n: int) -> None:
    record = m.blank(m.sights(SPEC))
    record["n"] = n
    assert len(read_sights(record)) == m.N_SIGHTS
