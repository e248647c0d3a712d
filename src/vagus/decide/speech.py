"""Finds what the robot is asked to say inside an utterance, and lifts it out so that it is not read as a command."""

import re
import unicodedata
from collections.abc import Callable

_QUOTES = re.compile(r"[\"“”「『]([^\"“”「」『』]+)[\"“”」』]|(?<!\w)['‘]([^'‘’]+)['’](?![a-zA-Z0-9])")
_MARK = "\N{LEFT BLACK LENTICULAR BRACKET}"
_KO_VERB = (
    r"(?:말|얘기|이야기|외치|외쳐|인사|소리)[가-힣]*(?: ?(?:줘|주세요|봐|보세요|달라)[가-힣]*)?"
    r"|해(?: ?(?:줘|주세요|봐))?(?=$|\s)"
)
_EN_VERB = r"\b(?:say|announce|shout|repeat(?: after me)?|tell (?:me|us|them|everyone|him|her))\b[:,]?"


def mark(index: int) -> str:
    """Return the token that stands for the n-th sentence lifted out of an utterance."""
    return f"{_MARK}{index}"


def marked(clause: str) -> int | None:
    """Return which sentence a clause stands for, or None."""
    match = re.search(rf"{_MARK}(\d+)", clause)
    return int(match.group(1)) if match else None


def shown(clause: str, said: list[str]) -> str:
    """Return a clause with its sentences back in place, in quotation marks."""
    return re.sub(rf"{_MARK}(\d+)", lambda m: "".join(f"'{words}'" for words in said[int(m[1]) :][:1]), clause)


def lift(text: str, is_command: Callable[[str], bool]) -> tuple[str, list[str]]:
    """Replace every "say ..." by a token.

    Args:
        text: The utterance as it was written, NFC.
        is_command: Says whether words, as written, are commands by themselves; tells where unquoted speech ends.

    Returns:
        The utterance with ``mark(i)`` for the i-th sentence, and the sentences.
    """
    said: list[str] = []

    def keep(words: str) -> str:
        said.append(words.strip())
        return mark(len(said) - 1)

    text = _QUOTES.sub(lambda m: keep(m.group(1) or m.group(2)), text)
    text = re.sub(rf"({_MARK}\d+) ?(?:(?:이)?라고|하고|이란|란) ?(?:{_KO_VERB})", r"\1", text)
    text = re.sub(rf"{_EN_VERB} ?({_MARK}\d+)", r"\1", text, flags=re.IGNORECASE)
    text = _lift_english(text, keep, is_command)
    return _lift_korean(text, keep, is_command), said


def _lift_english(text: str, keep: Callable[[str], str], is_command: Callable[[str], bool]) -> str:
    """Unquoted speech after "say" runs to the first connective that a command follows, else to the end."""
    match = re.search(rf"{_EN_VERB} (?!{_MARK})(?P<words>.+)$", text, flags=re.IGNORECASE)
    if not match or _MARK in match.group("words"):
        return text
    words = match.group("words")
    for joint in re.finditer(r"[,;.]? (?:and then|then|and) |[,;.] ", words):
        if is_command(words[joint.end() :]):
            return f"{text[: match.start()]}{keep(words[: joint.start()])} then {words[joint.end() :]}"
    return text[: match.start()] + keep(words.rstrip(".!? "))


def _lift_korean(text: str, keep: Callable[[str], str], is_command: Callable[[str], bool]) -> str:
    """Unquoted speech before "라고 말해" begins after the longest run of commands before it."""
    match = re.search(rf"(?P<words>[^{_MARK}]+?)(?P<copula>이)?라고 ?(?:{_KO_VERB})", text)
    if not match:
        return text
    words, before = match.group("words"), ""
    if match.group("copula") and not _ends_in_consonant(words):
        words += "이"  # the 이 belongs to the word: 아이라고
    for joint in reversed(list(re.finditer(r"[,.] |고 (?:나서 )?| 그리고 | 다음에? ", words))):
        if is_command(words[: joint.start()]):
            before, words = words[: joint.end()], words[joint.end() :]
            break
    return f"{text[: match.start()]}{before}{keep(words)}{text[match.end() :]}"


def _ends_in_consonant(word: str) -> bool:
    """Say whether the last Hangul syllable has a final consonant (its decomposition has three letters)."""
    return len(unicodedata.normalize("NFD", word.strip()[-1:])) == 3
