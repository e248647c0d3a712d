"""The supervisor, with a robot of tiny processes: restarts with back-off, ends in order, leaves nobody behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import toy_robot

from vagus.core.errors import ConfigError, VagusError
from vagus.runtime import run_dir, supervisor
from vagus.runtime.supervisor import Supervisor
from vagus.streams.streams import shared_streams

PATIENCE_S = 30.0
NAMES = toy_robot.NAMES


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path)
    monkeypatch.setattr(supervisor, "processes", toy_robot.processes)
    monkeypatch.setattr(supervisor, "CHILD", toy_robot.CHILD)
    return tmp_path


class Robot:
    """The toy under a supervisor, and what that said."""

    def __init__(self, *names: str, **moods: str) -> None:
        self.said: list[str] = []
        self.names = names or (*moods, "world")
        run = replace(toy_robot.RUN, scene=" ".join(self.names))
        self.supervisor = Supervisor(run, report=self.said.append)
        for name, mood in moods.items():
            self.tell(name, mood)
        self.supervisor.start()

    def tell(self, name: str, mood: str) -> None:
        (self.supervisor.path.parent / f"mood.{name}").write_text(mood)

    def until(self, condition: Callable[[], object]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end_s, self.said
            self.supervisor.watch()
            time.sleep(0.01)

    def live(self) -> None:
        """Wait until every process showed life."""
        readers = [self.supervisor.streams.reader(f"stats.{name}") for name in self.names]
        self.until(lambda: all(reader.latest() is not None for reader in readers))

    def pids(self) -> list[int]:
        return [self.supervisor.pid(name) for name in self.names]


@pytest.fixture
def robots(root: Path) -> Iterator[Callable[..., Robot]]:
    made: list[Robot] = []

    def make(*names: str, **moods: str) -> Robot:
        made.append(Robot(*names, **moods))
        return made[-1]

    yield make
    for robot in made:
        robot.supervisor.stop()


def test_a_process_that_crashes_is_started_again_ever_later(robots: Callable[..., Robot]) -> None:
    robot = robots(brain="crash")
    robot.until(lambda: robot.supervisor.restarts("brain") == 3)
    lines = [line for line in robot.said if line.startswith("brain ended (exit status 1)")]
    assert [re.findall(r"in ([\d.]+) s", line)[0] for line in lines] == ["0.1", "0.2", "0.4"]
    assert all(line.endswith("RuntimeError: the toy broke") for line in lines)


def test_a_frozen_process_is_killed_once_and_started_again(robots: Callable[..., Robot]) -> None:
    robot = robots("brain", "reflex")
    robot.live()
    os.kill(robot.supervisor.pid("brain"), signal.SIGSTOP)
    os.kill(robot.supervisor.pid("reflex"), signal.SIGSTOP)
    robot.until(lambda: all(robot.supervisor.restarts(name) == 1 for name in ("brain", "reflex")))
    assert sorted(line for line in robot.said if "frozen" in line) == [
        "brain is frozen; killing it",
        "reflex is frozen; killing it",
    ]


def test_a_frozen_process_that_outlives_its_killing_for_a_while_is_reported_once(
    robots: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = robots("brain")
    robot.live()
    (child,) = robot.supervisor._children
    child.popen.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(child.popen, "kill", lambda: None)  # as in a driver that does not return
    robot.until(lambda: robot.said)
    for _ in range(10):
        robot.supervisor.watch()
    assert robot.said == ["brain is frozen; killing it"]


def test_a_restarted_process_has_time_to_get_ready(robots: Callable[..., Robot]) -> None:
    robot = robots("brain")
    robot.live()
    robot.tell("brain", "stuck")
    os.kill(robot.supervisor.pid("brain"), signal.SIGKILL)
    robot.until(lambda: robot.supervisor.restarts("brain") == 1)
    second, end_s = robot.supervisor.pid("brain"), time.monotonic() + toy_robot.SILENCE_S + 0.3
    robot.until(lambda: time.monotonic() > end_s)
    assert robot.supervisor.pid("brain") == second


def test_a_process_that_cannot_run_as_configured_ends_the_run_in_its_own_words(robots: Callable[..., Robot]) -> None:
    robot = robots(recorder="wrong")
    with pytest.raises(VagusError, match=r"recorder ended \(exit status 78\): toy setting: got 1, allowed: 2"):
        robot.until(lambda: False)


def test_a_process_whose_setting_went_wrong_after_it_ran_is_started_again(robots: Callable[..., Robot]) -> None:
    robot = robots("recorder")
    robot.live()
    robot.tell("recorder", "wrong later")
    robot.until(lambda: robot.supervisor.restarts("recorder") == 1)
    assert robot.said[0].startswith("recorder ended (exit status 78); starting it again in 0.1 s: toy setting")
    robot.tell("recorder", "wrong")  # and stays wrong: what ran once is tried on and on
    os.kill(robot.supervisor.pid("recorder"), signal.SIGKILL)
    robot.until(lambda: robot.supervisor.restarts("recorder") == 3)


def test_back_off_doubles_up_to_five_seconds_and_starts_over_after_ten_well_spent(
    robots: Callable[..., Robot],
) -> None:
    robot = robots("brain")
    (child,) = robot.supervisor._children
    for ran_s in [1.0] * 8 + [10.1, 1.0]:
        robot.supervisor._ended(child, 1, child.started_s + ran_s)
    waits = [re.findall(r"in ([\d.]+) s", line)[0] for line in robot.said]
    assert waits == ["0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "5.0", "5.0", "0.1", "0.2"]


def test_a_process_that_never_speaks_is_killed_when_its_time_to_get_ready_is_over(
    robots: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.5)
    robot = robots("brain", brain="mute")
    start_s = time.monotonic()
    robot.until(lambda: robot.said)
    assert time.monotonic() - start_s >= 0.5
    robot.until(lambda: robot.supervisor.restarts("brain") == 1)
    assert robot.said[0] == "brain is frozen; killing it"


def test_last_words_are_of_this_start_and_not_what_was_granted(robots: Callable[..., Robot]) -> None:
    robot = robots("brain")
    (child,) = robot.supervisor._children
    child.log.write_text("of an earlier start\n")
    child.log_from = child.log.stat().st_size
    assert supervisor._last_words(child) == ""
    child.log.write_text("of an earlier start\nwhat it died of\ngranted: Granted(fifo=True)\n")
    assert supervisor._last_words(child) == ": what it died of"
    child.log.write_text("")  # somebody emptied it
    assert supervisor._last_words(child) == ""


def test_a_start_that_fails_half_way_ends_what_it_started(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy, spawn = Supervisor(replace(toy_robot.RUN, scene="brain world"), report=print), subprocess.Popen
    started: list[subprocess.Popen[bytes]] = []

    def spawn_once(*args: Any, **options: Any) -> "subprocess.Popen[bytes]":
        if started:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(spawn(*args, **options))
        return started[0]

    monkeypatch.setattr(supervisor.subprocess, "Popen", spawn_once)
    with pytest.raises(VagusError, match="process world cannot be started: Resource temporarily unavailable"):
        toy.start()
    assert started[0].returncode is not None
    assert run_dir.running() == []
    assert list(toy.path.glob("*.ring")) == []
    toy.stop()


def test_libraries_in_a_process_are_told_to_use_one_thread(robots: Callable[..., Robot]) -> None:
    robot = robots("brain")
    robot.live()
    told = psutil.Process(robot.supervisor.pid("brain")).environ()
    assert {told[key] for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}


def test_ctrl_c_is_the_supervisors_alone(robots: Callable[..., Robot]) -> None:
    robot = robots("brain")
    robot.live()
    pid = robot.supervisor.pid("brain")
    assert os.getpgid(pid) == pid  # the terminal sends it to the supervisor's group
    os.kill(pid, signal.SIGINT)
    beat = robot.supervisor.streams.reader("stats.brain")
    first = beat.latest()
    robot.until(lambda: int(beat.latest()["stamp_ns"]) > int(first["stamp_ns"]))
    assert (robot.supervisor.pid("brain"), robot.said) == (pid, [])


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGSTOP])
def test_the_world_ended_or_frozen_ends_the_run(robots: Callable[..., Robot], kind: signal.Signals) -> None:
    robot = robots("world")
    robot.live()
    os.kill(robot.supervisor.pid("world"), kind)
    with pytest.raises(VagusError, match=r"world ended \(signal 9, Killed\)"):
        robot.until(lambda: False)


def test_stop_ends_the_reflex_after_its_clients_the_world_next_and_the_recorder_last(
    robots: Callable[..., Robot],
) -> None:
    robot = robots(*NAMES, brain="slow")
    robot.live()
    pids = robot.pids()
    robot.supervisor.stop()
    closed = {name: int((robot.supervisor.path.parent / f"closed.{name}").read_text()) for name in NAMES}
    assert sorted(closed, key=closed.__getitem__) == ["brain", "reflex", "world", "recorder"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_stop_leaves_no_process_not_even_one_that_does_not_listen_and_no_ring(
    robots: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_END_S", 0.3)
    robot = robots("brain", "recorder", brain="deaf")
    robot.live()
    os.kill(robot.supervisor.pid("recorder"), signal.SIGSTOP)
    pids = robot.pids()
    robot.supervisor.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(robot.supervisor.path.glob("*.ring")) == []
    assert (robot.supervisor.path / "log" / "brain.log").exists()  # what it said stays readable


def test_a_process_that_is_told_twice_to_end_still_closes(robots: Callable[..., Robot]) -> None:
    robot = robots(recorder="slow")
    robot.live()
    process = psutil.Process(robot.supervisor.pid("recorder"))
    process.terminate()
    time.sleep(0.1)
    process.terminate()
    robot.until(lambda: (robot.supervisor.path.parent / "closed.recorder").exists())


def test_logs_do_not_fill_memory(robots: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_LOOK_AT_LOGS_S", 0.0)
    robot = robots("brain")
    log = robot.supervisor.path / "log" / "brain.log"
    log.write_bytes(b"first\n" + bytes(5 << 20))
    robot.supervisor.watch()
    assert log.stat().st_size <= 64 << 10
    assert log.read_bytes().startswith(b"first")


def supervised(root: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a supervisor of its own process; return it and its children's ids once they live."""
    command = [sys.executable, toy_robot.__file__, "supervise", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, [int(word) for word in process.stdout.readline().split()]


def gone(pids: list[int]) -> bool:
    end_s = time.monotonic() + PATIENCE_S
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


def test_when_the_supervisor_is_killed_all_its_processes_end_frozen_ones_too_and_the_next_run_starts(
    root: Path,
) -> None:
    process, pids = supervised(root)
    assert len(pids) == len(NAMES)
    frozen = psutil.Process(pids[NAMES.index("brain")])
    frozen.suspend()
    while frozen.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    process.kill()
    process.wait()
    path, lock = run_dir.claim("toy")  # waits for them
    assert gone(pids)
    assert list(path.glob("*.ring")) == []
    run_dir.release(path, lock)


def test_a_process_of_an_earlier_run_that_does_not_end_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_dir, "_ORPHANS_S", 0.1)
    path, lock = run_dir.claim("toy")
    streams = shared_streams(path, toy_robot.RUN.table())
    streams.writer("say")
    lock.close()
    with pytest.raises(ConfigError, match=f"earlier run are still there; end them: kill -9 {os.getpid()}$"):
        run_dir.claim("toy")
    assert (path / "say.ring").exists()
    streams.close()


def test_a_process_whose_supervisor_has_ended_before_it_began_does_nothing(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    run_dir.save(path, toy_robot.RUN)
    command = [*toy_robot.CHILD, str(path), "brain", str(os.getpid() + 1)]
    assert subprocess.run(command, check=False, timeout=PATIENCE_S).returncode == 0
    assert not (path.parent / "closed.brain").exists()
    run_dir.release(path, lock)
