"""Messages: layouts aligned as CDR aligns them, described without loss, words that survive the trip."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.core import messages as m
from vagus.core.ages import N_BUCKETS, UNUSED
from vagus.core.errors import CommandError
from vagus.core.robot import CameraSpec, GroupSpec, JointSpec, LidarSpec, RobotSpec, SensorSpec, TouchSpec

Layout = np.dtype[np.void]


def robot(n_joints: int) -> RobotSpec:
    """A robot of n joints (odd numbers make padding), one group each, and every kind of sensor."""
    names = [f"j{i}" for i in range(n_joints)]
    joint = JointSpec(name="j", position_min=-1, position_max=1, speed_max=1, acceleration_max=1, effort_max=1)
    return RobotSpec(
        name="r",
        joints=tuple(replace(joint, name=name) for name in names),
        groups=tuple(GroupSpec(name=name, joints=(name,)) for name in names),
        imu=SensorSpec(name="imu", rate_hz=200, max_age_s=0.1),
        touch=TouchSpec(name="touch", rate_hz=100, max_age_s=0.1, pads=("a", "b", "c")),
        lidar=LidarSpec(name="lidar", rate_hz=10, max_age_s=0.3, n_rays=7),
        cameras=(CameraSpec(name="camera.head", rate_hz=30, max_age_s=0.2, width=5, height=3),),
    )


def layouts(spec: RobotSpec) -> dict[str, Layout]:
    plain = (m.joint_state, m.joint_command, m.actuation, m.command, m.request, m.reflex, m.clearance, m.proximity,
             m.odometry, m.objects, m.imu, m.touch, m.lidar, m.text, m.stats, m.ages)  # fmt: skip
    named = {make.__name__: make(spec) for make in plain}
    return {**named, "camera": m.camera(spec, spec.cameras[0]), "scene": m.scene(spec, nq=9, nmocap=2, nbody=3)}


ALL = [pytest.param(layout, id=f"{name}-{n}") for n in (1, 2, 3, 7, 31) for name, layout in layouts(robot(n)).items()]


def fields(layout: Layout) -> list[tuple[str, Layout, int]]:
    assert layout.fields is not None
    return [(name, sub, offset) for name, (sub, offset, *_) in layout.fields.items()]


@pytest.mark.parametrize("layout", ALL)
def test_every_field_starts_at_a_multiple_of_its_item_size(layout: Layout) -> None:
    end = 0
    for name, sub, offset in fields(layout):
        size = sub.base.itemsize
        assert offset == -(-end // size) * size, name  # CDR: the next multiple of the item's size, no more
        end = offset + sub.itemsize
    assert layout.itemsize == -(-end // 8) * 8


@pytest.mark.parametrize("layout", ALL)
def test_fields_are_little_endian_numbers_of_one_two_four_or_eight_bytes(layout: Layout) -> None:
    for name, sub, _ in fields(layout):
        assert sub.base.kind in "uif", name
        assert sub.base.itemsize in (1, 2, 4, 8), name
        assert sub.base.newbyteorder("<") == sub.base, name


@pytest.mark.parametrize("layout", ALL)
def test_every_message_starts_with_stamp_and_origins_and_depends_on_nothing_when_blank(layout: Layout) -> None:
    assert (layout.names or ())[:2] == ("stamp_ns", "origin_ns")
    record = m.blank(layout)
    assert (record.shape, int(record["stamp_ns"]), record["origin_ns"].shape) == ((), 0, (5,))
    assert record["origin_ns"].tolist() == [UNUSED] * 5
    rest = [name for name in layout.names or () if name != "origin_ns"]
    assert not any(np.any(record[name]) for name in rest)


@pytest.mark.parametrize("layout", ALL)
def test_a_layout_can_be_rebuilt_from_its_description(layout: Layout) -> None:
    text = m.describe(layout)
    told = json.loads(text)
    rows = told["fields"]
    rebuilt = np.dtype({
        "names": [r["name"] for r in rows], "formats": [(r["type"], tuple(r["shape"])) for r in rows],
        "offsets": [r["offset"] for r in rows], "itemsize": told["itemsize"],
    })  # fmt: skip
    assert rebuilt == layout
    assert m.describe(rebuilt) == text


def test_different_layouts_have_different_descriptions() -> None:
    described = {m.describe(layout) for n in (2, 3) for layout in layouts(robot(n)).values()}
    same = {"actuation", "request", "proximity", "odometry", "objects", "imu", "touch", "lidar", "text", "stats",
            "ages", "camera", "scene"}  # fmt: skip
    assert same <= set(layouts(robot(1)))  # these do not depend on the joints
    assert len(described) == 2 * len(layouts(robot(2))) - len(same)


def test_what_has_no_fields_cannot_be_described() -> None:
    with pytest.raises(CommandError, match="not a structured layout: float64"):
        m.describe(np.dtype(np.float64))  # type: ignore[arg-type]


def test_array_fields_have_the_shapes_the_spec_asks_for() -> None:
    spec = robot(7)
    made = layouts(spec)
    assert made["joint_state"]["q"].shape == (7,)
    assert made["command"]["lease"].shape == (7,)
    assert made["touch"]["force"].shape == (3,)
    assert made["lidar"]["range"].shape == (7,)
    assert (made["camera"]["rgb"].shape, made["camera"]["depth"].shape) == ((3, 5, 3), (3, 5))
    assert made["clearance"]["gradient"].shape == (m.N_CLEARANCES, 7)
    assert made["ages"]["counts"].shape == (5, N_BUCKETS)


def fits(words: str) -> bool:
    return len(words.encode()) <= m.TEXT_BYTES


@given(words=st.text().filter(fits))
def test_words_survive_the_trip(words: str) -> None:
    record = m.blank(m.text(robot(1)))
    m.set_text(record, words)
    assert m.get_text(record) == words


@pytest.mark.parametrize("words", ["", "안녕하세요, 웃어 봐", "손 흔들어 👋🏽", "가" * 682 + "ab", "a" * m.TEXT_BYTES])
def test_korean_and_the_longest_words_survive_the_trip(words: str) -> None:
    record = m.blank(m.text(robot(1)))
    m.set_text(record, words)
    assert m.get_text(record) == words


def test_shorter_words_leave_nothing_of_longer_ones() -> None:
    record = m.blank(m.text(robot(1)))
    m.set_text(record, "a secret")
    m.set_text(record, "웃")
    assert m.get_text(record) == "웃"
    assert bytes(record["utf8"]).rstrip(b"\0") == "웃".encode()


@pytest.mark.parametrize("words", ["a" * (m.TEXT_BYTES + 1), "가" * 683])
def test_words_that_do_not_fit_are_refused_and_the_record_is_as_it_was(words: str) -> None:
    record = m.blank(m.text(robot(1)))
    m.set_text(record, "before")
    raw = record.tobytes()
    with pytest.raises(CommandError, match=f"text of {len(words.encode())} bytes, allowed: at most 2048"):
        m.set_text(record, words)
    assert record.tobytes() == raw


def test_bytes_that_are_not_utf8_are_shown_as_such() -> None:
    record = m.blank(m.text(robot(1)))
    m.set_text(record, "ab")
    record["utf8"][0] = 0xFF
    assert m.get_text(record) == "\ufffdb"


def test_verdicts_do_not_overlap() -> None:
    bits = [v.value for v in m.Verdict if v]
    assert all(b & (b - 1) == 0 for b in bits)
    assert len(set(bits)) == len(bits)
    assert max(bits) < 1 << 32  # the reflex message gives them 32 bits
