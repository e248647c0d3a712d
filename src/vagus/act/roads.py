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
_SAMPLE_M = 0.05
"""How finely a straight line is checked [m]."""
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

    def _straightened(self, places: list[Array]) -> list[Array] | None:
        """Leave out all places that are not needed as corners; None if not even neighbours see each other."""
        corners: list[Array] = []
        k = 0
        while k < len(places) - 1:
            seen = [n for n in range(k + 1, len(places)) if self._sees(places[k], places[n])]
            if not seen:
                return None
            k = seen[-1]
            corners.append(places[k])
        return corners

    def _explore(self) -> Generator[None, None, dict[Cell, Cell]]:
        """Search the shortest ways to all cells; returns for each the one before it. Source: Dijkstra, 1959."""
        span = np.arange(-self._n, self._n + 1)
        grid = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)
        free = {(i, j) for i, j in grid[self._is_free(self._start + _CELL_M * grid)].tolist()}
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
                there = (cell[0] + i, cell[1] + j)
                if there in free and there not in done:
                    heapq.heappush(heap, (far + length, there, cell))
        return before
