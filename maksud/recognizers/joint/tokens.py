"""Words of an utterance, the same in training and recognition.

An utterance becomes tokens with character offsets: values are later cut from the text by these
offsets, so they are copied exactly. Scripts that are written without spaces are cut into
characters. Knows nothing of networks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_TOKENS = 512
"""Tokens of an utterance that are read, which bounds time and memory; of more it is told."""
_BATCH = 32
_BATCH_TOKENS = 2048


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


def batches(tokens: Sequence[Sequence[Token]]) -> Iterator[list[int]]:
    """The rows that have a token, those of similar length together, so that a batch stays small."""
    order = sorted((k for k, t in enumerate(tokens) if t), key=lambda k: len(tokens[k]))
    at = 0
    while at < len(order):
        group = order[at : at + _BATCH]
        while len(group) > 1 and len(group) * len(tokens[group[-1]]) > _BATCH_TOKENS:
            group = group[: len(group) // 2]
        at += len(group)
        yield group
