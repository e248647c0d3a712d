"""A small robot, a body that follows perfectly, and a gate between them, ticked by hand: for tests of the gate.

The body is its own: it shares no code and no numbers with the gate but the robot's spec.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.messages import Mode, Record, Request, Source, State
from vagus.core.robot import (
    ArmSpec,
    BaseSpec,
    FaceSpec,
    GroupSpec,
    JointSpec,
    LidarSpec,
    RobotSpec,
    SensorSpec,
)  # fmt: skip
from vagus.reflex.cfg import GateCfg
from vagus.reflex.gate import Gate
from vagus.reflex.memory import Inputs, Output

MS = 1_000_000
TICK = 2 * MS
ARM, HAND, BASE, HEAD, FACE = range(5)
SHOULDER, ELBOW, GRIPPER, LEFT, RIGHT, NECK, JAW = range(7)


def small_spec(**changes: Any) -> RobotSpec:
    """Two arm joints, a gripper, two wheels, a neck whose torque is cut by an emergency stop, a jaw."""
    arm: dict[str, Any] = {"position_min": -1.0, "position_max": 1.0, "following_error_max": 0.3}
    joints = (
        JointSpec(name="shoulder", speed_max=2.0, acceleration_max=10.0, effort_max=40.0, **arm),
        JointSpec(name="elbow", speed_max=1.0, acceleration_max=4.0, effort_max=20.0, **arm),
        JointSpec(name="gripper", unit="m", position_min=0.0, position_max=0.04, speed_max=0.2, acceleration_max=2.0,
                  effort_max=10.0),
        *(JointSpec(name=f"wheel_{side}", mode="velocity", speed_max=8.0, acceleration_max=16.0, effort_max=5.0,
                    following_error_max=4.0) for side in ("left", "right")),
        JointSpec(name="neck", position_min=-1.0, position_max=1.0, speed_max=2.0, acceleration_max=8.0,
                  effort_max=5.0),
        JointSpec(name="jaw", position_min=-0.2, position_max=0.5, speed_max=3.0, acceleration_max=50.0,
                  effort_max=1.0),
    )  # fmt: skip
    groups = (
        GroupSpec(name="arm", joints=("shoulder", "elbow")),
        GroupSpec(name="hand", joints=("gripper",), on_estop="hold"),
        GroupSpec(name="base", joints=("wheel_left", "wheel_right")),
        GroupSpec(name="head", joints=("neck",), on_estop="off"),
        GroupSpec(name="face", joints=("jaw",)),
    )
    rest: dict[str, Any] = {
        "lidar": LidarSpec(name="lidar", rate_hz=10.0, max_age_s=0.3, n_rays=36),
        "encoder": SensorSpec(name="encoder", rate_hz=500.0, max_age_s=0.008),
        "base": BaseSpec(left="wheel_left", right="wheel_right", radius=0.08, track=0.4),
        "arms": (ArmSpec(name="arm", joints=("shoulder", "elbow"), tip="tip", gripper="gripper"),),
        "face": FaceSpec(action_units={26: {"jaw": 0.3}}),
    }
    return RobotSpec(name="small", joints=joints, groups=groups, **(rest | changes))


ENCODER, LIDAR = 0, 1


@dataclass
class Rig:
    """Gate and body, and what the gate is shown in each tick; change its fields to change what it is shown."""

    spec: RobotSpec = field(default_factory=small_spec)
    cfg: GateCfg = field(default_factory=GateCfg)
    seed: int = 7

    def __post_init__(self) -> None:
        self.gate = Gate(self.spec, self.cfg, seed=self.seed)
        self.now = 10**9
        self.memory = self.gate.start(self.now)
        n = self.spec.n_joints
        self.q, self.v, self.effort = np.zeros(n), np.zeros(n), np.zeros(n)
        self.valid = np.ones(n, np.uint8)
        self.q[GRIPPER] = 0.02
        self.encoder_age = 1 * MS
        self.follows = np.ones(n, bool)
        """Joints that go where they are told; the others are blocked."""
        self.clearance: Record | None = m.blank(m.clearance(self.spec))
        self.clearance["distance"] = np.nan
        self.clearance_age: int | None = 20 * MS
        self.proximity: Record | None = m.blank(m.proximity(self.spec))
        self.proximity["distance"] = np.nan
        self.proximity_age: int | None = 50 * MS
        self.envelope: dict[str, Any] = {}
        """Fields that every command declares: ``position_min``, ``position_max``, ``speed_max``."""
        self.is_request_lost = False
        self.has_body = True
        self.counter = 0
        self.nonce = 100
        self.out: Output

    # What the gate said last.
    @property
    def reflex(self) -> Record:
        return self.out.reflex

    @property
    def sent(self) -> Record:
        assert self.out.command is not None
        return self.out.command

    def state(self, g: int = ARM) -> State:
        return State(int(self.reflex["state"][g]))

    def cause(self, g: int = ARM) -> int:
        return int(self.reflex["cause"][g])

    def verdict(self, g: int = ARM) -> int:
        return int(self.reflex["verdict"][g])

    def holder(self, g: int = ARM) -> int:
        return int(self.reflex["holder"][g])

    def is_started(self, joint: int) -> bool:
        return self.state(int(self.spec.group_of_joint()[joint])) == State.RUN

    # Ticking.
    def joint_state(self) -> Record:
        record = m.blank(m.joint_state(self.spec))
        record["stamp_ns"] = self.now
        record["origin_ns"][ENCODER] = self.now - self.encoder_age
        for key in ("q", "v", "effort", "valid"):
            record[key] = getattr(self, key)
        return record

    def tick(self, *messages: tuple[Source, Record], dt: int = TICK) -> Output:
        """Do one tick with these commands and requests, then let the body follow."""
        self.now += dt
        for record, age, slot in ((self.clearance, self.clearance_age, ENCODER),
                                  (self.proximity, self.proximity_age, LIDAR)):  # fmt: skip
            if record is not None and slot < len(self.spec.sensors):
                record["origin_ns"][slot] = UNUSED if age is None else self.now - age
        names = [("use" in record.dtype.names, (source, record)) for source, record in messages]
        inputs = Inputs(
            joint_state=self.joint_state() if self.has_body else None,
            commands=[message for is_command, message in names if is_command],
            requests=[message for is_command, message in names if not is_command],
            clearance=self.clearance, proximity=self.proximity,
            is_request_lost=self.is_request_lost,
        )  # fmt: skip
        self.out = self.gate.step(self.memory, inputs, self.now)
        self._follow()
        return self.out

    def _follow(self) -> None:
        if self.out.command is None:
            return
        sent, mode = self.out.command, self.out.command["mode"]
        goes = (mode == Mode.POSITION) & self.follows
        self.v = np.where(goes | ((mode == Mode.VELOCITY) & self.follows), sent["v"], 0.0)
        self.q = np.where(goes, sent["q"], self.q + np.where(mode == Mode.VELOCITY, self.v * TICK * 1e-9, 0.0))

    def ticks(self, n: int) -> None:
        for _ in range(n):
            self.tick()

    def until(self, state: State, g: int = ARM, limit: int = 700) -> int:
        """Tick until a group is in a state; return how many ticks that took."""
        for k in range(limit):
            self.tick()
            if self.state(g) == state:
                return k + 1
        raise AssertionError(f"not {state.name} after {limit} ticks but {self.state(g).name}")

    # Messages.
    def request(self, kind: int, groups: int = 0b11111, **changes: Any) -> Record:
        record = m.blank(m.request(self.spec))
        self.nonce += 1
        record["stamp_ns"], record["kind"], record["groups"] = self.now + TICK, kind, groups
        record["nonce"], record["duration_ns"] = self.nonce, 10 * 10**9
        for key, value in changes.items():
            record[key] = value
        return record

    def command(self, joints: dict[int, float], *, at_ms: float = 20.0, v: float = 0.0, **changes: Any) -> Record:
        """A command for these joints {index: q, or v for wheels}, with the tokens of the last reflex record."""
        record = m.blank(m.command(self.spec))
        self.counter += 1
        now = self.now + TICK  # when the gate will see it
        record["stamp_ns"], record["counter"], record["at_ns"] = now, self.counter, now + round(at_ms * MS)
        record["origin_ns"][ENCODER], record["budget_ns"] = now - 5 * MS, UNUSED
        record["lease"] = self.reflex["lease"]
        for joint, target in joints.items():
            record["use"][joint] = 1
            record["v" if joint in (LEFT, RIGHT) else "q"][joint] = target
            if joint not in (LEFT, RIGHT):
                record["v"][joint] = v
        if self.envelope:
            record["bounded"] = record["use"]
            record["position_min"], record["position_max"], record["speed_max"] = -np.inf, np.inf, np.inf
        for key, value in (self.envelope | changes).items():
            record[key] = value
        return record

    # Ways into states.
    def hold(self) -> "Rig":
        self.tick()
        self.until(State.HOLD)
        return self

    def leased(self, source: Source = Source.SKILL, groups: int = 0b11111, **changes: Any) -> "Rig":
        """In HOLD, with these groups leased."""
        self.hold()
        self.tick((source, self.request(Request.LEASE, groups, **changes)))
        return self

    def running(self, *, target: float = 0.5, ticks: int = 100, source: Source = Source.SKILL) -> "Rig":
        """In RUN, the arm moving to ``target`` as fast as it may."""
        self.leased(source)
        for _ in range(ticks):
            self.run_on(target, source)
        assert self.state() == State.RUN
        return self

    def run_on(self, target: float = 0.5, source: Source = Source.SKILL) -> Output:
        """One tick with a command for the arm that starts near and heads for ``target``."""
        near = np.clip(target, self.memory.q_last[:2] - 0.05, self.memory.q_last[:2] + 0.05)
        return self.tick((source, self.command({SHOULDER: near[0], ELBOW: near[1]})))


def drive(rig: Rig, joints: dict[int, float], n: int, **changes: object) -> list[np.ndarray]:
    """Send a command in every tick, the first from where the joints are; return the commanded velocities."""
    out = []
    for _ in range(n):
        here = {
            j: x if j in (LEFT, RIGHT) or rig.is_started(j) else float(rig.memory.q_last[j]) for j, x in joints.items()
        }
        rig.tick((Source.SKILL, rig.command(here, **changes)))  # type: ignore[arg-type]
        out.append(rig.sent["v"].copy())
    return out
