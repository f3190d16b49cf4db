"""Features of a word: its id in the training vocabulary and hashed character n-grams.

Rare words share one id; their n-grams still say something, and so do those of words that
training never saw.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GRAMS = 40
"""Hashed character features of a word at most: all of a word of 13 letters."""

UNKNOWN = 1
"""Word id of every word outside the vocabulary (0 is padding)."""


def word_grams(word: str, buckets: int) -> list[int]:
    """Hashed features of a word, 1 to `buckets - 1`: shape, affixes, character 3- to 5-grams."""
    shape = "".join("9" if c.isdigit() else "x" if c.isalpha() else c for c in word[:32])
    grams = ["S" + re.sub(r"(.)\1+", r"\1+", shape), "W" + word]
    grams += ["P" + word[:2], "P" + word[:3], "E" + word[-2:], "E" + word[-3:]]
    framed = f"<{word[:32]}>"
    grams += [framed[i : i + n] for n in (3, 4, 5) for i in range(len(framed) - n + 1)]
    # crc32: the same on every machine and in every process, which hash() is not.
    return [
        1 + zlib.crc32(gram.encode("utf-8", "surrogatepass")) % (buckets - 1)
        for gram in grams[:GRAMS]
    ]


@dataclass(frozen=True)
class Vocabulary:
    """Which words have an embedding of their own, and into how many buckets n-grams fall."""

    words: Mapping[str, int]
    """Word to id; ids start at 2, after padding and the unknown word."""
    buckets: int

    @classmethod
    def build(cls, counts: Mapping[str, int], buckets: int, least: int = 2) -> Vocabulary:
        """The vocabulary of words seen at least `least` times, the most frequent first."""
        kept = sorted((w for w, c in counts.items() if c >= least), key=lambda w: (-counts[w], w))
        return cls({w: i for i, w in enumerate(kept, start=2)}, buckets)

    @classmethod
    def from_list(cls, words: Sequence[str], buckets: int) -> Vocabulary:
        """The vocabulary whose `to_list` this is."""
        return cls({w: i for i, w in enumerate(words, start=2)}, buckets)

    def to_list(self) -> list[str]:
        """Words in the order of their ids."""
        return list(self.words)

    def id(self, word: str) -> int:
        """The word's id, `UNKNOWN` for a word outside the vocabulary."""
        return self.words.get(word, UNKNOWN)

    def __len__(self) -> int:
        """Rows of the embedding table: padding and the unknown word counted."""
        return len(self.words) + 2
