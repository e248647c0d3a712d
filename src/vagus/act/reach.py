"""Inverse kinematics: joint positions that bring an arm's tip somewhere, by mink.

Differential inverse kinematics iterated from several starts until it settles, with joint limits, a step limit and
self-collision avoidance. It plans no path: see ``vagus.act.motion``.
"""

import copy
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import mink
import mujoco
import numpy as np
from mink.tasks import BaseTask
from numpy.typing import NDArray

from vagus.act.kinematics import MARGIN, Kinematics
from vagus.act.surroundings import Skin, Surroundings
from vagus.core.errors import CommandError
from vagus.core.frames import invert, transform
from vagus.core.robot import ArmSpec

Array = NDArray[np.float64]

_STEP_S = 0.1  # mink's dt: only scales its speeds
_STEP_MAX = 0.3  # largest joint step per iteration [rad or m]: the linearisation holds that far
_ITERATIONS = 60  # per start; the test models settle within 30
_STALLED_FOR, _STALLED = 4, 0.95
"""Who is no nearer to the goal than this share of where it was so many iterations ago gets no nearer: of 1,800 reaches,
those that failed stood still from the eighth iteration on, and 99 % of the others were there by the twelfth."""
_COLLISION_GAIN = 0.85  # share of the free distance that one step may use (mink's own default)
_KEPT = 0.5
"""Share of the distance to be kept that a solution must have kept: the linearisation cuts corners."""
_BACK_OFF = 0.02
"""Who is too near goes off by at most this per iteration [m]."""
_AVOID_FROM = 0.10  # pairs farther apart than this do not constrain a step [m]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Avoid:
    """What some parts of the robot keep away from on the way."""

    skin: Skin
    around: Surroundings
    """In the base frame."""
    which: NDArray[np.bool_]
    """The balls of the skin that keep away, shape (n,)."""
    keep: float
    """How far [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Where an arm's tip shall be."""

    arm: ArmSpec
    position: Array
    """p_BT: tip position in the base frame [m], shape (3,)."""
    axis: Array | None = None
    """Direction of the tip's z axis in the base frame, shape (3,); None leaves it free."""
    rotation: Array | None = None
    """R_BT: full orientation of the tip in the base frame, shape (3, 3); None leaves it free."""
    position_tolerance: float = 0.005
    """[m]"""
    angle_tolerance: float = 0.05
    """Of the axis or the orientation [rad]."""
    avoid: tuple[Avoid, ...] = ()
    stays_near_start: bool = False
    """What the goal leaves free stays as at the start, rather than as at home."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """What inverse kinematics found: ``q`` is None when nothing was within tolerance; the errors are the best ones."""

    q: Array | None
    """Joint positions, shape (n_joints,); joints outside the arm as at the first start."""
    position_error: float
    """[m]"""
    angle_error: float
    """[rad]"""


def solve(kinematics: Kinematics, reach: Reach, starts: Sequence[Array]) -> Reached:
    """Run ``solving`` to its end."""
    steps = solving(kinematics, reach, starts)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def solving(kinematics: Kinematics, reach: Reach, starts: Sequence[Array]) -> Generator[None, None, Reached]:
    """Search from each start in turn; yields after every iteration, so that a caller with a deadline can spread it.

    Args:
        kinematics: The robot.
        reach: The goal.
        starts: Joint positions to start from, each of shape (n_joints,); the first also says where the rest stays.

    Returns:
        The first solution within tolerance, within limits and free of collision; else the smallest errors met.

    Raises:
        CommandError: No start was given.
    """
    if not starts:
        raise CommandError("starts: got none, allowed: at least one")
    best = Reached(q=None, position_error=np.inf, angle_error=np.inf)
    for start in starts:
        iteration = _Iteration(kinematics, reach, fixed=starts[0], start=start)
        for _ in range(_ITERATIONS):
            is_settled = iteration.step()
            yield
            if is_settled:
                break
        found = iteration.result()
        if found.q is not None:
            return found
        if found.position_error + found.angle_error < best.position_error + best.angle_error:
            best = found
    return best


class _Iteration:
    """One run of differential inverse kinematics."""

    def __init__(self, kinematics: Kinematics, reach: Reach, *, fixed: Array, start: Array) -> None:
        self._kinematics, self._reach = kinematics, reach
        model = kinematics.model
        self._joints = [kinematics.spec.joint_index(j) for j in reach.arm.joints]
        q = fixed.copy()
        q[self._joints] = start[self._joints]
        low, high = kinematics.low[self._joints], kinematics.high[self._joints]
        q[self._joints] = np.clip(q[self._joints], low, high)
        self._configuration = mink.Configuration(model, kinematics.articulation.qpos(q))
        self._q = q
        dofs = [int(kinematics.articulation.dof_index[j]) for j in self._joints]
        frozen = sorted(set(range(model.nv)) - set(dofs))
        self._constraints = [mink.DofFreezingTask(model, frozen)] if frozen else []
        self._tip, self._tasks = self._make_tasks()
        self._limits = [*_own_limits(kinematics, reach.arm.joints), *(_AwayLimit(kinematics, a) for a in reach.avoid)]
        self._misses: list[float] = []
        """How far the tip has been from its goal, with turns weighed as in its task [m]."""

    def _make_tasks(self) -> tuple[mink.FrameTask, list[BaseTask]]:
        reach, kinematics = self._reach, self._kinematics
        kinematics.pose(self._q)
        X_WB = kinematics.base_pose()
        turn = 0.0 if reach.rotation is None else 0.3  # metres per radian: a hand's length, to weigh turns like moves
        tip = mink.FrameTask(reach.arm.tip, "site", position_cost=1.0, orientation_cost=turn, lm_damping=1e-3)
        rotation = np.eye(3) if reach.rotation is None else X_WB[:3, :3] @ reach.rotation
        tip.set_target(mink.SE3.from_rotation_and_translation(
            mink.SO3.from_matrix(rotation), transform(X_WB, reach.position)))  # fmt: skip
        posture = mink.PostureTask(kinematics.model, cost=1e-3)  # settles what the tip leaves free
        posture.set_target(kinematics.articulation.qpos(self._q if reach.stays_near_start else kinematics.home))
        tasks: list[BaseTask] = [tip, posture]
        if reach.axis is not None:
            axis = mink.AxisAlignTask(reach.arm.tip, "site", axis=(0.0, 0.0, 1.0), cost=0.3, lm_damping=1e-3)
            axis.set_target(X_WB[:3, :3] @ reach.axis)
            tasks.append(axis)
        return tip, tasks

    def step(self) -> bool:
        """Do one iteration; True when it no longer moves, gets no nearer, or mink finds no step."""
        try:
            v = mink.solve_ik(
                self._configuration, self._tasks, _STEP_S, "daqp", 1e-6, limits=self._limits,
                constraints=self._constraints)  # fmt: skip
        except mink.NoSolutionFound:
            return True
        self._configuration.integrate_inplace(v, _STEP_S)
        return float(np.abs(v).max()) * _STEP_S < 1e-4 or self._is_stalled()

    def _is_stalled(self) -> bool:
        self._misses.append(float(np.linalg.norm(self._tip.compute_error(self._configuration) * self._tip.cost)))
        if len(self._misses) <= _STALLED_FOR or self._misses[-1] <= self._reach.position_tolerance:
            return False
        return self._misses[-1] > _STALLED * self._misses[-1 - _STALLED_FOR]

    def result(self) -> Reached:
        """Judge where the iteration ended, by our own kinematics."""
        reach, kinematics = self._reach, self._kinematics
        q = self._q.copy()
        q[self._joints] = self._configuration.q[kinematics.articulation.qpos_index[self._joints]]
        low, high = kinematics.low[self._joints], kinematics.high[self._joints]
        q[self._joints] = np.clip(q[self._joints], low, high)
        X_BT = kinematics.pose_of(q, reach.arm.tip)
        position_error = float(np.linalg.norm(X_BT[:3, 3] - reach.position))
        angle_error = _angle_error(reach, X_BT)
        is_good = position_error <= reach.position_tolerance and angle_error <= reach.angle_tolerance
        is_good = is_good and all(a.skin.clearance(q, a.around, a.which) >= _KEPT * a.keep for a in reach.avoid)
        if is_good and not kinematics.is_in_collision(q, 0.5 * MARGIN):
            return Reached(q=q, position_error=position_error, angle_error=angle_error)
        return Reached(q=None, position_error=position_error, angle_error=angle_error)


@lru_cache(maxsize=16)
def _own_limits(kinematics: Kinematics, joints: tuple[str, ...]) -> list[mink.Limit]:
    """Return what limits these joints wherever the robot is: their ranges, a step, and the robot itself."""
    model = kinematics.model
    indices = [kinematics.spec.joint_index(j) for j in joints]
    limits: list[mink.Limit] = [_position_limit(kinematics, joints)]
    limits.append(mink.VelocityLimit(model, dict.fromkeys(joints, _STEP_MAX / _STEP_S)))
    moves = kinematics.articulation.body_moves()[:, indices][model.geom_bodyid]
    pairs = [([a], [b]) for a, b in kinematics.pairs.tolist() if np.any(moves[a] != moves[b])]
    if pairs:
        # mink 1.3 returns this limit as a speed where its others return a step: hence gain * dt.
        limits.append(mink.CollisionAvoidanceLimit(
            model, pairs, gain=_COLLISION_GAIN * _STEP_S, minimum_distance_from_collisions=MARGIN,
            collision_detection_distance=_AVOID_FROM))  # fmt: skip
    return limits


def _position_limit(kinematics: Kinematics, joints: tuple[str, ...]) -> mink.ConfigurationLimit:
    """Limit these joints alone: one that is frozen beyond its limits would leave no solution."""
    model = copy.copy(kinematics.model)
    model.jnt_limited[:] = 0
    for name in joints:
        index, joint = model.joint(name).id, kinematics.spec.joint_index(name)
        model.jnt_limited[index] = 1
        model.jnt_range[index] = (kinematics.low[joint], kinematics.high[joint])
    return mink.ConfigurationLimit(model)


class _AwayLimit(mink.Limit):
    """Keeps parts of the robot away from what stands around it."""

    def __init__(self, kinematics: Kinematics, avoid: Avoid) -> None:
        self._kinematics, self._avoid = kinematics, avoid
        kinematics.pose(kinematics.home)
        self._X_WB = kinematics.base_pose()

    def compute_qp_inequalities(self, configuration: mink.Configuration, dt: float) -> mink.Constraint:
        """Return G, h with G dq <= h: nobody uses up more than a share of what is left, and who is too near goes off.

        Source: Kanehiro et al., "A local collision avoidance method for non-strictly convex polyhedra",
        RSS 2008, eq. 3.
        """
        avoid, model, data = self._avoid, configuration.model, configuration.data
        body, points = avoid.skin.body[avoid.which], avoid.skin.at(data)[avoid.which]
        distance, normal = avoid.around.nearest(transform(invert(self._X_WB), points))
        gap = distance - avoid.skin.radius[avoid.which] - avoid.keep
        near = np.flatnonzero(gap < _AVOID_FROM)
        G, J = np.zeros((len(near), model.nv)), np.zeros((3, model.nv))
        for row, k in enumerate(near):
            mujoco.mj_jac(model, data, J, None, points[k], int(body[k]))
            G[row] = -(self._X_WB[:3, :3] @ normal[k]) @ J
        h = np.where(gap[near] > 0.0, _COLLISION_GAIN * gap[near], np.maximum(0.5 * gap[near], -_BACK_OFF))
        return mink.Constraint(G=G, h=h) if len(near) else mink.Constraint()


def _angle_error(reach: Reach, X_BT: Array) -> float:
    if reach.rotation is not None:
        cosine = 0.5 * (float(np.trace(X_BT[:3, :3].T @ reach.rotation)) - 1.0)
        return float(np.arccos(np.clip(cosine, -1.0, 1.0)))
    if reach.axis is not None:
        return angle_between(X_BT[:3, 2], reach.axis)
    return 0.0


def angle_between(a: Array, b: Array) -> float:
    """Return the angle between two directions [rad], neither of which need be unit."""
    return float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))
