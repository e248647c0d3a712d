"""Claims about the simulated person: a run says what they do, and the robot's world shows it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vagus.core.errors import ConfigError
from vagus.runtime import run_dir
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare


def moved(person: str) -> float:
    """Return how far the person's trunk is after a second from where it was [m]."""
    run, robot = prepare(host_file(), seed=1, scene="room")
    whole = Lockstep(replace(run, person=person), without=("brain", "reflex"))  # pyright: ignore[reportArgumentType]
    row = robot.build_scene("room", 1).model.body("person_torso").mocapid[0]
    at = []
    scenes = whole.streams.reader("scene")
    for seconds in (0.1, 1.0):
        whole.advance(seconds)
        record = scenes.latest()
        assert record is not None
        at.append(record["mocap"][row, :3].copy())
    return float(np.linalg.norm(at[1] - at[0]))


@pytest.mark.parametrize(("person", "least", "most"), [("stands", 0.0, 0.01), ("walks_near", 0.2, 1.5)])
def test_the_person_does_in_the_world_what_the_run_says(person: str, least: float, most: float) -> None:
    assert least <= moved(person) <= most


def test_a_run_read_back_has_the_person_that_was_written(tmp_path: Path) -> None:
    run, _ = prepare(host_file(), scene="room")
    assert run.person == "stands"
    run_dir.save(tmp_path, replace(run, person="holds_out_a_hand"))
    assert run_dir.load(tmp_path).person == "holds_out_a_hand"


def test_a_person_that_can_do_no_such_thing_is_refused_with_what_they_can() -> None:
    run, _ = prepare(host_file(), scene="room")
    with pytest.raises(ConfigError, match="person: got 'dances', allowed: 'stands', 'walks_near', 'holds_out_a_hand'"):
        replace(run, person="dances")  # pyright: ignore[reportArgumentType]


def test_a_person_who_is_not_there_is_refused() -> None:
    run, _ = prepare(host_file(), scene="empty")
    with pytest.raises(ConfigError, match="person: got 'walks_near' in scene 'empty', where nobody is"):
        Lockstep(replace(run, person="walks_near"))
