"""Trains the linear classifiers: scikit-learn's logistic regression on TF-IDF.

Imports scikit-learn: import this module where training starts, not at the top of a light one.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.decoding import Floats, Ints
from maksud.recognizers.joint.framed import Framed
from maksud.recognizers.joint.linear import WORDS, Linear, pair_places, word_places
from maksud.recognizers.joint.planning import Plan

MOST_FEATURES = 40_000
"""Features that are kept, those of the most clauses first."""
INVERSE_PENALTY = 30.0
"""How much the sum of the losses counts beside half the squared weights."""
_VIEWS = 12
"""How often each wish is framed anew for `fit_framed`, where there are few."""
_FRAMED = 8_000
"""Wishes that are framed for it, about, where there are many."""


def fit_linear(clauses: Sequence[Clause], intents: Sequence[str], share: float) -> Linear | None:
    """The classifier of the clauses in scope; None where they are of fewer than two intents.

    Deterministic. `share`: see `Linear`. An intent without a clause is unlikely for any words.
    """
    inside = [c for c in clauses if c.intent != OUT_OF_SCOPE and c.words]
    if share <= 0 or len({c.intent for c in inside}) < 2:
        return None
    labels = [intents.index(c.intent) for c in inside]
    return _fit([c.words for c in inside], labels, len(intents), share)


def fit_framed(plan: Plan, seed: int) -> Framed | None:
    """What tells framed wishes from others; None where the data has `none()` rows, or no frames.

    Each wish of the data is read plain, in frames that refuse it and in others, drawn at random.
    """
    if not plan.none_excess:
        return None
    rng = random.Random(seed)
    spelt = ["", *plan.words]
    framable = [i for i in plan.items if i.languages]
    clauses: list[list[str]] = []
    labels: list[int] = []
    for item in framable * max(1, min(_VIEWS, _FRAMED // max(1, len(framable)))):
        clauses.append([spelt[t] for t in item.types])
        labels.append(0)
        for acts in (True, False):
            frames = plan.frames[rng.choice(item.languages)][acts, item.bare]
            # Half of them as they are said, most of which are short; half to have seen the others.
            often = frames.cumulative if rng.random() < 0.5 else None
            before, after = rng.choices(frames.each, cum_weights=often)[0]
            clauses.append([spelt[t] for t in (*before, *item.types, *after)])
            labels.append(int(not acts))
    return Framed(_fit(clauses, labels, 2, 1.0))


def _fit(
    clauses: Sequence[Sequence[str]], labels: Sequence[int], intents: int, share: float
) -> Linear:
    """The classifier of clauses, given by their words."""
    places, idf = _choose_features(clauses)
    empty = Linear(places, idf, np.zeros((0, 0), np.float32), np.zeros(0, np.float32), share)
    rows = [empty.vector(words) for words in clauses]
    begin = np.cumsum([0, *(len(at) for at, _ in rows)])
    entries = (np.concatenate([w for _, w in rows]), np.concatenate([at for at, _ in rows]), begin)
    table = csr_matrix(entries, shape=(len(rows), len(places)))
    weights, bias = fit_logistic(table, labels, intents, INVERSE_PENALTY, 100)
    return Linear(places, idf, weights, bias, share)


def fit_logistic(
    rows: Any, labels: Sequence[int], intents: int, inverse_penalty: float, passes: int
) -> tuple[Floats, Floats]:
    """(weights [F, I], bias [I]) of a logistic regression on rows [N, F], dense or sparse.

    `labels` are of two intents at least; one without a row is unlikely whatever is said.
    """
    learner = LogisticRegression(C=inverse_penalty, tol=1e-3, max_iter=passes)
    with warnings.catch_warnings():
        # With one or two rows an intent, scikit-learn takes the intents for numbers to be guessed.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        learner.fit(rows, labels)
    slope, height = np.asarray(learner.coef_), np.asarray(learner.intercept_)
    if len(learner.classes_) == 2:  # one score tells two intents apart
        slope, height = np.concatenate([-slope, slope]) / 2, np.concatenate([-height, height]) / 2
    weights = np.zeros((slope.shape[1], intents), np.float32)
    bias = np.full(intents, height.min() - 5, np.float32)
    weights[:, learner.classes_] = slope.T
    bias[learner.classes_] = height
    return weights, bias


def _choose_features(clauses: Sequence[Sequence[str]]) -> tuple[Ints, Floats]:
    """(places in order, smoothed inverse document frequency)."""
    count: Counter[int] = Counter()
    of_word: dict[str, list[int]] = {}
    for clause in clauses:
        words = clause[:WORDS]
        for word in words:
            if word not in of_word:
                of_word[word] = word_places(word)
        count.update({p for w in words for p in of_word[w]}.union(pair_places(words)))
    kept = sorted(count, key=lambda p: (-count[p], p))[:MOST_FEATURES]
    places = np.array(sorted(kept), np.int64)
    often = np.array([count[p] for p in places.tolist()], np.float32)
    return places, (np.log((1 + len(clauses)) / (1 + often)) + 1).astype(np.float32)
