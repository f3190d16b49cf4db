"""From answers to the figures of a report: JSON-able values, each measured or None.

`judge` puts each answer beside its gold; the other functions count. A figure is None where
there was nothing to count, or nothing that measures it, never 0. Nothing here asks a recognizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maksud.data.dataset import Example
from maksud.errors import CallSyntaxError
from maksud.evaluation import metrics
from maksud.language.calls import NONE, Call, parse_calls, same_answer
from maksud.language.catalog import Catalog
from maksud.recognizers.contract import Contract
from maksud.recognizers.measures import (
    area_under_risk_coverage,
    auroc,
    brier,
    calibration_bins,
    ece,
    risk_coverage,
)
from maksud.recognizers.recognition import Recognition

SHOWN_ERRORS = 50
"""Wrong answers in the report; all of them stand in `predictions.jsonl`."""
CURVE_POINTS = 200
"""Points of the risk-coverage curve that are kept."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One example, its answer, and how it was judged: a line of `predictions.jsonl`."""

    instruction: str
    gold: str
    """The gold answer in the catalog's style."""
    answer: str
    """The recognizer's best answer in the catalog's style, accepted or not."""
    confidence: float
    accepted: bool
    exact: bool
    intents_right: bool
    out_of_scope: bool
    guide_text: str
    """What the guide's arithmetic judged: the model's own text, without constraints, where it
    has one."""
    guide_intent: bool
    guide_parameters: bool
    place: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {**asdict(self), "confidence": round(self.confidence, 6)}


@dataclass(frozen=True, slots=True)
class Case:
    """All about one example: what was wanted, what was answered, what was made of it."""

    example: Example
    gold: tuple[Call, ...]
    """Its calls, with named arguments."""
    answer: Recognition
    prediction: Prediction

    @property
    def gate(self) -> float:
        """What the threshold is compared with: `none()` is never accepted, however sure."""
        return 0.0 if NONE in self.answer.calls else self.answer.confidence


def judge(
    examples: Sequence[Example],
    gold: Sequence[tuple[Call, ...]],
    answers: Sequence[Recognition],
    guide_texts: Sequence[str],
    guide: metrics.GuideScores,
    catalog: Catalog,
) -> list[Case]:
    """A case of each example; all lists are of one length, `gold` with named arguments."""
    cases = []
    for k, (example, calls, answer) in enumerate(zip(examples, gold, answers, strict=True)):
        prediction = Prediction(
            instruction=example.instruction,
            gold=catalog.render(calls),
            answer=answer.text,
            confidence=answer.confidence,
            accepted=answer.accepted,
            exact=same_answer(answer.calls, calls),
            intents_right=metrics.same_intents(answer.calls, calls),
            out_of_scope=NONE in calls,
            guide_text=guide_texts[k],
            guide_intent=guide.intent[k],
            guide_parameters=guide.parameters[k],
            place=example.place,
        )
        cases.append(Case(example, calls, answer, prediction))
    return cases


# ---------------------------------------------------------------- right and wrong


def headline(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """The shares of right answers with their intervals."""
    rows = []
    total = metrics.Counts()
    for case in cases:
        p, slots = case.prediction, metrics.slot_counts(case.answer.calls, case.gold)
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
    cases: Sequence[Case], crashes: int, catalog: Catalog, own_text: bool
) -> dict[str, Any]:
    """Where the guide's arithmetic and exact match disagree about the very same text, and why.

    `own_text`: it judged what the model writes without constraints, not the answer.
    """
    flattered = slighted = unparsed = intents = 0
    reasons: Counter[str] = Counter()
    for case in cases:
        text, right = case.prediction.guide_text, case.prediction.guide_parameters
        try:
            calls = catalog.name_arguments(parse_calls(text))
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
    pairs = [p for case in cases for p in metrics.paired_intents(case.answer.calls, case.gold)]
    intents = metrics.intent_counts(pairs)
    parameters = metrics.parameter_counts((case.answer.calls, case.gold) for case in cases)
    labels = [*intents, *([metrics.NO_CALL] if any(metrics.NO_CALL in p for p in pairs) else [])]
    at = {name: k for k, name in enumerate(labels)}
    cells = Counter((at[gold], at[answered]) for gold, answered in pairs)
    return {
        "by_calls": {
            str(n): {"examples": len(flags), "exact_match": sum(flags) / len(flags)}
            for n, flags in sorted(by_calls.items())
        },
        "per_intent": [{"intent": name, **_counted(c)} for name, c in intents.items()],
        "per_parameter": [
            {"intent": intent, "parameter": parameter, **_counted(c)}
            for (intent, parameter), c in parameters.items()
        ],
        "confusion": {"labels": labels, "cells": [[*at, n] for at, n in sorted(cells.items())]},
    }


def _counted(counts: metrics.Counts) -> dict[str, float | int | None]:
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "support": counts.wanted,
        "answered": counts.given,
    }


def errors(cases: Sequence[Case]) -> dict[str, Any]:
    """What the wrong answers are; the most surely given ones in full, the accepted ones first."""
    wrong = [case for case in cases if not case.prediction.exact]
    wrong.sort(key=lambda case: (-case.gate, -case.answer.confidence))
    kinds = Counter(_what_differs(case.answer.calls, case.gold) for case in wrong)
    kept = ("instruction", "gold", "answer", "confidence", "accepted", "place")
    return {
        "error_kinds": dict(kinds.most_common()),
        "errors": [
            {key: getattr(case.prediction, key) for key in kept}
            | {"what": _what_differs(case.answer.calls, case.gold)}
            for case in wrong[:SHOWN_ERRORS]
        ],
    }


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
    """Answers that the catalog forbids; and gold answers that it forbids, never to be right."""
    return {
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
    curve = [p for p in risk_coverage([c.gate for c in cases], right) if p.threshold > 0]
    step = max(1, -(-len(curve) // CURVE_POINTS))
    thinned = [p for k, p in enumerate(curve) if k % step == 0 or k == len(curve) - 1]
    return {
        **figures,
        "ece": ece(sure, right),
        "ece_adaptive": ece(sure, right, adaptive=True),
        "brier": brier(sure, right),
        "auroc_correct": auroc(sure, right),
        "aurc": area_under_risk_coverage(sure, right),
        "mean_confidence": float(np.mean(sure)),
        "calibration_bins": [asdict(b) for b in calibration_bins(sure, right)],
        "risk_coverage": [asdict(p) for p in thinned],
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
