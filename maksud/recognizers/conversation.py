"""Open turns: which of a person's turns an answer is to.

A chat application sends the whole conversation each time. If all that the person ever said were
read as one utterance, every old command would run again. So only what is still open is read
together with the last turn, by the rule of `language.conversation`, which training data is read
by as well. Where the assistant's turn does not say what the answer was, the recognizer says it of
the turns so far: the same contract, so the same result each time. The last turn may also stand
alone ("gak jadi", "never mind, what's the weather"): of the two readings the likelier answer wins,
where who was asked for a value is expected to give it.

The rule is a generator that asks for recognitions and is sent them, so that one text of it serves
a loop in Python and a server that answers many at once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

from maksud.errors import InputError, SettingsError
from maksud.language.calls import NONE, Argument, Call
from maksud.language.catalog import Catalog
from maksud.language.conversation import (
    Turn,
    find_calls,
    is_open,
    list_exchanges,
    list_perhaps_open,
)
from maksud.recognizers.contract import (
    FOLD_OPEN_TURNS,
    NOTHING_SAID,
    ONE_WORD,
    VALUES_ALONE,
    Contract,
)
from maksud.recognizers.recognition import Recognition, Recognizer

Reading = Literal["open", "all", "last"]
"""Which turns are read: those still open, all that the person said, or the last one alone."""

READINGS: tuple[str, ...] = get_args(Reading)

ANSWERING = 8.0
"""Who is asked for a value, and says what may be one, gives it so many times as often as a new
wish that is said in the same words ("Remind you of what?" "call mom")."""


class Asked(NamedTuple):
    """Utterances whose recognitions are wanted.

    `is_last`: the last turn is among them, or one of several ways to read it; else they are earlier
    turns, of which it is only to be known what was answered.
    """

    utterances: list[str]
    is_last: bool


Asking = Generator[Asked, list[Recognition], Recognition]
"""Yields what is asked, is sent the recognitions, and returns the one of the conversation."""


def converse(
    recognizer: Recognizer, turns: Sequence[Turn], reading: Reading | None = None
) -> Recognition:
    """The recognition of a conversation's last turn; its `turns` says which were read.

    `reading`: None takes the contract's rule. Raises `InputError` where the user says nothing or
    there is what is no turn, `SettingsError` for another reading.
    """
    _check(turns, reading)
    steps = follow(recognizer.contract, turns, reading)
    asked = next(steps)
    while True:
        try:
            asked = steps.send(recognizer.recognize(asked.utterances))
        except StopIteration as end:
            answer: Recognition = end.value
            return answer


def _check(turns: Any, reading: Any) -> None:
    """Raises what `converse` says: a program may give it anything."""
    listed = isinstance(turns, Sequence) and not isinstance(turns, str)
    wrong = [t for t in turns if not isinstance(t, Turn)] if listed else [turns]
    if wrong:
        raise InputError(
            f"there is a {type(wrong[0]).__name__} where turns are expected",
            hint='Give a list of turns: [maksud.Turn("user", "…"), …]',
        )
    if reading is not None and reading not in READINGS:
        raise SettingsError(
            f"there is no reading {reading!r}",
            hint=f"Readings are {', '.join(READINGS)}; None takes the contract's",
        )


def follow(
    contract: Contract,
    turns: Sequence[Turn],
    reading: Reading | None = None,
    *,
    again: bool = False,
) -> Asking:
    """The rule, one step at a time: see `Asking`.

    `again`: where a tool has the last word, what was said before is answered anew, for those who
    make one call after the other; else nothing new is said, and nothing is asked for.

    At most one recognition more for each earlier turn that may be open, of which there are at
    most `FURTHEST`, and one for the last turn alone.
    """
    exchanges = list_exchanges(turns, lambda text: contract.read(text).text)
    if not exchanges:
        raise InputError("there is no user turn with text", hint="Send at least one user message")
    if reading is None:
        reading = "open" if contract.fold == FOLD_OPEN_TURNS else "all"
    *earlier, last = exchanges
    ended = next(turn for turn in reversed(turns) if turn.role != "system")
    if last.replies and reading != "all" and not (again and ended.role == "tool"):
        # What was said is answered, and nothing new was said.
        return replace((yield Asked([""], True))[0], turns=())
    if not earlier and len(last.said) == 1:  # an utterance, and no conversation
        return (yield Asked([turns[last.said[0]].text], True))[0]
    if reading == "all":
        spoken = tuple(k for e in exchanges for k in e.said)
        return (yield from _ask(contract, turns, (), spoken, ()))
    pending: tuple[int, ...] = ()
    before: tuple[Call, ...] = ()  # the answer to what is pending
    for exchange in list_perhaps_open(earlier, contract.catalog) if reading == "open" else ():
        found, read = find_calls(exchange), exchange.said
        answer = None if found is None else contract.catalog.name_arguments(found)
        if answer is None or pending:
            recognition = yield from _ask(
                contract, turns, pending, exchange.said, before, is_last=False
            )
            # What was too long was not answered: with more behind it, it would be so again.
            asked = () if recognition.truncated else recognition.calls
            answer, read = answer or asked, recognition.turns
        pending = read if is_open(exchange, answer, contract.catalog) else ()
        before = answer
    return (yield from _ask(contract, turns, pending, last.said, before))


def _ask(
    contract: Contract,
    turns: Sequence[Turn],
    pending: tuple[int, ...],
    said: tuple[int, ...],
    before: tuple[Call, ...],
    *,
    is_last: bool = True,
) -> Asking:
    """What is said now, read with what is pending and alone: the likelier of the two."""
    readings = [(*pending, *said), said] if pending else [said]
    folded = [_fold(contract, [turns[k].text for k in each]) for each in readings]
    answers = yield Asked(folded, is_last)
    found = [replace(a, turns=each) for a, each in zip(answers, readings, strict=True)]
    if len(found) == 1 or _is_answered(found, before, contract):
        return found[0]
    return found[1]


def _is_answered(
    found: Sequence[Recognition], before: tuple[Call, ...], contract: Contract
) -> bool:
    """Whether the last turn is read together with what is pending, rather than alone."""
    together, alone = found
    catalog = contract.catalog
    if together.truncated and not alone.truncated:
        return False  # what is not read whole is not acted on
    if alone.reason == NOTHING_SAID:
        return False  # a sign without a word ("👍") is no value
    if not catalog.missing(before) and _things(before) <= _things(together.calls):
        return False  # was asked and done already: what is new stands in the last turn
    if alone.reason in (VALUES_ALONE, ONE_WORD) and NONE not in together.calls:
        return True  # a value or a word is an answer to what was asked, and nothing by itself
    if NONE in alone.calls and NONE not in together.calls and together.accepted:
        # "bayar listrik" is nothing by itself, and an answer to "Ingatkan tentang apa?"
        return not together.missing or len(together.missing) < len(catalog.missing(before))
    if together.accepted and _fills(together, before, catalog):
        if _agrees(alone.calls, together.calls):
            return True  # alone, "24 derajat" means the same, without the room that was said before
        if _gives_values(found, before, contract):
            return ANSWERING * _odds(together) >= _odds(alone)
    return together.confidence >= alone.confidence


def _fills(together: Recognition, before: tuple[Call, ...], catalog: Catalog) -> bool:
    """Whether what is pending is what is answered, with less missing."""
    return [c.intent for c in together.calls] == [c.intent for c in before] and len(
        together.missing
    ) < len(catalog.missing(before))


def _agrees(alone: Sequence[Call], together: Sequence[Call]) -> bool:
    """Whether calls are the same but for arguments that only the others have."""
    return len(alone) == len(together) and all(
        less.intent == more.intent and set(less.arguments) <= set(more.arguments)
        for less, more in zip(alone, together, strict=True)
    )


def _gives_values(
    found: Sequence[Recognition], before: tuple[Call, ...], contract: Contract
) -> bool:
    """Whether the last turn has nothing but values that what is pending did not have."""
    together, alone = found
    known = {(call.intent, argument) for call in before for argument in call.arguments}
    values = [
        contract.read(argument.value).text
        for call in together.calls
        for argument in call.arguments
        if (call.intent, argument) not in known
    ]
    return contract.small.has_only(contract.read(alone.utterance).text, values)


def _odds(recognition: Recognition) -> float:
    return recognition.confidence / max(1 - recognition.confidence, 1e-9)


def _things(calls: Sequence[Call]) -> set[tuple[str, frozenset[Argument]]]:
    """What calls do, in whatever order their arguments are written."""
    return {(call.intent, frozenset(call.arguments)) for call in calls}


def _fold(contract: Contract, texts: Sequence[str]) -> str:
    """One turn stays as it is, so that it reaches the model as a training row does."""
    return texts[0] if len(texts) == 1 else contract.fold_turns(texts)
