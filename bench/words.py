"""Does it understand words alone? Every held-out phrasing, over things that are known exactly; nothing moves.

The built-in parser with the talk before, as the brain uses them, is asked for the plan of each phrasing of
``phrasings.json`` a few times, with other things each time. Right is the whole plan: the skills in order, with the
things that are meant, or the right refusal.

Keys of --json: n, right (share), by_language and by_kind (right of tried), wrong (texts that were read wrongly, with
what was made of them; only with --show, because who reads them no longer holds them out), ms (per sentence, median).
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from phrasings import PHRASINGS, REFUSED, REPLIES, Name, Request, draw
from rich.console import Console
from rich.table import Table

from vagus.core.things import COLOURS, Thing
from vagus.decide.advice import Said
from vagus.decide.ground import Scene
from vagus.decide.parser import parse, ready
from vagus.decide.plan import Language, Plan
from vagus.decide.talk import Talk, settle
from vagus.decide.tell import whole
from vagus.runtime.prepare import host_file, prepare

_ANSWERED = {**REFUSED, "see": {"told"}}
_THINGS = 7


def table_of(rng: np.random.Generator) -> list[Name]:
    """Return names of things: a ball, a bowl, two of another shape, and others, no name twice."""
    shapes = ["ball", "bowl", *(["cup", "bottle", "box", "can"] * 2)[: _THINGS - 2]]
    names: set[Name] = set()
    for shape in shapes:
        free = [colour for colour in COLOURS if (colour, shape) not in names]
        names.add((free[int(rng.integers(len(free)))], shape))
    return [tuple(map(str, name)) for name in rng.permutation(sorted(names))]


def scene_of(names: list[Name], held: tuple[Thing, ...] = ()) -> Scene:
    """Return a scene in which these things stand in a row; those held do not."""
    size = (0.06, 0.06, 0.1)
    things = [Thing(id=k, shape=shape, colour=colour, centre=np.array([0.5, 0.4 - 0.12 * k, 0.8]), yaw=0.0, size=size,
                    sigma=0.002, seen_ns=1) for k, (colour, shape) in enumerate(names, 1)]  # fmt: skip
    inside = {thing.id for thing in held}
    return Scene(things=tuple(t for t in things if t.id not in inside), held=held, X_BA=np.eye(4))


def reached(request: Request, names: list[Name], spec: Any) -> tuple[Scene, Talk, tuple[Said, ...]]:
    """Return where a request is at its last turn: what the turn before picks up is in the hand then."""
    talk, held, said = Talk(), tuple[Thing, ...](), list[Said]()
    scene = scene_of(names)
    for words in request.turns[:-1]:
        plan, talk = settle(parse(words, spec), scene, talk)
        picked = [scene.thing(float(c.args["thing"])) for c in plan.calls if c.name == "pick"]
        said += [Said(who="person", text=words), Said(who="robot", text=plan.answer or whole(plan, scene))]
        held = (*held, *(thing for thing in picked if thing is not None))
        scene = scene_of(names, held)
    return scene, talk, tuple(said)


def understood(request: Request, names: list[Name], spec: Any) -> Plan:
    """Return the plan of the last turn."""
    scene, talk, _ = reached(request, names, spec)
    return settle(parse(request.turns[-1], spec), scene, talk)[0]


def is_right(request: Request, plan: Plan, names: list[Name]) -> bool:
    """Say whether a plan is what was asked for."""
    if request.kind in _ANSWERED:
        return not plan.calls and plan.reason in _ANSWERED[request.kind]
    calls = [(call.name, dict(call.args)) for call in plan.calls]
    if request.kind == "feeling":
        return ("express", {"emotion": REPLIES[request.emotion]}) in calls
    number = {name: float(k) for k, name in enumerate(names, 1)}
    thing, other = (number[name] if name else 0.0 for name in (request.thing, request.other))
    pick = ("pick", {"thing": thing})
    wanted: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "pick": [pick], "clarify": [pick], "also": [pick],
        "correct": [("put_back", {"thing": other}), pick],
        "put_back": [("put_back", {"thing": thing})], "put_down": [("put_down", {"thing": thing})],
        "next_to": [pick, ("place", {"where": "next_to", "thing": thing, "target": other})],
        "in": [pick, ("place", {"where": "in", "thing": thing, "target": other})],
        "hand_over": [pick, ("hand_over", {"thing": thing})],
        "sequence": [pick, ("place", {"where": "next_to", "thing": thing, "target": other}), ("wave", {})],
    }  # fmt: skip
    return calls == wanted[request.kind]


def measure(phrasings: list[dict[str, str]], rounds: int, seed: int, *, is_shown: bool) -> dict[str, Any]:
    """Return the figures."""
    spec = prepare(host_file(), seed=1)[0].spec
    ready()
    tried: dict[str, list[bool]] = defaultdict(list)
    wrong: list[dict[str, Any]] = []
    times: list[float] = []
    for k, phrasing in enumerate(phrasings):
        language: Language = "ko" if phrasing["language"] == "ko" else "en"
        for j in range(rounds):
            rng = np.random.default_rng([seed, k, j])
            names = table_of(rng)
            request = draw(rng, names, phrasing["kind"], language, phrasing)
            if request is None:
                raise RuntimeError(f"no request of kind {phrasing['kind']!r} over {names}")
            start = time.perf_counter()
            plan = understood(request, names, spec)
            times.append((time.perf_counter() - start) / len(request.turns))
            found = is_right(request, plan, names)
            tried[language].append(found)
            tried[f"{phrasing['kind']} {language}"].append(found)
            if not found:
                calls = [f"{c.name} {dict(c.args)}" for c in plan.calls]
                wrong.append({"kind": request.kind, "turns": request.turns, "plan": calls, "reason": plan.reason})
    rates = {name: f"{sum(found)}/{len(found)}" for name, found in tried.items()}
    right = tried["ko"] + tried["en"]
    return {
        "n": len(right), "right": sum(right) / len(right),
        "by_language": {name: rates[name] for name in ("ko", "en")},
        "by_kind": {name: rate for name, rate in rates.items() if name not in ("ko", "en")},
        **({"wrong": wrong} if is_shown else {}), "ms": 1e3 * float(np.median(times)),
    }  # fmt: skip


def main() -> None:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phrasings", type=Path, help="others than the held-out ones: a file of the same form")
    parser.add_argument("--rounds", type=int, default=3, help="how often each phrasing is said, of other things")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="show what was read wrongly")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    phrasings = json.loads(args.phrasings.read_text(encoding="utf-8")) if args.phrasings else PHRASINGS
    found = measure(phrasings, 1 if args.quick else args.rounds, args.seed, is_shown=args.show)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table("figure", "value", title="words alone")
    for key, value in found.items():
        table.add_row(key, json.dumps(value, ensure_ascii=False))
    Console().print(table)


if __name__ == "__main__":
    main()
