"""The process table: which nodes run, how often, in which process, and with what rights. Data, in one place.

Each maker imports its node when called, so that a process loads only what it runs.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec
from vagus.runtime.context import Context, Node
from vagus.runtime.realtime import RealtimeCfg
from vagus.runtime.run_dir import Run

REFLEX_REALTIME = RealtimeCfg(priority=60, core=-1, lock_memory=True)
DETECTOR_HZ = 1.0
"""How many pictures a second a detector looks at, of some 0.1 s of a slow core each."""
PERCEPTION_HZ = 3.0
"""How many pictures a second are looked at, of some 0.2 s of a slow core each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """One node: its rate, and how it is made."""

    name: str
    rate_hz: float
    make: Callable[[Context], Node]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """One process: its nodes, run in this order, and what it asks of the operating system."""

    name: str
    nodes: tuple[NodeSpec, ...] = ()
    serve: Callable[[Context], Callable[[], None]] | None = None
    """Instead of nodes: makes what runs until the process is told to end (the page's event loop)."""
    realtime: RealtimeCfg = field(default_factory=RealtimeCfg)
    wakes_on: str | None = None
    """Tick when this stream has something new, rather than on a schedule."""
    phase: float = 0.0
    """When in its period a tick starts, as a fraction: the reflex reads after the world has written."""
    silence_s: float = 3.0
    """Frozen: killed and restarted when it showed no life for this long [s]."""
    restarts: bool = True


def _world(ctx: Context) -> Node:
    from vagus.runtime.nodes.world import WorldNode

    return WorldNode(ctx)


def _cameras(ctx: Context) -> Node:
    from vagus.runtime.nodes.camera import CamerasNode

    return CamerasNode(ctx)


def _reflex(ctx: Context) -> Node:
    from vagus.runtime.nodes.reflex import make_reflex

    return make_reflex(ctx)


def _brain(ctx: Context) -> Node:
    from vagus.runtime.nodes.brain import BrainNode

    return BrainNode(ctx)


def _clearance(ctx: Context) -> Node:
    from vagus.runtime.nodes.clearance import ClearanceNode

    return ClearanceNode(ctx)


def _proximity(ctx: Context) -> Node:
    from vagus.runtime.nodes.proximity import ProximityNode

    return ProximityNode(ctx)


def _odometry(ctx: Context) -> Node:
    from vagus.runtime.nodes.odometry import OdometryNode

    return OdometryNode(ctx)


def _eye(ctx: Context, node: str) -> CameraSpec:
    """Return the camera that a node looks through. Raises ConfigError if the robot has none."""
    if ctx.spec.eye is None:
        raise ConfigError(f"{node}: got robot {ctx.spec.name!r} without cameras, allowed: one with a camera")
    return ctx.spec.eye


def _perception(ctx: Context) -> Node:
    from vagus.runtime.nodes.perception import PerceptionNode

    return PerceptionNode(ctx, _eye(ctx, "perception"))


def _detector(ctx: Context) -> Node:
    from vagus.runtime.nodes.detector import make_detector

    return make_detector(ctx, _eye(ctx, "detector"))


def _follow(ctx: Context) -> Node:
    from vagus.runtime.nodes.follow import FollowNode

    return FollowNode(ctx, _eye(ctx, "follow"))


def _planner(ctx: Context) -> Node:
    from vagus.runtime.nodes.planner import PlannerNode
    from vagus.runtime.planning import make_planner

    return PlannerNode(ctx, partial(make_planner, ctx.spec, os.environ))


def _recorder(ctx: Context) -> Node:
    from vagus.runtime.nodes.recorder import RecorderNode

    return RecorderNode(ctx)


def _page(ctx: Context) -> Callable[[], None]:
    from vagus.runtime.nodes.page import make_page

    return make_page(ctx)


def processes(run: Run) -> tuple[ProcessSpec, ...]:
    """Return what runs for this robot, in the order in which it ticks in lockstep."""
    spec = run.spec
    rows: list[ProcessSpec] = []
    if not run.is_real:
        world = NodeSpec(name="world", rate_hz=spec.encoder.rate_hz, make=_world)
        # The world stands for the motors' own electronics: above the reflex, and nothing restarts it.
        realtime = RealtimeCfg(priority=70, core=0)
        rows.append(ProcessSpec(name="world", nodes=(world,), realtime=realtime, restarts=False))
    if spec.cameras and not run.is_real:
        # It looks at every tick of the world: on lines of its own it would now and then pass over an exposure.
        cameras = NodeSpec(name="camera", rate_hz=spec.encoder.rate_hz, make=_cameras)
        rows.append(ProcessSpec(name="camera", nodes=(cameras,), wakes_on="scene"))
    brain = [
        NodeSpec(name="clearance", rate_hz=50.0, make=_clearance),
        NodeSpec(name="brain", rate_hz=100.0, make=_brain),
    ]
    if spec.lidar:
        brain.insert(0, NodeSpec(name="proximity", rate_hz=spec.lidar.rate_hz, make=_proximity))
    if spec.base:
        brain.insert(0, NodeSpec(name="odometry", rate_hz=100.0, make=_odometry))
    if spec.cameras:  # before the brain, which acts on it in the same tick
        brain.insert(-1, NodeSpec(name="follow", rate_hz=100.0, make=_follow))
    # Commands come from here: below the reflex, above what only watches.
    rows.append(ProcessSpec(name="brain", nodes=tuple(brain), realtime=RealtimeCfg(priority=10)))
    reflex = NodeSpec(name="reflex", rate_hz=spec.reflex_hz, make=_reflex)
    rows.append(ProcessSpec(name="reflex", nodes=(reflex,), realtime=REFLEX_REALTIME, phase=0.4, silence_s=0.5))
    if spec.cameras and not run.is_real:
        # It gets what nobody else wants: what it finds says how old it is.
        perception = NodeSpec(name="perception", rate_hz=PERCEPTION_HZ, make=_perception)
        # On a full machine it may have to wait for longer than what tells that another process is frozen.
        rows.append(ProcessSpec(name="perception", nodes=(perception,), realtime=RealtimeCfg(nice=10), silence_s=20.0))
        if run.detector:
            detector = NodeSpec(name="detector", rate_hz=DETECTOR_HZ, make=_detector)
            rows.append(ProcessSpec(name="detector", nodes=(detector,), realtime=RealtimeCfg(nice=15), silence_s=20.0))
    if run.planner:
        # A model thinks for seconds, on a thread of its own: behind the robot's own work, ahead of perception.
        planner = NodeSpec(name="planner", rate_hz=20.0, make=_planner)
        rows.append(ProcessSpec(name="planner", nodes=(planner,), realtime=RealtimeCfg(nice=5), silence_s=20.0))
    if run.record_dir:
        recorder = NodeSpec(name="recorder", rate_hz=20.0, make=_recorder)
        rows.append(ProcessSpec(name="recorder", nodes=(recorder,)))
    if run.page_port:
        # A held jog button is a stream of commands, too; but below the brain, because anyone who reaches the port can
        # flood it: a request costs time before its token is looked at.
        rows.append(ProcessSpec(name="page", serve=_page, realtime=RealtimeCfg(priority=5)))
    return tuple(rows)


def process(run: Run, name: str) -> ProcessSpec:
    """Return one row of the table by name."""
    return next(row for row in processes(run) if row.name == name)
