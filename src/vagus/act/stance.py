"""Where a robot may stand and how it gets there: poses of the base at which the tucked robot touches nothing known.

Things and boards are where perception saw them; what stands on the floor, where the lidar sees it now.
"""

import math
from collections.abc import Generator, Iterator

import numpy as np

from vagus.act.drive import lidar_points
from vagus.act.scene import base_pose, level_pose, solids
from vagus.act.skill import Array, Context, Observation
from vagus.act.surroundings import Skin, Surroundings
from vagus.core.frames import invert, transform
from vagus.core.things import Thing

Leg = dict[str, float]
"""Arguments of the skill ``drive``."""

_PLACES = ((0.48, 0.20), (0.42, 0.30), (0.50, 0.05), (0.54, 0.25), (0.38, 0.20))
"""Where the thing shall be, ahead of the base and to the side of an arm [m]: best first."""
_TURNS = (0.0, 0.35, -0.35, 0.8, -0.8)
"""How the base may be turned beside facing the thing [rad]."""
_FARTHEST = 0.62
"""How far ahead of the base a thing may be [m],"""
_STEP_M = 0.04
"""and in which steps a stance is moved back until it is free [m]."""
_CLEAR_M = 0.04
"""Kept from things and boards where it stands [m]: driving ends within 3 cm."""
_PASS_M = 0.02
"""Kept from them on the way [m]."""
_FLOOR_M = 0.06
"""Kept by the base's edge from what the lidar sees [m]."""
_BACK_OFF = (0.0, 0.2, 0.4, 0.6)
"""How far it may drive back before it turns [m]."""
_SAMPLE_M, _SAMPLE_RAD = 0.05, 0.1
"""How finely a way is checked."""


class Floor:
    """What stands around, for a robot with its arms tucked in."""

    def __init__(self, ctx: Context, obs: Observation, q: Array, held: Array | None = None) -> None:
        """Take what is known now, the joints with the arms tucked in, shape (n_joints,), and points on what they hold.

        These points are in the base frame then, shape (n, 3) [m].
        """
        self._X_WB = base_pose(obs)
        skin = Skin(ctx.kinematics)
        self._points, self._radii = skin.points(q), skin.radius
        if held is not None:
            self._points = np.concatenate([self._points, held])
            self._radii = np.concatenate([self._radii, np.zeros(len(held))])
        self._around = Surroundings(solids(obs, np.eye(4)))
        hits = np.zeros((0, 3)) if obs.lidar is None else lidar_points(ctx, obs.lidar["range"])
        self._hits = transform(self._X_WB, hits)[:, :2]
        self._reach = ctx.kinematics.base_radius + _FLOOR_M

    def stances(self, thing: Thing) -> Iterator[Array]:
        """Yield poses X_WS (4, 4) of the base, near it first ahead, then turned, from which a thing may be reached."""
        out = thing.centre[:2] - self._X_WB[:2, 3]
        facing = math.atan2(float(out[1]), float(out[0]))
        for ahead, aside in _PLACES:
            for turn in _TURNS:
                for side in (aside, -aside):
                    X_WS = self._nearest(thing, facing + turn, ahead, side)
                    if X_WS is not None:
                        yield X_WS

    def _nearest(self, thing: Thing, yaw: float, ahead: float, aside: float) -> Array | None:
        """Return the first free pose, moving back from where a thing is so far ahead and aside."""
        for far in np.arange(ahead, _FARTHEST, _STEP_M):
            X_WS = level_pose(0.0, 0.0, yaw)
            X_WS[:2, 3] = thing.centre[:2] - X_WS[:2, :2] @ [float(far), aside]
            if self._is_free(X_WS, _CLEAR_M):
                return X_WS
        return None

    def route(self, X_WS: Array) -> Generator[None, None, list[Leg] | None]:
        """Search how to drive to a stance without touching anything: back if need be, turn, straight on, turn."""
        for back in _BACK_OFF:
            start = self._X_WB @ level_pose(-back, 0.0, 0.0)
            X = invert(start) @ X_WS
            distance, bearing = math.hypot(X[0, 3], X[1, 3]), math.atan2(X[1, 3], X[0, 3])
            if abs(bearing) > 0.5 * math.pi:  # shorter backwards
                distance, bearing = -distance, math.remainder(bearing + math.pi, 2.0 * math.pi)
            last = math.remainder(math.atan2(X[1, 0], X[0, 0]) - bearing, 2.0 * math.pi)
            legs = [("distance_m", -back), ("turn_deg", math.degrees(bearing)), ("distance_m", distance),
                    ("turn_deg", math.degrees(last))]  # fmt: skip
            if (yield from self._are_free(legs)):
                return [{name: amount} for name, amount in legs if amount]
        return None

    def _are_free(self, legs: list[tuple[str, float]]) -> Generator[None, None, bool]:
        for pose in self._poses(legs):
            if not self._is_free(pose, _PASS_M):
                return False
            yield
        return True

    def _poses(self, legs: list[tuple[str, float]]) -> Iterator[Array]:
        """Yield the poses on the way but for where it stands now."""
        X = self._X_WB
        for name, amount in legs:
            is_turn = name == "turn_deg"
            whole = math.radians(amount) if is_turn else amount
            n = math.ceil(abs(whole) / (_SAMPLE_RAD if is_turn else _SAMPLE_M))
            for k in range(1, n + 1):
                part = whole * k / n
                yield X @ (level_pose(0.0, 0.0, part) if is_turn else level_pose(part, 0.0, 0.0))
            X = X @ (level_pose(0.0, 0.0, whole) if is_turn else level_pose(whole, 0.0, 0.0))

    def _is_free(self, X_WS: Array, clear: float) -> bool:
        if np.any(np.linalg.norm(self._hits - X_WS[:2, 3], axis=1) < self._reach):
            return False
        return bool(np.all(self._around.distance(transform(X_WS, self._points)) - self._radii > clear))
