"""Go home: arms, lift and neck return to the spec's home pose. Grippers keep what they hold; wheels do not turn."""

import numpy as np

from vagus.act.carry import clear_of
from vagus.act.express import face_joints
from vagus.act.motion import error, is_there, move_to, plan, visit
from vagus.act.skill import Args, Context, Indices, Observation, Outcome, Skill
from vagus.core.robot import RobotSpec


def home_joints(spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    """Return position joints that are neither a gripper's nor the face's."""
    face = set(face_joints(spec, {}))
    grippers = {arm.gripper for arm in spec.arms}
    return tuple(j.name for j in spec.joints if j.mode == "position" and j.name not in face | grippers)


def lacks_home(spec: RobotSpec) -> str | None:
    """Only a robot with something to bring home can."""
    return None if home_joints(spec, {}) else "arms, neck or lift"


def go_home(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Bring everything home together, or, where that would touch, one group after the other."""
    joints = ctx.indices(home_joints(ctx.spec, args))
    goal = ctx.kinematics.home[joints]
    if plan(ctx, obs, joints, goal, clear_of(ctx, obs, joints)) == [goal]:
        obs = yield from move_to(ctx, obs, joints, goal)
    else:
        for part in _parts(ctx, joints):
            stops = plan(ctx, obs, part, ctx.kinematics.home[part], clear_of(ctx, obs, part))
            if stops is None:
                return Outcome(ok=False, reason="no_free_path")
            obs = yield from visit(ctx, obs, part, stops)
    there = is_there(ctx, obs, joints, goal)
    return Outcome(ok=there, reason="done" if there else "not_reached", figures={"error": error(obs, joints, goal)})


def _parts(ctx: Context, joints: Indices) -> list[Indices]:
    group = ctx.spec.group_of_joint()[joints]
    return [joints[group == g] for g in np.unique(group)]
