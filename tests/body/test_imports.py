"""Claims about importing MJCF and URDF: what the files say is taken, what they lack is asked for joint by joint."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest

from vagus.body.check import check_robot, exit_status
from vagus.body.imports import ImportCfg, Imported, from_mjcf, from_urdf, spec_from_model
from vagus.body.robot import Robot
from vagus.core.errors import ConfigError
from vagus.core.robot import ArmSpec, BaseSpec, GroupSpec, RobotSpec, SensorSpec
from vagus.world import so101

INERTIAL = '<inertial><mass value="{m}"/><inertia ixx="{i}" iyy="{i}" izz="{i}" ixy="0" ixz="0" iyz="0"/></inertial>'
ARM_URDF = f"""<robot name="two">
  <link name="foot">{INERTIAL.format(m=1, i=0.01)}</link>
  <joint name="shoulder" type="revolute"><parent link="foot"/><child link="upper"/><origin xyz="0 0 0.1"/>
    <axis xyz="0 1 0"/><limit lower="-1.5" upper="1.25" effort="20" velocity="2"/></joint>
  <link name="upper">{INERTIAL.format(m=0.5, i=0.004)}</link>
  <joint name="elbow" type="prismatic"><parent link="upper"/><child link="rod"/><origin xyz="0 0 0.3"/>
    <axis xyz="0 0 1"/><limit lower="0.05" upper="0.2" effort="50" velocity="0.3"/></joint>
  <link name="rod">{INERTIAL.format(m=0.2, i=0.001)}</link>
  <joint name="tool" type="fixed"><parent link="rod"/><child link="hand"/><origin xyz="0 0 0.1"/></joint>
  <link name="hand"/>
  <joint name="finger" type="revolute"><parent link="hand"/><child link="tongs"/><axis xyz="1 0 0"/>
    <mimic joint="shoulder" multiplier="-1"/><limit lower="-2" upper="2" effort="1" velocity="1"/></joint>
  <link name="tongs">{INERTIAL.format(m=0.1, i=0.0005)}</link>
</robot>"""


def _wheel(side: str, y: float) -> str:
    return f"""<link name="{side}"><inertial><mass value="0.5"/>
        <inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial>
      <collision><origin rpy="1.5707963 0 0"/><geometry><cylinder radius="0.06" length="0.03"/></geometry></collision>
    </link>
    <joint name="{side}" type="continuous"><parent link="chassis"/><child link="{side}"/><origin xyz="0 {y} 0.06"/>
      <axis xyz="0 1 0"/><limit effort="2" velocity="12"/></joint>"""


CART_URDF = f"""<robot name="cart"><link name="chassis">{INERTIAL.format(m=5, i=0.1)}
  <collision><origin xyz="0 0 0.1"/><geometry><box size="0.3 0.2 0.05"/></geometry></collision></link>
  {_wheel("left", 0.14)}{_wheel("right", -0.14)}</robot>"""
MJCF = """<mujoco><worldbody><body name="b"><joint name="j" range="-90 45"/><geom size=".1"/>
  <body name="c"><joint name="k" type="slide"/><geom size=".1"/></body></body></worldbody>
  <actuator><velocity joint="k" kv="3"/><position name="motor_j" joint="j" kp="5" forcerange="-7 7"/></actuator>
  </mujoco>"""


def _file(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _arm(folder: Path, **given: object) -> Imported:
    return from_urdf(_file(folder, ARM_URDF, "arm.urdf"), ImportCfg(acceleration_max=4.0, **given))  # pyright: ignore


def test_mjcf_gives_names_units_ranges_in_radians_and_efforts(tmp_path: Path) -> None:
    cfg = ImportCfg(speed_max=1.0, acceleration_max={"j": 2.0, "k": 3.0}, effort_max={"k": 9.0})
    k, j = spec_from_model(_file(tmp_path, MJCF, "m.xml"), cfg).joints
    assert (k.name, k.mode, k.unit, k.effort_max, k.acceleration_max) == ("k", "velocity", "m", 9.0, 3.0)
    assert (j.name, j.mode, j.unit, j.effort_max, j.acceleration_max) == ("j", "position", "rad", 7.0, 2.0)
    np.testing.assert_allclose((j.position_min, j.position_max), (-math.pi / 2, math.pi / 4))


def test_what_mjcf_lacks_is_said_joint_by_joint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mjcf(_file(tmp_path, MJCF, "m.xml"), ImportCfg(speed_max={"j": 1.0}))
    assert "m.xml: joint 'k' lacks speed_max, acceleration_max, effort_max; " in str(caught.value)
    assert str(caught.value).endswith("joint 'j' lacks acceleration_max")


def test_a_position_joint_without_range_is_asked_for_one() -> None:
    parts = mujoco.MjSpec.from_string(MJCF.replace('range="-90 45"', ""))
    with pytest.raises(ConfigError, match="joint 'j' lacks a range"):
        from_mjcf(parts, ImportCfg(speed_max=1, acceleration_max=1, effort_max=1))


def test_a_range_that_the_file_lacks_can_be_given(tmp_path: Path) -> None:
    cfg = ImportCfg(speed_max=1, acceleration_max=1, effort_max=1, position_range={"j": (-0.5, 0.25)})
    for text in (MJCF.replace('range="-90 45"', ""), MJCF):
        imported = from_mjcf(mujoco.MjSpec.from_string(text), cfg)
        j = imported.joints[1]
        assert (j.name, j.position_min, j.position_max) == ("j", -0.5, 0.25)
        joint = imported.model().compile().joint("j")
        np.testing.assert_allclose(joint.range, (-0.5, 0.25))
        assert joint.limited[0]
    cfg = ImportCfg(acceleration_max=1, position_range={"left": (-3, 3), "right": (-3, 3)})
    imported = from_urdf(_file(tmp_path, CART_URDF, "cart.urdf"), cfg)
    assert [(j.mode, j.position_max) for j in imported.joints] == [("position", 3.0)] * 2
    np.testing.assert_allclose(imported.model().compile().joint("left").range, (-3, 3))


def test_our_own_arm_comes_back_from_its_model() -> None:
    imported = spec_from_model(so101.build(), ImportCfg(speed_max=2.0, acceleration_max=10.0))
    assert [j.name for j in imported.joints] == list(so101.RANGES)
    ranges = [(j.position_min, j.position_max) for j in imported.joints]
    np.testing.assert_allclose(ranges, list(so101.RANGES.values()))
    assert [a.name for a in imported.model().actuators] == [j.name for j in imported.joints]


def test_an_imported_model_is_fresh_each_time_and_its_source_untouched() -> None:
    source = mujoco.MjSpec.from_string(MJCF)
    imported = from_mjcf(source, ImportCfg(speed_max=1, acceleration_max=1, effort_max=1, sites={"tip": "c"}))
    mine = imported.model()
    mine.delete(mine.body("b"))
    assert imported.model().body("b") is not None
    assert [s.name for s in imported.model().sites] == ["tip"]
    assert len(source.sites) == 0


@pytest.mark.parametrize(
    "actuator",
    [
        '<motor joint="j"/>',
        '<position joint="j" kp="5" gear="2"/>',
        '<position joint="j" kp="5"/><position joint="j" kp="5"/>',
        '<intvelocity joint="j" kp="5" actrange="-1 1"/>',
        '<position site="s" kp="5"/>',
    ],
)
def test_an_actuator_of_another_kind_is_refused(actuator: str) -> None:
    text = f"""<mujoco><worldbody><body><joint name="j" range="-1 1"/><geom size=".1"/><site name="s"/></body>
      </worldbody><actuator>{actuator}</actuator></mujoco>"""
    with pytest.raises(ConfigError, match="no position or velocity servo of gear 1, alone on its joint"):
        from_mjcf(mujoco.MjSpec.from_string(text), ImportCfg(speed_max=1, acceleration_max=1, effort_max=1))


def test_urdf_gives_ranges_speeds_and_efforts_and_leaves_mimics_out(tmp_path: Path) -> None:
    shoulder, elbow = _arm(tmp_path).joints
    assert (shoulder.name, shoulder.unit, shoulder.speed_max, shoulder.effort_max) == ("shoulder", "rad", 2.0, 20.0)
    assert (shoulder.position_min, shoulder.position_max, shoulder.home) == (-1.5, 1.25, 0.0)
    assert (elbow.name, elbow.unit, elbow.position_min, elbow.home) == ("elbow", "m", 0.05, 0.05)


def test_what_ros_writes_beside_links_and_joints_is_left_out(tmp_path: Path) -> None:
    beside = """<transmission name="t"><joint name="shoulder"><hardwareInterface>x</hardwareInterface></joint>
        <actuator name="m"/></transmission>
      <ros2_control name="c" type="system"><joint name="elbow"><command_interface name="position"/></joint>
      </ros2_control><gazebo reference="foot"/></robot>"""
    path = _file(tmp_path, ARM_URDF.replace("</robot>", beside), "arm.urdf")
    assert from_urdf(path, ImportCfg(acceleration_max=4.0)).joints == _arm(tmp_path).joints


def test_a_given_limit_wins_over_the_files(tmp_path: Path) -> None:
    shoulder, elbow = _arm(tmp_path, speed_max={"shoulder": 1.0}, effort_max=5.0).joints
    assert (shoulder.speed_max, elbow.speed_max) == (1.0, 0.3)
    assert (shoulder.effort_max, elbow.effort_max) == (5.0, 5.0)


def test_an_urdf_arm_makes_a_robot_that_check_passes(tmp_path: Path) -> None:
    imported = _arm(tmp_path, sites={"tip": "hand"})
    names = tuple(j.name for j in imported.joints)
    spec = RobotSpec(
        name="two", joints=imported.joints, groups=(GroupSpec(name="arm", joints=names),), stopping_distance_m=0.8,
        arms=(ArmSpec(name="arm", joints=names, tip="tip"),),
    )  # fmt: skip
    found = [f for f in check_robot(Robot(spec=spec, model=imported.model)) if f.severity != "info"]
    assert found == []


def test_an_urdf_cart_makes_a_robot_that_check_passes(tmp_path: Path) -> None:
    cfg = ImportCfg(acceleration_max=20.0, velocity_joints=("left", "right"), is_mobile=True, sites={"imu": "chassis"})
    imported = from_urdf(_file(tmp_path, CART_URDF, "cart.urdf"), cfg)
    spec = RobotSpec(
        name="cart", joints=imported.joints, groups=(GroupSpec(name="base", joints=("left", "right")),),
        imu=SensorSpec(name="imu", rate_hz=200, max_age_s=0.02),
        base=BaseSpec(left="left", right="right", radius=0.06, track=0.28, body="chassis"),
    )  # fmt: skip
    found = check_robot(Robot(spec=spec, model=imported.model))
    assert [f for f in found if f.severity != "info"] == []
    assert exit_status(found) == 0


def _settle(imported: Imported, seconds: float, ctrl: list[float], *, is_lifted: bool = False) -> mujoco.MjData:
    parts = imported.model()
    parts.option.timestep = 0.002
    parts.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    if is_lifted:
        parts.option.gravity[:] = 0.0
    model = parts.compile()
    data = mujoco.MjData(model)
    data.ctrl[:] = ctrl
    mujoco.mj_step(model, data, round(seconds / model.opt.timestep))
    return data


def test_added_position_actuators_reach_their_targets_and_stand_still(tmp_path: Path) -> None:
    data = _settle(_arm(tmp_path), 2.0, [0.8, 0.15])
    np.testing.assert_allclose([data.joint("shoulder").qpos[0], data.joint("elbow").qpos[0]], [0.8, 0.15], atol=0.02)
    assert np.abs(data.qvel).max() < 1e-3
    np.testing.assert_allclose(data.joint("finger").qpos, -data.joint("shoulder").qpos, atol=1e-3)


def test_added_velocity_actuators_reach_their_speed(tmp_path: Path) -> None:
    cfg = ImportCfg(acceleration_max=20.0, velocity_joints=("left", "right"), is_mobile=True)
    data = _settle(from_urdf(_file(tmp_path, CART_URDF, "cart.urdf"), cfg), 1.0, [6.0, 6.0], is_lifted=True)
    np.testing.assert_allclose(data.qvel[-2:], 6.0, rtol=0.01)


def test_added_actuators_are_capped_at_the_effort(tmp_path: Path) -> None:
    ranges = [list(a.forcerange) for a in _arm(tmp_path).model().actuators]
    assert ranges == [[-20.0, 20.0], [-50.0, 50.0]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<robot", "<robo", "arm.urdf: .*XML"),
        ("</robot>", "", "arm.urdf: .*XML"),
        ('type="prismatic"', 'type="floating"', "joint 'elbow' is floating, allowed: revolute"),
        ('type="prismatic"', 'type="bouncy"', r"arm\.urdf"),
        ('velocity="0.3"', "", "joint 'elbow' lacks speed_max"),
        ('velocity="0.3"', 'velocity="fast"', r"arm\.urdf.*"),
        ('velocity="0.3"', 'velocity="-3"', "joint 'elbow' speed_max: got -3"),
        ('effort="50"', 'effort="0"', "joint 'elbow' effort_max: got 0"),
        ('lower="0.05" upper="0.2"', 'lower="0.2" upper="0.05"', r"arm\.urdf"),
    ],
)
def test_a_broken_urdf_is_refused_by_name(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = _file(tmp_path, ARM_URDF.replace(old, new), "arm.urdf")
    with pytest.raises(ConfigError, match=said):
        from_urdf(path, ImportCfg(acceleration_max=1.0))


def test_a_continuous_joint_must_be_a_velocity_joint(tmp_path: Path) -> None:
    path = _file(tmp_path, CART_URDF, "cart.urdf")
    said = r"joint 'left' lacks a range \(position_range, .*velocity_joints\); joint 'right' lacks a range"
    with pytest.raises(ConfigError, match=said):
        from_urdf(path, ImportCfg(acceleration_max=1.0))
    with pytest.raises(ConfigError, match=r"velocity_joints 'wheel' are not among its joints \['left', 'right'\]"):
        from_urdf(path, ImportCfg(acceleration_max=1.0, velocity_joints=("wheel",)))


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("<mujoco", "m.xml", r"m\.xml: .*XML"),
        ("", "m.xml", r"m\.xml"),
        ("<mujoco/>", "m.mjcf", "got no actuator"),
        ('<robot name="r"><link name="a"/></robot>', "r.urdf", "got no joint that moves"),
        ("<mujoco/>", "m.sdf", r"got '\.sdf', allowed: \.xml, \.mjcf, \.urdf"),
    ],
)
def test_a_file_that_holds_no_robot_is_refused(tmp_path: Path, text: str, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        spec_from_model(_file(tmp_path, text, name), ImportCfg(acceleration_max=1.0))


def test_a_missing_file_is_refused_with_those_there_are(tmp_path: Path) -> None:
    _file(tmp_path, ARM_URDF, "arm.urdf")
    with pytest.raises(ConfigError, match=r"am\.urdf: there is no such file; in .*: arm\.urdf"):
        spec_from_model(tmp_path / "am.urdf", ImportCfg())


def test_a_setting_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"ImportCfg speed_max: got '2' \(str\), allowed: a number or a mapping"):
        ImportCfg(speed_max="2")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="ImportCfg velocity_joints: got 'left'"):
        ImportCfg(velocity_joints="left")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        (ImportCfg(acceleration_max=1.0, sites={"tip": "claw"}), r"site 'tip' on 'claw', allowed: .*'hand'"),
        (ImportCfg(acceleration_max=1.0, speed_max={"knee": 1.0}), r"limits are given for \['knee'\]"),
        (ImportCfg(acceleration_max={"shoulder": 1.0}), "joint 'elbow' lacks acceleration_max"),
        (
            ImportCfg(acceleration_max=1.0, position_range={"knee": (0, 1)}),
            r"limits are given for \['knee'\], which are not among its joints",
        ),
        (
            ImportCfg(acceleration_max=1.0, position_range={"elbow": (1, 0)}),
            r"joint 'elbow' position_min, position_max: got \(1.0, 0.0\), allowed: finite, min < max",
        ),
    ],
)
def test_a_setting_that_names_nothing_is_refused(tmp_path: Path, cfg: ImportCfg, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        from_urdf(_file(tmp_path, ARM_URDF, "arm.urdf"), cfg)
