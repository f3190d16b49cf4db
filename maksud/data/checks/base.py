"""What a check is: a part that sees every row and tells what it found, and how it mends.

A check is one file, which ends with its `CHECK`, and one line of `registry`. What several checks
count together is a part of its own, made once for a run (`Checking.use`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TypeVar

from maksud.data.checks.rows import Row, Tick
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Findings
from maksud.language.catalog import Catalog

Clean = Callable[[str], tuple[str, set[str]]]
"""A text to the mended text and the kinds of what was mended."""


class Part:
    """Sees rows, or tells findings, or both: what a check overrides is what is asked of it."""

    @classmethod
    def of(cls, checking: Checking) -> Part:
        """The part for one run."""
        return cls()

    def see(self, row: Row) -> None:
        """Looks at a row. What it wants to keep it copies: the row is filled anew."""

    def tell(self, found: Findings) -> None:
        """Adds its findings, once all rows were seen."""

    @property
    def sees(self) -> bool:
        """Whether it wants to see the rows at all."""
        return type(self).see is not Part.see


P = TypeVar("P", bound=Part)


@dataclass
class Checking:
    """One run over a dataset: what is asked (as `run.check` says), and the parts made for it."""

    examples: Sequence[Example]
    catalog: Catalog | None = None
    against: Dataset | None = None
    seq_length: int = 0
    tokenizer: str | PathLike[str] | None = None
    limit: int | None = None
    tick: Tick | None = None
    parts: dict[type[Part], Part] = field(default_factory=dict)

    def use(self, kind: type[P]) -> P:
        """The part of this kind: one for all that use it."""
        part = self.parts.get(kind)
        if part is None:
            part = kind.of(self)
            self.parts[kind] = part
        if not isinstance(part, kind):
            raise TypeError(f"{kind.__name__}.of made a {type(part).__name__}")
        return part


@dataclass(frozen=True)
class Mend:
    """What `--fix` does about what a check finds, where that can't change what a row teaches.

    `kinds` name what it does, in the order in which they are told.
    """

    kinds: tuple[str, ...]
    clean: Clean | None = None
    """Changes an utterance and the values of its answer alike."""
    trim: Clean | None = None
    """Changes an utterance at its ends; its values stay."""
    spell: Callable[[Catalog | None], Callable[[str], str]] | None = None
    """Of the catalog to spell by: an intent's name to the right one."""
    remove: Callable[[Counter[str]], Callable[[Example], bool]] | None = None
    """Of a count of what is left, by reason: whether a row, asked in order, goes."""
    unseen: frozenset[str] = frozenset()
    """Kinds whose change does not show: a diff writes escapes."""


@dataclass(frozen=True)
class Check:
    """A check: its name, its part, and its safe mend."""

    name: str
    part: type[Part]
    mend: Mend | None = None
