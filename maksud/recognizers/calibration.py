"""Confidence as a probability: calibration on held-out answers.

A recognizer gives raw evidence for its answer (log-probabilities, margins, lengths). A logistic
regression, fitted on held-out answers, turns it into the probability that the whole answer is
right; a curve over its log-odds mends where that is too sure in one part of the scale and too
unsure in another. The module knows nothing of models: numbers in, numbers out.

A feature that is never positive is read as a log-probability: the greater, the surer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maksud.data.findings import format_count
from maksud.errors import InputError
from maksud.recognizers.measures import Floats, ece

FEW_ROWS = 20
"""Fewer held-out answers than this (or all of them right, or all wrong) can't carry a fit: the
log-probabilities among the features rank the answers around a smoothed prior."""
CLAMP = 6.0
"""Features count for at most so many standard deviations from the held-out mean."""

KNOTS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Log-odds at which the curve may bend: probabilities of .12, .27, .50, .73, .88 and .95.
Runs hold a number for each, in this order: another set of knots needs another name in the run."""
_LEAST_SPREAD = 0.5
"""Of log-probabilities that rank answers around a prior. A few sure answers lie within thousandths
of each other; by that measure nearly as sure an answer would be all but surely wrong."""

_PENALTIES = (0.3, 3.0, 30.0, 300.0)
_CURVE_PENALTIES = (3.0, 10.0, 30.0)
_CURVED_FROM = 200
"""Fewer held-out answers than this bend nothing: each part of the scale has too few."""
_FLATTEST = 0.1
"""Of the curve's slopes: a surer answer stays a surer one."""
_FOLDS = 5
_TINY = 1e-12
_HUGE = 1e100


@dataclass(frozen=True)
class Calibration:
    """Logistic regression from a recognizer's features to P(the whole answer is right).

    A feature that is listed in `log_odds` is a log-probability: it enters a second time as
    log-odds, log(p / (1 - p)), so that sure answers are told apart as well as unsure ones are.
    `mean`, `scale` and `weights` have a number for each column: the features, then those.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    features: int
    log_odds: tuple[int, ...] = ()
    examples: int = 0
    correct: int = 0
    curve: tuple[float, ...] = ()
    """What is added to log-odds x: curve[0] + curve[1] x + Σ curve[2 + k] max(0, x - KNOTS[k])."""
    ece: float | None = None
    """Expected calibration error of cross-fitted probabilities on the held-out answers."""
    note: str = ""
    _columns: tuple[tuple[int, bool, float, float, float], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        sources = [(k, False) for k in range(self.features)] + [(k, True) for k in self.log_odds]
        if not len(sources) == len(self.mean) == len(self.scale) == len(self.weights):
            raise ValueError("mean, scale and weights need a number for each column")
        if any(not 0 <= k < self.features for k in self.log_odds):
            raise ValueError("log_odds names a feature that is not there")
        if len(self.curve) not in (0, 2 + len(KNOTS)):
            raise ValueError("curve needs a number for each knot, and two")
        numbers = (*self.mean, *self.scale, *self.weights, *self.curve, self.bias)
        if not all(map(math.isfinite, numbers)) or any(s <= 0 for s in self.scale):
            raise ValueError("mean, scale, weights and bias must be finite, scale positive")
        columns = tuple(
            (k, odds, m, 1.0 / s, w)
            for (k, odds), m, s, w in zip(sources, self.mean, self.scale, self.weights, strict=True)
            if w
        )
        object.__setattr__(self, "_columns", columns)

    def probability(self, features: Sequence[float]) -> float:
        """P(the whole answer is right), in [0, 1]. Features that are not finite are clamped.

        Plain Python: it is on the path of answers that take a millisecond. Raises `InputError`
        for another number of features than the calibration was fitted on.
        """
        if len(features) != self.features:
            raise InputError(
                f"{len(features)} features, the calibration was fitted on {self.features}",
                hint="Evaluate with the recognizer that was calibrated",
            )
        logit = self.bias
        for k, odds, mean, inverse, weight in self._columns:
            x = features[k]
            z = ((_log_odds(x) if odds else x) - mean) * inverse
            if z != z:  # no number at all: neither for nor against
                continue
            logit += weight * (CLAMP if z > CLAMP else -CLAMP if z < -CLAMP else z)
        if self.curve:
            bends = zip(KNOTS, self.curve[2:], strict=True)
            bent = sum(bend * (logit - knot) for knot, bend in bends if logit > knot)
            logit += self.curve[0] + self.curve[1] * logit + bent
        return _sigmoid(logit)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping; `from_json` reads it back to an equal value."""
        return {
            "mean": list(self.mean),
            "scale": list(self.scale),
            "weights": list(self.weights),
            "bias": self.bias,
            "features": self.features,
            "log_odds": list(self.log_odds),
            "examples": self.examples,
            "correct": self.correct,
            "ece": self.ece,
            "note": self.note,
            # Runs of before there were curves have none, and their ids are of what they hold.
            **({"curve": list(self.curve)} if self.curve else {}),
        }

    @classmethod
    def from_json(cls, content: Any) -> Calibration:
        """A calibration from `to_json`; `ValueError`, `KeyError` or `TypeError` for another."""
        return cls(
            mean=tuple(float(x) for x in content["mean"]),
            scale=tuple(float(x) for x in content["scale"]),
            weights=tuple(float(x) for x in content["weights"]),
            bias=float(content["bias"]),
            features=int(content["features"]),
            log_odds=tuple(int(x) for x in content["log_odds"]),
            examples=int(content["examples"]),
            correct=int(content["correct"]),
            curve=tuple(float(x) for x in content.get("curve", ())),
            ece=None if content["ece"] is None else float(content["ece"]),
            note=str(content["note"]),
        )


def fit_calibration(features: Sequence[Sequence[float]], correct: Sequence[bool]) -> Calibration:
    """The calibration that held-out answers teach: see `cross_fit`."""
    return cross_fit(features, correct)[0]


def cross_fit(
    features: Sequence[Sequence[float]],
    correct: Sequence[bool],
    weight: Sequence[float] | None = None,
) -> tuple[Calibration, list[float]]:
    """The calibration that held-out answers teach, and cross-fitted probabilities of them, [N].

    The latter are what a decision may be judged by: each is of a fit on other rows. `weight`,
    [N]: how much each answer counts, by default 1; the `ece` of the calibration is of those that
    count 1.

    `features`: one row of raw evidence for each answer, [N][F]; `correct`: whether that whole
    answer was right, [N]. Logistic regression with L2, fitted by Newton's method on Platt's
    smoothed targets (Platt 1999). The penalty, and whether log-probabilities also enter as
    log-odds, are those of the lowest cross-fitted log loss: a row is never judged by a fit that
    saw it. So is the curve (a linear spline that is drawn towards none at all), or that there is
    none. Under `FEW_ROWS` rows, or with only one outcome, the log-probabilities rank the answers
    around a smoothed prior, and `note` says so. Raises `InputError` for no rows, or rows of
    unequal length.
    """
    rows, outcome = _table(features, correct)
    n, width = rows.shape
    counts = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    right = int(outcome.sum())
    if not width or n < FEW_ROWS or right in (0, n):
        prior = _prior_calibration(rows, right)
        return prior, [prior.probability(row) for row in rows.tolist()]
    candidates: list[tuple[int, ...]] = [()]
    as_odds = _log_probabilities(rows)
    if as_odds:
        candidates.append(as_odds)
    best: tuple[float, float, tuple[int, ...], Floats] | None = None
    for log_odds in candidates:
        columns = _with_log_odds(rows, log_odds)
        for penalty in _PENALTIES:
            held_out = _cross_fitted(columns, outcome, counts, penalty)
            loss = _log_loss(held_out, outcome, counts)
            if best is None or loss < best[0] - 1e-9:
                best = (loss, penalty, log_odds, held_out)
    assert best is not None  # there is always the plain candidate
    loss, penalty, log_odds, held_out = best
    columns = _with_log_odds(rows, log_odds)
    mean, scale = _moments(columns)
    weights, bias = _newton(_standardised(columns, mean, scale), outcome, counts, penalty)
    curve: Floats = np.zeros(0)
    if n >= _CURVED_FROM:
        curve, held_out = _choose_curve(columns, outcome, counts, penalty, held_out, loss)
    calibration = Calibration(
        mean=tuple(map(float, mean)),
        scale=tuple(map(float, scale)),
        weights=tuple(map(float, weights)),
        bias=float(bias),
        features=width,
        log_odds=log_odds,
        examples=n,
        correct=right,
        curve=tuple(map(float, curve)),
        ece=ece(held_out[counts == 1], outcome[counts == 1]),
    )
    return calibration, held_out.tolist()


# ---------------------------------------------------------------- arithmetic


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-min(x, 700.0)))
    e = math.exp(max(x, -700.0))
    return e / (1.0 + e)


def _log_odds(log_probability: float) -> float:
    """log(p / (1 - p)) of a log-probability; of 0 and above, that of nearly 1."""
    if log_probability != log_probability:
        return log_probability
    x = min(log_probability, -_TINY)
    return x - math.log(-math.expm1(x))


def _table(features: Sequence[Sequence[float]], correct: Sequence[bool]) -> tuple[Floats, Floats]:
    """Rows and outcomes as arrays; what is not finite takes the column's nearest finite value."""
    if len(features) != len(correct):
        raise InputError(f"{len(features)} rows of features for {len(correct)} answers")
    widths = {len(row) for row in features}
    if not widths:
        raise InputError("there are no answers to calibrate on", hint="Hold some examples out")
    if len(widths) > 1:
        raise InputError(f"rows of {min(widths)} to {max(widths)} features: one length is needed")
    rows = np.asarray(features, dtype=np.float64).reshape(len(features), -1)
    for k in range(rows.shape[1]):
        column = rows[:, k]
        finite = np.clip(column[np.isfinite(column)], -_HUGE, _HUGE)  # squares stay numbers
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        middle = float(np.median(finite)) if finite.size else 0.0
        column = np.nan_to_num(column, nan=middle, posinf=high, neginf=low)
        rows[:, k] = np.clip(column, -_HUGE, _HUGE)
    return rows, np.asarray(correct, dtype=np.float64)


def _with_log_odds(rows: Floats, columns: tuple[int, ...]) -> Floats:
    if not columns:
        return rows
    x = np.minimum(rows[:, list(columns)], -_TINY)
    return np.hstack([rows, x - np.log(-np.expm1(x))])


def _moments(columns: Floats) -> tuple[Floats, Floats]:
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    # A column that does not vary says nothing; a scale of 1 keeps it harmless.
    return mean, np.where(scale > 1e-9 * (1.0 + np.abs(mean)), scale, 1.0)


def _standardised(columns: Floats, mean: Floats, scale: Floats) -> Floats:
    z: Floats = np.clip((columns - mean) / scale, -CLAMP, CLAMP)
    return z


def _newton(
    z: Floats, outcome: Floats, counts: Floats, penalty: float, offset: Floats | None = None
) -> tuple[Floats, float]:
    """Weights and bias of the penalised logistic regression; the bias is not penalised.

    `offset`, [N]: log-odds that are there already, to which weights and bias add.
    """
    n, width = z.shape
    right = (outcome * counts).sum()
    wrong = counts.sum() - right
    target = np.where(outcome > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    x = np.hstack([z, np.ones((n, 1))])
    ridge = np.full(width + 1, penalty)
    ridge[-1] = 1e-6
    w = np.zeros(width + 1)
    if offset is None:
        w[-1] = math.log((right + 1) / (wrong + 1))
    given = np.zeros(n) if offset is None else offset

    def loss(w: Floats) -> float:
        logit = given + x @ w
        each = counts * (np.logaddexp(0, logit) - target * logit)
        return float(each.sum() + 0.5 * (ridge * w * w).sum())

    now = loss(w)
    for _ in range(50):
        p = _sigmoids(given + x @ w)
        gradient = x.T @ (counts * (p - target)) + ridge * w
        curvature = counts * np.maximum(p * (1 - p), 1e-9)
        step = np.linalg.solve((x.T * curvature) @ x + np.diag(ridge), gradient)
        size = 1.0
        while (after := loss(w - size * step)) > now and size > 1e-6:
            size /= 2
        if after >= now - 1e-10 * (1 + abs(now)):
            break
        w, now = w - size * step, after
    return w[:-1], float(w[-1])


def _folds(n: int) -> list[Any]:
    """For each fold, [N]: whether a row is in it."""
    fold = np.random.default_rng(0).permutation(n) % _FOLDS
    return [fold == k for k in range(_FOLDS)]


def _cross_fitted(
    columns: Floats, outcome: Floats, counts: Floats, penalty: float, without: Any = None
) -> Floats:
    """The probability of each row by a fit on the other folds; `without`: rows that none sees."""
    out = np.empty(len(outcome))
    for held in _folds(len(outcome)):
        seen = ~held if without is None else ~(held | without)
        mean, scale = _moments(columns[seen])
        z = _standardised(columns[seen], mean, scale)
        w, bias = _newton(z, outcome[seen], counts[seen], penalty)
        out[held] = _sigmoids(_standardised(columns[held], mean, scale) @ w + bias)
    return out


def _choose_curve(
    columns: Floats,
    outcome: Floats,
    counts: Floats,
    penalty: float,
    held_out: Floats,
    loss: float,
) -> tuple[Floats, Floats]:
    """The curve, empty where none has a lower cross-fitted loss, and the bent probabilities, [N].

    `held_out`, [N]: the cross-fitted probabilities without a curve, `loss` theirs. The bent ones
    are of a regression and a curve that both have not seen the row.
    """
    straight = _log_odds_of(held_out)
    folds = _folds(len(outcome))
    blind = [
        _log_odds_of(_cross_fitted(columns, outcome, counts, penalty, without=held))
        for held in folds
    ]
    best: tuple[Floats, Floats] = np.zeros(0), held_out
    for strength in _CURVE_PENALTIES:
        bent = np.empty(len(outcome))
        for held, x in zip(folds, blind, strict=True):
            curve = _fit_curve(x[~held], outcome[~held], counts[~held], strength)
            bent[held] = _sigmoids(_bend(straight[held], curve))
        curve = _fit_curve(straight, outcome, counts, strength)
        steepness = 1 + curve[1] + np.cumsum([0.0, *curve[2:]])
        now = _log_loss(bent, outcome, counts)
        if now < loss - 1e-9 and steepness.min() >= _FLATTEST:
            best, loss = (curve, bent), now
    return best


def _fit_curve(logit: Floats, outcome: Floats, counts: Floats, penalty: float) -> Floats:
    weights, bias = _newton(_spline(logit), outcome, counts, penalty, logit)
    return np.array([bias, *weights])


def _bend(logit: Floats, curve: Floats) -> Floats:
    bent: Floats = logit + curve[0] + _spline(logit) @ curve[1:]
    return bent


def _spline(logit: Floats) -> Floats:
    """The columns that a curve weighs, [N, 1 + knots]."""
    return np.stack([logit, *(np.maximum(0.0, logit - knot) for knot in KNOTS)], axis=1)


def _sigmoids(logit: Floats) -> Floats:
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(logit, -500, 500)))
    return out


def _log_odds_of(probability: Floats) -> Floats:
    p = np.clip(probability, _TINY, 1 - _TINY)
    out: Floats = np.log(p) - np.log1p(-p)
    return out


def _log_loss(probability: Floats, outcome: Floats, counts: Floats) -> float:
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    each = outcome * np.log(p) + (1 - outcome) * np.log1p(-p)
    return float(-np.average(each, weights=counts))


def _prior_calibration(rows: Floats, right: int) -> Calibration:
    """Around (right + 1) / (N + 2), ranked by the log-probabilities: what so little can carry."""
    n, width = rows.shape
    mean, scale = _moments(rows)
    varying = [k for k in range(width) if float(np.ptp(rows[:, k])) > 0]
    ranking = [k for k in _log_probabilities(rows) if k in varying]
    scale[ranking] = np.maximum(scale[ranking], _LEAST_SPREAD)
    used = ranking or varying[:1]
    what = "all of one outcome" if n >= FEW_ROWS else f"fewer than {FEW_ROWS}"
    return Calibration(
        mean=tuple(map(float, mean)),
        scale=tuple(map(float, scale)),
        weights=tuple(1.0 / len(used) if k in used else 0.0 for k in range(width)),
        bias=math.log((right + 1) / (n - right + 1)),
        features=width,
        examples=n,
        correct=right,
        note=f"{format_count(n, 'held-out answer')} ({what}): confidence is a smoothed prior, "
        "not a fit",
    )


def _log_probabilities(rows: Floats) -> tuple[int, ...]:
    """Columns that are never positive (but for rounding) and not all zero."""
    return tuple(
        k
        for k in range(rows.shape[1])
        if rows.size and rows[:, k].max() <= 1e-3 and rows[:, k].min() < 0
    )
