"""Candidates for counter-examples, made of the data's own rows, for a person to accept.

Of each intent that `counter` finds without any, a few rows are taken that can be put otherwise
(`wishes`), and each is said in two ways that wish for nothing. Kinds and wordings take turns over
the intents, so that no wording becomes a mark of its own. What is written has no answer yet
(`maksud.data.suggestions`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maksud.data.checks.counter import look_for_counters
from maksud.data.checks.cues import LANGUAGES
from maksud.data.checks.wishes import (
    KINDS,
    Wish,
    Wording,
    read_wish,
    word_without_wishing,
    wordings_of,
)
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import format_count
from maksud.data.formats import store
from maksud.data.formats.parts.rows import to_row
from maksud.data.formats.targets import refuse_standing
from maksud.data.suggestions import ACCEPT, SUGGESTION
from maksud.errors import CallSyntaxError, InputError, name_some
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.folding import normalise
from maksud.language.languages import count_words, language_of

ROWS = 3
"""Rows of an intent that candidates are made of, at most."""
WAYS = 2
"""Candidates of each row."""
SEEN = 500
"""Rows of an intent that are looked at."""
BEST = 5
"""Words of a row that is taken before longer and shorter ones."""
ENDING = ".jsonl"

_RANKS = {"body": 0, "rest": 0, "said": 1}


@dataclass(frozen=True)
class Suggested:
    """Candidates, as examples without an answer; `without`: intents of which no row was fit."""

    examples: tuple[Example, ...]
    intents: tuple[str, ...]
    without: tuple[str, ...]
    path: str = ""

    @property
    def summary(self) -> str:
        """What was written, what was not, and what is to do, in a few lines."""
        if not self.examples and not self.without:
            return "Nothing to suggest: every intent with enough rows has counter-examples."
        left = ""
        if self.without:
            left = f" No row was fit of {name_some(self.without, 8)}."
        if not self.examples:
            return "Nothing was written." + left
        return (
            f"Wrote {format_count(len(self.examples), 'candidate')} for "
            f"{format_count(len(self.intents), 'intent')} to {self.path}.{left}\n"
            'Read each, mend it, and write "yes" as its "accept": none is used before.'
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "candidates": len(self.examples),
            "intents": list(self.intents),
            "without": list(self.without),
            "path": self.path,
        }


def suggest(data: Dataset) -> Suggested:
    """Candidates for the intents of `data` that have no counter-example in train."""
    counters = look_for_counters(data.examples, data.declared_catalog)
    lacking = counters.lacking()
    rows = _rows_of(data.examples, set(lacking))
    splits: dict[str, set[str]] = defaultdict(set)
    for e in data:
        splits[e.source].add(e.split)
    making = _Making({normalise(e.instruction) for e in data}, counters.main_language)
    made: list[Example] = []
    intents: list[str] = []
    for place, intent in enumerate(lacking):
        mine = list(making.candidates(intent, rows[intent], place))
        # Where a file holds several splits, its rows say theirs; elsewhere the file does.
        made += [e if len(splits[e.source]) > 1 else replace(e, split="") for e in mine]
        if mine:
            intents.append(intent)
    without = tuple(i for i in lacking if i not in set(intents))
    return Suggested(tuple(made), tuple(intents), without)


def write_suggestions(data: Dataset, path: str | os.PathLike[str]) -> Suggested:
    """Writes the candidates of `suggest` to a new JSON Lines file; none where there are none.

    Raises `InputError` where something stands at `path`, or its name has another ending.
    """
    place = os.fspath(path)
    require_new(place)
    found = suggest(data)
    if not found.examples:
        return found
    with store.Staging() as staging, staging.file(place) as out:
        for example in found.examples:
            row = to_row(example, with_split=True)
            out.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
    return Suggested(found.examples, found.intents, found.without, place)


def require_new(path: str | os.PathLike[str]) -> None:
    """Raises `InputError` where candidates can't be written: before the work, not after it."""
    place = os.fspath(path)
    if not place.endswith(ENDING):
        raise InputError(
            f"candidates are written as JSON Lines, to a name that ends in {ENDING}",
            where=place,
            hint="Name it so; `maksud convert` makes a table of it",
        )
    if store.exists(place):
        refuse_standing([place], "Name another file, or move this one away")


def _rows_of(examples: Sequence[Example], intents: set[str]) -> dict[str, list[Example]]:
    """Single-intent rows of train of the intents, in their order, the first `SEEN` of each."""
    rows: dict[str, list[Example]] = defaultdict(list)
    for e in examples:
        if e.split not in ("", "train") or not e.is_labelled or e.is_multi_turn:
            continue
        try:
            calls = e.calls
        except CallSyntaxError:
            continue  # the checks tell it
        if len(calls) == 1 and calls[0].intent in intents and len(rows[calls[0].intent]) < SEEN:
            rows[calls[0].intent].append(e)
    return rows


class _Making:
    """Makes candidates, none of them twice, with wordings that take turns."""

    def __init__(self, standing: set[str], main_language: str) -> None:
        self._standing = standing
        self._main = main_language
        self._turns: Counter[tuple[str, str, str]] = Counter()

    def candidates(self, intent: str, rows: Sequence[Example], place: int) -> Iterator[Example]:
        """The candidates of one intent; `place` shifts the kinds that it begins with."""
        fit = []
        for row in rows:
            language = language_in(row.instruction, self._main)
            wish = read_wish(row.instruction, language) if language else None
            if wish is not None:
                fit.append((row, wish))
        turn = place
        for row, wish in _varied(fit):
            told = 0
            for step in range(len(KINDS)):
                if told == WAYS:
                    break
                kind = KINDS[(turn + step) % len(KINDS)]
                text = self._said(wish, kind)
                if text:
                    told += 1
                    yield _candidate(row, intent, kind, text)
            turn += WAYS

    def _said(self, wish: Wish, kind: str) -> str:
        """The wish in the next wording of the kind; "" where there is none that is new."""
        ways = wordings_of(wish, kind)
        key = wish.language, kind, ways[0].form if ways else ""
        for _ in ways:
            way: Wording = ways[self._turns[key] % len(ways)]
            self._turns[key] += 1
            text = word_without_wishing(wish, way)
            if (folded := normalise(text)) not in self._standing:
                self._standing.add(folded)
                return text
        return ""


def _varied(fit: Sequence[tuple[Example, Wish]]) -> list[tuple[Example, Wish]]:
    """The best rows: known to be a wish, of a usual length, and beginning differently."""
    ranked = sorted(
        range(len(fit)),
        key=lambda k: (
            _RANKS[fit[k][1].form],
            "," in fit[k][1].said,
            abs(len(fit[k][1].said.split()) - BEST),
            k,
        ),
    )
    begun: Counter[str] = Counter()
    order: list[tuple[int, int, int, int]] = []
    for k in ranked:
        wish = fit[k][1]
        first = (wish.body or wish.rest or wish.said).split()[0].casefold()
        # A verb that was had already comes behind all others, but before what is less surely one.
        order.append((_RANKS[wish.form], begun[first], len(order), k))
        begun[first] += 1
    return [fit[k] for *_, k in sorted(order)[:ROWS]]


def _candidate(row: Example, intent: str, kind: str, text: str) -> Example:
    digest = hashlib.sha256(row.instruction.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Example(
        text,
        "",
        split=row.split,
        source=row.source,
        metadata={
            SUGGESTION: f"{OUT_OF_SCOPE}()",
            ACCEPT: "",
            "kind": kind,
            "pair": f"{intent}-{digest}",
            "acting": row.instruction,
            "counters": intent,
        },
    )


def language_in(text: str, main: str) -> str:
    """The language of a row among those with wordings; "" where it is another one, or open.

    A short row is of the data's `main` language, unless it has a word of the other one."""
    told = language_of(text)
    if told:
        return told if told in LANGUAGES else ""
    counts = count_words(text)
    known = [language for language in LANGUAGES if counts[language]]
    if len(known) == 1:
        return known[0] if known[0] == main or counts[known[0]] > 1 else ""
    return main if main in LANGUAGES else ""
