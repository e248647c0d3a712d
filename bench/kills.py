"""Kill or freeze any process but the world, at random moments, while the robot moves: does it stop, and stay stopped?

The host runs live in real time (world, camera, brain, reflex, recorder, page); its arms and wheels are kept moving by
what is said to it. At a random moment one process gets SIGKILL or SIGSTOP. What follows is judged by the world's own
readings and positions, not by the gate's word:

- braking starts: the time from the signal until the body brakes by its watchdog or a group that was running is being
  braked (only where the commands' path was cut: reflex and brain; the others must disturb nothing);
- rest: no joint faster than 0.05, within 3 s; how far the hands and the base travelled from the start of braking;
- limits: no joint beyond its position limits (by more than 10 mrad or mm) or 1.1 times its speed limit;
- recovery: all groups HOLD again by themselves, and nothing moves for half a second without a new lease.

Keys of --json: n, braking_ms (p50, p99, max over trials that had to brake), travel_m_max, declared_m, limits_left,
moved_alone, not_recovered, disturbed (trials of uninvolved processes in which a motion was braked), by_process,
failures (one line each).
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from vagus.core import messages as m
from vagus.runtime import prepare
from vagus.runtime.supervisor import Supervisor

INVOLVED = ("reflex", "brain")
VICTIMS = ("reflex", "brain", "reflex", "brain", "camera", "recorder", "page")
WORDS = ("wave", "drive forward 0.4 m", "왼쪽을 가리켜", "drive back 0.4 m", "turn left", "go home", "turn right")
REST = 0.05
BRAKING_MS_MAX = 50.0


class Trials:
    """One live robot and what is done to it."""

    def __init__(self, seed: int, record: Path) -> None:
        run, robot = prepare.prepare(prepare.host_file(), seed=seed, scene="empty")
        run = prepare.live(run, record_dir=record, page_port=8810, page_token="x" * 32)
        self.spec = run.spec
        self.supervisor = Supervisor(replace(run), report=lambda line: print(line, file=sys.stderr))
        prepare.write_models(self.supervisor.path, run, robot)
        streams = self.supervisor.streams
        self.names = ("joint_state", "actuation", "reflex", "scene")
        self.readers = {name: streams.reader(name) for name in self.names}
        self.ear = streams.writer("utterance.operator")
        model = robot.build_scene(run.scene, run.seed).model
        self.bodies = [model.body(name).id for name in ("base", "left_hand", "right_hand")]
        self.random = random.Random(seed)
        self.said = 0

    def take(self) -> dict[str, list]:
        """Return what is new on every stream that judges."""
        return {name: reader.since() for name, reader in self.readers.items()}

    def live(self, seconds: float) -> dict[str, list]:
        """Let time pass under the supervisor's eyes and return what came meanwhile."""
        got: dict[str, list] = {name: [] for name in self.names}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.supervisor.watch()
            for name, records in self.take().items():
                got[name] += records
            time.sleep(0.01)
        return got

    def say(self, words: str) -> None:
        record = m.blank(m.text(self.spec))
        self.said += 1
        record["id"], record["stamp_ns"] = self.said, time.monotonic_ns()
        m.set_text(record, words)
        self.ear.publish(record)

    def speeds(self, record) -> np.ndarray:
        return np.abs(np.where(record["valid"] != 0, record["v"], 0.0))

    def state(self) -> m.Record | None:
        return self.readers["reflex"].latest()

    def await_hold(self, seconds: float) -> bool:
        """Wait until every group holds (or runs, for the face that blinks when nothing is asked)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.live(0.1)
            newest = self.state()
            fresh = newest is not None and time.monotonic_ns() - int(newest["stamp_ns"]) < 100_000_000
            if fresh and np.all((newest["state"] == m.State.HOLD) | (newest["state"] == m.State.RUN)):
                return True
        return False

    def await_motion(self, seconds: float) -> bool:
        """Say something that moves arms or wheels and wait until they do."""
        self.say(WORDS[self.said % len(WORDS)])
        limbs = [i for i, j in enumerate(self.spec.joints) if "brow" not in j.name and "lid" not in j.name]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got = self.live(0.02)
            if got["joint_state"] and self.speeds(got["joint_state"][-1])[limbs].max() > 0.3:
                return True
        return False

    def trial(self, number: int) -> dict:
        """Disturb one process while the robot moves; return what happened."""
        victim = VICTIMS[number % len(VICTIMS)]
        kind = self.random.choice((signal.SIGKILL, signal.SIGSTOP))
        row = {"victim": victim, "signal": signal.Signals(kind).name}
        if not self.await_hold(30.0):
            return {**row, "failure": "did not hold before the trial"}
        for _ in range(5):
            if self.await_motion(4.0):
                break
        else:
            return {**row, "failure": "did not move before the trial"}
        self.live(self.random.uniform(0.0, 0.6))
        before = self.state()
        running = (before["state"] == m.State.RUN) if before is not None else None
        if running is None or not running.any():
            return self.trial(number)
        self.take()
        at_ns = time.monotonic_ns()
        os.kill(self.supervisor.pid(victim), kind)
        got = self.live(2.5 if victim in INVOLVED else 1.0)
        return {**row, **self.judge(victim, running, got, at_ns)}

    def judge(self, victim: str, running: np.ndarray, got: dict[str, list], at_ns: int) -> dict:
        """Read from the world what followed."""
        watchdog = [int(r["stamp_ns"]) for r in got["actuation"] if r["is_braking"]]
        stopping = [
            int(r["stamp_ns"]) for r in got["reflex"]
            if np.any(running & (r["state"] != m.State.RUN)) and int(r["stamp_ns"]) > at_ns
        ]  # fmt: skip
        braking = min([t for t in (*watchdog, *stopping) if t > at_ns], default=None)
        out: dict = {"limits_left": self.limits_left(got["joint_state"])}
        if victim not in INVOLVED:
            faults = np.uint32(0xFFFF_FFFF & ~int(m.Verdict.STOPPED_LEASE_END))
            stopped = (r["cause"][r["state"] == m.State.STOPPING] for r in got["reflex"])
            return {**out, "braking_ms": None, "disturbed": any(bool(np.any(cause & faults)) for cause in stopped)}
        if braking is None:
            return {**out, "failure": "no braking seen"}
        out["braking_ms"] = (braking - at_ns) * 1e-6
        after = [r for r in got["joint_state"] if int(r["stamp_ns"]) > braking]
        limbs = np.array(["brow" not in j.name and "lid" not in j.name for j in self.spec.joints])
        rest = next((r for r in after if self.speeds(r)[limbs].max() < REST), None)
        if rest is None:
            return {**out, "failure": "no rest within 2.5 s"}
        out["rest_ms"] = (int(rest["stamp_ns"]) - braking) * 1e-6
        places = [r["body_p"][self.bodies] for r in got["scene"] if int(r["stamp_ns"]) > braking - 34_000_000]
        out["travel_m"] = max((float(np.linalg.norm(p - places[0], axis=1).max()) for p in places), default=0.0)
        return out

    def limits_left(self, states: list) -> bool:
        low, high = self.spec.array("position_min") - 0.01, self.spec.array("position_max") + 0.01
        fast = 1.1 * self.spec.array("speed_max") + 0.05
        return any(
            bool(np.any(np.nan_to_num(r["q"]) < low) or np.any(np.nan_to_num(r["q"]) > high)
                 or np.any(self.speeds(r) > fast))
            for r in states
        )  # fmt: skip

    def moves_alone(self) -> bool:
        """Say whether a limb moves in half a second after recovery, before anyone asks."""
        limbs = np.array(["brow" not in j.name and "lid" not in j.name for j in self.spec.joints])
        got = self.live(0.5)["joint_state"]
        newest = self.state()
        is_leased = newest is not None and np.any(newest["holder"] != m.Source.NOBODY)
        return not is_leased and any(self.speeds(r)[limbs].max() > 2 * REST for r in got)


def measure(n: int, seed: int) -> dict:
    """Run the trials and return the figures."""
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(seed, Path(folder))
        trials.supervisor.start()
        try:
            trials.await_hold(20.0)
            for number in range(n):
                row = trials.trial(number)
                row["recovered"] = trials.await_hold(30.0)
                row["moved_alone"] = row["victim"] in INVOLVED and trials.moves_alone()
                rows.append(row)
                print(f"{number + 1}/{n} {row}", file=sys.stderr, flush=True)
            declared = trials.spec.stopping_distance_m
        finally:
            trials.supervisor.stop()
    braking = [row["braking_ms"] for row in rows if row.get("braking_ms") is not None]
    late = [row for row in rows if (row.get("braking_ms") or 0.0) > BRAKING_MS_MAX]
    failures = [json.dumps(row) for row in rows if "failure" in row or row in late]
    return {
        "n": len(rows),
        "braking_ms": {
            "p50": float(np.median(braking)), "p99": float(np.quantile(braking, 0.99)), "max": max(braking),
        },
        "travel_m_max": max(row.get("travel_m", 0.0) for row in rows),
        "declared_m": declared,
        "limits_left": sum(row.get("limits_left", False) for row in rows),
        "moved_alone": sum(row["moved_alone"] for row in rows),
        "not_recovered": sum(not row["recovered"] for row in rows),
        "disturbed": sum(row.get("disturbed", False) for row in rows),
        "by_process": {name: sum(row["victim"] == name for row in rows) for name in sorted(set(VICTIMS))},
        "failures": failures,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="4 trials")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    figures = measure(4 if args.quick else args.n, args.seed)
    if args.json:
        print(json.dumps(figures))
        return
    table = Table("figure", "value", title="killed or frozen in motion")
    for key, value in figures.items():
        table.add_row(key, json.dumps(value))
    Console().print(table)


if __name__ == "__main__":
    main()
