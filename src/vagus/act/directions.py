"""Direction words as angles from straight on: azimuth is positive to the left, elevation positive upwards."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# word → (azimuth, elevation) [deg] of a pointing arm
POINTING: dict[str, tuple[float, float]] = {
    "forward": (0.0, 0.0), "left": (90.0, 0.0), "right": (-90.0, 0.0), "up": (0.0, 70.0), "down": (0.0, -50.0),
    "back": (180.0, 0.0),
}  # fmt: skip
# word → (azimuth, elevation) [deg] of a head: a glance, well within any neck
LOOKING: dict[str, tuple[float, float]] = {
    "forward": (0.0, 0.0), "left": (40.0, 0.0), "right": (-40.0, 0.0), "up": (0.0, 25.0), "down": (0.0, -25.0),
    "back": (180.0, 0.0),
}  # fmt: skip


def direction(azimuth: float, elevation: float) -> Array:
    """Return the unit vector in the base frame, shape (3,), of azimuth and elevation [rad]."""
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])


def angles(vector: Array) -> tuple[float, float]:
    """Return azimuth and elevation [rad] of a vector in the base frame, shape (3,)."""
    return math.atan2(vector[1], vector[0]), math.atan2(vector[2], math.hypot(vector[0], vector[1]))
