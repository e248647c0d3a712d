"""``vagus top``: every figure is what the streams say, since the last look or since the start."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy_robot
from rich.console import Console

from vagus.core import messages as m
from vagus.core.ages import bucket
from vagus.runtime import run_dir
from vagus.runtime import top as top_module
from vagus.runtime.top import Top, render, to_json
from vagus.streams.streams import Streams, shared_streams

S = 1_000_000_000
MS = 1_000_000


class Stand:
    """A run directory whose streams are written by hand, at a time that is set by hand."""

    def __init__(self, path: Path) -> None:
        self.now_ns = 100 * S
        run_dir.save(path, toy_robot.RUN)
        self.streams: Streams = shared_streams(path, toy_robot.RUN.table())
        self.path = path

    def publish(self, stream: str, **fields: object) -> None:
        record = m.blank(toy_robot.RUN.table()[stream].layout)
        record["stamp_ns"] = self.now_ns
        for key, value in fields.items():
            record[key] = value
        self.streams.writer(stream).publish(record)


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.setattr(run_dir, "ROOT", tmp_path)
    path, lock = run_dir.claim("toy")
    made = Stand(path)
    monkeypatch.setattr(top_module, "time", SimpleNamespace(monotonic_ns=lambda: made.now_ns))
    monkeypatch.setattr(top_module, "processes", lambda run: [SimpleNamespace(name=n) for n in toy_robot.NAMES])
    yield made
    lock.close()


def test_rates_are_over_the_time_between_two_looks(stand: Stand) -> None:
    top = Top(stand.path)
    for _ in range(7):
        stand.publish("actuation")
    top.look()
    for _ in range(50):
        stand.publish("actuation")
    stand.now_ns += S // 2
    row = top.look().streams["actuation"]
    assert (row.rate_hz, row.messages, row.age_ms) == (pytest.approx(100.0), 57, pytest.approx(500.0))


def test_a_stream_nobody_wrote_has_no_age(stand: Stand) -> None:
    row = Top(stand.path).look().streams["say"]
    assert (row.rate_hz, row.messages, row.age_ms) == (0.0, 0, None)


@pytest.mark.parametrize(("age_ms", "is_stale"), [(8, False), (9, True)])
def test_a_sensor_that_speaks_of_old_samples_is_stale(stand: Stand, age_ms: int, is_stale: bool) -> None:
    max_age_s = toy_robot.SPEC.encoder.max_age_s
    assert max_age_s == 0.008
    stand.publish("joint_state", origin_ns=stand.now_ns - age_ms * MS)
    rows = Top(stand.path).look().streams
    assert (rows["joint_state"].is_stale, rows["actuation"].is_stale) == (is_stale, False)


def test_a_sensor_that_never_spoke_is_stale_and_shown(stand: Stand) -> None:
    snapshot = Top(stand.path).look()
    assert snapshot.streams["joint_state"].is_stale
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render(snapshot))
    assert re.search(r"joint_state .* stale", console.export_text())


def test_ages_are_quantiles_of_the_histogram_never_too_small(stand: Stand) -> None:
    counts = np.zeros((1, m.ages(toy_robot.SPEC)["counts"].shape[1]), np.uint32)
    counts[0, bucket(3 * MS)], counts[0, bucket(9 * MS)] = 990, 10
    stand.publish("ages", counts=counts, max_ns=9 * MS + 1)
    row = Top(stand.path).look().ages_ms["encoder"]
    assert 3.0 <= row.p50 == row.p99 <= 3.0 * 1.07
    assert 9.0 <= row.p999 <= 9.0 * 1.07
    assert (row.max, row.commands) == (pytest.approx(9.000001), 1000)


def test_before_any_command_there_are_no_ages(stand: Stand) -> None:
    assert Top(stand.path).look().ages_ms == {}


def stats(stand: Stand, *, started_s: float, cpu_s: float, **fields: object) -> None:
    stand.publish("stats.brain", pid=7, started_ns=int(started_s * S), cpu_ns=int(cpu_s * S), **fields)


def test_the_share_of_a_core_is_over_the_last_figures_and_survives_a_look_without_new_ones(stand: Stand) -> None:
    top = Top(stand.path)
    stats(stand, started_s=90, cpu_s=1.0)
    assert top.look().processes["brain"].cpu_share == pytest.approx(0.1)  # 1 s in the 10 s since the start
    stand.now_ns += S
    stats(stand, started_s=90, cpu_s=1.6)
    assert top.look().processes["brain"].cpu_share == pytest.approx(0.6)
    stand.now_ns += S // 10
    assert top.look().processes["brain"].cpu_share == pytest.approx(0.6)


def test_a_restarted_process_counts_its_share_from_its_start(stand: Stand) -> None:
    top = Top(stand.path)
    stats(stand, started_s=90, cpu_s=8.0)
    top.look()
    stand.now_ns += 5 * S
    stats(stand, started_s=103, cpu_s=0.5)
    assert top.look().processes["brain"].cpu_share == pytest.approx(0.25)


def test_overruns_are_a_share_of_all_ticks_that_were_due(stand: Stand) -> None:
    stats(stand, started_s=90, cpu_s=1.0, ticks=999, overruns=1, lost=4, wake_error_max_ns=2 * MS, rss_bytes=5 * 10**6)
    row = Top(stand.path).look().processes["brain"]
    assert (row.ticks, row.overruns, row.overrun_share, row.lost) == (999, 1, pytest.approx(0.001), 4)
    assert (row.pid, row.wake_error_max_ms, row.rss_mb, row.up_s) == (7, 2.0, 5.0, pytest.approx(10.0))


@pytest.mark.parametrize(("quiet_s", "is_silent"), [(0.0, False), (2.0, False), (2.1, True)])
def test_a_process_without_a_sign_of_life_shows_as_silent(stand: Stand, quiet_s: float, is_silent: bool) -> None:
    stats(stand, started_s=90, cpu_s=1.0)
    stand.now_ns += round(quiet_s * S)
    assert Top(stand.path).look().processes["brain"].is_silent is is_silent


def test_groups_show_state_cause_and_holder_by_name(stand: Stand) -> None:
    cause = m.Verdict.STOPPED_ESTOP | m.Verdict.REFUSED_STALE
    stand.publish("reflex", state=m.State.ESTOP, cause=cause, holder=m.Source.TELEOP)
    row = Top(stand.path).look().groups["base"]
    assert (row.state, sorted(row.cause), row.holder) == ("ESTOP", ["REFUSED_STALE", "STOPPED_ESTOP"], "TELEOP")


def test_what_was_granted_is_what_the_newest_start_said(stand: Stand) -> None:
    (stand.path / "log" / "brain.log").write_text("granted: no\nbrain: an error\ngranted: Granted(fifo=True)\nmore\n")
    assert Top(stand.path).look().granted == dict.fromkeys(toy_robot.NAMES, "") | {"brain": "Granted(fifo=True)"}


def test_json_has_the_documented_keys_and_the_table_names_all(stand: Stand) -> None:
    stats(stand, started_s=90, cpu_s=1.0)
    stand.publish("reflex", state=m.State.HOLD)
    snapshot = Top(stand.path).look()
    told = json.loads(to_json(snapshot))
    assert set(told) == {
        "robot", "up_s", "realtime_factor", "ages_ms", "streams", "processes", "groups", "granted",
    }  # fmt: skip
    shown = io.StringIO()
    Console(file=shown, width=200).print(render(snapshot))
    assert all(word in shown.getvalue() for word in ("toy, up 10 s", "brain", "HOLD", "NOBODY", "reflex"))


def test_looking_at_no_run_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(run_dir.ConfigError, match="no run in"):
        Top(tmp_path)
    assert list(tmp_path.iterdir()) == []
