"""The brain node: hears words, decides what they ask for, runs skills one after another, says how they ended."""

import json
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vagus.act.kinematics import Kinematics
from vagus.act.runner import Ended, SkillRunner
from vagus.act.sentences import sentence
from vagus.act.skill import Observation, Outcome
from vagus.act.skills import SKILLS, available
from vagus.core import messages as m
from vagus.core.errors import VagusError
from vagus.core.seen import read_supports, read_things
from vagus.core.things import Support, Thing
from vagus.decide.answer import Language
from vagus.decide.ground import ground, misses
from vagus.decide.phrases import understand
from vagus.decide.plan import Call, Plan
from vagus.perceive.odometry import OdometryPose
from vagus.runtime.context import Context
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams

_ALIVE = "alive"
_ALIVE_ID = 0
_LOOK_AROUND = "look_around"
_IDLE_NS = 3_000_000_000
"""How long nothing is asked before the face blinks by itself [ns]."""
_UNENDED_MAX = 8
"""How many of the last words a restarted brain looks for outcomes of: outcomes of older ones may be overwritten."""
_RESTARTED = "I was restarted and gave up what I was doing. 다시 시작해서 하던 일을 그만두었습니다."


@dataclass
class _Task:
    """One utterance being carried out: what is left to start, what runs, what came of the rest."""

    id: int
    language: Language
    left: deque[Call] = field(default_factory=deque[Call])
    unplaced: Plan | None = None
    """What was understood but names a thing that is not seen: the robot looks around first."""
    running: set[int] = field(default_factory=set[int])
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class BrainNode:
    """Reads words and sensors; writes ``command.skill``, ``request.skill``, ``say`` and ``outcome``.

    A new utterance replaces what is left of the one before; skills on other groups go on. A brain that was restarted
    does nothing of what an earlier one heard: its words may be old, and the robot is somewhere else by now. What came
    to no outcome gets one, "interrupted". A call that no skill accepts, and a skill that raises a ``VagusError``, are
    failed steps with the message as their detail; any other exception is a bug and ends the process.
    """

    def __init__(self, ctx: Context) -> None:
        spec, streams = ctx.spec, ctx.streams
        self._spec = spec
        self._ears = [streams.reader("utterance.page"), streams.reader("utterance.operator")]
        self._joint_state, self._reflex = streams.reader("joint_state"), streams.reader("reflex")
        self._imu = streams.reader("imu") if spec.imu else None
        self._lidar = streams.reader("lidar") if spec.lidar else None
        self._touch = streams.reader("touch") if spec.touch else None
        self._command, self._request = streams.writer("command.skill"), streams.writer("request.skill")
        self._say, self._outcome = streams.writer("say"), streams.writer("outcome")
        kinematics = Kinematics(ctx.robot.build_model().compile(), spec)
        self._runner = SkillRunner(spec, kinematics, ctx.rng("brain"))
        self._odometry = streams.reader("odometry") if spec.base else None
        self._objects = streams.reader("objects") if spec.cameras else None
        self._seen: tuple[tuple[Thing, ...], tuple[Support, ...]] = ((), ())
        self._seen_ns = 0
        self._task: _Task | None = None
        self._next_id = _ALIVE_ID + 1
        self._can_look_around = any(skill.name == _LOOK_AROUND for skill in available(spec))
        self._is_able_to_blink = any(skill.name == _ALIVE for skill in available(spec))
        self._busy_ns = 0
        self._is_restarted = streams.reader("stats.brain").latest() is not None
        self._interrupted = _unended(self._ears, streams) if self._is_restarted else []

    def step(self, now_ns: int) -> None:
        """Hear, decide, act, and say what came of it."""
        if self._is_restarted:
            self._is_restarted = False
            self._speak(_RESTARTED, now_ns)
            for about in self._interrupted:
                self._publish_outcome(about, "interrupted", [], now_ns)
        for ear in self._ears:
            for utterance in ear.since():
                self._hear(utterance, now_ns)
        observation = self._observe(now_ns)
        out = self._runner.step(observation)
        for request in out.requests:
            self._request.publish(request)
        if out.command is not None:
            self._command.publish(out.command)
        for words in out.said:
            self._speak(words, now_ns)
        for ended in out.outcomes:
            self._note(ended, now_ns)
        self._go_on(now_ns)
        self._stay_alive(now_ns)

    def _observe(self, now_ns: int) -> Observation:
        odometry, objects = _latest(self._odometry), _latest(self._objects)
        if objects is not None and int(objects["stamp_ns"]) != self._seen_ns:
            self._seen, self._seen_ns = (read_things(objects), read_supports(objects)), int(objects["stamp_ns"])
        return Observation(
            now_ns=now_ns, spec=self._spec, joint_state=self._joint_state.latest(), reflex=self._reflex.latest(),
            imu=_latest(self._imu), lidar=_latest(self._lidar), touch=_latest(self._touch),
            odometry=None if odometry is None else OdometryPose.of(odometry),
            things=self._seen[0], supports=self._seen[1],
        )  # fmt: skip

    def _hear(self, utterance: m.Record, now_ns: int) -> None:
        understood = understand(m.get_text(utterance), self._spec)
        if self._task:
            self._end_task("replaced", now_ns)
        self._task = task = _Task(int(utterance["id"]), understood.language)
        if not misses(understood, self._seen[0]) or not self._can_look_around:
            self._plan(task, understood, now_ns)
            return
        task.unplaced = understood
        self._speak("찾아볼게요." if understood.language == "ko" else "Let me look for it.", now_ns)
        self._start(task, Call(name=_LOOK_AROUND), now_ns)

    def _plan(self, task: _Task, understood: Plan, now_ns: int) -> None:
        """Take what was understood as the task, or say why nothing will be done."""
        placed = ground(understood, self._seen[0])
        task.left = deque(placed.calls)
        if not placed.calls:
            self._speak(placed.answer, now_ns)
            self._end_task("not_understood", now_ns)
        self._go_on(now_ns)

    def _go_on(self, now_ns: int) -> None:
        """Start what is next once what runs has ended; a step that failed ends the task."""
        task = self._task
        if task is None or task.running:
            return
        if task.unplaced is not None:
            understood, task.unplaced = task.unplaced, None
            self._plan(task, understood, now_ns)
            return
        failed = next((step["reason"] for step in task.steps if not step["ok"]), None)
        if failed or not task.left:
            self._end_task(failed or "done", now_ns)
            return
        self._start(task, task.left.popleft(), now_ns)
        while task.running and task.left and task.left[0].together:
            self._start(task, task.left.popleft(), now_ns)

    def _start(self, task: _Task, call: Call, now_ns: int) -> None:
        try:
            self._runner.start(call.name, call.args, self._next_id)
        except VagusError as error:
            self._end_step(task, call.name, Outcome(ok=False, reason="error", detail=str(error)), now_ns)
            return
        task.running.add(self._next_id)
        self._next_id += 1

    def _note(self, ended: Ended, now_ns: int) -> None:
        task = self._task
        if ended.id == _ALIVE_ID and ended.outcome.reason == "error":
            self._is_able_to_blink = False  # it would fail again and again
            self._speak(sentence(ended.skill, ended.outcome, "en"), now_ns)
        if task is None or ended.id not in task.running:
            return
        task.running.remove(ended.id)
        self._end_step(task, ended.skill.name, ended.outcome, now_ns)

    def _end_step(self, task: _Task, name: str, outcome: Outcome, now_ns: int) -> None:
        step = {"skill": name, "ok": outcome.ok, "reason": outcome.reason, "figures": dict(outcome.figures)}
        task.steps.append(step | ({"detail": outcome.detail} if outcome.detail else {}))
        skill = SKILLS.get(name)
        words = sentence(skill, outcome, task.language) if skill else f"{name}: {outcome.detail}"
        self._speak(words, now_ns)

    def _end_task(self, reason: str, now_ns: int) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._publish_outcome(task.id, reason, task.steps, now_ns)

    def _publish_outcome(self, about: int, reason: str, steps: list[dict[str, Any]], now_ns: int) -> None:
        self._outcome.publish(self._text(outcome_json(about, reason, steps), now_ns, about))

    def _speak(self, words: str, now_ns: int) -> None:
        self._say.publish(self._text(words, now_ns, self._task.id if self._task else 0))

    def _text(self, words: str, now_ns: int, about: int) -> m.Record:
        record = m.blank(m.text(self._spec))
        record["stamp_ns"], record["id"] = now_ns, about
        m.set_text(record, _fitting(words))
        return record

    def _stay_alive(self, now_ns: int) -> None:
        """Blink when nothing was asked for a while; another skill on the face replaces it."""
        others: Iterable[str] = (name for name in self._runner.running if name != _ALIVE)
        if self._busy_ns == 0 or self._task or any(others):
            self._busy_ns = now_ns
        if self._is_able_to_blink and not self._runner.running and now_ns - self._busy_ns > _IDLE_NS:
            self._runner.start(_ALIVE, {}, _ALIVE_ID)
            self._busy_ns = now_ns


def outcome_json(about: int, reason: str, steps: list[dict[str, Any]]) -> str:
    """Return an outcome as JSON that fits in one message: if need be without figures, or without its last steps.

    A figure that is not finite was not measured: null, as JSON has no NaN.
    """
    told = [step | {"figures": {key: _measured(v) for key, v in step["figures"].items()}} for step in steps]
    whole: dict[str, Any] = {"id": about, "ok": reason == "done", "reason": reason, "steps": told}
    words = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    kept = [{key: step[key] for key in ("skill", "ok", "reason")} for step in steps]
    while len(words.encode()) > m.TEXT_BYTES:
        words = json.dumps(whole | {"steps": kept, "left_out": len(steps) - len(kept)}, ensure_ascii=False)
        kept = kept[:-1]
    return words


def _measured(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _unended(ears: list[Reader], streams: Streams) -> list[int]:
    """Take what was said before a restart off the ears; return the ids of the last that have no outcome."""
    heard: list[m.Record] = []
    for ear in ears:
        heard += ear.since()
    heard.sort(key=lambda words: int(words["stamp_ns"]))
    ended = {int(outcome["id"]) for outcome in streams.reader("outcome").since()}
    return [int(words["id"]) for words in heard[-_UNENDED_MAX:] if int(words["id"]) not in ended]


def _latest(reader: Reader | None) -> m.Record | None:
    return None if reader is None else reader.latest()


def _fitting(words: str) -> str:
    """Return the words, cut to what one message holds."""
    return words.encode()[: m.TEXT_BYTES].decode(errors="ignore")
