"""Nearly the same utterances of a task, found when its items are made (`data.neighbours` says what
nearly the same is), and kept beside the items as a number that they share."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from maksud.data.dataset import near_groups
from maksud.labelling.library import UTTERANCE
from maksud.labelling.tables import items, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 50_000
"""Items of a task up to which appended rows are compared with all that are there; in larger ones,
with each other."""
MOST_NEW = 200_000
"""Rows that come at once and are compared, at most: with more nobody would wait for it."""


def has_twins(connection: Connection, task: int) -> bool:
    """Whether some items of a task have twins."""
    query = select(items.c.id).where(items.c.task_id == task, items.c.twins.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def mark_twins(connection: Connection, task: int, new: int) -> int:
    """Marks the items of a task that have twins, after its last `new` were added; returns how many
    items have some."""
    if new > MOST_NEW:
        return 0
    total = connection.scalar(select(func.count()).where(items.c.task_id == task)) or 0
    query = select(items.c.id, rows.c.data).join(rows).where(items.c.task_id == task)
    if total > MOST:
        query = query.order_by(items.c.id.desc()).limit(new)
    found = connection.execute(query).all()
    groups: defaultdict[int, list[int]] = defaultdict(list)
    numbers = near_groups([data[UTTERANCE] for _, data in found])
    for (id, _), group in zip(found, numbers, strict=True):
        groups[group].append(id)
    marks = [
        {"which": id, "group": min(ids)} for ids in groups.values() if len(ids) > 1 for id in ids
    ]
    if marks:
        query_ = update(items).where(items.c.id == bindparam("which"))
        connection.execute(query_.values(twins=bindparam("group")), marks)
    return len(marks)
