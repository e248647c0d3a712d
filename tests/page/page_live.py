"""A page that really listens, with a stand behind it, in one event loop: what a browser meets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import msgspec
from page_stand import SCENE, TOKEN, Stand
from uvicorn import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from vagus.page.server import PageApp, bind, create_app, make_server


@dataclass
class Live:
    """The stand, the application, and where it listens."""

    stand: Stand
    app: PageApp
    port: int
    server: Server

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        return f"vagus_{self.port}={TOKEN}"

    def http(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.host}", headers=headers, trust_env=False)

    def socket(self, **more: object) -> connect:
        """Return a connection as the page's own script would make it, once entered."""
        options: dict[str, object] = {
            "origin": f"http://{self.host}",
            "additional_headers": {"Cookie": self.cookie},
            "proxy": None,
            "open_timeout": 5,
        }
        return connect(f"ws://{self.host}/ws", **(options | more))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def live(stand: Stand | None = None, *, camera: bool = False) -> AsyncIterator[Live]:
    """Serve a page on a free port; the stand ticks at 100 Hz beside it."""
    stand = stand or Stand()
    scene = SCENE if stand.has_scene else None
    app = create_app(spec=stand.spec, streams=stand.streams, scene=scene, token=TOKEN, clock=time.monotonic_ns)
    server = make_server(app)
    with bind("127.0.0.1", 0) as listener:
        stand.step(time.monotonic_ns())
        tasks = [asyncio.create_task(_tick(stand, camera)), asyncio.create_task(server.serve(sockets=[listener]))]
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield Live(stand, app, listener.getsockname()[1], server)
        finally:
            tasks[0].cancel()
            server.should_exit = True
            await asyncio.wait(tasks)


async def _tick(stand: Stand, camera: bool) -> None:
    n = 0
    while True:
        stand.step(time.monotonic_ns())
        if stand.has_scene and n % 3 == 0:
            stand.publish_scene()
        if camera and n % 4 == 0:
            stand.publish_picture(n)
        if n % 25 == 0:
            stand.publish_stats("reflex", n * 1_000_000)
        n += 1
        await asyncio.sleep(0.01)


def told(frame: str | bytes) -> dict[str, object]:
    """Return what a text frame says."""
    return msgspec.json.decode(frame)


async def until(socket: ClientConnection, kind: str, where: Callable[[dict], bool] = lambda _: True) -> dict:
    """Read frames, acknowledging states as a browser does, until one of this kind (and condition) comes; 5 s."""
    async with asyncio.timeout(5):
        while True:
            frame = await socket.recv()
            if isinstance(frame, bytes):
                continue
            message = told(frame)
            if message["type"] == "state":
                await say(socket, type="seen", n=message["n"])
            if message["type"] == kind and where(message):
                return message


async def say(socket: ClientConnection, **message: object) -> None:
    """Send one message."""
    await socket.send(msgspec.json.encode(message).decode())


async def frames(socket: ClientConnection, seconds: float) -> list[str | bytes]:
    """Return everything that arrives in a time, without acknowledging anything."""
    found: list[str | bytes] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                found.append(await socket.recv())
    return found


async def close_of(socket: ClientConnection) -> tuple[int, str]:
    """Wait until the server closes the connection; return its code and reason; fails after 5 s."""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code or 0, socket.close_reason or ""


async def eventually(what: Callable[[], bool]) -> None:
    """Wait until something is so; fails after 5 s."""
    async with asyncio.timeout(5):
        while not what():
            await asyncio.sleep(0.01)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous test."""
    asyncio.run(work())  # type: ignore[arg-type]
