"""How near a clause is to the labelled clauses of an intent.

A network is sure of much that is far from all it has seen; how near the nearest labelled example
is says more about being in scope (nearest-neighbour novelty detection, as Kuo et al. 2020 and
others find). The measure is the cosine of TF-IDF vectors over words, pairs of words and
character 4-grams, with values taken out: `putar lagu {song}` is near to any other wish for a song.
"""

from __future__ import annotations

import random
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from maksud.recognizers.joint.decoding import Floats, Ints

BUCKETS = 1 << 15
"""Features are hashed into so many places; 0 is not used."""
MOST_ROWS = 400
"""Clauses of an intent that are kept at most, drawn at random: enough to find a near one."""
_CACHED = 20_000
"""Words whose features are kept; those that come later are computed anew."""
_WORDS = 64
"""Words of a clause that are looked at."""


class Marked(Protocol):
    """A clause of the training data: see `corpus.Clause`."""

    intent: str
    words: list[str]
    spans: list[tuple[int, int, str]]


class Nearness:
    """Labelled clauses by intent, ready to be compared with.

    `idf` [BUCKETS]; the clauses of intent i are rows `of_intent[i]` to `of_intent[i + 1]`; row r
    has the features `places[starts[r] : starts[r + 1]]` with their `weights`, of length 1 each.
    """

    def __init__(
        self, idf: Floats, of_intent: Ints, starts: Ints, places: Ints, weights: Floats
    ) -> None:
        self._idf = idf
        self._of_intent = of_intent.tolist()
        self._starts = starts
        self._places = places
        self._weights = weights
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def build(cls, clauses: Iterable[Marked], intents: Sequence[str], seed: int) -> Nearness:
        """The index of the clauses of a training; deterministic for a seed."""
        rng = random.Random(seed)
        by_intent: defaultdict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
        for clause in clauses:
            by_intent[clause.intent][tuple(_blanked(clause.words, clause.spans))] = None
        rows: list[tuple[Ints, Floats]] = []
        of_intent, count = [0], np.zeros(BUCKETS, np.float32)
        for intent in intents:
            kept = list(by_intent[intent])
            if len(kept) > MOST_ROWS:
                kept = [kept[k] for k in sorted(rng.sample(range(len(kept)), MOST_ROWS))]
            for words in kept:
                places, times = np.unique(_features(words, {}), return_counts=True)
                count[places] += 1
                rows.append((places, np.log(times, dtype=np.float32) + 1))
            of_intent.append(len(rows))
        idf = (np.log((1 + len(rows)) / (1 + count)) + 1).astype(np.float32)
        weighted = []
        for places, weight in rows:
            weight = weight * idf[places]
            weighted.append(weight / max(1e-9, float(np.linalg.norm(weight))))
        starts = np.cumsum([0, *(len(places) for places, _ in rows)])
        return cls(
            idf,
            np.array(of_intent, np.int64),
            starts.astype(np.int64),
            np.concatenate([p for p, _ in rows] or [np.zeros(0, np.int64)]),
            np.concatenate([*weighted, np.zeros(0, np.float32)]),
        )

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """What `from_tensors` reads, small: to be saved beside the weights."""
        return {
            "near.idf": self._idf.astype(np.float16),
            "near.of_intent": np.array(self._of_intent, np.int32),
            "near.starts": self._starts.astype(np.int32),
            "near.places": self._places.astype(np.uint16),
            "near.weights": self._weights.astype(np.float16),
        }

    @classmethod
    def from_tensors(cls, t: dict[str, np.ndarray[Any, Any]]) -> Nearness | None:
        """The index among the tensors of a run; None in runs of before. Raises `ValueError`."""
        if "near.idf" not in t:
            return None
        of_intent, starts = t["near.of_intent"], t["near.starts"]
        places, weights = t["near.places"], t["near.weights"]
        if (
            t["near.idf"].shape != (BUCKETS,)
            or places.shape != weights.shape
            or (np.diff(starts) < 0).any()
            or (np.diff(of_intent) < 0).any()
            or starts[0] != 0
            or starts[-1] != len(places)
            or of_intent[0] != 0
            or of_intent[-1] != len(starts) - 1
        ):
            raise ValueError("the index of labelled clauses does not fit together")
        return cls(
            t["near.idf"].astype(np.float32),
            of_intent.astype(np.int64),
            starts.astype(np.int64),
            places.astype(np.int64),
            weights.astype(np.float32),
        )

    def __call__(
        self, intent: int, words: Sequence[str], spans: Iterable[tuple[int, int, str]]
    ) -> float:
        """The cosine to the nearest labelled clause of an intent, in [0, 1]; 0 where none is."""
        first, last = self._of_intent[intent], self._of_intent[intent + 1]
        if first == last or not words:
            return 0.0
        places, times = np.unique(
            _features(_blanked(words, spans), self._cache), return_counts=True
        )
        weight = (np.log(times, dtype=np.float32) + 1) * self._idf[places]
        query = np.zeros(BUCKETS, np.float32)
        query[places] = weight / max(1e-9, float(np.sqrt(weight @ weight)))
        begin, end = self._starts[first], self._starts[last]
        products = query[self._places[begin:end]] * self._weights[begin:end]
        at = self._starts[first:last] - begin
        return float(np.add.reduceat(products, at).max())


def _blanked(words: Sequence[str], spans: Iterable[tuple[int, int, str]]) -> list[str]:
    """The words, each value as one word that names its parameter."""
    out = list(words[:_WORDS])
    for start, stop, parameter in sorted(spans, reverse=True):
        if start < len(out):
            out[start:stop] = [f"{{{parameter}}}"]
    return out


def _features(words: Sequence[str], cache: dict[str, list[int]]) -> list[int]:
    """Places of the features: of each word, of neighbours, of 4-grams in a word."""
    found: list[int] = []
    before = ""
    for word in words:
        own = cache.get(word)
        if own is None:
            framed = f"<{word[:32]}>"
            grams = [framed[i : i + 4] for i in range(max(0, len(framed) - 3))]
            own = [_place("W" + word), *map(_place, grams)]
            if len(cache) < _CACHED:
                cache[word] = own
        found += own
        found.append(_place(f"{before} {word}"))
        before = word
    return found


def _place(feature: str) -> int:
    return 1 + zlib.crc32(feature.encode("utf-8", "surrogatepass")) % (BUCKETS - 1)
