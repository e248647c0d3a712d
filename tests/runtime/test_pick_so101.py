"""The SO-101 picks things up from its desk: real pictures, its own calibration, virtual time; judged by the world."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vagus.body.calibrate import PoseCfg
from vagus.core import messages as m
from vagus.core.seen import read_things
from vagus.core.things import Thing
from vagus.runtime.calibrate import CalibrateCfg, Calibrated, calibrate
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.world.simulation import Simulation

pytestmark = pytest.mark.lockstep

SO101 = host_file().with_name("so101.py")
SEED = 1


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    out: Path = tmp_path_factory.mktemp("calibration") / "so101.json"
    return calibrate(CalibrateCfg(robot_file=SO101, seed=SEED, out=out, poses=PoseCfg(n_per_arm=10)))


class Desk:
    """The arm at its desk, with a camera that renders."""

    def __init__(self, calibration: Path, room: int) -> None:
        run, robot = prepare(SO101, seed=SEED, calibration=calibration)
        robot = replace(robot, simulated=replace(robot.simulated, room=room))
        self.robot = Lockstep(run, cameras=True, robot=robot)
        self.sim: Simulation = self.robot.nodes["world"].node._body.simulation  # the truth behind the wall

    def things(self) -> list[Thing]:
        seen = self.robot.streams.reader("objects").latest()
        return [] if seen is None else list(read_things(seen))

    def say(self, words: str) -> dict[str, Any]:
        outcomes = self.robot.streams.reader("outcome")
        outcomes.since()
        self.robot.say(words)
        for _ in self.robot.run_for(60.0):
            for record in outcomes.since():
                return json.loads(m.get_text(record))
        raise AssertionError(f"nothing came of {words!r} in a minute")


def test_a_camera_that_does_not_move_is_calibrated_by_looking_at_the_hand(calibrated: Calibrated) -> None:
    assert calibrated.held_out_after < 0.003 < calibrated.held_out_before


def test_what_stands_on_the_desk_is_seen_where_it_is(calibrated: Calibrated) -> None:
    desk = Desk(calibrated.file, room=2)
    desk.robot.advance(1.5)
    seen = {f"{t.colour}_{t.shape}": t for t in desk.things()}
    for obj in desk.sim.scene.objects:
        np.testing.assert_allclose(seen[obj.name].centre, desk.sim.data.body(obj.name).xpos, atol=0.008)


@pytest.mark.parametrize(("shape", "words"), [("ball", "pick up the {} ball"), ("can", "pick up the {} can")])
def test_a_thing_that_is_named_is_picked_up_and_stays_in_the_hand(
    calibrated: Calibrated, shape: str, words: str
) -> None:
    desk = Desk(calibrated.file, room=2)
    desk.robot.advance(1.5)
    obj = next(o for o in desk.sim.scene.objects if o.shape == shape)
    body, tip = desk.sim.data.body(obj.name), desk.sim.data.site("tip")
    low = float(body.xpos[2])
    outcome = desk.say(words.format(obj.colour))
    assert outcome["ok"], outcome
    before = body.xpos - tip.xpos
    desk.robot.advance(2.0)  # no skill has the hand any more: it keeps its grip
    assert body.xpos[2] - low > 0.05
    assert np.linalg.norm(body.xpos - tip.xpos - before) < 0.003


def test_what_is_out_of_reach_is_said_to_be_so_and_the_arm_stays_where_it_is(calibrated: Calibrated) -> None:
    desk = Desk(calibrated.file, room=2)
    ball = next(o for o in desk.sim.scene.objects if o.shape == "ball")
    at = desk.sim.model.joint(ball.name).qposadr[0]
    desk.sim.data.qpos[at : at + 2] = 0.42, 0.0
    desk.robot.advance(2.0)
    q = desk.sim.data.qpos[:5].copy()
    outcome = desk.say(f"pick up the {ball.colour} ball")
    assert (outcome["ok"], outcome["reason"]) == (False, "out_of_reach")
    np.testing.assert_allclose(desk.sim.data.qpos[:5], q, atol=0.01)
