"""Signs at the edges of a value that are not of it: half of a pair, an emoji behind the last word.

A network tags signs as it does words, one by one, so that it may take the one half of a pair into a
value and leave the other outside ("matikan lampu (kamar)" gave `room=kamar)`), or a sign that it
never saw ("putar Hampa😀"). What acts on the value would look for the sign as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_PAIRS = dict(zip("([{<«‹「『【〈《“", ")]}>»›」』】〉》”", strict=True))
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}
_QUOTES = "'\"`*_"
"""Signs that open and close alike."""
_FIRST_PICTURE = "\u2190"
"""Where arrows, symbols and emoji begin: "°" and "®", before it, may well be of a value."""


def trim_edges(text: str, start: int, end: int, known: Callable[[str], bool]) -> tuple[int, int]:
    """Where a value at `text[start:end]` is without the signs at its edges that are not of it.

    Half of a pair, where the other half is not in the value: it stands outside, or the sign is not
    `known` from training; a picture that is not known. A value without letters and digits stays.
    """
    if not any(map(str.isalnum, text[start:end])):
        return start, end
    while _is_outside(text, start, end, start, known):
        start += 1
    while _is_outside(text, start, end, end - 1, known):
        end -= 1
    return start, end


def _is_outside(text: str, start: int, end: int, at: int, known: Callable[[str], bool]) -> bool:
    """Whether the sign at an edge of a value is not of it."""
    sign = text[at]
    if sign.isalnum():
        return False
    if sign.isspace():
        return True
    if sign in _PAIRS:
        half = _PAIRS[sign]
        left = at == end - 1 or text.find(half, end) >= 0 or not known(sign)
        return left and text.find(half, at, end) < 0
    if sign in _OPENING:
        half = _OPENING[sign]
        left = at == start or text.find(half, 0, start) >= 0 or not known(sign)
        return left and text.find(half, start, at) < 0
    if sign in _QUOTES:
        beyond = text[end : end + 1] if at == start else text[start - 1 : start]
        return beyond == sign and text.count(sign, start, end) == 1
    is_picture = sign >= _FIRST_PICTURE and unicodedata.category(sign) in ("So", "Sk")
    return is_picture and not known(sign)
