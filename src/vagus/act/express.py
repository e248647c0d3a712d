"""Express an emotion: facial action units rise, stay, and ease back to neutral.

Source of the prototypes: Friesen & Ekman, "EMFACS-7: Emotional Facial Action Coding System", 1983; Ekman, Friesen,
Hager, "Facial Action Coding System: Investigator's Guide", 2002. Intensities are ours. Lowering the brow (AU 4) in fear
is halved: one motor per brow cannot raise and knit at once.
"""

import numpy as np

from vagus.act.motion import clipped, error, hold, is_there, move_to
from vagus.act.skill import Args, Array, Context, Indices, Observation, Outcome, Skill
from vagus.core.robot import RobotSpec

PROTOTYPES: dict[str, dict[int, float]] = {
    "happy": {6: 0.8, 12: 1.0},
    "sad": {1: 1.0, 4: 0.7, 15: 1.0},
    "surprised": {1: 1.0, 2: 1.0, 5: 0.8, 26: 0.8},
    "angry": {4: 1.0, 5: 0.6, 7: 0.8, 23: 0.7},
    "afraid": {1: 1.0, 2: 0.8, 4: 0.5, 5: 1.0, 20: 0.8, 26: 0.5},
    "neutral": {},
}
"""Emotion → {action unit: intensity, 0 to 1}."""

_HOLD_S = 3.0
_SHARE = 0.3  # of the face's largest speed: an expression that snaps on looks like a mask


def face_joints(spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    """Return the joints that any action unit moves, in the spec's order."""
    moved = {j for moves in (spec.face.action_units.values() if spec.face else ()) for j in moves}
    return tuple(name for name in spec.joint_names if name in moved)


def lacks_face(spec: RobotSpec) -> str | None:
    """Say that a robot has no face."""
    return None if face_joints(spec, {}) else "a face"


def apex(ctx: Context, joints: Indices, units: dict[int, float]) -> Array:
    """Return joint positions with these action units shown, shape (k,): home plus their displacements, within limits.

    Units that this face does not have are left out.
    """
    q = ctx.kinematics.home.copy()
    units_here = ctx.spec.face.action_units if ctx.spec.face else {}
    for unit, intensity in units.items():
        for joint, displacement in units_here.get(unit, {}).items():
            q[ctx.spec.joint_index(joint)] += intensity * displacement
    return clipped(ctx, joints, q[joints])


def express(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Rise to the apex, hold it, return to neutral; succeeds when the face was measured at the apex."""
    joints = ctx.indices(face_joints(ctx.spec, args))
    units = PROTOTYPES[str(args["emotion"])]
    neutral = ctx.kinematics.home[joints]
    goal = apex(ctx, joints, units)
    if units and np.array_equal(goal, neutral):
        return Outcome(ok=False, reason="face_too_simple")
    obs = yield from move_to(ctx, obs, joints, goal, share=_SHARE)
    shown, off_by = is_there(ctx, obs, joints, goal), error(obs, joints, goal)
    if units:
        obs = yield from hold(obs, joints, goal, _HOLD_S)
        yield from move_to(ctx, obs, joints, neutral, share=_SHARE)
    return Outcome(ok=shown, reason="done" if shown else "not_reached", figures={"error": off_by})
