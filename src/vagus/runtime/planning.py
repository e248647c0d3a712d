"""Which language model plans for a robot, by the environment, and how its planner is made.

``VAGUS_LLM_URL``, ``VAGUS_LLM_MODEL`` and ``VAGUS_LLM_KEY`` name an OpenAI-compatible endpoint, ``VAGUS_GGUF`` a local
model file; ``VAGUS_LLM_CALLS_PER_MINUTE`` and ``VAGUS_LLM_TOKENS_PER_HOUR`` cap what an endpoint may be asked,
``VAGUS_GGUF_SHA256`` says which file is meant and ``VAGUS_GGUF_THREADS`` how many threads it may use.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vagus.act.skill import check_args
from vagus.act.skills import available, find
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.decide.caps import CapsCfg, Meter
from vagus.decide.planner import Planner
from vagus.decide.providers.llama import LlamaCfg, LlamaModel
from vagus.decide.providers.openai_endpoint import Endpoint, EndpointCfg
from vagus.decide.schema import Repertoire
from vagus.runtime.run_dir import Provider

_OF_ITSELF = frozenset({"alive"})
"""Skills that nobody asks for."""


def configured(env: Mapping[str, str]) -> Provider:
    """Return what kind of model the environment names; empty: none.

    Raises:
        ConfigError: It names two, or one that cannot be used.
    """
    if env.get("VAGUS_LLM_URL") and env.get("VAGUS_GGUF"):
        raise ConfigError("VAGUS_LLM_URL and VAGUS_GGUF: got both, allowed: one of them")
    if env.get("VAGUS_LLM_URL"):
        _endpoint_cfg(env)
        _caps(env)
        return "endpoint"
    if env.get("VAGUS_GGUF"):
        _llama_cfg(env)
        return "gguf"
    return ""


def make_planner(spec: RobotSpec, env: Mapping[str, str]) -> Planner:
    """Return the planner that the environment names; a local model is loaded now, which takes seconds.

    Raises:
        ConfigError: There is none, or it cannot be used.
    """
    kind = configured(env)
    if not kind:
        raise ConfigError("planner: got none, allowed: a model named by VAGUS_LLM_URL or VAGUS_GGUF")
    if kind == "endpoint":
        return Planner(Endpoint(_endpoint_cfg(env)), repertoire(spec), meter=Meter(_caps(env)))
    return Planner(LlamaModel(_llama_cfg(env)), repertoire(spec))


def repertoire(spec: RobotSpec) -> Repertoire:
    """Return what a planner may choose among for this robot: the skills, and their own check."""
    return Repertoire(
        skills=tuple(skill for skill in available(spec) if skill.name not in _OF_ITSELF),
        check=lambda name, args: check_args(find(spec, name), args),
    )


def _endpoint_cfg(env: Mapping[str, str]) -> EndpointCfg:
    return EndpointCfg(url=env["VAGUS_LLM_URL"], model=env.get("VAGUS_LLM_MODEL", ""), key=env.get("VAGUS_LLM_KEY", ""))


def _llama_cfg(env: Mapping[str, str]) -> LlamaCfg:
    cfg = LlamaCfg(path=Path(env["VAGUS_GGUF"]), threads=_whole(env, "VAGUS_GGUF_THREADS", _half_the_cores()))
    return replace(cfg, sha256=env["VAGUS_GGUF_SHA256"]) if env.get("VAGUS_GGUF_SHA256") else cfg


def _half_the_cores() -> int:
    """The other half is the robot's."""
    return max(1, (os.cpu_count() or 1) // 2)


def _caps(env: Mapping[str, str]) -> CapsCfg:
    default = CapsCfg()
    return CapsCfg(
        calls_per_minute=_whole(env, "VAGUS_LLM_CALLS_PER_MINUTE", default.calls_per_minute),
        tokens_per_hour=_whole(env, "VAGUS_LLM_TOKENS_PER_HOUR", default.tokens_per_hour),
    )


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    words = env.get(name, str(default))
    if not words.isdecimal():
        raise ConfigError(f"{name}: got {words!r}, allowed: a whole number")
    return int(words)
