import math
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from wheeled_arm import DT_NS, GRIP_EFFORT, KP, KV, PERFECT, SPEC, Bench, build, place, with_joint

from vagus.core.errors import ConfigError
from vagus.core.messages import Mode
from vagus.world.motors import MotorCfg
from vagus.world.scenes import build_scene
from vagus.world.simulation import Simulation

HOME = SPEC.array("home")
TURN, GRIP = SPEC.joint_index("turn"), SPEC.joint_index("gripper")


def swing(bench: Bench, speed: float, n: int = 250) -> None:
    """Have ``turn`` reach and keep a speed, as a trajectory would."""
    q = bench.q("turn")
    for k in range(n):
        v = speed * min(1.0, (k + 1) / 100)
        q += v * DT_NS * 1e-9
        bench.step(bench.command(q=with_joint(q, "turn", HOME), v=with_joint(v, "turn")))


def test_the_watchdog_brakes_after_exactly_the_declared_time() -> None:
    bench = Bench()
    command = bench.command()
    bench.step(command)
    heard_ns = bench.now_ns
    while not bench.step(command)["is_braking"]:
        assert bench.now_ns < heard_ns + 1_000_000_000
    assert bench.now_ns - heard_ns == round(SPEC.watchdog_s * 1e9)


def test_a_command_stream_without_gaps_is_never_braked() -> None:
    bench = Bench()
    bench.follow(200)
    assert not any(r["is_braking"] for r in bench.seen["actuation"])


def test_before_any_command_the_robot_holds_where_it_stands() -> None:
    bench = Bench()
    assert bench.step(n=500)["is_braking"]
    assert bench.seen["actuation"][-1]["counter"] == 0
    assert abs(bench.q("turn")) < 1e-4
    assert abs(bench.q("bend")) < 0.3 * 9.81 * 0.15 / KP + 0.005  # it sags by what gravity takes of kp


@pytest.mark.parametrize("speed", [0.2, 1.0, -2.5])
def test_watchdog_braking_stops_within_v2_over_2a(speed: float) -> None:
    bench = Bench()
    swing(bench, speed)
    last = bench.command(q=with_joint(bench.q("turn"), "turn", HOME), v=with_joint(speed, "turn"))
    while not bench.step(last)["is_braking"]:
        pass
    start, v = bench.q("turn"), bench.v("turn")
    assert abs(v) == pytest.approx(abs(speed), rel=0.02)
    bench.step(last, n=500)
    distance = abs(bench.q("turn") - start)
    assert abs(bench.v("turn")) < 1e-3
    # acceleration_max is 5; the loop (kp, kv) trails the ramp, and takes out a little lag when it ends
    assert 0.5 * v * v / 10.0 < distance < v * v / 10.0 + 0.01


def test_a_late_command_leaves_no_gap_in_the_motion() -> None:
    bench = Bench()
    swing(bench, 1.0)
    bench.step(n=5)
    assert bench.v("turn") == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_a_silent_reflex_never_takes_a_joint_past_its_limit(speed: float) -> None:
    bench = Bench()
    a, limit = SPEC.joints[TURN].acceleration_max, SPEC.joints[TURN].position_max
    q = limit - speed * speed / (2 * a)  # the last moment at which the gate lets it go on at this speed
    bench.sim.data.joint("turn").qpos[0], bench.sim.data.joint("turn").qvel[0] = q, speed
    bench.step(bench.command(q=with_joint(q, "turn", HOME), v=with_joint(speed, "turn")))
    reached = 0.0
    for _ in range(400):
        bench.step(n=1)
        reached = max(reached, bench.q("turn"))
    assert reached < limit + 0.01  # what the position loop overshoots: about inertia * a / kp


@pytest.mark.parametrize("huge", [1e9, 1e300, -1e300])
def test_an_enormous_number_saturates_one_joint_and_spares_the_others(huge: float) -> None:
    bench = Bench()
    bench.follow(200)
    bench.follow(3, q=with_joint(huge, "turn", HOME), effort=with_joint(huge, "turn"))
    assert bench.force("turn") == math.copysign(10.0, huge)
    assert abs(bench.q("gripper") - 0.02) < 1e-3
    assert abs(bench.force("bend")) < 2.0


def test_watchdog_braking_ramps_wheels_to_rest() -> None:
    bench = Bench()
    bench.follow(500, v=with_joint(5.0, "wheel_left", with_joint(5.0, "wheel_right")))
    assert bench.v("wheel_left") == pytest.approx(5.0, rel=0.05)
    bench.step(n=11)
    bench.step(n=60)  # 20 rad/s^2: half of it is gone after 0.12 s
    assert 1.5 < bench.v("wheel_left") < 3.5
    bench.step(n=300)
    assert abs(bench.v("wheel_left")) < 0.01


def test_commands_end_watchdog_braking() -> None:
    bench = Bench()
    bench.follow(5)
    assert bench.step(n=50)["is_braking"]
    actuation = bench.step(bench.command())
    assert not actuation["is_braking"]
    assert actuation["counter"] == bench.counter


def test_actuation_carries_the_origins_of_the_applied_command() -> None:
    bench = Bench()
    origins = np.arange(len(SPEC.sensors)) + 100
    actuation = bench.step(bench.command(origin_ns=origins))
    np.testing.assert_array_equal(actuation["origin_ns"], origins)
    assert actuation["stamp_ns"] == bench.now_ns


@pytest.mark.parametrize("key", ["q", "v", "effort", "effort_max"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("joint", range(SPEC.n_joints))
def test_a_command_that_is_not_finite_moves_nothing(key: str, bad: float, joint: int) -> None:
    bench, idle = Bench(), Bench()
    for _ in range(10):
        command = bench.command(q=HOME + 0.5, v=np.full(SPEC.n_joints, 2.0))
        command[key][joint] = bad
        actuation = bench.step(command)
        idle.step(None)
    assert actuation["counter"] == 0
    assert actuation["is_braking"]
    assert bench.sim.state_hash() == idle.sim.state_hash()


def test_a_bad_command_does_not_feed_the_watchdog() -> None:
    bench = Bench()
    bench.follow(5)
    bench.follow(10, q=np.full(SPEC.n_joints, math.nan))
    assert bench.seen["actuation"][-1]["is_braking"]
    assert bench.seen["actuation"][-1]["counter"] == 5


@pytest.mark.parametrize(("joint", "mode"), [("turn", Mode.VELOCITY), ("wheel_left", Mode.POSITION), ("turn", 77)])
def test_a_mode_that_a_drive_lacks_is_refused(joint: str, mode: int) -> None:
    bench = Bench()
    command = bench.command(q=HOME + 0.5)
    command["mode"][SPEC.joint_index(joint)] = mode
    assert bench.step(command)["counter"] == 0
    assert abs(bench.v("turn")) < 1e-3


@pytest.mark.parametrize(("asked", "cap"), [(2.0, 2.0), (0.0, 0.0), (-3.0, 0.0), (1e9, 10.0)])
def test_effort_never_exceeds_the_command_nor_the_spec(asked: float, cap: float) -> None:
    bench = Bench()
    forces = []
    for _ in range(100):
        bench.step(bench.command(q=with_joint(1.9, "turn", HOME), effort_max=np.full(SPEC.n_joints, asked)))
        forces.append(abs(bench.force("turn")))
    assert max(forces) == pytest.approx(cap, abs=1e-9)


def test_velocity_feed_forward_takes_the_lag_out() -> None:
    bench = Bench()
    swing(bench, 1.0)
    lag = (100 * 101 / 2 / 100 + 150) * DT_NS * 1e-9 - bench.q("turn")
    assert abs(lag) < 0.1 * KV / KP  # without it the loop trails by v * kv / kp


def test_effort_feed_forward_pushes_by_that_effort() -> None:
    bench = Bench()
    bench.follow(500, effort=with_joint(4.0, "turn"))
    assert bench.q("turn") == pytest.approx(4.0 / KP, rel=0.02)


def test_the_gripper_keeps_its_force_when_the_reflex_is_silent() -> None:
    bench = Bench()
    bench.follow(400, q=with_joint(0.0, "gripper", HOME) - with_joint(0.01, "gripper"))
    squeeze = bench.force("gripper")
    assert squeeze < -10.0
    bench.step(n=300)
    assert bench.seen["actuation"][-1]["is_braking"]
    assert bench.force("gripper") == pytest.approx(squeeze, rel=0.01)
    assert abs(squeeze) <= GRIP_EFFORT


def test_a_drive_that_is_off_gives_no_torque() -> None:
    bench = Bench()
    bench.follow(50, mode=np.full(SPEC.n_joints, Mode.OFF))
    assert all(bench.force(j.name) == 0.0 for j in SPEC.joints)
    assert bench.q("bend") > 0.01  # it falls


def test_a_damped_drive_only_opposes_motion() -> None:
    bench = Bench()
    swing(bench, 1.0)
    bench.step(bench.command(mode=np.full(SPEC.n_joints, Mode.DAMP)))
    v = bench.v("turn")
    bench.step(bench.command(mode=np.full(SPEC.n_joints, Mode.DAMP)))
    assert bench.force("turn") == pytest.approx(-KV * v, rel=1e-6)
    bench.follow(400, mode=np.full(SPEC.n_joints, Mode.DAMP))
    assert abs(bench.v("turn")) < 0.05


def test_braking_does_not_run_on_to_an_outrageous_target() -> None:
    bench = Bench()
    bench.follow(5, q=with_joint(1.9, "turn", HOME))
    bench.step(n=11)
    start, v = bench.q("turn"), bench.v("turn")
    bench.step(n=500)
    assert abs(bench.q("turn") - start) < v * v / 10.0 + 10.0 / KP + 0.01


def test_a_commanded_brake_keeps_carrying_the_load() -> None:
    bench = Bench()
    bench.follow(400)
    before = bench.q("bend")
    bench.follow(400, mode=np.full(SPEC.n_joints, Mode.BRAKE))
    assert bench.q("bend") == pytest.approx(before, abs=5e-4)


@pytest.mark.parametrize(("delay_s", "steps"), [(0.0, 0), (0.001, 1), (0.002, 1), (0.003, 2), (0.005, 3)])
def test_a_drive_acts_on_a_command_after_its_delay(delay_s: float, steps: int) -> None:
    bench = Bench(replace(PERFECT, motors=MotorCfg(delay_min_s=delay_s, delay_max_s=delay_s, torque_noise=0.0)))
    late = 0
    while abs(bench.step(bench.command(effort=with_joint(5.0, "turn"))) and bench.force("turn")) < 1.0:
        late += 1
    assert late == steps


def test_torque_noise_is_as_large_as_declared() -> None:
    bench = Bench(replace(PERFECT, motors=MotorCfg(delay_min_s=0.0, delay_max_s=0.0, torque_noise=0.02)))
    bench.follow(100)
    forces = []
    for _ in range(500):
        bench.follow(1)
        error = -bench.q("turn") * KP - bench.v("turn") * KV
        forces.append(bench.force("turn") - error)
    assert np.std(forces) == pytest.approx(0.02 * 10.0, rel=0.15)


def test_a_joint_without_an_actuator_is_refused() -> None:
    def cut(robot: mujoco.MjSpec) -> None:
        robot.delete(robot.actuator("bend"))

    with pytest.raises(ConfigError, match=r"'bend'.*0 actuators"):
        Simulation(SPEC, place(cut), PERFECT, seed=0)


def test_an_actuator_that_follows_nothing_is_refused() -> None:
    def weaken(robot: mujoco.MjSpec) -> None:
        robot.actuator("bend").set_to_motor()

    with pytest.raises(ConfigError, match=r"'bend'.*<position>"):
        Simulation(SPEC, place(weaken), PERFECT, seed=0)


def test_the_robot_model_is_left_as_it_was() -> None:
    robot = build()
    scene = build_scene(robot, scene="empty", seed=0)
    Simulation(SPEC, scene, seed=0)
    assert scene.model.nhistory == 0
    assert all(a.nsample == 0 for a in robot.actuators)


@pytest.mark.parametrize("span", [(-0.001, 0.0), (0.004, 0.001), (0.0, 0.5), (math.nan, 0.0)])
def test_impossible_delays_are_refused(span: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="delay"):
        MotorCfg(delay_min_s=span[0], delay_max_s=span[1])


def top_speed_when_let_go(speed_limit: float) -> float:
    """Return the greatest speed of ``turn`` after a hand that held it behind its target lets go [rad/s]."""
    bench = Bench(replace(PERFECT, motors=replace(PERFECT.motors, speed_limit=speed_limit)))
    bench.follow(100)
    far = with_joint(1.5, "turn", HOME)
    for _ in range(200):
        bench.follow(1, q=far)
        bench.sim.data.joint("turn").qpos[0], bench.sim.data.joint("turn").qvel[0] = 0.0, 0.0
    assert bench.force("turn") == SPEC.joints[TURN].effort_max  # it pressed with all it has
    speeds: list[float] = []
    for _ in range(1000):
        bench.follow(1, q=far)
        speeds.append(abs(bench.v("turn")))
    assert bench.q("turn") == pytest.approx(1.5, abs=0.01)
    return max(speeds)


def test_a_joint_that_comes_free_does_not_snap_after_its_target() -> None:
    speed_max = SPEC.joints[TURN].speed_max
    assert 0.9 * speed_max < top_speed_when_let_go(1.1) <= 1.15 * speed_max
    assert top_speed_when_let_go(10.0) > 1.3 * speed_max  # what the drive's own limit is for


def test_a_drive_that_is_limited_in_speed_still_carries_its_load() -> None:
    limited, free = (Bench(replace(PERFECT, motors=MotorCfg(torque_noise=0.0, speed_limit=x))) for x in (1.0, 10.0))
    limited.follow(500)
    free.follow(500)
    assert limited.q("bend") == free.q("bend") != 0.0
