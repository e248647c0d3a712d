"""Boards over time: seen in parts, remembered as one."""

import numpy as np
import pytest

from vagus.core.messages import N_CORNERS
from vagus.perceive.boards import Board
from vagus.perceive.supports import Supports, outline


def board(low: tuple[float, float], high: tuple[float, float], height: float) -> Board:
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    return Board(np.array([height, 0.0, 0.0]), np.zeros((0, 3)), corners)


def extent(corners: np.ndarray) -> tuple[list[float], list[float]]:
    return corners.min(axis=0).tolist(), corners.max(axis=0).tolist()


def test_two_halves_of_a_board_become_one() -> None:
    known = Supports()
    known.update([board((0.0, 0.0), (0.5, 1.0), 0.75)])
    known.update([board((0.45, 0.0), (1.0, 1.0), 0.76)])
    (one,) = known.all
    assert extent(one.corners) == ([0.0, 0.0], [1.0, 1.0])
    assert 0.75 <= one.height <= 0.76


def test_a_third_sighting_joins_two_that_were_apart() -> None:
    known = Supports()
    known.update([board((0.0, 0.0), (0.4, 1.0), 0.75), board((0.7, 0.0), (1.0, 1.0), 0.75)])
    assert len(known.all) == 2
    known.update([board((0.3, 0.0), (0.8, 1.0), 0.75)])
    assert len(known.all) == 1


@pytest.mark.parametrize("height", [0.45, 0.79])
def test_boards_at_other_heights_are_other_boards(height: float) -> None:
    known = Supports()
    known.update([board((0.0, 0.0), (1.0, 1.0), 0.75), board((0.0, 0.0), (1.0, 1.0), height)])
    assert sorted(round(s.height, 2) for s in known.all) == sorted((0.75, height))


@pytest.mark.parametrize("height", [0.0, 0.2, 2.5])
def test_floor_and_ceiling_are_no_boards(height: float) -> None:
    known = Supports()
    known.update([board((0.0, 0.0), (1.0, 1.0), height)])
    assert not known.all


def test_a_round_board_keeps_few_corners_and_nearly_all_of_its_area() -> None:
    angles = np.linspace(0.0, 2.0 * np.pi, 100, endpoint=False)
    corners = outline(np.column_stack([np.cos(angles), np.sin(angles)]))
    x, y = corners.T
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert len(corners) == N_CORNERS
    assert 0.94 * np.pi < area <= np.pi  # a regular 12-gon has 0.955 of the circle


def test_the_height_settles_on_the_mean_of_noisy_sightings() -> None:
    known, rng = Supports(), np.random.default_rng(0)
    for _ in range(60):
        known.update([board((0.0, 0.0), (1.0, 1.0), 0.75 + 0.005 * rng.standard_normal())])
    assert abs(known.all[0].height - 0.75) < 0.005


def test_the_floor_is_no_board_but_for_who_is_told_that_it_reaches_it() -> None:
    low = [board((0.0, 0.0), (1.0, 1.0), 0.001)]
    for known, n in ((Supports(), 0), (Supports(lowest=-0.05), 1)):
        known.update(low)
        assert len(known.all) == n
