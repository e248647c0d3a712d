"""Claims about loading robot files: a good one gives its robot, a bad one a message that says where and what."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from vagus.body.load import load_robot
from vagus.body.robot import SimulatedCfg
from vagus.core.errors import ConfigError

ROBOTS = Path(__file__).parents[2] / "robots"
GOOD = (ROBOTS / "cart.py").read_text()


def _file(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["cart", "so101"])
def test_the_robots_that_come_along_load(name: str) -> None:
    assert load_robot(ROBOTS / f"{name}.py").spec.name == name


def test_two_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = load_robot(_file(tmp_path, GOOD))
    second = load_robot(_file(tmp_path / "a", GOOD.replace('name="cart"', 'name="other"')))
    assert (first.spec.name, second.spec.name) == ("cart", "other")


def test_a_file_named_like_a_module_does_not_shadow_it(tmp_path: Path) -> None:
    load_robot(_file(tmp_path, GOOD, "json.py"))
    assert "robot" not in vars(__import__("json"))


def test_a_robot_file_may_import_its_neighbour_and_leaves_the_path_as_it_was(tmp_path: Path) -> None:
    before = list(sys.path)
    _file(tmp_path, "RADIUS = 0.08\n", "neighbour_of_mine.py")
    text = "from neighbour_of_mine import RADIUS\n" + GOOD.replace("radius=0.08", "radius=RADIUS")
    base = load_robot(_file(tmp_path, text)).spec.base
    assert base is not None
    assert base.radius == 0.08
    assert sys.path == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", r"mine\.py: got no object named 'robot', allowed: robot = Robot\("),
        ("robot = 3\n", r"mine\.py: got robot of type int, allowed: vagus\.body\.robot\.Robot"),
        ("a = 1\nb = = 2\n", r"mine\.py, line 2: SyntaxError"),
        ("\n\nraise KeyError('lift')\n", r"mine\.py, line 3: KeyError: 'lift'"),
        ("import nothing_like_this\n", r"mine\.py, line 1: ModuleNotFoundError.*nothing_like_this"),
        ("def f():\n    return 1 / 0\nf()\n", r"mine\.py, line 2: ZeroDivisionError"),
        ("import sys\nsys.exit(0)\n", r"mine\.py, line 2: SystemExit"),
        ("x = '\0'\n", r"mine\.py.*null bytes"),
        (
            GOOD.replace("speed_max=10", "speed_max=-1"),
            r"mine\.py, line \d+: ConfigError: joint 'wheel_left' speed_max",
        ),
        (
            GOOD.replace("Robot(spec=spec", "Robot(spec={}"),
            r"ConfigError: robot spec: got {} \(dict\), allowed: RobotSpec",
        ),
        (
            GOOD.replace("Robot(spec=spec", "Robot(real=3, spec=spec"),
            r"ConfigError: robot real: got 3 \(int\), allowed: FeetechCfg or None",
        ),
        (GOOD.replace("model=lambda: ", "model="), r"ConfigError: robot model: got .*MjSpec.*, allowed: a function"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_what(tmp_path: Path, text: str, said: str) -> None:
    before = list(sys.path)
    with pytest.raises(ConfigError, match=said):
        load_robot(_file(tmp_path, text))
    assert sys.path == before


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe\x00robot")
    with pytest.raises(ConfigError, match=r"mine\.py"):
        load_robot(path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("crat.py", r"no such file; in .*: cart\.py$"),
        ("zzz.py", r"no such file; in .*: cart\.py"),
        ("no/cart.py", "there is no folder"),
        ("cart.xml", r"got a \.xml file, allowed: a Python file"),
        (".", "got a folder"),
    ],
)
def test_a_path_that_is_no_robot_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    _file(tmp_path, GOOD, "cart.py")
    _file(tmp_path, "<mujoco/>", "cart.xml")
    with pytest.raises(ConfigError, match=said):
        load_robot(tmp_path / name)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scene": "atlantis"}, "simulated scene: got 'atlantis', allowed: 'desk', 'empty', 'room'"),
        (
            {"start": (1, 2)},
            r"simulated start: got \(1, 2\) \(tuple\), allowed: a tuple of 3: a number, a number, a number",
        ),
        ({"start": (math.nan, 0, 0)}, r"simulated start: got \(nan, 0.0, 0.0\), allowed: three finite numbers"),
        ({"start": (0, math.inf, 0)}, "simulated start: got"),
        ({"room": -1}, "simulated room: got -1, allowed: a seed >= 0, or None"),
    ],
)
def test_a_start_or_scene_that_there_is_not_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SimulatedCfg(**given)


def test_a_robot_builds_the_scene_it_stands_in() -> None:
    robot = load_robot(ROBOTS / "cart.py")
    scene = robot.build_scene("empty", 1)
    assert (scene.model.nq, scene.model.nu) == (7 + 2, 2)
    with pytest.raises(ConfigError, match="scene: got 'atlantis'"):
        robot.build_scene("atlantis", 1)
