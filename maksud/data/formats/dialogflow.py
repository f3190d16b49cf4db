"""Dialogflow ES exports: `NAME_usersays_LANGUAGE.json`, one file an intent, or the whole folder.

Parts with an `alias` are arguments. What the fallback intent is trained on is out of scope. The
files do not say their intent: their names do. Read only: an export is a folder of many settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from maksud.data.formats import store
from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.document import read_document
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records, shape_problem
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import chunks, spanned_answer
from maksud.errors import DataError
from maksud.language.calls import NONE

_NAME = re.compile(r"(?P<intent>.+)_usersays_(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\.json")
_FOLDER = "intents"


def read_dialogflow(file: Source, options: Options) -> Reading:
    """The utterances of one intent. Raises `DataError` where the name does not say which."""
    match = _NAME.fullmatch(file.name)
    if match is None:
        raise DataError(
            "E-INTENT the file's name does not say its intent",
            where=file.path,
            hint="Name it INTENT_usersays_LANGUAGE.json, as Dialogflow does",
        )
    reading = Reading()
    about_path = file.path[: -len(file.name)] + match["intent"] + ".json"
    fallback = _is_fallback(about_path, options)
    _read_intent(file, match["intent"], match["language"], fallback, options, reading)
    return reading


def read_folder(path: str, options: Options) -> Reading:
    """The utterances of all intents of an export."""
    folder = store.join(path, _FOLDER)
    reading = Reading()
    for name in store.names(folder):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        fallback = _is_fallback(store.join(folder, f"{match['intent']}.json"), options)
        source = Source(store.join(folder, name))
        part = Reading()
        _read_intent(source, match["intent"], match["language"], fallback, options, part)
        part.close(source.path)
        reading.extend(part)
    return reading


def _read_intent(
    file: Source,
    intent: str,
    language: str,
    fallback: bool,
    options: Options,
    reading: Reading,
) -> None:
    labels = Labels(reading, file.path)
    for line, row, original in records(file, options, reading):
        place = f"{file.path}:{line}"
        if problem := shape_problem(row):
            reading.reject(place, *problem, original)
            continue
        try:
            if row.get("isTemplate"):
                fix = "write utterances instead of templates"
                raise RowError("E-TEMPLATE", "a template is no utterance", fix)
            text, spans = chunks(_named(row), "alias")
            output = str(NONE) if fallback else spanned_answer(labels, intent, text, spans)
        except RowError as error:
            reading.refuse(place, error, original)
            continue
        reading.add(
            text,
            output,
            source=file.path,
            line=line,
            original=original,
            split=options.split,
            id=str(row.get("id") or ""),
            metadata={"language": reading.share(language)},
        )
    labels.close()


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without the marks that say to ignore a part."""
    data = row.get("data")
    if not isinstance(data, list):
        return dict(row)
    ignored = ("@sys.ignore",)
    plain = [
        {k: v for k, v in part.items() if k != "alias"}
        if isinstance(part, Mapping) and part.get("meta") in ignored
        else part
        for part in data
    ]
    return {**row, "data": plain}


def _is_fallback(path: str, options: Options) -> bool:
    """Whether the intent's own file says that it is the fallback.

    Raises `DataError` where that file is broken: what is out of scope must not be guessed.
    """
    if not store.exists(path):
        return False
    about = read_document(Source(path), options, Reading()).value
    if not isinstance(about, Mapping):
        raise DataError(
            "E-SHAPE the file of an intent holds no object", where=path, hint="Export it again"
        )
    return bool(about.get("fallbackIntent"))


def _is_usersays(file: Source) -> bool:
    first = file.start.first
    if file.start.kind != "array" or not isinstance(first, Mapping):
        return file.start.kind == "array" and _NAME.fullmatch(file.name) is not None
    return isinstance(first.get("data"), list) and (
        "isTemplate" in first or _NAME.fullmatch(file.name) is not None
    )


def _is_export(path: str) -> bool:
    return any(_NAME.fullmatch(name) for name in store.names(store.join(path, _FOLDER)))


FORMAT = Format(
    "dialogflow",
    "Dialogflow ES export, a file or its folder",
    (),
    _is_usersays,
    read_dialogflow,
    is_directory=_is_export,
    read_directory=read_folder,
)
