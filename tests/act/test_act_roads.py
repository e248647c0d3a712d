"""Ways over the floor: free, about as short as can be, and none where there is none."""

import math

import numpy as np
import pytest

from vagus.act.motion import ended
from vagus.act.roads import Roads

START = np.array([0.03, 0.02])


def beside_wall(places: np.ndarray, less: float = 0.0) -> np.ndarray:
    """All but a wall 0.2 m thick across the way, 2 m long, or a little less [m]."""
    return ~((np.abs(places[:, 0] - 1.0) < 0.1 - less) & (np.abs(places[:, 1]) < 1.0 - less))


def outside_ring(places: np.ndarray) -> np.ndarray:
    return np.abs(np.linalg.norm(places - START, axis=1) - 1.0) > 0.1


def is_free(way: list[np.ndarray]) -> bool:
    corners = [START, *way]
    return all(bool(beside_wall(np.linspace(a, b, 200), 0.01).all()) for a, b in zip(corners, way, strict=False))


def test_where_nothing_is_in_the_way_it_is_straight() -> None:
    goal = np.array([0.5, 1.5])
    assert ended(Roads(START, beside_wall).way(goal)) == [pytest.approx(goal)]


@pytest.mark.parametrize("goal", [(2.0, 0.0), (1.2, 0.3), (1.5, -0.9)])
def test_around_a_wall_it_is_free_and_at_most_a_seventh_longer_than_the_shortest(goal: tuple[float, float]) -> None:
    way = ended(Roads(START, beside_wall).way(np.array(goal)))
    assert way is not None
    assert is_free(way)
    length = sum(math.dist(a, b) for a, b in zip([START, *way], way, strict=False))
    shortest = min(math.dist(START, (0.9, y)) + 0.2 + math.dist((1.1, y), goal) for y in (-1.0, 1.0))  # past an end
    assert length < 1.15 * shortest


def test_out_of_a_ring_there_is_none() -> None:
    assert ended(Roads(START, outside_ring).way(np.array([2.0, 0.0]))) is None
