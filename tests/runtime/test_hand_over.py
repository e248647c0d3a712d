"""Handing over: the whole robot in virtual time, real physics, told where people are; judged by the world."""

from dataclasses import replace

import numpy as np
import pytest
from seer import Seer

from vagus.core import messages as m
from vagus.core.frames import invert
from vagus.core.things import Person
from vagus.world.person import Behaviour

pytestmark = pytest.mark.lockstep

BEFORE_TABLE = (0.25, 0.1, 0.0)
NAME = "black_can"


def with_a_can(person: Behaviour) -> Seer:
    robot = Seer(1, BEFORE_TABLE, person=person)
    assert robot.say("pick up the black can")["ok"]
    return robot


def is_held(robot: Seer) -> bool:
    """Say whether the can is in a hand and has not fallen."""
    can = robot.data.body(NAME).xpos
    tips = [robot.data.site(f"{side}_tip").xpos for side in ("left", "right")]
    return min(float(np.linalg.norm(tip - can)) for tip in tips) < 0.05 and can[2] > 0.8


def test_a_thing_is_laid_on_an_open_palm_and_stays_there() -> None:
    robot = with_a_can("holds_out_a_hand")
    outcome = robot.do("hand_over", {})
    assert (outcome.ok, outcome.reason) == (True, "done")
    robot.advance(1.0)
    off = robot.data.body(NAME).xpos - robot.palm()
    assert np.linalg.norm(off[:2]) < 0.03
    assert 0.03 < off[2] < 0.08  # half its height: it stands on the palm
    touch = robot.lockstep.streams.reader("touch").latest()
    assert touch is not None
    assert float(touch["force"].max()) < 0.5


def test_what_is_held_is_not_taken_for_the_hand_that_it_is_brought_to() -> None:
    """Seen from near it may pass for one: it hides the palm, and nothing but it is held out level there."""
    robot = with_a_can("holds_out_a_hand")
    truth, n = robot.people, 0

    def mixed_up() -> list[Person]:
        nonlocal n
        (person,) = truth()
        can = (invert(robot.start_pose()) @ [*robot.data.body(NAME).xpos, 1.0])[:3]
        if person.hand is None or np.linalg.norm(can - person.hand) > 0.27:
            return [person]
        n += 1
        return [replace(person, hand=can - [0.0, 0.0, 0.05])]

    robot.people = mixed_up
    outcome = robot.do("hand_over", {})
    assert n > 5
    assert (outcome.ok, outcome.reason) == (True, "done")
    assert np.linalg.norm((robot.data.body(NAME).xpos - robot.palm())[:2]) < 0.03


def test_a_hand_that_is_withdrawn_at_the_last_moment_gets_nothing() -> None:
    robot = with_a_can("holds_out_a_hand")
    is_back = False

    def withdraw() -> None:
        nonlocal is_back
        if not is_back and np.linalg.norm((robot.data.body(NAME).xpos - robot.palm())[:2]) < 0.05:
            robot.sim.behave("stands")
            is_back = True

    outcome = robot.do("hand_over", {}, withdraw)
    assert (outcome.ok, outcome.reason) == (False, "withdrawn")
    assert is_held(robot)


def test_without_a_hand_it_asks_for_one_waits_and_keeps_the_thing() -> None:
    robot = with_a_can("stands")
    says = robot.lockstep.streams.reader("say")
    outcome = robot.do("hand_over", {})
    assert (outcome.ok, outcome.reason) == (False, "not_taken")
    assert any("손을" in m.get_text(words) or "hand" in m.get_text(words) for words in says.since())
    assert is_held(robot)


def test_who_holds_nothing_hands_nothing_over() -> None:
    outcome = Seer(1, BEFORE_TABLE, person="holds_out_a_hand").do("hand_over", {})
    assert (outcome.ok, outcome.reason) == (False, "empty_handed")
