"""The brain node: what it hears once it does once, whatever becomes of its process."""

import json

import numpy as np

from vagus.core import messages as m
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.brain import BrainNode
from vagus.runtime.prepare import host_file, prepare


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
