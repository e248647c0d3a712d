"""Pacing: absolute, skipped and counted, never caught up."""

import subprocess
import sys
import time

import pytest

from vagus.runtime.realtime import Pacer, RealtimeCfg, set_up

PERIOD_NS = 20_000_000


@pytest.mark.realtime
def test_ticks_are_never_early_and_lie_on_the_grid() -> None:
    pacer = Pacer(PERIOD_NS, phase_ns=PERIOD_NS // 2)
    for _ in range(5):
        woke = pacer.wait()
        assert (woke - PERIOD_NS // 2) % PERIOD_NS < PERIOD_NS
        assert woke >= (woke - PERIOD_NS // 2) // PERIOD_NS * PERIOD_NS + PERIOD_NS // 2


@pytest.mark.realtime
def test_what_passed_while_busy_is_counted_and_not_caught_up() -> None:
    pacer = Pacer(PERIOD_NS)
    pacer.wait()
    time.sleep(5.5 * PERIOD_NS * 1e-9)
    first = pacer.wait()
    assert pacer.overruns >= 4
    assert pacer.wait() - first >= PERIOD_NS // 4  # waits for the grid's next line: no burst


def test_what_cannot_be_had_is_reported_and_raises_nothing() -> None:
    granted = set_up(RealtimeCfg(priority=0, core=None))
    assert (granted.fifo, granted.memory_locked, granted.core, granted.refusals) == (False, False, None, ())


def test_frozen_garbage_is_what_lived_so_far_and_nothing_is_collected_any_more() -> None:
    code = "import gc; from vagus.runtime import realtime; realtime.freeze_garbage(); print(gc.get_freeze_count() > 0)"
    code += "; print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nFalse\n"
