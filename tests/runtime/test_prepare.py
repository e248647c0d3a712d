"""Getting a run ready: the calibration that came with a robot file."""

from pathlib import Path

from vagus.body.calibration_file import load
from vagus.body.load import load_robot
from vagus.runtime.prepare import calibration_beside, host_file


def test_the_demos_host_comes_with_a_calibration_that_is_its_own() -> None:
    path = calibration_beside(host_file(), 0)
    assert path is not None
    found = load(path, load_robot(host_file()).spec, seed=0)
    assert any(found.encoder_offset.values())


def test_another_robot_has_none(tmp_path: Path) -> None:
    assert calibration_beside(host_file(), 12345) is None
    assert calibration_beside(tmp_path / "cart.py", 0) is None
