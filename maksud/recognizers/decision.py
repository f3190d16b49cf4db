"""Acting is a decision: the threshold of confidence under which an answer is refused.

It is the lowest at which a stated share, at most, of held-out answers that must be refused is
accepted. The module knows nothing of models: numbers in, numbers out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.errors import InputError
from maksud.recognizers.measures import Floats, as_pair

FEW_TO_REFUSE = 10
"""Fewer out-of-scope utterances than this can't carry a threshold."""
DEFAULT_THRESHOLD = 0.5
"""Threshold where nothing was held out that must be refused: surer of right than of wrong."""


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, and what it was chosen on.

    `accepted_wrongly` of `must_refuse` held-out answers are accepted at the threshold: the
    share `observed`. `upper_bound` is the 95 % one-sided bound on the true share (Clopper and
    Pearson 1934): how far so few can be trusted. `coverage` is the share of in-scope utterances
    whose answer is accepted.
    """

    threshold: float
    false_accept_rate: float
    chosen_on: str
    must_refuse: int
    accepted_wrongly: int
    observed: float | None
    upper_bound: float | None
    coverage: float | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "threshold": self.threshold,
            "false_accept_rate": self.false_accept_rate,
            "chosen_on": self.chosen_on,
            "must_refuse": self.must_refuse,
            "accepted_wrongly": self.accepted_wrongly,
            "observed": self.observed,
            "upper_bound": self.upper_bound,
            "coverage": self.coverage,
            "note": self.note,
        }


def choose_threshold(
    confidence: Sequence[float],
    *,
    out_of_scope: Sequence[bool],
    wrong_intent: Sequence[bool],
    false_accept_rate: float = 0.05,
) -> ThresholdChoice:
    """The smallest threshold that accepts at most `false_accept_rate` of what must be refused.

    `confidence`: of each held-out answer, [N], with 0 for `none()`, which is never accepted.
    `out_of_scope`: whether the utterance is out of scope; these must be refused. Where there are
    fewer than `FEW_TO_REFUSE` of them, answers with wrong intents (`wrong_intent`) stand in for
    them; where there are none of those either, the threshold is `DEFAULT_THRESHOLD`.
    Raises `InputError` for a rate outside (0, 1) or lists of unequal length.
    """
    if not 0 < false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate {false_accept_rate}", hint="Use a share between 0 and 1"
        )
    values, outside = as_pair(confidence, out_of_scope)
    values, wrong = as_pair(values, wrong_intent)
    on, must_refuse, name = outside, int(outside.sum()), "out_of_scope"
    notes = []
    if must_refuse < FEW_TO_REFUSE:
        notes.append(
            f"only {must_refuse} out-of-scope utterances were held out: the threshold is chosen "
            "on answers with wrong intents"
        )
        on = np.maximum(wrong, outside)
        must_refuse, name = int(on.sum()), "wrong_intent"
    if not must_refuse:
        threshold, wrongly, name = DEFAULT_THRESHOLD, 0, "nothing"
        notes = ["nothing that must be refused was held out: the threshold is a default"]
        observed = bound = None
    else:
        refused = np.sort(values[on > 0])[::-1]
        allowed = int(false_accept_rate * must_refuse + 1e-9)
        threshold = _just_above(float(refused[allowed]), values)
        wrongly = int((refused >= threshold).sum())
        observed = wrongly / must_refuse
        bound = _upper_bound(wrongly, must_refuse)
        if bound > false_accept_rate:
            notes.append(
                f"{must_refuse} held-out answers to refuse show {observed:.1%} accepted; with so "
                f"many the true rate may be up to {bound:.1%} (95 %)"
            )
        if threshold > 1:
            notes.append("an answer to refuse has confidence 1: no answer is accepted")
    inside = values[outside < 1]
    return ThresholdChoice(
        threshold=threshold,
        false_accept_rate=false_accept_rate,
        chosen_on=name,
        must_refuse=must_refuse,
        accepted_wrongly=wrongly,
        observed=observed,
        upper_bound=bound,
        coverage=float((inside >= threshold).mean()) if inside.size else None,
        note="; ".join(notes),
    )


def _just_above(value: float, values: Floats) -> float:
    """The smallest threshold above `value`; rounded up where that changes no held-out answer.

    A round figure leaves a margin for the last digits, in which a batch differs from a single
    request.
    """
    exact = math.nextafter(value, math.inf)
    higher = values[values > value]
    roof = float(higher.min()) if higher.size else math.inf
    for digits in (4, 6, 8):
        rounded = round(math.ceil(exact * 10**digits) / 10**digits, digits)
        if value < rounded <= roof:
            return rounded
    return exact


def _upper_bound(k: int, n: int, level: float = 0.95) -> float:
    """One-sided Clopper-Pearson bound: the share at which `k` or fewer of `n` has 5 %."""
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        logs = [
            math.lgamma(n + 1)
            - math.lgamma(j + 1)
            - math.lgamma(n - j + 1)
            + j * math.log(middle)
            + (n - j) * math.log1p(-middle)
            for j in range(k + 1)
        ]
        top = max(logs)
        tail = math.exp(top) * sum(math.exp(v - top) for v in logs)
        low, high = (middle, high) if tail > 1 - level else (low, middle)
    return high
