from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vagus.body.calibration_file import save
from vagus.body.load import load_robot
from vagus.body.robot import Robot
from vagus.body.simulated import SimulatedBody
from vagus.core import messages as m
from vagus.core.calibration import Calibration
from vagus.core.errors import ConfigError
from vagus.core.messages import Mode, Record
from vagus.world.simulation import SimulationCfg

ROBOTS = Path(__file__).parents[2] / "robots"
HOST = load_robot(ROBOTS / "host.py")
SPEC = HOST.spec
DT_NS = 2_000_000


def command(counter: int) -> Record:
    record = m.blank(m.joint_command(SPEC))
    record["counter"], record["q"], record["effort_max"] = counter, SPEC.array("home"), SPEC.array("effort_max")
    record["mode"] = [Mode.VELOCITY if j.mode == "velocity" else Mode.POSITION for j in SPEC.joints]
    return record


def run(body: SimulatedBody, steps: int) -> list[tuple[str, Record]]:
    out: list[tuple[str, Record]] = []
    for k in range(1, steps + 1):
        out += body.step(10**9 + k * DT_NS, command(k))
    return out


def test_the_host_in_its_room_publishes_what_it_says() -> None:
    body = SimulatedBody(HOST, seed=1)
    count = Counter(name for name, _ in run(body, 500))
    assert set(count) == set(body.publishes)
    assert count == {"joint_state": 500, "actuation": 500, "imu": count["imu"], "touch": count["touch"], "lidar": 9,
                     "scene": 29}  # fmt: skip
    assert count["imu"] in (199, 200)
    assert count["touch"] in (99, 100)


@pytest.mark.parametrize("scene", ["room", "empty"])
def test_one_second_of_the_host_is_the_same_bytes_twice(scene: str) -> None:
    one, two = (run(SimulatedBody(HOST, scene=scene, seed=4), 500) for _ in range(2))
    assert [(n, r.tobytes()) for n, r in one] == [(n, r.tobytes()) for n, r in two]


def test_the_host_stands_still_at_home() -> None:
    body = SimulatedBody(HOST, seed=2)
    run(body, 500)
    sim = body.simulation
    q = np.array([sim.data.joint(name).qpos[0] for name in SPEC.joint_names])
    np.testing.assert_allclose(q + sim.encoder_offsets, SPEC.array("home"), atol=0.012)
    assert np.abs(sim.data.qvel).max() < 0.2
    assert np.linalg.norm(sim.data.qpos[:2]) < 0.005


@pytest.mark.parametrize("file", ["host.py", "so101.py"])
def test_every_robot_file_can_be_simulated(file: str) -> None:
    robot: Robot = load_robot(ROBOTS / file)
    body = SimulatedBody(robot, seed=0)
    messages = [name for k in range(20) for name, _ in body.step(10**9 + k * DT_NS, None)]
    assert messages.count("joint_state") == 20


def test_a_calibration_file_corrects_the_encoders(tmp_path: Path) -> None:
    truth = SimulatedBody(HOST, scene="empty", seed=3).simulation.encoder_offsets
    path = tmp_path / "host.json"
    offsets = dict(zip(SPEC.joint_names, truth.tolist(), strict=True))
    save(path, Calibration(robot=SPEC.name, seed=3, encoder_offset=offsets))
    body = SimulatedBody(HOST, scene="empty", seed=3, calibration_file=str(path))
    state = [r for name, r in run(body, 100) if name == "joint_state"][-1]
    q = np.array([body.simulation.data.joint(name).qpos[0] for name in SPEC.joint_names])
    np.testing.assert_allclose(state["q"], q, atol=3e-4)


def test_the_calibration_of_another_simulated_robot_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "host-1.json", Calibration(robot=SPEC.name, seed=1))
    with pytest.raises(ConfigError, match=r"host-1\.json: seed: got 1, allowed: 2"):
        SimulatedBody(HOST, scene="empty", seed=2, calibration_file=str(tmp_path / "host-1.json"))


def test_a_wrong_scene_or_calibration_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scene: got 'moon'"):
        SimulatedBody(HOST, scene="moon")
    with pytest.raises(ConfigError, match=r"calibration file .*none\.json cannot be read"):
        SimulatedBody(HOST, calibration_file=str(tmp_path / "none.json"))


def test_the_person_does_what_they_are_told() -> None:
    body = SimulatedBody(HOST, scene="room", seed=1)
    row = body.simulation.model.body("person_torso").mocapid[0]
    start = body.simulation.data.mocap_pos[row].copy()
    body.simulation.behave("walks_near")
    run(body, 500)
    assert np.linalg.norm(body.simulation.data.mocap_pos[row] - start) > 0.2
    with pytest.raises(ConfigError, match="person: got 'dances', allowed: 'stands', 'walks_near', 'holds_out_a_hand'"):
        body.simulation.behave("dances")


def test_nobody_can_be_told_to_walk_where_nobody_is() -> None:
    body = SimulatedBody(HOST, scene="empty", seed=1)
    body.simulation.behave("stands")
    said = "person: got 'walks_near' in scene 'empty', where nobody is, allowed: 'stands'"
    with pytest.raises(ConfigError, match=said):
        body.simulation.behave("walks_near")
    with pytest.raises(ConfigError, match=said):
        SimulatedBody(HOST, scene="empty", cfg=SimulationCfg(person="walks_near"))


@pytest.mark.parametrize("file", ["host.py", "so101.py"])
def test_the_person_moves_every_ten_milliseconds_whatever_the_encoders_rate(file: str) -> None:
    robot = load_robot(ROBOTS / file)
    sim = SimulatedBody(robot, scene="room", seed=1, cfg=SimulationCfg(person="walks_near")).simulation
    period_ns = round(1e9 / robot.spec.encoder.rate_hz)
    row = sim.model.body("person_torso").mocapid[0]
    seen: list[float] = []
    for k in range(1, 1_000_000_000 // period_ns + 1):
        sim.step(10**9 + k * period_ns, None)
        seen.append(float(sim.data.mocap_pos[row][0]))
    assert len(set(seen)) in (99, 100, 101)


def test_a_robot_may_stand_in_another_room_than_its_own() -> None:
    """The room is another seed's; what the robot itself is, stays."""
    elsewhere = replace(HOST, simulated=replace(HOST.simulated, room=5))
    own, other, fifth = HOST.build_scene("room", 1), elsewhere.build_scene("room", 1), HOST.build_scene("room", 5)
    assert other.objects == fifth.objects
    assert other.objects != own.objects
