"""Nod for yes, shake the head for no: three swings of one neck joint about where it is."""

import numpy as np

from vagus.act.motion import clipped, move_to
from vagus.act.skill import Args, Context, Observation, Outcome, Skill

_SWING = 0.22  # to each side [rad]: clearly a nod, small enough for any neck
_TIMES = 3
_SEEN_SHARE = 0.6  # of the swing that the encoders must have seen


def nod(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Swing the pitch joint."""
    neck = ctx.spec.neck
    return _swing(ctx, obs, neck.pitch) if neck else _none()


def shake(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Swing the yaw joint."""
    neck = ctx.spec.neck
    return _swing(ctx, obs, neck.yaw) if neck else _none()


def _swing(ctx: Context, obs: Observation, name: str) -> Skill:
    joints = ctx.indices((name,))
    low, high = ctx.kinematics.low[joints], ctx.kinematics.high[joints]
    rest = np.clip(obs.commanded()[0][joints], low + _SWING, high - _SWING)  # room for the swing on both sides
    seen: list[float] = []
    for side in (_SWING, -_SWING) * _TIMES:
        obs = yield from move_to(ctx, obs, joints, clipped(ctx, joints, rest + side), settle_s=0.2)
        measured = obs.measured(joints)
        seen.append(np.nan if measured is None else float(measured[0][0]))
    yield from move_to(ctx, obs, joints, rest)
    width = float(np.ptp(seen))
    ok = width >= _SEEN_SHARE * 2.0 * _SWING  # False for NaN
    return Outcome(ok=ok, reason="done" if ok else "not_reached", figures={"width_rad": width})


def _none() -> Skill:
    yield None
    return Outcome(ok=False, reason="out_of_reach")
