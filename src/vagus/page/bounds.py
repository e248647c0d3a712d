"""The server's connections, with the bounds that uvicorn has not: how many may wait, and how much WebSocket chatter.

uvicorn holds a connection that asks for nothing for ever, keeps the pieces of an unfinished message however many they
are (its ``ws_max_size`` counts bytes, and a piece may be empty), and answers every ping. Messages themselves are
counted by ``Desk``. Built on uvicorn's own classes; the tests notice when those change.
"""

import asyncio
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from vagus.page.client import Allowance

WAITING_MAX = 128
"""HTTP connections that may be open without a request under way: twice what 8 browsers hold, an eighth of the
descriptors that a process usually has."""
PIECES_MAX = 32
"""Pieces that one WebSocket message may come in; browsers send ours in one."""
_CHATTER_HZ, _CHATTER_BURST = 20.0, 100.0
"""Pings, pongs and pieces a connection may send, in the long run and at once; browsers send a pong every 2 s."""
_LINGER_S = 1.0
"""How long a refused connection may take to read why [s]."""
_CLOSE_POLICY = 1008  # RFC 6455 section 7.4.1


class Http(H11Protocol):
    """An HTTP connection; when too many wait, the one that waits longest makes room, so that a new one always gets in.

    A limit that refuses the newest (uvicorn's ``limit_concurrency``) would refuse the emergency stop.
    """

    waits_since_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.waits_since_s = self.loop.time()
        waiting = [c for c in self.connections if isinstance(c, Http) and c.is_waiting]
        if len(waiting) > WAITING_MAX:
            min(waiting, key=lambda c: c.waits_since_s).transport.abort()

    def on_response_complete(self) -> None:
        self.waits_since_s = self.loop.time()
        super().on_response_complete()

    @property
    def is_waiting(self) -> bool:
        """Whether it has no request under way."""
        cycle = self.cycle  # pyright says never None, uvicorn starts it as None
        return not self.transport.is_closing() and (cast(object, cycle) is None or cycle.response_complete)


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket; one that sends too many pieces, pings or pongs is closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._chatter = Allowance(rate_hz=_CHATTER_HZ, burst=_CHATTER_BURST)

    def handle_cont(self, event: Frame) -> None:
        if self._bears():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self._bears():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._bears():
            super().handle_pong(event)

    def _bears(self) -> bool:
        """Say whether one more such frame is fine; close the connection if it is not."""
        if self.transport.is_closing():
            return False
        if len(self.frames) < PIECES_MAX and self._chatter.spend(round(self.loop.time() * 1e9)):
            return True
        self.conn.fail(_CLOSE_POLICY, "too many pings or pieces of a message; reload the page to connect again")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self.loop.call_later(_LINGER_S, self.transport.abort)  # close() waits for a reader that may never read
        return False
