import itertools
import math

import mujoco
import numpy as np
import pytest
from host_world import HOST, at_home, host_in, set_pose, tilt_deg

from vagus.core.frames import transform
from vagus.world import host, objects
from vagus.world.geoms import BOX, STATIC, Look, add

SPEC = HOST.spec


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return host_in("empty").model


def test_the_host_has_the_sensors_and_arms_that_its_pages_say() -> None:
    cam, lidar, imu = SPEC.cameras[0], SPEC.lidar, SPEC.imu
    assert lidar is not None
    assert imu is not None
    assert (len(SPEC.cameras), cam.width, cam.height, cam.rate_hz) == (1, 320, 240, 30.0)
    assert (lidar.n_rays, lidar.rate_hz) == (360, 10.0)
    assert (imu.rate_hz, SPEC.encoder.rate_hz, SPEC.reflex_hz) == (200.0, 500.0, 500.0)
    assert [len(arm.joints) for arm in SPEC.arms] == [7, 7]


def test_every_joint_of_the_robot_file_is_a_motor_of_the_model(model: mujoco.MjModel) -> None:
    motors = [model.actuator(i).name for i in range(model.nu)]
    assert sorted(motors) == sorted(SPEC.joint_names) == sorted(host.HOME)
    for joint in SPEC.joints:
        i = model.actuator(joint.name).id
        assert model.actuator_trnid[i, 0] == model.joint(joint.name).id
        assert joint.effort_max == model.actuator_forcerange[i, 1] == -model.actuator_forcerange[i, 0]


def test_sites_camera_and_sensors_of_the_robot_file_are_in_the_model(model: mujoco.MjModel) -> None:
    assert SPEC.touch is not None
    for pad in SPEC.touch.pads:
        assert model.sensor(pad).type == mujoco.mjtSensor.mjSENS_TOUCH
    for site in ("imu", "lidar", *(arm.tip for arm in SPEC.arms)):
        assert model.site(site).id >= 0
    for body in ("base", "head", "left_hand", "right_hand"):
        assert model.body(body).id > 0
    assert model.sensor("gyro").type == mujoco.mjtSensor.mjSENS_GYRO
    assert model.sensor("accelerometer").type == mujoco.mjtSensor.mjSENS_ACCELEROMETER
    assert math.radians(model.cam_fovy[model.camera("camera.head").id]) == pytest.approx(SPEC.cameras[0].fovy)


def test_position_ranges_of_the_robot_file_are_the_models(model: mujoco.MjModel) -> None:
    for joint in SPEC.joints:
        if joint.mode == "position":
            assert tuple(model.joint(joint.name).range) == (joint.position_min, joint.position_max)


def test_it_is_about_as_tall_and_heavy_as_a_child_of_ten(model: mujoco.MjModel) -> None:
    data = at_home(model)
    assert 40.0 < model.body_subtreemass[model.body("base").id] < 60.0
    assert data.body("head").xpos[2] + 0.125 + 0.13 == pytest.approx(1.37, abs=0.05)


@pytest.mark.parametrize("pose", [host.HOME, host.READY])
def test_named_poses_touch_nothing_but_the_floor(model: mujoco.MjModel, pose: dict[str, float]) -> None:
    data = at_home(model, pose)
    floor = model.geom("floor").id
    assert all(floor in (c.geom1, c.geom2) for c in data.contact)


def test_arms_mirror_each_other(model: mujoco.MjModel) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        arm = {n: float(rng.uniform(*model.joint(f"left_{n}").range)) for n in host.ARM_JOINTS}
        data = at_home(model, host.HOME | {f"{s}_{n}": q for n, q in arm.items() for s in host.SIDES})
        left, right = data.site("left_tip").xpos, data.site("right_tip").xpos
        np.testing.assert_allclose(left * [1.0, -1.0, 1.0], right, atol=1e-9)


def test_tip_lies_between_the_pads_and_looks_out_of_the_hand(model: mujoco.MjModel) -> None:
    data = at_home(model, host.READY)
    for side in host.SIDES:
        X = np.eye(4)
        X[:3, :3], X[:3, 3] = data.site(f"{side}_tip").xmat.reshape(3, 3), data.site(f"{side}_tip").xpos
        p_TH = transform(np.linalg.inv(X), data.body(f"{side}_hand").xpos)
        np.testing.assert_allclose(p_TH, [0.0, 0.0, -0.16], atol=1e-9)
        pads = [transform(np.linalg.inv(X), data.site(f"{side}_touch_{w}").xpos) for w in ("inner", "outer")]
        np.testing.assert_allclose(pads[0] + pads[1], [0.0, 0.0, pads[0][2] * 2], atol=1e-9)
        assert abs(pads[0][1] - pads[1][1]) == pytest.approx(0.08 + 0.011, abs=1e-9)  # 80 mm, and two half pads


def test_at_rest_nothing_drifts(model: mujoco.MjModel) -> None:
    data = at_home(model)
    mujoco.mj_step(model, data, 500)
    settled = data.qpos.copy()
    mujoco.mj_step(model, data, 2500)  # 5 s
    assert np.abs(data.qpos - settled).max() < 1e-4
    sag = {n: float(data.joint(n).qpos[0]) - host.HOME[n] for n in host.HOME}
    assert max(abs(v) for v in sag.values()) < 0.006  # [rad or m]


def test_wheels_carry_most_of_the_weight(model: mujoco.MjModel) -> None:
    data = at_home(model)
    mujoco.mj_step(model, data, 500)
    force, wheels = np.zeros(6), 0.0
    for i, contact in enumerate(data.contact):
        mujoco.mj_contactForce(model, data, i, force)
        if model.body(model.geom_bodyid[contact.geom2]).name.startswith("wheel"):
            wheels += force[0]
    assert wheels > 0.8 * 9.81 * model.body_subtreemass[model.body("base").id]


@pytest.mark.parametrize(("left", "right"), [(6.0, 6.0), (-5.0, 5.0), (3.0, 6.0), (-6.0, -6.0)])
def test_odometry_of_the_wheels_agrees_with_where_the_base_went(
    model: mujoco.MjModel, left: float, right: float
) -> None:
    data = at_home(model)
    x = y = yaw = true_yaw = last = 0.0
    was = np.zeros(2)
    for n in range(1500):
        data.ctrl[:2] = np.array([left, right]) * min(1.0, n / 500)
        mujoco.mj_step(model, data)
        wheels = np.array([data.joint(w).qpos[0] for w in ("wheel_left", "wheel_right")])
        d, was = (wheels - was) * host.WHEEL_RADIUS, wheels
        x, y = x + d.mean() * math.cos(yaw), y + d.mean() * math.sin(yaw)
        yaw += (d[1] - d[0]) / host.WHEEL_TRACK
        R = data.body("base").xmat.reshape(3, 3)
        now = math.atan2(R[1, 0], R[0, 0])
        true_yaw, last = true_yaw + math.remainder(now - last, 2 * math.pi), now
    assert math.dist((x, y), data.body("base").xpos[:2]) < 0.01
    assert yaw == pytest.approx(true_yaw, rel=0.005, abs=0.005)


@pytest.mark.parametrize(("lift", "sign"), list(itertools.product((0.0, host.LIFT_STROKE), (1.0, -1.0))))
def test_braking_from_full_speed_with_arms_out_does_not_tip(model: mujoco.MjModel, lift: float, sign: float) -> None:
    out = {f"{s}_{n}": q for s in host.SIDES for n, q in (("shoulder_pitch", 1.57), ("elbow", 0.0))}
    data = at_home(model, host.HOME | out | {"lift": lift})
    wheel = SPEC.joints[SPEC.joint_index("wheel_left")]
    speed = wheel.speed_max
    for n in range(800):
        data.ctrl[:2] = sign * speed * min(1.0, n / 400)
        mujoco.mj_step(model, data)
    start, worst = float(data.qpos[0]), 0.0
    data.ctrl[:2] = 0.0
    for _ in range(500):
        mujoco.mj_step(model, data)
        worst = max(worst, tilt_deg(data))
    assert abs(data.qvel[0]) < 0.01
    assert abs(data.qpos[0] - start) < 0.25
    assert worst < 1.0


def test_face_joints_move_what_they_say(model: mujoco.MjModel) -> None:
    data = at_home(model)
    moved = dict.fromkeys(host.FACE_JOINTS, 0.0)
    for name in host.FACE_JOINTS:
        data = at_home(model)
        target = model.joint(name).range[1]
        data.ctrl[model.actuator(name).id] = target
        mujoco.mj_step(model, data, 250)
        moved[name] = abs(float(data.joint(name).qpos[0]) - target)
        if name.startswith("eye"):
            assert float(data.joint(f"{name}_right").qpos[0]) == pytest.approx(target, abs=0.02)
    assert max(moved.values()) < 0.02


def test_action_units_stay_within_the_joints_ranges() -> None:
    assert SPEC.face is not None
    for unit, moves in SPEC.face.action_units.items():
        for name, by in moves.items():
            joint = SPEC.joints[SPEC.joint_index(name)]
            assert joint.position_min <= joint.home + by <= joint.position_max, (unit, name)


@pytest.mark.parametrize("shape", objects.SHAPES)
def test_gripper_lifts_every_shape_and_holds_it_without_slip(shape: str) -> None:
    top_down = shape == "bowl"
    obj = objects.sample_object(np.random.default_rng(1), shape, "red")
    pose = _grasp_pose(top_down)
    tip = at_home(host_in("empty").model, pose).site("left_tip").xpos.copy()
    foot = tip - np.array([0.0, 0.0, obj.size[2] / 2])
    if top_down:  # by the wall of its near side, 12 mm below the rim
        foot = tip + np.array([0.0, obj.size[0] / 2 - 0.003, 0.012 - obj.size[2]])
    model = _with_object(obj, foot)
    data = at_home(model, pose)
    before = _squeeze_and_lift(model, data, obj.name)
    mujoco.mj_step(model, data, 2500)  # 5 s
    held = data.body(obj.name).xpos - data.site("left_tip").xpos
    np.testing.assert_allclose(held, before, atol=0.003)
    assert data.body(obj.name).xpos[2] > foot[2] + obj.size[2] / 2 + 0.08
    assert min(float(data.sensor(f"left_touch_{w}").data[0]) for w in ("inner", "outer")) > 4.0


def _grasp_pose(top_down: bool) -> dict[str, float]:
    arm = {"shoulder_pitch": 0.3, "elbow": 1.15, "wrist_pitch": -1.45} if top_down else {"elbow": math.pi / 2}
    rest = dict.fromkeys(host.ARM_JOINTS, 0.0) | arm
    return host.HOME | {f"left_{n}": q for n, q in rest.items()} | {"lift": 0.15, "left_gripper": 0.04}


def _with_object(obj: objects.SceneObject, foot: np.ndarray) -> mujoco.MjModel:
    spec = host_in("empty").spec
    add(spec.worldbody, Look(contype=STATIC), BOX, (0.03, 0.03, foot[2] / 2), (foot[0], foot[1], foot[2] / 2))
    objects.add_object(spec, obj, foot, 0.0)
    return spec.compile()


def _squeeze_and_lift(model: mujoco.MjModel, data: mujoco.MjData, name: str) -> np.ndarray:
    mujoco.mj_step(model, data, 100)
    for n in range(400):
        data.ctrl[model.actuator("left_gripper").id] = 0.04 * (1 - n / 400)
        mujoco.mj_step(model, data)
    for n in range(500):
        data.ctrl[model.actuator("lift").id] = 0.15 + 0.1 * n / 500
        mujoco.mj_step(model, data)
    mujoco.mj_step(model, data, 100)
    return data.body(name).xpos - data.site("left_tip").xpos


@pytest.mark.parametrize(
    ("where", "lift"),
    [((0.45, 0.20, 0.80), 0.15), ((0.60, 0.25, 0.85), 0.20), ((0.45, 0.25, 1.32), 0.35), ((0.30, 0.28, 0.06), 0.0)],
    ids=["table, near", "table, far", "shelf", "floor"],
)
def test_hand_reaches(model: mujoco.MjModel, where: tuple[float, float, float], lift: float) -> None:
    data = at_home(model, host.READY | {"lift": lift})
    dofs = [model.joint(f"left_{n}").dofadr[0] for n in host.ARM_JOINTS]
    joints = [model.joint(f"left_{n}") for n in host.ARM_JOINTS]
    jac, q = np.zeros((3, model.nv)), {n: host.READY[f"left_{n}"] for n in host.ARM_JOINTS}
    for _ in range(300):  # damped least squares
        mujoco.mj_jacSite(model, data, jac, None, model.site("left_tip").id)
        J, e = jac[:, dofs], np.array(where) - data.site("left_tip").xpos
        step = np.clip(J.T @ np.linalg.solve(J @ J.T + 1e-3 * np.eye(3), e), -0.2, 0.2)
        q = {n: float(np.clip(q[n] + s, *j.range)) for n, s, j in zip(host.ARM_JOINTS, step, joints, strict=True)}
        set_pose(model, data, {f"left_{n}": v for n, v in q.items()})
    assert np.linalg.norm(np.array(where) - data.site("left_tip").xpos) < 0.005
