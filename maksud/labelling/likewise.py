"""Nearly identical utterances answered together: after an answer the page offers those that nobody
has labelled, and stores the same answer for each that the person ticks, as an act of its own.

An answer is offered only to utterances that it can be the answer to: its values must stand in
them, and the catalog must allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from maksud.errors import CallSyntaxError
from maksud.labelling.answers import check_answer
from maksud.labelling.forms import say_answers
from maksud.labelling.library import UTTERANCE
from maksud.labelling.packages import scope_of
from maksud.labelling.people import Person
from maksud.labelling.questions import CALLS
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import acts, holders, items, leases, packed, rows
from maksud.labelling.tasks import Task
from maksud.labelling.templates import FORM
from maksud.labelling.work import LIKEWISE, Said, look_at, put_act
from maksud.labelling.workflow import ANSWER, LABEL, may_act
from maksud.language.calls import parse_calls
from maksud.language.folding import folded_words

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 20
"""Utterances that are offered at once, at most."""


def offer(
    connection: Connection, task: Task, person: Person, item: int, now: float
) -> dict[str, Any]:
    """Items that may be answered as the person just answered this one; `same`: the very same
    words, whatever their case and marks."""
    nothing: dict[str, Any] = {"item": item, "output": "", "items": []}
    given = _answer_of(connection, task, person, item)
    if given is None:
        return nothing
    output, twins, utterance = given
    held = select(leases.c.item_id).where(leases.c.task_id == task.id, leases.c.expires > now)
    query = (
        select(items.c.id, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task.id, items.c.state == LABEL, items.c.twins == twins)
        .where(items.c.id != item, items.c.id.not_in(held))
        .order_by(items.c.rank)
        .limit(MOST * 5)
    )
    if task.terms.by:  # what is in other people's packages is theirs
        lasts = holders.c.expires.is_(None) | (holders.c.expires > now)
        mine = select(holders.c.package_id).where(holders.c.user_id == person.id, lasts)
        own = packed.c.item_id == items.c.id, packed.c.package_id.in_(mine)
        query = query.where(exists().where(*own))
    out = []
    for id, data in connection.execute(query):
        if _may_have(task, output, utterance, data[UTTERANCE]) and _is_open(
            connection, task, person, id
        ):
            same = _fold(data[UTTERANCE]) == _fold(utterance)
            out.append({"item": id, "utterance": data[UTTERANCE], "same": same})
    out.sort(key=lambda o: not o["same"])
    said = {"output": output, "said": say_answers(output), "utterance": utterance}
    return {"item": item, **said, "items": out[:MOST]}


def answer_likewise(
    connection: Connection,
    task: Task,
    person: Person,
    item: int,
    others: Sequence[int],
    key: str,
    now: float,
) -> dict[str, Any]:
    """Stores the person's answer to an item for others too; what can't be is told, with why.

    Sent again with the same key it is stored once. What the person holds stays in their hand.
    Raises `Refused` where the person has not answered the item.
    """
    if task.archived:
        raise Refused("the task is archived", code="archived", hint="A leader can open it again")
    given = _answer_of(connection, task, person, item)
    if given is None:
        raise Refused("you have not answered this item, or nothing is like it",
                      code="moved_on", hint="Answer it first")  # fmt: skip
    output, twins, utterance = given
    saved, refused = [], []
    for other in list(dict.fromkeys(others))[:MOST]:
        said = Said(other, LABEL, ANSWER, f"{key}.{other}", output, suggested=LIKEWISE)
        try:
            saved.append(_save(connection, task, person, said, (twins, utterance), now))
        except Refused as error:
            refused.append({"item": other, "code": error.code, "message": str(error)})
    return {"output": output, "saved": saved, "refused": refused}


def _save(
    connection: Connection,
    task: Task,
    person: Person,
    said: Said,
    like: tuple[int, str],
    now: float,
) -> dict[str, Any]:
    done = connection.execute(
        select(acts).where(acts.c.user_id == person.id, acts.c.key == said.key)
    ).first()
    if done is not None:
        if done.item_id != said.item:
            raise Refused("this key was another save's", code="key_reused",
                          hint="Make a new key for each save")  # fmt: skip
        return {"act": done.id, "item": done.item_id, "state": done.state, "repeated": True}
    scope_of(connection, task, person, LABEL, now, said.item).check(connection, said.item)
    standing, before = look_at(connection, task, said.item)
    query = select(items.c.twins, rows.c.data).join(rows).where(items.c.id == said.item)
    twins, data = connection.execute(query).one()
    if twins != like[0] or not _may_have(task, said.output, like[1], data[UTTERANCE]):
        raise Refused("the utterance is not nearly the same, or lacks a value of the answer",
                      code="not_alike", hint="Answer it by itself")  # fmt: skip
    hands = select(func.count()).where(
        leases.c.item_id == said.item, leases.c.user_id != person.id, leases.c.expires > now
    )
    if (connection.scalar(hands) or 0) >= standing.wanted(task.plan):
        raise Refused("somebody else has this item in hand", code="taken", hint="Leave it to them")
    if not may_act(standing, person.id, LABEL):
        raise Refused("the item does not wait for your label", code="moved_on",
                      hint="Take the next one")  # fmt: skip
    return put_act(connection, task, person, said, now, (standing, before))


def _answer_of(
    connection: Connection, task: Task, person: Person, item: int
) -> tuple[str, int, str] | None:
    """The person's last answer to an item, its group, and its utterance."""
    query = (
        select(acts.c.output, items.c.twins, rows.c.data)
        .join(items, items.c.id == acts.c.item_id)
        .join(rows, rows.c.id == items.c.row_id)
        .where(acts.c.item_id == item, acts.c.task_id == task.id, acts.c.user_id == person.id)
        .where(acts.c.stage == LABEL, acts.c.kind == ANSWER, acts.c.round == items.c.round)
        .order_by(acts.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None or found.twins is None:
        return None
    return found.output, found.twins, found.data[UTTERANCE]


def _is_open(connection: Connection, task: Task, person: Person, item: int) -> bool:
    mine = acts.c.item_id == item, acts.c.user_id == person.id, acts.c.round == items.c.round
    query = select(acts.c.id).join(items, items.c.id == acts.c.item_id).where(*mine)
    return connection.execute(query.where(acts.c.stage == LABEL).limit(1)).first() is None


def _may_have(task: Task, output: str, utterance: str, other: str) -> bool:
    """Whether an answer to an utterance can be one to another."""
    if task.card == FORM:  # marked words count letters
        return utterance == other
    if task.card != CALLS:
        return _fold(utterance) == _fold(other)
    if check_answer(output, task.catalog, other, open=task.open).errors:
        return False
    try:
        values = [a.value for c in parse_calls(output) for a in c.arguments]
    except CallSyntaxError:
        return False
    here, there = f" {_fold(utterance)} ", f" {_fold(other)} "
    said = [f" {_fold(v)} " for v in values]
    return all(v in there for v in said if v in here)


def _fold(text: str) -> str:
    """A text as its words, without case and marks; as it is where it has no words."""
    return " ".join(folded_words(text)) or text
