"""What `pip install` gets: a wheel holds the robot files, and what is installed from it works without the sources."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="building a wheel without a network needs it")
ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*PIP, *build], check=True, capture_output=True, text=True, timeout=120)
    (made,) = folder.glob("vagus-*.whl")
    return made


def test_the_wheel_holds_the_robot_files_and_what_the_page_serves(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "vagus").rglob("*") if path.is_file()}
    assert {name for name in sources if "__pycache__" not in name} <= names
    assert {f"vagus/robots/{path.name}" for path in (ROOT / "robots").glob("*.py")} <= names


def test_what_is_installed_from_the_wheel_checks_its_own_robot(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(
        [*PIP, "install", "--no-deps", "--no-compile", "--target", str(tmp_path), str(wheel)], check=True, timeout=120
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}  # before the sources of an editable installation
    where = "import vagus.cli, vagus.runtime.prepare as p; print(vagus.cli.__file__, p.host_file(), sep='\\n')"
    found = subprocess.run([sys.executable, "-c", where], env=env, cwd=tmp_path, capture_output=True, check=True)
    file, robot = found.stdout.decode().splitlines()
    assert Path(file).is_relative_to(tmp_path)
    assert Path(robot) == tmp_path / "vagus" / "robots" / "host.py"
    told = subprocess.run([sys.executable, "-m", "vagus", "check", robot], env=env, cwd=tmp_path, check=False)
    assert told.returncode == 0
