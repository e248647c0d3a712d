"""A process of the robot: nodes are due on their pacer's lines, and import no more than they need."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vagus.runtime import run_dir
from vagus.runtime.child import Scheduled
from vagus.runtime.graph import processes
from vagus.runtime.prepare import host_file, prepare

MS = 1_000_000


class Ticks:
    """A node that notes when it ran."""

    def __init__(self) -> None:
        self.at_ms: list[float] = []

    def step(self, now_ns: int) -> None:
        self.at_ms.append(now_ns / MS)


@pytest.mark.parametrize("late_ms", [0.0, 0.5, 1.1, 1.3, 1.9])
def test_a_late_tick_does_not_cost_the_next_one(late_ms: float) -> None:
    node = Ticks()
    scheduled = Scheduled(node, 2 * MS, phase_ns=800_000)  # as the reflex: 500 Hz, 0.8 ms behind the world
    for now_ms in (10.8, 12.8 + late_ms, 14.8, 16.8):
        scheduled.step(round(now_ms * MS))
    assert len(node.at_ms) == 4


def test_what_passed_meanwhile_is_skipped_not_caught_up() -> None:
    node = Ticks()
    scheduled = Scheduled(node, 20 * MS)
    for now_ms in range(0, 200, 10):
        if not 35 < now_ms < 135:
            scheduled.step(now_ms * MS)
    assert node.at_ms == [0, 20, 140, 160, 180]


@pytest.mark.parametrize("phase_ms", range(0, 34, 3))
def test_no_exposure_is_passed_over_wherever_it_lies(phase_ms: int) -> None:
    run, _ = prepare(host_file(), scene="empty")
    (camera,) = next(row.nodes for row in processes(run) if row.name == "camera")
    node = Ticks()
    scheduled = Scheduled(node, round(1e9 / camera.rate_hz))
    for exposure in range(60):  # the world's clock has lines of 2 ms: 34, 34, 32 ms apart
        scheduled.step((phase_ms + 1000 + 2 * round(exposure * 1000 / 30 / 2)) * MS)
    assert len(node.at_ms) == 60


def test_a_flood_of_requests_to_the_page_cannot_hold_up_the_brain_nor_that_the_reflex() -> None:
    run, _ = prepare(host_file(), scene="empty")
    priority = {row.name: row.realtime.priority for row in processes(replace(run, page_port=8808, record_dir="runs"))}
    assert priority["recorder"] == 0 < priority["page"] < priority["brain"] < priority["reflex"] < priority["world"]


def test_perception_waits_for_all_others() -> None:
    run, _ = prepare(host_file(), scene="empty")
    rows = {row.name: row.realtime for row in processes(run)}
    assert rows["perception"].priority == 0
    assert rows["perception"].nice > max(row.nice for name, row in rows.items() if name != "perception")


BUILT_THEN_SERVED = """
import os, sys
from pathlib import Path
from vagus.runtime import child
from vagus.runtime.graph import ProcessSpec
from vagus.runtime.realtime import RealtimeCfg

before = os.nice(0)

def tell():
    print("FIFO" if os.sched_getscheduler(0) == os.SCHED_FIFO else "others", os.nice(0) - before)

def make(ctx):
    tell()
    return tell

child.process = lambda run, name: ProcessSpec(name=name, serve=make, realtime=RealtimeCfg(priority=5, nice=3))
child.main(Path(sys.argv[1]), "page", os.getppid())
"""


def test_nothing_is_built_at_a_real_time_priority_which_would_stall_the_reflex_of_a_core(tmp_path: Path) -> None:
    run, _ = prepare(host_file(), scene="empty")
    run_dir.save(tmp_path, run)
    command = [sys.executable, "-c", BUILT_THEN_SERVED, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    built, granted, served = said.splitlines()
    assert built == "others 3"
    assert granted.startswith("granted: ")
    assert served == ("FIFO 3" if "fifo=True" in granted else "others 3")


def imported_by(code: str) -> tuple[set[str], set[str]]:
    """Return the names of all modules that ``code`` imports, and of the installed packages among them."""
    tell = (
        "import json, sys; files = {n: getattr(m, '__file__', '') or '' for n, m in sys.modules.items()};"
        "print(json.dumps([list(files), [n.partition('.')[0] for n, f in files.items() if 'site-packages' in f]]))"
    )
    done = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True)
    modules, installed = json.loads(done.stdout)
    return set(modules), set(installed)


HEAVY = {"mujoco", "scipy", "litestar", "uvicorn", "foxglove", "rich", "tyro", "mink", "ruckig", "asyncio", "ssl"}


def test_what_the_reflex_process_imports_is_a_budget() -> None:
    before, _ = imported_by("import numpy, msgspec")
    modules, installed = imported_by("import vagus.runtime.child, vagus.runtime.nodes.reflex")
    assert modules & HEAVY == set()
    # site hooks of an editable installation and msgspec's helpers are not the reflex's
    assert installed - {"_distutils_hack", "typing_extensions"} <= {"numpy", "msgspec"}
    assert {m for m in modules if m.startswith("vagus.")} & {"vagus.world", "vagus.page", "vagus.act"} == set()
    assert len(modules - before) < 120


def test_the_reflex_of_a_real_arm_adds_its_bus_and_no_more() -> None:
    modules, installed = imported_by("import vagus.runtime.nodes.reflex, vagus.body.feetech.body")
    assert modules & HEAVY == set()
    assert installed - {"_distutils_hack", "typing_extensions"} <= {"numpy", "msgspec", "serial"}
