"""What a film tells beside the room: what the robot sees and perceives, what was said, and its plan, at one moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vagus.core import messages as m
from vagus.core.messages import Record
from vagus.core.robot import CameraSpec, RobotSpec
from vagus.core.seen import read_things
from vagus.decide.ground import name_of
from vagus.decide.plan import Language
from vagus.page.plan import Plan, PlanError, read_plan
from vagus.streams.streams import Streams

SHOWN_MAX_S = 2.0
"""A picture, and what was found in one, says nothing about now when it is older than this [s]; the page's own limit."""
_HEARD = ("utterance.page", "utterance.operator")


@dataclass(frozen=True, kw_only=True, eq=False)
class Mark:
    """One thing in the robot's picture."""

    name: str
    box: tuple[float, float, float, float]
    """Left, top, right, bottom [px of the robot's picture]."""
    is_about: bool
    """A running step of the plan is about it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """What there is to tell at one moment."""

    picture: NDArray[np.uint8] | None = None
    """What the robot's camera sees (h, w, 3); None where it sees nothing now."""
    marks: tuple[Mark, ...] = ()
    heard: str = ""
    """What was said to the robot last."""
    said: str = ""
    """What the robot has said since."""
    plan: Plan | None = None
    language: Language = "en"


def language_of(words: str) -> Language:
    """Return Korean where there is Hangul, else English."""
    return "ko" if any("가" <= c <= "힣" or "ㄱ" <= c <= "ㅣ" for c in words) else "en"


class Story:
    """Reads streams: words and plans in order up to a moment, so that a film made late tells no future."""

    def __init__(self, spec: RobotSpec, streams: Streams, eye: CameraSpec | None) -> None:
        """``eye`` is the camera whose pictures perception looks at; None on a robot that has none."""
        self._words = {name: streams.reader(name) for name in (*_HEARD, "say", "plan")}
        self._camera = streams.reader(eye.name) if eye else None
        self._objects = streams.reader("objects") if eye else None
        self._sensor = spec.sensor_index(eye.name) if eye else 0
        self._pending: list[tuple[int, str, str]] = []
        self._heard, self._said = "", ""
        self._plan: Plan | None = None
        self._language: Language = "en"

    def at(self, now_ns: int) -> Moment:
        """Return what there is to tell at ``now_ns``; time only goes forward."""
        for name, reader in self._words.items():
            self._pending += [(int(record["stamp_ns"]), name, m.get_text(record)) for record in reader.since()]
        self._pending.sort(key=lambda row: row[0])
        while self._pending and self._pending[0][0] <= now_ns:
            _, name, text = self._pending.pop(0)
            self._take(name, text)
        return Moment(
            picture=self._picture(now_ns), marks=self._marks(now_ns), heard=self._heard, said=self._said,
            plan=self._plan, language=self._language,
        )  # fmt: skip

    def _take(self, name: str, text: str) -> None:
        if name in _HEARD:
            self._heard, self._said, self._plan, self._language = text, "", None, language_of(text)
        elif name == "say":
            self._said = text
        else:
            try:
                self._plan = read_plan(text)
            except PlanError:
                self._plan = None  # the page says what is wrong with it; a film shows plans alone

    def _picture(self, now_ns: int) -> NDArray[np.uint8] | None:
        record = self._camera.latest() if self._camera else None
        return None if record is None or self._is_old(record, now_ns) else record["rgb"]

    def _is_old(self, record: Record, now_ns: int) -> bool:
        return now_ns - int(record["origin_ns"][self._sensor]) > SHOWN_MAX_S * 1e9

    def _marks(self, now_ns: int) -> tuple[Mark, ...]:
        record = self._objects.latest() if self._objects else None
        if record is None or self._is_old(record, now_ns):
            return ()
        about = self._plan.about if self._plan else frozenset[int]()
        rows = zip(read_things(record), record["box"].tolist(), strict=False)  # there is room for more than there are
        return tuple(
            Mark(name=name_of(thing.colour, thing.shape, self._language), box=tuple(box), is_about=thing.id in about)
            for thing, box in rows if np.isfinite(box[0])
        )  # fmt: skip
