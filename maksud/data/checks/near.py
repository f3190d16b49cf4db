"""Nearly the same utterance: one word more, less, other or moved; or the same letters.

Candidates come from deletion neighbourhoods (Bocek, Hunt and Stiller 2007): texts that are one
word apart agree after deleting at most one word of each, so equal keys among "the text" and "the
text without word i" find all such pairs in linear time. Longer texts are found by MinHash (Broder
1997). What decides about meaning is verified on the texts themselves. What is near is defined in
`neighbours`, for splits and folds too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.repeats import (
    Columns,
    first_like,
    seen_from,
    shares_of,
    source_in_train,
)
from maksud.data.checks.rows import DEV, SPLIT_NAMES, TEST, TRAIN, Row, Tick
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt, format_count
from maksud.data.neighbours import Chunk, Sketch, are_similar
from maksud.language.folding import folded_words, normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maksud.data.neighbours import Keys

FILLERS = "please tolong mohon dong ya yah nih deh sih kak mas mbak the a an oh hey hai halo ok oke"
"""Words that change no wish: with or without one it is the same utterance."""

_FILLERS = frozenset(normalise(FILLERS).split())

TOGETHER = 1 << 20
"""Keys that are compared at a time, roughly: of more, those of one range after the other."""
SEEN = 500
COMPARED = 12
"""Rows of a group that are looked at, and different texts that are compared with each other."""
MAX_GROUPS = 100_000
"""Groups of texts with different intents that are looked at, and long texts that are verified."""


class Near(Part):
    """Near copies, near contradictions and near leaks.

    Sees 4 bytes for each key, about one key a word; the keys of rows that may meet another one
    are computed again, once and whole, when it tells.
    """

    @classmethod
    def of(cls, checking: Checking) -> Near:
        return cls(checking.examples, checking.use(Columns), checking.tick)

    def __init__(
        self, examples: Sequence[Example], columns: Columns, tick: Tick | None = None
    ) -> None:
        self._examples = examples
        self._columns = columns
        self._tick = tick
        self._chunk = Chunk()
        self._sketch = Sketch()
        self._long: list[Keys] = []

    def see(self, row: Row) -> None:
        if self._chunk.add(row.number, row.words):
            self._end_chunk()

    def _end_chunk(self) -> None:
        near, long = self._chunk.keys()
        self._sketch.add(*near)
        if long is not None:
            self._long.append(long)
        self._chunk = Chunk()

    # ------------------------------------------------------------ telling

    def tell(self, found: Findings) -> None:
        import numpy as np

        n = len(self._columns)
        if not n:
            return
        self._end_chunk()
        rows = self._sketch.meeting()
        c = self._columns
        # Of copies, the first stands for all.
        first = first_like(c.folded, c.split)
        rows = rows[first[rows] == rows]
        self._near_copy = np.full(n, -1, np.int32)
        self._near_leak = np.full(n, -1, np.int32)
        self._near_clash: dict[int, int] = {}
        self._looked = 0
        parts = self._keys(rows, self._parts(rows))
        while parts:
            self._short_part(*_joined(parts.pop(0)))
        self._long_part(*_joined(self._long))
        self._near_leak = self._near_leak[first]
        self._tell_copies(found)
        self._tell_leaks(found)
        self._tell_conflicts(found)

    def _parts(self, rows: NDArray[np.int32]) -> int:
        """In how many parts the keys of the rows are compared, so that memory stays flat."""
        letters = sum(len(self._examples[row].instruction) for row in rows.tolist())
        return 1 + letters // (6 * TOGETHER)

    def _keys(self, rows: NDArray[np.int32], parts: int) -> list[list[Keys]]:
        """The keys of the rows, by the part that they fall in."""
        import numpy as np

        kept: list[list[Keys]] = [[] for _ in range(parts)]
        bounds = [(part << 32) // parts for part in range(1, parts)]
        chunk = Chunk()

        def end() -> None:
            (keys, of), _ = chunk.keys()
            part = np.searchsorted(np.array(bounds, np.uint64), keys >> np.uint64(32), "right")
            for k, mine in enumerate(kept):
                mine.append((keys[part == k], of[part == k]))

        for k, row in enumerate(rows.tolist()):
            text = self._examples[row].instruction
            if chunk.add(row, folded_words(text) or normalise(text).split()):
                end()
                chunk = Chunk()
                if self._tick is not None:
                    self._tick("Looking closer", k / len(rows))
        end()
        return kept

    def _short_part(self, keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        import numpy as np

        c = self._columns
        keys, rows = _meeting(keys, rows, c.folded)
        if not len(rows):
            return
        starts = _starts(keys)
        lengths = np.diff(starts, append=len(keys))
        split, folded = c.split[rows], c.folded[rows]
        # Leaks: the first row of train in the group stands for it.
        trained = np.where(split == TRAIN, rows, np.iinfo(np.int32).max)
        source = np.repeat(np.minimum.reduceat(trained, starts), lengths)
        leaked = ((split == DEV) | (split == TEST)) & (source < np.iinfo(np.int32).max)
        self._near_leak[rows[leaked]] = source[leaked]
        # Copies: the same answer to other words, in the same split.
        first = first_like(keys.view(np.int64), split, c.answer[rows])
        copied = folded[first] != folded
        self._near_copy[rows[copied]] = rows[first[copied]]
        # Contradictions: other intents for nearly the same words.
        intents = c.intents[rows]
        labelled = c.answer[rows] != 0
        differ = np.minimum.reduceat(intents, starts) != np.maximum.reduceat(intents, starts)
        for at in np.flatnonzero(differ):
            if self._looked >= MAX_GROUPS:
                return
            self._looked += 1
            group = slice(starts[at], starts[at] + lengths[at])
            self._contradictions(rows[group][labelled[group]].tolist())

    def _contradictions(self, rows: list[int]) -> None:
        intents, folded = self._columns.intents, self._columns.folded
        first: dict[int, int] = {}
        for row in sorted(rows[:SEEN]):
            first.setdefault(int(folded[row]), row)
        distinct = list(first.values())[:COMPARED]
        for k, row in enumerate(distinct):
            for other in distinct[:k]:
                if row in self._near_clash or self._contrast(row, other):
                    continue
                if intents[row] != intents[other]:
                    texts = (self._examples[i].instruction for i in (row, other))
                    if is_tiny(*(normalise(text).split() for text in texts)):
                        self._near_clash[row] = other

    def _long_part(self, keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        """Long texts: those that share a MinHash band are compared letter by letter."""
        c = self._columns
        keys, rows = _meeting(keys, rows, c.folded)
        if not len(rows):
            return
        asked: set[tuple[int, int]] = set()
        for group in _groups(keys, rows):
            first = group[0]
            for row in group[1:]:
                if (first, row) in asked or c.folded[first] == c.folded[row]:
                    continue
                if len(asked) >= MAX_GROUPS:
                    return
                asked.add((first, row))
                texts = (normalise(self._examples[i].instruction) for i in (first, row))
                if are_similar(*texts):
                    self._pair(first, row)

    def _pair(self, first: int, row: int) -> None:
        c = self._columns
        splits = c.split[first], c.split[row]
        if splits[0] == splits[1]:
            if c.answer[first] == c.answer[row]:
                self._near_copy[row] = first
        elif splits[0] == TRAIN and splits[1] in (DEV, TEST):
            self._near_leak[row] = first
        clash = c.answer[first] and c.answer[row] and c.intents[first] != c.intents[row]
        if clash and not self._contrast(first, row):
            self._near_clash.setdefault(row, first)

    def _contrast(self, row: int, other: int) -> bool:
        """Whether a person made the two a contrast pair: they are near on purpose."""
        mine = self._examples[row].metadata.get("pair")
        return bool(mine) and mine == self._examples[other].metadata.get("pair")

    def _tell_copies(self, found: Findings) -> None:
        import numpy as np

        rows = np.flatnonzero(self._near_copy >= 0)
        share = len(rows) / len(self._columns)
        for row in found.each("I-NEARDUP", rows):
            e, other = self._examples[row], self._examples[int(self._near_copy[row])]
            found.append(
                Finding(
                    "info",
                    "I-NEARDUP",
                    f"{excerpt(e.instruction, 50)} is nearly {excerpt(other.instruction, 50)} at "
                    f"{seen_from(e, other)}, with the same answer",
                    e.place,
                    why=f"{format_count(len(rows), 'row')} ({share:.1%}) a word "
                    "away from another one: they teach little more",
                    fix="prefer other phrasings",
                )
            )

    def _tell_leaks(self, found: Findings) -> None:
        c = self._columns
        near = self._near_leak >= 0
        marked = {
            split: near & (c.split == split) & (source_in_train(c, split) < 0)
            for split in (DEV, TEST)
        }
        shares = shares_of(marked, c)
        for split, rows in marked.items():
            for row in found.each("I-LEAK", rows.nonzero()[0]):
                e, other = self._examples[row], self._examples[int(self._near_leak[row])]
                found.append(
                    Finding(
                        "info",
                        "I-LEAK",
                        f"{excerpt(e.instruction, 50)} of {SPLIT_NAMES[split]} is nearly "
                        f"{excerpt(other.instruction, 50)} at {seen_from(e, other)}",
                        e.place,
                        why=f"{shares} differ by a word from one of train: figures flatter",
                        fix="split again with near-identical utterances on one side "
                        "(`maksud convert --split` does)",
                    )
                )

    def _tell_conflicts(self, found: Findings) -> None:
        for row in found.each("W-NEARCONFLICT", sorted(self._near_clash)):
            e, other = self._examples[row], self._examples[self._near_clash[row]]
            found.append(
                Finding(
                    "warning",
                    "W-NEARCONFLICT",
                    f"{excerpt(e.instruction, 50)} is {excerpt(e.output, 40)}, but nearly the same "
                    f"{excerpt(other.instruction, 50)} is {excerpt(other.output, 40)} at "
                    f"{seen_from(e, other)}",
                    e.place,
                    why="a typo, a particle or a space does not change what is wanted",
                    fix="decide which intent is right",
                )
            )


def is_tiny(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two utterances, in folded words, differ in nothing that changes a wish.

    The same letters; one word moved; fillers or a repeated word more; one letter of one word of
    four letters or more.
    """
    from rapidfuzz.distance import OSA

    if "".join(left) == "".join(right) or sorted(left) == sorted(right):
        return True
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    a, b = (list(side[start : len(side) - end]) for side in (left, right))
    if not a or not b:
        more = a or b
        beside = {*left[start - 1 : start], *left[start + len(a) :][:1]}
        return all(word in _FILLERS or word in beside for word in more)
    x, y = " ".join(a), " ".join(b)
    if min(len(x), len(y)) < 4 or any(ch.isdigit() for ch in x + y):
        return False
    return OSA.distance(x, y, score_cutoff=1) <= 1


def _joined(parts: list[Keys]) -> Keys:
    import numpy as np

    keys = np.concatenate([np.empty(0, np.uint64), *(k for k, _ in parts)])
    return keys, np.concatenate([np.empty(0, np.int32), *(r for _, r in parts)])


def _meeting(keys: NDArray[np.uint64], rows: NDArray[np.int32], folded: NDArray[np.int64]) -> Keys:
    """Keys with their rows, sorted, of which two different texts have the same."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    twin = np.zeros(len(keys), bool)
    twin[1:] = keys[1:] == keys[:-1]
    twin[:-1] |= twin[1:]
    keys, rows = keys[twin], rows[order[twin]]
    if not len(keys):
        return keys, rows
    starts = _starts(keys)
    text = folded[rows]
    several = np.minimum.reduceat(text, starts) != np.maximum.reduceat(text, starts)
    kept = np.repeat(several, np.diff(starts, append=len(keys)))
    return keys[kept], rows[kept]


def _starts(keys: NDArray[Any]) -> NDArray[np.int64]:
    import numpy as np

    return np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))


def _groups(keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> Iterator[list[int]]:
    starts = [*_starts(keys).tolist(), len(keys)]
    for start, end in zip(starts, starts[1:], strict=False):
        yield sorted(set(rows[start:end].tolist()))


CHECK = Check("near", Near)
