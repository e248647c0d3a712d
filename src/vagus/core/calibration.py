"""What calibration found: how far each encoder reads beside the truth, how each camera really sits.

Data, arithmetic and its JSON; the file is ``vagus.body.calibration_file``, the estimation ``vagus.body.calibrate``.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.frames import pose
from vagus.core.robot import RobotSpec

FORMAT = "vagus-calibration-2"
"""What the file's ``format`` says."""
_KEYS = {"format", "robot", "seed", "encoder_offset", "camera"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraMount:
    """Where a camera's optical frame C really is in the frame N where the model has it: ``X_WC = X_WN @ X_NC``."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """``p_NC_N`` [m]."""
    quat: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    """``q_NC``, wxyz, unit length."""

    def __post_init__(self) -> None:
        if len(self.position) != 3 or not all(math.isfinite(x) for x in self.position):
            raise ConfigError(f"camera mount position: got {self.position}, allowed: three finite numbers [m]")
        if (
            len(self.quat) != 4
            or not all(math.isfinite(x) for x in self.quat)
            or abs(math.hypot(*self.quat) - 1) > 1e-6
        ):
            raise ConfigError(f"camera mount quat_wxyz: got {self.quat}, allowed: four numbers, unit length")

    @property
    def X_NC(self) -> NDArray[np.float64]:  # noqa: N802 (the field's notation)
        """The transform (4, 4)."""
        return pose(self.position, self.quat)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """One robot's corrections. A joint or camera that is not named needs none."""

    robot: str
    """Name of the robot it was made for."""
    seed: int | None = None
    """Seed of the simulated robot it was made on: another seed is another robot; None: a real one."""
    encoder_offset: Mapping[str, float] = field(default_factory=dict[str, float])
    """Joint → what its encoder reads beyond the truth [rad or m]."""
    camera: Mapping[str, CameraMount] = field(default_factory=dict[str, CameraMount])

    def __post_init__(self) -> None:
        if self.seed is not None and self.seed < 0:
            raise ConfigError(f"seed: got {self.seed}, allowed: null, or an integer >= 0")
        for joint, offset in self.encoder_offset.items():
            if not math.isfinite(offset):
                raise ConfigError(f"encoder_offset of {joint!r}: got {offset}, allowed: a finite number [rad or m]")

    def offsets(self, spec: RobotSpec) -> NDArray[np.float64]:
        """Return the encoder offset of every joint of the spec [rad or m], shape (n_joints,)."""
        return np.array([self.encoder_offset.get(name, 0.0) for name in spec.joint_names], np.float64)

    def mount(self, camera: str) -> CameraMount:
        """Return a camera's correction; the identity if there is none."""
        return self.camera.get(camera, CameraMount())


def none(spec: RobotSpec) -> Calibration:
    """Return the calibration of a robot that was never calibrated: all zeros and identities, all names written out."""
    return Calibration(
        robot=spec.name,
        encoder_offset=dict.fromkeys(spec.joint_names, 0.0),
        camera={cam.name: CameraMount() for cam in spec.cameras},
    )


def to_json(calibration: Calibration) -> str:
    """Return the calibration as the text of its file."""
    camera = {
        name: {"position": list(mount.position), "quat_wxyz": list(mount.quat)}
        for name, mount in calibration.camera.items()
    }
    whole = {"format": FORMAT, "robot": calibration.robot, "seed": calibration.seed,
             "encoder_offset": dict(calibration.encoder_offset), "camera": camera}  # fmt: skip
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str, spec: RobotSpec) -> Calibration:
    """Read a calibration of this robot.

    Raises:
        ConfigError: Not JSON, another format, another robot's, a name that the robot lacks, or a value that is no
            finite number.
    """
    try:
        raw: Any = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ConfigError(f"not JSON: {exc}") from exc
    whole = _table(raw, "the file")
    if whole.get("format") != FORMAT:
        raise ConfigError(f"format: got {whole.get('format')!r}, allowed: {FORMAT!r}")
    if whole.keys() != _KEYS:
        raise ConfigError(f"keys: got {sorted(whole)}, allowed: exactly {sorted(_KEYS)}")
    if whole["robot"] != spec.name:
        raise ConfigError(f"robot: got {whole['robot']!r}, allowed: {spec.name!r}, the robot that is to use it")
    offsets = _table(whole["encoder_offset"], "encoder_offset")
    cameras = _table(whole["camera"], "camera")
    _known(offsets, spec.joint_names, "encoder_offset joint")
    _known(cameras, [cam.name for cam in spec.cameras], "camera")
    return Calibration(
        robot=spec.name,
        seed=_seed(whole["seed"]),
        encoder_offset={name: _number(value, f"encoder_offset of {name!r}") for name, value in offsets.items()},
        camera={name: _mount(value, f"camera {name!r}") for name, value in cameras.items()},
    )


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: got {type(value).__name__}, allowed: a JSON object")
    return cast("dict[str, Any]", value)


def _seed(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise ConfigError(f"seed: got {value!r}, allowed: null, or an integer >= 0")
    return value


def _known(table: dict[str, Any], allowed: tuple[str, ...] | list[str], what: str) -> None:
    for name in table:
        if name not in allowed:
            raise ConfigError(f"{what}: got {name!r}, allowed: {', '.join(allowed) or 'none'}")


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{where}: got {value!r}, allowed: a finite number")
    try:
        return float(value)
    except OverflowError as exc:  # JSON's integers have no largest
        raise ConfigError(f"{where}: got an integer beyond 1e308, allowed: a finite number") from exc


def _mount(value: Any, where: str) -> CameraMount:
    table = _table(value, where)
    if table.keys() != {"position", "quat_wxyz"}:
        raise ConfigError(f"{where} keys: got {sorted(table)}, allowed: exactly ['position', 'quat_wxyz']")
    px, py, pz = _numbers(table["position"], 3, f"{where} position")
    w, x, y, z = _numbers(table["quat_wxyz"], 4, f"{where} quat_wxyz")
    try:
        return CameraMount(position=(px, py, pz), quat=(w, x, y, z))
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc}") from exc


def _numbers(value: Any, n: int, where: str) -> list[float]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: got {value!r}, allowed: {n} numbers")
    items = cast("list[Any]", value)
    if len(items) != n:
        raise ConfigError(f"{where}: got {len(items)} numbers, allowed: {n}")
    return [_number(item, where) for item in items]
