"""Which answers the scores of other networks speak against, and what they suggest instead.

Confident learning (Northcutt, Jiang, Chuang 2021, arXiv:1911.00068) compares the networks' opinion
with the given answer, each class against its own threshold: first the intents, then, where they
agree, the arguments.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from maksud.language.calls import Call, same_answer

if TYPE_CHECKING:
    from maksud.recognizers.joint.scoring import AnswerScore

Kind = Literal["intent", "arguments"]

CERTAINTY = 4.0
"""Weight of log p(suggested arguments) beside the ratio to the given ones: a network that is
torn between many readings is mostly wrong itself. Chosen on errors planted with seed 100."""
PRIOR = 5
"""Calls of confidence one half that each threshold's mean counts in: rare classes are not sure."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What one round holds against an answer."""

    kind: Kind
    suggested: tuple[Call, ...]
    score: float
    confident: bool
    why: str


@dataclass(frozen=True)
class Thresholds:
    """Confident learning's thresholds: how sure the networks are of a class, on average, of the
    rows that are given it. Classes: intents, parameters, numbers of calls."""

    intents: Mapping[str, float]
    parameters: Mapping[str, float]
    numbers: Mapping[int, float]

    @classmethod
    def of(cls, scores: Iterable[AnswerScore]) -> Thresholds:
        """The thresholds of one round's scores."""
        intents: defaultdict[str, list[float]] = defaultdict(list)
        parameters: defaultdict[str, list[float]] = defaultdict(list)
        numbers: defaultdict[int, list[float]] = defaultdict(list)
        for answer in scores:
            numbers[len(answer.calls)].append(math.exp(answer.cut_lp))
            for call in answer.calls:
                intents[call.given.intent].append(math.exp(call.intent_lp))
                if call.arguments_lp is not None:
                    for name in {a.name or "" for a in call.given.arguments}:
                        parameters[name].append(math.exp(call.arguments_lp))
        return cls(_means(intents), _means(parameters), _means(numbers))


def _means(values: Mapping[Any, Sequence[float]]) -> dict[Any, float]:
    return {k: (sum(v) + PRIOR / 2) / (len(v) + PRIOR) for k, v in values.items()}


def find_doubts(scores: Sequence[AnswerScore]) -> dict[int, Doubt]:
    """The doubted answers of one round, by row."""
    thresholds = Thresholds.of(s for s in scores if not s.reason)
    out = {}
    for row, score in enumerate(scores):
        if score.reason:
            continue
        if score.proposed and len(score.proposed) != len(score.calls):
            doubt = _number_doubt(score, thresholds)
        else:
            doubt = _intent_doubt(score, thresholds)
            if doubt is None:
                doubt = _arguments_doubt(score, thresholds)
        if doubt is not None:
            out[row] = doubt
    return out


def _number_doubt(score: AnswerScore, thresholds: Thresholds) -> Doubt | None:
    """The network hears more calls, or fewer, than are given."""
    given = score.cut_lp + sum(c.intent_lp for c in score.calls)
    margin = score.proposed_cut_lp + score.proposed_intents_lp - given
    if margin <= 0:
        return None
    sure = math.exp(score.proposed_cut_lp)
    return Doubt(
        "intent",
        score.proposed,
        margin,
        sure >= thresholds.numbers.get(len(score.proposed), 1.0),
        f"p({len(score.proposed)} calls) {sure:.2f}, of {len(score.calls)} as given "
        f"{math.exp(score.cut_lp):.2f}",
    )


def _intent_doubt(score: AnswerScore, thresholds: Thresholds) -> Doubt | None:
    """Another intent is more probable than the given one, for a call or more."""
    calls, margin, confident, why = [], 0.0, True, []
    for c in score.calls:
        if c.other is None or c.other_lp <= c.intent_lp:
            calls.append(c.given)
            continue
        calls.append(c.other)
        margin += c.other_lp - c.intent_lp
        p = math.exp(c.other_lp)
        confident = confident and p >= thresholds.intents.get(c.other.intent, 1.0)
        why.append(f"p({c.other.intent}) {p:.2f}, p({c.given.intent}) {math.exp(c.intent_lp):.2g}")
    if not why:
        return None
    return Doubt("intent", tuple(calls), margin, confident, "; ".join(why))


def _arguments_doubt(score: AnswerScore, thresholds: Thresholds) -> Doubt | None:
    """The intents agree, but other arguments are more probable for a call or more.

    Score: log p(suggested) - log p(given), more for a suggestion that is sure in itself, less
    for parameters that the networks often read otherwise than given.
    """
    calls, ratio, sure, changed = [], 0.0, 0.0, []
    for c in score.calls:
        if (
            c.arguments_lp is None
            or c.best_lp <= c.arguments_lp
            or same_answer([c.best], [c.given])
        ):
            calls.append(c.given)
            continue
        calls.append(c.best)
        ratio += c.best_lp - c.arguments_lp
        sure += c.best_lp
        changed += _differences(c.given, c.best)
    if not changed:
        return None
    level = max(thresholds.parameters.get(name, 0.5) for name, _ in changed)
    doubt = max(1 - thresholds.parameters.get(name, 0.5) for name, _ in changed)
    return Doubt(
        "arguments",
        tuple(calls),
        ratio + CERTAINTY * sure - math.log(doubt),
        math.exp(sure) >= level,
        f"{', '.join(text for _, text in changed)}; p(suggested) {math.exp(sure):.2f}, "
        f"p(given) {math.exp(sure - ratio):.2g}",
    )


def _differences(given: Call, best: Call) -> list[tuple[str, str]]:
    """(parameter, what is taken away or put there) for each argument that differs."""
    before = Counter((a.name or "", a.value) for a in given.arguments)
    after = Counter((a.name or "", a.value) for a in best.arguments)
    out = [(name, f"- {name}={value}") for name, value in (before - after)]
    return out + [(name, f"+ {name}={value}") for name, value in (after - before)]
