"""Following from picture to picture: what moves is found again, what is gone is not, what it stands on is no part."""

import numpy as np
import pytest
from drawn import CAM, RED, WOOD, Drawing, looking

from vagus.perceive.follow import follow

X_WC = looking((0.2, 0.0, 1.2), 0.5)
RADIUS = 0.05


def depth(x: float, y: float, *, is_there: bool = True) -> np.ndarray:
    drawing = Drawing(X_WC).slab((0.5, -0.6, 0.70), (1.5, 0.6, 0.75), WOOD)
    if is_there:
        drawing.ball(x, y, 0.75, 0.031, RED)
    return drawing.picture(np.random.default_rng(1))[0]


def at(picture: np.ndarray, x: float, y: float) -> np.ndarray | None:
    return follow(picture, CAM, X_WC, np.array([x, y, 0.78]), RADIUS, 0.755)


@pytest.mark.parametrize("step", [0.0, 0.02, 0.04, 0.10])
def test_what_moved_since_the_last_picture_is_found_where_it_is(step: float) -> None:
    found = at(depth(0.9, step), 0.9, 0.0)
    assert found is not None
    np.testing.assert_allclose(found[:2], [0.9, step], atol=0.025)  # the middle of the side that is seen
    assert 0.755 < found[2] < 0.82


def test_a_rolling_ball_is_followed_across_the_table() -> None:
    seen = np.array([0.9, -0.3, 0.78])
    for y in np.arange(-0.3, 0.3, 0.03):  # 0.9 m/s at 30 pictures a second
        found = at(depth(0.9, float(y)), *seen[:2])
        assert found is not None
        seen = found
        assert abs(seen[1] - y) < 0.01


def test_what_is_gone_is_not_found_and_the_table_is_not_taken_for_it() -> None:
    assert at(depth(0.9, 0.0, is_there=False), 0.9, 0.0) is None


@pytest.mark.parametrize("point", [(-0.5, 0.0, 1.2), (0.2, 0.0, 1.2), (0.9, 5.0, 0.78)])
def test_what_is_behind_the_camera_or_beside_the_picture_is_not_seen(point: tuple) -> None:
    assert follow(depth(0.9, 0.0), CAM, X_WC, np.array(point), RADIUS, 0.755) is None


def test_a_picture_without_depth_shows_nothing() -> None:
    assert at(np.full((CAM.height, CAM.width), np.nan, np.float32), 0.9, 0.0) is None
