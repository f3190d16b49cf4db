"""Tasks: a dataset, a template, people, and the way that items go. Made, listed, appended to,
archived; the catalog that their answers are checked by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from maksud.errors import CallSyntaxError
from maksud.labelling import statements
from maksud.labelling.answers import catalog_of, grown
from maksud.labelling.forms import split_output
from maksud.labelling.help import FILE, RANDOM, Help, set_help
from maksud.labelling.library import (
    AT_ONCE,
    Template,
    check_fields,
    check_named,
    dataset_of,
    default_template,
    template_of,
)
from maksud.labelling.people import ADMIN, Person, person_of
from maksud.labelling.queueing import arrange, next_rank
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import (
    acts,
    datasets,
    insert_one,
    items,
    leases,
    members,
    rows,
    tasks,
    terms,
)
from maksud.labelling.terms import Terms, check_terms, keep_terms, pack_items, read_terms
from maksud.labelling.twins import mark_twins
from maksud.labelling.waiting import with_waiting
from maksud.labelling.workflow import ANSWER, LABEL, STATES, Plan, plan_of
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_to_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

LEASE_MINUTES = 30
"""How long an item stays in the hands of who took it, unless the task says otherwise."""
MOST_MEMBERS = 1000
EXAMPLES = 3
"""Utterances that the page shows and searches for an intent."""
READ_FOR_CATALOG = 20_000
"""Answers that an open catalog is grown from, at most: the latest."""


@dataclass(frozen=True)
class Task:
    """A task as it is kept."""

    id: int
    name: str
    dataset: int
    template: Template
    plan: Plan
    lease_seconds: int
    catalog: Catalog
    open: bool
    archived: bool
    terms: Terms = Terms()

    @property
    def card(self) -> str:
        """How its answers are given."""
        return self.template.card


@dataclass(frozen=True)
class Wanted:
    """What a new task is to be. `agree` 0: more than half; `catalog` None: the dataset's own;
    `open` None: where there is no catalog; `shuffled`: short for a random order in `help`."""

    name: str
    dataset: int
    members: Sequence[int]
    template: int | None = None
    stages: Sequence[str] = (LABEL,)
    votes: int = 1
    agree: int = 0
    lease_minutes: int = LEASE_MINUTES
    catalog: Catalog | None = None
    open: bool | None = None
    shuffled: bool = False
    terms: Terms = Terms()
    help: Help = Help()


def create_task(connection: Connection, wanted: Wanted, now: float) -> int:
    """Makes a task with an item for each row of its dataset; returns its number.

    Raises `Refused` for what can't be a task, with what to change; nothing is made then.
    """
    name = check_named(wanted.name, "task")
    if connection.scalar(select(tasks.c.id).where(tasks.c.name == name)) is not None:
        raise Refused(f"a task {name!r} is here already", code="name_taken",
                      hint="Choose another name")  # fmt: skip
    if wanted.shuffled and wanted.help.order not in (FILE, RANDOM):
        raise Refused(f"shuffled is short for the order random, not {wanted.help.order}",
                      code="invalid_value", status=400, hint="Leave one of them out")  # fmt: skip
    plan = plan_of(wanted.stages, wanted.votes, wanted.agree)
    check_terms(wanted.terms, plan)
    dataset = dataset_of(connection, wanted.dataset)
    template = wanted.template or default_template(connection, now)
    check_fields(connection, wanted.dataset, template_of(connection, template))
    if not 1 <= wanted.lease_minutes <= 1440:
        raise Refused("lease_minutes is 1 to 1440", code="invalid_value", status=400)
    kept = catalog_to_json(wanted.catalog) if wanted.catalog is not None else dataset["catalog"]
    values = {
        "name": name, "dataset_id": wanted.dataset, "template_id": template,
        "stages": list(wanted.stages), "votes": plan.votes, "agree": plan.agree,
        "lease_seconds": wanted.lease_minutes * 60, "catalog": kept,
        "open": kept is None if wanted.open is None else wanted.open,
        "shuffled": wanted.shuffled, "archived": False, "created": now,
    }  # fmt: skip
    id = insert_one(connection, tasks, values)
    set_members(connection, id, wanted.members, plan)
    keep_terms(connection, id, wanted.terms)
    help = replace(wanted.help, order=RANDOM) if wanted.shuffled else wanted.help
    set_help(connection, id, help)
    add_items(connection, id, now)
    if help.order != FILE:
        arrange(connection, id, help)
    return id


def set_members(connection: Connection, id: int, people: Sequence[int], plan: Plan) -> None:
    """Who works on a task, all of them. Raises `Refused` for too few people for its votes."""
    wanted = sorted(set(people))
    if not wanted:
        raise Refused("the task has no people", code="no_people", status=400,
                      hint="Name at least one who labels")  # fmt: skip
    if len(wanted) > MOST_MEMBERS:
        raise Refused(f"more than {MOST_MEMBERS} people", code="invalid_value", status=400)
    found = [person_of(connection, user) for user in wanted]
    able = [p for p in found if not p.disabled]
    if len(able) < plan.votes:
        raise Refused(
            f"each item is labelled by {plan.votes} people, and the task has {len(able)}",
            code="no_people", status=400, hint="Add people, or ask for fewer labels of an item",
        )  # fmt: skip
    connection.execute(delete(members).where(members.c.task_id == id))
    connection.execute(insert(members), [{"task_id": id, "user_id": p.id} for p in found])
    gone = leases.c.task_id == id, leases.c.user_id.not_in([p.id for p in able])
    connection.execute(delete(leases).where(*gone))


def add_items(connection: Connection, id: int, now: float) -> int:
    """Makes items of the rows of a task's dataset that have none yet; returns how many.

    Rows with an answer have it as a suggestion. They come last, in order.
    """
    about = connection.execute(select(tasks).where(tasks.c.id == id)).one()
    there = select(items.c.row_id).where(items.c.task_id == id)
    query = (
        select(rows.c.id, rows.c.data)
        .where(rows.c.dataset_id == about.dataset_id, rows.c.id.not_in(there))
        .order_by(rows.c.position)
    )
    found = connection.execute(query).all()
    first = connection.scalar(select(func.count()).where(items.c.task_id == id)) or 0
    rank = next_rank(connection, id)
    values = [
        {"task_id": id, "row_id": row, "position": first + k, "state": LABEL, "round": 1,
         "wanted": about.votes, "output": "", "updated": now, "rank": rank + k,
         "suggestions": _given(data)}
        for k, (row, data) in enumerate(found)
    ]  # fmt: skip
    for k in range(0, len(values), AT_ONCE):
        connection.execute(insert(items), values[k : k + AT_ONCE])
    pack_items(connection, id)
    mark_twins(connection, id, len(values))
    return len(values)


def _given(data: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    output = data.get("output")
    return [{"text": output, "confidence": None, "by": "data"}] if output else None


def archive(connection: Connection, id: int, archived: bool) -> None:
    """Closes a task for work, or opens it again; nothing of it is removed."""
    connection.execute(update(tasks).where(tasks.c.id == id).values(archived=archived))
    connection.execute(delete(leases).where(leases.c.task_id == id))


# ---------------------------------------------------------------- looking


def task_for(connection: Connection, id: int, person: Person) -> Task:
    """A task that a person may see: theirs, or any for an admin. Raises `Unknown`."""
    # One statement, as it is asked at each request.
    asked = {"task": id}
    if person.may(ADMIN):
        found = statements.ANY_TASK.first(connection, asked)
    else:
        found = statements.OWN_TASK.first(connection, {**asked, "user": person.id})
    if found is None:
        raise Unknown(f"task {id}")
    catalog = catalog_of(found.catalog_text)
    if not found.open:
        catalog = with_waiting(connection, id, catalog)
    return Task(
        found.id, found.name, found.dataset_id, _template(found.template_text),
        plan_of(found.stages, found.votes, found.agree), found.lease_seconds,
        catalog, bool(found.open), bool(found.archived),
        read_terms(found),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _template(text: str) -> Template:
    return Template.from_json(json.loads(text))


def task_named(connection: Connection, name: str) -> int:
    """The number of a task. Raises `Unknown`."""
    found = connection.scalar(select(tasks.c.id).where(tasks.c.name == name))
    if found is None:
        known = connection.scalars(select(tasks.c.name).order_by(tasks.c.id.desc()).limit(5)).all()
        raise Unknown(f"task {name!r}", hint=f"Tasks: {', '.join(known) or 'none yet'}")
    number: int = found
    return number


def list_tasks(connection: Connection, person: Person) -> list[dict[str, Any]]:
    """The tasks that a person may see, the newest first, with how far they are."""
    query = select(tasks, datasets.c.name.label("dataset"), terms.c.deadline)
    query = query.join(datasets).outerjoin(terms)
    if not person.may(ADMIN):
        mine = select(members.c.task_id).where(members.c.user_id == person.id)
        query = query.where(tasks.c.id.in_(mine))
    found = connection.execute(query.order_by(tasks.c.archived, tasks.c.id.desc()).limit(200)).all()
    return [
        {
            "id": r.id, "name": r.name, "dataset": r.dataset, "stages": r.stages, "votes": r.votes,
            "agree": r.agree, "archived": bool(r.archived), "open": bool(r.open),
            "deadline": r.deadline, "states": count_states(connection, r.id),
        }
        for r in found
    ]  # fmt: skip


def count_states(connection: Connection, id: int) -> dict[str, int]:
    """How many items of a task stand where."""
    counted = statements.STATES.rows(connection, {"task": id})
    found: dict[str, int] = {state: n for state, n in counted}
    return {state: int(found.get(state, 0)) for state in STATES}


def members_of(connection: Connection, id: int) -> list[Person]:
    """Who works on a task, by name."""
    query = select(members.c.user_id).where(members.c.task_id == id)
    people = [person_of(connection, user) for user in connection.scalars(query).all()]
    return sorted(people, key=lambda p: p.name.casefold())


def catalog_for(connection: Connection, task: Task) -> tuple[Catalog, dict[str, list[str]]]:
    """The catalog that a task's answers are checked by, and utterances of each intent.

    Of an open one, with what its answers use besides.
    """
    if not task.template.has_calls:
        return task.catalog, {}
    query = (
        select(rows.c.data, acts.c.output)
        .join(items, items.c.id == acts.c.item_id)
        .join(rows, rows.c.id == items.c.row_id)
        .where(acts.c.task_id == task.id, acts.c.kind == ANSWER)
        .order_by(acts.c.id.desc())
        .limit(READ_FOR_CATALOG)
    )
    found = [
        (data["instruction"], split_output(output)[0]) for data, output in connection.execute(query)
    ]
    labelled = select(rows.c.data).where(rows.c.dataset_id == task.dataset).limit(READ_FOR_CATALOG)
    for data in connection.scalars(labelled):
        if data.get("output"):
            found.append((data["instruction"], data["output"]))
    examples: dict[str, list[str]] = {}
    for utterance, output in found:
        try:
            names = {c.intent for c in parse_calls(output)}
        except CallSyntaxError:
            continue
        for name in names:
            there = examples.setdefault(name, [])
            if len(there) < EXAMPLES and utterance not in there:
                there.append(utterance)
    return (grown(task.catalog, found[::-1]) if task.open else task.catalog), examples
