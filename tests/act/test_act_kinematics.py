"""Kinematics of the robot alone, and inverse kinematics."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import load
from small import ARM, small_model, small_spec

from vagus.act.kinematics import MARGIN, Kinematics
from vagus.act.reach import Reach, angle_between, solve
from vagus.core.errors import CommandError, ConfigError
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec, WorkspaceSpec


@pytest.fixture(scope="module")
def small() -> Kinematics:
    return Kinematics(small_model(), small_spec())


@pytest.fixture(scope="module")
def host() -> Kinematics:
    spec, model = load("host")
    return Kinematics(model, spec)


def test_hanging_arm_reaches_down_by_its_length(small: Kinematics) -> None:
    q = np.zeros(small.spec.n_joints)
    X_BT = small.pose_of(q, "tip")
    # shoulder 0.95 m high and 0.18 + 0.05 m to the right; links 0.06 + 0.26 + 0.24 + 0.07 + 0.09 m
    np.testing.assert_allclose(X_BT[:3, 3], [0.0, -0.23, 0.95 - 0.72], atol=1e-9)
    np.testing.assert_allclose(X_BT[:3, 2], [0.0, 0.0, -1.0], atol=1e-6)  # z out of the hand


def test_camera_pose_is_optical(small: Kinematics) -> None:
    X_BC = small.pose_of(np.zeros(small.spec.n_joints), "camera.head")
    np.testing.assert_allclose(X_BC[:3, 2], [1.0, 0.0, 0.0], atol=1e-12)  # z looks ahead
    np.testing.assert_allclose(X_BC[:3, 0], [0.0, -1.0, 0.0], atol=1e-12)  # x to the right


def test_unknown_frame_is_refused_naming_the_sites(small: Kinematics) -> None:
    with pytest.raises(ConfigError, match=r"elbow_tip.*lidar"):
        small.pose_of(small.home, "elbow_tip")


def test_joint_missing_from_the_model_is_refused() -> None:
    ghost = JointSpec(name="ghost", position_min=0.0, position_max=1.0, speed_max=1.0, acceleration_max=1.0,
                      effort_max=1.0)  # fmt: skip
    spec = RobotSpec(name="r", joints=(ghost,), groups=(GroupSpec(name="g", joints=("ghost",)),))
    with pytest.raises(ConfigError, match="ghost"):
        Kinematics(small_model(), spec)


def test_coupled_finger_follows_its_leader(small: Kinematics) -> None:
    q = small.home.copy()
    q[small.spec.joint_index("gripper")] = 0.03
    apart = small.pose_of(q, "f1")[:3, 3] - small.pose_of(q, "f2")[:3, 3]
    assert np.linalg.norm(apart) == pytest.approx(0.02 + 2 * 0.03)


def test_jacobian_is_the_derivative_of_the_pose(small: Kinematics) -> None:
    q = small.home + np.random.default_rng(0).uniform(-0.3, 0.0, small.spec.n_joints)
    jac, h = small.jacobian(q, "tip"), 1e-6
    for name in ARM:
        j = small.spec.joint_index(name)
        step = np.zeros(len(q))
        step[j] = h
        slope = (small.pose_of(q + step, "tip") - small.pose_of(q - step, "tip"))[:3, 3] / (2 * h)
        np.testing.assert_allclose(jac[:, j], slope, atol=1e-6)


def test_hand_in_the_chest_touches_and_home_does_not(host: Kinematics) -> None:
    assert host.touching(host.home, MARGIN) == []
    q = host.home.copy()
    q[host.spec.joint_index("left_shoulder_yaw")] = 1.5
    q[host.spec.joint_index("left_elbow")] = 2.4
    assert host.is_in_collision(q)
    assert not host.path_is_free(host.home, q, 30)


def test_a_finger_beside_the_head_is_within_the_margin_though_their_bounds_are_apart(host: Kinematics) -> None:
    q = host.home.copy()
    q[[host.spec.joint_index(name) for name in ("neck_yaw", "neck_pitch", "left_gripper")]] = -0.669, 0.75, 0.04
    arm = [host.spec.joint_index(name) for name in host.spec.arms[0].joints]
    q[arm] = 1.313, 0.754, 0.681, 2.289, 1.120, 0.149, -0.130
    assert not host.is_in_collision(q)
    ((one, other),) = host.touching(q, MARGIN)
    assert one.startswith("head.")
    assert other.startswith("left_finger_outer.")


def test_hand_below_the_floor_touches_it(small: Kinematics) -> None:
    assert small.touching(small.home) == []
    model = small_model()
    model.body("a1").pos[2] = 0.5  # the arm is 0.72 m long
    low = Kinematics(model, small.spec)
    assert any(b == "floor" for _, b in low.touching(small.home))


def test_a_hand_beyond_a_wall_of_the_workspace_touches_it(small: Kinematics) -> None:
    box = WorkspaceSpec(low=(-1.0, -1.0, 0.4), high=(1.0, 1.0, 2.0))  # the hand hangs below 0.4 m
    boxed = Kinematics(small_model(), replace(small.spec, workspace=box))
    assert {b for _, b in boxed.touching(small.home)} == {"workspace"}


@pytest.mark.parametrize("seed", range(8))
def test_inverse_kinematics_finds_what_forward_kinematics_made(host: Kinematics, seed: int) -> None:
    arm, rng = host.spec.arms[seed % 2], np.random.default_rng(seed)
    q = host.home.copy()
    joints = [host.spec.joint_index(j) for j in arm.joints]
    q[joints] += rng.uniform(-0.2, 0.5, len(joints))
    q[joints] = np.clip(q[joints], host.low[joints], host.high[joints])
    X_BT = host.pose_of(q, arm.tip)
    found = solve(host, Reach(arm=arm, position=X_BT[:3, 3], rotation=X_BT[:3, :3]), [host.home])
    assert found.q is not None
    np.testing.assert_allclose(host.pose_of(found.q, arm.tip)[:3, 3], X_BT[:3, 3], atol=0.005)
    assert np.all((found.q[joints] >= host.low[joints]) & (found.q[joints] <= host.high[joints]))
    assert not host.is_in_collision(found.q)


def test_only_the_arms_joints_move(host: Kinematics) -> None:
    arm = host.spec.arms[0]
    found = solve(host, Reach(arm=arm, position=np.array([0.45, 0.2, 0.9])), [host.home])
    assert found.q is not None
    still = [i for i, name in enumerate(host.spec.joint_names) if name not in arm.joints]
    np.testing.assert_array_equal(found.q[still], host.home[still])


def test_a_joint_of_the_other_arm_at_its_stop_hinders_nothing(host: Kinematics) -> None:
    q = host.home.copy()
    elbow = host.spec.joint_index("right_elbow")
    q[elbow] = host.spec.joints[elbow].position_min - 0.001  # as an encoder may say
    found = solve(host, Reach(arm=host.spec.arms[0], position=np.array([0.45, 0.2, 0.9])), [q])
    assert found.q is not None
    assert found.q[elbow] == q[elbow]


def test_skills_plan_inside_the_limits_but_for_home(host: Kinematics) -> None:
    spec = host.spec
    limbs = host.articulation.limbs
    assert np.all(host.low[limbs] >= spec.array("position_min")[limbs])
    assert np.all(host.high[limbs] <= spec.array("position_max")[limbs])
    elbow = spec.joint_index("left_elbow")  # 0 to 2.5 rad, home 0.35 rad
    assert (host.low[elbow], host.high[elbow]) == pytest.approx((0.05, 2.45))
    assert np.all((host.low <= host.home) & (host.home <= host.high))


def test_out_of_reach_returns_the_residual(host: Kinematics) -> None:
    far = Reach(arm=host.spec.arms[0], position=np.array([2.0, 0.2, 1.0]))
    found = solve(host, far, [host.home])
    assert found.q is None
    assert 1.0 < found.position_error < 2.0


def test_target_inside_the_body_is_not_reached_by_touching(host: Kinematics) -> None:
    inside = Reach(arm=host.spec.arms[0], position=np.array([0.0, 0.0, 0.9]), position_tolerance=0.02)
    assert solve(host, inside, [host.home]).q is None


def test_axis_is_aligned_on_a_five_joint_arm() -> None:
    spec, model = load("so101")
    arm = Kinematics(model, spec)
    ahead = np.array([1.0, 0.0, 0.0])
    found = solve(arm, Reach(arm=spec.arms[0], position=np.array([0.25, 0.0, 0.15]), axis=ahead), [arm.home])
    assert found.q is not None
    assert angle_between(arm.pose_of(found.q, spec.arms[0].tip)[:3, 2], ahead) < 0.05


def test_no_start_is_refused(host: Kinematics) -> None:
    with pytest.raises(CommandError, match="starts"):
        solve(host, Reach(arm=host.spec.arms[0], position=np.zeros(3)), [])
