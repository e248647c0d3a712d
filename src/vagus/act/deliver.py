"""Carry what a hand holds to a place in the air: over somebody's palm, or before them. It lets nothing go."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from vagus.act.approach import tuck
from vagus.act.drive import follow
from vagus.act.grasp_plan import STEPS, tucked
from vagus.act.hand import Hand, side_of
from vagus.act.load import outside
from vagus.act.meet import CHEST, again, look_at
from vagus.act.motion import Motion, first_free, spread, visit
from vagus.act.reach import Reach, solving
from vagus.act.scene import base_pose, level_pose, solids, with_people
from vagus.act.skill import Array, Context, Held, Indices, Observation, Targets
from vagus.act.stance import Floor, Leg
from vagus.act.surroundings import Surroundings, no_nearer, skin_of
from vagus.core.frames import invert, transform
from vagus.core.things import Person, Thing

OVER_M = 0.06
"""A thing is lowered from so far over where it shall be let go [m]."""

_CARRIED, _CARRIED_HIGH = ((0.28, 0.05), (0.32, 0.10), (0.36, 0.12), (0.42, 0.15)), 1.15
"""Where the tip is while driving: ahead and to its own side, best first, and how high [m]: over table tops."""
_ACROSS = (0.9, 1.2, 0.6, 0.3)
"""Where the hand points meanwhile besides straight ahead, towards the middle of the body [rad]."""
_OVER_M = 0.01
"""How far over the palm, as it was seen, the thing shall be let go [m]: perception's error of its height."""
_BEFORE_M, _HEIGHT_SHARE, _HEIGHT = 0.72, 0.62, 1.7
"""A thing is held out so far before the middle of a person [m], at this share of their height (or of this one [m])."""
_TURNS = (0.3, 0.6, 0.0, 0.9, -0.3)
"""Where the hand may point besides straight ahead, towards the middle of the body [rad]: wrists turn that way best."""
_UP_M = 0.12
"""How far it goes straight up first where there is no other way [m]."""
_AT_M, _AT_RAD = 0.006, 0.06
"""How near the tip must be planned to a place."""
_BACK_M = 0.11
"""How far the empty hand draws back [m]: the fingers are then beside the thing."""
_CLEAR_M = 0.012
"""Kept from all that stands around [m]: perception's p95 error is 9 mm."""
_HIDDEN_NS = 40_000_000_000
"""For so long [ns], two drives, a palm is taken to be where it was seen; whether it is, the arm feels at the end."""
_MIXED_M = 0.30
"""A hand nearer to the tip than this [m] is not told from what is held."""
_HAND_M = 0.12
"""So far from its middle [m] a hand, and what of an arm passes for one, reaches."""
_ARM_M = 0.9
"""A palm is at most so far from the middle of whose it is [m]."""
_STANCES, _APPROACHES = 12, 2
"""Stances that are tried, and times that it drives."""
_MARGIN_M, _SPEED = 0.10, 0.25
"""What the base's edge keeps free of legs [m], and how fast it drives [m/s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Bringing:
    """One way to bring a thing somewhere; positions of ``joints``, shape (k,)."""

    hand: Hand
    joints: Indices
    """Of the arm and what carries it."""
    stops: list[Array]
    """To the place over the one where the thing is let go: the last of them."""
    at: Array
    """Where it is let go."""
    back: Array
    """Where the empty hand draws back to from there."""

    @property
    def over(self) -> Array:
        """Over the place where it is let go."""
        return self.stops[-1]


Went = Generator[Targets | None, Observation, tuple[Bringing | None, str, Observation]]


class Delivery:
    """What one hand holds, on its way."""

    def __init__(self, ctx: Context, hand: Hand, held: Held) -> None:
        self._ctx, self._hand, self._held = ctx, hand, held
        names = (*ctx.kinematics.trunk(hand.arm), *hand.arm.joints)
        self._arm, self._joints = replace(hand.arm, joints=names, tucked=()), ctx.indices(names)
        self._skin = skin_of(ctx.kinematics, (*names, *hand.arm.fingers))
        self._outside = outside(held)
        self._palm_seen: tuple[Array, int] | None = None
        self._side = side_of(ctx, hand.arm)

    def carry(self, obs: Observation) -> Motion:
        """Bring the thing upright before the shoulder, high up; where there is no way, out of what stands around first.

        If there is none then, either, it stays as it is.
        """
        is_there, obs = yield from self._raise(obs)
        if not is_there:
            _, obs = yield from tuck(self._ctx, obs)
            _, obs = yield from self._raise(obs)
        return obs

    def _raise(self, obs: Observation) -> Generator[Targets | None, Observation, tuple[bool, Observation]]:
        low = _CARRIED_HIGH - OVER_M - _OVER_M - float(self._held.X_FT[2, 3])
        for ahead, aside in _CARRIED:
            foot = np.array([ahead, self._side * aside, low])
            search = self._planned(obs, base_pose(obs), obs.commanded()[0], foot, _ACROSS)
            found, obs = yield from spread(search, obs, per_tick=STEPS)
            if found is not None:
                return True, (yield from visit(self._ctx, obs, found.joints, found.stops))
        return False, obs

    def to_hand(self, obs: Observation, person: Person) -> Went:
        """Go where the thing is brought over somebody's palm; return the plan, or a reason: "no_hand" without one."""
        return (yield from self._bring(obs, person, lambda o: self.palm(o, person), "no_hand"))

    def palm(self, obs: Observation, person: Person) -> Array | None:
        """Return where somebody holds out a hand (3,), as it was seen last before the thing came near it.

        From then on the thing hides half of the hand, or passes for it.
        """
        tip = transform(base_pose(obs), self._ctx.kinematics.pose_of(obs.commanded()[0], self._arm.tip)[:3, 3])
        for known in (again(obs, person), person):
            if known is None or known.hand is None:
                continue
            before, is_apart = self._palm_seen, float(np.linalg.norm(known.hand - tip)) > _MIXED_M
            is_plain = is_apart and not self._is_before(obs, known.hand)
            if before is None or (is_plain and known.seen_ns > before[1]):
                self._palm_seen = known.hand, known.seen_ns
        if self._palm_seen is not None and obs.now_ns - self._palm_seen[1] > _HIDDEN_NS:
            self._palm_seen = None
        return None if self._palm_seen is None else self._palm_seen[0]

    def _is_before(self, obs: Observation, hand: Array) -> bool:
        """Say whether what is held is between the eye and a hand (3,), or the hand beside it in the picture."""
        if (eye := self._ctx.spec.eye) is None:
            return False
        q, X_WB = obs.commanded()[0], base_pose(obs)
        at = transform(X_WB, self._ctx.kinematics.pose_of(q, eye.name)[:3, 3])
        held = transform(X_WB @ self._ctx.kinematics.pose_of(q, self._arm.tip), self._outside) - at
        out = hand - at
        cosines = held @ out / (np.linalg.norm(held, axis=1) * np.linalg.norm(out))
        return float(np.arccos(np.clip(cosines.max(), -1.0, 1.0))) < np.arctan2(_HAND_M, np.linalg.norm(out))

    def to_front(self, obs: Observation, person: Person) -> Went:
        """Go where the thing is brought before somebody; return the plan, or a reason."""
        out = base_pose(obs)[:2, 3] - person.place
        at = person.place + _BEFORE_M * out / max(1e-9, float(np.linalg.norm(out)))
        place = np.array([*at, _HEIGHT_SHARE * (person.height or _HEIGHT)])
        return (yield from self._bring(obs, person, lambda _o: place, "nobody"))

    def watch(self, obs: Observation, person: Person) -> Motion:
        """Look at somebody."""
        return (yield from look_at(self._ctx, obs, np.array([*person.place, CHEST])))

    def _bring(self, obs: Observation, person: Person, where: Callable[[Observation], Array | None], lost: str) -> Went:
        """Look, plan, and where that fails drive and look again."""
        ctx = self._ctx
        for n_driven in range(_APPROACHES + 1):
            obs = yield from self.watch(obs, person)
            self.palm(obs, person)
            if (place := where(obs)) is None:
                return None, lost, obs
            foot = transform(invert(base_pose(obs)), place)
            search = self._planned(obs, base_pose(obs), obs.commanded()[0], foot)
            found, obs = yield from spread(search, obs, per_tick=STEPS)
            if found is not None:
                return found, "", obs
            if ctx.spec.base is None or n_driven == _APPROACHES:
                break
            legs, obs = yield from spread(self._stance(obs, place), obs, per_tick=STEPS)
            if legs is None:
                break
            reason, obs = yield from follow(ctx, obs, legs, margin=_MARGIN_M, speed_max=_SPEED)
            if reason:
                return None, reason, obs
        return None, "out_of_reach", obs

    def _stance(self, obs: Observation, place: Array) -> Generator[None, None, list[Leg] | None]:
        """Search a stance from which the thing is brought to a place in the world (3,); return the way there."""
        q = obs.commanded()[0]
        floor = Floor(self._ctx, self._others(obs, over=float(self._held.X_FT[2, 3])), q)
        for X_WS in islice(floor.stances(self._thing_at(place), self._side), _STANCES):
            legs = yield from floor.route(X_WS)
            if (
                legs is not None
                and (yield from self._planned(obs, X_WS, q, transform(invert(X_WS), place))) is not None
            ):
                return legs
        return None

    def _others(self, obs: Observation, over: float | None = None) -> Observation:
        """Return the observation with people, or their hands too, and without what the hand holds or held."""
        tip = base_pose(obs) @ self._ctx.kinematics.pose_of(obs.commanded()[0], self._arm.tip)
        things = tuple(thing for thing in obs.things if thing.id != self._held.thing.id)
        people = obs.people
        if self._palm_seen is not None:  # what is held may hide it now
            palm = self._palm_seen[0]
            people = tuple(replace(p, hand=palm) if np.linalg.norm(palm[:2] - p.place) < _ARM_M else p for p in people)
        return with_people(replace(obs, things=things, people=people), but=tip[:3, 3], over=over)

    def _planned(self, obs: Observation, X_WB: Array, q: Array, foot: Array, turns: Sequence[float] = _TURNS
                 ) -> Generator[None, None, Bringing | None]:  # fmt: skip
        """Search a way to bring the thing's foot a little over a place (3,) in the base frame, the base at X_WB."""
        bodies = Surroundings(solids(self._others(obs), X_WB))
        hands = Surroundings(solids(self._others(obs, over=0.0), X_WB))
        for turn in turns:
            X_BT = level_pose(float(foot[0]), float(foot[1]), -self._side * turn) @ self._held.X_FT
            X_BT[2, 3] += foot[2] + _OVER_M
            found = yield from self._to(X_BT, q, bodies, hands)
            if found is not None:
                return found
        return None

    def _to(self, X_BT: Array, q: Array, bodies: Surroundings, hands: Surroundings
            ) -> Generator[None, None, Bringing | None]:  # fmt: skip
        """Search a way from joints ``q`` to a pose of the tip, by way of the place over it and past people's hands."""
        j, keep = self._joints, no_nearer(self._gap(q, hands), _CLEAR_M)
        above, back = X_BT.copy(), X_BT.copy()
        above[2, 3] += OVER_M
        back[:3, 3] -= _BACK_M * X_BT[:3, 2]
        for start in self._starts(q):
            over = yield from self._reach(above, start)
            at = None if over is None else (yield from self._reach(X_BT, over))
            if over is None or at is None or min(self._gap(over, hands), self._gap(at, bodies)) < _CLEAR_M:
                continue
            behind = yield from self._reach(back, at)
            up = yield from self._reach(self._up(q), q)
            ways = [[over[j]], [self._tucked(q)[j], over[j]], *([] if up is None else [[up[j], over[j]]])]
            still = np.zeros(len(j))
            stops = yield from first_free(self._ctx, q, still, j, ways, lambda now: self._gap(now, hands) > keep)
            if stops is not None:
                return Bringing(self._hand, j, stops, at[j], (over if behind is None else behind)[j])
        return None

    def _starts(self, q: Array) -> list[Array]:
        """Return the joints that inverse kinematics starts from: as they are, tucked in, and at home."""
        home = q.copy()
        home[self._joints] = self._ctx.kinematics.home[self._joints]
        return [q, self._tucked(q), home]

    def _tucked(self, q: Array) -> Array:
        q = q.copy()
        q[self._ctx.indices(self._hand.arm.joints)] = tucked(self._ctx, self._hand.arm)
        return q

    def _up(self, q: Array) -> Array:
        """Return the tip's pose above where it is: over a palm that it stands before."""
        X_BT = self._ctx.kinematics.pose_of(q, self._arm.tip)
        X_BT[2, 3] += _UP_M
        return X_BT

    def _reach(self, X_BT: Array, start: Array) -> Generator[None, None, Array | None]:
        reach = Reach(arm=self._arm, position=X_BT[:3, 3], rotation=X_BT[:3, :3], position_tolerance=_AT_M,
                      angle_tolerance=_AT_RAD, stays_near_start=True)  # fmt: skip
        return (yield from solving(self._ctx.kinematics, reach, [start])).q

    def _gap(self, q: Array, around: Surroundings) -> float:
        """Return how far the arm, what is moved with it, and what it holds are from all that is around [m]."""
        points = transform(self._ctx.kinematics.pose_of(q, self._arm.tip), self._outside)
        return min(float(around.distance(points).min()), self._skin.clearance(q, around))

    def _thing_at(self, foot: Array) -> Thing:
        return replace(self._held.thing, centre=foot + np.array([0.0, 0.0, 0.5 * self._held.thing.size[2]]))
