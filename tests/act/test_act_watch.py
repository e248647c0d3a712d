"""Watching: the head follows what moves, on pictures that are young, and keeps still without them."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ideal import IdealRobot, load

from vagus.act.look import facing
from vagus.act.runner import RunnerOutput
from vagus.act.skill import Followed, Observation
from vagus.core.ages import UNUSED
from vagus.core.things import Person, Thing

HOST = load("host")
LATE_NS = 60_000_000
"""From an exposure to when it is known what it shows."""


class Seeing(IdealRobot):
    """A robot that sees somebody at ``path`` (of the time in seconds): pictures 30 times a second."""

    def __init__(self, path: Callable[[float], tuple[float, float, float]]) -> None:
        super().__init__(*HOST)
        self.path, self.frozen_ns, self.things = path, 10**18, ()
        self.eye = self.spec.sensor_index(self.spec.eye.name)
        self.is_gazing = False

    def at(self, at_ns: int) -> np.ndarray:
        return np.array(self.path(at_ns * 1e-9))

    def observe(self) -> Observation:
        seen_ns = min(self.frozen_ns, (self.now_ns - LATE_NS) // 33_000_000 * 33_000_000)
        at = self.at(seen_ns)
        origin_ns = np.full(len(self.spec.sensors), UNUSED, np.int64)
        origin_ns[self.eye] = seen_ns
        followed = Followed(point=at, seen_ns=seen_ns, origin_ns=origin_ns) if self.is_gazing else None
        person = Person(place=at[:2], height=at[2] + 0.11, hand=None, sigma=0.02, seen_ns=seen_ns)
        return replace(super().observe(), followed=followed, people=(person,), things=self.things)

    def step(self) -> RunnerOutput:
        out = super().step()
        self.is_gazing = out.gaze is not None
        return out

    def off_deg(self) -> float:
        head, axis = facing(self.runner._context, self.spec.neck, self.q)
        out = self.at(self.now_ns) - head
        return math.degrees(math.acos(float(out @ axis) / float(np.linalg.norm(out))))

    def neck(self) -> np.ndarray:
        return self.q[[self.spec.joint_index(self.spec.neck.yaw), self.spec.joint_index(self.spec.neck.pitch)]]


def test_the_head_turns_to_somebody_and_stays_on_them() -> None:
    robot = Seeing(lambda _t: (1.2, 0.5, 1.5))
    robot.runner.start("watch", {"seconds": 3.0}, 1)
    robot.run(2.0)
    assert robot.off_deg() < 1.5
    assert robot.finish().outcome.ok


@pytest.mark.parametrize("speed", [0.4, 0.8])
def test_the_head_follows_somebody_who_walks_by(speed: float) -> None:
    robot = Seeing(lambda t: (1.5, -1.0 + speed * t, 1.5))
    robot.runner.start("watch", {"seconds": 2.5}, 1)
    robot.run(1.0)
    off: list[float] = []
    for _ in range(120):
        robot.step()
        off.append(robot.off_deg())
    assert max(off) < 30.0 * speed  # 0.8 m/s at 1.5 m are 30 degrees a second: a second's way would be all of that
    assert robot.finish().outcome.ok


def test_every_command_is_as_old_as_its_picture_and_none_is_older_than_the_budget() -> None:
    robot = Seeing(lambda t: (1.5, -0.8 + 0.5 * t, 1.5))
    robot.runner.start("watch", {"seconds": 2.0}, 1)
    robot.finish()
    moved = [c for c in robot.commands if int(c["origin_ns"][robot.eye]) != UNUSED]
    assert len(moved) > 100
    ages = [int(c["stamp_ns"]) - int(c["origin_ns"][robot.eye]) for c in moved]
    assert max(ages) < 160_000_000 <= 200_000_000 == int(moved[0]["budget_ns"][robot.eye])


def test_without_young_pictures_the_head_keeps_still_and_it_says_that_it_sees_nothing() -> None:
    robot = Seeing(lambda t: (1.5, -1.0 + 0.5 * t, 1.5))
    robot.runner.start("watch", {"seconds": 60.0}, 1)
    robot.run(2.0)
    robot.frozen_ns = robot.now_ns  # the camera is dead
    robot.run(0.6)
    still = robot.neck()
    robot.run(0.8)
    np.testing.assert_allclose(robot.neck(), still, atol=1e-6)
    assert robot.finish(30.0).outcome.reason == "lost_sight"


def test_a_thing_is_watched_by_its_number_and_one_that_is_not_there_is_refused() -> None:
    robot = Seeing(lambda _t: (0.9, -0.3, 0.80))
    robot.things = (Thing(id=5, shape="ball", colour="red", centre=np.array([0.9, -0.3, 0.78]), yaw=0.0, sigma=0.003,
                          size=(0.06, 0.06, 0.06), seen_ns=0),)  # fmt: skip
    robot.runner.start("watch", {"thing": 5, "seconds": 2.0}, 1)
    assert robot.finish().outcome.ok
    assert robot.off_deg() < 1.5
    robot.runner.start("watch", {"thing": 6}, 2)
    assert robot.finish().outcome.reason == "not_seen"
