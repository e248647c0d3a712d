"""Clearances: the closest pairs, their gradients by finite differences, gravity by hand."""

import re
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from ideal import load
from small import XML, small_model, small_spec

from vagus.core import messages as m
from vagus.core.messages import N_CLEARANCES, Mode, Record, Request, Source
from vagus.core.robot import RobotSpec, WorkspaceSpec
from vagus.perceive.clearance import RANGE_M, Clearance
from vagus.reflex.gate import Gate
from vagus.reflex.memory import Inputs

BOX = WorkspaceSpec(low=(-0.3, -0.5, 0.2), high=(0.35, 0.2, 1.4))
BOXED = replace(small_spec(), workspace=BOX)
ROBOTS = {
    "small": (small_spec(), small_model()), "boxed": (BOXED, small_model()), "host": load("host"),
    "so101": load("so101"),
}  # fmt: skip


def state_at(spec: RobotSpec, q: np.ndarray) -> Record:
    state = m.blank(m.joint_state(spec))
    state["q"], state["valid"], state["origin_ns"][0] = q, 1, 123
    return state


def random_pose(spec: RobotSpec, rng: np.random.Generator) -> np.ndarray:
    low, high = spec.array("position_min"), spec.array("position_max")
    return np.where(np.isfinite(low), rng.uniform(np.maximum(low, -9), np.minimum(high, 9)), 0.0)


@pytest.mark.parametrize("name", ROBOTS)
def test_gradients_are_the_derivatives_of_the_distances(name: str) -> None:
    spec, model = ROBOTS[name]
    clearance, rng, h, n_checked = Clearance(spec, model), np.random.default_rng(1), 1e-6, 0
    for _ in range(12):
        q = random_pose(spec, rng)
        clearance._pose(q)
        for row in clearance._closest():
            gradient = clearance._gradient(row)
            for j in np.flatnonzero(gradient):
                slopes = []
                for sign in (1.0, -1.0):
                    clearance._pose(q + sign * h * np.eye(len(q))[j])
                    d = _distance(clearance, row)
                    slopes.append(sign * (d - row.distance) / h)
                clearance._pose(q)
                if abs(slopes[0] - slopes[1]) < 1e-3:  # a kink (edge meets face) has two slopes
                    assert gradient[j] == pytest.approx(np.mean(slopes), abs=5e-3)
                    n_checked += 1
    assert n_checked > 100


def _distance(clearance: Clearance, row) -> float:
    if row.b < 0:
        return {(r.a, r.b): r.distance for r in clearance._to_planes()}[row.a, row.b]
    return clearance._distance(row.a, row.b)[0]


@pytest.mark.parametrize("name", ROBOTS)
def test_the_closest_pair_is_among_all_pairs_the_closest(name: str) -> None:
    spec, model = ROBOTS[name]
    clearance, rng = Clearance(spec, model), np.random.default_rng(2)
    for _ in range(10):
        clearance._pose(random_pose(spec, rng))
        brute = min([clearance._distance(int(a), int(b))[0] for a, b in clearance.pairs]
                    + [r.distance for r in clearance._to_planes()] + [RANGE_M])  # fmt: skip
        rows = clearance._closest()
        assert (rows[0].distance if rows else RANGE_M) == pytest.approx(brute, abs=1e-6)


def test_message_is_sorted_carries_its_pose_and_origin_and_fills_with_nan() -> None:
    spec, model = ROBOTS["host"]
    q = spec.array("home")
    record = Clearance(spec, model).compute(state_at(spec, q), 999)
    distance = record["distance"][~np.isnan(record["distance"])]
    assert 0 < len(distance) <= N_CLEARANCES
    assert np.all(np.diff(distance) >= 0.0)
    assert np.all(distance > 0.0)
    assert np.all(distance < RANGE_M)
    np.testing.assert_array_equal(record["q"], q)
    assert (record["stamp_ns"], record["origin_ns"][0]) == (999, 123)


@pytest.mark.parametrize(("axis", "side"), [(0, -1), (0, 1), (1, -1), (1, 1), (2, -1), (2, 1)])
def test_a_wall_is_as_near_as_the_limbs_farthest_point(axis: int, side: int) -> None:
    model, wide = small_model(), np.array([[-5.0, -5.0, -5.0], [5.0, 5.0, 5.0]])
    wide[(side + 1) // 2, axis] = place = (0.0, 0.0, 0.6)[axis] + 0.3 * side
    spec = replace(small_spec(), workspace=WorkspaceSpec(low=tuple(wide[0]), high=tuple(wide[1])))
    q = spec.array("home")
    q[spec.joint_index("pan")] = 0.4
    clearance = Clearance(spec, model)
    wall = [row for row in (clearance._pose(q), clearance._to_planes())[1] if row.b < -1]
    centres = np.array([side * (place - clearance._data.geom_xpos[row.a][axis]) for row in wall])
    distances = np.array([row.distance for row in wall])
    assert len(wall) >= 3
    assert np.all(np.diff(distances) >= 0.0)
    assert np.all((centres - 0.25 < distances) & (distances < centres))
    np.testing.assert_allclose([row.fromto[3 + axis] for row in wall], place, atol=1e-12)


def furthest_out(spec: RobotSpec, joint: str, target: float) -> float:
    """Return how far any limb leaves BOX while a source drives a joint of a body that obeys [m]; < 0 is inside."""
    judge = Clearance(BOXED, small_model())
    clearance, gate, now, dt = Clearance(spec, small_model()), Gate(spec, seed=1), 10**9, 2_000_000
    memory, state, worst = gate.start(now), state_at(spec, spec.array("home")), [-np.inf]
    near, reflex = clearance.compute(state, now), m.blank(m.reflex(spec))
    for tick in range(1500):
        now += dt
        state["origin_ns"][0] = now
        command, ask = m.blank(m.command(spec)), m.blank(m.request(spec))
        command["stamp_ns"], command["counter"], command["at_ns"] = now, tick + 1, now + 40_000_000
        command["origin_ns"][0], command["budget_ns"], command["lease"] = now, 10**9, reflex["lease"]
        j = spec.joint_index(joint)
        command["use"][j] = 1
        command["q"][j] = np.clip(target, memory.q_last[j] - 0.08, memory.q_last[j] + 0.08)
        ask["kind"], ask["stamp_ns"], ask["nonce"], ask["duration_ns"] = Request.LEASE, now, 7, 10**10
        ask["groups"] = (1 << len(spec.groups)) - 1
        if tick % 10 == 0:
            near = clearance.compute(state, now)
        inputs = Inputs(joint_state=state, commands=[(Source.SKILL, command)], requests=[(Source.SKILL, ask)],
                        clearance=near)  # fmt: skip
        sent, reflex = gate.step(memory, inputs, now)
        moves = sent["mode"] == Mode.POSITION
        state["q"], state["v"] = np.where(moves, sent["q"], state["q"]), np.where(moves, sent["v"], 0.0)
        judge._pose(state["q"])
        worst += [-row.distance for row in judge._to_planes() if row.b < -1]
    return max(worst)


@pytest.mark.parametrize(("joint", "target"), [("pan", 1.2), ("pan", -1.5), ("roll", -1.2)])
def test_the_gate_keeps_limbs_in_the_workspace(joint: str, target: float) -> None:
    assert furthest_out(replace(BOXED, lidar=None, workspace=None), joint, target) > 0.02
    assert -0.02 < furthest_out(replace(BOXED, lidar=None), joint, target) < 1e-9  # rounding aside


def test_hands_brought_together_show_in_the_distance() -> None:
    spec, model = ROBOTS["host"]
    clearance, q, nearest = Clearance(spec, model), spec.array("home"), []
    for yaw in np.linspace(0.0, 1.3, 8):
        for side in ("left", "right"):
            q[spec.joint_index(f"{side}_elbow")] = 1.5
            q[spec.joint_index(f"{side}_shoulder_yaw")] = yaw
        nearest.append(clearance.compute(state_at(spec, q), 0)["distance"][0])
    assert nearest[-1] < 0.0 < 0.05 < nearest[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_unknown_joint_makes_everything_unknown(bad: float) -> None:
    spec, model = ROBOTS["small"]
    clearance = Clearance(spec, model)
    for state in (state_at(spec, spec.array("home")), state_at(spec, spec.array("home"))):
        state["q"][spec.joint_index("elbow")] = bad
        record = clearance.compute(state, 0)
        assert np.isnan(record["distance"]).all()
        assert np.isnan(record["q"]).all()
        assert np.isnan(record["effort_bias"]).all()


def test_an_unknown_wheel_does_not() -> None:
    spec, model = ROBOTS["small"]
    state = state_at(spec, spec.array("home"))
    state["valid"][spec.joint_index("wheel_left")] = 0
    assert np.isfinite(Clearance(spec, model).compute(state, 0)["distance"]).any()


def pendulum(gravcomp: str) -> np.ndarray:
    """Effort bias of the small robot with its head tipped forward by a right angle."""
    spec, model = small_spec(), mujoco.MjModel.from_xml_string(re.sub(r"<body ", f'<body gravcomp="{gravcomp}" ', XML))
    q = spec.array("home")
    q[spec.joint_index("neck_pitch")] = np.pi / 2
    return Clearance(spec, model).compute(state_at(spec, q), 0)["effort_bias"]


def test_effort_bias_is_the_weight_times_the_lever() -> None:
    # skull of 1 kg 0.10 m from the axis, lid 0.01 kg at 0.12 m, mouth 0.01 kg at 0.05 m: it hangs forward and down
    expected = -9.81 * (1.0 * 0.10 + 0.01 * 0.12 + 0.01 * 0.05)
    bias = pendulum("0")
    assert bias[small_spec().joint_index("neck_pitch")] == pytest.approx(expected, rel=1e-6)
    assert bias[small_spec().joint_index("neck_yaw")] == pytest.approx(0.0, abs=1e-9)


def test_effort_bias_leaves_out_what_gravity_compensation_carries() -> None:
    np.testing.assert_allclose(pendulum("1")[2:], 0.0, atol=1e-9)


def test_fingers_of_one_hand_are_no_pair() -> None:
    spec, model = ROBOTS["host"]
    names = [{model.body(int(model.geom_bodyid[g])).name for g in pair} for pair in Clearance(spec, model).pairs]
    assert {"left_finger_inner", "left_finger_outer"} not in names
    assert {"left_finger_inner", "right_finger_inner"} in names


def test_computing_leaves_the_model_as_it_was() -> None:
    spec, model = small_spec(), small_model()
    Clearance(spec, model).compute(state_at(spec, spec.array("home")), 0)
    np.testing.assert_array_equal(model.geom_margin, small_model().geom_margin)
    np.testing.assert_array_equal(model.jnt_range, small_model().jnt_range)
