"""Gold items: their answer is known, and they stand unmarked in the queue, so that it shows how
often each person is right. What is exported of them is the known answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from maksud.data.dataset import Example
from maksud.labelling.answers import check_answer
from maksud.labelling.help import help_of
from maksud.labelling.library import UTTERANCE, append
from maksud.labelling.people import Person
from maksud.labelling.queueing import arrange, put_first
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import golds, items, rows
from maksud.labelling.tasks import Task, add_items
from maksud.labelling.workflow import LABEL

if TYPE_CHECKING:
    from sqlalchemy import Connection

AT_ONCE = 1000
"""Gold items of one seeding, at most."""
MOST_MOVED = 20_000
"""Items that gold ones are mixed into without ordering the whole queue anew."""


def seed_gold(
    connection: Connection, task: Task, person: Person, given: Sequence[Example], now: float
) -> int:
    """Adds utterances with known answers to a task, mixed into its queue; returns how many.

    An utterance that waits in the task already becomes a gold item itself; others become rows of
    its dataset, without their answer. Nothing is done where `Refused` is raised: for an answer
    that can't be one, an utterance without one, or one of which labels are there already.
    """
    if not 1 <= len(given) <= AT_ONCE:
        code = "too_many_rows" if given else "no_rows"
        raise Refused(f"{len(given):,} gold items", code=code, status=400,
                      hint=f"Give 1 to {AT_ONCE:,} at once")  # fmt: skip
    answers: dict[str, str] = {}
    for e in given:
        answers.setdefault(e.instruction, _checked(task, e))
    waiting = _waiting(connection, task, list(answers))
    new = [Example(u, "") for u in answers if u not in waiting]
    if new:
        append(connection, task.dataset, new)
        add_items(connection, task.id, now)
        waiting |= _waiting(connection, task, [e.instruction for e in new])
    ids = [waiting[u] for u in answers]
    connection.execute(delete(golds).where(golds.c.item_id.in_(ids)))
    connection.execute(insert(golds), [
        {"item_id": waiting[u], "task_id": task.id, "user_id": person.id, "output": output,
         "created": now}
        for u, output in answers.items()
    ])  # fmt: skip
    # What the data suggested may be the known answer.
    connection.execute(update(items).where(items.c.id.in_(ids)).values(suggestions=None))
    _mix(connection, task)
    return len(answers)


def _checked(task: Task, example: Example) -> str:
    if not example.instruction.strip() or not example.output.strip():
        raise Refused("a gold item has an utterance and a known answer", code="invalid_value",
                      status=400, where=example.place)  # fmt: skip
    if not task.template.has_calls:
        return example.output.strip()
    checked = check_answer(example.output, task.catalog, example.instruction, open=task.open)
    if checked.errors:
        raise Refused(f"{example.instruction[:60]!r}: {checked.errors[0]}", code="invalid_answer",
                      status=400, hint="Mend the answer: no gold item was added")  # fmt: skip
    return checked.text


def _waiting(connection: Connection, task: Task, utterances: Sequence[str]) -> dict[str, int]:
    """Items of those utterances that nobody has labelled yet, the first of each."""
    wanted = set(utterances)
    query = (
        select(items.c.id, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task.id, items.c.state == LABEL, items.c.round == 1)
        .where(items.c.wanted == task.plan.votes)
        .order_by(items.c.position)
    )
    found: dict[str, int] = {}
    for id, data in connection.execute(query):
        if data[UTTERANCE] in wanted:
            found.setdefault(data[UTTERANCE], id)
    return found


def _mix(connection: Connection, task: Task) -> None:
    """Puts gold items among the others, which keep their order; in a short queue among all, which
    are ordered anew."""
    help = help_of(connection, task.id)
    gold = select(golds.c.item_id).where(golds.c.task_id == task.id)
    mine = items.c.task_id == task.id, items.c.state == LABEL
    query = select(items.c.id).where(*mine, items.c.id.not_in(gold)).order_by(items.c.rank)
    many = connection.scalar(select(func.count()).where(*mine, items.c.id.in_(gold))) or 0
    front = list(connection.scalars(query.limit(min(many * help.gold_every, MOST_MOVED))))
    if len(front) < many * help.gold_every:
        arrange(connection, task.id, help)
    else:
        put_first(connection, task.id, front, help)


def list_gold(connection: Connection, task: Task) -> list[dict[str, Any]]:
    """The gold items of a task, for its leaders."""
    query = (
        select(golds, items.c.position, items.c.state, rows.c.data)
        .join(items, items.c.id == golds.c.item_id)
        .join(rows, rows.c.id == items.c.row_id)
        .where(golds.c.task_id == task.id)
        .order_by(items.c.position)
    )
    return [
        {"item": r.item_id, "number": r.position + 1, "state": r.state, "output": r.output,
         "utterance": r.data[UTTERANCE]}
        for r in connection.execute(query)
    ]  # fmt: skip


def drop_gold(connection: Connection, task: Task, item: int) -> None:
    """Makes a gold item one like the others; its labels stay. Raises `Unknown`."""
    mine = golds.c.task_id == task.id, golds.c.item_id == item
    if not connection.execute(delete(golds).where(*mine)).rowcount:
        raise Unknown(f"gold item {item}")


def known_answers(connection: Connection, task: int) -> Mapping[int, str]:
    """The known answer of each gold item of a task."""
    query = select(golds.c.item_id, golds.c.output).where(golds.c.task_id == task)
    return {id: output for id, output in connection.execute(query)}
