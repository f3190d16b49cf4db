"""New intents and parameters on the spot: a labeller proposes and uses them at once, a leader
approves, merges or refuses them, and the task's catalog gets a version.

What waits may be used in answers. Merged into another, answers that used it are rewritten; refused,
their items are labelled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from maksud.errors import CallSyntaxError
from maksud.labelling.acting import acts_before, add_acts
from maksud.labelling.people import Person
from maksud.labelling.questions import CALLS
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import acts, catalogs, insert_one, proposals, tasks, users
from maksud.labelling.templates import FORM, read_answers, write_answers
from maksud.labelling.waiting import WAITING, add_proposed
from maksud.labelling.workflow import ANSWER, CHECK, REJECT, Act, settle
from maksud.language.calls import Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_from_json, catalog_to_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.tasks import Task

APPROVED, MERGED, REFUSED = "approved", "merged", "refused"
VERDICTS = (APPROVED, MERGED, REFUSED)
MOST_WAITING = 200
"""Proposals of a task that wait at once, at most."""
MOST_SHOWN = 300


def propose(
    connection: Connection,
    task: Task,
    person: Person,
    intent: str,
    parameter: str,
    definition: Mapping[str, Any],
    now: float,
) -> int:
    """Proposes an intent or, where `parameter` is said, a parameter of one; returns its number,
    or that of the same proposal that waits already. Raises `Refused`.

    `definition` is as in a catalog's file: a description, parameters, a type, values …
    """
    _check_task(task)
    intent, parameter = intent.strip(), parameter.strip()
    rows = _all(connection, task.id)
    same = [r for r in rows if (r.intent, r.parameter) == (intent, parameter)]
    for r in same:
        if r.verdict == WAITING:
            number: int = r.id
            return number
        if r.verdict in (REFUSED, MERGED):
            what = f"merged into {r.into}" if r.verdict == MERGED else f"refused: {r.reason}"
            raise Refused(f"this was proposed before, and {what}", code="decided_already",
                          hint="Ask a leader")  # fmt: skip
    known = task.catalog.get(intent)
    if not parameter and known is not None:
        raise Refused(f"the catalog has {intent!r} already", code="name_taken", hint="Use it")
    if parameter and (known is None or known.parameter(parameter) is not None):
        what = f"has the parameter {parameter!r} already" if known else "is not in the catalog"
        raise Refused(f"{intent!r} {what}", code="name_taken", hint="Use it, or propose the intent")
    if sum(r.verdict == WAITING for r in rows) >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} proposals wait already", code="too_many",
                      hint="Ask a leader to decide some")  # fmt: skip
    add_proposed(task.catalog, intent, parameter, definition)  # raises where it can't be
    values = {"task_id": task.id, "user_id": person.id, "intent": intent, "parameter": parameter,
              "definition": dict(definition), "verdict": WAITING, "into": "", "reason": "",
              "created": now}  # fmt: skip
    return insert_one(connection, proposals, values)


def decide(
    connection: Connection,
    task: Task,
    person: Person,
    id: int,
    verdict: str,
    into: str,
    reason: str,
    now: float,
) -> int:
    """A leader's word about a proposal; returns how many items it changed. Raises `Refused`.

    `into`: the intent, or the parameter, that a merged one is from now on.
    """
    _check_task(task)
    query = select(proposals).where(proposals.c.id == id, proposals.c.task_id == task.id)
    found = connection.execute(query.with_for_update()).first()
    if found is None:
        raise Unknown(f"proposal {id}")
    if found.verdict != WAITING:
        raise Refused(f"this was {found.verdict} already", code="decided_already",
                      hint="Look at the list again")  # fmt: skip
    if verdict not in VERDICTS:
        raise Refused(f"there is no verdict {verdict!r}", code="invalid_value", status=400,
                      hint=f"Choose {', '.join(VERDICTS)}")  # fmt: skip
    name = f"{found.intent}({found.parameter})" if found.parameter else found.intent
    if verdict == REFUSED and not reason.strip():
        raise Refused("a reason is needed", code="no_reason", status=400,
                      hint="Say in a few words why: labellers read it")  # fmt: skip
    values = {"verdict": verdict, "into": into if verdict == MERGED else "", "reason": reason}
    connection.execute(update(proposals).where(proposals.c.id == id).values(**values))
    if verdict == APPROVED:
        base = _kept(connection, task.id)
        grown = add_proposed(base, found.intent, found.parameter, found.definition)
        _keep_version(connection, task.id, grown, f"{person.name}: + {name}", now)
        return 0
    if verdict == REFUSED:
        return _send_back(connection, task, person, found, f"{name}: {reason}", now)
    _check_into(_kept(connection, task.id), found, into)
    return _rewrite(connection, task, person, found, into, now)


def list_proposals(connection: Connection, task: int) -> list[dict[str, Any]]:
    """The proposals of a task, those that wait first."""
    query = (
        select(proposals, users.c.name)
        .join(users)
        .where(proposals.c.task_id == task)
        .order_by(proposals.c.verdict != WAITING, proposals.c.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        {"id": r.id, "by": r.name, "intent": r.intent, "parameter": r.parameter,
         "definition": r.definition, "verdict": r.verdict, "into": r.into, "reason": r.reason}
        for r in connection.execute(query)
    ]  # fmt: skip


def list_versions(connection: Connection, task: int) -> list[dict[str, Any]]:
    """The versions of a task's catalog, the newest first; none before its first change."""
    query = select(catalogs).where(catalogs.c.task_id == task).order_by(catalogs.c.version.desc())
    return [
        {"version": r.version, "why": r.why, "created": r.created, "catalog": r.content}
        for r in connection.execute(query.limit(MOST_SHOWN))
    ]


# ---------------------------------------------------------------- below


def _check_task(task: Task) -> None:
    if task.archived:
        raise Refused("the task is archived", code="archived", hint="A leader can open it again")
    if not task.template.has_calls or task.open:
        why = "is open: new intents may just be used" if task.open else "is not asked for"
        raise Refused(f"the catalog of this task {why}", code="invalid_value", status=400,
                      hint="Proposals are for tasks whose catalog is closed")  # fmt: skip


def _all(connection: Connection, task: int) -> Sequence[Any]:
    query = select(proposals).where(proposals.c.task_id == task).order_by(proposals.c.id)
    return connection.execute(query).all()


def _kept(connection: Connection, task: int) -> Catalog:
    """The task's own catalog, without what waits; its row is locked."""
    query = select(tasks.c.catalog).where(tasks.c.id == task).with_for_update()
    content = connection.scalar(query)
    return catalog_from_json(content) if content else Catalog(())


def _keep_version(
    connection: Connection, task: int, catalog: Catalog, why: str, now: float
) -> None:
    content = catalog_to_json(catalog)
    query = select(func.max(catalogs.c.version)).where(catalogs.c.task_id == task)
    newest = connection.scalar(query)
    if newest is None:
        about = connection.execute(
            select(tasks.c.catalog, tasks.c.created).where(tasks.c.id == task)
        ).one()
        first = {"task_id": task, "version": 1, "why": "", "created": about.created,
                 "content": about.catalog or {"intents": {}}}  # fmt: skip
        connection.execute(insert(catalogs).values(**first))
        newest = 1
    values = {"task_id": task, "version": newest + 1, "content": content, "why": why,
              "created": now}  # fmt: skip
    connection.execute(insert(catalogs).values(**values))
    connection.execute(update(tasks).where(tasks.c.id == task).values(catalog=content))


def _check_into(catalog: Catalog, found: Any, into: str) -> None:
    if not found.parameter:
        if into not in catalog:
            raise Refused(f"{into!r} is not in the catalog", code="invalid_value", status=400,
                          hint="Name the intent that it is")  # fmt: skip
        return
    intent = catalog.get(found.intent)
    if intent is None or intent.parameter(into) is None:
        raise Refused(f"{found.intent!r} has no parameter {into!r}", code="invalid_value",
                      status=400, hint="Name the parameter that it is")  # fmt: skip


# ---------------------------------------------------------------- answers that used it


def _uses(call: Call, found: Any) -> bool:
    if call.intent != found.intent:
        return False
    return not found.parameter or any(a.name == found.parameter for a in call.arguments)


def _using(connection: Connection, task: Task, found: Any) -> dict[int, list[Act]]:
    """Items whose answers in the present round use what was proposed, with all that was done."""
    query = (
        select(acts.c.item_id)
        .where(acts.c.task_id == task.id, acts.c.kind == ANSWER,
               acts.c.output.contains(found.intent, autoescape=True))
        .distinct()
        .order_by(acts.c.item_id)
    )  # fmt: skip
    before = acts_before(connection, list(connection.scalars(query)))
    using = {}
    for id, done in before.items():
        current = settle(task.plan, done).acts
        if any(_change(task, a.output, lambda c: c, found) is not None for a in current):
            using[id] = done
    return using


def _change(task: Task, output: str, change: Callable[[Call], Call], found: Any) -> str | None:
    """An output with the calls changed that use what was proposed; None where none does."""
    answers = read_answers(output) if task.card == FORM else None
    if answers is None:
        return _change_calls(task, output, change, found)
    changed = {
        q.title: new
        for q in task.template.questions
        if (q.kind == CALLS or q.calls)
        and (new := _change_calls(task, str(answers.get(q.title) or ""), change, found)) is not None
    }
    return write_answers({**answers, **changed}) if changed else None


def _change_calls(task: Task, text: str, change: Callable[[Call], Call], found: Any) -> str | None:
    try:
        calls = task.catalog.name_arguments(parse_calls(text))
    except CallSyntaxError:
        return None
    if not any(_uses(c, found) for c in calls):
        return None
    return task.catalog.render([change(c) if _uses(c, found) else c for c in calls])


def _send_back(
    connection: Connection, task: Task, person: Person, found: Any, reason: str, now: float
) -> int:
    before = _using(connection, task, found)
    new = {id: [Act(person.id, CHECK, REJECT, "", reason[:1000])] for id, done in before.items()}
    add_acts(connection, task.id, task.plan, before, new, now)
    return len(new)


def _rewrite(
    connection: Connection, task: Task, person: Person, found: Any, into: str, now: float
) -> int:
    """Answers that used it say the other from now on; those that can't are labelled anew."""

    def change(call: Call) -> Call:
        if not found.parameter:
            return replace(call, intent=into)
        renamed = tuple(
            replace(a, name=into) if a.name == found.parameter else a for a in call.arguments
        )
        return replace(call, arguments=renamed)

    before = _using(connection, task, found)
    new: dict[int, list[Act]] = {}
    for id, done in before.items():
        standing = settle(task.plan, done)
        latest = {(a.user, a.stage): a for a in standing.acts if a.kind == ANSWER}
        changed = [
            Act(a.user, a.stage, ANSWER, said)
            for a in latest.values()
            if (said := _change(task, a.output, change, found)) is not None
        ]
        if all(_fits(task, a.output) for a in changed):
            new[id] = changed
        else:
            why = f"{found.intent} -> {into}"
            new[id] = [Act(person.id, CHECK, REJECT, "", why)]
    comment = f"{found.parameter or found.intent} -> {into} ({person.name})"
    add_acts(connection, task.id, task.plan, before, new, now, comment)
    return len(new)


def _fits(task: Task, output: str) -> bool:
    answers = read_answers(output) if task.card == FORM else None
    texts = [output] if answers is None else [
        str(answers.get(q.title) or "none()")
        for q in task.template.questions if q.kind == CALLS or q.calls
    ]  # fmt: skip
    return not any(task.catalog.violations(parse_calls(text)) for text in texts)
