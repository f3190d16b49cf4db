"""From answers to the figures of a report: JSON-able values, each measured or None.

`judge` puts each answer beside its gold; the other functions count. A figure is None where
there was nothing to count, or nothing that measures it, never 0. Nothing here asks a recognizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np

from maksud.data.dataset import Example
from maksud.errors import CallSyntaxError
from maksud.evaluation import metrics
from maksud.evaluation.grouping import OUTSIDE, groups_of
from maksud.language.calls import NONE, Call, parse_calls, same_answer
from maksud.language.catalog import Catalog
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import Rule, best_point, utility, utility_curve
from maksud.recognizers.measures import (
    area_under_risk_coverage,
    auroc,
    brier,
    calibration_bins,
    ece,
    risk_coverage,
)
from maksud.recognizers.recognition import Recognition

Point = TypeVar("Point")

SHOWN_ERRORS = 50
"""Wrong answers in the report; all of them stand in `predictions.jsonl`."""
MOST_GROUPS = 50
"""Groups of one field; of more, the smallest ones are put together."""
CURVE_POINTS = 200
"""Points of the risk-coverage curve, and of the utility's, that are kept."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One example, its answer, and how it was judged: a line of `predictions.jsonl`."""

    instruction: str
    gold: str
    """The gold answer in the catalog's style."""
    answer: str
    """The recognizer's best answer in the catalog's style, accepted or not."""
    confidence: float
    gate: float
    """What the threshold is compared with: the confidence, but 0 for `none()` and for an empty
    answer, which are never accepted, however sure."""
    accepted: bool
    exact: bool
    intents_right: bool
    out_of_scope: bool
    guide_text: str
    """What the guide's arithmetic judged: the model's own text, without constraints, where it
    has one."""
    guide_intent: bool
    guide_parameters: bool
    what: str = ""
    """The kind of error in a few words; empty where the answer is right."""
    confused: tuple[tuple[str, str], ...] = ()
    """(gold intent, answered intent) where they differ: cells of the confusion matrix."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Its group in each field that the report is broken down by."""
    place: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        rounded = {"confidence": round(self.confidence, 6), "gate": round(self.gate, 6)}
        return {**asdict(self), **rounded}


@dataclass(frozen=True, slots=True)
class Case:
    """All about one example: what was wanted, what was answered, what was made of it."""

    example: Example
    gold: tuple[Call, ...]
    """Its calls, with named arguments, in the form that the recognizer reads."""
    answered: tuple[Call, ...]
    """The answer's calls, likewise."""
    answer: Recognition
    prediction: Prediction


def judge(
    examples: Sequence[Example],
    gold: Sequence[tuple[Call, ...]],
    answers: Sequence[Recognition],
    guide_texts: Sequence[str],
    guide: metrics.GuideScores,
    contract: Contract,
    fields: Sequence[str] = (),
) -> list[Case]:
    """A case of each example; all lists are of one length, `gold` with named arguments.

    Values are compared in the form that the contract reads. `fields`: what the figures will be
    broken down by.
    """
    catalog = contract.catalog
    cases = []
    for k, (example, labelled, answer) in enumerate(zip(examples, gold, answers, strict=True)):
        calls, answered = contract.read_calls(labelled), contract.read_calls(answer.calls)
        exact = same_answer(answered, calls)
        pairs = metrics.paired_intents(answered, calls)
        prediction = Prediction(
            instruction=example.instruction,
            gold=catalog.render(labelled),
            answer=answer.text,
            confidence=answer.confidence,
            gate=answer.confidence if answer.calls and NONE not in answer.calls else 0.0,
            accepted=answer.accepted,
            exact=exact,
            intents_right=metrics.same_intents(answered, calls),
            out_of_scope=NONE in calls,
            guide_text=guide_texts[k],
            guide_intent=guide.intent[k],
            guide_parameters=guide.parameters[k],
            what="" if exact else _what_differs(answered, calls),
            confused=tuple(pair for pair in pairs if pair[0] != pair[1]),
            groups=groups_of(example, calls, fields),
            place=example.place,
        )
        cases.append(Case(example, calls, answered, answer, prediction))
    return cases


# ---------------------------------------------------------------- right and wrong


def headline(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """The shares of right answers with their intervals."""
    rows = []
    total = metrics.Counts()
    for case in cases:
        p, slots = case.prediction, metrics.slot_counts(case.answered, case.gold)
        total += slots
        rows.append(
            (p.exact, p.intents_right, p.guide_intent, p.guide_parameters)
            + (slots.hits, slots.given, slots.wanted)
        )
    n = len(cases)
    table = np.array(rows, dtype=np.float64)
    exact, intents, guide_intents, guide_parameters = map(float, table[:, :4].mean(axis=0))
    sums = metrics.resampled_sums(table, seed=seed)
    with_slots = int((table[:, 5:].sum(axis=1) > 0).sum())
    measured = {
        "exact_match": (exact, sums[:, 0] / n, n),
        "intent_accuracy": (intents, sums[:, 1] / n, n),
        "slot_f1": (total.f1, metrics.f1_of_sums(sums[:, 4:]), with_slots),
        "guide_intent_accuracy": (guide_intents, sums[:, 2] / n, n),
        "guide_parameter_accuracy": (guide_parameters, sums[:, 3] / n, n),
    }
    return {
        **{key: share for key, (share, _, _) in measured.items()},
        "slot_precision": total.precision,
        "slot_recall": total.recall,
        "slots": total.wanted,
        "confidence_intervals": {
            key: None if share is None else list(metrics.share_interval(share, samples, of))
            for key, (share, samples, of) in measured.items()
        },
    }


def guide_against_exact(
    cases: Sequence[Case], crashes: int, contract: Contract, own_text: bool
) -> dict[str, Any]:
    """Where the guide's arithmetic and exact match disagree about the very same text, and why.

    `own_text`: it judged what the model writes without constraints, not the answer.
    """
    flattered = slighted = unparsed = intents = 0
    reasons: Counter[str] = Counter()
    for case in cases:
        text, right = case.prediction.guide_text, case.prediction.guide_parameters
        try:
            calls = contract.read_calls(contract.catalog.name_arguments(parse_calls(text)))
        except CallSyntaxError:
            calls = ()
            unparsed += 1
        exact = same_answer(calls, case.gold)
        intents += case.prediction.guide_intent and not metrics.same_intents(calls, case.gold)
        if right == exact:
            continue
        flattered += right
        slighted += exact
        reasons[metrics.guide_reason(case.example.output, text)] += 1
    return {
        "judged": "unconstrained text" if own_text else "answer",
        "right_but_not_exact": flattered,
        "wrong_but_exact": slighted,
        "disagree": flattered + slighted,
        "intents_right_but_not_all": intents,
        "reasons": dict(reasons.most_common()),
        "crashes": crashes,
        "unparsed": unparsed,
    }


def details(cases: Sequence[Case]) -> dict[str, Any]:
    """Figures by number of calls (0: out of scope), by intent, by parameter; the confusions."""
    by_calls: dict[int, list[bool]] = {}
    for case in cases:
        n = 0 if case.prediction.out_of_scope else len(case.gold)
        by_calls.setdefault(n, []).append(case.prediction.exact)
    pairs = [p for case in cases for p in metrics.paired_intents(case.answered, case.gold)]
    intents = metrics.intent_counts(pairs)
    parameters = metrics.parameter_counts((case.answered, case.gold) for case in cases)
    labels = [*intents, *([metrics.NO_CALL] if any(metrics.NO_CALL in p for p in pairs) else [])]
    at = {name: k for k, name in enumerate(labels)}
    cells = Counter((at[gold], at[answered]) for gold, answered in pairs)
    return {
        "by_calls": {
            str(n): {"examples": len(flags), "exact_match": sum(flags) / len(flags)}
            for n, flags in sorted(by_calls.items())
        },
        "per_intent": [{"intent": name, **_count_json(c)} for name, c in intents.items()],
        "per_parameter": [
            {"intent": intent, "parameter": parameter, **_count_json(c)}
            for (intent, parameter), c in parameters.items()
        ],
        "confusion": {"labels": labels, "cells": [[*at, n] for at, n in sorted(cells.items())]},
    }


def _count_json(counts: metrics.Counts) -> dict[str, float | int | None]:
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "support": counts.wanted,
        "answered": counts.given,
    }


def break_down(
    cases: Sequence[Case], fields: Sequence[str], seed: int
) -> dict[str, list[dict[str, Any]]]:
    """Of each field, the figures of each of its groups: numbers of calls in their order, other
    groups by size. Exact match has its 95 % interval.
    """
    out = {}
    for name in fields:
        members: dict[str, list[Case]] = {}
        for case in cases:
            members.setdefault(case.prediction.groups[name], []).append(case)
        if name == "calls":
            order = sorted(members, key=lambda v: -1 if v == OUTSIDE else int(v))
        else:
            order = sorted(members, key=lambda v: (-len(members[v]), v))
        if len(order) > MOST_GROUPS:
            rest = order[MOST_GROUPS - 1 :]
            order = order[: MOST_GROUPS - 1]
            merged = f"(the other {len(rest):,} values)"
            members[merged] = [case for value in rest for case in members[value]]
            order.append(merged)
        out[name] = [_group(value, members[value], seed) for value in order]
    return out


def _group(value: str, cases: Sequence[Case], seed: int) -> dict[str, Any]:
    n = len(cases)
    judged = [case.prediction for case in cases]
    exact = np.array([p.exact for p in judged], dtype=np.float64)
    share = float(exact.mean())
    samples = metrics.resampled_sums(exact, seed=seed)[:, 0] / n
    slots = sum((metrics.slot_counts(c.answered, c.gold) for c in cases), metrics.Counts())
    return {
        "value": value,
        "examples": n,
        "exact_match": share,
        "interval": list(metrics.share_interval(share, samples, n)),
        "intent_accuracy": sum(p.intents_right for p in judged) / n,
        "slot_f1": slots.f1,
        "coverage": sum(p.accepted for p in judged) / n,
    }


def errors(cases: Sequence[Case]) -> dict[str, Any]:
    """What the wrong answers are; the most surely given ones in full, the accepted ones first."""
    wrong = worst_first([case.prediction for case in cases])
    kinds = Counter(p.what for p in wrong)
    kept = ("instruction", "gold", "answer", "confidence", "accepted", "place", "what")
    return {
        "error_kinds": dict(kinds.most_common()),
        "errors": [{key: getattr(p, key) for key in kept} for p in wrong[:SHOWN_ERRORS]],
    }


def worst_first(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The wrong answers: the most surely given ones first, none() last, as it is never accepted."""
    wrong = [p for p in predictions if not p.exact]
    return sorted(wrong, key=lambda p: (-p.gate, -p.confidence))


def _what_differs(answer: Sequence[Call], gold: Sequence[Call]) -> str:
    """The kind of error in a few words."""
    if NONE in gold:
        return "out of scope, but answered"
    if NONE in answer:
        return "in scope, but none()"
    if len(answer) != len(gold):
        return "too few calls" if len(answer) < len(gold) else "too many calls"
    if not metrics.same_intents(answer, gold):
        return "wrong intent"
    return "wrong arguments"


def validity(cases: Sequence[Case], catalog: Catalog) -> dict[str, Any]:
    """Answers that the catalog forbids; and gold answers that it forbids, never to be right; and
    utterances of which not all was read."""
    return {
        "truncated": sum(c.answer.truncated for c in cases),
        "invalid_answers": sum(
            bool(catalog.violations(c.answer.calls, c.answer.utterance)) for c in cases
        ),
        "gold_outside_catalog": sum(bool(catalog.violations(c.gold)) for c in cases),
    }


# ---------------------------------------------------------------- sure and unsure


def confidence(cases: Sequence[Case], calibrated: bool) -> dict[str, Any]:
    """How far the confidence can be trusted; without a calibration there is none to measure."""
    sure = [c.answer.confidence for c in cases]
    right = [c.prediction.exact for c in cases]
    outside = [c.prediction.out_of_scope for c in cases]
    scores = [c.answer.out_of_scope for c in cases]
    if calibrated and not any(scores):
        # A kind without a notion of scope is judged by how unsure it is.
        scores = [1.0 - s for s in sure]
    figures: dict[str, Any] = {"auroc": auroc(scores, outside) if any(scores) else None}
    if not calibrated:
        unmeasured = ("ece", "ece_adaptive", "brier", "auroc_correct", "aurc", "mean_confidence")
        return {**figures, **dict.fromkeys(unmeasured), "calibration_bins": [], "risk_coverage": []}
    # none() is never accepted, at any threshold: the curve ends where all other answers are.
    curve = [p for p in risk_coverage([c.prediction.gate for c in cases], right) if p.threshold > 0]
    return {
        **figures,
        "ece": ece(sure, right),
        "ece_adaptive": ece(sure, right, adaptive=True),
        "brier": brier(sure, right),
        "auroc_correct": auroc(sure, right),
        "aurc": area_under_risk_coverage(sure, right),
        "mean_confidence": float(np.mean(sure)),
        "calibration_bins": [asdict(b) for b in calibration_bins(sure, right)],
        "risk_coverage": [asdict(p) for p in _thin(curve)],
    }


def acceptance(cases: Sequence[Case], contract: Contract) -> dict[str, Any]:
    """What the gate lets through at the contract's threshold."""
    judged = [c.prediction for c in cases]
    found = metrics.refusals(
        [p.accepted for p in judged],
        [p.exact for p in judged],
        [p.out_of_scope for p in judged],
        [p.intents_right for p in judged],
    )
    inside = [p.intents_right for p in judged if not p.out_of_scope]
    return {
        "threshold": contract.threshold,
        "calibrated": contract.calibration is not None,
        "stated_false_accept_rate": contract.false_accept_rate,
        "out_of_scope": len(judged) - len(inside),
        **asdict(found),
        "in_scope_intent_accuracy": sum(inside) / len(inside) if inside else None,
    }


def decision(cases: Sequence[Case], contract: Contract) -> dict[str, Any]:
    """What acting from the contract's threshold on is worth here, and what the best one would be.

    By the run's rule; runs of before have none, and count a wrong act as one needless refusal.
    `best_threshold` is None where acting on nothing is best. Without a calibration there is no
    other threshold to look at: the best is not measured.
    """
    rule = contract.rule or Rule(false_accept_rate=contract.false_accept_rate or 0.0)
    judged = [c.prediction for c in cases]
    right = sum(p.accepted and p.exact for p in judged)
    wrong = sum(p.accepted and not p.exact for p in judged)
    found: dict[str, Any] = {
        **asdict(rule),
        "rule": rule.summary if contract.rule else None,
        "threshold": contract.threshold,
        "utility": 100 * utility(right, wrong, rule) / len(judged),
        "best_threshold": None,
        "best_utility": None,
        "curve": [],
    }
    if contract.calibration is None:
        return found
    sure, exact = [p.gate for p in judged], [p.exact for p in judged]
    curve = utility_curve(sure, exact, rule)
    best = best_point(curve)
    return {
        **found,
        "best_threshold": best.threshold if best.threshold <= 1 else None,
        "best_utility": best.utility,
        "curve": [asdict(p) for p in _thin(curve, best)],
    }


def _thin(curve: Sequence[Point], kept: Point | None = None) -> list[Point]:
    """About `CURVE_POINTS` of a curve's points, the last and the one to be kept among them."""
    step = max(1, -(-len(curve) // CURVE_POINTS))
    last = len(curve) - 1
    return [p for k, p in enumerate(curve) if k % step == 0 or k == last or p == kept]
