"""Teleoperation: who may, for how long, and that everything which ends it stops the robot."""

import numpy as np
import pytest
from page_stand import MS, START_NS, Stand

from vagus.core.ages import UNUSED
from vagus.core.messages import Request, Source, State, Verdict
from vagus.page.teleop import RefusedError, Teleop


class Session:
    """A stand and a teleop node in one virtual time; a page that keeps saying what it holds."""

    def __init__(self) -> None:
        self.stand = Stand()
        self.teleop = Teleop(self.stand.spec, self.stand.streams)
        self.now_ns = START_NS
        self.held: dict[str, float] = {}
        self.pad = (0.0, 0.0)
        self.is_alive = True
        self.stand.step(self.now_ns)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.now_ns += 20 * MS
            if self.is_alive and self.teleop.page == 1 and self.now_ns % (100 * MS) == 0:
                self.teleop.keep(1, self.now_ns)
                for joint, fraction in self.held.items():
                    self.teleop.jog(1, joint, fraction, self.now_ns)
                if self.pad != (0.0, 0.0):
                    self.teleop.drive(1, *self.pad, self.now_ns)
            self.teleop.step(self.now_ns)
            self.stand.step(self.now_ns)

    def take(self) -> None:
        self.teleop.take(1, self.now_ns)
        self.run(0.1)


@pytest.fixture
def session() -> Session:
    return Session()


def test_nothing_is_published_while_nobody_holds_control(session: Session) -> None:
    session.run(1.0)
    assert session.stand.requests == []
    assert session.stand.commands == []


def test_taking_control_leases_every_group_and_moves_nothing(session: Session) -> None:
    session.take()
    assert session.stand.holder == [Source.TELEOP] * 3
    session.run(2.0)
    assert session.stand.holder == [Source.TELEOP] * 3, "the lease of 1 s is renewed"
    assert session.stand.commands == []


def test_a_held_button_moves_one_joint_slowly_and_letting_go_stops_it(session: Session) -> None:
    session.take()
    start = session.stand.q.copy()
    session.held = {"left_elbow": 1.0}
    session.run(1.0)
    moved = session.stand.q - start
    assert 0.25 < moved[3] <= 0.4, "a second at a fifth of 2 rad/s, less the start"
    np.testing.assert_array_equal(np.delete(moved, 3), 0.0)
    session.held = {}
    session.teleop.jog(1, "left_elbow", 0.0, session.now_ns)
    session.run(0.3)
    rest = session.stand.q.copy()
    session.run(0.5)
    np.testing.assert_array_equal(session.stand.q, rest)


def test_commands_carry_tokens_origins_budgets_and_a_time_that_soon_runs_out(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 0.5}
    session.run(0.4)
    command = session.stand.commands[-1]
    assert int(command["at_ns"]) - int(command["stamp_ns"]) == 40 * MS
    assert command["use"].tolist() == [0, 0, 1, 1, 0], "the whole arm, nothing else"
    assert [bool(token) for token in command["lease"]] == [False, True, False]
    ages = int(command["stamp_ns"]) - command["origin_ns"][0]
    assert 0 < ages <= command["budget_ns"][0] == 100 * MS
    assert command["budget_ns"][1:].tolist() == [UNUSED] * 2
    counters = [int(c["counter"]) for c in session.stand.commands]
    assert counters == sorted(set(counters))


def test_a_page_that_vanishes_mid_jog_sends_no_further_command(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    before, q = len(session.stand.commands), session.stand.q.copy()
    session.teleop.release(1, session.now_ns)  # what a lost connection does
    session.run(1.0)
    assert len(session.stand.commands) == before
    assert session.stand.state == [State.HOLD] * 3
    assert session.stand.kinds()[-1] == Request.RELEASE
    np.testing.assert_array_equal(session.stand.q, q)


def test_a_page_that_freezes_mid_jog_stops_within_its_timeouts(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.is_alive = False
    session.run(0.3 + 0.3)  # button timeout, then braking
    q = session.stand.q.copy()
    session.run(1.0)
    np.testing.assert_array_equal(session.stand.q, q)
    assert session.teleop.page is None
    assert [e.code for e in session.teleop.events] == ["lapsed"]
    assert session.stand.holder == [Source.NOBODY] * 3


def test_without_the_page_s_server_the_lease_runs_out_by_itself(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    for _ in range(60):  # the node is never stepped again
        session.now_ns += 20 * MS
        session.stand.step(session.now_ns)
    assert session.stand.state == [State.HOLD] * 3
    assert session.stand.holder == [Source.NOBODY] * 3


def test_only_one_page_holds_control_and_the_other_learns_who(session: Session) -> None:
    session.take()
    with pytest.raises(RefusedError) as refusal:
        session.teleop.take(2, session.now_ns)
    assert (refusal.value.code, refusal.value.details) == ("taken", {"page": 1})
    with pytest.raises(RefusedError, match="not_yours"):
        session.teleop.jog(2, "left_elbow", 1.0, session.now_ns)
    session.teleop.release(2, session.now_ns)
    assert session.teleop.page == 1


def test_an_emergency_stop_is_asked_at_once_for_every_group_and_ends_control(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.teleop.estop(session.now_ns)
    before = len(session.stand.commands)
    session.run(0.5)
    assert int(session.stand.requests[-1]["groups"]) == 0b111
    assert session.stand.kinds()[-1] == Request.ESTOP
    assert session.stand.state == [State.ESTOP] * 3
    assert len(session.stand.commands) == before
    with pytest.raises(RefusedError, match="estopped"):
        session.teleop.take(1, session.now_ns)


def test_reset_is_asked_only_in_emergency_stop(session: Session) -> None:
    with pytest.raises(RefusedError, match="not_estopped"):
        session.teleop.reset(session.now_ns)
    assert session.stand.requests == []
    session.teleop.estop(session.now_ns)
    session.run(0.1)
    session.teleop.reset(session.now_ns)
    session.run(0.1)
    assert session.stand.kinds() == [Request.ESTOP, Request.RESET]


def test_an_emergency_stop_from_elsewhere_ends_control(session: Session) -> None:
    session.take()
    session.stand.state = [State.ESTOP] * 3
    session.run(0.1)
    assert session.teleop.page is None


def test_a_group_that_the_gate_stops_stays_until_the_button_is_pressed_anew(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.stand.stop_group(1, Verdict.STOPPED_FOLLOWING_ERROR)
    session.run(0.1)
    q, before = session.stand.q.copy(), len(session.stand.commands)
    session.run(1.0)  # the button is still held
    np.testing.assert_array_equal(session.stand.q, q)
    assert len(session.stand.commands) == before
    assert [(e.code, e.details) for e in session.teleop.events] == [("group_stopped", {"group": "arm_left"})]
    session.teleop.jog(1, "left_elbow", 0.0, session.now_ns)
    session.run(0.5)
    assert session.stand.q[3] > q[3]


def stopped_mid_jog(session: Session) -> None:
    """Jog the elbow until the gate stops the arm; the button stays held."""
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.stand.stop_group(1, Verdict.STOPPED_TORQUE)
    session.run(0.1)


def moved_by(session: Session, seconds: float) -> float:
    """Run on; return how far the elbow went [rad]."""
    before = float(session.stand.q[3])
    session.run(seconds)
    return float(session.stand.q[3]) - before


def test_a_release_from_another_page_lifts_no_stop_and_lets_go_of_nothing(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.teleop.jog(2, "left_elbow", 0.0, session.now_ns)
    assert moved_by(session, 0.1) > 0.01
    session.stand.stop_group(1, Verdict.STOPPED_TORQUE)
    session.run(0.1)
    session.teleop.jog(2, "left_elbow", 0.0, session.now_ns)
    assert moved_by(session, 1.0) == 0.0
    session.teleop.jog(1, "left_elbow", 0.0, session.now_ns)
    assert moved_by(session, 0.5) > 0.0


def test_a_drive_release_from_another_page_lifts_no_stop(session: Session) -> None:
    session.take()
    session.pad = (1.0, 0.0)
    session.run(0.5)
    session.stand.stop_group(0, Verdict.STOPPED_TORQUE)
    session.run(0.1)
    session.teleop.drive(2, 0.0, 0.0, session.now_ns)
    session.run(0.5)
    assert session.stand.v[:2].tolist() == [0.0, 0.0]
    session.teleop.drive(1, 0.0, 0.0, session.now_ns)
    session.run(0.5)
    assert session.stand.v[0] > 0.0


@pytest.mark.parametrize("pad", [False, True])
def test_a_button_that_falls_silent_and_comes_back_without_a_release_stays_stopped(session: Session, pad: bool) -> None:
    session.take()
    held, where = ({}, (1.0, 0.0)) if pad else ({"left_elbow": 1.0}, (0.0, 0.0))
    session.held, session.pad = held, where
    session.run(0.5)
    session.stand.stop_group(0 if pad else 1, Verdict.STOPPED_TORQUE)
    session.run(0.1)
    session.held, session.pad = {}, (0.0, 0.0)
    session.run(0.5)  # the page still keeps control, but says nothing of the button
    session.held, session.pad = held, where
    assert moved_by(session, 0.5) == 0.0
    assert session.stand.v.tolist() == [0.0] * 5


def test_a_stop_while_a_held_button_is_silent_holds_when_it_comes_back(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.held = {}
    session.run(0.4)  # silent, not let go: the arm has come to rest in RUN
    session.stand.stop_group(1, Verdict.STOPPED_TORQUE)
    session.run(0.1)
    session.held = {"left_elbow": 1.0}
    assert moved_by(session, 0.5) == 0.0


@pytest.mark.parametrize("ending", ["release", "estop"])
def test_taking_control_again_with_the_button_still_held_moves_nothing(session: Session, ending: str) -> None:
    stopped_mid_jog(session)
    if ending == "release":
        session.teleop.release(1, session.now_ns)
    else:
        session.teleop.estop(session.now_ns)
        session.run(0.1)
        session.teleop.reset(session.now_ns)
    session.run(0.1)
    session.take()
    assert moved_by(session, 0.5) == 0.0
    session.teleop.release(1, session.now_ns)
    session.teleop.jog(1, "left_elbow", 0.0, session.now_ns)  # a page that lost control lets go of its buttons
    session.run(0.2)
    session.take()
    assert moved_by(session, 0.5) > 0.0


def test_another_page_in_control_finds_no_button_stopped(session: Session) -> None:
    stopped_mid_jog(session)
    session.teleop.release(1, session.now_ns)
    session.run(0.1)
    session.teleop.take(2, session.now_ns)
    session.run(0.1)
    before = session.stand.q[3]
    for _ in range(5):
        session.teleop.jog(2, "left_elbow", 1.0, session.now_ns)
        session.run(0.1)
    assert session.stand.q[3] > before


def test_a_silent_reflex_ends_commands_and_refuses_control(session: Session) -> None:
    session.take()
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    session.stand.is_silent = True
    session.run(0.5)
    before = len(session.stand.commands)
    session.run(0.5)
    assert len(session.stand.commands) == before
    session.teleop.release(1, session.now_ns)
    with pytest.raises(RefusedError, match="silent"):
        session.teleop.take(1, session.now_ns)


def test_the_drive_pad_turns_the_wheels_and_letting_go_brakes_them(session: Session) -> None:
    session.take()
    session.pad = (1.0, 0.0)
    session.run(1.0)
    assert session.stand.v[0] == session.stand.v[1] == pytest.approx(0.35 / 0.08)
    session.pad = (0.0, 0.0)
    session.teleop.drive(1, 0.0, 0.0, session.now_ns)
    session.run(0.5)
    np.testing.assert_array_equal(session.stand.v[:2], 0.0)


def test_a_joint_the_robot_lacks_is_refused_with_the_names_it_has(session: Session) -> None:
    session.take()
    with pytest.raises(RefusedError) as refusal:
        session.teleop.jog(1, "tail", 1.0, session.now_ns)
    assert refusal.value.details["got"] == "tail"
    assert "left_elbow" in str(refusal.value.details["allowed"])


def test_a_group_without_valid_readings_does_not_start(session: Session) -> None:
    session.take()
    session.stand.q[3] = np.nan
    session.held = {"left_elbow": 1.0}
    session.run(0.5)
    assert session.stand.commands == []
    assert session.teleop.events[0].code == "no_reading"
