"""Recordings, read back by a reader that is not ours: complete, lossless, bounded, readable however they ended."""

import io
import json
import signal
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import foxglove
import msgspec
import numpy as np
import pytest
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Chunk, Message, Metadata
from mcap.stream_reader import StreamReader

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec, GroupSpec, JointSpec, LidarSpec, RobotSpec, SensorSpec, TouchSpec
from vagus.runtime.context import Context
from vagus.runtime.nodes.recorder import RecorderNode
from vagus.runtime.record import cdr
from vagus.runtime.record.about import About, about
from vagus.runtime.record.writer import CHUNK_BYTES, FileSet
from vagus.runtime.run_dir import Run
from vagus.streams.streams import Streams, memory_streams
from vagus.streams.table import SceneShape

CAM = CameraSpec(name="camera.head", rate_hz=30, max_age_s=0.2, width=16, height=12)
SPEC = RobotSpec(
    name="recorded",
    joints=(JointSpec(name="wheel", mode="velocity", speed_max=1.0, acceleration_max=1.0, effort_max=1.0),),
    groups=(GroupSpec(name="base", joints=("wheel",)),),
    imu=SensorSpec(name="imu", rate_hz=200, max_age_s=0.02),
    touch=TouchSpec(name="touch", rate_hz=100, max_age_s=0.05, pads=("a", "b", "c")),
    lidar=LidarSpec(name="lidar", rate_hz=10, max_age_s=0.3, n_rays=36),
    cameras=(CAM,),
)
SHAPE = SceneShape(nq=8, nmocap=1, nbody=2)
SCENE = {
    "bodies": ["world", "base"],
    "geoms": [
        {"type": kind, "size": [0.1, 0.2, 0.3], "p": [0, 0, 0], "q": [1, 0, 0, 0], "rgba": [1, 0, 0, 1], "body": 1}
        for kind in ("box", "sphere", "ellipsoid", "cylinder", "capsule")
    ],
}
TORN = (McapError, EOFError, ValueError, RuntimeError, struct.error)
"""What the reader raises where a file was torn."""
EPOCH_NS = 1_700_000_000_000_000_000


def make_run(folder: Path) -> Run:
    robot_file = folder / "robot.py"
    robot_file.write_text("robot = 'a file'\n")
    return Run(
        spec=SPEC, robot_file=str(robot_file), seed=11, scene="empty", shape=SHAPE, record_dir=str(folder / "out"),
        page_port=8808, page_token="secret-token", epoch_ns=EPOCH_NS,
    )  # fmt: skip


class Recording:
    """A recorder on streams that are filled with random bytes, and what was written to them."""

    def __init__(self, folder: Path, run: Run | None = None) -> None:
        (folder / "scene.json").write_text(json.dumps(SCENE))
        self.run = run or make_run(folder)
        self.streams: Streams = memory_streams(self.run.table())
        self.rng = np.random.default_rng(5)
        self.written: dict[str, list[m.Record]] = defaultdict(list)
        self.stamp_ns = 10**9
        self.node = RecorderNode(Context(run=self.run, streams=self.streams, path=folder))

    def write_all(self, times: int = 1) -> None:
        """Write a message of random bytes to every stream, what lies between fields included, and record it."""
        for _ in range(times):
            self.stamp_ns += 1_000_000
            for name, row in self.run.table().items():
                record = np.ndarray((), row.layout, bytearray(self.rng.bytes(row.layout.itemsize)))
                record["stamp_ns"] = self.stamp_ns
                self.streams.writer(name).publish(record)
                self.written[name].append(record)
            self.node.step(self.stamp_ns)

    def files(self, kind: str) -> list[Path]:
        return sorted(Path(self.run.record_dir).glob(f"{kind}-*.mcap"))


def messages(*paths: Path) -> Iterator[tuple[str, str, Message]]:
    """Yield topic, schema name and message of everything in finished files."""
    for path in paths:
        with path.open("rb") as file:
            for schema, channel, message in make_reader(file, []).iter_messages(log_time_order=False):
                yield channel.topic, schema.name, message


def scan(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return (channel, time, data) of the messages that can be read from the beginning of a torn file."""
    found: list[tuple[int, int, bytes]] = []
    try:
        for record in StreamReader(io.BytesIO(data)).records:
            if isinstance(record, Message):
                found.append((record.channel_id, record.log_time, record.data))
    except TORN:
        pass  # where it was torn
    return found


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    made = Recording(tmp_path)
    made.write_all(3)
    made.node.close()
    return made


def test_every_message_of_every_stream_is_read_back_byte_for_byte_at_its_time(recording: Recording) -> None:
    found: dict[str, list[Message]] = defaultdict(list)
    for topic, _, message in messages(*recording.files("core"), *recording.files("camera")):
        found[topic].append(message)
    for name, row in recording.run.table().items():
        if name == CAM.name:
            continue
        assert [cdr.decode(x.data, row.layout).tobytes() for x in found[f"/{name}"]] == [
            record.tobytes() for record in recording.written[name]
        ], name
        assert [x.log_time - EPOCH_NS for x in found[f"/{name}"]] == [10**9 + k * 10**6 for k in (1, 2, 3)]


def test_pictures_are_lossless_and_carry_their_ages_beside_them(recording: Recording) -> None:
    found: dict[str, list[bytes]] = defaultdict(list)
    for topic, _, message in messages(*recording.files("camera")):
        found[topic].append(message.data)
    header = np.dtype([("stamp_ns", "<i8"), ("origin_ns", "<i8", (len(SPEC.sensors),)), ("counter", "<u8")])
    for k, record in enumerate(recording.written[CAM.name]):
        assert record["rgb"].tobytes() in found["/camera.head/rgb"][k]
        assert record["depth"].tobytes() in found["/camera.head/depth"][k]
        assert b"32FC1" in found["/camera.head/depth"][k]
        told = cdr.decode(found["/camera.head"][k], header)
        assert all(np.array_equal(told[key], record[key]) for key in header.names)


def test_foxglove_finds_pictures_sweeps_talk_and_the_scene_in_its_own_schemas(recording: Recording) -> None:
    seen = Counter(
        (topic, schema) for topic, schema, _ in messages(*recording.files("core"), *recording.files("camera"))
    )
    assert {row: seen[row] for row in seen if row[1].startswith("foxglove.")} == {
        ("/camera.head/rgb", "foxglove.RawImage"): 3,
        ("/camera.head/depth", "foxglove.RawImage"): 3,
        ("/lidar/scan", "foxglove.LaserScan"): 3,
        ("/talk", "foxglove.Log"): 15,  # two ears, say, plan, outcome
        ("/tf", "foxglove.FrameTransforms"): 3,
        ("/scene/shapes", "foxglove.SceneUpdate"): 1,
    }


def test_every_stream_has_a_schema_that_lists_its_fields(recording: Recording) -> None:
    with recording.files("core")[0].open("rb") as file:
        summary = make_reader(file).get_summary()
    schemas = {schema.name: schema for schema in summary.schemas.values()}
    schema = schemas["vagus/joint_state"]
    names = [line.split()[1] for line in schema.data.decode().splitlines()]
    assert (schema.encoding, tuple(names)) == ("ros2msg", m.joint_state(SPEC).names)
    assert {f"vagus/{name}" for name in recording.run.table()} - set(schemas) == {"vagus/camera.head"}


def test_every_file_says_what_it_takes_to_run_it_again_and_tells_no_secret(recording: Recording) -> None:
    for path in (*recording.files("core"), *recording.files("camera")):
        with path.open("rb") as file:
            reader = make_reader(file)
            (facts,) = [x.metadata for x in reader.iter_metadata() if x.name == "vagus.run"]
            files = {x.name: x.data for x in reader.iter_attachments()}
        assert (facts["seed"], facts["robot"], facts["scene"]) == ("11", "recorded", "empty")
        assert all(facts[package] for package in ("mujoco", "numpy", "vagus"))
        assert files["robot.py"] == b"robot = 'a file'\n"
        run = msgspec.msgpack.decode(files["run.msgpack"], type=Run)
        assert run == replace(recording.run, page_token="", page_port=0, record_dir=None)
        assert b"secret-token" not in path.read_bytes()


def test_files_are_compressed_by_lz4_in_small_chunks(recording: Recording) -> None:
    raw = recording.files("core")[0].read_bytes()
    chunks = [r for r in StreamReader(io.BytesIO(raw), emit_chunks=True).records if isinstance(r, Chunk)]
    assert chunks
    assert {chunk.compression for chunk in chunks} == {"lz4"}
    one_message = m.LONG_TEXT_BYTES + 1024
    assert max(chunk.uncompressed_size for chunk in chunks) < CHUNK_BYTES + one_message


def test_a_file_torn_anywhere_reads_as_a_beginning_of_the_whole(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.write_all(40)
    recording.node.close()
    whole = recording.files("core")[0].read_bytes()
    everything = scan(whole)
    counts = []
    for cut in np.linspace(0, len(whole), 60).astype(int):
        found = scan(whole[:cut])
        assert found == everything[: len(found)]
        counts.append(len(found))
    assert counts == sorted(counts)
    assert len(set(counts)) > 3  # several chunks: what is lost is the last one, not all


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_record import Recording
recording = Recording(Path(sys.argv[2]))
recording.write_all(1)
recording.stamp_ns += 2 * 10**9  # two seconds later
recording.write_all(1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_kill_9_all_but_the_last_second_is_in_the_file(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    n_streams = len(make_run(tmp_path).table()) - 1
    for kind, at_least in (("core", n_streams), ("camera", 3)):
        (path,) = (tmp_path / "out").glob(f"{kind}-*.mcap")
        raw = path.read_bytes()
        times = Counter(time_ns for _, time_ns, _ in scan(raw))
        assert times[EPOCH_NS + 3 * 10**9 + 2 * 10**6] >= at_least, kind
        assert [r.metadata["seed"] for r in _records(raw) if isinstance(r, Metadata)] == ["11"]


def _records(raw: bytes) -> list[object]:
    found: list[object] = []
    try:
        found.extend(iter(StreamReader(io.BytesIO(raw)).records))
    except TORN:
        return found
    return found


def test_closing_writes_what_came_last(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    record = m.blank(m.text(SPEC))
    record["stamp_ns"] = 5
    recording.streams.writer("say").publish(record)
    recording.node.close()
    assert [t for t, _, _ in messages(*recording.files("core"))].count("/say") == 1


def test_a_restarted_recorder_keeps_what_the_one_before_wrote(tmp_path: Path) -> None:
    first = Recording(tmp_path)
    first.write_all(2)
    first.node.close()
    before = first.files("core")[0].read_bytes()
    second = Recording(tmp_path, first.run)
    second.write_all(2)
    second.node.close()
    assert [path.name for path in second.files("core")] == ["core-0001.mcap", "core-0002.mcap"]
    assert second.files("core")[0].read_bytes() == before


def test_what_was_overwritten_before_it_was_read_is_counted(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    capacity = recording.run.table()["lidar"].capacity
    for stamp in range(1, capacity + 8):
        record = m.blank(m.lidar(SPEC))
        record["stamp_ns"] = stamp
        recording.streams.writer("lidar").publish(record)
    recording.node.step(1)
    assert recording.node.figures()["lost"] == 7


def test_what_was_overwritten_before_the_recorder_was_there_is_counted(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    streams = memory_streams(run.table())
    for _ in range(run.table()["say"].capacity + 3):
        streams.writer("say").publish(m.blank(m.text(SPEC)))
    assert RecorderNode(Context(run=run, streams=streams)).figures()["lost"] == 3


class Logged:
    """A file set with one channel of incompressible messages of 10 kB, numbered."""

    SIZE = 10_000

    def __init__(self, folder: Path, *, budget: int = 10**6, file_bytes: int = 10**5, reserve: int = 0) -> None:
        facts = About(facts={"seed": "1"}, files={})
        self.files = FileSet(folder, "core", facts, budget=budget, file_bytes=file_bytes, reserve=reserve)
        schema = foxglove.Schema(name="x", encoding="ros2msg", data=b"uint8[] x")
        self.channel = foxglove.Channel("/x", schema=schema, message_encoding="cdr", context=self.files.context)
        self.rng = np.random.default_rng(1)
        self.refused = 0

    def log(self, numbers: range) -> None:
        for number in numbers:
            if self.files.admit(self.SIZE):
                self.channel.log(self.rng.bytes(self.SIZE), log_time=number)
            else:
                self.refused += 1


def numbers(folder: Path) -> list[int]:
    return [x.log_time for _, _, x in messages(*sorted(folder.glob("*.mcap")))]


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.mcap"))


def test_the_oldest_is_deleted_first_and_the_disk_stays_bounded(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    for k in range(40):
        logged.log(range(10 * k, 10 * k + 10))
        assert used(tmp_path) <= 1.1 * 10**6
    logged.files.close()
    kept = numbers(tmp_path)
    assert kept == list(range(kept[0], 400))
    assert len(kept) * logged.SIZE > 0.75 * 10**6  # a file at a time, not everything


def test_files_are_counted_beyond_four_digits(tmp_path: Path) -> None:
    for number in (9998, 9999, 10000):
        (tmp_path / f"core-{number:04d}.mcap").write_bytes(bytes(310_000))
    logged = Logged(tmp_path)
    logged.log(range(1))
    logged.files.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["core-10000.mcap", "core-10001.mcap", "core-9999.mcap"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot record into .*/file/out: Not a directory; allowed"):
        Logged(tmp_path / "file" / "out")


def test_a_robot_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    Path(run.robot_file).unlink()
    with pytest.raises(ConfigError, match=r"robot\.py for the recording: No such file"):
        about(run)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_on_a_small_disk_the_newest_is_kept_and_the_reserve_left_free(small_disk: Path) -> None:
    logged = Logged(small_disk, budget=10**8, file_bytes=2 * 10**5, reserve=10**6)
    logged.log(range(300))
    logged.files.close()
    assert numbers(small_disk)[-1] == 299
    assert logged.refused == 0
    assert used(small_disk) <= 2 * 2**20 - 10**6 + logged.SIZE * 12


def test_without_room_messages_are_left_out_and_said_once(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logged = Logged(small_disk, budget=10**8, reserve=10**7)
    logged.log(range(300))
    logged.files.close()
    assert logged.refused == 300
    assert capsys.readouterr().err == f"no room for recordings in {small_disk}: messages are left out\n"
    assert list(small_disk.iterdir()) == []
