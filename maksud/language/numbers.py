"""Numbers as people say them: in digits or words, Indonesian and English.

Text in, a number or None out. One number must stand in the text, with anything around it that is no
number ("5 menit", "50%", "volume lima"); of two, nobody can say which is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DIGITS = re.compile(r"(?:(?<![\w.,])[+-])?\d+(?:[.,]\d+)*")
_WORDS = re.compile(r"[^\W\d_]+")
_LONGEST = 200
"""Characters of a text in which a number is looked for."""

_UNITS = {
    word: number
    for words in (
        "nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen",
    )
    for number, word in enumerate(words.split())
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_WHOLE = {"seratus": (100, 1), "seribu": (1, 1000), "sejuta": (1, 1_000_000)}
_TIMES = {"puluh": 10, "ratus": 100, "hundred": 100}
_POWERS = {
    "ribu": 1000,
    "thousand": 1000,
    "juta": 1_000_000,
    "million": 1_000_000,
    "miliar": 1_000_000_000,
    "milyar": 1_000_000_000,
    "billion": 1_000_000_000,
}
_JOINING = ("and", "dan")
_NUMERALS = {*_UNITS, *_TENS, *_WHOLE, *_TIMES, *_POWERS, "belas"}


def read_number(text: str) -> int | float | None:
    """The one number in a text; None where there is none, or several.

    Dots and commas with three digits behind each group thousands ("1.500" is 1500), as
    Indonesian and English both write them; others are the decimal sign.
    """
    if len(text) > _LONGEST:
        return None
    digits = _DIGITS.findall(text)
    spoken = _WORDS.findall(text.casefold())
    words = [w for w in spoken if w in _NUMERALS]
    if len(digits) == 1:
        if not words:
            return _of_digits(digits[0])
        if len(words) == 1 and words[0] in _POWERS:  # "5 ribu"
            number = _of_digits(digits[0])
            return None if number is None else number * _POWERS[words[0]]
    if not words or digits or not _is_one(spoken):
        return None
    return _of_words(words)


def _is_one(spoken: Sequence[str]) -> bool:
    """Whether nothing but "and" stands between the numerals: "twenty to thirty" are two numbers."""
    at = [k for k, word in enumerate(spoken) if word in _NUMERALS]
    return all(word in _NUMERALS or word in _JOINING for word in spoken[at[0] : at[-1]])


def _of_digits(text: str) -> int | float | None:
    sign = -1 if text[0] == "-" else 1
    text = text.lstrip("+-")
    signs = [c for c in text if c in ".,"]
    if not signs:
        return sign * int(text)
    *groups, last = re.split("[.,]", text)
    grouped = all(len(g) == 3 for g in (*groups[1:], last)) and 1 <= len(groups[0]) <= 3
    if len(set(signs)) == 1 and grouped and groups[0][0] != "0":
        return sign * int("".join([*groups, last]))
    if len(set(signs[:-1])) > 1 or (len(signs) > 1 and signs[-1] == signs[-2]):
        return None  # a date, an address
    return sign * float(f"{''.join(groups)}.{last}")


def _of_words(words: Sequence[str]) -> int | None:
    """The number that these words say together, None where they say several.

    A number goes down as it is said: by powers of a thousand, and within each from hundreds over
    tens to units.
    """
    total = below = 0
    unit: int | None = None  # said, and not yet counted
    lowest, step = 10**12, 1000  # the power, and within it the step, that was said last
    for word in words:
        if word in _UNITS:
            if unit is not None:
                return None
            unit = _UNITS[word]
            continue
        if word in _POWERS or _WHOLE.get(word, (1, 1))[1] > 1:
            one, power = _WHOLE.get(word, (0, _POWERS.get(word, 0)))
            part = _with_unit(below, unit, step)
            if part is None or power >= lowest or bool(part) == bool(one):
                return None
            total, below, unit, lowest, step = total + (part or one) * power, 0, None, power, 1000
            continue
        if word in _TENS or word in _WHOLE:
            number, size = (_TENS[word], 10) if word in _TENS else (100, 100)
            if unit is not None:
                return None
        elif word == "belas":
            number, size = 10 + (unit or 0), 10
        else:
            size = _TIMES[word]
            number = (unit or 0) * size
        if size >= step or (unit is None and word in ("belas", *_TIMES)) or unit == 0:
            return None
        below, unit, step = below + number, None, size
    last = _with_unit(below, unit, step)
    return None if last is None else total + last


def _with_unit(below: int, unit: int | None, step: int) -> int | None:
    """A number under a thousand with the unit that ends it; None where that can't stand there."""
    if unit is None:
        return below
    size = 10 if unit >= 10 else 1
    return below + unit if size < step else None
