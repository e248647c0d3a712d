"""The whole robot in one thread and virtual time: how much faster than real time, and the same bytes twice?

Runs the host in its room while it waves and smiles: without cameras, with its camera rendering every exposure, and
twice with the recorder on, comparing the logs. Targets: twice real time with cameras on demand; equal logs.

Keys of --json: seconds (virtual, per run), factor (virtual over wall time, cameras on demand), factor_cpu (over CPU
time), factor_cameras (wall, every exposure rendered), sha256 (of the log, of two runs), same, node_ms_per_s (CPU time
of each node per virtual second).
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare


def busy(robot: Lockstep, seconds: float) -> tuple[float, float]:
    """Let a robot that was told to wave and smile run; return wall and CPU seconds."""
    robot.advance(0.5)
    robot.say("wave and smile")
    wall, cpu = time.perf_counter(), time.process_time()
    robot.advance(seconds)
    return time.perf_counter() - wall, time.process_time() - cpu


def per_node(seconds: float) -> dict[str, float]:
    """Return the CPU time of each node per virtual second [ms]."""
    robot = Lockstep(prepare(host_file(), seed=1)[0])
    robot.advance(0.5)
    robot.say("wave and smile")
    spent: dict[str, int] = defaultdict(int)

    def timed(name: str, step):
        def call(now_ns: int) -> None:
            start = time.thread_time_ns()
            step(now_ns)
            spent[name] += time.thread_time_ns() - start

        return call

    for name, scheduled in robot.nodes.items():
        scheduled.node.step = timed(name, scheduled.node.step)
    robot.advance(seconds)
    return {name: ns * 1e-6 / seconds for name, ns in spent.items()}


def log_digest(seconds: float, folder: Path) -> str:
    """Return the sha256 of everything recorded in one run."""
    robot = Lockstep(replace(prepare(host_file(), seed=1)[0], record_dir=str(folder)))
    busy(robot, seconds)
    robot.close()
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.mcap")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def measure(seconds: float) -> dict:
    """Return the figures."""
    wall, cpu = busy(Lockstep(prepare(host_file(), seed=1)[0]), seconds)
    wall_cameras, _ = busy(Lockstep(prepare(host_file(), seed=1)[0], cameras=True), seconds)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        digests = [log_digest(seconds, Path(one)), log_digest(seconds, Path(two))]
    return {
        "seconds": seconds,
        "factor": seconds / wall,
        "factor_cpu": seconds / cpu,
        "factor_cameras": seconds / wall_cameras,
        "sha256": digests,
        "same": digests[0] == digests[1],
        "node_ms_per_s": per_node(min(seconds, 5.0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="virtual seconds per run")
    parser.add_argument("--quick", action="store_true", help="5 virtual seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    figures = measure(5.0 if args.quick else args.seconds)
    if args.json:
        print(json.dumps(figures))
        return
    table = Table("figure", "value", title="lockstep")
    for key, value in figures.items():
        table.add_row(key, json.dumps(value))
    Console().print(table)


if __name__ == "__main__":
    main()
