"""Names of colours: the hue decides, in any light."""

import numpy as np
import pytest

from vagus.perceive.colours import Colour, name_pixels, white_of

THINGS = {
    Colour.RED: (0.80, 0.10, 0.10), Colour.ORANGE: (0.95, 0.48, 0.08), Colour.YELLOW: (0.95, 0.82, 0.12),
    Colour.GREEN: (0.14, 0.58, 0.22), Colour.BLUE: (0.12, 0.28, 0.78), Colour.PURPLE: (0.48, 0.18, 0.62),
    Colour.WHITE: (0.93, 0.93, 0.92), Colour.BLACK: (0.07, 0.07, 0.08), Colour.BROWN: (0.40, 0.28, 0.19),
}  # fmt: skip


def picture(rgb: tuple[float, float, float], light: float, noise: float = 0.0) -> np.ndarray:
    """A patch of a colour in the middle of a room that reflects 55 %."""
    out = np.full((60, 60, 3), 0.55)
    out[20:40, 20:40] = rgb
    out = 255.0 * light * out + noise * np.random.default_rng(0).standard_normal(out.shape)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def named(rgb: np.ndarray) -> np.ndarray:
    return name_pixels(rgb, white_of(rgb))


@pytest.mark.parametrize("light", [0.3, 0.5, 0.8, 1.05])
@pytest.mark.parametrize("colour", THINGS)
def test_a_colour_has_its_name_in_dim_and_in_bright_light(colour: Colour, light: float) -> None:
    assert (named(picture(THINGS[colour], light))[21:39, 21:39] == colour).all()


@pytest.mark.parametrize("colour", THINGS)
def test_noise_of_the_sensor_changes_few_names(colour: Colour) -> None:
    names = named(picture(THINGS[colour], 0.5, noise=2.0))[21:39, 21:39]
    assert (names == colour).mean() > 0.85


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_of_one_grey_has_names_too(value: int) -> None:
    names = named(np.full((4, 4, 3), value, np.uint8))
    assert set(names.ravel()) <= {int(Colour.WHITE), int(Colour.BLACK)}
