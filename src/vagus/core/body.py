"""The robot as the loop sees it: what every body, simulated or real, does."""

from typing import Protocol

from vagus.core.messages import Record


class Body(Protocol):
    """A body that the reflex reads and writes once a tick, and that brakes by itself when the reflex is silent."""

    def read(self, now_ns: int) -> Record | None:
        """Return the newest ``joint_state`` record, or None if nothing was ever read. Never blocks for long."""
        ...

    def write(self, command: Record) -> None:
        """Send a ``joint_command`` record to the motors."""
        ...

    def close(self) -> None:
        """Let go of the body; its watchdog brakes it."""
        ...
