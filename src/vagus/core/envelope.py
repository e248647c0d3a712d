"""Tighter limits than a robot's own, as a skill or a site declares them. The gate holds them; nothing here does."""

import math
from dataclasses import dataclass

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
