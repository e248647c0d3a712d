"""Robot specs: each bad value is refused naming what, got and allowed; good ones answer questions about themselves."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vagus.core.errors import ConfigError
from vagus.core.robot import (
    ArmSpec,
    BaseSpec,
    CameraSpec,
    FaceSpec,
    GroupSpec,
    JointSpec,
    LidarSpec,
    NeckSpec,
    RobotSpec,
    SensorSpec,
    TouchSpec,
)

NAN, INF = math.nan, math.inf
NOT_POSITIVE = [0.0, -1.0, NAN, INF, -INF]


def joint(**kw: Any) -> JointSpec:
    plain: dict[str, Any] = {"position_min": -1.0, "position_max": 2.0}
    return JointSpec(**{"name": "a", "speed_max": 1.0, "acceleration_max": 2.0, "effort_max": 3.0, **plain, **kw})


def camera(**kw: Any) -> CameraSpec:
    return CameraSpec(**{"name": "camera.head", "rate_hz": 30.0, "max_age_s": 0.1, **kw})


def lidar(**kw: Any) -> LidarSpec:
    return LidarSpec(**{"name": "lidar", "rate_hz": 10.0, "max_age_s": 0.3, **kw})


def touch(**kw: Any) -> TouchSpec:
    return TouchSpec(**{"name": "touch", "rate_hz": 100.0, "max_age_s": 0.1, "pads": ("l", "r"), **kw})


def sensor(**kw: Any) -> SensorSpec:
    return SensorSpec(**{"name": "imu", "rate_hz": 200.0, "max_age_s": 0.02, **kw})


def base(**kw: Any) -> BaseSpec:
    return BaseSpec(**{"left": "a", "right": "b", "radius": 0.1, "track": 0.4, **kw})


def robot(**kw: Any) -> RobotSpec:
    joints = (joint(name="a"), joint(name="b"), joint(name="c", mode="velocity", position_min=-INF, position_max=INF))
    groups = (GroupSpec(name="ab", joints=("b", "a")), GroupSpec(name="c", joints=("c",), on_estop="hold"))
    return RobotSpec(**{"name": "r", "joints": joints, "groups": groups, **kw})


Make = Callable[..., object]
NUMBERS: list[tuple[Make, str, list[float]]] = [
    (joint, "speed_max", NOT_POSITIVE), (joint, "acceleration_max", NOT_POSITIVE), (joint, "effort_max", NOT_POSITIVE),
    (joint, "following_error_max", [0.0, -1.0, NAN]), (joint, "home", [-1.001, 2.001, NAN, INF]),
    (joint, "position_min", [2.0, 2.1, NAN, -INF]), (joint, "position_max", [-1.0, -1.1, NAN, INF]),
    (sensor, "rate_hz", [*NOT_POSITIVE, 49.9]), (sensor, "max_age_s", [*NOT_POSITIVE, 0.00499]),
    (camera, "rate_hz", NOT_POSITIVE), (camera, "width", [0, -1]), (camera, "height", [0, -1]),
    (camera, "fovy", [*NOT_POSITIVE, math.pi]), (lidar, "n_rays", [0, -1]), (lidar, "range_max", NOT_POSITIVE),
    (base, "radius", NOT_POSITIVE), (base, "track", NOT_POSITIVE), (robot, "reflex_hz", NOT_POSITIVE),
    (robot, "watchdog_s", NOT_POSITIVE), (robot, "stopping_distance_m", NOT_POSITIVE),
]  # fmt: skip


@pytest.mark.parametrize(("make", "key", "value"), [(make, key, v) for make, key, values in NUMBERS for v in values])
def test_a_number_out_of_range_is_refused_naming_what_got_and_allowed(make: Make, key: str, value: float) -> None:
    make()  # all else is right
    with pytest.raises(ConfigError) as caught:
        make(**{key: value})
    what, rest = str(caught.value).split(": got ", 1)
    got, allowed = rest.split(", allowed: ", 1)
    assert key in what or (key == "rate_hz" and "max_age_s" in what)
    assert repr(value) in got or key == "rate_hz"
    assert allowed


WORDS: list[tuple[Make, dict[str, object], str]] = [
    (joint, {"name": ""}, "joint name: got ''"),
    (joint, {"mode": "torque"}, "joint 'a' mode: got 'torque' (str), allowed: 'position', 'velocity'"),
    (joint, {"unit": "deg"}, "joint 'a' unit: got 'deg' (str), allowed: 'rad', 'm'"),
    (GroupSpec, {"name": "g", "joints": ()}, "group 'g' joints: got (), allowed: at least one joint name"),
    (GroupSpec, {"name": "", "joints": ("a",)}, "group name: got ''"),
    (
        GroupSpec,
        {"name": "g", "joints": ("a",), "on_estop": "explode"},
        "on_estop: got 'explode' (str), allowed: 'brake'",
    ),
    (sensor, {"name": ""}, "sensor name: got ''"),
    (touch, {"pads": ()}, "'touch' pads: got (), allowed: at least one name, none twice"),
    (touch, {"pads": ("l", "l")}, "'touch' pads: got ('l', 'l')"),
    (camera, {"name": "a/b"}, "camera name: got 'a/b', allowed: letters, digits, '_', '.', '-'"),
    (robot, {"joints": (), "groups": ()}, "robot 'r' joints: got []"),
    (robot, {"name": ""}, "robot name: got '', allowed: letters, digits, '_', '.', '-', at most 64"),
    (robot, {"name": "my robot"}, "robot name: got 'my robot', allowed: letters"),
    (robot, {"name": "r" * 65}, "robot name: got 'rrr"),
    (robot, {"joints": (joint(), joint())}, "joint names: got ['a', 'a'], allowed: no name twice"),
    (
        robot,
        {"groups": (GroupSpec(name="g", joints=("a", "b")),)},
        "allowed: every joint exactly once: ['a', 'b', 'c']",
    ),
    (robot, {"groups": (GroupSpec(name="g", joints=("a", "b", "c", "d")),)}, "got ['a', 'b', 'c', 'd']"),
    (robot, {"groups": tuple(GroupSpec(name="g", joints=(j,)) for j in "abc")}, "group names: got ['g', 'g', 'g']"),
    (robot, {"imu": sensor(name="encoder")}, "sensor names: got ['encoder', 'encoder'], allowed: no name twice"),
    (robot, {"base": base(right="z")}, "base.right: got 'z', allowed: one of ['a', 'b', 'c']"),
    (robot, {"arms": (ArmSpec(name="left", joints=("z",), tip="t"),)}, "arm 'left' joints: got 'z', allowed: one of"),
    (robot, {"arms": (ArmSpec(name="left", joints=("a",), tip="t", gripper="z"),)}, "arm 'left' gripper: got 'z'"),
    (ArmSpec, {"name": "left", "joints": (), "tip": "t"}, "arm 'left' joints: got (), allowed: at least one"),
    *(
        (
            ArmSpec,
            {"name": "left", "joints": ("a",), "tip": "t", "gripper": "b", "widths": widths},
            "arm 'left' widths: got",
        )
        for widths in (((0.0, 0.1),), ((0.0, 0.1), (0.0, 0.2)), ((0.0, 0.2), (1.0, 0.1)), ((0.0, -0.1), (1.0, 0.1)))
    ),
    (
        ArmSpec,
        {"name": "left", "joints": ("a",), "tip": "t", "opening": 0.1, "widths": ((0.0, 0.0), (1.0, 0.1))},
        "arm 'left' opening and widths: got",
    ),
    (robot, {"neck": NeckSpec(yaw="a", pitch="z")}, "neck.pitch: got 'z'"),
    (
        robot,
        {"neck": NeckSpec(yaw="a", pitch="b", camera="eye"), "cameras": (camera(),)},
        "neck.camera: got 'eye', allowed: one of ['camera.head']",
    ),
    (robot, {"face": FaceSpec(action_units={12: {"z": 0.1}})}, "face AU12: got 'z'"),
]


@pytest.mark.parametrize(("make", "kwargs", "message"), WORDS)
def test_a_wrong_word_is_refused_naming_what_got_and_allowed(
    make: Make, kwargs: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**kwargs)
    assert message in str(caught.value)
    assert ", allowed: " in str(caught.value)


MISFITS: list[tuple[Make, dict[str, object], str]] = [
    (joint, {"name": "elbow", "speed_max": "2"}, "joint 'elbow' speed_max: got '2' (str), allowed: a number"),
    (joint, {"effort_max": True}, "joint 'a' effort_max: got True (bool), allowed: a number"),
    (joint, {"home": None}, "joint 'a' home: got None (NoneType), allowed: a number"),
    (joint, {"name": 3}, "joint 3 name: got 3 (int), allowed: text"),
    (sensor, {"rate_hz": "fast"}, "sensor 'imu' rate_hz: got 'fast' (str), allowed: a number"),
    (camera, {"width": 320.5}, "'camera.head' width: got 320.5 (float), allowed: a whole number"),
    (lidar, {"n_rays": "36"}, "'lidar' n_rays: got '36' (str), allowed: a whole number"),
    (touch, {"pads": "pad"}, "'touch' pads: got 'pad' (str), allowed: a tuple of text, one alone written (x,)"),
    (GroupSpec, {"name": "g", "joints": "a"}, "group 'g' joints: got 'a' (str), allowed: a tuple of text"),
    (base, {"track": [0.4]}, "base track: got [0.4] (list), allowed: a number"),
    (ArmSpec, {"name": "left", "joints": ("a",), "tip": 1}, "arm 'left' tip: got 1 (int), allowed: text"),
    (NeckSpec, {"yaw": "a", "pitch": "b", "camera": 1}, "neck camera: got 1 (int), allowed: text or None"),
    (FaceSpec, {"action_units": {12: ["z"]}}, "face action_units: got {12: ['z']} (dict), allowed: a mapping of a"),
    (robot, {"groups": GroupSpec(name="g", joints=("a",))}, "robot 'r' groups: got GroupSpec("),
    (robot, {"joints": (joint(), "b")}, "allowed: a tuple of JointSpec, one alone written (x,)"),
    (
        robot,
        {"imu": len},
        "robot 'r' imu: got <built-in function len> (builtin_function_or_method), allowed: SensorSpec",
    ),
    (robot, {"name": 3}, "robot 3 name: got 3 (int), allowed: text"),
]


@pytest.mark.parametrize(("make", "kwargs", "message"), MISFITS)
def test_a_value_of_a_wrong_type_is_refused_naming_what_got_and_allowed(
    make: Make, kwargs: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**kwargs)
    assert message in str(caught.value)


def test_numbers_become_pythons_own_so_that_a_spec_can_be_written_to_a_file() -> None:
    found = joint(speed_max=np.deg2rad(90), acceleration_max=np.float32(2), effort_max=np.int64(3), home=1)
    assert [type(x) for x in (found.speed_max, found.acceleration_max, found.effort_max, found.home)] == [float] * 4
    assert (type(camera(width=np.int32(64)).width), type(lidar(n_rays=np.uint8(9)).n_rays)) == (int, int)
    face = FaceSpec(action_units={np.int64(12): {"a": np.float64(0.5)}})
    assert [type(x) for move in face.action_units.values() for x in move.values()] == [float]
    assert touch(pads=["l", "r"]) == touch(pads=("l", "r"))


def test_at_most_32_groups_fit_a_lease_mask() -> None:
    def many(n: int) -> RobotSpec:
        names = [f"j{i}" for i in range(n)]
        groups = tuple(GroupSpec(name=name, joints=(name,)) for name in names)
        return robot(joints=tuple(joint(name=name) for name in names), groups=groups)

    assert many(32).group_mask(["j31"]) == 1 << 31
    with pytest.raises(ConfigError, match="number of groups: got 33, allowed: at most 32"):
        many(33)


@pytest.mark.parametrize(
    ("ask", "message"),
    [("sensor_index", "sensor: got 'z', allowed: one of ['encoder', 'camera.head']"),
     ("joint_index", "joint: got 'z', allowed: one of ('a', 'b', 'c')"),
     ("group_index", "group: got 'z', allowed: one of ['ab', 'c']")],
)  # fmt: skip
def test_asking_for_a_name_that_is_not_there_lists_those_that_are(ask: str, message: str) -> None:
    spec = robot(cameras=(camera(),))
    with pytest.raises(ConfigError) as caught:
        getattr(spec, ask)("z")
    assert message in str(caught.value)


def test_sensors_keep_one_order_whatever_order_they_were_given_in() -> None:
    spec = robot(cameras=(camera(), camera(name="camera.hand")), lidar=lidar(), touch=touch(), imu=sensor())
    names = ["encoder", "imu", "touch", "lidar", "camera.head", "camera.hand"]
    assert [s.name for s in spec.sensors] == names
    assert [spec.sensor_index(name) for name in names] == list(range(6))
    assert spec.max_age_ns().tolist() == [8_000_000, 20_000_000, 100_000_000, 300_000_000, 100_000_000, 100_000_000]


def test_perception_looks_through_the_necks_camera_else_through_the_first() -> None:
    two = (camera(name="camera.hand"), camera())
    assert robot().eye is None
    assert robot(cameras=two).eye == two[0]
    assert robot(cameras=two, neck=NeckSpec(yaw="a", pitch="b", camera="camera.head")).eye == two[1]


def test_groups_and_masks_by_hand() -> None:
    spec = robot()
    assert (spec.n_joints, spec.joint_names, spec.joint_index("c"), spec.group_index("c")) == (3, ("a", "b", "c"), 2, 1)
    assert spec.group_of_joint().tolist() == [0, 0, 1]
    assert [spec.group_mask(j) for j in ([], ["a"], ["b", "a"], ["c"], ["a", "c"])] == [0, 1, 1, 2, 3]
    np.testing.assert_array_equal(spec.array("effort_max"), [3.0, 3.0, 3.0])


def test_a_velocity_joint_needs_no_position_limits() -> None:
    assert joint(mode="velocity", position_min=-INF, position_max=INF).position_max == INF


def test_intrinsics_are_those_of_the_pinhole_model() -> None:
    fx, fy, cx, cy = camera(width=320, height=240, fovy=math.pi / 2).intrinsics
    assert (fx, fy) == pytest.approx((120.0, 120.0))  # 45 degrees reach the edge, 120 px away
    assert (cx, cy) == (159.5, 119.5)


def test_a_spec_is_never_changed_in_place() -> None:
    spec = robot()
    with pytest.raises(AttributeError):
        spec.name = "other"  # type: ignore[misc]
    assert (replace(spec, name="other").name, spec.name) == ("other", "r")
