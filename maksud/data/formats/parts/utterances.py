"""Utterances of one document, each read on its own: a bad one is a reject with its line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from maksud.data.formats.base import Options
from maksud.data.formats.parts.document import Document, read_document
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import kind, text_field
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, from_utf16
from maksud.errors import DataError


@dataclass(frozen=True, slots=True)
class Said:
    """What an utterance of a document is: its text, its answer, and what else it says."""

    text: str
    output: str | None
    split: str = ""
    language: str = ""


def read_utterances(
    file: Source,
    options: Options,
    listed: Callable[[Any], Iterable[tuple[str, Any]]],
    said: Callable[[str, Any, Labels, Any], Said],
) -> Reading:
    """The utterances of a file that is one JSON document.

    `listed` finds them in the document's value, each with the name of its intent where it stands
    under one; `said` reads one: name, utterance, labels, the document's value. Raises `DataError`
    where the file is no such document.
    """
    reading = Reading()
    labels = Labels(reading, file.path)
    document: Document = read_document(file, options, reading)
    for intent, utterance in listed(document.value):
        line = document.line(utterance)
        original = json.dumps(utterance, ensure_ascii=False)
        try:
            it = said(intent, utterance, labels, document.value)
        except RowError as error:
            reading.refuse(f"{file.path}:{line}", error, original)
            continue
        reading.add(
            it.text,
            it.output,
            source=file.path,
            line=line,
            original=original,
            split=it.split or options.split,
            metadata={"language": reading.share(it.language)} if it.language else None,
        )
    labels.close()
    return reading


def list_utterances(value: Any, path: str, what: str) -> Iterator[tuple[str, Any]]:
    """What stands under `utterances` of a document, for `read_utterances`: none of them stands
    under an intent. Raises `DataError` that `what` has none."""
    utterances = value.get("utterances") if isinstance(value, Mapping) else None
    if not isinstance(utterances, list):
        raise DataError(f"E-SHAPE the {what} has no utterances", where=path)
    yield from (("", utterance) for utterance in utterances)


def text_and_intent(utterance: Any, intent: str = "intent") -> tuple[str, str]:
    """The two texts of an utterance that is an object. Raises `RowError`."""
    if not isinstance(utterance, Mapping):
        raise RowError("E-SHAPE", f"expected an object, found {kind(utterance)}")
    for name in ("text", intent):
        if not isinstance(utterance.get(name), str):
            what = f'"{name}" is {kind(utterance.get(name))}, expected text'
            raise RowError("E-TYPE", what)
    return utterance["text"], utterance[intent]


def entity_spans(
    utterance: Mapping[str, Any],
    text: str,
    place: Callable[[Mapping[str, Any]], tuple[Any, Any]],
    name: Callable[[Mapping[str, Any]], str],
    *,
    utf16: bool,
) -> list[Span]:
    """The marked spans of an utterance: where `place` says they begin and end (exclusive), under
    the names that `name` gives. Raises `RowError` (`E-SPAN`)."""
    entities = utterance.get("entities") or []
    if not isinstance(entities, list):
        raise RowError("E-TYPE", f"entities is {kind(entities)}, expected a list")
    spans = []
    for k, entity in enumerate(entities):
        begin, end = place(entity) if isinstance(entity, Mapping) else (None, None)
        if type(begin) is not int or type(end) is not int:
            raise RowError("E-SPAN", f"entities[{k}] has no offsets", "export it again")
        if utf16:
            begin, end = from_utf16(text, begin), from_utf16(text, end)
        spans.append(Span(begin, end, name(entity)))
    return spans


def language_of(value: Any, field: str = "language") -> str:
    """The language that an object says; "" for none. Raises `RowError` for no text."""
    return text_field(value, field) if isinstance(value, Mapping) else ""
