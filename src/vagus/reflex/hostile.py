"""Hostile commands and requests, seeded: what a broken or malicious source might send, to test the gate with.

It aims at the gate's inputs only, and knows nothing of the gate's rules beyond the message layouts.
"""

from collections.abc import Callable

import numpy as np

from vagus.core import messages as m
from vagus.core.ages import UNUSED
from vagus.core.messages import Record, Request, Source, State
from vagus.core.robot import RobotSpec

_NS = 1_000_000_000
_INT64 = np.iinfo(np.int64)


class Hostile:
    """One hostile source. It often holds real leases, as most attacks would otherwise end at the lease."""

    def __init__(self, spec: RobotSpec, source: Source, rng: np.random.Generator) -> None:
        self.source = source
        self._spec, self._rng = spec, rng
        self._group_of = spec.group_of_joint()
        self._layout, self._request_layout = m.command(spec), m.request(spec)
        self._low = np.maximum(spec.array("position_min"), -10.0)
        self._high = np.minimum(spec.array("position_max"), 10.0)
        self._speed = spec.array("speed_max")
        self._counter = 0
        self._sent: list[Record] = [m.blank(self._layout)]
        self._wrong: tuple[Callable[[Record, int], None], ...] = (
            self._no_number, self._old, self._future, self._unleased, self._replayed, self._no_box, self._random_bytes,
        )  # fmt: skip
        self._wild: tuple[Callable[[Record, int], None], ...] = (
            self._flipping, self._far, self._fast, self._fast, self._huge, self._boxed, self._gentle,
        )  # fmt: skip
        self._mood = self._gentle
        self._bold = np.ones(spec.n_joints)
        """Which way each joint is pushed: 1 or -1."""

    def command(self, reflex: Record, now_ns: int) -> Record:
        """Return the next command; ``reflex`` is the newest reflex record (tokens and pose are public)."""
        record, chance = self._plausible(reflex, now_ns), self._rng.random()
        # Whoever sends wrong commands loses the lease: mostly wild ones, then, for long enough to get up to speed.
        if chance < 0.005:
            self._mood = self._wild[self._rng.integers(len(self._wild))]
            self._bold = self._rng.choice([-1.0, 1.0], self._spec.n_joints)
        gentle = record.copy()
        self._mood(record, now_ns)
        starts = (reflex["state"] != State.RUN)[self._group_of]  # what has yet to start must start near
        for field in ("q", "v"):
            record[field] = np.where(starts, gentle[field], record[field])
        if chance > 0.997:
            self._wrong[self._rng.integers(len(self._wrong))](record, now_ns)
        self._sent = [*self._sent[-20:], record.copy()]
        return record

    def request(self, now_ns: int) -> Record:
        """Return a request: mostly for leases, sometimes a release, a stop, a reset, or nonsense."""
        rng = self._rng
        record = m.blank(self._request_layout)
        kinds = [Request.LEASE] * 100 + [Request.RESET] * 20 + [Request.RELEASE, Request.ESTOP, 0]
        record["stamp_ns"], record["kind"] = now_ns, kinds[rng.integers(len(kinds))]
        n = len(self._spec.groups)
        record["groups"] = (1 << n) - 1 if rng.random() < 0.8 else rng.integers(1 << 32)
        record["nonce"] = rng.integers(1, 1 << 62)
        record["duration_ns"] = rng.choice([2 * _NS, _NS // 10, 0, -5, _INT64.max])
        return record

    def _plausible(self, reflex: Record, now_ns: int) -> Record:
        """Return a command that the gate would take up: near, fresh, leased, moving gently."""
        self._counter += 1
        rng, record = self._rng, m.blank(self._layout)
        record["stamp_ns"], record["counter"] = now_ns, self._counter
        record["at_ns"] = now_ns + int(rng.integers(4_000_000, 40_000_000))
        record["budget_ns"] = UNUSED
        record["origin_ns"][0] = now_ns - int(rng.integers(0, 8_000_000))
        is_mine = (reflex["holder"] == self.source) & (rng.random(len(self._spec.groups)) < 0.9)
        record["lease"] = np.where(is_mine, reflex["lease"], 0)
        record["use"] = is_mine[self._group_of]
        step = rng.normal(size=self._spec.n_joints) * 0.2 * self._speed
        record["q"] = np.clip(reflex["q_last"] + step * 0.02, self._low, self._high)
        record["v"] = step
        record["effort_max"] = self._spec.array("effort_max") * rng.choice([0.0, 0.5, 1.0, 100.0])
        return record

    def _somewhere(self) -> int:
        return int(self._rng.integers(self._spec.n_joints))

    def _gentle(self, record: Record, now_ns: int) -> None:
        """Leave the command plausible."""

    def _no_number(self, record: Record, now_ns: int) -> None:
        field = ("q", "v", "effort", "effort_max")[self._rng.integers(4)]
        record[field][self._somewhere()] = self._rng.choice([np.nan, np.inf, -np.inf])

    def _huge(self, record: Record, now_ns: int) -> None:
        field = ("q", "v", "effort", "effort_max")[self._rng.integers(4)]
        record[field][self._somewhere()] = self._rng.choice([1e308, -1e308, 1e9, -1e9, 5e-324])

    def _boxed(self, record: Record, now_ns: int) -> None:
        """Full speed, in an envelope that is another in every tick: narrow, wide, or where the joint is not."""
        self._fast(record, now_ns)
        record["bounded"] = self._rng.random(self._spec.n_joints) < 0.5
        edges = np.sort(self._rng.uniform(self._low - 1.0, self._high + 1.0, (2, self._spec.n_joints)), axis=0)
        record["position_min"], record["position_max"] = edges
        record["speed_max"] = self._rng.choice([1e-9, 0.3, 1.0, 100.0]) * self._speed

    def _no_box(self, record: Record, now_ns: int) -> None:
        self._boxed(record, now_ns)
        field = ("position_min", "position_max", "speed_max")[self._rng.integers(3)]
        record["bounded"], record[field] = 1, self._rng.choice([np.nan, np.inf, -np.inf, -1.0])

    def _old(self, record: Record, now_ns: int) -> None:
        field = ("stamp_ns", "at_ns")[self._rng.integers(2)]
        record[field] = self._rng.choice([0, now_ns - _NS, _INT64.min, -1])
        record["origin_ns"][0] = self._rng.choice([0, now_ns - _NS, _INT64.min])

    def _future(self, record: Record, now_ns: int) -> None:
        field = ("stamp_ns", "at_ns")[self._rng.integers(2)]
        record[field] = self._rng.choice([now_ns + 10 * _NS, _INT64.max])
        record["origin_ns"][-1] = self._rng.choice([now_ns + _NS, _INT64.max - 1])

    def _unleased(self, record: Record, now_ns: int) -> None:
        record["use"] = 1
        record["lease"] = self._rng.choice(np.array([0, 1, 2**64 - 1], np.uint64), len(self._spec.groups))

    def _replayed(self, record: Record, now_ns: int) -> None:
        record[...] = self._sent[self._rng.integers(len(self._sent))]

    def _flipping(self, record: Record, now_ns: int) -> None:
        """From limit to limit, as fast as commands can come."""
        sign = self._rng.choice([-1.0, 1.0], self._spec.n_joints)
        record["q"], record["v"] = np.where(sign > 0.0, self._high, self._low), sign * self._speed
        record["at_ns"] = now_ns + int(self._rng.integers(1, 4_000_000))

    def _far(self, record: Record, now_ns: int) -> None:
        record["q"] = self._rng.uniform(self._low - 1.0, self._high + 1.0)
        record["v"] = self._rng.normal(size=self._spec.n_joints) * 3.0 * self._speed

    def _fast(self, record: Record, now_ns: int) -> None:
        """Full speed towards limits, to be there at once."""
        record["q"], record["v"] = np.where(self._bold > 0.0, self._high, self._low), self._bold * self._speed
        record["at_ns"] = now_ns + int(self._rng.integers(1, 40_000_000))

    def _random_bytes(self, record: Record, now_ns: int) -> None:
        """Noise everywhere but in the tokens."""
        lease = record["lease"].copy()
        record[...] = np.frombuffer(self._rng.bytes(record.dtype.itemsize), record.dtype)[0]
        record["lease"] = lease
