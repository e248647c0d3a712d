"""Who may talk to the page: only a browser on this machine that was given the token, from the page itself.

A page on 127.0.0.1 can be reached by any web site that the same browser shows. Three checks keep them off the robot:

- **Host** must name this machine: a foreign name that was made to point at 127.0.0.1 (DNS rebinding) is refused;
- **Origin**, when a browser sends one (it always does for WebSockets and for posts), must be this page's own;
- a random **token**, first in the URL, then in a cookie that scripts cannot read and other sites do not send.

This module decides and answers refusals; it knows nothing of robots.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs

from litestar.types import Message, Receive, Scope, Send

from vagus.core.errors import ConfigError

_HOST = re.compile(r"(127\.0\.0\.1|localhost)(?::([0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request does not get in."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that gets in; ``set_cookie`` is set when it brought the token in its URL and must be sent on."""

    host: str
    set_cookie: str | None = None


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def cookie_name(host: str) -> str:
    """Return the cookie's name: cookies know no ports, so two robots' pages must not share one."""
    _, _, port = host.partition(":")
    return f"vagus_{port or '80'}"


class Guard:
    """Checks every request against one token."""

    def __init__(self, token: str) -> None:
        """Take the token.

        Raises:
            ConfigError: The token is too short to be a secret, or would not survive a URL and a cookie.
        """
        if not _TOKEN.fullmatch(token):
            raise ConfigError(f"page token: got {len(token)} characters, allowed: 16 to 256 of A-Z a-z 0-9 - _")
        self._token = token.encode()

    def check(self, scope: Scope) -> Entry | Refusal:
        """Decide about one HTTP or WebSocket request, by its headers, method and URL alone."""
        hosts = _headers(scope, b"host")
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].lower()):
            return Refusal("This page answers only to 127.0.0.1 or localhost; open it under that name.")
        host = hosts[0].lower()
        origins = _headers(scope, b"origin")
        if any(origin.lower() != f"http://{host}" for origin in origins):
            return Refusal("Another web site asked; only the robot's own page may.")
        if scope["type"] == "websocket" and len(origins) != 1:
            return Refusal("A live connection must come from the robot's own page: no Origin was sent.")
        return self._check_token(scope, host)

    def _check_token(self, scope: Scope, host: str) -> Entry | Refusal:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["type"] == "http" and scope["path"] == "/" and "token" in query:
            if not self._matches(query["token"][-1]):
                return Refusal("The token in this address is not the robot's; use the address printed at its start.")
            cookie = f"{cookie_name(host)}={self._token.decode()}; HttpOnly; SameSite=Strict; Path=/"
            return Entry(host, set_cookie=cookie)
        bearer = [value[7:] for value in _headers(scope, b"authorization") if value[:7].lower() == "bearer "]
        if any(self._matches(given) for given in (*_cookies(scope, cookie_name(host)), *bearer)):
            return Entry(host)
        return Refusal("The robot's token is missing or wrong; open the address printed when the robot started.")

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)


def _cookies(scope: Scope, name: str) -> list[str]:
    """Return the values of our own cookie, whatever else the header holds.

    Other programs on this host set cookies for the page as well, and ``http.cookies`` drops them all when one is odd.
    """
    parts = [part.partition("=") for header in _headers(scope, b"cookie") for part in header.split(";")]
    return [value.strip() for key, _, value in parts if key.strip() == name]


def security_headers(host: str, *, inline_hashes: tuple[str, ...] = ()) -> list[tuple[bytes, bytes]]:
    """Return the headers every answer carries: nothing from elsewhere, nothing inline but what is named by its hash."""
    scripts = " ".join(["'self'", *(f"'sha256-{h}'" for h in inline_hashes)])
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self'",
            f"connect-src 'self' ws://{host}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def inline_hash(text: str) -> str:
    """Return what a content security policy calls an inline block by: base64 of its SHA-256."""
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer 403 with the sentence; a WebSocket is refused before it opens."""
    if scope["type"] == "websocket":
        await receive()
        prefix = "websocket.http.response"
    else:
        prefix = "http.response"
    body = f"{refusal.sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()),
               (b"connection", b"close"), *security_headers("127.0.0.1")]  # fmt: skip
    start: Message = {"type": f"{prefix}.start", "status": 403, "headers": headers}  # pyright: ignore
    await send(start)
    await send({"type": f"{prefix}.body", "body": body, "more_body": False})  # pyright: ignore


async def send_on(send: Send, cookie: str) -> None:
    """Answer a URL that held the token: keep it in a cookie and take it out of the address bar.

    By a page that goes on to the next, not by a redirect (303): browsers keep a strict cookie back along redirects from
    elsewhere, and the file that ``door`` makes, or a link in a web terminal, is elsewhere.
    """
    body = (
        b'<!doctype html><link rel="icon" href="data:,">'  # without one, browsers ask for /favicon.ico
        b'<meta http-equiv="refresh" content="0; url=/"><title>Vagus</title>'
    )
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode()),
               (b"set-cookie", cookie.encode()), *security_headers("127.0.0.1")]  # fmt: skip
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
