"""Driving closes on odometry, whatever the wheels do, and stops ahead of obstacles."""

import numpy as np
import pytest
from ideal import IdealRobot, load

from vagus.act.drive import MARGIN_M, free_way
from vagus.act.skill import Held
from vagus.core.things import Thing

HOST = load("host")


@pytest.mark.parametrize("distance", [-0.5, 0.05, 0.3, 1.5])
def test_drive_ends_where_it_was_told(distance: float) -> None:
    robot = IdealRobot(*HOST)
    robot.run(0.7)  # at rest: the gyro's bias is learnt
    robot.runner.start("drive", {"distance_m": distance}, 1)
    assert robot.finish().outcome.ok
    assert robot.pose[0] == pytest.approx(distance, abs=0.03)
    assert abs(robot.pose[1]) < 0.02


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("turn", [-180.0, 30.0, 360.0])
def test_turn_closes_on_the_gyro_although_the_wheels_slip(turn: float, seed: int) -> None:
    robot = IdealRobot(*HOST, seed=seed, slip=0.2)  # each wheel loses up to a fifth of its way, at random
    robot.run(0.7)
    robot.runner.start("drive", {"turn_deg": turn}, 1)
    ended = robot.finish()
    assert ended.outcome.ok
    assert np.degrees(robot.pose[2]) == pytest.approx(turn, abs=4.0)


def test_heading_is_held_although_one_wheel_slips() -> None:
    robot = IdealRobot(*HOST, seed=3, slip=0.3)
    robot.run(0.7)
    robot.runner.start("drive", {"distance_m": 1.0}, 1)
    assert robot.finish().outcome.ok
    assert abs(np.degrees(robot.pose[2])) < 4.0


@pytest.mark.parametrize(("way", "obstacle"), [(2.0, (1.5, 0.0)), (-2.0, (-1.5, 0.1))])
def test_obstacle_ahead_stops_the_base_before_it(way: float, obstacle: tuple[float, float]) -> None:
    robot = IdealRobot(*HOST)
    robot.circles = [(*obstacle, 0.1)]
    robot.runner.start("drive", {"distance_m": way}, 1)
    ended = robot.finish()
    assert ended.outcome.reason == "blocked"
    free = np.hypot(obstacle[0] - robot.pose[0], obstacle[1]) - 0.1 - robot.kinematics.base_radius
    assert 0.1 < free < 2.0 * MARGIN_M


@pytest.mark.parametrize("obstacle", [(-1.0, 0.0), (0.5, 0.8), (3.0, -1.0)])
def test_obstacles_beside_and_behind_do_not_stop_it(obstacle: tuple[float, float]) -> None:
    robot = IdealRobot(*HOST)
    robot.circles = [(*obstacle, 0.1)]
    robot.runner.start("drive", {"distance_m": 0.8}, 1)
    assert robot.finish().outcome.ok


def test_silent_lidar_forbids_driving_but_not_turning() -> None:
    robot = IdealRobot(*HOST)
    robot._sweep = lambda stamp: None
    robot.runner.start("drive", {"distance_m": 0.5}, 1)
    assert robot.finish().outcome.reason == "blind"
    assert robot.pose[0] == 0.0
    robot.runner.start("drive", {"turn_deg": 30.0}, 2)
    assert robot.finish().outcome.ok


def test_lidar_that_dies_on_the_way_stops_the_base() -> None:
    robot = IdealRobot(*HOST)
    robot.runner.start("drive", {"distance_m": 3.0}, 1)
    robot.run(2.0)
    robot._sweep = lambda stamp: robot._lidar
    assert robot.finish().outcome.reason == "blind"
    assert robot.pose[0] < 1.5


def test_commands_carry_the_lidars_and_gyros_origins_and_budgets() -> None:
    robot = IdealRobot(*HOST)
    robot.runner.start("drive", {"distance_m": 0.3}, 1)
    robot.finish()
    command, spec = robot.commands[5], robot.spec
    for name in ("encoder", "imu", "lidar"):
        k = spec.sensor_index(name)
        assert 0 <= command["stamp_ns"] - command["origin_ns"][k] <= command["budget_ns"][k] < 10**9


def test_free_way_ends_where_a_round_base_would_touch() -> None:
    # base of radius 0.2 m; a point at (1, 0.12) is touched after 1 - sqrt(0.2^2 - 0.12^2) = 1 - 0.16 m
    assert free_way(np.array([[1.0, 0.12, 0.0]]), 1.0, 0.2) == pytest.approx(0.84)
    assert free_way(np.array([[1.0, 0.12, 0.0]]), -1.0, 0.2) == np.inf
    assert free_way(np.array([[1.0, 0.26, 0.0]]), 1.0, 0.2) == np.inf
    assert free_way(np.zeros((0, 3)), 1.0, 0.2) == np.inf


@pytest.mark.parametrize(("is_full", "fastest"), [(False, 1.2), (True, 0.7)])
def test_with_something_in_a_hand_it_turns_more_slowly(is_full: bool, fastest: float) -> None:
    robot = IdealRobot(*HOST)
    robot.run(0.7)
    if is_full:
        upright = np.eye(4)
        cup = Thing(id=1, shape="cup", colour="red", centre=np.zeros(3), yaw=0.0, size=(0.07, 0.07, 0.09), sigma=0.0,
                    seen_ns=0)  # fmt: skip
        robot.runner._context.held["left"] = Held(thing=cup, X_WF=upright, X_FT=upright)
    robot.runner.start("drive", {"turn_deg": 180.0}, 1)
    assert robot.finish().outcome.ok
    base = robot.spec.base
    assert base is not None
    wheels = [robot.spec.joint_index(base.left), robot.spec.joint_index(base.right)]
    rates = [abs(v[wheels[1]] - v[wheels[0]]) * base.radius / base.track for v in robot.speeds]
    assert max(rates) == pytest.approx(fastest, rel=0.02)
