"""A chat-completions server on the loopback interface, well or badly behaved as it is told: HTTP as it really is."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Mood = Callable[["Handler", dict[str, Any]], None]
USAGE = {"prompt_tokens": 900, "completion_tokens": 20}
PATIENCE_S = 20.0


class Handler(BaseHTTPRequestHandler):
    """One request: read it, then do what the server's mood is."""

    server: "FakeEndpoint"

    def do_POST(self) -> None:
        assert self.path == "/v1/chat/completions"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        self.server.mood(self, body)

    def send(self, status: int, body: bytes) -> None:
        self.begin(status, "Content-Length", str(len(body)))
        self.wfile.write(body)

    def begin(self, status: int, *header: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header(*(header or ("Connection", "close")))
        self.end_headers()

    def answer(self, text: str, **more: Any) -> None:
        """Send a chat completion."""
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, **more}
        self.send(200, json.dumps({"object": "chat.completion", "choices": [choice], "usage": USAGE}).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        pass


class FakeEndpoint(ThreadingHTTPServer):
    """The server; ``is_ended`` ends what takes for ever."""

    daemon_threads = True

    def __init__(self, mood: Mood) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood = mood
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.is_ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up on an endless answer did right."""


@contextmanager
def serving(mood: Mood) -> Iterator[FakeEndpoint]:
    """Serve until the end of the block."""
    server = FakeEndpoint(mood)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.is_ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def says(text: str) -> Mood:
    """Answer every request with this text."""
    return lambda handler, _body: handler.answer(text)


def knows(text: str, *formats: str) -> Mood:
    """Answer only requests whose response format is one of these ("text": none was asked for)."""

    def mood(handler: Handler, body: dict[str, Any]) -> None:
        if body.get("response_format", {"type": "text"})["type"] in formats:
            handler.answer(text)
        else:
            handler.send(400, b'{"error": {"message": "response_format: unknown type"}}')

    return mood


def fails(status: int, body: bytes) -> Mood:
    """Answer with a status and a body."""
    return lambda handler, _body: handler.send(status, body)


def never(handler: Handler, _body: dict[str, Any]) -> None:
    """Take the request and say nothing."""
    handler.server.is_ended.wait(PATIENCE_S)


def dripping(handler: Handler, _body: dict[str, Any]) -> None:
    """Begin an answer and add a space now and then: no pause is long, the whole is endless."""
    handler.begin(200)
    while not handler.server.is_ended.wait(0.02):
        handler.wfile.write(b" ")


def pouring(handler: Handler, _body: dict[str, Any]) -> None:
    """Stream without an end, as fast as it is read."""
    handler.begin(200)
    handler.sent = 0
    while not handler.server.is_ended.is_set():
        handler.wfile.write(b"data: {}\n\n" * 4096)
