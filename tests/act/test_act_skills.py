"""Every skill, in a closed loop with an ideal body, reaches its success; none breaks a limit or touches itself."""

import numpy as np
import pytest
from ideal import IdealRobot, load
from small import small_model, small_spec

from vagus.act.express import PROTOTYPES, apex, face_joints
from vagus.act.sentences import REASONS, sentence
from vagus.act.skill import Context, Outcome
from vagus.act.skills import SKILLS, available
from vagus.core.errors import ConfigError
from vagus.core.robot import BaseSpec, GroupSpec, JointSpec, RobotSpec

HOST, SO101 = load("host"), load("so101")
POINTS = ("forward", "left", "right", "up", "down")
HOST_CALLS = (
    *(("wave", {"arm": side}) for side in ("left", "right")),
    *(("point", {"direction": d}) for d in POINTS),
    ("point", {"x": 1.0, "y": 0.5, "z": 0.3}),
    ("point", {"azimuth_deg": 30.0, "elevation_deg": 20.0, "arm": "right"}),
    *(("look", {"direction": d}) for d in POINTS),
    ("look", {"x": 1.5, "y": -0.5, "z": 0.4}),
    ("look_around", {}),
    ("nod", {}),
    ("shake", {}),
    *(("express", {"emotion": e}) for e in PROTOTYPES),
    ("go_home", {}),
    ("drive", {"distance_m": 0.4}),
    ("drive", {"turn_deg": -90.0}),
    ("drive", {"speed_m_s": 0.2, "turn_deg_s": 15.0, "duration_s": 1.5}),
    ("say", {"text": "안녕하세요"}),
    ("stop", {}),
)
SO101_CALLS = (("wave", {}), *(("point", {"direction": d}) for d in POINTS), ("go_home", {}))


def run_checked(robot: IdealRobot, name: str, args: dict[str, float | str]) -> None:
    """Run a skill to success and check limits and collisions over the whole of it."""
    robot.runner.start(name, args, 1)
    ended = robot.finish()
    assert ended.outcome.ok, (name, args, ended.outcome)
    spec, q, v = robot.spec, np.array(robot.history), np.array(robot.speeds)
    assert np.all(q >= spec.array("position_min") - 1e-9)
    assert np.all(q <= spec.array("position_max") + 1e-9)
    assert np.all(np.abs(v) <= spec.array("speed_max"))
    assert np.all(np.abs(np.diff(v, axis=0)) <= 0.01 * spec.array("acceleration_max") + 1e-9)
    assert not any(robot.kinematics.is_in_collision(pose) for pose in q[::8])


@pytest.mark.parametrize(("name", "args"), HOST_CALLS)
def test_host_does_every_skill(name: str, args: dict[str, float | str]) -> None:
    run_checked(IdealRobot(*HOST), name, args)


@pytest.mark.parametrize(("name", "args"), SO101_CALLS)
def test_an_arm_alone_waves_points_and_goes_home(name: str, args: dict[str, float | str]) -> None:
    run_checked(IdealRobot(*SO101), name, args)


def test_every_skill_of_the_table_is_tried_above() -> None:
    seeing = {"watch", "pick", "put_down", "put_back", "clear", "place", "hand_over"}  # test_act_watch, tests/runtime
    assert {name for name, _ in HOST_CALLS} | {"alive"} | seeing == set(SKILLS)


@pytest.mark.parametrize("seed", range(6))
def test_arm_skills_one_after_another_never_touch_the_body(seed: int) -> None:
    robot, rng = IdealRobot(*HOST, seed=seed), np.random.default_rng(seed)
    q = robot.q.copy()
    for arm in robot.spec.arms:  # a random free pose to start from
        joints = [robot.spec.joint_index(j) for j in arm.joints]
        low, high = robot.spec.array("position_min")[joints], robot.spec.array("position_max")[joints]
        trial = q.copy()
        trial[joints] = np.clip(q[joints] + rng.uniform(-0.6, 0.6, len(joints)), low, high)
        q = q if robot.kinematics.is_in_collision(trial, 0.01) else trial
    robot.q = q
    azimuth, elevation = float(rng.uniform(-90.0, 90.0)), float(rng.uniform(-40.0, 60.0))
    for name, args in (("point", {"azimuth_deg": azimuth, "elevation_deg": elevation}), ("wave", {}), ("go_home", {})):
        robot.runner.start(name, args, 1)
        robot.finish()
    assert not any(robot.kinematics.is_in_collision(pose) for pose in robot.history[::8])


def wheels_only() -> IdealRobot:
    wheels = tuple(JointSpec(name=n, mode="velocity", speed_max=10.0, acceleration_max=10.0, effort_max=5.0)
                   for n in ("wheel_left", "wheel_right"))  # fmt: skip
    spec = RobotSpec(name="cart", joints=wheels, groups=(GroupSpec(name="base", joints=("wheel_left", "wheel_right")),),
                     base=BaseSpec(left="wheel_left", right="wheel_right", radius=0.08, track=0.36))  # fmt: skip
    return IdealRobot(spec, small_model())


def test_wheels_alone_drive_say_and_stop_and_nothing_else() -> None:
    robot = wheels_only()
    assert [s.name for s in available(robot.spec)] == ["drive", "say", "stop"]
    run_checked(robot, "drive", {"distance_m": 0.3})
    assert robot.pose[0] == pytest.approx(0.3, abs=0.03)
    with pytest.raises(ConfigError, match=r"needs an arm.*'drive', 'say', 'stop'"):
        robot.runner.start("wave", {}, 2)


def test_look_behind_is_refused_and_moves_nothing() -> None:
    robot = IdealRobot(*HOST)
    robot.runner.start("look", {"direction": "back"}, 1)
    assert robot.finish().outcome.reason == "out_of_reach"
    assert robot.commands == []


def test_pointing_figure_is_the_angle_of_the_measured_arm() -> None:
    robot = IdealRobot(*HOST)
    robot.runner.start("point", {"direction": "left"}, 1)
    seen = []
    while not robot.ended:
        robot.step()
        seen.append(robot.kinematics.pose_of(robot.q, "left_tip")[1, 2])  # y of the hand's z axis
    assert max(seen) > np.cos(np.radians(10.0))


@pytest.mark.parametrize("emotion", [e for e in PROTOTYPES if e != "neutral"])
def test_expressions_are_the_sums_of_their_action_units(emotion: str) -> None:
    robot = IdealRobot(*HOST)
    context = Context(spec=robot.spec, kinematics=robot.kinematics, rng=np.random.default_rng(0), lead_ns=0)
    names = face_joints(robot.spec, {})
    q = dict(zip(names, apex(context, context.indices(names), PROTOTYPES[emotion]), strict=True))
    is_smile = q["mouth_left"] > 0.0
    assert is_smile == (emotion == "happy")
    assert (q["jaw"] > 0.0) == (emotion in ("surprised", "afraid"))


def test_a_wave_that_the_encoders_do_not_see_is_no_success() -> None:
    robot = IdealRobot(*HOST)
    frozen = robot.q.copy()
    observe = robot.observe

    def blind():
        obs = observe()
        obs.joint_state["q"][:] = frozen  # the gate's commands go on, the encoders stand still
        return obs

    robot.observe = blind
    robot.runner.start("wave", {}, 1)
    assert robot.finish().outcome.reason == "not_reached"


def test_alive_blinks_until_it_is_cancelled() -> None:
    robot = IdealRobot(small_spec(), small_model())
    robot.runner.start("alive", {}, 1)
    robot.run(15.0)
    lid = np.array(robot.history)[:, robot.spec.joint_index("lid")]
    closed = np.flatnonzero(np.diff((lid < -0.3).astype(int)) == 1)
    assert 2 <= len(closed) <= 8  # every 2 to 6 s
    robot.runner.cancel()
    assert robot.finish().outcome.reason == "cancelled"


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    for reason, text in REASONS.items():
        assert any("가" <= c <= "힣" for c in text.ko), reason
        assert text.en.isascii(), reason
    robot = IdealRobot(*SO101)
    robot.runner.start("say", {"text": "hi"}, 1)
    assert sentence(SKILLS["say"], robot.finish().outcome, "en") == "Say: done."
    failed = Outcome(ok=False, reason="error", detail="frame 'x': allowed: a body")
    assert sentence(SKILLS["look"], failed, "en") == "Look: that was not possible: frame 'x': allowed: a body"
    assert sentence(SKILLS["look"], failed, "ko") == "쳐다보기: 할 수 없었습니다: frame 'x': allowed: a body"
