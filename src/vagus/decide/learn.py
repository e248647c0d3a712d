"""Learns ``vagus.decide.intents`` from ``examples.txt`` and writes the file that ships.

Run ``python -m vagus.decide.learn`` after the examples have changed; ``--check`` says how well whole patterns that were
left out are understood.
"""

import argparse
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from vagus.decide.intents import FILE, Array, Classifier, embedded, features

_PER_LINE = 14
"""At most so many sentences are made of one pattern: no pattern outweighs the others."""
_RIDGE = 0.2
"""Weight of the penalty, beside sentences of unit length [-]."""
_OF_LETTERS = 0.3
"""How much letters and words count beside the embedding [-]."""
_FOLDS = 5


def learn(examples: Mapping[str, Sequence[str]]) -> Classifier:
    """Return least squares with a ridge penalty on one target per intent, from sentences by intent.

    The dual form (Saunders et al., "Ridge regression learning algorithm in dual variables", 1998): sentences are fewer
    than features. Intents count alike, however many examples they have.
    """
    intents = tuple(examples)
    rows = [(k, features(text)) for k, intent in enumerate(intents) for text in examples[intent]]
    counted = Counter(name for _, found in rows for name in found)
    names = sorted(name for name, n in counted.items() if n > 1)
    column = {name: k for k, name in enumerate(names)}
    idf = np.log(len(rows) / np.array([counted[name] for name in names]))
    labels = np.array([k for k, _ in rows])
    weights = np.sqrt(len(rows) / (len(intents) * np.bincount(labels, minlength=len(intents))[labels]))[:, None]
    X = sparse.csr_array(_matrix([found for _, found in rows], column, idf).multiply(weights))
    E = weights * embedded([text for texts in examples.values() for text in texts])
    K = _OF_LETTERS * (X @ X.T).toarray() + E @ E.T + _RIDGE * np.eye(len(rows))
    alpha = np.linalg.solve(K, weights * np.eye(len(intents))[labels])
    return Classifier(intents, column, idf, _OF_LETTERS * (X.T @ alpha), E.T @ alpha)


def _matrix(rows: list[dict[str, float]], column: Mapping[str, int], idf: Array) -> sparse.csr_array:
    """Return tf-idf features of unit length, shape (n, n_features)."""
    data, columns, starts = list[float](), list[int](), [0]
    for found in rows:
        places = [column[name] for name in found if name in column]
        values = np.array([weight for name, weight in found.items() if name in column]) * idf[places]
        data += (values / max(1e-9, float(np.linalg.norm(values)))).tolist()
        columns += places
        starts.append(len(columns))
    return sparse.csr_array((data, columns, starts), shape=(len(rows), len(column)))


def sentences(pattern: str) -> Iterator[str]:
    """Yield the sentences that one pattern stands for, at most ``_PER_LINE``, evenly taken."""
    parts = [part.split("|") for part in re.split(r"\(([^()]*)\)", pattern)]
    whole = list(dict.fromkeys(" ".join("".join(choice).split()) for choice in itertools.product(*parts)))
    order = np.random.default_rng(0).permutation(len(whole))
    yield from (whole[k] for k in order[:_PER_LINE])


def patterns() -> Iterator[tuple[str, str]]:
    """Yield (intent, pattern) of the file of examples."""
    intent = ""
    for line in (Path(__file__).parent / "examples.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            intent = line.strip("[]")
        elif line and not line.startswith("#"):
            yield intent, line


def of(lines: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return sentences by intent."""
    made: dict[str, list[str]] = defaultdict(list)
    for intent, line in lines:
        made[intent] += sentences(line)
    return made


def left_out() -> dict[str, tuple[int, int]]:
    """Learn without a fifth of the patterns, five times; return (right, asked) by intent, one sentence of each."""
    lines = list(patterns())
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for fold in range(_FOLDS):
        learnt = learn(of(line for k, line in enumerate(lines) if k % _FOLDS != fold))
        for intent, line in lines[fold::_FOLDS]:
            text = next(sentences(line))
            tally[intent][0] += learnt.guess(text).intent == intent
            tally[intent][1] += 1
    return {intent: (right, n) for intent, (right, n) in tally.items()}


def main() -> None:
    """Learn and write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; leave patterns out and ask about them")
    if parser.parse_args().check:
        tally = left_out()
        for intent, (right, n) in tally.items():
            print(f"{intent:16}{right / n:6.3f} of {n}")
        print(f"{'all':16}{sum(r for r, _ in tally.values()) / sum(n for _, n in tally.values()):6.3f}")
        return
    learnt = learn(of(patterns()))
    scale = float(np.abs(learnt.W).max()) / 127.0
    kept = np.rint(learnt.W / scale).astype(np.int8)
    used = np.flatnonzero(np.any(kept != 0, axis=1))
    names = "\n".join(name for name, k in learnt.column.items() if k in set(used.tolist()))
    np.savez_compressed(
        Path(__file__).parent / FILE, intents=np.array(learnt.intents), names=np.frombuffer(names.encode(), np.uint8),
        idf=learnt.idf[used].astype(np.float32), W=kept[used], scale=np.array(scale),
        V=learnt.V.astype(np.float16),
    )  # fmt: skip


if __name__ == "__main__":
    main()
