"""How good labels are: each person against gold items and checks, items an hour, what suggestions
do to answers, and which intents people take for each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maksud.errors import CallSyntaxError
from maksud.labelling.forms import answers_key, split_output
from maksud.labelling.gold import known_answers
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import acts, users
from maksud.labelling.tasks import Task, members_of
from maksud.labelling.work import LIKEWISE
from maksud.labelling.workflow import ABANDON, ANSWER, LABEL
from maksud.language.calls import parse_calls

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_INTENTS = 40
"""Intents of the confusion view, those that are confused most."""
LONGEST_SECONDS = 300.0
"""An answer that took longer was left lying: so much of it counts as work."""

Labels = dict[tuple[int, int, int], Any]
"""The last label of each item, round and person."""


def report(connection: Connection, task: Task) -> dict[str, Any]:
    """Each person's figures, and what suggestions do to answers."""
    labels, decided = read_labels(connection, task)
    gold = known_answers(connection, task.id)
    names = {p.id: p.name for p in members_of(connection, task.id)}
    names |= _names(connection, {user for _, _, user in labels} - set(names))
    people = [
        {"id": id, "name": name, **_person(id, labels, decided, gold)}
        for id, name in sorted(names.items(), key=lambda e: e[1].casefold())
    ]
    return {"people": people, "suggestions": anchoring(labels.values(), decided, labels)}


def read_labels(connection: Connection, task: Task) -> tuple[Labels, dict[tuple[int, int], Any]]:
    """(the last label of each person, by item, round and user; what decided an item, by item and
    round) of a task."""
    query = (
        select(acts.c.item_id, acts.c.user_id, acts.c.stage, acts.c.kind, acts.c.output,
               acts.c.round, acts.c.seconds, acts.c.suggested, acts.c.offered)
        .where(acts.c.task_id == task.id, acts.c.kind.in_((ANSWER, ABANDON)))
        .order_by(acts.c.id)
    )  # fmt: skip
    labels: Labels = {}
    decided: dict[tuple[int, int], Any] = {}
    for r in connection.execute(query):
        if r.stage == LABEL:
            labels[r.item_id, r.round, r.user_id] = r
        else:
            decided[r.item_id, r.round] = r
    return labels, decided


def _person(
    id: int, labels: Labels, decided: Mapping[tuple[int, int], Any], gold: Mapping[int, str]
) -> dict[str, Any]:
    """Labels, items an hour; right against gold (the first answer counts) and against checks."""
    of: Counter[str] = Counter()
    seconds = 0.0
    judged: set[int] = set()
    for (item, round, user), r in labels.items():
        if user != id:
            continue
        of["labels"] += 1
        of[r.suggested or "none"] += 1
        if r.suggested != LIKEWISE:
            of["timed"] += 1
            seconds += min(r.seconds, LONGEST_SECONDS)
        if item in gold and item not in judged:
            judged.add(item)
            of["gold"] += 1
            of["gold right"] += r.kind == ANSWER and is_same(r.output, gold[item])
        if (look := decided.get((item, round))) is not None:
            of["checked"] += 1
            of["checked right"] += key_of(look) == key_of(r)
    return {
        "labels": of["labels"],
        "per_hour": of["timed"] / seconds * 3600 if seconds else None,
        "gold": of["gold"],
        "gold_accuracy": _share(of["gold right"], of["gold"]),
        "checked": of["checked"],
        "check_accuracy": _share(of["checked right"], of["checked"]),
        "confirmed": of["confirmed"],
        "corrected": of["shown"],
        "likewise": of[LIKEWISE],
    }


def anchoring(
    given: Iterable[Any], decided: Mapping[tuple[int, int], Any], labels: Labels
) -> dict[str, Any]:
    """Labels of items that had a suggestion, with it shown and with it held back.

    `equal`: the share of answers that are the first suggestion: people who are not swayed give it
    as often without seeing it. `agreed`: the share of pairs of labels of an item that say the same.
    `right`: the share that a check confirmed.
    """
    sides: dict[str, Counter[str]] = {"with": Counter(), "without": Counter()}
    for r in given:
        if not r.offered or r.suggested == LIKEWISE:
            continue
        side = sides["with" if r.suggested else "without"]
        side["labels"] += 1
        side["equal"] += r.kind == ANSWER and is_same(r.output, r.offered)
        look = decided.get((r.item_id, r.round))
        if look is not None:
            side["checked"] += 1
            side["right"] += key_of(look) == key_of(r)
    for a, b in _pairs(labels):
        if a.offered and b.offered and LIKEWISE not in (a.suggested, b.suggested):
            side = sides["with" if a.suggested and b.suggested else "without"]
            if bool(a.suggested) == bool(b.suggested):
                side["pairs"] += 1
                side["same"] += key_of(a) == key_of(b)
    return {
        name: {
            "labels": of["labels"],
            "equal": _share(of["equal"], of["labels"]),
            "pairs": of["pairs"],
            "agreed": _share(of["same"], of["pairs"]),
            "checked": of["checked"],
            "right": _share(of["right"], of["checked"]),
        }
        for name, of in sides.items()
    }


def confusion(connection: Connection, task: Task, one: int = 0, other: int = 0) -> dict[str, Any]:
    """Intents × intents: how often one was said by a labeller and the other by another, of the
    same item.

    `one`, `other`: people's numbers; 0 is anybody. Rows are what `one` said; where both are
    anybody, each pair counts once, by name. `decided`: rows are labels (of `one`), columns what a
    check or a decision made of them. Raises `Refused` for a task of free text.
    """
    if not task.template.has_calls:
        raise Refused("a task of free text has no intents", code="invalid_value", status=400,
                      hint="Look at the labels themselves")  # fmt: skip
    labels, decided = read_labels(connection, task)
    names = _names(connection, {user for _, _, user in labels})
    between: Counter[tuple[str, str]] = Counter()
    for a, b in _pairs(labels):
        left, right = sorted((a, b), key=lambda r: names[r.user_id].casefold())
        if (one and left.user_id != one) or (other and right.user_id != other):
            left, right = right, left
        if one in (0, left.user_id) and other in (0, right.user_id):
            between[intents_of(left), intents_of(right)] += 1
    judged: Counter[tuple[str, str]] = Counter()
    for (item, round, user), r in labels.items():
        look = decided.get((item, round))
        if look is not None and one in (0, user):
            judged[intents_of(r), intents_of(look)] += 1
    return {
        "people": [{"id": id, "name": names[id]} for id in sorted(names, key=names.__getitem__)],
        "between": _table(between), "decided": _table(judged),
    }  # fmt: skip


def _table(cells: Counter[tuple[str, str]]) -> dict[str, Any]:
    """The cells with the intents that are confused most first; equal ones are the diagonal."""
    wrong: Counter[str] = Counter()
    for (a, b), n in cells.items():
        wrong[a] += n * (a != b)
        wrong[b] += n * (a != b)
    order = [name for name, _ in sorted(wrong.items(), key=lambda e: (-e[1], e[0]))]
    shown = order[:MOST_INTENTS]
    total = sum(cells.values())
    return {
        "intents": shown,
        "cells": [{"row": a, "column": b, "count": n} for (a, b), n in sorted(cells.items())
                  if a in shown and b in shown],
        "pairs": total,
        "equal": _share(sum(n for (a, b), n in cells.items() if a == b), total),
        "left_out": len(order) - len(shown),
    }  # fmt: skip


def _pairs(labels: Labels) -> Iterable[tuple[Any, Any]]:
    of: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
    for (item, round, _), r in labels.items():
        of[item, round].append(r)
    for there in of.values():
        yield from combinations(there, 2)


def key_of(row: Any) -> str:
    """What two labels that say the same share."""
    return ABANDON if row.kind == ABANDON else repr(answers_key(row.output))


def is_same(output: str, known: str) -> bool:
    """Whether what was answered says the same as a known or suggested answer; of a form, the calls
    alone where the known answer has nothing else."""
    said = output if split_output(known)[1] else split_output(output)[0]
    return answers_key(said) == answers_key(known)


def intents_of(row: Any) -> str:
    """The intents of an answer, sorted, as a name."""
    if row.kind == ABANDON:
        return "–"
    try:
        return "; ".join(sorted({c.intent for c in parse_calls(split_output(row.output)[0])}))
    except CallSyntaxError:
        return "?"


def _names(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    wanted: Sequence[int] = list(ids)
    found = connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(wanted)))
    return {id: name for id, name in found}


def _share(some: int, all: int) -> float | None:
    return some / all if all else None
