"""The world node: steps the simulated body in real or virtual time, and measures the age of what moves it."""

from vagus.body.simulated import SimulatedBody
from vagus.runtime.ages import AgeCounter
from vagus.runtime.context import Context
from vagus.world.simulation import SimulationCfg

_CATCH_UP = 25
"""Most steps made up for in one tick: 50 ms at 500 Hz; beyond it the world's time falls behind, and it shows."""


class WorldNode:
    """Reads ``joint_command``, writes what the simulated sensors see."""

    def __init__(self, ctx: Context) -> None:
        run = ctx.run
        self._body = SimulatedBody(
            ctx.robot, scene=run.scene, seed=run.seed, calibration_file=run.calibration,
            cfg=SimulationCfg(person=run.person),
        )  # fmt: skip
        self._command = ctx.streams.reader("joint_command")
        names = [n for n in run.table() if n in self._body.publishes]
        self._out = {name: ctx.streams.writer(name) for name in names}
        self._ages = AgeCounter(ctx)
        self._dt_ns = round(1e9 / ctx.spec.encoder.rate_hz)
        self._start_ns: int | None = None
        self._steps = 0
        self._first_ns = self._now_ns = 0

    def step(self, now_ns: int) -> None:
        """Make the physics steps that are due; one in lockstep, more when the process was held up."""
        if self._start_ns is None:
            self._start_ns = self._first_ns = now_ns - self._dt_ns
        self._now_ns = now_ns
        due = round((now_ns - self._start_ns) / self._dt_ns) - self._steps
        if due > _CATCH_UP:
            self._start_ns += (due - _CATCH_UP) * self._dt_ns
            due = _CATCH_UP
        for i in range(due - 1, -1, -1):
            for name, record in self._body.step(now_ns - i * self._dt_ns, self._command.latest()):
                self._out[name].publish(record)
                if name == "actuation":
                    self._ages.count(record)
        self._steps += max(due, 0)

    def figures(self) -> dict[str, int | float]:
        """Return simulated time over the robot's time since the first step."""
        elapsed_ns = self._now_ns - self._first_ns
        return {"realtime_factor": self._steps * self._dt_ns / elapsed_ns if elapsed_ns > 0 else 1.0}
