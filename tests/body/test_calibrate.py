import math
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import mujoco
import numpy as np
import pytest

from vagus.body.calibrate import (
    MARKER_RADIUS,
    CalibrationPose,
    HandEye,
    PoseCfg,
    Report,
    Sighting,
    calibration_poses,
    find_marker,
    solve,
    with_markers,
)  # fmt: skip
from vagus.body.load import load_robot
from vagus.body.robot import Robot
from vagus.body.simulated import SimulatedBody
from vagus.core import messages as m
from vagus.core.articulation import Articulation, Shapes
from vagus.core.calibration import Calibration, none
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.world.camera import GL_APT, CameraRenderer

HOST = load_robot(Path(__file__).parents[2] / "robots" / "host.py")
SPEC = HOST.spec
CAM = SPEC.cameras[0]


@cache
def eye() -> HandEye:
    return HandEye(SPEC, HOST.build_model().compile())


@cache
def poses() -> list[CalibrationPose]:
    return calibration_poses(SPEC, eye().model, PoseCfg(n_per_arm=18))


class Stand:
    """The robot with its mounting errors, posed by its own readings, and what its camera renders."""

    def __init__(self, robot: Robot, seed: int) -> None:
        self.sim = SimulatedBody(robot, scene="room", seed=seed).simulation
        try:
            self.camera = CameraRenderer(self.sim.model, SPEC, CAM, seed=seed)
        except ConfigError as exc:
            if GL_APT in str(exc):
                pytest.skip(str(exc))
            raise
        self.articulation = Articulation(SPEC, self.sim.model)
        self.out = m.blank(m.camera(SPEC, CAM))

    def look(self, pose: CalibrationPose) -> tuple[np.ndarray, Record]:
        """Go where the readings say ``pose``; return the readings and the picture."""
        self.sim.data.qpos[:] = self.articulation.qpos(pose.q - self.sim.encoder_offsets)
        mujoco.mj_kinematics(self.sim.model, self.sim.data)
        readings = self.sim._channels[0].sensor.read()
        self.camera.render(self.sim._expose(1), self.out)
        return readings["q"].copy(), self.out

    def truth(self, pose: CalibrationPose) -> np.ndarray:
        """Return where the marker really is in the real camera's frame [m]."""
        errors = Calibration(
            robot=SPEC.name, camera={CAM.name: self.camera.mount},
            encoder_offset=dict(zip(SPEC.joint_names, self.sim.encoder_offsets.tolist(), strict=True)),
        )  # fmt: skip
        return eye().marker_C(pose.arm, pose.q, errors)


@cache
def calibrated(seed: int) -> tuple[Stand, Calibration, Report]:
    """Calibrate from two poses of three."""
    stand = Stand(with_markers(HOST), seed)
    sightings = []
    for i, pose in enumerate(poses()):
        q, picture = stand.look(pose)
        p = find_marker(picture, CAM)
        if i % 3 and p is not None:
            sightings.append(Sighting(arm=pose.arm, q=q, p=p))
    return stand, *solve(SPEC, eye().model, sightings)


def hand_eye_error(stand: Stand, calibration: Calibration) -> float:
    """Return the root mean square distance [m] between where hand and eye put the marker, at the poses left out."""
    misses = [eye().marker_C(p.arm, p.q, calibration) - stand.truth(p) for p in poses()[::3]]
    return math.sqrt(float(np.mean(np.sum(np.square(misses), axis=1))))


@pytest.mark.parametrize("seed", [1, 2])
def test_calibration_brings_hand_and_eye_together_at_poses_it_never_saw(seed: int) -> None:
    stand, found, report = calibrated(seed)
    before, after = hand_eye_error(stand, none(SPEC)), hand_eye_error(stand, found)
    assert after < 0.003
    assert after < 0.2 * before
    assert report.rms_after < 0.002 < report.rms_before
    assert report.n_outliers == 0


def test_it_finds_the_offsets_themselves_where_they_can_be_seen() -> None:
    stand, found, _ = calibrated(1)
    arms = [joint for arm in SPEC.arms for joint in arm.joints]
    errors = (found.offsets(SPEC) - stand.sim.encoder_offsets)[[SPEC.joint_index(j) for j in arms]]
    assert np.abs(errors).max() < 0.002


def test_it_says_that_the_necks_last_joint_and_the_cameras_turn_cannot_be_told_apart() -> None:
    _, _, report = calibrated(1)
    (line,) = report.unobservable
    assert "neck_pitch" in line
    assert "camera turn x" in line


def test_the_marker_is_found_where_it_is() -> None:
    stand = Stand(with_markers(HOST), 3)
    for pose in poses()[::6]:
        _, picture = stand.look(pose)
        p = find_marker(picture, CAM)
        assert p is not None
        assert np.linalg.norm(p - stand.truth(pose)) < 0.002


def test_no_marker_is_seen_where_there_is_none() -> None:
    stand = Stand(HOST, 3)  # the room has purple things
    assert all(find_marker(stand.look(pose)[1], CAM) is None for pose in poses()[::8])


def ball(p: np.ndarray, *, hide: float = 0.0, radius: float = MARKER_RADIUS) -> Record:
    """Draw a magenta ball at ``p`` [m, optical frame], its left part hidden up to ``hide`` of the width."""
    fx, fy, cx, cy = CAM.intrinsics
    v, u = np.mgrid[0 : CAM.height, 0 : CAM.width]
    rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones(u.shape)], axis=-1)
    b, aa = rays @ p, np.sum(rays * rays, axis=-1)
    inside = b * b - aa * (p @ p - radius**2)
    hit = (inside > 0.0) & (rays[..., 0] > (p[0] - radius * (1.0 - 2.0 * hide)) / p[2])
    picture = m.blank(m.camera(SPEC, CAM))
    picture["depth"] = np.where(hit, (b - np.sqrt(np.maximum(inside, 0.0))) / aa, 2.0)
    picture["rgb"][hit] = (200, 5, 200)
    return picture


@pytest.mark.parametrize("p", [(0.0, 0.0, 0.3), (0.1, -0.05, 0.5), (-0.2, 0.12, 0.6)])
def test_a_drawn_ball_is_located_to_a_fraction_of_a_millimetre(p: tuple[float, float, float]) -> None:
    found = find_marker(ball(np.array(p)), CAM)
    assert found is not None
    np.testing.assert_allclose(found, p, atol=4e-4)


@pytest.mark.parametrize(
    "picture",
    [
        ball(np.array([0.0, 0.0, 0.4]), hide=0.4),
        ball(np.array([0.0, 0.0, 0.4]), radius=2 * MARKER_RADIUS),
        ball(np.array([0.0, 0.0, 3.0])),
        ball(np.array([0.295, 0.0, 0.4])),
    ],
    ids=["hidden in part", "another size", "too far", "cut by the image's edge"],
)
def test_a_doubtful_marker_is_none(picture: Record) -> None:
    assert find_marker(picture, CAM) is None


def test_a_marker_without_depth_is_none() -> None:
    picture = ball(np.array([0.0, 0.0, 0.4]))
    picture["depth"] = math.nan
    assert find_marker(picture, CAM) is None


def test_poses_keep_the_limits_and_look_at_the_hand_and_leave_the_rest_at_home() -> None:
    low, high = SPEC.array("position_min"), SPEC.array("position_max")
    fx, fy, cx, cy = CAM.intrinsics
    for pose in poses():
        assert ((pose.q >= low) & (pose.q <= high)).all()
        moved = {SPEC.joint_names[i] for i in np.flatnonzero(pose.q != SPEC.array("home"))}
        assert all(name.startswith((pose.arm, "neck")) for name in moved)
        eye().place(pose.q)
        x, y, z = eye().marker_N(pose.arm)
        assert 0.2 < z < 0.8
        assert 0 < fx * x / z + cx < CAM.width
        assert 0 < fy * y / z + cy < CAM.height


def test_ways_between_poses_touch_nothing() -> None:
    pairs, fromto = eye().articulation.pairs(), np.zeros(6)
    home = CalibrationPose(arm="left", q=SPEC.array("home"))
    chain = [home, *poses()[:12], home]
    for a, b in pairwise(chain):
        for s in np.linspace(0.0, 1.0, 7):
            eye().place(a.q + s * (b.q - a.q))
            nearest = min(
                mujoco.mj_geomDistance(eye().model, eye().data, int(g), int(h), 0.05, fromto) for g, h in pairs
            )
            assert nearest > 0.0


def test_an_outlier_hardly_moves_the_result() -> None:
    stand, clean, _ = calibrated(2)
    sightings = []
    for i, pose in enumerate(poses()):
        q, _ = stand.look(pose)
        p = stand.truth(pose) + (0.05 if i == 7 else 0.0)
        sightings.append(Sighting(arm=pose.arm, q=q, p=p))
    found, report = solve(SPEC, eye().model, sightings)
    assert report.n_outliers == 1
    assert hand_eye_error(stand, found) < 0.003
    assert hand_eye_error(stand, clean) < 0.003


def test_too_few_sightings_are_refused() -> None:
    with pytest.raises(ConfigError, match="sightings: got 0, allowed: at least 8"):
        solve(SPEC, eye().model, [])


SO101 = load_robot(Path(__file__).parents[2] / "robots" / "so101.py")


def test_a_robot_without_a_camera_is_refused() -> None:
    blind = replace(SO101.spec, cameras=())
    with pytest.raises(ConfigError, match="got no camera"):
        calibration_poses(blind, SO101.build_model().compile())


def test_poses_before_a_camera_that_does_not_move_stay_off_the_board() -> None:
    model = SO101.build_model().compile()
    eye = HandEye(SO101.spec, model)
    for pose in calibration_poses(SO101.spec, model, PoseCfg(n_per_arm=5)):
        eye.place(pose.q)
        limbs = eye.articulation.colliding_geoms(moved=True)
        assert Shapes(model, limbs, eye.data.geom_xpos, eye.data.geom_xmat).lowest()[:, 2].min() > 0.019
        assert eye.marker_N("arm")[2] > 0.25


def test_markers_weigh_nothing_and_touch_nothing() -> None:
    plain, marked = HOST.build_model().compile(), with_markers(HOST).build_model().compile()
    assert marked.ngeom == plain.ngeom + 2
    assert marked.body_mass.sum() == pytest.approx(plain.body_mass.sum())
    balls = [marked.geom(f"{arm.name}_marker").id for arm in SPEC.arms]
    assert not marked.geom_contype[balls].any()
    assert not marked.geom_conaffinity[balls].any()
