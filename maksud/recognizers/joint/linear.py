"""A linear classifier of intents beside the network, on words, pairs of words and n-grams.

With tens of examples an intent, a linear model on TF-IDF knows the intent better than a network
from scratch, and it errs elsewhere: their log-probabilities together beat either (Wide & Deep,
Cheng et al. 2016, trained apart). Which intents there are is all that it says: whether a clause
is in scope at all stays with the network, which has seen what negates and reports (see `framed`).

Shapes: F features that training has seen, I intents.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats, Ints, log_softmax

BLOCK = 1 << 20
"""Words and pairs are hashed into the places below, character n-grams into as many above."""
WORDS = 64
"""Words of a clause that are looked at."""
_CACHED = 20_000
"""Words whose features are kept; those that come later are computed anew."""


class Linear:
    """Weights of features, and the intents that they speak for.

    `places` [F], in order; `idf` [F]; `weights` [F, I]; `bias` [I]; `share`: how much its
    log-probabilities count beside the network's.
    """

    def __init__(
        self, places: Ints, idf: Floats, weights: Floats, bias: Floats, share: float
    ) -> None:
        self._places = places
        self._idf = idf
        self._weights = weights
        self._bias = bias
        self._border = int(places.searchsorted(BLOCK))
        self._cache: dict[str, Ints] = {}
        self.share = share

    def __call__(self, words: Sequence[str]) -> Floats:
        """The score of each intent for a clause of these words, [I]: log-odds up to a constant."""
        at, weight = self.vector(words)
        return self._bias + weight @ self._weights[at]

    def log_probabilities(self, clauses: Sequence[Sequence[str]], mask: Floats) -> Floats:
        """log p(intent) of clauses, given by their words: [S, I]; `mask` [S, I] or [I] is added."""
        return log_softmax(np.stack([self(words) for words in clauses]) + mask)

    def vector(self, words: Sequence[str]) -> tuple[Ints, Floats]:
        """(rows of the features that training has seen, their weights) of a clause.

        TF-IDF with sublinear counts; the weights of words and of n-grams have length 1 each.
        """
        words = words[:WORDS]
        found = [self._of_word(word) for word in words]
        found.append(self._seen(pair_places(words)))
        at, times = np.unique(np.concatenate(found), return_counts=True)
        weight = (1 + np.log(times.astype(np.float32))) * self._idf[at]
        border = int(at.searchsorted(self._border))
        for block in (weight[:border], weight[border:]):
            block /= max(1e-9, math.sqrt(float(block @ block)))
        return at, weight

    def _of_word(self, word: str) -> Ints:
        known = self._cache.get(word)
        if known is None:
            known = self._seen(word_places(word))
            if len(self._cache) < _CACHED:
                self._cache[word] = known
        return known

    def _seen(self, places: Sequence[int]) -> Ints:
        wanted = np.array(places, np.int64)
        at = self._places.searchsorted(wanted)
        at[at == len(self._places)] = 0
        found: Ints = at[self._places[at] == wanted]
        return found

    def tensors(self, prefix: str = "linear") -> dict[str, np.ndarray[Any, Any]]:
        """What `from_tensors` reads, small: to be saved beside the weights."""
        return {
            f"{prefix}.places": self._places.astype(np.uint32),
            f"{prefix}.idf": self._idf.astype(np.float16),
            f"{prefix}.weights": self._weights.astype(np.float16),
            f"{prefix}.bias": self._bias,
            f"{prefix}.share": np.array([self.share], np.float32),
        }

    @classmethod
    def from_tensors(
        cls, t: dict[str, np.ndarray[Any, Any]], intents: int, prefix: str = "linear"
    ) -> Linear | None:
        """The classifier of so many intents among the tensors of a run; None in runs without.

        Raises `ValueError` for tensors that do not fit together.
        """
        if f"{prefix}.places" not in t:
            return None
        places, idf, weights, bias, share = (
            t[f"{prefix}.{name}"] for name in ("places", "idf", "weights", "bias", "share")
        )
        places = places.astype(np.int64)
        if (
            places.ndim != 1
            or not len(places)
            or (np.diff(places) <= 0).any()
            or idf.shape != places.shape
            or weights.shape != (len(places), intents)
            or bias.shape != (intents,)
            or share.shape != (1,)
        ):
            raise ValueError(f"the {prefix} classifier does not fit together")
        return cls(
            places, idf.astype(np.float32), weights.astype(np.float32), bias, float(share[0])
        )


def add_opinion(network: Floats, linear: Floats, share: float, none: int) -> Floats:
    """log p(intent) by both, [S, I]: p(none()) is the network's, and so is the likeliest other's.

    So the linear member never has a say in whether anything is meant: it only ranks intents.
    Where there is no `none()` (its place `none` is negative), rows are probabilities of both.
    """
    both = network + np.float32(share) * linear
    if none < 0:
        return log_softmax(both)
    both[:, none] = IMPOSSIBLE
    inside = network.copy()
    inside[:, none] = IMPOSSIBLE
    both += np.maximum.reduce(inside, 1, keepdims=True) - np.maximum.reduce(both, 1, keepdims=True)
    both[:, none] = network[:, none]
    return both


def word_places(word: str) -> list[int]:
    """Places of a word's own features: the word and its character 2- to 5-grams, each once."""
    framed = f"<{word[:32]}>"
    grams = {framed[i : i + n] for n in (2, 3, 4, 5) for i in range(len(framed) - n + 1)}
    return [_place("W" + word), *sorted({BLOCK + _place(gram) for gram in grams})]


def pair_places(words: Sequence[str]) -> list[int]:
    """Places of each word with the one before it; before the first there is none."""
    return [_place(f"{before} {word}") for before, word in zip(["", *words], words, strict=False)]


def _place(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BLOCK
