"""Where a value begins and ends: without signs that are not of it, and without half a number.

A network tags words and signs one by one, so that it may take the one half of a pair into a value
and leave the other outside ("matikan lampu (kamar)" gave `room=kamar)`), or a sign that it never
saw ("putar Hampa😀"): what acts on the value would look for the sign as well. Or it tags the last
digits of a number alone ("pesan 3,5 pizza" gave 5, "2 ribu" 2): half of what was said would be
acted on as if it were all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from maksud.language.numbers import is_of_number, may_go_on

_PAIRS = dict(zip("([{<«‹「『【〈《“", ")]}>»›」』】〉》”", strict=True))
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}
_QUOTES = "'\"`*_"
"""Signs that open and close alike."""
_SEPARATING = ",;:"
"""Signs that stand between things: at the edge of one they are of none."""
_DASHES = "-/|=~"
"""The same where a blank keeps them apart: "-5" is a number, "Hampa -" is "Hampa"."""
_FIRST_PICTURE = "\u2190"
"""Where arrows, symbols and emoji begin: "°" and "®", before it, may well be of a value."""


_JOINING = ".,:/-"
"""Between digits they are of one number, time or code: "3,5", "7.30", "12345-6"."""
_JOINING_WORDS = "(?:(?:and|dan|koma|point|a) ){0,2}"
_NEXT = re.compile(rf" {_JOINING_WORDS}([^\W\d_]+)")
_LAST = re.compile(rf"(?:^|(?<=\s))([^\W\d_]+|[\d.,]*\d) {_JOINING_WORDS}$")
_NEAR = 40
"""Characters before a number that are looked at."""


def trim_edges(text: str, start: int, end: int, known: Callable[[str], bool]) -> tuple[int, int]:
    """Where a value at `text[start:end]` is without the signs at its edges that are not of it.

    Half of a pair, where the other half is not in the value: it stands outside, or the sign is not
    `known` from training; a picture that is not known; what separates. A value without letters and
    digits stays.
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
    if sign in _SEPARATING:
        return True
    if sign in _DASHES:
        return text[at + 1 if at == start else at - 1].isspace()
    is_picture = sign >= _FIRST_PICTURE and unicodedata.category(sign) in ("So", "Sk")
    return is_picture and not known(sign)


def complete_number(
    text: str, start: int, end: int, low: int, high: int, *, in_words: bool
) -> tuple[int, int]:
    """Where a value at `text[start:end]` is with all of the number, or hyphened word, that it cuts.

    It stays between `low` and `high`, where the values beside it end and begin. `in_words`: it is a
    number, which goes on in the words beside it.
    """
    start, end = _complete_signs(text, start, end, low, high)
    if in_words:
        end = _complete_behind(text, start, end, high)
        start = _complete_before(text, start, end, low)
    return start, end


def _complete_signs(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    first, last = start, end
    if text[start].isdecimal():
        while first - 2 >= low and text[first - 1] in _JOINING and text[first - 2].isdecimal():
            first = _word_start(text, first - 1, low)
        signed = first - 1 >= low and text[first - 1] in "+-"
        if signed and (
            first == 1 or not (text[first - 2].isalnum() or text[first - 2] in _JOINING)
        ):
            first -= 1
    elif text[start] == "-" and start > low and text[start - 1].isalnum():
        first = _word_start(text, start, low)
    if text[end - 1].isdecimal():
        while last + 1 < high and text[last] in _JOINING and text[last + 1].isdecimal():
            last = _word_end(text, last + 1, high)
    elif text[end - 2 : end][1:] == "-" and text[end - 2].isalnum():  # "teman-" of "teman-teman"
        last = _word_end(text, end, high)
    return first, last


def _complete_behind(text: str, start: int, end: int, high: int) -> int:
    word = text[start:end].split()[-1]
    while is_of_number(word) and (found := _NEXT.match(text, end, high)):
        if not may_go_on(found[1], word):
            break
        word, end = found[1], found.end()
    return end


def _complete_before(text: str, start: int, end: int, low: int) -> int:
    word = text[start:end].split()[0]
    while is_of_number(word) and (found := _LAST.search(text, max(low, start - _NEAR), start)):
        if not may_go_on(found[1], word, before=True):
            break
        word, start = found[1], found.start(1)
    return start


def _word_start(text: str, at: int, low: int) -> int:
    while at > low and text[at - 1].isalnum():
        at -= 1
    return at


def _word_end(text: str, at: int, high: int) -> int:
    while at < high and text[at].isalnum():
        at += 1
    return at
