"""What stands around: distances against brute force, and a skin that leaves nothing of the robot out."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.act.kinematics import Kinematics
from vagus.act.surroundings import Skin, Surroundings, board_of, solid_of
from vagus.body.load import load_robot
from vagus.core.things import Support, Thing

ROBOT = load_robot(Path(__file__).resolve().parents[2] / "robots" / "host.py")
KINEMATICS = Kinematics(ROBOT.build_model().compile(), ROBOT.spec)


def thing(shape: str, yaw: float = 0.0) -> Thing:
    return Thing(id=1, shape=shape, colour="red", centre=np.array([0.4, -0.1, 0.8]), yaw=yaw, size=(0.1, 0.06, 0.2),
                 sigma=0.0, seen_ns=0)  # fmt: skip


SQUARE = Support(corners=np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), height=0.75)


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        ((0.4, -0.1, 1.0), 0.1),  # above
        ((0.4, -0.1, 0.65), 0.05),  # below
        ((0.6, -0.1, 0.8), 0.15),  # beside
        ((0.6, -0.1, 1.1), 0.25),  # 0.15 beside and 0.2 above
        ((0.4, -0.1, 0.89), -0.01),  # inside, nearest to the top
        ((0.44, -0.1, 0.8), -0.01),  # inside, nearest to the side
    ],
)
def test_distance_to_an_upright_can_is_as_worked_by_hand(point: tuple[float, float, float], distance: float) -> None:
    around = Surroundings([solid_of(thing("can"))])
    assert around.distance(np.array([point])) == pytest.approx([distance], abs=1e-9)
    assert around.nearest(np.array([point]))[0] == pytest.approx([distance], abs=1e-9)


def test_a_box_turns_with_its_thing_and_a_board_lies_under_its_face() -> None:
    quarter = Surroundings([solid_of(thing("box", 0.5 * np.pi))])
    assert quarter.distance(np.array([[0.4, 0.0, 0.8]])) == pytest.approx([0.05])  # its long side is along y now
    board = Surroundings([board_of(SQUARE, 0.04)])
    points = np.array([[0.5, 0.5, 0.85], [0.5, 0.5, 0.6], [-0.2, 0.5, 0.73], [0.5, 0.5, 0.74]])
    assert board.distance(points) == pytest.approx([0.10, 0.11, 0.20, -0.01])


@given(st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3))
def test_going_away_adds_to_the_distance(at: list[float]) -> None:
    around = Surroundings([solid_of(thing("can")), solid_of(thing("box", 0.7)), board_of(SQUARE, 0.04)])
    point = np.array([at])
    distance, away = around.nearest(point)
    step = 1e-4
    gained = around.distance(point + step * away) - distance
    assert gained >= 0.5 * step or distance[0] < 0.0  # a corner between two sides gains less
    assert np.linalg.norm(away) == pytest.approx(1.0)


def test_nothing_around_is_infinitely_far() -> None:
    nothing = Surroundings([])
    assert np.isinf(nothing.distance(np.zeros((2, 3)))).all()
    assert np.isinf(nothing.nearest(np.zeros((2, 3)))[0]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_skin_touches_whatever_the_robot_touches(seed: int) -> None:
    """A pin is put against a random place on a random part: the skin says that it touches, to within its ripples."""
    rng = np.random.default_rng(seed)
    model, data = KINEMATICS.model, KINEMATICS.data
    low, high = np.nan_to_num(KINEMATICS.low, neginf=0.0), np.nan_to_num(KINEMATICS.high, posinf=0.0)
    q = rng.uniform(low, high)
    skin = Skin(KINEMATICS)
    points = skin.points(q)
    for geom in np.flatnonzero(model.geom_contype):
        out = rng.standard_normal(3)
        out /= np.linalg.norm(out)
        surface = _farthest(model, data, int(geom), out)
        gap = np.min(np.linalg.norm(points - surface, axis=1) - skin.radius)
        assert gap < 0.016, model.geom(int(geom)).name  # a box's edges are rounded by its half thickness


def _farthest(model: mujoco.MjModel, data: mujoco.MjData, geom: int, out: np.ndarray) -> np.ndarray:
    from vagus.core.articulation import Shapes

    return Shapes(model, np.array([geom]), data.geom_xpos, data.geom_xmat).farthest(out)[0]


def test_the_skin_of_one_arm_is_that_arm() -> None:
    arm = ROBOT.spec.arms[0]
    skin = Skin(KINEMATICS, [*arm.joints, "left_gripper"])
    names = {KINEMATICS.model.body(int(b)).name for b in skin.body}
    assert all(name.startswith("left_") for name in names)
    fingers = skin.moved_by(["left_gripper"])
    assert {KINEMATICS.model.body(int(b)).name for b in skin.body[fingers]} == {
        "left_finger_inner",
        "left_finger_outer",
    }
