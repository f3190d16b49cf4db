"""What a conversation teaches, by the rule of open turns, and an example as a conversation again.

The utterance is the user's turns that are still open, folded; `turns` keeps them apart, `replies`
what the assistant said after each but the last. The answer is what the assistant did after the last
user turn: its calls if it made any, else its text. Earlier turns that were answered by calls are
examples of their own: what was closed is never a part of what comes after it, as in serving.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.data.dataset import Example, fold_turns
from maksud.data.formats.base import Writing
from maksud.data.formats.parts.reading import RowError
from maksud.errors import CallSyntaxError, InputError
from maksud.language.calls import NONE, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.conversation import (
    FURTHEST,
    Exchange,
    Role,
    Turn,
    find_calls,
    is_surely_closed,
    list_exchanges,
    list_perhaps_open,
)

KEPT = ("turns", "replies", "system")
"""Metadata that a conversation has a place for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its text, and the calls that it makes, as an answer's text.

    `is_taught`: whether it is there to be learned from; else it only says what went before.
    """

    role: Role
    text: str
    calls: str = ""
    is_taught: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """What a conversation teaches once: an utterance, its answer, its turns and replies."""

    instruction: str
    output: str
    metadata: dict[str, Any]


def list_messages(example: Example, writing: Writing, *, marks: bool = True) -> Iterator[Message]:
    """The messages before the answer.

    A reply that would close its turn where the file is read again is left out, and counted: the row
    would lose its first turns. `marks`: whether the format has tools, and a place to say that a
    reply is not to be learned; else a reply of calls is left out as well.
    """
    system = example.metadata.get("system")
    if isinstance(system, str) and system:
        yield Message("system", system)
    turns = example.metadata.get("turns") or ()
    if not example.is_multi_turn or not _folds_to(turns, example.instruction):
        yield Message("user", example.instruction)
        return
    known = writing.catalog if writing.tools and marks else writing.beside
    replies = list_replies(example)
    kept = [k for k, reply in enumerate(replies) if _can_stand(reply, known, marks)][-FURTHEST:]
    writing.closing += sum(bool(reply) for reply in replies) - len(kept)
    for k, turn in enumerate(turns):
        yield Message("user", turn)
        if k in kept:
            answers = find_calls(_exchange(replies[k])) is not None
            yield Message("assistant", replies[k], is_taught=not answers)


def list_replies(example: Example) -> list[str]:
    """What was replied to each turn but the last; "" for nothing."""
    between = len(example.metadata["turns"]) - 1 if example.is_multi_turn else 0
    replies = example.metadata.get("replies")
    given = replies if isinstance(replies, list | tuple) else ()
    said = [r if isinstance(r, str) and r.strip() else "" for r in given[:between]]
    return said + [""] * (between - len(said))


def find_closing(replies: Sequence[str], catalog: Catalog | None) -> int | None:
    """The first of the replies that closes the turn before it, by the rule; None where none."""
    known = catalog or Catalog(())
    for k, reply in enumerate(replies):
        if reply.strip() and is_surely_closed(_exchange(reply), known):
            return k
    return None


def part_conversation(
    messages: Sequence[Message], catalog: Catalog | None, has_tools: bool
) -> list[Said]:
    """What a conversation teaches: a turn for each answer of calls, the last one in any case.

    Each is folded with the turns before it that are open by what the `catalog` requires; those
    whose answer nobody said are, unless they are surely closed. Raises `RowError` (`E-CHAT`).
    """
    if not messages:
        raise RowError("E-CHAT", "messages is empty")
    systems = [m.text for m in messages if m.role == "system"]
    spoken = [m for m in messages if m.role != "system"]
    if len(systems) > 1:
        raise RowError("E-CHAT", f"there are {len(systems)} system messages", "keep one")
    if not spoken or spoken[0].role != "user":
        raise RowError("E-CHAT", "the first message must be the user's", "begin with the user")
    if spoken[-1].role != "assistant":
        raise RowError("E-CHAT", "last message must be assistant", "the answer ends the row")
    made = [Turn(m.role, m.text, parse_calls(m.calls) if m.calls else ()) for m in spoken]
    exchanges = list_exchanges(made)
    if not exchanges:
        raise RowError("E-EMPTYTEXT", "no user turn has text", "remove the row")
    catalog = catalog or Catalog(())
    found = []
    for k, exchange in enumerate(exchanges):
        answers = _answers(exchange, spoken)
        is_last = k == len(exchanges) - 1
        is_taught = all(m.is_taught for m in answers) and find_calls(exchange) is not None
        if is_last or is_taught:
            pending = list_perhaps_open(exchanges[max(0, k - FURTHEST) : k], catalog)
            output, reply = _answer(answers, has_tools)
            metadata: dict[str, Any] = {"system": systems[0]} if systems else {}
            metadata |= _turns([*pending, exchange], spoken)
            if reply:
                metadata["reply"] = reply
            turns = metadata.get("turns") or [spoken[exchange.said[0]].text]
            instruction = turns[0] if len(turns) == 1 else fold_turns(turns)
            found.append(Said(instruction, output, metadata))
    return found


def _answers(exchange: Exchange, spoken: Sequence[Message]) -> list[Message]:
    """What the assistant said in an exchange."""
    return [spoken[i] for i in exchange.replied if spoken[i].role == "assistant"]


def _turns(exchanges: Sequence[Exchange], spoken: Sequence[Message]) -> dict[str, Any]:
    """The turns and replies of exchanges that are one utterance, as metadata."""
    turns: list[str] = []
    replies: list[str] = []
    for exchange in exchanges:
        turns += [spoken[i].text for i in exchange.said]
        replies += [""] * (len(exchange.said) - 1)
        parts = [part for m in _answers(exchange, spoken) for part in (m.calls, m.text) if part]
        replies.append("\n".join(parts))
    replies.pop()
    if len(turns) == 1:
        return {}
    return {"turns": turns, "replies": replies} if any(replies) else {"turns": turns}


def _answer(answers: Sequence[Message], has_tools: bool) -> tuple[str, str]:
    """The answer of an exchange, and what was said beside it."""
    text = answers[-1].text if answers else ""
    calls = [m.calls for m in answers if m.calls]
    if calls:
        return ";".join(calls), text
    if len(answers) > 1 or has_tools:
        output = next((m.text for m in reversed(answers) if _is_answer(m.text)), None)
        if output is not None:
            return output, "" if output is text else text
    # With tools at hand the assistant called none: nothing that they can do was asked for.
    return (str(NONE), text) if has_tools else (text, "")


def _can_stand(reply: str, catalog: Catalog | None, marks: bool) -> bool:
    """Whether a reply between two turns leaves them one utterance where they are read again."""
    if not reply or find_closing([reply], catalog) is not None:
        return False
    return marks or find_calls(_exchange(reply)) is None


def _exchange(reply: str) -> Exchange:
    """The exchange of a reply: what the assistant said in several messages stands in lines."""
    lines = [line for line in reply.splitlines() if line.strip()]
    return Exchange((), (), tuple(Turn("assistant", line) for line in lines))


def _folds_to(turns: Any, instruction: str) -> bool:
    try:
        return all(isinstance(t, str) for t in turns) and fold_turns(turns) == instruction
    except InputError:
        return False


def _is_answer(text: str) -> bool:
    try:
        return bool(parse_calls(text))
    except CallSyntaxError:
        return False
