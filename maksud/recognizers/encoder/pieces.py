"""Words as an encoder reads them: pieces of its vocabulary, and the vectors of these.

    <s> query : ▁putar ▁lagu ▁hamp a </s>

Each word is cut alone, so that a composed utterance of training is read as one that somebody
says. The vectors of pieces (most of the weights of a multilingual encoder) are not tuned: they
are kept in eight bits with a scale each, and read from the disk as words need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from maksud.recognizers.encoder.unigram import read_unigram
from maksud.recognizers.joint.decoding import Floats, Ints

TOKENIZER = "tokenizer.json"
VECTORS = "pieces.safetensors"
LONGEST_WORD = 32
"""Pieces of a word that are read at most."""
_CACHED = 20_000
"""Words whose vectors are kept."""


@dataclass(frozen=True)
class Row:
    """An utterance in pieces: ids, and the places of each word's first and last + 1."""

    ids: list[int]
    first: list[int]
    last: list[int]


class Pieces:
    """The tokenizer of an encoder with the vectors of its pieces. `begin`, `end`: the ids around
    an utterance, those of the prefix among the first."""

    def __init__(self, directory: Path, begin: Sequence[int], end: Sequence[int]) -> None:
        from safetensors import safe_open

        self.begin, self.end = list(begin), list(end)
        self._cut = read_unigram(directory / TOKENIZER) or _Library(directory / TOKENIZER)
        file: Any = safe_open(str(directory / VECTORS), framework="np")
        self._numbers = file.get_slice("numbers")
        self._scales: Floats = file.get_tensor("scales")
        self.dim: int = self._numbers.get_shape()[1]
        if self._numbers.get_shape()[0] != len(self._scales):
            raise ValueError("the vectors of pieces and their scales are not as many")
        around = (*self.begin, *self.end)
        if len(self._cut) > len(self._scales) or not all(
            0 <= i < len(self._scales) for i in around
        ):
            raise ValueError("the tokenizer knows pieces that have no vector")
        self._ids: dict[str, list[int]] = {}
        self._vectors: dict[int, Floats] = {}
        self._lock = Lock()  # a server may ask from several threads

    def ids(self, word: str) -> list[int]:
        """The ids of a word's pieces, at least one. A sign stands without a space before it."""
        found = self._ids.get(word)
        if found is None:
            alone = None
            if len(word) == 1 and not ("0" <= word <= "9" or "a" <= word <= "z"):
                alone = self._cut.number(word)
            if alone is not None:
                found = [alone]
            else:
                found = self._cut.ids(word)[:LONGEST_WORD] or self._unknown()
            with self._lock:
                if len(self._ids) >= _CACHED:
                    self._ids.clear()
                self._ids[word] = found
        return found

    def _unknown(self) -> list[int]:
        return [self.end[-1]]  # a word of which the normaliser leaves nothing

    def row(self, words: Sequence[str]) -> Row:
        """The pieces of an utterance's words."""
        ids, first, last = list(self.begin), [], []
        for word in words:
            first.append(len(ids))
            ids += self.ids(word)
            last.append(len(ids))
        return Row(ids + self.end, first, last)

    def vectors(self, ids: Sequence[int]) -> Floats:
        """The vectors of pieces: [N, D]."""
        with self._lock:
            if len(self._vectors) >= _CACHED:
                self._vectors.clear()
            found = []
            for i in ids:
                vector = self._vectors.get(i)
                if vector is None:
                    number = self._numbers[i : i + 1][0].astype(np.float32)
                    vector = self._vectors[i] = number * self._scales[i]
                found.append(vector)
        return np.stack(found)

    def batch(self, rows: Sequence[Row]) -> tuple[Floats, np.ndarray[Any, Any]]:
        """(vectors [B, L, D], mask [B, L] of int32) of utterances, filled up with zeros."""
        size = max(len(r.ids) for r in rows)
        vectors = np.zeros((len(rows), size, self.dim), np.float32)
        mask = np.zeros((len(rows), size), np.int32)
        for b, row in enumerate(rows):
            vectors[b, : len(row.ids)] = self.vectors(row.ids)
            mask[b, : len(row.ids)] = 1
        return vectors, mask


class _Library:
    """Any tokenizer that is no unigram, by the library: what `Unigram` has."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def number(self, piece: str) -> int | None:
        found: int | None = self._tokenizer.token_to_id(piece)
        return found

    def ids(self, word: str) -> list[int]:
        return list(self._tokenizer.encode(word, add_special_tokens=False).ids)


def places_of(rows: Sequence[Row]) -> tuple[Ints, Ints, Floats]:
    """(first [B, T], last + 1 [B, T], mask [B, T, 1]) of the words; padding is an empty word."""
    size = max(len(r.first) for r in rows)
    first = np.zeros((len(rows), size), np.int64)
    last = np.zeros((len(rows), size), np.int64)
    mask = np.zeros((len(rows), size, 1), np.float32)
    for b, row in enumerate(rows):
        first[b, : len(row.first)] = row.first
        last[b, : len(row.last)] = row.last
        mask[b, : len(row.first)] = 1
    return first, last, mask


def save_vectors(directory: Path, table: Floats) -> None:
    """Writes the vectors of all pieces [V, D] in eight bits, with a scale each."""
    from safetensors.numpy import save_file

    scales = np.maximum(np.abs(table).max(1), np.float32(1e-12)) / np.float32(127)
    numbers = np.rint(table / scales[:, None]).astype(np.int8)
    content = {"numbers": numbers, "scales": scales.astype(np.float32)}
    save_file(content, str(directory / VECTORS))
