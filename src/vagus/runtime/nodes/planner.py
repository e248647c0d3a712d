"""The planner node: reads what the brain asks, has a language model plan it on a thread of its own, and says what came.

The brain never waits for it: an answer may come late or not at all, and says so.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from vagus.core import messages as m
from vagus.core.errors import PlannerError
from vagus.decide.advice import Advice, Ask, advice_json, read_ask
from vagus.decide.planner import Planner
from vagus.runtime.context import Context

_FIRST = Ask(id=0, deadline_ns=0, text="hello", language="en")
"""What a model is asked once it is there: it reads the rules before anybody waits for it, and what is wrong shows."""
_FIRST_S = 120.0
"""How long that may take [s]: a local model reads 1,500 tokens, on a full machine."""


class PlannerNode:
    """Reads ``ask``, writes ``advice``: one for every ask, in time or not.

    A newer ask ends the one before it, as newer words do with older ones. What a planner before a restart was asked
    stays unanswered: whoever waited for it has given up by then.
    """

    def __init__(self, ctx: Context, make: Callable[[], Planner]) -> None:
        """``make`` is called on the thread that plans, as it may take seconds; what it raises ends the process."""
        self._spec = ctx.spec
        self._asks, self._out = ctx.streams.reader("ask"), ctx.streams.writer("advice")
        self._asks.latest()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="planner")
        self._planner: Planner | None = None
        self._made: Future[Planner] | None = self._thread.submit(_made, make)
        self._is_closing = False
        self._newest = 0
        self._calls: list[Future[Advice]] = []

    def step(self, now_ns: int) -> None:
        """Take what was asked, tell what was answered."""
        if self._made is not None and self._made.done():
            self._planner, self._made = self._made.result(), None
        for record in self._asks.since():
            self._hear(m.get_text(record), int(record["id"]), now_ns)
        ended = [call for call in self._calls if call.done()]
        for call in ended:
            self._calls.remove(call)
            self._tell(call.result(), now_ns)

    def _hear(self, words: str, about: int, now_ns: int) -> None:
        self._newest += 1
        number = self._newest
        try:
            ask = read_ask(words)
        except PlannerError as error:
            self._tell(Advice(id=about, error=str(error), seconds=0.0), now_ns)
            return
        seconds_max = (ask.deadline_ns - now_ns) * 1e-9
        if self._planner is None:
            self._tell(Advice(id=ask.id, error="planner: it is still getting ready", seconds=0.0), now_ns)
        elif seconds_max <= 0.0:
            self._tell(Advice(id=ask.id, error=f"ask: came {-seconds_max:.1f} s after its time", seconds=0.0), now_ns)
        else:
            end_s = time.monotonic() + seconds_max  # models answer in real time, also where the robot's is virtual
            self._calls.append(self._thread.submit(self._plan, self._planner, ask, end_s, number))

    def _plan(self, planner: Planner, ask: Ask, end_s: float, number: int) -> Advice:
        """Plan on the other thread, which may have had to end something first."""
        return planner.plan(
            ask, seconds_max=max(0.0, end_s - time.monotonic()),
            is_unwanted=lambda: self._is_closing or number != self._newest,
        )  # fmt: skip

    def _tell(self, advice: Advice, now_ns: int) -> None:
        record = m.blank(m.long_text(self._spec))
        record["stamp_ns"], record["id"] = now_ns, advice.id
        m.set_text(record, advice_json(advice))
        self._out.publish(record)

    def close(self) -> None:
        """End what is being planned."""
        self._is_closing = True
        self._thread.shutdown(wait=False, cancel_futures=True)


def _made(make: Callable[[], Planner]) -> Planner:
    planner = make()
    first = planner.plan(_FIRST, seconds_max=_FIRST_S)
    if first.error:
        print(f"planner: {first.error}", file=sys.stderr, flush=True)
    return planner
