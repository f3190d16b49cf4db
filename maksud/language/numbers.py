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
_NUMERALS = {*_UNITS, *_TENS, *_WHOLE, *_TIMES, *_POWERS, "belas"}


def read_number(text: str) -> int | float | None:
    """The one number in a text; None where there is none, or several.

    Dots and commas with three digits behind each group thousands ("1.500" is 1500), as
    Indonesian and English both write them; others are the decimal sign.
    """
    if len(text) > _LONGEST:
        return None
    digits = _DIGITS.findall(text)
    words = [w for w in _WORDS.findall(text.casefold()) if w in _NUMERALS]
    if len(digits) == 1:
        if not words:
            return _of_digits(digits[0])
        if len(words) == 1 and words[0] in _POWERS:  # "5 ribu"
            number = _of_digits(digits[0])
            return None if number is None else number * _POWERS[words[0]]
    return _of_words(words) if words and not digits else None


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
    """The number that these words say together, None where they say several."""
    total = below = 0
    unit: int | None = None  # said, and not yet counted
    lowest = 10**12  # what was said last: a number goes down as it is said
    for word in words:
        if word in _UNITS or word in _TENS:
            if unit is not None:
                return None
            if word in _TENS:
                below += _TENS[word]
            else:
                unit = _UNITS[word]
        elif word in _WHOLE:
            if unit is not None:
                return None
            number, power = _WHOLE[word]
            if power == 1:
                below += number
            elif power >= lowest or below:
                return None
            else:
                total, lowest = total + number * power, power
        elif word == "belas":
            if not unit:
                return None
            below, unit = below + 10 + unit, None
        elif word in _TIMES:
            if not unit:
                return None
            below, unit = below + unit * _TIMES[word], None
        else:
            power = _POWERS[word]
            part = below + (unit or 0)
            if power >= lowest or not part:
                return None
            total, below, unit, lowest = total + part * power, 0, None, power
    return total + below + (unit or 0)
