"""The page's server: Litestar on 127.0.0.1, one live connection per browser, and the clockwork that keeps it fed.

A thin shell around ``Desk`` (what the page does) and ``Guard`` (who may use it). It never binds another address.
"""

import asyncio
import errno
import re
import socket as sockets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, WebSocket, get, post, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.static_files import create_static_files_router
from litestar.types import Message, Receive, Scope, Send

from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.page import bounds, guard, wire
from vagus.page.client import Client
from vagus.page.desk import CLIENTS_MAX, Desk, FloodError
from vagus.page.guard import Guard, Refusal
from vagus.streams.streams import Streams

STATIC = Path(__file__).parent / "static"
_STATE_HZ, _PICTURE_HZ, _FIGURES_HZ = 20.0, 15.0, 2.0
_LOOPBACK = "127.0.0.1"
_CLOSE_POLICY, _CLOSE_TRY_LATER = 1008, 1013  # RFC 6455 section 7.4.1, IANA registry
_TASK_NAME = "vagus-page"

Clock = Callable[[], int]
Socket = WebSocket[Any, Any, Any]
__all__ = ["PageApp", "bind", "create_app", "page_url", "serve"]


class PageApp(Litestar):
    """A Litestar application behind the guard: nothing, not even a 404, is answered before the guard let it in."""

    page_guard: Guard
    page_desk: Desk
    page_inline: tuple[str, ...] = ()
    page_failed: BaseException | None = None
    """What ended the clockwork, if it did."""
    page_on_failure: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # pyright: ignore
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":  # pyright: ignore
            await super().__call__(scope, receive, send)
            return
        verdict = self.page_guard.check(scope)
        if isinstance(verdict, Refusal):
            await guard.refuse(scope, receive, send, verdict)
        elif verdict.set_cookie:
            await guard.send_on(send, verdict.set_cookie)
        else:
            headers = guard.security_headers(verdict.host, inline_hashes=self.page_inline)
            await super().__call__(scope, receive, _with_headers(send, headers))


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    names = {name for name, _ in headers}

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(k, v) for k, v in message["headers"] if k.lower() not in names]
            message["headers"] = [*kept, *headers]
        await send(message)

    return wrapped


def create_app(
    *,
    spec: RobotSpec,
    streams: Streams,
    scene: dict[str, object] | None,
    token: str,
    clock: Clock,
    heartbeat: Callable[[int], None] | None = None,
) -> PageApp:
    """Return the page's application; its clockwork starts and ends with the server.

    Args:
        scene: The room's geometry (``vagus.world.geometry.describe_scene``), None on a robot without a simulated room.
        token: The secret that lets a browser in: 16 to 256 of ``A-Z a-z 0-9 - _``.
        clock: The robot's clock [ns].
        heartbeat: Called with the time about twice a second while the page is well.

    Raises:
        ConfigError: The token cannot be used.
    """
    desk = Desk(spec, streams, scene)
    index = (STATIC / "index.html").read_text(encoding="utf-8").replace("{{version}}", version("vagus"))

    @get("/", media_type="text/html", sync_to_thread=False)
    def page() -> str:
        return index

    @post("/api/estop", status_code=202, sync_to_thread=False)
    def estop() -> dict[str, str]:
        desk.estop(clock())
        return {"sent": "estop"}

    @websocket("/ws")
    async def live(socket: Socket) -> None:
        await _converse(socket, desk, clock)

    @asynccontextmanager
    async def clockwork(app: Litestar) -> AsyncGenerator[None, None]:
        task = asyncio.create_task(_run_clockwork(desk, clock, heartbeat), name=_TASK_NAME)
        task.add_done_callback(lambda done: _note_failure(app, done))
        yield
        task.cancel()
        await asyncio.wait([task])

    files = create_static_files_router(path="/static", directories=[STATIC], name="static")
    app = PageApp(route_handlers=[page, estop, live, files], lifespan=[clockwork], openapi_config=None)
    app.page_guard, app.page_desk = Guard(token), desk
    app.page_inline = tuple(guard.inline_hash(block) for block in _inline_blocks(index))
    return app


def _inline_blocks(html: str) -> list[str]:
    """Return the import map's text: browsers load no import map from a file, so its hash is allowed by name."""
    return re.findall(r'<script type="importmap">(.*?)</script>', html, re.DOTALL)


def _note_failure(app: Litestar, task: asyncio.Task[None]) -> None:
    if isinstance(app, PageApp) and not task.cancelled():
        app.page_failed = task.exception()
        if app.page_on_failure:
            app.page_on_failure()


async def _run_clockwork(desk: Desk, clock: Clock, heartbeat: Callable[[int], None] | None) -> None:
    """Call the desk at its paces until cancelled; an error in any of them ends all, and the page with them."""

    def figures(now_ns: int) -> None:
        desk.figures(now_ns)
        if heartbeat:
            heartbeat(now_ns)

    async with asyncio.TaskGroup() as group:
        group.create_task(_every(desk.teleop.period_ns * 1e-9, desk.step, clock))
        group.create_task(_every(1 / _STATE_HZ, desk.broadcast, clock))
        group.create_task(_every(1 / _PICTURE_HZ, desk.pictures, clock))
        group.create_task(_every(1 / _FIGURES_HZ, figures, clock))


async def _every(period_s: float, work: Callable[[int], None], clock: Clock) -> None:
    """Call ``work`` on an absolute schedule; turns that were missed are skipped, never caught up."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        work(clock())
        due_s = max(due_s + period_s, loop.time())
        await asyncio.sleep(due_s - loop.time())


async def _converse(socket: Socket, desk: Desk, clock: Clock) -> None:
    """Serve one browser until it leaves: take its frames as they come, send it what waits in its mailbox."""
    await socket.accept()
    client = desk.connect(clock())
    if client is None:
        await socket.close(code=_CLOSE_TRY_LATER, reason=f"{CLIENTS_MAX} pages are open already; close one first")
        return
    sender = asyncio.create_task(_send(socket, client))
    try:
        while True:
            frame = await _receive(socket)
            if frame is None:
                return
            desk.receive(client, frame, clock())
    except FloodError:
        await socket.close(code=_CLOSE_POLICY, reason="too many messages; reload the page to connect again")
    finally:
        desk.disconnect(client, clock())
        sender.cancel()
        await asyncio.wait([sender])
        if not sender.cancelled():
            sender.result()


async def _receive(socket: Socket) -> str | bytes | None:
    event = await socket.receive()
    if event["type"] != "websocket.receive":
        return None
    text = event.get("text")
    return text if text is not None else event.get("bytes") or b""


async def _send(socket: Socket, client: Client) -> None:
    while True:
        await client.wait()
        frame = client.next()
        while frame is not None:
            try:
                await socket.send_data(frame, mode="text" if frame[:1] == b"{" else "binary")
            except (WebSocketDisconnect, OSError):  # the server's ClientDisconnected is an OSError
                return
            frame = client.next()


def page_url(port: int, token: str) -> str:
    """Return the address that lets a browser in."""
    return f"http://{_LOOPBACK}:{port}/?token={token}"


def bind(host: str, port: int) -> sockets.socket:
    """Return a socket that listens on this machine alone; port 0, which tests use, lets the system choose one.

    ``vagus`` itself never gets here with 0: its ``--page-port 0`` means no page.

    Raises:
        ConfigError: The address is not 127.0.0.1, the port is out of range, taken, or not ours to use.
    """
    if host != _LOOPBACK:
        raise ConfigError(f"page address: got {host!r}, allowed: {_LOOPBACK!r}; the page is for this machine alone")
    if not 0 <= port <= 65535:
        raise ConfigError(f"--page-port: got {port}, allowed: 1 to 65535, or 0 for no page")
    listener = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM)
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(64)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} on {host} is taken; give another with --page-port") from exc
        raise ConfigError(f"port {port} on {host}: {exc.strerror}; give another with --page-port") from exc
    return listener


def serve(app: PageApp, host: str, port: int) -> None:
    """Serve the page until the process is told to end (SIGTERM or SIGINT).

    Raises:
        ConfigError: The address cannot be listened on.
    """
    with bind(host, port) as listener:
        serve_on(app, listener)


def serve_on(app: PageApp, listener: sockets.socket) -> None:
    """Serve the page on a listening socket until told to end; an error in its clockwork ends it and is raised."""
    server = make_server(app)
    server.run(sockets=[listener])
    if app.page_failed is not None:
        raise app.page_failed


def make_server(app: PageApp) -> uvicorn.Server:
    """Return the configured server: small frames, few connections, no compression, no log of access, no proxies."""
    config = uvicorn.Config(
        app, http=bounds.Http, ws=bounds.Socket, ws_max_size=wire.MAX_FRAME_BYTES, ws_per_message_deflate=False,
        ws_ping_interval=2.0, ws_ping_timeout=4.0, access_log=False, log_level="warning", proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=1, lifespan="on",
    )  # fmt: skip
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    app.page_on_failure = end
    return server
