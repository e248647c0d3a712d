"""The file of a robot's calibration: writes it, and reads it for the robot that is to use it."""

from pathlib import Path

from vagus.core.calibration import Calibration, from_json, to_json
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec


def save(path: Path, calibration: Calibration) -> None:
    """Write the file. Raises ConfigError if it cannot be written."""
    try:
        path.write_text(to_json(calibration), encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"calibration file {path} cannot be written: {exc}") from exc


def load(path: Path, spec: RobotSpec, *, seed: int | None = None) -> Calibration:
    """Read the file.

    Args:
        path: The file.
        spec: The robot that is to use it.
        seed: The simulated robot's; None asks for none.

    Raises:
        ConfigError: The file cannot be read, is broken, or is another robot's; the message names it.
    """
    try:
        found = from_json(path.read_text(encoding="utf-8"), spec)
        if seed is not None and found.seed != seed:
            raise ConfigError(
                f"seed: got {found.seed}, allowed: {seed}, the simulated robot's that is to use it (another seed is "
                f"another robot); make its own: `vagus calibrate FILE --seed {seed}`"
            )
        return found
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"calibration file {path} cannot be read: {exc}") from exc
    except ConfigError as exc:
        raise ConfigError(f"calibration file {path}: {exc}") from exc
