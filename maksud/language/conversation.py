"""Open turns: the rule that says which of a person's earlier turns still wait for an answer.

A user turn stays open where its answer is in scope and

- lacks a required parameter, or
- was answered by a question of the assistant ("Lagu apa?"),

and is closed where its answer was out of scope, or whole and followed by a call, a statement or a
`tool` result. Neighbouring user turns are one turn. What the answer was stands in the assistant's
turn where that is calls. Where it does not, a recognizer says it (`recognizers.conversation`); the
data of a training, for which nobody can be asked, has open what is not surely closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from maksud.errors import CallSyntaxError
from maksud.language.calls import NONE, Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.text import is_question

Role = Literal["system", "user", "assistant", "tool"]

FURTHEST = 4
"""Exchanges before the last turn that may still be open: a long history costs no more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    `calls`: those of an assistant's `tool_calls`; calls in its text are read from there.
    """

    role: Role
    text: str
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """User turns without a reply between them, and what was replied: positions of turns."""

    said: tuple[int, ...]
    replied: tuple[int, ...]
    replies: tuple[Turn, ...]


def list_exchanges(
    turns: Sequence[Turn], read: Callable[[str], str] = lambda text: text
) -> list[Exchange]:
    """The conversation by what was said and replied; turns without content are read over.

    `read`: the form in which what the person said is read, as what is not seen is no content.
    Turns stay as they were said.
    """
    found: list[tuple[list[int], list[int]]] = []  # what was said, what was replied
    for k, turn in enumerate(turns):
        if turn.role == "user":
            if not read(turn.text).strip():
                continue
            if not found or found[-1][1]:
                found.append(([], []))
            found[-1][0].append(k)
        elif turn.role == "system" or not found:
            continue
        elif turn.role == "tool" or turn.calls or turn.text.strip():
            found[-1][1].append(k)
    return [
        Exchange(tuple(said), tuple(replied), tuple(turns[k] for k in replied))
        for said, replied in found
    ]


def list_perhaps_open(earlier: Sequence[Exchange], catalog: Catalog) -> Sequence[Exchange]:
    """The exchanges after the last one that is closed whatever a recognizer says of it."""
    start = max(0, len(earlier) - FURTHEST)
    for k in range(len(earlier) - 1, start - 1, -1):
        if is_surely_closed(earlier[k], catalog):
            return earlier[k + 1 :]
    return earlier[start:]


def is_surely_closed(exchange: Exchange, catalog: Catalog) -> bool:
    """Whether an exchange that was replied to is closed, whatever a recognizer says of it."""
    if any(r.role == "tool" for r in exchange.replies):
        return True
    calls = find_calls(exchange)
    if calls is not None:
        return not is_open(exchange, calls, catalog)
    asks = is_question(exchange.replies[-1].text)
    return not asks and not any(p.required for i in catalog.intents for p in i.parameters)


def is_open(exchange: Exchange, answer: tuple[Call, ...], catalog: Catalog) -> bool:
    """Whether an exchange still waits for the person, given what its answer was."""
    if not answer or NONE in answer or any(r.role == "tool" for r in exchange.replies):
        return False
    return bool(catalog.missing(answer)) or is_question(exchange.replies[-1].text)


def find_calls(exchange: Exchange) -> tuple[Call, ...] | None:
    """The calls that the assistant replied with, in any of its turns; None where in none."""
    for reply in reversed(exchange.replies):
        if reply.calls:
            return reply.calls
        try:
            return parse_calls(reply.text)
        except CallSyntaxError:
            continue
    return None
