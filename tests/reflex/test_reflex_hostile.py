"""Hostile sources against the gate, judged by the body's own motion: a plant that shares nothing with the gate.

The plant is two equal first-order lags per joint, in each tick ``x += k (u - x)``: their response to any command is a
weighted mean of past commands, so what leaves the limits in the plant has left them in the commands.
"""

import numpy as np
import pytest
from reflex_rig import MS, TICK, small_spec

from vagus.core import messages as m
from vagus.core.messages import Mode, Record, Source, State
from vagus.core.robot import RobotSpec
from vagus.reflex.gate import Gate
from vagus.reflex.hostile import Hostile
from vagus.reflex.memory import Inputs

DT = TICK * 1e-9
SPEC = small_spec()
WHEEL = np.array([j.mode == "velocity" for j in SPEC.joints])


class Lags:
    """Servos as two lags of about 6 ms; brakes that take each joint to rest at its declared acceleration."""

    def __init__(self, spec: RobotSpec) -> None:
        self._a = spec.array("acceleration_max")
        self.q = np.array([0.0, 0.0, 0.02, 0.0, 0.0, 0.0, 0.0])
        self.v = np.zeros(spec.n_joints)
        self._x1, self._x2 = self.q.copy(), self.q.copy()
        self._w1, self._w2 = self.v.copy(), self.v.copy()

    def step(self, command: Record | None) -> None:
        mode = np.full(len(self.q), Mode.BRAKE) if command is None else command["mode"]
        held = (mode == Mode.POSITION) | (mode == Mode.VELOCITY)
        if command is not None:
            self._x1 += 0.3 * (np.where(WHEEL, self._x1, command["q"]) - self._x1)
            self._x2 += 0.3 * (self._x1 - self._x2)
            self._w1 += 0.3 * (command["v"] - self._w1)
            self._w2 += 0.3 * (self._w1 - self._w2)
        braked = np.sign(self.v) * np.maximum(np.abs(self.v) - self._a * DT, 0.0)
        self.v = np.where(held, np.where(WHEEL, self._w2, (self._x2 - self.q) / DT), braked)
        self.q = np.where(held & ~WHEEL, self._x2, self.q + self.v * DT)
        for lag, value in ((self._x1, self.q), (self._x2, self.q), (self._w1, self.v), (self._w2, self.v)):
            lag[~held] = value[~held]


def attack(seed: int, ticks: int) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Let three hostile sources at the gate; return the plant's positions, velocities and what the gate counted."""
    rng = np.random.default_rng(seed)
    gate, plant, now = Gate(SPEC, seed=seed), Lags(SPEC), 10**9
    memory = gate.start(now)
    sources = [Hostile(SPEC, s, rng) for s in (Source.IDLE, Source.SKILL, Source.TELEOP)]
    reflex, q, v = m.blank(m.reflex(SPEC)), [], []
    running = 0
    for _ in range(ticks):
        now += TICK
        joint_state = m.blank(m.joint_state(SPEC))
        joint_state["origin_ns"][0], joint_state["valid"] = now - MS, 1
        joint_state["q"], joint_state["v"] = plant.q, plant.v
        commands = [(s.source, s.command(reflex, now)) for s in sources]
        requests = [(s.source, s.request(now)) for s in sources if rng.random() < 0.05]
        inputs = Inputs(
            joint_state=joint_state, commands=commands, requests=requests, **surroundings(seed, now, plant.q)
        )
        out = gate.step(memory, inputs, now)
        plant.step(out.command)
        reflex = out.reflex
        running += int(np.any(reflex["state"] == State.RUN))
        q.append(plant.q.copy())
        v.append(plant.v.copy())
    counts = {"running": running, "refused": memory.refused, "limited": memory.limited}
    return np.array(q), np.array(v), counts


def surroundings(seed: int, now: int, q: np.ndarray) -> dict[str, Record | None]:
    """People and obstacles that come and go every half a second, messages that are fresh, old or missing."""
    rng = np.random.default_rng([seed, now // 500_000_000])
    clearance, proximity = m.blank(m.clearance(SPEC)), m.blank(m.proximity(SPEC))
    clearance["distance"] = rng.choice([np.nan, 0.1, 0.5], 8, p=[0.9, 0.05, 0.05])
    clearance["gradient"] = rng.choice([0.0, 0.0, 0.0, -0.5, 0.5], (8, SPEC.n_joints))
    clearance["q"], clearance["origin_ns"][0] = q, now - rng.integers(0, 105) * MS
    proximity["distance"], proximity["origin_ns"][1] = (
        rng.choice([np.nan, np.nan, 0.3, 1.0]),
        now - rng.integers(0, 320) * MS,
    )
    return {"clearance": clearance if rng.random() < 0.9 else None, "proximity": proximity}


@pytest.mark.parametrize("seed", [1, 2])
def test_no_limit_is_left_in_the_plant(seed: int) -> None:
    q, v, counts = attack(seed, 5000)
    tiny = 1e-9
    held = ~WHEEL
    assert np.all(q[:, held] >= SPEC.array("position_min")[held] - tiny)
    assert np.all(q[:, held] <= SPEC.array("position_max")[held] + tiny)
    assert np.all(np.abs(v) <= SPEC.array("speed_max") * (1 + tiny))
    assert np.all(np.abs(np.diff(v, axis=0)) / DT <= SPEC.array("acceleration_max") * (1 + 1e-6) + 1e-6)
    assert min(counts.values()) > 1000, counts  # it was a fight
    assert np.ptp(q[:, held], axis=0).min() > 0.02  # everything moved
    assert np.abs(v).max() > 1.0


def test_an_attack_is_the_same_for_the_same_seed() -> None:
    first, second = attack(5, 200), attack(5, 200)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[2] == second[2]
