"""Connections that say nothing, or chatter without end below the level of messages: bounded, and others stay."""

import asyncio
import contextlib
import os
import struct
from base64 import b64encode

import pytest
from page_live import Live, eventually, live, run, until
from uvicorn import Server

from vagus.core.messages import Request
from vagus.page.bounds import PIECES_MAX, WAITING_MAX

TEXT, CONT, PING, PONG = 1, 0, 9, 10


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a frame as a browser sends it; its mask is zero, so that the payload is as it is."""
    return bytes([fin << 7 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Raw:
    """A WebSocket made by hand: it sends any frame at all and answers nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def pour(self, data: bytes, times: int) -> None:
        with contextlib.suppress(OSError):  # the server has enough
            for _ in range(times):
                self.writer.write(data)
                await self.writer.drain()

    async def reason(self) -> tuple[int, str]:
        """Read until the server closes, 5 s at most; return the close frame's code and reason, (0, "") without one."""
        data = bytearray()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while piece := await self.reader.read(1 << 16):
                    data += piece
        at = data.rfind(b"too many")
        return (struct.unpack("!H", data[at - 2 : at])[0], data[at : at + 8].decode()) if at > 0 else (0, "")


@contextlib.asynccontextmanager
async def raw(page: Live):
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {page.host}\r\nOrigin: http://{page.host}\r\nCookie: {page.cookie}\r\n"
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    yield Raw(reader, writer)
    writer.transport.abort()


def sockets(page: Live) -> int:
    return len(page.app.page_desk.clients)


FLOODS = [
    pytest.param(frame(TEXT, b'{"type":', fin=False), frame(CONT, fin=False), id="empty pieces"),
    pytest.param(b"", frame(PING, b"x" * 100), id="pings"),
    pytest.param(b"", frame(PONG), id="pongs"),
]


@pytest.mark.parametrize(("first", "then"), FLOODS)
def test_chatter_without_end_is_closed_and_others_stay(first: bytes, then: bytes) -> None:
    async def work() -> None:
        async with live() as page, page.socket() as other, raw(page) as socket:
            await eventually(lambda: sockets(page) == 2)
            socket.writer.write(first)
            await socket.pour(then * 100, 200)  # 20 000 of them
            await socket.reason()  # where it still pours, the system drops what the server said last
            await eventually(lambda: sockets(page) == 1)
            assert (await until(other, "state"))["type"] == "state"

    run(work)


@pytest.mark.parametrize(("first", "then"), FLOODS)
def test_chatter_of_one_that_never_reads_is_closed_as_well(first: bytes, then: bytes) -> None:
    async def work() -> None:
        async with live() as page, raw(page) as socket:
            await eventually(lambda: sockets(page) == 1)
            socket.reader._transport.pause_reading()
            socket.writer.write(first)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await socket.pour(then * 100, 10**6)
            async with asyncio.timeout(3):  # sooner than a ping that is not answered would end it
                await eventually(lambda: not page.server.server_state.connections and not sockets(page))

    run(work)


@pytest.mark.parametrize("pieces", [1, 2, PIECES_MAX, PIECES_MAX + 1])
def test_a_message_may_come_in_a_few_pieces_and_no_more(pieces: int) -> None:
    async def work() -> None:
        async with live() as page, raw(page) as socket:
            words = '{"type":"say","text":"손 흔들어 줘"}'.encode()
            cuts = [words[:20], *[b""] * (pieces - 2), words[20:]] if pieces > 1 else [words]
            for i, cut in enumerate(cuts):
                socket.writer.write(frame(CONT if i else TEXT, cut, fin=i == pieces - 1))
            if pieces <= PIECES_MAX:
                await eventually(lambda: page.stand.heard == ["손 흔들어 줘"])
            else:
                assert await socket.reason() == (1008, "too many")
                assert page.stand.heard == []

    run(work)


def waiting(server: Server) -> int:
    return len(server.server_state.connections)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHos"])
def test_connections_that_ask_for_nothing_make_room_and_the_stop_gets_in(said: bytes) -> None:
    async def work() -> None:
        async with live() as page, page.socket() as other:
            idle = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(3 * WAITING_MAX)]
            for _, writer in idle:
                writer.write(said)
            await eventually(lambda: waiting(page.server) <= WAITING_MAX + 1)  # and the live one
            async with page.http(Cookie=page.cookie) as http:
                assert (await http.post("/api/estop")).status_code == 202
            await eventually(lambda: Request.ESTOP in page.stand.kinds())
            assert (await until(other, "state"))["type"] == "state"
            for _, writer in idle:
                writer.transport.abort()

    run(work)


def test_a_page_s_own_connections_are_kept_while_few_wait() -> None:
    async def work() -> None:
        async with live() as page, page.http(Cookie=page.cookie) as http:
            idle = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(WAITING_MAX - 1)]
            for _ in range(3):
                assert (await http.get("/")).status_code == 200
            assert all(not reader.at_eof() for reader, _ in idle)
            for _, writer in idle:
                writer.transport.abort()

    run(work)
