"""Look alive: blink now and then. It never ends by itself.

The brain starts it as a skill like any other, under its own lease, when nothing has been asked for a while; a skill
that wants the face replaces it.
"""

from vagus.act.express import apex, face_joints
from vagus.act.motion import hold, move_to
from vagus.act.skill import Args, Context, Observation, Skill
from vagus.core.robot import RobotSpec

BLINKS = (45, 43)
"""Facial action units that blink: a blink, or eyes closed for as short."""
_PAUSE_S = (2.0, 6.0)  # people at rest blink about 17 times a minute (Bentivoglio et al. 1997)


def lacks_lids(spec: RobotSpec) -> str | None:
    """Say that a robot cannot blink."""
    return None if spec.face and set(BLINKS) & set(spec.face.action_units) else "eyelids"


def alive(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Blink at random intervals until ended from outside."""
    joints = ctx.indices(face_joints(ctx.spec, args))
    neutral = ctx.kinematics.home[joints]
    units = ctx.spec.face.action_units if ctx.spec.face else {}
    closed = apex(ctx, joints, {next(unit for unit in BLINKS if unit in units): 1.0})
    obs = yield from move_to(ctx, obs, joints, neutral)
    while True:
        obs = yield from hold(obs, joints, neutral, float(ctx.rng.uniform(*_PAUSE_S)))
        obs = yield from move_to(ctx, obs, joints, closed, share=0.9, settle_s=0.0)
        obs = yield from move_to(ctx, obs, joints, neutral, share=0.9, settle_s=0.0)
