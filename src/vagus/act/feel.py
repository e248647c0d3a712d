"""What pulls or pushes at a hand, from the efforts of the joints that carry it, less what gravity explains.

A rough sense: motors are not torque sensors. Changes over a second or two are told, not absolute forces.
"""

import mujoco
import numpy as np

from vagus.act.kinematics import Kinematics
from vagus.act.skill import Array, Context, Indices, Observation
from vagus.core.robot import ArmSpec

_SMOOTH = 0.15
"""Share of a new reading in the mean: a tenth of a second at 100 Hz."""


def tip_force(ctx: Context, obs: Observation, arm: ArmSpec, joints: Indices) -> Array | None:
    """Return the force on an arm's tip from outside, in the base frame [N], shape (3,); None without readings.

    The least-squares force at the tip that explains the efforts of ``joints`` [N m or N], each in shares of what its
    motor can do. What the hand holds pulls it down by its weight.
    """
    state = obs.joint_state
    if state is None or not bool(np.all(state["valid"][joints])):
        return None
    q = np.where(state["valid"] != 0, state["q"], obs.commanded()[0])
    outside = _gravity(ctx.kinematics, q)[joints] - state["effort"][joints]
    share = 1.0 / ctx.spec.array("effort_max")[joints]
    J = ctx.kinematics.jacobian(q, arm.tip)[:, joints]
    force = np.linalg.lstsq((J * share).T, outside * share, rcond=None)[0]
    return np.asarray(force, np.float64)


def _gravity(kinematics: Kinematics, q: Array) -> Array:
    """Return the joint efforts that hold the empty robot against gravity, shape (n_joints,) [N m or N]."""
    kinematics.pose(q)
    model, data = kinematics.model, kinematics.data
    bias = np.zeros(model.nv)
    data.qvel[:] = 0.0
    mujoco.mj_rne(model, data, 0, bias)
    if model.ngravcomp:
        mujoco.mj_passive(model, data)
        bias -= data.qfrc_gravcomp
    return bias @ kinematics.articulation.dof_map


class Felt:
    """How the force on a tip changes, smoothed."""

    def __init__(self, ctx: Context, arm: ArmSpec, joints: Indices) -> None:
        self._ctx, self._arm, self._joints = ctx, arm, joints
        self._mean: Array | None = None
        self._zero = np.zeros(3)

    def zero(self) -> None:
        """Count changes from what is felt now."""
        self._zero = np.zeros(3) if self._mean is None else self._mean

    def change(self, obs: Observation) -> Array:
        """Take in an observation; return the change [N] in the base frame, shape (3,)."""
        force = tip_force(self._ctx, obs, self._arm, self._joints)
        if force is not None:
            self._mean = force if self._mean is None else self._mean + _SMOOTH * (force - self._mean)
        return np.zeros(3) if self._mean is None else self._mean - self._zero
