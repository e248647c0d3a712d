"""Cleaning up: dead runs go; live ones, strangers' directories and whatever Vagus did not make stay."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import checked
import pytest
from checked import StartChild

from vagus.streams import stale
from vagus.streams.stale import MARK, clean_stale, foreign
from vagus.streams.streams import shared_streams


def make_run(root: Path, name: str) -> Path:
    path = root / name
    (path / "log").mkdir(parents=True)
    (path / "run.lock").write_bytes(MARK + b"1")
    (path / "run.msgpack").write_bytes(b"\x80")
    (path / "scene.json").write_text("{}")
    (path / "log" / "brain.log").write_text("granted: nothing\n")
    shared_streams(path, checked.table()).writer("checked").close()
    (path / f".checked.ring.{secrets.token_hex(8)}").touch()  # its maker was killed
    return path


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_run_nobody_holds_is_removed(run_dir: Path) -> None:
    path = make_run(run_dir, "dead")
    assert foreign(path) == []
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
        before = files(path)
        assert clean_stale(run_dir) == []
        assert files(path) == before
    assert clean_stale(run_dir) == [path]


def test_a_run_that_was_claimed_anew_while_its_lock_was_opened_stays(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flock = make_run(run_dir, "toy"), fcntl.flock
    claimed: list[int] = []

    def claim_first(lock: IO[bytes], how: int) -> None:
        (path / "run.lock").unlink()
        (path / "run.lock").write_bytes(MARK + b"2")
        claimed.append(os.open(path / "run.lock", os.O_RDONLY))
        flock(claimed[0], fcntl.LOCK_EX)
        flock(lock, how)

    monkeypatch.setattr(stale.fcntl, "flock", claim_first)
    assert clean_stale(run_dir) == []
    assert (path / "checked.ring").exists()
    os.close(claimed[0])


def test_a_run_whose_writer_was_killed_is_removed(run_dir: Path, start: StartChild) -> None:
    child = start("write", 48, 4, 0)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    (run_dir / "run.lock").write_bytes(MARK)
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


def sounds(path: Path) -> None:
    (path / "bell.ring").write_bytes(b"RIFF")
    (path / "thesis.txt").write_text("do not delete")


def strangers_lock(path: Path) -> None:
    (path / "run.lock").write_text("4242")
    (path / "scene.json").write_text("{}")


def only_a_lock(path: Path) -> None:
    (path / "run.lock").touch()


def rings_alone(path: Path) -> None:
    shared_streams(path, checked.table()).writer("checked").close()  # somebody's copy: no run is without its lock


def nothing(path: Path) -> None:
    pass


@pytest.mark.parametrize("fill", [nothing, sounds, strangers_lock, only_a_lock, rings_alone])
def test_what_is_no_run_directory_is_left_alone(run_dir: Path, fill: Callable[[Path], None]) -> None:
    path = run_dir / "folder"
    path.mkdir()
    fill(path)
    (run_dir / "file").write_text("x")
    before = files(run_dir)
    assert clean_stale(run_dir) == []
    assert path.exists()
    assert files(run_dir) == before


def add_text(path: Path) -> str:
    (path / "thesis.txt").write_text("do not delete")
    return "thesis.txt"


def add_ring(path: Path) -> str:
    (path / "bell.ring").write_bytes(b"RIFF")
    return "bell.ring"


def add_folder(path: Path) -> str:
    (path / "pictures").mkdir()
    return "pictures"


def add_note_among_logs(path: Path) -> str:
    (path / "log" / "notes.txt").write_text("why it fell")
    return "log"


def link_to_a_log(path: Path) -> str:
    (path / "kept.log").write_text("mine")
    (path / "log" / "kept.log").symlink_to(path / "kept.log")
    return "kept.log"


def link_the_description(path: Path) -> str:
    (path / "run.msgpack").unlink()
    (path / "run.msgpack").symlink_to(path.parent)
    return "run.msgpack"


@pytest.mark.parametrize(
    "add", [add_text, add_ring, add_folder, add_note_among_logs, link_to_a_log, link_the_description]
)
def test_a_run_directory_that_holds_anything_else_is_left_as_it_is(run_dir: Path, add: Callable[[Path], str]) -> None:
    path = make_run(run_dir, "dead")
    name = add(path)
    before = files(run_dir)
    assert name in foreign(path)
    assert clean_stale(run_dir) == []
    assert files(run_dir) == before


def test_a_link_to_a_run_is_not_followed(run_dir: Path) -> None:
    real = make_run(run_dir, "real")
    (run_dir / "root").mkdir()
    (run_dir / "root" / "link").symlink_to(real)
    assert clean_stale(run_dir / "root") == []
    assert (real / "checked.ring").exists()


def test_a_root_that_is_not_there_has_nothing_to_clean(run_dir: Path) -> None:
    assert clean_stale(run_dir / "none") == []


@pytest.fixture
def nobody() -> Iterator[None]:
    """Be a user without rights for a moment; without root, whose own folders may be closed to themselves."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o400])
def test_a_root_that_may_not_be_read_has_nothing_to_clean(nobody: None, mode: int) -> None:
    root = Path("/tmp") / f"vagus-test-{secrets.token_hex(8)}"
    (root / "toy").mkdir(parents=True)
    root.chmod(mode)
    try:
        assert clean_stale(root) == []
    finally:
        root.chmod(0o700)
        (root / "toy").rmdir()
        root.rmdir()
