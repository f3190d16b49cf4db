"""CLU projects (Azure conversational language understanding): utterances with entity offsets.

Offsets count UTF-16 code units. The intent `None` is out of scope. An utterance's dataset, `Train`
or `Test`, is its split.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.rows import text_field
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import marked_call, spanned_answer, to_utf16
from maksud.data.formats.parts.utterances import (
    Said,
    entity_spans,
    language_of,
    read_utterances,
    text_and_intent,
)
from maksud.errors import DataError
from maksud.language.calls import NONE

VERSION = "2023-04-01"
LANGUAGE = "en-us"
"""Language that is written where the examples do not say theirs."""


def read_clu(file: Source, options: Options) -> Reading:
    """Utterances of a project. Raises `DataError` where the file is no project."""

    def listed(value: Any) -> Iterator[tuple[str, Any]]:
        assets = value.get("assets") if isinstance(value, Mapping) else None
        utterances = assets.get("utterances") if isinstance(assets, Mapping) else None
        if not isinstance(utterances, list):
            raise DataError(
                "E-SHAPE the project has no assets.utterances",
                where=file.path,
                hint="Export the project with its labelled utterances",
            )
        for name, known in _KNOWN.items():
            for part in (value, value.get("metadata"), assets):
                given = part.get(name) if isinstance(part, Mapping) else None
                if given is not None and str(given).casefold() not in known:
                    raise DataError(
                        f"E-ENUM {name} is {excerpt(str(given), 40)}: not known",
                        where=file.path,
                        hint=f"Known: {', '.join(known)}. Export the project with one of them",
                    )
        yield from (("", utterance) for utterance in utterances)

    return read_utterances(file, options, listed, _read)


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


def _read(_: str, utterance: Any, labels: Labels, project: Any) -> Said:
    """An utterance of a project. Raises `RowError`."""
    text, intent = text_and_intent(utterance)
    spans = entity_spans(
        utterance,
        text,
        _offsets,
        lambda entity: str(entity.get("category") or ""),
        utf16=str(project.get("stringIndexType")).casefold() != _POINTS,
    )
    output = spanned_answer(labels, intent, text, spans)
    return Said(text, output, text_field(utterance, "dataset"), language_of(utterance))


def _offsets(entity: Mapping[str, Any]) -> tuple[Any, Any]:
    begin, length = entity.get("offset"), entity.get("length")
    if type(begin) is not int or type(length) is not int:
        return None, None
    return begin, begin + length


_POINTS = "unicodecodepoint"
_KNOWN = {
    "stringIndexType": ("utf16codeunit", _POINTS),
    "projectKind": ("conversation", "orchestration"),
}
"""What the fields of a project may say that change how it is read; `TextElement_v8` counts what no
other tool counts."""


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
