"""The arithmetic of evaluation: answers against gold, counts to figures, figures to intervals.

Pure functions over calls, texts and numbers; nothing here asks a recognizer. Two sets of
figures stand side by side: the guide's (its script's arithmetic, kept to the letter so that
figures can be compared) and the honest ones (whole answers, compared as calls).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maksud.errors import InputError
from maksud.language.calls import Call

Floats = NDArray[np.float64]
Answer = Sequence[Call]

LEVEL = 0.95
"""Of all intervals."""
NO_CALL = "(no call)"
"""In the confusion matrix: the other side of a call that was left out or added. It can't be the
name of an intent."""

# ---------------------------------------------------------------- the guide's figures


@dataclass(frozen=True, slots=True)
class GuideScores:
    """What the guide's script counts, for each example, [N] each.

    `crashes`: examples on which the script itself would have stopped with an IndexError (the
    name is right, but an opening bracket is missing); here they count as wrong parameters.
    """

    intent: tuple[bool, ...]
    parameters: tuple[bool, ...]
    crashes: int

    @property
    def intent_accuracy(self) -> float:
        """ "Akurasi pengenalan maksud", in [0, 1]."""
        return _share(self.intent)

    @property
    def parameter_accuracy(self) -> float:
        """ "Akurasi pengenalan parameter", in [0, 1]."""
        return _share(self.parameters)


def guide_scores(gold_texts: Sequence[str], answer_texts: Sequence[str]) -> GuideScores:
    """The guide's two figures, by the arithmetic of its `evaluate.py`.

    The gold is cut at its first ";", the answer is not. Intent: what stands before "(" is the
    same. Parameters: then, what stands between the first "(" and the next, without its last
    character, is the same set when split at ",". Where it misleads: a perfect answer of two
    calls scores wrong parameters, one that drops the second call scores right, swapped
    positional arguments score right, and a blank after a comma scores wrong.
    """
    if len(gold_texts) != len(answer_texts):
        raise InputError(f"{len(answer_texts)} answers for {len(gold_texts)} examples")
    intent, parameters, crashes = [], [], 0
    for whole, answer in zip(gold_texts, answer_texts, strict=True):
        gold = whole.split(";")[0]
        same = gold.split("(")[0] == answer.split("(")[0]
        right = False
        if same:
            gold_set, answer_set = _guide_arguments(gold), _guide_arguments(answer)
            crashes += gold_set is None or answer_set is None
            right = gold_set is not None and gold_set == answer_set
        intent.append(same)
        parameters.append(right)
    return GuideScores(tuple(intent), tuple(parameters), crashes)


def _guide_arguments(text: str) -> set[str] | None:
    parts = text.strip()[:-1].split("(")
    return set(parts[1].split(",")) if len(parts) > 1 else None


GUIDE_REASONS = {
    "cut_at_semicolon": "gold is cut at its first “;” and the answer is not",
    "last_character": "the last character is dropped unread",
    "second_bracket": "what follows a second “(” is not read",
    "argument_sets": "arguments are compared as an unordered set of the pieces between commas, "
    "blanks included",
    "before_bracket": "what stands before “(” is compared with its blanks",
}
"""Why the guide's arithmetic judges an answer differently from exact match."""


def guide_reason(gold: str, answer: str) -> str:
    """The key in `GUIDE_REASONS` of what made the guide's judgement of an answer differ.

    To be asked where it and exact match disagree: of several reasons it names the first.
    """
    if ";" in gold:
        return "cut_at_semicolon"
    if gold.split("(")[0] != answer.split("(")[0]:
        return "before_bracket"
    wanted, given = (text.strip()[:-1].split("(") for text in (gold, answer))
    if wanted == given:
        return "last_character"
    if wanted[:2] == given[:2]:
        return "second_bracket"
    return "argument_sets"


# ---------------------------------------------------------------- intents


def same_intents(answer: Answer, gold: Answer) -> bool:
    """Whether the sequences of intents are the same."""
    return [c.intent for c in answer] == [c.intent for c in gold]


def paired_intents(answer: Answer, gold: Answer) -> list[tuple[str, str]]:
    """(gold intent, answered intent) pairs: common intents first, then what is left, in order.

    A call without a counterpart is paired with `NO_CALL`.
    """
    wanted, given = [c.intent for c in gold], [c.intent for c in answer]
    common = Counter(wanted) & Counter(given)
    pairs = [(name, name) for name in common.elements()]
    rest = [_leave_out(names, common) for names in (wanted, given)]
    for k in range(max(map(len, rest))):
        left, right = (names[k] if k < len(names) else NO_CALL for names in rest)
        pairs.append((left, right))
    return pairs


def _leave_out(names: Iterable[str], taken: Counter[str]) -> list[str]:
    left = Counter(taken)
    kept = []
    for name in names:
        if left[name] > 0:
            left[name] -= 1
        else:
            kept.append(name)
    return kept


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one kind of thing: how often it was wanted, given, and both (a hit)."""

    hits: int = 0
    given: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.given + other.given, self.wanted + other.wanted)

    @property
    def precision(self) -> float | None:
        """Share of the given that was wanted, in [0, 1]; None where nothing was given."""
        return self.hits / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """Share of the wanted that was given, in [0, 1]; None where nothing was wanted."""
        return self.hits / self.wanted if self.wanted else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two, in [0, 1]; None where nothing was given or wanted."""
        total = self.given + self.wanted
        return 2 * self.hits / total if total else None


def counts(answer: Iterable[Hashable], gold: Iterable[Hashable]) -> Counts:
    """Hits of one multiset in another."""
    given, wanted = Counter(answer), Counter(gold)
    return Counts((given & wanted).total(), given.total(), wanted.total())


def intent_counts(pairs: Iterable[tuple[str, str]]) -> dict[str, Counts]:
    """Counts of each intent over (gold, answered) pairs, the most wanted first."""
    total: defaultdict[str, Counts] = defaultdict(Counts)
    for gold, answered in pairs:
        if gold == answered:
            total[gold] += Counts(1, 1, 1)
            continue
        if gold != NO_CALL:
            total[gold] += Counts(0, 0, 1)
        if answered != NO_CALL:
            total[answered] += Counts(0, 1, 0)
    return dict(sorted(total.items(), key=lambda item: (-item[1].wanted, item[0])))


# ---------------------------------------------------------------- slots


def slots(calls: Answer) -> list[tuple[int, str, str]]:
    """(position of the call, parameter, value) of every argument."""
    return [(k, a.name or "", a.value) for k, c in enumerate(calls) for a in c.arguments]


def slot_counts(answer: Answer, gold: Answer) -> Counts:
    """Hits among the arguments of one answer.

    A slot is hit where the call at the same position has that parameter with exactly that
    value, whatever its intent. For answers of one call this is the slot F1 of the literature,
    counted over (slot, value) pairs instead of token spans.
    """
    return counts(slots(answer), slots(gold))


def parameter_counts(pairs: Iterable[tuple[Answer, Answer]]) -> dict[tuple[str, str], Counts]:
    """Counts of each (intent, parameter) over (answer, gold) pairs, the most wanted first."""
    total: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
    for answer, gold in pairs:
        given, wanted = (
            Counter(
                ((c.intent, a.name or ""), (k, a.value))
                for k, c in enumerate(calls)
                for a in c.arguments
            )
            for calls in (answer, gold)
        )
        for (key, _), n in given.items():
            total[key] += Counts(0, n, 0)
        for (key, _), n in wanted.items():
            total[key] += Counts(0, 0, n)
        for (key, _), n in (given & wanted).items():
            total[key] += Counts(n, 0, 0)
    return dict(sorted(total.items(), key=lambda item: (-item[1].wanted, item[0])))


# ---------------------------------------------------------------- refusing


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the gate let through. A figure is None where it has nothing to count."""

    coverage: float
    """Share of all utterances whose answer is accepted."""
    coverage_in_scope: float | None
    """Share of the in-scope utterances whose answer is accepted."""
    accuracy_accepted: float | None
    """Exact match among the accepted answers."""
    oos_recall: float | None
    """Share of the out-of-scope utterances that are refused."""
    oos_precision: float | None
    """Share of the refused utterances that are out of scope; None for data without any."""
    false_accept_rate: float | None
    """Share of the out-of-scope utterances that are accepted: 1 - `oos_recall`."""
    wrong_intent_accept_rate: float | None
    """Share of the answers with wrong intents, to in-scope utterances, that are accepted."""


def refusals(
    accepted: Sequence[bool],
    correct: Sequence[bool],
    out_of_scope: Sequence[bool],
    intents_right: Sequence[bool],
) -> Refusals:
    """The figures of accepting and refusing, from flags of each answer, [N] each."""
    took, right, outside, named = (
        np.asarray(x, dtype=bool) for x in (accepted, correct, out_of_scope, intents_right)
    )
    recall = _mean(~took[outside])
    return Refusals(
        coverage=_mean(took) or 0.0,
        coverage_in_scope=_mean(took[~outside]),
        accuracy_accepted=_mean(right[took]),
        oos_recall=recall,
        oos_precision=_mean(outside[~took]) if outside.any() else None,
        false_accept_rate=None if recall is None else 1 - recall,
        wrong_intent_accept_rate=_mean(took[~outside & ~named]),
    )


# ---------------------------------------------------------------- intervals


def resampled_sums(columns: Any, *, resamples: int = 1000, seed: int = 0) -> Floats:
    """Sums of the columns over bootstrap resamples of the examples (Efron 1979), [R, K].

    `columns`: numbers of each example, [N] or [N, K], N > 0. The examples are drawn once for
    all columns, so that figures made from different ones stay paired.
    """
    table = np.asarray(columns, dtype=np.float64)
    table = table.reshape(len(table), -1)
    n = len(table)
    rng = np.random.default_rng(seed)
    # How often each example is drawn says all about a resample.
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples))
    return np.stack([times @ table for times in drawn])


def interval(samples: Floats, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of bootstrap samples, of which there is at least one."""
    tail = (1 - level) / 2 * 100
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def share_interval(
    share: float, samples: Floats, examples: int, level: float = LEVEL
) -> tuple[float, float]:
    """The interval of a figure in [0, 1] that `samples` are bootstrap samples of.

    Where all `examples` agree, every resample is the same and would pretend to certainty. There
    the exact binomial bound stands in (Clopper and Pearson 1934): on how many examples of
    another kind there may be, none of which was drawn.
    """
    if samples.min() < samples.max():
        return interval(samples, level)
    seen = float(((1 - level) / 2) ** (1 / examples))
    return share * seen, 1 - (1 - share) * seen


def f1_of_sums(sums: Floats) -> Floats:
    """F1 from sums of hits, given and wanted, [R, 3]; rows without anything are left out."""
    both = sums[:, 1] + sums[:, 2]
    counted = both > 0
    f1: Floats = 2 * sums[counted, 0] / both[counted]
    return f1


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _mean(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if flags.size else None
