"""What robots and people call things, and what is known of one: shapes, colours, where it is, how sure of that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHAPES = ("cup", "bottle", "box", "ball", "can", "bowl")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
"""Both in the order of their codes in messages."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Thing:
    """One thing that perception follows. It stands upright; handles are left out of its size."""

    id: int
    """Its own as long as it is followed."""
    shape: str
    """One of ``SHAPES``."""
    colour: str
    """One of ``COLOURS``."""
    centre: Array
    """Its middle [m], shape (3,), in a frame whose z is up."""
    yaw: float
    """Of its x axis about z [rad]."""
    size: tuple[float, float, float]
    """Full extent along its x, y, z [m]."""
    sigma: float
    """Standard deviation of the centre, each axis [m]."""
    seen_ns: int
    """When it was seen last [ns]."""

    @property
    def foot(self) -> float:
        """Height of its foot [m]."""
        return float(self.centre[2]) - 0.5 * self.size[2]

    @property
    def top(self) -> float:
        """Height of its top [m]."""
        return float(self.centre[2]) + 0.5 * self.size[2]

    @property
    def is_round(self) -> bool:
        """A box alone is not."""
        return self.shape != "box"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Support:
    """A level board on which things stand, as far as it was seen, in a frame whose z is up."""

    corners: Array
    """Of its convex outline, counterclockwise [m], shape (n, 2), n >= 3."""
    height: float
    """Of its upper face [m]."""

    def beyond(self, xy: Array) -> Array:
        """Return how far points (..., 2) are beyond its outline [m], shape (...,); less than 0 inside."""
        outline = sides(self.corners)
        return np.max(xy @ outline[:, :2].T + outline[:, 2], axis=-1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Person:
    """Somebody who stands, in a frame whose z is up and whose floor is at 0."""

    place: Array
    """Middle of their trunk on the floor [m], shape (2,)."""
    height: float | None
    """To the top of the head [m]; None if that was never seen."""
    hand: Array | None
    """Middle of the palm of an open hand that they hold out level [m], shape (3,); None if they hold out none."""
    sigma: float
    """Standard deviation of the place, each axis [m]."""
    seen_ns: int
    """When they were seen last [ns]."""


def sides(corners: Array) -> Array:
    """Return the sides of a convex outline given counterclockwise, (n, 2) [m].

    Rows (a, b, c) with (a, b) unit and outward, shape (n, 3): inside is a x + b y + c <= 0 for all.
    """
    along = np.roll(corners, -1, axis=0) - corners
    length = np.maximum(1e-9, np.linalg.norm(along, axis=1, keepdims=True))  # two corners may be one
    normals = np.column_stack([along[:, 1], -along[:, 0]]) / length
    return np.column_stack([normals, -np.sum(normals * corners, axis=1)])
