"""The command line: every bad input gives one clear line and exit status 2 (1 from ``check`` and ``doctor``)."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import toy_robot

from vagus import cli
from vagus.core import messages as m
from vagus.core.errors import VagusError
from vagus.core.person import BEHAVIOURS
from vagus.runtime import demo, run_dir, stop
from vagus.runtime.prepare import host_file
from vagus.streams.stale import foreign
from vagus.streams.streams import shared_streams
from vagus.world.gl import GL_APT

COMMANDS = ("demo", "run", "stop", "reset", "top", "check", "calibrate", "model", "doctor")


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
        ("from vagus.core.robot import *\nJointSpec(name='j', speed_max=-1.0, acceleration_max=1, effort_max=1)\n",
         "line 2: ConfigError: joint 'j' speed_max: got -1.0, allowed: a finite number > 0"),
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
        (["--scene", "moon"], "scene: got 'moon', allowed: ['desk', 'empty', "),
        (["--seed", "-1"], "seed: got -1, allowed: 0 to 4294967295"),
        (["--seconds", "-1"], "seconds: got -1.0, allowed: a finite number > 0"),
        (["--seconds", "nan"], "seconds: got nan, allowed"),
        (["--say", " "], "say: got ' ', allowed: 1 to 2048 bytes"),
        (["--say", "가" * 700], "allowed: 1 to 2048 bytes"),
        (["--say", "wave \udcff"], r"say: got 'wave \udcff', allowed: 1 to 2048 bytes of text in UTF-8"),
        (["--scene", "empty", "--person", "walks_near"], "person: got 'walks_near' in scene 'empty', where nobody is"),
        (["--record", "file/runs"], "cannot record into file/runs: Not a directory; allowed: a folder you may write"),
        (["--page-port", "70000"], "--page-port: got 70000, allowed: 1 to 65535"),
        (["--json", "no/such/folder.json"], "no folder no/such, allowed: a file in a folder"),
        (["--video", "."], "file .: got a folder"),
        (["--calibration", "none.json"], "calibration file none.json cannot be read: "),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(vagus: Callable[..., Told], words: list[str], why: str) -> None:
    Path("file").touch()
    assert why in vagus("demo", *words).refusal()
    assert run_dir.running() == []
    assert list(run_dir.ROOT.glob("*/*.ring")) == []
    assert list(Path("runs").glob("*-host")) == []  # nor a folder for a recording that never was


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--real"], "declares no real body"),
        (["--port", "/dev/ttyACM0"], "port: got '/dev/ttyACM0' for the simulated body, allowed: with --real only"),
        (["--real", "--scene", "empty"], "scene and video: got one for a real body"),
        (["--real", "--calibration", "x.json"], "calibration: got x.json for a real body"),
        (["--real", "--person", "walks_near"], "person: got 'walks_near' for a real body"),
    ],
)
def test_options_that_do_not_go_together_are_refused(vagus: Callable[..., Told], words: list[str], why: str) -> None:
    assert why in vagus("run", str(host_file()), *words).refusal()


@pytest.mark.parametrize(
    "words",
    [
        ["--seed", "x"],
        ["--seconds", "soon"],
        ["--page-port", "1.5"],
        ["--person", "flies"],
        ["--nonsense"],
    ],
)
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


def latched(path: Path) -> stop.Stopped:
    return stop.Stopped(latched_after_s=0.012, killed=None, is_requested=True, at_rest_after_s=0.3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "latched after 12 ms; at rest 300 ms after the request, by the body's readings"),
        ({"latched_after_s": None}, "there was no reflex, so the body had braked by its watchdog; at rest 300 ms"),
        ({"latched_after_s": None, "killed": 7}, "the reflex (process 7) did not answer and was killed, so the body"),
        ({"latched_after_s": None, "killed": 7, "is_requested": False},
         "the request could not be written, so the reflex (process 7) was killed; at rest 300 ms after the request, by "
         "the body's readings; NOT LATCHED: other processes hold the request's streams; run it again"),
    ],
)  # fmt: skip
def test_a_stop_says_what_really_happened(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, changes: dict[str, int | None], words: str
) -> None:
    monkeypatch.setattr(stop, "stop", lambda path: replace(latched(path), **changes))
    lock = run_dir.claim("toy")[1]
    told = vagus("stop")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"toy stopped: {words}")
    lock.close()


def test_a_stop_without_a_name_stops_every_robot_and_says_each(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fake(path: Path) -> stop.Stopped:
        asked.append(path.name)
        if path.name == "b":
            raise VagusError("PRESS THE HARDWARE STOP")
        return latched(path)

    monkeypatch.setattr(stop, "stop", fake)
    locks = [run_dir.claim(name)[1] for name in "abc"]
    told = vagus("stop")
    assert sorted(asked) == ["a", "b", "c"]
    assert [line.partition(":")[0] for line in told.out.splitlines()] == ["a stopped", "c stopped"]
    assert (told.status, told.err) == (2, "vagus: b: PRESS THE HARDWARE STOP\n")
    assert vagus("stop", "c").out.startswith("c stopped: latched")
    for lock in locks:
        lock.close()


@pytest.mark.parametrize(
    ("reset", "status", "out", "err"),
    [
        (stop.Reset(granted_after_s=0.1), 0, "toy: reset granted after 100 ms\n", ""),
        (stop.Reset(granted_after_s=0.0, is_needed=False), 0, "toy: not in emergency stop\n", ""),
        (stop.Reset(granted_after_s=None, why_not="base moves"), 1, "", "vagus: toy: reset not granted: base moves\n"),
    ],
)
def test_a_reset_says_whether_it_was_granted(
    vagus: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, reset: stop.Reset, status: int, out: str, err: str
) -> None:
    monkeypatch.setattr(stop, "reset", lambda path: reset)
    lock = run_dir.claim("toy")[1]
    told = vagus("reset")
    assert (told.status, told.out, told.err) == (status, out, err)
    lock.close()


def test_one_look_as_json_is_one_object_with_what_the_streams_say(vagus: Callable[..., Told]) -> None:
    path, lock = run_dir.claim("toy")
    run_dir.save(path, toy_robot.RUN)
    record = m.blank(m.reflex(toy_robot.SPEC))
    record["stamp_ns"], record["state"] = time.monotonic_ns(), m.State.HOLD
    writer = shared_streams(path, toy_robot.RUN.table()).writer("reflex")
    writer.publish(record)
    told = vagus("top", "--once", "--json")
    snapshot = json.loads(told.out)
    assert (told.status, told.err) == (0, "")
    assert (snapshot["robot"], snapshot["groups"]["base"]["state"]) == ("toy", "HOLD")
    assert snapshot["streams"]["reflex"]["messages"] == 1
    assert "HOLD" in vagus("top", "toy", "--once").out
    writer.close()
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
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=root, check=False, timeout=120)


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


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[run_dir.Run]:
    """The runs that got as far as to their supervisor; there they end."""
    made: list[run_dir.Run] = []

    def refuse(run: run_dir.Run, *, report: Callable[[str], None]) -> None:
        made.append(run)
        raise VagusError("far enough")

    monkeypatch.setattr(demo, "Supervisor", refuse)
    return made


@pytest.mark.parametrize("command", [["demo"], ["run", str(host_file())]])
@pytest.mark.parametrize("person", BEHAVIOURS)
def test_what_the_person_does_reaches_the_run(
    vagus: Callable[..., Told], runs: list[run_dir.Run], command: list[str], person: str
) -> None:
    assert vagus(*command, "--person", person).refusal() == "vagus: far enough"
    assert [run.person for run in runs] == [person]


@pytest.mark.parametrize("command", [["demo"], ["run", str(host_file())]])
def test_a_run_is_recorded_into_a_folder_with_its_robots_name_unless_told_not_to(
    vagus: Callable[..., Told], runs: list[run_dir.Run], tmp_path: Path, command: list[str]
) -> None:
    for words in ([], ["--record", "log"], ["--no-record"]):
        vagus(*command, *words)
    first, second, third = (run.record_dir for run in runs)
    assert re.fullmatch(rf"{tmp_path}/runs/\d{{8}}-\d{{6}}-host", first or "")
    assert re.fullmatch(rf"{tmp_path}/log/\d{{8}}-\d{{6}}-host", second or "")
    assert third is None


def test_runs_that_start_in_the_same_second_record_into_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.time, "strftime", lambda form: "now")
    folders = [demo._record_folder(tmp_path, name) for name in ("host", "cart", "host", "host")]
    assert [folder.name for folder in folders] == ["now-host", "now-cart", "now-host-2", "now-host-3"]


CART = str(host_file().parent / "cart.py")


@pytest.mark.realtime
def test_a_run_that_ends_before_its_robot_was_ready_says_so_with_status_1(tmp_path: Path) -> None:
    done = shell("run", CART, "--page-port", "0", "--no-record", "--seconds", "0.1", root=tmp_path)
    assert (done.returncode, done.stderr) == (1, "vagus: cart was not ready within 0.1 s\n")


@pytest.mark.realtime
def test_words_that_come_to_nothing_end_the_demo_with_status_1_and_why(tmp_path: Path) -> None:
    words = ["demo", "--headless", "--no-record", "--scene", "empty", "--say", "nonsense"]
    done = shell(*words, root=tmp_path)
    assert (done.returncode, done.stderr) == (1, "vagus: not done: 'nonsense' (not_understood)\n")


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[demo.Live, list[str]]]:
    """A run of which no process was started, and what it reports."""
    monkeypatch.setattr(run_dir, "ROOT", tmp_path / "runs")
    reports: list[str] = []
    live = demo.Live(demo.LiveCfg(robot_file=Path(CART), page_port=8798), report=reports.append)
    yield live, reports
    live.supervisor.stop()


def show_life(live: demo.Live, process: str) -> None:
    """Write what a process's first tick does."""
    record = m.blank(m.stats(live.run.spec))
    record["stamp_ns"] = time.monotonic_ns()
    live.supervisor.streams.writer(f"stats.{process}").publish(record)


def hold(live: demo.Live) -> None:
    """Write what a reflex does that holds every group."""
    record = m.blank(m.reflex(live.run.spec))
    record["stamp_ns"], record["state"] = time.monotonic_ns(), m.State.HOLD
    live.supervisor.streams.writer("reflex").publish(record)


def test_the_page_is_shown_once_there_is_a_brain_that_hears_what_is_typed_into_it(
    live: tuple[demo.Live, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, reports = live
    monkeypatch.setattr(demo, "_since_start", lambda: 2.0)
    show_life(run, "page")
    hold(run)
    run._tick()
    assert reports == []
    show_life(run, "brain")
    run._tick()
    run._tick()
    assert [report.partition(":")[0].partition(" after")[0] for report in reports] == ["cart is ready", "page"]


def test_the_page_of_a_robot_that_does_not_get_ready_is_shown_in_a_while(
    live: tuple[demo.Live, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, reports = live
    monkeypatch.setattr(demo, "_since_start", lambda: 14.9)
    show_life(run, "page")
    run._tick()
    assert reports == []
    monkeypatch.setattr(demo, "_since_start", lambda: 15.1)
    run._tick()
    assert reports == [f"page: {run.url}"]


@pytest.mark.realtime
def test_a_run_that_is_told_to_end_writes_its_summary_and_leaves_nothing_running(tmp_path: Path) -> None:
    words = ["run", CART, "--page-port", "0", "--record", str(tmp_path / "log"),
             "--json", str(tmp_path / "out.json")]  # fmt: skip
    env = {**os.environ, "VAGUS_RUN_ROOT": str(tmp_path / "runs")}
    process = subprocess.Popen([sys.executable, "-m", "vagus", *words], stdout=subprocess.PIPE, text=True, env=env)
    assert "cart is ready after" in process.stdout.readline()
    end_s = time.monotonic() + 60.0
    while not list((tmp_path / "log").glob("*/core-0001.mcap")) and time.monotonic() < end_s:
        time.sleep(0.02)  # the recorder may come after the robot is ready
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert '"ready_s"' in (tmp_path / "out.json").read_text()
    assert list((tmp_path / "log").glob("*-cart/core-0001.mcap"))
    assert list((tmp_path / "runs").glob("*/*.ring")) == []
    assert foreign(tmp_path / "runs" / "cart") == []  # so that it may start again
