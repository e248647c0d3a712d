"""What a robot file declares: the robot's spec, its model, and what stands behind its motors."""

from collections.abc import Callable
from dataclasses import dataclass, field

import mujoco

from vagus.core.robot import RobotSpec


@dataclass(frozen=True, kw_only=True)
class SimulatedCfg:
    """How the robot behaves in simulation; what a real robot gets from its hardware."""

    scene: str = "room"
    """Which scene it stands in by default; names in ``vagus.world.scenes``."""
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the robot's root stands at the start: x [m], y [m], yaw [rad]."""


@dataclass(frozen=True, kw_only=True)
class FeetechCfg:
    """A real arm on a Feetech serial bus, as LeRobot's SO-101 uses it."""

    port: str
    """Serial device, such as /dev/ttyACM0."""
    ids: tuple[int, ...]
    """Servo id of every joint of the spec, in the spec's order."""
    baud: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Robot:
    """A robot file's one object, named ``robot``."""

    spec: RobotSpec
    model: Callable[[], mujoco.MjSpec]
    """Builds the robot alone as a ``mujoco.MjSpec``; joint, site, camera and sensor names match the spec's."""
    simulated: SimulatedCfg = field(default_factory=SimulatedCfg)
    real: FeetechCfg | None = None

    def build_model(self) -> mujoco.MjSpec:
        """Return a fresh model of the robot alone."""
        return self.model()
