"""The simulated body: the robot of a robot file in a scene, with its calibration; what the world process steps."""

from pathlib import Path

from vagus.body.calibration_file import load
from vagus.body.robot import Robot
from vagus.core.messages import Record
from vagus.world.simulation import Message, Simulation, SimulationCfg


class SimulatedBody:
    """One simulated robot; it brakes by itself when commands stop coming."""

    def __init__(
        self, robot: Robot, *, scene: str | None = None, seed: int = 0, calibration_file: str | None = None,
        cfg: SimulationCfg | None = None,
    ) -> None:  # fmt: skip
        """Stand the robot in a scene.

        Args:
            robot: What the robot file declares.
            scene: A name in ``vagus.world.scenes.SCENES``; None takes the robot file's.
            seed: Of the scene, the noise, the delays and the mounting errors, >= 0.
            calibration_file: Written by ``vagus calibrate`` for this seed; None corrects nothing.
            cfg: How motors and sensors behave.

        Raises:
            ConfigError: No such scene or file, a file of another robot or seed, or see ``Simulation``.
        """
        spec = robot.spec
        corrections = load(Path(calibration_file), spec, seed=seed) if calibration_file else None
        built = robot.build_scene(scene or robot.simulated.scene, seed)
        self.simulation = Simulation(spec, built, cfg, seed=seed, calibration=corrections)
        self.publishes = self.simulation.publishes
        """Names of the streams that ``step`` returns messages of."""

    def step(self, now_ns: int, command: Record | None) -> list[Message]:
        """Advance by one step that ends at ``now_ns`` and return the messages that are due, as (stream, record)."""
        return self.simulation.step(now_ns, command)
