"""Requests for planners: what is said, in which scene, and the calls that do what is asked (none: it asks or declines).

An expected argument is compared, others are free; a tuple of values means that any of them will do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vagus.core.things import Support, Thing

Value = float | str | tuple[float | str, ...]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One call."""

    name: str
    args: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request and what it comes to."""

    words: str
    language: Literal["ko", "en"]
    scene: str
    """A key of ``SCENES``."""
    calls: tuple[Expected, ...]
    may_give: bool = False
    """Handing over what was picked up is what is asked, too, for a robot that has the skill."""


_GIVEN = ("hand_over", {})


def _thing(number: int, colour: str, shape: str, x: float, y: float, foot: float) -> Thing:
    """Return a thing that stands at x, y before the robot, on a board ``foot`` high [m]."""
    tall = {"bottle": 0.2, "cup": 0.09, "box": 0.12, "ball": 0.07, "can": 0.12, "bowl": 0.06}[shape]
    centre = np.array([x, y, foot + tall / 2])
    return Thing(id=number, shape=shape, colour=colour, centre=centre, yaw=0.0, size=(0.07, 0.07, tall), sigma=0.003,
                 seen_ns=0)  # fmt: skip


def _board(x: float, height: float) -> Support:
    corners = np.array([[x - 0.3, -0.8], [x + 0.3, -0.8], [x + 0.3, 0.8], [x - 0.3, 0.8]])
    return Support(corners=corners, height=height)


TABLE, SHELF = _board(0.7, 0.72), _board(1.6, 1.05)
SCENES: dict[str, tuple[tuple[Thing, ...], tuple[Support, ...]]] = {
    "nothing": ((), ()),
    "plain": (
        (_thing(3, "red", "cup", 0.6, 0.3, 0.72), _thing(4, "green", "ball", 0.6, -0.02, 0.72),
         _thing(7, "blue", "box", 0.65, -0.35, 0.72), _thing(9, "orange", "can", 1.5, -0.5, 1.05)),
        (TABLE, SHELF),
    ),
    "two cups": (
        (_thing(2, "red", "cup", 0.6, 0.35, 0.72), _thing(5, "white", "cup", 0.6, -0.3, 0.72),
         _thing(6, "yellow", "bottle", 0.65, 0.0, 0.72), _thing(11, "black", "bowl", 1.55, 0.6, 1.05)),
        (TABLE, SHELF),
    ),
}  # fmt: skip


def _row(language: Literal["ko", "en"], scene: str, words: str, *calls: Expected, may_give: bool = False) -> Request:
    return Request(words=words, language=language, scene=scene, calls=calls, may_give=may_give)


def _c(name: str, **args: Value) -> Expected:
    return Expected(name=name, args=args)


_HALF_TURN = (180.0, -180.0)
REQUESTS: tuple[Request, ...] = (
    _row("en", "plain", "pick up the red cup", _c("pick", thing=3)),
    _row("en", "plain", "Could you hand me that green ball?", _c("pick", thing=4), may_give=True),
    _row("en", "plain", "I need the can, get it for me please", _c("pick", thing=9), may_give=True),
    _row("en", "plain", "take whatever is blue", _c("pick", thing=7)),
    _row("en", "two cups", "fetch the bottle, would you", _c("pick", thing=6), may_give=True),
    _row("en", "two cups", "grab the cup that is white", _c("pick", thing=5)),
    _row("en", "two cups", "lift the bowl that stands on the shelf", _c("pick", thing=11)),
    _row("en", "two cups", "bring me the cup"),
    _row("en", "plain", "pick up the purple bottle"),
    _row("en", "nothing", "can you take the red cup?"),
    _row("en", "plain", "show me how sad you are", _c("express", emotion="sad")),
    _row("en", "plain", "give us a nice big smile and wave to everybody", _c("express", emotion="happy"), _c("wave")),
    _row("en", "nothing", "greet my friend by raising your right arm and waving it", _c("wave", arm="right")),
    _row("en", "nothing", "back off by one metre", _c("drive", distance_m=-1.0)),
    _row("en", "nothing", "spin ninety degrees to your left", _c("drive", turn_deg=90.0)),
    _row("en", "nothing", "go ahead two metres, then face the other way", _c("drive", distance_m=2.0),
         _c("drive", turn_deg=_HALF_TURN)),
    _row("en", "nothing", "if you agree with me, nod", _c("nod")),
    _row("en", "plain", "have a look at the ceiling", _c("look", direction="up")),
    _row("en", "nothing", "see what else there is in this room", _c("look_around")),
    _row("en", "plain", "go back to your starting posture now", _c("go_home")),
    _row("en", "plain", "make me a sandwich"),
    _row("en", "nothing", "what is the capital of France?"),
    _row("ko", "plain", "빨간 컵 집어 줘", _c("pick", thing=3)),
    _row("ko", "plain", "초록색 공 나한테 가져다줄래?", _c("pick", thing=4), may_give=True),
    _row("ko", "plain", "거기 캔 좀 들어 봐", _c("pick", thing=9)),
    _row("ko", "plain", "파란 걸로 하나 집어 주겠니", _c("pick", thing=7)),
    _row("ko", "two cups", "노란 병이 필요해, 집어 줘", _c("pick", thing=6), may_give=True),
    _row("ko", "two cups", "하얀 컵으로 부탁할게", _c("pick", thing=5)),
    _row("ko", "two cups", "선반 위에 있는 그릇 들어 줄 수 있어?", _c("pick", thing=11)),
    _row("ko", "two cups", "컵 좀 가져와"),
    _row("ko", "plain", "보라색 병 집어"),
    _row("ko", "nothing", "빨간 컵 좀 들어 볼래?"),
    _row("ko", "plain", "깜짝 놀란 척해 봐", _c("express", emotion="surprised")),
    _row("ko", "plain", "활짝 웃으면서 손님들한테 손 흔들어", _c("express", emotion="happy"), _c("wave")),
    _row("ko", "nothing", "왼손을 들어서 흔들어 봐", _c("wave", arm="left")),
    _row("ko", "nothing", "뒤쪽으로 일 미터만 빠져", _c("drive", distance_m=-1.0)),
    _row("ko", "nothing", "오른쪽으로 구십 도 돌아 줄래", _c("drive", turn_deg=-90.0)),
    _row("ko", "nothing", "2미터 앞으로 간 다음에 뒤로 돌아", _c("drive", distance_m=2.0),
         _c("drive", turn_deg=_HALF_TURN)),
    _row("ko", "nothing", "내 말이 맞으면 고개를 끄덕여", _c("nod")),
    _row("ko", "plain", "천장 한번 쳐다볼래", _c("look", direction="up")),
    _row("ko", "nothing", "방에 뭐가 더 있는지 둘러봐 줄래?", _c("look_around")),
    _row("ko", "plain", "원래 자세로 돌아가 있어", _c("go_home")),
    _row("ko", "plain", "라면 하나 끓여 줄래"),
    _row("ko", "nothing", "오늘 날씨 어때?"),
)  # fmt: skip


def does(calls: tuple[tuple[str, Mapping[str, float | str]], ...], request: Request) -> bool:
    """Say whether calls, as names and arguments, are those that a request comes to."""
    if request.may_give and calls[-1:] == (_GIVEN,):
        calls = calls[:-1]
    if len(calls) != len(request.calls):
        return False
    return all(
        name == expected.name and all(_is(args.get(key), value) for key, value in expected.args.items())
        for (name, args), expected in zip(calls, request.calls, strict=True)
    )


def _is(got: float | str | None, wanted: Value) -> bool:
    if isinstance(wanted, tuple):
        return any(_is(got, value) for value in wanted)
    if isinstance(got, str) or isinstance(wanted, str) or got is None:
        return got == wanted
    return math.isclose(got, wanted, abs_tol=1e-6)
