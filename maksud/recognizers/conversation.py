"""Open turns: which of a person's turns an answer is to.

A chat application sends the whole conversation each time. If all that the person ever said were
read as one utterance, every old command would run again. So only what is still open is read
together with the last turn. An earlier turn stays open where its answer is in scope and

- lacks a required parameter, or
- was answered by a question of the assistant ("Lagu apa?"),

and is closed where its answer was out of scope, or whole and followed by a call, a statement or a
`tool` result. What the answer was stands in the assistant's turn where that is calls; else the
recognizer says it of the turns so far: the same contract, so the same result each time.
Neighbouring user turns are one turn. The last turn may also stand alone ("gak jadi", "never mind,
what's the weather"): of the two readings the likelier answer wins.

The rule is a generator that asks for recognitions and is sent them, so that one text of it serves
a loop in Python and a server that answers many at once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from maksud.errors import CallSyntaxError, InputError
from maksud.language.calls import NONE, Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.recognizers.contract import FOLD_OPEN_TURNS, Contract
from maksud.recognizers.recognition import Recognition, Recognizer

Role = Literal["system", "user", "assistant", "tool"]

Reading = Literal["open", "all", "last"]
"""Which turns are read: those still open, all that the person said, or the last one alone."""

READINGS: tuple[str, ...] = get_args(Reading)

FURTHEST = 4
"""Exchanges before the last turn that may still be open: a long history costs no more."""

_MARKS = "?？؟"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    `calls`: those of an assistant's `tool_calls`; calls in its text are read from there.
    """

    role: Role
    text: str
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class _Exchange:
    """User turns without a reply between them, and what was replied."""

    said: tuple[int, ...]
    replies: tuple[Turn, ...]


Asking = Generator[list[str], list[Recognition], Recognition]
"""Yields utterances, is sent their recognitions, and returns the one of the conversation."""


def converse(
    recognizer: Recognizer, turns: Sequence[Turn], reading: Reading | None = None
) -> Recognition:
    """The recognition of a conversation's last turn; its `turns` says which were read.

    `reading`: None takes the contract's rule. Raises `InputError` where the user says nothing.
    """
    steps = follow(recognizer.contract, turns, reading)
    asked = next(steps)
    while True:
        try:
            asked = steps.send(recognizer.recognize(asked))
        except StopIteration as end:
            answer: Recognition = end.value
            return answer


def follow(contract: Contract, turns: Sequence[Turn], reading: Reading | None = None) -> Asking:
    """The rule, one step at a time: see `Asking`.

    At most one recognition more for each earlier turn that may be open, of which there are at
    most `FURTHEST`, and one for the last turn alone.
    """
    exchanges = _exchanges(contract, turns)
    if not exchanges:
        raise InputError("there is no user turn with text", hint="Send at least one user message")
    if reading is None:
        reading = "open" if contract.fold == FOLD_OPEN_TURNS else "all"
    *earlier, last = exchanges
    if not earlier and len(last.said) == 1:  # an utterance, and no conversation
        return (yield [turns[last.said[0]].text])[0]
    if reading == "all":
        spoken = tuple(k for e in exchanges for k in e.said)
        return (yield from _ask(contract, turns, (), spoken, ()))
    pending: tuple[int, ...] = ()
    before: tuple[Call, ...] = ()  # the answer to what is pending
    for exchange in _perhaps_open(earlier, contract.catalog) if reading == "open" else ():
        answer, read = _calls_of(exchange), exchange.said
        if answer is None or pending:
            recognition = yield from _ask(contract, turns, pending, exchange.said, before)
            answer, read = answer or recognition.calls, recognition.turns
        pending = read if _is_open(exchange, answer, contract.catalog) else ()
        before = answer
    return (yield from _ask(contract, turns, pending, last.said, before))


def _ask(
    contract: Contract,
    turns: Sequence[Turn],
    pending: tuple[int, ...],
    said: tuple[int, ...],
    before: tuple[Call, ...],
) -> Asking:
    """What is said now, read with what is pending and alone: the likelier of the two."""
    readings = [(*pending, *said), said] if pending else [said]
    folded = [_fold(contract, [turns[k].text for k in each]) for each in readings]
    answers = yield folded
    found = [replace(a, turns=each) for a, each in zip(answers, readings, strict=True)]
    if len(found) == 1 or _is_answered(found, before, contract.catalog):
        return found[0]
    return found[1]


def _is_answered(found: Sequence[Recognition], before: tuple[Call, ...], catalog: Catalog) -> bool:
    """Whether the last turn is read together with what is pending, rather than alone."""
    together, alone = found
    if not catalog.missing(before) and set(before) <= set(together.calls):
        return False  # was asked and done already: what is new stands in the last turn
    if NONE in alone.calls and NONE not in together.calls and together.accepted:
        # "bayar listrik" is nothing by itself, and an answer to "Ingatkan tentang apa?"
        return not together.missing or len(together.missing) < len(catalog.missing(before))
    return together.confidence >= alone.confidence


def _exchanges(contract: Contract, turns: Sequence[Turn]) -> list[_Exchange]:
    """The conversation by what was said and replied; turns without content are read over.

    What is not seen is no content. Turns stay as they were said: what is made of them is read in
    the contract's form where it is recognized.
    """
    found: list[_Exchange] = []
    for k, turn in enumerate(turns):
        if turn.role == "user":
            if not contract.read(turn.text).text.strip():
                continue
            if found and not found[-1].replies:
                found[-1] = replace(found[-1], said=(*found[-1].said, k))
            else:
                found.append(_Exchange((k,), ()))
        elif turn.role == "system" or not found:
            continue
        elif turn.role == "tool" or turn.calls or turn.text.strip():
            found[-1] = replace(found[-1], replies=(*found[-1].replies, turn))
    return found


def _perhaps_open(earlier: Sequence[_Exchange], catalog: Catalog) -> Sequence[_Exchange]:
    """The exchanges after the last one that is closed whatever the recognizer says of it."""
    start = max(0, len(earlier) - FURTHEST)
    for k in range(len(earlier) - 1, start - 1, -1):
        if _is_surely_closed(earlier[k], catalog):
            return earlier[k + 1 :]
    return earlier[start:]


def _is_surely_closed(exchange: _Exchange, catalog: Catalog) -> bool:
    if any(r.role == "tool" for r in exchange.replies):
        return True
    calls = _calls_of(exchange)
    if calls is not None:
        return not _is_open(exchange, calls, catalog)
    asks = bool(exchange.replies) and _is_question(exchange.replies[-1].text)
    return not asks and not any(p.required for i in catalog.intents for p in i.parameters)


def _is_open(exchange: _Exchange, answer: tuple[Call, ...], catalog: Catalog) -> bool:
    """Whether an exchange still waits for the person, given what its answer was."""
    if not answer or NONE in answer or any(r.role == "tool" for r in exchange.replies):
        return False
    return bool(catalog.missing(answer)) or _is_question(exchange.replies[-1].text)


def _calls_of(exchange: _Exchange) -> tuple[Call, ...] | None:
    """The calls that the assistant replied with, in any of its turns; None where in none."""
    for reply in reversed(exchange.replies):
        if reply.calls:
            return reply.calls
        try:
            return parse_calls(reply.text)
        except CallSyntaxError:
            continue
    return None


def _is_question(text: str) -> bool:
    """Whether the last mark of a text is a question mark; what is drawn behind it says nothing."""
    last = next((c for c in reversed(text) if c.isalnum() or c in _MARKS), "")
    return last in _MARKS and bool(last)


def _fold(contract: Contract, texts: Sequence[str]) -> str:
    """One turn stays as it is, so that it reaches the model as a training row does."""
    return texts[0] if len(texts) == 1 else contract.fold_turns(texts)
