"""Numbers as people say them: in digits or words, Indonesian and English.

Text in, a number or None out. One number must stand in the text, with anything around it that is no
number ("5 menit", "50%", "volume lima"); of two, nobody can say which is meant. What makes another
number of the one beside it ("satu setengah", "2 lusin", "1½") and is not read leaves none: half of
what was said would be acted on as if it were all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

_DIGITS = re.compile(r"(?:(?<![\w.,])[+-])?(?:(?<![\w.,])\.)?\d+(?:[.,]\d+)*")
_WORDS = re.compile(r"[^\W\d_]+")
_SIGNS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"))
"""Hyphens and minus signs as keyboards write them before a number."""
_THOUSANDS = re.compile(r"(?<=\d)\s?k\b")
_SIGN_WORDS = ("minus", "min", "negatif", "negative")
_BELOW_ZERO = re.compile(rf"\b({'|'.join(_SIGN_WORDS)})[\s-]+(?=([^\W_]+))")
_CHANGED = re.compile("[\u00bc-\u00be\u2150-\u215f\u2189]|\\d[\u00b2\u00b3\u00b9\u2070-\u2089]")
"""A fraction, or a power or index right behind a digit."""
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
} | {"lapan": 8}
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
    "rb": 1000,
    "thousand": 1000,
    "juta": 1_000_000,
    "jt": 1_000_000,
    "million": 1_000_000,
    "miliar": 1_000_000_000,
    "milyar": 1_000_000_000,
    "billion": 1_000_000_000,
    "triliun": 10**12,
    "trilyun": 10**12,
    "trillion": 10**12,
}
_JOINING = ("and", "dan")
_BEHIND_DIGITS = frozenset({*_TIMES, *_POWERS, "belas", "k"})
"""What goes on with a number in digits, of numerals: "2 ratus", "5 ribu"; "5 dua" are two."""
_NUMERALS = {*_UNITS, *_TENS, *_WHOLE, *_TIMES, *_POWERS, "belas"}
_CHANGING_WORDS = """
    setengah separuh separo seperempat sepertiga lusin selusin kodi belasan puluhan ratusan ribuan
    jutaan half halves quarter quarters dozen dozens thirds fourths fifths sixths sevenths eighths
    ninths tenths
"""
_CHANGING = frozenset(_CHANGING_WORDS.split()) | {f"per{unit}" for unit in _UNITS}
"""Words that make another number of one beside them."""
_BEHIND_WORDS = "kosong first third fourth fifth sixth seventh eighth ninth tenth"
_CHANGING_BEHIND = frozenset(_BEHIND_WORDS.split())
"""The same, directly behind a numeral: "twenty first", and "first 5 songs" is five."""


def may_go_on(word: str, beside: str, *, before: bool = False) -> bool:
    """Whether a word may be of one number with the word `beside` it, which is of a number.

    `before`: whether it stands before that ("minus 5", "satu setengah"), else behind it ("2 ribu").
    """
    word = word.casefold()
    in_digits = _has_digit(beside)
    if before:
        if word in _SIGN_WORDS or in_digits:
            return word in _SIGN_WORDS
        return word in _NUMERALS or word in _CHANGING or _has_digit(word)
    if in_digits:
        return word in _BEHIND_DIGITS or word in _CHANGING
    return word in _NUMERALS or word in _CHANGING or word in _CHANGING_BEHIND


def is_of_number(word: str) -> bool:
    """Whether a word has a digit, or is one that numbers are said in."""
    folded = word.casefold()
    return _has_digit(word) or folded in _NUMERALS or folded in _CHANGING


def _has_digit(word: str) -> bool:
    return any(map(str.isdecimal, word))


def read_number(text: str) -> int | float | None:
    """The one number in a text; None where there is none, or several.

    Dots and commas with three digits behind each group thousands ("1.500" is 1500), as
    Indonesian and English both write them; others are the decimal sign. "50rb", "50k" and "2,5jt"
    are thousands and millions.
    """
    if len(text) > _LONGEST or _CHANGED.search(text):
        return None  # "1½" is not 1, nor "5²" 5
    text = _THOUSANDS.sub(" ribu", text.translate(_SIGNS).casefold())
    below = [m for m in _BELOW_ZERO.finditer(text) if m[2][0].isdecimal() or m[2] in _NUMERALS]
    if below:
        first = below[0]
        if len(below) > 1 or first[1] == "min":  # the least, or below zero
            return None
        number = _read(text[: first.start()] + text[first.end() :])
        return None if number is None else -number
    return _read(text)


def _read(text: str) -> int | float | None:
    """The same of a text in small letters, without a word that is a sign."""
    digits = _DIGITS.findall(text)
    spoken = _WORDS.findall(text)
    words = [w for w in spoken if w in _NUMERALS]
    if not _CHANGING.isdisjoint(spoken) or _is_changed_behind(spoken):
        return None
    if len(digits) == 1:
        if not words:
            return _of_digits(digits[0])
        if len(words) == 1 and words[0] in _POWERS:  # "5 ribu"
            return _times(_of_digits(digits[0]), _POWERS[words[0]])
    if not words or digits or not _is_one(spoken):
        return None
    return _of_words(words)


def _is_changed_behind(spoken: Sequence[str]) -> bool:
    return any(word in _NUMERALS and after in _CHANGING_BEHIND for word, after in pairwise(spoken))


def _times(number: int | float | None, power: int) -> int | float | None:
    """The product as people reckon: 1,1 juta is 1100000, not a bit more."""
    if number is None or isinstance(number, int):
        return number and number * power
    product = Decimal(str(number)) * power
    return int(product) if product == product.to_integral_value() else float(product)


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
    lowest, step = 10**15, 1000  # the power, and within it the step, that was said last
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
