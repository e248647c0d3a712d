"""What a hand holds, on the way: where its outside is, what that keeps away from, and whether it is still held."""

from collections.abc import Generator
from typing import TypeVar

import numpy as np

from vagus.act.hand import Hand
from vagus.act.skill import Array, Context, Held, Observation, Outcome, Targets
from vagus.act.surroundings import Surroundings, skin_of
from vagus.core.frames import invert, transform

T = TypeVar("T")

_CLEAR_M = 0.012
"""Kept by what is held from all that stands around [m]: perception's p95 error is 9 mm."""
_BODY_M = 0.02
"""Kept by it from the robot's own body [m]: its size, and where it sits in the hand, are known to a centimetre."""
_LOST_NS = 300_000_000
"""Fingers that feel nothing for so long [ns] have lost it; a bump on the way is shorter."""


class Load:
    """What one hand holds, as points on its outside."""

    def __init__(self, ctx: Context, hand: Hand, held: Held) -> None:
        arm = hand.arm
        self._kinematics, self._tip = ctx.kinematics, arm.tip
        self._points = outside(held)
        self._skin = skin_of(ctx.kinematics)
        self._body = ~self._skin.moved_by((arm.joints[-1], *arm.fingers))
        """All balls but the hand's own."""

    def points(self, q: Array) -> Array:
        """Return the points in the base frame at joint positions ``q`` (n_joints,), shape (n, 3) [m]."""
        return transform(self._kinematics.pose_of(q, self._tip), self._points)

    def is_clear(self, q: Array, around: Surroundings, keep: float = _CLEAR_M) -> bool:
        """Say whether it keeps so far from what stands around [m], and keeps away from the robot's own body."""
        points = self.points(q)
        if not bool(np.all(around.distance(points) > keep)):
            return False
        balls = self._skin.points(q)[self._body]
        apart = np.linalg.norm(points[:, None] - balls, axis=2) - self._skin.radius[self._body]
        return bool(np.all(apart > _BODY_M))


def outside(held: Held) -> Array:
    """Return points on the upright cylinder that holds a thing, in the tip's frame, shape (n, 3) [m]."""
    radius, height = radius_of(held), held.thing.size[2]
    angles = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    ring = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    points = np.concatenate([np.column_stack([ring, np.full(len(ring), z)]) for z in (0.0, 0.5 * height, height)])
    return transform(invert(held.X_FT), points)


def radius_of(held: Held) -> float:
    """Return the radius of the upright cylinder that holds it, a cup's handle left out [m]."""
    x, y, _ = held.thing.size
    return 0.5 * x if held.thing.is_round else 0.5 * float(np.hypot(x, y))


def hand_with(ctx: Context, obs: Observation, number: int | None = None) -> Hand | Outcome:
    """Return the hand that holds the thing of that number, or any that a skill knows of; else why there is none.

    A thing may get another number while it is picked up: what is in the only full hand is what is meant.
    """
    hands = [Hand.of(ctx, arm) for arm in ctx.spec.arms if arm.can_grasp]
    full = [hand for hand in hands if hand.holds(obs)]
    known = [hand for hand in full if hand.arm.name in ctx.held]
    asked = [hand for hand in known if number is None or ctx.held[hand.arm.name].thing.id == number]
    if asked or len(known) == 1:
        return (asked or known)[0]
    if known:
        return Outcome(ok=False, reason="not_in_hand")
    is_felt = any(hand.forces(obs) is not None for hand in full)
    return Outcome(ok=False, reason="not_known" if is_felt else "empty_handed")


def loads(ctx: Context, obs: Observation) -> dict[str, Load]:
    """Return what the hands hold, by arm."""
    hands = [Hand.of(ctx, arm) for arm in ctx.spec.arms if arm.can_grasp and arm.name in ctx.held]
    return {h.arm.name: Load(ctx, h, ctx.held[h.arm.name]) for h in hands if h.holds(obs)}


def while_held(
    hand: Hand, steps: Generator[Targets | None, Observation, T], obs: Observation
) -> Generator[Targets | None, Observation, tuple[T | None, Observation]]:
    """Do the steps of a skill while a hand feels what it holds; return what they returned, None once it is lost."""
    felt_ns = obs.now_ns
    try:
        wanted = next(steps)
        while True:
            obs = yield wanted
            if hand.holds(obs):
                felt_ns = obs.now_ns
            elif obs.now_ns - felt_ns > _LOST_NS:
                return None, obs
            wanted = steps.send(obs)
    except StopIteration as end:
        return end.value, obs
    finally:
        steps.close()
