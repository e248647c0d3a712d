"""A robot of two wheels whose processes are tiny: nodes that tick, crash, freeze or close slowly, as a file tells them.

Run as a script it is such a process (what ``vagus.runtime.child`` is to a robot); with ``supervise`` a supervisor.
"""

import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.robot import GroupSpec, JointSpec, RobotSpec
from vagus.runtime import child, run_dir, supervisor
from vagus.runtime.context import Context
from vagus.runtime.graph import NodeSpec, ProcessSpec
from vagus.runtime.run_dir import Run

WHEELS = ("left", "right")
SPEC = RobotSpec(
    name="toy",
    joints=tuple(JointSpec(name=w, mode="velocity", speed_max=1, acceleration_max=1, effort_max=1) for w in WHEELS),
    groups=(GroupSpec(name="base", joints=WHEELS),),
)
NAMES = ("world", "recorder", "brain", "reflex")
"""Its processes, in an order that is not the one in which they must end."""
RUN = Run(spec=SPEC, robot_file=__file__, seed=3, scene=" ".join(NAMES), shape=None, realtime=False)
"""The scene's name says which processes there are: each takes a third of a second to start."""
CHILD = (sys.executable, __file__)
SILENCE_S = 1.5


class Toy:
    """Does what ``mood.<name>`` beside the run directory says: nothing, wrong, crash, stuck, deaf, slow, mute."""

    def __init__(self, ctx: Context, name: str) -> None:
        self.name, self.path = name, ctx.path
        self.mood = mood(ctx.path, name)
        self.reflex = ctx.streams.writer("reflex") if name == "reflex" else None
        if self.mood == "wrong":
            raise ConfigError("toy setting: got 1, allowed: 2")
        if self.mood == "mute":
            time.sleep(60.0)
        if self.mood == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def step(self, now_ns: int) -> None:
        if self.mood == "crash":
            raise RuntimeError("the toy broke")
        if self.mood == "stuck":
            time.sleep(60.0)
        if mood(self.path, self.name) == "wrong later":
            raise ConfigError("toy setting: got 1, allowed: 2")
        if self.reflex:
            record = m.blank(m.reflex(SPEC))
            record["stamp_ns"] = now_ns
            self.reflex.publish(record)

    def close(self) -> None:
        if self.mood == "slow":
            time.sleep(0.3)
        (self.path.parent / f"closed.{self.name}").write_text(str(time.monotonic_ns()))


def mood(path: Path, name: str) -> str:
    file = path.parent / f"mood.{name}"
    return file.read_text() if file.exists() else ""


def processes(run: Run) -> tuple[ProcessSpec, ...]:
    """Return the toy's process table."""
    rows = []
    for name in run.scene.split():
        node = NodeSpec(name=name, rate_hz=50.0, make=lambda ctx, name=name: Toy(ctx, name))
        rows.append(ProcessSpec(name=name, nodes=(node,), silence_s=SILENCE_S, restarts=name != "world"))
    return tuple(rows)


def supervise(root: Path) -> None:
    """Run a toy until killed; print its processes' ids once all live."""
    run_dir.ROOT, supervisor.processes, supervisor.CHILD = root, processes, CHILD
    toy = supervisor.Supervisor(replace(RUN), report=print)
    toy.start()
    lives = [toy.streams.reader(f"stats.{row.name}") for row in processes(RUN)]
    while not all(life.wait(0.05) for life in lives):
        toy.watch()
    print(*(toy.pid(row.name) for row in processes(RUN)), flush=True)
    while True:
        toy.watch()
        time.sleep(0.02)


if __name__ == "__main__":
    if sys.argv[1] == "supervise":
        supervise(Path(sys.argv[2]))
    child.process = lambda run, name: next(row for row in processes(run) if row.name == name)
    try:
        child.main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    except ConfigError as wrong:
        print(f"{wrong}", file=sys.stderr)
        raise SystemExit(child.WRONG_CONFIG) from wrong
