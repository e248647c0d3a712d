"""An honest ideal robot: it follows commands exactly, in the real message layouts, and its reflex grants leases.

It refuses commands without a valid token, brakes groups that nobody commands, and records every command it applied.
"""

from pathlib import Path

import mujoco
import numpy as np

from vagus.act.kinematics import Kinematics
from vagus.act.runner import Ended, RunnerOutput, SkillRunner
from vagus.act.skill import Observation
from vagus.body.load import load_robot
from vagus.core import messages as m
from vagus.core.messages import Request, Source, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.perceive.odometry import Odometry

TICK_NS = 10_000_000
ROBOTS = Path(__file__).parents[2] / "robots"


def load(name: str) -> tuple[RobotSpec, mujoco.MjModel]:
    robot = load_robot(ROBOTS / f"{name}.py")
    return robot.spec, robot.build_model().compile()


class IdealRobot:
    """One robot with a skill runner; ``step`` is one tick of 10 ms."""

    def __init__(self, spec: RobotSpec, model: mujoco.MjModel, seed: int = 0, slip: float = 0.0) -> None:
        self.spec, self.kinematics = spec, Kinematics(model, spec)
        self.runner = SkillRunner(spec, self.kinematics, np.random.default_rng(seed))
        self.rng, self.slip = np.random.default_rng(seed + 1), slip
        self.now_ns, self.q, self.v = TICK_NS, spec.array("home"), np.zeros(spec.n_joints)
        groups = len(spec.groups)
        self.token, self.nonce = np.zeros(groups, np.uint64), np.zeros(groups, np.uint64)
        self.until_ns, self.holder = np.zeros(groups, np.int64), np.zeros(groups, np.uint8)
        self.state, self.cause = np.full(groups, State.HOLD, np.uint8), np.zeros(groups, np.uint32)
        self.grants = True
        self.pose = np.zeros(3)  # x, y, yaw in the world
        self.circles: list[tuple[float, float, float]] = []  # obstacles: x, y, radius in the world
        self.odometry = Odometry(spec) if spec.base else None
        self.commands: list[m.Record] = []
        self.history: list[np.ndarray] = []
        self.speeds: list[np.ndarray] = []
        self.said: list[str] = []
        self.ended: list[Ended] = []
        self._lidar: m.Record | None = None

    def observe(self) -> Observation:
        stamp = self.now_ns - 2_000_000
        state = m.blank(m.joint_state(self.spec))
        state["q"], state["v"], state["valid"] = self.q, self.v, 1
        state["origin_ns"][0], state["stamp_ns"] = stamp, stamp
        reflex = m.blank(m.reflex(self.spec))
        reflex["stamp_ns"], reflex["q_last"], reflex["v_last"] = self.now_ns, self.q, self.v
        reflex["lease"], reflex["lease_nonce"], reflex["lease_until_ns"] = self.token, self.nonce, self.until_ns
        reflex["holder"], reflex["state"], reflex["cause"] = self.holder, self.state, self.cause
        odometry = None
        imu = self._imu(stamp)
        if self.odometry:
            if imu is not None:
                self.odometry.add_imu(imu)
            odometry = self.odometry.add_wheels(state)
        if self.now_ns % (10 * TICK_NS) == 0 or self._lidar is None:
            self._lidar = self._sweep(stamp)
        return Observation(now_ns=self.now_ns, spec=self.spec, joint_state=state, reflex=reflex, imu=imu,
                           lidar=self._lidar, odometry=odometry)  # fmt: skip

    def _imu(self, stamp: int) -> m.Record | None:
        if self.spec.imu is None:
            return None
        imu = m.blank(m.imu(self.spec))
        imu["origin_ns"][self.spec.sensor_index("imu")] = stamp
        imu["gyro"][2] = self._turn_rate + 0.01 + self.rng.normal(0.0, 0.005)
        return imu

    _turn_rate = 0.0

    def _sweep(self, stamp: int) -> m.Record | None:
        if self.spec.lidar is None:
            return None
        sweep = m.blank(m.lidar(self.spec))
        sweep["origin_ns"][self.spec.sensor_index("lidar")] = stamp
        yaw, p_BL = self.pose[2], self.kinematics.lidar_pose[:2, 3]
        eye = self.pose[:2] + np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ p_BL
        sweep["range"] = ray_ranges(eye, yaw, self.circles, len(sweep["range"]))
        return sweep

    def step(self) -> RunnerOutput:
        out = self.runner.step(self.observe())
        for request in out.requests:
            self._handle(request)
        self._apply(out.command)
        self.said += out.said
        self.ended += out.outcomes
        self.now_ns += TICK_NS
        return out

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self.step()

    def finish(self, seconds: float = 60.0) -> Ended:
        """Run until a skill ends and return how."""
        for _ in range(round(seconds * 100)):
            if self.ended:
                return self.ended.pop(0)
            self.step()
        raise AssertionError(f"still running after {seconds} s: {self.runner.running}")

    def _handle(self, request: m.Record) -> None:
        for g in range(len(self.spec.groups)):
            if not int(request["groups"]) >> g & 1:
                continue
            if request["kind"] == Request.LEASE and self.grants and self.state[g] in (State.HOLD, State.RUN):
                if self.holder[g] != Source.SKILL or self.nonce[g] != request["nonce"]:
                    self.token[g] = self.rng.integers(1, 2**62)
                self.nonce[g], self.holder[g] = request["nonce"], Source.SKILL
                self.until_ns[g], self.state[g] = self.now_ns + int(request["duration_ns"]), State.RUN
                self.cause[g] = 0
            elif request["kind"] == Request.RELEASE and self.nonce[g] == request["nonce"]:
                self.take(g, State.HOLD, Verdict.STOPPED_LEASE_END)

    def take(self, group: int, state: State, cause: Verdict, holder: Source = Source.NOBODY) -> None:
        """End a group's lease."""
        self.token[group], self.nonce[group], self.holder[group] = 0, 0, holder
        self.state[group], self.cause[group] = state, cause

    def _apply(self, command: m.Record | None) -> None:
        group = self.spec.group_of_joint()
        self.holder[(self.until_ns <= self.now_ns) & (self.holder == Source.SKILL)] = Source.NOBODY
        q, v = self.q.copy(), self._braked()
        if command is not None:
            self.commands.append(command)
            share = TICK_NS / (int(command["at_ns"]) - self.now_ns)
            assert 0.0 < share <= 1.0
            for j in np.flatnonzero(command["use"]):
                assert command["lease"][group[j]] == self.token[group[j]] != 0, "a command without the token"
                if self.spec.joints[j].mode == "velocity":
                    v[j] = self.v[j] + share * (command["v"][j] - self.v[j])
                else:
                    q[j] += share * (command["q"][j] - q[j])
                    v[j] = (q[j] - self.q[j]) / 0.01
        is_wheel = np.array([j.mode == "velocity" for j in self.spec.joints])
        self.q, self.v = np.where(is_wheel, q + 0.01 * v, q), v
        self._roll(v)
        self.history.append(self.q.copy())
        self.speeds.append(self.v.copy())

    def _braked(self) -> np.ndarray:
        """Speeds one tick later of joints that nobody commands: wheels brake, the rest holds."""
        step = 0.01 * self.spec.array("acceleration_max")
        is_wheel = np.array([j.mode == "velocity" for j in self.spec.joints])
        return np.where(is_wheel, np.sign(self.v) * np.maximum(0.0, np.abs(self.v) - step), 0.0)

    def _roll(self, v: np.ndarray) -> None:
        """Move the base; slipping wheels turn farther than they carry it."""
        base = self.spec.base
        if base is None:
            return
        grip = 1.0 - self.slip * self.rng.uniform(0.0, 1.0, 2)
        left, right = grip * base.radius * v[[self.spec.joint_index(base.left), self.spec.joint_index(base.right)]]
        self._turn_rate = (right - left) / base.track
        self.pose += 0.01 * np.array([0.5 * (left + right) * np.cos(self.pose[2]),
                                      0.5 * (left + right) * np.sin(self.pose[2]), self._turn_rate])  # fmt: skip


def ray_ranges(eye: np.ndarray, yaw: float, circles: list[tuple[float, float, float]], n: int) -> np.ndarray:
    """Ranges to circles by the quadratic formula, NaN where a ray meets none."""
    angle = yaw + 2 * np.pi * np.arange(n) / n
    ranges = np.full(n, np.nan)
    for x, y, radius in circles:
        dx, dy = x - eye[0], y - eye[1]
        along = dx * np.cos(angle) + dy * np.sin(angle)
        inside = radius**2 - (dx**2 + dy**2 - along**2)
        r = np.where((inside >= 0) & (along > 0), along - np.sqrt(np.maximum(inside, 0)), np.nan)
        ranges = np.fmin(ranges, r)
    return ranges
