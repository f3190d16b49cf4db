"""Features of words from the encoder's graph, for recognition: onnxruntime, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maksud.recognizers.encoder.pieces import Pieces, Row, places_of
from maksud.recognizers.joint.decoding import Floats

GRAPH = "encoder.onnx"


class Graph:
    """An encoder's graph, ready to be computed on one core."""

    def __init__(self, file: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # what it warns of is of no use to who asks
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, vectors: Floats, mask: np.ndarray[Any, Any]) -> Floats:
        """The features of pieces [B, L, D] from their vectors [B, L, D] and mask [B, L]; of what is
        only filled up they are 0.

        Row by row: eight bits are rounded by the largest number of all that is computed at once,
        and an answer must not depend on what others ask. On one core that takes no longer.
        """
        found = [
            self._session.run(
                ["hidden"], {"embeds": vectors[b : b + 1, :size], "mask": mask[b : b + 1, :size]}
            )[0][0]
            for b, size in enumerate(mask.sum(1).tolist())
        ]
        out = np.zeros((*mask.shape, found[0].shape[-1]), np.float32)
        for b, row in enumerate(found):
            out[b, : len(row)] = row
        return out


class Extractor:
    """Features of words in context, from the words: see `joint.engine.Extractor`.

    `longest`: pieces that the encoder reads at once; a longer utterance is read in parts. `mean`
    and `scale` [D] make features of mean 0 and variance 1; `known`: the words of the training.
    """

    def __init__(
        self,
        graph: Graph,
        pieces: Pieces,
        longest: int,
        mean: Floats,
        scale: Floats,
        known: Sequence[str] = (),
    ) -> None:
        self.graph = graph
        self.pieces = pieces
        self.room = longest - len(pieces.begin) - len(pieces.end)
        self.mean, self.scale = mean, scale
        self._known = frozenset(known)

    def known(self, word: str) -> bool:
        """Whether the word was seen in training."""
        return word in self._known

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        """(features in context [1, B, T, D], the same again, mask [B, T, 1])."""
        parts = [self._parts(words) for words in utterances]
        rows = [row for own in parts for row in own]
        features, present = self._features(rows)
        if len(rows) > len(utterances):
            features, present = _join(features, present, [len(own) for own in parts])
        h = features[None]
        return h, h, present

    def _parts(self, words: Sequence[str]) -> list[Row]:
        """The words as rows that the encoder can read at once."""
        parts: list[list[str]] = [[]]
        size = 0
        for word in words:
            more = len(self.pieces.ids(word))
            if parts[-1] and size + more > self.room:
                parts.append([])
                size = 0
            parts[-1].append(word)
            size += more
        return [self.pieces.row(part) for part in parts]

    def _features(self, rows: Sequence[Row]) -> tuple[Floats, Floats]:
        words, present = mean_of_pieces(self.graph(*self.pieces.batch(rows)), rows)
        words -= self.mean
        words *= self.scale
        words *= present
        return words, present


def mean_of_pieces(hidden: Floats, rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """(the mean over each word's pieces [B, T, D], mask [B, T, 1]), from [B, L, D]."""
    first, last, present = places_of(rows)
    at = np.arange(len(rows))[:, None]
    words = hidden[at, first]
    for more in range(1, int((last - first).max(initial=1))):
        b, t = np.nonzero(first + more < last)
        words[b, t] += hidden[b, first[b, t] + more]
    words /= np.maximum(1, last - first)[..., None]
    return words, present


def _join(features: Floats, present: Floats, parts: Sequence[int]) -> tuple[Floats, Floats]:
    """The rows of each utterance one after the other."""
    lengths = present[..., 0].sum(1).astype(int)
    whole: list[Floats] = []
    at = 0
    for number in parts:
        own = [features[k, : lengths[k]] for k in range(at, at + number)]
        whole.append(np.concatenate(own))
        at += number
    size = max(map(len, whole))
    out = np.zeros((len(whole), size, features.shape[-1]), np.float32)
    mask = np.zeros((len(whole), size, 1), np.float32)
    for b, row in enumerate(whole):
        out[b, : len(row)] = row
        mask[b, : len(row)] = 1
    return out, mask
