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
FEW_ACTED = 30
"""Fewer held-out acts than this say little about how many are wrong."""
NEVER = math.nextafter(1.0, 2.0)
"""The threshold that nothing reaches."""
_TRIED = 200
"""Thresholds at which a bound is judged, at most."""


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
        for name in ("wrong_cost", "max_wrong", "false_accept_rate"):
            # 3 and 3.0 are one rule, and must be written alike: contracts are hashed.
            object.__setattr__(self, name, float(getattr(self, name)))
        if not (self.wrong_cost > 0 and math.isfinite(self.wrong_cost)):
            raise InputError(
                f"wrong_cost is {self.wrong_cost:g}",
                hint="Use a number above 0: what a wrong act costs, in needless refusals",
            )
        for name in ("max_wrong", "false_accept_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name} is {getattr(self, name):g}",
                    hint="Use a share below 1, such as 0.05; 0 asks for no bound",
                )

    @property
    def least_confidence(self) -> float:
        """Chow's threshold, above 0, at most 1."""
        return self.wrong_cost / (1 + self.wrong_cost)

    @property
    def summary(self) -> str:
        """The rule in words for a person."""
        cost = f"{self.wrong_cost:g} needless refusal{'' if self.wrong_cost == 1 else 's'}"
        text = f"a wrong act costs as much as {cost}"
        if self.max_wrong:
            text += f"; at most {100 * self.max_wrong:g} % of the acts may be wrong"
        if self.false_accept_rate:
            share = f"{100 * self.false_accept_rate:g} %"
            text += f"; at most {share} of what is out of scope may be acted on"
        return text


@dataclass(frozen=True)
class Decision:
    """A threshold, and what to expect of it: counts over held-out answers.

    `answers`: held out in all; `acted`: at least as sure as the threshold; `wrong` of these are
    wrong. `out_of_scope` of the utterances are, and `false_accepts` of them are acted on.
    `unreached`: bounds of the rule that can't be promised with the answers there are. `notes`:
    what a person must know of it.
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
        """What to expect, in a sentence for a person; ranges are 95 % intervals."""
        if not self.answers:
            return "nothing was held out: what to expect is not known"
        text = (
            f"of 100 utterances like the {self.answers:,} held out, "
            f"{_per_hundred(self.acted, self.answers)} are acted on"
        )
        if self.acted:
            text += f"; of 100 acts, {_per_hundred(self.wrong, self.acted)} are wrong"
        if self.out_of_scope:
            share = _per_hundred(self.false_accepts, self.out_of_scope)
            text += f"; of 100 utterances out of scope, {share} are acted on"
        return text

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping. `…_interval`: the 95 % interval of a share, where there is one."""
        out = {**asdict(self.rule), **asdict(self), "utility": self.utility}
        del out["rule"]
        for name, count, of in (
            ("acted_interval", self.acted, self.answers),
            ("wrong_interval", self.wrong, self.acted),
            ("false_accepts_interval", self.false_accepts, self.out_of_scope),
        ):
            if of:
                out[name] = share_interval(count, of)
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
    its 95 % upper limit (Clopper and Pearson 1934); looking at many thresholds loosens neither
    (see `_keep_scope` and `_keep_right`). A bound that can't be promised with the answers there
    are is named in `unreached`; the threshold is then the lowest at which it holds for the
    answers seen. Raises `InputError` for lists of unequal length, and for a confidence that is no
    number in [0, 1].
    """
    values, right = as_pair(confidence, correct)
    values, outside = as_pair(values, out_of_scope)
    acts = values > 0
    wrong, beyond = acts & (right < 1), outside > 0
    threshold = rule.least_confidence
    unreached, notes = [], []
    if rule.false_accept_rate:
        threshold, sure = _keep_scope(values, beyond, rule.false_accept_rate, threshold)
        if not sure:
            unreached.append("false_accept_rate")
            notes.append(_why_not_scope(rule.false_accept_rate, int(beyond.sum())))
    if rule.max_wrong:
        threshold, sure = _keep_right(values, wrong, rule, threshold)
        if not sure:
            unreached.append("max_wrong")
            sure_enough = int((acts & (values >= rule.least_confidence)).sum())
            notes.append(_why_not_right(rule.max_wrong, sure_enough))
    acted = acts & (values >= threshold)
    number = int(acted.sum())
    if number < FEW_ACTED:
        say = {0: "no held-out answer is acted on", 1: "only 1 held-out answer is acted on"}
        notes.append(
            say.get(number, f"only {number} held-out answers are acted on")
            + ": too few to tell how many acts will be wrong; hold out more rows"
        )
    return Decision(
        rule=rule,
        threshold=threshold,
        answers=values.size,
        acted=number,
        wrong=int((acted & wrong).sum()),
        out_of_scope=int(beyond.sum()),
        false_accepts=int((acted & beyond).sum()),
        unreached=tuple(unreached),
        notes=tuple(notes),
    )


def best_threshold(
    confidence: Sequence[float] | Floats, correct: Sequence[bool], rule: Rule
) -> tuple[float, float]:
    """(the threshold with the most utility on these very answers, that utility of a hundred).

    What nobody can know beforehand: the measure of how good a threshold is. `confidence` is 0
    for `none()`. Of equally good ones the highest; `NEVER` where acting on nothing is best.
    """
    best = best_point(utility_curve(confidence, correct, rule))
    return best.threshold, best.utility


@dataclass(frozen=True, slots=True)
class Utility:
    """At `threshold`, so many are `acted` on, so many of these `wrong`; `utility` of a hundred."""

    threshold: float
    utility: float
    acted: int
    wrong: int


_NOTHING = Utility(NEVER, 0.0, 0, 0)


def best_point(curve: Sequence[Utility]) -> Utility:
    """The point of a `utility_curve` with the most utility; that of no act where none has any."""
    best = max(curve, key=lambda p: p.utility, default=_NOTHING)
    return best if best.utility > 0 else _NOTHING


def utility_curve(
    confidence: Sequence[float] | Floats, correct: Sequence[bool], rule: Rule
) -> list[Utility]:
    """The utility at each threshold that tells answers apart, from the surest answers to all.

    `confidence` is 0 for `none()`, which no threshold lets through.
    """
    values, right = as_pair(confidence, correct)
    order = np.argsort(-values, kind="stable")
    ordered, wrong = values[order], np.cumsum(right[order] < 1)
    return [
        Utility(
            float(ordered[k]),
            100 * utility(k + 1 - int(wrong[k]), int(wrong[k]), rule) / values.size,
            k + 1,
            int(wrong[k]),
        )
        for k in map(int, _steps(ordered))
    ]


# ---------------------------------------------------------------- shares and their limits


def share_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson 1934), in [0, 1]."""
    level = 1 - (1 - LEVEL) / 2
    return 1 - upper_bound(of - count, of, level), upper_bound(count, of, level)


def upper_bound(count: int, of: int, level: float = LEVEL) -> float:
    """One-sided Clopper-Pearson bound: the share at which `count` or fewer of `of` has 5 %."""
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(count, of, middle) > 1 - level else (low, middle)
    return high


def _tail(count: int, of: int, share: float) -> float:
    """P(`count` or fewer of `of`) where each has the probability `share`, in (0, 1)."""
    if share >= 1:
        return float(count >= of)
    j = np.arange(1, count + 1)
    chosen = np.concatenate(([0.0], np.cumsum(np.log((of - j + 1) / j))))
    k = np.arange(count + 1)
    logs = chosen + k * math.log(share) + (of - k) * math.log1p(-share)
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def _fewest(limit: float, level: float = LEVEL) -> int:
    """So many answers without a fault show that at most the share `limit` are faults."""
    return math.ceil(math.log(1 - level) / math.log1p(-limit))


# ---------------------------------------------------------------- bounds


def _steps(ordered: Floats) -> NDArray[np.int64]:
    """Where acting can end in values from the greatest on: the last of each, without zeros."""
    if not ordered.size:
        return np.zeros(0, dtype=np.int64)
    last = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1).astype(np.int64)
    found: NDArray[np.int64] = last[ordered[last] > 0]
    return found


def _keep_scope(values: Floats, beyond: Flags, limit: float, least: float) -> tuple[float, bool]:
    """(the lowest threshold from `least` on that keeps the share of false accepts, if surely).

    The share is of all that is out of scope, so it only falls as the threshold rises: one limit
    on their number does for all thresholds (Bates et al. 2021), and it is the greatest number
    whose 95 % upper limit is within the bound. Without any out of scope, `least`.
    """
    number = int(beyond.sum())
    if not number:
        return least, False
    sure = _tail(0, number, limit) <= 1 - LEVEL
    allowed = math.floor(limit * number + 1e-9)
    while sure and _tail(allowed, number, limit) > 1 - LEVEL:
        allowed -= 1
    accepted = np.sort(values[beyond & (values >= least)])[::-1]
    if accepted.size <= allowed:
        return least, sure
    above = values[values > accepted[allowed]]
    return (float(above.min()) if above.size else NEVER), sure


def _keep_right(values: Floats, wrong: Flags, rule: Rule, least: float) -> tuple[float, bool]:
    """(the lowest threshold from `least` on that keeps the share of wrong acts, if surely).

    The share is of the acts, and need not fall as the threshold rises, so thresholds are tested
    one after the other. Beginning at a number of acts that does not depend on which are wrong,
    the threshold falls for as long as the bound holds with its upper limit: a sequence fixed
    beforehand costs no certainty (Maurer et al. 1995), but ends at its first failure, and among
    few acts one fault is enough. So there are several beginnings, each with twice the acts of
    the one before, that share the 5 % (Angelopoulos et al. 2021). What was not tested is not
    taken.
    """
    if least > 1:
        return least, True  # who never acts is never wrong
    limit, chow = rule.max_wrong, rule.least_confidence
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    faults = np.cumsum(wrong[order])
    steps = _steps(ordered)
    steps = steps[ordered[steps] >= chow]
    if not steps.size:
        return least, False
    # Between the last act's confidence and Chow's threshold nothing was seen.
    places = ordered[steps]
    places[-1] = chow
    most = int(steps[-1]) + 1
    proven: set[int] = set()
    beginnings = 1 + max(0, math.floor(math.log2(most / _fewest(limit))))
    level = 1 - (1 - LEVEL) / beginnings
    tried = steps[np.unique(np.linspace(0, steps.size - 1, _TRIED).round().astype(int))]
    for power in range(beginnings):
        for k in tried[tried + 1 >= _fewest(limit, level) * 2**power]:
            if _tail(int(faults[k]), int(k) + 1, limit) > 1 - level:
                break
            proven.add(int(k))
    within = steps[places >= least]
    surely = [k for k in within if int(k) in proven]
    seen = [k for k in within if faults[k] <= limit * (k + 1)]
    if not within.size:
        return least, False
    found = surely or seen
    if not found:
        return NEVER, False
    return max(least, float(places[np.searchsorted(steps, found[-1])])), bool(surely)


def _why_not_scope(limit: float, number: int) -> str:
    share = f"at most {100 * limit:g} % of what is out of scope acted on"
    if not number:
        return (
            f"{share}: can't be judged, as no held-out utterance is out of scope; the threshold "
            "is what it would be without this bound. Hold out rows with none()"
        )
    return (
        f"{share}: can't be promised with {number:,} held-out utterances out of scope, "
        f"{_fewest(limit):,} are needed; it holds for those, and may not for others"
    )


def _why_not_right(limit: float, number: int) -> str:
    share = f"at most {100 * limit:g} % of the acts wrong"
    if number < _fewest(limit):
        why = (
            f"can't be promised with {number:,} held-out answers that are sure enough, "
            f"{_fewest(limit):,} are needed even without a fault"
        )
    else:
        why = f"can't be promised: too many of {number:,} held-out answers are wrong"
    return f"{share}: {why}; it holds for those acted on, and may not for others"


def _per_hundred(count: int, of: int) -> str:
    """A share with its interval, of a hundred."""
    low, high = share_interval(count, of)
    digits = 1 if 100 * high < 10 else 0
    return f"{100 * count / of:.{digits}f} ({100 * low:.{digits}f} to {100 * high:.{digits}f})"
