"""The runner: leases, merging, and every way a skill can end."""

from collections.abc import Callable
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from ideal import IdealRobot, load
from small import XML, small_model, small_spec

from vagus.act import runner
from vagus.act.skill import Args, Context, Observation, Outcome, Skill, SkillSpec, Targets
from vagus.act.skills import SKILLS
from vagus.core.ages import UNUSED
from vagus.core.envelope import Envelope
from vagus.core.errors import CommandError, ConfigError, VagusError
from vagus.core.messages import Request, Source, State, Verdict

HOST = load("host")


@pytest.fixture
def robot() -> IdealRobot:
    return IdealRobot(small_spec(), small_model())


def test_no_command_goes_out_before_the_lease_is_granted(robot: IdealRobot) -> None:
    robot.grants = False
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.5)
    assert robot.commands == []
    robot.grants = True
    assert robot.finish().outcome.ok


def test_lease_never_granted_ends_the_skill(robot: IdealRobot) -> None:
    robot.grants = False
    robot.runner.start("look", {"direction": "left"}, 7)
    ended = robot.finish()
    assert (ended.id, ended.outcome.ok, ended.outcome.reason) == (7, False, "not_granted")
    assert robot.commands == []


def test_commands_rise_in_counter_and_are_for_their_lead_later(robot: IdealRobot) -> None:
    robot.runner.start("nod", {}, 1)
    robot.finish()
    counters = [int(c["counter"]) for c in robot.commands]
    assert counters == list(range(1, len(counters) + 1))
    assert {int(c["at_ns"] - c["stamp_ns"]) for c in robot.commands} == {40_000_000}


def test_a_skills_envelope_is_declared_for_its_joints_alone(robot: IdealRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = robot.spec
    high = tuple(0.3 for _ in spec.joints)
    slow = replace(SKILLS["look"], envelope=lambda _: Envelope(speed_fraction=0.25, position_max=high))
    monkeypatch.setitem(SKILLS, "look", slow)
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.runner.start("express", {"emotion": "happy"}, 2)
    robot.run(1.0)
    command = next(c for c in robot.commands if c["use"].sum() > 2)
    neck = [spec.joint_index("neck_yaw"), spec.joint_index("neck_pitch")]
    assert np.flatnonzero(command["bounded"]).tolist() == neck
    np.testing.assert_array_equal(command["position_min"][neck], -np.inf)
    np.testing.assert_array_equal(command["position_max"][neck], 0.3)
    np.testing.assert_array_equal(command["speed_max"][neck], 0.5)


def test_a_skill_whose_envelope_does_not_fit_the_robot_is_refused_before_anything_changes(
    robot: IdealRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SKILLS, "look", replace(SKILLS["look"], envelope=lambda _: Envelope(position_max=(0.3,))))
    robot.runner.start("nod", {}, 1)  # needs the same joints
    with pytest.raises(ConfigError, match=rf"position_max: got 1 numbers, .*per joint \({robot.spec.n_joints}\)"):
        robot.runner.start("look", {"direction": "left"}, 2)
    assert robot.runner.running == ("nod",)
    assert robot.finish().outcome.ok


def test_command_depends_on_encoders_alone_within_50_ms(robot: IdealRobot) -> None:
    robot.runner.start("nod", {}, 1)
    robot.finish()
    command = robot.commands[3]
    assert command["stamp_ns"] - command["origin_ns"][0] == 2_000_000
    assert command["budget_ns"][0] == 50_000_000
    assert np.all(command["origin_ns"][1:] == UNUSED)
    assert np.all(command["budget_ns"][1:] == UNUSED)


def test_leases_are_renewed_while_running_and_released_at_the_end(robot: IdealRobot) -> None:
    robot.runner.start("express", {"emotion": "happy"}, 1)  # takes longer than one lease
    assert robot.finish().outcome.ok
    robot.step()
    assert not robot.holder.any()


def test_wave_and_smile_run_side_by_side_in_one_command() -> None:
    robot = IdealRobot(*HOST)
    robot.runner.start("wave", {"arm": "right"}, 1)
    robot.runner.start("express", {"emotion": "happy"}, 2)
    ended = {robot.finish().id: True for _ in range(2)}
    assert set(ended) == {1, 2}
    arm, mouth = robot.spec.joint_index("right_elbow"), robot.spec.joint_index("mouth_left")
    assert any(c["use"][arm] and c["use"][mouth] for c in robot.commands)


def test_a_new_skill_on_the_same_group_replaces_the_old_one(robot: IdealRobot) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.2)
    robot.runner.start("look", {"direction": "right"}, 2)
    first, second = robot.finish(), robot.finish()
    assert (first.id, first.outcome.reason) == (1, "replaced")
    assert (second.id, second.outcome.ok) == (2, True)


@pytest.mark.parametrize(
    ("state", "cause", "holder", "reason"),
    [
        (State.ESTOP, Verdict.STOPPED_ESTOP, Source.NOBODY, "emergency_stop"),
        (State.STOPPING, Verdict.STOPPED_PREEMPTED, Source.TELEOP, "preempted"),
        (State.STOPPING, Verdict.STOPPED_FOLLOWING_ERROR, Source.NOBODY, "contact"),
        (State.STOPPING, Verdict.STOPPED_TORQUE, Source.NOBODY, "contact"),
        (State.STOPPING, Verdict.STOPPED_LATE, Source.NOBODY, "stopped"),
        (State.DAMPED, Verdict.STOPPED_ENCODER_INVALID, Source.NOBODY, "stopped"),
    ],
)
def test_losing_the_group_ends_the_skill_and_its_commands(robot: IdealRobot, state, cause, holder, reason) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.3)
    sent = len(robot.commands)
    robot.take(robot.spec.group_index("neck"), state, cause, holder)
    assert robot.finish().outcome.reason == reason
    robot.run(0.5)
    assert len(robot.commands) == sent


def test_a_skill_goes_on_after_a_hiccup_of_the_computer_by_a_new_lease(robot: IdealRobot) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.3)
    neck = robot.spec.group_index("neck")
    token, sent = int(robot.token[neck]), len(robot.commands)
    robot.take(neck, State.HOLD, Verdict.STOPPED_ENCODER_STALE | Verdict.STOPPED_LATE)
    assert robot.finish().outcome.ok
    tokens = {int(c["lease"][neck]) for c in robot.commands[sent:]}
    assert tokens
    assert token not in tokens


def test_a_computer_that_stands_still_again_and_again_ends_the_skill(robot: IdealRobot) -> None:
    robot.runner.start("drive", {"distance_m": 5.0}, 1)
    base = robot.spec.group_index("base")
    for k in range(8):
        assert (k < 4) == ("drive" in robot.runner.running)
        robot.run(0.5)
        robot.take(base, State.HOLD, Verdict.STOPPED_ENCODER_STALE)
        robot.run(0.1)
    assert robot.ended[0].outcome.reason == "stopped"


@pytest.mark.parametrize("more", [Verdict.STOPPED_TORQUE, Verdict.STOPPED_LEASE_END, Verdict.STOPPED_ESTOP])
def test_late_readings_excuse_no_other_cause(robot: IdealRobot, more: Verdict) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.3)
    robot.take(robot.spec.group_index("neck"), State.HOLD, Verdict.STOPPED_ENCODER_STALE | more)
    assert not robot.finish().outcome.ok


def test_groups_that_somebody_else_took_meanwhile_are_not_asked_for(robot: IdealRobot) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.run(0.3)
    robot.take(robot.spec.group_index("neck"), State.RUN, Verdict.STOPPED_ENCODER_STALE, Source.TELEOP)
    assert robot.finish().outcome.reason == "preempted"


def test_losing_one_group_leaves_the_other_skill_alone(robot: IdealRobot) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.runner.start("express", {"emotion": "happy"}, 2)
    robot.run(0.3)
    robot.take(robot.spec.group_index("neck"), State.STOPPING, Verdict.STOPPED_PREEMPTED, Source.TELEOP)
    first, second = robot.finish(), robot.finish()
    assert (first.id, first.outcome.reason) == (1, "preempted")
    assert (second.id, second.outcome.ok) == (2, True)


def test_estop_before_the_grant_ends_the_skill_at_once(robot: IdealRobot) -> None:
    for g in range(len(robot.spec.groups)):
        robot.take(g, State.ESTOP, Verdict.STOPPED_ESTOP)
    robot.runner.start("nod", {}, 1)
    assert robot.finish(0.1).outcome.reason == "emergency_stop"


def test_an_old_cause_does_not_keep_a_group_from_moving_again(robot: IdealRobot) -> None:
    robot.take(robot.spec.group_index("neck"), State.HOLD, Verdict.STOPPED_ESTOP)
    robot.runner.start("look", {"direction": "left"}, 1)
    assert robot.finish().outcome.ok


def test_stop_cancels_everything_and_gives_the_groups_back_at_once(robot: IdealRobot) -> None:
    robot.runner.start("drive", {"distance_m": 2.0}, 1)
    robot.runner.start("nod", {}, 2)
    robot.run(1.0)
    robot.runner.start("stop", {}, 3)
    requests = robot.step().requests
    assert {int(r["kind"]) for r in requests} == {Request.RELEASE}
    reasons = {e.id: e.outcome.reason for e in (robot.finish(), robot.finish(), robot.finish())}
    assert reasons == {1: "cancelled", 2: "cancelled", 3: "at_rest"}
    assert np.all(np.abs(robot.v) <= 0.05)


def test_silence_of_the_encoders_ends_skills_and_sends_nothing(robot: IdealRobot) -> None:
    robot.runner.start("nod", {}, 1)
    robot.run(0.3)
    frozen, sent = robot.observe(), len(robot.commands)
    for _ in range(100):
        obs = robot.observe()
        obs.joint_state["origin_ns"], obs.joint_state["q"] = frozen.joint_state["origin_ns"], frozen.joint_state["q"]
        out = robot.runner.step(obs)
        robot.now_ns += 10_000_000
        if out.outcomes:
            break
    assert out.outcomes[0].outcome.reason == "no_readings"
    assert 0.4e9 < robot.now_ns - frozen.now_ns < 0.6e9
    assert len(robot.commands) == sent


def test_say_needs_no_body(robot: IdealRobot) -> None:
    robot.grants = False
    robot.runner.start("say", {"text": "안녕"}, 1)
    assert robot.finish(0.1).outcome.ok
    assert robot.said == ["안녕"]


def test_a_skill_that_takes_too_long_is_ended(robot: IdealRobot) -> None:
    robot.runner.start("look", {"direction": "left"}, 1)
    step = robot._apply
    robot._apply = lambda command: step(None)  # the gate grants and lets nothing through
    ended = robot.finish(40.0)
    assert ended.outcome.reason in ("timeout", "not_reached")
    assert robot.v.max() == 0.0


@pytest.mark.parametrize(
    ("name", "args", "match"),
    [
        ("dance", {}, r"'dance'.*'wave'"),
        ("look", {"way": "left"}, r"'way'.*direction"),
        ("look", {"direction": "sideways"}, r"'sideways'.*left"),
        ("drive", {"distance_m": "far"}, "a number from -10 to 10"),
        ("drive", {"distance_m": float("nan")}, "a number from -10 to 10"),
        ("drive", {"distance_m": 11.0}, "a number from -10 to 10"),
        ("drive", {"distance_m": True}, "a number from -10 to 10"),
        ("drive", {}, "distance_m, or turn_deg"),
        ("drive", {"distance_m": 1.0, "turn_deg": 90.0}, "distance_m, or turn_deg"),
        ("drive", {"speed_m_s": 0.1}, "duration_s"),
        ("point", {"x": 1.0}, "x, y and z"),
        ("point", {"x": 1.0, "y": 0.0, "z": 1.0, "direction": "up"}, "x, y and z"),
        ("express", {}, "emotion"),
        ("wave", {"arm": "left"}, r"'left'.*'right'"),
    ],
)
def test_wrong_calls_are_refused_and_change_nothing(robot: IdealRobot, name, args, match) -> None:
    robot.runner.start("nod", {}, 1)
    with pytest.raises(ConfigError, match=match):
        robot.runner.start(name, args, 2)
    assert robot.runner.running == ("nod",)


def breaking(after_s: float, error: Exception) -> Callable[..., SkillSpec]:
    """Return a skill table whose "look" holds the neck for some time and then raises."""

    def run(ctx: Context, obs: Observation, _args: Args) -> Skill:
        joints = ctx.indices(("neck_yaw", "neck_pitch"))
        end_ns = obs.now_ns + after_s * 1e9
        while obs.now_ns < end_ns:
            obs = yield Targets(joints=joints, q=ctx.kinematics.home[joints], v=np.zeros(2))
        raise error

    return lambda _spec, name: replace(SKILLS[name], run=run) if name == "look" else SKILLS[name]


@pytest.mark.parametrize("after_s", [0.0, 0.3])
@pytest.mark.parametrize("error", [ConfigError("frame 'x'"), CommandError("q0"), VagusError("no")])
def test_a_skill_that_raises_fails_alone_and_gives_its_groups_back(robot, monkeypatch, after_s, error) -> None:
    monkeypatch.setattr(runner, "find", breaking(after_s, error))
    robot.runner.start("look", {"direction": "left"}, 1)
    robot.runner.start("express", {"emotion": "happy"}, 2)
    ended = robot.finish()
    assert (ended.id, ended.outcome.ok, ended.outcome.reason) == (1, False, "error")
    assert ended.outcome.detail == str(error)
    sent = len(robot.commands)
    assert robot.state[robot.spec.group_index("neck")] == State.HOLD
    assert robot.holder[robot.spec.group_index("neck")] == Source.NOBODY
    second = robot.finish()
    assert (second.id, second.outcome.ok) == (2, True)
    assert not any(c["use"][robot.spec.joint_index("neck_yaw")] for c in robot.commands[sent:])


def test_what_is_no_error_of_ours_is_a_bug_and_is_not_caught(robot, monkeypatch) -> None:
    monkeypatch.setattr(runner, "find", breaking(0.1, ZeroDivisionError()))
    robot.runner.start("look", {"direction": "left"}, 1)
    with pytest.raises(ZeroDivisionError):
        robot.run(0.5)


def test_a_camera_that_the_model_lacks_fails_the_look_and_nothing_else() -> None:
    model = mujoco.MjModel.from_xml_string(XML.replace("camera.head", "eye"))
    robot = IdealRobot(small_spec(), model)
    robot.runner.start("look", {"direction": "left"}, 1)
    ended = robot.finish()
    assert (ended.outcome.ok, ended.outcome.reason) == (False, "error")
    assert "'camera.head'" in ended.outcome.detail
    assert robot.commands == []
    robot.runner.start("nod", {}, 2)
    assert robot.finish().outcome.ok


def test_runs_are_the_same_for_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        robot = IdealRobot(small_spec(), small_model(), seed=5)
        robot.runner.start("point", {"direction": "down"}, 1)
        robot.finish()
        runs.append(b"".join(c.tobytes() for c in robot.commands))
    assert runs[0] == runs[1]


def test_a_gate_that_slows_down_is_followed_and_never_jumped_ahead_of() -> None:
    robot = IdealRobot(*HOST)
    step = robot._apply

    def slowed(command) -> None:
        """A person is near: a fifth of full speed."""
        if command is not None:
            leads.append(float(np.abs(command["q"] - robot.q)[command["use"] == 1].max()))
            reach = 0.2 * robot.spec.array("speed_max") * 0.02
            command["q"] = np.clip(command["q"], robot.q - reach, robot.q + reach)
        step(command)

    leads: list[float] = []
    robot._apply = slowed
    robot.runner.start("point", {"direction": "left"}, 1)
    assert robot.finish().outcome.ok
    assert max(leads) < 0.15  # [rad]; a move that took no notice would be more than a radian ahead
    lead = max(
        float(np.abs(c["q"] - q)[c["use"] == 1].max())
        for c, q in zip(robot.commands, robot.history[-len(robot.commands) :], strict=False)
    )
    assert lead < 0.3


def test_a_joint_stays_where_it_was_told_to_be_while_the_skill_goes_on(
    robot: IdealRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence would end the lease of its group."""
    first, second = (robot.spec.joint_index(name) for name in ("neck_yaw", "neck_pitch"))
    effort = 0.5 * float(robot.spec.array("effort_max")[first])

    def one_after_the_other(ctx: Context, obs: Observation, args: Args) -> Skill:
        q, _ = obs.commanded()
        del ctx, args
        for joint in (first, second):
            for _ in range(5):
                yield Targets(joints=np.array([joint]), q=q[[joint]], v=np.zeros(1), effort_max=np.array([effort]))
        for _ in range(5):
            yield None
        return Outcome(ok=True, reason="done")

    monkeypatch.setitem(SKILLS, "look", replace(SKILLS["look"], run=one_after_the_other))
    robot.runner.start("look", {"direction": "left"}, 1)
    assert robot.finish().outcome.ok
    used = [(int(c["use"][first]), int(c["use"][second])) for c in robot.commands]
    assert used == [(1, 0)] * 5 + [(1, 1)] * 10
    assert all(c["v"][first] == 0.0 and c["effort_max"][first] == effort for c in robot.commands)
