"""Does the hand pick up what it is told to? Random rooms, real pictures, words in Korean and English; the world judges.

The robot, calibrated by itself, sees what stands before it: the host stands somewhere before the table and looks
around, the SO-101 has a camera beside it, over its desk. It is told to pick up one of the things that it says it sees
there, by colour and shape. A pick counts if its own outcome says so and the world agrees: that thing is 8 cm (so101:
5 cm) higher than it was, at the hand. Some of the things that were picked up are held for a minute, by the host driven
back and forth at full speed: how far do they slip in the hand?

Targets: wrong_object 0, slip_mm.max <= 2.

Keys of --json: n (picks tried), success_rate, low95 (Wilson's lower bound), by_shape (picked of tried), wrong_object
(another thing was lifted), disturbed (picks in which another thing was moved by more than 2 cm), failures (reason ->
how often; "not_lifted" where the robot believed it had it), slip_mm (n, p50, max: in the hand, over a minute and the
drive), seconds (p50 and max of virtual time per pick, from the words to the outcome), cpu_s (per pick).
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from vagus.body.calibrate import PoseCfg
from vagus.core import messages as m
from vagus.core.seen import read_things
from vagus.core.things import Thing
from vagus.decide.ground import name_of
from vagus.runtime.calibrate import CalibrateCfg, calibrate
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.world.room import TABLE_HEIGHT

LIFTED_M, AT_HAND_M, MOVED_M = 0.08, 0.12, 0.02
ANSWER_S = 150.0
HOLD_S = 60.0
SEEN_S = 1.5
"""How long a camera that does not move looks before anything is said [s]: four pictures at perception's rate."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A robot and what it picks things up from."""

    name: str
    board: float
    """Height of the board that things are taken from [m]."""
    lifted: float
    """A thing counts as lifted when it is so much higher [m]: a little less than the robot lifts it."""

    @property
    def file(self) -> Path:
        return host_file().with_name(f"{self.name}.py")


STAGES = {
    "host": Stage(name="host", board=TABLE_HEIGHT, lifted=LIFTED_M),
    "so101": Stage(name="so101", board=0.0, lifted=0.05),
}


@dataclass
class Trial:
    """One room and one robot in it."""

    robot: Lockstep
    model: mujoco.MjModel
    names: list[str]
    places: dict[str, np.ndarray] = field(default_factory=dict)
    stage: Stage = STAGES["host"]

    def truth(self) -> mujoco.MjData:
        """Return the world as it is now, to a thirtieth of a second."""
        scene = self.robot.streams.reader("scene").latest()
        data = mujoco.MjData(self.model)
        if scene is not None:
            data.qpos[:] = scene["qpos"]
            data.mocap_pos[:], data.mocap_quat[:] = scene["mocap"][:, :3], scene["mocap"][:, 3:]
        mujoco.mj_kinematics(self.model, data)
        return data

    def remember(self) -> None:
        """Take note of where everything is."""
        data = self.truth()
        self.places = {name: data.body(name).xpos.copy() for name in self.names}

    def lifted(self) -> list[str]:
        """Return what is higher than it was."""
        data = self.truth()
        return [n for n in self.names if data.body(n).xpos[2] - self.places[n][2] > self.stage.lifted]

    def moved(self, but: str) -> list[str]:
        """Return what else was moved."""
        data = self.truth()
        far = {n: float(np.linalg.norm(data.body(n).xpos - self.places[n])) for n in self.names if n != but}
        return [name for name, distance in far.items() if distance > MOVED_M]

    def hand(self, name: str) -> tuple[str, float]:
        """Return the nearest tip to a thing, and its distance [m]."""
        data = self.truth()
        at = data.body(name).xpos
        tips = {arm.tip: float(np.linalg.norm(data.site(arm.tip).xpos - at)) for arm in self.robot.run.spec.arms}
        nearest = min(tips, key=lambda tip: tips[tip])
        return nearest, tips[nearest]

    def in_hand(self, name: str, hand: str) -> np.ndarray:
        """Return where a thing is in the tip's frame (3,) [m]."""
        data = self.truth()
        tip = data.site(hand)
        return tip.xmat.reshape(3, 3).T @ (data.body(name).xpos - tip.xpos)

    def say(self, words: str) -> dict[str, Any]:
        """Say it, wait, and return what came of it."""
        outcomes = self.robot.streams.reader("outcome")
        outcomes.since()
        self.robot.say(words)
        for _ in self.robot.run_for(ANSWER_S):
            for record in outcomes.since():
                return json.loads(m.get_text(record))
        return {"ok": False, "reason": "no_answer", "steps": []}


def calibrated(seeds: set[int], folder: Path, poses: PoseCfg, stage: Stage = STAGES["host"]) -> None:
    """Let robots calibrate themselves where that was not done before."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in sorted(seeds):
        file = folder / f"{stage.name}-{seed}.json"
        if not file.exists():
            calibrate(CalibrateCfg(robot_file=stage.file, seed=seed, out=file, poses=poses))


def begin(stage: Stage, seed: int, folder: Path, rng: np.random.Generator, poses: PoseCfg) -> Trial:
    """Return a room of its own seed with a calibrated robot that has looked around."""
    robot_seed = 1 + seed % 3
    file = folder / f"{stage.name}-{robot_seed}.json"
    calibrated({robot_seed}, folder, poses, stage)
    run, robot = prepare(stage.file, seed=robot_seed, calibration=file)
    start = (0.0, 0.0, 0.0)
    if run.spec.base:
        start = (float(rng.uniform(0.0, 0.35)), 0.1 + float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3)))
    robot = replace(robot, simulated=replace(robot.simulated, start=start, room=seed))
    lockstep = Lockstep(run, cameras=True, only_looked_at=True, robot=robot)
    scene = robot.build_scene(run.scene, robot_seed)
    trial = Trial(lockstep, scene.model, [obj.name for obj in scene.objects], stage=stage)
    lockstep.advance(0.5)
    if run.spec.neck:
        trial.say("look around")
    else:
        lockstep.advance(SEEN_S)
    return trial


def choose(trial: Trial, rng: np.random.Generator) -> Thing | None:
    """Draw one of the things on the board that the robot sees, and that has a name of its own among them."""
    objects = trial.robot.streams.reader("objects").latest()
    seen = [] if objects is None else list(read_things(objects))
    names = Counter((t.colour, t.shape) for t in seen)
    fit = [t for t in seen if names[t.colour, t.shape] == 1 and f"{t.colour}_{t.shape}" in trial.names
           and abs(t.foot - trial.stage.board) < 0.05]  # fmt: skip
    return fit[rng.integers(len(fit))] if fit else None


def hold(trial: Trial, name: str) -> float:
    """Hold a thing for a minute, and drive back and forth if it can; return how far it slipped in the hand [mm]."""
    hand, _ = trial.hand(name)
    before = trial.in_hand(name, hand)
    for node in ("camera", "perception"):
        trial.robot.nodes.pop(node)  # nobody looks any more
    drives = ("go back 0.6 metres", "turn left", "turn right", "go forward 0.4 metres")
    for words in drives if trial.robot.run.spec.base else ():
        trial.say(words)
    trial.robot.advance(HOLD_S)
    return 1000.0 * float(np.linalg.norm(trial.in_hand(name, hand) - before))


@dataclass
class Tally:
    """What came of all picks."""

    n: int = 0
    wrong: int = 0
    disturbed: int = 0
    by_shape: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    failures: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    slips: list[float] = field(default_factory=list)

    def figures(self, cpu_s: float) -> dict[str, Any]:
        picked = sum(ok for ok, _ in self.by_shape.values())
        low = binomtest(picked, self.n).proportion_ci(method="wilson").low if self.n else None
        return {
            "n": self.n, "success_rate": picked / self.n if self.n else None, "low95": low,
            "by_shape": {shape: f"{ok}/{n}" for shape, (ok, n) in sorted(self.by_shape.items())},
            "wrong_object": self.wrong, "disturbed": self.disturbed, "failures": dict(self.failures.most_common()),
            "slip_mm": {"n": len(self.slips), "p50": float(np.median(self.slips)), "max": max(self.slips)}
            if self.slips else None,
            "seconds": {"p50": float(np.median(self.seconds)), "max": max(self.seconds)} if self.seconds else None,
            "cpu_s": cpu_s / self.n if self.n else None,
        }  # fmt: skip


def try_one(stage: Stage, seed: int, folder: Path, poses: PoseCfg, tally: Tally, *, holds: bool) -> None:
    """Run one trial."""
    rng = np.random.default_rng([7, seed])
    trial = begin(stage, seed, folder, rng, poses)
    thing = choose(trial, rng)
    if thing is None:
        tally.n += 1
        tally.failures["nothing_seen"] += 1
        return
    name = f"{thing.colour}_{thing.shape}"
    words = (
        f"{name_of(thing.colour, thing.shape, 'ko')} 집어 줘"
        if seed % 2
        else f"pick up the {thing.colour} {thing.shape}"
    )
    trial.remember()
    start_ns = trial.robot.now_ns
    outcome = trial.say(words)
    tally.seconds.append((trial.robot.now_ns - start_ns) * 1e-9)
    lifted, (_, at_hand) = trial.lifted(), trial.hand(name)
    is_lifted = name in lifted and at_hand < AT_HAND_M
    is_picked = bool(outcome["ok"]) and is_lifted
    tally.n += 1
    tally.wrong += any(other != name for other in lifted)
    tally.disturbed += bool(trial.moved(name))
    tally.by_shape[thing.shape][0] += is_picked
    tally.by_shape[thing.shape][1] += 1
    if not is_picked:
        reason = "not_lifted" if outcome["ok"] else outcome["reason"]
        tally.failures[f"{reason}: {name} in room {seed}"] += 1
    elif holds:
        tally.slips.append(hold(trial, name))
    trial.robot.close()


def main() -> None:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robot", choices=STAGES, default="host", help="which robot picks")
    parser.add_argument("--n", type=int, default=50, help="picks, each in a room of its own")
    parser.add_argument("--hold", type=int, default=5, help="the first so many that succeed are held for a minute")
    parser.add_argument("--seed", type=int, default=0, help="of the first room")
    parser.add_argument("--calibrations", type=Path, default=Path("runs/calibration"), help="where these are kept")
    parser.add_argument("--quick", action="store_true", help="one pick by a robot with a coarser calibration, held")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    n, n_hold, folder, poses = args.n, args.hold, args.calibrations, PoseCfg()
    if args.quick:
        n, n_hold, folder, poses = 1, 1, args.calibrations / "quick", PoseCfg(n_per_arm=8)
    tally, start_s = Tally(), time.process_time()
    for k in track(range(n), console=Console(stderr=True), description="picking"):
        try_one(STAGES[args.robot], args.seed + k, folder, poses, tally, holds=len(tally.slips) < n_hold)
    found = tally.figures(time.process_time() - start_s)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table("figure", "value", title="picks")
    for key, value in found.items():
        table.add_row(key, json.dumps(value, ensure_ascii=False))
    Console().print(table)


if __name__ == "__main__":
    main()
