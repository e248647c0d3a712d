"""One connected browser, as the server sees it: what waits to be sent to it, and how much it may say.

Bounded everywhere: of states, plans, poses and pictures only the newest waits; of sentences at most a few dozen; and
nothing is sent far ahead of what the browser says it has taken in. Knows neither sockets nor streams.
"""

import asyncio
from collections import deque
from typing import Literal

from vagus.page.wire import Language

Slot = Literal["state", "plans", "poses", "things", "figures", "picture"]
_ORDER: tuple[Slot, ...] = ("state", "plans", "poses", "things", "figures", "picture")
AHEAD_MAX = 3
"""States that may be on their way to a browser before it has drawn the first of them: 0.15 s at 20 Hz."""
WORDS_MAX = 64
"""Sentences that wait for a slow browser; older ones are dropped."""


class Allowance:
    """How often something may be done: a bucket that fills at a steady rate."""

    def __init__(self, *, rate_hz: float, burst: float) -> None:
        self._rate_hz, self._burst = rate_hz, burst
        self._left = burst
        self._then_ns: int | None = None

    def spend(self, now_ns: int, cost: float = 1.0) -> bool:
        """Take ``cost`` from the bucket; False, and nothing is taken, when it does not hold as much."""
        if self._then_ns is not None:
            self._left = min(self._burst, self._left + (now_ns - self._then_ns) * 1e-9 * self._rate_hz)
        self._then_ns = now_ns
        if cost > self._left:
            return False
        self._left -= cost
        return True


class Client:
    """One page: its number, what it wants to see, and its mailbox."""

    def __init__(self, page: int) -> None:
        self.page = page
        self.language: Language = "en"
        self.is_visible = True
        self.camera: str | None = None
        """The camera it shows, if any."""
        self.messages = Allowance(rate_hz=120.0, burst=240.0)  # a page in full use says about 50 things a second
        self.sentences = Allowance(rate_hz=1.0, burst=5.0)
        self.dropped = 0
        """States, poses and pictures that were overtaken by newer ones before they could be sent."""
        self._slots: dict[Slot, bytes] = {}
        self._state_n = 0
        self._ahead: deque[int] = deque()
        self._words: deque[bytes] = deque(maxlen=WORDS_MAX)
        self._news = asyncio.Event()

    def put(self, slot: Slot, frame: bytes) -> None:
        """Leave a frame to be sent; one that still waits in this slot is overtaken."""
        self.dropped += slot in self._slots
        self._slots[slot] = frame
        self._news.set()

    def put_state(self, n: int, frame: bytes) -> None:
        """Leave the state with number ``n`` to be sent."""
        self._state_n = n
        self.put("state", frame)

    def put_words(self, frame: bytes) -> None:
        """Leave a sentence to be sent, in order."""
        self._words.append(frame)
        self._news.set()

    def seen(self, n: int) -> None:
        """Note that the browser has drawn the state with number ``n``."""
        while self._ahead and self._ahead[0] <= n:
            self._ahead.popleft()
        self._news.set()

    async def wait(self) -> None:
        """Wait until something was left here, or the browser has caught up."""
        await self._news.wait()
        self._news.clear()

    @property
    def is_behind(self) -> bool:
        """Whether the browser has so much to draw still that nothing but sentences is sent to it."""
        return len(self._ahead) >= AHEAD_MAX

    def next(self) -> bytes | None:
        """Return the next frame to send, None when there is none or the browser is behind."""
        if self._words:
            return self._words.popleft()
        if self.is_behind:
            return None
        for slot in _ORDER:
            if slot in self._slots:
                if slot == "state":
                    self._ahead.append(self._state_n)
                return self._slots.pop(slot)
        return None
