"""Hand over: bring what a hand holds to somebody and let it go once it rests on their open hand, or is pulled at.

Where the person and their hand are, perception says; that the thing is taken, the arm feels. It lets go of nothing that
neither rests on something nor is pulled away.
"""

from collections.abc import Generator

import numpy as np

from vagus.act.deliver import OVER_M, Bringing, Delivery
from vagus.act.feel import Felt
from vagus.act.hand import SLOW, Hand, open_hand
from vagus.act.load import hand_with
from vagus.act.meet import find_somebody
from vagus.act.motion import clipped, hold, move_to, visit
from vagus.act.skill import Args, Array, Context, Observation, Outcome, Skill, Targets
from vagus.core.things import Person

_DEEPER_M = 0.05
"""How much lower than the palm was seen the thing is lowered at most [m]; a hand that is not felt by then is gone."""
_LOWERING = 0.04
"""How fast it is lowered [m/s]."""
_RESTS_N = 3.0
"""A thing that is held up by more than this rests on something [N]: several times the noise."""
_PULLED_N = 6.0
"""Who pulls at the thing by more than this [N], up or away from the robot, has taken it,"""
_PULLED_S = 0.25
"""if they do so for this long [s]."""
_SETTLE_S = 0.6
"""How long the arm is at rest before what it feels counts [s]."""
_WAIT_S = 20.0
"""How long it waits for a hand [s]."""
_OFFER = ("여기 있습니다. 손바닥을 펴서 내밀어 주세요.", "Here you are. Please hold out an open hand.")


def hand_over(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Hand over what a hand holds, rather the thing of that number if two do.

    Succeeds when it was felt to rest or to be pulled away, and then no pad feels it any more.
    """
    hand = hand_with(ctx, obs, int(args["thing"]) if "thing" in args else None)
    if isinstance(hand, Outcome):
        return hand
    delivery = Delivery(ctx, hand, ctx.held[hand.arm.name])
    obs = yield from delivery.carry(obs)
    person, obs = yield from find_somebody(ctx, obs)
    if person is None:
        return Outcome(ok=False, reason="nobody")
    is_pulled = False
    found, reason, obs = yield from delivery.to_hand(obs, person)
    if reason == "no_hand":
        found, reason, is_pulled, obs = yield from _offer(ctx, obs, delivery, person)
    if not is_pulled and found is not None:
        obs = yield from visit(ctx, obs, found.joints, found.stops)
        reason, obs = ("lost_it", obs) if not hand.holds(obs) else (yield from _lower(ctx, obs, found))
    if reason or found is None:
        return Outcome(ok=False, reason=reason)
    return (yield from _let_go(ctx, obs, hand, found))


def _offer(ctx: Context, obs: Observation, delivery: Delivery, person: Person
           ) -> Generator[Targets | None, Observation, tuple[Bringing | None, str, bool, Observation]]:  # fmt: skip
    """Hold the thing out and wait for a hand, or for somebody to pull at it.

    Returns:
        The plan to the hand, or where it was pulled at; a reason if that failed; whether it was pulled at.
    """
    found, reason, obs = yield from delivery.to_front(obs, person)
    if found is None:
        return None, reason, False, obs
    obs = yield from visit(ctx, obs, found.joints, found.stops)
    none = np.zeros(0)
    obs = yield Targets(joints=np.zeros(0, np.intp), q=none, v=none, say=" ".join(_OFFER))
    obs = yield from delivery.watch(obs, person)
    felt, q = Felt(ctx, found.hand.arm, found.joints), obs.commanded()[0][found.joints]
    start_ns = pulled_ns = obs.now_ns
    while obs.now_ns - start_ns < _WAIT_S * 1e9:
        change = felt.change(obs)
        if obs.now_ns - start_ns < _SETTLE_S * 1e9:
            felt.zero()
        if max(float(change[2]), float(change[0])) < _PULLED_N:
            pulled_ns = obs.now_ns
        if obs.now_ns - pulled_ns > _PULLED_S * 1e9:
            return found, "", True, obs
        if delivery.palm(obs, person) is not None:
            nearer, reason, obs = yield from delivery.to_hand(obs, person)
            return nearer, "not_taken" if reason == "no_hand" else reason, False, obs
        obs = yield Targets(joints=found.joints, q=q, v=np.zeros(len(q)))
    return None, "not_taken", False, obs


def _lower(ctx: Context, obs: Observation, found: Bringing
           ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Lower the thing until it is felt to rest on something; without that, lift it again and return a reason."""
    joints, down = found.joints, found.at - found.over
    felt = Felt(ctx, found.hand.arm, joints)
    start_ns = obs.now_ns
    while obs.now_ns - start_ns < _SETTLE_S * 1e9:
        felt.change(obs)
        felt.zero()
        obs = yield Targets(joints=joints, q=found.over, v=np.zeros(len(joints)))
    rate, share = _LOWERING / OVER_M, 0.0
    while share < 1.0 + _DEEPER_M / OVER_M:
        if float(felt.change(obs)[2]) > _RESTS_N:
            q = obs.commanded()[0][joints]
            return "", (yield from hold(obs, joints, q, 0.2))
        # From what the gate let through, so that nothing jumps ahead where it slows the arm down.
        share = float((obs.commanded()[0][joints] - found.over) @ down / (down @ down)) + rate * 1e-9 * ctx.lead_ns
        obs = yield Targets(joints=joints, q=clipped(ctx, joints, found.over + share * down), v=rate * down)
    return "withdrawn", (yield from move_to(ctx, obs, joints, found.over, share=SLOW))


def _let_go(ctx: Context, obs: Observation, hand: Hand, found: Bringing) -> Skill:
    """Open the hand where it is and draw it back; judged by what its pads feel."""
    obs = yield from open_hand(ctx, obs, hand, hand.opening)
    ctx.held.pop(hand.arm.name, None)
    figures = _figures(hand, obs)
    obs = yield from move_to(ctx, obs, found.joints, _back(ctx, obs, found), share=SLOW)
    is_free = not hand.holds(obs)
    return Outcome(ok=is_free, reason="done" if is_free else "not_reached", figures=figures)


def _back(ctx: Context, obs: Observation, found: Bringing) -> Array:
    """Return where the hand draws back to from where it is: as from the planned place."""
    return clipped(ctx, found.joints, obs.commanded()[0][found.joints] + found.back - found.at)


def _figures(hand: Hand, obs: Observation) -> dict[str, float]:
    forces = hand.forces(obs)
    return {} if forces is None else {"force_n": float(forces.max())}
