"""Suggested answers: rows that nobody has accepted yet, and what accepting one is.

A suggested row has no answer of its own. It has a `suggestion`, and a field `accept` for a person
to write "yes" into: only then is the suggestion its answer, wherever it is read. So nothing that
nobody looked at is ever trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maksud.data.dataset import Example

SUGGESTION, ACCEPT = "suggestion", "accept"
YES = frozenset({"yes", "y", "ya", "true"})
"""What accepts a suggestion, whatever the case."""


def is_suggested(output: str | None, metadata: Mapping[str, Any]) -> bool:
    """Whether a row has no answer, but one that was suggested."""
    return not output and isinstance(metadata.get("pair"), str) and _suggestion(metadata) != ""


def accepted(metadata: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The answer of a suggested row that was accepted, and its metadata without what that took;
    None where it was not."""
    said = metadata.get(ACCEPT)
    if said is not True and str(said).strip().casefold() not in YES:
        return None
    kept = {k: v for k, v in metadata.items() if k not in (SUGGESTION, ACCEPT)}
    return _suggestion(metadata), kept


def part_suggested(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """The other examples, and those that are suggested and not accepted."""
    kept: list[Example] = []
    waiting: list[Example] = []
    for e in examples:
        (waiting if e.metadata and is_suggested(e.output, e.metadata) else kept).append(e)
    return kept, waiting


def _suggestion(metadata: Mapping[str, Any]) -> str:
    value = metadata.get(SUGGESTION)
    return value.strip() if isinstance(value, str) else ""
