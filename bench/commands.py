"""Does it understand and do what people ask for? Random rooms, phrasings held out from the parser, the world judges.

Every trial is a room of its own, with its own things, and one of three robots, calibrated by itself, that stands
somewhere before the table and has looked around. A person makes a request of one of the kinds below in Korean or
English, in one or two turns, in words of ``phrasings.json``, which nobody wrote who knew the parser, and which are no
examples of it. What the robot perceives, it perceives in rendered pictures; the world alone says what came of it:

pick, clarify (after being asked which), correct ("no, the blue one": the wrong thing is back where it stood), also (the
other one, too), put_back, put_down, next_to, in, hand_over (into the hand that a person holds out), sequence (pick, put
next to, wave), ambiguous (asks back, moves nothing), absent, impossible, harmful (refused with the reason, nothing
moves), feeling (face and a sentence), see (names what stands there).

Target: Wilson's lower bound of 95 % >= 0.90 in each language, wrong_object <= 4 of 400.

Keys of --json: n, success_rate, low95, by_language (n, success_rate, low95), by_kind (right of tried), wrong_object
(trials in which a thing that the request was not about was moved by more than 2 cm), failures (kind and reason -> how
often), not_understood (trials whose words were read wrongly: another plan than asked for), seconds (p50, max of virtual
time per trial), cpu_s (per trial).
"""

import argparse
import hashlib
import json
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from phrasings import KINDS, REFUSED, REPLIES, Name, Request, draw, name_of, plan_of
from picks import ANSWER_S, AT_HAND_M, LIFTED_M, MOVED_M, Trial, calibrated
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import binomtest

from vagus.body.calibrate import PoseCfg
from vagus.core import messages as m
from vagus.decide.plan import Language
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import host_file, prepare
from vagus.world.room import TABLE_HEIGHT

BACK_M, BESIDE_M, UPRIGHT = 0.04, 0.10, 0.97
"""Back where it was; between two things side by side, handles included, at most [m]; cosine of a lean."""
OFF_M = 0.01
"""What is in a hand and has risen by this [m] stands on nothing: carried low, it is hardly higher than it stood."""
PALM_M = 0.12
MOUTH, JAW_M = 0.35, 0.015
"""Half of what a smile turns the corners of the mouth by [rad]; half of how far the jaw drops in surprise [m]."""
SETTLE_S = 1.0
_DRAWS = 12
"""Rooms that are drawn for a request of a kind before the trial counts as one that no room allows."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one trial."""

    seed: int
    kind: str
    language: Language
    words: tuple[str, ...]
    ok: bool
    reason: str
    wrong_object: bool
    is_misread: bool
    seconds: float
    cpu_s: float


class Room(Trial):
    """A trial in which a person talks."""

    radii: dict[str, float]
    """Of the upright cylinders that hold things, handles included [m]."""

    def face(self, words: str) -> str:
        """Say something and return the feeling that the face in the world shows after it, by its mouth and jaw."""
        outcomes, widest = self.robot.streams.reader("outcome"), np.zeros(2)
        outcomes.since()
        self.robot.say(words)
        for k, _ in enumerate(self.robot.run_for(ANSWER_S)):
            if k % 50 == 0:
                data = self.truth()
                now = np.array([float(data.joint(name).qpos[0]) for name in ("mouth_left", "jaw")])
                widest = np.where(np.abs(now) > np.abs(widest), now, widest)
            if outcomes.since():
                break
        mouth, jaw = widest.tolist()
        return "surprised" if jaw > JAW_M else "happy" if mouth > MOUTH else "sad" if mouth < -MOUTH else "none"

    def upright(self, name: str) -> bool:
        return float(self.truth().body(name).xmat.reshape(3, 3)[2, 2]) > UPRIGHT

    def apart(self, a: str, b: str) -> float:
        """Return how far the middles of two things are apart on the level [m]."""
        data = self.truth()
        return float(np.linalg.norm(data.body(a).xpos[:2] - data.body(b).xpos[:2]))

    def gap(self, a: str, b: str) -> float:
        """Return what is between the upright cylinders that hold two things [m]."""
        return self.apart(a, b) - self.radii[a] - self.radii[b]

    def off(self, name: str) -> float:
        """Return how far a thing is from where it was [m]."""
        return float(np.linalg.norm(self.truth().body(name).xpos - self.places[name]))

    def is_held(self, name: str) -> bool:
        """Say whether a thing is in a hand and off the table."""
        rise = float(self.truth().body(name).xpos[2] - self.places[name][2])
        return rise > OFF_M and self.hand(name)[1] < AT_HAND_M

    def stands(self, name: str) -> bool:
        """Say whether a thing stands upright on the table, in no hand."""
        low = self.truth().body(name).xpos[2] - TABLE_HEIGHT
        return self.upright(name) and 0.0 < low < LIFTED_M + 0.05 and self.hand(name)[1] > 0.03

    def said(self) -> str:
        return " ".join(m.get_text(record) for record in self.robot.streams.reader("say").since())


def begin(seed: int, kind: str, language: Language, folder: Path) -> tuple[Room, Request] | None:
    """Return a room that allows a request of a kind, and the request; None if none does."""
    robot_seed = 1 + seed % 3
    for k in range(_DRAWS):
        rng = np.random.default_rng([11, seed, k])
        room_seed = int(rng.integers(1, 1_000_000))
        run, robot = prepare(host_file(), seed=robot_seed, calibration=folder / f"host-{robot_seed}.json")
        start = (float(rng.uniform(0.0, 0.35)), 0.1 + float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3)))
        robot = replace(robot, simulated=replace(robot.simulated, start=start, room=room_seed))
        scene = robot.build_scene(run.scene, robot_seed)
        data = mujoco.MjData(scene.model)
        mujoco.mj_kinematics(scene.model, data)
        on_table: list[Name] = [
            (obj.colour, obj.shape) for obj in scene.objects if abs(_foot(obj, data) - TABLE_HEIGHT) < 0.02
        ]
        request = draw(rng, on_table, kind, language)
        elsewhere = {(obj.colour, obj.shape) for obj in scene.objects} - set(on_table)
        if request is None or (kind == "absent" and request.thing in elsewhere):
            continue
        run = replace(run, person="holds_out_a_hand" if kind == "hand_over" else "stands")
        lockstep = Lockstep(run, cameras=True, only_looked_at=True, robot=robot)
        room = Room(lockstep, scene.model, [obj.name for obj in scene.objects])
        room.radii = {obj.name: obj.radius for obj in scene.objects}
        lockstep.advance(0.5)
        room.say("look around")
        return room, request
    return None


def _foot(obj: Any, data: mujoco.MjData) -> float:
    return float(data.body(obj.name).xpos[2]) - 0.5 * obj.size[2]


def try_one(seed: int, kind: str, language: Language, folder: Path) -> Result:
    """Run one trial."""
    start_s = time.process_time()
    begun = begin(seed, kind, language, folder)
    if begun is None:
        return Result(seed, kind, language, (), False, "no_room", False, False, 0.0, time.process_time() - start_s)
    room, request = begun
    room.remember()
    start_ns, outcomes = room.robot.now_ns, []
    room.said()
    if kind == "feeling":
        shown = room.face(request.turns[0])
        reason = "" if shown == REPLIES[request.emotion] else f"{request.emotion} met with {shown}"
    else:
        outcomes += [room.say(words) for words in request.turns]
        room.robot.advance(SETTLE_S)
        reason = judge(room, request, outcomes)
    meant = {"_".join(name) for name in (request.thing, request.other) if name}
    is_wrong = any(room.off(name) > MOVED_M for name in room.names if name not in meant)
    seconds = (room.robot.now_ns - start_ns) * 1e-9
    misread = bool(reason) and is_misread(request, outcomes)
    room.robot.close()
    return Result(seed, kind, language, request.turns, not reason, reason, is_wrong, misread, seconds,
                  time.process_time() - start_s)  # fmt: skip


def judge(room: Room, request: Request, outcomes: list[dict[str, Any]]) -> str:
    """Return why a request was not met; empty if it was."""
    last, kind = outcomes[-1], request.kind
    if kind in REFUSED:
        is_refused = last["reason"] in REFUSED[kind]
        return "" if is_refused and not room.moved("") else "moved" if is_refused else f"not refused: {last['reason']}"
    if kind == "see":
        return _told(room, request)
    if not last["ok"]:
        return str(last["reason"])
    return _WORLD[kind](room, "_".join(request.thing or ()), "_".join(request.other or ()), last)


def _told(room: Room, request: Request) -> str:
    """Say which things on the table were not named."""
    data, said = room.truth(), room.said()
    names = [tuple(name.split("_")) for name in room.names if abs(data.body(name).xpos[2] - TABLE_HEIGHT) < 0.12]
    missing = [name for name in names if name_of((name[0], name[1]), request.language) not in said]
    return "" if len(missing) <= 1 else f"{len(missing)} not named"


def _is_picked(room: Room, thing: str, _other: str, _last: dict[str, Any]) -> str:
    return "" if room.is_held(thing) else "not in the hand"


def _is_corrected(room: Room, thing: str, other: str, _last: dict[str, Any]) -> str:
    if room.off(other) > BACK_M or not room.upright(other):
        return "the first thing is not back"
    return _is_picked(room, thing, other, _last)


def _is_also(room: Room, thing: str, other: str, last: dict[str, Any]) -> str:
    return _is_picked(room, thing, other, last) or _is_picked(room, other, thing, last)


def _is_back(room: Room, thing: str, _other: str, _last: dict[str, Any]) -> str:
    return "" if room.off(thing) < BACK_M and room.upright(thing) else "not back where it was"


def _is_down(room: Room, thing: str, _other: str, _last: dict[str, Any]) -> str:
    return "" if room.stands(thing) else "does not stand on the table"


def _is_beside(room: Room, thing: str, other: str, _last: dict[str, Any]) -> str:
    if not room.stands(thing) or room.off(other) > BACK_M:
        return "does not stand on the table" if not room.stands(thing) else "the other thing was moved"
    return "" if room.gap(thing, other) < BESIDE_M else "not beside it"


def _is_in(room: Room, thing: str, other: str, _last: dict[str, Any]) -> str:
    above = room.truth().body(thing).xpos[2] - room.truth().body(other).xpos[2]
    return "" if room.apart(thing, other) < 0.05 and -0.02 < above < 0.08 else "not in it"


def _is_handed(room: Room, thing: str, _other: str, _last: dict[str, Any]) -> str:
    data = room.truth()
    hands = [data.body(name).xpos for name in ("person_forearm_left", "person_forearm_right")]
    at = data.body(thing).xpos
    is_near = min(float(np.linalg.norm(at - hand)) for hand in hands) < 0.25 + PALM_M
    return "" if is_near and at[2] > 0.5 else "not in the person's hand"


def _is_in_order(room: Room, thing: str, other: str, last: dict[str, Any]) -> str:
    skills = [step["skill"] for step in last["steps"]]
    return _is_beside(room, thing, other, last) or ("" if skills[-1] == "wave" else "did not wave")


_WORLD = {
    "pick": _is_picked, "clarify": _is_picked, "correct": _is_corrected, "also": _is_also, "put_back": _is_back,
    "put_down": _is_down, "next_to": _is_beside, "in": _is_in, "hand_over": _is_handed, "sequence": _is_in_order,
}  # fmt: skip
_SKILLS: dict[str, list[str]] = {
    "pick": ["pick"], "clarify": ["pick"], "correct": ["put_back", "pick"], "also": ["pick"], "put_back": ["put_back"],
    "put_down": ["put_down"], "next_to": ["pick", "place"], "in": ["pick", "place"], "hand_over": ["pick", "hand_over"],
    "sequence": ["pick", "place", "wave"],
}  # fmt: skip


def is_misread(request: Request, outcomes: list[dict[str, Any]]) -> bool:
    """Say whether the words were read wrongly: other skills than asked for, however they went."""
    if not outcomes:
        return True
    done = [step["skill"] for step in outcomes[-1]["steps"] if step["skill"] != "look_around"]
    wanted = _SKILLS.get(request.kind)
    if wanted is None:
        return outcomes[-1]["reason"] not in REFUSED.get(request.kind, {"told"})
    return not done or done != wanted[: len(done)]


def figures(results: list[Result]) -> dict[str, Any]:
    """Return what --json prints."""
    by_kind: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for result in results:
        by_kind[result.kind][0] += result.ok
        by_kind[result.kind][1] += 1
    failures = Counter(f"{result.kind}: {result.reason}" for result in results if not result.ok)
    seconds = [result.seconds for result in results]
    return {
        **_rate(results),
        "by_language": {lang: _rate([r for r in results if r.language == lang]) for lang in ("ko", "en")},
        "by_kind": {kind: f"{ok}/{n}" for kind, (ok, n) in by_kind.items()},
        "wrong_object": sum(result.wrong_object for result in results), "failures": dict(failures.most_common()),
        "not_understood": sum(result.is_misread for result in results),
        "seconds": {"p50": float(np.median(seconds)), "max": max(seconds)},
        "cpu_s": float(np.mean([result.cpu_s for result in results])),
    }  # fmt: skip


def _rate(results: list[Result]) -> dict[str, Any]:
    n, right = len(results), sum(result.ok for result in results)
    if n == 0:
        return {"n": 0, "success_rate": None, "low95": None}
    low = binomtest(right, n).proportion_ci(method="wilson").low
    return {"n": n, "success_rate": right / n, "low95": float(low)}


def code_hash(calibrations: Path) -> str:
    """Return a hash of what a trial's outcome comes from: package, robot, calibrations, bench, phrasings."""
    root = Path(__file__).parents[1]
    files = [*(root / "src").rglob("*"), *(root / "robots").rglob("*.py"), *(root / "bench").glob("ph*"),
             *(root / "bench" / name for name in ("commands.py", "picks.py"))]  # fmt: skip
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    for path in sorted(calibrations.glob("*.json")):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def kept(log: Path | None, code: str, trials: list[tuple[int, str, Language]]) -> list[Result]:
    """Return the results of these trials that a log holds. Ends the program if other code wrote it."""
    if log is None or not log.exists():
        return []
    whole, end, _half = log.read_text(encoding="utf-8").rpartition("\n")
    log.write_text(whole + end, encoding="utf-8")  # a line that was being written when the run was cut off
    rows = [json.loads(line) for line in whole.splitlines()]
    if others := {row.pop("code", "none") for row in rows} - {code}:
        raise SystemExit(
            f"{log}: got results of code {sorted(others)}, allowed: of this code, {code}; name another log"
        )
    return [Result(**row) for row in rows if (row["seed"], row["kind"], row["language"]) in trials]


def main() -> None:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="trials")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS, help="kinds of request")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--calibrations", type=Path, default=Path("runs/calibration"), help="where these are kept")
    parser.add_argument("--log", type=Path, help="write one line of JSON per trial here; what is there already, by the "
                        "same code, is not tried again")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="two trials, by a robot with a coarser calibration")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    folder, poses, n, kinds = args.calibrations, PoseCfg(), args.n, tuple(args.kinds)
    if args.quick:
        folder, poses, n, kinds = folder / "quick", PoseCfg(n_per_arm=8), 2, ("harmful", "pick")
    trials = plan_of(n, args.seed, kinds)
    calibrated({1 + seed % 3 for seed, _, _ in trials}, folder, poses)
    code = code_hash(folder)
    results = kept(args.log, code, trials)
    done = {(one.seed, one.kind, one.language) for one in results}
    left = [trial for trial in trials if trial not in done]
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool, Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("talking", total=n, completed=len(done))
        for result in pool.map(try_one, *zip(*left, strict=True), [folder] * n) if left else ():
            results.append(result)
            bar.advance(task)
            if args.log:
                with args.log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**asdict(result), "code": code}, ensure_ascii=False) + "\n")
    found = figures(results)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table("figure", "value", title="commands")
    for key, value in found.items():
        table.add_row(key, json.dumps(value, ensure_ascii=False))
    Console().print(table)


if __name__ == "__main__":
    main()
