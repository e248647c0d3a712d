"""Odometry: hand-worked arcs, the gyro over slipping wheels, missing readings, ages."""

import numpy as np
import pytest
from small import small_spec

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec
from vagus.perceive.odometry import Odometry, OdometryPose

SPEC = small_spec()
RADIUS, TRACK = 0.08, 0.36


def wheels(t_ns: int, left: float, right: float, speed: float = 1.0, valid: int = 1) -> m.Record:
    state = m.blank(m.joint_state(SPEC))
    state["q"][:2], state["v"][:2], state["valid"], state["origin_ns"][0] = (left, right), speed, valid, t_ns
    return state


def gyro(t_ns: int, rate: float) -> m.Record:
    imu = m.blank(m.imu(SPEC))
    imu["gyro"][2], imu["origin_ns"][1] = rate, t_ns
    return imu


def drive(odometry: Odometry, left: float, right: float, n: int = 1000) -> OdometryPose:
    """Turn the wheels by these angles in n steps of 1 ms."""
    pose = None
    for k in range(n + 1):
        pose = odometry.add_wheels(wheels(1 + k * 1_000_000, left * k / n, right * k / n))
    assert pose is not None
    return pose


def test_straight_on_is_the_wheels_circumference() -> None:
    pose = drive(Odometry(SPEC), 2 * np.pi, 2 * np.pi)
    assert (pose.x, pose.y, pose.yaw) == pytest.approx((2 * np.pi * RADIUS, 0.0, 0.0))


def test_a_quarter_circle_ends_beside_and_facing_left() -> None:
    # about a centre 1 m to the left: the wheels run on circles of 1 -+ 0.18 m
    quarter = np.pi / 2
    pose = drive(Odometry(SPEC), quarter * (1.0 - TRACK / 2) / RADIUS, quarter * (1.0 + TRACK / 2) / RADIUS)
    assert (pose.x, pose.y, pose.yaw) == pytest.approx((1.0, 1.0, quarter), abs=1e-5)


def test_yaw_is_not_wrapped() -> None:
    turn = 6 * np.pi * TRACK / 2 / RADIUS
    assert drive(Odometry(SPEC), -turn, turn).yaw == pytest.approx(6 * np.pi)


def test_the_gyro_overrules_wheels_that_slip() -> None:
    odometry = Odometry(SPEC)
    for k in range(1, 201):  # 1 s: the wheels claim a turn, the gyro says half of it
        odometry.add_imu(gyro(k * 5_000_000, 0.5))
        pose = odometry.add_wheels(wheels(k * 5_000_000, -k * 0.01125, k * 0.01125))
    assert pose is not None
    assert pose.yaw == pytest.approx(0.5 * 0.995, abs=0.01)


def test_bias_is_learnt_at_rest_and_removed() -> None:
    odometry = Odometry(SPEC)
    pose = None
    for k in range(1, 601):
        odometry.add_imu(gyro(k * 5_000_000, 0.03))
        pose = odometry.add_wheels(wheels(k * 5_000_000, 0.0, 0.0, speed=0.0))
    assert pose is not None
    assert abs(pose.yaw) < 0.03 * 0.4  # only until the bias is known; untreated it would be 0.09 rad


def test_a_gyro_that_falls_silent_hands_over_to_the_wheels() -> None:
    odometry = Odometry(SPEC)
    odometry.add_imu(gyro(1, 0.0))
    pose = None
    for k in range(1, 101):
        pose = odometry.add_wheels(wheels(k * 10_000_000, -0.0225 * k, 0.0225 * k))
    assert pose is not None
    assert pose.yaw == pytest.approx(0.0225 * 2 * RADIUS / TRACK * 80, rel=0.03)  # all but its 0.2 s of grace


def test_the_same_reading_twice_moves_nothing() -> None:
    odometry = Odometry(SPEC)
    odometry.add_wheels(wheels(1, 0.0, 0.0))
    first = odometry.add_wheels(wheels(2, 1.0, 1.0))
    assert first is not None
    assert odometry.add_wheels(wheels(2, 5.0, 5.0)).x == first.x


@pytest.mark.parametrize("bad", [{"valid": 0}, {"left": np.nan}])
def test_a_missing_reading_gives_none_and_loses_no_way(bad: dict[str, float]) -> None:
    odometry = Odometry(SPEC)
    odometry.add_wheels(wheels(1, 0.0, 0.0))
    assert odometry.add_wheels(wheels(2, **({"left": 1.0, "right": 1.0} | bad))) is None
    pose = odometry.add_wheels(wheels(3, 2.0, 2.0))
    assert pose is not None
    assert pose.x == pytest.approx(2.0 * RADIUS)


def test_the_pose_is_as_old_as_its_newest_readings() -> None:
    odometry = Odometry(SPEC)
    odometry.add_imu(gyro(70, 0.0))
    pose = odometry.add_wheels(wheels(90, 0.0, 0.0))
    assert pose is not None
    assert pose.stamp_ns == 90
    np.testing.assert_array_equal(pose.origin_ns[:2], [90, 70])


def test_a_robot_without_wheels_is_refused() -> None:
    joint = JointSpec(name="j", position_min=0.0, position_max=1.0, speed_max=1.0, acceleration_max=1.0, effort_max=1.0)
    spec = RobotSpec(name="arm", joints=(joint,), groups=(GroupSpec(name="g", joints=("j",)),))
    with pytest.raises(ConfigError, match="wheeled base"):
        Odometry(spec)
