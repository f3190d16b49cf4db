"""Snips JSON: utterances cut into chunks, those of entities named.

Read are the datasets of snips-nlu (`{"intents": {name: {"utterances": [{"data": [chunks]}]}}}`)
and the files of the published benchmark (`{"GetWeather": [{"data": [chunks]}]}`). Written is the
former.
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
from maksud.data.formats.parts.rows import kind
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import chunks, marked_call, spanned_answer
from maksud.data.formats.parts.utterances import Said, read_utterances
from maksud.errors import DataError

LANGUAGE = "en"
"""Language that is written where the examples do not say theirs."""


def read_snips(file: Source, options: Options) -> Reading:
    """Utterances of all intents. Raises `DataError` where the file is no JSON."""
    return read_utterances(file, options, lambda value: _utterances(value, file.path), _said)


def _said(intent: str, utterance: Any, labels: Labels, dataset: Any) -> Said:
    text, spans = chunks(utterance, "slot_name", "entity")
    language = dataset.get("language")
    return Said(
        text,
        spanned_answer(labels, intent, text, spans),
        language=language if isinstance(language, str) else "",
    )


def write_snips(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A dataset of snips-nlu: each argument's name is its slot and its entity."""
    intents: dict[str, list[dict[str, Any]]] = {}
    entities: dict[str, None] = {}
    for e in examples:
        marked = marked_call(e, writing)
        if marked is None:
            continue
        call, spans = marked
        data: list[dict[str, str]] = []
        at = 0
        for s in spans:
            if s.start > at:
                data.append({"text": e.instruction[at : s.start]})
            value = e.instruction[s.start : s.end]
            data.append({"text": value, "entity": s.name, "slot_name": s.name})
            entities[s.name] = None
            at = s.end
        if at < len(e.instruction):
            data.append({"text": e.instruction[at:]})
        intents.setdefault(call.intent, []).append({"data": data})
    language = next(
        (e.metadata["language"] for e in examples if "language" in e.metadata), LANGUAGE
    )
    entity = {
        "data": [],
        "use_synonyms": True,
        "automatically_extensible": True,
        "matching_strictness": 1.0,
    }
    dataset = {
        "language": language,
        "intents": {name: {"utterances": u} for name, u in intents.items()},
        "entities": {name: entity for name in entities},
    }
    file.write((json.dumps(dataset, ensure_ascii=False, indent=1) + "\n").encode())


def _utterances(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise DataError(f"E-SHAPE expected an object, found {kind(value)}", where=path)
    intents = value.get("intents", value)
    for name, body in intents.items() if isinstance(intents, Mapping) else ():
        listed = body.get("utterances") if isinstance(body, Mapping) else body
        if not isinstance(listed, list):
            what = f"E-SHAPE intent {excerpt(str(name), 40)} has no list of utterances"
            raise DataError(what, where=path)
        for utterance in listed:
            yield str(name), utterance


def _is_snips(file: Source) -> bool:
    start = file.start
    if start.kind not in ("object", "lines"):
        return False
    if isinstance(start.first, Mapping):
        intents = start.first.get("intents", start.first)
        if not isinstance(intents, Mapping) or not intents:
            return False
        body = next(iter(intents.values()))
        listed = body.get("utterances") if isinstance(body, Mapping) else body
        if not isinstance(listed, list):
            return False
        if not listed:
            return "intents" in start.first
        return isinstance(listed[0], Mapping) and "data" in listed[0]
    return (
        start.has("data", "text")
        and not start.has("instruction")
        and (start.has("utterances") or start.has("entity") or file.head_text.lstrip()[:1] == "{")
    )


FORMAT = Format(
    "snips",
    "Snips dataset (JSON)",
    (),
    _is_snips,
    read_snips,
    write_snips,
    ending=".json",
    keeps=("language",),
)
