"""Jobs of a task that a process of its own does: that they run is kept in the store, so that there
are never two of a kind for a task, whoever starts them, and one that died is told from one that
works. Each function is one transaction of its caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maksud.labelling.tables import insert_one, jobs

if TYPE_CHECKING:
    from sqlalchemy import Connection

LEARN, DOUBT = "learn", "doubt"
KINDS = (LEARN, DOUBT)
"""Trains the task's recognizer and orders the queue; looks for likely label errors."""
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
"""A job that was stopped with the application, or died with it, is begun again; one that failed
waits for new labels."""
SILENT_SECONDS = 90.0
"""A job that was not heard of for so long is dead: its process says something far more often."""
LONGEST_TOLD = 500


def begin(connection: Connection, task: int, kind: str, labels: int, now: float) -> int | None:
    """Notes that a job begins; None where one of the kind runs for the task already.

    `labels`: how many agreed labels there are. Raises `IntegrityError` where another begins the
    same at once, after which it is seen (`Store.write` tries again).
    """
    bury(connection, now)
    running = f"{kind}-{task}"
    if connection.scalar(select(jobs.c.id).where(jobs.c.running == running)) is not None:
        return None
    values = {"task_id": task, "kind": kind, "state": RUNNING, "running": running, "done": 0.0,
              "told": "", "labels": labels, "created": now, "beat": now}  # fmt: skip
    return insert_one(connection, jobs, values)


def beat(connection: Connection, id: int, now: float, done: float, told: str) -> bool:
    """Notes that a job works on; False where it is counted dead, and has to stop."""
    query = update(jobs).where(jobs.c.id == id, jobs.c.state == RUNNING)
    changed = connection.execute(query.values(beat=now, done=done, told=told[:LONGEST_TOLD]))
    return bool(changed.rowcount)


def end(
    connection: Connection,
    id: int,
    now: float,
    state: str,
    told: str = "",
    result: Mapping[str, Any] | None = None,
) -> bool:
    """Notes that a job is done or has failed, and why; False where it had ended before."""
    query = update(jobs).where(jobs.c.id == id, jobs.c.state == RUNNING)
    values = {"state": state, "running": None, "beat": now, "told": told[:LONGEST_TOLD],
              "result": dict(result) if result is not None else None}  # fmt: skip
    if state == DONE:
        values["done"] = 1.0
    return bool(connection.execute(query.values(**values)).rowcount)


def bury(connection: Connection, now: float) -> int:
    """Ends the jobs that were not heard of for `SILENT_SECONDS`; returns how many."""
    query = update(jobs).where(jobs.c.state == RUNNING, jobs.c.beat < now - SILENT_SECONDS)
    dead = connection.execute(
        query.values(state=STOPPED, running=None, told="its process ended without a word")
    )
    return int(dead.rowcount)


def show_job(connection: Connection, id: int) -> dict[str, Any]:
    """A job that there is."""
    return _shown(connection.execute(select(jobs).where(jobs.c.id == id)).one())


def is_silent(connection: Connection, now: float) -> bool:
    """Whether there is a job to bury."""
    query = select(jobs.c.id).where(jobs.c.state == RUNNING, jobs.c.beat < now - SILENT_SECONDS)
    return connection.execute(query.limit(1)).first() is not None


def latest(connection: Connection, task: int, kind: str, *states: str) -> dict[str, Any] | None:
    """The newest job of a kind, or of those in some states."""
    query = select(jobs).where(jobs.c.task_id == task, jobs.c.kind == kind)
    if states:
        query = query.where(jobs.c.state.in_(states))
    found = connection.execute(query.order_by(jobs.c.id.desc()).limit(1)).first()
    return None if found is None else _shown(found)


def _shown(row: Any) -> dict[str, Any]:
    return {"id": row.id, "task": row.task_id, "kind": row.kind, "state": row.state,
            "done": round(row.done, 3), "told": row.told, "labels": row.labels,
            "result": row.result, "created": row.created, "heard": row.beat}  # fmt: skip
