"""``vagus calibrate``: the simulated robot looks at its own hands, in lockstep, and what that gives is saved.

It composes ``body.calibrate`` (poses, marker, solution), the calibration node (motion, by leases, through the gate) and
the simulated world. Like the robot, it never reads that world's truth. Its result is for people and ``--json`` alike.
"""

import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table

from vagus.body.calibrate import (
    CalibrationPose,
    HandEye,
    PoseCfg,
    Report,
    Sighting,
    SolveCfg,
    calibration_poses,
    solve,
    with_markers,
)
from vagus.body.calibration_file import save
from vagus.body.robot import Robot
from vagus.core.calibration import Calibration, CameraMount, none
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.runtime.child import Scheduled
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.calibration import PERIOD_S, CalibrationNode
from vagus.runtime.prepare import prepare
from vagus.runtime.run_dir import Run

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Told how many poses are done, of how many."""

HOLD_OUT = 5
"""Every so many sightings, one is kept from a first solution, to say how well it predicts what it never saw."""
_SEEN_MIN = 8
"""Fewest sightings per arm; an arm with more joints needs as many as it has."""
_AXES = "xyz"


@dataclass(frozen=True, kw_only=True)
class CalibrateCfg:
    """What to calibrate, where, and where to save it."""

    robot_file: Path
    seed: int = 0
    """Of the robot's mounting errors and of the choice of poses."""
    scene: str = "empty"
    """An empty one: the poses are free of the robot itself, not of furniture."""
    out: Path | None = None
    """None: ``runs/calibration/<robot>-<seed>.json``."""
    poses: PoseCfg = field(default_factory=PoseCfg)


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What came of it. Distances are root mean squares between where joint readings and the camera put a marker."""

    file: Path
    """Where the calibration is saved."""
    calibration: Calibration
    report: Report
    """How well it explains all sightings."""
    unseen: tuple[CalibrationPose, ...]
    """Poses at which the marker was not clearly seen; skipped."""
    n_held_out: int
    held_out_before: float
    """Uncalibrated, at the sightings held out [m]."""
    held_out_after: float
    """There, by a solution from the others alone [m]."""
    offset_error: Mapping[str, float]
    """Standard error of each joint's offset [rad]."""
    camera: str
    """The camera that was calibrated."""
    mount_error: Array
    """Standard errors of its turn about x, y, z [rad] and its shift along them [m], shape (6,)."""


def calibrate(cfg: CalibrateCfg, progress: Progress = lambda done, total: None) -> Calibrated:
    """Calibrate a simulated robot and save the result.

    Raises:
        ConfigError: A wrong robot file, scene or seed, a robot that lacks what it takes, a file that cannot be written
            (all before the robot moves), or too few sightings.
        BodyError: The robot was stopped, did not get to a pose, or its camera is silent; nothing is saved.
    """
    run, robot = prepare(cfg.robot_file, seed=cfg.seed, scene=cfg.scene)
    model = robot.build_model().compile()
    _require_hand_and_eye(run.spec, model)
    file = cfg.out or Path("runs/calibration") / f"{run.name}-{cfg.seed}.json"
    _require_writable(file)
    eye = HandEye(run.spec, model)
    poses = calibration_poses(run.spec, model, cfg.poses, seed=cfg.seed)
    sightings, unseen = _look_at_hands(run, robot, eye, poses, progress)
    _require_enough(run.spec, poses, sightings)
    calibration, report = solve(run.spec, model, sightings)
    calibration = replace(calibration, seed=cfg.seed)
    held_out = sightings[::HOLD_OUT]
    others = [sighting for i, sighting in enumerate(sightings) if i % HOLD_OUT]
    errors = standard_errors(eye, sightings, calibration)
    result = Calibrated(
        file=file, calibration=calibration, report=report, unseen=tuple(unseen), n_held_out=len(held_out),
        held_out_before=_rms(eye, held_out, none(run.spec)),
        held_out_after=_rms(eye, held_out, solve(run.spec, model, others)[0]),
        offset_error=dict(zip(eye.joints, errors[:-6].tolist(), strict=True)), camera=eye.cam.name,
        mount_error=errors[-6:],
    )  # fmt: skip
    save(file, calibration)
    return result


def _require_hand_and_eye(spec: RobotSpec, model: mujoco.MjModel) -> None:
    """Refuse a robot that cannot see its own hands, saying all that is lacking."""
    lacking = [] if spec.arms else ["an arm (`arms` of its RobotSpec)"]
    if spec.eye is None:
        lacking.append("a camera that sees its hands (`cameras`, and for one on a neck `neck.camera`)")
    elif spec.neck and spec.neck.camera is None:
        lacking.append("a camera on its neck (`neck.camera`, and the camera of that name in `cameras`)")
    elif mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, spec.eye.name) < 0:
        lacking.append(f"a camera {spec.eye.name!r} in its model")
    for arm in spec.arms:
        if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, arm.tip) < 0:
            lacking.append(f"a site {arm.tip!r} in its model")
    if lacking:
        raise ConfigError(f"robot {spec.name!r} cannot be calibrated by looking at its hands; it lacks "
                          f"{', '.join(lacking)}")  # fmt: skip


def _require_writable(file: Path) -> None:
    """Refuse a file that could not be written afterwards; one that is there already stays as it is for now."""
    if file.suffix != ".json":  # so that no slip of the keyboard overwrites a robot file
        raise ConfigError(f"calibration file: got {file}, allowed: a name that ends in .json")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        with file.open("ab"):
            pass
        if is_new:
            file.unlink()
    except OSError as exc:
        raise ConfigError(f"calibration file {file} cannot be written: {exc}") from exc


def _require_enough(spec: RobotSpec, poses: Sequence[CalibrationPose], sightings: Sequence[Sighting]) -> None:
    for arm in spec.arms:
        seen, tried = (sum(row.arm == arm.name for row in rows) for rows in (sightings, poses))
        fewest = max(_SEEN_MIN, len(arm.joints))
        if seen < fewest:
            raise ConfigError(
                f"arm {arm.name!r}: its marker was clearly seen at {seen} of {tried} poses, allowed: at least "
                f"{fewest}; is something between camera and hand? Nothing was saved"
            )


def _look_at_hands(
    run: Run, robot: Robot, eye: HandEye, poses: Sequence[CalibrationPose], progress: Progress
) -> tuple[list[Sighting], list[CalibrationPose]]:
    """Run the robot, with markers on its hands, through all poses; return what it saw, and where it saw nothing."""
    whole, node = set_up(run, with_markers(robot), eye, poses)
    camera = whole.nodes.pop("camera")
    done = -1
    while not node.is_done:
        now_ns = whole.step()
        if node.is_looking:  # rendering is what takes time, and only pictures at rest are looked at
            camera.step(now_ns)
        if done != (done := len(node.sightings) + len(node.unseen)):
            progress(done, len(poses))
    whole.close()
    return node.sightings, node.unseen


def set_up(run: Run, robot: Robot, eye: HandEye, poses: Sequence[CalibrationPose]) -> tuple[Lockstep, CalibrationNode]:
    """Return a whole robot in lockstep, with the calibration node where its brain would be.

    Raises:
        ConfigError: Nothing here can render.
    """
    whole = Lockstep(run, cameras=True, robot=robot)
    node = CalibrationNode(whole.context, eye, poses)
    whole.nodes["brain"] = Scheduled(node, round(PERIOD_S * 1e9))
    return whole, node


def _misses(eye: HandEye, sightings: Sequence[Sighting], calibration: Calibration) -> Array:
    """Return prediction minus sighting, shape (n, 3) [m]."""
    return np.array([eye.marker_C(s.arm, s.q, calibration) - s.p for s in sightings])


def _rms(eye: HandEye, sightings: Sequence[Sighting], calibration: Calibration) -> float:
    return math.sqrt(float(np.mean(np.sum(_misses(eye, sightings, calibration) ** 2, axis=1))))


def standard_errors(
    eye: HandEye, sightings: Sequence[Sighting], calibration: Calibration, cfg: SolveCfg | None = None
) -> Array:
    """Return the standard error of each offset [rad] and of the camera's turn [rad] and shift [m], shape (n + 6,).

    It holds both the noise of the sightings, as large as their misses show it, and what the sightings leave open, as
    large as was expected beforehand: where they say nothing, it is what was expected.

    Source: linear error propagation through the least squares with priors of ``body.calibrate.solve``,
    H^-1 (s^2 J^T J / m^4 + P^-1) H^-1 with H = J^T J / m^2 + P^-1, m the noise assumed there and s the one found.
    """
    cfg = cfg or SolveCfg()
    J, n = _jacobian(eye, sightings, calibration), len(eye.joints)
    expected = np.concatenate(
        [np.full(n, cfg.offset_sigma), np.full(3, cfg.turn_sigma), np.full(3, cfg.shift_sigma)]
    )  # fmt: skip
    information, prior = J.T @ J / cfg.marker_sigma**2, np.diag(expected**-2.0)
    covariance = np.linalg.inv(information + prior)
    n_free = max(1.0, 3.0 * len(sightings) - float(np.trace(covariance @ information)))
    found = np.sum(_misses(eye, sightings, calibration) ** 2) / n_free  # s^2
    spread = covariance @ (found / cfg.marker_sigma**2 * information + prior) @ covariance
    return np.sqrt(np.diag(spread))


def _jacobian(eye: HandEye, sightings: Sequence[Sighting], calibration: Calibration) -> Array:
    """Return how predictions change with offsets and the camera's turn and shift, shape (3 n_sightings, n + 6)."""
    step = 1e-5  # [rad]
    R_NC = calibration.mount(eye.cam.name).X_NC[:3, :3]
    columns: list[Array] = []
    for joint in eye.joints:
        ahead, behind = (
            replace(calibration, encoder_offset={**calibration.encoder_offset, joint: offset})
            for offset in (calibration.encoder_offset[joint] + step, calibration.encoder_offset[joint] - step)
        )
        change = _misses(eye, sightings, ahead) - _misses(eye, sightings, behind)
        columns.append(change.ravel() / (2.0 * step))
    predicted = _misses(eye, sightings, calibration) + [s.p for s in sightings]
    # A small turn d of C about its own axes moves p to p - d x p; a shift of its origin in N moves it by -R_NC^T.
    columns += [np.cross(predicted, axis).ravel() for axis in np.eye(3)]
    columns += [np.tile(-R_NC[axis], len(sightings)) for axis in range(3)]
    return np.stack(columns, axis=1)


def command_to_use(cfg: CalibrateCfg, file: Path) -> str:
    """Return the command line that runs the robot calibrated."""
    return shlex.join(["vagus", "run", str(cfg.robot_file), "--seed", str(cfg.seed), "--calibration", str(file)])


def turn_of(mount: CameraMount) -> Array:
    """Return a camera correction's turn as a rotation vector [rad], shape (3,)."""
    w, *xyz = mount.quat
    sine = math.hypot(*xyz)
    angle = 2.0 * math.atan2(sine, abs(w))
    return math.copysign(angle / sine, w) * np.array(xyz) if sine > 0.0 else np.zeros(3)


def to_json(cfg: CalibrateCfg, result: Calibrated) -> str:
    """Return the result as ``vagus calibrate --json`` prints it: milliradians and millimetres."""
    mount, report = result.calibration.mount(result.camera), result.report
    figures = {
        "robot": result.calibration.robot,
        "seed": cfg.seed,
        "file": str(result.file),
        "use": command_to_use(cfg, result.file),
        "sightings": {"used": report.n_used, "outliers": report.n_outliers, "unseen": len(result.unseen),
                      "held_out": result.n_held_out},
        "residual_mm": {"before": 1e3 * report.rms_before, "after": 1e3 * report.rms_after},
        "held_out_mm": {"before": 1e3 * result.held_out_before, "after": 1e3 * result.held_out_after},
        "offset_mrad": {
            joint: {"found": 1e3 * result.calibration.encoder_offset[joint], "standard_error": 1e3 * error}
            for joint, error in result.offset_error.items()
        },
        "camera": {
            "name": result.camera,
            "turn_mrad": (1e3 * turn_of(mount)).tolist(),
            "turn_standard_error_mrad": (1e3 * result.mount_error[:3]).tolist(),
            "shift_mm": [1e3 * x for x in mount.position],
            "shift_standard_error_mm": (1e3 * result.mount_error[3:]).tolist(),
        },
        "unobservable": list(report.unobservable),
    }  # fmt: skip
    return json.dumps(figures, indent=2, ensure_ascii=False)


def render(result: Calibrated) -> Group:
    """Return what was found as tables for a terminal; rich takes a bare [unit] for markup."""
    offsets = Table(
        "joint", r"offset \[mrad]", r"± standard error \[mrad]", title="what encoders read beyond the truth"
    )
    for joint, error in result.offset_error.items():
        offsets.add_row(joint, f"{1e3 * result.calibration.encoder_offset[joint]:+.1f}", f"{1e3 * error:.1f}")
    mount = result.calibration.mount(result.camera)
    camera = Table("axis", r"turn \[mrad]", "±", r"shift \[mm]", "±", title=f"how {result.camera} really sits")
    turn, error = 1e3 * turn_of(mount), 1e3 * result.mount_error
    for i, axis in enumerate(_AXES):
        figures = (f"{turn[i]:+.1f}", f"{error[i]:.1f}", f"{1e3 * mount.position[i]:+.1f}", f"{error[3 + i]:.1f}")
        camera.add_row(axis, *figures)
    return Group(offsets, camera)


def summary(cfg: CalibrateCfg, result: Calibrated) -> list[str]:
    """Return how good it is, what stays open, and what to do with it, in lines of text."""
    report = result.report
    lines = [
        f"Hand and eye apart: {1e3 * report.rms_before:.1f} → {1e3 * report.rms_after:.1f} mm at {report.n_used} "
        f"sightings ({report.n_outliers} outliers; {len(result.unseen)} poses skipped, marker not clearly seen)",
        f"Held out: {1e3 * result.held_out_before:.1f} → {1e3 * result.held_out_after:.1f} mm at {result.n_held_out} "
        "sightings, by a solution that never saw them",
    ]
    lines += [f"Unobservable, and without effect on hand and eye: {line}" for line in report.unobservable]
    return [*lines, f"Saved: {result.file}", f"Use it: {command_to_use(cfg, result.file)}"]
