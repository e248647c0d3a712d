"""The built-in parser: what an utterance in Korean or English asks for, by grammar first, then by what it is like.

``vagus.decide.phrases`` reads what it knows word by word: stops, motions with amounts, gestures. What it cannot read is
split into clauses; what is done in each, the classifier says, with which things, the grammar of names. A clause that is
like nothing known makes the whole utterance not understood: then nothing of it is done. It knows no scene and no talk:
``vagus.decide.ground`` and ``vagus.decide.talk`` put these in.
"""

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache

from vagus.core.robot import RobotSpec
from vagus.decide import words
from vagus.decide.answer import FEELINGS, harmful, impossible, lacks, language_of, no_anatomy, polite, which_thing
from vagus.decide.clauses import clauses
from vagus.decide.intents import Guess, classifier
from vagus.decide.mentions import MASK, Mention, masked, mentions
from vagus.decide.phrases import LENGTH_MAX, understand, watching
from vagus.decide.plan import Call, Language, Plan, Ref

_SURE, _AHEAD = 0.40, 0.08
"""A guess counts from this score on, and so far ahead of the next [-]."""
_SURE_OF_HARM = 0.30
"""It refuses on less than it acts on."""
_SURE_WITH_THING = 0.25
"""A request for the hands that names a thing counts from here on: so much less else is said with a thing."""
_WITH_THING = {"pick", "place", "put_down", "put_back", "clear", "hand_over"}
_ELSE = {"wave", "nod", "watch", "impossible"}
"""What is asked for beside a request for the hands, and must not be lost with it."""
_FOLLOWS = {"correct", "also", "choose"}
_ABOUT_ALL = {"see", "greet", "thanks", "harmful", "impossible", *(f"feel_{name}" for name in FEELINGS)}
"""What a whole utterance says, however many sentences it has."""
_WHERE = re.compile(r"\b(?:next to|beside|near|close to|alongside|by|in|into|inside|on|onto|on top of|goes?|right)\b"
                    r"|(?:바로 )?(?:옆|곁|안|속|위)(?:쪽)?(?:에다가|에다|으로|에|로)?")  # fmt: skip
"""How one name stands to another, and no more."""
_BESIDE = re.compile(r"side by side|next to each other|together|나란히")
_GETS_IN = re.compile(r"\b(?:get|have|want)\b.*\bin(?:to|side)?\b|\binto\b")
"""Not "take the ball in the bowl", which is there."""
_BESIDE_IT = re.compile(r"\b(?:beside|alongside)(?! (?:me|you|us|him|her|them)\b)|(?<![내네제] )(?:옆|곁)에")
_MOVES_TO = re.compile(r"\b(?:into|onto)\b|(?:옆|곁|안|속|위)(?:쪽)?(?:으로|로|에다)")
"""Where it shall go; "the cup beside the box", "상자 옆에 있는 컵" is there."""
_TAKES = re.compile(r"\b(?:take|pick|grab|get|lift|fetch|grasp|hold)\b|집어|집으|잡아|잡으|들어|들으|주워")
"""What picks something up, not only out."""
_ALL = re.compile(
    r"\b(?:table|desk|top|tabletop|counter|surface|everything|all|lot|stuff|things|mess|room|space|here|up)\b"
    r"|탁자|테이블|책상|식탁|(?<![가-힣])상(?= |을|이|$)|(?<![가-힣])다(?= )|전부|모두|싹|몽땅|여기|자리|공간"
)
"""Words for all that stands before it."""
_BUT = re.compile(
    r"\b(?:except|but|leave|keep|apart from|other than|without)\b|빼고|말고|제외|남기|남겨|놔두|두고|외에"
)
"""Clear all but what is named: it knows no such plan."""
_ELSEWHERE = re.compile(r"\b(?:shel(?:f|ves)|bookcase|rack)\b|선반|책장")
"""What it cannot tell from other boards."""
_SURFACE = re.compile(r"\b(?:table|shelf|desk|floor|down|anywhere|somewhere)\b|탁자|테이블|선반|책상|아무 ?데|아무 ?곳")


def ready() -> None:
    """Load what the classifier has learnt, which takes most of a second once per process."""
    classifier()


def parse(text: str, spec: RobotSpec) -> Plan:
    """Return what an utterance asks of this robot. Never raises: any text, however odd, gets calls or an answer."""
    read = understand(text, spec)
    if len(text) > LENGTH_MAX or (read.reason and read.reason != "not_understood"):
        return read
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).casefold().replace("’", "'")).strip()
    plain = re.sub(words.WISHED, "please ", re.sub(words.CALLED, "", plain))
    plain = re.sub(words.TO_US, r"\1 me", plain.replace("gimme", "give me"))
    if read.calls:
        is_asked = [call.name for call in read.calls] == ["say"] and _guess(plain)[0].intent == "see"
        return Plan(language=read.language, kind="see") if is_asked else read
    plan = _whole(plain, spec) or _parts(plain, spec)
    if plan is None or (plan.reason in ("not_understood", "ambiguous") and len(plain.split()) > 1):
        plan = _one(plain) or _bare(plain) or plan or read
    if plan.reason in ("not_understood", "ambiguous"):
        own = [m.ref for m in _own(mentions(plain))]
        return replace(plan, ref=own[0] if len(own) == 1 else None)
    part = next((part for call in plan.calls if (part := lacks(spec, call.name)) and not call.together), None)
    if part is not None:
        return Plan(language=plan.language, answer=no_anatomy(plan.language, part), reason="cannot")
    return plan


@lru_cache(maxsize=16)  # an utterance of one clause is asked about as a whole, as a clause, and as one request
def _guess(clause: str) -> tuple[Guess, list[Mention]]:
    named = mentions(clause)
    return classifier().guess(masked(clause, named)), named


def _is_sure(guess: Guess) -> bool:
    return guess.score >= _SURE and guess.margin >= _AHEAD


def _is_denied(clause: str) -> bool:
    """Say whether a clause tells it not to do something."""
    return bool(re.search(words.NEGATION, re.sub(words.INVITES, " ", clause)))


def _whole(plain: str, spec: RobotSpec) -> Plan | None:
    """Read what is said with the utterance as a whole: a feeling, a question, a follow-up, something not to be done."""
    language = language_of(plain)
    guess, named = _guess(plain)
    if guess.intent == "harmful" and guess.score >= _SURE_OF_HARM:
        return Plan(language=language, answer=harmful(language), reason="harmful")
    own = _own(named)
    if len(own) == 1 and not own[0].relation and re.search(words.INSTEAD, plain) and not _is_denied(plain):
        return _follow("correct", plain, own, language)
    if not _is_sure(guess):
        return None
    if guess.intent in _FOLLOWS:
        return _follow(guess.intent, plain, named, language)
    is_aside = guess.intent == "see" or guess.intent.startswith("feel_")
    if is_aside and any(_is_for_hands(clause) for clause in clauses(plain)[1:]):
        return None  # "I changed my mind, put it back"
    if named and (guess.intent in ("greet", "thanks") or (is_aside and len(clauses(plain)) > 1)):
        return None  # "the blue one, thanks", "you see the red cup? take it", "it looks lonely, put the box beside it"
    return _said(guess.intent, spec, language) if guess.intent in _ABOUT_ALL else None


def _is_for_hands(clause: str) -> bool:
    """Say whether a clause surely asks for something to be done with the hands."""
    guess, _ = _guess(clause)
    return guess.intent in _WITH_THING and _is_sure(guess)


def _own(named: list[Mention]) -> list[Mention]:
    """Return what is named by more than "it"."""
    return [m for m in named if m.ref.which != "it"]


def _bare(plain: str) -> Plan | None:
    """Read two names without a verb, the second with where it is: "the ball, into the bowl", "공, 그릇 안에"."""
    named = mentions(plain)
    if len(named) != 2 or named[0].relation or not named[1].relation:
        return None
    if not _is_courtesy(re.sub(_WHERE, " ", masked(plain, named).replace(MASK, " "))):
        return None
    made = _place(plain, named, named[0].ref, named[1])
    return Plan(language=language_of(plain), calls=tuple(made)) if made else None


def _one(plain: str) -> Plan | None:
    """Read an utterance of several clauses as one request with all that is named in it.

    What it is told not to do before that ("I don't need it any more, put it back") is left out.
    """
    parts = clauses(plain)
    if _is_denied(plain):
        parts = [part for k, part in enumerate(parts) if not (_is_denied(part) and _is_aside(part, parts[k + 1 :]))]
        plain = ", ".join(parts)
    guess, named = _guess(plain)
    sure = [one for one, _ in map(_guess, parts) if _is_sure(one)]
    is_agreed = guess.score >= _SURE_WITH_THING and any(one.intent == guess.intent for one in sure)
    if guess.intent not in _WITH_THING or not (is_agreed or _is_sure(guess)) or _is_denied(plain):
        return None
    if any(one.intent in _ELSE for one in sure):
        return None  # it asks for more than that
    made = _calls(guess.intent, plain, _own(named) or named, [])
    return Plan(language=language_of(plain), calls=tuple(made)) if made else None


def _is_aside(denied: str, later: list[str]) -> bool:
    """Say whether what it is told not to do is no more than a remark, or followed by what it shall do instead."""
    guess, _ = _guess(denied)
    return any(map(_is_for_hands, later)) or (guess.intent == "other" and guess.score >= _SURE_OF_HARM)


def _follow(intent: str, plain: str, named: list[Mention], language: Language) -> Plan | None:
    """Make a follow-up of what is named: in "not that, the blue one" the blue one.

    "Take the cup" may answer "which one?"; where nothing was asked it is a request.
    """
    about = _own(named)
    own = [m.ref for m in about]
    if not own:
        return None
    if intent in ("correct", "also"):
        return Plan(language=language, kind="correct" if intent == "correct" else "also", ref=own[-1])
    is_one = len(own) == 1 and own[0].shape != "any" and not about[0].relation
    is_whole = is_one and not _is_denied(plain) and _TAKES.search(plain)
    calls = (Call(name="pick", refs={"thing": own[-1]}),) if is_whole else ()
    return Plan(language=language, kind="choose", calls=calls, ref=own[-1])


def _said(intent: str, spec: RobotSpec, language: Language) -> Plan:
    """Answer what needs no thing."""
    if intent == "see":
        return Plan(language=language, kind="see")
    if intent == "harmful":
        return Plan(language=language, answer=harmful(language), reason="harmful")
    if intent == "impossible":
        return Plan(language=language, answer=impossible(spec, language), reason="impossible")
    if intent in ("greet", "thanks"):
        return Plan(language=language, answer=polite(intent, language), reason="told")
    shown, reply = FEELINGS[intent.removeprefix("feel_")]
    say = Call(name="say", args={"text": reply[0 if language == "ko" else 1]})
    if lacks(spec, "express"):
        return Plan(language=language, calls=(say,))
    return Plan(language=language, calls=(say, Call(name="express", args={"emotion": shown}, together=True)))


def _parts(plain: str, spec: RobotSpec) -> Plan | None:
    """Read an utterance clause by clause; None if there is nothing in it."""
    language = language_of(plain)
    calls: list[Call] = []
    topic: _Topic | None = None
    for clause in clauses(plain):
        before = topic
        found, topic = _clause(clause, spec, language, calls, topic)
        if isinstance(found, Plan):
            return found
        if topic is not None and topic != before and calls and _is_of_it(calls[-1]) and _is_name(clause):
            calls[-1] = replace(calls[-1], refs={**calls[-1].refs, "thing": topic[0]})  # "give it to me, the can"
        for call in found:
            _add(calls, call)
    return Plan(language=language, calls=tuple(calls)) if calls else None


def _is_name(clause: str) -> bool:
    """Say whether a clause is a name and no more."""
    _, named = _guess(clause)
    return len(named) == 1 and _is_courtesy(masked(clause, named).replace(MASK, " "))


def _is_courtesy(text: str) -> bool:
    return bool(re.fullmatch(words.COURTESY, text.strip()))


def _is_of_it(call: Call) -> bool:
    thing = call.refs.get("thing")
    return thing is not None and thing.which == "it"


def _add(calls: list[Call], call: Call) -> None:
    """Add a call; what it says more plainly, or does otherwise with the same thing, is left out.

    "I'm thirsty, give me the can", "there is a can on the table, bring it", "fetch the can and put it there".
    """
    if calls and call != calls[-1]:
        last, thing = calls[-1].refs.get("thing"), call.refs.get("thing")
        is_same = thing is not None and (thing == last or thing.which == "it")
        if is_same and calls[-1].name == "place" and call.name == "put_down":
            return  # "the ball belongs in the bowl, put it there"
        is_vague = last is not None and last.which == "it" and call.name == calls[-1].name
        if is_vague or (
            is_same and calls[-1].name in ("hand_over", "put_down") and call.name in ("place", "hand_over")
        ):
            before = calls.pop()
            if is_same and thing is not None and thing.which == "it":
                call = replace(call, refs={**call.refs, "thing": before.refs["thing"]})
    is_said = bool(calls) and call.name == calls[-1].name == "wave" and not call.args  # "say hello and wave"
    if call not in calls[-1:] and not is_said:
        calls.append(call)


_Topic = tuple[Ref, Ref]
"""What the talk is about, and what was named last: "bring the cup over to the box and put it (the cup) beside it"."""


def _clause(clause: str, spec: RobotSpec, language: Language, before: list[Call], topic: _Topic | None
            ) -> tuple[list[Call] | Plan, _Topic | None]:  # fmt: skip
    """Return the calls of one clause, or a plan that ends it all; and the things the talk is about now.

    "You see the red cup?" and "the red cup" alone name a thing for what follows; a remark that denies and demands
    nothing is passed over.
    """
    if _is_courtesy(clause):
        return [], topic
    read = understand(clause, spec)
    if read.calls:
        return list(read.calls), topic
    guess, named = _guess(clause)
    if guess.intent == "harmful" and guess.score >= _SURE_OF_HARM:
        return _said("harmful", spec, language), topic
    own = _own(named)
    about = (own[0].ref, own[-1].ref) if own else topic
    if len(own) == 1 and re.search(words.SHOWN_THERE, clause) and not _is_for_hands(clause):
        return [], about
    is_denied = _is_denied(clause)
    is_request = guess.intent in _WITH_THING and named and guess.score >= _SURE_WITH_THING
    if not is_denied and (is_request or (_is_sure(guess) and guess.intent not in ("other", *_FOLLOWS))):
        if guess.intent == "impossible":
            return _said("impossible", spec, language), topic
        if guess.intent in _ABOUT_ALL:
            is_passed_over = bool(own) or guess.intent in ("greet", "thanks")
            return [] if is_passed_over else _said(guess.intent, spec, language), about
        if topic is not None:
            named = [replace(m, ref=topic[bool(m.relation)]) if m.ref.which == "it" else m for m in named]
        made = _calls(guess.intent, clause, named, before, topic)
        if made is None:
            return Plan(language=language, answer=which_thing(language), reason="ambiguous"), topic
        return made or read, about
    is_bare = _is_courtesy(masked(clause, named).replace(MASK, ""))
    is_name = len(own) == 1 and (is_bare or guess.intent in ("other", "choose", "see"))
    is_remark = guess.intent == "other" and guess.score >= _SURE_OF_HARM
    if (is_name or is_remark) and not is_denied and not re.search(words.CONDITION, clause):
        return [], about
    if guess.intent in _FOLLOWS and before and own:
        return [replace(before[-1], refs={**before[-1].refs, "thing": own[-1].ref})], (own[-1].ref, own[-1].ref)
    return read, topic


def _calls(intent: str, clause: str, named: list[Mention], before: list[Call], topic: _Topic | None = None
           ) -> list[Call] | None:  # fmt: skip
    """Return what an intent and the things that are named with it ask for; nothing of others; None if a thing lacks."""
    it = topic[0] if topic else Ref(which="it")
    subject = next((m.ref for m in named if not m.relation), None)
    target = next((m for m in named if m.relation), None)
    if intent in ("wave", "nod"):
        return [] if subject or target else [Call(name=intent)]
    if intent == "watch":
        seen = subject or (target.ref if target else None)
        return [replace(call, refs={} if seen is None else {"thing": seen}) for call in watching(clause)]
    if intent in ("pick", "put_down") and target is not None and (intent == "put_down" or _GETS_IN.search(clause)):
        intent = "place"
    if intent == "clear" and target is not None and _MOVES_TO.search(clause):
        intent = "place"
    if intent == "put_down" and re.search(words.BACK, clause):
        intent = "put_back"
    if intent == "clear" and _BUT.search(clause):
        return None
    if intent == "clear" and not named:
        is_all = _ALL.search(clause) and not _ELSEWHERE.search(clause)
        return [Call(name="clear", refs={"thing": Ref(which="all")})] if is_all else None
    if intent in ("put_down", "put_back", "clear", "hand_over"):
        return [Call(name=intent, refs={"thing": subject or it})]
    if intent == "place":
        if target is None and subject is not None and topic is not None and _BESIDE_IT.search(clause):
            target = Mention(topic[1], "next_to", 0, 0)  # "the cup looks lonely, put the box beside"
        return _place(clause, named, subject or (topic and topic[0]), target)
    if intent == "pick":
        subject = subject or (target.ref if target is not None else None)  # "get a grip on the box"
        is_same = subject is not None and subject.which == "it" and before and before[-1].name == "pick"
        return None if subject is None else [] if is_same else [Call(name="pick", refs={"thing": subject})]
    return []


def _place(clause: str, named: list[Mention], subject: Ref | None, target: Mention | None) -> list[Call] | None:
    """Put something next to, in or on something else, or anywhere on a table."""
    if target is None and len(named) > 1:  # "put the can and the box side by side", "fill the bowl with the ball"
        bowls = [] if _BESIDE.search(clause) else [k for k, m in enumerate(named) if m.ref.shape == "bowl"]
        k = bowls[0] if bowls else 1
        target = replace(named[k], relation="in" if bowls else "next_to")
        subject = named[1 - k if k < 2 else 0].ref
    if target is not None and target.ref == subject and target.ref.which != "other":
        return None  # beside itself
    if target is None:
        is_anywhere = bool(_SURFACE.search(clause))
        return [Call(name="put_down", refs={"thing": subject or Ref(which="it")})] if is_anywhere else None
    where = "in" if target.ref.shape == "bowl" and target.relation == "on" else target.relation
    refs = {"thing": subject or Ref(which="it"), "target": target.ref}
    return [Call(name="place", args={"where": where}, refs=refs)]
