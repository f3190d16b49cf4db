"""What the JSON routes about help from the model and about quality do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from maksud.data.dataset import Example
from maksud.labelling import gold, jobs, likewise, quality, queueing, second_look
from maksud.labelling.arrivals import read_rows, read_upload
from maksud.labelling.help import help_of
from maksud.labelling.learning import count_agreed
from maksud.labelling.refusals import Refused
from maksud.labelling.tasks import Task
from maksud.labelling.web.asked import Asked
from maksud.labelling.web.wording import say_line


def show_help(asked: Asked) -> dict[str, Any]:
    """The settings, how many labels are agreed, and the newest job of each kind."""
    return asked.read(lambda c: helped(c, asked.task(c), asked.language))


def helped(c: Any, task: Task, language: str) -> dict[str, Any]:
    """What `show_help` answers."""
    help = help_of(c, task.id)
    last = {kind: jobs.latest(c, task.id, kind) for kind in jobs.KINDS}
    for job in last.values():
        if job is not None and job["state"] != jobs.RUNNING:
            job["told"] = say_line(job["told"], language)
    learnt = jobs.latest(c, task.id, jobs.LEARN, jobs.DONE)
    return {"help": help.to_json(), "agreed": count_agreed(c, task.id), "jobs": last,
            "learnt": learnt}  # fmt: skip


def change_help(asked: Asked) -> dict[str, Any]:
    """Changes settings; another order is that of the next item."""

    def change(c: Any) -> dict[str, Any]:
        return queueing.change_help(c, asked.task(c).id, asked.fields).to_json()

    return {"help": asked.write(change)}


def begin_job(asked: Asked) -> dict[str, Any]:
    """Begins a job, and says so at once."""
    task = asked.read(asked.task)
    return {"job": asked.house.assistant.begin(task, asked.fields["kind"])}


def list_gold(asked: Asked) -> dict[str, Any]:
    """The gold items, with their answers."""
    return {"items": asked.read(lambda c: gold.list_gold(c, asked.task(c)))}


def seed_gold(asked: Asked) -> dict[str, Any]:
    """Adds gold items from rows, or from an uploaded file; all or none."""
    f = asked.fields
    asked.read(asked.task)
    if f["content"]:
        given = [replace(e, split="") for e in read_upload(f["file"], f["content"], f["format"])]
    else:
        given = _read_answered(f["rows"])
    many = asked.write(lambda c: gold.seed_gold(c, asked.task(c), asked.person, given, asked.now))
    return {"gold": many}


def _read_answered(rows: Sequence[Mapping[str, Any]]) -> list[Example]:
    given = read_rows(rows)
    lacking = next((e for e in given if not e.is_labelled), None)
    if lacking is not None:
        raise Refused(f"{lacking.place} has no text instruction and output", code="invalid_value",
                      status=400)  # fmt: skip
    return given


def drop_gold(asked: Asked) -> dict[str, Any]:
    """Makes a gold item one like the others."""
    asked.write(lambda c: gold.drop_gold(c, asked.task(c), asked.path["item"]))
    return {"item": asked.path["item"]}


def show_quality(asked: Asked) -> dict[str, Any]:
    """The report."""
    return asked.read(lambda c: quality.report(c, asked.task(c)))


def show_confusion(asked: Asked) -> dict[str, Any]:
    """Intents × intents, between two people or anybody."""
    one, other = asked.number("one"), asked.number("other")
    return asked.read(lambda c: quality.confusion(c, asked.task(c), one, other))


def show_alike(asked: Asked) -> dict[str, Any]:
    """Items that may be answered as the person just answered this one."""
    item = asked.path["item"]
    return asked.read(lambda c: likewise.offer(c, asked.task(c), asked.person, item, asked.now))


def answer_likewise(asked: Asked) -> dict[str, Any]:
    """Stores the answer for each of the others, as an act of its own; on disk when answered."""
    f = asked.fields
    done = asked.write(
        lambda c: likewise.answer_likewise(
            c, asked.task(c), asked.person, asked.path["item"], f["items"], f["key"], asked.now
        )
    )
    asked.house.assistant.touch(asked.path["task"])
    return done


def list_doubts(asked: Asked) -> dict[str, Any]:
    """Labels that are likely wrong, the most suspicious first."""
    return {"doubts": asked.read(lambda c: second_look.list_doubts(c, asked.task(c)))}


def send_back(asked: Asked) -> dict[str, Any]:
    """Sends the most suspicious items back."""
    f = asked.fields
    sent = asked.write(
        lambda c: second_look.send_back(
            c, asked.task(c), asked.person, f["count"], f["key"], asked.now
        )
    )
    return {"items": sent}
