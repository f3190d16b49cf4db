"""The features of all words of a plan, looked up by word type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.recognizers.compact.features import GRAMS, Vocabulary, word_grams
from maksud.recognizers.joint.planning import Plan

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class WordTable:
    """Features of W words and padding, which is type 0.

    `ids` [W + 1]: in the vocabulary; `grams` [W + 1, GRAMS]: hashed n-grams, filled up with 0;
    `scale` [W + 1]: of the sum of their vectors; `counts` [W + 1]: occurrences in training.
    """

    vocabulary: Vocabulary
    ids: Ints
    grams: Ints
    scale: Floats
    counts: Floats

    @classmethod
    def build(cls, plan: Plan, buckets: int) -> WordTable:
        """The table of the plan's words."""
        words = plan.words
        vocabulary = Vocabulary.build(words, buckets)
        grams = np.zeros((len(words) + 1, GRAMS), np.int64)
        for t, word in enumerate(words, start=1):
            hashed = word_grams(word, buckets)
            grams[t, : len(hashed)] = hashed
        number = np.maximum(1, (grams > 0).sum(1))
        return cls(
            vocabulary,
            np.array([0] + [vocabulary.id(w) for w in words], np.int64),
            grams,
            (1 / np.sqrt(number)).astype(np.float32),
            np.array([1e9] + [max(1, n) for n in words.values()], "f4"),
        )
