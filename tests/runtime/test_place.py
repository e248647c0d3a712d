"""Putting things: the whole robot in virtual time, real physics, told where things are; judged by the world."""

import numpy as np
import pytest
from seer import Seer

from vagus.core.things import Thing
from vagus.world.room import SHELF_HEIGHTS

pytestmark = pytest.mark.lockstep

BEFORE_TABLE = (0.25, 0.1, 0.0)
AWAY = (-2.0, -2.0, 0.2)


def at(robot: Seer, name: str) -> Thing:
    return robot.things()[robot.number(name) - 1]


def move(robot: Seer, name: str, place: tuple[float, ...], quat: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)) -> None:
    """Put an object somewhere in the world of the scene, at rest."""
    joint = robot.sim.model.joint(name)
    q, v = joint.qposadr[0], joint.dofadr[0]
    robot.data.qpos[q : q + 7] = *place, *quat
    robot.data.qvel[v : v + 6] = 0.0


def is_upright(robot: Seer, name: str) -> bool:
    return bool(robot.data.body(name).xmat.reshape(3, 3)[2, 2] > 0.999)


def holding(name: str) -> Seer:
    """Return a robot that has picked something up."""
    robot = Seer(1, BEFORE_TABLE)
    outcome = robot.do("pick", {"thing": robot.number(name)})
    assert outcome.ok, outcome
    return robot


@pytest.fixture(scope="module")
def keeper() -> Seer:
    """A robot that holds the bottle; no test with it may end with the bottle put down."""
    return holding("white_bottle")


def felt(robot: Seer) -> float:
    """Return the largest force on a pad [N]."""
    touch = robot.lockstep.streams.reader("touch").latest()
    return 0.0 if touch is None else float(touch["force"].max())


def is_held(robot: Seer, name: str) -> bool:
    tips = [robot.data.site(f"{side}_tip").xpos for side in ("left", "right")]
    return min(float(np.linalg.norm(tip - robot.data.body(name).xpos)) for tip in tips) < 0.10


def test_it_is_put_next_to_what_is_named_and_nothing_else_is_moved() -> None:
    robot = holding("white_bottle")
    before = {obj.name: robot.data.body(obj.name).xpos.copy() for obj in robot.scene.objects}
    outcome = robot.do("place", {"where": "next_to", "target": robot.number("green_can")})
    assert outcome.ok, outcome
    robot.advance(0.5)
    bottle, can = at(robot, "white_bottle"), at(robot, "green_can")
    gap = np.linalg.norm((bottle.centre - can.centre)[:2]) - 0.5 * (bottle.size[0] + can.size[0])
    assert 0.02 < gap < 0.10
    assert is_upright(robot, "white_bottle")
    assert all(np.linalg.norm(robot.data.body(name).xpos - place) < 0.005
               for name, place in before.items() if name != "white_bottle")  # fmt: skip


def test_it_is_lowered_into_a_bowl_and_stays_there() -> None:
    robot = holding("white_bottle")
    outcome = robot.do("place", {"where": "in", "target": robot.number("green_bowl")})
    assert outcome.ok, outcome
    robot.advance(0.5)
    bottle, bowl = at(robot, "white_bottle"), at(robot, "green_bowl")
    assert np.linalg.norm((bottle.centre - bowl.centre)[:2]) < 0.5 * (bowl.size[0] - bottle.size[0])
    assert 0.0 < bottle.foot - bowl.foot < 0.01
    assert is_upright(robot, "white_bottle")


def test_what_is_cleared_away_goes_to_another_board() -> None:
    robot = holding("white_bottle")
    outcome = robot.do("clear", {})
    assert outcome.ok, outcome
    robot.advance(0.5)
    bottle = at(robot, "white_bottle")
    assert min(abs(bottle.foot - height) for height in SHELF_HEIGHTS) < 0.01
    assert is_upright(robot, "white_bottle")


def test_after_driving_about_it_is_put_back_where_it_was() -> None:
    robot = Seer(1, BEFORE_TABLE)
    before = robot.data.body("white_bottle").xpos.copy()
    assert robot.do("pick", {"thing": robot.number("white_bottle")}).ok
    for trip in ({"distance_m": -0.5}, {"turn_deg": 40.0}):
        assert robot.do("drive", trip).ok
    assert is_held(robot, "white_bottle")
    outcome = robot.do("put_back", {})
    assert outcome.ok, outcome
    robot.advance(0.5)
    assert np.linalg.norm(robot.data.body("white_bottle").xpos - before) < 0.02
    assert is_upright(robot, "white_bottle")


@pytest.mark.parametrize(
    ("where", "target", "why"),
    [("next_to", 99, "not_seen"), ("next_to", 8, "in_hand"), ("in", 5, "not_a_bowl"), ("on", 12, "not_flat")],
)
def test_where_it_cannot_be_put_it_stays_in_the_hand(keeper: Seer, where: str, target: int, why: str) -> None:
    outcome = keeper.do("place", {"where": where, "target": target})
    assert (outcome.ok, outcome.reason) == (False, why)
    assert is_held(keeper, "white_bottle")


def test_what_it_shall_be_next_to_may_be_gone_meanwhile(keeper: Seer) -> None:
    outcome = keeper.do("place", {"where": "next_to", "target": keeper.number("green_can")},
                        meanwhile=lambda: keeper.unseen.add("green_can"))  # fmt: skip
    keeper.unseen.clear()
    assert (outcome.ok, outcome.reason) == (False, "target_gone")
    assert is_held(keeper, "white_bottle")


def test_it_is_not_put_back_where_something_else_stands_now(keeper: Seer) -> None:
    cup = keeper.data.body("orange_cup").xpos.copy()
    move(keeper, "orange_cup", (1.0, 0.25, cup[2]))
    keeper.advance(0.3)
    outcome = keeper.do("put_back", {})
    move(keeper, "orange_cup", tuple(cup))
    assert (outcome.ok, outcome.reason) == (False, "place_taken")
    assert is_held(keeper, "white_bottle")


def test_what_is_not_there_after_it_was_let_go_is_a_failure_with_its_reason() -> None:
    robot = holding("white_bottle")
    x, y, z = robot.data.body("white_bottle").xpos - [0.0, 0.0, 0.1]
    for why, place, quat in (("not_there", (x, y - 0.12, z), (1.0, 0.0, 0.0, 0.0)),
                             ("fell_over", (x, y, z - 0.07), (0.5**0.5, 0.0, 0.5**0.5, 0.0)),
                             ("not_seen_there", AWAY, (1.0, 0.0, 0.0, 0.0))):  # fmt: skip
        if not is_held(robot, "white_bottle"):
            move(robot, "white_bottle", (x, y, z))
            robot.advance(0.3)
            assert robot.do("pick", {"thing": robot.number("white_bottle")}).ok

        def push(place: tuple[float, float, float] = place, quat: tuple[float, ...] = quat) -> None:
            if felt(robot) < 0.2:
                move(robot, "white_bottle", place, quat)

        outcome = robot.do("put_down", {}, meanwhile=push)
        assert (outcome.ok, outcome.reason) == (False, why)


def test_what_is_taken_out_of_the_hand_on_the_way_is_noticed() -> None:
    robot = holding("white_bottle")
    start_ns = robot.lockstep.now_ns

    def steal() -> None:
        if robot.lockstep.now_ns - start_ns > 2_000_000_000:
            move(robot, "white_bottle", AWAY)

    outcome = robot.do("place", {"where": "next_to", "target": robot.number("green_can")}, meanwhile=steal)
    assert (outcome.ok, outcome.reason) == (False, "lost_it")
    assert robot.do("put_down", {}).reason == "empty_handed"
