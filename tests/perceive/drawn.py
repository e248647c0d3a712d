"""Pictures of primitives by intersecting rays with them: depth and colour, without a renderer and its errors."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vagus.core.robot import CameraSpec

Array = NDArray[np.float64]
Triple = tuple[float, float, float]
CAM = CameraSpec(name="camera.head", rate_hz=30.0, max_age_s=0.2)
WOOD, WALL = (0.62, 0.43, 0.27), (0.90, 0.88, 0.83)
RED, BLUE, WHITE, BLACK, BROWN = (
    (0.8, 0.1, 0.1),
    (0.12, 0.28, 0.78),
    (0.93, 0.93, 0.92),
    (0.07, 0.07, 0.08),
    (0.2, 0.12, 0.08),
)


def looking(eye: Triple, pitch: float, yaw: float = 0.0) -> Array:
    """Pose of an optical frame at ``eye`` that looks along x, turned left by ``yaw`` and down by ``pitch`` [rad]."""
    forward = np.array([math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(pitch)])
    right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    X = np.eye(4)
    X[:3, 0], X[:3, 1], X[:3, 2], X[:3, 3] = right, np.cross(forward, right), forward, eye
    return X


@dataclass
class Drawing:
    """What a camera at ``X_WC`` sees."""

    X_WC: Array
    light: float = 1.0
    depth: Array = field(init=False)
    rgb: Array = field(init=False)
    owner: NDArray[np.int64] = field(init=False)
    n: int = 0

    def __post_init__(self) -> None:
        fx, fy, cx, cy = CAM.intrinsics
        rays = np.ones((CAM.height, CAM.width, 3))
        rays[..., 0] = (np.arange(CAM.width) - cx) / fx
        rays[..., 1] = ((np.arange(CAM.height) - cy) / fy)[:, None]
        self.rays = rays @ self.X_WC[:3, :3].T
        self.eye = self.X_WC[:3, 3]
        self.depth = np.full(rays.shape[:2], np.inf)
        self.rgb = np.full(rays.shape, 0.6 * 255.0 * self.light)
        self.owner = np.full(rays.shape[:2], -1)

    def _put(self, t: Array, normal: Array, colour: Triple) -> None:
        nearer = (t > 0.05) & (t < self.depth)
        shade = 0.5 + 0.5 * np.abs(normal @ np.array([0.5, 0.3, 0.81]))
        self.depth[nearer] = t[nearer]
        self.rgb[nearer] = (255.0 * self.light * shade[..., None] * np.array(colour))[nearer]
        self.owner[nearer] = self.n

    def slab(self, low: tuple[float, ...], high: tuple[float, ...], colour: Triple, yaw: float = 0.0,
             about: tuple[float, float] = (0.0, 0.0)) -> "Drawing":  # fmt: skip
        """Draw a cuboid between two corners, turned by ``yaw`` about an upright axis."""
        c, s = math.cos(yaw), math.sin(yaw)
        R = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        eye, rays = R @ (self.eye - [*about, 0.0]), self.rays @ R.T
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (np.array(low) - eye) / rays, (np.array(high) - eye) / rays
        enter, leave = np.minimum(a, b), np.maximum(a, b)
        t = enter.max(axis=-1)
        normal = R[np.argmax(enter, axis=-1)]
        self._put(np.where(t < leave.min(axis=-1), t, np.inf), normal, colour)
        return self

    def thing(self) -> "Drawing":
        """Let what is drawn next be another thing."""
        self.n += 1
        return self

    def box(self, x: float, y: float, z: float, size: Triple, colour: Triple,
            yaw: float = 0.0) -> "Drawing":  # fmt: skip
        hx, hy = 0.5 * size[0], 0.5 * size[1]
        return self.thing().slab((-hx, -hy, z), (hx, hy, z + size[2]), colour, yaw, (x, y))

    def cylinder(self, x: float, y: float, z: float, radius: float, height: float, colour: Triple,
                 lid: Triple | None = None) -> "Drawing":  # fmt: skip
        """Draw an upright cylinder, its top of another colour if there is a lid."""
        self.thing()
        p, d = self.eye[:2] - [x, y], self.rays[..., :2]
        a, b, c = (d * d).sum(-1), d @ p, p @ p - radius**2
        with np.errstate(invalid="ignore", divide="ignore"):
            t = (-b - np.sqrt(b * b - a * c)) / a
            hit = self.eye + t[..., None] * self.rays
            t = np.where((hit[..., 2] >= z) & (hit[..., 2] <= z + height), t, np.inf)
            self._put(t, (hit - [x, y, 0.0]) * [1.0 / radius, 1.0 / radius, 0.0], colour)
            t = (z + height - self.eye[2]) / self.rays[..., 2]
            hit = self.eye + t[..., None] * self.rays
            on = np.hypot(hit[..., 0] - x, hit[..., 1] - y) <= radius
        self._put(np.where(on, t, np.inf), np.broadcast_to([0.0, 0.0, 1.0], self.rays.shape), lid or colour)
        return self

    def ball(self, x: float, y: float, z: float, radius: float, colour: Triple) -> "Drawing":
        self.thing()
        middle = np.array([x, y, z + radius])
        p = self.eye - middle
        a, b, c = (self.rays**2).sum(-1), self.rays @ p, p @ p - radius**2
        with np.errstate(invalid="ignore"):
            t = (-b - np.sqrt(b * b - a * c)) / a
        hit = self.eye + t[..., None] * self.rays
        self._put(np.where(np.isfinite(t), t, np.inf), (hit - middle) / radius, colour)
        return self

    def picture(self, rng: np.random.Generator | None = None) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return depth [m], NaN beyond 8 m, and rgb; with a generator, as noisy as a camera's."""
        z, rgb = self.depth.copy(), self.rgb.copy()
        if rng is not None:
            far = np.clip(z, 0.4, 8.0) - 0.4
            z += (0.0012 + 0.0019 * far * far) * rng.standard_normal(z.shape)
            rgb += 2.0 * rng.standard_normal(rgb.shape)
            z[rng.random(z.shape) < 0.002] = np.nan
        z[~(z < 8.0)] = np.nan
        return z.astype(np.float32), np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def table(light: float = 1.0, eye: Triple = (0.2, 0.0, 1.2), pitch: float = 0.5) -> Drawing:
    """A table 0.75 m high, 0.7 to 1.5 m ahead, before a wall, on a floor."""
    drawing = Drawing(looking(eye, pitch), light)
    drawing.slab((-5.0, -5.0, -0.1), (5.0, 5.0, 0.0), (0.66, 0.55, 0.43))
    drawing.slab((2.6, -5.0, 0.0), (2.7, 5.0, 3.0), WALL)
    return drawing.slab((0.6, -0.7, 0.71), (1.5, 0.7, 0.75), WOOD)
