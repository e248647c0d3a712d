"""``make``: what a fresh machine lacks is said by the name of its package, before anything is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
ROOT = Path(__file__).parents[1]
LIBRARIES = {"libegl1": "libEGL.so.1", "libgles2": "libGLESv2.so.2"}


class Machine:
    """A machine with a few commands of its own before the real ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command("python3", "exit 0")
        self.command(
            "ldconfig", "\n".join(f"echo '  {name} (libc6,x86-64) => /lib/{name}'" for name in LIBRARIES.values())
        )
        self.command("ls", "exit 0")
        self.command("id", "echo 1000")
        self.command("uname", "echo x86_64")

    def command(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)

    def preflight(self) -> tuple[int, str]:
        env = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        command = ["make", "--no-print-directory", "preflight", "PYTHON=python3"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_with_everything_passes_and_hears_nothing(machine: Machine) -> None:
    assert machine.preflight() == (0, "")


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_missing_library_is_named_by_its_package(machine: Machine, package: str) -> None:
    left = next(name for key, name in LIBRARIES.items() if key != package)
    machine.command("ldconfig", f"echo '  {left} (libc6,x86-64) => /lib/{left}'")
    status, told = machine.preflight()
    assert status != 0
    assert told == f"System packages are missing; type: sudo apt-get install -y {package}\n"


def test_memory_barriers_are_asked_for_where_the_processor_needs_them(machine: Machine) -> None:
    machine.command("uname", "echo aarch64")
    assert machine.preflight()[1] == "System packages are missing; type: sudo apt-get install -y libatomic1\n"
    names = ("libatomic.so.1", *LIBRARIES.values())
    machine.command("ldconfig", "\n".join(f"echo '  {name} (libc6,AArch64) => /lib/{name}'" for name in names))
    assert machine.preflight() == (0, "")


def test_all_that_is_missing_is_named_in_one_line_to_type(machine: Machine) -> None:
    machine.command("ldconfig", "exit 0")
    machine.command("ls", "exit 2")
    machine.command("id", "echo 0")
    machine.command("python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    status, told = machine.preflight()
    assert status != 0
    packages = "python3-venv libegl1 libgles2 libgl1-mesa-dri"
    assert told == f"System packages are missing; type: apt-get install -y {packages}\n"


@pytest.mark.parametrize("script", ["exit 1", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac'])
def test_a_python_that_is_too_old_or_none_is_said_with_the_package(machine: Machine, script: str) -> None:
    machine.command("python3", script)
    status, told = machine.preflight()
    assert status != 0
    assert told.startswith("Vagus needs Python 3.11 or newer as python3; found: ")
    assert told.endswith("apt-get install -y python3 python3-venv\n")
