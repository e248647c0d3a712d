"""What a recording says about its run, in every file of it: what it takes to run it again, and nothing secret."""

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import msgspec
from foxglove.mcap import MCAPWriter

from vagus.core.errors import ConfigError
from vagus.runtime.run_dir import Run

NAME = "vagus.run"
"""Name of the metadata record."""
_PACKAGES = ("vagus", "numpy", "mujoco", "mink", "ruckig", "msgspec", "foxglove-sdk")
"""On whose versions a run's numbers and bytes depend."""


@dataclass(frozen=True, kw_only=True)
class About:
    """Metadata and attachments of every file; the same run gives the same bytes."""

    facts: dict[str, str]
    """Robot, seed, scene, robot file, versions."""
    files: dict[str, bytes]
    """Attachments: ``run.msgpack``, the robot file, the calibration file if there is one."""

    def write_into(self, writer: MCAPWriter) -> None:
        """Write all of it into a file that was just opened."""
        writer.write_metadata(NAME, self.facts)
        for name, data in self.files.items():
            writer.attach(log_time=0, create_time=0, name=name, media_type="application/octet-stream", data=data)


def about(run: Run) -> About:
    """Return what recordings of this run say about it.

    Raises:
        ConfigError: The robot file or the calibration file is gone.
    """
    # Where it was recorded does not matter, and who has the page's token may move the robot.
    public = replace(run, record_dir=None, page_token="", page_port=0)
    files = {"run.msgpack": msgspec.msgpack.encode(public)}
    for path in (run.robot_file, run.calibration):
        if path:
            try:
                files[Path(path).name] = Path(path).read_bytes()
            except OSError as exc:
                raise ConfigError(f"cannot read {path} for the recording: {exc.strerror}") from exc
    facts = {"robot": run.name, "seed": str(run.seed), "scene": run.scene, "robot_file": run.robot_file}
    facts["calibration"] = run.calibration or ""
    facts["epoch_ns"] = str(run.epoch_ns)
    facts["python"] = platform.python_version()
    facts["machine"] = platform.machine()
    facts |= {package: version(package) for package in _PACKAGES}
    return About(facts=facts, files=files)
