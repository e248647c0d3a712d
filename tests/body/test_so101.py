"""Claims about the SO-101 model: it has the real arm's kinematics, and stands, holds and closes as it should."""

import mujoco
import numpy as np
import pytest

from vagus.world import so101


def _pose(*q: float) -> tuple[mujoco.MjModel, mujoco.MjData]:
    model = so101.build().compile()
    data = mujoco.MjData(model)
    data.qpos[: len(q)] = q
    mujoco.mj_forward(model, data)
    return model, data


@pytest.mark.parametrize(
    ("joint", "anchor", "axis"),
    [  # from the project's own MJCF (new calibration), posed at zero; y of the source is the horn's side, on the axis
        ("shoulder_pan", (0.0388, 0.0, None), (0, 0, -1)),
        ("shoulder_lift", (0.0692, None, 0.1166), (0, 1, 0)),
        ("elbow_flex", (0.0972, None, 0.2292), (0, 1, 0)),
        ("wrist_flex", (0.2321, None, 0.2344), (0, 1, 0)),
        ("wrist_roll", (None, 0.0, 0.2344), (-1, 0, 0)),
        ("gripper", (0.3166, None, 0.2555), (0, -1, 0)),
    ],
)
def test_joint_axes_are_the_real_arms(joint: str, anchor: tuple[float | None, ...], axis: tuple[int, ...]) -> None:
    _, data = _pose()
    found = data.joint(joint)
    np.testing.assert_allclose(found.xaxis, axis, atol=1e-9)
    for k, value in enumerate(anchor):
        assert value is None or found.xanchor[k] == pytest.approx(value, abs=2e-4)


def test_the_tip_is_where_the_real_arms_is_and_its_frame_is_a_hands() -> None:
    _, data = _pose()
    np.testing.assert_allclose(data.site("tip").xpos, (0.3914, 0.0, 0.2265), atol=2e-4)
    frame = data.site("tip").xmat.reshape(3, 3)
    np.testing.assert_allclose(frame[:, 2], (1, 0, 0), atol=1e-9)  # z out of the hand
    np.testing.assert_allclose(frame[:, 1], (0, 0, 1), atol=1e-9)  # y from the finger to the jaw


def test_the_gripper_is_closed_at_its_lower_end_and_opens_upwards() -> None:
    gaps: list[float] = []
    for q in np.linspace(*so101.RANGES["gripper"], 12):
        model, data = _pose(0, 0, 0, 0, 0, q)
        finger, jaw = (model.body(name).geomadr[0] + model.body(name).geomnum[0] - 1 for name in ("gripper", "jaw"))
        gaps.append(mujoco.mj_geomDistance(model, data, finger, jaw, 1.0, None))
    assert abs(gaps[0]) < 0.004  # the wedge closes at the tip
    assert np.all(np.diff(gaps[2:]) > -1e-6)
    assert gaps[-1] > 0.028  # the jaw's axis is 29 mm above the finger


def test_widths_are_how_far_the_jaw_is_from_the_fingers_face() -> None:
    """A ray out of the face, 20 mm behind the tip, hits the jaw there; in the last row it meets the jaw's very end."""
    for q, width in so101.widths()[:-1]:
        model, data = _pose(0, 0, 0, 0, 0, q)
        tip, jaw = data.site("tip"), model.body("jaw").id
        R, geom = tip.xmat.reshape(3, 3), np.zeros(1, np.int32)
        start = tip.xpos - 0.020 * R[:, 2] + 1e-6 * R[:, 1]
        found = mujoco.mj_ray(model, data, start, R[:, 1].copy(), None, True, -1, geom)
        assert model.geom_bodyid[geom[0]] == jaw
        assert found == pytest.approx(width, abs=1e-5)


def test_it_weighs_what_the_parts_weigh() -> None:
    model, _ = _pose()
    assert model.body_subtreemass[0] == pytest.approx(0.632, abs=0.002)


def test_nothing_overlaps_at_zero() -> None:
    _, data = _pose()
    assert data.ncon == 0


@pytest.mark.parametrize("timestep_s", [0.002, 0.010])
def test_it_holds_its_pose_against_gravity(timestep_s: float) -> None:
    model, data = _pose(0.3, 0.4, 0.2, 0.3, 0.5, 0.5)
    model.opt.timestep = timestep_s
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    data.ctrl[:] = data.qpos
    mujoco.mj_step(model, data, round(3.0 / timestep_s))
    np.testing.assert_allclose(data.qpos, data.ctrl, atol=0.02)
    assert np.abs(data.qvel).max() < 1e-3
