"""Suggestions of a recognizer, kept beside the item, so that everybody sees the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maksud.labelling.library import UTTERANCE
from maksud.labelling.tables import items, rows
from maksud.labelling.workflow import DONE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.store import Store
    from maksud.recognizers.recognition import Recognition, Recognizer

MOST = 5
"""Suggestions of an item, at most."""
BATCH = 32
"""Utterances that a recognizer is asked at once."""
LEARNT = "learnt-"
"""How the names of recognizers begin that a task's own labels made: the newest one replaces what
those before it suggested."""


class Suggester:
    """A recognizer that one thread at a time asks."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self.name = recognizer.name
        self._alone = threading.Lock()

    def suggest(self, utterances: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Answers to utterances, the likeliest first; none for one that can't be read."""
        from maksud.errors import InputError

        out: list[list[dict[str, Any]]] = []
        with self._alone:
            for utterance in utterances:
                try:
                    [answer] = self.recognizer.recognize([utterance])
                except InputError:
                    out.append([])
                    continue
                out.append(_ranked(answer, self.name))
        return out


def _ranked(answer: Recognition, by: str) -> list[dict[str, Any]]:
    found = [(answer.text, answer.confidence)]
    found += [(a.text, a.confidence) for a in answer.alternatives]
    texts: dict[str, float] = {}
    for text, confidence in found:
        if text:
            texts.setdefault(text, confidence)
    ranked = list(texts.items())[:MOST]
    return [{"text": t, "confidence": round(c, 4), "by": by} for t, c in ranked]


def lacking(connection: Connection, task: int, by: str, most: int = BATCH) -> list[tuple[int, str]]:
    """Items that are not done and have no suggestion of this recognizer, and their utterances."""
    query = (
        select(items.c.id, items.c.suggestions, rows.c.data)
        .join(rows)
        .where(items.c.task_id == task, items.c.state != DONE)
        .order_by(items.c.position)
    )
    out = []
    for id, kept, data in connection.execute(query):
        if not _has(kept, by):
            out.append((id, data[UTTERANCE]))
            if len(out) == most:
                break
    return out


def keep(
    connection: Connection, found: Sequence[tuple[int, list[dict[str, Any]]]], by: str
) -> None:
    """Keeps suggestions of a recognizer beside what others suggested."""
    for id, new in found:
        kept = connection.scalar(select(items.c.suggestions).where(items.c.id == id)) or []
        others = [s for s in kept if not _is_replaced(str(s.get("by")), by)]
        texts = {s["text"] for s in new}
        merged = [*new, *(s for s in others if s["text"] not in texts)]
        merged = merged or [{"text": "", "confidence": None, "by": by}]
        connection.execute(update(items).where(items.c.id == id).values(suggestions=merged))


def _is_replaced(old: str, new: str) -> bool:
    return old == new or (old.startswith(LEARNT) and new.startswith(LEARNT))


def suggest_item(store: Store, suggester: Suggester, item: int) -> None:
    """Sees that one item has suggestions of the recognizer."""

    def look(connection: Connection) -> tuple[Any, Any]:
        query = select(items.c.suggestions, rows.c.data).join(rows).where(items.c.id == item)
        return tuple(connection.execute(query).one())  # type: ignore[return-value]

    kept, data = store.read(look)
    if not _has(kept, suggester.name):
        [new] = suggester.suggest([data[UTTERANCE]])
        store.write(lambda c: keep(c, [(item, new)], suggester.name))


def suggest_task(
    store: Store, suggester: Suggester, task: int, tell: Callable[[int], None] | None = None
) -> int:
    """Sees that every unfinished item of a task has suggestions; returns how many were made."""
    made = 0
    while todo := store.read(lambda c: lacking(c, task, suggester.name)):
        new = suggester.suggest([text for _, text in todo])
        found = [(id, n) for (id, _), n in zip(todo, new, strict=True)]
        store.write(lambda c, found=found: keep(c, found, suggester.name))  # type: ignore[misc]
        made += len(todo)
        if tell is not None:
            tell(made)
    return made


def _has(kept: Any, by: str) -> bool:
    return any(s.get("by") == by for s in kept or ())
