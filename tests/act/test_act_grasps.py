"""Grasps: geometry that holds for every shape and size a hand can take."""

import math

import numpy as np
import pytest

from vagus.act.grasps import grasps
from vagus.core.things import SHAPES, Thing

OPENING = 0.08
SIZES = {"cup": (0.066, 0.066, 0.09), "bottle": (0.06, 0.06, 0.19), "box": (0.07, 0.05, 0.10), "ball": (0.06,) * 3,
         "can": (0.06, 0.06, 0.11), "bowl": (0.12, 0.12, 0.055)}  # fmt: skip
SHOULDER = np.array([0.02, 0.2, 1.0])
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)


def thing(shape: str, yaw: float = 0.3, size: tuple[float, float, float] | None = None) -> Thing:
    size = size or SIZES[shape]
    return Thing(id=1, shape=shape, colour="red", centre=np.array([0.5, 0.1, 0.75 + 0.5 * size[2]]), yaw=yaw, size=size,
                 sigma=0.0, seen_ns=0)  # fmt: skip


@EACH_SHAPE
def test_every_grasp_is_a_pose_that_comes_down_with_level_fingers(shape: str) -> None:
    found = list(grasps(thing(shape), SHOULDER, OPENING))
    assert found
    for grasp in found:
        R = grasp.X_BT[:3, :3]
        np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) == pytest.approx(1.0)
        assert R[2, 1] == pytest.approx(0.0, abs=1e-12)  # closing is level
        assert grasp.approach[2] < 0.0
        assert grasp.width + 0.01 <= OPENING


@EACH_SHAPE
def test_neither_fingers_nor_palm_reach_into_the_board(shape: str) -> None:
    for grasp in grasps(thing(shape), SHOULDER, OPENING):
        for along, half in ((0.018, 0.011), (-0.074, 0.024)):  # ends of the fingers, front of the palm
            end = grasp.X_BT[:3, 3] + along * grasp.approach
            low = end[2] - half * abs(grasp.X_BT[2, 0])
            assert low > 0.75 + 0.004


@EACH_SHAPE
def test_what_is_between_the_fingers_is_the_thing(shape: str) -> None:
    one = thing(shape)
    for grasp in grasps(one, SHOULDER, OPENING):
        off = np.linalg.norm(grasp.X_BT[:2, 3] - one.centre[:2])
        assert off == pytest.approx(0.056 if shape == "bowl" else 0.0, abs=1e-9)  # a bowl by its wall
        assert one.foot < grasp.X_BT[2, 3] < one.top + 0.01


def test_a_box_is_taken_across_a_side_that_fits() -> None:
    wide = thing("box", size=(0.095, 0.05, 0.10))
    for grasp in grasps(wide, SHOULDER, OPENING):
        across = grasp.X_BT[:2, 1] @ [math.cos(wide.yaw), math.sin(wide.yaw)]
        assert abs(across) < 1e-9
        assert grasp.width == 0.05


def test_what_is_wider_than_the_hand_is_not_taken() -> None:
    assert not list(grasps(thing("can", size=(0.075, 0.075, 0.1)), SHOULDER, OPENING))


@pytest.mark.parametrize("yaw", [0.0, 1.5, 3.0, -1.5])
def test_no_finger_meets_a_cups_handle(yaw: float) -> None:
    for grasp in grasps(thing("cup", yaw), SHOULDER, OPENING):
        handle = np.array([math.cos(yaw), math.sin(yaw)])
        assert abs(grasp.X_BT[:2, 1] @ handle) < math.cos(0.5)  # a finger is at least half a radian from it


def test_the_first_grasp_comes_from_where_the_arm_is() -> None:
    first = next(grasps(thing("can"), SHOULDER, OPENING))
    ahead = thing("can").centre[:2] - SHOULDER[:2]
    np.testing.assert_allclose(first.approach[:2] / np.linalg.norm(first.approach[:2]), ahead / np.linalg.norm(ahead))
