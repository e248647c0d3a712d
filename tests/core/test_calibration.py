import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.body.calibration_file import load, save
from vagus.core.calibration import FORMAT, Calibration, CameraMount, from_json, none, to_json
from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec, GroupSpec, JointSpec, RobotSpec

SPEC = RobotSpec(
    name="small",
    joints=tuple(
        JointSpec(name=n, position_min=-1.0, position_max=1.0, speed_max=1.0, acceleration_max=1.0, effort_max=1.0)
        for n in ("a", "b")
    ),
    groups=(GroupSpec(name="all", joints=("a", "b")),),
    cameras=(CameraSpec(name="eye", rate_hz=30.0, max_age_s=0.2),),
)
TURNED = CameraMount(position=(0.001, -0.002, 0.003), quat=(math.cos(0.01), 0.0, math.sin(0.01), 0.0))
FOUND = Calibration(robot="small", seed=1, encoder_offset={"b": 0.0125}, camera={"eye": TURNED})


def test_no_calibration_changes_nothing() -> None:
    nothing = none(SPEC)
    np.testing.assert_array_equal(nothing.offsets(SPEC), [0.0, 0.0])
    np.testing.assert_array_equal(nothing.mount("eye").X_NC, np.eye(4))


def test_names_that_are_left_out_need_no_correction() -> None:
    np.testing.assert_array_equal(FOUND.offsets(SPEC), [0.0, 0.0125])
    np.testing.assert_array_equal(Calibration(robot="small").mount("eye").X_NC, np.eye(4))


def test_a_mount_is_the_transform_it_says() -> None:
    X_NC = TURNED.X_NC
    np.testing.assert_allclose(X_NC[:3, 3], TURNED.position)
    np.testing.assert_allclose(X_NC[:3, :3] @ [0.0, 0.0, 1.0], [math.sin(0.02), 0.0, math.cos(0.02)])


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_file_gives_back_what_was_saved(offsets: dict[str, float]) -> None:
    saved = Calibration(robot="small", encoder_offset=offsets, camera={"eye": TURNED})
    assert from_json(to_json(saved), SPEC) == saved


def test_save_and_load_go_through_a_file(tmp_path: Path) -> None:
    save(tmp_path / "small.json", FOUND)
    assert load(tmp_path / "small.json", SPEC) == FOUND


def test_another_simulated_robot_is_refused_what_was_measured_on_one(tmp_path: Path) -> None:
    save(tmp_path / "one.json", FOUND)
    assert load(tmp_path / "one.json", SPEC, seed=1) == FOUND
    with pytest.raises(ConfigError, match=r"one\.json: seed: got 1, allowed: 2, .* `vagus calibrate FILE --seed 2`"):
        load(tmp_path / "one.json", SPEC, seed=2)
    save(tmp_path / "real.json", replace(FOUND, seed=None))
    assert load(tmp_path / "real.json", SPEC).seed is None
    with pytest.raises(ConfigError, match="seed: got None, allowed: 0"):
        load(tmp_path / "real.json", SPEC, seed=0)


def broken(**changes: object) -> str:
    return json.dumps(json.loads(to_json(FOUND)) | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "got list, allowed: a JSON object"),
        (broken(format="2"), f"format: got '2', allowed: '{FORMAT}'"),
        (broken(robot="other"), "robot: got 'other', allowed: 'small'"),
        (broken(seed="1"), "seed: got '1', allowed: null, or an integer >= 0"),
        (broken(seed=True), "seed: got True"),
        (broken(seed=-1), "seed: got -1"),
        (broken(extra=1), r"keys: got \["),
        (broken(encoder_offset=[]), "encoder_offset: got list"),
        (broken(encoder_offset={"c": 0.0}), "joint: got 'c', allowed: a, b"),
        (broken(encoder_offset={"a": "0"}), "'a': got '0', allowed: a finite number"),
        (broken(encoder_offset={"a": True}), "'a': got True"),
        (broken(encoder_offset={"a": math.nan}), "'a': got nan"),
        (broken(encoder_offset={"a": 10**400}), "'a': got an integer beyond"),
        (broken(camera={"ear": {}}), "camera: got 'ear', allowed: eye"),
        (broken(camera={"eye": {}}), r"camera 'eye' keys: got \[\]"),
        (
            broken(camera={"eye": {"position": [0, 0], "quat_wxyz": [1, 0, 0, 0]}}),
            "position: got 2 numbers, allowed: 3",
        ),
        (broken(camera={"eye": {"position": 0, "quat_wxyz": [1, 0, 0, 0]}}), "position: got 0, allowed: 3 numbers"),
        (broken(camera={"eye": {"position": [0, 0, 0], "quat_wxyz": [2, 0, 0, 0]}}), "'eye'.*unit length"),
        (broken(camera={"eye": {"position": [0, 0, math.inf], "quat_wxyz": [1, 0, 0, 0]}}), "'eye'.*finite"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        from_json(text, SPEC)
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"calibration file .*broken\.json"):
        load(path, SPEC)


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.json cannot be read"):
        load(tmp_path / "missing.json", SPEC)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.json cannot be read"):
        load(tmp_path / "binary.json", SPEC)
    with pytest.raises(ConfigError, match="cannot be written"):
        save(tmp_path / "no" / "folder.json", FOUND)
