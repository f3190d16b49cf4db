"""Label Studio JSON: a choice is the intent, marked spans are its arguments, a text area named
`output` is a whole answer.

Several annotations of a task are voted; cancelled ones and predictions do not count, and both are
told. An answer that choice and spans can't say is written as a text area.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.arrays import write_array
from maksud.data.formats.parts.columns import ANSWERS, UTTERANCES
from maksud.data.formats.parts.labelling import item_data, labels_of, read_item
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records, shape_problem
from maksud.data.formats.parts.rows import kind, list_names
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import (
    Span,
    from_utf16,
    locate_values,
    spanned_answer,
    to_utf16,
)
from maksud.data.formats.parts.voting import Vote
from maksud.errors import CallSyntaxError
from maksud.language.calls import parse_calls

_SPANS = ("labels", "hypertextlabels")


def read_label_studio(file: Source, options: Options) -> Reading:
    """Tasks of an export (JSON), with or without annotations.

    `options.columns` names the field of the data that is the utterance (`instruction`), and the
    control that holds the intent or the answer (`output`).
    """
    reading = Reading()
    labels = Labels(reading, file.path)
    counts: Counter[str] = Counter()
    for line, task, original in records(file, options, reading):
        place = f"{file.path}:{line}"
        if problem := shape_problem(task):
            reading.reject(place, *problem, original)
            continue
        try:
            item = read_item(task, options, UTTERANCES)
            votes = _votes(task, item.instruction, options, labels, counts)
        except RowError as error:
            reading.refuse(place, error, original)
            continue
        taken = item.settle([votes] if votes else [], reading, place)
        if taken is not None:
            item.annotator = item.annotator or taken.by
        counts["predictions"] += bool(task.get("predictions"))
        number = task.get("id")
        item.id = item.id or (str(number) if number is not None else "")
        item.add(reading, file.path, line, original, options.split)
    _tell(reading, counts, file.path)
    labels.close()
    return reading


def write_label_studio(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """Tasks with an annotation each, to be imported. Offsets count UTF-16 units, as it does."""
    write_array((_task(e, writing) for e in examples), file)


def _task(e: Example, writing: Writing) -> dict[str, Any]:
    data = item_data(e, writing, "text", ("answers",))
    task: dict[str, Any] = {"data": data, "annotations": [], "predictions": []}
    results = _results(e, writing)
    if results:
        task["annotations"] = [{"result": results, "was_cancelled": False}]
    return task


def _votes(
    task: Mapping[str, Any],
    text: str,
    options: Options,
    labels: Labels,
    counts: Counter[str],
) -> list[Vote]:
    annotations = task.get("annotations") or task.get("completions") or []
    if not isinstance(annotations, list):
        raise RowError("E-TASK", f"annotations is {kind(annotations)}, expected a list")
    votes = []
    for k, annotation in enumerate(annotations):
        if not isinstance(annotation, Mapping):
            raise RowError("E-TASK", f"annotations[{k}] is {kind(annotation)}")
        if annotation.get("was_cancelled"):
            counts["cancelled"] += 1
            continue
        results = annotation.get("result")
        if not isinstance(results, list):
            raise RowError("E-TASK", f"annotations[{k}].result is {kind(results)}")
        output = _answer(results, text, options, labels, counts)
        if output:
            when = str(annotation.get("updated_at") or annotation.get("created_at") or "")
            digits = "".join(c for c in when if c.isascii() and c.isdigit())[:17]
            by = annotation.get("completed_by")
            by = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
            votes.append(Vote(output, (int(digits or 0), 0, k), str(by) if by else ""))
    return votes


def _answer(
    results: Sequence[Any], text: str, options: Options, labels: Labels, counts: Counter[str]
) -> str:
    """The answer of one annotation; "" where nothing was said. Raises `RowError`."""
    choices: dict[str, list[str]] = {}
    areas: dict[str, str] = {}
    spans: list[Span] = []
    for item in results:
        value = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(value, Mapping):
            continue  # a relation between regions has no value
        control = str(item.get("from_name") or "")
        sort = item.get("type")
        if sort == "choices":
            choices.setdefault(control, []).extend(_names(value, "choices", "E-TASK"))
        elif sort == "textarea":
            said = value.get("text") or ""
            areas[control] = "\n".join(map(str, said)) if isinstance(said, list) else str(said)
        elif sort in _SPANS:
            marked = _spans(value, text, str(sort))
            counts["spans without a label"] += not marked
            spans += marked
        else:
            counts[f"kind {sort}"] += 1
    wanted = options.columns.get("output", "")
    area = wanted if wanted in areas else "output"
    if area not in areas and not choices and not spans and len(areas) == 1:
        area = next(iter(areas))
    if areas.get(area, "").strip():
        _count_others(counts, areas, area)
        return labels.answer(areas[area].strip())
    control = wanted if wanted in choices else next((n for n in ANSWERS if n in choices), "")
    if not control and len(choices) == 1:
        control = next(iter(choices))
    intents = choices.get(control, [])
    if not control and choices:
        what = f"which control is the intent? ({list_names(choices)})"
        raise RowError("E-TASK", what, "say --columns output=NAME")
    _count_others(counts, areas, "")
    _count_others(counts, choices, control)
    if not intents:
        if spans:
            raise RowError("E-TASK", "spans are marked, but no intent is chosen", "choose one")
        return ""
    if len(intents) == 1:
        return spanned_answer(labels, intents[0], text, spans)
    if spans:
        what = f"{len(intents)} intents are chosen: whose spans these are can't be told"
        raise RowError("E-TASK", what, "write the whole answer in a text area named output")
    return ";".join(labels.call(intent) for intent in intents)


def _count_others(counts: Counter[str], controls: Mapping[str, Any], taken: str) -> None:
    """Counts the controls in which something was said that is no part of the answer."""
    for name, said in controls.items():
        if name != taken and said:
            counts[f"control {name}"] += 1


def _names(value: Mapping[str, Any], field: str, code: str) -> list[str]:
    """The names of a choice or a span: a list of texts, or one text. Raises `RowError`."""
    given = value.get(field) or []
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        what = f"{field} is {kind(given)}, expected a list of texts"
        raise RowError(code, what, "export it again")
    return given


def _spans(value: Mapping[str, Any], text: str, sort: str) -> list[Span]:
    start, end = value.get("start"), value.get("end")
    names = _names(value, sort, "E-SPAN")
    if not isinstance(start, int) or not isinstance(end, int):
        raise RowError("E-SPAN", "a span has no offsets", "export it again")
    said = value.get("text")
    if not isinstance(said, str):  # nothing says otherwise: as Label Studio counts
        start, end = from_utf16(text, start), from_utf16(text, end)
    elif text[start:end] != said:
        # Browsers count UTF-16 code units; other tools write code points.
        units = from_utf16(text, start), from_utf16(text, end)
        if min(units) < 0 or text[units[0] : units[1]] != said:
            what = (
                f"span {start} to {end} is {excerpt(text[start:end], 30)}, not {excerpt(said, 30)}"
            )
            raise RowError("E-SPAN", what, "mark it again")
        start, end = units
    return [Span(start, end, name) for name in names]


def _results(e: Example, writing: Writing) -> list[dict[str, Any]]:
    """The results of an annotation. Beside answers to other questions the example's own is a text
    area: their choices and spans are no part of it."""
    labels = labels_of(e.metadata)
    if not labels:
        return _result(e, writing) if e.is_labelled else []
    items = [_item("output", "textarea", {"text": [e.output]}, 0)] if e.is_labelled else []
    for title, value in labels.items():
        for kind_of_result, content in _contents(e.instruction, value):
            items.append(_item(title, kind_of_result, content, len(items)))
    return items


def _contents(text: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """The answer to a question as values of results: spans, choices, or a text area."""
    if isinstance(value, str):
        return [("textarea", {"text": [value]})]
    if not value or isinstance(value[0], str):
        return [("choices", {"choices": value})]
    return [
        ("labels", {"start": to_utf16(text, s["start"]), "end": to_utf16(text, s["end"]),
                    "text": text[s["start"] : s["end"]], "labels": [str(s.get("label"))]})
        for s in value
    ]  # fmt: skip


def _result(e: Example, writing: Writing) -> list[dict[str, Any]]:
    """The results of an annotation: a choice and spans where they can say it, else a text area."""
    try:
        calls = writing.catalog.name_arguments(parse_calls(e.output))
    except CallSyntaxError:
        calls = ()
    spans = locate_values(calls[0].arguments, e.instruction) if len(calls) == 1 else None
    if spans is None or any(a.name is None for a in calls[0].arguments):
        return [_item("output", "textarea", {"text": [e.output]}, 0)]
    items = [_item("intent", "choices", {"choices": [calls[0].intent]}, 0)]
    for k, span in enumerate(spans, 1):
        value = {
            "start": to_utf16(e.instruction, span.start),
            "end": to_utf16(e.instruction, span.end),
            "text": e.instruction[span.start : span.end],
            "labels": [span.name],
        }
        items.append(_item("label", "labels", value, k))
    return items


def _item(control: str, sort: str, value: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "from_name": control,
        "to_name": "text",
        "type": sort,
        "value": value,
    }


def _tell(reading: Reading, counts: Counter[str], path: str) -> None:
    if n := counts["cancelled"]:
        reading.tell("info", "I-CANCELLED", f"{n:,} cancelled annotations do not count", path)
    if n := counts["predictions"]:
        reading.tell("info", "I-PREDICTION", f"predictions of {n:,} tasks are not read", path)
    for name, n in counts.items():
        if name.startswith("kind "):
            what = f"{n:,} results of the kind {excerpt(name[5:], 30)} are not read"
            reading.tell("warning", "W-RESULT", what, path)
        elif name.startswith("control "):
            what = f"{n:,} answers have results of the control {excerpt(name[8:], 30)}: not read"
            fix = "say --columns output=CONTROL where that is the answer"
            reading.tell("warning", "W-RESULT", what, path, fix)
    if n := counts["spans without a label"]:
        reading.tell("warning", "W-RESULT", f"{n:,} marked spans have no label: not read", path)


def _is_label_studio(file: Source) -> bool:
    first = file.start.first
    if not isinstance(first, Mapping):
        return file.start.has("data", "annotations", "result")
    if not isinstance(first.get("data"), Mapping):
        return False
    return file.start.kind == "array" or "annotations" in first


FORMAT = Format(
    "label-studio",
    "Label Studio tasks (JSON)",
    (),
    _is_label_studio,
    read_label_studio,
    write_label_studio,
    ending=".json",
)
