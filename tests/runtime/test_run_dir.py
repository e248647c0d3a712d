"""The run directory: one supervisor a robot, clear errors for everyone else."""

from pathlib import Path

import pytest

from vagus.core.errors import ConfigError
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec
from vagus.runtime import run_dir


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path)
    return tmp_path


def make_run() -> run_dir.Run:
    joint = JointSpec(name="wheel", mode="velocity", speed_max=1.0, acceleration_max=1.0, effort_max=1.0)
    spec = RobotSpec(name="toy", joints=(joint,), groups=(GroupSpec(name="base", joints=("wheel",)),))
    return run_dir.Run(spec=spec, robot_file="toy.py", seed=3, scene="empty", shape=None)


def test_a_run_read_back_is_the_run_written(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    run_dir.save(path, make_run())
    assert run_dir.load(path) == make_run()
    lock.close()


def test_a_second_run_of_a_robot_is_refused_with_the_first_ones_process(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    (path / "kept").touch()
    with pytest.raises(ConfigError, match="already running"):
        run_dir.claim("toy")
    assert (path / "kept").exists()
    lock.close()


def test_what_a_dead_run_left_is_cleared(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    (path / "old.ring").touch()
    lock.close()
    run_dir.claim("toy")[1].close()
    assert not (path / "old.ring").exists()


def test_only_living_runs_are_listed_and_chosen(root: Path) -> None:
    _, lock = run_dir.claim("toy")
    assert run_dir.choose(None) == root / "toy"
    lock.close()
    with pytest.raises(ConfigError, match="no robot is running"):
        run_dir.choose(None)


@pytest.mark.parametrize("name", ["", "..", "a/b", "x" * 65, "-x"])
def test_a_name_that_is_no_directory_name_is_refused(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        run_dir.claim(name)
    assert list(root.iterdir()) == []


def test_a_torn_description_is_refused(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    (path / "run.msgpack").write_bytes(b"\x81")
    with pytest.raises(ConfigError, match="not a run's description"):
        run_dir.load(path)
    lock.close()
