"""A corpus in numbers: what training composes its utterances of.

Words are numbered by type, from 1 (0 is padding): a batch computes each type once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.choices import Choice, lay_out
from maksud.recognizers.joint.contrast import (
    Correction,
    Frame,
    find_bare,
    languages_of,
    load_corrections,
    load_frames,
)
from maksud.recognizers.joint.corpus import Clause, Corpus
from maksud.recognizers.joint.decoding import IMPOSSIBLE
from maksud.recognizers.joint.invention import invent_values

IGNORED = -100
"""A choice that does not count: torch's index to ignore."""

UNLIKELY = -8.0
"""Score of a tag that an intent never has in training."""

MOST_CALLS = 6
"""Calls of a composed utterance at most."""

SHORTER = 2.0
"""How much more often short frames are said than long ones: with the inverse of their length to
this power."""

FRAMED_LESS = 2.0
"""Log-odds by which framed wishes are rarer in use than in training, where data has no `none()`."""

SIGNS = {",": 0.2, ".": 0.1}
"""How often wishes are joined by this sign alone, for one that is joined as in data. Data has few
such rows, and many in which the sign stands within a wish: one of the two wishes would be lost."""

LISTED = 2.5
"""Log-odds by which a comma parts two wishes more often in use than in training: people list their
wishes in fewer words ("payung lipat, ongkir ke Solo") than rows that are written singly. Not a full
stop: it stands between the turns of a conversation that are one wish."""

SELDOM = 0.004
"""Share of utterances in use that have several calls, at least, once data has any."""


@dataclass(slots=True)
class Item:
    """A clause in numbers. `types`: word types; `spans`: (first, last + 1, parameter).

    `choices`: for each choice of the plan the place of its value, or `IGNORED`.
    """

    intent: int
    types: list[int]
    spans: list[tuple[int, int, int]]
    choices: list[int]
    tagged: bool
    languages: list[int] = field(default_factory=list)
    """Places among the plan's frames of the languages that it may be of."""
    bare: bool = False
    """Whether it begins like a bare verb phrase, which some frames need."""


@dataclass(slots=True)
class Frames:
    """Contrast frames that fit the same wishes, in numbers: (types before, types after) of each.

    `cumulative`: how often each is drawn, summed up. Short ones are said more often: "jangan {}"
    before "I'd rather you didn't {} just yet".
    """

    each: list[tuple[list[int], list[int]]]
    cumulative: list[float]


@dataclass(slots=True)
class Retake:
    """A `Correction` in numbers: word types before, between and after the two values."""

    before: list[int]
    between: list[int]
    after: list[int]
    last: bool


@dataclass
class Plan:
    """Everything that training needs, in numbers.

    `words`: how often each occurs, in the order of their types. `values`: of each parameter.
    `call_weights[k]`: how often an utterance of k + 1 calls is composed.
    """

    corpus: Corpus
    words: Counter[str]
    intents: list[str]
    parameters: list[str]
    choices: list[Choice]
    items: list[Item]
    values: list[list[list[int]]]
    connectives: list[list[int]]
    connective_weights: list[float]
    call_weights: list[float]
    frames: list[dict[tuple[bool, bool], Frames]] = field(default_factory=list)
    """Of each language that has some: by whether the wish stays one, and whether it is bare."""
    corrections: list[list[Retake]] = field(default_factory=list)
    """Of each language that has frames: how a value is corrected."""
    languages: list[str] = field(default_factory=list)
    """Those that there are frames for."""
    ends: frozenset[int] = frozenset()
    """Types of the signs that end a sentence."""
    signs: frozenset[int] = frozenset()
    """Types of `SIGNS`, which none of these is followed by."""
    comma: int = 0
    """Its type; 0 where the data has none."""
    invented: list[list[list[int]]] = field(default_factory=list)
    """Of each parameter that has few values: others, made up."""

    @classmethod
    def build(cls, corpus: Corpus, *, contrast: bool = False) -> Plan:
        """Numbers the corpus' words, intents, parameters and choices.

        `contrast`: with frames that negate, report or quote, where the language has some.
        """
        clauses = corpus.clauses
        languages, of_clause = languages_of(c.words for c in clauses) if contrast else ([], [])
        frames = [load_frames(language) for language in languages]
        corrections = [load_corrections(language) for language in languages]
        intents = sorted({c.intent for c in clauses} | ({OUT_OF_SCOPE} if frames else set()))
        parameters = sorted({p for c in clauses for _, _, p in c.spans})
        words = Counter(w for c in clauses for w in c.words)
        connectives = _with_signs(corpus.connectives)
        for phrase in connectives:
            for word in phrase:
                words[word] += 0
        for frame in (frame for of_language in frames for frame in of_language):
            words.update((*frame.before, *frame.after))
        for c in (c for of_language in corrections for c in of_language):
            words.update((*c.before, *c.between, *c.after))
        invented = invent_values(clauses, corpus.listed)
        for word in (w for values in invented.values() for value in values for w in value):
            words[word] += 0
        types = {w: i for i, w in enumerate(words, start=1)}
        used = {p for c in clauses for p in c.choices}
        choices = lay_out((p, listed) for p, listed in corpus.choices.items() if p in used)
        intent_of = {f: i for i, f in enumerate(intents)}
        parameter_of = {p: i for i, p in enumerate(parameters)}
        has_choice = {(c.intent, p) for c in clauses for p in c.choices}
        items = [
            Item(
                intent_of[clause.intent],
                [types[w] for w in clause.words],
                [(i, j, parameter_of[p]) for i, j, p in clause.spans],
                _places_of(clause, choices, has_choice),
                clause.tagged,
            )
            for clause in clauses
        ]
        if frames:
            bare = find_bare([(c.intent, c.words) for c in clauses])
            for item, own, is_bare in zip(items, of_clause, bare, strict=True):
                item.languages = [languages.index(name) for name in own]
                item.bare = is_bare
        values_of: list[dict[tuple[int, ...], None]] = [{} for _ in parameters]
        for item in items:
            for i, j, k in item.spans:
                values_of[k][tuple(item.types[i:j])] = None
        return cls(
            corpus,
            words,
            intents,
            parameters,
            choices,
            items,
            [[list(v) for v in found] for found in values_of],
            [[types[w] for w in phrase] for phrase in connectives],
            list(connectives.values()),
            _call_weights(corpus.call_counts),
            [_number_frames(of_language, types) for of_language in frames],
            [[_number_correction(c, types) for c in of_language] for of_language in corrections],
            languages,
            frozenset(types[sign] for sign in ".!?" if sign in types),
            frozenset(types[sign] for sign in SIGNS if sign in types),
            types.get(",", 0),
            [[[types[w] for w in value] for value in invented.get(p, ())] for p in parameters],
        )

    @property
    def joins(self) -> bool:
        """Whether the data has utterances with several calls."""
        return len(self.call_weights) > 1

    @property
    def none_excess(self) -> float:
        """Log-odds by which `none()` is likelier in training than in use.

        Where data has none of its own, frames are all that is known of it, and what is only far
        from the few rows that there are would be taken for framed.
        """
        known = any(c.intent == OUT_OF_SCOPE for c in self.corpus.clauses)
        return FRAMED_LESS if OUT_OF_SCOPE in self.intents and not known else 0.0

    @property
    def joined_excess(self) -> float:
        """Log-odds by which several calls are likelier in training than in the data.

        Utterances are joined more often than the data has it, so that joining is learnt at all.
        """
        if not self.joins:
            return 0.0
        counts = self.corpus.call_counts
        found = max(SELDOM, 1 - counts[1] / counts.total())
        return max(0.0, _log_odds(1 - self.call_weights[0]) - _log_odds(found))

    @property
    def comma_shortage(self) -> float:
        """Log-odds by which a comma alone parts wishes more seldom in training than in use.

        Users whose data shows that they seldom combine wishes do not list them either.
        """
        return max(0.0, LISTED - self.joined_excess) if self.joins and self.comma else 0.0

    def tag_penalties(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """[I, K]: 0 for tags that an intent has in training, `UNLIKELY` for others.

        `none()` can have no value at all. Were that only unlikely, a title in a wish that is
        called off would teach that such words are no title.
        """
        many = len(self.parameters)
        out = np.full((len(self.intents), 1 + 2 * many), UNLIKELY, np.float32)
        out[:, 0] = 0
        for item in self.items:
            for _, _, k in item.spans:
                out[item.intent, [1 + k, 1 + many + k]] = 0
        if OUT_OF_SCOPE in self.intents:
            out[self.intents.index(OUT_OF_SCOPE), 1:] = IMPOSSIBLE
        return out


def _log_odds(share: float) -> float:
    share = min(0.999, max(0.001, share))
    return math.log(share / (1 - share))


def _number_frames(
    frames: Sequence[Frame], types: Mapping[str, int]
) -> dict[tuple[bool, bool], Frames]:
    out = {}
    for acts in (False, True):
        for bare in (False, True):
            fitting = [f for f in frames if f.acts == acts and (bare or not f.bare)]
            each = [([types[w] for w in f.before], [types[w] for w in f.after]) for f in fitting]
            weights = ((1 + len(before) + len(after)) ** -SHORTER for before, after in each)
            out[acts, bare] = Frames(each, list(accumulate(weights)))
    return out


def _number_correction(c: Correction, types: Mapping[str, int]) -> Retake:
    before, between, after = ([types[w] for w in part] for part in (c.before, c.between, c.after))
    return Retake(before, between, after, c.last)


def _places_of(
    clause: Clause, choices: list[Choice], has_choice: set[tuple[str, str]]
) -> list[int]:
    return [
        c.place_of(clause.choices.get(c.parameter))
        if (clause.intent, c.parameter) in has_choice
        else IGNORED
        for c in choices
    ]


def _with_signs(found: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """How often each connective is used, with `SIGNS`; of nothing nothing.

    What follows a sign ("terus" of ", terus") is said without it too: half as often, at least.
    """
    used = {phrase: float(n) for phrase, n in found.items()}
    total = sum(used.values())
    for (first, *rest), n in [*((p, n) for p, n in used.items() if p)]:
        if first in SIGNS and rest:
            used[tuple(rest)] = max(used.get(tuple(rest), 0.0), n / 2)
    for sign, share in SIGNS.items() if used else ():
        used[(sign,)] = max(used.get((sign,), 0.0), share * total)
    return used


def _call_weights(calls: Counter[int]) -> list[float]:
    """At least a fifth of the composed utterances has several calls once data has any."""
    longest = min(max(calls, default=1), MOST_CALLS)
    if longest < 2:
        return [1.0]
    weights = [float(calls[k]) for k in range(1, longest + 1)]
    total = sum(weights)
    several = max(0.2, 1 - weights[0] / total)
    rest = sum(weights[1:]) or 1.0
    return [1 - several if several < 1 else 0.1] + [several * w / rest for w in weights[1:]]
