"""The film of a run: it plays, lasts as long as the world's time, and never keeps whoever makes it for long."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from vagus.core.errors import ConfigError
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.runtime.video import Video

pytestmark = pytest.mark.skipif(
    os.environ.get("MUJOCO_GL") not in ("egl", "osmesa"), reason="MuJoCo renders with neither; set MUJOCO_GL=egl"
)
av = pytest.importorskip("av", reason="the extra `video` is not installed")
CART = host_file().parent / "cart.py"


class Set:
    """A robot in virtual time, and its film."""

    def __init__(self, path: Path) -> None:
        run, robot = prepare(CART, seed=1, scene="empty")
        self.path = path
        self.robot = Lockstep(run, without=("brain", "reflex"))
        self.video = Video(path, robot, run, self.robot.streams)
        self.scene = self.video._scene
        self.is_closed = False

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.video.close()

    def shot(self) -> list[float]:
        """Finish the film and return when each of its pictures is shown [s]."""
        self.close()
        with av.open(str(self.path)) as film:
            return [float(frame.time) for frame in film.decode(video=0)]


@pytest.fixture
def set_(tmp_path: Path) -> Iterator[Set]:
    made = Set(tmp_path / "film.mp4")
    yield made
    made.close()


def test_the_film_plays_every_second_exposure_at_the_worlds_pace(set_: Set) -> None:
    for _ in range(30):
        set_.robot.advance(1 / 30)
        set_.video.tick()
    times = set_.shot()
    assert 14 <= len(times) <= 16
    assert times == pytest.approx([k / 15 for k in range(len(times))], abs=1e-6)


def test_the_same_run_gives_the_same_film(tmp_path: Path) -> None:
    films: list[bytes] = []
    for name in ("a.mp4", "b.mp4"):
        made = Set(tmp_path / name)
        for _ in range(10):
            made.robot.advance(1 / 30)
            made.robot.say("안녕")
            made.video.tick()
        made.close()
        films.append(made.path.read_bytes())
    assert films[0] == films[1]


def test_its_pictures_are_of_the_robot(set_: Set) -> None:
    set_.robot.advance(0.2)
    set_.close()
    with av.open(str(set_.path)) as film:
        picture = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (720, 1280, 3)
    assert picture.std() > 5.0  # more than a grey wall


def test_a_backlog_is_taken_a_picture_a_tick_and_the_rest_at_the_end(set_: Set) -> None:
    set_.robot.advance(0.7)
    before = set_.scene.sequence
    set_.video.tick()
    assert set_.scene.sequence - before == 2
    assert len(set_.shot()) >= 9


def test_pictures_that_could_not_be_made_leave_the_films_time_right(set_: Set) -> None:
    set_.robot.advance(0.2)
    set_.video.tick()
    set_.robot.advance(1.0)
    set_.scene.latest()  # as where so much is overwritten in the ring
    set_.robot.advance(0.2)
    times = set_.shot()
    assert times[-1] - times[0] == pytest.approx(1.3, abs=0.15)
    assert max(b - a for a, b in pairwise(times)) > 0.9


@pytest.mark.parametrize("name", ["film.nonsense", "none/film.mp4"])
def test_a_file_that_cannot_be_a_film_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot write a video to .*; allowed: a file name such as demo.mp4"):
        Set(tmp_path / name)


@pytest.mark.realtime
def test_a_run_told_to_film_leaves_a_film_that_plays(tmp_path: Path) -> None:
    words = ["run", str(CART), "--page-port", "0", "--no-record", "--seconds", "5", "--video", "film.mp4"]
    env = {**os.environ, "VAGUS_RUN_ROOT": str(tmp_path / "run")}
    done = subprocess.run(
        [sys.executable, "-m", "vagus", *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "film.mp4")) as film:
        times = [float(frame.time) for frame in film.decode(video=0)]
    assert len(times) > 10
    assert times == sorted(times)
