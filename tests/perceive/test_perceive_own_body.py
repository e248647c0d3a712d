"""The robot's own pixels."""

import numpy as np

from vagus.core.robot import CameraSpec
from vagus.perceive.own_body import own_pixels

CAM = CameraSpec(name="eye", rate_hz=30.0, max_age_s=0.2, width=160, height=120)
BALL = (np.array([[0.05, -0.02, 0.5]]), np.array([0.04]))


def seen_ball(behind: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the depth of one ball before a wall, and where it is."""
    fx, fy, cx, cy = CAM.intrinsics
    u, v = np.meshgrid(np.arange(CAM.width), np.arange(CAM.height))
    rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones(u.shape)], axis=-1)
    a, b = np.sum(rays**2, axis=-1), rays @ BALL[0][0]
    root = b**2 - a * (BALL[0][0] @ BALL[0][0] - BALL[1][0] ** 2)
    is_ball = root > 0.0
    return np.where(is_ball, (b - np.sqrt(np.maximum(root, 0.0))) / a, behind).astype(np.float32), is_ball


def test_every_pixel_of_the_part_is_its_own_and_little_else() -> None:
    depth, is_ball = seen_ball(1.5)
    own = own_pixels(depth, CAM, *BALL)
    assert own[is_ball].all()
    assert not own[~is_ball].any()  # what is far behind its edge is not


def test_what_stands_before_the_part_or_behind_it_is_not_the_robot() -> None:
    depth, _ = seen_ball(1.5)
    for at in (0.3, 0.75):
        assert not own_pixels(np.full_like(depth, at), CAM, *BALL).any()


def test_parts_behind_the_lens_beside_the_picture_and_holes_are_nobodys() -> None:
    depth = np.full((CAM.height, CAM.width), 0.5, np.float32)
    for middle in ([0.0, 0.0, -0.5], [0.0, 0.0, 0.01], [5.0, 0.0, 0.5]):
        assert not own_pixels(depth, CAM, np.array([middle]), np.array([0.04])).any()
    assert not own_pixels(np.full_like(depth, np.nan), CAM, *BALL).any()
