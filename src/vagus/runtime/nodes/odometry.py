"""The odometry node: where the base is, for all who need one world to speak of."""

from vagus.core import messages as m
from vagus.perceive.odometry import Odometry
from vagus.runtime.context import Context


class OdometryNode:
    """Reads ``joint_state`` and ``imu``, writes ``odometry``; an encoder reading seen before is not published again."""

    def __init__(self, ctx: Context) -> None:
        self._spec, self._odometry = ctx.spec, Odometry(ctx.spec)
        self._joint_state = ctx.streams.reader("joint_state")
        self._imu = ctx.streams.reader("imu") if ctx.spec.imu else None
        self._out = ctx.streams.writer("odometry")
        self._last_ns = 0

    def step(self, now_ns: int) -> None:
        """Take in every gyro reading and the newest of the wheels."""
        for imu in self._imu.since() if self._imu else ():
            self._odometry.add_imu(imu)
        joint_state = self._joint_state.latest()
        if joint_state is None:
            return
        pose = self._odometry.add_wheels(joint_state)
        if pose is None or pose.stamp_ns == self._last_ns:
            return
        self._last_ns = pose.stamp_ns
        record = m.blank(m.odometry(self._spec))
        record["stamp_ns"] = now_ns
        pose.fill(record)
        self._out.publish(record)
