"""What the person in a simulated room can be told to do: names alone, for processes that load no simulation."""

from typing import Literal, get_args

from vagus.core.errors import ConfigError

Behaviour = Literal["stands", "walks_near", "holds_out_a_hand"]
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)


def check_behaviour(name: str) -> None:
    """Refuse a name that is no behaviour. Raises ConfigError naming those there are."""
    if name not in BEHAVIOURS:
        raise ConfigError(f"person: got {name!r}, allowed: {', '.join(repr(b) for b in BEHAVIOURS)}")
