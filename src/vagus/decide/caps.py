"""How much a language model may be asked: calls a minute, tokens an hour, whatever its provider allows."""

from collections import deque
from dataclasses import dataclass

from vagus.core.errors import ConfigError, PlannerError

_MINUTE_S, _HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CapsCfg:
    """What a robot may spend on a model. Cost is tokens times their price, so a cap on tokens is one on cost."""

    calls_per_minute: int = 20
    """Of our own choosing: a person speaks about as often."""
    tokens_per_hour: int = 300_000
    """Prompt and completion together; of our own choosing: some 200 requests."""

    def __post_init__(self) -> None:
        for name in ("calls_per_minute", "tokens_per_hour"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: got {getattr(self, name)}, allowed: at least 1")


class Meter:
    """Counts calls and tokens over sliding windows; what was counted is forgotten when its process ends."""

    def __init__(self, cfg: CapsCfg) -> None:
        self._cfg = cfg
        self._calls = deque[float]()
        self._tokens = deque[tuple[float, int]]()

    def admit(self, now_s: float) -> None:
        """Count a call about to be made. Raises PlannerError where a cap is reached, and counts nothing then."""
        _forget(self._calls, now_s - _MINUTE_S)
        while self._tokens and self._tokens[0][0] <= now_s - _HOUR_S:
            self._tokens.popleft()
        spent, cfg = sum(tokens for _, tokens in self._tokens), self._cfg
        if len(self._calls) >= cfg.calls_per_minute:
            raise PlannerError(f"calls: got one more than the cap, allowed: {cfg.calls_per_minute} a minute")
        if spent >= cfg.tokens_per_hour:
            raise PlannerError(f"tokens: {spent} spent in the last hour, allowed: {cfg.tokens_per_hour}")
        self._calls.append(now_s)

    def spend(self, tokens: int, now_s: float) -> None:
        """Count what a call took."""
        self._tokens.append((now_s, tokens))


def _forget(times: deque[float], before_s: float) -> None:
    while times and times[0] <= before_s:
        times.popleft()
