"""Running a robot live for people: ``vagus run`` and ``vagus demo``. Starts the supervisor, says what is said, waits.

The summary it writes holds what ``vagus top`` shows at the end, what the robot answered, and when it first moved.
"""

import contextlib
import json
import math
import secrets
import signal
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import numpy as np
import psutil

from vagus.body.robot import Robot
from vagus.core import messages as m
from vagus.core.errors import ConfigError, VagusError
from vagus.core.person import Behaviour
from vagus.page.door import door
from vagus.page.server import bind, page_url
from vagus.runtime import prepare
from vagus.runtime.run_dir import Provider, Run
from vagus.runtime.supervisor import Supervisor
from vagus.runtime.top import Snapshot, Top
from vagus.runtime.video import Video

_MOVING = 0.05
"""A joint faster than this moves [rad/s or m/s]."""
_ANSWER_S = 120.0
"""What was said and got no outcome for this long will get none [s]: every skill has its own, shorter limit."""
_UNREADY_S = 15.0
"""How long the page of a robot that does not get ready is not shown [s]."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class LiveCfg:
    """How to run a robot live."""

    robot_file: Path
    scene: str | None = None
    seed: int = 0
    say: tuple[str, ...] = ()
    seconds: float | None = None
    """End after this long; None: until Ctrl-C, or with ``say`` and no page, when all is answered."""
    page_port: int = 8808
    """0: no page."""
    record_dir: Path | None = None
    """Where a folder is made for this run's recording; None records nothing."""
    person: Behaviour = "stands"
    """What the person in the scene does."""
    json_path: Path | None = None
    video_path: Path | None = None
    open_browser: bool = False
    detector: str = ""
    """File of a detector's network; empty: none."""
    planner: Provider = ""
    """What kind of language model plans beside the built-in parser, by the environment (``vagus.runtime.planning``)."""
    is_real: bool = False
    port: str | None = None
    """Serial port of the real body; None: the robot file's."""
    calibration: Path | None = None
    """What ``vagus calibrate`` saved for this robot and seed; None: what came with the robot file, if anything did."""

    def __post_init__(self) -> None:
        if self.is_real and self.calibration is not None:
            raise ConfigError(
                f"calibration: got {self.calibration} for a real body, allowed: with the simulated one only; motors on "
                "a bus hold their own zero positions"
            )
        if self.is_real and (self.scene is not None or self.video_path is not None):
            raise ConfigError("scene and video: got one for a real body, allowed: with the simulated one only")
        if self.is_real and self.person != "stands":
            raise ConfigError(f"person: got {self.person!r} for a real body, allowed: with the simulated one only")
        if self.port is not None and not self.is_real:
            raise ConfigError(f"port: got {self.port!r} for the simulated body, allowed: with --real only")
        if self.seconds is not None and not 0.0 < self.seconds < math.inf:
            raise ConfigError(f"seconds: got {self.seconds}, allowed: a finite number > 0 [s]")
        for words in self.say:
            is_text = not any("\ud800" <= c <= "\udfff" for c in words)  # what the shell gave was no UTF-8
            if not is_text or not words.strip() or len(words.encode()) > m.TEXT_BYTES:
                raise ConfigError(f"say: got {words[:40]!r}, allowed: 1 to {m.TEXT_BYTES} bytes of text in UTF-8")
        for path in (self.json_path, self.video_path):
            if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
                raise ConfigError(f"file {path}: got a folder or no folder {path.parent}, allowed: a file in a folder")


@dataclass
class Talk:
    """What was said to the robot from here, what it answered, and what came of it."""

    said: list[str]
    answers: list[str]
    outcomes: list[dict[str, Any]]


class Live:
    """One live run from start to end."""

    def __init__(self, cfg: LiveCfg, *, report: Callable[[str], None]) -> None:
        """Prepare everything, start nothing.

        Raises:
            VagusError: The robot cannot run as asked: its file, its scene, a taken port, no room, it runs already.
        """
        self.cfg = cfg
        self._report = report
        if cfg.is_real:
            run, robot = prepare.prepare_real(cfg.robot_file, port=cfg.port)
        else:
            calibration = cfg.calibration or prepare.calibration_beside(cfg.robot_file, cfg.seed)
            run, robot = prepare.prepare(cfg.robot_file, seed=cfg.seed, scene=cfg.scene, calibration=calibration)
            run = _with_person(run, robot, cfg.person)
        token = secrets.token_urlsafe(24) if cfg.page_port else ""
        folder = _record_folder(cfg.record_dir, run.name) if cfg.record_dir else None
        self.run = prepare.live(run, record_dir=folder, page_port=cfg.page_port, page_token=token,
                                planner=cfg.planner, detector=cfg.detector)  # fmt: skip
        self._is_page_open = False
        self._ids: set[int] = set()
        self.talk = Talk(said=[], answers=[], outcomes=[])
        self.first_movement_s: float | None = None
        self.ready_s: float | None = None
        self._is_ended = False
        self._spoke_s = 0.0
        with contextlib.ExitStack() as undo:
            if folder:
                undo.callback(_remove_if_empty, folder)
            self.supervisor = Supervisor(self.run, report=report)
            undo.callback(self.supervisor.stop)
            self._open(robot)
            undo.pop_all()

    def _open(self, robot: Robot) -> None:
        cfg, streams = self.cfg, self.supervisor.streams
        if cfg.page_port:
            bind("127.0.0.1", cfg.page_port).close()  # a taken port is said before anything starts
        prepare.write_models(self.supervisor.path, self.run, robot)
        self._utterances = streams.writer("utterance.operator")
        self._say, self._outcome = streams.reader("say"), streams.reader("outcome")
        self._state, self._reflex = streams.reader("joint_state"), streams.reader("reflex")
        self._brain_life = streams.reader("stats.brain")
        self._page_life = streams.reader("stats.page") if cfg.page_port else None
        self._video = Video(cfg.video_path, robot, self.run, streams) if cfg.video_path else None

    @property
    def url(self) -> str:
        """Address of the page, with the token that lets a browser in."""
        return page_url(self.run.page_port, self.run.page_token)

    def end(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Have ``go`` return soon."""
        self._is_ended = True

    def go(self) -> dict[str, Any]:
        """Run until the end and return the summary."""
        for number in _ENDING:
            signal.signal(number, self.end)
        start_s = self._spoke_s = time.monotonic()
        try:
            self.supervisor.start()
            top = Top(self.supervisor.path)
            while not self._is_done(time.monotonic() - start_s):
                self.supervisor.watch()
                self._tick()
                time.sleep(0.02)
            top.look()
            time.sleep(0.5)
            summary = self._summary(top.look())
        finally:
            self.supervisor.stop()
            if self._video:
                self._video.close()
        if self.cfg.json_path:
            _write(self.cfg.json_path, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
        return summary

    def _is_done(self, elapsed_s: float) -> bool:
        cfg = self.cfg
        if self._is_ended or (cfg.seconds is not None and elapsed_s >= cfg.seconds):
            return True
        if not cfg.say or cfg.seconds is not None or cfg.page_port:
            return False
        is_answered = len(self.talk.outcomes) >= len(cfg.say)
        return is_answered or time.monotonic() - self._spoke_s > _ANSWER_S

    def _tick(self) -> None:
        if self.ready_s is None:
            newest = self._reflex.latest()
            is_held = newest is not None and np.all(newest["state"] == m.State.HOLD)
            if is_held and self._brain_life.latest() is not None:
                self.ready_s = _since_start()
                self._report(f"{self.run.name} is ready after {self.ready_s:.1f} s")
        if not self._is_page_open and self._is_page_due():
            self._is_page_open = True
            self._report(f"page: {self.url}")
            if self.cfg.open_browser:
                webbrowser.open(door(self.supervisor.path, self.url))
        self._listen()
        answered = len(self.talk.outcomes) >= len(self.talk.said)
        if self.ready_s is not None and answered and len(self.talk.said) < len(self.cfg.say):
            self._speak(self.cfg.say[len(self.talk.said)])
        if self._video:
            self._video.tick()
        state = self._state.latest()
        moved = state is not None and bool(np.any(np.abs(np.nan_to_num(state["v"])) > _MOVING))
        if self.first_movement_s is None and self.talk.said and moved:
            self.first_movement_s = _since_start()

    def _is_page_due(self) -> bool:
        """Say whether the page answers, and the robot too: without it, it is shown in a while, to say what is wrong."""
        if self._page_life is None or self._page_life.latest() is None:
            return False
        return self.ready_s is not None or _since_start() > _UNREADY_S

    def _speak(self, words: str) -> None:
        record = m.blank(m.text(self.run.spec))
        record["stamp_ns"] = record["id"] = time.monotonic_ns()
        self._ids.add(int(record["id"]))
        m.set_text(record, words)
        self._utterances.publish(record)
        self.talk.said.append(words)
        self._spoke_s = time.monotonic()
        self._report(f"you: {words}")

    def _listen(self) -> None:
        for record in self._say.since():
            self._report(f"{self.run.name}: {m.get_text(record)}")
            if int(record["id"]) in self._ids:
                self.talk.answers.append(m.get_text(record))
        for record in self._outcome.since():
            if int(record["id"]) in self._ids:  # what the page asked for is answered there
                self.talk.outcomes.append(json.loads(m.get_text(record)))

    def _summary(self, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "ready_s": self.ready_s,
            "first_movement_s": self.first_movement_s,
            "said": self.talk.said,
            "answers": self.talk.answers,
            "outcomes": self.talk.outcomes,
            "top": msgspec.to_builtins(snapshot),
        }


def _with_person(run: Run, robot: Robot, person: Behaviour) -> Run:
    robot.build_scene(run.scene, run.seed).check_person(person)
    return replace(run, person=person)


def _record_folder(parent: Path, robot: str) -> Path:
    """Make a folder that no other run has: two robots may start in the same second, or one twice in two run roots."""
    stem, number = f"{time.strftime('%Y%m%d-%H%M%S')}-{robot}", 1
    folder = parent / stem
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = parent / f"{stem}-{number}"
        except OSError as exc:
            raise ConfigError(
                f"cannot record into {parent}: {exc.strerror}; allowed: a folder you may write, or --no-record"
            ) from exc
        else:
            return folder


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as exc:
        raise VagusError(f"the run went well, but {path} cannot be written: {exc.strerror}") from exc


def _since_start() -> float:
    """Return the time since this command was started, imports included [s]."""
    return time.time() - psutil.Process().create_time()
