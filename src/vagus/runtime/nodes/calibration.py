"""The calibration node: takes the brain's place, stands still at one pose after another, and looks at the hands.

It moves the robot as a skill does: by leases, through the gate, on joint readings alone. It sees the marker by the
robot's camera, reads no simulator truth, and solves nothing.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vagus.act import motion
from vagus.act.kinematics import Kinematics
from vagus.act.leases import Leases
from vagus.act.motion import Motion
from vagus.act.runner import ENCODER_BUDGET_S, LEAD_S
from vagus.act.skill import Context as MotionContext
from vagus.act.skill import Observation, Targets
from vagus.body.calibrate import CalibrationPose, HandEye, Sighting, find_marker
from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.errors import BodyError
from vagus.core.messages import Record, Source, Verdict
from vagus.runtime.context import Context
from vagus.streams.ring import Reader

Array = NDArray[np.float64]

PERIOD_S = 0.01
"""How often ``step`` is meant to be called [s]."""
_GRANT_S = 3.0
"""How long groups may take to be granted [s]: the reflex's start, and braking whoever had them."""
_REACH_S = 30.0
"""How long one way may take [s]: about 1.5 s, or five times that beside a person."""
_STILL_S = 5.0
"""How long the robot may swing on after a way [s]."""
_LOOK_S = 1.0
"""How long an exposure may take to come [s]: 30 periods of a usual camera."""
_REST_S, _REST = 0.2, 1e-3
"""At rest: readings have spread no more than this [rad or m] for this long [s]; at the hand that is below 1 mm."""


class CalibrationNode:
    """Reads ``joint_state``, ``reflex`` and the camera; writes ``command.skill`` and ``request.skill``."""

    def __init__(self, ctx: Context, eye: HandEye, poses: Sequence[CalibrationPose]) -> None:
        """Prepare to visit the poses, in order, from home and back to it before another arm's."""
        spec, streams = ctx.spec, ctx.streams
        self._spec, self._eye, self._poses = spec, eye, poses
        self._joint_state, self._reflex = streams.reader("joint_state"), streams.reader("reflex")
        self._camera = streams.reader(eye.cam.name)
        self._command, self._request = streams.writer("command.skill"), streams.writer("request.skill")
        rng = ctx.rng("calibration")
        self._motion = MotionContext(
            spec=spec, kinematics=Kinematics(eye.model, spec), rng=rng, lead_ns=round(LEAD_S * 1e9)
        )
        self._leases = Leases(spec, Source.SKILL, rng)
        self._wanted = spec.group_mask(eye.joints)
        self._used = np.unique(spec.group_of_joint()[eye.index])
        self._readings = _Readings(eye.index)
        self._slot = spec.sensor_index(eye.cam.name)
        self._tour: Motion | None = None
        self._counter = 0
        self._doing, self._until_ns = "", 0
        self.sightings: list[Sighting] = []
        """What was read and seen, so far."""
        self.unseen: list[CalibrationPose] = []
        """Where the marker was not clearly seen."""
        self.is_looking = False
        """It stands still and waits for an exposure: at other times nobody needs to render any."""

    @property
    def is_done(self) -> bool:
        """All poses were visited, the robot is home, and its groups are given back."""
        return self._wanted == 0 and self._leases.held == 0

    def step(self, now_ns: int) -> None:
        """Do one tick's work.

        Raises:
            BodyError: A group was not granted or was stopped, a pose was not reached, or the camera is silent.
        """
        for record in self._joint_state.since():
            self._readings.add(record, int(record["origin_ns"][self._spec.sensor_index(self._spec.encoder.name)]))
        reflex, state = self._reflex.latest(), self._readings.newest
        if reflex is None or state is None:
            return
        self._leases.update(reflex)
        obs = Observation(now_ns=now_ns, spec=self._spec, joint_state=state, reflex=reflex)
        targets = self._advance(obs, reflex) if self._wanted else None
        for request in self._leases.requests(self._wanted, reflex, now_ns):
            self._request.publish(request)
        if targets is not None:
            self._command.publish(self._as_command(obs, state, targets))

    def _advance(self, obs: Observation, reflex: Record) -> Targets | None:
        if self._tour is None and self._until_ns == 0:
            self._allow(obs, _GRANT_S, "get the arms and what carries the camera")
        lost = self._wanted & ~self._leases.held
        if lost and self._tour is not None:
            raise BodyError(f"the robot was stopped while it was to {self._doing}: {self._states(lost, reflex)}")
        if obs.now_ns > self._until_ns:
            raise BodyError(f"the robot could not {self._doing} in time: {self._states(self._wanted, reflex)}")
        if lost:
            return None
        try:
            if self._tour is None:
                self._tour = self._visit(obs)
                return next(self._tour)
            return self._tour.send(obs)
        except StopIteration:
            self._wanted = 0
            return None

    def _allow(self, obs: Observation, seconds: float, doing: str) -> None:
        """Set what is being done and until when it must be."""
        self._doing, self._until_ns = doing, obs.now_ns + round(seconds * 1e9)

    def _states(self, groups: int, reflex: Record) -> str:
        """Say of each of these groups what the reflex says."""
        rows = [
            f"{group.name} {m.State(int(reflex['state'][g])).name} "
            f"({Verdict(int(reflex['cause'][g]) | int(reflex['verdict'][g])).name or 'no cause'})"
            for g, group in enumerate(self._spec.groups)
            if groups >> g & 1
        ]
        return ", ".join(rows)

    def _visit(self, obs: Observation) -> Motion:
        """Visit every pose: ways are straight in joint space, which is how the poses were chosen to be free."""
        home = self._spec.array("home")
        arm = ""
        for number, pose in enumerate(self._poses, start=1):
            if pose.arm != arm:
                obs = yield from self._go(obs, home, "go home")
                arm = pose.arm
            name = f"pose {number} of {len(self._poses)}"
            obs = yield from self._go(obs, pose.q, f"reach {name}")
            obs = yield from self._look(obs, pose, name)
        return (yield from self._go(obs, home, "go home"))

    def _go(self, obs: Observation, q: Array, doing: str) -> Motion:
        self._allow(obs, _REACH_S, doing)
        return (yield from motion.move_to(self._motion, obs, self._eye.index, q[self._eye.index]))

    def _look(self, obs: Observation, pose: CalibrationPose, name: str) -> Motion:
        """Wait until at rest, take the first exposure that begins then and the readings of its moment."""
        joints = self._eye.index
        still = Targets(joints=joints, q=pose.q[joints], v=np.zeros(len(joints)))
        self._allow(obs, _STILL_S, f"come to rest at {name}")
        while not self._readings.is_at_rest():
            obs = yield still
        self._allow(obs, _LOOK_S, f"get a picture from {self._eye.cam.name!r} at {name}")
        self.is_looking, from_ns = True, obs.now_ns
        while (picture := _exposure(self._camera, self._slot, from_ns)) is None:
            obs = yield still
        self.is_looking = False
        p = find_marker(picture, self._eye.cam)
        if p is None:
            self.unseen.append(pose)
        else:
            q = self._readings.at(int(picture["origin_ns"][self._slot]))
            self.sightings.append(Sighting(arm=pose.arm, q=q, p=p))
        return obs

    def _as_command(self, obs: Observation, state: Record, targets: Targets) -> Record:
        self._counter += 1
        command = m.blank(m.command(self._spec))
        command["stamp_ns"], command["counter"] = obs.now_ns, self._counter
        command["at_ns"] = self._motion.at_ns(obs)
        command["origin_ns"] = state["origin_ns"]
        command["budget_ns"] = UNUSED
        command["budget_ns"][self._spec.sensor_index(self._spec.encoder.name)] = round(ENCODER_BUDGET_S * 1e9)
        command["effort_max"] = self._spec.array("effort_max")
        command["use"][targets.joints] = 1
        command["q"][targets.joints], command["v"][targets.joints] = targets.q, targets.v
        command["lease"][self._used] = self._leases.tokens[self._used]
        return command


class _Readings:
    """The joint readings of the last moments."""

    def __init__(self, joints: NDArray[np.intp]) -> None:
        """Watch ``joints`` for rest."""
        self._joints = joints
        self._rows: deque[tuple[int, Array]] = deque()
        self.newest: Record | None = None
        """The newest record, complete or not."""

    def add(self, record: Record, origin_ns: int) -> None:
        """Keep the positions of a ``joint_state`` record read at ``origin_ns``, unless one is missing."""
        self.newest = record
        if np.all(record["valid"]):
            self._rows.append((origin_ns, record["q"].copy()))
        while self._rows and origin_ns - self._rows[0][0] > _REST_S * 1e9:
            self._rows.popleft()

    def is_at_rest(self) -> bool:
        """Say whether the watched joints have not moved for ``_REST_S``, to within the row that leaves next."""
        if len(self._rows) < 2 or self._rows[-1][0] - self._rows[0][0] < 0.9 * _REST_S * 1e9:
            return False
        spread = np.ptp([q[self._joints] for _, q in self._rows], axis=0)
        return bool(np.all(spread <= _REST))

    def at(self, at_ns: int) -> Array:
        """Return the positions read nearest to a time, shape (n_joints,)."""
        return min(self._rows, key=lambda row: abs(row[0] - at_ns))[1]


def _exposure(camera: Reader, slot: int, from_ns: int) -> Record | None:
    """Return the newest picture if it was exposed at or after ``from_ns``."""
    picture = camera.latest()
    if picture is None or not from_ns <= int(picture["origin_ns"][slot]) < UNUSED:
        return None
    return picture
