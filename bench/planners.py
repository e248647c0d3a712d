"""Planners: do they make of a request what it asks for, how long do they take, and what if the model dies?

Requests of ``bench/commands.py``, of every kind, half of them Korean, in phrasings held out from the parser, over
things that are known exactly; what was said before, and what is in the hand then, is given. Asked are the built-in
parser, a GGUF model in this process (VAGUS_GGUF, with vagus[llama]), and the same model behind llama.cpp's own
OpenAI-compatible server, started here; each model also as the brain uses it: the parser's answer where the parser
understands, else the model's, else the parser's. At last the server is killed in the middle of a request: what
follows must be the parser's answers. A model that is not there is left out, and the report says why.

Right is the whole plan: the skills in order with the things that are meant, or the right reason for doing nothing. A
model may leave out the thing of a step where the hand holds just that.

Keys of --json: planners (by name: n, right, rate, low95 (Wilson), ko, en (right/n), by_kind (right/n), seconds (p50,
p95, max), tokens (prompt, completion: means; null: none), errors), killed (n, worse_than_parser, seconds_max),
left_out.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from phrasings import KINDS, Request, draw, plan_of
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest
from words import is_right, reached, table_of

from vagus.body.load import load_robot
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec
from vagus.decide.advice import Advice, Ask, HeldThing, Said, seen_things
from vagus.decide.ground import Scene
from vagus.decide.parser import parse, ready
from vagus.decide.plan import Call, Plan, Reason
from vagus.decide.planner import Planner
from vagus.decide.providers.llama import LlamaCfg, LlamaModel
from vagus.decide.providers.openai_endpoint import Endpoint, EndpointCfg
from vagus.decide.talk import Talk, settle
from vagus.runtime.planning import repertoire
from vagus.runtime.prepare import host_file

KILL_AFTER_S = 0.2
"""When after a request began its server is killed [s]: before any answer, on every machine tried."""
SERVER_UP_S = 120.0
"""How long the server may take to load its model [s]."""
_UNKNOWN: Reason = "not_understood"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request where it has come to its last turn."""

    request: Request
    names: tuple[tuple[str, str], ...]
    """Colour and shape of the things, numbered from 1."""
    scene: Scene
    talk: Talk
    said: tuple[Said, ...]
    """What was said before."""

    @property
    def words(self) -> str:
        return self.request.turns[-1]


Plans = Callable[[Asked], Advice]


@dataclass
class Tally:
    """What one planner made of the requests."""

    n: int = 0
    right: int = 0
    by_language: dict[str, list[int]] = field(default_factory=lambda: {"ko": [0, 0], "en": [0, 0]})
    seconds: list[float] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    completion: list[int] = field(default_factory=list)
    errors: int = 0
    by_kind: dict[str, list[int]] = field(default_factory=lambda: {kind: [0, 0] for kind in KINDS})

    def add(self, asked: Asked, advice: Advice) -> None:
        request = asked.request
        plan = None if advice.plan is None else _whole(advice.plan)
        is_done = plan is not None and is_right(request, plan, list(asked.names))
        self.n += 1
        self.right += is_done
        for tally in (self.by_language[request.language], self.by_kind[request.kind]):
            tally[0] += is_done
            tally[1] += 1
        self.seconds.append(advice.seconds)
        self.errors += advice.plan is None
        if advice.prompt_tokens is not None:
            self.prompt.append(advice.prompt_tokens)
        if advice.completion_tokens is not None:
            self.completion.append(advice.completion_tokens)

    def figures(self) -> dict[str, Any]:
        if self.n == 0:
            return {"n": 0}
        p50, p95 = np.quantile(self.seconds, (0.5, 0.95))
        return {
            "n": self.n, "right": self.right, "rate": round(self.right / self.n, 3),
            "low95": round(binomtest(self.right, self.n).proportion_ci(method="wilson").low, 3),
            **{key: f"{right}/{n}" for key, (right, n) in self.by_language.items()},
            "by_kind": {key: f"{right}/{n}" for key, (right, n) in self.by_kind.items() if n},
            "seconds": {"p50": round(float(p50), 4), "p95": round(float(p95), 4), "max": round(max(self.seconds), 4)},
            "tokens": {"prompt": _mean(self.prompt), "completion": _mean(self.completion)}, "errors": self.errors,
        }  # fmt: skip


def _mean(tokens: list[int]) -> float | None:
    return round(float(np.mean(tokens)), 1) if tokens else None


def _whole(plan: Plan) -> Plan:
    """Return a plan with the thing of every step that is done with the only thing in the hand."""
    calls: list[Call] = []
    held: float | str | None = None
    for call in plan.calls:
        if call.name == "pick":
            held = call.args.get("thing")
        elif call.name in ("place", "hand_over") and held is not None:
            call = replace(call, args={"thing": held, **call.args})
        calls.append(call)
    return replace(plan, calls=tuple(calls))


def by_parser(spec: RobotSpec) -> Plans:
    """Return the built-in parser, with what finds out which thing is meant."""
    ready()

    def plan(asked: Asked) -> Advice:
        start_s = time.perf_counter()
        settled, _ = settle(parse(asked.words, spec), asked.scene, asked.talk)
        return Advice(id=0, plan=settled, seconds=time.perf_counter() - start_s)

    return plan


def by_model(planner: Planner, seconds_max: float) -> Plans:
    """Return a language model's planner."""

    def plan(asked: Asked) -> Advice:
        held = tuple(HeldThing(shape=thing.shape, colour=thing.colour) for thing in asked.scene.held)
        things = seen_things(asked.scene.things, (), np.eye(4))
        ask = Ask(id=0, deadline_ns=0, text=asked.words, language=asked.request.language, things=things, held=held,
                  talk=asked.said)  # fmt: skip
        return planner.plan(ask, seconds_max=seconds_max)

    return plan


def as_the_brain(spec: RobotSpec, model: Plans) -> Plans:
    """Return the parser's answer where it understands, if only to ask or decline, or the model has none."""
    parser = by_parser(spec)

    def plan(asked: Asked) -> Advice:
        simple = parser(asked)
        if simple.plan is not None and simple.plan.reason != _UNKNOWN:
            return simple
        advice = model(asked)
        if advice.plan is not None:
            settled, _ = settle(advice.plan, asked.scene, asked.talk)
            return replace(advice, plan=settled)
        return Advice(id=0, plan=simple.plan, seconds=simple.seconds + advice.seconds)

    return plan


def drawn(n: int, seed: int, spec: RobotSpec) -> list[Asked]:
    """Draw requests: kinds in turn, languages by turns of all kinds, each over things of its own."""
    found: list[Asked] = []
    for k, kind, language in plan_of(n, 0, KINDS):
        rng = np.random.default_rng([seed, k])
        names = table_of(rng)
        request = draw(rng, names, kind, language)
        if request is None:
            raise RuntimeError(f"no request of kind {kind!r} over {names}")
        scene, talk, said = reached(request, names, spec)
        found.append(Asked(request=request, names=tuple(names), scene=scene, talk=talk, said=said))
    return found


@contextmanager
def server(python: str, gguf: Path, threads: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run llama.cpp's own server on the loopback interface; yield its base URL and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [python, "-m", "llama_cpp.server", "--model", str(gguf), "--n_ctx", "4096", "--n_threads", str(threads),
             "--n_threads_batch", str(threads), "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        end_s = time.monotonic() + SERVER_UP_S
        while not _is_up(url):
            if process.poll() is not None or time.monotonic() > end_s:
                raise ConfigError(f"{python} -m llama_cpp.server does not answer; allowed: an interpreter that has it")
            time.sleep(0.2)
        yield url, process
    finally:
        process.kill()
        process.wait()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Bench:
    """What is asked, of whom, and what came."""

    spec: RobotSpec
    requests: list[Asked]
    seconds_max: float
    tallies: dict[str, Tally] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    killed: dict[str, Any] | None = None

    def ask(self, name: str, plans: Plans) -> None:
        tally = self.tallies[name] = Tally()
        for request in track(self.requests, console=Console(stderr=True), description=name):
            tally.add(request, plans(request))

    def ask_model(self, name: str, planner: Planner) -> None:
        """Ask a model everything once; what the brain would make of it follows from the same answers."""
        model = by_model(planner, self.seconds_max)
        model(self.requests[0])  # it reads what is told with every request
        told: dict[int, Advice] = {}

        def once(asked: Asked) -> Advice:
            if id(asked) not in told:
                told[id(asked)] = model(asked)
            return told[id(asked)]

        self.ask(name, once)
        self.ask(f"parser, then {name}", as_the_brain(self.spec, once))

    def kill(self, planner: Planner, process: subprocess.Popen[bytes]) -> None:
        """Kill the server in the middle of a request; count what is worse than the parser's own answer from then on."""
        parser = by_parser(self.spec)
        brain = as_the_brain(self.spec, by_model(planner, self.seconds_max))
        hard = [request for request in self.requests if parse(request.words, self.spec).reason == _UNKNOWN]
        rest = [*hard[:1], *self.requests]  # the first is one that the model is asked, if there is any
        threading.Timer(KILL_AFTER_S, process.kill).start()
        advices = [brain(request) for request in rest]
        worse = sum(advice.plan != parser(request).plan for advice, request in zip(advices, rest, strict=True))
        self.killed = {"n": len(rest), "worse_than_parser": worse,
                       "seconds_max": round(max(advice.seconds for advice in advices), 3)}  # fmt: skip


def run(bench: Bench, gguf: Path | None, python: str, threads: int) -> None:
    """Ask every planner there is."""
    bench.ask("parser", by_parser(bench.spec))
    skills = repertoire(bench.spec)
    if gguf is None:
        reason = "VAGUS_GGUF names no model; docs/start.md says how to get one"
        bench.left_out |= {"gguf": reason, "server": reason}
        return
    try:
        model = LlamaModel(LlamaCfg(path=gguf, threads=threads))
        bench.ask_model("gguf", Planner(model, skills))
        model.close()
    except ConfigError as error:
        bench.left_out["gguf"] = str(error)
    try:
        with server(python, gguf, threads) as (url, process):
            planner = Planner(Endpoint(EndpointCfg(url=url, model="local")), skills)
            bench.ask_model("server", planner)
            bench.kill(planner, process)
    except ConfigError as error:
        bench.left_out["server"] = str(error)


def main() -> None:
    """Parse, ask, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100, help="requests")
    parser.add_argument("--seed", type=int, default=0, help="of phrasings and things")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long one request may take [s]")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of a local model")
    parser.add_argument("--server-python", default=sys.executable, help="an interpreter that has llama_cpp.server")
    parser.add_argument("--quick", action="store_true", help="eight requests")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    n = 8 if args.quick else args.n
    spec = load_robot(host_file()).spec
    bench = Bench(spec, drawn(n, args.seed, spec), args.seconds)
    named = os.environ.get("VAGUS_GGUF")
    run(bench, Path(named) if named else None, args.server_python, args.threads)
    found = {
        "planners": {name: tally.figures() for name, tally in bench.tallies.items()}, "killed": bench.killed,
        "left_out": bench.left_out,
    }  # fmt: skip
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table("planner", "figure", "value", title="planners")
    for name, figures in found["planners"].items():
        for key, value in figures.items():
            table.add_row(name, key, json.dumps(value, ensure_ascii=False))
    Console().print(table)
    for name, reason in bench.left_out.items():
        print(f"left out: {name}: {reason}")
    print(f"server killed in the middle of a request: {bench.killed}")


if __name__ == "__main__":
    main()
