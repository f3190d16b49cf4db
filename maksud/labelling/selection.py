"""Which utterances are worth a label next: those that a recognizer is least sure of, spread over
what is said.

Uncertainty is the margin between its best and its second answer. Spread as in diverse mini-batch
active learning (Zhdanov 2019): k-means, weighted by uncertainty, over the most uncertain
utterances, and of each group one that is uncertain and near the centre. scikit-learn does both, on
TF-IDF of letters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maksud.recognizers.recognition import Recognizer

MARGIN = "margin to the second answer"
"""The evidence of a joint network that is its margin, a log-ratio."""
WIDTH = 8
"""From how many times as many of the most uncertain the batch is spread."""
LEAST = 500
"""The batch is spread over so many, where there are so many."""
DIMENSIONS = 64
"""Of the vectors of utterances, at most."""
BATCH = 64
"""Utterances that a recognizer is asked at once."""


def doubt_of(recognizer: Recognizer, utterances: Sequence[str]) -> NDArray[np.float64]:
    """How unsure a recognizer is of each utterance: 0 sure, 1 torn between two answers.

    A kind that has no margin is asked for its confidence.
    """
    names = list(getattr(recognizer, "features", ()))
    out: list[float] = []
    for k in range(0, len(utterances), BATCH):
        part = utterances[k : k + BATCH]
        if MARGIN in names:
            at = names.index(MARGIN)
            read = [recognizer.contract.read(u).text for u in part]
            for p in recognizer.propose(read):
                out.append(2 / (1 + math.exp(min(50.0, max(0.0, p.features[at])))))
        else:
            out += [1 - r.confidence for r in recognizer.recognize(part)]
    return np.array(out)


def choose(
    utterances: Sequence[str], doubt: NDArray[np.float64], most: int, seed: int
) -> list[int]:
    """The places of at most `most` utterances, the most uncertain of each sort first.

    `doubt`: of each utterance, 0 to 1. Deterministic for a seed.
    """
    if not len(utterances) or most < 1:
        return []
    order = np.argsort(-doubt, kind="stable")
    pool = order[: max(LEAST, most * WIDTH)]
    if len(pool) <= most:
        return [int(k) for k in pool]
    weights = np.maximum(doubt[pool], 1e-6)
    vectors = embed([utterances[k] for k in pool], seed)
    group, distance = _cluster(vectors, weights, most, seed)
    best: dict[int, tuple[float, int]] = {}
    worth = weights * np.exp(-distance)
    for k, (g, w) in enumerate(zip(group.tolist(), worth.tolist(), strict=True)):
        best[g] = min(best.get(g, (0.0, -1)), (-w, k))
    mass = np.bincount(group, weights)
    ranked = sorted(best, key=lambda g: (-mass[g], g))
    chosen = [int(pool[best[g][1]]) for g in ranked]
    # Where centres fell together, the most uncertain of the rest.
    taken = set(chosen)
    rest = (int(k) for k in pool if int(k) not in taken)
    return chosen + [k for k, _ in zip(rest, range(most - len(chosen)), strict=False)]


def embed(utterances: Sequence[str], seed: int) -> NDArray[np.float64]:
    """[N, D], of length 1: TF-IDF of the letters within words, cut to its main directions."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    read = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    table = read.fit_transform([f" {u} " for u in utterances])
    width = min(DIMENSIONS, min(table.shape) - 1)
    if width < 1:
        return np.asarray(table.todense(), np.float64)
    with np.errstate(invalid="ignore"):  # of texts that are all the same
        cut = TruncatedSVD(width, random_state=seed).fit_transform(table)
    return np.asarray(normalize(cut), np.float64)


def _cluster(
    vectors: NDArray[np.float64], weights: NDArray[np.float64], number: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The group of each vector, and how far it is from its centre."""
    from sklearn.cluster import MiniBatchKMeans

    means = MiniBatchKMeans(number, random_state=seed, n_init=3, batch_size=2048, max_iter=20)
    group = means.fit_predict(vectors, sample_weight=weights)
    apart = vectors - means.cluster_centers_[group]
    return np.asarray(group, np.int64), np.asarray((apart**2).sum(1), np.float64)
