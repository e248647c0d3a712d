"""The perception node: what the head camera shows, as things, boards and people in the world, followed over time."""

import numpy as np
from numpy.typing import NDArray

from vagus.act.surroundings import Skin
from vagus.core import messages as m
from vagus.core.ages import merge
from vagus.core.frames import invert, transform
from vagus.core.robot import CameraSpec
from vagus.core.seen import write_people, write_supports, write_things
from vagus.perceive.company import Company
from vagus.perceive.objects import LOWEST, Seen, look
from vagus.perceive.own_body import own_pixels
from vagus.perceive.supports import Supports
from vagus.perceive.tracks import Tracks
from vagus.runtime.context import Context
from vagus.runtime.nodes.viewpoint import Viewpoint

Array = NDArray[np.float64]

_AT_HAND = 0.01
"""What a limb of the robot is nearer to than this [m] may be its shell, or what it holds."""
_BENCH_LOWEST = -0.05
"""What lies lower than this [m] is beneath the board that a robot which does not drive is mounted on."""


class PerceptionNode:
    """Reads one camera, ``joint_state`` and ``odometry``; writes ``objects`` for every exposure it looked at.

    An exposure of which it is not known where the camera was is passed over.
    """

    def __init__(self, ctx: Context, cam: CameraSpec) -> None:
        self._spec, self._cam = ctx.spec, cam
        self._slot = ctx.spec.sensor_index(cam.name)
        self._camera = ctx.streams.reader(cam.name)
        self._out = ctx.streams.writer("objects")
        self._viewpoint = Viewpoint(ctx, cam)
        # A camera on the robot's head sees its arms alone; one on a stand beside it, all of it.
        arms = [j for arm in ctx.spec.arms for j in (*arm.joints, *arm.fingers)]
        self._skin = Skin(self._viewpoint.kinematics, arms if ctx.spec.neck else None)
        self._lowest = LOWEST if ctx.spec.base else _BENCH_LOWEST
        self._tracks, self._supports, self._company = Tracks(cam), Supports(self._lowest), Company(cam)
        self._counter = -1

    def step(self, now_ns: int) -> None:
        """Look at the newest exposure, if it is a new one."""
        self._viewpoint.listen()
        picture = self._camera.latest()
        if picture is None or int(picture["counter"]) == self._counter:
            return
        self._counter = int(picture["counter"])
        exposed_ns = int(picture["origin_ns"][self._slot])
        view = self._viewpoint.at(exposed_ns)
        if view is None:
            return
        X_WC, balls = view.X_WC, transform(view.X_WB, self._skin.points(view.q))
        own = own_pixels(picture["depth"], self._cam, transform(invert(X_WC), balls), self._skin.radius)
        seen = look(picture["depth"], picture["rgb"], self._cam, X_WC, ignore=own, lowest=self._lowest)
        self._tracks.update(seen.objects, picture["depth"], X_WC, exposed_ns, lambda one: self._is_at_hand(one, balls))
        self._supports.update(seen.boards)
        self._company.update(seen.people, picture["depth"], X_WC, exposed_ns)
        self._publish(now_ns, exposed_ns, merge(picture["origin_ns"], view.origin_ns))

    def _is_at_hand(self, one: Seen, balls: Array) -> bool:
        """Say whether a limb, covered by balls about points (n, 3) in the world, reaches into what was seen."""
        low, high = one.centre[2] - 0.5 * one.size[2] - _AT_HAND, one.centre[2] + 0.5 * one.size[2] + _AT_HAND
        beside = np.linalg.norm(balls[:, :2] - one.centre[:2], axis=1) - self._skin.radius
        is_level = (balls[:, 2] + self._skin.radius > low) & (balls[:, 2] - self._skin.radius < high)
        return bool(np.any(is_level & (beside < 0.5 * min(one.size[:2]) + _AT_HAND)))

    def _publish(self, now_ns: int, exposed_ns: int, origin_ns: NDArray[np.int64]) -> None:
        record = m.blank(m.objects(self._spec))
        record["stamp_ns"], record["origin_ns"], record["counter"] = now_ns, origin_ns, self._counter
        tracks = sorted(self._tracks.all, key=lambda t: -t.seen_ns)[: m.N_OBJECTS]
        write_things(record, [track.thing for track in tracks])
        write_supports(record, self._supports.all)
        write_people(record, self._company.all)
        for k, track in enumerate(tracks):
            if track.seen_ns == exposed_ns:
                record["box"][k] = track.box
        self._out.publish(record)
