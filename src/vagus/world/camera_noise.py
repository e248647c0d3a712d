"""What an RGB-D camera makes of a perfect picture: depth noise, flying pixels, holes, range limits, colour noise.

Pure arrays; rendering is ``camera``'s. Numbers are those of structured-light and stereo cameras indoors.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec

Depth = NDArray[np.float32]
Rgb = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraCfg:
    """How far a camera is from ideal."""

    depth_noise_floor: float = 0.0012
    depth_noise_growth: float = 0.0019
    depth_noise_from: float = 0.4
    """Standard deviation of depth: floor [m] + growth [1/m] * max(z - from, 0)^2, z and from in [m]. Source: Nguyen,
    Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and tracking", 3DIMPVT 2012, eq. 6."""
    range_min: float = 0.15
    range_max: float = 8.0
    """Nothing nearer or farther is seen [m]; Intel D435: 0.1 to 0.2 m by resolution, about 10 m."""
    edge_jump: float = 0.03
    """Neighbouring pixels whose depths differ by this fraction of the depth, and by 2 cm more, lie on two surfaces."""
    edge_flying: float = 0.35
    """Chance that a pixel beside such an edge flies: lies somewhere between the two surfaces."""
    edge_hole: float = 0.25
    """Chance that it is a hole: one of the two lenses does not see it."""
    grazing_deg: tuple[float, float] = (70.0, 85.0)
    """No surface is lost up to the first angle between its normal and the ray, all beyond the second [deg]; Nguyen et
    al. find the noise doubling from 60 to 75 deg and no usable data beyond 80."""
    dropout: float = 0.002
    """Chance of a hole anywhere."""
    rgb_noise: float = 2.0
    """Standard deviation of each colour, in steps of 1/255."""
    mount_angle: float = math.radians(1.0)
    """Root mean square of how far the camera is turned from where the model has it [rad]."""
    mount_distance: float = 0.004
    """Root mean square of how far it is moved [m]."""

    def __post_init__(self) -> None:
        for name in ("depth_noise_floor", "depth_noise_growth", "depth_noise_from", "edge_jump", "edge_flying",
                     "edge_hole", "dropout", "rgb_noise", "mount_angle", "mount_distance"):  # fmt: skip
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"CameraCfg.{name}: got {getattr(self, name)!r}, allowed: a finite number >= 0")
        if not 0.0 < self.range_min < self.range_max < math.inf:
            got = (self.range_min, self.range_max)
            raise ConfigError(f"CameraCfg.range_min, range_max: got {got}, allowed: 0 < min < max, finite [m]")
        low, high = self.grazing_deg
        if not 0.0 <= low <= high <= 90.0:
            raise ConfigError(f"CameraCfg.grazing_deg: got {self.grazing_deg}, allowed: 0 <= first <= second <= 90")


def ideal() -> CameraCfg:
    """Return a camera without noise, holes and mounting errors; its range stays limited."""
    return CameraCfg(
        depth_noise_floor=0.0, depth_noise_growth=0.0, edge_flying=0.0, edge_hole=0.0, grazing_deg=(90.0, 90.0),
        dropout=0.0, rgb_noise=0.0, mount_angle=0.0, mount_distance=0.0,
    )  # fmt: skip


class CameraNoise:
    """Spoils pictures of one size. Random numbers come from tables drawn once, read from a place that varies."""

    def __init__(self, cam: CameraSpec, cfg: CameraCfg, rng: np.random.Generator) -> None:
        """Draw the tables: a frame needs 400,000 random numbers, which would take longer than rendering it."""
        self._cfg, self._shape = cfg, (cam.height, cam.width)
        n = cam.height * cam.width
        self._normal = rng.standard_normal(2 * n, np.float32)
        self._uniform = rng.random(2 * n, np.float32)
        low, high = np.radians(cfg.grazing_deg)
        # The ray is lost beyond an angle drawn per pixel: what is kept is the square of its cosine.
        self._cos2_lost = (np.cos(low + (high - low) * rng.random(2 * n, np.float32)) ** 2).astype(np.float32)
        self._colour = np.round(cfg.rgb_noise * rng.standard_normal(6 * n, np.float32)).astype(np.int16)
        fx, fy, cx, cy = cam.intrinsics
        self._u = (np.arange(cam.width, dtype=np.float32) - np.float32(cx))[None, :]
        self._v = (np.arange(cam.height, dtype=np.float32) - np.float32(cy))[:, None]
        self._f2 = (np.float32(fx * fx), np.float32(fy * fy))
        self._ray2 = np.asarray((self._u / fx) ** 2 + (self._v / fy) ** 2 + 1.0, np.float32)
        self._sum = np.empty((*self._shape, 3), np.int16)

    def spoil_depth(self, z: Depth, rng: np.random.Generator) -> Depth:
        """Return the depth that the camera reports, NaN in holes, from the true one, inf for none; (H, W) [m]."""
        cfg, n = self._cfg, z.size
        starts = rng.integers(0, n, 4)
        normal, uniform, cos2, drop = (
            table[k : k + n].reshape(self._shape)
            for table, k in zip((self._normal, self._uniform, self._cos2_lost, self._uniform), starts, strict=True)
        )
        lost = self._cos2(z) < cos2
        lost |= drop < np.float32(cfg.dropout)
        out = z.copy()
        self._fly(z, out, lost, uniform, rng)
        start, end = np.float32(cfg.depth_noise_from), np.float32(cfg.range_max)
        far = np.clip(out, start, end) - start
        sigma = np.float32(cfg.depth_noise_growth) * far * far
        sigma += np.float32(cfg.depth_noise_floor)
        sigma *= normal
        out += sigma
        lost |= ~((out > np.float32(cfg.range_min)) & (out < np.float32(cfg.range_max)))
        out[lost] = np.nan
        return out

    def spoil_rgb(self, rgb: Rgb, rng: np.random.Generator) -> Rgb:
        """Return the picture (H, W, 3) with noise added."""
        start = int(rng.integers(0, rgb.size))
        np.add(rgb, self._colour[start : start + rgb.size].reshape(rgb.shape), out=self._sum, casting="unsafe")
        return np.clip(self._sum, 0, 255, out=self._sum).astype(np.uint8)

    def _cos2(self, z: Depth) -> Depth:
        """Return the squared cosine between the ray and the surface's normal.

        The inverse depth w of a plane is linear in the pixel: the normal is (f w_u, f w_v, w - u w_u - v w_v) up to
        scale, its product with the ray is w. Differences are taken to the nearer neighbour, so that edges do not count.
        """
        w = np.float32(1.0) / z
        w_u, w_v = _slope(w, axis=1), _slope(w, axis=0)
        along = w - self._u * w_u
        along -= self._v * w_v
        along *= along
        w_u *= w_u
        w_v *= w_v
        along += self._f2[0] * w_u
        along += self._f2[1] * w_v
        along *= self._ray2
        w *= w
        w += np.float32(1e-12)  # nothing seen: neither grazing nor a division by zero
        along += np.float32(1e-12)
        w /= along
        return w

    def _fly(self, z: Depth, out: Depth, lost: NDArray[np.bool_], uniform: Depth, rng: np.random.Generator) -> None:
        """Let pixels beside depth edges fly or be lost; ``uniform`` (H, W) is random."""
        cfg = self._cfg
        for axis in (0, 1):
            near, far = _pair(z, axis)
            with np.errstate(invalid="ignore"):  # inf minus inf, where there is nothing to see on either side
                jump = far - near
                edge = np.abs(jump) > np.float32(cfg.edge_jump) * np.minimum(near, far) + np.float32(0.02)
            where = np.nonzero(edge)
            step = jump[where]
            mix = rng.random(len(step), np.float32)
            for side, sign in ((0, 1.0), (1, -1.0)):
                at = tuple(index + (side if k == axis else 0) for k, index in enumerate(where))
                chance = uniform[at]
                lost[at] |= chance < cfg.edge_hole
                flies = (chance >= cfg.edge_hole) & (chance < cfg.edge_hole + cfg.edge_flying) & np.isfinite(step)
                at = tuple(index[flies] for index in at)
                out[at] = z[at] + np.float32(sign) * mix[flies] * step[flies]


def _pair(z: Depth, axis: int) -> tuple[Depth, Depth]:
    return (z[:-1, :], z[1:, :]) if axis == 0 else (z[:, :-1], z[:, 1:])


def _slope(w: Depth, axis: int) -> Depth:
    """Return the smaller of the two one-sided differences along an axis, same shape."""
    along = w if axis == 1 else w.T  # a view: the rest works on the last axis
    diff = along[:, 1:] - along[:, :-1]
    size = np.abs(diff)
    out = np.empty_like(along)
    out[:, 0], out[:, -1] = diff[:, 0], diff[:, -1]
    out[:, 1:-1] = np.where(size[:, 1:] < size[:, :-1], diff[:, 1:], diff[:, :-1])
    return out if axis == 1 else out.T
