"""The talk so far: what was asked last, what is asked back, and what follow-ups make of it.

From a plan whose things are words, a scene and the talk before to a plan whose things are numbers and whose calls are
skills, or to an answer that asks or says why not. "Put X next to Y" takes X into the hand first where it is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vagus.core.things import Thing
from vagus.decide.ground import Scene, absent, fitting, told, which
from vagus.decide.plan import Call, Language, Plan, Ref

_HELD_FIRST = {"place", "put_down", "put_back", "clear", "hand_over"}
"""Skills that are done with what is in the hand."""
_ONE_BOARD_M = 0.05
"""What stands at most so much higher or lower than the nearest thing stands as high [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """What follow-ups refer to."""

    last: Plan | None = None
    """The last plan with things in it, in words."""
    things: tuple[Thing, ...] = ()
    """What its calls were about, in order, as they were seen."""
    asked: tuple[Plan, int, str] | None = None
    """A plan that waits for the answer to "which one?": it, its call's place and the argument that is asked for."""


class _UnclearError(Exception):
    """A reference that is not settled; carries the plan that says so, and what is asked."""

    def __init__(self, answer: Plan, asked: tuple[Plan, int, str] | None = None) -> None:
        super().__init__(answer.answer)
        self.answer, self.asked = answer, asked


def settle(plan: Plan, scene: Scene, talk: Talk) -> tuple[Plan, Talk]:
    """Return a plan with numbers for things, or an answer; and the talk after it."""
    if plan.kind == "see":
        return Plan(language=plan.language, answer=told(scene, plan.language), reason="told"), talk
    meant = _meant(plan, scene, talk)
    if not meant.calls or not any(call.refs for call in meant.calls):
        return meant, (replace(talk, asked=None) if meant.calls else talk)
    try:
        calls, about = _settled(meant, scene, talk)
    except _UnclearError as unclear:
        return unclear.answer, replace(talk, asked=unclear.asked)
    last = talk.last if plan.kind == "also" and talk.last else meant
    return Plan(language=plan.language, calls=tuple(calls)), Talk(last=last, things=tuple(about))


def misses(plan: Plan, scene: Scene, talk: Talk) -> bool:
    """Say whether a look around may help: something that is named is not seen, or what is seen is asked for."""
    settled, _ = settle(plan, scene, talk)
    return plan.kind == "see" or settled.reason == "absent"


def _meant(plan: Plan, scene: Scene, talk: Talk) -> Plan:
    """Return the request that a follow-up stands for."""
    plan = _answering(plan, talk)
    if plan.kind == "choose" and plan.calls and talk.asked is None:
        return Plan(language=plan.language, calls=plan.calls)
    if plan.kind == "do" or plan.ref is None:
        return replace(plan, ref=None)
    if talk.asked is not None and plan.kind in ("choose", "correct"):
        waiting, k, name = talk.asked
        ref = _merged(waiting.calls[k].refs[name], plan.ref)
        calls = [*waiting.calls]
        calls[k] = replace(calls[k], refs={**calls[k].refs, name: ref})
        return replace(waiting, language=plan.language, calls=tuple(calls))
    if talk.last is None or not talk.things:
        is_first = plan.kind == "also" and plan.ref.which == "the" and plan.ref.shape != "any"
        pick = Call(name="pick", refs={"thing": plan.ref})  # "the can, too", where nothing was before
        return Plan(language=plan.language, calls=(pick,)) if is_first else _nothing_before(plan.language)
    return _instead(plan, plan.ref, scene, talk) if plan.kind != "also" else _too(plan, plan.ref, talk)


def _answering(plan: Plan, talk: Talk) -> Plan:
    """Read what names one thing, said after "which cup?", as the answer: "the red will do", "pick the red one"."""
    if talk.asked is None or plan.kind != "do":
        return plan
    if plan.reason == "not_understood" and plan.ref is not None:
        return Plan(language=plan.language, kind="choose", ref=plan.ref)
    if len(plan.calls) != 1:
        return plan
    waiting, k, _ = talk.asked
    ref = plan.calls[0].refs.get("thing")
    is_same = ref is not None and plan.calls[0].name == waiting.calls[k].name and ref.shape == "any"
    return Plan(language=plan.language, kind="choose", ref=ref) if is_same else plan


def _instead(plan: Plan, ref: Ref, scene: Scene, talk: Talk) -> Plan:
    """Do the last request with another thing; what the hand holds for nothing goes back first."""
    if talk.last is None:
        return _nothing_before(plan.language)
    wrong = talk.things[0]
    k = next(k for k, call in enumerate(talk.last.calls) if "thing" in call.refs)
    first = talk.last.calls[k]
    ref = _merged(Ref(shape=wrong.shape, colour=wrong.colour), ref)
    again = [*talk.last.calls]
    again[k] = replace(first, refs={**first.refs, "thing": ref})
    back = [Call(name="put_back", refs={"thing": _exactly(wrong)})] if wrong.id in {t.id for t in scene.held} else []
    return Plan(language=plan.language, calls=(*back, *again))


def _too(plan: Plan, ref: Ref, talk: Talk) -> Plan:
    """Do the last request with one more thing."""
    if talk.last is None:
        return _nothing_before(plan.language)
    first = next(call for call in talk.last.calls if "thing" in call.refs)
    if ref.shape == "any" and ref.colour == "any":
        ref = replace(ref, shape=talk.things[0].shape)
    return Plan(
        language=plan.language, calls=(replace(first, refs={**first.refs, "thing": replace(ref, which="other")}),)
    )


def _merged(before: Ref, new: Ref) -> Ref:
    """Return a reference corrected by what was said anew: "the blue one" keeps the shape, "the box" not the colour."""
    if new.shape != "any":
        return new
    return Ref(shape=before.shape, colour=new.colour if new.colour != "any" else "any", which=new.which)


def _exactly(thing: Thing) -> Ref:
    return Ref(shape=thing.shape, colour=thing.colour)


def _nothing_before(language: Language) -> Plan:
    words = "무엇을 하면 될까요? 그것으로 무엇을 할지 말씀해 주세요." if language == "ko" else (
        "What shall I do with it? Please tell me the whole request.")  # fmt: skip
    return Plan(language=language, answer=words, reason="ambiguous")


def _settled(plan: Plan, scene: Scene, talk: Talk) -> tuple[list[Call], list[Thing]]:
    """Return calls with numbers for things, and what they are about. Raises _UnclearError."""
    calls: list[Call] = []
    about: list[Thing] = []
    in_hand = [thing.id for thing in scene.held]
    for k, call in enumerate(plan.calls):
        if call.refs.get("thing", Ref()).which == "all":
            for thing in _together(plan, k, scene, in_hand):
                _add(calls, call, thing, {}, in_hand)
                about.append(thing)
            continue
        found = {name: _find(plan, k, name, scene, talk, about, in_hand) for name in call.refs}
        thing = found.pop("thing", None)
        if thing is not None and call.name == "hand_over" and calls and calls[-1].name == call.name and thing in about:
            continue  # said twice: "I need the cup, can you give it to me?"
        _add(calls, call, thing, found, in_hand)
        about += [other for other in (thing, *found.values()) if other is not None]
    return calls, about


def _add(calls: list[Call], call: Call, thing: Thing | None, others: Mapping[str, Thing], in_hand: list[int]) -> None:
    """Add a call with numbers for its things, after a pick of the first where that is not in the hand yet."""
    is_taken = call.name == "pick" or (call.name in _HELD_FIRST and thing is not None and thing.id not in in_hand)
    if thing is not None and is_taken:
        calls.append(Call(name="pick", args={"thing": float(thing.id)}, together=call.together))
        in_hand.append(thing.id)
    if call.name != "pick":
        about_it = {} if thing is None else {"thing": float(thing.id)}
        numbers = {name: float(other.id) for name, other in others.items()}
        calls.append(replace(call, args={**call.args, **about_it, **numbers}, refs={}))
    if thing is not None and call.name in _HELD_FIRST and thing.id in in_hand:
        in_hand.remove(thing.id)


def _together(plan: Plan, k: int, scene: Scene, in_hand: list[int]) -> list[Thing]:
    """Return all that stands as high as the nearest thing, nearest first. Raises _UnclearError: there is nothing."""
    ref = plan.calls[k].refs["thing"]
    near = sorted(fitting(ref, scene, in_hand), key=scene.far)
    if not near:
        raise _UnclearError(Plan(language=plan.language, answer=absent(ref, scene, plan.language), reason="absent"))
    return [thing for thing in near if abs(thing.foot - near[0].foot) < _ONE_BOARD_M]


def _find(plan: Plan, k: int, name: str, scene: Scene, talk: Talk, about: Sequence[Thing], in_hand: list[int]) -> Thing:
    """Return the thing that a reference means. Raises _UnclearError."""
    ref, call = plan.calls[k].refs[name], plan.calls[k]
    if ref.which == "it":
        return _it(plan.language, scene, talk, about, in_hand)
    but = [thing.id for thing in about] if name == "target" else []
    if ref.which == "other":
        but += [thing.id for thing in (*talk.things[:1], *scene.held)]
    if name == "thing" and call.name == "pick":
        but += in_hand
    fit = fitting(ref, scene, but)
    if name == "thing" and call.name in _HELD_FIRST and len(fit) > 1:
        fit = [thing for thing in fit if thing.id in in_hand] or fit
    if len(fit) == 1:
        return fit[0]
    if not fit:
        answer = absent(ref, scene, plan.language)
        raise _UnclearError(Plan(language=plan.language, answer=answer, reason="absent"))
    answer = which(fit, scene, plan.language)
    raise _UnclearError(Plan(language=plan.language, answer=answer, reason="ambiguous"), (plan, k, name))


def _it(language: Language, scene: Scene, talk: Talk, about: Sequence[Thing], in_hand: list[int]) -> Thing:
    """Return what "it" is: what was just named, else what is in the hand, else what was talked about last."""
    held = [thing for thing in (*about, *scene.held) if thing.id in in_hand]
    known = [*reversed(held), *reversed(about), *(t for t in talk.things[:1] if scene.thing(t.id) is not None)]
    if known:
        return known[0]
    words = "어떤 물건을 말씀하시나요? 제 손에는 아무것도 없습니다." if language == "ko" else (
        "Which thing do you mean? There is nothing in my hands.")  # fmt: skip
    raise _UnclearError(Plan(language=language, answer=words, reason="ambiguous"))
