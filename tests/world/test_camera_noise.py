import math
from dataclasses import replace

import numpy as np
import pytest

from vagus.core.errors import ConfigError
from vagus.core.robot import CameraSpec
from vagus.world.camera_noise import CameraCfg, CameraNoise, ideal

CAM = CameraSpec(name="eye", rate_hz=30.0, max_age_s=0.2, width=320, height=240)
SHAPE = (CAM.height, CAM.width)


def flat(z: float) -> np.ndarray:
    return np.full(SHAPE, z, np.float32)


def tilted(angle_deg: float, z: float = 1.0) -> np.ndarray:
    """A plane through (0, 0, z) whose normal is turned from the optical axis by an angle about y."""
    fx, _, cx, _ = CAM.intrinsics
    u = (np.arange(CAM.width) - cx) / fx
    inverse = (1.0 + u * math.tan(math.radians(angle_deg))) / z
    return np.broadcast_to(np.where(inverse > 0.05, 1.0 / np.maximum(inverse, 0.05), np.inf), SHAPE).astype(np.float32)


def spoil(cfg: CameraCfg, z: np.ndarray, seed: int = 0) -> np.ndarray:
    return CameraNoise(CAM, cfg, np.random.default_rng(7)).spoil_depth(z, np.random.default_rng(seed))


@pytest.mark.parametrize("z", [0.3, 0.5, 1.0, 2.0, 4.0, 7.0])
def test_depth_noise_follows_nguyen(z: float) -> None:
    error = spoil(CameraCfg(), flat(z)) - z
    sigma = 0.0012 + 0.0019 * max(z - 0.4, 0.0) ** 2
    assert np.nanstd(error) == pytest.approx(sigma, rel=0.03)
    assert abs(np.nanmean(error)) < 0.05 * sigma


def test_depth_noise_grows_with_the_square_of_distance() -> None:
    cfg = replace(CameraCfg(), depth_noise_floor=0.0, depth_noise_from=0.0)
    sigmas = [float(np.nanstd(spoil(cfg, flat(z)) - z)) for z in (1.0, 2.0, 4.0)]
    assert sigmas[1] / sigmas[0] == pytest.approx(4.0, rel=0.05)
    assert sigmas[2] / sigmas[1] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(("z", "is_seen"), [(0.1, False), (0.2, True), (7.9, True), (8.2, False), (math.inf, False)])
def test_depth_beyond_the_range_is_missing_and_never_a_number(z: float, is_seen: bool) -> None:
    out = spoil(ideal(), flat(z))
    assert np.isfinite(out).all() == is_seen
    assert np.isnan(out).all() != is_seen


def test_an_ideal_camera_changes_nothing() -> None:
    z = tilted(50.0)
    seen = z < 8.0
    np.testing.assert_array_equal(spoil(ideal(), z)[seen], z[seen])


@pytest.mark.parametrize(("angle_deg", "least", "most"), [(0.0, 0.0, 0.004), (60.0, 0.0, 0.004), (88.0, 0.9, 1.0)])
def test_grazed_surfaces_are_lost(angle_deg: float, least: float, most: float) -> None:
    z = tilted(angle_deg)
    fx, _, cx, _ = CAM.intrinsics
    u = (np.arange(CAM.width) - cx) / fx
    middle = np.abs(u) < 0.05  # there the ray is the optical axis, and the angle of incidence is the plane's
    lost = np.isnan(spoil(CameraCfg(), z)[:, middle]).mean()
    assert least <= lost <= most


def test_holes_come_at_random_as_often_as_declared() -> None:
    assert np.isnan(spoil(replace(CameraCfg(), dropout=0.05), flat(1.0))).mean() == pytest.approx(0.05, rel=0.1)


def step_edge() -> np.ndarray:
    z = flat(1.0)
    z[:, 160:] = 2.0
    return z


def test_flying_pixels_lie_between_the_surfaces_and_only_beside_the_edge() -> None:
    cfg = replace(ideal(), edge_flying=0.35)
    out = spoil(cfg, step_edge())
    flying = (out != 1.0) & (out != 2.0)
    assert set(np.nonzero(flying)[1]) == {159, 160}
    assert flying[:, 159:161].mean() == pytest.approx(0.35, abs=0.07)
    assert (out[flying] >= 1.0).all()
    assert (out[flying] <= 2.0).all()


def test_edges_have_holes() -> None:
    out = spoil(replace(ideal(), edge_hole=0.25), step_edge())
    assert np.isnan(out[:, 159:161]).mean() == pytest.approx(0.25, abs=0.07)
    assert np.isfinite(out[:, :159]).all()


def test_a_step_of_a_smooth_surface_is_no_edge() -> None:
    out = spoil(replace(ideal(), edge_flying=0.5, edge_hole=0.5), tilted(65.0, 2.0))
    fx, _, cx, _ = CAM.intrinsics
    near = (np.arange(CAM.width) - cx) / fx > 0.0
    assert np.isfinite(out[:, near]).all()


def test_the_same_generator_gives_the_same_depth_and_another_another() -> None:
    z = step_edge()
    np.testing.assert_array_equal(spoil(CameraCfg(), z, 1), spoil(CameraCfg(), z, 1))
    assert not np.array_equal(spoil(CameraCfg(), z, 1), spoil(CameraCfg(), z, 2), equal_nan=True)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_colour_noise_is_as_declared_and_never_wraps(level: int) -> None:
    noise = CameraNoise(CAM, CameraCfg(), np.random.default_rng(0))
    out = noise.spoil_rgb(np.full((*SHAPE, 3), level, np.uint8), np.random.default_rng(0))
    assert np.abs(out.astype(int) - level).max() < 12
    if level == 128:
        assert out.std() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    "change",
    [{"dropout": -0.1}, {"range_min": 0.0}, {"range_min": 9.0}, {"range_max": math.inf}, {"grazing_deg": (80.0, 70.0)},
     {"depth_noise_growth": math.nan}],
)  # fmt: skip
def test_impossible_cameras_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change)).split("_")[0]):
        CameraCfg(**change)
