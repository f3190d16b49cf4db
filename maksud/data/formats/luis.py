"""LUIS applications (JSON): utterances with the positions of their entities. Read only.

`startPos` and `endPos` count UTF-16 code units, the end included, in texts with the spaces of the
application. The intent `None` is out of scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import spanned_answer
from maksud.data.formats.parts.utterances import (
    Said,
    entity_spans,
    language_of,
    list_utterances,
    read_utterances,
    text_and_intent,
)


def read_luis(file: Source, options: Options) -> Reading:
    """Utterances of an application. Raises `DataError` where the file is none."""
    return read_utterances(
        file, options, lambda value: list_utterances(value, file.path, "application"), _said
    )


def _said(_: str, utterance: Any, labels: Labels, application: Any) -> Said:
    text, intent = text_and_intent(utterance)
    spans = entity_spans(
        utterance, text, _place, lambda entity: str(entity.get("entity") or ""), utf16=True
    )
    output = spanned_answer(labels, intent, text, spans)
    return Said(text, output, language=language_of(application, "culture"))


def _place(entity: Mapping[str, Any]) -> tuple[Any, Any]:
    begin, last = entity.get("startPos"), entity.get("endPos")
    return begin, last + 1 if type(last) is int else None


def _is_luis(file: Source) -> bool:
    return file.start.kind in ("object", "lines") and file.start.has("luis_schema_version")


FORMAT = Format("luis", "LUIS application (JSON)", (), _is_luis, read_luis, ending=".json")
