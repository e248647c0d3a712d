"""Claims about docs/robot-file.md: its files, written down as they stand there, make robots that drive."""

import re
from pathlib import Path

import numpy as np
import pytest

from vagus.body.check import check_robot
from vagus.body.load import load_robot
from vagus.body.robot import Robot
from vagus.body.simulated import SimulatedBody
from vagus.core import messages as m
from vagus.core.messages import Mode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "robot-file.md").read_text()
STEP_NS = 2_000_000
FILES = {
    name: text
    for text in re.findall(r"^```(?:python|xml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for name in re.findall(r"\A(?:# |<!-- )(\S+\.(?:py|urdf))", text)
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _drive(robot: Robot, left: float, right: float) -> tuple[np.ndarray, np.ndarray]:
    """Drive for 2 s of virtual time; return how far the root moved [m, wxyz] and the wheels turned [rad]."""
    body = SimulatedBody(robot, scene="empty", seed=3)
    data = body.simulation.data
    start = data.qpos.copy()
    command = m.blank(m.joint_command(robot.spec))
    command["mode"], command["effort_max"] = Mode.VELOCITY, robot.spec.array("effort_max")
    for k in range(1, 1001):
        command["counter"] = k
        command["v"] = np.array([left, right]) * min(1.0, k / 250)  # half a second to full speed
        body.step(k * STEP_NS, command)
    wheels = [data.joint(name).qpos[0] for name in robot.spec.joint_names]
    return data.qpos[:7] - start[:7], np.array(wheels)


def test_every_code_block_is_a_file_of_a_name() -> None:
    assert list(FILES) == ["rover.py", "dolly.urdf", "dolly.py"]
    assert len(FILES) == len(re.findall(r"^```(?:python|xml)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", ["rover.py", "dolly.py"])
def test_check_finds_nothing_to_mend(folder: Path, name: str) -> None:
    assert [f for f in check_robot(load_robot(folder / name)) if f.severity != "info"] == []


@pytest.mark.parametrize("name", ["rover.py", "dolly.py", "cart.py"])
def test_it_drives_straight_ahead_as_far_as_its_wheels_turn(folder: Path, name: str) -> None:
    robot = load_robot((ROOT / "robots" if name == "cart.py" else folder) / name)
    assert robot.spec.base is not None
    moved, wheels = _drive(robot, 5.0, 5.0)
    np.testing.assert_allclose(wheels, 5.0 * 1.75, rtol=0.03)  # the ramp costs a quarter of a second
    np.testing.assert_allclose(moved[0], robot.spec.base.radius * wheels.mean(), rtol=0.05)
    assert abs(moved[1]) < 0.02


@pytest.mark.parametrize("name", ["rover.py", "dolly.py", "cart.py"])
def test_it_turns_left_on_the_spot_when_the_right_wheel_leads(folder: Path, name: str) -> None:
    robot = load_robot((ROOT / "robots" if name == "cart.py" else folder) / name)
    moved, _ = _drive(robot, -1.5, 1.5)
    assert moved[6] > 0.3  # z of the quaternion: more than 35 degrees to the left
    assert np.hypot(moved[0], moved[1]) < 0.05


def test_the_page_names_files_and_commands_that_exist() -> None:
    for name in re.findall(r"`?(robots/\w+\.py)", PAGE):
        assert (ROOT / name).is_file()
    cli = (ROOT / "src" / "vagus" / "cli.py").read_text()
    for command in re.findall(r"^vagus (\w+)", PAGE, re.MULTILINE):
        assert f"def {command}(" in cli


def test_the_cart_to_copy_stays_short() -> None:
    assert len((ROOT / "robots" / "cart.py").read_text().splitlines()) < 60
