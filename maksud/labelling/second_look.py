"""Labels that are likely wrong come back: networks that never saw them look for them
(`evaluation.label_errors`, in a job), a leader sends the most suspicious back to be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from maksud.data.dataset import Dataset
from maksud.labelling.learning import agreed
from maksud.labelling.library import UTTERANCE
from maksud.labelling.people import Person
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import acts, doubts, items, rows
from maksud.labelling.tasks import Task, catalog_for
from maksud.labelling.work import Said, save
from maksud.labelling.workflow import DONE, DOUBT, LABEL
from maksud.progress import OnProgress

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.store import Store

MOST = 200
"""Doubted labels that are kept of one search, and sent back at once, at most."""


def find(store: Store, task: Task, tell: OnProgress | None = None) -> dict[str, Any]:
    """Looks for label errors among what is agreed, and keeps the most suspicious in the place of
    those that were found before. Raises `DataError` where there are too few labels."""
    from maksud.evaluation.label_errors import find_label_errors

    def look(c: Connection) -> tuple[list[int], Dataset]:
        ids, examples = agreed(c, task)
        catalog, _ = catalog_for(c, task)
        declared = catalog if len(catalog) and not task.open else None
        return ids, Dataset(examples, catalog=declared, name=task.name)

    ids, data = store.read(look)
    found = find_label_errors(data, progress=tell or False)
    values = [
        {"item_id": ids[e.row], "task_id": task.id, "place": k, "given": e.given,
         "suggested": e.suggested, "why": e.why}
        for k, e in enumerate(found[:MOST])
    ]  # fmt: skip

    def keep(c: Connection) -> None:
        c.execute(delete(doubts).where(doubts.c.task_id == task.id))
        if values:
            c.execute(insert(doubts), values)

    store.write(keep)
    return {"judged": found.judged, "found": len(found), "kept": len(values)}


def list_doubts(connection: Connection, task: Task) -> list[dict[str, Any]]:
    """The doubted labels that still stand as they were found, the most suspicious first."""
    query = (
        select(doubts, items.c.position, rows.c.data)
        .join(items, items.c.id == doubts.c.item_id)
        .join(rows, rows.c.id == items.c.row_id)
        .where(doubts.c.task_id == task.id)
        .where(items.c.state == DONE, items.c.output == doubts.c.given)
        .order_by(doubts.c.place)
    )
    return [
        {"item": r.item_id, "number": r.position + 1, "utterance": r.data[UTTERANCE],
         "given": r.given, "suggested": r.suggested, "why": r.why}
        for r in connection.execute(query)
    ]  # fmt: skip


def send_back(
    connection: Connection, task: Task, person: Person, many: int, key: str, now: float
) -> list[int]:
    """Sends the `many` most suspicious items back to be checked, or, in a task without a check, to
    be labelled anew; returns their numbers. Sent again with the same key nothing more happens.

    Raises `Refused` where nothing is doubted.
    """
    before = _done_with(connection, person, key)
    if before:
        return before
    found = list_doubts(connection, task)[: min(many, MOST)]
    if not found:
        raise Refused("no label is doubted", code="no_rows", hint="Look for label errors first")
    for d in found:
        said = Said(d["item"], LABEL, DOUBT, f"{key}.{d['item']}", reason=_reason(person, d))
        save(connection, task, person, said, now)
    sent = [d["item"] for d in found]
    connection.execute(delete(doubts).where(doubts.c.item_id.in_(sent)))
    return sent


def _done_with(connection: Connection, person: Person, key: str) -> list[int]:
    mine = acts.c.user_id == person.id, acts.c.kind == DOUBT
    query = select(acts.c.item_id).where(*mine, acts.c.key.startswith(f"{key}.", autoescape=True))
    return list(connection.scalars(query.order_by(acts.c.id)))


def _reason(person: Person, doubt: dict[str, Any]) -> str:
    """What whoever looks again reads, in the language of who sent it."""
    words = {"id": "diragukan; lebih mungkin", "en": "doubted; more likely"}
    return f"{words.get(person.language, words['en'])}: {doubt['suggested']}"[:1000]
