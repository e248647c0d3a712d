"""Mutation testing of the gate: how many small changes of its code do its tests notice, and which do they not?

mutmut makes the mutants and shows them. They are run here, in forks of one process that has collected the tests once:
many times as fast as a fresh pytest for each. A mutant is killed when a test fails or hangs; of the tests that reach
its function, those that killed others like it are tried first, then the quickest. Every survivor must stand in
``mutants.toml``: it changes nothing that can be observed, or it is a hole that is known.

    pip install mutmut==3.8.1
    rm -rf mutants; mutmut run 'vagus.reflex.leases.x_token__mutmut_1'   # makes all of them, and runs one
    python tests/reflex/mutants.py --run     # those not run yet, and survivors without a reason; an hour of two cores
    python tests/reflex/mutants.py           # figures; status 1 below TARGET, or if a survivor has no reason
    python tests/reflex/mutants.py --write   # the same into docs/gate-mutants.md

Keys of --json: mutants, killed, survived, equivalent, score (killed of those that are not equivalent), per_file
(mutants, killed, survived), unexplained (names).
"""

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
FATES = MUTANTS / "fates.json"
REASONS: list[dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).get("survivor", [])
"""Rows of ``where`` and ``added``, regular expressions for module.function and for the mutant's line, and ``reason``;
``hole`` marks those that change something, but nothing that matters."""
TARGET = 0.95
_HANGS_S = 20
"""A mutant that takes this much longer than ten times its tests' time hangs [s]."""
_LATER_S = 10.0
"""A mutant that outlives its tests for so long waits until all others have had their turn [s]: it will likely survive,
and takes minutes to do so."""
_LATER = 2
"""Exit status of a child that gave up after that time."""
_ACTIVE = "MUTANT_UNDER_TEST"
_HEAD = """# Mutants of the gate

A mutant is the gate's code with one small change. A test suite that is worth its name fails on it. This page is written
by `python tests/reflex/mutants.py --write`; the script says how to run them.

"""


class Runner:
    """A pytest plugin that, in place of running the tests once, runs them on mutants."""

    def __init__(self, names: list[str], n_workers: int) -> None:
        self.names, self.n_workers = names, n_workers
        self.fates: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reach, seconds = self._survey(session.items)
        kills = defaultdict[str, Counter[int]](Counter)
        first, later, running = deque(self.names), deque[str](), dict[int, tuple[str, int]]()
        while True:
            while len(running) < self.n_workers and (queue := first or later):
                limit_s = _LATER_S if first else math.inf
                name = queue.popleft()
                function = _function(name)
                items = sorted(reach[function], key=lambda k: (-kills[function][k], seconds[k]))
                tests = {k: session.items[k] for k in items}
                pid, killer = _fork(name, tests, sum(seconds[k] for k in items), limit_s)
                running[pid] = name, killer
            if not running:
                return True
            pid, status = os.wait()
            name, killer = running.pop(pid)
            with os.fdopen(killer) as words:
                kills[_function(name)].update(int(k) for k in words.read().split())
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _LATER:
                later.append(name)
                continue
            self.fates[name] = _fate(status)
            if len(self.fates) % 50 == 0 or len(self.fates) == len(self.names):
                told = dict(Counter(self.fates.values()))
                print(f"{len(self.fates)}/{len(self.names)}: {told}, {len(later)} put off", file=sys.stderr, flush=True)
                note(self.fates)

    @staticmethod
    def _survey(items: list[pytest.Item]) -> tuple[dict[str, set[int]], list[float]]:
        """Run every test on the unchanged code: which tests reach a function, how long does each take [s]?"""
        from mutmut.mutation import trampoline

        hit: set[str] = set()
        trampoline.record_trampoline_hit = lambda name, **_: hit.add(name)
        reach, seconds = defaultdict[str, set[int]](set), list[float]()
        for k, item in enumerate(items):
            hit.clear()
            os.environ[_ACTIVE] = "stats"
            start_s = time.process_time()
            if not _passes(item):
                raise pytest.UsageError(f"{item.nodeid} fails without any mutant")
            seconds.append(time.process_time() - start_s)
            for name in hit:
                reach[name].add(k)
        return reach, seconds


def _passes(item: pytest.Item) -> bool:
    return all(report.passed for report in runtestprotocol(item, log=False, nextitem=None))


def _function(name: str) -> str:
    return name.rpartition("__mutmut_")[0]


def _fork(name: str, items: dict[int, pytest.Item], seconds: float, limit_s: float) -> tuple[int, int]:
    """Start a child that runs the tests on a mutant, and begins no more of them after ``limit_s``.

    Returns:
        Its process id, for its exit status (0: all pass, 1: one did not, ``_LATER``: not all were run), and a pipe that
        gives the number of the one that did not pass.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(round(10.0 * seconds) + _HANGS_S)
    os.environ[_ACTIVE] = name
    status, end_s = 1, time.process_time() + limit_s
    try:
        for k, item in items.items():
            if time.process_time() > end_s:
                status = _LATER
                break
            if not _passes(item):
                os.write(writer, str(k).encode())
                break
        else:
            status = 0
    finally:
        os._exit(status)


def _fate(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGALRM else "crashed"
    return "survived" if os.WEXITSTATUS(status) == 0 else "killed"


def made() -> Iterator[str]:
    """Yield the names of all mutants that mutmut made."""
    for meta in sorted(MUTANTS.glob("src/vagus/reflex/*.meta")):
        yield from json.loads(meta.read_text())["exit_code_by_key"]


def run(names: list[str]) -> None:
    """Run mutants and note their fates."""
    sys.path[:0] = [str(MUTANTS / "src"), str(ROOT / "tests" / "reflex")]
    runner = Runner(names, os.cpu_count() or 1)
    args = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", str(ROOT / "tests" / "reflex"),
            "--deselect=tests/reflex/test_reflex_hostile.py"]  # fmt: skip
    if pytest.main(args, plugins=[runner]) not in (0, pytest.ExitCode.NO_TESTS_COLLECTED) or not runner.fates:
        raise SystemExit("the mutants were not run: see above")


def known() -> dict[str, str]:
    """Return the fates that are known from earlier runs."""
    return json.loads(FATES.read_text()) if FATES.exists() else {}


def left() -> list[str]:
    """Return the mutants that were not run yet, and the survivors without a reason: their tests may be better now."""
    fates = known()
    return [
        name
        for name in made()
        if name not in fates or (fates[name] == "survived" and not reason(where(name), change(name)[1]))
    ]


def note(fates: dict[str, str]) -> None:
    """Write fates beside those of earlier runs."""
    FATES.write_text(json.dumps(known() | fates, indent=0))


@cache
def change(name: str) -> tuple[str, str]:
    """Return the lines that a mutant removes and those it puts there, each on one line."""
    shown = subprocess.run(["mutmut", "show", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = [row for row in shown.splitlines() if not row.startswith(("---", "+++"))]
    removed, added = (" ".join(row[1:].strip() for row in rows if row.startswith(sign)) for sign in "-+")
    return removed, added


def where(name: str) -> str:
    """Return module.function of a mutant's name, such as ``states.Group.rested``."""
    return re.sub(r"\bx_?ǁ?", "", name.removeprefix("vagus.reflex.").split("__mutmut_")[0]).replace("ǁ", ".")


def reason(place: str, added: str) -> dict[str, str]:
    """Return the row of REASONS that explains a survivor; an empty one if none does."""
    rows = (row for row in REASONS if re.fullmatch(row["where"], place) and re.search(row["added"], added))
    return next(rows, {})


def examine() -> dict:
    """Return the figures, and the survivors with their reasons."""
    fates = known()
    if missing := [name for name in made() if name not in fates]:
        raise SystemExit(f"{len(missing)} mutants were not run, such as {missing[0]}: mutants.py --run")
    per_file, survivors = defaultdict[str, Counter[str]](Counter), list[dict[str, str]]()
    for name in made():
        is_killed = fates[name] != "survived"
        per_file[where(name).split(".")[0]].update(["mutants", "killed" if is_killed else "survived"])
        if not is_killed:
            removed, added = change(name)
            survivors.append(reason(where(name), added) | {"name": name, "removed": removed, "added": added})
    equivalent = sum("reason" in row and "hole" not in row for row in survivors)
    n = sum(counts["mutants"] for counts in per_file.values())
    return {
        "mutants": n, "killed": n - len(survivors), "survived": len(survivors), "equivalent": equivalent,
        "score": (n - len(survivors)) / (n - equivalent), "per_file": {k: dict(v) for k, v in per_file.items()},
        "unexplained": [row["name"] for row in survivors if "reason" not in row], "survivors": survivors,
    }  # fmt: skip


def page(found: dict) -> str:
    """Return the page for the documentation."""
    lines = [
        *_HEAD.splitlines(),
        f"{found['mutants']} mutants, {found['killed']} killed, {found['survived']} survived. {found['equivalent']} of",
        f"these change nothing that can be observed: **{found['score']:.1%}** of the others are killed.",
        "", "| module | mutants | killed | survived |", "|---|---|---|---|",
    ]  # fmt: skip
    for module, counts in sorted(found["per_file"].items()):
        lines.append(f"| `{module}` | {counts['mutants']} | {counts['killed']} | {counts.get('survived', 0)} |")
    lines += ["", "## Survivors", ""]
    for row in found["survivors"]:
        told = ("hole: " if "hole" in row else "") + row.get("reason", "**not explained**")
        lines += [f"- `{where(row['name'])}`: {told}", "", "  ```diff", f"  - {row['removed']}", f"  + {row['added']}",
                  "  ```"]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, run or examine, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="run mutants before the report")
    parser.add_argument("--only", default="*", help="with --run: a pattern of names, such as '*clearance*'")
    parser.add_argument("--json", action="store_true", help="print one JSON object, without the survivors' lines")
    parser.add_argument("--write", action="store_true", help="write docs/gate-mutants.md")
    args = parser.parse_args()
    if args.run:
        run([name for name in left() if fnmatch(name, args.only)])
    found = examine()
    if args.write:
        (ROOT / "docs" / "gate-mutants.md").write_text(page(found))
    print(json.dumps({k: v for k, v in found.items() if k != "survivors"}, indent=2) if args.json else page(found))
    sys.exit(bool(found["unexplained"]) or found["score"] < TARGET)


if __name__ == "__main__":
    main()
