"""Acting is a decision: the confidence from which an answer is acted on.

Chow's rule (Chow 1970, "On optimum recognition error and reject tradeoff"): where a wrong act
costs `wrong_cost` times what a needless refusal costs, acting pays from a confidence of
wrong_cost / (1 + wrong_cost) on. Bounds can be asked for on top. Numbers in, numbers out: the
module knows nothing of models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maksud.errors import InputError
from maksud.recognizers.measures import Floats, as_pair

Flags = NDArray[np.bool_]

LEVEL = 0.95
"""How surely a bound holds, and how wide the intervals are."""
_TRIED = 200
"""Thresholds at which a bound is judged, at most."""
FEW_ACTED = 30
"""Fewer held-out acts than this say little about how many are wrong."""


@dataclass(frozen=True)
class Rule:
    """When to act. Bounds of 0 are none.

    `wrong_cost`: what a wrong act costs, in needless refusals. `max_wrong`: share of the acts
    that may be wrong. `false_accept_rate`: share of what is out of scope that may be acted on.
    """

    wrong_cost: float = 1.0
    max_wrong: float = 0.0
    false_accept_rate: float = 0.0

    def __post_init__(self) -> None:
        """Raises `InputError` for values that mean nothing."""
        if not (self.wrong_cost > 0 and math.isfinite(self.wrong_cost)):
            raise InputError(f"wrong_cost {self.wrong_cost}", hint="Use a number above 0")
        for name in ("max_wrong", "false_accept_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name} {getattr(self, name)}", hint="Use a share from 0 (no bound) to 1"
                )

    @property
    def least_confidence(self) -> float:
        """Chow's threshold, in (0, 1)."""
        return self.wrong_cost / (1 + self.wrong_cost)


@dataclass(frozen=True)
class Decision:
    """A threshold, and what to expect of it: counts over held-out answers.

    `answers`: held out in all; `acted`: at least as sure as the threshold; `wrong` of these are
    wrong. `out_of_scope` of the utterances are, and `false_accepts` of them are acted on.
    `unreached`: bounds of the rule that no threshold keeps with so few answers.
    """

    rule: Rule
    threshold: float
    answers: int = 0
    acted: int = 0
    wrong: int = 0
    out_of_scope: int = 0
    false_accepts: int = 0
    unreached: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def utility(self) -> float | None:
        """Right acts less `wrong_cost` times the wrong ones, of a hundred utterances."""
        if not self.answers:
            return None
        return 100 * utility(self.acted - self.wrong, self.wrong, self.rule) / self.answers

    @property
    def summary(self) -> str:
        """What to expect, in a sentence for a person."""
        if not self.answers:
            return "nothing was held out: what to expect is not known"
        acts, wrong = _per_hundred(self.acted, self.answers), _per_hundred(self.wrong, self.acted)
        text = f"of 100 utterances like the {self.answers:,} held out, {acts} are acted on"
        return text + (f"; of 100 acts {wrong} are wrong" if self.acted else "")

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        out = {**asdict(self.rule), **asdict(self), "utility": self.utility}
        del out["rule"]
        if self.answers:
            out["acted_interval"] = share_interval(self.acted, self.answers)
        if self.acted:
            out["wrong_interval"] = share_interval(self.wrong, self.acted)
        return {**out, "summary": self.summary}


def utility(right: float, wrong: float, rule: Rule) -> float:
    """What so many right and wrong acts are worth, in right acts."""
    return right - rule.wrong_cost * wrong


def decide(
    confidence: Sequence[float] | Floats,
    *,
    correct: Sequence[bool],
    out_of_scope: Sequence[bool],
    rule: Rule,
) -> Decision:
    """The threshold that a rule asks for, judged on held-out answers.

    `confidence`, [N]: of each answer, by a calibration that did not see it, and 0 for `none()`,
    which is never acted on. `correct`, [N]: whether the whole answer is right. `out_of_scope`,
    [N]: of the utterance.

    The threshold is Chow's, or the lowest above it at which every bound of the rule holds with
    its 95 % upper limit (Clopper and Pearson 1934), there and at all higher thresholds that can
    be judged (fixed-sequence testing, so that looking at many thresholds loosens no bound).
    A bound that is out of reach with so few answers is named in `unreached`; the threshold is
    then the lowest at which the bound holds for the answers seen. Raises `InputError` for lists
    of unequal length.
    """
    values, right = as_pair(confidence, correct)
    values, outside = as_pair(values, out_of_scope)
    acts = values > 0
    threshold = rule.least_confidence
    unreached, notes = [], []
    for name, limit, counted, bad in (
        ("max_wrong", rule.max_wrong, acts, acts & (right < 1)),
        ("false_accept_rate", rule.false_accept_rate, outside > 0, (outside > 0) & acts),
    ):
        if not limit:
            continue
        of = "acts" if name == "max_wrong" else "all"
        lowest, kept = _bounded(values, counted, bad, limit, of)
        threshold = max(threshold, lowest)
        if not kept:
            unreached.append(name)
            number = int(counted.sum())
            what = "acts" if name == "max_wrong" else "out-of-scope utterances"
            notes.append(
                f"{name} {limit:g} can't be promised with {number:,} held-out {what}: at least "
                f"{_fewest(limit):,} without a fault are needed; it holds for those seen"
            )
    acted = acts & (values >= threshold)
    number = int(acted.sum())
    if number < FEW_ACTED:
        notes.append(
            f"only {number} held-out {'answer is' if number == 1 else 'answers are'} acted on: "
            "too few to promise how many acts are wrong; hold out more rows"
        )
    return Decision(
        rule=rule,
        threshold=threshold,
        answers=values.size,
        acted=number,
        wrong=int((acted & (right < 1)).sum()),
        out_of_scope=int(outside.sum()),
        false_accepts=int((acted & (outside > 0)).sum()),
        unreached=tuple(unreached),
        notes=tuple(notes),
    )


def best_threshold(
    confidence: Sequence[float] | Floats, correct: Sequence[bool], rule: Rule
) -> tuple[float, float]:
    """(the threshold with the most utility on these very answers, that utility of a hundred).

    What nobody can know beforehand: the measure of how good a threshold is. `confidence` is 0
    for `none()`. A threshold above 1 acts on nothing.
    """
    values, right = as_pair(confidence, correct)
    if not values.size:
        return math.nextafter(1.0, 2.0), 0.0
    order = np.argsort(-values, kind="stable")
    values, right = values[order], right[order]
    worth = np.cumsum(np.where(right > 0, 1.0, -rule.wrong_cost))
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)
    last = last[values[last] > 0]
    if not last.size or worth[last].max() <= 0:
        return math.nextafter(1.0, 2.0), 0.0
    best = last[int(worth[last].argmax())]
    return float(values[best]), float(100 * worth[best] / values.size)


def share_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson 1934), in [0, 1]."""
    beyond = (1 - LEVEL) / 2
    return 1 - upper_bound(of - count, of, 1 - beyond), upper_bound(count, of, 1 - beyond)


def upper_bound(count: int, of: int, level: float = LEVEL) -> float:
    """One-sided Clopper-Pearson bound: the share at which `count` or fewer of `of` has 5 %."""
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        logs = [
            math.lgamma(of + 1)
            - math.lgamma(j + 1)
            - math.lgamma(of - j + 1)
            + (j * math.log(middle) if j else 0.0)
            + (of - j) * math.log1p(-middle)
            for j in range(count + 1)
        ]
        top = max(logs)
        tail = math.exp(top) * sum(math.exp(v - top) for v in logs)
        low, high = (middle, high) if tail > 1 - level else (low, middle)
    return high


def _bounded(
    values: Floats, counted: Flags, bad: Flags, limit: float, of: str
) -> tuple[float, bool]:
    """(the lowest threshold that keeps the share of `bad` at the limit, whether that is sure).

    The share is of what is acted on (`acts`) or of all that is `counted`.
    """
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    faults = np.cumsum(bad[order])
    totals = np.cumsum(counted[order]) if of == "acts" else np.full(values.size, counted.sum())
    last = np.append(np.flatnonzero(np.diff(ordered)), values.size - 1)
    last = last[ordered[last] > 0]
    holds = last[(totals[last] > 0) & (faults[last] <= limit * totals[last])]
    never = math.nextafter(1.0, 2.0)
    seen = float(ordered[holds[-1]]) if holds.size else never
    # Not even without a fault could fewer show it.
    tried = last[totals[last] >= _fewest(limit)]
    surely = None
    for k in tried[:: max(1, -(-tried.size // _TRIED))]:
        if upper_bound(int(faults[k]), int(totals[k])) > limit:
            break
        surely = float(ordered[k])
    return (seen, False) if surely is None else (surely, True)


def _fewest(limit: float) -> int:
    """So many answers without a fault show that at most `limit` are faults."""
    return math.ceil(math.log(1 - LEVEL) / math.log1p(-limit))


def _per_hundred(count: int, of: int) -> str:
    if not of:
        return "0"
    low, high = share_interval(count, of)
    return f"{100 * count / of:.0f} ({100 * low:.0f} to {100 * high:.0f})"
