"""The statements that every save and claim runs, built once: to build one takes longer than to
run it. Values come by the names in them: task, item, user, stage, key, now."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from maksud.labelling.prepared import Prepared
from maksud.labelling.tables import (
    acts,
    helps,
    items,
    leases,
    members,
    packed,
    proposals,
    rows,
    sessions,
    tallies,
    tasks,
    templates,
    terms,
    users,
)
from maksud.labelling.workflow import LABEL, SKIP

TASK: Any = bindparam("task")
ITEM: Any = bindparam("item")
USER: Any = bindparam("user")
NOW: Any = bindparam("now")

ACT_OF_KEY = Prepared(select(acts).where(acts.c.user_id == USER, acts.c.key == bindparam("key")))
ACTS_OF_ITEM = Prepared(select(acts).where(acts.c.item_id == ITEM).order_by(acts.c.id))
LOCK_ITEM = Prepared(
    select(items.c.id).where(items.c.id == ITEM, items.c.task_id == TASK).with_for_update()
)
UTTERANCE_OF_ITEM = Prepared(select(rows.c.data).join(items).where(items.c.id == ITEM))
SUGGESTIONS_OF_ITEM = Prepared(select(items.c.suggestions).where(items.c.id == ITEM))
ADD_ACT = Prepared(insert(acts), [c.name for c in acts.columns if c.name != "id"])
MOVE_ITEM = Prepared(
    update(items).where(items.c.id == bindparam("item")),
    ("state", "round", "wanted", "output", "updated"),
)

HELD = Prepared(select(leases).where(leases.c.task_id == TASK, leases.c.user_id == USER))
LIVE_LEASES = Prepared(select(leases).where(leases.c.item_id == ITEM, leases.c.expires > NOW))
SLOTS_OF_OTHERS = Prepared(
    select(leases.c.slot).where(leases.c.item_id == ITEM, leases.c.user_id != USER)
)
SLOT_OF_MINE = Prepared(
    select(leases.c.slot).where(leases.c.item_id == ITEM, leases.c.user_id == USER)
)
HOLD = Prepared(insert(leases), [c.name for c in leases.columns])
LET_GO = Prepared(delete(leases).where(leases.c.item_id == ITEM, leases.c.user_id == USER))
LET_GO_ALL = Prepared(delete(leases).where(leases.c.task_id == TASK, leases.c.user_id == USER))
LAPSE = Prepared(delete(leases).where(leases.c.task_id == TASK, leases.c.expires <= NOW))

ITEM_AND_ROW = Prepared(
    select(items, rows.c.data).join(rows).where(items.c.id == ITEM, items.c.task_id == TASK)
)
STATES = Prepared(
    select(tallies.c.state, func.sum(tallies.c.count))
    .where(tallies.c.task_id == TASK)
    .group_by(tallies.c.state)
)
PROPOSED = Prepared(
    select(proposals)
    .where(proposals.c.task_id == TASK, proposals.c.verdict == bindparam("verdict"))
    .order_by(proposals.c.id)
)
HELP = Prepared(select(helps).where(helps.c.task_id == TASK))
NAMES = select(users.c.id, users.c.name).where(users.c.id.in_(bindparam("users", expanding=True)))

_ANY_TASK = (
    select(
        tasks,
        cast(tasks.c.catalog, Text).label("catalog_text"),
        cast(templates.c.definition, Text).label("template_text"),
        terms,
    )
    .join(templates, templates.c.id == tasks.c.template_id)
    .outerjoin(terms, terms.c.task_id == tasks.c.id)
    .where(tasks.c.id == TASK)
)
ANY_TASK = Prepared(_ANY_TASK)
"""A task with its template and terms. What rarely changes is read as text: what was made of the
same text before is taken again."""
OWN_TASK = Prepared(
    _ANY_TASK.where(tasks.c.id.in_(select(members.c.task_id).where(members.c.user_id == USER)))
)
"""The same, for those who work on it alone."""
SESSION = Prepared(
    select(users, sessions.c.csrf, sessions.c.expires)
    .join(sessions)
    .where(
        sessions.c.digest == bindparam("digest"), sessions.c.kind == bindparam("kind"),
        ~users.c.disabled,
    )
)  # fmt: skip


@lru_cache
def next_items(
    labels: bool, passed: bool, packages: bool, sampled: bool, waits: bool | None
) -> Select[Any]:
    """The next items with room for one more hand.

    `waits`: whether rows that somebody else is claiming are waited for or passed over; None where
    the database has one writer at a time.

    `labels`: of the stage label; `passed`: those that the person skipped; `packages`: only of those
    packages; `sampled`: only those that are looked at before their package is accepted.
    """
    mine = acts.c.item_id == items.c.id, acts.c.user_id == USER
    skipped = exists().where(*mine, acts.c.kind == SKIP, acts.c.round == items.c.round)
    labelled = exists().where(
        *mine, acts.c.stage == LABEL, acts.c.kind != SKIP, acts.c.round == items.c.round
    )
    in_hand = select(func.count()).where(leases.c.item_id == items.c.id).scalar_subquery()
    query = select(items.c.id).where(
        items.c.task_id == TASK,
        items.c.state == bindparam("stage"),
        in_hand < items.c.wanted,
        skipped if passed else ~skipped,
    )
    if labels:
        query = query.where(~labelled)
    inside = packed.c.item_id == items.c.id
    if packages:
        own = packed.c.package_id.in_(bindparam("packages", expanding=True))
        query = query.where(exists().where(inside, own))
    if sampled:
        query = query.where(exists().where(inside, packed.c.sampled))
    latest = select(func.max(acts.c.id)).where(*mine, acts.c.kind == SKIP).scalar_subquery()
    order = (latest, items.c.rank) if passed else (items.c.rank,)
    query = query.order_by(*order).limit(4)
    if waits is not None:
        query = query.with_for_update(of=items, skip_locked=not waits)
    return query


@lru_cache
def queue(labels: bool, passed: bool, sampled: bool, waits: bool | None) -> Prepared:
    """`next_items` of a task without packages."""
    return Prepared(next_items(labels, passed, False, sampled, waits))
