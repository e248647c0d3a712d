"""What the page shows of a running robot, read from its streams: newest first for states, in order for words.

Reads only. What is missing or too old becomes None, never a number.
"""

import io
import math
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vagus.core import messages as m
from vagus.core.ages import ages_s
from vagus.core.messages import Record, Source, State, Verdict
from vagus.core.robot import RobotSpec
from vagus.core.sights import KINDS, recent_sights
from vagus.core.things import COLOURS, SHAPES
from vagus.page import wire
from vagus.page.plan import Plan, PlanError, read_plan
from vagus.page.wire import Line, StateUpdate
from vagus.streams.streams import Streams
from vagus.streams.table import PROCESSES, StreamSpec

REST_SPEED = {"rad": 0.05, "m": 0.02}
"""A joint slower than this is at rest [rad/s, m/s]: the gate's own measure, above the noise of encoder velocities."""
SHOWN_MAX_S = 1.0
"""States older than this are not shown as if they were now [s]."""
JPEG_QUALITY = 80
_TALK = {"utterance.page": "person", "utterance.operator": "operator", "say": "robot", "outcome": "outcome"}
_TALK_KEPT = 100
"""Lines that a page which connects later still gets."""
_PLANS_KEPT = 16
"""Plans that a page is told of: as each is 2 kB at most, they fit in one small message."""


def hello(spec: RobotSpec, table: dict[str, StreamSpec], scene: object, *, page: int, talk: list[Line]) -> wire.Hello:
    """Return all that does not change: the robot, its streams, the room's geometry, the talk so far."""
    group_of = spec.group_of_joint()
    joints = [
        wire.JointInfo(
            name=j.name, group=int(group_of[i]), unit=j.unit, mode=j.mode, speed_max=j.speed_max,
            range=(j.position_min, j.position_max) if j.mode == "position" else None,
        )
        for i, j in enumerate(spec.joints)
    ]  # fmt: skip
    groups = [
        wire.GroupInfo(name=g.name, joints=[spec.joint_index(j) for j in g.joints], on_estop=g.on_estop)
        for g in spec.groups
    ]
    return wire.Hello(
        you=page, robot=spec.name, joints=joints, groups=groups,
        sensors=[wire.SensorInfo(name=s.name, rate_hz=s.rate_hz, max_age_s=s.max_age_s) for s in spec.sensors],
        cameras=[wire.CameraInfo(name=c.name, width=c.width, height=c.height) for c in spec.cameras],
        streams=[wire.StreamInfo(name=s.name, rate_hz=s.rate_hz) for s in table.values()],
        processes=list(PROCESSES), states=[s.name.lower() for s in State], sources=[s.name.lower() for s in Source],
        verdicts={int(v): str(v.name).lower() for v in Verdict if v}, languages=["en", "ko"],
        has_base=spec.base is not None, has_hand=any(arm.can_grasp for arm in spec.arms), scene=scene,
        max_say=wire.MAX_SAY, talk=talk,
    )  # fmt: skip


def numbers(values: Iterable[float], valid: Sequence[int] | None = None) -> list[float | None]:
    """Return readings rounded for the page, None where one is missing (not finite, or marked invalid)."""
    rounded = [round(float(x), 4) if math.isfinite(x) else None for x in values]
    if valid is None:
        return rounded
    return [x if ok else None for x, ok in zip(rounded, valid, strict=True)]


def is_at_rest(spec: RobotSpec, state: Record, now_ns: int) -> bool | None:
    """Say whether the body's own readings show it at rest; None when a reading is missing or too old to tell."""
    v: NDArray[np.float64] = state["v"]
    is_old = now_ns - int(state["stamp_ns"]) > 10 * spec.encoder.max_age_s * 1e9
    if is_old or not (np.all(state["valid"] == 1) and np.all(np.isfinite(v))):
        return None
    slow = np.array([REST_SPEED[j.unit] for j in spec.joints])
    return bool(np.all(np.abs(v) <= slow))


class StateWatch:
    """The fast part: joints, groups, ages at the actuators, body poses."""

    def __init__(self, spec: RobotSpec, streams: Streams, *, has_scene: bool) -> None:
        self._spec = spec
        self._joints = streams.reader("joint_state")
        self._reflex = streams.reader("reflex")
        self._actuation = streams.reader("actuation")
        self._scene = streams.reader("scene") if has_scene else None
        self._scene_counter = -1
        self._n = 0

    def reflex(self) -> Record | None:
        """Return the reflex's newest message, whatever its age."""
        return self._reflex.latest()

    def is_at_rest(self, now_ns: int) -> bool | None:
        """Say whether the body's own readings show it at rest now; None when that is not known."""
        state = self._joints.latest()
        return None if state is None else is_at_rest(self._spec, state, now_ns)

    def state(self, now_ns: int, *, page: int | None, is_granted: bool) -> StateUpdate:
        """Return the state to show now."""
        self._n += 1
        state, reflex, actuation = self._joints.latest(), self._reflex.latest(), self._actuation.latest()
        joint_age_s, reflex_age_s, actuation_age_s = (_age_s(r, now_ns) for r in (state, reflex, actuation))
        n = self._spec.n_joints
        shown = state if state is not None and _is_shown(joint_age_s) else None
        valid = None if shown is None else shown["valid"].tolist()
        applied = actuation if actuation is not None and _is_shown(actuation_age_s) else None
        known = reflex if reflex is not None and _is_shown(reflex_age_s) else None
        n_sensors = len(self._spec.sensors)
        return StateUpdate(
            n=self._n,
            q=[None] * n if shown is None else numbers(shown["q"].tolist(), valid),
            v=[None] * n if shown is None else numbers(shown["v"].tolist(), valid),
            joint_age_s=joint_age_s,
            reflex_age_s=reflex_age_s,
            groups=[] if known is None else _groups(known),
            is_at_rest=None if shown is None else is_at_rest(self._spec, shown, now_ns),
            is_braking=None if applied is None else bool(applied["is_braking"]),
            ages_s=[None] * n_sensors if applied is None else _ages(applied),
            overruns=0 if reflex is None else int(reflex["overruns"]),
            refused=0 if reflex is None else int(reflex["refused"]),
            limited=0 if reflex is None else int(reflex["limited"]),
            control=wire.Control(page=page, is_granted=is_granted),
        )

    def poses(self) -> bytes | None:
        """Return the newest body poses as a binary frame; None if there is nothing newer than last time."""
        scene = self._scene.latest() if self._scene else None
        if scene is None or int(scene["counter"]) == self._scene_counter:
            return None
        self._scene_counter = int(scene["counter"])
        return wire.encode_poses(scene["body_p"], scene["body_q"])


def _age_s(record: Record | None, now_ns: int) -> float | None:
    return None if record is None else round((now_ns - int(record["stamp_ns"])) * 1e-9, 4)


def _is_shown(age_s: float | None) -> bool:
    return age_s is not None and age_s <= SHOWN_MAX_S


def _ages(actuation: Record) -> list[float | None]:
    ages = ages_s(actuation["origin_ns"], int(actuation["stamp_ns"]))
    return [None if age is None else round(age, 6) for age in ages]


def _groups(reflex: Record) -> list[wire.GroupState]:
    rows = zip(*(reflex[key].tolist() for key in ("state", "cause", "verdict", "holder")), strict=True)
    return [wire.GroupState(state=s, cause=c, verdict=v, holder=h) for s, c, v, h in rows]


class CameraWatch:
    """One camera's newest exposure, as a JPEG; an exposure is encoded once, however many pages watch."""

    def __init__(self, spec: RobotSpec, streams: Streams, camera: int) -> None:
        self._index = camera
        self._sensor = spec.sensor_index(spec.cameras[camera].name)
        self._in = streams.reader(spec.cameras[camera].name)
        self._counter = -1

    def picture(self, now_ns: int) -> bytes | None:
        """Return the newest exposure as a binary frame; None if there is none newer than last time.

        Its age is counted from the exposure (``origin_ns``), not from when the stream was written.
        """
        with self._in.view() as view:
            record = view.record
            if record is None or int(record["counter"]) == self._counter:
                return None
            counter, rgb = int(record["counter"]), np.array(record["rgb"])
            origin_ns = int(record["origin_ns"][self._sensor])
        if not view.is_valid:
            return None
        self._counter = counter
        out = io.BytesIO()
        Image.fromarray(rgb).save(out, format="JPEG", quality=JPEG_QUALITY)
        return wire.encode_picture(self._index, counter, (now_ns - origin_ns) * 1e-9, out.getvalue())


class ThingsWatch:
    """What the robot perceives, as it says itself."""

    def __init__(self, spec: RobotSpec, streams: Streams) -> None:
        self._in = streams.reader("objects") if spec.cameras else None
        self._sights = streams.reader("sights") if spec.cameras else None
        self._odometry = streams.reader("odometry") if spec.base else None
        self._sensors = [spec.sensor_index(cam.name) for cam in spec.cameras]
        self._counter = -1

    def read(self, now_ns: int) -> wire.Things | None:
        """Return all things known, None if no picture was looked at since the last time."""
        record = self._in.latest() if self._in else None
        if record is None or int(record["counter"]) == self._counter:
            return None
        self._counter = int(record["counter"])
        odometry = self._odometry.latest() if self._odometry else None
        x, y, yaw = (0.0, 0.0, 0.0) if odometry is None else (float(odometry[k]) for k in ("x", "y", "yaw"))
        exposed_ns = int(record["origin_ns"][self._sensors].min())
        things = [_thing(record, k, (x, y, yaw), now_ns) for k in range(int(record["n"]))]
        return wire.Things(things=things, counter=self._counter, age_s=round((now_ns - exposed_ns) * 1e-9, 3),
                           sights=self._made_out(now_ns))  # fmt: skip

    def _made_out(self, now_ns: int) -> list[wire.Sight]:
        sights = recent_sights(self._sights.latest() if self._sights else None, now_ns)
        return [wire.Sight(name=list(KINDS[one.kind]), score=round(one.score, 2), box=[round(v, 1) for v in one.box])
                for one in sights]  # fmt: skip


def _thing(record: Record, k: int, base: tuple[float, float, float], now_ns: int) -> wire.Thing:
    """Tell of one thing, seen from where the base is: x [m], y [m] and yaw [rad] in the world."""
    x, y, z = record["centre"][k].tolist()
    dx, dy, c, s = x - base[0], y - base[1], math.cos(base[2]), math.sin(base[2])
    box = record["box"][k].tolist()
    return wire.Thing(
        id=int(record["id"][k]), shape=SHAPES[int(record["shape"][k])], colour=COLOURS[int(record["colour"][k])],
        p=[round(v, 4) for v in (c * dx + s * dy, c * dy - s * dx, z)], yaw=round(float(record["yaw"][k]) - base[2], 4),
        size=[round(v, 4) for v in record["size"][k].tolist()],
        age_s=round((now_ns - int(record["seen_ns"][k])) * 1e-9, 2), box=None if math.isnan(box[0]) else box,
    )  # fmt: skip


class PlanWatch:
    """What the robot is about to do, does, and did last. Read in order; of one utterance's plan the newest is kept."""

    def __init__(self, streams: Streams) -> None:
        self._in = streams.reader("plan")
        self._kept: dict[int, tuple[int, Plan]] = {}
        self._unreadable: str | None = None

    def read(self, now_ns: int) -> wire.Plans | None:
        """Return the last plans, None if nothing was told since the last time."""
        new = self._in.since()
        for record in new:
            self._take(record)
        return self.told(now_ns) if new else None

    def told(self, now_ns: int) -> wire.Plans:
        """Return the last plans, for a page that connects now."""
        lines = [wire.PlanLine(age_s=round((now_ns - ns) * 1e-9, 1), plan=plan) for ns, plan in self._kept.values()]
        return wire.Plans(plans=lines, unreadable=self._unreadable)

    def _take(self, record: Record) -> None:
        try:
            plan = read_plan(m.get_text(record))
        except PlanError as error:
            self._unreadable = str(error)
            return
        self._unreadable = None
        self._kept.pop(plan.id, None)
        self._kept[plan.id] = int(record["stamp_ns"]), plan
        if len(self._kept) > _PLANS_KEPT:
            del self._kept[next(iter(self._kept))]


class TalkWatch:
    """Everything said: by people, by the robot, and how it went. Read in order; what was lost is counted."""

    def __init__(self, streams: Streams) -> None:
        self._in = {name: streams.reader(name) for name in _TALK}
        self._kept: deque[tuple[int, str, Record]] = deque(maxlen=_TALK_KEPT)
        self._lost = 0

    def read(self, now_ns: int) -> wire.Talk | None:
        """Return what was said since the last time, None if nothing was."""
        new = [(int(r["stamp_ns"]), name, r) for name, reader in self._in.items() for r in reader.since()]
        new.sort(key=lambda row: row[0])
        self._kept.extend(new)
        lost = sum(reader.lost for reader in self._in.values()) - self._lost
        self._lost += lost
        if not new and not lost:
            return None
        return wire.Talk(lines=[_line(row, now_ns) for row in new], lost=lost)

    def history(self, now_ns: int) -> list[Line]:
        """Return the last lines, for a page that connects now."""
        return [_line(row, now_ns) for row in self._kept]


def _line(row: tuple[int, str, Record], now_ns: int) -> Line:
    stamp_ns, name, record = row
    who = _TALK[name]
    return Line(who=who, id=int(record["id"]), age_s=round((now_ns - stamp_ns) * 1e-9, 1), text=m.get_text(record))  # pyright: ignore[reportArgumentType]
