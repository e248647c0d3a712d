"""The brain node: hears words, decides what they ask for, runs skills one after another, says how they ended."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from vagus.act.kinematics import Kinematics
from vagus.act.runner import Ended, SkillRunner
from vagus.act.scene import base_pose
from vagus.act.search import ELSEWHERE
from vagus.act.sentences import sentence
from vagus.act.skill import Followed, Gaze, Observation, Outcome
from vagus.act.skills import SKILLS, available
from vagus.core import messages as m
from vagus.core.errors import VagusError
from vagus.core.frames import invert
from vagus.core.seen import read_people, read_supports, read_things
from vagus.core.sights import recent_sights
from vagus.core.things import Person, Support, Thing
from vagus.decide import tell
from vagus.decide.ground import Scene
from vagus.decide.parser import parse, ready
from vagus.decide.plan import Call, Plan
from vagus.decide.talk import Talk, misses, settle
from vagus.perceive.odometry import OdometryPose
from vagus.runtime.adviser import Adviser
from vagus.runtime.context import Context
from vagus.runtime.task import Step, Task, ended, outcome_json, plan_json
from vagus.streams.ring import Reader
from vagus.streams.streams import Streams

_ALIVE = "alive"
_ALIVE_ID = 0
_LOOK_AROUND = "look_around"
_UNSURE = ("not_understood", "impossible")
"""What the parser answers where a language model may know better, if there is one."""
_IDLE_NS = 3_000_000_000
"""How long nothing is asked before the face blinks by itself [ns]."""
_UNENDED_MAX = 8
"""How many of the last words a restarted brain looks for outcomes of: outcomes of older ones may be overwritten."""
_RESTARTED = "I was restarted and gave up what I was doing. 다시 시작해서 하던 일을 그만두었습니다."


class BrainNode:
    """Reads words and sensors; writes ``command.skill``, ``request.skill``, ``say``, ``plan`` and ``outcome``.

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
        self._shown = streams.writer("plan")
        kinematics = Kinematics(ctx.robot.build_model().compile(), spec)
        self._runner = SkillRunner(spec, kinematics, ctx.rng("brain"))
        self._odometry = streams.reader("odometry") if spec.base else None
        self._objects = streams.reader("objects") if spec.cameras else None
        self._sights = streams.reader("sights") if ctx.run.detector and spec.cameras else None
        self._seen: tuple[tuple[Thing, ...], tuple[Support, ...]] = ((), ())
        self._people: tuple[Person, ...] = ()
        self._followed = streams.reader("followed") if spec.cameras else None
        self._gaze = streams.writer("gaze") if spec.cameras else None
        self._is_gazing = False
        self._eye = spec.sensor_index(spec.eye.name) if spec.eye else None
        self._seen_ns = 0
        self._task: Task | None = None
        self._talk = Talk()
        self._adviser = Adviser(spec, streams) if ctx.run.planner else None
        self._observation = Observation(now_ns=0, spec=spec)
        ready()
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
        self._observation = observation = self._observe(now_ns)
        for ear in self._ears:
            for utterance in ear.since():
                self._hear(utterance, now_ns)
        out = self._runner.step(observation)
        for request in out.requests:
            self._request.publish(request)
        if out.command is not None:
            self._command.publish(out.command)
        self._look_at(out.gaze, now_ns)
        for words in out.said:
            self._speak(words, now_ns)
        for told in out.outcomes:
            self._note(told, now_ns)
        self._go_on(now_ns)
        self._stay_alive(now_ns)

    def _observe(self, now_ns: int) -> Observation:
        odometry, objects = _latest(self._odometry), _latest(self._objects)
        if objects is not None and int(objects["stamp_ns"]) != self._seen_ns:
            self._seen, self._seen_ns = (read_things(objects), read_supports(objects)), int(objects["stamp_ns"])
            self._people = read_people(objects)
        return Observation(
            now_ns=now_ns, spec=self._spec, joint_state=self._joint_state.latest(), reflex=self._reflex.latest(),
            imu=_latest(self._imu), lidar=_latest(self._lidar), touch=_latest(self._touch),
            odometry=None if odometry is None else OdometryPose.of(odometry),
            things=self._seen[0], supports=self._seen[1], people=self._people, followed=self._where(),
        )  # fmt: skip

    def _where(self) -> Followed | None:
        """Return where the newest picture shows what the eye follows."""
        record = _latest(self._followed) if self._is_gazing else None
        if record is None or self._eye is None or not np.isfinite(record["point"]).all():
            return None
        origin_ns = record["origin_ns"]
        return Followed(point=record["point"].copy(), seen_ns=int(origin_ns[self._eye]), origin_ns=origin_ns.copy())

    def _look_at(self, gaze: Gaze | None, now_ns: int) -> None:
        """Say what the eye shall follow, or once that it need not."""
        if self._gaze is None or (gaze is None and not self._is_gazing):
            return
        self._is_gazing = gaze is not None
        record = m.blank(m.gaze(self._spec))
        record["stamp_ns"], record["point"] = now_ns, np.nan
        if gaze is not None:
            record["point"], record["radius"], record["lowest"] = gaze.point, gaze.radius, gaze.lowest
        self._gaze.publish(record)

    def _scene(self) -> Scene:
        """Return what words may be about: what is seen and what is in the hands, which is not seen a second time."""
        obs = self._observation
        held = tuple(held.thing for held in self._runner.held.values())
        kinds = tuple(one.kind for one in recent_sights(_latest(self._sights), obs.now_ns))
        return Scene(things=self._runner.not_held(obs), held=held, kinds=kinds, X_BA=invert(base_pose(obs)))

    def _hear(self, utterance: m.Record, now_ns: int) -> None:
        words = m.get_text(utterance)
        plan = parse(words, self._spec)
        if self._task:
            self._end_task("replaced", now_ns)
        self._task = task = Task(int(utterance["id"]), plan.language)
        if self._adviser is not None:
            self._adviser.heard("person", words)
            if plan.reason in _UNSURE and self._talk.asked is None:
                self._adviser.ask(task.id, words, plan, self._scene(), self._seen[1], now_ns)
                task.unadvised, task.state = plan, "looking"
                self._show(task, now_ns)
                return
        self._take(task, plan, now_ns)

    def _take(self, task: Task, plan: Plan, now_ns: int) -> None:
        """Look around first for what is not seen, else settle it at once."""
        if not misses(plan, self._scene(), self._talk) or not self._can_look_around:
            self._settle(task, plan, now_ns)
            return
        task.unsettled, task.state = plan, "looking"
        self._speak("찾아볼게요." if plan.language == "ko" else "Let me look for it.", now_ns)
        self._start(task, Call(name=_LOOK_AROUND), None, now_ns)
        self._show(task, now_ns)

    def _settle(self, task: Task, plan: Plan, now_ns: int) -> None:
        """Take what was understood as the task and say what will be done, or why nothing will be."""
        scene = self._scene()
        settled, self._talk = settle(plan, scene, self._talk)
        if not settled.calls:
            task.refuse(settled)
            self._speak(settled.answer, now_ns)
            self._end_task(settled.reason, now_ns)
            return
        language = settled.language
        task.steps = [Step(call, tell.step(call, scene, language), tell.things_of(call)) for call in settled.calls]
        task.left, task.state, task.words = deque(task.steps), "running", tell.whole(settled, scene)
        if len(task.steps) > 1 or task.steps[0].things:
            self._speak(task.words, now_ns)
        self._go_on(now_ns)

    def _go_on(self, now_ns: int) -> None:
        """Start what is next once what runs has ended; a step that failed ends the task."""
        task = self._task
        if task is None or task.running:
            return
        if task.unadvised is not None and self._adviser is not None:
            answer = self._adviser.answer(task.id, task.unadvised, now_ns)
            if answer is not None:
                task.unadvised, task.by = None, answer[1]
                self._take(task, answer[0], now_ns)
            return
        if task.unsettled is not None:
            plan, task.unsettled = task.unsettled, None
            if self._may_be_hidden(task, plan):
                task.unsettled, task.went_round = plan, True
                self._speak(
                    "다른 쪽에서도 볼게요." if plan.language == "ko" else "Let me look from another side.", now_ns
                )
                self._start(task, Call(name=_LOOK_AROUND, args={"where": ELSEWHERE}), None, now_ns)
                return
            self._settle(task, plan, now_ns)
            return
        if task.failed or not task.left:
            self._end_task(task.failed or "done", now_ns)
            return
        self._start_next(task, now_ns)
        while task.running and task.left and task.left[0].call.together:
            self._start_next(task, now_ns)
        self._show(task, now_ns)

    def _may_be_hidden(self, task: Task, plan: Plan) -> bool:
        """Say whether what is not seen from here may stand behind what is, and the robot can go and see."""
        scene = self._scene()
        is_missed = plan.kind != "see" and bool(scene.things) and misses(plan, scene, self._talk)
        return is_missed and self._spec.base is not None and not task.went_round

    def _start_next(self, task: Task, now_ns: int) -> None:
        step = task.left.popleft()
        self._start(task, step.call, step, now_ns)

    def _start(self, task: Task, call: Call, step: Step | None, now_ns: int) -> None:
        try:
            self._runner.start(call.name, call.args, self._next_id)
        except VagusError as error:
            self._end_step(task, call.name, step, Outcome(ok=False, reason="error", detail=str(error)), now_ns)
            return
        if step is not None:
            step.state = "running"
        task.running[self._next_id] = step
        self._next_id += 1

    def _note(self, told: Ended, now_ns: int) -> None:
        task = self._task
        if told.id == _ALIVE_ID and told.outcome.reason == "error":
            self._is_able_to_blink = False  # it would fail again and again
            self._speak(sentence(told.skill, told.outcome, "en"), now_ns)
        if task is None or told.id not in task.running:
            return
        step = task.running.pop(told.id)
        self._end_step(task, told.skill.name, step, told.outcome, now_ns)

    def _end_step(self, task: Task, name: str, step: Step | None, outcome: Outcome, now_ns: int) -> None:
        task.done.append(ended(name, outcome))
        skill = SKILLS.get(name)
        words = sentence(skill, outcome, task.language) if skill else f"{name}: {outcome.detail}"
        if step is not None:
            step.state, step.why = ("done", "") if outcome.ok else ("failed", words)
        self._speak(words, now_ns)
        self._show(task, now_ns)

    def _end_task(self, reason: str, now_ns: int) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        if task.state in ("looking", "running"):
            task.state = "done" if reason == "done" else "failed"
            task.why = next((step.why for step in task.steps if step.why), "")
        self._show(task, now_ns)
        self._publish_outcome(task.id, reason, task.done, now_ns)

    def _show(self, task: Task, now_ns: int) -> None:
        self._shown.publish(self._text(plan_json(task), now_ns, task.id))

    def _publish_outcome(self, about: int, reason: str, steps: list[dict[str, Any]], now_ns: int) -> None:
        self._outcome.publish(self._text(outcome_json(about, reason, steps), now_ns, about))

    def _speak(self, words: str, now_ns: int) -> None:
        if self._adviser is not None:
            self._adviser.heard("robot", words)
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


def _unended(ears: list[Reader], streams: Streams) -> list[int]:
    """Take what was said before a restart off the ears; return the ids of the last that have no outcome."""
    heard: list[m.Record] = []
    for ear in ears:
        heard += ear.since()
    heard.sort(key=lambda words: int(words["stamp_ns"]))
    answered = {int(outcome["id"]) for outcome in streams.reader("outcome").since()}
    return [int(words["id"]) for words in heard[-_UNENDED_MAX:] if int(words["id"]) not in answered]


def _latest(reader: Reader | None) -> m.Record | None:
    return None if reader is None else reader.latest()


def _fitting(words: str) -> str:
    """Return the words, cut to what one message holds."""
    return words.encode()[: m.TEXT_BYTES].decode(errors="ignore")
