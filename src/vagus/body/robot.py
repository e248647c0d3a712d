"""What a robot file declares: the robot's spec, its model, and what stands behind its motors."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import mujoco

from vagus.body.feetech.cfg import FeetechCfg
from vagus.core.errors import ConfigError
from vagus.core.fields import check_types
from vagus.core.robot import RobotSpec
from vagus.world import scenes

__all__ = ["FeetechCfg", "Robot", "SimulatedCfg"]


@dataclass(frozen=True, kw_only=True)
class SimulatedCfg:
    """How the robot behaves in simulation; what a real robot gets from its hardware."""

    scene: str = "room"
    """Which scene it stands in by default; names in ``vagus.world.scenes``."""
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the robot's root stands at the start: x [m], y [m], yaw [rad]."""
    room: int | None = None
    """Seed of the room, >= 0; None: the robot's own. The same robot, with its mounting errors, in another room."""

    def __post_init__(self) -> None:
        check_types(self, "simulated")
        if self.scene not in scenes.SCENES:
            names = ", ".join(repr(name) for name in sorted(scenes.SCENES))
            raise ConfigError(f"simulated scene: got {self.scene!r}, allowed: {names}")
        if self.room is not None and self.room < 0:
            raise ConfigError(f"simulated room: got {self.room}, allowed: a seed >= 0, or None")
        if not all(math.isfinite(x) for x in self.start):
            raise ConfigError(f"simulated start: got {self.start}, allowed: three finite numbers [m, m, rad]")


@dataclass(frozen=True, kw_only=True)
class Robot:
    """A robot file's one object, named ``robot``."""

    spec: RobotSpec
    model: Callable[[], mujoco.MjSpec]
    """Builds the robot alone as a ``mujoco.MjSpec``; joint, site, camera and sensor names match the spec's."""
    simulated: SimulatedCfg = field(default_factory=SimulatedCfg)
    real: FeetechCfg | None = None

    def __post_init__(self) -> None:
        check_types(self, "robot")

    def build_model(self) -> mujoco.MjSpec:
        """Return a fresh model of the robot alone.

        Raises:
            ConfigError: The robot file's ``model`` raised, or returned no model.
        """
        try:
            built = self.model()
        except Exception as exc:
            raise ConfigError(f"model of robot {self.spec.name!r}: {type(exc).__name__}: {exc}") from exc
        if not isinstance(built, mujoco.MjSpec):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(
                f"model of robot {self.spec.name!r}: got {type(built).__name__}, allowed: a function that returns a "
                "mujoco.MjSpec, such as mujoco.MjSpec.from_string(...)"
            )
        return built

    def build_scene(self, scene: str, seed: int) -> scenes.Scene:
        """Return the robot compiled in a scene, where it starts; the same arguments give the same model.

        Raises:
            ConfigError: No such scene, a seed below 0, or a model that cannot be built.
        """
        room = seed if self.simulated.room is None else self.simulated.room
        return scenes.build_scene(self.build_model(), scene=scene, seed=room, start=self.simulated.start)
