"""Eyes that see the truth: publish what stands in the simulated room as perception would, for tests of skills.

Tests of skills alone: what the robot itself does never sees this.
"""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from vagus.act.runner import Ended, RunnerOutput
from vagus.act.scene import level_pose
from vagus.act.skill import Observation, Outcome
from vagus.core import messages as m
from vagus.core.frames import invert
from vagus.core.seen import write_people, write_supports, write_things
from vagus.core.things import Person, Support, Thing
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.world.person import HAND, Behaviour, palm_of
from vagus.world.simulation import Simulation

PERIOD_NS = 100_000_000
_DONE_ID = 1_000_000
"""What ``do`` starts skills under: beyond what words come to."""


class Seer:
    """The host in lockstep, without cameras; things and boards are told ten times a second."""

    def __init__(self, seed: int, start: tuple[float, float, float], room: int | None = None,
                 person: Behaviour = "stands") -> None:  # fmt: skip
        run, robot = prepare(host_file(), seed=seed)
        run = replace(run, person=person)
        robot = replace(robot, simulated=replace(robot.simulated, start=start, room=room))
        self.scene = robot.build_scene(run.scene, seed)
        self.lockstep = Lockstep(run, robot=robot)
        self.sim = _simulation(self.lockstep)
        self._out = self.lockstep.streams.writer("objects")
        self._next_ns = 0
        self.unseen: set[str] = set()
        """Names of objects that the eyes do not see."""
        self.advance(0.3)

    @property
    def data(self) -> mujoco.MjData:
        return self.sim.data

    def start_pose(self) -> np.ndarray:
        """Return where odometry began, in the world of the scene."""
        return level_pose(*self.lockstep.context.robot.simulated.start)

    def things(self) -> list[Thing]:
        """Return all objects, in the frame where odometry began."""
        X = invert(self.start_pose())
        found: list[Thing] = []
        for k, obj in enumerate(self.scene.objects):
            body = self.data.body(obj.name)
            R = X[:3, :3] @ body.xmat.reshape(3, 3)
            centre = (X @ [*body.xpos, 1.0])[:3]
            width, depth, height = obj.size
            size = obj.size if abs(R[2, 2]) > 0.7 else (height, depth, width)  # what lies is as low as it is wide
            found.append(Thing(id=k + 1, shape=obj.shape, colour=obj.colour, centre=centre,
                               yaw=math.atan2(R[1, 0], R[0, 0]), size=size, sigma=0.002,
                               seen_ns=self.lockstep.now_ns))  # fmt: skip
        return found

    def palm(self) -> np.ndarray:
        """Return the middle of the palm that the person may hold out, in the world of the scene."""
        forearm = self.data.body(HAND)
        return palm_of(forearm.xpos, forearm.xmat.reshape(3, 3))

    def people(self) -> list[Person]:
        """Return whoever is there, in the frame where odometry began; a hand that is level is held out."""
        X = invert(self.start_pose())
        hand, is_out = self.palm(), self.data.body(HAND).xmat.reshape(3, 3)[2, 0] > 0.95
        return [Person(place=(X @ [*self.data.body("person_torso").xpos, 1.0])[:2], height=1.7,
                       hand=(X @ [*hand, 1.0])[:3] if is_out else None, sigma=0.03,
                       seen_ns=self.lockstep.now_ns)]  # fmt: skip

    def number(self, name: str) -> int:
        """Return the number of the object of that name."""
        return [obj.name for obj in self.scene.objects].index(name) + 1

    def say(self, words: str, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Say something, call ``meanwhile`` after every tick until something came of it, and return that."""
        outcomes = self.lockstep.streams.reader("outcome")
        outcomes.since()
        self.lockstep.say(words)
        for _ in range(60_000):
            self.step()
            meanwhile()
            for record in outcomes.since():
                return json.loads(m.get_text(record))
        raise AssertionError(f"nothing came of {words!r} in two minutes")

    def do(self, skill: str, args: dict[str, Any], meanwhile: Callable[[], None] = lambda: None) -> Outcome:
        """Run one skill, call ``meanwhile`` after every tick until it has ended, and return its outcome."""
        runner = self.lockstep.nodes["brain"].node._runner
        step, ended = runner.step, list[Ended]()

        def watched(obs: Observation) -> RunnerOutput:
            out = step(obs)
            ended.extend(one for one in out.outcomes if one.id == _DONE_ID)
            return out

        runner.step = watched
        runner.start(skill, args, _DONE_ID)
        while not ended:
            self.step()
            meanwhile()
        runner.step = step
        return ended[0].outcome

    def step(self) -> None:
        now_ns = self.lockstep.step()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + PERIOD_NS
        record = m.blank(m.objects(self.lockstep.run.spec))
        record["stamp_ns"] = now_ns
        write_things(record, [t for t in self.things() if self.scene.objects[t.id - 1].name not in self.unseen])
        X = invert(self.start_pose())
        boards: list[Support] = []
        for geom in ("table", "shelf_0", "shelf_1", "shelf_2"):
            at, half = self.data.geom(geom).xpos, self.sim.model.geom(geom).size
            corners = at[:2] + half[:2] * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
            boards.append(Support(corners=corners @ X[:2, :2].T + X[:2, 3], height=float(at[2] + half[2])))
        write_supports(record, boards)
        write_people(record, self.people())
        self._out.publish(record)

    def advance(self, seconds: float) -> None:
        end_ns = self.lockstep.now_ns + round(seconds * 1e9)
        while self.lockstep.now_ns < end_ns:
            self.step()


def _simulation(lockstep: Lockstep) -> Simulation:
    body = lockstep.nodes["world"].node._body  # the truth behind the wall
    return body.simulation
