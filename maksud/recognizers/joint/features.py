"""Words of an utterance and their features, the same in training and recognition.

An utterance becomes tokens with character offsets: values are later cut from the text by these
offsets, so they are copied exactly. A word's features are its id in the training vocabulary
(rare words share one) and hashed character n-grams, so that unseen words still say something.
Scripts that are written without spaces are cut into characters. Knows nothing of networks.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

MAX_TOKENS = 512
"""Tokens of an utterance that are read; the rest is ignored, which bounds time and memory."""

GRAMS = 40
"""Hashed character features of a word at most: all of a word of 13 letters."""

UNKNOWN = 1
"""Word id of every word outside the vocabulary (0 is padding)."""


def _ranges(codes: Iterable[int]) -> Iterator[str]:
    start = last = -2
    for code in codes:
        if code != last + 1:
            if start >= 0:
                yield f"{chr(start)}-{chr(last)}"
            start = code
        last = code
    if start >= 0:
        yield f"{chr(start)}-{chr(last)}"


# Python's \w leaves out combining marks, without which Thai, Hindi and Arabic words fall apart.
_MARKS = (
    "".join(
        _ranges(c for c in range(0x300, 0x3100) if unicodedata.category(chr(c)).startswith("M"))
    )
    + "\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
)
# Thai, Lao, Myanmar, Khmer, Kana, Han: written without spaces between words.
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER = rf"(?:(?![{_DENSE}])[\w{_MARKS}])"
# Dots, colons and slashes inside a number belong to it: 7.30, 2/6/2026.
_TOKEN = re.compile(
    rf"[{_DENSE}][{_MARKS}]*"
    rf"|{_LETTER}+(?:(?<=\d)[.:/](?=\d){_LETTER}+)*"
    r"|[^\w\s][\ufe00-\ufe0f\u200d]*"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign: its lower-case text and where it stands in the utterance."""

    text: str
    start: int
    end: int


def tokenize(text: str, limit: int = MAX_TOKENS) -> list[Token]:
    """Tokens of `text` from left to right, `limit` at most. A text of white space has none."""
    out = []
    for match in _TOKEN.finditer(text):
        out.append(Token(match.group().lower(), match.start(), match.end()))
        if len(out) == limit:
            break
    return out


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
