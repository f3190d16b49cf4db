"""Variety of phrasing, measured: how many ways an intent's examples really say it.

The pattern of an utterance is its words with the values replaced by their parameters and digits
by 0: "play {song} by {artist}". Examples that are expansions of a few templates look like many
and teach like few. Published sets that people wrote have at most 4 examples a pattern, and their
ten most frequent patterns make a tenth to two fifths of an intent.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import TRAIN, Answer, Row, read_answer
from maksud.data.checks.strategy import FEW
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog
from maksud.language.folding import normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOP = 10
"""How many of the most frequent patterns are looked at together."""
TOP_SHARE = 0.5
"""Share of an intent's examples that its `TOP` patterns may make."""
PER_PATTERN = 10.0
"""Examples that an intent may have for each of its patterns."""
OPENING_SHARE = 0.6
"""Share of an intent's examples that may begin with the same two words."""
NAMED = 3
"""Patterns that a finding quotes."""

_DIGITS = bytes.maketrans(b"0123456789", b"0000000000")


@dataclass(frozen=True, slots=True)
class Phrasing:
    """How varied the single-intent training examples of an intent are."""

    intent: str
    examples: int
    patterns: int
    top_share: float
    """Share of the examples that the `TOP` most frequent patterns make."""
    opening_share: float
    """Share of the examples that begin with the most frequent two words."""
    frequent: tuple[tuple[str, int], ...] = ()
    """The most frequent patterns, with their counts."""
    opening: str = ""


class Variety(Part):
    """Hashes of patterns and openings, 20 bytes a row; texts are made again where they are told."""

    @classmethod
    def of(cls, checking: Checking) -> Variety:
        return cls(checking.examples, checking.catalog)

    def __init__(self, examples: Sequence[Example], catalog: Catalog | None) -> None:
        self._examples = examples
        self._catalog = catalog
        self._intents: dict[str, int] = {}
        self._intent = array("i")
        self._pattern = array("q")
        self._opening = array("q")
        self._row = array("i")
        self.phrasings: list[Phrasing] = []
        """Filled by `tell`."""

    def see(self, row: Row) -> None:
        intents = row.answer.intents
        if len(intents) != 1 or row.is_multi or row.split != TRAIN or intents[0] == OUT_OF_SCOPE:
            return
        known = self._intents
        said = row.folded
        if row.answer.arguments or row.digits:
            said = pattern(said, row.answer)
        self._intent.append(known.setdefault(intents[0], len(known)))
        self._pattern.append(hash(said))
        self._opening.append(hash(tuple(row.words[:2])))
        self._row.append(row.number)

    def tell(self, found: Findings) -> None:
        import numpy as np

        if not self._row:
            return
        intent = np.frombuffer(self._intent, np.int32)
        rows = np.frombuffer(self._row, np.int32)
        order = np.argsort(intent, kind="stable")
        ends = np.flatnonzero(np.diff(intent[order], append=-1)) + 1
        patterns = np.frombuffer(self._pattern, np.int64)[order]
        openings = np.frombuffer(self._opening, np.int64)[order]
        rows = rows[order]
        start = 0
        names = list(self._intents)
        for end in ends.tolist():
            name = names[int(intent[order[start]])]
            self.phrasings.append(
                self._phrasing(name, patterns[start:end], openings[start:end], rows[start:end])
            )
            start = end
        self.phrasings.sort(key=lambda p: p.intent)
        for phrasing in self.phrasings:
            _judge(phrasing, found)

    def _phrasing(
        self,
        intent: str,
        patterns: NDArray[np.int64],
        openings: NDArray[np.int64],
        rows: NDArray[np.int32],
    ) -> Phrasing:
        import numpy as np

        n = len(rows)
        _, first, counts = np.unique(patterns, return_index=True, return_counts=True)
        ranked = np.lexsort((first, -counts))
        _, first_opening, opening_counts = np.unique(
            openings, return_index=True, return_counts=True
        )
        common = int(np.argmax(opening_counts))
        frequent = []
        for k in ranked[:NAMED].tolist():
            example = self._examples[int(rows[first[k]])]
            answer = read_answer(example.output, self._catalog)
            frequent.append((pattern(normalise(example.instruction), answer), int(counts[k])))
        opener = self._examples[int(rows[first_opening[common]])]
        return Phrasing(
            intent,
            n,
            len(counts),
            float(counts[ranked[:TOP]].sum()) / n,
            float(opening_counts[common]) / n,
            tuple(frequent),
            " ".join(normalise(opener.instruction).split()[:2]),
        )


def pattern(folded: str, answer: Answer) -> str:
    """The words of an utterance with values replaced by their parameters, and digits by 0."""
    said = f" {folded} "
    for value, name in answer.places:
        said = said.replace(value, name, 1)
    raw = said.strip().encode("utf-8", "surrogatepass").translate(_DIGITS)
    return raw.decode("utf-8", "surrogatepass")


def _judge(phrasing: Phrasing, found: Findings) -> None:
    p = phrasing
    if p.examples < FEW:
        return
    per_pattern = p.examples / p.patterns
    if p.top_share > TOP_SHARE or per_pattern >= PER_PATTERN:
        named = ", ".join(f"{excerpt(text, 60)} {n:,} times" for text, n in p.frequent)
        found.append(
            Finding(
                "warning",
                "W-VARIETY",
                f"{p.intent}: {p.examples:,} examples are {p.patterns:,} patterns, {TOP} of which "
                f"make {p.top_share:.0%}: {named}",
                why="examples that only change the values of a few templates teach little else",
                fix="write it as different people would say it; fewer copies of a template do",
            )
        )
    elif p.opening_share > OPENING_SHARE:
        found.append(
            Finding(
                "info",
                "I-OPENING",
                f"{p.opening_share:.0%} of the examples of {p.intent} begin with "
                f"{excerpt(p.opening, 40)}",
                why="a model may take the opening for the intent",
                fix="add examples that begin otherwise",
            )
        )


CHECK = Check("variety", Variety)
