"""What comes out of a task: the labelled rows as a dataset, which every format writes and every
command reads. Made of one moment of the store, while people go on labelling."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maksud.data.dataset import Dataset, Example
from maksud.data.formats import store as places
from maksud.data.formats.files import write
from maksud.data.formats.registry import format_named
from maksud.data.formats.targets import suffix_of
from maksud.data.versions import Store as Versions
from maksud.labelling.forms import split_output
from maksud.labelling.gold import known_answers
from maksud.labelling.library import UTTERANCE, dataset_of
from maksud.labelling.questions import CHOICE
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import acts, items, rows
from maksud.labelling.tasks import Task, catalog_for
from maksud.labelling.templates import FORM
from maksud.labelling.work import act_of
from maksud.labelling.workflow import ABANDONED, ACCEPT, CHECK, DONE, JUDGE, LABEL, settle

if TYPE_CHECKING:
    from sqlalchemy import Connection

FORMATS = {"json": ".json", "itag": ".manifest", "jsonl": ".jsonl", "csv": ".csv",
           "label-studio": ".json"}  # fmt: skip
"""What the page offers, with the ending of its file; the command line writes all that there are."""
_STAGES = {LABEL: "label", JUDGE: "check", CHECK: "check", ACCEPT: "verify"}
"""What iTAG calls the stages."""
_KNOWN = ("instruction", "output", "id", "split", "annotator")


def labelled(
    connection: Connection, task: Task, *, waiting: bool = False, abandoned: bool = False
) -> Dataset:
    """The rows of a task that are done, in order, with what people said at each stage.

    `waiting`: also rows that are not done, without an answer; `abandoned`: also those that were
    given up, with the reason. The catalog is the task's, with what an open one has grown by.
    """
    wanted = [DONE, *([ABANDONED] if abandoned else [])]
    query = select(items, rows.c.data).join(rows).where(items.c.task_id == task.id)
    if not waiting:
        query = query.where(items.c.state.in_(wanted))
    found = connection.execute(query.order_by(items.c.row_id)).all()
    done: dict[int, list[Any]] = {}
    query = select(acts).where(acts.c.task_id == task.id).order_by(acts.c.id)
    for r in connection.execute(query):
        done.setdefault(r.item_id, []).append(r)
    gold = known_answers(connection, task.id)
    examples = [
        _example(task, r, done.get(r.id, []), gold.get(r.id, ""))
        for r in found
        if r.state != ABANDONED or abandoned
    ]  # fmt: skip
    catalog, _ = catalog_for(connection, task)
    declared = catalog if len(catalog) and task.template.has_calls and not task.open else None
    return Dataset(examples, catalog=declared, name=task.name)


def _example(task: Task, row: Any, done: Sequence[Any], known: str = "") -> Example:
    """A row; of a gold item, with the known answer, whatever its labellers said."""
    data: Mapping[str, Any] = row.data
    metadata = {k: v for k, v in data.items() if k not in _KNOWN}
    id, split = str(data.get("id") or ""), str(data.get("split") or "")
    standing = settle(task.plan, [act_of(r) for r in done])
    if row.state == ABANDONED:
        reasons = [a.reason for a in standing.acts if a.reason]
        metadata["abandoned"] = reasons[-1] if reasons else "abandoned"
    if row.state != DONE:
        return Example(data[UTTERANCE], "", id=id, split=split, metadata=metadata)
    last = [a for a in standing.acts if a.stage != LABEL]
    metadata["stage"] = _STAGES[last[-1].stage if last else LABEL]
    given = [a for a in (*standing.labels, *last) if a.output]
    if len({a.output for a in given}) > 1:
        metadata["answers"] = [
            {**_said(a.output, task), "stage": _STAGES[a.stage]} for a in given
        ]  # fmt: skip
    own = _said(row.output, task)
    output = known or own.pop("output")
    own.pop("output", None)
    if "labels" in own and "labels" in metadata:  # the row's own, of that name
        metadata["labels_before"] = metadata["labels"]
    return Example(data[UTTERANCE], output, id=id, split=split, metadata={**metadata, **own})


def _said(output: str, task: Task) -> dict[str, Any]:
    """An output as it goes out: the example's answer, and what else was asked, by title. What
    was chosen is a list, of one too: free texts are none."""
    if task.card != FORM:
        return {"output": output}
    answer, labels = split_output(output)
    chosen = {q.title for q in task.template.questions if q.kind == CHOICE}
    labels = {title: [v] if title in chosen else v for title, v in labels.items()}
    return {"output": answer, "labels": labels} if labels else {"output": answer}


def write_export(data: Dataset, path: str, format: str = "") -> int:
    """Writes a dataset to a path or URL, whole or not at all; returns the number of rows.

    Raises `Refused` where there is nothing to write, or the format has no place for a row.
    """
    if not len(data):
        raise Refused("nothing of this task is finished yet", code="no_rows",
                      hint="Label some, or export the unfinished ones too")  # fmt: skip
    with places.Staging() as staging:
        written = write(data, path, staging, format=format)
        if written.rejects:
            first = written.rejects[0].finding
            raise Refused(
                f"{written.format.name} has no place for a row ({first.message})",
                code="invalid_value", status=400, hint="Choose another format",
            )  # fmt: skip
    return written.examples


def export_bytes(data: Dataset, format: str) -> tuple[bytes, str]:
    """A dataset as the content of one file, and the ending of its name. Raises `Refused`."""
    if format not in FORMATS:
        raise Refused(f"there is no format {format!r} here", code="invalid_value", status=400,
                      hint=f"Choose {', '.join(FORMATS)}")  # fmt: skip
    ending = FORMATS[format]
    with tempfile.TemporaryDirectory(prefix="maksud-") as place:
        path = Path(place) / f"export{ending}"
        write_export(data, str(path), format)
        return path.read_bytes(), ending


def keep_version(connection: Connection, task: Task, data: Dataset, name: str, command: str) -> str:
    """Keeps a dataset as a new version in the workspace; returns its reference.

    The version that the task's dataset was read from is named as what it was made from.
    """
    before = dataset_of(connection, task.dataset)["version"]
    if not len(data):
        raise Refused("nothing of this task is finished yet", code="no_rows",
                      hint="Label some first")  # fmt: skip
    manifest, _ = Versions().save(
        data, name, made_from=[before] if before else [], command=command,
        note=f"labelled in the task {task.name}",
    )  # fmt: skip
    return manifest.reference


def check_target(path: str, format: str, force: bool) -> None:
    """Raises `Refused` where something stands that may not be replaced, before anything is read."""
    if format:
        format_named(format)
    if not force and not places.is_remote(path) and Path(path).exists():
        raise Refused("something is there already", code="taken", where=path,
                      hint="Choose another place, or say --force")  # fmt: skip
    if not suffix_of(path):
        raise Refused("an export is one file", code="invalid_value", status=400, where=path,
                      hint="Give a name with an ending, such as .json or .manifest")  # fmt: skip
