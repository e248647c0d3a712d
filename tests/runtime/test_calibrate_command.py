"""Calibrating from the command to the running robot. Simulator truth appears here only, to score what was found."""

import io
import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from vagus import cli
from vagus.body.calibrate import CalibrationPose, HandEye, PoseCfg, Sighting, calibration_poses, with_markers
from vagus.body.calibration_file import load, save
from vagus.body.simulated import SimulatedBody
from vagus.core import messages as m
from vagus.core.calibration import Calibration, CameraMount, none
from vagus.core.errors import BodyError, ConfigError
from vagus.core.frames import quat_from_axis_angle, quat_multiply, rotation_from_quat
from vagus.runtime import calibrate as cal
from vagus.runtime.calibrate import CalibrateCfg, Calibrated, calibrate, set_up, standard_errors
from vagus.runtime.demo import LiveCfg
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.calibration import CalibrationNode
from vagus.runtime.prepare import host_file, prepare
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams
from vagus.world.camera import GL_APT, mount_error
from vagus.world.camera_noise import CameraCfg

pytestmark = pytest.mark.lockstep

SEED = 11
RUN, HOST = prepare(host_file(), seed=SEED, scene="empty")
SPEC = RUN.spec
CAM = SPEC.cameras[0]
ARMS = [joint for arm in SPEC.arms for joint in arm.joints]
FEW = PoseCfg(n_per_arm=8)
ROBOTS = host_file().parent


@cache
def eye() -> HandEye:
    return HandEye(SPEC, HOST.build_model().compile())


@cache
def poses(seed: int) -> list[CalibrationPose]:
    """Return two poses per arm."""
    return calibration_poses(SPEC, eye().model, PoseCfg(n_per_arm=2), seed=seed)


@cache
def truth() -> Calibration:
    """Return the mounting errors that the simulated robot has."""
    offsets = SimulatedBody(HOST, scene="empty", seed=SEED).simulation.encoder_offsets
    return Calibration(
        robot=SPEC.name, encoder_offset=dict(zip(SPEC.joint_names, offsets.tolist(), strict=True)),
        camera={CAM.name: mount_error(SPEC, CAM, CameraCfg(), SEED)},
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def gl() -> None:
    try:
        Lockstep(RUN, cameras=True)
    except ConfigError as exc:
        if GL_APT in str(exc):
            pytest.skip(str(exc))
        raise


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    out = tmp_path_factory.mktemp("calibration") / "new" / "host.json"
    told: list[tuple[int, int]] = []
    found = calibrate(
        CalibrateCfg(robot_file=host_file(), seed=SEED, out=out, poses=FEW), lambda *done: told.append(done)
    )
    assert told == [(done, 16) for done in range(17)]
    return found


def offsets_off(calibration: Calibration) -> np.ndarray:
    """Return how far the arms' offsets are from the truth [rad]."""
    return (calibration.offsets(SPEC) - truth().offsets(SPEC))[[SPEC.joint_index(j) for j in ARMS]]


def test_the_arms_encoder_offsets_are_found_to_three_milliradians(result: Calibrated) -> None:
    assert np.abs(offsets_off(none(SPEC))).max() > 0.01
    assert np.abs(offsets_off(result.calibration)).max() < 0.003


def test_standard_errors_are_as_large_as_the_errors_are(result: Calibrated) -> None:
    claimed = np.array([result.offset_error[joint] for joint in ARMS])
    z = offsets_off(result.calibration) / claimed
    assert np.abs(z).max() < 4.0
    assert math.sqrt(float(np.mean(z**2))) > 0.2


def test_hand_and_eye_agree_at_poses_it_never_visited(result: Calibrated) -> None:
    fresh = calibration_poses(SPEC, eye().model, PoseCfg(n_per_arm=6), seed=SEED + 1)
    before, after = (
        np.array([np.linalg.norm(eye().marker_C(p.arm, p.q, c) - eye().marker_C(p.arm, p.q, truth())) for p in fresh])
        for c in (none(SPEC), result.calibration)
    )
    assert after.max() < 0.003
    assert after.max() < 0.3 * before.mean()


def test_the_report_says_so_without_knowing_the_truth(result: Calibrated) -> None:
    assert (result.n_held_out, result.unseen, result.report.n_used) == (4, (), 16)
    assert result.held_out_after < 0.003 < result.held_out_before
    assert result.report.rms_after < 0.002 < result.report.rms_before
    assert any("neck_pitch" in line for line in result.report.unobservable)


def test_what_is_saved_is_what_was_found_and_reaches_whoever_sees_with_the_camera(result: Calibrated) -> None:
    assert load(result.file, SPEC) == result.calibration
    run, _ = prepare(host_file(), seed=SEED, scene="empty", calibration=result.file)
    assert Lockstep(run).context.calibration.mount(CAM.name) == result.calibration.camera[CAM.name] != CameraMount()
    assert Lockstep(RUN).context.calibration.mount(CAM.name) == CameraMount()


def test_another_seeds_robot_refuses_what_was_measured_on_this_one(result: Calibrated) -> None:
    assert result.calibration.seed == SEED
    Lockstep(replace(RUN, calibration=str(result.file)))
    with pytest.raises(ConfigError, match=rf"seed: got {SEED}, allowed: {SEED + 1}"):
        Lockstep(replace(RUN, seed=SEED + 1, calibration=str(result.file)))


def reach_error(calibration: Path | None) -> float:
    """Return how far the hands really are from where arms and neck were sent, at one pose per arm [m].

    The lift is taken where it is: it sags by 4 mm under the load, which no calibration of arms mends.
    """
    run, robot = prepare(host_file(), seed=SEED, scene="empty", calibration=calibration)
    goals = poses(5)[1:3]
    whole, node = set_up(run, with_markers(robot), eye(), goals)
    world, camera = whole.nodes["world"].node, whole.nodes.pop("camera")
    squares: list[float] = []
    while len(squares) < len(goals):
        now_ns = whole.step()
        if node.is_looking:
            camera.step(now_ns)
        if len(node.sightings) > len(squares):
            goal, data = goals[len(squares)], world._body.simulation.data
            q = np.array([data.joint(name).qpos[0] for name in SPEC.joint_names])
            eye().place(q)
            really = eye().marker_W(goal.arm).copy()
            q[eye().index] = goal.q[eye().index]
            eye().place(q)
            squares.append(float(np.sum((eye().marker_W(goal.arm) - really) ** 2)))
    return math.sqrt(float(np.mean(squares)))


def test_a_calibrated_robot_goes_nearer_to_where_it_is_sent(result: Calibrated) -> None:
    before, after = reach_error(None), reach_error(result.file)
    assert after < 0.5 * before


def test_a_person_reads_what_was_found_and_how_to_use_it(result: Calibrated) -> None:
    cfg = CalibrateCfg(robot_file=host_file(), seed=SEED)
    screen = io.StringIO()
    Console(width=120, file=screen).print(cal.render(result))
    offset = 1e3 * result.calibration.encoder_offset["left_elbow"]
    assert any("left_elbow" in line and f"{offset:+.1f}" in line for line in screen.getvalue().splitlines())
    assert "offset [mrad]" in screen.getvalue()
    *_, saved, use = cal.summary(cfg, result)
    assert saved == f"Saved: {result.file}"
    assert use == f"Use it: vagus run {host_file()} --seed {SEED} --calibration {result.file}"


def test_a_program_reads_the_same_as_json(result: Calibrated) -> None:
    told = json.loads(cal.to_json(CalibrateCfg(robot_file=host_file(), seed=SEED), result))
    assert told["offset_mrad"].keys() == set(eye().joints)
    assert told["offset_mrad"]["left_elbow"]["found"] == 1e3 * result.calibration.encoder_offset["left_elbow"]
    assert told["held_out_mm"]["after"] == 1e3 * result.held_out_after
    turn = np.array(told["camera"]["turn_mrad"]) * 1e-3
    again = quat_from_axis_angle(turn, float(np.linalg.norm(turn)))
    np.testing.assert_allclose(again, result.calibration.mount(CAM.name).quat, atol=1e-12)


class WatchedStreams(Streams):
    """Streams that remember which of them were read."""

    read: set[str]

    def reader(self, name: str) -> Reader:
        self.read.add(name)
        return super().reader(name)


def test_the_node_reads_what_the_robot_itself_can_read() -> None:
    watched = WatchedStreams(RUN.table(), None)
    watched.read = set()
    CalibrationNode(replace(Lockstep(RUN).context, streams=watched), eye(), [])
    assert watched.read == {"joint_state", "reflex", CAM.name}


def test_unseen_markers_are_skipped_and_counted_and_the_robot_comes_home_and_lets_go() -> None:
    whole, node = set_up(RUN, HOST, eye(), poses(1)[:1])  # without markers
    reflex = whole.streams.reader("reflex")
    holders: list[set[str]] = []
    while not node.is_done:
        whole.step()
        record = reflex.latest()
        held = [] if record is None else np.flatnonzero(record["holder"] == m.Source.SKILL)
        holders.append({SPEC.groups[g].name for g in held})
    assert (node.sightings, node.unseen) == ([], poses(1)[:1])
    assert set[str].union(*holders) == {"neck", "arm_left", "arm_right"}
    assert holders[-1] == set()
    state = whole.streams.reader("joint_state").latest()
    assert state is not None
    np.testing.assert_allclose(state["q"][eye().index], SPEC.array("home")[eye().index], atol=0.05)


def finish(whole: Lockstep, node: CalibrationNode) -> None:
    while not node.is_done:
        whole.step()


def run_until_error(whole: Lockstep, node: CalibrationNode) -> str:
    with pytest.raises(BodyError) as caught:
        finish(whole, node)
    return str(caught.value)


def test_an_emergency_stop_on_the_way_ends_it_and_says_so() -> None:
    whole, node = set_up(RUN, HOST, eye(), poses(1))
    whole.nodes.pop("camera")
    whole.advance(1.2)
    request = m.blank(m.request(SPEC))
    request["kind"], request["stamp_ns"] = m.Request.ESTOP, whole.now_ns
    whole.streams.writer("request.operator").publish(request)
    said = run_until_error(whole, node)
    assert "stopped while it was to reach pose 1 of 4" in said
    assert "arm_left ESTOP (STOPPED_ESTOP)" in said
    del whole.nodes["brain"]
    whole.advance(1.0)
    state = whole.streams.reader("joint_state").latest()
    assert state is not None
    assert np.abs(state["v"]).max() < 0.05


def test_a_camera_that_shows_nothing_is_an_error() -> None:
    whole, node = set_up(RUN, HOST, eye(), poses(1))
    whole.nodes.pop("camera")
    assert "could not get a picture from 'camera.head' at pose 1 of 4 in time" in run_until_error(whole, node)
    assert node.sightings == node.unseen == []


def test_too_few_sightings_save_nothing(tmp_path: Path) -> None:
    out = tmp_path / "host.json"
    cfg = CalibrateCfg(robot_file=host_file(), seed=SEED, out=out, poses=PoseCfg(n_per_arm=1))
    with pytest.raises(
        ConfigError, match="arm 'left': its marker was clearly seen at 1 of 1 poses, allowed: at least 8"
    ):
        calibrate(cfg)
    assert not out.exists()


BLIND = """
from dataclasses import replace
from pathlib import Path
from vagus.body.load import load_robot
host = load_robot(Path({host!r}))
robot = replace(host, spec=replace(host.spec, neck=replace(host.spec.neck, camera=None)))
"""


@pytest.mark.parametrize(
    ("file", "lacks"),
    [
        ("cart.py", "lacks an arm .*, a camera that sees its hands"),
        ("blind.py", "lacks a camera on its neck"),
    ],
)
def test_a_robot_that_cannot_see_its_hands_is_told_what_it_lacks(file: str, lacks: str, tmp_path: Path) -> None:
    (tmp_path / "blind.py").write_text(BLIND.format(host=str(host_file())))
    path = tmp_path / file if file == "blind.py" else ROBOTS / file
    with pytest.raises(ConfigError, match=lacks):
        calibrate(CalibrateCfg(robot_file=path, out=tmp_path / "out" / "x.json"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["file/x.json", "folder.json", "robot.py"])
def test_a_file_that_cannot_be_written_is_refused_before_the_robot_moves(out: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "robot.py").write_text("mine")
    (tmp_path / "folder.json").mkdir()
    told: list[int] = []
    cfg = CalibrateCfg(robot_file=host_file(), out=tmp_path / out)
    with pytest.raises(ConfigError, match="calibration file"):
        calibrate(cfg, lambda done, total: told.append(done))
    assert told == []
    assert (tmp_path / "file").read_text() == (tmp_path / "robot.py").read_text() == "mine"


def test_another_robots_calibration_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    save(path, Calibration(robot="other"))
    with pytest.raises(ConfigError, match="robot: got 'other', allowed: 'host'"):
        prepare(host_file(), calibration=path)
    with pytest.raises(ConfigError, match=r"none\.json cannot be read"):
        prepare(host_file(), calibration=tmp_path / "none.json")
    with pytest.raises(ConfigError, match="for a real body"):
        LiveCfg(robot_file=host_file(), is_real=True, calibration=path)


@pytest.mark.parametrize("command", ["calibrate", "run"])
def test_the_command_line_says_what_is_wrong_in_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    args = [] if command == "calibrate" else ["--calibration", "none.json"]
    monkeypatch.setattr("sys.argv", ["vagus", command, str(ROBOTS / "cart.py"), *args])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert ("lacks an arm" if command == "calibrate" else "none.json cannot be read") in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@cache
def made_up(arm: str, noise: float) -> list[Sighting]:
    """Return what an uncalibrated robot would read and see at some poses, with white noise [m]."""
    rng = np.random.default_rng(0)
    chosen = [p for p in calibration_poses(SPEC, eye().model, FEW, seed=2) if p.arm == arm]
    return [
        Sighting(arm=p.arm, q=p.q, p=eye().marker_C(p.arm, p.q, truth()) + noise * rng.standard_normal(3))
        for p in chosen
    ]


def test_where_nothing_was_seen_the_standard_error_is_what_was_expected_beforehand() -> None:
    errors = dict(zip(eye().joints, standard_errors(eye(), made_up("left", 0.001), truth())[:-6], strict=True))
    assert [errors[j] for j in SPEC.arms[1].joints] == pytest.approx([0.02] * 7, rel=1e-9)
    assert max(errors[j] for j in SPEC.arms[0].joints) < 0.01


def test_how_predictions_change_with_the_cameras_pose_is_how_they_do_change() -> None:
    mount, step = truth().mount(CAM.name), 1e-6
    analytic = cal._jacobian(eye(), made_up("left", 0.0), truth())[:, -6:]
    for k in range(6):
        turn, shift = np.eye(6)[k, :3] * step, np.eye(6)[k, 3:] * step
        quat = quat_multiply(mount.quat, (1.0, *(turn / 2)))
        moved = CameraMount(position=tuple(np.array(mount.position) + shift), quat=tuple(quat / np.linalg.norm(quat)))
        there = replace(truth(), camera={CAM.name: moved})
        change = cal._misses(eye(), made_up("left", 0.0), there).ravel()
        np.testing.assert_allclose(change / step, analytic[:, k], atol=1e-5)
    assert np.linalg.det(rotation_from_quat(mount.quat)) == pytest.approx(1.0)
