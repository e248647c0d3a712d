"""A robot for the page's tests: grants leases, follows commands, stops and latches; real streams, no world.

``Stand`` is one thread's: whoever steps it also runs the page. It keeps what the page published, in order.
"""

import json
from dataclasses import dataclass, field

import numpy as np

from vagus.core import messages as m
from vagus.core.messages import Record, Request, Source, State, Verdict
from vagus.core.robot import ArmSpec, BaseSpec, CameraSpec, GroupSpec, JointSpec, RobotSpec, SensorSpec
from vagus.core.sights import Sight, write_sights
from vagus.core.things import COLOURS, SHAPES
from vagus.streams.streams import Streams, memory_streams
from vagus.streams.table import SceneShape, stream_table

MS = 1_000_000
SECOND = 1_000_000_000
TOKEN = "a-token-for-tests-only-0123456789"
START_NS = 50 * SECOND
LATE_NS = 120 * MS
"""Without a new command for this long, the stand stops a group."""

MARK_WIDTH = 4
"""Of the mark in the camera's picture [pixels]."""


def small_spec() -> RobotSpec:
    """Return a cart with a two-joint arm, a gripper and a small camera."""

    def joint(name: str, **more: object) -> JointSpec:
        base: dict[str, object] = {"speed_max": 2.0, "acceleration_max": 8.0, "effort_max": 20.0}
        return JointSpec(name=name, **(base | more))  # type: ignore[arg-type]

    joints = (
        joint("wheel_left", mode="velocity", speed_max=12.0, acceleration_max=40.0),
        joint("wheel_right", mode="velocity", speed_max=12.0, acceleration_max=40.0),
        joint("left_shoulder_pitch", position_min=-1.5, position_max=1.5),
        joint("left_elbow", position_min=0.0, position_max=2.5, home=0.5),
        joint("left_gripper", unit="m", position_min=0.0, position_max=0.04, speed_max=0.1, acceleration_max=1.0),
    )
    return RobotSpec(
        name="tester",
        joints=joints,
        groups=(
            GroupSpec(name="base", joints=("wheel_left", "wheel_right")),
            GroupSpec(name="arm_left", joints=("left_shoulder_pitch", "left_elbow")),
            GroupSpec(name="gripper_left", joints=("left_gripper",), on_estop="hold"),
        ),
        imu=SensorSpec(name="imu", rate_hz=200.0, max_age_s=0.02),
        cameras=(CameraSpec(name="camera.head", rate_hz=30.0, max_age_s=0.2, width=32, height=24),),
        base=BaseSpec(left="wheel_left", right="wheel_right", radius=0.08, track=0.4),
        arms=(
            ArmSpec(
                name="left",
                joints=("left_shoulder_pitch", "left_elbow"),
                tip="left_tip",
                gripper="left_gripper",
                opening=0.08,
            ),
        ),
    )


def _geom(body: int, shape: str, size: list[float], z: float, rgba: list[float]) -> dict[str, object]:
    return {"body": body, "type": shape, "size": size, "p": [0, 0, z], "q": [1, 0, 0, 0], "rgba": rgba}


SCENE: dict[str, object] = {
    "bodies": ["world", "base", "arm"],
    "geoms": [
        _geom(0, "plane", [3, 3, 0.1], 0.0, [0.7, 0.6, 0.5, 1]),
        _geom(1, "cylinder", [0.25, 0.1, 0], 0.15, [0.9, 0.9, 0.92, 1]),
        _geom(1, "box", [0.1, 0.15, 0.3], 0.6, [0.1, 0.5, 0.5, 1]),
        _geom(2, "capsule", [0.05, 0.2, 0], 0.0, [0.9, 0.4, 0.1, 1]),
        _geom(2, "sphere", [0.07, 0, 0], 0.25, [0.2, 0.2, 0.8, 1]),
        _geom(2, "ellipsoid", [0.03, 0.06, 0.09], 0.35, [0.8, 0.2, 0.2, 1]),
    ],
    "cameras": [],
}


@dataclass
class Stand:
    """The robot behind the streams."""

    spec: RobotSpec = field(default_factory=small_spec)
    now_ns: int = START_NS
    has_scene: bool = True

    def __post_init__(self) -> None:
        shape = SceneShape(nq=1, nmocap=0, nbody=3) if self.has_scene else None
        self.table = stream_table(self.spec, shape)
        self.streams: Streams = memory_streams(self.table)
        self.requests: list[Record] = []
        self.commands: list[Record] = []
        self.heard: list[str] = []
        g = len(self.spec.groups)
        self.state = [State.HOLD] * g
        self.holder, self.nonce, self.token, self.until = [Source.NOBODY] * g, [0] * g, [0] * g, [0] * g
        self.cause = [Verdict.NONE] * g
        self.q = np.array([j.home for j in self.spec.joints])
        self.v = np.zeros(self.spec.n_joints)
        self.is_silent = False
        self._moved_ns = [0] * g
        self._requests_in = self.streams.reader("request.teleop")
        self._commands_in = self.streams.reader("command.teleop")
        self._heard_in = self.streams.reader("utterance.page")
        self._group_of = self.spec.group_of_joint()
        self._n = 0

    def step(self, now_ns: int) -> None:
        """Do everything the robot does in one tick; silent, it publishes nothing."""
        self.now_ns = now_ns
        self._n += 1
        self.heard.extend(m.get_text(r) for r in self._heard_in.since())
        for request in self._requests_in.since():
            self.requests.append(request)
            self._answer(request)
        for command in self._commands_in.since():
            self.commands.append(command)
            self._follow(command)
        for g in range(len(self.state)):
            self._age(g)
        if not self.is_silent:
            self._publish()

    def _groups(self, mask: int) -> list[int]:
        return [g for g in range(len(self.state)) if mask >> g & 1]

    def _answer(self, request: Record) -> None:
        for g in self._groups(int(request["groups"])):
            kind = int(request["kind"])
            if kind == Request.ESTOP:
                self.state[g], self.cause[g] = State.ESTOP, Verdict.STOPPED_ESTOP
                self.holder[g], self.token[g] = Source.NOBODY, 0
                self.v[self._group_of == g] = 0.0
            elif kind == Request.RESET and self.state[g] == State.ESTOP:
                self.state[g] = State.HOLD
            elif kind == Request.RELEASE and self.holder[g] == Source.TELEOP:
                self._stop(g, Verdict.STOPPED_LEASE_END)
            elif kind == Request.LEASE and self.state[g] in (State.HOLD, State.RUN):
                if self.token[g] == 0:
                    self.token[g] = self._n * 100 + g + 1
                self.holder[g], self.nonce[g] = Source.TELEOP, int(request["nonce"])
                self.until[g] = self.now_ns + int(request["duration_ns"])

    def _follow(self, command: Record) -> None:
        for g in range(len(self.state)):
            joints = (self._group_of == g) & (command["use"] == 1)
            if joints.any() and self.token[g] != 0 and int(command["lease"][g]) == self.token[g]:
                self.state[g], self._moved_ns[g] = State.RUN, self.now_ns
                wheels = np.array([j.mode == "velocity" for j in self.spec.joints])
                self.q = np.where(joints & ~wheels, command["q"], self.q)
                self.v = np.where(joints, command["v"], self.v)

    def stop_group(self, g: int, why: Verdict) -> None:
        """Stop a group as the gate would; its lease is gone."""
        self._stop(g, why)

    def _stop(self, g: int, why: Verdict) -> None:
        self.state[g], self.cause[g] = State.HOLD, why
        self.holder[g], self.token[g], self.nonce[g] = Source.NOBODY, 0, 0
        self.v[self._group_of == g] = 0.0

    def _age(self, g: int) -> None:
        if self.state[g] == State.RUN and self.now_ns - self._moved_ns[g] > LATE_NS:
            self._stop(g, Verdict.STOPPED_LATE)
        elif self.holder[g] == Source.TELEOP and self.now_ns >= self.until[g]:
            self._stop(g, Verdict.STOPPED_LEASE_END)

    def _publish(self) -> None:
        spec, now, encoder = self.spec, self.now_ns, self.spec.sensor_index("encoder")
        state = m.blank(m.joint_state(spec))
        state["stamp_ns"], state["counter"], state["q"], state["v"] = now, self._n, self.q, self.v
        state["valid"], state["origin_ns"][encoder] = 1, now - MS
        self.streams.writer("joint_state").publish(state)
        reflex = m.blank(m.reflex(spec))
        reflex["stamp_ns"], reflex["tick"], reflex["q_last"], reflex["v_last"] = now, self._n, self.q, self.v
        rows = {"lease": self.token, "lease_nonce": self.nonce, "lease_until_ns": self.until, "cause": self.cause,
                "state": self.state, "holder": self.holder}  # fmt: skip
        for key, values in rows.items():
            reflex[key] = values
        self.streams.writer("reflex").publish(reflex)
        actuation = m.blank(m.actuation(spec))
        actuation["stamp_ns"], actuation["counter"], actuation["origin_ns"][encoder] = now, self._n, now - 4 * MS
        self.streams.writer("actuation").publish(actuation)

    def publish_scene(self) -> None:
        """Publish body poses: the arm swings."""
        scene = m.blank(self.table["scene"].layout)
        scene["stamp_ns"], scene["counter"] = self.now_ns, self._n
        scene["body_q"][:, 0] = 1.0
        scene["body_p"][2] = (0.0, 0.3, 0.6 + 0.1 * np.sin(self.now_ns * 2e-9))
        self.streams.writer("scene").publish(scene)

    def publish_picture(self, counter: int) -> None:
        """Publish one exposure: red left, blue right, and a green mark on top that the counter moves along."""
        camera = self.spec.cameras[0]
        record = m.blank(m.camera(self.spec, camera))
        record["stamp_ns"], record["counter"] = self.now_ns, counter
        record["origin_ns"][self.spec.sensor_index(camera.name)] = self.now_ns - 20 * MS
        record["rgb"][:, : camera.width // 2], record["rgb"][:, camera.width // 2 :] = (220, 30, 30), (30, 30, 220)
        at = counter // 4 % (camera.width // MARK_WIDTH) * MARK_WIDTH
        record["rgb"][:6, at : at + MARK_WIDTH] = (30, 220, 30)
        self.streams.writer(camera.name).publish(record)

    def publish_things(self, counter: int, sights: tuple[Sight, ...] = ()) -> None:
        """Publish what a robot might see: a red cup in the picture, and a blue bowl that it remembers; and sights."""
        camera = self.spec.sensor_index(self.spec.cameras[0].name)
        made_out = m.blank(m.sights(self.spec))
        made_out["origin_ns"][camera] = self.now_ns - 100 * MS
        write_sights(made_out, list(sights))
        self.streams.writer("sights").publish(made_out)
        record = m.blank(m.objects(self.spec))
        record["stamp_ns"], record["counter"], record["n"], record["box"] = self.now_ns, counter, 2, np.nan
        record["origin_ns"][camera] = self.now_ns - 100 * MS
        for k, (shape, colour, age_ns) in enumerate((("cup", "red", 100 * MS), ("bowl", "blue", 5000 * MS))):
            record["id"][k], record["seen_ns"][k] = k + 1, self.now_ns - age_ns
            record["shape"][k], record["colour"][k] = SHAPES.index(shape), COLOURS.index(colour)
            record["centre"][k], record["size"][k] = (0.2, 0.3 * k - 0.2, 0.3), (0.2, 0.2, 0.3)
        record["box"][0] = (8, 8, 20, 18)
        self.streams.writer("objects").publish(record)

    def publish_plan(self, **more: object) -> None:
        """Publish a plan to pick up the red cup, or with other fields, as a brain would."""
        step = {"skill": "pick", "text": "Pick up the red cup", "state": "running", "why": "", "things": [1]}
        plan: dict[str, object] = {"id": 1, "by": "parser", "words": "I will pick up the red cup.", "state": "running",
                                   "why": "", "steps": [step]}  # fmt: skip
        self.publish_words("plan", json.dumps(plan | more, ensure_ascii=False))

    def publish_words(self, stream: str, words: str, about: int = 1) -> None:
        """Say something on a stream of words."""
        record = m.blank(m.text(self.spec))
        record["stamp_ns"], record["id"] = self.now_ns, about
        m.set_text(record, words)
        self.streams.writer(stream).publish(record)

    def publish_stats(self, process: str, cpu_ns: int) -> None:
        """Publish one process's figures."""
        record = m.blank(m.stats(self.spec))
        record["stamp_ns"], record["pid"], record["ticks"], record["cpu_ns"] = self.now_ns, 4242, self._n, cpu_ns
        record["rss_bytes"], record["realtime_factor"] = 64 << 20, 1.0
        self.streams.writer(f"stats.{process}").publish(record)

    def kinds(self) -> list[Request]:
        """Return the kinds of the requests that the page sent."""
        return [Request(int(r["kind"])) for r in self.requests]
