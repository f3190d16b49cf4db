"""What a task's recognizer learns from, how it learns, and the queue that follows from it. Done by
a job in a process of its own; the application reads what it leaves."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from maksud.data.dataset import Dataset, Example
from maksud.errors import CallSyntaxError, DataError
from maksud.labelling.forms import split_output
from maksud.labelling.help import UNCERTAIN, Help, help_of
from maksud.labelling.library import UTTERANCE
from maksud.labelling.queueing import put_first
from maksud.labelling.suggestions import LEARNT
from maksud.labelling.tables import golds, items, rows
from maksud.labelling.tasks import Task, catalog_for
from maksud.labelling.workflow import ACCEPT, CHECK, DONE, LABEL
from maksud.language.calls import parse_calls
from maksud.progress import OnProgress, Progress

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.store import Store

FEWEST = 10
"""Agreed labels from which a recognizer learns: with fewer it would only guess."""
POOL = 4000
"""Waiting items that are looked at for the next ones."""
FRONT = 400
"""Items that are put first after each training, at most; twice what comes until the next one."""
KEPT = 2
"""Runs of a task that are kept: the one that answers, and the one before it."""
LEAST_PASSES, MOST_PASSES = 8, 40
"""Passes over the labels: many over few, few over many."""
AGREED = (CHECK, ACCEPT, DONE)
"""Where an item has an answer that its labellers agree on, or a leader gave."""


def count_agreed(connection: Connection, task: int) -> int:
    """How many items have an agreed answer."""
    mine = items.c.task_id == task, items.c.state.in_(AGREED), items.c.output != ""
    return connection.scalar(select(func.count()).where(*mine)) or 0


def agreed(connection: Connection, task: Task) -> tuple[list[int], list[Example]]:
    """The items with an agreed answer, and each as an example. Gold items are not among them: a
    recognizer that has learnt them would tell them."""
    gold = select(golds.c.item_id).where(golds.c.task_id == task.id)
    query = (
        select(items.c.id, items.c.output, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task.id, items.c.state.in_(AGREED), items.c.output != "")
        .where(items.c.id.not_in(gold))
        .order_by(items.c.position)
    )
    ids, examples = [], []
    for id, said, data in connection.execute(query):
        output, _ = split_output(said)
        try:
            parse_calls(output)
        except CallSyntaxError:
            continue
        ids.append(id)
        examples.append(Example(data[UTTERANCE], output))
    return ids, examples


def training_data(connection: Connection, task: Task, help: Help) -> Dataset:
    """The agreed labels, and those of the base. Raises `DataError` where they are too few."""
    if not task.template.has_calls:
        raise DataError("a task of free text teaches no recognizer", where=task.name,
                        hint="Use the card of intents and parameters")  # fmt: skip
    _, examples = agreed(connection, task)
    catalog, _ = catalog_for(connection, task)
    declared = catalog if len(catalog) and not task.open else None
    if help.base:
        query = select(rows.c.data).where(rows.c.dataset_id == help.base)
        for data in connection.scalars(query.order_by(rows.c.position)):
            example = Example(data[UTTERANCE], data.get("output") or "")
            if example.output and _fits(example, declared):
                examples.append(example)
    if len(examples) < FEWEST:
        raise DataError(f"{len(examples)} agreed labels are too few to learn from",
                        where=task.name, hint=f"Label {FEWEST} first")  # fmt: skip
    return Dataset(examples, catalog=declared, name=task.name)


def _fits(example: Example, catalog: Any) -> bool:
    try:
        calls = example.calls
    except CallSyntaxError:
        return False
    return catalog is None or not catalog.violations(calls)


def learn(
    store: Store, task: Task, job: int, models: Path, tell: OnProgress | None = None
) -> dict[str, Any]:
    """Trains the task's recognizer on what is agreed now, and puts first what is worth a label
    next where the task asks for it; returns what came of it.

    Raises `DataError` and what training raises. `tell` is told about progress.
    """
    from maksud.recognizers.door import load_recognizer, train

    started = time.monotonic()
    help, data = store.read(lambda c: (h := help_of(c, task.id), training_data(c, task, h)))
    place = runs_of(models, task.id)
    place.mkdir(parents=True, exist_ok=True)
    run = train(data, out=place / f"{LEARNT}{task.id}-{job}", on_progress=tell or False,
                seed=help.seed, **quick(len(data)))  # fmt: skip
    result: dict[str, Any] = {
        "run": run.name, "examples": len(data), "intents": len(run.contract.catalog),
        "exact_match": run.metrics.get("calibration", {}).get("dev_exact_match"),
        "first": 0,
    }  # fmt: skip
    if help.order == UNCERTAIN:
        if tell is not None:
            tell(Progress("order", 0.9, "which items come next"))
        result["first"] = order_by_doubt(store, task, load_recognizer(run), help, job)
    forget(place)
    return result | {"seconds": round(time.monotonic() - started, 1)}


def quick(examples: int) -> dict[str, Any]:
    """Settings of a training that people wait for: what it costs is measured in `docs/label.md`."""
    passes = max(LEAST_PASSES, min(MOST_PASSES, round(300 / math.sqrt(examples))))
    return {"folds": 0, "members": 1, "frame": 0.0, "epochs": passes}


def order_by_doubt(store: Store, task: Task, recognizer: Any, help: Help, seed: int) -> int:
    """Puts the waiting items first that the recognizer is least sure of; returns how many."""
    from maksud.labelling.selection import choose, doubt_of

    found = store.read(lambda c: waiting(c, task, POOL))
    texts = [text for _, text in found]
    front = min(FRONT, 2 * (help.every or FRONT))
    chosen = choose(texts, doubt_of(recognizer, texts), front, seed)
    ids = [found[k][0] for k in chosen]
    return store.write(lambda c: put_first(c, task.id, ids, help_of(c, task.id)))


def waiting(connection: Connection, task: Task, most: int) -> list[tuple[int, str]]:
    """The next items that wait to be labelled, one of each group of twins, and their utterances."""
    query = (
        select(items.c.id, items.c.twins, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task.id, items.c.state == LABEL)
        .order_by(items.c.rank)
    )
    out: list[tuple[int, str]] = []
    seen: set[int] = set()
    for id, twins, data in connection.execute(query):
        if twins is not None and twins in seen:
            continue
        if twins is not None:
            seen.add(twins)
        out.append((id, data[UTTERANCE]))
        if len(out) == most:
            break
    return out


def runs_of(models: Path, task: int) -> Path:
    """Where the runs of a task are."""
    return models / f"task-{task}"


def run_number(run: Path) -> int:
    """The job that made a run."""
    return int(run.name.rpartition("-")[2])


def forget(place: Path) -> None:
    """Removes all runs of a task but the last ones."""
    runs = sorted((p for p in place.glob(f"{LEARNT}*") if p.is_dir()), key=run_number)
    for run in runs[:-KEPT]:
        shutil.rmtree(run, ignore_errors=True)


Doing = Callable[["Store", Task, int, Path, OnProgress], dict[str, Any]]
"""What a kind of job does: see `learn`."""
