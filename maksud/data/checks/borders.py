"""Where a value begins and ends: white space or a comma at its ends, a border inside a word.

Recognizers cut values from the utterance at its words. They learn to leave out an ending that a
language hangs on (`lagunya`), but a value that takes a space along, or half a word, is cut by no
rule, and is never answered exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.parameters import Parameters
from maksud.data.checks.rows import Row
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt

ENDINGS = frozenset(["nya", "ku", "mu", "lah", "kah", "pun", "e", "ne", "na", "s", "es"])
"""What hangs on a word without being of it, in Indonesian and English."""
LAST_ALPHABET = "\u0530"
"""Letters below are those of Latin, Greek and Cyrillic, which are written with spaces."""
MAX_PARAMETERS = 20_000
"""Parameters whose values are looked at."""

_SEPARATORS = ",;"


@dataclass(slots=True)
class _Cuts:
    """The values of a parameter whose border falls inside a word."""

    kept: list[tuple[Example, str, str]] = field(default_factory=list)
    count: int = 0


class Borders(Part):
    """Looks at both ends of every value."""

    @classmethod
    def of(cls, checking: Checking) -> Borders:
        return cls(checking.use(Parameters), checking.limit)

    def __init__(self, parameters: Parameters, limit: int | None) -> None:
        self._parameters = parameters
        self._limit = limit
        self._ends = Findings(limit=limit)
        self._cuts: dict[tuple[str, str], _Cuts] = {}

    def see(self, row: Row) -> None:
        for intent, parameter, value in row.answer.arguments:
            problem = outer(value)
            if problem:
                shown = self._parameters.shown(intent, parameter)
                what = f"{intent}: {shown}={excerpt(value, 40)} {problem}"
                self._ends.note("W-BORDER", partial(_outer, what, row.example.place))
                continue
            word = cut_word(value, row.text)
            if not word:
                continue
            cuts = self._cuts.get((intent, parameter))
            if cuts is None:
                if len(self._cuts) >= MAX_PARAMETERS:
                    continue
                cuts = self._cuts[intent, parameter] = _Cuts()
            cuts.count += 1
            if self._limit is None or len(cuts.kept) < self._limit:
                cuts.kept.append((row.example, value, word))

    def tell(self, found: Findings) -> None:
        found.extend(self._ends)
        for (intent, parameter), cuts in sorted(self._cuts.items()):
            if not self._parameters.is_copied(intent, parameter):
                continue  # a code that happens to stand inside a word
            for example, value, word in cuts.kept:
                found.append(
                    Finding(
                        "warning",
                        "W-BORDER",
                        f"{intent}: {self._parameters.shown(intent, parameter)}="
                        f"{excerpt(value, 40)} is a part of the word {excerpt(word, 40)}",
                        example.place,
                        why="values are cut at words; half a word is never answered exactly",
                        fix="take the whole word, or put a space where two were written as one",
                    )
                )
            found.more("W-BORDER", cuts.count - len(cuts.kept))


def _outer(what: str, place: str) -> Finding:
    return Finding(
        "warning",
        "W-BORDER",
        what,
        place,
        why="values are cut at words; what stands around them is never answered exactly",
        fix="leave it out of the value",
    )


def outer(value: str) -> str:
    """What is wrong with the ends of a value, in words; "" where nothing is."""
    if not value.strip():
        return "is empty"
    if value[0].isspace() or value[-1].isspace():
        return "begins or ends with white space"
    if value[0] in _SEPARATORS or value[-1] in _SEPARATORS:
        return "begins or ends with a comma"
    return ""


def cut_word(value: str, text: str) -> str:
    """The word that a value is a part of wherever it stands in the text; "" where it stands
    between words somewhere, or not at all."""
    at = text.find(value)
    word = ""
    while at >= 0:
        end = at + len(value)
        start = _reach(text, at, -1)
        stop = _reach(text, end, 1)
        if stop > end and text[end:stop].casefold() in ENDINGS:
            stop = end
        if start == at and stop == end:
            return ""
        word = word or text[_reach(text, at, -1) : _reach(text, end, 1)]
        at = text.find(value, at + 1)
    return word


def _reach(text: str, border: int, step: int) -> int:
    """How far the word goes on beyond a border of a value: the border itself where it is one."""
    at = border
    while 0 < at < len(text) and _joined(text[at - 1], text[at]):
        at += step
    return at


def _joined(left: str, right: str) -> bool:
    if left.isdigit() and right.isdigit():
        return True
    return left.isalpha() and right.isalpha() and max(left, right) < LAST_ALPHABET


CHECK = Check("borders", Borders)
