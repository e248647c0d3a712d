"""Keeps the leases of one source: asks for the groups that are wanted, renews them in time, gives back the rest.

Pure: reads the reflex's records, returns requests. It decides nothing about skills.
"""

import numpy as np

from vagus.core import messages as m
from vagus.core.messages import Record, Request, Source
from vagus.core.robot import RobotSpec

DURATION_NS = 1_000_000_000
"""How long a lease is asked for: a crashed source lets go within this time."""
_AGAIN_NS = 200_000_000  # ask again when nothing came back for this long: many times a reflex period


class Leases:
    """The groups one source holds, as bit masks over ``RobotSpec.groups``."""

    def __init__(self, spec: RobotSpec, source: Source, rng: np.random.Generator) -> None:
        self._spec, self._source, self._rng = spec, source, rng
        n = len(spec.groups)
        self._nonce = np.zeros(n, np.uint64)
        self._asked_ns = np.zeros(n, np.int64)
        self.tokens = np.zeros(n, np.uint64)
        """The token granted for each group; 0 where none is held."""
        self.held = 0
        """Mask of the groups held now."""

    def update(self, reflex: Record) -> None:
        """Read from a reflex record what was granted and what was lost."""
        is_ours = (
            (reflex["holder"] == self._source)
            & (reflex["lease_nonce"] == self._nonce)
            & (self._nonce != 0)
            & (reflex["lease"] != 0)
        )
        self.tokens = np.where(is_ours, reflex["lease"], 0).astype(np.uint64)
        self.held = sum(1 << int(g) for g in np.flatnonzero(is_ours))

    def requests(self, wanted: int, reflex: Record, now_ns: int) -> list[Record]:
        """Return what to ask for: leases wanted and not held, renewals, releases of what is no longer wanted."""
        ask = renew = give = 0
        for g in range(len(self._spec.groups)):
            bit = 1 << g
            is_silent = now_ns - int(self._asked_ns[g]) >= _AGAIN_NS
            if wanted & bit and not self.held & bit and (is_silent or self._nonce[g] == 0):
                ask |= bit
            elif wanted & bit and self.held & bit and is_silent:
                renew |= bit if int(reflex["lease_until_ns"][g]) - now_ns < DURATION_NS // 2 else 0
            elif not wanted & bit and self._nonce[g] != 0:
                give |= bit
        out: list[Record] = []
        if ask:
            out.append(self._request(Request.LEASE, ask, now_ns, self._fresh_nonce()))
        for g in range(len(self._spec.groups)):
            if renew >> g & 1:
                out.append(self._request(Request.LEASE, 1 << g, now_ns, int(self._nonce[g])))
            if give >> g & 1:
                out.append(self._request(Request.RELEASE, 1 << g, now_ns, int(self._nonce[g])))
                self._nonce[g] = 0
        return out

    def _fresh_nonce(self) -> int:
        return int(self._rng.integers(1, 2**63))

    def _request(self, kind: Request, groups: int, now_ns: int, nonce: int) -> Record:
        record = m.blank(m.request(self._spec))
        record["stamp_ns"], record["kind"], record["groups"] = now_ns, kind, groups
        record["nonce"], record["duration_ns"] = nonce, DURATION_NS
        if kind == Request.LEASE:
            for g in range(len(self._spec.groups)):
                if groups >> g & 1:
                    self._nonce[g], self._asked_ns[g] = nonce, now_ns
        return record
