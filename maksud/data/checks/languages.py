"""Language and script: a few rows in another one than the rest are often a mistake.

A sample of rows is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt
from maksud.language.languages import ON_PURPOSE, language_of

SAMPLE = 20_000
"""Rows that are looked at, evenly over the data."""
FEWEST = 100
"""Rows whose language or script is told, from which anything is concluded."""
STRAY = 0.05
"""Share of the rows in another language from which it is told."""


class Languages(Part):
    """Looks at a sample when it tells."""

    @classmethod
    def of(cls, checking: Checking) -> Languages:
        return cls(checking.examples)

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def tell(self, found: Findings) -> None:
        step = max(1, len(self._examples) // SAMPLE)
        counts: Counter[str] = Counter()
        first: dict[str, Example] = {}
        for k in range(0, len(self._examples), step):
            example = self._examples[k]
            language = language_of(example.instruction)
            if language:
                counts[language] += 1
                first.setdefault(language, example)
        total = sum(counts.values())
        if total < FEWEST:
            return
        (main, _), *others = counts.most_common()
        for language, count in others:
            share = count / total
            if share <= STRAY:
                continue
            wanted = share > ON_PURPOSE
            example = first[language]
            found.append(
                Finding(
                    "info" if wanted else "warning",
                    "I-LANG" if wanted else "W-LANG",
                    f"{share:.0%} of the rows seem to be {language}, most {main}: "
                    f"{excerpt(example.instruction, 50)}",
                    example.place,
                    why="few rows of another language teach it badly, and may be a mistake",
                    fix="look whether they belong here, or add more of them",
                )
            )


CHECK = Check("languages", Languages)
