"""Claims about the stream table: every sensor's stream says how old it may be, and no stream replaces another."""

from dataclasses import replace

import pytest

from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec, GroupSpec, JointSpec, LidarSpec, RobotSpec, SensorSpec, TouchSpec
from vagus.streams.table import SceneShape, stream_table

CAM = CameraSpec(name="camera.head", rate_hz=15, max_age_s=0.2)
SPEC = RobotSpec(
    name="r",
    joints=(JointSpec(name="w", mode="velocity", speed_max=1, acceleration_max=1, effort_max=1),),
    groups=(GroupSpec(name="base", joints=("w",)),),
    imu=SensorSpec(name="gyro", rate_hz=200, max_age_s=0.02),
    touch=TouchSpec(name="skin", rate_hz=100, max_age_s=0.03, pads=("p",)),
    lidar=LidarSpec(name="laser", rate_hz=10, max_age_s=0.3),
    cameras=(CAM,),
)
SHAPE = SceneShape(nq=1, nmocap=0, nbody=2)


def test_every_sensors_stream_has_its_sensors_largest_age_and_others_none() -> None:
    table = stream_table(SPEC, SHAPE)
    ages = {row.name: row.max_age_s for row in table.values() if row.max_age_s is not None}
    assert ages == {"joint_state": 0.008, "imu": 0.02, "touch": 0.03, "lidar": 0.3, "camera.head": 0.2}


@pytest.mark.parametrize("name", ["scene", "reflex", "imu", "joint_state", "stats.page", "utterance.page"])
def test_a_camera_that_would_replace_a_stream_is_refused(name: str) -> None:
    spec = replace(SPEC, cameras=(replace(CAM, name=name),))
    with pytest.raises(ConfigError, match=f"camera name: got '{name}', allowed: no other stream's name"):
        stream_table(spec, SHAPE)


def test_the_scene_comes_as_often_as_the_cameras_expose() -> None:
    assert stream_table(SPEC, SHAPE)["scene"].rate_hz == 15.0
    assert stream_table(replace(SPEC, cameras=()), SHAPE)["scene"].rate_hz == 30.0
    assert "scene" not in stream_table(SPEC, None)
