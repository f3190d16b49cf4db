"""Rows of several turns: open by definition, so that no reply between them may close one.

Serving never reads a closed turn together with what comes after it. A row whose own replies close a
turn teaches an utterance that is never asked for, as if the old command were to run again.
"""

from __future__ import annotations

from functools import partial

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Row
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt
from maksud.data.formats.parts.exchanges import find_closing, list_replies
from maksud.language.catalog import Catalog


class Conversations(Part):
    """Looks at what was replied between the turns of a row."""

    @classmethod
    def of(cls, checking: Checking) -> Conversations:
        return cls(checking.catalog, checking.limit)

    def __init__(self, catalog: Catalog | None, limit: int | None) -> None:
        self._catalog = catalog
        self._found = Findings(limit=limit)

    def see(self, row: Row) -> None:
        metadata = row.example.metadata
        if not metadata or "replies" not in metadata:
            return
        if what := replies_fault(row.example):
            self._found.note("W-REPLIES", partial(_replies, row.example, what))
        closing = find_closing(list_replies(row.example), self._catalog)
        if closing is not None:
            self._found.note("W-CLOSED", partial(_closed, row.example, closing))

    def tell(self, found: Findings) -> None:
        found.extend(self._found)


def replies_fault(example: Example) -> str:
    """What is wrong with the form of a row's replies; empty: nothing."""
    replies = example.metadata["replies"]
    if not isinstance(replies, list) or not all(isinstance(r, str) for r in replies):
        return "is no list of texts"
    turns = len(example.metadata["turns"]) if example.is_multi_turn else 1
    if len(replies) != turns - 1:
        return f"has {len(replies)} texts, expected {turns - 1}: one between two turns"
    return ""


def _replies(example: Example, what: str) -> Finding:
    return Finding(
        "warning",
        "W-REPLIES",
        f'"replies" {what}',
        example.place,
        why="what was said to which turn can't be told",
        fix='write what was replied to each turn but the last, "" for nothing',
    )


def _closed(example: Example, closing: int) -> Finding:
    reply = excerpt(list_replies(example)[closing], 40)
    turn = excerpt(str(example.metadata["turns"][closing]), 40)
    return Finding(
        "warning",
        "W-CLOSED",
        f"the reply {reply} closes the turn {turn}: what comes after it is not read with it",
        example.place,
        why="the row teaches an utterance that is never asked for: serving leaves closed turns out",
        fix="make two rows of it, or mend the reply (a question keeps a turn open)",
    )


CHECK = Check("conversations", Conversations)
