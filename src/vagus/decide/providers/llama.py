"""A local GGUF model in this process, by llama.cpp (``pip install vagus[llama]``); its answers follow a grammar.

What is told with every request is read once and kept, so that a request costs what is new in it.
"""

import importlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vagus.core.errors import ConfigError, PlannerError
from vagus.decide.planner import TOKENS_MAX, Completion
from vagus.decide.prompt import Message
from vagus.decide.providers.weights import QWEN_SHA256, sha256

_CONTEXT = 4096
"""Tokens that prompt and answer may have together: rules and examples take some 1,500, a full scene with talk 1,000."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaCfg:
    """Which model, and how much of the machine it may use."""

    path: Path
    sha256: str = QWEN_SHA256
    """Of the file, in hexadecimal: a file that is not the one that was meant is not opened."""
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"threads: got {self.threads}, allowed: at least 1")
        if not self.path.is_file():
            raise ConfigError(f"model: got {self.path}, which is no file; docs/start.md says how to get one")


class LlamaModel:
    """One loaded model; one call at a time."""

    def __init__(self, cfg: LlamaCfg) -> None:
        """Load it: some seconds.

        Raises:
            ConfigError: llama.cpp is not installed, or the file is another one than was meant, or no model.
        """
        try:
            llama_cpp: Any = importlib.import_module("llama_cpp")
        except ImportError as exc:
            raise ConfigError(f"llama_cpp: {exc}; allowed: once installed, pip install 'vagus[llama]'") from exc
        found = sha256(cfg.path)
        if found != cfg.sha256.lower():
            raise ConfigError(
                f"model {cfg.path}: got sha256 {found}, allowed: {cfg.sha256}; if it is the one you mean, say so in "
                "VAGUS_GGUF_SHA256"
            )
        try:
            self._llama = llama_cpp.Llama(
                model_path=str(cfg.path), n_ctx=_CONTEXT, n_threads=cfg.threads, n_threads_batch=cfg.threads, seed=0,
                verbose=False,
            )  # fmt: skip
        except (ValueError, RuntimeError, OSError) as exc:
            raise ConfigError(f"model {cfg.path}: {exc}") from exc

    def complete(
        self, chat: Sequence[Message], schema: dict[str, Any], *, seconds_max: float, is_unwanted: Callable[[], bool]
    ) -> Completion:
        """See ``Model``; looks up between tokens, so reading a long request may take it past its time."""
        end_s = time.monotonic() + seconds_max
        words: list[str] = []
        cut = ""
        try:
            chunks = self._llama.create_chat_completion(
                messages=[{"role": message.role, "content": message.content} for message in chat],
                response_format={"type": "json_object", "schema": schema}, temperature=0.0, max_tokens=TOKENS_MAX,
                stream=True,
            )  # fmt: skip
            with closing(chunks):
                for chunk in chunks:
                    choice = chunk["choices"][0]
                    words.append(choice["delta"].get("content") or "")
                    cut = choice["finish_reason"] or cut
                    if is_unwanted():
                        raise PlannerError("call: not wanted any more")
                    if time.monotonic() >= end_s:
                        raise PlannerError(f"model: no whole answer yet, allowed: within {seconds_max:.1f} s")
        except (ValueError, RuntimeError) as exc:
            raise PlannerError(f"model: {exc}") from exc
        if cut == "length":
            raise PlannerError(f"answer: got one cut short, allowed: at most {TOKENS_MAX} tokens")
        text = "".join(words)
        wrote = len(self._llama.tokenize(text.encode(), add_bos=False))
        return Completion(text=text, prompt_tokens=self._llama.n_tokens - wrote, completion_tokens=wrote)

    def close(self) -> None:
        """See ``Model``."""
        self._llama.close()
