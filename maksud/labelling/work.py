"""Work on items: taken in hand, answered, given back. Each function is one transaction of its
caller; where it raises, nothing has changed.

A person holds one item of a task at a time. Who saves must hold the item, or change what nobody
has built on yet. A save has a key: the same save sent again is stored once, and answered the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, update

from maksud.labelling import statements
from maksud.labelling.answers import Checked, check_answer
from maksud.labelling.claiming import candidates
from maksud.labelling.forms import FormChecked, check_form
from maksud.labelling.packages import Scope, scope_of
from maksud.labelling.people import LEADER, Person
from maksud.labelling.questions import CALLS
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import leases
from maksud.labelling.tasks import Task
from maksud.labelling.templates import FORM, UTTERANCE
from maksud.labelling.workflow import (
    ABANDON,
    ABANDONED,
    ANSWER,
    DONE,
    DOUBT,
    LABEL,
    REJECT,
    REOPEN,
    SKIP,
    STAGES,
    Act,
    Standing,
    may_act,
    may_revise,
    settle,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONGEST_REASON = 1000
"""Characters of a reason or a comment, at most."""
LIKEWISE = "likewise"
SUGGESTED = ("", "shown", "confirmed", LIKEWISE)
"""Whether a suggestion was seen, and whether the answer is one that was; or is that of a nearly
identical utterance, which was answered together with this one."""


@dataclass(frozen=True)
class Said:
    """What a person does to an item. `suggested` is one of `SUGGESTED`; `seconds` is how long
    it took; `key` makes sending it again harmless."""

    item: int
    stage: str
    kind: str
    key: str
    output: str = ""
    reason: str = ""
    comment: str = ""
    suggested: str = ""
    seconds: float = 0.0

    @property
    def fingerprint(self) -> str:
        """What two sendings of one act share; time spent is not part of it."""
        parts = [self.item, self.stage, self.kind, self.output, self.reason, self.comment]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# ---------------------------------------------------------------- taking and giving back


def claim(
    connection: Connection, task: Task, person: Person, stage: str, now: float, item: int = 0
) -> int | None:
    """Takes an item in hand for a stage: the one that is held already, `item` where it is asked
    for, else the next; None where there is nothing to do.

    Raises `Refused` where the item asked for can't be taken, with why.
    """
    _check_stage(task, person, stage)
    statements.LAPSE.run(connection, {"task": task.id, "now": now})
    held = _held(connection, task, person)
    if held is not None and held.stage == stage and item in (0, held.item_id):
        _extend(connection, held.item_id, held.slot, now + task.lease_seconds)
        number: int = held.item_id
        return number
    scope = scope_of(connection, task, person, stage, now, item)
    if item:
        scope.check(connection, item)
        standing = _standing(connection, task, item)
        if not may_act(standing, person.id, stage):
            raise _not_now(standing, person, stage)
        if _take(connection, task, person, stage, item, standing, now):
            return item
        raise Refused("somebody else has this item in hand", code="taken",
                      hint="Take the next one, or come back to it later")  # fmt: skip

    def ask(waits: bool | None) -> Iterator[int]:
        for passed in (False, True):
            yield from _next(connection, task, person, stage, passed, waits, scope)

    for candidate in candidates(connection, ask):
        standing = _standing(connection, task, candidate)
        if may_act(standing, person.id, stage) and _take(
            connection, task, person, stage, candidate, standing, now
        ):
            return candidate
    return None


def release(connection: Connection, task: Task, person: Person, item: int) -> None:
    """Gives an item back, undone: one's own; a leader's word takes it from anybody."""
    query = delete(leases).where(leases.c.task_id == task.id, leases.c.item_id == item)
    if not person.may(LEADER):
        query = query.where(leases.c.user_id == person.id)
    connection.execute(query)


def _held(connection: Connection, task: Task, person: Person) -> Any:
    return statements.HELD.first(connection, {"task": task.id, "user": person.id})


def _extend(connection: Connection, item: int, slot: int, until: float) -> None:
    mine = leases.c.item_id == item, leases.c.slot == slot
    connection.execute(update(leases).where(*mine).values(expires=until))


def _next(
    connection: Connection,
    task: Task,
    person: Person,
    stage: str,
    passed: bool,
    waits: bool | None,
    scope: Scope,
) -> list[int]:
    """The next items with room for one more hand; `passed`: those that the person skipped."""
    asked = {"task": task.id, "user": person.id, "stage": stage}
    if scope.packages is None:
        queue = statements.queue(stage == LABEL, passed, scope.sampled, waits)
        return queue.scalars(connection, asked)
    query = statements.next_items(stage == LABEL, passed, True, scope.sampled, waits)
    return list(connection.scalars(query, {**asked, "packages": scope.packages}))


def _take(
    connection: Connection,
    task: Task,
    person: Person,
    stage: str,
    item: int,
    standing: Standing,
    now: float,
) -> bool:
    """Takes an item whose row is locked, if it has room; gives back what was held before."""
    others = {"item": item, "user": person.id}
    taken = set(statements.SLOTS_OF_OTHERS.scalars(connection, others))
    if len(taken) >= standing.wanted(task.plan):
        return False
    statements.LET_GO_ALL.run(connection, {"task": task.id, "user": person.id})
    slot = next(k for k in range(len(taken) + 1) if k not in taken)
    values = {"item_id": item, "slot": slot, "task_id": task.id, "user_id": person.id,
              "stage": stage, "expires": now + task.lease_seconds}  # fmt: skip
    statements.HOLD.run(connection, values)
    return True


# ---------------------------------------------------------------- saving


def save(
    connection: Connection, task: Task, person: Person, said: Said, now: float
) -> dict[str, Any]:
    """Stores what a person did; returns its number and where the item stands then.

    Sent again with the same key it is answered the same, and stored once. Raises `Refused`: for a
    key that was another act's, an answer that can't be one, an item that is not in hand any more.
    """
    sent = {"user": person.id, "key": said.key}
    done = statements.ACT_OF_KEY.first(connection, sent)
    if done is not None:
        if done.fingerprint != said.fingerprint:
            raise Refused("this key was another save's", code="key_reused",
                          hint="Make a new key for each save")  # fmt: skip
        return {"act": done.id, "item": done.item_id, "state": done.state, "repeated": True}
    _check_stage(task, person, said.stage)
    standing, before = look_at(connection, task, said.item)
    _check_in_hand(connection, task, person, said, standing, now)
    return put_act(connection, task, person, said, now, (standing, before))


def put_act(
    connection: Connection,
    task: Task,
    person: Person,
    said: Said,
    now: float,
    looked_at: tuple[Standing, list[Any]],
) -> dict[str, Any]:
    """Stores an act that the person may do, on an item that was looked at; see `save`.

    Raises `Refused` for an answer that can't be one.
    """
    standing, before = looked_at
    output = _checked(connection, task, said)
    new = Act(person.id, said.stage, said.kind, output, said.reason)
    after = settle(task.plan, [*map(act_of, before), new])
    values = {
        "item_id": said.item, "task_id": task.id, "user_id": person.id, "stage": said.stage,
        "kind": said.kind, "round": standing.round, "output": output, "reason": said.reason,
        "comment": said.comment, "suggested": said.suggested,
        "offered": _offered(connection, said),
        "seconds": min(max(said.seconds, 0.0), 86400.0), "key": said.key,
        "fingerprint": said.fingerprint, "state": after.state, "created": now,
    }  # fmt: skip
    id = statements.ADD_ACT.add(connection, values)
    statements.LET_GO.run(connection, {"item": said.item, "user": person.id})
    _write_standing(connection, task, said.item, after, now)
    return {"act": id, "item": said.item, "state": after.state, "repeated": False}


def reopen(
    connection: Connection, task: Task, person: Person, item: int, reason: str, key: str, now: float
) -> dict[str, Any]:
    """A leader's word that an item that is done, or abandoned, is labelled anew."""
    said = Said(item, LABEL, REOPEN, key, reason=reason)
    return save(connection, task, person, said, now)


def standing_of(connection: Connection, task: Task, item: int) -> tuple[Standing, list[Any]]:
    """Where an item stands, and all that was done to it, in order."""
    found = statements.ACTS_OF_ITEM.rows(connection, {"item": item})
    return settle(task.plan, [act_of(r) for r in found]), found


def act_of(row: Any) -> Act:
    """A row of the table of acts, as the workflow reads it."""
    return Act(row.user_id, row.stage, row.kind, row.output, row.reason, row.id)


def _standing(connection: Connection, task: Task, item: int) -> Standing:
    return look_at(connection, task, item)[0]


def look_at(connection: Connection, task: Task, item: int) -> tuple[Standing, list[Any]]:
    """`standing_of` an item, whose row is locked. Raises `Unknown` for another task's."""
    if statements.LOCK_ITEM.scalar(connection, {"item": item, "task": task.id}) is None:
        raise Unknown(f"item {item}")
    return standing_of(connection, task, item)


def _offered(connection: Connection, said: Said) -> str:
    """The first suggestion for an item that is labelled, whether it was shown or held back."""
    if said.stage != LABEL or said.kind != ANSWER:
        return ""
    kept = statements.SUGGESTIONS_OF_ITEM.scalar(connection, {"item": said.item})
    return next((s["text"] for s in kept or () if s["text"]), "")


def _write_standing(
    connection: Connection, task: Task, item: int, after: Standing, now: float
) -> None:
    values = {"state": after.state, "round": after.round, "wanted": after.wanted(task.plan),
              "output": after.output, "updated": now}  # fmt: skip
    statements.MOVE_ITEM.run(connection, {"item": item, **values})


def _check_in_hand(
    connection: Connection, task: Task, person: Person, said: Said, standing: Standing, now: float
) -> None:
    """Raises `Refused` unless the act is the person's to do now."""
    asked = {"item": said.item, "now": now}
    live = statements.LIVE_LEASES.rows(connection, asked)
    others = [r for r in live if r.user_id != person.id]
    if said.kind in (REOPEN, DOUBT):
        if standing.state not in (DONE, ABANDONED):
            raise Refused(f"the item is not finished: it waits at {standing.state}",
                          code="not_finished", hint="Send it back from there")  # fmt: skip
        return
    if any(r.user_id == person.id and r.stage == said.stage for r in live) and may_act(
        standing, person.id, said.stage
    ):
        return
    if said.kind in (ANSWER, ABANDON) and may_revise(standing, person.id, said.stage):
        if all(r.stage == said.stage for r in others):
            return
        raise Refused("somebody is looking at your answer right now", code="taken",
                      hint="Ask them to send it back")  # fmt: skip
    if may_act(standing, person.id, said.stage):
        raise Refused(
            "the time to answer this item is over, and it was given back", code="lease_lost",
            hint="Take it again and send the answer once more: it was not saved",
        )  # fmt: skip
    raise _not_now(standing, person, said.stage)


def _not_now(standing: Standing, person: Person, stage: str) -> Refused:
    """Why an item can't be taken, or answered, by this person at this stage."""
    if standing.state == stage == LABEL:
        return Refused("you have labelled this item already", code="labelled_already",
                       hint="Open it from your list to change your answer")  # fmt: skip
    if stage != LABEL and any(a.stage == stage for a in standing.acts):
        return Refused("somebody else has decided this item meanwhile", code="decided_already",
                       hint="Look at what they decided; a leader can open it again")  # fmt: skip
    return Refused(f"the item waits at {standing.state}, not at {stage}", code="moved_on",
                   hint="Take the next one")  # fmt: skip


def _check_stage(task: Task, person: Person, stage: str) -> None:
    if task.archived:
        raise Refused("the task is archived", code="archived", hint="A leader can open it again")
    if stage not in STAGES or stage not in task.plan.stages:
        raise Refused(f"the task has no stage {stage!r}", code="invalid_value", status=400,
                      hint=f"It has {', '.join(task.plan.stages)}")  # fmt: skip
    if stage != LABEL and not person.may(LEADER):
        raise Refused("only leaders check and decide", code="forbidden", status=403)


def _checked(connection: Connection, task: Task, said: Said) -> str:
    """The answer as it is kept. Raises `Refused` for one that can't be."""
    for text in (said.reason, said.comment):
        if len(text) > LONGEST_REASON or "\0" in text:
            raise Refused(f"a reason or comment has at most {LONGEST_REASON:,} characters",
                          code="invalid_value", status=400)  # fmt: skip
    if said.suggested not in SUGGESTED:
        raise Refused("suggested: '', shown or confirmed", code="invalid_value", status=400)
    if said.kind == ANSWER:
        return _check_output(connection, task, said)
    if said.kind in (ABANDON, REJECT, REOPEN, DOUBT) and not said.reason.strip():
        raise Refused("a reason is needed", code="no_reason", status=400,
                      hint="Say in a few words why")  # fmt: skip
    if said.kind == REJECT and said.stage == LABEL:
        raise Refused("an item is sent back from a check, not while labelling",
                      code="invalid_value", status=400)  # fmt: skip
    if said.kind == SKIP and said.stage != LABEL:
        raise Refused("only labels are skipped", code="invalid_value", status=400,
                      hint="Give it back instead")  # fmt: skip
    if said.kind not in (ABANDON, REJECT, REOPEN, SKIP, DOUBT):
        raise Refused(f"there is no act {said.kind!r}", code="invalid_value", status=400)
    return ""


def _check_output(connection: Connection, task: Task, said: Said) -> str:
    if task.card not in (CALLS, FORM):
        text = said.output.strip()
        if not text or len(text) > 4000 or "\0" in text:
            raise Refused("an answer has 1 to 4,000 characters", code="invalid_answer", status=400)
        return text
    data: Any = statements.UTTERANCE_OF_ITEM.scalar(connection, {"item": said.item})
    utterance = data[UTTERANCE]
    checked: Checked | FormChecked
    if task.card == FORM:
        checked = check_form(task.template, said.output, task.catalog, utterance, open=task.open)
    else:
        checked = check_answer(said.output, task.catalog, utterance, open=task.open)
    if checked.errors:
        raise Refused(checked.errors[0], code="invalid_answer", status=400,
                      hint="Change the answer: it was not saved")  # fmt: skip
    return checked.text
