"""Where one request ends and the next begins: "pick up the can, then wave", "빨간 캔 집어서 상자 옆에 놔"."""

import re

_THEN = (r"and|then|next|finally|last(?:ly)?|after (?:that|this)|afterwards|so|as soon as (?:that'?s|you'?re) done"
         r"|once that'?s done|when (?:you're|that's) done")  # fmt: skip
_NEXT = r"(?:그리고|그다음에?|그 다음에?|그런 ?다음에?|그러고 ?나서|마지막으로|끝으로|이어서)"
_BETWEEN = re.compile(
    rf"\s*[.;:!?]+\s*|\s*,\s*(?:(?:{_THEN})\b,?\s*)*"
    r"|\s+(?:and then|and after that|after that|and finally|then|and|before)\s+"
    rf"|\s+(?={_NEXT}\s)"
)
_COUNTED = re.compile(
    r"(?:^|(?<=[.,;:!?]))\s*"
    r"(?:(?:one|two|three|four|second(?:ly)?|third(?:ly)?|\d|첫째|둘째|셋째|넷째|(?:첫|두|세|네) ?번째)\s*[,:.)](?!\d)"
    r"|(?:two|three|four|\d) (?:steps|things|jobs|tasks)(?: for you)?\s*[:,.])"
)
"""What tells one request from the next and asks for nothing: "one, …; two, …", "three things: …"."""
_DONE = (rf"(?:{_NEXT}|그 ?[후뒤]에?|다 "
         r"(?:하고|놓고|끝나고|끝내고|됐으면|되면|했으면|하면|놓으면|끝나면|끝내면)(?: ?(?:나서|나면))?)")  # fmt: skip
"""What a Korean sentence may begin with when another came before."""
_STEM = r"(?:집|들|잡|주|쥐|가져|갖|놓|놔|두|둬|넣|담|올|옮|내려|챙|꺼내|세우|세워|건네|치우|치워|해|하|다)"
_ENDING = re.compile(
    rf"{_STEM}[가-힣]*?(?:고|고서|어서|아서|여서|와서|워서|려서|내서|겨서|서|다가|어다|아다|어다가)$|(?<!에)다가$"
)
_PAST = re.compile(r"(?:은|든|으신|하신|주신|드신|운|쥔|놓은|놔둔|둔|넣은|담은|옮긴|올린|내린|한)$")
_KEEPS_ON = re.compile(r"^(?:있|와|오|올|가|갈|싶|계|줘|주|줄|봐|보)")
"""After -고 or -서 of one verb: "들고 있어", "들고 와", "집어다 줘" are one request."""
_FETCHED = re.compile(r"(?:어|아|져|갖|저)다(?:가)?$")
_PUT_ON = re.compile(r"^(?:놓|놔|두|둬|둘|둔|넣|담|올|얹|세|줘|주|줄)")
"""After -다 of a verb: "집어다 놓고" is one request."""
_FIRST = rf"^(?:(?:{_THEN}|first(?:ly| of all)?|to start(?: with)?|now)\b[,:]?\s*)+"
"""What an English request may begin with."""
_AFTER = re.compile(r"^(?:나서|난|나면|다음|다음에|뒤|뒤에|뒤엔|후|후에|다음엔)$")


def clauses(text: str) -> list[str]:
    """Return the requests in an utterance, in order; empty ones are left out.

    Args:
        text: Lower case, NFC.
    """
    pieces = [re.sub(_FIRST, "", piece) for piece in _BETWEEN.split(_COUNTED.sub(" ", text))]
    parts = [part for piece in pieces if piece.strip() for part in _korean(piece)]
    return [part for part in (re.sub(rf"^{_DONE}\s*", "", p.strip()) for p in parts) if part]


def _korean(piece: str) -> list[str]:
    """Split at verb endings that go on to another verb."""
    words, done, now = piece.split(), list[str](), list[str]()
    for k, word in enumerate(words):
        if _AFTER.match(word) and not now:
            continue
        now.append(word)
        after = words[k + 1] if k + 1 < len(words) else ""
        goes_on = _KEEPS_ON.match(after) or (_FETCHED.search(word) and _PUT_ON.match(after))
        ends = bool(_ENDING.search(word)) and not goes_on
        if (ends or (_PAST.search(word) and _AFTER.match(after))) and after:
            done, now = [*done, " ".join(now)], []
    return [*done, " ".join(now)]
