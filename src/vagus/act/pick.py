"""Pick a thing up: go where an arm reaches it, look again, take it, lift it, and feel it between the fingers.

The thing and its surroundings are where perception saw them; the grasp is committed from there on, guarded by touch.
"""

import math
from collections.abc import Generator

import numpy as np

from vagus.act.approach import approach, tuck
from vagus.act.express import face_joints
from vagus.act.grasp_plan import STEPS, GraspPlan, GraspSearch
from vagus.act.hand import SLOW, Hand, close_hand, open_hand
from vagus.act.motion import move_to, spread, visit
from vagus.act.scene import base_pose, find_again, find_thing, level_pose, solids, thing_in
from vagus.act.skill import Args, Array, Context, Held, Observation, Outcome, Skill, Targets
from vagus.core.frames import invert
from vagus.core.robot import ArmSpec, RobotSpec
from vagus.core.things import Thing

_STOLEN_M = 0.012
"""Fingers that close by this much more than the thing is wide have lost it [m]."""
_APPROACHES = 3
"""How often it drives up to a thing: driving ends some centimetres off, and a nearer look may show more."""


def pick_joints(spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    """Return all but the face: which arm it takes, and whether it must drive, is known once it looks."""
    return tuple(name for name in spec.joint_names if name not in face_joints(spec, {}))


def lacks_hand(spec: RobotSpec) -> str | None:
    """Say that a robot has nothing to grasp with, or does not see."""
    if not any(arm.can_grasp for arm in spec.arms):
        return "a gripper whose opening is known"
    return None if spec.cameras else "a camera"


def pick(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Pick up the thing of that number; succeeds when the lifted hand still feels it between its fingers."""
    thing = find_thing(obs, int(args["thing"]))
    if thing is None:
        return Outcome(ok=False, reason="not_seen")
    found, obs = yield from _search(ctx, obs, thing)
    for _ in range(_APPROACHES if found is None and ctx.spec.base else 0):
        reason, obs = yield from tuck(ctx, obs)
        if not reason:
            reason, obs = yield from approach(ctx, obs, thing, lambda o, t, X, q: planned(ctx, o, t, X, q, n_arms=1))
        seen = find_again(obs, thing)
        if reason or seen is None:
            return Outcome(ok=False, reason=reason or "not_seen")
        thing = seen
        found, obs = yield from _search(ctx, obs, thing)
        if found is not None:
            break
    if found is None:
        return Outcome(ok=False, reason="out_of_reach")
    return (yield from _take(ctx, obs, found, thing))


def _search(ctx: Context, obs: Observation, thing: Thing
            ) -> Generator[Targets | None, Observation, tuple[GraspPlan | None, Observation]]:  # fmt: skip
    search = planned(ctx, obs, thing, base_pose(obs), obs.commanded()[0])
    return (yield from spread(search, obs, per_tick=STEPS))


def planned(ctx: Context, obs: Observation, thing: Thing, X_WB: Array, q: Array, n_arms: int = 2
            ) -> Generator[None, None, GraspPlan | None]:  # fmt: skip
    """Search a grasp of a thing by the nearest arms, with the base at X_WB and all joints at rest at ``q``."""
    target = thing_in(thing, invert(X_WB))
    others = solids(obs, X_WB, but=thing.id)
    arms = [arm for arm in ctx.spec.arms if arm.can_grasp]
    for arm in sorted(arms, key=lambda a: _distance(ctx, a, q, target))[:n_arms]:
        found = yield from GraspSearch(ctx, arm, q, np.zeros(len(q))).run(target, others)
        if found is not None:
            return found
    return None


def _distance(ctx: Context, arm: ArmSpec, q: Array, thing: Thing) -> float:
    return float(np.linalg.norm(ctx.kinematics.anchor(q, arm.joints[0])[:2] - thing.centre[:2]))


def _take(ctx: Context, obs: Observation, found: GraspPlan, thing: Thing) -> Skill:
    """Go there, close, lift; judged by what the hand feels."""
    hand, joints = found.hand, found.joints
    obs = yield from open_hand(ctx, obs, hand, hand.opening)
    obs = yield from visit(ctx, obs, joints, found.stops)
    obs = yield from move_to(ctx, obs, joints, found.at, share=SLOW)
    obs = yield from close_hand(ctx, obs, hand)
    if not hand.holds(obs):
        figures = felt(hand, obs)
        obs = yield from open_hand(ctx, obs, hand, hand.opening)
        yield from move_to(ctx, obs, joints, found.before, share=SLOW)
        return Outcome(ok=False, reason="missed", figures=figures)
    ctx.held[hand.arm.name] = _held(ctx, obs, hand, thing)
    obs = yield from move_to(ctx, obs, joints, found.lifted, share=SLOW)
    figures = felt(hand, obs)
    is_kept = hand.holds(obs) and figures["width_m"] > found.width - _STOLEN_M
    if not is_kept:
        ctx.held.pop(hand.arm.name, None)
    return Outcome(ok=is_kept, reason="done" if is_kept else "lost_it", figures=figures)


def _held(ctx: Context, obs: Observation, hand: Hand, thing: Thing) -> Held:
    """Return what the hand has closed on, by where the tip is and where the thing was seen."""
    X_BT = ctx.kinematics.pose_of(obs.commanded()[0], hand.arm.tip)
    X_WB = base_pose(obs)
    seen = thing_in(thing, invert(X_WB))
    yaw = math.atan2(float(X_BT[1, 2]), float(X_BT[0, 2]))
    X_BF = level_pose(float(seen.centre[0]), float(seen.centre[1]), yaw)
    X_BF[2, 3] = seen.foot
    return Held(thing=thing, X_WF=X_WB @ X_BF, X_FT=invert(X_BF) @ X_BT)


def felt(hand: Hand, obs: Observation) -> dict[str, float]:
    """Return the fingers' distance [m] and the least force on a pad [N]; NaN where nothing was measured."""
    width, forces = hand.width(obs), hand.forces(obs)
    return {"width_m": math.nan if width is None else width,
            "force_n": math.nan if forces is None else float(forces.min())}  # fmt: skip
