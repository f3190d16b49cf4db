"""What people look at: an item as its page shows it, a task's items, what one did, figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maksud.labelling import statements
from maksud.labelling.agreement import agreement
from maksud.labelling.conversations import view_conversation
from maksud.labelling.forms import answers_key
from maksud.labelling.help import help_of
from maksud.labelling.library import UTTERANCE
from maksud.labelling.people import LEADER, Person
from maksud.labelling.quality import read_labels
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import acts, items, rows
from maksud.labelling.tasks import Task, count_states, members_of
from maksud.labelling.work import standing_of
from maksud.labelling.workflow import ABANDON, ANSWER, LABEL, REJECT, SKIP, STATES

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGE = 50
"""Items of one page of a list."""


def show_item(connection: Connection, task: Task, person: Person, id: int) -> dict[str, Any]:
    """An item as the page shows it. A labeller sees nobody else's answer; who checks sees all."""
    asked = {"item": id, "task": task.id}
    found = statements.ITEM_AND_ROW.first(connection, asked)
    if found is None:
        raise Unknown(f"item {id}")
    standing, done = standing_of(connection, task, id)
    mine = [r for r in done if r.user_id == person.id and r.kind != SKIP]
    if not person.may(LEADER) and not mine and not _is_held(connection, id, person):
        raise Unknown(f"item {id}")
    names = _names(connection, {r.user_id for r in done})
    out: dict[str, Any] = {
        "id": id,
        "number": found.position + 1,
        "utterance": found.data[UTTERANCE],
        "fields": {f: found.data.get(f) for f in task.template.fields if f != UTTERANCE},
        "turns": view_conversation(found.data, task.template.conversation, task.catalog),
        "state": found.state,
        "round": standing.round,
        "feedback": standing.feedback,
        "suggestions": []
        if help_of(connection, task.id).is_blind(found.row_id)
        else [s for s in found.suggestions or () if s["text"]],
        "mine": _latest(mine, standing.round),
    }
    if person.may(LEADER):
        given = (r for r in done if r.stage == LABEL and r.kind in (ANSWER, ABANDON))
        remarks = {r.user_id: r.comment for r in given}  # of each the latest
        out["labels"] = [
            {"by": names[a.user], "kind": a.kind, "output": a.output, "reason": a.reason,
             "comment": remarks[a.user]}
            for a in standing.labels
        ]  # fmt: skip
        out["proposal"] = {"kind": standing.kind, "output": standing.output}
        out["history"] = [_shown(r, names) for r in done]
    return out


def _is_held(connection: Connection, id: int, person: Person) -> bool:
    mine = {"item": id, "user": person.id}
    return statements.SLOT_OF_MINE.scalar(connection, mine) is not None


def _latest(mine: Sequence[Any], round: int) -> dict[str, Any] | None:
    last = next(
        (r for r in reversed(mine) if r.round == round and r.kind in (ANSWER, ABANDON)), None
    )
    if last is None:
        return None
    return {"stage": last.stage, "kind": last.kind, "output": last.output, "reason": last.reason,
            "comment": last.comment}  # fmt: skip


def _names(connection: Connection, ids: set[int]) -> dict[int, str]:
    found = connection.execute(statements.NAMES, {"users": list(ids)}) if ids else ()
    return {id: name for id, name in found}


def _shown(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "act": row.id, "by": names[row.user_id], "stage": row.stage, "kind": row.kind,
        "round": row.round, "output": row.output, "reason": row.reason, "comment": row.comment,
        "suggested": row.suggested, "at": row.created,
    }  # fmt: skip


# ---------------------------------------------------------------- lists


def list_items(
    connection: Connection, task: Task, *, state: str = "", after: int = 0
) -> dict[str, Any]:
    """A page of a task's items in order; `after`: the number of the last that was seen."""
    if state and state not in STATES:
        raise Refused(f"there is no state {state!r}", code="invalid_value", status=400,
                      hint=", ".join(STATES))  # fmt: skip
    query = select(items.c.id, items.c.position, items.c.state, items.c.output, items.c.round,
                   rows.c.data).join(rows)  # fmt: skip
    query = query.where(items.c.task_id == task.id, items.c.position >= after)
    if state:
        query = query.where(items.c.state == state)
    found = connection.execute(query.order_by(items.c.position).limit(PAGE + 1)).all()
    shown = [
        {"id": r.id, "number": r.position + 1, "state": r.state, "output": r.output,
         "round": r.round, "utterance": r.data[UTTERANCE]}
        for r in found[:PAGE]
    ]  # fmt: skip
    return {"items": shown, "next": shown[-1]["number"] if len(found) > PAGE else None}


def list_mine(
    connection: Connection, task: Task, person: Person, before: int = 0
) -> dict[str, Any]:
    """What a person did in a task, the latest first, with what was said of it afterwards."""
    query = (
        select(acts, items.c.position, items.c.state.label("now"), rows.c.data)
        .join(items, items.c.id == acts.c.item_id)
        .join(rows, rows.c.id == items.c.row_id)
        .where(acts.c.task_id == task.id, acts.c.user_id == person.id)
    )
    if before:
        query = query.where(acts.c.id < before)
    found = connection.execute(query.order_by(acts.c.id.desc()).limit(PAGE + 1)).all()
    shown = [
        {
            "act": r.id, "item": r.item_id, "number": r.position + 1, "stage": r.stage,
            "kind": r.kind, "output": r.output, "utterance": r.data[UTTERANCE], "state": r.now,
            **_said_of(connection, r),
        }
        for r in found[:PAGE]
    ]  # fmt: skip
    return {"acts": shown, "next": shown[-1]["act"] if len(found) > PAGE else None}


def _said_of(connection: Connection, row: Any) -> dict[str, str]:
    """Of a label: `feedback`, why it was sent back, and `remark`, what was written beside it when
    it was decided or checked."""
    if row.stage != LABEL:
        return {"feedback": "", "remark": ""}
    query = select(acts.c.kind, acts.c.reason, acts.c.comment).where(
        acts.c.item_id == row.item_id, acts.c.id > row.id, acts.c.stage != LABEL,
        acts.c.round == row.round,
    )  # fmt: skip
    said = connection.execute(query.order_by(acts.c.id)).all()
    return {
        "feedback": " ".join(r.reason for r in said if r.kind == REJECT).strip(),
        "remark": " ".join(r.comment for r in said if r.comment).strip(),
    }


# ---------------------------------------------------------------- figures


def figures(connection: Connection, task: Task) -> dict[str, Any]:
    """How well a task goes: agreement between labellers, and each person's share in it."""
    labels, decided = read_labels(connection, task)
    names = _names(connection, {user for _, _, user in labels})
    given = [(names[user], (item, round), _key(r)) for (item, round, user), r in labels.items()]
    return {
        "agreement": agreement(given),
        "people": _people(connection, task, labels, decided),
        "disputed": _disputed(given),
    }


def _key(row: Any) -> str:
    """What two labels that say the same share."""
    return ABANDON if row.kind == ABANDON else repr(answers_key(row.output))


def _people(
    connection: Connection,
    task: Task,
    labels: Mapping[tuple[int, int, int], Any],
    decided: Mapping[tuple[int, int], Any],
) -> list[dict[str, Any]]:
    """Of each labeller: labels, how many a leader looked at and found right, seconds for one."""
    of: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for (item, round, user), r in labels.items():
        about = of[user]
        about["labels"] += 1
        about["seconds"] += r.seconds
        about[f"suggestion {r.suggested}"] += 1
        judged = decided.get((item, round))
        if judged is not None:
            about["checked"] += 1
            about["right"] += _key(judged) == _key(r)
    everybody = {p.id: p.name for p in members_of(connection, task.id)}
    everybody |= _names(connection, set(of) - set(everybody))
    return [
        {
            "name": name,
            "labels": of[id]["labels"],
            "checked": of[id]["checked"],
            "accuracy": of[id]["right"] / of[id]["checked"] if of[id]["checked"] else None,
            "seconds": of[id]["seconds"] / of[id]["labels"] if of[id]["labels"] else None,
            "confirmed": of[id]["suggestion confirmed"],
            "corrected": of[id]["suggestion shown"],
        }
        for id, name in sorted(everybody.items(), key=lambda e: e[1].casefold())
    ]  # fmt: skip


def _disputed(given: Sequence[tuple[str, object, str]]) -> int:
    """How many items have labels that differ."""
    answers: defaultdict[object, set[str]] = defaultdict(set)
    for _, item, key in given:
        answers[item].add(key)
    return sum(len(keys) > 1 for keys in answers.values())


def waiting(connection: Connection, task: Task) -> dict[str, int]:
    """How many items wait at each of the task's stages."""
    found = count_states(connection, task.id)
    return {stage: found[stage] for stage in task.plan.stages}
