"""Acts on many items at once, by a leader's word about more than one of them. Acts are added, and
where each item stands is computed anew; nobody needs to hold the items."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from maksud.labelling.tables import acts, items, leases
from maksud.labelling.workflow import Act, Plan, settle

if TYPE_CHECKING:
    from sqlalchemy import Connection

AT_ONCE = 500
"""Items that one statement asks for."""


def acts_before(connection: Connection, ids: Sequence[int]) -> dict[int, list[Act]]:
    """What was done to each item so far, in order; their rows are locked."""
    found: dict[int, list[Act]] = {id: [] for id in ids}
    for k in range(0, len(ids), AT_ONCE):
        part = ids[k : k + AT_ONCE]
        lock = select(items.c.id).where(items.c.id.in_(part)).order_by(items.c.id)
        connection.execute(lock.with_for_update()).all()
        query = select(acts).where(acts.c.item_id.in_(part)).order_by(acts.c.id)
        for r in connection.execute(query):
            found[r.item_id].append(Act(r.user_id, r.stage, r.kind, r.output, r.reason, r.id))
    return found


def add_acts(
    connection: Connection,
    task: int,
    plan: Plan,
    before: Mapping[int, Sequence[Act]],
    new: Mapping[int, Sequence[Act]],
    now: float,
    comment: str = "",
) -> None:
    """Adds acts to items, and takes those that move on out of everybody's hands."""
    added: list[dict[str, Any]] = []
    for id, more in new.items():
        done = list(before[id])
        was = settle(plan, done)
        for act in more:
            round = settle(plan, done).round
            done.append(act)
            added.append({
                "item_id": id, "task_id": task, "user_id": act.user, "stage": act.stage,
                "kind": act.kind, "round": round, "output": act.output, "reason": act.reason,
                "comment": comment, "suggested": "", "seconds": 0.0,
                "key": f"many-{secrets.token_hex(8)}", "fingerprint": "",
                "state": settle(plan, done).state, "created": now,
            })  # fmt: skip
        after = settle(plan, done)
        values = {"state": after.state, "round": after.round, "wanted": after.wanted(plan),
                  "output": after.output, "updated": now}  # fmt: skip
        connection.execute(update(items).where(items.c.id == id).values(**values))
        if (was.state, was.round) != (after.state, after.round):
            connection.execute(delete(leases).where(leases.c.item_id == id))
    if added:
        connection.execute(insert(acts), added)
