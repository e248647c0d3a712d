"""What a robot file lacks: its spec held against its model, and both against what Vagus does with them.

It opens no port and steps no physics. What makes a spec wrong in itself is refused when it is built, by ``core.robot``.
"""

import difflib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import mujoco
import numpy as np
from rich.table import Table

from vagus.body.imports import servo_kind
from vagus.body.robot import Robot
from vagus.core.articulation import Articulation, Shapes, planes
from vagus.core.errors import ConfigError
from vagus.core.robot import ArmSpec, BaseSpec, JointSpec, RobotSpec
from vagus.streams.table import SceneShape, stream_table
from vagus.world.simulation import Simulation

Severity = Literal["error", "warning", "info"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "info")
_STYLE = {"error": "red", "warning": "yellow", "info": "cyan"}
_TOLERANCE = 0.05
"""How far a declared length may be from the model's before it is a mistake (fraction)."""
_OVERLAP_M = 0.0005
"""Contacts deeper than this are collisions [m]; less is a joint's play."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a robot file lacks, or that its owner should know."""

    severity: Severity
    """error: it cannot run; warning: it runs, and something will surprise; info: what it cannot do, and is right to."""
    where: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Built:
    """A robot with its model compiled and posed at home."""

    spec: RobotSpec
    parts: mujoco.MjSpec
    model: mujoco.MjModel
    data: mujoco.MjData

    @property
    def known(self) -> list[JointSpec]:
        """The spec's joints that the model has."""
        names = {j.name for j in self.parts.joints}
        return [j for j in self.spec.joints if j.name in names]


_Check = Callable[[_Built], Iterator[Finding]]


def check_robot(robot: Robot) -> list[Finding]:
    """Return everything worth saying about a robot, errors first; never empty, for skills are listed."""
    found = list(_check_spec(robot.spec))
    try:
        built = _build(robot)
    except ConfigError as exc:
        found.append(_error("model", str(exc), "mend the function that the robot file gives as model"))
    else:
        for check in _MODEL_CHECKS:
            found += check(built)
        if not exit_status(found):  # what is wrong already would be told twice
            found += _check_simulation(robot)
    if robot.real is not None:
        from vagus.body.feetech.body import problems

        found += (
            _error("real", what, "mend the robot file's FeetechCfg or spec")
            for what in problems(robot.spec, robot.real)
        )
    return sorted(found, key=lambda f: _ORDER.index(f.severity))


def exit_status(findings: list[Finding]) -> int:
    """Return 1 if any finding is an error, else 0: what ``vagus check`` ends with."""
    return int(any(f.severity == "error" for f in findings))


def render_findings(findings: list[Finding]) -> Table:
    """Return the findings as a table to print with rich."""
    table = Table("", "where", "what", "fix", show_lines=True)
    for f in findings:
        table.add_row(f"[{_STYLE[f.severity]}]{f.severity}", *(x.replace("[", r"\[") for x in (f.where, f.what, f.fix)))
    return table


def _error(where: str, what: str, fix: str) -> Finding:
    return Finding(severity="error", where=where, what=what, fix=fix)


def _warning(where: str, what: str, fix: str) -> Finding:
    return Finding(severity="warning", where=where, what=what, fix=fix)


def _info(where: str, what: str, fix: str) -> Finding:
    return Finding(severity="info", where=where, what=what, fix=fix)


def _build(robot: Robot) -> _Built:
    parts = robot.build_model()
    try:
        model = parts.compile()
    except ValueError as exc:
        raise ConfigError(f"MuJoCo cannot compile it: {exc}") from exc
    data = mujoco.MjData(model)
    for joint in robot.spec.joints:
        if joint.mode == "position" and any(j.name == joint.name for j in parts.joints):
            data.joint(joint.name).qpos[:1] = joint.home
    mujoco.mj_forward(model, data)
    return _Built(robot.spec, parts, model, data)


# What the spec alone says.


def _check_spec(spec: RobotSpec) -> Iterator[Finding]:
    yield from _check_rates(spec)
    for name, has, use in (
        ("imu", spec.imu, "heading comes from the wheels alone"),
        ("lidar", spec.lidar, "it does not notice people, and the gate does not slow down near them"),
        ("touch", spec.touch, "grasps are not felt"),
        ("cameras", spec.cameras, "it sees nothing"),
    ):
        if not has:
            yield _info(f"spec.{name}", f"no {name}: {use}", f"give RobotSpec(..., {name}=...) if the robot has one")
    for skills, has, part in (
        ("wave, point", spec.arms, "arms"),
        ("look, nod", spec.neck, "neck"),
        ("drive", spec.base, "base"),
        ("express", spec.face, "face"),
    ):
        can = "it can" if has else "it cannot"
        yield _info("skills", f"{can} {skills}", "" if has else f"that takes RobotSpec(..., {part}=...)")
    unguarded = [j.name for j in spec.joints if math.isinf(j.following_error_max)]
    if unguarded:
        what = f"following error is not guarded on {', '.join(unguarded)}: a blocked joint keeps pushing"
        yield _info("joints", what, "give JointSpec(..., following_error_max=...)")


def _check_rates(spec: RobotSpec) -> Iterator[Finding]:
    tick_s, period_s = 1.0 / spec.reflex_hz, 1.0 / spec.encoder.rate_hz
    if spec.watchdog_s < 2.0 * tick_s:
        what = f"got {spec.watchdog_s:g} s, which is less than two ticks of the reflex ({2 * tick_s:g} s)"
        yield _error("spec.watchdog_s", what, "give at least two ticks, or the motors brake between commands")
    if spec.encoder.max_age_s < tick_s + period_s:
        what = f"got {spec.encoder.max_age_s:g} s; one encoder period and one tick are {tick_s + period_s:g} s already"
        yield _warning("spec.encoder.max_age_s", what, "give more, or good commands are refused as stale")
    if spec.reflex_hz > spec.encoder.rate_hz:
        what = f"got {spec.reflex_hz:g}, faster than the encoders' {spec.encoder.rate_hz:g} Hz"
        yield _warning("spec.reflex_hz", what, "make it the encoders' rate, or a divisor of it")


# What the model says of the spec's joints.


def _check_names(b: _Built) -> Iterator[Finding]:
    in_model = {j.name: j for j in b.parts.joints}
    for name in b.spec.joint_names:
        if name not in in_model:
            near = difflib.get_close_matches(name, in_model, n=3) or sorted(in_model)
            yield _error(
                f"joint {name}", f"not in the model; it has {', '.join(near) or 'no joints'}", "use one name for both"
            )
    driven = {a.target for a in b.parts.actuators}
    moving = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
    for name, joint in in_model.items():
        if joint.type in moving and name not in b.spec.joint_names and name in driven:
            yield _warning(
                f"joint {name}", "the model drives it and the spec does not name it", "add a JointSpec for it"
            )


def _check_actuators(b: _Built) -> Iterator[Finding]:
    for joint in b.known:
        where = f"joint {joint.name}"
        actuators = [a for a in b.parts.actuators if a.target == joint.name]
        if len(actuators) != 1:
            fix = f"give it one {joint.mode} actuator of the joint's name"
            yield _error(where, f"{len(actuators)} actuators drive it in the model", fix)
            continue
        actuator = actuators[0]
        kind = servo_kind(actuator) or "neither"
        if kind != joint.mode:
            yield _error(where, f"the spec says {joint.mode}, the model's actuator is {kind}", "make them the same")
        if actuator.name != joint.name:
            yield _error(where, f"its actuator is named {actuator.name!r}", f"name the actuator {joint.name!r} too")
        if actuator.gear[0] != 1.0:
            yield _error(
                where, f"its actuator has gear {actuator.gear[0]:g}", "give it gear 1: limits are the joint's own"
            )
        is_free = actuator.forcelimited == mujoco.mjtLimited.mjLIMITED_FALSE
        limit = 0.0 if is_free else float(actuator.forcerange[1])
        if limit <= 0.0:
            yield _warning(where, "its actuator has no forcerange", f"give it one of +-{joint.effort_max:g}")
        elif joint.effort_max > limit * (1.0 + 1e-6):
            what = f"effort_max {joint.effort_max:g} is above the model's forcerange {limit:g}"
            yield _warning(where, what, "the motor cannot do it: lower effort_max")


def _check_ranges(b: _Built) -> Iterator[Finding]:
    for joint in b.known:
        found = b.model.joint(joint.name)
        where = f"joint {joint.name}"
        unit = {mujoco.mjtJoint.mjJNT_HINGE: "rad", mujoco.mjtJoint.mjJNT_SLIDE: "m"}.get(
            mujoco.mjtJoint(found.type[0])
        )
        if unit != joint.unit:
            what = f"the spec's unit is {joint.unit}, the model's joint is {unit or 'free or ball'}"
            yield _error(where, what, "hinges are in rad, slides in m")
        if joint.mode != "position":
            continue
        if not found.limited[0]:
            what = "the model gives it no range"
            yield _warning(where, what, f"give it range {joint.position_min:g} {joint.position_max:g}")
            continue
        low, high = (float(x) for x in found.range)
        if joint.position_min < low - 1e-6 or joint.position_max > high + 1e-6:
            got = f"[{joint.position_min:g}, {joint.position_max:g}]"
            what = f"its range {got} is wider than the model's [{low:g}, {high:g}]"
            yield _error(where, what, "narrow the spec's range to the model's")
        if not low - 1e-6 <= joint.home <= high + 1e-6:
            yield _error(where, f"home {joint.home:g} is outside the model's [{low:g}, {high:g}]", "move home inside")


# What the model says of the spec's sensors and anatomy.


def _check_sensors(b: _Built) -> Iterator[Finding]:
    spec = b.spec
    needed: list[tuple[str, str, str]] = [("site", a.tip, f"arm {a.name}") for a in spec.arms]
    needed += [("camera", c.name, f"camera {c.name}") for c in spec.cameras]
    if spec.lidar:
        needed.append(("site", spec.lidar.name, "lidar"))
    needed += [("touch sensor", pad, "touch") for pad in (spec.touch.pads if spec.touch else ())]
    if spec.base:
        needed.append(("body", spec.base.body, "base"))
    there = {
        "site": [x.name for x in b.parts.sites],
        "camera": [x.name for x in b.parts.cameras],
        "touch sensor": [x.name for x in b.parts.sensors if x.type == mujoco.mjtSensor.mjSENS_TOUCH],
        "body": [x.name for x in b.parts.bodies],
    }
    for kind, name, where in needed:
        if name not in there[kind]:
            has = ", ".join(x for x in there[kind] if x) or "none"
            yield _error(where, f"the model has no {kind} {name!r}; it has: {has}", f"add the {kind} to the model")
    kinds = {"gyro": mujoco.mjtSensor.mjSENS_GYRO, "accelerometer": mujoco.mjtSensor.mjSENS_ACCELEROMETER}
    for name, kind in kinds.items() if spec.imu else ():
        n = sum(x.type == kind for x in b.parts.sensors)
        if n != 1:
            yield _error("imu", f"the model has {n} {name} sensors", f"give it one: <{name} site=.../>")


def _check_base(b: _Built) -> Iterator[Finding]:
    base = b.spec.base
    if base is None or {base.left, base.right} - {j.name for j in b.known} or base.body not in _names(b.parts.bodies):
        return  # what is missing is said elsewhere
    root = int(b.model.body(base.body).rootid[0])
    first = int(b.model.body_jntadr[root])
    if first < 0 or b.model.jnt_type[first] != mujoco.mjtJoint.mjJNT_FREE:
        yield _error("base", f"body {base.body!r} is fixed to the world: it cannot drive", "give it a freejoint")
    for name in (base.left, base.right):
        yield from _check_wheel(b, base, name)
    at = [_in_base(b, base, b.data.joint(name).xanchor) for name in (base.left, base.right)]
    track = float(at[0][1] - at[1][1])
    if track < 0.0:
        yield _error("base", "the left wheel is on the right: y points left", "swap left and right")
    elif not math.isclose(track, base.track, rel_tol=_TOLERANCE):
        yield _warning("base", f"track {base.track:g} m, the model's wheels are {track:.3f} m apart", "use the model's")


def _check_wheel(b: _Built, base: BaseSpec, name: str) -> Iterator[Finding]:
    where, joint = f"wheel {name}", b.model.joint(name)
    if b.spec.joints[b.spec.joint_index(name)].mode != "velocity":
        yield _error(where, "it is a position joint", "give it mode='velocity'")
    body = int(joint.bodyid[0])
    geoms = np.array(
        [g for g in range(b.model.ngeom) if b.model.geom_bodyid[g] == body and b.model.geom_contype[g]], np.intp
    )
    if geoms.size == 0:
        yield _error(where, "its body has no geom that touches the floor", "give it a cylinder with contype 1")
        return
    lowest = Shapes(b.model, geoms, b.data.geom_xpos, b.data.geom_xmat).lowest()[:, 2].min()
    radius = float(b.data.joint(name).xanchor[2] - lowest)
    if not math.isclose(radius, base.radius, rel_tol=_TOLERANCE):
        yield _warning(where, f"radius {base.radius:g} m, the model's wheel has {radius:.3f} m", "use the model's")
    left = b.data.body(base.body).xmat.reshape(3, 3)[:, 1]
    if float(b.data.joint(name).xaxis @ left) < 0.9:
        yield _error(
            where, "its axis is not +y of the base: positive speed must drive forward", "turn the joint's axis"
        )


def _check_arms(b: _Built) -> Iterator[Finding]:
    tips = _names(b.parts.sites)
    for arm in b.spec.arms:
        if arm.tip not in tips or set(arm.joints) - {j.name for j in b.known}:
            continue
        chain = [name for name in _joints_up_from(b, arm.tip) if name in b.spec.joint_names]
        missing = [name for name in arm.joints if name not in chain]
        if missing:
            moves = ", ".join(chain) or "nothing"
            what = f"site {arm.tip!r} does not move with {', '.join(missing)}; it moves with {moves}"
            yield _error(f"arm {arm.name}", what, "name the joints between the shoulder and the tip")
            continue
        part = tuple(chain[chain.index(arm.joints[0]) :])
        if part != arm.joints:
            what = f"joints are {', '.join(arm.joints)}; the model's chain to {arm.tip!r} is {', '.join(part)}"
            yield _error(f"arm {arm.name}", what, "name them in that order, from the shoulder on, and leave none out")


def _check_home(b: _Built) -> Iterator[Finding]:
    yield from _check_planes(b)
    for k in range(b.data.ncon):
        contact = b.data.contact[k]
        if contact.dist < -_OVERLAP_M:
            pair = [b.model.body(int(b.model.geom_bodyid[g])).name for g in (contact.geom1, contact.geom2)]
            what = f"at home, {pair[0]} and {pair[1]} overlap by {-1000 * contact.dist:.1f} mm"
            yield _error("home", what, "change home, or exclude the pair if the parts are meant to overlap")


def _check_stopping(b: _Built) -> Iterator[Finding]:
    spec = b.spec
    base_m = 0.0
    if spec.base:
        wheel = spec.joints[spec.joint_index(spec.base.left)]
        base_m = _stop(wheel) * spec.base.radius
    arms_m = [_arm_stop(b, arm) for arm in spec.arms if arm.tip in _names(b.parts.sites)]
    whole = base_m + max(arms_m, default=0.0)
    if whole > spec.stopping_distance_m:
        what = (
            f"declared {spec.stopping_distance_m:g} m; at full speed v^2/2a of every joint adds up to {whole:.2f} m "
            f"(base {base_m:.2f} m, arm {whole - base_m:.2f} m)"
        )
        fix = "declare more, or lower speed_max or raise acceleration_max"
        yield (
            _error("spec.stopping_distance_m", what, fix)
            if base_m > spec.stopping_distance_m
            else _warning("spec.stopping_distance_m", what, fix)
        )


def _arm_stop(b: _Built, arm: ArmSpec) -> float:
    """Return how far the tip can travel while all joints of an arm brake [m]: an upper bound over all poses."""
    known = {j.name: j for j in b.known}
    points = [b.data.joint(name).xanchor for name in arm.joints if name in known] + [b.data.site(arm.tip).xpos]
    links = [float(np.linalg.norm(b_ - a)) for a, b_ in pairwise(points)]
    total = 0.0
    for k, name in enumerate(n for n in arm.joints if n in known):
        total += _stop(known[name]) * (sum(links[k:]) if known[name].unit == "rad" else 1.0)
    return total


def _stop(joint: JointSpec) -> float:
    return joint.speed_max**2 / (2.0 * joint.acceleration_max)


def _check_articulation(b: _Built) -> Iterator[Finding]:
    """Let the gate's own reading of the model speak, if the joints are there."""
    if len(b.known) == b.spec.n_joints:
        try:
            Articulation(b.spec, b.model)
        except ConfigError as exc:
            yield _error("model", str(exc), "mend the joint in the model")


def _check_simulation(robot: Robot) -> Iterator[Finding]:
    """Build what a simulated run builds, and let it speak."""
    spec = robot.spec
    try:
        shape = Simulation(spec, robot.build_scene(robot.simulated.scene, 0), seed=0).shape
        stream_table(spec, SceneShape(nq=shape.nq, nmocap=shape.nmocap, nbody=shape.nbody))
    except ConfigError as exc:
        yield _error("simulation", str(exc), "mend what it names in the robot file's RobotSpec or model")


def _check_planes(b: _Built) -> Iterator[Finding]:
    try:
        limbs = Articulation(b.spec, b.model).colliding_geoms(moved=True)
    except ConfigError:  # told by its own check
        return
    shapes = Shapes(b.model, limbs, b.data.geom_xpos, b.data.geom_xmat)
    for plane in planes(b.spec):
        for geom, distance in zip(limbs, shapes.above(plane)[1], strict=True):
            if distance < -_OVERLAP_M:
                body = b.model.body(int(b.model.geom_bodyid[geom])).name
                what = f"at home, {body} is {-1000 * distance:.1f} mm beyond the {plane.name}"
                yield _error("home", what, f"change home or the {plane.name}")


def _joints_up_from(b: _Built, site: str) -> list[str]:
    """Return the joints that move a site, from the root to the site."""
    body, names = int(b.model.site(site).bodyid[0]), list[str]()
    while body:
        first, n = int(b.model.body_jntadr[body]), int(b.model.body_jntnum[body])
        names += [b.model.joint(j).name for j in reversed(range(first, first + n))]
        body = int(b.model.body_parentid[body])
    return names[::-1]


def _in_base(b: _Built, base: BaseSpec, p_W: np.ndarray) -> np.ndarray:
    frame = b.data.body(base.body)
    return frame.xmat.reshape(3, 3).T @ (p_W - frame.xpos)


def _names(elements: list[mujoco.MjsBody] | list[mujoco.MjsSite]) -> set[str]:
    return {e.name for e in elements}


_MODEL_CHECKS: tuple[_Check, ...] = (
    _check_names,
    _check_actuators,
    _check_ranges,
    _check_sensors,
    _check_base,
    _check_arms,
    _check_home,
    _check_stopping,
    _check_articulation,
)
