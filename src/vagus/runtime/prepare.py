"""Getting a run ready: load the robot file, build its world once for its sizes, write what processes read."""

import json
import time
from dataclasses import replace
from pathlib import Path

from vagus.body import calibration_file
from vagus.body.load import load_robot
from vagus.body.robot import Robot
from vagus.core.errors import ConfigError
from vagus.runtime import run_dir
from vagus.runtime.run_dir import Provider, Run
from vagus.streams.table import SceneShape
from vagus.world.geometry import describe_scene
from vagus.world.scenes import SCENES


def host_file() -> Path:
    """Return the host's robot file: beside the sources, or as installed."""
    here = Path(__file__).resolve()
    for folder in (here.parents[3] / "robots", here.parents[1] / "robots"):
        if (folder / "host.py").exists():
            return folder / "host.py"
    raise ConfigError(f"robots/host.py is missing from this installation ({here.parents[1]})")


def calibration_beside(robot_file: Path, seed: int) -> Path | None:
    """Return the calibration that came with a robot file: ``calibration/<file>-<seed>.json`` beside it, or None."""
    path = robot_file.parent / "calibration" / f"{robot_file.stem}-{seed}.json"
    return path if path.is_file() else None


def prepare_real(robot_file: Path, *, port: str | None) -> tuple[Run, Robot]:
    """Return a run of a robot file on its real body; ``port`` replaces the file's.

    Raises:
        ConfigError: The file is wrong, or declares no real body.
    """
    robot = load_robot(robot_file)
    if robot.real is None:
        raise ConfigError(f"{robot_file} declares no real body; give its robot `real=FeetechCfg(port=..., ids=...)`")
    real = replace(robot.real, port=port or robot.real.port)
    run = Run(
        spec=robot.spec, robot_file=str(robot_file.resolve()), seed=0, scene="", shape=None, is_real=True, real=real
    )
    return run, robot


def prepare(
    robot_file: Path, *, seed: int = 0, scene: str | None = None, calibration: Path | None = None
) -> tuple[Run, Robot]:
    """Return a simulated run of a robot file, ready for a supervisor or lockstep.

    Raises:
        ConfigError: The file, the robot or the scene's name is wrong, or the calibration is not this robot's.
    """
    robot = load_robot(robot_file)
    name = robot.simulated.scene if scene is None else scene
    if name not in SCENES:
        raise ConfigError(f"scene: got {name!r}, allowed: {sorted(SCENES)}")
    if not 0 <= seed < 2**32:
        raise ConfigError(f"seed: got {seed}, allowed: 0 to {2**32 - 1}")
    if calibration is not None:
        calibration_file.load(calibration, robot.spec, seed=seed)
    model = robot.build_scene(name, seed).model
    shape = SceneShape(nq=model.nq, nmocap=model.nmocap, nbody=model.nbody)
    run = Run(
        spec=robot.spec, robot_file=str(robot_file.resolve()), seed=seed, scene=name, shape=shape,
        calibration=str(calibration.resolve()) if calibration else None,
    )  # fmt: skip
    return run, robot


def write_models(path: Path, run: Run, robot: Robot) -> None:
    """Write into the run directory what the page and the recorder draw; nothing for a real robot.

    Raises:
        ConfigError: There is no room.
    """
    if run.is_real:
        return
    scene = robot.build_scene(run.scene, run.seed).model
    run_dir.write(path / "scene.json", json.dumps(describe_scene(scene)).encode())


def live(run: Run, *, record_dir: Path | None, page_port: int, page_token: str, planner: Provider = "",
         detector: str = "") -> Run:  # fmt: skip
    """Return the run as processes will run it, in real time, with the clock's offset from Unix time."""
    return replace(
        run,
        record_dir=str(record_dir.resolve()) if record_dir else None,
        page_port=page_port,
        page_token=page_token,
        planner=planner,
        detector=detector,
        epoch_ns=time.time_ns() - time.monotonic_ns(),
    )
