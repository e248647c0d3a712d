"""What a node is built from: the run, its streams, and the robot file when the node needs it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from vagus.core.calibration import Calibration, none
from vagus.core.robot import RobotSpec
from vagus.runtime.run_dir import Run
from vagus.streams.streams import Streams

if TYPE_CHECKING:
    from vagus.body.robot import Robot


class Node(Protocol):
    """Reads streams and writes streams once a tick; never reads a clock."""

    def step(self, now_ns: int) -> None:
        """Do one tick's work at ``now_ns``, the robot's clock."""
        ...


@runtime_checkable
class HasFigures(Protocol):
    """A node with figures of its own for its process's ``stats``."""

    def figures(self) -> dict[str, int | float]:
        """Return fields of ``vagus.core.messages.stats`` and their values."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A node that holds something open."""

    def close(self) -> None:
        """Finish and let go."""
        ...


@dataclass(frozen=True)
class Context:
    """Where a node gets what it needs. One per process, or one for all nodes in lockstep."""

    run: Run
    streams: Streams
    path: Path | None = None
    """The run directory; None in lockstep."""
    loaded: "Robot | None" = None
    """The robot file's object if it is at hand already, perhaps changed; None loads the file when a node asks."""

    @property
    def spec(self) -> RobotSpec:
        return self.run.spec

    @cached_property
    def robot(self) -> "Robot":
        """The robot file's object; loading it imports MuJoCo, so the reflex never asks."""
        if self.loaded is not None:
            return self.loaded
        from vagus.body.load import load_robot

        return load_robot(Path(self.run.robot_file))

    @cached_property
    def calibration(self) -> Calibration:
        """What corrects this run's encoders (the body does that) and cameras (whoever sees with them must)."""
        if not self.run.calibration:
            return none(self.spec)
        from vagus.body.calibration_file import load

        seed = None if self.run.is_real else self.run.seed
        return load(Path(self.run.calibration), self.spec, seed=seed)

    def rng(self, node: str) -> np.random.Generator:
        """Return a generator of the node's own, from the run's seed and the node's name."""
        return np.random.default_rng([self.run.seed, *node.encode()])
