"""Moves that skills share: to a joint target free of self-collision, following the gate when it slows the robot."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vagus.act.kinematics import MARGIN
from vagus.act.skill import Array, Context, Indices, Observation, Targets
from vagus.act.trajectory import JointMove, Limits

Motion = Generator[Targets | None, Observation, Observation]
"""Yields targets and returns the observation it ended with."""
T = TypeVar("T")

_TOLERANCE = {"rad": 0.05, "m": 0.01}  # what counts as there: above encoder bias and servo droop, below what one sees
_LAG_S = 0.06  # the gate's command may trail a move by this time before the move is planned anew [s]
_SETTLE_S = 1.0  # how long a servo may take to creep to the target [s]
_GATE_MARGIN = 0.006  # nearer to itself the gate moves no part of the robot, give or take a millimetre [m]
_TRIES = 2  # times that a move is taken back and begun again, each time half as fast
_AT_REST = 1e-3  # slower is at rest [unit/s]
_SAMPLE = 0.05  # largest joint step between two checks [rad or m]: 3 cm of an arm, bent by 3 mm around a head


def tolerance(ctx: Context, joints: Indices) -> Array:
    """Return how near counts as there, shape (k,) [unit]."""
    return np.array([_TOLERANCE[ctx.spec.joints[int(j)].unit] for j in joints])


def is_there(ctx: Context, obs: Observation, joints: Indices, goal: Array) -> bool:
    """Say whether the measured joints are at the goal; False without readings."""
    measured = obs.measured(joints)
    return measured is not None and bool(np.all(np.abs(measured[0] - goal) <= tolerance(ctx, joints)))


def error(obs: Observation, joints: Indices, goal: Array) -> float:
    """Return the largest measured distance from the goal [unit]; NaN without readings."""
    measured = obs.measured(joints)
    return float("nan") if measured is None else float(np.abs(measured[0] - goal).max())


def clipped(ctx: Context, joints: Indices, q: Array) -> Array:
    """Return positions within what skills plan for, a little inside the joints' limits, shape (k,)."""
    return np.clip(q, ctx.kinematics.low[joints], ctx.kinematics.high[joints])


def plan(ctx: Context, obs: Observation, joints: Indices, goal: Array,
         is_clear: Callable[[Array], bool] = lambda _q: True) -> list[Array] | None:  # fmt: skip
    """Return the positions to visit, at rest in each, so that the robot does not touch itself; None if there is no way.

    Either straight to the goal, or by way of these joints' home. Joints that others move are taken where they are now;
    ``is_clear`` says whether the robot may be at positions (n_joints,), besides not touching itself.
    """
    q, v = obs.commanded()
    return ended(first_free(ctx, q, v[joints], joints, ([goal], [ctx.kinematics.home[joints], goal]), is_clear))


def ended(search: Generator[None, None, T]) -> T:
    """Run a search to its end and return what it found."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


def first_free(
    ctx: Context, q: Array, v: Array, joints: Indices, ways: Iterable[list[Array]],
    is_clear: Callable[[Array], bool] = lambda _q: True,
) -> Generator[None, None, list[Array] | None]:  # fmt: skip
    """Search the first way whose stops can be visited one after the other; yields after every place that was checked.

    Args:
        ctx: The skill's context.
        q: Where all joints are [unit], shape (n_joints,).
        v: Velocities of those that move [unit/s], shape (k,).
        joints: Those that move.
        ways: Lists of positions of the joints that move, shape (k,) each.
        is_clear: Says whether the robot may be at positions (n_joints,), besides not touching itself.
    """
    for stops in ways:
        now, speed = q.copy(), v
        for stop in stops:
            if not (yield from _is_free(ctx, now, speed, joints, stop, is_clear)):
                break
            now[joints], speed = stop, np.zeros(len(joints))
        else:
            return stops
    return None


def _is_free(ctx: Context, q: Array, v: Array, joints: Indices, goal: Array,
             is_clear: Callable[[Array], bool]) -> Generator[None, None, bool]:  # fmt: skip
    """Say whether a move keeps its margin: of a start within it already (held so) what the gate still lets through."""
    move = JointMove(0, q[joints], v, goal, Limits.of(ctx.spec, joints))
    n = int(np.clip(np.ceil(np.abs(goal - q[joints]).max() / _SAMPLE), 4, 120))
    margin = next((m for m in (MARGIN, _GATE_MARGIN) if not ctx.kinematics.is_in_collision(q, m)), 0.0)
    full = q.copy()
    for point in move.samples(n):
        full[joints] = point
        if ctx.kinematics.is_in_collision(full, margin) or not is_clear(full):
            return False
        yield
    return True


def move_to(ctx: Context, obs: Observation, joints: Indices, goal: Array, *, share: float = 0.6,
            settle_s: float = _SETTLE_S, tries: int = _TRIES) -> Motion:  # fmt: skip
    """Move some joints to a goal and wait until they are measured there, or ``settle_s`` after the move has ended.

    Starts at the commanded state. Where the gate slows the motion down (a person is near), the move is planned anew
    from where the gate is, so that the robot never jumps ahead when the gate lets go. A gate that brakes parts of the
    robot before each other brakes every joint as it can, which bends the way, maybe to where it is shut; then the move
    is taken back and begun again at half the ``share`` of the joints' speed, ``tries`` times. Whatever else holds the
    joints there, such as a person, they go back before they go on.
    """
    limits = Limits.of(ctx.spec, joints, share)
    begun = obs.commanded()[0][joints]
    move = _start(obs, joints, goal, limits)
    while True:
        q, v = move.at(ctx.at_ns(obs))
        obs = yield Targets(joints=joints, q=q, v=v)
        if _is_lagging(obs, joints, move, limits):
            if tries and _is_shut(ctx, obs, joints):
                obs = yield from move_to(ctx, obs, joints, begun, share=0.5 * share, settle_s=0.0, tries=0)
                return (yield from move_to(ctx, obs, joints, goal, share=0.5 * share, settle_s=settle_s,
                                           tries=tries - 1))  # fmt: skip
            move = _start(obs, joints, goal, limits)
            continue
        waited_s = (obs.now_ns - move.end_ns) * 1e-9
        if waited_s >= settle_s or (waited_s >= 0.0 and is_there(ctx, obs, joints, goal)):
            return obs


def hold(obs: Observation, joints: Indices, q: Array, hold_s: float) -> Motion:
    """Stay at ``q`` (k,) for some time."""
    until_ns = obs.now_ns + round(hold_s * 1e9)
    while obs.now_ns < until_ns:
        obs = yield Targets(joints=joints, q=q, v=np.zeros(len(joints)))
    return obs


def visit(ctx: Context, obs: Observation, joints: Indices, stops: list[Array]) -> Motion:
    """Move to each stop in turn."""
    for stop in stops:
        obs = yield from move_to(ctx, obs, joints, stop)
    return obs


def unless(
    alarm: Callable[[Observation], str], steps: Motion, obs: Observation
) -> Generator[Targets | None, Observation, tuple[str, Observation]]:
    """Do the steps of a motion until they end, or an alarm gives a reason; return it, "" for none.

    The motion is left where it is: what comes next begins at the commanded velocity.
    """
    try:
        wanted = next(steps)
        while True:
            obs = yield wanted
            reason = alarm(obs)
            if reason:
                return reason, obs
            wanted = steps.send(obs)
    except StopIteration as end:
        return "", end.value
    finally:
        steps.close()


def spread(
    search: Generator[None, None, T], obs: Observation, *, per_tick: int = 6
) -> Generator[Targets | None, Observation, tuple[T, Observation]]:
    """Run a search a few steps a tick, so that skills running beside it keep their pace; return what it found."""
    while True:
        for _ in range(per_tick):
            try:
                next(search)
            except StopIteration as end:
                return end.value, obs
        obs = yield None


def _start(obs: Observation, joints: Indices, goal: Array, limits: Limits) -> JointMove:
    q, v = obs.commanded()
    return JointMove(obs.now_ns, q[joints], v[joints], goal, limits)


def _is_shut(ctx: Context, obs: Observation, joints: Indices) -> bool:
    """Say whether they rest where the gate keeps parts of the robot from each other."""
    q, v = obs.commanded()
    return bool(np.all(np.abs(v[joints]) < _AT_REST)) and ctx.kinematics.is_in_collision(q, _GATE_MARGIN)


def _is_lagging(obs: Observation, joints: Indices, move: JointMove, limits: Limits) -> bool:
    if obs.reflex is None:
        return False
    expected, _ = move.at(int(obs.reflex["stamp_ns"]))
    lag: NDArray[np.float64] = np.abs(obs.reflex["q_last"][joints] - expected)
    return bool(np.any(lag > _LAG_S * limits.speed))
