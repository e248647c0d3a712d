"""A detector in the whole robot: beside perception, on the same pictures, told when it is asked what it sees."""

from dataclasses import replace
from pathlib import Path

import pytest

from spots import spot_network
from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.sights import KINDS, read_sights
from vagus.runtime.graph import processes
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.nodes.detector import named
from vagus.runtime.prepare import host_file, prepare
from vagus.world.camera import GL_APT

pytestmark = pytest.mark.lockstep


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spot_network(tmp_path_factory.mktemp("detector") / "spots.onnx")


def test_it_looks_once_a_second_and_what_it_makes_out_is_told(network: Path) -> None:
    run, _ = prepare(host_file(), seed=3)
    try:
        robot = Lockstep(replace(run, detector=str(network)), cameras=True, only_looked_at=True, without=("recorder",))
    except ConfigError as exc:
        if GL_APT in str(exc):
            pytest.skip(str(exc))
        raise
    sights, said = robot.streams.reader("sights"), robot.streams.reader("say")
    robot.advance(2.5)
    assert len(sights.since()) in (2, 3)
    record, picture = sights.latest(), robot.streams.reader("camera.head").latest()
    assert record is not None
    assert picture is not None
    assert {KINDS[one.kind][0] for one in read_sights(record)} == {"cat"}  # all that is bright
    slot = run.spec.sensor_index("camera.head")
    assert 0 <= int(picture["origin_ns"][slot]) - int(record["origin_ns"][slot]) < 1_200_000_000
    said.since()
    robot.say("what do you see?")
    robot.advance(8.0)
    assert any("I also make out a cat." in m.get_text(words) for words in said.since())


def test_without_one_nothing_is_made_out() -> None:
    run, _ = prepare(host_file(), seed=3)
    assert run.detector == ""
    assert "detector" not in {row.name for row in processes(run)}
    assert "detector" in {row.name for row in processes(replace(run, detector="some.onnx"))}


def test_a_network_that_cannot_be_used_is_refused_before_anything_starts(network: Path, tmp_path: Path) -> None:
    assert named({}) == ""
    assert named({"VAGUS_DETECTOR": str(network)}) == str(network)
    with pytest.raises(ConfigError, match=r"nothing\.onnx"):
        named({"VAGUS_DETECTOR": str(tmp_path / "nothing.onnx")})
