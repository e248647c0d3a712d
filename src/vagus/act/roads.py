"""Shortest ways over the floor between places where a robot may turn on the spot, straight where that is free.

Dijkstra on a grid, then as few corners as the free floor allows. It knows neither robot nor things: a function says
which places are free.
"""

import heapq
import math
from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Cell = tuple[int, int]

_CELL_M = 0.1
"""Width of the grid's cells [m]: narrower gaps than that beyond what is kept free are not worth the risk."""
_HALF_M = 3.2
"""How far from the start ways may lead, each side [m]: around a table; odometry drifts by 2 cm on such a way."""
_SAMPLE_M = 0.02
"""How finely a straight line is checked [m]: it cuts a corner by no more than half of that."""
_PER_STEP = 40
"""Cells per step of a search: under a millisecond."""


class Roads:
    """Ways from one place."""

    def __init__(self, start: Array, is_free: Callable[[Array], NDArray[np.bool_]]) -> None:
        """Take the start, (2,) [m], and a function that says of points (n, 2) whether the robot may turn there."""
        self._start, self._is_free = start, is_free
        self._n = round(_HALF_M / _CELL_M)
        self._before: dict[Cell, Cell] | None = None

    def way(self, goal: Array) -> Generator[None, None, list[Array] | None]:
        """Search the corners of a free way, the goal (2,) last; None if there is none."""
        if self._sees(self._start, goal):
            return [goal]
        if self._before is None:
            self._before = yield from self._explore()
        i, j = np.round((goal - self._start) / _CELL_M).astype(int).tolist()
        if (i, j) not in self._before:
            return None
        cells = [(i, j)]
        while cells[-1] != (0, 0):
            cells.append(self._before[cells[-1]])
        return self._straightened([self._start, *map(self._place, reversed(cells)), goal])

    def _place(self, cell: Cell) -> Array:
        return self._start + _CELL_M * np.array(cell, float)

    def _sees(self, a: Array, b: Array) -> bool:
        n = 2 + math.ceil(math.dist(a, b) / _SAMPLE_M)
        return bool(np.all(self._is_free(np.linspace(a, b, n))))

    def _straightened(self, places: list[Array]) -> list[Array]:
        """Leave out all places that are not needed as corners; from each its neighbour is free."""
        corners: list[Array] = []
        k = 0
        while k < len(places) - 1:
            k = max([k + 1, *(n for n in range(k + 2, len(places)) if self._sees(places[k], places[n]))])
            corners.append(places[k])
        return corners

    def _explore(self) -> Generator[None, None, dict[Cell, Cell]]:
        """Search the shortest ways to all cells; returns for each the one before it. Source: Dijkstra, 1959."""
        span = np.arange(-2 * self._n, 2 * self._n + 1)
        halves = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)  # cells, and between them
        free = {(i, j) for i, j in halves[self._is_free(self._start + 0.5 * _CELL_M * halves)].tolist()}
        yield
        steps = [(i, j, math.hypot(i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        before: dict[Cell, Cell] = {(0, 0): (0, 0)}
        done: set[Cell] = set()
        heap: list[tuple[float, Cell, Cell]] = [(0.0, (0, 0), (0, 0))]
        while heap:
            far, cell, last = heapq.heappop(heap)
            if cell in done:
                continue
            done.add(cell)
            before[cell] = last
            if len(done) % _PER_STEP == 0:
                yield
            for i, j, length in steps:
                there, between = (cell[0] + i, cell[1] + j), (2 * cell[0] + i, 2 * cell[1] + j)
                if there not in done and between in free and (2 * there[0], 2 * there[1]) in free:
                    heapq.heappush(heap, (far + length, there, cell))
        return before
