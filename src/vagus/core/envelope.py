"""Tighter limits than a robot's own, as a skill or a site declares them. The gate holds them; nothing here does."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Tighter limits than the joints' own, for a skill or a site. It can only tighten: looser values change nothing."""

    speed_fraction: float = 1.0
    """Share of every joint's ``speed_max``, in (0, 1]."""
    position_min: tuple[float, ...] | None = None
    """Lower limit per joint, in the spec's order [rad or m]; None: the joints' own."""
    position_max: tuple[float, ...] | None = None
    """Upper limit per joint, in the spec's order [rad or m]; None: the joints' own."""

    def __post_init__(self) -> None:
        if not 0.0 < self.speed_fraction <= 1.0:
            raise ConfigError(f"envelope speed_fraction: got {self.speed_fraction}, allowed: in (0, 1]")
        for key in ("position_min", "position_max"):
            if any(math.isnan(x) for x in getattr(self, key) or ()):
                raise ConfigError(f"envelope {key}: got {getattr(self, key)}, allowed: numbers")

    def positions(self, n_joints: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper limits per joint [rad or m], infinite where it has none, shape (n_joints,) each.

        Raises:
            ConfigError: The limits are not one per joint.
        """
        for key, box in (("position_min", self.position_min), ("position_max", self.position_max)):
            if box is not None and len(box) != n_joints:
                raise ConfigError(f"envelope {key}: got {len(box)} numbers, allowed: one per joint ({n_joints})")
        return (
            np.full(n_joints, -np.inf) if self.position_min is None else np.array(self.position_min),
            np.full(n_joints, np.inf) if self.position_max is None else np.array(self.position_max),
        )
