"""Where a robot may stand and how it gets there: poses of the base at which the tucked robot touches nothing known.

Things and boards are where perception saw them; what stands on the floor, where the lidar sees it now.
"""

import math
from collections.abc import Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vagus.act.drive import lidar_points, person_points
from vagus.act.roads import Roads
from vagus.act.scene import base_pose, level_pose, solids, with_people
from vagus.act.skill import Array, Context, Observation
from vagus.act.surroundings import Surroundings, skin_of
from vagus.core.frames import transform
from vagus.core.things import Thing

Leg = dict[str, float]
"""Arguments of the skill ``drive``."""

_PLACES = ((0.48, 0.20), (0.42, 0.30), (0.50, 0.05), (0.54, 0.25), (0.38, 0.20))
"""Where the thing shall be, ahead of the base and to the side of an arm [m]: best first."""
_TURNS = (0.0, 0.35, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, math.pi)
"""How the base may be turned beside facing the thing from here, to both sides [rad]: from all around."""
_PLACE_RAD = 0.25
"""A place is as much worse than the one before it as a stance that is turned by so much more [rad]."""
_ACROSS_RAD = 0.8
"""A place on the other arm's side is as much worse as a stance that is turned by so much more [rad]."""
_FARTHEST = 0.62
"""How far ahead of the base a thing may be [m],"""
_STEP_M, _FARTHER = 0.04, 0.40
"""and in which steps a stance is moved back until it is free, a view by no more than so much [m]."""
_CLEAR_M = 0.04
"""Kept from things and boards where it stands [m]: driving ends within 3 cm."""
_PASS_M = 0.02
"""Kept from them on the way [m]."""
_FLOOR_M = 0.09
"""Kept by the base's edge from what the lidar sees [m]: a little more than driving up to a board keeps."""
_LEG_M = 0.05
"""What the lidar sees at most so far beyond a board's outline [m] carries the board."""
_PERSON_M = 0.16
"""So far beyond what the lidar sees of somebody's legs their trunk and arms reach [m]."""
_BACK_MAX = 0.8
"""How far it may drive straight back to where it can turn, and straight on from there to a stance [m]."""
_SAMPLE_M = 0.05
"""How finely a straight way is checked [m]."""
_BACKWARDS_M = 1.0
"""It drives backwards over no more than this [m]."""
_NO_LEG = 1e-6
"""A leg that is shorter is none [m or deg]."""


class Floor:
    """What stands around, for a robot with its arms tucked in."""

    def __init__(self, ctx: Context, obs: Observation, q: Array, held: Array | None = None) -> None:
        """Take what is known now, the joints with the arms tucked in, shape (n_joints,), and points on what they hold.

        These points are in the base frame then, shape (n, 3) [m].
        """
        self._X_WB = base_pose(obs)
        skin = skin_of(ctx.kinematics)
        self._points, self._radii = skin.points(q), skin.radius
        if held is not None:
            self._points = np.concatenate([self._points, held])
            self._radii = np.concatenate([self._radii, np.zeros(len(held))])
        self._around = Surroundings(solids(with_people(obs), np.eye(4)))
        hits = np.zeros((0, 3)) if obs.lidar is None else lidar_points(ctx, obs.lidar["range"])
        self._hits = transform(self._X_WB, hits)[:, :2]
        self._reach = ctx.kinematics.base_radius + _FLOOR_M
        # What stands under no board may be as tall as the robot: somebody who was not looked at, a wall.
        legs = np.zeros((0, 3)) if obs.lidar is None else person_points(ctx, obs.lidar["range"])
        tall, arms = (_under_no_board(some, obs) for some in (self._hits, transform(self._X_WB, legs)[:, :2]))
        self._columns, self._wide = np.concatenate([tall, arms]), np.repeat([0.0, _PERSON_M], [len(tall), len(arms)])
        self._widest = float(np.max(np.linalg.norm(self._points[:, :2], axis=1) + self._radii)) + _CLEAR_M
        self._swept = self._turning_reach()
        self._back = self._back_off(self._X_WB)
        start = self._X_WB @ level_pose(-(self._back or 0.0), 0.0, 0.0)
        self._start, self._roads = start, Roads(start[:2, 3], self._may_turn)

    def stances(self, thing: Thing, side: float = 0.0) -> Iterator[Array]:
        """Yield poses X_WS (4, 4) of the base, near it first ahead, then turned, from which a thing may be reached.

        Args:
            thing: It, in the world.
            side: Of the arm that shall reach it: 1 left, -1 right; 0 for either.
        """
        out = thing.centre[:2] - self._X_WB[:2, 3]
        facing = math.atan2(float(out[1]), float(out[0]))
        ways: list[tuple[float, float, float, float]] = []
        for turn in _TURNS:
            for rank, (ahead, aside) in enumerate(_PLACES):
                for y in (aside, -aside):
                    cost = turn + _PLACE_RAD * rank + (_ACROSS_RAD if side * y < 0.0 else 0.0)
                    ways += [(cost, yaw, ahead, y) for yaw in ((turn, -turn) if turn % math.pi else (turn,))]
        for _, yaw, ahead, y in sorted(ways, key=lambda way: way[0]):
            X_WS = self._nearest(thing.centre[:2], facing + yaw, ahead, y, _FARTHEST)
            if X_WS is not None:
                yield X_WS

    def views(self, place: Array, turns: Sequence[float]) -> Iterator[Array]:
        """Yield free poses (4, 4) that face a place (2,) from as far as now, or a little farther, from other sides.

        Args:
            place: In the world [m].
            turns: How far round about it from where it stands [rad].
        """
        out = self._X_WB[:2, 3] - place
        far = float(np.linalg.norm(out))
        for turn in turns:
            yaw = math.atan2(float(out[1]), float(out[0])) + turn + math.pi
            X_WS = self._nearest(place, yaw, far, 0.0, far + _FARTHER)
            if X_WS is not None:
                yield X_WS

    def _nearest(self, place: Array, yaw: float, ahead: float, aside: float, farthest: float) -> Array | None:
        """Return the first free pose, moving back from where a place (2,) is so far ahead and aside."""
        for far in np.arange(ahead, farthest, _STEP_M):
            X_WS = level_pose(0.0, 0.0, yaw)
            X_WS[:2, 3] = place - X_WS[:2, :2] @ [float(far), aside]
            if self._is_free(X_WS, _CLEAR_M):
                return X_WS
        return None

    def route(self, X_WS: Array) -> Generator[None, None, list[Leg] | None]:
        """Search how to drive to a stance: back to where it can turn, around what stands there, and straight on."""
        on = self._back_off(X_WS)
        if self._back is None or on is None:
            return None
        yield
        corners = yield from self._roads.way((X_WS @ level_pose(-on, 0.0, 0.0))[:2, 3])
        if corners is None:
            return None
        legs, X = [("distance_m", -self._back)], self._start
        for corner in corners:
            way = corner - X[:2, 3]
            distance, bearing = float(np.linalg.norm(way)), math.atan2(way[1], way[0]) - _yaw(X)
            bearing = math.remainder(bearing, 2.0 * math.pi) if distance > _NO_LEG else 0.0
            if abs(bearing) > 0.5 * math.pi and distance < _BACKWARDS_M:
                distance, bearing = -distance, math.remainder(bearing + math.pi, 2.0 * math.pi)
            legs += [("turn_deg", math.degrees(bearing)), ("distance_m", distance)]
            X = X @ level_pose(0.0, 0.0, bearing) @ level_pose(distance, 0.0, 0.0)
        last = math.remainder(_yaw(X_WS) - _yaw(X), 2.0 * math.pi)
        return _merged([*legs, ("turn_deg", math.degrees(last)), ("distance_m", on)])

    def _back_off(self, X_WS: Array) -> float | None:
        """Return how far straight back of a pose it can turn [m], the way there free; None if nowhere."""
        for back in np.arange(0.0, _BACK_MAX, _SAMPLE_M):
            X = X_WS @ level_pose(-float(back), 0.0, 0.0)
            if back and not self._is_free(X, _PASS_M):
                return None
            if self._may_turn(X[None, :2, 3])[0]:
                return float(back)
        return None

    def _turning_reach(self) -> Array:
        """Return how far from its axis a turn on the spot sweeps at the height of each solid [m], shape (n_solids,)."""
        far = np.linalg.norm(self._points[:, :2], axis=1) + self._radii
        z, r = self._points[:, 2], self._radii + _PASS_M
        meets = (z + r > self._around.low[:, None]) & (z - r < self._around.high[:, None])
        return np.max(np.where(meets, far + _PASS_M, -np.inf), axis=1, initial=-np.inf)

    def _may_turn(self, places: Array) -> NDArray[np.bool_]:
        """Say of places (n, 2) whether the tucked robot can turn there, whichever way it faces."""
        low, tall = (np.linalg.norm(places[:, None] - some, axis=2) for some in (self._hits, self._columns))
        is_clear = np.all(self._around.beside(places) > self._swept, axis=1)
        return is_clear & np.all(low > self._reach, axis=1) & np.all(tall > self._widest + self._wide, axis=1)

    def _is_free(self, X_WS: Array, clear: float) -> bool:
        if np.any(np.linalg.norm(self._hits - X_WS[:2, 3], axis=1) < self._reach):
            return False
        points = transform(X_WS, self._points)
        beside = np.linalg.norm(points[:, None, :2] - self._columns, axis=2)
        if np.any(beside < self._radii[:, None] + self._wide + clear):
            return False
        return bool(np.all(self._around.distance(points) - self._radii > clear))


def _under_no_board(hits: Array, obs: Observation) -> Array:
    """Return those points (n, 2) on the floor that are under no board."""
    mask = np.ones(len(hits), bool)
    for board in obs.supports:
        mask &= board.beyond(hits) > _LEG_M
    return hits[mask]


def _yaw(X: Array) -> float:
    return math.atan2(float(X[1, 0]), float(X[0, 0]))


def _merged(legs: list[tuple[str, float]]) -> list[Leg]:
    """Leave out legs that are none, and join those that go on as the one before."""
    out: list[tuple[str, float]] = []
    for name, amount in legs:
        if out and out[-1][0] == name:
            amount += out.pop()[1]
        if abs(amount) > _NO_LEG:
            out.append((name, amount))
    return [{name: amount} for name, amount in out]
