"""Objects in single pictures: drawn by hand here, rendered by the robot's own camera at the end."""

import math
from pathlib import Path
from runpy import run_path

import mujoco
import numpy as np
import pytest
from drawn import BLACK, BLUE, BROWN, CAM, RED, WALL, WHITE, WOOD, Drawing, looking, table

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.perceive.objects import Seen, look

STEEL = (0.75, 0.76, 0.78)
GREEN = (0.14, 0.58, 0.22)


def objects(drawing: Drawing, seed: int = 0) -> list[Seen]:
    return look(*drawing.picture(np.random.default_rng(seed)), CAM, drawing.X_WC).objects


def the_only(drawing: Drawing, seed: int = 0) -> Seen:
    found = objects(drawing, seed)
    assert len(found) == 1, [(s.colour, s.shape, len(s.pixels)) for s in found]
    return found[0]


THINGS = {
    "cup": (lambda d, x, y, c: d.cylinder(x, y, 0.75, 0.033, 0.09, c, lid=BROWN), 0.09),
    "can": (lambda d, x, y, c: d.cylinder(x, y, 0.75, 0.031, 0.11, c, lid=STEEL), 0.11),
    "bottle": (lambda d, x, y, c: d.cylinder(x, y, 0.75, 0.030, 0.19, c), 0.19),
    "box": (lambda d, x, y, c: d.box(x, y, 0.75, (0.08, 0.05, 0.12), c, yaw=0.5), 0.12),
    "ball": (lambda d, x, y, c: d.ball(x, y, 0.75, 0.031, c), 0.062),
}


@pytest.mark.parametrize("light", [0.4, 0.7, 1.0])
@pytest.mark.parametrize(("colour", "name"), [(RED, "red"), (BLUE, "blue"), (WHITE, "white"), (BLACK, "black")])
@pytest.mark.parametrize("shape", THINGS)
def test_a_thing_on_a_table_is_named_measured_and_placed(shape: str, colour: tuple, name: str, light: float) -> None:
    draw, height = THINGS[shape]
    one = the_only(draw(table(light), 0.9, 0.1, colour))
    assert (one.colour, one.shape) == (name, shape)
    np.testing.assert_allclose(one.centre, [0.9, 0.1, 0.75 + 0.5 * height], atol=0.008)
    assert one.size[2] == pytest.approx(height, abs=0.008)
    assert 0.0 < one.sigma < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_an_empty_table_is_empty(seed: int) -> None:
    assert objects(table(), seed) == []


def test_nothing_seen_is_nothing() -> None:
    blind = np.full((CAM.height, CAM.width), np.nan, np.float32)
    assert look(blind, np.zeros((*blind.shape, 3), np.uint8), CAM, np.eye(4)).objects == []


def test_the_pixels_of_a_thing_are_its_own() -> None:
    drawing = table().box(0.9, -0.2, 0.75, (0.08, 0.05, 0.12), RED).cylinder(0.9, 0.2, 0.75, 0.033, 0.1, BLUE)
    for one in objects(drawing):
        assert len(set(drawing.owner.ravel()[one.pixels])) == 1


def test_the_same_picture_gives_the_same_objects() -> None:
    picture = table().box(0.9, 0.0, 0.75, (0.08, 0.05, 0.12), RED).picture(np.random.default_rng(0))
    a, b = (look(*picture, CAM, table().X_WC).objects for _ in range(2))
    np.testing.assert_array_equal(a[0].centre, b[0].centre)
    assert a[0].size == b[0].size


@pytest.mark.parametrize("other", [BLUE, RED])
@pytest.mark.parametrize("seed", range(3))
def test_two_things_that_touch_are_two(other: tuple, seed: int) -> None:
    drawing = table().cylinder(0.9, 0.0, 0.75, 0.033, 0.1, RED).cylinder(0.9, 0.0651, 0.75, 0.032, 0.1, other)
    found = sorted(objects(drawing, seed), key=lambda s: s.centre[1])
    assert len(found) == 2
    np.testing.assert_allclose(found[0].centre[:2], [0.9, 0.0], atol=0.008)
    np.testing.assert_allclose(found[1].centre[:2], [0.9, 0.0651], atol=0.008)


def test_a_label_is_part_of_what_it_is_on() -> None:
    drawing = table().box(0.9, 0.0, 0.75, (0.08, 0.05, 0.12), RED)
    drawing.box(0.9, 0.0, 0.80, (0.081, 0.051, 0.03), (0.95, 0.93, 0.86))
    one = the_only(drawing)
    assert (one.colour, one.shape) == ("red", "box")
    np.testing.assert_allclose(one.centre, [0.9, 0.0, 0.81], atol=0.008)


@pytest.mark.parametrize(("colour", "name"), [(BLACK, "black"), (BLUE, "blue")])
def test_a_lid_that_fills_most_of_the_picture_is_part_of_what_it_is_on(colour: tuple, name: str) -> None:
    above = Drawing(looking((0.62, 0.1, 1.32), 1.1)).slab((0.3, -0.6, 0.70), (1.4, 0.6, 0.75), WOOD)
    one = the_only(above.cylinder(0.85, 0.1, 0.75, 0.032, 0.115, colour, lid=STEEL))
    assert (one.colour, one.shape) == (name, "can")


def test_a_thing_whose_foot_is_hidden_stands_on_the_table_all_the_same() -> None:
    drawing = table().box(0.85, 0.0, 0.75, (0.04, 0.09, 0.08), BLUE).cylinder(0.98, 0.0, 0.75, 0.031, 0.19, RED)
    red = next(s for s in objects(drawing) if s.colour == "red")
    np.testing.assert_allclose(red.centre, [0.98, 0.0, 0.845], atol=0.010)


def test_a_thing_on_a_board_at_the_height_of_the_eye_is_found() -> None:
    drawing = Drawing(looking((0.2, 0.0, 1.25), 0.05)).slab((-5, -5, -0.1), (5, 5, 0), WOOD)
    drawing.slab((1.35, -2, 0), (1.4, 2, 2), WALL).slab((1.0, -2, 1.22), (1.35, 2, 1.25), WOOD)
    one = the_only(drawing.cylinder(1.1, 0.1, 1.25, 0.033, 0.1, RED))
    np.testing.assert_allclose(one.centre, [1.1, 0.1, 1.30], atol=0.012)


@pytest.mark.parametrize("down", [0.0, 0.04, 0.7])
def test_what_hangs_at_the_height_of_the_eye_or_goes_on_below_is_no_thing(down: float) -> None:
    drawing = Drawing(looking((0.2, 0.0, 1.25), 0.05)).slab((-5, -5, -0.1), (5, 5, 0), WOOD)
    drawing.slab((1.35, -2, 0), (1.4, 2, 2), WALL)
    drawing.box(1.0, 0.0, 1.2, (0.10, 0.08, 0.05), WHITE)  # a palm; as below it, an arm
    drawing.cylinder(1.0, 0.4, 1.1 - down, 0.035, 0.16 + down, BLUE)
    assert objects(drawing) == []


def test_pixels_to_ignore_are_no_object() -> None:
    drawing = table().box(0.9, -0.2, 0.75, (0.08, 0.05, 0.12), RED).box(0.9, 0.2, 0.75, (0.08, 0.05, 0.12), BLUE)
    depth, rgb = drawing.picture(np.random.default_rng(0))
    found = look(depth, rgb, CAM, drawing.X_WC, ignore=drawing.owner == 1).objects
    assert [s.colour for s in found] == ["blue"]


def test_who_stands_beside_the_table_is_no_object() -> None:
    drawing = table().cylinder(1.2, 0.55, 0.0, 0.15, 1.4, GREEN)
    assert objects(drawing) == []


@pytest.mark.parametrize("seed", [3, 5])
def test_the_hosts_camera_shows_it_what_is_on_its_table(seed: int) -> None:
    from vagus.world import host, scenes
    from vagus.world.camera import GL_APT, CameraRenderer
    from vagus.world.camera_noise import CameraCfg

    robot = run_path(str(Path(__file__).parents[2] / "robots" / "host.py"))["robot"]
    scene = scenes.build_scene(robot.build_model(), scene="room", seed=seed, start=(0.3, 0.1, 0.0))
    model, data = scene.model, mujoco.MjData(scene.model)
    for name, q in (host.HOME | {"neck_pitch": 0.55, "lift": 0.35}).items():
        data.qpos[model.joint(name).qposadr[0]] = q
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
    layout = m.scene(robot.spec, nq=model.nq, nmocap=model.nmocap, nbody=model.nbody)
    exposure, picture = m.blank(layout), m.blank(m.camera(robot.spec, CAM))
    exposure["qpos"], exposure["light"] = data.qpos, (0.9, 1)
    exposure["mocap"][:, :3], exposure["mocap"][:, 3:] = data.mocap_pos, data.mocap_quat
    try:
        renderer = CameraRenderer(model, robot.spec, CAM, CameraCfg(mount_angle=0.0, mount_distance=0.0), seed=seed)
    except ConfigError as exc:
        if GL_APT in str(exc):
            pytest.skip(str(exc))
        raise
    renderer.render(exposure, picture)
    renderer.close()
    X_WC = np.eye(4)
    X_WC[:3, :3] = data.camera(CAM.name).xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
    X_WC[:3, 3] = data.camera(CAM.name).xpos
    found = look(picture["depth"], picture["rgb"], CAM, X_WC).objects
    truth = {obj.name: data.body(obj.name).xpos for obj in scene.objects}
    for one in found:
        assert one.colour + "_" + one.shape in truth
        assert math.dist(one.centre, truth[f"{one.colour}_{one.shape}"]) < 0.015
    assert len(found) >= 4
