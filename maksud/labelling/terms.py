"""The terms of a task: how its items are packed, until when, how much of a package is looked at
before it is accepted. Packages are made here; who works on them is `packages`' matter."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from maksud.labelling.refusals import Refused
from maksud.labelling.tables import insert_one, items, packages, packed, rows, terms
from maksud.labelling.workflow import Plan

if TYPE_CHECKING:
    from sqlalchemy import Connection

SIZE, COUNT, FIELD = "size", "count", "field"
WAYS = (SIZE, COUNT, FIELD)
"""Packages of so many items; so many packages; one for each value of a field."""
HOLD_HOURS = 24
"""How long a package that somebody took stays theirs without work on it."""
MOST_PACKAGES = 20_000
AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Terms:
    """`by` "": no packages; `value` is a number of items or packages, or a field's name;
    `deadline`: seconds since 1970."""

    by: str = ""
    value: str = ""
    sample: float = 1.0
    hold_seconds: int = HOLD_HOURS * 3600
    deadline: float | None = None


def check_terms(wanted: Terms, plan: Plan) -> None:
    """Raises `Refused` for terms that no task can have, with what to change."""
    if wanted.by and wanted.by not in WAYS:
        raise _refused(f"there is no way {wanted.by!r} to pack items", f"Choose {', '.join(WAYS)}")
    if wanted.by in (SIZE, COUNT):
        said = wanted.value
        if not said.isascii() or not said.isdigit() or len(said) > 9 or int(said) < 1:
            raise _refused("a package of nothing", "Say how many items a package has, or how many "
                           "packages there are: 1 or more")  # fmt: skip
    if wanted.by == FIELD and not wanted.value:
        raise _refused("no field is named to pack items by", "Name a field of the data")
    if not 0 < wanted.sample <= 1:
        raise _refused("the share that is looked at is above 0, and at most 1", "0.1 is a tenth")
    if wanted.sample < 1 and not (wanted.by and plan.accept):
        raise _refused(
            "a share can be accepted of packages, in a task with the stage accept",
            "Say how large packages are and add the stage, or accept every item",
        )
    if not 60 <= wanted.hold_seconds <= 366 * 86400:
        raise _refused("a package is held for a minute to a year", "24 hours is usual")


def keep_terms(connection: Connection, task: int, wanted: Terms) -> None:
    """Keeps the terms of a new task."""
    values = {"task_id": task, "deadline": wanted.deadline, "sample": wanted.sample,
              "pack_by": wanted.by, "pack_value": wanted.value,
              "hold_seconds": wanted.hold_seconds}  # fmt: skip
    connection.execute(insert(terms).values(**values))


def move_deadline(connection: Connection, task: int, deadline: float | None) -> None:
    """Says until when a task is to be done; None: no matter when."""
    if connection.scalar(select(terms.c.task_id).where(terms.c.task_id == task)) is None:
        keep_terms(connection, task, Terms(deadline=deadline))
        return
    connection.execute(update(terms).where(terms.c.task_id == task).values(deadline=deadline))


def terms_of(connection: Connection, task: int) -> Terms:
    """The terms of a task; the usual ones where none were said."""
    found = connection.execute(select(terms).where(terms.c.task_id == task)).first()
    return Terms() if found is None else read_terms(found)


def read_terms(row: Any) -> Terms:
    """The terms in a row that has their columns; all of them null where none were said."""
    if row.pack_by is None:
        return Terms()
    return Terms(row.pack_by, row.pack_value, row.sample, row.hold_seconds, row.deadline)


def pack_items(connection: Connection, task: int) -> int:
    """Puts a task's items that are in no package into new ones; returns how many were made.

    By size the last one is filled up; by field a value that has a package gets it again. Raises
    `Refused` for a package of nothing, and a field that rows lack.
    """
    about = terms_of(connection, task)
    if not about.by:
        return 0
    query = (
        select(items.c.id, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task, items.c.id.not_in(select(packed.c.item_id)))
        .order_by(items.c.position)
    )
    if about.by != FIELD:
        query = query.with_only_columns(items.c.id, rows.c.position)
    found = connection.execute(query).all()
    if not found:
        return 0
    first = connection.scalar(_number_of(task)) or 0
    if about.by == FIELD:
        return _pack_by_field(connection, task, about, found)
    ids = [id for id, _ in found]
    if about.by == COUNT:
        count = 1 if first else int(about.value)
        if count > len(ids):
            raise _refused(f"{count} packages for {len(ids)} items: some would have nothing",
                           "Ask for fewer packages")  # fmt: skip
        size = math.ceil(len(ids) / count)
        parts = [ids[k * len(ids) // count : (k + 1) * len(ids) // count] for k in range(count)]
    else:
        size = int(about.value)
        ids = _fill_last(connection, task, about, size, ids)
        parts = [ids[k : k + size] for k in range(0, len(ids), size)]
    if first + len(parts) > MOST_PACKAGES:
        raise _refused(f"more than {MOST_PACKAGES:,} packages", "Make them larger")
    for k, part in enumerate(parts, first + 1):
        _put(connection, task, about, k, str(k), part)
    return len(parts)


def draw_sample(ids: Sequence[int], share: float, seed: str) -> set[int]:
    """The items of a package that are looked at: at least one, the same for the same seed."""
    if share >= 1:
        return set(ids)
    count = min(len(ids), max(1, math.ceil(share * len(ids) - 1e-9)))
    return set(random.Random(seed).sample(sorted(ids), count))


def _number_of(task: int) -> Any:
    return select(func.max(packages.c.number)).where(packages.c.task_id == task)


def _fill_last(
    connection: Connection, task: int, about: Terms, size: int, ids: list[int]
) -> list[int]:
    """Puts items into the last package while it has room, and nobody decided it; the rest."""
    query = select(packages.c.id, packages.c.number, packages.c.verdict)
    last = connection.execute(
        query.where(packages.c.task_id == task).order_by(packages.c.number.desc()).limit(1)
    ).first()
    if last is None or last.verdict == "accepted":
        return ids
    there = select(func.count()).where(packed.c.package_id == last.id)
    room = max(0, size - (connection.scalar(there) or 0))
    if room and ids:
        seed = f"{task}-{last.number}-{ids[0]}"
        _fill(connection, last.id, ids[:room], draw_sample(ids[:room], about.sample, seed))
    return ids[room:]


def _pack_by_field(connection: Connection, task: int, about: Terms, found: Sequence[Any]) -> int:
    groups: dict[str, list[int]] = {}
    for id, data in found:
        value = data.get(about.value)
        if value is None or value == "" or isinstance(value, list | dict):
            raise Refused(
                f"a row has no value under {about.value!r} to pack it by "
                f"(it has {', '.join(list(data)[:8])})",
                code="missing_field", status=400, hint="Name a field that every row has",
            )  # fmt: skip
        groups.setdefault(str(value)[:100], []).append(id)
    query = select(packages.c.name, packages.c.id).where(
        packages.c.task_id == task, packages.c.verdict != "accepted"
    )
    known: dict[str, int] = {name: id for name, id in connection.execute(query)}
    first = connection.scalar(_number_of(task)) or 0
    if first + len(groups) > MOST_PACKAGES:
        raise _refused(f"{about.value!r} has {len(groups):,} values", "Pack by size instead")
    made = 0
    for name, ids in groups.items():
        if name in known:
            sampled = draw_sample(ids, about.sample, f"{task}-{name}-{ids[0]}")
            _fill(connection, known[name], ids, sampled)
        else:
            made += 1
            _put(connection, task, about, first + made, name, ids)
    return made


def _put(
    connection: Connection, task: int, about: Terms, number: int, name: str, ids: Sequence[int]
) -> None:
    values = {"task_id": task, "number": number, "name": name, "verdict": "", "reason": "",
              "refusals": 0}  # fmt: skip
    id = insert_one(connection, packages, values)
    _fill(connection, id, ids, draw_sample(ids, about.sample, f"{task}-{number}"))


def _fill(connection: Connection, package: int, ids: Sequence[int], sampled: set[int]) -> None:
    values = [{"item_id": id, "package_id": package, "sampled": id in sampled} for id in ids]
    for k in range(0, len(values), AT_ONCE):
        connection.execute(insert(packed), values[k : k + AT_ONCE])


def _refused(what: str, hint: str) -> Refused:
    return Refused(what, code="invalid_terms", status=400, hint=hint)
