"""How good a confidence is: calibration error, Brier score, AUROC, the risk-coverage curve.

Calibration is judged by them when it is fitted, and a report shows them. Numbers in, numbers out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maksud.errors import InputError

Floats = NDArray[np.float64]

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of near confidence: how many, their mean confidence, the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(
    confidence: Sequence[float] | Floats,
    correct: Sequence[bool] | Floats,
    *,
    bins: int = BINS,
    adaptive: bool = False,
) -> list[Bin]:
    """The bins of a reliability diagram that hold answers, from unsure to sure.

    Equal width (Guo et al. 2017), or `adaptive`: equal numbers of answers (Nixon et al. 2019).
    """
    values, outcome = as_pair(confidence, correct)
    order = np.argsort(values, kind="stable")
    values, outcome = values[order], outcome[order]
    if adaptive:
        cuts = [round(k * values.size / bins) for k in range(1, bins)]
    else:
        cuts = [int(k) for k in np.searchsorted(values, np.arange(1, bins) / bins, "left")]
    edges = [0, *cuts, values.size]
    out = []
    for k in range(bins):
        part = slice(edges[k], edges[k + 1])
        v, c = values[part], outcome[part]
        if not v.size:
            continue
        low, high = (float(v[0]), float(v[-1])) if adaptive else (k / bins, (k + 1) / bins)
        out.append(Bin(low, high, int(v.size), float(v.mean()), float(c.mean())))
    return out


def ece(
    confidence: Sequence[float] | Floats,
    correct: Sequence[bool] | Floats,
    *,
    bins: int = BINS,
    adaptive: bool = False,
) -> float:
    """Expected calibration error, in [0, 1]: mean gap between confidence and accuracy of a bin.

    Equal-width bins (Naeini et al. 2015; Guo et al. 2017), or `adaptive` ones of equal size
    (Nixon et al. 2019). 0 for no answers.
    """
    found = calibration_bins(confidence, correct, bins=bins, adaptive=adaptive)
    total = sum(b.count for b in found)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in found) / total if total else 0.0


def brier(confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats) -> float:
    """Mean squared error of the confidence as a forecast (Brier 1950), in [0, 1]."""
    values, outcome = as_pair(confidence, correct)
    return float(np.mean((values - outcome) ** 2)) if values.size else 0.0


def auroc(score: Sequence[float] | Floats, positive: Sequence[bool] | Floats) -> float | None:
    """P(a positive scores higher than a negative), ties counted half, in [0, 1].

    The area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982). None
    where one of the two is absent.
    """
    values, outcome = as_pair(score, positive, unit=False)
    count = float(outcome.sum())
    others = outcome.size - count
    if not count or not others:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # mean rank of equal scores, from 1
    above = float(ranks[inverse.reshape(-1)][outcome > 0].sum()) - count * (count + 1) / 2
    return above / (count * others)


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """At `threshold`, the share `coverage` of answers is accepted and `risk` of them are wrong."""

    threshold: float
    coverage: float
    risk: float


def risk_coverage(
    confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats
) -> list[RiskCoverage]:
    """The risk-coverage curve (El-Yaniv and Wiener 2010), from the surest answers to all.

    One point for each distinct confidence, as a threshold can't tell equal ones apart.
    """
    values, outcome = as_pair(confidence, correct)
    if not values.size:
        return []
    order = np.argsort(-values, kind="stable")
    values, wrong = values[order], 1.0 - outcome[order]
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)
    accepted = last + 1
    risk = np.cumsum(wrong)[last] / accepted
    return [
        RiskCoverage(float(values[k]), float(a / values.size), float(r))
        for k, a, r in zip(last, accepted, risk, strict=True)
    ]


def area_under_risk_coverage(
    confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats
) -> float:
    """Mean risk over all coverages (Geifman et al. 2019), in [0, 1]; lower is better."""
    area, before = 0.0, 0.0
    for point in risk_coverage(confidence, correct):
        area += (point.coverage - before) * point.risk
        before = point.coverage
    return area


def as_pair(first: ArrayLike, second: ArrayLike, *, unit: bool = True) -> tuple[Floats, Floats]:
    """Two checked lists of one length as arrays; with `unit`, the first in [0, 1]."""
    a = np.asarray(first, dtype=np.float64).reshape(-1)
    b = np.asarray(second, dtype=np.float64).reshape(-1)
    if a.size != b.size:
        raise InputError(f"{a.size} confidences for {b.size} answers")
    if not np.isfinite(a).all() or (unit and a.size and (a.min() < 0 or a.max() > 1)):
        raise InputError("a confidence is not a number" + (" in [0, 1]" if unit else ""))
    return a, b
