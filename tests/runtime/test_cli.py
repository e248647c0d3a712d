"""The command line: every bad input gives one clear line and exit status 2 (1 from ``check`` and ``doctor``)."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vagus import cli
from vagus.runtime import run_dir
from vagus.runtime.prepare import host_file
from vagus.world.gl import GL_APT

COMMANDS = ("demo", "run", "stop", "reset", "top", "check", "calibrate", "doctor")


class Told:
    """What a command printed, and its exit status."""

    def __init__(self, status: int | str | None, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def refusal(self) -> str:
        """Return the one line that says why; fails if there is more or less."""
        assert self.status == 2, self.err
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("vagus: ")
        return line


@pytest.fixture
def vagus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["vagus", *words])
        status: int | str | None = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code
        return Told(status, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(vagus: Callable[..., Told], command: str) -> None:
    told = vagus(command, "--help")
    assert told.status == 0
    assert f"usage: vagus {command}" in told.out


def test_help_lists_every_command(vagus: Callable[..., Told]) -> None:
    told = vagus("--help")
    assert told.status == 0
    assert all(command in told.out for command in COMMANDS)


def test_a_missing_robot_file_is_named_with_its_neighbours(vagus: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "rover.py").touch()
    line = vagus("run", "rovr.py").refusal()
    assert f"robot file {tmp_path}/rovr.py: there is no such file; in {tmp_path}: rover.py" in line


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("robot = (", "line 1: SyntaxError"),
        ("x = 1\nrobot = y\n", "line 2: NameError: name 'y' is not defined"),
        ("x = 1\n", "got no object named 'robot', allowed: robot = Robot("),
        ("robot = 3\n", "got robot of type int, allowed: vagus.body.robot.Robot"),
        ("from vagus.core.robot import *\nJointSpec(name='j', speed_max=-1, acceleration_max=1, effort_max=1)\n",
         "line 2: ConfigError: joint 'j' speed_max: got -1, allowed: a finite number > 0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_malformed_robot_file_is_refused_at_its_line(
    vagus: Callable[..., Told], tmp_path: Path, command: str, text: str, why: str
) -> None:
    (tmp_path / "wrong.py").write_text(text)
    assert why in vagus(command, "wrong.py").refusal()


def test_a_robot_file_that_cannot_run_gives_status_1_from_check(vagus: Callable[..., Told], tmp_path: Path) -> None:
    whole = (host_file().parent / "cart.py").read_text()
    (tmp_path / "cart.py").write_text(whole.replace('<joint name="wheel_left"', '<joint name="wheel"'))
    told = vagus("check", "cart.py")
    assert (told.status, told.err) == (1, "")
    assert "wheel_left" in told.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--scene", "moon"], "scene: got 'moon', allowed: ['empty', "),
        (["--seed", "-1"], "seed: got -1, allowed: 0 to 4294967295"),
        (["--seconds", "-1"], "seconds: got -1.0, allowed: a finite number > 0"),
        (["--seconds", "nan"], "seconds: got nan, allowed"),
        (["--say", " "], "say: got ' ', allowed: 1 to 2048 bytes"),
        (["--say", "가" * 700], "allowed: 1 to 2048 bytes"),
        (["--page-port", "70000"], "--page-port: got 70000, allowed: 1 to 65535"),
        (["--json", "no/such/folder.json"], "no folder no/such, allowed: a file in a folder"),
        (["--video", "."], "file .: got a folder"),
        (["--calibration", "none.json"], "calibration file none.json cannot be read: "),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(vagus: Callable[..., Told], words: list[str], why: str) -> None:
    assert why in vagus("demo", *words).refusal()
    assert run_dir.running() == []
    assert list(run_dir.ROOT.glob("*/*.ring")) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--real"], "declares no real body"),
        (["--port", "/dev/ttyACM0"], "port: got '/dev/ttyACM0' for the simulated body, allowed: with --real only"),
        (["--real", "--scene", "empty"], "scene and video: got one for a real body"),
        (["--real", "--calibration", "x.json"], "calibration: got x.json for a real body"),
    ],
)
def test_options_that_do_not_go_together_are_refused(vagus: Callable[..., Told], words: list[str], why: str) -> None:
    assert why in vagus("run", str(host_file()), *words).refusal()


@pytest.mark.parametrize("words", [["--seed", "x"], ["--seconds", "soon"], ["--page-port", "1.5"], ["--nonsense"]])
def test_a_wrong_type_or_option_is_refused_with_status_2(vagus: Callable[..., Told], words: list[str]) -> None:
    told = vagus("demo", *words)
    assert told.status == 2
    assert words[-1] in told.err
    assert "Traceback" not in told.err


def test_a_taken_port_is_said_before_anything_starts(vagus: Callable[..., Told]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = vagus("demo", "--page-port", str(port)).refusal()
    assert line == f"vagus: port {port} on 127.0.0.1 is taken; give another with --page-port"
    assert run_dir.running() == []


@pytest.mark.parametrize("command", ["top", "stop", "reset"])
def test_with_no_robot_running_it_says_how_to_start_one(vagus: Callable[..., Told], command: str) -> None:
    assert vagus(command).refusal() == "vagus: no robot is running; start one with `vagus demo` or `vagus run FILE`"


@pytest.mark.parametrize("command", ["top", "stop", "reset"])
def test_a_robot_that_is_not_running_is_refused_with_those_that_are(vagus: Callable[..., Told], command: str) -> None:
    lock = run_dir.claim("cart")[1]
    assert vagus(command, "kart").refusal() == "vagus: robot name: got 'kart', allowed, because running: cart"
    lock.close()


def test_a_second_run_of_the_same_robot_is_refused(vagus: Callable[..., Told]) -> None:
    lock = run_dir.claim("host")[1]
    assert f"robot 'host' is already running (process {os.getpid()})" in vagus("demo").refusal()
    assert run_dir.running() == ["host"]
    lock.close()


def test_a_full_memory_file_system_is_said(vagus: Callable[..., Told]) -> None:
    run_dir.ROOT.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(run_dir.ROOT)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        line = vagus("demo", "--headless").refusal()
        assert "no room for its ring in" in line
        assert " bytes needed, " in line
        assert list(run_dir.ROOT.glob("*/*.ring")) == []
    finally:
        subprocess.run(["umount", str(run_dir.ROOT)], check=True)


@pytest.mark.parametrize("command", [["demo"], ["run", "x.py"], ["check", "x.py"], ["calibrate", "x.py"]])
def test_a_graphics_library_that_does_not_exist_is_refused(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    assert "MUJOCO_GL: got 'nonsense', allowed: 'egl', 'osmesa', or not set" in vagus(*command).refusal()


def test_a_graphics_library_that_is_not_installed_is_refused_with_the_line_to_type(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert GL_APT in vagus("demo").refusal()


def test_stopping_needs_no_graphics_library(vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    assert "no robot is running" in vagus("stop").refusal()


def test_the_doctor_ends_with_status_1_where_something_is_missing(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    told = vagus("doctor", "--page-port", "0")
    assert told.status == 1
    assert "unset MUJOCO_GL" in told.out


def shell(*words: str, root: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "VAGUS_RUN_ROOT": str(root), "COLUMNS": "200", **environment}
    command = [sys.executable, "-m", "vagus", *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=120)


def test_as_a_module_it_is_the_same_command(tmp_path: Path) -> None:
    done = shell("top", root=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "vagus: no robot is running; start one with `vagus demo` or `vagus run FILE`\n"


@pytest.mark.realtime
def test_a_camera_that_cannot_render_ends_the_run_with_the_line_to_type(tmp_path: Path) -> None:
    done = shell("demo", "--headless", "--seconds", "60", root=tmp_path, __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "camera ended (exit status 78): no OpenGL library that renders without a screen" in line
    assert GL_APT in line


@pytest.mark.realtime
def test_a_run_that_is_told_to_end_writes_its_summary_and_leaves_nothing_running(tmp_path: Path) -> None:
    words = ["run", str(host_file().parent / "cart.py"), "--page-port", "0", "--record", str(tmp_path / "log"),
             "--json", str(tmp_path / "out.json")]  # fmt: skip
    env = {**os.environ, "VAGUS_RUN_ROOT": str(tmp_path / "runs")}
    process = subprocess.Popen([sys.executable, "-m", "vagus", *words], stdout=subprocess.PIPE, text=True, env=env)
    assert "cart is ready after" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert '"ready_s"' in (tmp_path / "out.json").read_text()
    assert list((tmp_path / "log").glob("*/core-0001.mcap"))
    assert list((tmp_path / "runs").glob("*/*.ring")) == []
