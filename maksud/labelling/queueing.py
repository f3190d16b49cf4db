"""The queue of a task: in which order its items are taken in hand, gold ones mixed in unmarked.

The order is kept beside each item (`rank`), so that taking the next one costs nothing. Only items
that wait to be labelled are moved.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update

from maksud.labelling.help import FILE, Help, changed, help_of, set_help
from maksud.labelling.tables import golds, items
from maksud.labelling.workflow import LABEL

if TYPE_CHECKING:
    from sqlalchemy import Connection


_OF_THE_QUEUE = ("order", "seed", "gold_every")


def arrange(connection: Connection, task: int, help: Help) -> int:
    """Puts all waiting items into the order that is asked for; returns how many.

    Of an uncertain order it is the random one, which `put_first` then changes.
    """
    known = set(connection.scalars(select(golds.c.item_id).where(golds.c.task_id == task)))
    query = select(items.c.id).where(items.c.task_id == task, items.c.state == LABEL)
    waiting = list(connection.scalars(query.order_by(items.c.position)))
    plain = [id for id in waiting if id not in known]
    if help.order != FILE:
        random.Random(help.seed).shuffle(plain)
    gold = [id for id in waiting if id in known]
    _write(connection, mixed(plain, gold, help.gold_every, help.seed), 0)
    return len(waiting)


def change_help(connection: Connection, task: int, changes: Mapping[str, Any]) -> Help:
    """Changes settings of a task's help, those that are not None; another order is that of the
    next item. Raises `Refused`."""
    before = help_of(connection, task)
    after = changed(before, changes)
    set_help(connection, task, after)
    if any(getattr(before, name) != getattr(after, name) for name in _OF_THE_QUEUE):
        arrange(connection, task, after)
    return after


def put_first(connection: Connection, task: int, ids: Sequence[int], help: Help) -> int:
    """Moves waiting items to the front, in this order, with gold ones among them; returns how
    many. Items that were labelled meanwhile are left out."""
    mine = items.c.task_id == task, items.c.state == LABEL
    there = set(connection.scalars(select(items.c.id).where(*mine, items.c.id.in_(ids))))
    query = select(golds.c.item_id).join(items, items.c.id == golds.c.item_id).where(*mine)
    gold = list(connection.scalars(query.order_by(items.c.rank)))
    known = set(gold)
    front = [id for id in ids if id in there and id not in known]
    gold = gold[: len(front) // help.gold_every]
    order = mixed(front, gold, help.gold_every, help.seed + len(there))
    lowest = connection.scalar(select(func.min(items.c.rank)).where(*mine)) or 0
    _write(connection, order, lowest - len(order))
    return len(order)


def mixed(plain: Sequence[int], gold: Sequence[int], every: int, seed: int) -> list[int]:
    """The items with a gold one at a random place of each block of `every`.

    Where there are too few others for all gold ones, blocks are smaller: none is left over.
    """
    rng = random.Random(seed)
    left = list(gold)
    rng.shuffle(left)
    size = max(1, min(every - 1, len(plain) // len(left))) if left else len(plain)
    out: list[int] = []
    for k in range(0, len(plain), max(1, size)):
        block = list(plain[k : k + size])
        if left:
            block.insert(rng.randint(0, len(block)), left.pop())
        out += block
    return out + left


def next_rank(connection: Connection, task: int) -> int:
    """A place behind all items of a task."""
    last = connection.scalar(select(func.max(items.c.rank)).where(items.c.task_id == task))
    return 0 if last is None else last + 1


def _write(connection: Connection, order: Sequence[int], first: int) -> None:
    if order:
        query = update(items).where(items.c.id == bindparam("which"))
        values = [{"which": id, "place": first + k} for k, id in enumerate(order)]
        connection.execute(query.values(rank=bindparam("place")), values)
