"""A million hostile commands against the gate, judged in the world, not by the gate.

NaN, inf, huge, old, from the future, unleased, replayed, random bytes, flipping from limit to limit in every tick.

Three hostile sources (idle, skill, teleop) send one command each in every tick, and requests in between; the gate's
``joint_command`` drives the simulated robot with its real motors, sensors and noise; clearances and people are
perceived as on the robot. Two referees that share no code with the gate watch:

- what reached the motors: position, speed and acceleration (differences of the commanded positions) against the spec
  (a joint that stands beyond a limit already, by noise or by force, may be held there, and moved inward only);
- the world's truth: joint positions and speeds of the physics, beside the limits, in encoder coordinates.

Target: nothing beyond a limit reaches the motors. In the world drives act up to 4 ms late and servos swing about what
they are told, so truth has a tolerance: beyond a position limit what the joint covers in SLACK_S at its full speed, and
20 % beyond a speed limit.

Keys of --json: robot, seed, commands, ticks, refused, limited, running_share, motors (per limit: largest share of the
limit that was used, by which joint, and violations), world (the same, and the farthest any joint was beyond a position
limit, beyond_rad and beyond_m), ok, seconds.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from vagus.body.load import load_robot
from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.messages import Mode, Record, State
from vagus.core.robot import RobotSpec
from vagus.perceive.clearance import Clearance
from vagus.perceive.proximity import find_person, mount_of
from vagus.reflex.gate import Gate
from vagus.reflex.hostile import Hostile
from vagus.reflex.memory import Inputs
from vagus.world.simulation import Simulation

ROOT = Path(__file__).resolve().parents[1]
Array = NDArray[np.float64]
SLACK_S = 0.010
"""The drives' largest delay, one tick, and the servo's own lag [s]."""
_EXACT = 1e-6
"""Rounding of differences of 64-bit positions, as a share of the limit."""


@dataclass
class Figure:
    """How much of one limit was used, at most, and how often it was exceeded."""

    used: float = 0.0
    violations: int = 0
    joint: str = ""

    def see(self, spec: RobotSpec, share: Array, tolerance: float) -> None:
        """Note shares of the limit (n_joints,); NaN where there is nothing to judge."""
        share = np.nan_to_num(share, nan=0.0)
        worst = int(np.argmax(share))
        if share[worst] > self.used:
            self.used, self.joint = float(share[worst]), spec.joint_names[worst]
        self.violations += int(np.count_nonzero(share > 1.0 + tolerance))


@dataclass
class Referee:
    """Watches one stream of positions and velocities; knows the spec alone."""

    spec: RobotSpec
    tolerance: float
    slack_s: float
    """How far beyond a position limit is within tolerance: what full speed covers in this time [s]."""
    may_stand: bool = False
    """What was beyond a position limit in the tick before may be as far beyond in this one."""
    beyond: dict[str, float] = field(default_factory=lambda: {"rad": 0.0, "m": 0.0})
    """The farthest a joint was beyond a position limit, by unit."""
    position: Figure = field(default_factory=Figure)
    speed: Figure = field(default_factory=Figure)
    acceleration: Figure = field(default_factory=Figure)

    def __post_init__(self) -> None:
        self._low, self._high = self.spec.array("position_min"), self.spec.array("position_max")
        self._slack = self.slack_s * self.spec.array("speed_max")
        self._units = {unit: np.array([j.unit == unit for j in self.spec.joints]) for unit in self.beyond}
        self._speed, self._acceleration = self.spec.array("speed_max"), self.spec.array("acceleration_max")
        self._is_wheel = np.array([j.mode == "velocity" for j in self.spec.joints])
        self._q: Array | None = None
        self._v: Array | None = None
        self._stood: Array = np.zeros(self.spec.n_joints)

    def watch(self, q: Array, v: Array, *, judged: NDArray[np.bool_], dt: float) -> None:
        """Judge this tick's joints (mask): positions, and speeds by their difference (``v`` itself for wheels)."""
        is_judged = judged & ~self._is_wheel
        beyond = np.where(is_judged, self._beyond(q) - self._stood, -1.0)
        for unit, mask in self._units.items():
            self.beyond[unit] = max(self.beyond[unit], float(beyond[mask].max(initial=0.0)))
        half = 0.5 * (self._high - self._low)
        self.position.see(self.spec, np.where(is_judged, 1.0 + (beyond - self._slack) / half, np.nan), _EXACT)
        if self._q is not None:
            speed = np.where(self._is_wheel, v, (q - self._q) / dt)
            share = np.abs(speed) / self._speed
            self.speed.see(self.spec, np.where(judged & self._judged, share, np.nan), self.tolerance + _EXACT)
            if self._v is not None:
                share = np.abs(speed - self._v) / dt / self._acceleration
                is_judged = judged & self._judged & self._before
                self.acceleration.see(self.spec, np.where(is_judged, share, np.nan), 1e-3 * _EXACT / dt)
            self._v, self._before = speed, judged & self._judged
        self._q, self._judged = q.copy(), judged
        if self.may_stand:
            self._stood = np.maximum(self._beyond(q), 0.0)

    def _beyond(self, q: Array) -> Array:
        return np.maximum(q - self._high, self._low - q)


class Arena:
    """A simulated robot behind a gate, hostile sources before it, two referees beside it."""

    def __init__(self, path: Path, seed: int) -> None:
        """Build the robot of a robot file in an empty scene.

        Raises:
            ConfigError: The robot's reflex does not tick with its encoders.
        """
        robot = load_robot(path)
        self.spec = spec = robot.spec
        if spec.reflex_hz != spec.encoder.rate_hz:
            raise ConfigError(f"reflex_hz: got {spec.reflex_hz}, allowed here: the encoder's, {spec.encoder.rate_hz}")
        model = robot.build_model().compile()
        self._rng = np.random.default_rng(seed)
        self._dt_ns = round(1e9 / spec.reflex_hz)
        self._simulation = Simulation(spec, robot.build_scene("empty", seed), seed=seed)
        self._clearance = Clearance(spec, model)
        self._mount = mount_of(spec, model) if spec.lidar and spec.base else None
        self._gate, self._now = Gate(spec, seed=seed), 10**9
        self.memory = self._gate.start(self._now)
        self.sources = [Hostile(spec, source, self._rng) for source in m.SOURCES_COMMANDING]
        joints = [self._simulation.model.joint(name).id for name in spec.joint_names]
        self._qpos, self._dof = self._simulation.model.jnt_qposadr[joints], self._simulation.model.jnt_dofadr[joints]
        self.motors, self.world = Referee(spec, 0.0, 0.0, may_stand=True), Referee(spec, 0.2, SLACK_S)
        self._newest: dict[str, Record] = {}
        self._reflex, self._command = m.blank(m.reflex(spec)), None
        self.ticks = self.running = 0

    def tick(self) -> None:
        """Advance the world, attack the gate, and let the referees look."""
        self.ticks += 1
        self._now += self._dt_ns
        now, newest = self._now, self._newest
        newest |= dict(self._simulation.step(now, self._command))
        if self.ticks % 10 == 0 and "joint_state" in newest:
            newest["clearance"] = self._clearance.compute(newest["joint_state"], now)
        if self._mount and "lidar" in newest:
            newest["proximity"] = find_person(self.spec, newest.pop("lidar"), now, self._mount)
        inputs = Inputs(
            joint_state=newest.get("joint_state"), clearance=newest.get("clearance"), proximity=newest.get("proximity"),
            commands=[(s.source, s.command(self._reflex, now)) for s in self.sources],
            requests=[(s.source, s.request(now)) for s in self.sources if self._rng.random() < 0.05],
        )  # fmt: skip
        self._reflex, self._command = self._gate.step(self.memory, inputs, now)[::-1]
        self.running += int(np.any(self._reflex["state"] == State.RUN))
        self._judge()

    def _judge(self) -> None:
        data, dt, command = self._simulation.data, self._dt_ns * 1e-9, self._command
        # In encoder coordinates: mounting errors that nobody has calibrated are not the gate's.
        q, v = data.qpos[self._qpos] + self._simulation.encoder_offsets, data.qvel[self._dof]
        self.world.watch(q, v, judged=np.ones(len(q), bool), dt=dt)
        if command is not None:
            held = (command["mode"] == Mode.POSITION) | (command["mode"] == Mode.VELOCITY)
            self.motors.watch(command["q"], command["v"], judged=held, dt=dt)


def attack(path: Path, n: int, seed: int) -> dict:
    """Send ``n`` hostile commands and return the figures."""
    arena, start_s = Arena(path, seed), time.perf_counter()
    while arena.ticks * len(arena.sources) < n:
        arena.tick()
    figures = {name: {key: asdict(getattr(referee, key)) for key in ("position", "speed", "acceleration")}
               for name, referee in (("motors", arena.motors), ("world", arena.world))}  # fmt: skip
    del figures["world"]["acceleration"]  # of the physics: noise and contacts, which no limit of a command bounds
    return {
        "robot": arena.spec.name, "seed": seed, "commands": arena.ticks * len(arena.sources), "ticks": arena.ticks,
        "refused": arena.memory.refused, "limited": arena.memory.limited, "running_share": arena.running / arena.ticks,
        **figures, "beyond_rad": arena.world.beyond["rad"], "beyond_m": arena.world.beyond["m"],
        "ok": not any(figure["violations"] for referee in figures.values() for figure in referee.values()),
        "seconds": time.perf_counter() - start_s,
    }  # fmt: skip


def main() -> None:
    """Parse, attack, report; the exit status is 1 if a limit was left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000, help="commands to send")
    parser.add_argument("--quick", action="store_true", help="20,000 commands")
    parser.add_argument("--robot", type=Path, default=ROOT / "robots" / "host.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    args = parser.parse_args()
    result = attack(args.robot, 20_000 if args.quick else args.n, args.seed)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        report(result)
    raise SystemExit(0 if result["ok"] else 1)


def report(result: dict) -> None:
    """Print the figures for people."""
    table = Table("referee", "limit", "used at most", "joint", "violations", title=f"{result['commands']} commands")
    for referee in ("motors", "world"):
        for limit, figure in result[referee].items():
            table.add_row(referee, limit, f"{figure['used']:.6f}", figure["joint"], str(figure["violations"]))
    console = Console()
    console.print(table)
    console.print(f"in the world at most {result['beyond_rad'] * 1e3:.2f} mrad, {result['beyond_m'] * 1e3:.2f} mm over")
    console.print(f"{result['refused']} refused, {result['limited']} of {result['ticks']} ticks limited")
    console.print(f"{result['running_share']:.0%} of them in RUN, {result['seconds']:.0f} s")
    console.print("ok" if result["ok"] else "LIMITS LEFT")


if __name__ == "__main__":
    main()
