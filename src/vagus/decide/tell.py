"""What a plan is in words, said before it is done: "I will pick up the red can and put it next to the blue box"."""

from vagus.decide.ground import Scene, name_of
from vagus.decide.plan import Call, Language, Plan

_STEPS: dict[str, tuple[str, str]] = {
    "pick": ("{thing} 집기", "pick up the {thing}"),
    "put_down": ("내려놓기", "put it down"),
    "put_back": ("제자리에 놓기", "put it back where it was"),
    "clear": ("치우기", "clear it away"),
    "hand_over": ("건네주기", "hand it over"),
    "place next_to": ("{target} 옆에 놓기", "put it next to the {target}"),
    "place in": ("{target} 안에 넣기", "put it into the {target}"),
    "place on": ("{target} 위에 놓기", "put it on the {target}"),
    "look_around": ("둘러보기", "look around"),
    "wave": ("손 흔들기", "wave"),
    "nod": ("고개 끄덕이기", "nod"),
    "shake": ("고개 젓기", "shake my head"),
    "express": ("표정 짓기", "show how I feel about it"),
    "say": ("말하기", "speak"),
    "look": ("쳐다보기", "look"),
    "watch": ("지켜보기", "watch you"),
    "watch thing": ("{thing} 지켜보기", "watch the {thing}"),
    "point": ("가리키기", "point"),
    "drive": ("이동하기", "drive"),
    "go_home": ("기본 자세로 돌아가기", "go home"),
    "stop": ("멈추기", "stop"),
}
"""Skill → a step in words, Korean and English."""


def step(call: Call, scene: Scene, language: Language) -> str:
    """Return one step in words."""
    key = f"{call.name} {call.args['where']}" if call.name == "place" else call.name
    key = "watch thing" if key == "watch" and "thing" in call.args else key
    ko, en = _STEPS.get(key, (call.name, call.name))
    return (ko if language == "ko" else en).format(**_names(call, scene, language))


def things_of(call: Call) -> list[int]:
    """Return the numbers of the things that a step is about."""
    return [int(call.args[name]) for name in ("thing", "target") if name in call.args]


def whole(plan: Plan, scene: Scene) -> str:
    """Return a plan in one sentence."""
    steps = [step(call, scene, plan.language) for call in plan.calls]
    if plan.language == "ko":
        return f"할 일: {', '.join(steps)}."
    listed = steps[0] if len(steps) == 1 else f"{', '.join(steps[:-1])} and {steps[-1]}"
    return f"I will {listed}."


def _names(call: Call, scene: Scene, language: Language) -> dict[str, str]:
    found = {name: scene.thing(float(call.args[name])) for name in ("thing", "target") if name in call.args}
    return {
        name: name_of("", "", language) if thing is None else name_of(thing.colour, thing.shape, language)
        for name, thing in found.items()
    }
