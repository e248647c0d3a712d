import math
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from wheeled_arm import PERFECT, SPEC, Bench, place

from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.core.robot import CameraSpec
from vagus.world.camera import GL_APT, CameraRenderer, mount_error
from vagus.world.camera_noise import CameraCfg, ideal
from vagus.world.geoms import BOX, SPHERE, Look, add

CAM = SPEC.cameras[0]
EYE = np.array([0.21, 0.0, 0.15])
"""Where the camera is when the base stands at the origin; the base sinks 0.4 mm into the floor."""


def expose(bench: Bench, n: int = 17) -> Record:
    """Return the newest exposure after ``n`` steps; one comes every 17."""
    bench.step(n=n)
    return bench.seen["scene"][-1]


def with_thing(shape: mujoco.mjtGeom, size: tuple[float, ...], pos: tuple[float, float, float]) -> Bench:
    scene = place()
    add(scene.spec.worldbody, Look(rgba=(1.0, 0.0, 0.0, 1.0)), shape, size, pos)
    return Bench(PERFECT, scene=scene)


def renderer(bench: Bench, cfg: CameraCfg, seed: int = 0) -> CameraRenderer:
    try:
        return CameraRenderer(bench.sim.model, SPEC, CAM, cfg, seed=seed)
    except ConfigError as exc:
        if GL_APT in str(exc):
            pytest.skip(str(exc))
        raise


def picture(bench: Bench, cfg: CameraCfg, seed: int = 0, cam: CameraSpec = CAM) -> Record:
    out = m.blank(m.camera(SPEC, cam))
    eye = renderer(bench, cfg, seed)
    eye.render(expose(bench), out)
    eye.close()
    return out


@pytest.mark.parametrize("distance", [0.3, 1.0, 3.0, 7.0])
def test_an_ideal_camera_measures_a_wall_along_the_optical_axis(distance: float) -> None:
    bench = with_thing(BOX, (0.1, 9.0, 9.0), (EYE[0] + distance + 0.1, 0.0, 0.0))
    depth = picture(bench, ideal())["depth"]
    assert np.nanmax(np.abs(depth[:20] - distance)) < 0.002 * distance + 0.001  # rows above the floor


def test_a_noisy_camera_measures_a_wall_within_its_noise() -> None:
    cfg = replace(CameraCfg(), mount_angle=0.0, mount_distance=0.0)
    depth = picture(with_thing(BOX, (0.1, 9.0, 9.0), (EYE[0] + 2.1, 0.0, 0.0)), cfg)["depth"][:20]
    assert np.nanmean(depth) == pytest.approx(2.0, abs=0.003)
    assert np.nanstd(depth) == pytest.approx(0.0012 + 0.0019 * 1.6**2, rel=0.1)


def red_middle(out: Record) -> np.ndarray:
    red = (out["rgb"][..., 0].astype(int) - out["rgb"][..., 1]) > 60
    v, u = np.nonzero(red)
    return np.array([u.mean(), v.mean()])


@pytest.mark.parametrize(("y", "z"), [(0.0, 0.15), (0.2, 0.3), (-0.25, 0.1)])
def test_pixels_follow_the_spec_intrinsics(y: float, z: float) -> None:
    out = picture(with_thing(SPHERE, (0.04,), (EYE[0] + 1.0, y, z)), ideal())
    fx, fy, cx, cy = CAM.intrinsics
    # left is negative x, up is negative y of the optical frame; the base stands 0.4 mm deep
    np.testing.assert_allclose(red_middle(out), [cx - fx * y, cy - fy * (z - EYE[2])], atol=0.3)


def test_the_mounting_error_moves_the_picture_as_it_says() -> None:
    cfg = replace(ideal(), mount_angle=math.radians(4.0), mount_distance=0.02)
    bench = with_thing(SPHERE, (0.04,), (EYE[0] + 1.0, 0.1, 0.25))
    out = picture(bench, cfg, seed=4)
    X_NC = mount_error(SPEC, CAM, cfg, 4).X_NC
    p_C = X_NC[:3, :3].T @ (np.array([-0.1, -0.1, 1.0]) - X_NC[:3, 3])
    fx, fy, cx, cy = CAM.intrinsics
    expected = np.array([cx + fx * p_C[0] / p_C[2], cy + fy * p_C[1] / p_C[2]])
    np.testing.assert_allclose(red_middle(out), expected, atol=0.35)
    assert np.linalg.norm(expected - [cx - 0.1 * fx, cy - 0.1 * fy]) > 1.0


def test_mounting_errors_have_the_declared_size() -> None:
    mounts = [mount_error(SPEC, CAM, CameraCfg(), seed) for seed in range(300)]
    angles = np.array([2.0 * math.acos(min(1.0, mount.quat[0])) for mount in mounts])
    shifts = np.array([math.hypot(*mount.position) for mount in mounts])
    assert math.degrees(math.sqrt((angles**2).mean())) == pytest.approx(1.0, rel=0.1)
    assert math.sqrt((shifts**2).mean()) == pytest.approx(0.004, rel=0.1)


def test_the_same_exposure_gives_the_same_picture_in_every_renderer() -> None:
    bench = Bench(PERFECT)
    scene, one, two = expose(bench), renderer(bench, CameraCfg(), 3), renderer(bench, CameraCfg(), 3)
    a, b, c = (m.blank(m.camera(SPEC, CAM)) for _ in range(3))
    one.render(scene, a)
    later = scene.copy()
    later["counter"] += 1
    two.render(later, c)
    two.render(scene, b)
    assert a.tobytes() == b.tobytes()
    assert a["rgb"].tobytes() != c["rgb"].tobytes()
    assert a["depth"].tobytes() != c["depth"].tobytes()


def test_a_picture_carries_the_exposures_counter_and_time() -> None:
    bench = Bench(PERFECT)
    scene = expose(bench, n=60)
    out = m.blank(m.camera(SPEC, CAM))
    renderer(bench, CameraCfg()).render(scene, out)
    slot = SPEC.sensor_index(CAM.name)
    assert out["counter"] == scene["counter"] == 3  # exposed at steps 17, 34 and 50
    assert out["origin_ns"][slot] == scene["origin_ns"][slot]
    assert [o for i, o in enumerate(out["origin_ns"]) if i != slot] == [UNUSED] * (len(SPEC.sensors) - 1)


def test_a_brighter_light_gives_a_brighter_picture() -> None:
    bench = with_thing(BOX, (0.1, 9.0, 9.0), (EYE[0] + 1.1, 0.0, 0.0))
    scene, eye = expose(bench), renderer(bench, ideal())
    means = []
    for factor in (0.4, 0.8, 1.2):
        out = m.blank(m.camera(SPEC, CAM))
        scene["light"] = (factor, 0)
        eye.render(scene, out)
        means.append(float(out["rgb"][:20].mean()))
    assert means[0] < 0.7 * means[1] < 0.7 * means[2]


def test_what_sleeps_is_drawn_where_the_exposure_has_it() -> None:
    scene = place()
    ball = scene.spec.worldbody.add_body(name="ball", pos=[EYE[0] + 1.0, 0.3, 0.04])
    ball.add_freejoint()
    ball.sleep = mujoco.mjtSleepPolicy.mjSLEEP_INIT
    add(ball, Look(rgba=(1.0, 0.0, 0.0, 1.0), contype=1, mass=0.1), SPHERE, (0.04,))
    bench = Bench(PERFECT, scene=scene)
    exposure, eye, out = expose(bench), renderer(bench, ideal()), m.blank(m.camera(SPEC, CAM))
    eye.render(exposure, out)
    before = red_middle(out)
    exposure["qpos"][-6] -= 0.6  # the ball's y
    eye.render(exposure, out)
    assert red_middle(out)[0] - before[0] == pytest.approx(0.6 * CAM.intrinsics[0], abs=0.5)


def test_the_callers_model_is_left_as_it_was() -> None:
    bench = Bench(PERFECT)
    before = bench.sim.model.light_diffuse.copy(), int(bench.sim.model.opt.enableflags)
    scene = expose(bench)
    scene["light"] = (0.4, 2)
    renderer(bench, CameraCfg()).render(scene, m.blank(m.camera(SPEC, CAM)))
    np.testing.assert_array_equal(bench.sim.model.light_diffuse, before[0])
    assert int(bench.sim.model.opt.enableflags) == before[1]


def test_a_camera_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no 'other' in the model, allowed: one of \['eye'\]"):
        CameraRenderer(Bench(PERFECT).sim.model, replace(SPEC, cameras=(other := replace(CAM, name="other"),)), other,
                       seed=0)  # fmt: skip


def test_an_unknown_renderer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "vulkan")
    with pytest.raises(ConfigError, match="MUJOCO_GL: got 'vulkan', allowed: 'egl', 'osmesa'"):
        CameraRenderer(Bench(PERFECT).sim.model, SPEC, CAM, seed=0)


def test_a_missing_library_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer(Bench(PERFECT), ideal()).close()  # EGL is loaded now, and one process cannot have OSMesa beside it
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    with pytest.raises(ConfigError, match="apt-get install -y libegl1 libgles2 libgl1-mesa-dri"):
        CameraRenderer(Bench(PERFECT).sim.model, SPEC, CAM, seed=0)


def test_a_near_plane_beyond_the_nearest_depth_is_refused() -> None:
    bench = Bench(PERFECT)
    bench.sim.model.vis.map.znear = 0.5
    with pytest.raises(ConfigError, match="near plane"):
        CameraRenderer(bench.sim.model, SPEC, CAM, seed=0)
