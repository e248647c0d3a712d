"""Grasps of a five-joint arm: what it can do at all, what it reaches on its desk, and how far apart its fingers are."""

import math
from dataclasses import replace

import numpy as np
import pytest
from ideal import load

from vagus.act.grasp_plan import GraspPlan, GraspSearch
from vagus.act.hand import Hand
from vagus.act.kinematics import Kinematics
from vagus.act.motion import ended
from vagus.act.plane_grasps import PlaneHand, plane_grasps, plane_hand
from vagus.act.skill import Context
from vagus.act.surroundings import board_of
from vagus.core.things import Support, Thing

SPEC, MODEL = load("so101")
ARM = SPEC.arms[0]
KINEMATICS = Kinematics(MODEL, SPEC)
CTX = Context(spec=SPEC, kinematics=KINEMATICS, rng=np.random.default_rng(0), lead_ns=0)
DESK = board_of(Support(corners=np.array([[-0.1, -0.5], [0.6, -0.5], [0.6, 0.5], [-0.1, 0.5]]), height=0.0), 0.04)
SIZES = {"cup": (0.052, 0.052, 0.06), "box": (0.055, 0.042, 0.06), "ball": (0.047,) * 3, "can": (0.052, 0.052, 0.09)}
EACH_SHAPE = pytest.mark.parametrize("shape", SIZES)


def hand() -> PlaneHand:
    found = plane_hand(KINEMATICS, ARM, Hand.of(CTX, ARM).opening)
    assert found is not None
    return found


def thing(shape: str, far: float, azimuth: float) -> Thing:
    """A thing so far from the arm's axis, in that direction."""
    size = SIZES[shape]
    x, y = hand().axis + far * np.array([math.cos(azimuth), math.sin(azimuth)])
    return Thing(id=1, shape=shape, colour="red", centre=np.array([x, y, 0.5 * size[2]]), yaw=0.4, size=size, sigma=0.0,
                 seen_ns=0)  # fmt: skip


def planned(one: Thing) -> GraspPlan | None:
    q = KINEMATICS.home
    return ended(GraspSearch(CTX, ARM, q, np.zeros(len(q))).run(one, [DESK]))


def test_a_hand_is_told_how_far_apart_its_fingers_are_wherever_its_joint_is() -> None:
    found = Hand.of(CTX, ARM)
    for width in np.linspace(found.table[0, 1], found.opening, 20):
        q = float(found.position(width)[0])
        assert np.interp(q, found.table[:, 0], found.table[:, 1]) == pytest.approx(width, abs=1e-12)
    assert found.position(1.0)[0] == found.high
    assert found.position(0.0)[0] == found.low


def test_the_humanoids_arms_are_of_another_kind() -> None:
    spec, model = load("host")
    assert plane_hand(Kinematics(model, spec), spec.arms[0], 0.08) is None


def test_what_grasps_depend_on_is_measured_from_the_model() -> None:
    found = hand()
    np.testing.assert_allclose(found.axis, [0.0388, 0.0], atol=1e-12)
    assert (found.beside, found.end, found.half) == pytest.approx((-0.0079, 0.008, 0.011), abs=1e-9)


@EACH_SHAPE
@pytest.mark.parametrize("azimuth", [0.0, 0.7, -1.2])
def test_the_last_joints_axis_lies_in_the_plane_through_the_first(shape: str, azimuth: float) -> None:
    for grasp in plane_grasps(thing(shape, 0.2, azimuth), hand()):
        on_axis = grasp.X_BT[:2, 3] - hand().beside * grasp.X_BT[:2, 1] - hand().axis
        assert abs(on_axis[0] * grasp.approach[1] - on_axis[1] * grasp.approach[0]) < 1e-5
        R = grasp.X_BT[:3, :3]
        np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-9)


@EACH_SHAPE
def test_fingers_stay_off_the_board_and_reach_down_beside_the_thing(shape: str) -> None:
    one = thing(shape, 0.2, 0.5)
    for grasp in plane_grasps(one, hand()):
        down = -grasp.approach[2]
        end = grasp.X_BT[2, 3] - hand().end * down - hand().half * math.sqrt(1.0 - down * down)
        assert end > 0.008 or shape == "ball"
        assert end > 0.0
        assert grasp.X_BT[2, 3] < one.top - 0.01
        assert grasp.before[2, 3] > grasp.X_BT[2, 3]


@EACH_SHAPE
@pytest.mark.parametrize("far", [0.17, 0.21, 0.25])
def test_it_reaches_things_on_its_desk(shape: str, far: float) -> None:
    for azimuth in (0.0, 0.8, -0.8):
        assert planned(thing(shape, far, azimuth)) is not None, azimuth


@EACH_SHAPE
def test_what_is_too_far_is_not_reached(shape: str) -> None:
    assert planned(thing(shape, 0.45, 0.3)) is None


def test_what_is_wider_than_the_hand_is_not_taken() -> None:
    assert not list(plane_grasps(thing("can", 0.2, 0.0), replace(hand(), opening=0.06)))
