"""Wave: a hand goes up beside the head, swings from side to side, and comes home."""

import numpy as np

from vagus.act.carry import clear_of
from vagus.act.motion import clipped, move_to, plan, spread, visit
from vagus.act.point import choose_arm
from vagus.act.reach import Reach, solving
from vagus.act.skill import Args, Array, Context, Indices, Observation, Outcome, Skill
from vagus.core.robot import ArmSpec

# Where a raised hand is, seen from the shoulder, in arm lengths: forward, outward, up. Stretched ever higher until the
# arm reaches; the last fits a short arm on a table.
_RAISED = ((0.40, 0.25, 0.45), (0.45, 0.15, 0.60), (0.35, 0.35, 0.30), (0.40, 0.0, 0.50))
_UP = np.array([0.0, 0.0, 1.0])
_SWING_M = 0.10  # of the hand, to each side
_SWING_MAX = 0.5  # of the joint [rad]
_TIMES = 3
_SEEN_SHARE = 0.6  # of the swing that the encoders must have seen


def wave(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Wave three times; succeeds when the encoders saw the swings."""
    arm = choose_arm(ctx.spec, args)
    joints = ctx.indices(arm.joints)
    for offset in _RAISED:
        found, obs = yield from _raised(ctx, obs, arm, offset)
        sides = None if found.q is None else _sides(ctx, found.q, arm, joints)
        is_clear = clear_of(ctx, obs, joints)
        stops = None if found.q is None or sides is None else plan(ctx, obs, joints, found.q[joints], is_clear)
        if sides is not None and stops is not None:
            break
    else:
        return Outcome(ok=False, reason="out_of_reach")
    start = obs.commanded()[0][joints]
    obs = yield from visit(ctx, obs, joints, stops)
    swings, width = 0, float(np.abs(sides[1] - sides[0]).max())
    last = sides[0]
    for k in range(2 * _TIMES):
        obs = yield from move_to(ctx, obs, joints, sides[k % 2], share=0.8, settle_s=0.1)
        measured = obs.measured(joints)
        if k and measured is not None and np.abs(measured[0] - last).max() >= _SEEN_SHARE * width:
            swings += 1
        last = sides[k % 2] if measured is None else measured[0]
    home = plan(ctx, obs, joints, ctx.kinematics.home[joints], clear_of(ctx, obs, joints))
    yield from visit(ctx, obs, joints, home or [*stops[-2::-1], start])  # back as it came, where home is not free
    ok = swings >= 2 * _TIMES - 1
    return Outcome(ok=ok, reason="done" if ok else "not_reached", figures={"swings": float(swings)})


def _raised(ctx: Context, obs: Observation, arm: ArmSpec, offset: tuple[float, float, float]):
    q, _ = obs.commanded()
    shoulder = ctx.kinematics.anchor(q, arm.joints[1])
    outward = np.sign(shoulder[1]) if abs(shoulder[1]) > 0.01 else 0.0
    ahead, out, up = np.array(offset) * ctx.kinematics.arm_length(arm)
    reach = Reach(arm=arm, position=shoulder + np.array([ahead, out * outward, up]), axis=_UP,
                  position_tolerance=0.15, angle_tolerance=0.6)  # fmt: skip
    return spread(solving(ctx.kinematics, reach, [q, ctx.kinematics.home]), obs)


def _sides(ctx: Context, q: Array, arm: ArmSpec, joints: Indices) -> tuple[Array, Array] | None:
    """Return the two ends of the swing (k,), made by the last joint that moves the hand sideways well.

    None if an end touches something or the joint has no room.
    """
    sideways = ctx.kinematics.jacobian(q, arm.tip)[1, joints]
    strong = np.flatnonzero(np.abs(sideways) >= 0.5 * np.abs(sideways).max())
    joint = int(strong[-1])
    swing = min(_SWING_MAX, _SWING_M / max(1e-6, abs(float(sideways[joint]))))
    ends: list[Array] = []
    for side in (swing, -swing):
        end = q[joints].copy()
        end[joint] += side
        end = clipped(ctx, joints, end)
        full = q.copy()
        full[joints] = end
        if abs(end[joint] - q[joints][joint]) < _SEEN_SHARE * swing or ctx.kinematics.is_in_collision(full):
            return None
        ends.append(end)
    return ends[0], ends[1]
