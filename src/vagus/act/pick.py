"""Pick a thing up: go where an arm reaches it, look again, take it, lift it, and feel it between the fingers.

The thing and its surroundings are where perception saw them; the grasp is committed from there on, guarded by touch.
"""

import math
from collections.abc import Callable, Generator

import numpy as np

from vagus.act.approach import approach, look_at, tuck
from vagus.act.express import face_joints
from vagus.act.grasp_plan import STEPS, GraspPlan, GraspSearch
from vagus.act.hand import SLOW, Hand, close_hand, open_hand
from vagus.act.load import while_held
from vagus.act.motion import is_there, move_to, spread, unless, visit
from vagus.act.scene import base_pose, find_again, find_thing, level_pose, past_body, past_hands, solids, thing_in
from vagus.act.skill import Args, Array, Context, Held, Observation, Outcome, Skill, Targets
from vagus.core.frames import invert
from vagus.core.robot import ArmSpec, RobotSpec
from vagus.core.things import Thing

_STOLEN_M = 0.012
"""Fingers that close by this much more on the way up have lost it [m]."""
_AGAIN = ("missed", "lost_it", "moved", "bumped")
"""How a try may end after which there is another,"""
_ABOUT_M = 0.30
"""if it is then seen at most so far from where it was [m]."""
_MOVED_M = 0.02
"""What is seen farther from where it was has moved [m]: perception's p95 error is 9 mm."""
_HIDES_M = 0.20
"""A hand that is nearer to a thing than this [m] may hide part of it from the camera."""
_BUMP_N, _BUMP_NS = 3.0, 100_000_000
"""A finger that is pressed by more than this [N] for so long [ns] before the hand closes has run into something that
does not give way: a light thing does, and then settles between the fingers."""
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
    """Pick up the thing of that number; succeeds when the lifted hand still feels it between its fingers.

    What went wrong at the thing itself is tried once more if it is still seen about there.
    """
    thing = find_thing(obs, int(args["thing"]))
    if thing is None:
        return Outcome(ok=False, reason="not_seen")
    outcome, thing, obs = yield from _try(ctx, obs, thing)
    if outcome.reason not in _AGAIN:
        return outcome
    start_ns = obs.now_ns
    obs = yield from look_at(ctx, obs, thing)
    seen = find_again(obs, thing)
    if seen is None or seen.seen_ns <= start_ns or np.linalg.norm(seen.centre - thing.centre) > _ABOUT_M:
        return outcome
    return (yield from _try(ctx, obs, seen))[0]


def _try(ctx: Context, obs: Observation, thing: Thing
         ) -> Generator[Targets | None, Observation, tuple[Outcome, Thing, Observation]]:  # fmt: skip
    """Go where it can be taken, and take it; return how that ended, and the thing as it was seen last."""
    found, thing, obs = yield from _go_to(ctx, obs, thing)
    if isinstance(found, str):
        return Outcome(ok=False, reason=found), thing, obs
    outcome, obs = yield from _take(ctx, obs, found, thing)
    return outcome, thing, obs


def _go_to(ctx: Context, obs: Observation, thing: Thing
           ) -> Generator[Targets | None, Observation, tuple[GraspPlan | str, Thing, Observation]]:  # fmt: skip
    """Search a grasp from here, else from where it drives to; return it, or why there is none."""
    found, obs = yield from _search(ctx, obs, thing)
    for _ in range(_APPROACHES if found is None and ctx.spec.base else 0):
        reason, obs = yield from tuck(ctx, obs)
        if not reason:
            reason, obs = yield from approach(ctx, obs, thing, lambda o, t, X, q: planned(ctx, o, t, X, q, n_arms=1))
        if reason not in ("", "blocked"):  # where something is in the way now, there may be another way
            return reason, thing, obs
        seen = find_again(obs, thing)
        if seen is None:
            return "not_seen", thing, obs
        thing = seen
        found, obs = yield from _search(ctx, obs, thing)
        if found is not None:
            break
    return found or "out_of_reach", thing, obs


def _search(ctx: Context, obs: Observation, thing: Thing
            ) -> Generator[Targets | None, Observation, tuple[GraspPlan | None, Observation]]:  # fmt: skip
    search = planned(ctx, past_body(ctx, obs), thing, base_pose(obs), obs.commanded()[0])
    return (yield from spread(search, obs, per_tick=STEPS))


def planned(ctx: Context, obs: Observation, thing: Thing, X_WB: Array, q: Array, n_arms: int = 2
            ) -> Generator[None, None, GraspPlan | None]:  # fmt: skip
    """Search a grasp of a thing by the nearest arms, with the base at X_WB and all joints at rest at ``q``."""
    target = thing_in(thing, invert(X_WB))
    others = solids(past_hands(ctx, obs), X_WB, but=thing.id)
    arms = [arm for arm in ctx.spec.arms if arm.can_grasp and arm.name not in ctx.held]
    for arm in sorted(arms, key=lambda a: _distance(ctx, a, q, target))[:n_arms]:
        found = yield from GraspSearch(ctx, arm, q, np.zeros(len(q))).run(target, others)
        if found is not None:
            return found
    return None


def _distance(ctx: Context, arm: ArmSpec, q: Array, thing: Thing) -> float:
    return float(np.linalg.norm(ctx.kinematics.anchor(q, arm.joints[0])[:2] - thing.centre[:2]))


def _take(ctx: Context, obs: Observation, found: GraspPlan, thing: Thing
          ) -> Generator[Targets | None, Observation, tuple[Outcome, Observation]]:  # fmt: skip
    """Go there, close, lift; judged by what the hand feels. What goes wrong opens the hand and draws it back."""
    hand, joints, start = found.hand, found.joints, obs.commanded()[0][found.joints]
    obs = yield from open_hand(ctx, obs, hand, hand.opening)
    reason, obs = yield from unless(_has_moved(ctx, obs, found, thing), visit(ctx, obs, joints, found.stops), obs)
    if reason:
        obs = yield from move_to(ctx, obs, joints, start)
        return Outcome(ok=False, reason=reason), obs
    reason, obs = yield from unless(_bumps(hand), move_to(ctx, obs, joints, found.at, share=SLOW), obs)
    if not reason:
        reason, obs = yield from _grip(ctx, obs, found, thing)
    figures = felt(hand, obs)
    if reason != "done":
        ctx.held.pop(hand.arm.name, None)
        obs = yield from open_hand(ctx, obs, hand, hand.opening)
        obs = yield from move_to(ctx, obs, joints, found.before, share=SLOW)
    return Outcome(ok=reason == "done", reason=reason, figures=figures), obs


def _grip(ctx: Context, obs: Observation, found: GraspPlan, thing: Thing
          ) -> Generator[Targets | None, Observation, tuple[str, Observation]]:  # fmt: skip
    """Close the hand and lift; return "done", or why not."""
    hand = found.hand
    if not is_there(ctx, obs, found.joints, found.at):
        return "not_reached", obs
    obs = yield from close_hand(ctx, obs, hand)
    if not hand.holds(obs):
        return "missed", obs
    ctx.held[hand.arm.name] = _held(ctx, obs, hand, thing)
    width = felt(hand, obs)["width_m"]  # of what is between the fingers: of a bottle perhaps its neck
    lift = move_to(ctx, obs, found.joints, found.lifted, share=SLOW)
    lifted, obs = yield from while_held(hand, lift, obs)
    is_kept = lifted is not None and felt(hand, obs)["width_m"] > width - _STOLEN_M
    return "done" if is_kept else "lost_it", obs


def _has_moved(ctx: Context, obs: Observation, found: GraspPlan, thing: Thing) -> Callable[[Observation], str]:
    """Return an alarm: it was seen since, elsewhere, or is known no more, and the hand is not before the camera yet."""
    start_ns, tip = obs.now_ns, found.hand.arm.tip

    def alarm(obs: Observation) -> str:
        seen = find_again(obs, thing)
        if seen is not None and seen.seen_ns <= start_ns:
            return ""
        X_WT = base_pose(obs) @ ctx.kinematics.pose_of(obs.commanded()[0], tip)
        if np.linalg.norm(X_WT[:3, 3] - thing.centre) < _HIDES_M:
            return ""
        return "" if seen is not None and np.linalg.norm(seen.centre - thing.centre) < _MOVED_M else "moved"

    return alarm


def _bumps(hand: Hand) -> Callable[[Observation], str]:
    """Return an alarm: a finger keeps pressing against something before the hand closes. A brush is none."""
    free_ns: int | None = None

    def alarm(obs: Observation) -> str:
        nonlocal free_ns
        forces = hand.forces(obs)
        if free_ns is None or forces is None or not bool(np.any(forces > _BUMP_N)):
            free_ns = obs.now_ns
        return "bumped" if obs.now_ns - free_ns > _BUMP_NS else ""

    return alarm


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
