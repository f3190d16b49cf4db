"""How near a clause is to the labelled clauses of an intent, by the encoder's features.

The measure is the cosine of the mean features of the words: with the mean of all taken away,
what means the same is near, in whatever words and language it is said.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.decoding import Floats

MOST_ROWS = 100
"""Clauses of an intent that are kept at most, drawn at random."""
_BATCH = 32


def pool(features: Floats, mask: Floats, dim: int) -> Floats:
    """Vectors of length 1 of clauses [S, D], from features of words [1, S, T, R D]: of the last
    layer, which was pretrained to tell sentences apart."""
    mean = (features[0, ..., -dim:] * mask).sum(1) / np.maximum(1, mask.sum(1))
    out: Floats = mean / np.maximum(1e-9, np.linalg.norm(mean, axis=1, keepdims=True))
    return out


class EncodedNearness:
    """Vectors of labelled clauses: those of intent i are `begin[i]` to `begin[i + 1]`."""

    def __init__(self, begin: Sequence[int], vectors: Floats) -> None:
        self.begin = list(begin)
        self.vectors = vectors

    @classmethod
    def build(
        cls,
        clauses: Sequence[Clause],
        intents: Sequence[str],
        embed: Callable[[Sequence[Sequence[str]]], Floats],
        seed: int,
    ) -> EncodedNearness:
        """The vectors of the clauses of a training; deterministic for a seed."""
        rng = random.Random(seed)
        by_intent: defaultdict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
        for clause in clauses:
            by_intent[clause.intent][tuple(clause.words)] = None
        kept: list[tuple[str, ...]] = []
        begin = [0]
        for intent in intents:
            own = list(by_intent[intent])
            if len(own) > MOST_ROWS:
                own = [own[k] for k in sorted(rng.sample(range(len(own)), MOST_ROWS))]
            kept += own
            begin.append(len(kept))
        order = sorted(range(len(kept)), key=lambda k: len(kept[k]))
        vectors: Floats | None = None
        for at in range(0, len(order), _BATCH):
            group = order[at : at + _BATCH]
            made = embed([kept[k] for k in group])
            if vectors is None:
                vectors = np.zeros((len(kept), made.shape[1]), np.float32)
            vectors[group] = made
        assert vectors is not None
        return cls(begin, vectors)

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """What `from_tensors` reads: to be saved beside the weights."""
        return {
            "near.begin": np.array(self.begin, np.int32),
            "near.vectors": self.vectors.astype(np.float16),
        }

    @classmethod
    def from_tensors(
        cls, t: dict[str, np.ndarray[Any, Any]], intents: int, dim: int
    ) -> EncodedNearness:
        """The vectors among the tensors of a run, of so many intents and of width `dim`.

        Raises `ValueError` where they do not fit.
        """
        begin, vectors = t["near.begin"].astype(np.int64), t["near.vectors"].astype(np.float32)
        if (
            len(begin) != intents + 1
            or vectors.ndim != 2
            or vectors.shape[1] != dim
            or begin[0] != 0
            or begin[-1] != len(vectors)
            or (np.diff(begin) < 0).any()
        ):
            raise ValueError("the vectors of labelled clauses do not fit together")
        return cls(begin.tolist(), vectors)

    def __call__(self, intent: int, vector: Floats) -> float:
        """The cosine to the nearest labelled clause of an intent; 0 where none is."""
        begin, end = self.begin[intent], self.begin[intent + 1]
        if begin == end:
            return 0.0
        return float((self.vectors[begin:end] @ vector).max())
