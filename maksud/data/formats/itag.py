"""iTAG manifests: what goes to the labelling platform, and what comes back.

`{"data": {"instruction": …}}` is an item to label. A labelled one has a block of results for each
stage: `label-JOB`, `label-JOB-check`, `label-JOB-verify`, and `label-JOB-system`, a copy by the
system. The latest stage counts: verify, then check, then label, then system. Abandoned items are
left out and counted; several results of a stage are voted.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labelling import item_data, labels_of, read_item
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records, shape_problem
from maksud.data.formats.parts.rows import decode_inner, kind, list_names
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.voting import Vote, same

STAGES = ("system", "label", "check", "verify")
"""Stages of a job, each overruled by the next."""

_BLOCK = re.compile(r"label-(?P<job>.+?)(?:-(?P<stage>check|verify|system))?")
_UTTERANCES = ("instruction", "source", "text", "utterance", "query", "content")
_HIDDEN = ("_itag_index",)
"""Fields of the data that are the platform's own."""
_ABANDONED = "abandoned"
"""Metadata of an item without an answer: why it was abandoned."""
_OWN = ("stage", "answers", _ABANDONED)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARK_TIME = re.compile(r"(\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) \S+ (\d{4})")


def read_itag(file: Source, options: Options) -> Reading:
    """Items of a manifest, labelled or to be labelled.

    `options.columns` names the field of the data that is the utterance (`instruction`), and the
    title of the answer (`output`).
    """
    reading = Reading()
    abandoned = corrected = 0
    remarks: list[str] = []
    for line, row, original in records(file, options, reading):
        place = f"{file.path}:{line}"
        if problem := shape_problem(row):
            reading.reject(place, *problem, original)
            continue
        if _is_abandoned(row):
            abandoned += 1
            if row.get("abandonRemark") and len(remarks) < 3:
                remarks.append(excerpt(str(row["abandonRemark"]), 40))
            continue
        try:
            item = read_item(row, options, _UTTERANCES, _HIDDEN)
            stages = _stages(row, options)
        except RowError as error:
            reading.refuse(place, error, original)
            continue
        taken = item.settle(stages, reading, place, draft="system")
        if taken is not None:
            if taken.stage != "label":
                item.metadata["stage"] = taken.stage
            corrected += _is_corrected(stages, taken)
        item.add(reading, file.path, line, original, options.split)
    if abandoned:
        why = f" ({'; '.join(remarks)})" if remarks else ""
        what = f"{abandoned:,} abandoned items are left out{why}"
        reading.tell("info", "I-ABANDONED", what, file.path)
    if corrected:
        what = f"a later stage changed the answer of {corrected:,} items: the latest is taken"
        reading.tell("info", "I-CORRECTED", what, file.path)
    return reading


def write_itag(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A manifest as an export of iTAG: items with results, or `{"data": …}` to be labelled."""
    now = time.time()
    job = int(now * 1000) * 10**6
    for number, e in enumerate(examples, 1):
        data = item_data(e, writing, "instruction", _OWN)
        row: dict[str, Any] = {"data": data}
        if e.is_labelled or labels_of(e.metadata):
            data.setdefault("_itag_index", "")
            row |= _labelled(e, job, number, now)
        elif e.metadata.get(_ABANDONED):
            row |= {"abandonFlag": 1, "abandonRemark": str(e.metadata[_ABANDONED])}
        file.write((json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode())


def _labelled(e: Example, job: int, number: int, now: float) -> dict[str, Any]:
    """The blocks of a labelled item: the system's copy, and each stage up to the example's."""
    stage = str(e.metadata.get("stage") or "label")
    given = e.metadata.get("answers") or ()
    stages = STAGES[1 : max(2, STAGES.index(stage) + 1)] if stage in STAGES else STAGES[1:2]
    own = e.output, labels_of(e.metadata)
    row: dict[str, Any] = {}
    for k, name in enumerate(stages):
        said = [
            (str(a.get("output") or ""), labels_of(a))
            for a in given
            if isinstance(a, Mapping) and a.get("stage") == name and _says(a)
        ] or [own]
        # The one that counts is the latest.
        said.sort(key=lambda one: same(one[0], own[0]) and one[1] == own[1])
        ids = range(job + 1000 * number + 10 * k, job + 1000 * (number + 1))
        results = [
            _result(*one, id, now, user=str(id + 10**10))
            for one, id in zip(said, ids, strict=False)
        ]
        suffix = "" if name == "label" else f"-{name}"
        row[f"label-{job}{suffix}"] = {"results": results}
    system = _result(*own, job + 1000 * number, now, user=None)
    copy = {"fixedFlag": 0, "results": [system], "abandonFlag": 0}
    return {f"label-{job}-system": copy, **row, "abandonFlag": 0, "abandonRemark": None}


def _says(answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("output") or labels_of(answer))


def _result(
    output: str, labels: Mapping[str, Any], id: int, now: float, user: str | None
) -> dict[str, Any]:
    answers = {"output": output, **labels} if output else dict(labels)
    mark = {
        "tabId": "CommonExtensions",
        "annotations": [{"id": None, "labels": answers, "exif": None}],
        "type": "CommonExtensions",
        "version": "v2",
    }
    at = datetime.fromtimestamp(now, UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]
    return {
        "MarkResultId": str(id),
        "MarkTitle": "Maksud",
        "MarkResult": json.dumps(mark, ensure_ascii=False, separators=(",", ":")),
        "QuestionId": "CommonExtensions",
        "ResultType": "OPEN_GROUP",
        "Progress": None,
        # The last of several is the one that counts where there is no majority.
        "Version": str(int(now * 1000) + id % 100),
        "MarkTime": f"{day} {_MONTHS[at.month - 1]} {at:%d %H:%M:%S} UTC {at.year}",
        "UserMarkResultId": user,
        "IsNeedVoteJudge": False,
    }


def _is_abandoned(row: Mapping[str, Any]) -> bool:
    blocks = [v for k, v in row.items() if k.startswith("label-") and isinstance(v, Mapping)]
    return any(
        b.get("abandonFlag") not in (None, 0, False, "", "0", "false") for b in (row, *blocks)
    )


def _is_corrected(stages: Sequence[Sequence[Vote]], taken: Vote) -> bool:
    """Whether a later stage took another answer than an earlier one gave."""
    earlier = [v for votes in stages[:-1] for v in votes if v.stage != "system"]
    return any(not same(v.output, taken.output) for v in earlier)


def _stages(row: Mapping[str, Any], options: Options) -> list[list[Vote]]:
    """The votes of each stage that has any, the latest stage last. Raises `RowError`."""
    title = options.columns.get("output", "output")
    stages: dict[str, list[Vote]] = {name: [] for name in STAGES}
    for key, block in row.items():
        match = _BLOCK.fullmatch(key)
        if match is None:
            continue
        results = block.get("results") if isinstance(block, Mapping) else None
        if not isinstance(results, list):
            raise RowError("E-ITAG", f"{key} has no list of results", "export it again")
        stage = match["stage"] or "label"
        for k, result in enumerate(results):
            output = _answer(result, title, f"{key}.results[{k}]")
            if output:
                vote = Vote(output, _when(result, k), str(result.get("MarkResultId") or ""), stage)
                stages[stage].append(vote)
    return [votes for votes in stages.values() if votes]


def _answer(result: Any, title: str, where: str) -> str:
    """The text of a result's answer; "" where nothing was written."""
    if not isinstance(result, Mapping):
        raise RowError("E-ITAG", f"{where} is {kind(result)}, expected an object")
    if "MarkResult" not in result and isinstance(result.get("data"), str):
        return str(result["data"])  # a question of its own: {"questionId", "data", "markTitle"}
    mark = result.get("MarkResult")
    if isinstance(mark, str):
        mark = decode_inner(mark, f"{where}.MarkResult", "E-ITAG", "export it again")
    annotations = mark.get("annotations") if isinstance(mark, Mapping) else None
    if not isinstance(annotations, list):
        raise RowError("E-ITAG", f"{where}.MarkResult has no annotations", "export it again")
    titles: list[str] = []
    for annotation in annotations:
        labels = annotation.get("labels") if isinstance(annotation, Mapping) else None
        if not isinstance(labels, Mapping):
            continue
        titles += map(str, labels)
        texts = [k for k, v in labels.items() if isinstance(v, str)]
        name = title if title in labels else texts[0] if len(texts) == 1 else None
        if name is not None:
            value = labels[name]
            if not isinstance(value, str):
                raise RowError("E-ITAG", f"the answer {name!r} is {kind(value)}, expected text")
            return value
    if titles:
        what = f"{where} has no answer titled {title!r} (has: {list_names(titles)})"
        raise RowError("E-ITAG", what, "say --columns output=TITLE")
    return ""


def _when(result: Mapping[str, Any], position: int) -> tuple[int, int, int]:
    version = str(result.get("Version") or "")
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 20 else 0
    marked = 0
    match = _MARK_TIME.search(str(result.get("MarkTime") or ""))
    if match and match[1] in _MONTHS:
        parts = [int(match[6]), _MONTHS.index(match[1]) + 1, *(int(match[k]) for k in (2, 3, 4, 5))]
        for part in parts:
            marked = marked * 100 + part
    return number, marked, position


def _is_itag(file: Source) -> bool:
    first = file.start.first
    if isinstance(first, Mapping):
        if not isinstance(first.get("data"), Mapping) or file.start.spans_lines:
            return False
        return "annotations" not in first and (
            file.start.kind == "lines" or any(k.startswith("label-") for k in first)
        )
    return file.start.kind == "lines" and any(k.startswith("label-") for k in file.start.keys)


def _converts_to(dataset: Dataset, ending: str) -> str:
    """A labelled manifest becomes the file that the guide's own script makes of it."""
    return "guide" if ending == ".json" and any(e.is_labelled for e in dataset) else ""


FORMAT = Format(
    "itag",
    "iTAG manifest, one item a line",
    (".manifest",),
    _is_itag,
    read_itag,
    write_itag,
    converts_to=_converts_to,
)
