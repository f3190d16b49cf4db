"""The report of one recognizer on one set of examples: measured once, shown three ways.

`evaluate` asks the recognizer and does the arithmetic; a `Report` is plain values, shown as a
table in the terminal, as JSON for scripts, and as one HTML page that needs nothing beside it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maksud.calls import NONE, Call, parse_calls, same_answer
from maksud.confidence import (
    area_under_risk_coverage,
    auroc,
    brier,
    calibration_bins,
    ece,
    risk_coverage,
)
from maksud.dataset import Dataset, Example
from maksud.errors import CallSyntaxError, DataError, EngineError, SystemFault
from maksud.evaluation import metrics
from maksud.recognition import OnProgress, Progress, Recognition, Recognizer

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_ERRORS = 50
"""Wrong answers in the report; all of them stand in `predictions.jsonl`."""
CURVE_POINTS = 200
"""Points of the risk-coverage curve that are kept."""
HEADLINE = (
    ("exact_match", "exact match"),
    ("intent_accuracy", "intent accuracy"),
    ("slot_f1", "slot F1"),
    ("guide_intent_accuracy", "guide: intents"),
    ("guide_parameter_accuracy", "guide: parameters"),
)
"""The figures with an interval, and what they are called."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One example, its answer, and how it was judged."""

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
        """A JSON-able mapping: a line of `predictions.jsonl`."""
        return {
            "instruction": self.instruction,
            "gold": self.gold,
            "answer": self.answer,
            "confidence": round(self.confidence, 6),
            "accepted": self.accepted,
            "exact": self.exact,
            "intents_right": self.intents_right,
            "out_of_scope": self.out_of_scope,
            "guide_text": self.guide_text,
            "guide_intent": self.guide_intent,
            "guide_parameters": self.guide_parameters,
            "place": self.place,
        }


@dataclass(frozen=True)
class Report:
    """What an evaluation found: `figures` (the keys of the JSON) and every prediction."""

    figures: dict[str, Any]
    predictions: tuple[Prediction, ...] = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        return self.figures[key]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {_percent(self[key])}" for key, name in HEADLINE)
        return f"Report({self['model']}: {self['examples']:,} examples, {shown})"

    @property
    def exact_match(self) -> float:
        """Share of the utterances whose whole answer is right, in [0, 1]."""
        return float(self["exact_match"])

    @property
    def intent_accuracy(self) -> float:
        """Share of the utterances whose sequence of intents is right, in [0, 1]."""
        return float(self["intent_accuracy"])

    @property
    def slot_f1(self) -> float:
        """Micro F1 over arguments, in [0, 1]; see `metrics.slot_counts`."""
        return float(self["slot_f1"])

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping of all figures, without the predictions."""
        return dict(self.figures)

    def write(self, directory: str | Path) -> Path:
        """Writes `report.json`, `report.html` and `predictions.jsonl`; returns the directory.

        Each file is replaced whole. Raises `SystemFault` where the place can't be written.
        """
        from maksud.evaluation.page import render

        directory = Path(directory)
        lines = (json.dumps(p.to_json(), ensure_ascii=False) for p in self.predictions)
        files = {
            "report.json": json.dumps(self.figures, ensure_ascii=False, indent=1, allow_nan=False)
            + "\n",
            "predictions.jsonl": "".join(line + "\n" for line in lines),
            "report.html": render(self),
        }
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                staged = directory / f".{name}.new"
                staged.write_text(text, encoding="utf-8", errors="backslashreplace")
                staged.replace(directory / name)
        except OSError as error:
            raise SystemFault(
                f"can't be written ({error.strerror})",
                where=str(directory),
                hint="Choose another --out",
            ) from error
        return directory

    def table(self) -> RenderableType:
        """The figures as a table for `rich` to print."""
        from maksud.evaluation.terminal import report_table

        return report_table(self)


def evaluate(
    recognizer: Recognizer,
    examples: Sequence[Example],
    *,
    batch_size: int = 32,
    latency_sample: int = 100,
    unconstrained: bool = True,
    skip_invalid: bool = False,
    seed: int = 0,
    progress: OnProgress | None = None,
) -> Report:
    """Asks the recognizer every utterance and measures its answers.

    Exact match, intents and slots judge the best answer, whether or not it is accepted;
    coverage, out-of-scope figures and `accuracy_accepted` judge the gate. The guide's figures
    judge `recognizer.unconstrained` (a second pass; not with `unconstrained=False`) where there
    is such a thing, else the answer's text. Latency is wall time of single requests, on
    `latency_sample` utterances spread over the data. `seed` draws the bootstrap intervals.

    Raises `DataError` for no examples, or for a gold output that can't be parsed; with
    `skip_invalid` those are left out and counted (`skipped`).
    """
    started = time.perf_counter()
    tell = progress or _silence
    kept, gold, skipped = _gold(recognizer, examples, skip_invalid)
    utterances = [e.instruction for e in kept]
    answers = _ask(recognizer, utterances, batch_size, tell)
    answered = time.perf_counter() - started
    texts = _guide_texts(recognizer, utterances, answers, batch_size, tell, unconstrained)
    guide = metrics.guide_scores([e.output for e in kept], texts or [a.text for a in answers])
    latency = _latency(recognizer, utterances, latency_sample, tell)
    render = recognizer.contract.catalog.render
    predictions = tuple(
        Prediction(
            instruction=example.instruction,
            gold=render(calls),
            answer=answer.text,
            confidence=answer.confidence,
            accepted=answer.accepted,
            exact=same_answer(answer.calls, calls),
            intents_right=metrics.same_intents(answer.calls, calls),
            out_of_scope=NONE in calls,
            guide_text=texts[k] if texts else answer.text,
            guide_intent=guide.intent[k],
            guide_parameters=guide.parameters[k],
            place=example.place,
        )
        for k, (example, calls, answer) in enumerate(zip(kept, gold, answers, strict=True))
    )
    figures: dict[str, Any] = {
        "examples": len(kept),
        "skipped": skipped,
        **_headline(predictions, gold, answers, seed),
        "guide": _guide_about(predictions, gold, guide, recognizer, texts is not None),
        **_confidence_figures(predictions, answers),
        **_acceptance(predictions, recognizer),
        "latency_ms": latency,
        "batch_examples_per_second": len(kept) / max(answered, 1e-9),
        **_validity(recognizer, gold, answers),
        **_details(predictions, gold, answers),
        "errors": _worst(predictions, gold, answers),
        "model": recognizer.name,
        "kind": recognizer.kind,
        "contract": recognizer.contract.id,
        "data": {
            "fingerprint": Dataset(kept).fingerprint,
            "sources": sorted({e.source for e in kept if e.source})[:20],
        },
        "seconds": time.perf_counter() - started,
        "maksud": _version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Report(_rounded(figures), predictions)


# ---------------------------------------------------------------- asking


def _gold(
    recognizer: Recognizer, examples: Sequence[Example], skip_invalid: bool
) -> tuple[list[Example], list[tuple[Call, ...]], int]:
    kept, gold, bad = [], [], []
    for example in examples:
        try:
            calls = example.calls
        except CallSyntaxError as error:
            bad.append(error)
            continue
        kept.append(example)
        gold.append(recognizer.contract.catalog.named(calls))
    if bad and not skip_invalid:
        more = f" ({len(bad) - 1:,} more like it)" if len(bad) > 1 else ""
        raise DataError(
            f"gold {bad[0].message}{more}",
            where=bad[0].where,
            hint="Mend the data (`maksud check` lists all), or evaluate with skip_invalid",
        ) from bad[0]
    if not kept:
        raise DataError("there are no examples to evaluate on", hint="Give a file with examples")
    return kept, gold, len(bad)


def _ask(
    recognizer: Recognizer, utterances: list[str], batch_size: int, tell: OnProgress
) -> list[Recognition]:
    answers: list[Recognition] = []
    for at in range(0, len(utterances), batch_size):
        part = utterances[at : at + batch_size]
        got = recognizer.recognize(part)
        if len(got) != len(part):
            raise EngineError(f"{recognizer.name}: {len(got)} answers to {len(part)} utterances")
        answers += got
        done = len(answers)
        tell(Progress("evaluate", done / len(utterances), f"{done:,} of {len(utterances):,}"))
    return answers


def _guide_texts(
    recognizer: Recognizer,
    utterances: list[str],
    answers: list[Recognition],
    batch_size: int,
    tell: OnProgress,
    wanted: bool,
) -> list[str] | None:
    """What the model writes without constraints, or None where there is no such thing."""
    texts: list[str] = []
    if not wanted:
        return None
    for at in range(0, len(utterances), batch_size):
        part = recognizer.unconstrained(utterances[at : at + batch_size])
        if part is None:
            return None
        texts += part
        done = len(texts)
        tell(Progress("guide", done / len(utterances), f"{done:,} of {len(utterances):,}"))
    if len(texts) != len(answers):
        raise EngineError(f"{recognizer.name}: {len(texts)} texts to {len(answers)} utterances")
    return texts


def _latency(
    recognizer: Recognizer, utterances: list[str], sample: int, tell: OnProgress
) -> dict[str, float | int | None]:
    """Milliseconds of wall time per single request, after a warm-up."""
    many = min(sample, len(utterances))
    if many <= 0:
        return {"p50": None, "p99": None, "mean": None, "examples": 0}
    chosen = [utterances[k * len(utterances) // many] for k in range(many)]
    for utterance in chosen[:3]:
        recognizer(utterance)
    times = []
    for k, utterance in enumerate(chosen):
        begun = time.perf_counter()
        recognizer(utterance)
        times.append((time.perf_counter() - begun) * 1000)
        tell(Progress("latency", (k + 1) / many, f"{k + 1} of {many}"))
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "mean": float(np.mean(times)), "examples": many}


def _silence(progress: Progress) -> None:
    """Nobody asked."""


# ---------------------------------------------------------------- figures


def _headline(
    predictions: Sequence[Prediction],
    gold: list[tuple[Call, ...]],
    answers: list[Recognition],
    seed: int,
) -> dict[str, Any]:
    slots = [metrics.slot_counts(a.calls, g) for a, g in zip(answers, gold, strict=True)]
    total = sum(slots, metrics.Counts())
    flags = np.array(
        [
            [
                p.exact,
                p.intents_right,
                p.guide_intent,
                p.guide_parameters,
                s.hits,
                s.given,
                s.wanted,
            ]
            for p, s in zip(predictions, slots, strict=True)
        ],
        dtype=np.float64,
    )
    exact, intents, guide_intents, guide_parameters = flags[:, :4].mean(axis=0)
    sums = metrics.resampled_sums(flags, seed=seed)
    means = sums[:, :4] / len(predictions)
    samples = {
        "exact_match": means[:, 0],
        "intent_accuracy": means[:, 1],
        "slot_f1": metrics.f1_of_sums(sums[:, 4:]),
        "guide_intent_accuracy": means[:, 2],
        "guide_parameter_accuracy": means[:, 3],
    }
    return {
        "exact_match": float(exact),
        "intent_accuracy": float(intents),
        "slot_f1": total.f1,
        "slot_precision": total.precision,
        "slot_recall": total.recall,
        "slots": total.wanted,
        "guide_intent_accuracy": float(guide_intents),
        "guide_parameter_accuracy": float(guide_parameters),
        "confidence_intervals": {
            key: list(metrics.interval(values)) for key, values in samples.items()
        },
    }


def _guide_about(
    predictions: Sequence[Prediction],
    gold: list[tuple[Call, ...]],
    guide: metrics.GuideScores,
    recognizer: Recognizer,
    own_text: bool,
) -> dict[str, Any]:
    """Where the guide's arithmetic and exact match disagree about the very same text."""
    flattered = slighted = unparsed = 0
    named = recognizer.contract.catalog.named
    for p, calls in zip(predictions, gold, strict=True):
        try:
            exact = same_answer(named(parse_calls(p.guide_text)), calls)
        except CallSyntaxError:
            exact = False
            unparsed += 1
        flattered += p.guide_parameters and not exact
        slighted += exact and not p.guide_parameters
    return {
        "judged": "unconstrained text" if own_text else "answer",
        "right_but_not_exact": flattered,
        "wrong_but_exact": slighted,
        "disagree": flattered + slighted,
        "crashes": guide.crashes,
        "unparsed": unparsed,
    }


def _confidence_figures(
    predictions: Sequence[Prediction], answers: list[Recognition]
) -> dict[str, Any]:
    sure = [p.confidence for p in predictions]
    right = [p.exact for p in predictions]
    outside = [p.out_of_scope for p in predictions]
    # A kind without a notion of scope is judged by how unsure it is.
    scores = [a.out_of_scope for a in answers]
    if not any(scores):
        scores = [1.0 - c for c in sure]
    # none() is never accepted, at any threshold: the curve ends where all other answers are.
    gate = [(_gate(a), p.exact) for a, p in zip(answers, predictions, strict=True)]
    curve = [
        point
        for point in risk_coverage([g for g, _ in gate], [e for _, e in gate])
        if point.threshold > 0
    ]
    step = max(1, -(-len(curve) // CURVE_POINTS))
    thinned = [p for k, p in enumerate(curve) if k % step == 0 or k == len(curve) - 1]
    return {
        "ece": ece(sure, right),
        "ece_adaptive": ece(sure, right, adaptive=True),
        "brier": brier(sure, right),
        "auroc": auroc(scores, outside),
        "auroc_correct": auroc(sure, right),
        "aurc": area_under_risk_coverage(sure, right),
        "mean_confidence": float(np.mean(sure)),
        "calibration_bins": [
            {
                "low": b.low,
                "high": b.high,
                "count": b.count,
                "confidence": b.confidence,
                "accuracy": b.accuracy,
            }
            for b in calibration_bins(sure, right)
        ],
        "risk_coverage": [
            {"threshold": p.threshold, "coverage": p.coverage, "risk": p.risk} for p in thinned
        ],
    }


def _gate(answer: Recognition) -> float:
    return 0.0 if NONE in answer.calls else answer.confidence


def _acceptance(predictions: Sequence[Prediction], recognizer: Recognizer) -> dict[str, Any]:
    r = metrics.refusals(
        [p.accepted for p in predictions],
        [p.exact for p in predictions],
        [p.out_of_scope for p in predictions],
        [p.intents_right for p in predictions],
    )
    contract = recognizer.contract
    return {
        "threshold": contract.threshold,
        "calibrated": contract.calibration is not None,
        "stated_false_accept_rate": contract.false_accept_rate,
        "out_of_scope": sum(p.out_of_scope for p in predictions),
        "coverage": r.coverage,
        "coverage_in_scope": r.coverage_in_scope,
        "accuracy_accepted": r.accuracy_accepted,
        "oos_recall": r.oos_recall,
        "oos_precision": r.oos_precision,
        "false_accept_rate": r.false_accept_rate,
        "wrong_intent_accept_rate": r.wrong_intent_accept_rate,
        "in_scope_intent_accuracy": _in_scope(predictions),
    }


def _in_scope(predictions: Sequence[Prediction]) -> float | None:
    inside = [p.intents_right for p in predictions if not p.out_of_scope]
    return sum(inside) / len(inside) if inside else None


def _validity(
    recognizer: Recognizer, gold: list[tuple[Call, ...]], answers: list[Recognition]
) -> dict[str, Any]:
    """Answers that the catalog forbids; and gold answers that it forbids, never to be right."""
    catalog = recognizer.contract.catalog
    return {
        "invalid_answers": sum(bool(catalog.violations(a.calls, a.utterance)) for a in answers),
        "gold_outside_catalog": sum(bool(catalog.violations(g)) for g in gold),
    }


def _details(
    predictions: Sequence[Prediction],
    gold: list[tuple[Call, ...]],
    answers: list[Recognition],
) -> dict[str, Any]:
    by_calls: dict[int, list[bool]] = {}
    for p, calls in zip(predictions, gold, strict=True):
        by_calls.setdefault(len(calls), []).append(p.exact)
    pairs = [
        pair
        for a, g in zip(answers, gold, strict=True)
        for pair in metrics.paired_intents(a.calls, g)
    ]
    intents = metrics.intent_counts(pairs)
    parameters = metrics.parameter_counts((a.calls, g) for a, g in zip(answers, gold, strict=True))
    labels = [*intents, *([metrics.NO_CALL] if any(metrics.NO_CALL in p for p in pairs) else [])]
    at = {name: k for k, name in enumerate(labels)}
    cells = Counter((at[g], at[a]) for g, a in pairs)
    return {
        "by_calls": {
            str(n): {"examples": len(flags), "exact_match": sum(flags) / len(flags)}
            for n, flags in sorted(by_calls.items())
        },
        "per_intent": [{"intent": name, **_prf(c)} for name, c in intents.items()],
        "per_parameter": [
            {"intent": intent, "parameter": parameter, **_prf(c)}
            for (intent, parameter), c in parameters.items()
        ],
        "confusion": {
            "labels": labels,
            "cells": [[g, a, n] for (g, a), n in sorted(cells.items())],
        },
    }


def _prf(counts: metrics.Counts) -> dict[str, float | int]:
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "support": counts.wanted,
        "answered": counts.given,
    }


def _worst(
    predictions: Sequence[Prediction],
    gold: list[tuple[Call, ...]],
    answers: list[Recognition],
) -> list[dict[str, Any]]:
    """The wrong answers that were given most surely, the accepted ones first."""
    wrong = [k for k, p in enumerate(predictions) if not p.exact]
    wrong.sort(key=lambda k: (-_gate(answers[k]), -predictions[k].confidence, k))
    return [
        {
            "instruction": predictions[k].instruction,
            "gold": predictions[k].gold,
            "answer": predictions[k].answer,
            "confidence": predictions[k].confidence,
            "accepted": predictions[k].accepted,
            "what": _what_differs(answers[k].calls, gold[k]),
            "place": predictions[k].place,
        }
        for k in wrong[:SHOWN_ERRORS]
    ]


def _what_differs(answer: Sequence[Call], gold: Sequence[Call]) -> str:
    """The kind of error in a few words."""
    if NONE in gold:
        return "out of scope, but answered"
    if NONE in answer:
        return "in scope, but none()"
    if len(answer) != len(gold):
        return f"{len(answer)} calls instead of {len(gold)}"
    if not metrics.same_intents(answer, gold):
        return "wrong intent"
    return "wrong arguments"


# ---------------------------------------------------------------- small things


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _rounded(value: Any) -> Any:
    """Floats of a nested value to six places: more would be noise in a file that people read."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return value


def _version() -> str:
    from importlib import metadata as installed

    try:
        return installed.version("maksud")
    except installed.PackageNotFoundError:
        return "unknown"
