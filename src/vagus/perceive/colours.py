"""Names of colours, per pixel: the hue decides, however bright the light is. It knows no objects.

Basic colour terms by hue, saturation and value. Source of the terms: Berlin and Kay, "Basic Color Terms", 1969.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Kinds = NDArray[np.int8]


class Colour(IntEnum):
    """What a pixel is called."""

    RED = 0
    ORANGE = 1
    YELLOW = 2
    GREEN = 3
    BLUE = 4
    PURPLE = 5
    WHITE = 6
    """And grey: which of them is a matter of the light."""
    BLACK = 7
    BROWN = 8


_HUES: tuple[tuple[float, float, Colour], ...] = (
    # from, to [deg]
    (0.0, 14.0, Colour.RED), (14.0, 39.0, Colour.ORANGE), (39.0, 75.0, Colour.YELLOW), (75.0, 180.0, Colour.GREEN),
    (180.0, 255.0, Colour.BLUE), (255.0, 335.0, Colour.PURPLE), (335.0, 360.1, Colour.RED),
)  # fmt: skip
_CHROMATIC = 0.30
"""Least saturation of a colour that is not white, grey or black."""
_NOISE = 6.0
"""Smallest difference between a pixel's colours that is no noise: three standard deviations, of 255."""
_VIVID = 0.74
"""Orange is more saturated than this, brown less: it is a dull orange."""
_BLACK, _BLACK_GREY = 0.085, 0.13
"""Darker than the first share of white, any pixel is black; darker than the second, one without a hue."""
_WHITE_OVER_MEDIAN = 1.7
"""How much brighter white is than the middle of an indoor picture: walls, floor and furniture reflect 60 %."""


def white_of(rgb: Rgb) -> float:
    """Return how bright white is in a picture (H, W, 3), of 255: what counts as black follows the light."""
    return _WHITE_OVER_MEDIAN * float(np.median(rgb[::2, ::2].max(axis=-1)))


def name_pixels(rgb: Rgb, white: float) -> Kinds:
    """Return the colour of pixels (..., 3), given how bright white is."""
    value = rgb.max(axis=-1)
    v = value.astype(np.float32)
    chroma = v - rgb.min(axis=-1)
    saturation = chroma / np.maximum(v, 1.0)
    hue = _hue(rgb, value, chroma)
    names = np.full(value.shape, Colour.WHITE, np.int8)
    is_chromatic = (saturation > _CHROMATIC) & (chroma > _NOISE)
    for low, high, name in _HUES:
        names[is_chromatic & (hue >= low) & (hue < high)] = name
    names[is_chromatic & (hue >= 14.0) & (hue < 45.0) & (saturation <= _VIVID)] = Colour.BROWN
    names[(v < _BLACK * white) | (~is_chromatic & (v < _BLACK_GREY * white))] = Colour.BLACK
    return names


def _hue(rgb: Rgb, value: NDArray[np.uint8], chroma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the hue [deg, 0 to 360), shape (H, W); 0 where there is none."""
    r, g, b = (rgb[..., k].astype(np.float32) for k in range(3))
    d = np.maximum(chroma, 1.0)
    sextant = np.where(value == rgb[..., 0], ((g - b) / d) % 6.0,
                       np.where(value == rgb[..., 1], (b - r) / d + 2.0, (r - g) / d + 4.0))  # fmt: skip
    return np.where(chroma > 0.0, 60.0 * sextant, 0.0).astype(np.float32)
