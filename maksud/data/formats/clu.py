"""CLU projects (Azure conversational language understanding): utterances with entity offsets.

Offsets count UTF-16 code units. The intent `None` is out of scope. An utterance's dataset, `Train`
or `Test`, is its split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.document import read_document
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import kind, text_field
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, from_utf16, marked_call, spanned_answer, to_utf16
from maksud.errors import DataError
from maksud.language.calls import NONE

VERSION = "2023-04-01"
LANGUAGE = "en-us"
"""Language that is written where the examples do not say theirs."""


def read_clu(file: Source, options: Options) -> Reading:
    """Utterances of a project. Raises `DataError` where the file is no project."""
    reading = Reading()
    labels = Labels(reading, file.path)
    document = read_document(file, options, reading)
    assets = document.value.get("assets") if isinstance(document.value, Mapping) else None
    utterances = assets.get("utterances") if isinstance(assets, Mapping) else None
    if not isinstance(utterances, list):
        raise DataError(
            "E-SHAPE the project has no assets.utterances",
            where=file.path,
            hint="Export the project with its labelled utterances",
        )
    in_units = str(document.value.get("stringIndexType") or "Utf16").startswith("Utf16")
    for utterance in utterances:
        line = document.line(utterance)
        original = json.dumps(utterance, ensure_ascii=False)
        try:
            text, output, split, language = _read(utterance, labels, in_units)
        except RowError as error:
            reading.refuse(f"{file.path}:{line}", error, original)
            continue
        reading.add(
            text,
            output,
            source=file.path,
            line=line,
            original=original,
            split=split or options.split,
            metadata={"language": reading.share(language)} if language else None,
        )
    labels.close()
    return reading


def write_clu(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A project to import. Dev examples stand in its training set: it knows two sets."""
    intents: dict[str, None] = {}
    entities: dict[str, None] = {}
    utterances = []
    language = next(
        (e.metadata["language"] for e in examples if "language" in e.metadata), LANGUAGE
    )
    for e in examples:
        marked = marked_call(e, writing)
        if marked is None:
            continue
        call, spans = marked
        intent = "None" if call == NONE else call.intent
        intents[intent] = None
        entities |= dict.fromkeys(s.name for s in spans)
        offsets = [to_utf16(e.instruction, s.start) for s in spans]
        ends = [to_utf16(e.instruction, s.end) for s in spans]
        utterances.append(
            {
                "text": e.instruction,
                "language": e.metadata.get("language", language),
                "intent": intent,
                "entities": [
                    {"category": s.name, "offset": begin, "length": end - begin}
                    for s, begin, end in zip(spans, offsets, ends, strict=True)
                ],
                "dataset": "Test" if e.split == "test" else "Train",
            }
        )
    if any(e.split == "dev" for e in examples):
        writing.tell(
            "info", "I-LOST", "examples of dev are written to the training set: it has no dev"
        )
    project = {
        "projectFileVersion": VERSION,
        "stringIndexType": "Utf16CodeUnit",
        "metadata": {
            "projectKind": "Conversation",
            "settings": {"confidenceThreshold": 0},
            "projectName": writing.dataset.name or "maksud",
            "multilingual": False,
            "description": "",
            "language": language,
        },
        "assets": {
            "projectKind": "Conversation",
            "intents": [{"category": name} for name in intents],
            "entities": [{"category": name} for name in entities],
            "utterances": utterances,
        },
    }
    file.write((json.dumps(project, ensure_ascii=False, indent=1) + "\n").encode())


def _read(utterance: Any, labels: Labels, in_units: bool) -> tuple[str, str, str, str]:
    """Text, answer, split and language of an utterance. Raises `RowError`."""
    if not isinstance(utterance, Mapping):
        raise RowError("E-SHAPE", f"expected an object, found {kind(utterance)}")
    text, intent = utterance.get("text"), utterance.get("intent")
    for name, value in (("text", text), ("intent", intent)):
        if not isinstance(value, str):
            raise RowError("E-TYPE", f'"{name}" is {kind(value)}, expected text')
    text, intent = str(text), str(intent)
    entities = utterance.get("entities") or []
    if not isinstance(entities, list):
        raise RowError("E-TYPE", f"entities is {kind(entities)}, expected a list")
    spans = []
    for k, entity in enumerate(entities):
        begin, length = (entity.get(n) if isinstance(entity, Mapping) else None for n in _OFFSETS)
        if type(begin) is not int or type(length) is not int:
            raise RowError("E-SPAN", f"entities[{k}] has no offset and length", "export it again")
        end = begin + length
        if in_units:
            begin, end = from_utf16(text, begin), from_utf16(text, end)
        spans.append(Span(begin, end, str(entity.get("category") or "")))
    split = text_field(utterance, "dataset")
    return (
        text,
        spanned_answer(labels, intent, text, spans),
        split,
        text_field(utterance, "language"),
    )


_OFFSETS = ("offset", "length")


def _is_clu(file: Source) -> bool:
    start = file.start
    return start.kind in ("object", "lines") and start.has("projectFileVersion", "assets")


FORMAT = Format(
    "clu",
    "CLU project (Azure)",
    (),
    _is_clu,
    read_clu,
    write_clu,
    ending=".json",
    keeps=("language", "split"),
)
