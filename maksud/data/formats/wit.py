"""wit.ai exports (`utterances/utterances-1.json`): texts with an intent and entities. Read only.

An entity `wit$location:from` is the argument `from`: its role, else its name. Traits, which say
something of the whole text, are refused: they have no place in an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import kind
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, spanned_answer
from maksud.data.formats.parts.utterances import (
    Said,
    entity_spans,
    list_utterances,
    read_utterances,
)


def read_wit(file: Source, options: Options) -> Reading:
    """Utterances of an export. Raises `DataError` where the file is none."""
    return read_utterances(
        file, options, lambda value: list_utterances(value, file.path, "export"), _said
    )


def _said(_: str, utterance: Any, labels: Labels, export: Any) -> Said:
    text = utterance.get("text") if isinstance(utterance, Mapping) else None
    if not isinstance(text, str):
        raise RowError("E-TYPE", f'"text" is {kind(text)}, expected text')
    intent = utterance.get("intent")
    if utterance.get("traits"):
        raise RowError("E-TASK", "traits have no place in an answer", "make intents of them")
    spans = entity_spans(utterance, text, _place, _name, utf16=False)
    spans = [
        _checked(s, text, e) for s, e in zip(spans, utterance.get("entities") or (), strict=True)
    ]
    if intent is None and not spans:
        return Said(text, None)
    if not isinstance(intent, str):
        raise RowError("E-TASK", "entities are marked, but there is no intent", "choose one")
    return Said(text, spanned_answer(labels, intent, text, spans))


def _checked(span: Span, text: str, entity: Mapping[str, Any]) -> Span:
    body = entity.get("body")
    if isinstance(body, str) and text[span.start : span.end] != body:
        what = f"the entity {span.name} at {span.start} to {span.end} is not its body"
        raise RowError("E-SPAN", what, "mark it again")
    return span


def _place(entity: Mapping[str, Any]) -> tuple[Any, Any]:
    return entity.get("start"), entity.get("end")


def _name(entity: Mapping[str, Any]) -> str:
    name, _, role = str(entity.get("entity") or "").partition(":")
    return role or name.removeprefix("wit$")


def _is_wit(file: Source) -> bool:
    if file.start.kind not in ("object", "lines") or not file.start.has("utterances"):
        return False
    first = file.start.first
    if isinstance(first, dict) and set(first) != {"utterances"}:
        return False
    return '"traits"' in file.head_text or '"entity": "wit$' in file.head_text


FORMAT = Format("wit", "wit.ai utterances (JSON)", (), _is_wit, read_wit, ending=".json")
