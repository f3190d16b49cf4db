"""Packages of a task: taken, assigned, given back, lapsed; accepted or refused as a whole.

As many people hold a package at once as label each item. Who labels gets items of the packages
that are theirs and, where those have none left for them, the next free package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, exists, func, insert, select, update

from maksud.labelling.acting import acts_before, add_acts
from maksud.labelling.claiming import candidates
from maksud.labelling.people import LEADER, Person, person_of
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import acts, holders, items, leases, members, packages, packed, users
from maksud.labelling.terms import draw_sample
from maksud.labelling.workflow import (
    ABANDONED,
    ACCEPT,
    ANSWER,
    DONE,
    LABEL,
    REJECT,
    SKIP,
    STATES,
    Act,
    settle,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.tasks import Task

ACCEPTED, REFUSED = "accepted", "refused"
MOST_SHOWN = 500
"""Packages that a list shows."""


@dataclass(frozen=True)
class Scope:
    """Which items a person may take now: those of `packages` (None: all of the task), and only
    the sampled ones where `sampled`."""

    packages: tuple[int, ...] | None = None
    sampled: bool = False

    def check(self, connection: Connection, item: int) -> None:
        """Raises `Refused` for an item that is asked for, and in nobody's or another's package."""
        if self.packages is None:
            return
        there = connection.scalar(select(packed.c.package_id).where(packed.c.item_id == item))
        if there not in self.packages:
            raise Refused("this item is in a package that is not yours", code="not_your_package",
                          hint="Take the package first, or ask a leader for it")  # fmt: skip


EVERYTHING = Scope()


def scope_of(
    connection: Connection, task: Task, person: Person, stage: str, now: float, item: int = 0
) -> Scope:
    """Which items a person may take; takes the next free package where theirs have none left."""
    if stage == ACCEPT and task.terms.sample < 1:
        return Scope(sampled=not item)
    if stage != LABEL or not task.terms.by:
        return EVERYTHING
    drop_lapsed(connection, task, now)
    mine = _mine(connection, task, person, now)
    if not item and not connection.scalar(_left(task, person).where(packed.c.package_id.in_(mine))):
        free = _next_free(connection, task, person)
        if free is not None:
            _hold(connection, free, person.id, now + task.terms.hold_seconds)
            mine = [*mine, free]
    return Scope(tuple(mine))


def drop_lapsed(connection: Connection, task: Task, now: float) -> None:
    """Gives back packages whose time is over, or whose holder is none of the task's people."""
    own = select(packages.c.id).where(packages.c.task_id == task.id)
    people = select(members.c.user_id).where(members.c.task_id == task.id)
    gone = (holders.c.expires <= now) | holders.c.user_id.not_in(people)
    connection.execute(delete(holders).where(holders.c.package_id.in_(own), gone))


def take(connection: Connection, task: Task, person: Person, package: int, now: float) -> None:
    """Takes a package that has room. Raises `Refused` where it has none."""
    _open(task)
    number = _package(connection, task, package).number
    drop_lapsed(connection, task, now)
    there = _holders(connection, package)
    if person.id in there:
        return
    if len(there) >= task.plan.votes:
        raise Refused(f"package {number} is in other hands", code="taken",
                      hint="Take another, or ask a leader for it")  # fmt: skip
    _hold(connection, package, person.id, now + task.terms.hold_seconds)


def assign(connection: Connection, task: Task, package: int, user: int, instead: int = 0) -> None:
    """A leader gives a package to somebody, until it is taken back; `instead` of who had it.

    Raises `Refused` for somebody who is none of the task's people, and where it has no room.
    """
    _open(task)
    number = _package(connection, task, package).number
    who = person_of(connection, user)
    query = select(members.c.user_id).where(members.c.task_id == task.id)
    if who.disabled or user not in connection.scalars(query).all():
        raise Refused(f"{who.name} does not work on this task", code="invalid_value", status=400,
                      hint="Add them to the task's people first")  # fmt: skip
    if instead:
        _give_back(connection, task, package, instead)
    there = [h for h in _holders(connection, package) if h != user]
    if len(there) >= task.plan.votes:
        raise Refused(f"package {number} is in other hands", code="taken",
                      hint="Give it back for them first, or say instead of whom")  # fmt: skip
    connection.execute(
        delete(holders).where(holders.c.package_id == package, holders.c.user_id == user)
    )
    _hold(connection, package, user, None)


def release(
    connection: Connection, task: Task, person: Person, package: int, user: int = 0
) -> None:
    """Gives a package back: one's own, or, for a leader, anybody's. What was labelled stays."""
    _package(connection, task, package)
    whose = user or person.id
    if whose != person.id and not person.may(LEADER):
        raise Refused("only leaders give back what is another's", code="forbidden", status=403)
    _give_back(connection, task, package, whose)


def decide(
    connection: Connection,
    task: Task,
    person: Person,
    package: int,
    accepted: bool,
    reason: str,
    now: float,
) -> int:
    """A leader accepts a package whose sample was looked at, or refuses it: then all of it is
    labelled anew, by who had it. Returns how many items moved. Raises `Refused`.
    """
    _open(task)
    about = _package(connection, task, package)
    if not task.plan.accept:
        raise Refused("the task has no stage accept", code="invalid_value", status=400,
                      hint="Packages are accepted or refused in tasks that have it")  # fmt: skip
    if not accepted and not reason.strip():
        raise Refused("a reason is needed", code="no_reason", status=400,
                      hint="Say in a few words why")  # fmt: skip
    query = (
        select(items.c.id, items.c.state, packed.c.sampled)
        .join(packed, packed.c.item_id == items.c.id)
        .where(packed.c.package_id == package)
        .order_by(items.c.id)
        .with_for_update(of=items)
    )
    found = connection.execute(query).all()
    if accepted:
        _check_acceptable(about.number, found)
        moving = [r.id for r in found if r.state == ACCEPT]
    else:
        moving = [r.id for r in found if r.state in (ACCEPT, DONE, ABANDONED)]
        if not moving:
            raise Refused(f"package {about.number} has nothing to accept or refuse yet",
                          code="not_finished", hint="Wait until it is labelled")  # fmt: skip
    _move(connection, task, person, moving, accepted, reason, now)
    changed: dict[str, Any] = {"verdict": ACCEPTED if accepted else REFUSED, "reason": reason}
    if not accepted:
        changed["refusals"] = about.refusals + 1
        _sample_anew(connection, task, about, [r.id for r in found])
        again = holders.c.package_id == package, holders.c.expires.is_not(None)
        later = now + task.terms.hold_seconds
        connection.execute(update(holders).where(*again).values(expires=later))
    connection.execute(update(packages).where(packages.c.id == package).values(**changed))
    return len(moving)


def list_packages(
    connection: Connection, task: Task, person: Person, now: float
) -> list[dict[str, Any]]:
    """The packages: how far each is, who has it until when. Who labels sees free and own ones."""
    query = select(packages).where(packages.c.task_id == task.id).order_by(packages.c.number)
    found = connection.execute(query.limit(MOST_SHOWN)).all()
    states = _states(connection, task)
    people: dict[int, list[dict[str, Any]]] = {}
    query = (
        select(holders, users.c.name)
        .join(users)
        .join(packages)
        .where(packages.c.task_id == task.id)
    )
    for h in connection.execute(query):
        if h.expires is None or h.expires > now:
            about = {"id": h.user_id, "name": h.name, "expires": h.expires}
            people.setdefault(h.package_id, []).append(about)
    shown = []
    for p in found:
        there = people.get(p.id, [])
        mine = any(h["id"] == person.id for h in there)
        counts = states.get(p.id, {})
        free = len(there) < task.plan.votes and bool(counts.get(LABEL))
        if person.may(LEADER) or mine or free:
            shown.append({
                "id": p.id, "number": p.number, "name": p.name, "verdict": p.verdict,
                "reason": p.reason, "mine": mine, "free": free and not mine,
                "holders": there if person.may(LEADER) or mine else [],
                "states": {s: counts.get(s, 0) for s in STATES},
                "sampled": counts.get("sampled", 0),
            })  # fmt: skip
    return shown


# ---------------------------------------------------------------- below


def _states(connection: Connection, task: Task) -> dict[int, dict[str, int]]:
    """Of each package: how many items stand where; `sampled`: those still to be looked at."""
    query = (
        select(packed.c.package_id, items.c.state, packed.c.sampled, func.count())
        .join(items, items.c.id == packed.c.item_id)
        .where(items.c.task_id == task.id)
        .group_by(packed.c.package_id, items.c.state, packed.c.sampled)
    )
    states: dict[int, dict[str, int]] = {}
    for package, state, sampled, count in connection.execute(query):
        there = states.setdefault(package, {})
        there[state] = there.get(state, 0) + count
        if sampled and state == ACCEPT:
            there["sampled"] = there.get("sampled", 0) + count
    return states


def _open(task: Task) -> None:
    if task.archived:
        raise Refused("the task is archived", code="archived", hint="A leader can open it again")


def _package(connection: Connection, task: Task, package: int) -> Any:
    """A package, whose row is locked: two who take its last place do so one after the other."""
    query = select(packages).where(packages.c.id == package, packages.c.task_id == task.id)
    found = connection.execute(query.with_for_update()).first()
    if found is None:
        raise Unknown(f"package {package}")
    return found


def _holders(connection: Connection, package: int) -> list[int]:
    query = select(holders.c.user_id).where(holders.c.package_id == package)
    return list(connection.scalars(query))


def _hold(connection: Connection, package: int, user: int, expires: float | None) -> None:
    values = {"package_id": package, "user_id": user, "expires": expires}
    connection.execute(insert(holders).values(**values))


def _give_back(connection: Connection, task: Task, package: int, user: int) -> None:
    """With the items of it that they have in hand."""
    gone = holders.c.package_id == package, holders.c.user_id == user
    connection.execute(delete(holders).where(*gone))
    inside = select(packed.c.item_id).where(packed.c.package_id == package)
    held = leases.c.task_id == task.id, leases.c.user_id == user, leases.c.stage == LABEL
    connection.execute(delete(leases).where(*held, leases.c.item_id.in_(inside)))


def _mine(connection: Connection, task: Task, person: Person, now: float) -> list[int]:
    """The packages that a person holds; work on them makes their time begin anew."""
    own = (
        select(packages.c.id)
        .join(holders)
        .where(packages.c.task_id == task.id, holders.c.user_id == person.id)
    )
    mine = list(connection.scalars(own))
    later = now + task.terms.hold_seconds
    # Not at each item: once in a while is enough, and cheaper.
    stale = holders.c.expires < later - task.terms.hold_seconds / 10
    held = holders.c.user_id == person.id, holders.c.package_id.in_(mine), stale
    connection.execute(update(holders).where(*held).values(expires=later))
    return mine


def _left(task: Task, person: Person) -> Select[Any]:
    """Packed items that wait for a label of this person."""
    done = exists().where(
        acts.c.item_id == items.c.id, acts.c.user_id == person.id, acts.c.stage == LABEL,
        acts.c.kind != SKIP, acts.c.round == items.c.round,
    )  # fmt: skip
    return (
        select(items.c.id)
        .join(packed, packed.c.item_id == items.c.id)
        .where(items.c.task_id == task.id, items.c.state == LABEL, ~done)
        .limit(1)
    )


def _next_free(connection: Connection, task: Task, person: Person) -> int | None:
    in_hands = select(func.count()).where(holders.c.package_id == packages.c.id).scalar_subquery()
    inside = _left(task, person).where(packed.c.package_id == packages.c.id).limit(None)
    query = (
        select(packages.c.id)
        .where(packages.c.task_id == task.id, in_hands < task.plan.votes,
               inside.correlate(packages).exists())
        .order_by(packages.c.number)
        .limit(1)
    )  # fmt: skip

    def ask(waits: bool | None) -> Iterator[int]:
        yield from connection.scalars(query.with_for_update(of=packages, skip_locked=not waits))

    for free in candidates(connection, ask):
        if len(_holders(connection, free)) < task.plan.votes:
            return free
    return None


def _check_acceptable(number: int, found: Any) -> None:
    early = sum(r.state not in (ACCEPT, DONE, ABANDONED) for r in found)
    if early:
        raise Refused(f"{early} items of package {number} are not there yet", code="not_finished",
                      hint="Wait until they are labelled and checked")  # fmt: skip
    unseen = sum(r.state == ACCEPT and r.sampled for r in found)
    if unseen:
        raise Refused(f"{unseen} items of package {number} still wait to be seen",
                      code="not_finished", hint="Accept or send back each of them")  # fmt: skip


def _move(
    connection: Connection,
    task: Task,
    person: Person,
    moving: list[int],
    accepted: bool,
    reason: str,
    now: float,
) -> None:
    """Adds an act to each item, by the leader, and writes where it stands then."""
    before = acts_before(connection, moving)
    new = {}
    for id in moving:
        standing = settle(task.plan, before[id])
        kind = (standing.kind or ANSWER) if accepted else REJECT
        output = standing.output if accepted else ""
        why = reason or ("" if kind == ANSWER else "package")
        new[id] = [Act(person.id, ACCEPT, kind, output, why)]
    add_acts(connection, task.id, task.plan, before, new, now)


def _sample_anew(connection: Connection, task: Task, about: Any, ids: list[int]) -> None:
    """Another sample: whoever mends only what was looked at would not be found out."""
    drawn = draw_sample(ids, task.terms.sample, f"{task.id}-{about.number}-{about.refusals + 1}")
    connection.execute(update(packed).where(packed.c.package_id == about.id).values(sampled=False))
    for k in range(0, len(ids), 500):
        part = [id for id in ids[k : k + 500] if id in drawn]
        connection.execute(update(packed).where(packed.c.item_id.in_(part)).values(sampled=True))
