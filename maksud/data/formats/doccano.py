"""doccano JSONL: `label` or `cats` name the intent, `entities` with offsets its arguments.

Offsets count characters. Labels that are spans alone (sequence labelling) name no intent: such a
row is refused, as its answer would be a guess. Read only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records, shape_problem
from maksud.data.formats.parts.rows import kind, text_field
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, spanned_answer

_KNOWN = ("id", "text", "label", "labels", "cats", "entities", "relations", "Comments", "split")


def read_doccano(file: Source, options: Options) -> Reading:
    """Texts with their categories and entities, one a line."""
    reading = Reading()
    labels = Labels(reading, file.path)
    comments = 0
    for line, row, original in records(file, options, reading):
        place = f"{file.path}:{line}"
        if problem := shape_problem(row):
            reading.reject(place, *problem, original)
            continue
        try:
            output = _answer(row, labels)
            split = text_field(row, "split")
        except RowError as error:
            reading.refuse(place, error, original)
            continue
        comments += bool(row.get("Comments"))
        number = row.get("id")
        rest = {k: v for k, v in row.items() if k not in _KNOWN}
        if rest:
            reading.note_fields(rest, line)
        reading.add(
            str(row["text"]),
            output,
            source=file.path,
            line=line,
            original=original,
            split=split or options.split,
            id="" if number is None else str(number),
            metadata=rest,
        )
    if comments:
        reading.tell("info", "I-DOCCANO", f"comments of {comments:,} rows are not read", file.path)
    labels.close()
    return reading


def _answer(row: Mapping[str, Any], labels: Labels) -> str | None:
    """The answer of a row; None where it is not labelled yet. Raises `RowError`."""
    text = row.get("text")
    if not isinstance(text, str):
        raise RowError("E-TYPE", f'"text" is {kind(text)}, expected text')
    categories: list[str] = []
    spans: list[Span] = []
    for field in ("cats", "label", "labels", "entities"):
        given = row.get(field) or []
        if not isinstance(given, list):
            raise RowError("E-TYPE", f"{field} is {kind(given)}, expected a list")
        for item in given:
            if isinstance(item, str):
                categories.append(item)
            else:
                spans.append(_span(item, field))
    if row.get("relations"):
        raise RowError("E-TASK", "relations between entities have no place here", "remove them")
    if not categories and not spans:
        return None
    if len(categories) != 1:
        what = f"{len(categories)} categories: one is the intent" if categories else "spans alone"
        fix = "label intents as well (intent detection and slot filling), or write the answers"
        if not spans and categories:
            return ";".join(labels.call(name) for name in categories)
        raise RowError("E-TASK", what, fix)
    return spanned_answer(labels, categories[0], text, spans)


def _span(item: Any, field: str) -> Span:
    if isinstance(item, Mapping):
        item = [item.get("start_offset"), item.get("end_offset"), item.get("label")]
    if not isinstance(item, list) or len(item) != 3 or not isinstance(item[2], str):
        raise RowError("E-SPAN", f"{field} holds what is no [start, end, label]")
    if type(item[0]) is not int or type(item[1]) is not int:
        raise RowError("E-SPAN", f"{field}: a span has no offsets", "export it again")
    return Span(item[0], item[1], item[2])


def _is_doccano(file: Source) -> bool:
    if not file.start.has("text") or file.start.has("instruction") or file.start.wrapped:
        return False
    for row in file.start.rows:
        if not isinstance(row, dict) or file.start.kind not in ("lines", "array"):
            return False
        if isinstance(row.get("cats"), list) or isinstance(row.get("label"), list):
            return True
        if isinstance(row.get("entities"), list) and "intent" not in row:
            return "relations" in row or "Comments" in row
    return False


FORMAT = Format("doccano", "doccano JSONL", (), _is_doccano, read_doccano, ending=".jsonl")
