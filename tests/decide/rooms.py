"""A room with a few things, and what a robot makes of words in it."""

import numpy as np

from vagus.body.load import load_robot
from vagus.core.things import Thing
from vagus.decide.ground import Scene
from vagus.decide.parser import parse
from vagus.decide.plan import Plan
from vagus.decide.talk import Talk, settle
from vagus.runtime.prepare import host_file

SPEC = load_robot(host_file()).spec


def thing(number: int, colour: str, shape: str, y: float = 0.0) -> Thing:
    size = (0.06, 0.06, 0.1)
    centre = np.array([0.5, y, 0.8])
    return Thing(id=number, shape=shape, colour=colour, centre=centre, yaw=0.0, size=size, sigma=0.003, seen_ns=0)


TABLE = (thing(3, "red", "cup", 0.3), thing(4, "blue", "cup", 0.1), thing(7, "green", "ball", -0.1),
         thing(9, "orange", "can", -0.2), thing(12, "white", "bowl", -0.4))  # fmt: skip


def scene(*held: Thing, things: tuple[Thing, ...] = TABLE) -> Scene:
    return Scene(things=tuple(t for t in things if t not in held), held=held, X_BA=np.eye(4))


def plan_of(words: str, where: Scene | None = None, talk: Talk | None = None) -> tuple[Plan, Talk]:
    return settle(parse(words, SPEC), where or scene(), talk or Talk())


def calls(plan: Plan) -> list[tuple[str, dict[str, float | str]]]:
    return [(call.name, dict(call.args)) for call in plan.calls]
