"""Intents beside those that a joint network was trained for: their odds, their tags, their values.

Which of them is meant is told by a kind's `Additions`. Values of a parameter whose name trained
intents know are tagged as theirs; of others those that can be told by their form alone: a listed
value, the only number. Everything else is left out, and missing where the catalog requires it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from maksud.language.calls import Argument
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.numbers import read_number
from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats
from maksud.recognizers.joint.tokens import Token
from maksud.recognizers.negation import NEGATED, Negation

Flags = np.ndarray[Any, np.dtype[np.bool_]]

LONGEST_NUMBER = 6
"""Words that a number may have."""
AROUND_NUMBER = 3
"""Words beside a number that may make it another one: "satu setengah", "two and a half"."""


class Additions(Protocol):
    """What a kind of joint network knows of new intents."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in order."""

    @property
    def examples(self) -> tuple[tuple[str, ...], ...]:
        """The words of all their examples, in small letters."""

    def log_odds(self, vectors: Floats, closed: Floats | None = None) -> Floats:
        """Log-odds of each against all that is not new, [S, N], of clauses by their vectors.

        `closed` [S, I] or [I]: below 0 for intents of the network that can't be meant.
        """


def join(lp: Floats, odds: Floats, closed: Flags) -> Floats:
    """log p of the network's intents and of the new ones, [S, I + N].

    `lp` [S, I]: the network's; `odds` [S, N]: log-odds of the new ones, `IMPOSSIBLE` where one
    can't be meant; `closed` [S]: whether nothing of the network's can be.
    """
    everything = np.where(closed, -np.inf, np.float32(0))[:, None]
    total = np.logaddexp.reduce(np.concatenate([everything, odds], 1), 1)[:, None]
    old = np.where(closed[:, None], IMPOSSIBLE, lp - total)
    out: Floats = np.concatenate([old, odds - total], 1).astype(np.float32)
    return out


def refused(
    negation: Negation, clauses: Sequence[Sequence[str]], examples: Sequence[Sequence[str]]
) -> Flags:
    """Which clauses refuse something, unless an example of a new intent is worded so; [S]."""
    wished = {negation.refuses_any(words) for words in examples}
    pairs = [negation.refuses_any(words) for words in clauses]
    return np.array([pair is not None and pair not in wished for pair in pairs], np.bool_)


def give_back(lp: Floats, refused: Flags, trained: int, none: int) -> Floats:
    """log p [S, I + N] with that of new intents given to none() in refused clauses, but for as
    much as a refusing frame leaves of any wish."""
    out = lp.copy()
    new = lp[refused, trained:]
    moved = np.logaddexp.reduce(new, 1) + np.float32(np.log1p(-np.exp(-NEGATED)))
    out[refused, trained:] = new - np.float32(NEGATED)
    out[refused, none] = np.logaddexp(lp[refused, none], moved)
    return out


def stand_beside(
    lp: Floats,
    additions: Additions,
    vectors: Floats,
    mask: Floats,
    negation: Negation | None,
    clauses: Sequence[Sequence[str]],
    trained: int,
    none: int,
) -> Floats:
    """log p of all intents of clauses, [S, I + N], from the network's of its own, [S, I].

    `vectors` [S, .] of the clauses, of these words; `mask` [S, I + N] or [I + N]: below 0 for what
    can't be meant; the network has `trained` intents, of which `none` is none(), or none is.
    """
    own = mask[..., :trained]
    odds = additions.log_odds(vectors, own) + mask[..., trained:]
    out = join(lp, odds, np.broadcast_to((own < 0).all(-1), len(clauses)))
    if negation is None or none < 0:
        return out
    refusing = refused(negation, clauses, additions.examples) & (own[..., none] == 0)
    return give_back(out, refusing, trained, none)


def extend_tags(
    scores: Floats, intents: Sequence[str], parameters: Sequence[str], catalog: Catalog
) -> Floats:
    """What is added to the tags' scores for each intent, [I, K], with rows for those that are new.

    A new intent's parameter is looked for as the trained ones look for theirs of that name and
    type; the catalog decides what it has at all.
    """
    trained, many = len(scores), len(parameters)
    if trained == len(intents):
        return scores
    rows = []
    for name in intents[trained:]:
        intent = catalog.get(name)
        row = np.full(scores.shape[1], IMPOSSIBLE, np.float32)
        row[0] = scores[:, 0].mean()
        for k, parameter in enumerate(parameters):
            wanted = intent.parameter(parameter) if intent is not None else None
            donors = [
                i
                for i, other in enumerate(intents[:trained])
                if wanted is not None and _lends(catalog, other, wanted)
            ]
            if donors:
                for tag in (1 + k, 1 + many + k):
                    row[tag] = scores[donors, tag].mean()
        rows.append(row)
    out: Floats = np.concatenate([scores, np.stack(rows)])
    return out


def _lends(catalog: Catalog, intent: str, wanted: Parameter) -> bool:
    """Whether a trained intent has a parameter of this name and type."""
    known = catalog.get(intent)
    own = known.parameter(wanted.name) if known is not None else None
    return own is not None and own.type == wanted.type


def find_values(
    intent: Intent,
    text: str,
    words: Sequence[Token],
    tagged: Sequence[tuple[str, Token, Token]],
) -> list[Argument]:
    """Values of a new intent's parameters that can be told by their form, beside those `tagged`.

    A listed value that stands among the words, if no other of the list does; a number, if there is
    one number and one parameter for it.
    """
    if not words:
        return []
    taken = {parameter for parameter, _, _ in tagged}
    free = [w for w in words if not any(a.start <= w.start < b.end for _, a, b in tagged)]
    open_ones = [p for p in intent.parameters if p.name not in taken]
    out = []
    numbers = [p for p in open_ones if p.type == "number" and not p.choices]
    found = find_number(text, free) if len(numbers) == 1 else None
    for p in open_ones:
        if p.type == "enumeration":
            said = text[words[0].start : words[-1].end]
            value = _listed(said, p.choices)
        elif found is not None and p is numbers[0]:
            value = found[0] if p.copied else _in_digits(found[1])
        else:
            continue
        if value is not None and p.accepts(value, text):
            out.append(Argument(p.name, value))
    return out


def find_number(text: str, words: Sequence[Token]) -> tuple[str, int | float] | None:
    """The only number that these words of a text say: as it is said, and as a number."""
    spans: list[tuple[int, int, int | float]] = []
    at = before = after = 0
    while at < len(words):
        for size in range(min(LONGEST_NUMBER, len(words) - at), 0, -1):
            said = text[words[at].start : words[at + size - 1].end]
            first, last = words[at], words[at + size - 1]
            ends = (text[w.start : w.end] for w in (first, last))
            number = read_number(said)
            if number is not None and all(_counts(end) for end in ends):
                spans.append((first.start, last.end, number))
                before = max(0, at - AROUND_NUMBER)
                after = min(len(words), at + size + AROUND_NUMBER) - 1
                at += size - 1
                break
        at += 1
    if len(spans) != 1:
        return None
    start, end, number = spans[0]
    if read_number(text[words[before].start : words[after].end]) != number:
        return None
    return text[start:end], number


def _in_digits(number: int | float) -> str:
    """A number without an exponent, and no digit rounded away."""
    if isinstance(number, int):
        return str(number)
    return np.format_float_positional(number, trim="-")


def _counts(word: str) -> bool:
    """Whether a word is a part of a number, alone, behind another, or as its sign."""
    beside = read_number(f"dua {word}"), read_number(f"{word} dua"), read_number(f"{word}2")
    return (
        read_number(word) is not None
        or beside[0] not in (None, 2)
        or beside[1] == -2
        or (beside[2] == -2 and not word.isalpha())
    )


def _listed(text: str, values: Sequence[str]) -> str | None:
    """The one value of a list that stands in a text, in whole words and any case."""
    left, found = text.casefold(), []
    for value in sorted(values, key=len, reverse=True):
        pattern = rf"(?<!\w){re.escape(value.casefold())}(?!\w)"
        left, times = re.subn(pattern, lambda m: " " * len(m[0]), left)
        if times:
            found.append(value)
    return found[0] if len(found) == 1 else None
