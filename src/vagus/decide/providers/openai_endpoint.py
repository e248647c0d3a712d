"""A model behind any OpenAI-compatible chat-completions endpoint: OpenAI, Gemini, vLLM, Ollama, llama.cpp's server.

Over httpx, which Litestar brings along: one request is all it takes, and the call's deadline and the size of what comes
back must be ours to bound, chunk by chunk, which the ``openai`` package leaves to its own retries and buffers.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import httpx
import msgspec

from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.planner import TOKENS_MAX, Completion
from vagus.decide.prompt import Message

_BODY_BYTES = 1 << 18
"""Longest response that is read [bytes]: a plan takes 2 kB, what a model thought beforehand perhaps ten times that."""
_THOUGHT_TOKENS = 4000
"""How much longer an answer may be of models that want "max_completion_tokens": they count their thoughts, too."""
_LOOK_S = 0.05
"""How often a call in progress is asked whether it is still wanted [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointCfg:
    """Which endpoint, and which of its models."""

    url: str
    """What ends before ``/chat/completions``, such as https://api.openai.com/v1."""
    model: str
    key: str = field(default="", repr=False)
    """Sent as a bearer token; empty: none."""

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise ConfigError(f"url: got {self.url!r}, allowed: such as http://127.0.0.1:8000/v1")
        if not all("!" <= char <= "~" for char in self.key):
            raise ConfigError("key: got one with other characters, allowed: letters, digits and signs of ASCII")
        if not self.model:
            raise ConfigError("model (VAGUS_LLM_MODEL): got none, allowed: the name of one of the endpoint's models")


def _is_address(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


class _Usage(msgspec.Struct):
    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Response(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


_FORMATS = ("json_schema", "json_object with schema", "json_object", "text")
"""Ways to ask for structured output, the strictest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Dialect:
    """How a server is asked."""

    form: int = 0
    """Index into ``_FORMATS``."""
    limit: str = "max_tokens"
    is_cold: bool = True
    """With a temperature of 0."""

    def simpler(self, refusal: bytes) -> "_Dialect | None":
        """Return another, without what a server refused, by its own words if it names it; None if nothing is left."""
        if self.limit == "max_tokens" and b"max_completion_tokens" in refusal:
            return replace(self, limit="max_completion_tokens")
        if self.is_cold and b"temperature" in refusal:
            return replace(self, is_cold=False)
        return replace(self, form=self.form + 1) if self.form + 1 < len(_FORMATS) else None


class Endpoint:
    """One model of one endpoint; once it has answered, remembers how it had to be asked."""

    def __init__(self, cfg: EndpointCfg) -> None:
        self._cfg = cfg
        self._runner = asyncio.Runner()  # one loop: a cancelled call leaves no thread to wait for, connections stay
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {cfg.key}"} if cfg.key else {})
        self._http = httpx.AsyncClient(headers=headers, timeout=None)  # the whole call has a deadline
        self._dialect = _Dialect()

    def complete(
        self, chat: Sequence[Message], schema: dict[str, Any], *, seconds_max: float, is_unwanted: Callable[[], bool]
    ) -> Completion:
        """See ``Model``."""
        return self._runner.run(self._bounded(chat, schema, seconds_max, is_unwanted))

    async def _bounded(
        self, chat: Sequence[Message], schema: dict[str, Any], seconds_max: float, is_unwanted: Callable[[], bool]
    ) -> Completion:
        """Run the call until it ends, its time is up or nobody wants it any more."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds_max
        call = asyncio.ensure_future(self._ask(chat, schema))
        try:
            while not call.done():
                if is_unwanted():
                    raise PlannerError("call: not wanted any more")
                if loop.time() >= end_s:
                    raise PlannerError(f"endpoint: no answer yet, allowed: within {seconds_max:.1f} s")
                await asyncio.wait([call], timeout=max(0.0, min(_LOOK_S, end_s - loop.time())))
            return call.result()
        except httpx.HTTPError as exc:
            raise PlannerError(f"endpoint {self._cfg.url}: {type(exc).__name__} {exc}".rstrip()) from exc
        finally:
            call.cancel()
            await asyncio.wait([call])

    async def _ask(self, chat: Sequence[Message], schema: dict[str, Any]) -> Completion:
        """Put the request, again in simpler words while the server says that it does not know some of them."""
        dialect: _Dialect | None = self._dialect
        status, body = 0, b""
        while dialect is not None:
            status, body = await self._post(self._words(chat, schema, dialect))
            if status == 200:
                self._dialect = dialect
                return _completion(body)
            is_refused = status in (400, 422) or b"response_format" in body  # llama.cpp's server in Python says 500
            dialect = dialect.simpler(body) if is_refused else None
        raise PlannerError(f"endpoint: got HTTP {status}, {body[:200].decode(errors='replace')!r}")

    def _words(self, chat: Sequence[Message], schema: dict[str, Any], dialect: _Dialect) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._cfg.model,
            "messages": [{"role": message.role, "content": message.content} for message in chat],
            dialect.limit: TOKENS_MAX if dialect.limit == "max_tokens" else TOKENS_MAX + _THOUGHT_TOKENS,
        }
        if dialect.is_cold:
            body["temperature"] = 0
        name = _FORMATS[dialect.form]
        if name == "json_schema":
            body["response_format"] = {
                "type": name,
                "json_schema": {"name": "plan", "strict": True, "schema": schema},
            }
        elif name == "json_object with schema":  # how llama-cpp-python's and some other servers take one
            body["response_format"] = {"type": "json_object", "schema": schema}
        elif name == "json_object":
            body["response_format"] = {"type": name}
        return body

    async def _post(self, words: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body. Raises PlannerError if the body is too long, and reads no more of it."""
        url = f"{self._cfg.url.rstrip('/')}/chat/completions"
        content = json.dumps(words, ensure_ascii=False).encode()
        request = self._http.build_request("POST", url, content=content, headers={"Content-Type": "application/json"})
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():  # as it is: what is packed could unpack to anything
                body += chunk
                if len(body) > _BODY_BYTES:
                    raise PlannerError(f"response: got more than {_BODY_BYTES} bytes, allowed: at most as many")
            return response.status_code, bytes(body)
        finally:
            await response.aclose()

    def close(self) -> None:
        """See ``Model``."""
        self._runner.run(self._http.aclose())
        self._runner.close()


def _completion(body: bytes) -> Completion:
    try:
        response = msgspec.json.decode(body, type=_Response)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise PlannerError(f"response: got {body[:80]!r} ({exc}), allowed: a chat completion as JSON") from exc
    if not response.choices:
        raise PlannerError("response: got no choices, allowed: one")
    choice, usage = response.choices[0], response.usage or _Usage()
    if choice.message.refusal:
        raise PlannerError(f"the model refused: {choice.message.refusal[:200]!r}")
    if choice.finish_reason == "length":
        raise PlannerError(f"answer: got one cut short, allowed: at most {TOKENS_MAX} tokens")
    return Completion(
        text=choice.message.content or "", prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
    )
