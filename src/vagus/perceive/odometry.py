"""Where the base is, from its wheels and its gyro. It drifts: a map or a camera must correct it, nothing here does.

Source: Siegwart, Nourbakhsh, Scaramuzza, "Introduction to Autonomous Mobile Robots", 2nd ed. 2011, section 5.2.4
(differential-drive odometry), with the wheels' heading replaced by the gyro's, which does not slip.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.ages import Origins, merge, unused
from vagus.core.errors import ConfigError
from vagus.core.frames import pose, quat_from_axis_angle
from vagus.core.messages import Record
from vagus.core.robot import RobotSpec

_REST_RAD_S = 0.02  # wheels slower than this count as at rest: the gyro then shows its bias alone
_REST_S = 0.3  # how long they must have been, so that the body has stopped swaying
_BIAS_READINGS = 400  # the gyro's bias is the mean of about this many readings at rest: 2 s at 200 Hz
_GAP_S = 0.2  # a longer silence is not integrated over


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OdometryPose:
    """The base in the odometry frame, which is the base frame where odometry began."""

    x: float
    """[m]"""
    y: float
    """[m]"""
    yaw: float
    """[rad], not wrapped: two turns are 4 pi."""
    stamp_ns: int
    """Capture time of the newest encoder reading in it [ns]."""
    origin_ns: Origins
    """The newest readings' origins: the pose is as old as they are."""

    @classmethod
    def of(cls, record: Record) -> "OdometryPose":
        """Return the pose that an ``odometry`` record tells."""
        origin_ns = record["origin_ns"].copy()
        return cls(x=float(record["x"]), y=float(record["y"]), yaw=float(record["yaw"]),
                   stamp_ns=int(origin_ns[0]), origin_ns=origin_ns)  # fmt: skip  # the encoders are the first sensor

    def fill(self, record: Record) -> None:
        """Write it into an ``odometry`` record."""
        record["x"], record["y"], record["yaw"], record["origin_ns"] = self.x, self.y, self.yaw, self.origin_ns

    @property
    def X_WB(self) -> NDArray[np.float64]:  # noqa: N802 (the field's notation)
        """Pose (4, 4) of the base in the world."""
        return pose((self.x, self.y, 0.0), quat_from_axis_angle((0.0, 0.0, 1.0), self.yaw))


class Odometry:
    """Integrates wheel encoders and gyro; the gyro's z axis must point up."""

    def __init__(self, spec: RobotSpec) -> None:
        """Start at the origin. Raises ConfigError for a robot without a wheeled base."""
        if spec.base is None:
            raise ConfigError(f"odometry: robot {spec.name!r} has no wheeled base")
        self._spec, self._base = spec, spec.base
        self._wheels = np.array([spec.joint_index(spec.base.left), spec.joint_index(spec.base.right)])
        self._encoder = spec.sensor_index(spec.encoder.name)
        self._x = self._y = self._yaw = 0.0
        self._q: NDArray[np.float64] | None = None
        self._q_ns = self._imu_ns = 0
        self._gyro_yaw = 0.0  # turned since the last wheel reading, by the gyro
        self._has_turned = False  # the gyro was read since then
        self._rest_since_ns: int | None = None
        self._bias, self._n_rest = 0.0, 0
        self._imu_origin = unused(len(spec.sensors))

    def add_imu(self, imu: Record) -> None:
        """Integrate one gyro reading; one seen before, or not finite, changes nothing."""
        if self._spec.imu is None:
            return
        t = int(imu["origin_ns"][self._spec.sensor_index(self._spec.imu.name)])
        rate = float(imu["gyro"][2])
        if t <= self._imu_ns or not math.isfinite(rate):
            return
        is_resting = self._rest_since_ns is not None and t - self._rest_since_ns > _REST_S * 1e9
        if is_resting:
            self._n_rest = min(self._n_rest + 1, _BIAS_READINGS)
            self._bias += (rate - self._bias) / self._n_rest
        step_s = (t - self._imu_ns) * 1e-9
        if self._imu_ns and step_s <= _GAP_S:
            self._gyro_yaw += (rate - self._bias) * step_s
            self._has_turned = True
        self._imu_ns = t
        self._imu_origin = imu["origin_ns"].copy()

    def add_wheels(self, joint_state: Record) -> OdometryPose | None:
        """Integrate one encoder reading and return the pose; None if a wheel has no valid reading."""
        t = int(joint_state["origin_ns"][self._encoder])
        q = joint_state["q"][self._wheels]
        if not np.all(joint_state["valid"][self._wheels]) or not np.isfinite(q).all():
            return None
        if self._q is not None and t > self._q_ns:
            self._integrate(q - self._q, (t - self._q_ns) * 1e-9)
            is_slow = bool(np.all(np.abs(joint_state["v"][self._wheels]) < _REST_RAD_S))
            self._rest_since_ns = (self._rest_since_ns or t) if is_slow else None
        if self._q is None or t > self._q_ns:
            self._q, self._q_ns = q.copy(), t
        used = [joint_state["origin_ns"]] + ([self._imu_origin] if self._imu_ns else [])
        return OdometryPose(x=self._x, y=self._y, yaw=self._yaw, stamp_ns=self._q_ns, origin_ns=merge(*used))

    def _integrate(self, turned: NDArray[np.float64], step_s: float) -> None:
        """Move by one step: the distance from the wheels; the turn from the gyro where it was read, else the wheels."""
        left, right = (float(x) * self._base.radius for x in turned)  # [m]
        yaw = (right - left) / self._base.track
        if self._has_turned:
            yaw = self._gyro_yaw
            self._gyro_yaw, self._has_turned = 0.0, False
        elif self._imu_ns and self._q_ns - self._imu_ns < _GAP_S * 1e9:
            yaw = 0.0  # between two gyro readings: the next one covers this step
        middle = self._yaw + 0.5 * yaw
        distance = 0.5 * (left + right)
        self._x += distance * math.cos(middle)
        self._y += distance * math.sin(middle)
        self._yaw += yaw
