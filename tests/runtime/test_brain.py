"""The brain node: what it hears once it does once, whatever becomes of its process."""

import json

import numpy as np
import pytest

from vagus.act.kinematics import Kinematics
from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.decide.plan import Call, Plan
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.brain import BrainNode
from vagus.runtime.prepare import host_file, prepare

pytestmark = pytest.mark.lockstep


def waving_robot() -> Lockstep:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.advance(0.5)
    robot.say("wave")
    robot.advance(1.0)
    return robot


def restart_brain(robot: Lockstep) -> None:
    """Do to the streams what a brain's death and restart do: its life has been seen, its readers are new."""
    robot.streams.writer("stats.brain").publish(m.blank(m.stats(robot.run.spec)))
    robot.nodes["brain"].node = BrainNode(robot.context)


def test_a_restarted_brain_does_not_do_again_what_the_one_before_heard() -> None:
    robot = waving_robot()
    restart_brain(robot)
    robot.advance(1.5)  # the old lease runs out, the arm comes to rest
    before = robot.streams.reader("joint_state").latest()
    robot.advance(1.0)
    after = robot.streams.reader("joint_state").latest()
    arms = [i for i, name in enumerate(robot.run.spec.joint_names) if "shoulder" in name or "elbow" in name]
    assert np.abs(after["q"][arms] - before["q"][arms]).max() < 0.01
    assert m.get_text(robot.streams.reader("say").latest()).startswith("I was restarted")


def test_a_restarted_brain_hears_what_is_said_to_it() -> None:
    robot = waving_robot()
    restart_brain(robot)
    robot.advance(1.5)
    robot.say("look left")
    robot.advance(3.0)
    assert json.loads(m.get_text(robot.streams.reader("outcome").latest()))["ok"]


def test_a_first_brain_hears_what_was_said_before_it_was_ready() -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.say("look left")
    robot.advance(4.0)
    assert json.loads(m.get_text(robot.streams.reader("outcome").latest()))["ok"]


def test_new_words_replace_what_is_left_of_the_old() -> None:
    robot = waving_robot()
    outcomes = robot.streams.reader("outcome")
    robot.say("stop")
    robot.advance(2.0)
    told = [json.loads(m.get_text(record)) for record in outcomes.since()]
    assert [(t["ok"], t["reason"]) for t in told] == [(False, "replaced"), (True, "done")]


def told_after(robot: Lockstep, words: str, seconds: float) -> dict:
    outcomes = robot.streams.reader("outcome")
    outcomes.since()
    robot.say(words)
    robot.advance(seconds)
    (told,) = [json.loads(m.get_text(record)) for record in outcomes.since()]
    return told


TOO_MUCH = ("look left 200 degrees", "look up 120 degrees", "왼쪽으로 200도 봐", "drive for 0.05 seconds",
            "drive forward for 0 seconds", "go forward -2 metres", "turn left 2000000 degrees")  # fmt: skip


def test_no_sentence_ends_the_brain() -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.advance(0.5)
    for words in TOO_MUCH:
        told = told_after(robot, words, 0.1)
        assert (told["ok"], told["steps"]) == (False, []), words
    assert told_after(robot, "look left", 3.0)["ok"]


@pytest.mark.parametrize(
    ("call", "detail"),
    [
        (Call(name="look", args={"azimuth_deg": 200.0}), "a number from -180 to 180"),
        (Call(name="drive", args={"speed_m_s": 0.1, "duration_s": 0.05}), "a number from 0.1 to 30"),
        (Call(name="wave", args={"arm": "third"}), "one of ['left', 'right']"),
        (Call(name="dance"), "skill: got 'dance'"),
    ],
)
def test_a_call_that_no_skill_accepts_is_a_failed_outcome(monkeypatch, call: Call, detail: str) -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.advance(0.5)
    with monkeypatch.context() as planner:
        meant = Plan(language="en", calls=(call, Call(name="wave")))
        planner.setattr("vagus.runtime.nodes.brain.parse", lambda _text, _spec: meant)
        told = told_after(robot, "whatever", 0.2)
    (step,) = told["steps"]
    assert (told["ok"], told["reason"], step["skill"], step["reason"]) == (False, "error", call.name, "error")
    assert detail in step["detail"]
    assert detail in m.get_text(robot.streams.reader("say").latest())
    assert told_after(robot, "look left", 3.0)["ok"]


def test_a_skill_that_raises_is_a_failed_outcome_and_the_brain_goes_on(monkeypatch) -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.advance(0.5)

    def lost(_self: Kinematics, _q: np.ndarray, frame: str) -> np.ndarray:
        raise ConfigError(f"frame {frame!r}: allowed: a body")

    with monkeypatch.context() as model:
        model.setattr(Kinematics, "pose_of", lost)
        told = told_after(robot, "look left and wave", 1.0)
    assert (told["ok"], told["reason"], len(told["steps"])) == (False, "error", 1)
    assert "'camera.head'" in told["steps"][0]["detail"]
    assert told_after(robot, "look left", 3.0)["ok"]


def test_what_is_no_error_of_ours_ends_the_brain(monkeypatch) -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    robot.advance(0.5)

    def wrong(_self: Kinematics, _q: np.ndarray, _frame: str) -> np.ndarray:
        raise ZeroDivisionError

    monkeypatch.setattr(Kinematics, "pose_of", wrong)
    robot.say("look left")
    with pytest.raises(ZeroDivisionError):
        robot.advance(1.0)


def test_a_face_that_cannot_blink_says_so_once_and_the_brain_goes_on(monkeypatch) -> None:
    robot = Lockstep(prepare(host_file(), seed=3, scene="empty")[0])
    spoken = robot.streams.reader("say")

    def broken(*_args: object) -> np.ndarray:
        raise ConfigError("units: got none")

    monkeypatch.setattr("vagus.act.alive.apex", broken)
    robot.advance(12.0)
    assert ["units: got none" in m.get_text(record) for record in spoken.since()] == [True]
    monkeypatch.undo()
    assert told_after(robot, "look left", 3.0)["ok"]
