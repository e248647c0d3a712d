"""What the robot perceives, as the page is told it."""

import math
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from vagus.core import messages as m
from vagus.core.sights import Sight, write_sights
from vagus.core.things import COLOURS, SHAPES
from vagus.page.watch import ThingsWatch
from vagus.streams.streams import Streams, memory_streams
from vagus.streams.table import stream_table

SPEC = run_path(str(Path(__file__).parents[2] / "robots" / "host.py"))["robot"].spec
S = 1_000_000_000


@pytest.fixture
def streams() -> Streams:
    return memory_streams(stream_table(SPEC, None))


def publish(streams: Streams, *, counter: int = 7, n: int = 1) -> None:
    record = m.blank(m.objects(SPEC))
    record["counter"], record["n"], record["box"] = counter, n, np.nan
    record["origin_ns"][SPEC.sensor_index("camera.head")] = 9 * S
    for k in range(n):
        record["id"][k], record["seen_ns"][k], record["centre"][k] = k + 1, (9 - k) * S, (1.0, 3.0, 0.8)
        record["shape"][k], record["colour"][k] = SHAPES.index("bowl"), COLOURS.index("blue")
        record["yaw"][k], record["size"][k] = 0.25, (0.12, 0.12, 0.05)
    record["box"][0] = (10, 20, 30, 40)
    streams.writer("objects").publish(record)


def test_nothing_is_told_before_a_picture_was_looked_at(streams: Streams) -> None:
    assert ThingsWatch(SPEC, streams).read(10 * S) is None


def test_a_thing_is_told_from_where_the_base_is_now(streams: Streams) -> None:
    at = m.blank(m.odometry(SPEC))
    at["x"], at["y"], at["yaw"] = 1.0, 2.0, math.pi / 2
    streams.writer("odometry").publish(at)
    publish(streams)
    told = ThingsWatch(SPEC, streams).read(10 * S)
    assert told is not None
    thing = told.things[0]
    assert thing.p == pytest.approx([1.0, 0.0, 0.8], abs=1e-4)
    assert thing.yaw == pytest.approx(0.25 - math.pi / 2, abs=1e-4)
    assert (thing.colour, thing.shape, thing.age_s, thing.box) == ("blue", "bowl", 1.0, [10, 20, 30, 40])
    assert (told.counter, told.age_s) == (7, 1.0)


def test_what_the_picture_does_not_show_has_no_box_and_its_own_age(streams: Streams) -> None:
    publish(streams, n=2)
    told = ThingsWatch(SPEC, streams).read(10 * S)
    assert told is not None
    assert (told.things[1].box, told.things[1].age_s) == (None, 2.0)


def test_what_a_detector_makes_out_is_told_beside_it_until_it_is_old(streams: Streams) -> None:
    made_out = m.blank(m.sights(SPEC))
    made_out["origin_ns"][SPEC.sensor_index("camera.head")] = 8 * S
    write_sights(made_out, [Sight(15, 0.75, (1.0, 2.0, 30.0, 40.0))])
    streams.writer("sights").publish(made_out)
    publish(streams)
    told = ThingsWatch(SPEC, streams).read(10 * S)
    assert told is not None
    (sight,) = told.sights
    assert (sight.name, sight.score, sight.box) == (["cat", "고양이"], 0.75, [1.0, 2.0, 30.0, 40.0])
    later = ThingsWatch(SPEC, streams).read(11 * S)
    assert later is not None
    assert later.sights == []


def test_a_picture_is_told_of_once(streams: Streams) -> None:
    watch = ThingsWatch(SPEC, streams)
    publish(streams)
    assert watch.read(10 * S) is not None
    assert watch.read(11 * S) is None
    publish(streams, counter=8)
    assert watch.read(11 * S) is not None
