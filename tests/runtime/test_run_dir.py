"""The run directory: one supervisor a robot, clear errors for everyone else."""

import fcntl
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from vagus.core.errors import ConfigError, StreamError
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec
from vagus.page.door import door
from vagus.runtime import run_dir
from vagus.runtime.supervisor import Supervisor
from vagus.streams.stale import foreign
from vagus.streams.streams import shared_streams


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


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_what_a_dead_run_left_is_cleared(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    run_dir.save(path, make_run())
    shared_streams(path, make_run().table()).reader("say")
    door(path, "http://127.0.0.1:8808/")
    run_dir.write(path / "scene.json", b"{}")
    (path / "log" / "brain.log").write_text("granted: nothing")
    assert foreign(path) == []
    lock.close()
    run_dir.claim("toy")[1].close()
    assert sorted(entry.name for entry in path.rglob("*")) == ["log", "run.lock"]


def test_a_folder_that_is_somebodys_is_refused_and_nothing_in_it_changes(root: Path) -> None:
    (root / "toy").mkdir()
    for name in ("thesis.txt", "bell.ring", "scene.json", "run.msgpack"):
        (root / "toy" / name).write_text("do not delete")
    before = files(root)
    with pytest.raises(
        ConfigError, match=r"toy: got .* did not make \(bell.ring, run.msgpack, scene.json and 1 more\)"
    ):
        run_dir.claim("toy")
    assert files(root) == before


def test_what_somebody_put_into_a_run_directory_refuses_the_next_run_and_stays(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    run_dir.save(path, make_run())
    (path / "thesis.txt").write_text("do not delete")
    run_dir.release(path, lock)
    before = files(path)
    with pytest.raises(ConfigError, match=r"\(thesis.txt\), allowed: none, an empty one, or an earlier run's"):
        run_dir.claim("toy")
    assert files(path) == before
    assert run_dir.running() == []


def test_a_claim_that_was_killed_before_its_mark_does_not_refuse_the_next(root: Path) -> None:
    (root / "toy").mkdir()
    (root / "toy" / "run.lock").touch()
    run_dir.claim("toy")[1].close()


def test_giving_back_removes_rings_alone_and_only_once(root: Path) -> None:
    path, lock = run_dir.claim("toy")
    streams = shared_streams(path, make_run().table())
    streams.reader("say")
    (path / "bell.ring").write_text("ding")
    run_dir.release(path, lock)
    assert sorted(file.name for file in path.glob("*.ring")) == ["bell.ring"]
    streams.reader("say")  # as another run's
    run_dir.release(path, lock)
    assert (path / "say.ring").exists()


def test_another_programs_lock_is_no_running_robot(root: Path) -> None:
    (root / "editor").mkdir()
    with (root / "editor" / "run.lock").open("w") as lock:
        lock.write("4242")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_dir.running() == []


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


def test_the_moment_that_a_listing_holds_the_lock_does_not_refuse_a_start(root: Path) -> None:
    run_dir.claim("toy")[1].close()
    looking = (root / "toy" / "run.lock").open("rb")
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.05, looking.close).start()
    _, lock = run_dir.claim("toy")
    assert run_dir.running() == ["toy"]
    lock.close()


def test_a_lock_on_a_directory_that_was_cleaned_away_is_not_a_claim(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, moved = fcntl.flock, list[Path]()

    def clean_first(lock: IO[bytes], how: int) -> None:
        if not moved:
            moved.append((root / "toy").rename(root / "cleaned"))
        flock(lock, how)

    monkeypatch.setattr(run_dir.fcntl, "flock", clean_first)
    path, lock = run_dir.claim("toy")
    assert path.samefile(root / "toy")
    assert run_dir.running() == ["toy"]
    lock.close()


def test_which_robot_is_meant_must_be_said_when_several_run(root: Path) -> None:
    locks = [run_dir.claim(name)[1] for name in ("a", "b")]
    with pytest.raises(ConfigError, match=r"got none, but several are running, allowed: a, b"):
        run_dir.choose(None)
    with pytest.raises(ConfigError, match=r"got 'c', allowed, because running: a, b"):
        run_dir.choose("c")
    assert run_dir.choose("b") == root / "b"
    for lock in locks:
        lock.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_directory_of_another_user_is_refused(root: Path) -> None:
    (root / "toy").mkdir()
    os.chown(root / "toy", 65534, 65534)
    with pytest.raises(ConfigError, match="another user"):
        run_dir.claim("toy")


def test_a_place_that_cannot_hold_run_directories_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "file").touch()
    monkeypatch.setattr(run_dir, "ROOT", root / "file")
    with pytest.raises(ConfigError, match=r"run directory .*/file/toy: Not a directory; allowed: .* VAGUS_RUN_ROOT"):
        run_dir.claim("toy")


@pytest.fixture
def closed(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of another user's, who lets nobody in."""
    place = root / "closed"
    place.mkdir(mode=0o700 if os.geteuid() == 0 else 0)
    monkeypatch.setattr(run_dir, "ROOT", place)
    if os.geteuid() == 0:
        os.seteuid(65534)
    yield place
    if os.getuid() == 0:
        os.seteuid(0)
    place.chmod(0o700)


def test_a_place_that_is_closed_to_us_is_named(closed: Path) -> None:
    assert run_dir.running() == []
    with pytest.raises(ConfigError, match=r"closed/toy: Permission denied; allowed: .* VAGUS_RUN_ROOT"):
        Supervisor(make_run(), report=print)


@pytest.fixture
def tiny(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 100 kB in memory as the place of run directories."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(root)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a tiny file system is not allowed here")
    yield root
    subprocess.run(["umount", str(root)], check=True)


def test_a_full_memory_file_system_is_said_before_anything_starts_and_gives_back_what_was_made(tiny: Path) -> None:
    with pytest.raises(StreamError, match=r"no room for its ring in .*: \d+ bytes needed, \d+ free"):
        Supervisor(make_run(), report=print)
    assert list(tiny.glob("*/*.ring")) == []
    assert run_dir.running() == []


def test_no_room_even_for_the_description_is_said(tiny: Path) -> None:
    (tiny / "filler").write_bytes(bytes(100 << 10))
    with pytest.raises(ConfigError, match="No space left on device"):
        Supervisor(make_run(), report=print)
    assert run_dir.running() == []
