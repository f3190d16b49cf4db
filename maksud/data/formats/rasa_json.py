"""Old Rasa NLU JSON: `rasa_nlu_data` with common examples. Read only.

Offsets count characters. A role is joined to the entity's name, as in `rasa`; values that are not
what was said, synonyms, lookups and regular expressions are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import spanned_answer
from maksud.data.formats.parts.utterances import (
    Said,
    entity_spans,
    read_utterances,
    text_and_intent,
)
from maksud.errors import DataError

_READ = ("common_examples", "intent_examples", "entity_examples")


def read_rasa_json(file: Source, options: Options) -> Reading:
    """Examples of a file. Raises `DataError` where it has none."""
    others: dict[str, int] = {}

    def listed(value: Any) -> Iterator[tuple[str, Any]]:
        data = value.get("rasa_nlu_data") if isinstance(value, Mapping) else None
        if not isinstance(data, Mapping):
            raise DataError("E-SHAPE there is no rasa_nlu_data", where=file.path)
        for name, entries in data.items():
            if name not in _READ:
                others[str(name)] = len(entries) if isinstance(entries, list) else 1
                continue
            if not isinstance(entries, list):
                raise DataError(f"E-SHAPE {name} is no list", where=file.path)
            yield from (("", entry) for entry in entries)

    reading = read_utterances(file, options, listed, _said)
    for name, n in others.items():
        if n:
            reading.tell("info", "I-RASA", f"{n:,} {name} are not read", file.path)
    return reading


def _said(_: str, utterance: Any, labels: Labels, document: Any) -> Said:
    text, intent = text_and_intent(utterance)
    spans = entity_spans(utterance, text, _place, _name, utf16=False)
    return Said(text, spanned_answer(labels, intent, text, spans))


def _place(entity: Mapping[str, Any]) -> tuple[Any, Any]:
    return entity.get("start"), entity.get("end")


def _name(entity: Mapping[str, Any]) -> str:
    name, role = str(entity.get("entity") or ""), entity.get("role")
    return f"{name}_{role}" if role else name


def _is_rasa_json(file: Source) -> bool:
    return file.start.kind in ("object", "lines") and file.start.has("rasa_nlu_data")


FORMAT = Format(
    "rasa-json", "old Rasa NLU data (JSON)", (), _is_rasa_json, read_rasa_json, ending=".json"
)
