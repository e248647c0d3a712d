"""Cleaning up: dead runs go, live ones and strangers' directories stay."""

import fcntl
from pathlib import Path

import checked
import pytest
from conftest import StartChild

from vagus.streams.stale import clean_stale
from vagus.streams.streams import shared_streams


def make_run(root: Path, name: str) -> Path:
    path = root / name
    (path / "log").mkdir(parents=True)
    (path / "run.lock").write_text("1")
    shared_streams(path, checked.table()).writer("checked").close()
    return path


def test_a_run_nobody_holds_is_removed(run_dir: Path) -> None:
    path = make_run(run_dir, "dead")
    assert clean_stale(run_dir) == [path]
    assert list(run_dir.iterdir()) == []
    assert clean_stale(run_dir) == []


def test_a_run_with_a_live_writer_stays(run_dir: Path) -> None:
    path = make_run(run_dir, "live")
    streams = shared_streams(path, checked.table())
    streams.writer("checked").publish(checked.message(1, checked.layout(48)))
    assert clean_stale(run_dir) == []
    assert len(shared_streams(path, checked.table()).reader("checked").since()) == 1
    streams.close()
    assert clean_stale(run_dir) == [path]


def test_a_run_with_a_live_supervisor_stays(run_dir: Path) -> None:
    path = make_run(run_dir, "live")
    with (path / "run.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert clean_stale(run_dir) == []
        assert (path / "checked.ring").exists()
    assert clean_stale(run_dir) == [path]


def test_a_run_without_a_supervisors_lock_goes_by_its_rings(run_dir: Path) -> None:
    path = make_run(run_dir, "dead")
    (path / "run.lock").unlink()
    assert clean_stale(run_dir) == [path]


def test_a_run_whose_writer_was_killed_is_removed(run_dir: Path, start: StartChild) -> None:
    child = start("write", 48, 4, 0)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    link = run_dir.parent / f"{run_dir.name}-root"
    link.mkdir()
    try:
        moved = run_dir.rename(link / "robot")
        assert clean_stale(link) == []
        child.kill()
        child.wait(20.0)
        assert clean_stale(link) == [moved]
    finally:
        link.rmdir()


@pytest.mark.parametrize("name", ["empty", "foreign"])
def test_what_is_no_run_directory_is_left_alone(run_dir: Path, name: str) -> None:
    path = run_dir / name
    path.mkdir()
    if name == "foreign":
        (path / "thesis.txt").write_text("do not delete")
    (run_dir / "file").write_text("x")
    assert clean_stale(run_dir) == []
    assert path.exists()
    assert (run_dir / "file").exists()


def test_a_link_to_a_run_is_not_followed(run_dir: Path) -> None:
    real = make_run(run_dir, "real")
    (run_dir / "root").mkdir()
    (run_dir / "root" / "link").symlink_to(real)
    assert clean_stale(run_dir / "root") == []
    assert (real / "checked.ring").exists()


def test_a_root_that_is_not_there_has_nothing_to_clean(run_dir: Path) -> None:
    assert clean_stale(run_dir / "none") == []
