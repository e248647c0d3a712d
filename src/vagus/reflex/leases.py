"""Leases: the exclusive, expiring right of one source to command an actuator group, proven by a token.

Pure bookkeeping: it stops nothing. The gate tells it each group's state, and stops a group whose lease is taken away.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from vagus.core.messages import Source, State

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Ask:
    """A source's request to lease a group."""

    source: int
    nonce: int
    duration_ns: int
    """Length of the lease, from when it is granted [ns]; also how long the request waits for the group to come free."""
    asked_ns: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may command a group."""

    source: int
    token: int
    """What every command must carry; never 0, never used twice."""
    nonce: int
    """The request that it answers, or that renewed it last."""
    until_ns: int
    """It has ended at this time [ns]."""


FREE = Lease(source=Source.NOBODY, token=0, nonce=0, until_ns=0)
"""The lease of a group that is nobody's."""


class Answer(Enum):
    """What became of a request for a group."""

    REFUSED = 0
    WAITING = 1
    """Granted as soon as the group holds."""
    PREEMPTS = 2
    """Waiting, and the group's holder, of lower rank, must stop."""
    GRANTED = 3
    RENEWED = 4
    """The holder's own lease goes on: same token, later end."""


def token(seed: int, number: int) -> int:
    """Return the ``number``-th token of a seed, a 64-bit number; distinct for distinct numbers.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64, a bijection).
    """
    z = (seed + number * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@dataclass
class Leases:
    """The leases of all groups. Deterministic: the same seed and requests give the same tokens."""

    n_groups: int
    seed: int
    held: list[Lease] = field(default_factory=list[Lease])
    """Every group's lease."""
    waiting: list[Ask | None] = field(default_factory=list[Ask | None])
    """Who waits for each group."""
    spent: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Source and nonce of each group's last lease that ended by a stop."""
    issued: int = 0
    """How many tokens have been given."""

    def __post_init__(self) -> None:
        self.held = list(self.held) or [FREE] * self.n_groups
        self.waiting = list(self.waiting) or [None] * self.n_groups
        self.spent = list(self.spent) or [(Source.NOBODY, 0)] * self.n_groups

    def copy(self) -> "Leases":
        """Return an independent copy."""
        return replace(self)

    def ask(self, group: int, ask: Ask, state: State) -> Answer:
        """Decide on a request; a granted or renewed lease is in ``held`` afterwards.

        A nonce whose lease ended by a stop is refused: a renewal that was under way then must not bring it back, so
        that its source knows of the stop before the group moves again.
        """
        if state in (State.OFF, State.DAMPED, State.ESTOP) or (ask.source, ask.nonce) == self.spent[group]:
            return Answer.REFUSED
        lease, waiting = self.held[group], self.waiting[group]
        is_outranked = waiting is not None and waiting.source > ask.source and not _is_over(waiting, ask.asked_ns)
        if lease.source > ask.source or is_outranked:
            return Answer.REFUSED
        is_own = lease.source == ask.source
        if is_own and (state != State.STOPPING or ask.nonce == lease.nonce):
            until = max(lease.until_ns, ask.asked_ns + ask.duration_ns)
            self.held[group] = Lease(source=lease.source, token=lease.token, nonce=ask.nonce, until_ns=until)
            return Answer.RENEWED
        if state == State.HOLD:
            self._grant(group, ask, ask.asked_ns)
            return Answer.GRANTED
        self.waiting[group] = ask
        return Answer.WAITING if is_own or lease is FREE else Answer.PREEMPTS

    def grant_waiting(self, group: int, ask: Ask, now_ns: int) -> None:
        """Grant a group that holds to the source that waits for it, unless it has waited too long."""
        if _is_over(ask, now_ns):
            self.waiting[group] = None
        else:
            self._grant(group, ask, now_ns)

    def end(self, group: int, *, is_stopped: bool) -> None:
        """Make a group nobody's; ``is_stopped`` says that it was in motion, so that its nonce is spent."""
        lease = self.held[group]
        if is_stopped and lease is not FREE:
            self.spent[group] = (lease.source, lease.nonce)
        self.held[group] = FREE

    def withdraw(self, group: int, source: int) -> None:
        """Forget a source's waiting request for a group."""
        ask = self.waiting[group]
        if ask is not None and ask.source == source:
            self.waiting[group] = None

    def clear(self, group: int) -> None:
        """Make a group nobody's and forget who waits for it."""
        self.end(group, is_stopped=True)
        self.waiting[group] = None

    def has_ended(self, group: int, now_ns: int) -> bool:
        """Say whether a group's lease has run out."""
        lease = self.held[group]
        return lease is not FREE and now_ns >= lease.until_ns

    def holds_any(self, source: int) -> bool:
        """Say whether a source holds any group."""
        return any(lease.source == source for lease in self.held)

    def _grant(self, group: int, ask: Ask, now_ns: int) -> None:
        self.issued += 1
        number = token(self.seed, self.issued)
        if number == 0:  # 0 means no lease; a bijection gives it once
            self.issued += 1
            number = token(self.seed, self.issued)
        self.held[group] = Lease(ask.source, number, ask.nonce, now_ns + ask.duration_ns)
        self.waiting[group] = None


def _is_over(ask: Ask, now_ns: int) -> bool:
    return now_ns - ask.asked_ns >= ask.duration_ns
