"""The normal form of text, `text/1`: what people mean to type, whatever their keyboard sent.

- NFKC: full width, ligatures, circled and styled letters as plain ones, letters and their accents
  composed. Three kinds of signs stay as they are, since NFKC runs them into their neighbours:
  fractions ("1½" would read 11/2), ™ and ℠, and accents that stand alone.
- What is not seen goes: zero-width characters, format and direction controls, variation selectors,
  soft hyphens, fillers, controls. Joiners stay between letters of the scripts from Arabic to
  Mongolian and Indic, where they are spelling; inside emoji they go, which leaves its parts.
- Curly quotes, primes and apostrophes are straight, dashes and minus signs are "-".
- White space of any kind and length is one blank; none stands outside.
- Behind a letter at most 31 marks stay.
- Half a character (a lone surrogate, or a byte that was no UTF-8) is U+FFFD, in the original too.

Case, punctuation and emoji stay. The result is a normal form (of itself it is itself), is made
in linear time, and knows for each of its characters which ones of the original it came from.
Plain text is its own normal form and costs next to nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

TEXT_FORM = "text/1"
"""The name of this normal form in contracts."""

SIGNS = "SIGNS"
"""Stands among scripts for texts without a letter or digit."""

_ASKING = "?？؟"
_MOST_MARKS = 31
"""Behind one letter; of more, sorting them (which NFKC does) is no longer linear."""

_APOSTROPHES = "\u00b4\u02b9\u02bb\u02bc\u1ffd\u2018\u2019\u201a\u201b\u2032\u2035\u275b\u275c"
_STRAIGHT = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u02ba\u275d\u275e\u301d\u301e\u301f", '"')
    | dict.fromkeys(
        "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe31\ufe32\ufe58\ufe63", "-"
    )
    | {"\u2034": "'''", "\u2037": "'''", "\u2057": "''''"}
)
# Format characters that are seen: signs before numbers in Arabic, Syriac and Kaithi.
_SEEN = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Not seen, though Unicode has them as letters and marks: fillers, joiners of graphemes, vowels
# that are spoken anyway, variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_BLANK_SIGN = "\u2800"  # a braille cell without dots
# Letters of Hangul that compose with the one before, in all their encodings.
_JAMO = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc]")
# They are letters to Unicode, and join the one before: Thai and Lao am, halfwidth voicing marks.
_TRAILING = frozenset("\u0e33\u0eb3\uff9e\uff9f")

# Scripts without marks, less the signs above: most text.
_EASY = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02b8\u0370-\u0482\u048a-\u052f\u1e00-\u1eff\u3041-\u3096"
    "\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001f6ff"
    "\U0001f900-\U0001f9ff]*"
)
_HALVES = re.compile("[\ud800-\udfff]")
_SAYS = re.compile(r"[^\W_]")
_LATIN = re.compile("[A-Za-z]")

_PLAIN, _MARK, _JAMO_KIND, _SPACE, _JOINER, _GONE = range(6)


@dataclass(frozen=True, slots=True)
class NormalText:
    """A text in its normal form, and where each of its characters was in the original.

    `starts` and `ends` have a place for each character of `text`: it came from
    `original[start:end]`, which several characters may share. Both are empty where the two texts
    are the same.
    """

    original: str
    text: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the normal form is another text than the original."""
        return self.text != self.original

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, which has a character at least, was in the original.

        Where it begins or ends inside of what was one character ("fi" in one sign), all of that.
        """
        if not self.is_changed:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def said(self, start: int, end: int) -> str:
        """What was said for `text[start:end]`: that part of the original."""
        first, last = self.place(start, end)
        return self.original[first:last]


def normalise_text(text: str) -> NormalText:
    """The normal form of a text: see the module."""
    if _is_normal(text):
        return NormalText(text, text)
    text = _HALVES.sub("\ufffd", text)
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece, start, end in _clusters(text):
        made = " " if piece == " " else _fold(piece)
        out.append(made)
        starts += [start] * len(made)
        ends += [end] * len(made)
    if out and out[-1] == " ":
        del out[-1], starts[-1], ends[-1]
    found = "".join(out)
    if found == text:
        return NormalText(text, text)
    return NormalText(text, found, tuple(starts), tuple(ends))


def says_something(text: str) -> bool:
    """Whether a text has a letter or a digit."""
    return _SAYS.search(text) is not None


def is_question(text: str) -> bool:
    """Whether the last mark of a text is a question mark; what is drawn behind it says nothing."""
    last = next((c for c in reversed(text) if c.isalnum() or c in _ASKING), "")
    return last in _ASKING and bool(last)


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of a text's letters, as Unicode names them (LATIN, THAI, CJK, …).

    Digits, signs and letters of no script are left out.
    """
    if text.isascii():
        return frozenset({"LATIN"}) if _LATIN.search(text) else frozenset()
    return frozenset({_script(c) for c in set(text) if c.isalpha()} - {""})


# ---------------------------------------------------------------- parts


def _is_normal(text: str) -> bool:
    """Whether a text is surely its own normal form: nearly all are, and this is quick."""
    if "  " in text or text[:1] == " " or text[-1:] == " ":
        return False
    if text.isascii():
        return text.isprintable()
    return _EASY.fullmatch(text) is not None and unicodedata.is_normalized("NFKC", text)


@lru_cache(4096)
def _kind(c: str) -> int:
    if c.isspace() or c == _BLANK_SIGN:
        return _SPACE
    if c in "\u200c\u200d":
        return _JOINER
    if _UNSEEN.match(c):
        return _GONE
    category = unicodedata.category(c)
    if category in ("Cc", "Cf"):
        return _PLAIN if c in _SEEN else _GONE
    if category[0] == "M" or c in _TRAILING:
        return _MARK
    return _JAMO_KIND if _JAMO.match(c) else _PLAIN


@lru_cache(4096)
def _script(c: str) -> str:
    """The script of a letter; empty where it has none of its own."""
    first = unicodedata.name(c, "").split(" ")[0]
    if first == "MODIFIER":
        return ""
    return "KATAKANA" if first == "KATAKANA-HIRAGANA" else first


def _clusters(text: str) -> list[tuple[str, int, int]]:
    """The text cut where nothing composes across, with each piece's place in it.

    Pieces are letters with their marks, or one blank for all white space between others; what
    goes is in none of them.
    """
    kept = [(c, at, kind) for at, c in enumerate(text) if (kind := _kind(c)) != _GONE]
    spelt = _spelling_joiners(kept)
    out: list[tuple[str, int, int]] = []
    piece: list[str] = []
    start = end = marks = 0
    for n, (c, at, kind) in enumerate(kept):
        if kind == _JOINER and n not in spelt:
            continue
        if kind == _SPACE:
            if piece and piece[-1] == " ":
                end = at + 1
                continue
            c = " "
        elif piece and piece[-1] != " ":
            follows = kind in (_MARK, _JOINER) or _kind(piece[-1]) == _JOINER
            if kind == _MARK and marks == _MOST_MARKS:
                end = at + 1
                continue
            if follows or (kind == _JAMO_KIND and _is_hangul(piece[-1])):
                piece.append(c)
                end = at + 1
                marks = marks + 1 if kind == _MARK else 0
                continue
        if piece and (out or piece[0] != " "):
            out.append(("".join(piece), start, end))
        piece, start, end = [c], at, at + 1
        marks = int(kind == _MARK)
    if piece and (out or piece[0] != " "):
        out.append(("".join(piece), start, end))
    return out


def _spelling_joiners(kept: list[tuple[str, int, int]]) -> frozenset[int]:
    """Which of the characters are joiners between letters of a script that is spelt with them.

    All marks of the letters on both sides must be of such scripts: NFKC sorts marks, and the one
    beside the joiner may be another afterwards.
    """
    if not any(kind == _JOINER for _, _, kind in kept):
        return frozenset()
    behind = [False] * (len(kept) + 1)  # whether what begins there is spelt with joiners
    is_mark = False
    for n in range(len(kept) - 1, -1, -1):
        c, _, kind = kept[n]
        if kind == _JOINER:
            behind[n] = behind[n + 1]
            continue
        behind[n] = _is_joined(c) and (kind != _MARK or not is_mark or behind[n + 1])
        is_mark = kind == _MARK
    found = set()
    before = False
    for n, (c, _, kind) in enumerate(kept):
        if kind != _JOINER:
            before = _is_joined(c) and (kind != _MARK or before)
        elif before and behind[n + 1] and kept[n + 1][2] != _JOINER:
            found.add(n)  # of several in a row, the last
    return frozenset(found)


def _is_joined(c: str) -> bool:
    return "\u0600" <= c <= "\u1cff" and unicodedata.category(c)[0] in "LM"


def _is_hangul(c: str) -> bool:
    return "\uac00" <= c <= "\ud7a3" or _kind(c) == _JAMO_KIND


def _fold(piece: str) -> str:
    """The normal form of a piece without white space."""
    if len(piece) == 1:
        return _fold_one(piece)
    return _compose(piece)


@lru_cache(4096)
def _fold_one(c: str) -> str:
    return _compose(c)


def _compose(piece: str) -> str:
    piece = piece.translate(_STRAIGHT)
    made = unicodedata.normalize("NFKC", piece)
    # A blank: an accent alone, or a phrase in one sign.
    if " " in made or ("\u2044" in made and "\u2044" not in piece) or piece[0] in "\u2122\u2120":
        made = unicodedata.normalize("NFC", piece)
    made = made.translate(_STRAIGHT)
    return _without_surplus(made) if len(piece) > _MOST_MARKS // 4 else made


def _without_surplus(text: str) -> str:
    """The text without marks beyond `_MOST_MARKS` in a row: one may have become several."""
    out: list[str] = []
    marks = 0
    for c in text:
        marks = marks + 1 if _kind(c) == _MARK else 0
        if marks <= _MOST_MARKS:
            out.append(c)
    return "".join(out)
