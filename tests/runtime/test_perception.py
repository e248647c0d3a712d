"""Perception in the whole robot: real pictures of the simulated room, through streams, in virtual time."""

import math

import numpy as np
import pytest

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.things import COLOURS, SHAPES
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.world.camera import GL_APT

pytestmark = pytest.mark.lockstep


@pytest.fixture(scope="module")
def robot() -> Lockstep:
    """The host, uncalibrated, half a metre nearer to the table, looking down at it for two seconds."""
    try:
        robot = Lockstep(prepare(host_file(), seed=3)[0], cameras=True, without=("recorder",))
    except ConfigError as exc:
        if GL_APT in str(exc):
            pytest.skip(str(exc))
        raise
    robot.advance(0.5)
    robot.say("look down")
    robot.advance(2.5)
    return robot


def objects(robot: Lockstep) -> m.Record:
    record = robot.streams.reader("objects").latest()
    assert record is not None
    return record


def test_things_on_the_table_are_found_where_they_are(robot: Lockstep) -> None:
    """Within 6 cm: the head's encoders and camera, uncalibrated, are off by a degree or two."""
    record, scene = objects(robot), robot.streams.reader("scene").latest()
    assert scene is not None
    model = robot.context.robot.build_scene(robot.run.scene, robot.run.seed).model
    truth = {model.body(i).name: scene["body_p"][i] for i in range(model.nbody)}
    rows = range(int(record["n"]))
    seen = {f"{COLOURS[record['colour'][k]]}_{SHAPES[record['shape'][k]]}": record["centre"][k] for k in rows}
    assert len(seen.keys() & truth.keys()) >= 3
    for name in seen.keys() & truth.keys():
        assert math.dist(seen[name], truth[name]) < 0.06, name


def test_a_thing_says_how_old_it_is_and_no_age_is_hidden(robot: Lockstep) -> None:
    record = objects(robot)
    n = int(record["n"])
    slot = robot.run.spec.sensor_index("camera.head")
    assert np.all(record["seen_ns"][:n] <= record["origin_ns"][slot])
    assert 0 < robot.now_ns - int(record["origin_ns"][slot]) < 400_000_000
    assert record["origin_ns"][0] > 0  # it depends on the encoders, too


def test_boxes_are_of_the_picture_that_was_looked_at(robot: Lockstep) -> None:
    record = objects(robot)
    shown = ~np.isnan(record["box"][:, 0])
    assert shown.any()
    left, top, right, bottom = record["box"][shown].T
    assert np.all((left >= 0) & (left < right) & (right < 320))
    assert np.all((top >= 0) & (top < bottom) & (bottom < 240))


def test_a_robot_that_turned_its_head_away_remembers(robot: Lockstep) -> None:
    before = objects(robot)
    robot.say("look left 80 degrees")
    robot.advance(2.0)
    after = objects(robot)
    kept = set(before["id"][: int(before["n"])].tolist()) & set(after["id"][: int(after["n"])].tolist())
    assert len(kept) >= 3
