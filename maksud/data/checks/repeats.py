"""The same utterance twice: copies, contradictions, and leaks from train into the other splits.

A row is a few numbers here, hashes of its text and of its answer: a million rows are sorted in a
second. 64 bits, so that two different texts meet by chance once in millions of such sets.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from maksud.data.checks.base import Check, Checking, Mend, Part
from maksud.data.checks.rows import DEV, SPLIT_NAMES, TEST, TRAIN, Row, read_answer
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt, format_count
from maksud.data.neighbours import combine_columns
from maksud.language.catalog import Catalog
from maksud.language.folding import normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Columns(Part):
    """What is compared of every row, as columns of numbers; others read them when they tell."""

    def __init__(self) -> None:
        self._split = array("b")
        self._numbers = array("q")

    def __len__(self) -> int:
        return len(self._split)

    def see(self, row: Row) -> None:
        answer = row.answer
        self._split.append(row.split)
        self._numbers.extend((hash(row.text), hash(row.folded), answer.key, answer.intents_key))

    @property
    def text(self) -> NDArray[np.int64]:
        """Hash of the utterance as it stands."""
        return self._column(0)

    @property
    def folded(self) -> NDArray[np.int64]:
        """Hash of the utterance without case, punctuation and spacing."""
        return self._column(1)

    @property
    def answer(self) -> NDArray[np.int64]:
        """Key of the answer; 0: it has none."""
        return self._column(2)

    @property
    def intents(self) -> NDArray[np.int64]:
        """Hash of the answer's intents."""
        return self._column(3)

    @property
    def split(self) -> NDArray[np.int8]:
        """Split, as `rows` numbers them."""
        import numpy as np

        return np.frombuffer(self._split, np.int8)

    def _column(self, k: int) -> NDArray[np.int64]:
        import numpy as np

        return np.frombuffer(self._numbers, np.int64)[k::4]


class Repeats(Part):
    """Copies, contradictions and leaks of utterances that are the same but for case, punctuation
    and spacing."""

    @classmethod
    def of(cls, checking: Checking) -> Repeats:
        return cls(checking.examples, checking.use(Columns), checking.catalog)

    def __init__(
        self, examples: Sequence[Example], columns: Columns, catalog: Catalog | None = None
    ) -> None:
        self._examples = examples
        self._columns = columns
        self._catalog = catalog

    def tell(self, found: Findings) -> None:
        if len(self._columns):
            self._copies(found)
            self._conflicts(found)
            self._leaks(found)

    def _copies(self, found: Findings) -> None:
        import numpy as np

        c = self._columns
        numbers = np.arange(len(c))
        first_exact = first_like(c.text, c.split, c.answer)
        first_folded = first_like(c.folded, c.split, c.answer)
        exact = np.flatnonzero(first_exact != numbers)
        for row in found.each("W-DUP", exact):
            e, other = self._examples[row], self._examples[int(first_exact[row])]
            found.append(
                Finding(
                    "warning",
                    "W-DUP",
                    f"{excerpt(e.instruction, 50)} stands at {seen_from(e, other)} already, "
                    "with the same answer",
                    e.place,
                    why=f"{len(exact):,} exact copies ({len(exact) / len(c):.1%} of the rows) "
                    "weigh more in training and flatter evaluation",
                    fix="keep one (--fix does)",
                )
            )
        folded = np.flatnonzero((first_folded != numbers) & (first_exact == numbers))
        for row in found.each("I-DUP", folded):
            e, other = self._examples[row], self._examples[int(first_folded[row])]
            found.append(
                Finding(
                    "info",
                    "I-DUP",
                    f"{excerpt(e.instruction, 50)} is {excerpt(other.instruction, 50)} at "
                    f"{seen_from(e, other)} in other case, punctuation or spacing",
                    e.place,
                    why="near copies weigh more in training and flatter evaluation",
                    fix="keep one, unless people write it both ways",
                )
            )

    def _conflicts(self, found: Findings) -> None:
        import numpy as np

        c = self._columns
        labelled = np.flatnonzero(c.answer)
        first = labelled[first_like(c.folded[labelled])]
        clash = [
            k
            for k in np.flatnonzero(c.answer[first] != c.answer[labelled]).tolist()
            if self._said(int(labelled[k])) != self._said(int(first[k]))
        ]
        for k in found.each("W-CONFLICT", clash):
            e, other = self._examples[int(labelled[k])], self._examples[int(first[k])]
            found.append(
                Finding(
                    "warning",
                    "W-CONFLICT",
                    f"{excerpt(e.instruction, 50)} is {excerpt(e.output)}, "
                    f"but {excerpt(other.output)} at {seen_from(e, other)}",
                    e.place,
                    why="the same words can't have two answers: one of them teaches an error",
                    fix="decide which is right",
                )
            )

    def _said(self, row: int) -> object:
        """The answer of a row as far as its words, without case and punctuation, decide it: two
        rows that each copy a value as they have it (`Solo`, `solo`) have one answer."""
        example = self._examples[row]
        answer = read_answer(example.output, self._catalog)
        if answer.problem is not None:
            return example.output
        return [
            (
                call.intent,
                sorted(
                    (a.name or f"#{place}", _as_said(a.value, example.instruction))
                    for place, a in enumerate(call.arguments)
                ),
            )
            for call in answer.calls
        ]

    def _leaks(self, found: Findings) -> None:
        c = self._columns
        sources = {split: source_in_train(c, split) for split in (DEV, TEST)}
        shares = shares_of({split: source >= 0 for split, source in sources.items()}, c)
        for split, source in sources.items():
            for row in found.each("W-LEAK", (source >= 0).nonzero()[0]):
                e, other = self._examples[row], self._examples[int(source[row])]
                name = SPLIT_NAMES[split]
                found.append(
                    Finding(
                        "warning",
                        "W-LEAK",
                        f"{excerpt(e.instruction, 50)} of {name} is also in train, at "
                        f"{seen_from(e, other)}",
                        e.place,
                        why=f"{shares} are in train too: a model is right about what it has "
                        "memorised, so its figures flatter",
                        fix="remove them from there or from train, or split again "
                        "(`maksud convert --split`)",
                    )
                )


def _as_said(value: str, text: str) -> str:
    return normalise(value) if value in text else value


def shares_of(marked: Mapping[int, NDArray[np.bool_]], columns: Columns) -> str:
    """How many rows of each split are marked: `9 rows of dev (1.2%), 3 of test (0.1%)`."""
    parts: list[str] = []
    for split, rows in marked.items():
        count, total = int(rows.sum()), int((columns.split == split).sum())
        if count:
            what = format_count(count, "row") if not parts else f"{count:,}"
            parts.append(f"{what} of {SPLIT_NAMES[split]} ({count / total:.1%})")
    return ", ".join(parts)


def seen_from(example: Example, other: Example) -> str:
    """Where `other` is, as short as the place of `example` beside it allows."""
    if not other.line:
        return other.source or "another row"
    if other.source == example.source:
        return f"line {other.line}"
    if os.path.dirname(other.source) == os.path.dirname(example.source):
        return f"{os.path.basename(other.source)}:{other.line}"
    return other.place


def first_like(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """For each row, the number of the first row that is equal in all the columns."""
    import numpy as np

    order = np.argsort(mixed := combine_columns(*columns), kind="stable")
    mixed = mixed[order]
    starts = np.flatnonzero(np.concatenate(([True], mixed[1:] != mixed[:-1])))[: len(mixed)]
    lengths = np.diff(starts, append=len(mixed))
    first = np.empty(len(mixed), np.int64)
    first[order] = np.repeat(order[starts], lengths)
    return first


def source_in_train(columns: Columns, split: int) -> NDArray[np.int64]:
    """For each row of the split, the first row of train with the same words; -1: none."""
    import numpy as np

    source = np.full(len(columns), -1, np.int64)
    train = np.flatnonzero(columns.split == TRAIN)
    rows = np.flatnonzero(columns.split == split)
    if len(train) and len(rows):
        known, first = np.unique(columns.folded[train], return_index=True)
        asked = columns.folded[rows]
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        hit = known[at] == asked
        source[rows[hit]] = train[first[at[hit]]]
    return source


NOT_ALIKE = "a duplicate that differs in id, annotator or metadata"


def twins(left: Counter[str]) -> Callable[[Example], bool]:
    """Whether the same row was there before; counts those that are nearly the same row."""
    seen: dict[int, list[Example]] = {}

    def is_twin(example: Example) -> bool:
        others = seen.setdefault(hash((example.split, example.instruction, example.output)), [])
        mine = _fields(example)
        same = [fields for o in others if (fields := _fields(o))[:3] == mine[:3]]
        if mine in same:
            return True
        left[NOT_ALIKE] += bool(same)
        others.append(example)
        return False

    return is_twin


def _fields(e: Example) -> tuple[Any, ...]:
    return e.split, e.instruction, e.output, e.id, e.annotator, dict(e.metadata)


CHECK = Check("repeats", Repeats, Mend(("exact duplicate",), remove=twins))
