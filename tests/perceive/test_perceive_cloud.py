"""Clouds: where points are, which pixels fly, what hangs together, what boards and walls there are."""

import math

import numpy as np
import pytest
from drawn import CAM, RED, WALL, WOOD, Drawing, looking, table
from hypothesis import given
from hypothesis import strategies as st

from vagus.perceive.boards import above, find_boards
from vagus.perceive.cloud import Cloud, cloud, connected, facets, without_flying
from vagus.perceive.walls import find_walls


def seen(drawing: Drawing, seed: int | None = None) -> Cloud:
    depth, _ = drawing.picture(None if seed is None else np.random.default_rng(seed))
    return cloud(depth, CAM, drawing.X_WC)


@given(st.floats(0.1, 0.9), st.floats(-0.5, 0.5))
def test_a_pixels_point_lies_where_its_ray_meets_the_floor(pitch: float, yaw: float) -> None:
    drawing = Drawing(looking((0.3, -0.2, 1.1), pitch, yaw)).slab((-9, -9, -1), (9, 9, 0.0), WOOD)
    points = seen(drawing).points
    on_floor = np.isfinite(points[..., 2])
    np.testing.assert_allclose(points[on_floor][:, 2], 0.0, atol=1e-4)
    assert on_floor.any()


def test_a_pixel_between_two_surfaces_flies_and_is_dropped() -> None:
    depth = np.full((20, 20), 1.0, np.float32)
    depth[:, 10:] = 2.0
    depth[5, 10] = depth[12, 9] = 1.5
    out = without_flying(depth)
    assert np.isnan(out[5, 10])
    assert np.isnan(out[12, 9])
    assert np.isfinite(out).sum() == 398


def test_a_hole_stays_a_hole_and_takes_nothing_with_it() -> None:
    depth = np.full((20, 20), 1.0, np.float32)
    depth[7, 7] = np.nan
    out = without_flying(depth)
    assert np.isnan(out[7, 7])
    assert np.isfinite(out).sum() == 399


def test_surfaces_hang_together_across_pixels_and_not_across_a_step() -> None:
    depth = np.full((CAM.height, CAM.width), 1.0, np.float32)
    depth[:, 200:] = 1.2
    far = cloud(depth, CAM, np.eye(4))
    n, labels = connected(far, np.ones(depth.shape, bool))
    assert n == 2
    assert len(set(labels.reshape(depth.shape)[:, :200].ravel())) == 1


def test_kinds_part_what_hangs_together() -> None:
    depth = np.full((CAM.height, CAM.width), 1.0, np.float32)
    kinds = np.zeros(depth.shape, np.int8)
    kinds[100:120] = 1
    mask = np.zeros(depth.shape, bool)
    mask[90:130, 50:60] = True
    n, labels = connected(cloud(depth, CAM, np.eye(4)), mask, kinds)
    assert n == 3
    assert np.bincount(labels).tolist() == [100, 200, 100]


def test_nothing_hangs_together_in_an_empty_mask() -> None:
    depth = np.full((CAM.height, CAM.width), 1.0, np.float32)
    n, labels = connected(cloud(depth, CAM, np.eye(4)), np.zeros(depth.shape, bool))
    assert (n, len(labels)) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_the_table_and_the_floor_are_the_boards(seed: int) -> None:
    boards = find_boards(facets(seen(table(), seed)))
    heights = sorted(float(b.height(np.array([1.0, 0.0]))) for b in boards)
    assert heights[-1] == pytest.approx(0.75, abs=0.002)
    assert all(abs(z) < 0.02 for z in heights[:-1])
    for board in boards:
        assert np.hypot(*board.plane[1:]) < math.radians(1.0)


def test_a_board_is_found_where_it_is_and_not_beside_it() -> None:
    board = max(find_boards(facets(seen(table(), 1))), key=lambda b: b.plane[0])
    inside, outside = np.array([[1.0, 0.0], [1.3, 0.3]]), np.array([[1.7, 0.0], [0.4, 0.0]])
    assert board.contains(inside, 0.0).all()
    assert not board.contains(outside, 0.01).any()
    assert not board.contains(np.array([[math.nan, 0.0]]), 1.0).any()


def test_no_depth_is_no_board_and_no_wall() -> None:
    empty = cloud(np.full((CAM.height, CAM.width), np.nan, np.float32), CAM, np.eye(4))
    assert find_boards(facets(empty)) == []
    assert not find_walls(empty, facets(empty)).any()


def test_what_stands_on_the_table_is_above_it_and_what_is_of_it_is_not() -> None:
    drawing = table().box(0.95, 0.0, 0.75, (0.08, 0.08, 0.12), RED)
    here = seen(drawing, 2)
    boards = find_boards(facets(here))
    which, is_board = above(here, boards, margin=0.01)
    is_box = (drawing.owner == 1) & np.isfinite(here.depth) & (here.points[..., 2] > 0.77)
    top = int(np.argmax([b.plane[0] for b in boards]))
    assert (which[is_box] == top).all()
    assert not is_board[is_box].any()
    is_table = (drawing.owner == 0) & (np.abs(drawing.depth - here.depth) < 0.01) & (here.points[..., 0] > 0.7)
    assert (
        is_board[is_table & (np.abs(here.points[..., 2] - 0.75) < 0.004)].mean() > 0.95
    )  # its outline lies a few pixels within its edges


def test_a_wall_is_a_wall_and_a_box_before_it_is_not() -> None:
    drawing = Drawing(looking((0.0, 0.0, 1.0), 0.1)).slab((1.3, -3, 0), (1.4, 3, 3), WALL)
    drawing.box(1.0, 0.0, 0.9, (0.09, 0.09, 0.14), RED, yaw=0.3)
    here = seen(drawing, 3)
    wall = find_walls(here, facets(here))
    assert wall[drawing.owner == 0].mean() > 0.9
    assert wall[drawing.owner == 1].mean() < 0.02


def test_two_walls_five_centimetres_apart_are_both_found() -> None:
    drawing = Drawing(looking((0.0, 0.0, 1.0), 0.1, 0.4)).slab((1.4, -3, 0), (1.5, 3, 3), WALL)
    drawing.slab((1.35, -0.2, 0.0), (1.39, 3.0, 1.0), WOOD)
    here = seen(drawing, 4)
    assert find_walls(here, facets(here))[np.isfinite(drawing.depth)].mean() > 0.9
