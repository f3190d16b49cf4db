"""Cuts words into the pieces of a unigram tokenizer, in a sixth of the memory.

The library `tokenizers` keeps a tree of all pieces: 280 MB for XLM-R's 250,002, more than all else
that recognition needs. Here they stand in one mapping. Normalising and cutting at spaces are the
library's, and the ids are the same as the library's (Kudo 2018: the likeliest pieces).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

UNKNOWN_PENALTY = 10.0
"""How much less likely than the least likely piece a character is that is in none: SentencePiece's
constant, which the library has too."""


class Unigram:
    """The pieces of a vocabulary with their log-probabilities."""

    def __init__(self, content: dict[str, Any]) -> None:
        """`content`: what is in a `tokenizer.json` that `can_read` says yes to."""
        from tokenizers import Tokenizer

        model = content["model"]
        vocabulary = model["vocab"]
        self.unknown: int = model["unk_id"]
        # The library with a vocabulary of one piece: for what is done before pieces are sought.
        small = {"model": {**model, "vocab": [vocabulary[self.unknown]], "unk_id": 0}}
        rest: dict[str, Any] = {
            "added_tokens": [],
            "post_processor": None,
            "truncation": None,
            "padding": None,
        }
        self._front = Tokenizer.from_str(json.dumps({**content, **small, **rest}))
        self._numbers: dict[str, int] = {piece: k for k, (piece, _) in enumerate(vocabulary)}
        self._scores = [float(score) for _, score in vocabulary]
        self._longest = max(len(piece) for piece, _ in vocabulary)
        self._unlikely = min(self._scores) - UNKNOWN_PENALTY

    def __len__(self) -> int:
        return len(self._scores)

    def number(self, piece: str) -> int | None:
        """The id of a piece, None where there is none."""
        return self._numbers.get(piece)

    def ids(self, word: str) -> list[int]:
        """The ids of a word's pieces; none where the normaliser leaves nothing."""
        text = word
        if self._front.normalizer is not None:
            text = self._front.normalizer.normalize_str(word)
        if self._front.pre_tokenizer is None:
            return self._cut(text) if text else []
        parts = self._front.pre_tokenizer.pre_tokenize_str(text) if text else []
        return [i for part, _ in parts for i in self._cut(part)]

    def _cut(self, text: str) -> list[int]:
        """The likeliest pieces by Viterbi; unknown characters in a row are one piece."""
        size, longest, get, scores = len(text), self._longest, self._numbers.get, self._scores
        best = [-math.inf] * (size + 1)
        best[0] = 0.0
        begin = [0] * (size + 1)
        piece = [self.unknown] * (size + 1)
        for start in range(size):
            so_far, alone = best[start], False
            for end in range(start + 1, min(size, start + longest) + 1):
                number = get(text[start:end])
                if number is None:
                    continue
                alone = alone or end == start + 1
                if so_far + scores[number] > best[end]:
                    best[end], begin[end], piece[end] = so_far + scores[number], start, number
            if not alone and so_far + self._unlikely > best[start + 1]:
                best[start + 1] = so_far + self._unlikely
                begin[start + 1], piece[start + 1] = start, self.unknown
        out: list[int] = []
        at = size
        while at:
            if not (out and out[-1] == piece[at] == self.unknown):
                out.append(piece[at])
            at = begin[at]
        return out[::-1]


def can_read(content: dict[str, Any]) -> bool:
    """Whether `Unigram` gives what the library gives for such a `tokenizer.json`."""
    model = content.get("model") or {}
    added = [token.get("content", "") for token in content.get("added_tokens") or []]
    return (
        model.get("type") == "Unigram"
        and isinstance(model.get("unk_id"), int)
        and not model.get("byte_fallback")
        and all(token.startswith("<") and token.endswith(">") for token in added)
    )


def read_unigram(file: Path) -> Unigram | None:
    """The vocabulary in a `tokenizer.json`; None where only the library reads it."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return Unigram(content) if can_read(content) else None
