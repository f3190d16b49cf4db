"""Formats of other tools that are known and not read: refused by name, with the way to convert.

They would else be taken for rows with odd fields, and most of what they say be lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from maksud.data.formats.parts.source import Source
from maksud.errors import DataError


@dataclass(frozen=True)
class Elsewhere:
    """A format that is not read: what it is, how it is told, what makes one of ours of it."""

    what: str
    told: Callable[[Source], bool]
    way: str


def _has(*keys: str) -> Callable[[Source], bool]:
    return lambda file: bool(file.start.kind) and file.start.has(*keys)


def _begins(pattern: str) -> Callable[[Source], bool]:
    found = re.compile(pattern, re.MULTILINE)
    return lambda file: not file.start.kind and found.search(file.head_text) is not None


ELSEWHERE = (
    Elsewhere(
        "preferences for DPO (ShareGPT with chosen and rejected)",
        _has("conversations", "chosen", "rejected"),
        "Keep what was chosen: jq -c '.[] | {conversations: (.conversations + [.chosen])}' "
        "FILE > chosen.jsonl",
    ),
    Elsewhere(
        "preferences of OpenAI (preferred_output)",
        _has("preferred_output", "non_preferred_output"),
        "Keep what was preferred: jq -c '{messages: (.input.messages + .preferred_output)}' "
        "FILE > chosen.jsonl",
    ),
    Elsewhere(
        "preferences for DPO (prompt, chosen, rejected)",
        _has("chosen", "rejected"),
        "Keep what was chosen: jq -c '{instruction: .prompt, output: .chosen}' FILE > chosen.jsonl "
        "(where they are texts)",
    ),
    Elsewhere(
        "a dataset of snips-nlu in YAML",
        _begins(r"^type:\s*(intent|entity)\s*$"),
        "Make JSON of it: snips-nlu generate-dataset LANGUAGE FILE > dataset.json",
    ),
    Elsewhere(
        "labelled lines of fastText",
        _begins(r"\A\s*__label__\S+ "),
        "Make a table of it: (echo 'text\tlabel'; sed -E 's/^__label__([^ ]+) (.*)/\\2\\t\\1/' "
        "FILE) > data.tsv",
    ),
    Elsewhere(
        "an interaction model of Alexa",
        _has("interactionModel"),
        "Its samples have slots in braces and no values: write utterances, one a row",
    ),
)


def refuse_elsewhere(file: Source) -> None:
    """Raises `DataError` (`E-ELSEWHERE`) for a file in one of these formats."""
    found = next((e for e in ELSEWHERE if not file.packed and e.told(file)), None)
    if found is not None:
        raise DataError(f"E-ELSEWHERE {found.what}: not read", where=file.path, hint=found.way)
