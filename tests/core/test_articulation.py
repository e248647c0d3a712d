"""The spec in the model's coordinates: farthest points against MuJoCo's distances, coupled joints, watched pairs."""

import mujoco
import numpy as np
import pytest

from vagus.core.articulation import Articulation, Shapes
from vagus.core.errors import ConfigError
from vagus.core.robot import ArmSpec, GroupSpec, JointSpec, RobotSpec

SIZES = {"sphere": ".1", "capsule": ".05 .2", "cylinder": ".1 .2", "ellipsoid": ".05 .1 .3", "box": ".1 .2 .05"}
HAND = """<mujoco>
  <default><geom contype="2" conaffinity="2"/></default>
  <worldbody>
    <geom name="post" size=".05" pos="1 0 0"/>
    <body name="upper"><joint name="shoulder" axis="0 1 0"/><geom name="upper" size=".05" pos=".1 0 0"/>
      <body name="lower" pos=".3 0 0"><joint name="elbow" axis="0 1 0"/><geom name="lower" size=".05" pos=".1 0 0"/>
        <geom name="paint" size=".05" contype="0" conaffinity="0"/>
        <body name="f1" pos=".3 0 0"><joint name="grip" type="slide" axis="0 1 0"/><geom name="f1" size=".01"/></body>
        <body name="f2" pos=".3 0 0"><joint name="f2" type="slide" axis="0 1 0"/><geom name="f2" size=".01"/></body>
      </body>
    </body>
  </worldbody>
  <contact><exclude body1="upper" body2="f2"/></contact>
  <equality><joint joint1="f2" joint2="grip" polycoef="0.01 -1 2 0 0"/></equality>
</mujoco>"""


def joint(name: str) -> JointSpec:
    return JointSpec(name=name, position_min=-1.0, position_max=1.0, speed_max=1.0, acceleration_max=1.0,
                     effort_max=1.0)  # fmt: skip


def hand_spec(*names: str) -> RobotSpec:
    arm = ArmSpec(name="arm", joints=("shoulder", "elbow"), tip="tip", gripper="grip")
    return RobotSpec(name="hand", joints=tuple(map(joint, names)), groups=(GroupSpec(name="all", joints=names),),
                     arms=(arm,))  # fmt: skip


SPEC = hand_spec("grip", "elbow", "shoulder")  # not the model's order


@pytest.fixture
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(HAND)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("seed", range(5))
def test_lowest_point_is_as_far_from_the_floor_as_mujoco_says(kind: str, seed: int) -> None:
    quat = np.random.default_rng(seed).normal(size=4)
    body = mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody><geom type="plane" size="5 5 1"/><body><geom type="{kind}" size="{SIZES[kind]}" '
        f'pos="0.3 -0.2 1" quat="{" ".join(map(str, quat))}" mass="1"/></body></worldbody></mujoco>'
    )
    data = mujoco.MjData(body)
    mujoco.mj_kinematics(body, data)
    (low,) = Shapes(body, np.array([1]), data.geom_xpos, data.geom_xmat).lowest()
    assert low[2] == pytest.approx(mujoco.mj_geomDistance(body, data, 0, 1, 5.0, np.zeros(6)), abs=1e-4)


def test_radius_of_two_balls_is_to_the_far_side_of_the_farther(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    shapes = Shapes(model, np.array([0, 1]), data.geom_xpos, data.geom_xmat)
    assert shapes.radius_about(np.zeros(3)) == pytest.approx(1.05, rel=0.01)


def test_coordinates_go_to_their_joints_and_followers_follow(model: mujoco.MjModel) -> None:
    qpos = Articulation(SPEC, model).qpos(np.array([0.1, 0.2, 0.3]))  # grip, elbow, shoulder
    by_name = {model.joint(i).name: qpos[model.jnt_qposadr[i]] for i in range(model.njnt)}
    assert by_name == pytest.approx({"shoulder": 0.3, "elbow": 0.2, "grip": 0.1, "f2": 0.01 - 0.1 + 2 * 0.01})


def test_velocities_map_by_the_coupling(model: mujoco.MjModel) -> None:
    v = Articulation(SPEC, model).dof_map @ np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(v, [3.0, 2.0, 1.0, -1.0])  # shoulder, elbow, grip, and f2 against it


def test_pairs_leave_out_neighbours_paint_excluded_and_fingers(model: mujoco.MjModel) -> None:
    pairs = {frozenset(model.geom(g).name for g in pair) for pair in Articulation(SPEC, model).pairs().tolist()}
    assert pairs == {frozenset(p) for p in [("post", "lower"), ("post", "f1"), ("post", "f2"), ("upper", "f1")]}


def test_limbs_are_neither_grippers_nor_faces(model: mujoco.MjModel) -> None:
    np.testing.assert_array_equal(Articulation(SPEC, model).limbs, [False, True, True])


@pytest.mark.parametrize("missing", ["wrist", "Elbow"])
def test_a_joint_the_model_lacks_is_named(model: mujoco.MjModel, missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        Articulation(hand_spec("grip", "elbow", "shoulder", missing), model)


def test_a_free_joint_is_no_joint_of_a_robot() -> None:
    floating = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><body><freejoint name="elbow"/><geom size=".1"/></body></worldbody></mujoco>'
    )
    spec = RobotSpec(name="r", joints=(joint("elbow"),), groups=(GroupSpec(name="g", joints=("elbow",)),))
    with pytest.raises(ConfigError, match="hinge, slide"):
        Articulation(spec, floating)
