"""Run directories and streams that every test of this room uses."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import checked
import pytest

from vagus.streams.streams import Streams, memory_streams, shared_streams

_CHILD = Path(__file__).with_name("stream_child.py")


@pytest.fixture
def run_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="vagus-test-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(params=["shared", "memory"])
def streams(request: pytest.FixtureRequest, run_dir: Path) -> Streams:
    table = checked.table()
    return shared_streams(run_dir, table) if request.param == "shared" else memory_streams(table)


@pytest.fixture
def start(run_dir: Path) -> Iterator[checked.StartChild]:
    """Start ``stream_child.py`` with the run directory and arguments; it is killed at the end if it is still there."""
    children: list[subprocess.Popen[str]] = []

    def start_child(*args: object) -> "subprocess.Popen[str]":
        line = [sys.executable, str(_CHILD), str(run_dir), *map(str, args)]
        children.append(subprocess.Popen(line, stdout=subprocess.PIPE, text=True))
        return children[-1]

    yield start_child
    for child in children:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
