"""Claims about ``vagus check``: each thing that a robot file can lack is found, named, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mujoco
import pytest
from rich.console import Console

from vagus.body.check import Finding, check_robot, exit_status, render_findings
from vagus.body.load import load_robot
from vagus.body.robot import FeetechCfg, Robot
from vagus.core.robot import (
    ArmSpec,
    BaseSpec,
    CameraSpec,
    JointSpec,
    LidarSpec,
    RobotSpec,
    SensorSpec,
    TouchSpec,
    WorkspaceSpec,
)

ROBOTS = Path(__file__).parents[2] / "robots"
CART = load_robot(ROBOTS / "cart.py")
ARM = load_robot(ROBOTS / "so101.py")
WIDE = WorkspaceSpec(low=(-1.0, -1.0, -0.1), high=(1.0, 1.0, 1.0))


def _with_spec(robot: Robot, **changes: object) -> Robot:
    return replace(robot, spec=replace(robot.spec, **changes))  # pyright: ignore[reportArgumentType]


def _with_joint(robot: Robot, name: str, **changes: object) -> Robot:
    joints = tuple(replace(j, **changes) if j.name == name else j for j in robot.spec.joints)  # pyright: ignore
    return _with_spec(robot, joints=joints)


def _with_model(robot: Robot, change: Callable[[mujoco.MjSpec], object]) -> Robot:
    def build() -> mujoco.MjSpec:
        parts = robot.build_model()
        change(parts)
        return parts

    return replace(robot, model=build)


def _serious(robot: Robot) -> list[Finding]:
    return [f for f in check_robot(robot) if f.severity != "info"]


def _says(robot: Robot, severity: str, where: str, what: str) -> bool:
    return any(f.severity == severity and where in f.where and what in f.what and f.fix for f in check_robot(robot))


@pytest.mark.parametrize("robot", [CART, ARM])
def test_the_robots_that_come_along_lack_nothing(robot: Robot) -> None:
    assert _serious(robot) == []
    assert exit_status(check_robot(robot)) == 0


def test_a_cart_is_told_what_it_can_and_cannot_do() -> None:
    infos = {f.what for f in check_robot(CART)}
    assert "it can drive" in infos
    assert {"it cannot wave, point", "it cannot look, nod", "it cannot express"} <= infos


def test_missing_sensors_are_told_as_information() -> None:
    bare = _with_spec(CART, imu=None, lidar=None)
    assert {"spec.imu", "spec.lidar", "spec.touch", "spec.cameras"} <= {f.where for f in check_robot(bare)}
    assert exit_status(check_robot(bare)) == 0


def _rename_joint(parts: mujoco.MjSpec) -> None:
    parts.joint("elbow_flex").name = "elbow"


def _no_actuator(parts: mujoco.MjSpec) -> None:
    parts.delete(parts.actuator("elbow_flex"))


def _two_actuators(parts: mujoco.MjSpec) -> None:
    parts.add_actuator(name="more", target="elbow_flex", trntype=mujoco.mjtTrn.mjTRN_JOINT)


def _velocity_actuator(parts: mujoco.MjSpec) -> None:
    parts.actuator("elbow_flex").set_to_velocity(kv=1.0)


def _motor(parts: mujoco.MjSpec) -> None:
    parts.actuator("elbow_flex").set_to_motor()


def _gear(parts: mujoco.MjSpec) -> None:
    parts.actuator("elbow_flex").gear[0] = 2.0


def _other_name(parts: mujoco.MjSpec) -> None:
    parts.actuator("elbow_flex").name = "elbow_motor"


def _no_range(parts: mujoco.MjSpec) -> None:
    parts.joint("elbow_flex").limited = mujoco.mjtLimited.mjLIMITED_FALSE


def _no_force_range(parts: mujoco.MjSpec) -> None:
    parts.actuator("elbow_flex").forcelimited = mujoco.mjtLimited.mjLIMITED_FALSE


def _slide(parts: mujoco.MjSpec) -> None:
    parts.joint("elbow_flex").type = mujoco.mjtJoint.mjJNT_SLIDE


@pytest.mark.parametrize(
    ("change", "severity", "what"),
    [
        (_no_actuator, "error", "0 actuators drive it"),
        (_two_actuators, "error", "2 actuators drive it"),
        (_velocity_actuator, "error", "the spec says position, the model's actuator is velocity"),
        (_motor, "error", "the model's actuator is neither"),
        (_gear, "error", "gear 2"),
        (_other_name, "error", "its actuator is named 'elbow_motor'"),
        (_no_range, "warning", "the model gives it no range"),
        (_no_force_range, "warning", "no forcerange"),
        (_slide, "error", "the spec's unit is rad, the model's joint is m"),
    ],
)
def test_a_joint_that_the_model_does_not_carry_is_named(
    change: Callable[[mujoco.MjSpec], object], severity: str, what: str
) -> None:
    assert _says(_with_model(ARM, change), severity, "joint elbow_flex", what)


def test_a_name_that_only_one_side_knows_is_told_for_both() -> None:
    def rename(parts: mujoco.MjSpec) -> None:
        _rename_joint(parts)
        parts.actuator("elbow_flex").target = "elbow"

    robot = _with_model(ARM, rename)
    assert _says(robot, "error", "joint elbow_flex", "not in the model; it has elbow")
    assert _says(robot, "warning", "joint elbow", "the spec does not name it")


@pytest.mark.parametrize(
    ("changes", "severity", "what"),
    [
        ({"position_max": 1.70}, "error", "is wider than the model's"),
        ({"position_min": -1.70}, "error", "is wider than the model's"),
        ({"effort_max": 1.63}, "warning", "effort_max 1.63 is above the model's forcerange 1.62"),
        ({"position_max": 3.0, "home": 2.0}, "error", "home 2 is outside the model's"),
    ],
)
def test_a_limit_wider_than_the_models_is_told(changes: dict[str, float], severity: str, what: str) -> None:
    assert _says(_with_joint(ARM, "elbow_flex", **changes), severity, "joint elbow_flex", what)


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        (
            {"touch": TouchSpec(name="touch", rate_hz=100, max_age_s=0.1, pads=("pad",))},
            "touch",
            "no touch sensor 'pad'",
        ),
        ({"cameras": (CameraSpec(name="eye", rate_hz=30, max_age_s=0.1),)}, "camera eye", "no camera 'eye'"),
        ({"imu": SensorSpec(name="imu", rate_hz=100, max_age_s=0.1)}, "imu", "0 gyro sensors"),
        ({"imu": SensorSpec(name="imu", rate_hz=100, max_age_s=0.1)}, "imu", "0 accelerometer sensors"),
        ({"lidar": LidarSpec(name="lidar", rate_hz=10, max_age_s=0.3)}, "lidar", "no site 'lidar'"),
        ({"arms": (replace(ARM.spec.arms[0], tip="hand"),)}, "arm arm", "no site 'hand'; it has: tip"),
    ],
)
def test_a_sensor_or_site_that_the_model_lacks_is_an_error(changes: dict[str, object], where: str, what: str) -> None:
    assert _says(_with_spec(ARM, **changes), "error", where, what)


def _no_freejoint(parts: mujoco.MjSpec) -> None:
    parts.delete(next(j for j in parts.joints if j.type == mujoco.mjtJoint.mjJNT_FREE))


def _backward_axis(parts: mujoco.MjSpec) -> None:
    parts.joint("wheel_left").axis[:] = [0.0, -1.0, 0.0]


def _no_tyre(parts: mujoco.MjSpec) -> None:
    for geom in parts.body("wheel_left").geoms:
        geom.contype, geom.conaffinity = 0, 0


@pytest.mark.parametrize(
    ("change", "what"),
    [(_no_freejoint, "is fixed to the world"), (_backward_axis, "axis is not +y"), (_no_tyre, "no geom that touches")],
)
def test_a_base_that_cannot_drive_is_an_error(change: Callable[[mujoco.MjSpec], object], what: str) -> None:
    assert any(f.severity == "error" and what in f.what for f in check_robot(_with_model(CART, change)))


@pytest.mark.parametrize(
    ("changes", "severity", "what"),
    [
        ({"radius": 0.1}, "warning", "radius 0.1 m, the model's wheel has 0.080 m"),
        ({"track": 0.3}, "warning", "track 0.3 m, the model's wheels are 0.340 m apart"),
        ({"left": "wheel_right", "right": "wheel_left"}, "error", "the left wheel is on the right"),
        ({"body": "chassis"}, "error", "no body 'chassis'"),
    ],
)
def test_a_base_told_otherwise_than_it_is_built_is_found(changes: dict[str, object], severity: str, what: str) -> None:
    assert CART.spec.base is not None
    base: BaseSpec = replace(CART.spec.base, **changes)  # pyright: ignore[reportArgumentType]
    assert any(f.severity == severity and what in f.what for f in check_robot(_with_spec(CART, base=base)))


@pytest.mark.parametrize("radius", [0.0799, 0.0801])
def test_a_radius_within_tolerance_is_not_told(radius: float) -> None:
    assert CART.spec.base is not None
    assert _serious(_with_spec(CART, base=replace(CART.spec.base, radius=radius))) == []


def test_wheels_that_are_told_by_position_are_an_error() -> None:
    robot = _with_joint(CART, "wheel_left", mode="position", position_min=-1.0, position_max=1.0)
    assert _says(robot, "error", "wheel wheel_left", "it is a position joint")


@pytest.mark.parametrize(
    ("joints", "what"),
    [
        (("shoulder_lift", "shoulder_pan", "elbow_flex", "wrist_flex", "wrist_roll"), "the model's chain to 'tip' is"),
        (("shoulder_pan", "elbow_flex", "wrist_flex", "wrist_roll"), "the model's chain to 'tip' is"),
        (("shoulder_pan", "gripper"), "does not move with gripper"),
    ],
)
def test_an_arm_that_is_not_the_chain_to_its_tip_is_an_error(joints: tuple[str, ...], what: str) -> None:
    arm = ArmSpec(name="arm", joints=joints, tip="tip")
    assert _says(_with_spec(ARM, arms=(arm,)), "error", "arm arm", what)


def test_a_home_in_collision_is_an_error_that_names_both_parts() -> None:
    robot = _with_joint(_with_joint(ARM, "elbow_flex", home=1.69), "wrist_flex", home=1.65)
    assert any(f.severity == "error" and f.where == "home" and "overlap by" in f.what for f in check_robot(robot))


@pytest.mark.parametrize(
    ("changes", "severity", "where"),
    [
        ({"watchdog_s": 0.0199}, "error", "spec.watchdog_s"),
        ({"encoder": SensorSpec(name="encoder", rate_hz=100, max_age_s=0.0199)}, "warning", "spec.encoder.max_age_s"),
        ({"reflex_hz": 200.0}, "warning", "spec.reflex_hz"),
    ],
)
def test_times_that_do_not_fit_each_other_are_told(changes: dict[str, object], severity: str, where: str) -> None:
    assert any(f.severity == severity and f.where == where for f in check_robot(_with_spec(ARM, **changes)))


@pytest.mark.parametrize(("declared", "is_told"), [(0.2666, True), (0.2667, False)])
def test_a_stopping_distance_shorter_than_the_base_brakes_is_an_error(declared: float, is_told: bool) -> None:
    # (10 rad/s)^2 / (2 * 15 rad/s^2) * 0.08 m = 0.26667 m
    robot = _with_spec(CART, stopping_distance_m=declared)
    assert _says(robot, "error", "spec.stopping_distance_m", "base 0.27 m") is is_told


def test_a_stopping_distance_shorter_than_the_arm_can_travel_is_a_warning() -> None:
    assert _says(_with_spec(ARM, stopping_distance_m=0.05), "warning", "spec.stopping_distance_m", "arm 0.")


CAMERAS = tuple(CameraSpec(name=name, rate_hz=hz, max_age_s=0.2) for name, hz in (("one", 30), ("two", 15)))


def _two_cameras(parts: mujoco.MjSpec) -> None:
    for cam in CAMERAS:
        parts.worldbody.add_camera(name=cam.name)


@pytest.mark.parametrize(
    ("robot", "what"),
    [
        (
            _with_spec(CART, imu=SensorSpec(name="imu", rate_hz=1000, max_age_s=0.02)),
            "sensor 'imu' rate_hz: got 1000.0, allowed in simulation: at most the encoder's, 500.0",
        ),
        (
            _with_spec(_with_model(ARM, _two_cameras), cameras=CAMERAS),
            "camera rate_hz: got [15.0, 30.0], allowed in simulation: one for all",
        ),
        (
            _with_spec(
                _with_model(ARM, lambda parts: parts.worldbody.add_camera(name="scene")),
                cameras=(replace(CAMERAS[0], name="scene"),),
            ),
            "camera name: got 'scene', allowed: no other stream's name",
        ),
    ],
)
def test_what_a_run_would_refuse_is_an_error(robot: Robot, what: str) -> None:
    assert _says(robot, "error", "simulation", what)


def _raise() -> mujoco.MjSpec:
    raise ZeroDivisionError("no such luck")


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (_raise, "ZeroDivisionError: no such luck"),
        (lambda: 3, "got int, allowed"),
        (lambda: mujoco.MjSpec.from_string("<mujoco><worldbody><body><joint/></body></worldbody></mujoco>"), "compile"),
    ],
)
def test_a_model_that_cannot_be_built_is_an_error_and_the_spec_is_still_checked(model: object, what: str) -> None:
    robot = replace(CART, model=model)  # pyright: ignore[reportArgumentType]
    assert _says(robot, "error", "model", what)
    assert "skills" in {f.where for f in check_robot(robot)}


def test_what_a_real_bus_cannot_do_is_an_error() -> None:
    robot = replace(ARM, real=FeetechCfg(port="/dev/ttyACM0", ids=(1, 2)))
    assert _says(robot, "error", "real", "one per joint")
    assert exit_status(check_robot(robot)) == 1


def test_errors_come_first_and_every_finding_is_printed() -> None:
    found = check_robot(_with_spec(ARM, reflex_hz=200.0, watchdog_s=0.001))
    order = [f.severity for f in found]
    assert order == sorted(order, key=["error", "warning", "info"].index)
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_findings(found))
    text = console.export_text()
    assert all(f.where in text for f in found)


def test_a_joint_that_a_gear_drives_needs_no_spec() -> None:
    def add_follower(parts: mujoco.MjSpec) -> None:
        parts.body("jaw").add_body(name="f", pos=[0, 0, 0.05], mass=0.01, inertia=[1e-5] * 3).add_joint(name="follower")

    assert _serious(_with_model(ARM, add_follower)) == []


def test_a_robot_of_one_joint_and_nothing_else_can_be_checked() -> None:
    spec = RobotSpec(
        name="one",
        joints=(JointSpec(name="j", position_min=-1, position_max=1, speed_max=1, acceleration_max=1, effort_max=1),),
        groups=(replace(CART.spec.groups[0], joints=("j",)),),
    )
    parts = '<mujoco><worldbody><body pos="0 0 .2"><joint name="j" range="-60 60"/><geom size=".1"/></body></worldbody>\
        <actuator><position name="j" joint="j" kp="9" forcerange="-1 1"/></actuator></mujoco>'
    assert _serious(Robot(spec=spec, model=lambda: mujoco.MjSpec.from_string(parts))) == []


def test_a_home_outside_the_workspace_or_below_the_floor_is_an_error() -> None:
    low = _with_spec(ARM, workspace=WorkspaceSpec(low=(-1.0, -1.0, -0.1), high=(1.0, 1.0, 0.05)))
    assert _says(low, "error", "home", "beyond the workspace")
    assert not _says(_with_spec(ARM, workspace=WIDE), "error", "home", "beyond")
    sunk = _with_model(ARM, lambda parts: setattr(parts.worldbody.first_body(), "pos", [0.0, 0.0, -0.3]))
    assert _says(sunk, "error", "home", "beyond the floor")
