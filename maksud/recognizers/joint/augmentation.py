"""Composes the utterances of an epoch anew from the clauses of a plan.

Values are swapped for other values of the same parameter, clauses are joined with connectives
that the data uses: so combinations that were never seen together are learned from.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.planning import IGNORED, Item, Plan
from maksud.recognizers.joint.settings import JointSettings

REFUSING = 0.6
"""Share of framed wishes whose frame refuses: data itself holds more of those that only seem to."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How much clauses are varied.

    `swap`: share of clauses whose values are swapped for others of the same parameter. `mix`:
    share of values in these that are made of the beginning of one and the end of another.
    `frame`: share of single wishes that are put into a contrast frame. `correct`: share of clauses
    with values in which one is corrected as it is said. `invent`: share of values in swapped
    clauses that are made up, where a parameter has few.
    """

    swap: float
    mix: float
    frame: float = 0.0
    correct: float = 0.0
    invent: float = 0.0

    @classmethod
    def of(cls, settings: JointSettings) -> Variation:
        """What settings, once they are resolved, ask for."""
        return cls(settings.swap, settings.mix, settings.frame, settings.correct, settings.invent)


@dataclass(slots=True)
class Utterance:
    """A composed utterance: word types, (first, last + 1) of each clause, and its tags and item."""

    types: list[int]
    clauses: list[tuple[int, int]]
    tags: list[list[int]]
    items: list[Item]


def compose_batches(
    plan: Plan, variation: Variation, size: int, rng: random.Random
) -> list[list[Utterance]]:
    """An epoch of utterances in batches of `size` clauses, about, of similar length, shuffled."""
    utterances = compose_epoch(plan, variation, rng)
    mean = sum(len(u.clauses) for u in utterances) / len(utterances)
    number = max(1, round(size / mean))
    key = [len(u.types) + rng.random() * 3 for u in utterances]
    order = sorted(range(len(utterances)), key=key.__getitem__)
    batches = [[utterances[k] for k in order[i : i + number]] for i in range(0, len(order), number)]
    rng.shuffle(batches)
    return batches


def compose_epoch(plan: Plan, variation: Variation, rng: random.Random) -> list[Utterance]:
    """Utterances in which each clause of the plan stands once."""
    items = plan.items
    order = rng.sample(range(len(items)), len(items))
    none = plan.intents.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in plan.intents else -1
    out = []
    at = 0
    while at < len(order):
        number = 1
        if plan.joins:
            number = rng.choices(range(1, len(plan.call_weights) + 1), plan.call_weights)[0]
        group = [items[k] for k in order[at : at + number]]
        at += number
        alone = [[i] for i in group if i.intent == none]  # none() never stands beside a call
        for part in [*alone, [i for i in group if i.intent != none]]:
            if part:
                utterance = _join(plan, part, variation, rng)
                single = len(part) == 1 and part[0].intent != none and part[0].languages
                if single and rng.random() < variation.frame:
                    utterance = _frame(plan, part[0], utterance, none, rng)
                out.append(utterance)
    return out


def _frame(plan: Plan, item: Item, wish: Utterance, none: int, rng: random.Random) -> Utterance:
    """A single wish in a frame of its language; in one that refuses it is `none()`."""
    acts = rng.random() >= REFUSING
    frames = plan.frames[rng.choice(item.languages)][acts, item.bare]
    before, after = rng.choices(frames.each, cum_weights=frames.cumulative)[0]
    types, tags = wish.types, wish.tags[0]
    if after and types[-1] in plan.ends and len(types) > 1:
        types, tags = types[:-1], tags[:-1]
    whole = [*before, *types, *after]
    if acts:
        tags = [0] * len(before) + tags + [0] * len(after)
    else:
        tags = [0] * len(whole)
        item = Item(none, item.types, [], [IGNORED] * len(item.choices), True)
    return Utterance(whole, [(0, len(whole))], [tags], [item])


def _join(plan: Plan, group: Sequence[Item], variation: Variation, rng: random.Random) -> Utterance:
    many = len(plan.parameters)
    types: list[int] = []
    bounds: list[tuple[int, int]] = []
    tags: list[list[int]] = []
    for item in group:
        words, spans = item.types, item.spans
        if spans and rng.random() < variation.swap:
            words, spans = _swap(words, spans, plan, rng, variation)
        if spans and item.languages and rng.random() < variation.correct:
            words, spans = _correct(words, spans, plan, item.languages, rng)
        lead: list[int] = []
        if types:
            lead = rng.choices(plan.connectives, plan.connective_weights)[0]
            if types[-1] in plan.ends and lead and lead[0] in plan.signs:
                lead = lead[1:]  # the sentence has ended
        row = [0] * (len(lead) + len(words))
        for i, j, k in spans:
            row[len(lead) + i] = 1 + k
            row[len(lead) + i + 1 : len(lead) + j] = [1 + many + k] * (j - i - 1)
        bounds.append((len(types), len(types) + len(row)))
        types = types + lead + words
        tags.append(row)
    return Utterance(types, bounds, tags, list(group))


def _correct(
    types: list[int],
    spans: list[tuple[int, int, int]],
    plan: Plan,
    languages: Sequence[int],
    rng: random.Random,
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """One of the values beside another of its parameter, in words that tell which is meant."""
    at = rng.randrange(len(spans))
    i, j, k = spans[at]
    meant, other = types[i:j], rng.choice(plan.values[k])
    if other == meant:
        return types, spans
    how = rng.choice(plan.corrections[rng.choice(languages)])
    lead = [*how.before, *other, *how.between] if how.last else how.before
    tail = how.after if how.last else [*how.between, *other, *how.after]
    more = len(lead) + len(tail)
    moved = [
        (a, b, p)
        if b <= i
        else (a + len(lead), b + len(lead), p)
        if a == i
        else (a + more, b + more, p)
        for a, b, p in spans
    ]
    return [*types[:i], *lead, *meant, *tail, *types[j:]], moved


def _swap(
    types: list[int],
    old: list[tuple[int, int, int]],
    plan: Plan,
    rng: random.Random,
    variation: Variation,
) -> tuple[list[int], list[tuple[int, int, int]]]:
    words: list[int] = []
    spans: list[tuple[int, int, int]] = []
    at = 0
    values = plan.values
    for i, j, k in old:
        value = rng.choice(values[k]) if rng.random() < 0.5 else types[i:j]
        if variation.mix and rng.random() < variation.mix:
            other = rng.choice(values[k])
            value = value[: rng.randint(1, len(value))] + other[rng.randint(1, len(other)) :]
        if plan.invented[k] and rng.random() < variation.invent:
            value = rng.choice(plan.invented[k])
        words += types[at:i]
        spans.append((len(words), len(words) + len(value), k))
        words += value
        at = j
    return words + types[at:], spans
