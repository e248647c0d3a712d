import math
from dataclasses import replace

import numpy as np
import pytest
from wheeled_arm import DT_NS, PERFECT, SPEC, START_NS, Bench, place

from vagus.core.ages import UNUSED
from vagus.core.calibration import Calibration
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.world.geoms import BOX, Look, add
from vagus.world.sensors import EncoderCfg, ImuCfg, LidarCfg, SensorCfg, TouchCfg, ideal
from vagus.world.simulation import Simulation, SimulationCfg

NOISY = SimulationCfg()
STREAMS = {"joint_state": 500, "imu": 200, "touch": 100, "lidar": 10, "actuation": 500, "scene": 30}


def run(cfg: SimulationCfg, steps: int = 500, *, seed: int = 0) -> Bench:
    bench = Bench(cfg, seed=seed)
    bench.follow(steps)
    return bench


def values(records: list[Record], key: str) -> np.ndarray:
    return np.array([r[key] for r in records])


@pytest.mark.parametrize(("stream", "rate"), STREAMS.items())
def test_every_stream_keeps_its_rate(stream: str, rate: int) -> None:
    bench = run(PERFECT, 1000)
    assert abs(len(bench.seen[stream]) - 2 * rate) <= 1


def test_counters_rise_by_one() -> None:
    bench = run(NOISY)
    for stream in ("joint_state", "imu", "touch", "lidar", "scene"):
        assert set(np.diff(values(bench.seen[stream], "counter").astype(int))) == {1}, stream


@pytest.mark.parametrize("stream", ["joint_state", "imu", "touch", "lidar", "scene"])
def test_only_the_own_sensors_slot_is_used(stream: str) -> None:
    bench = run(NOISY, 100)
    names = {"joint_state": "encoder", "scene": "eye"}
    slot = SPEC.sensor_index(names.get(stream, stream))
    for record in bench.seen[stream]:
        used = np.flatnonzero(record["origin_ns"] != UNUSED)
        assert used.tolist() == [slot]
        assert START_NS <= record["origin_ns"][slot] <= record["stamp_ns"]


@pytest.mark.parametrize(
    ("stream", "age_steps"),
    # default delays; IMU and touch are measured at the begin of the step that ends now
    [("joint_state", 0), ("imu", 2), ("touch", 2), ("lidar", 5), ("scene", 5)],
)
def test_origin_is_the_capture_time_and_not_the_publication(stream: str, age_steps: int) -> None:
    bench = run(NOISY, 200)
    ages = {int(r["stamp_ns"] - r["origin_ns"].min()) for r in bench.seen[stream]}
    assert ages == {age_steps * DT_NS}


@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("since_s", [0.0, 12345.678])  # MuJoCo's clock is a sum of steps: rounding must not matter
def test_an_imu_reading_is_that_of_its_origin(delay: int, since_s: float) -> None:
    cfg = replace(PERFECT, sensors=replace(ideal(), imu=replace(ideal().imu, delay_steps=delay)))
    bench = Bench(cfg)
    bench.sim.data.time = since_s
    truth: dict[int, float] = {}
    for _ in range(300):
        truth[bench.now_ns] = float(bench.sim.data.qvel[5])  # yaw rate of the base, in its own frame
        bench.step(bench.command(v=np.array([-3.0, 3.0, 0.0, 0.0, 0.0])))
    slot = SPEC.sensor_index("imu")
    for record in bench.seen["imu"]:
        assert record["gyro"][2] == pytest.approx(truth[int(record["origin_ns"][slot])], abs=1e-9)


@pytest.mark.parametrize("delay", [0, 2])
def test_an_encoder_reading_is_that_of_its_origin(delay: int) -> None:
    cfg = replace(PERFECT, sensors=replace(ideal(), encoder=replace(ideal().encoder, delay_steps=delay)))
    bench = Bench(cfg)
    truth: dict[int, float] = {}
    for k in range(100):
        bench.step(bench.command(q=SPEC.array("home") + 0.001 * k))
        truth[bench.now_ns] = bench.q("turn")
    records = bench.seen["joint_state"]
    assert len(records) == 100 - delay
    turn = SPEC.joint_index("turn")
    assert all(abs(r["q"][turn] - truth[int(r["origin_ns"][0])]) < 3e-5 for r in records)


def test_encoders_read_whole_counts() -> None:
    bench = run(NOISY, 50)
    q = values(bench.seen["joint_state"], "q")
    counts = q[:, SPEC.joint_index("bend")] / EncoderCfg().resolution_rad
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
    assert len(set(np.round(counts))) > 1


def test_encoder_noise_is_as_large_as_declared() -> None:
    bench = run(replace(PERFECT, sensors=replace(ideal(), encoder=EncoderCfg(offset_sigma=0.0, dropout=0.0))), 1000)
    rows = bench.seen["joint_state"][500:]
    wheel, bend = SPEC.joint_index("wheel_left"), SPEC.joint_index("bend")
    assert np.std(values(rows, "v")[:, wheel]) == pytest.approx(0.002, rel=0.15)
    assert np.std(values(rows, "effort")[:, bend]) == pytest.approx(0.01 * 10.0, rel=0.15)


def test_mounting_errors_are_the_arms_only_and_of_declared_size() -> None:
    sims = [Simulation(SPEC, place(), NOISY, seed=s) for s in range(60)]
    offsets = np.array([s.encoder_offsets for s in sims])
    arm = [SPEC.joint_index(j) for j in SPEC.arms[0].joints]
    assert np.std(offsets[:, arm]) == pytest.approx(0.01, rel=0.25)
    others = np.delete(offsets, arm, axis=1)
    assert not others.any()


def test_an_uncorrected_robot_reaches_a_slightly_wrong_place_and_does_not_notice() -> None:
    cfg = replace(PERFECT, sensors=replace(ideal(), encoder=replace(ideal().encoder, offset_sigma=0.02)))
    bench = run(cfg, 500, seed=3)
    turn = SPEC.joint_index("turn")
    offset = bench.sim.encoder_offsets[turn]
    assert abs(offset) > 0.002
    assert bench.seen["joint_state"][-1]["q"][turn] == pytest.approx(0.0, abs=1e-4)
    assert bench.q("turn") == pytest.approx(-offset, abs=1e-4)


def test_the_right_calibration_removes_the_mounting_errors() -> None:
    cfg = replace(PERFECT, sensors=replace(ideal(), encoder=replace(ideal().encoder, offset_sigma=0.02)))
    truth = Simulation(SPEC, place(), cfg, seed=3).encoder_offsets
    found = Calibration(robot=SPEC.name, encoder_offset=dict(zip(SPEC.joint_names, truth.tolist(), strict=True)))
    bench = Bench(cfg, seed=3, calibration=found)
    bench.follow(500)
    assert bench.q("turn") == pytest.approx(0.0, abs=1e-4)
    assert bench.seen["joint_state"][-1]["q"][SPEC.joint_index("turn")] == pytest.approx(0.0, abs=1e-4)


def test_a_lost_reading_is_nan_and_invalid_and_only_that_joints() -> None:
    cfg = replace(PERFECT, sensors=replace(ideal(), encoder=replace(ideal().encoder, dropout=0.05)))
    rows = run(cfg, 400).seen["joint_state"]
    valid = values(rows, "valid").astype(bool)
    assert (~valid).mean() == pytest.approx(0.05, rel=0.3)
    for key in ("q", "v", "effort"):
        np.testing.assert_array_equal(np.isnan(values(rows, key)), ~valid)


def test_the_imu_feels_gravity_at_rest() -> None:
    bench = run(PERFECT, 500)
    record = bench.seen["imu"][-1]
    np.testing.assert_allclose(record["accelerometer"], [0.0, 0.0, 9.81], atol=0.05)
    np.testing.assert_allclose(record["gyro"], 0.0, atol=2e-3)


def test_imu_bias_is_constant_and_noise_is_as_declared() -> None:
    imu = ImuCfg(gyro_noise=0.01, gyro_bias=0.5, accelerometer_noise=0.02, accelerometer_bias=1.0)
    bench = run(replace(PERFECT, sensors=replace(ideal(), imu=imu)), 2000)
    rows = bench.seen["imu"][400:]
    gyro, force = values(rows, "gyro"), values(rows, "accelerometer")
    np.testing.assert_allclose(gyro.std(axis=0), 0.01, rtol=0.2)
    assert np.abs(gyro.mean(axis=0)).max() > 0.05
    np.testing.assert_allclose(gyro[:400].mean(axis=0), gyro[-400:].mean(axis=0), atol=0.005)
    assert np.linalg.norm(force.mean(axis=0) - [0.0, 0.0, 9.81]) > 0.1


def test_touch_reads_the_squeeze_and_nothing_when_open() -> None:
    bench = run(PERFECT, 300)
    assert bench.seen["touch"][-1]["force"][0] == 0.0
    q = SPEC.array("home").copy()
    q[SPEC.joint_index("gripper")] = -0.005
    bench.follow(500, q=q)
    assert bench.seen["touch"][-1]["force"][0] == pytest.approx(-bench.force("gripper"), rel=0.1, abs=0.5)


def test_touch_saturates_and_loses_readings_as_declared() -> None:
    touch = TouchCfg(noise=0.5, force_max=0.3, dropout=0.2)
    force = values(run(replace(PERFECT, sensors=replace(ideal(), touch=touch)), 2000).seen["touch"], "force")
    assert np.isnan(force).mean() == pytest.approx(0.2, rel=0.3)
    assert np.nanmin(force) == 0.0
    assert np.nanmax(force) == pytest.approx(0.3)


def losing(imu: float, camera: float) -> SimulationCfg:
    sensors = replace(NOISY.sensors, imu=replace(NOISY.sensors.imu, dropout=imu))
    return replace(NOISY, sensors=sensors, camera_dropout=camera)


@pytest.mark.parametrize(("stream", "due"), [("imu", 800), ("scene", 120)])
def test_what_is_lost_does_not_come_and_its_counter_shows_it(stream: str, due: int) -> None:
    rows = run(losing(0.2, 0.2), 2000).seen[stream]
    assert 1.0 - len(rows) / due == pytest.approx(0.2, abs=0.08)
    counters = values(rows, "counter").astype(int)
    assert counters[-1] >= due - 3
    assert set(np.diff(counters)) > {1, 2}


@pytest.mark.parametrize("stream", ["imu", "scene"])
def test_losing_some_leaves_the_others_as_they_were(stream: str) -> None:
    whole, lossy = (run(losing(*chances), 500, seed=7).seen for chances in ((0.0, 0.0), (0.3, 0.3)))
    kept = {int(r["counter"]): r.tobytes() for r in whole[stream]}
    assert len(lossy[stream]) < len(kept)
    assert all(kept[int(r["counter"])] == r.tobytes() for r in lossy[stream])
    for other in {*STREAMS} - {"imu", "scene"}:
        assert [r.tobytes() for r in whole[other]] == [r.tobytes() for r in lossy[other]], other


def test_same_seed_same_losses() -> None:
    one, two = (run(losing(0.3, 0.3), 500, seed=5) for _ in range(2))
    for stream in STREAMS:
        assert [r.tobytes() for r in one.seen[stream]] == [r.tobytes() for r in two.seen[stream]], stream
    other = run(losing(0.3, 0.3), 500, seed=6)
    assert values(one.seen["imu"], "counter").tolist() != values(other.seen["imu"], "counter").tolist()


def test_by_default_both_lose_some_and_an_ideal_one_none() -> None:
    assert 0.0 < ImuCfg().dropout <= 0.001
    assert 0.0 < NOISY.camera_dropout <= 0.01
    assert ideal().imu.dropout == 0.0


def test_the_longest_delay_still_gives_readings() -> None:
    imu, touch = replace(ideal().imu, delay_steps=30), replace(ideal().touch, delay_steps=30)
    bench = run(replace(PERFECT, sensors=replace(ideal(), imu=imu, touch=touch)), 200)
    for stream in ("imu", "touch"):
        assert {int(r["stamp_ns"] - r["origin_ns"].min()) for r in bench.seen[stream]} == {31 * DT_NS}


def with_wall(at: float) -> Bench:
    scene = place(lambda robot: None)
    add(scene.spec.worldbody, Look(contype=1), BOX, (0.1, 5.0, 1.0), (at + 0.1, 0.0, 1.0))
    return Bench(PERFECT, scene=scene)


@pytest.mark.parametrize("distance", [0.8, 1.0, 3.0, 11.0])
def test_lidar_measures_a_wall(distance: float) -> None:
    bench = with_wall(distance)
    bench.step(n=100)
    ranges = bench.seen["lidar"][-1]["range"]
    for ray in (0, 1, 2, 35):
        angle = 2 * math.pi * ray / 36
        assert ranges[ray] == pytest.approx(distance / math.cos(angle), abs=0.02)


def test_lidar_sees_nothing_of_the_robot_and_nan_where_nothing_is() -> None:
    bench = with_wall(1.0)  # the robot's mast stands 0.1 m before the lidar
    bench.step(n=100)
    ranges = bench.seen["lidar"][-1]["range"]
    assert np.nanmin(ranges) > 0.95
    assert np.isnan(ranges[9:28]).all()  # behind and beside is open


def test_lidar_goes_blind_beyond_its_range() -> None:
    bench = with_wall(12.5)
    bench.step(n=100)
    assert np.isnan(bench.seen["lidar"][-1]["range"]).all()


def test_lidar_noise_and_dropouts_are_as_declared() -> None:
    lidar = LidarCfg(noise=0.02, dropout=0.1, delay_s=0.0)
    scene = place()
    add(scene.spec.worldbody, Look(contype=1), BOX, (0.1, 5.0, 1.0), (1.1, 0.0, 1.0))
    bench = Bench(replace(PERFECT, sensors=replace(ideal(), lidar=lidar)), scene=scene)
    bench.step(n=3000)
    ahead = values(bench.seen["lidar"], "range")[:, [0, 1, 35]]
    assert np.isnan(ahead).mean() == pytest.approx(0.1, abs=0.04)
    assert np.nanstd(ahead, axis=0).mean() == pytest.approx(0.02, rel=0.2)


def test_a_robot_that_turns_sees_the_wall_turn_the_other_way() -> None:
    bench = with_wall(1.0)
    half = math.radians(15.0)
    bench.sim.data.qpos[3:7] = [math.cos(half), 0.0, 0.0, math.sin(half)]  # 30 degrees to the left
    bench.step(n=100)
    ranges = bench.seen["lidar"][-1]["range"]
    assert ranges[33] == pytest.approx(1.0, abs=0.03)  # ray 33 is at -30 degrees


def test_same_seed_same_bytes_of_all_messages() -> None:
    one, two = run(NOISY, 500, seed=5), run(NOISY, 500, seed=5)
    for stream in STREAMS:
        assert [r.tobytes() for r in one.seen[stream]] == [r.tobytes() for r in two.seen[stream]], stream
    assert one.sim.state_hash() == two.sim.state_hash()


def test_another_seed_other_bytes() -> None:
    one, two = run(NOISY, 100, seed=5), run(NOISY, 100, seed=6)
    for stream in ("joint_state", "imu", "scene"):
        assert [r.tobytes() for r in one.seen[stream]] != [r.tobytes() for r in two.seen[stream]], stream
    assert one.sim.state_hash() != two.sim.state_hash()


def test_one_sensors_settings_do_not_change_anothers_noise() -> None:
    loud = replace(NOISY, sensors=SensorCfg(lidar=LidarCfg(noise=0.5, dropout=0.5), imu=ImuCfg(gyro_noise=1.0)))
    one, two = run(NOISY, 200), run(loud, 200)
    for stream in ("joint_state", "touch", "scene"):
        assert [r.tobytes() for r in one.seen[stream]] == [r.tobytes() for r in two.seen[stream]], stream
    assert one.seen["imu"][-1].tobytes() != two.seen["imu"][-1].tobytes()


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (lambda r: r.delete(r.sensor("gyro")), "0 sensors of kind 'gyro'"),
        (lambda r: r.delete(r.sensor("pad")), "touch pad 'pad'"),
        (lambda r: r.delete(r.site("lidar")), "no site 'lidar'"),
    ],
)
def test_a_sensor_that_the_model_lacks_is_named(cut: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Simulation(SPEC, place(cut), PERFECT, seed=0)


@pytest.mark.parametrize("cfg", [EncoderCfg, ImuCfg, TouchCfg, LidarCfg])
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_impossible_noise_is_refused(cfg: type, bad: float) -> None:
    field = {EncoderCfg: "noise_counts", ImuCfg: "gyro_noise", TouchCfg: "noise", LidarCfg: "noise"}[cfg]
    with pytest.raises(ConfigError, match=field):
        cfg(**{field: bad})


@pytest.mark.parametrize("cfg", [EncoderCfg, ImuCfg, TouchCfg, LidarCfg])
@pytest.mark.parametrize("bad", [-0.1, 1.001, 5, math.nan, "0.1"])
def test_a_chance_that_is_none_is_refused(cfg: type, bad: object) -> None:
    with pytest.raises(ConfigError, match=rf"{cfg.__name__}.dropout: got {bad!r}|{cfg.__name__} dropout: got '0.1'"):
        cfg(dropout=bad)


@pytest.mark.parametrize("cfg", [EncoderCfg, ImuCfg, TouchCfg])
@pytest.mark.parametrize("bad", [-1, 31, 1.5, math.inf])
def test_a_delay_that_would_give_no_reading_is_refused(cfg: type, bad: object) -> None:
    with pytest.raises(ConfigError, match=rf"{cfg.__name__}.delay_steps: got {bad}"):
        cfg(delay_steps=bad)


@pytest.mark.parametrize(
    ("cfg", "given"),
    [(LidarCfg, {"delay_s": 1.1}), (TouchCfg, {"resolution": 0.0}), (EncoderCfg, {"resolution_rad": 0.0}),
     (EncoderCfg, {"resolution_m": 0.0}), (SimulationCfg, {"camera_dropout": 1.1}),
     (SimulationCfg, {"camera_dropout": math.nan})],
)  # fmt: skip
def test_what_would_give_no_number_or_no_picture_is_refused(cfg: type, given: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        cfg(**given)


def test_a_sensor_faster_than_the_physics_is_refused() -> None:
    assert SPEC.imu is not None
    fast = replace(SPEC, imu=replace(SPEC.imu, rate_hz=1000.0))
    with pytest.raises(ConfigError, match="'imu' rate_hz: got 1000"):
        Simulation(fast, place(), PERFECT, seed=0)
