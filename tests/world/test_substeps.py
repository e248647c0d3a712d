"""A robot with a slow bus is simulated as finely as a fast one."""

import pytest

from vagus.body.load import load_robot
from vagus.body.simulated import SimulatedBody
from vagus.runtime.prepare import host_file


@pytest.mark.parametrize(("robot", "per_second"), [("so101.py", 100), ("host.py", 500)])
def test_physics_step_is_at_most_2_ms_and_time_adds_up(robot: str, per_second: int) -> None:
    body = SimulatedBody(load_robot(host_file().parent / robot), scene="empty")
    assert body.simulation.model.opt.timestep <= 0.002 + 1e-12
    for tick in range(1, per_second + 1):
        body.step(tick * 1_000_000_000 // per_second, None)
    assert body.simulation.data.time == pytest.approx(1.0)
