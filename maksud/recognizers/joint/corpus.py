"""What a joint network learns from: clauses, each with one intent, its words and its values.

`alignment` makes a corpus of labelled examples; `planning` puts it into numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from maksud.language.calls import Call
from maksud.recognizers.joint.tokens import Token

Span = tuple[int, int, str]
"""First token, token after the last, parameter."""


@dataclass(slots=True)
class Clause:
    """The part of an utterance that asks for one call.

    `choices`: parameters whose value is chosen from a list, not copied. `tagged`: whether
    `spans` are known to be complete, so that tags may be learned from them.
    """

    intent: str
    words: list[str]
    spans: list[Span]
    choices: dict[str, str] = field(default_factory=dict)
    tagged: bool = True


_PLACES = 5
"""So many places of each reason for which something is skipped are kept."""


@dataclass
class Corpus:
    """What there is to learn from.

    `connectives`: what stood between clauses (possibly nothing) and how often. `call_counts[k]`:
    utterances with k calls. `trims`: for (parameter, "<" or ">", affix) how often the affix of a
    span's first or last word was not part of the value, and how often it was. `before`: for a
    pair of parameters of an intent, how often the first was written before the second.
    """

    clauses: list[Clause] = field(default_factory=list)
    connectives: Counter[tuple[str, ...]] = field(default_factory=Counter)
    call_counts: Counter[int] = field(default_factory=Counter)
    choices: dict[str, list[str]] = field(default_factory=dict)
    trims: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    before: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listed: frozenset[str] = frozenset()
    """Parameters whose values the catalog lists: there are no others."""
    skipped: Counter[str] = field(default_factory=Counter)
    """How often something could not be learnt from, by reason."""
    places: dict[str, list[str]] = field(default_factory=dict)
    """The first places of each."""

    def report(self) -> dict[str, Any]:
        """What training tells of it: clauses, frequent connectives, what was skipped and where."""
        return {
            "clauses": len(self.clauses),
            "connectives": [" ".join(c) for c, _ in self.connectives.most_common(10)],
            "skipped": dict(self.skipped.most_common()),
            "skipped_at": self.places,
        }

    def skip(self, reason: str, place: str) -> None:
        """Counts what can't be learnt from."""
        self.skipped[reason] += 1
        places = self.places.setdefault(reason, [])
        if place and place not in places and len(places) < _PLACES:
            places.append(place)


@dataclass(slots=True)
class AlignedRow:
    """An utterance whose values are found, but which is not yet cut between its calls.

    `spans` and `choices`: of each call, in tokens of the whole utterance. `tagged`: as in
    `Clause`, of all calls together.
    """

    tokens: list[Token]
    calls: tuple[Call, ...]
    spans: list[list[Span]]
    choices: list[dict[str, str]]
    tagged: bool
    place: str = ""

    @property
    def words(self) -> list[str]:
        return [t.text for t in self.tokens]

    def clauses(self, cuts: Sequence[tuple[int, int]] = ()) -> list[Clause]:
        """A clause for each call; `cuts`: where each clause ends and the next one starts."""
        bounds = [(0, 0), *cuts, (len(self.tokens), 0)]
        out = []
        for k, ((_, start), (end, _)) in enumerate(pairwise(bounds)):
            spans = [(i - start, j - start, p) for i, j, p in self.spans[k]]
            words = [t.text for t in self.tokens[start:end]]
            out.append(Clause(self.calls[k].intent, words, spans, self.choices[k], self.tagged))
        return out
