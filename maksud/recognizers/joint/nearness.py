"""How near a clause is to the labelled clauses of an intent.

A network is sure of much that is far from all it has seen; how near the nearest labelled example
is says more about being in scope (nearest-neighbour novelty detection, as Kuo et al. 2020 and
others find). The measure is the cosine of TF-IDF vectors over words, pairs of words and
character 4-grams, with values taken out: `putar lagu {song}` is near to any other wish for a song.
"""

from __future__ import annotations

import math
import random
import zlib
from collections import Counter, defaultdict
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

    `idf` [BUCKETS]. The features of the clauses of intent i are the entries `begin[i]` to
    `begin[i + 1]`, in the order of their `places`: each with the `rows` of its clause, counted
    within the intent, and its `weights`; a clause's weights have length 1.
    """

    def __init__(self, idf: Floats, begin: Ints, places: Ints, rows: Ints, weights: Floats) -> None:
        self._idf = idf
        self._begin = begin.tolist()
        self._places = places
        self._rows = rows
        self._weights = weights
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def build(cls, clauses: Iterable[Marked], intents: Sequence[str], seed: int) -> Nearness:
        """The index of the clauses of a training; deterministic for a seed."""
        rng = random.Random(seed)
        by_intent: defaultdict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
        for clause in clauses:
            by_intent[clause.intent][tuple(_blanked(clause.words, clause.spans))] = None
        found: list[list[tuple[Ints, Floats]]] = []
        count = np.zeros(BUCKETS, np.float32)
        for intent in intents:
            kept = list(by_intent[intent])
            if len(kept) > MOST_ROWS:
                kept = [kept[k] for k in sorted(rng.sample(range(len(kept)), MOST_ROWS))]
            found.append([_count(_features(words, {})) for words in kept])
            for places, _ in found[-1]:
                count[places] += 1
        total = sum(map(len, found))
        idf = (np.log((1 + total) / (1 + count)) + 1).astype(np.float32)
        begin, parts = [0], []
        for of_intent in found:
            size = [len(places) for places, _ in of_intent]
            rows = np.repeat(np.arange(len(of_intent)), size)
            places = np.concatenate([p for p, _ in of_intent] or [np.zeros(0, np.int64)])
            weights = np.concatenate(
                [_unit(w * idf[p]) for p, w in of_intent] or [np.zeros(0, np.float32)]
            )
            order = np.argsort(places, kind="stable")
            parts.append((places[order], rows[order], weights[order]))
            begin.append(begin[-1] + len(places))
        joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
        return cls(idf, np.array(begin, np.int64), joined[0], joined[1], joined[2])

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """What `from_tensors` reads, small: to be saved beside the weights."""
        return {
            "near.idf": self._idf.astype(np.float16),
            "near.begin": np.array(self._begin, np.int32),
            "near.places": self._places.astype(np.uint16),
            "near.rows": self._rows.astype(np.uint16),
            "near.weights": self._weights.astype(np.float16),
        }

    @classmethod
    def from_tensors(cls, t: dict[str, np.ndarray[Any, Any]], intents: int) -> Nearness | None:
        """The index of so many intents among the tensors of a run; None in runs of before.

        Raises `ValueError` for tensors that do not fit together.
        """
        if "near.idf" not in t:
            return None
        begin, places = t["near.begin"].astype(np.int64), t["near.places"].astype(np.int64)
        within = np.diff(places) >= 0
        within[begin[(begin > 0) & (begin < len(places))] - 1] = True
        if (
            t["near.idf"].shape != (BUCKETS,)
            or len(begin) != intents + 1
            or not places.shape == t["near.rows"].shape == t["near.weights"].shape
            or (np.diff(begin) < 0).any()
            or begin[0] != 0
            or begin[-1] != len(places)
            or not within.all()
        ):
            raise ValueError("the index of labelled clauses does not fit together")
        return cls(
            t["near.idf"].astype(np.float32),
            begin,
            places,
            t["near.rows"].astype(np.int64),
            t["near.weights"].astype(np.float32),
        )

    def __call__(
        self, intent: int, words: Sequence[str], spans: Iterable[tuple[int, int, str]]
    ) -> float:
        """The cosine to the nearest labelled clause of an intent, in [0, 1]; 0 where none is."""
        begin, end = self._begin[intent], self._begin[intent + 1]
        if begin == end or not words:
            return 0.0
        places, weight = _count(_features(_blanked(words, spans), self._cache))
        weight = _unit(weight * self._idf[places])
        block = self._places[begin:end]
        first = block.searchsorted(places, "left")
        number = block.searchsorted(places, "right") - first
        total = int(number.sum())
        if not total:
            return 0.0
        # The entries of each feature of the clause, one after the other.
        at = np.repeat(begin + first - (np.cumsum(number) - number), number) + np.arange(total)
        products = np.repeat(weight, number) * self._weights[at]
        return float(np.bincount(self._rows[at], products).max())


def _count(features: Sequence[int]) -> tuple[Ints, Floats]:
    """(places in order, 1 + log of how often each is)."""
    times = Counter(features)
    places = np.array(sorted(times), np.int64)
    return places, np.array([_LOGS[min(times[p], 63)] for p in places.tolist()], np.float32)


_LOGS = [1 + math.log(max(1, n)) for n in range(64)]


def _unit(weights: Floats) -> Floats:
    out: Floats = weights / max(1e-9, math.sqrt(float(weights @ weights)))
    return out


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
