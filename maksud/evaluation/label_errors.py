"""Likely label errors: rows whose answer a compact recognizer that never saw them doubts.

Cross-validation gives every row the opinion of networks trained without it; near-identical rows
stay in one fold, so that a copied mistake can't vouch for itself. Confident learning (Northcutt,
Jiang, Chuang 2021, arXiv:1911.00068) compares that opinion with the given answer, each class
against its own threshold: first the intents, then, where they agree, the arguments. The whole is
done in `rounds` with other folds and seeds; only what every round doubts is listed.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from maksud.data.dataset import Dataset, Example, near_groups
from maksud.data.findings import Finding, excerpt
from maksud.errors import CallSyntaxError, DataError, SettingsError
from maksud.language.calls import Call, parse_calls, same_answer
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress, Progress
from maksud.recognizers.contract import Contract

if TYPE_CHECKING:
    from maksud.recognizers.joint.scoring import AnswerScore

Kind = Literal["intent", "arguments"]

FOLDS = 4
ROUNDS = 2
EPOCHS = 0.6
"""Passes over the data, as a share of those of a full training, but six at least: ranking needs
no more, of a single network."""
CERTAINTY = 4.0
"""Weight of log p(suggested arguments) beside the ratio to the given ones: a network that is
torn between many readings is mostly wrong itself. Chosen on errors planted with seed 100."""
PRIOR = 5
"""Calls of confidence one half that each threshold's mean counts in: rare classes are not sure."""
SHOWN = 20
"""Errors of each kind that become findings."""
CLAUSES_PER_SECOND = 1800
"""Clauses that training passes over in a second of one core, roughly: for the estimate."""

_CODES: Mapping[Kind, str] = {"intent": "W-LABELERROR", "arguments": "W-ARGERROR"}
_READ: Mapping[Kind, str] = {"intent": "another intent", "arguments": "other arguments"}


@dataclass(frozen=True, slots=True)
class LabelError:
    """A row whose answer is doubted.

    `row`: its position in the dataset, from 0. `kind`: the intents are doubted, or, where these
    agree, the arguments. `given` and `suggested` are answers. `score` ranks within a kind: a
    log-ratio, about, of suggested to given. `confident`: in every round the suggestion is as
    probable as given answers of its class are on average. `why`: the evidence, for a person.
    """

    row: int
    example: Example
    kind: Kind
    given: str
    suggested: str
    score: float
    confident: bool
    why: str

    @property
    def place(self) -> str:
        """`file:line` of the row."""
        return self.example.place

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "row": self.row,
            "place": self.place,
            "instruction": self.example.instruction,
            "kind": self.kind,
            "given": self.given,
            "suggested": self.suggested,
            "score": round(self.score, 3),
            "confident": self.confident,
            "why": self.why,
        }


@dataclass(frozen=True)
class LabelErrors(Sequence[LabelError]):
    """Likely label errors, most likely first: wrong intents, then wrong arguments.

    `judged`: rows that were looked at. `left_out`: how many were not, for each reason.
    """

    errors: tuple[LabelError, ...]
    judged: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    @overload
    def __getitem__(self, index: int) -> LabelError: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LabelError, ...]: ...
    def __getitem__(self, index: int | slice) -> LabelError | tuple[LabelError, ...]:
        return self.errors[index]

    def __len__(self) -> int:
        return len(self.errors)

    def of(self, kind: Kind) -> tuple[LabelError, ...]:
        """The errors of one kind, most likely first."""
        return tuple(e for e in self.errors if e.kind == kind)

    def first(self, number: int) -> tuple[LabelError, ...]:
        """The first `number` of each kind."""
        return tuple(e for kind in get_args(Kind) for e in self.of(kind)[:number])

    def findings(self, top: int = SHOWN) -> list[Finding]:
        """Findings for the first `top` of each kind, and what could not be judged."""
        found = [
            Finding(
                "warning",
                _CODES[e.kind],
                f"{excerpt(e.example.instruction, 60)} is {e.given}; more likely {e.suggested}",
                e.place,
                why=f"networks that were trained without these rows read {_READ[e.kind]} in them",
                fix="read each one, and write the suggested answer where you agree",
            )
            for e in self.first(top)
        ]
        if self.left_out:
            reasons = ", ".join(f"{n:,} × {why}" for why, n in self.left_out.items())
            unjudged = sum(self.left_out.values())
            found.append(
                Finding(
                    "info",
                    "I-LABELERROR",
                    f"{unjudged:,} of {self.judged + unjudged:,} answers not judged: {reasons}",
                    why="label errors are found by comparison with other rows of the same kind",
                    fix="look at these yourself, or label more like them",
                )
            )
        return found

    def to_json(self, top: int | None = None) -> dict[str, Any]:
        """A JSON-able mapping: how many of each kind, and the first `top` of each (None: all)."""
        kinds: tuple[Kind, ...] = get_args(Kind)
        return {
            "judged": self.judged,
            "left_out": dict(self.left_out),
            "found": {kind: len(self.of(kind)) for kind in kinds},
            "confident": {kind: sum(e.confident for e in self.of(kind)) for kind in kinds},
            "errors": [e.to_json() for e in self.first(len(self) if top is None else top)],
        }


def find_label_errors(
    data: Dataset,
    *,
    folds: int = FOLDS,
    rounds: int = ROUNDS,
    seed: int = 0,
    progress: OnProgress | None = None,
) -> LabelErrors:
    """Rows of all splits whose answers are likely wrong, with the answer suggested instead.

    Trains `folds * rounds` small networks on one core (`expected_seconds`). Rows that can't be
    judged are counted in `left_out`. Raises `DataError` where there are too few rows for the
    folds, `SettingsError` for less than two folds or one round.
    """
    if folds < 2 or rounds < 1:
        raise SettingsError(
            f"{folds} folds and {rounds} rounds", hint="Use two folds and one round or more"
        )
    cpu = time.process_time()
    rows, unusable = _usable(data)
    examples = [data[row] for row in rows]
    catalog = data.catalog
    groups = _grouped(examples)
    if len(groups) < folds:
        raise DataError(
            f"{len(groups)} different examples are too few for {folds} folds",
            where=data.name,
            hint="Label more examples first",
        )
    found: list[dict[int, _Doubt]] = []
    reasons: dict[int, str] = {}
    for k in range(rounds):
        scores = _score_round(examples, groups, catalog, folds, seed + k, (k, rounds), progress)
        reasons |= {n: s.reason for n, s in enumerate(scores) if s.reason}
        found.append(_doubts(scores))
    errors = []
    for k, first in found[0].items():
        others = [doubts.get(k) for doubts in found[1:]]
        agreed = [d for d in (first, *others) if d is not None and d.kind == first.kind]
        if len(agreed) == rounds:
            errors.append(_error(rows[k], examples[k], agreed, catalog))
    errors.sort(key=lambda e: (e.kind != "intent", -e.score))
    return LabelErrors(
        tuple(errors),
        len(examples) - len(reasons),
        unusable | dict(Counter(reasons.values()).most_common()),
        round(time.process_time() - cpu, 1),
    )


def expected_seconds(data: Dataset, folds: int = FOLDS, rounds: int = ROUNDS) -> float:
    """About how long `find_label_errors` will take on one core."""
    clauses = sum(1 + e.output.count(";") for e in data)
    passes = _epochs(max(1, clauses), max(1, len(data.catalog)))
    return rounds * clauses * (folds - 1) * passes / CLAUSES_PER_SECOND + 5


# ---------------------------------------------------------------- cross-validation


def _usable(data: Dataset) -> tuple[list[int], dict[str, int]]:
    """The rows whose answers parse and fit the catalog; how many do not, and why."""
    kept: list[int] = []
    bad: Counter[str] = Counter()
    for row, e in enumerate(data):
        if not e.is_labelled:
            bad["no answer yet"] += 1
            continue
        try:
            fits = not data.catalog.violations(parse_calls(e.output))
        except CallSyntaxError:
            fits = False
        if fits:
            kept.append(row)
        else:
            bad["an answer that the other checks refuse"] += 1
    return kept, dict(bad)


def _grouped(examples: Sequence[Example]) -> list[list[int]]:
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for k, group in enumerate(near_groups([e.instruction for e in examples])):
        groups[group].append(k)
    return list(groups.values())


def _folds(
    examples: Sequence[Example], groups: Iterable[list[int]], folds: int, seed: int
) -> list[int]:
    """A fold for each example: groups stay whole, each intent is spread evenly."""
    rng = random.Random(seed)
    strata: defaultdict[str, list[list[int]]] = defaultdict(list)
    for group in groups:
        strata[";".join(c.intent for c in examples[group[0]].calls)].append(group)
    out = [0] * len(examples)
    total = [0] * folds
    for key in sorted(strata):
        stratum = strata[key]
        rng.shuffle(stratum)
        stratum.sort(key=len, reverse=True)
        size = [0] * folds
        for group in stratum:
            smallest = min(range(folds), key=lambda f: (size[f], total[f]))
            size[smallest] += len(group)
            total[smallest] += len(group)
            for k in group:
                out[k] = smallest
    return out


def _epochs(clauses: int, intents: int) -> int:
    from maksud.recognizers.joint.training import CompactSettings

    return max(6, round(EPOCHS * CompactSettings().resolved(clauses, intents).epochs))


def _score_round(
    examples: Sequence[Example],
    groups: Sequence[list[int]],
    catalog: Catalog,
    folds: int,
    seed: int,
    which: tuple[int, int],
    progress: OnProgress | None,
) -> list[AnswerScore]:
    """Each example's answer, scored by the network of the fold that left it out."""
    from maksud.recognizers.joint.scoring import AnswerScore, Scorer
    from maksud.recognizers.joint.training import CompactSettings, train_compact

    started = time.monotonic()
    fold_of = _folds(examples, groups, folds, seed)
    calls = [c.intent for e in examples for c in e.calls]
    settings = CompactSettings(members=1, epochs=_epochs(len(calls), len(set(calls))))
    out = [AnswerScore()] * len(examples)
    for fold in range(folds):

        def tell(event: Progress, fold: int = fold) -> None:
            if progress is not None:
                at, rounds = which
                within = (fold + event.done) / folds
                text = f"network {at * folds + fold + 1} of {rounds * folds}"
                if within > 0.05:
                    left = (time.monotonic() - started) * (rounds - at - within) / within
                    text += f", about {_duration(left)} left"
                done = min(1.0, (at + within) / rounds)
                progress(Progress("label errors", done, text, event.metrics))

        inside = [k for k, f in enumerate(fold_of) if f != fold]
        outside = [k for k, f in enumerate(fold_of) if f == fold]
        learnt = _parameters_of((examples[k] for k in inside), catalog)
        with tempfile.TemporaryDirectory(prefix="maksud-") as directory:
            place = Path(directory)
            train_compact(
                [examples[k] for k in inside],
                [],
                catalog,
                place,
                replace(settings, seed=seed * folds + fold),
                tell,
            )
            scorer = Scorer.open(place, Contract(catalog, system_prompt="", template=""))
            known = []
            for k in outside:
                if _parameters_of([examples[k]], catalog) <= learnt:
                    known.append(k)
                else:
                    out[k] = AnswerScore(reason="an intent or parameter that no other rows have")
            for k, score in zip(known, scorer.score([examples[k] for k in known]), strict=True):
                out[k] = score
    return out


def _parameters_of(examples: Iterable[Example], catalog: Catalog) -> set[tuple[str, str]]:
    """The (intent, parameter) that the answers use; an intent alone as (intent, "")."""
    calls = [c for e in examples for c in catalog.name_arguments(e.calls)]
    return {(c.intent, p) for c in calls for p in ("", *(a.name or "" for a in c.arguments))}


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1, seconds):.0f} s"


# ---------------------------------------------------------------- from scores to doubts


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What one round holds against an answer."""

    kind: Kind
    suggested: tuple[Call, ...]
    score: float
    confident: bool
    why: str


@dataclass(frozen=True)
class _Thresholds:
    """Confident learning's thresholds: how sure the networks are of a class, on average, of the
    rows that are given it. Classes: intents, parameters, numbers of calls."""

    intents: Mapping[str, float]
    parameters: Mapping[str, float]
    numbers: Mapping[int, float]

    @classmethod
    def of(cls, scores: Iterable[AnswerScore]) -> _Thresholds:
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


def _doubts(scores: Sequence[AnswerScore]) -> dict[int, _Doubt]:
    """The doubted answers of one round, by row."""
    thresholds = _Thresholds.of(s for s in scores if not s.reason)
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


def _number_doubt(score: AnswerScore, thresholds: _Thresholds) -> _Doubt | None:
    """The network hears more calls, or fewer, than are given."""
    given = score.cut_lp + sum(c.intent_lp for c in score.calls)
    margin = score.proposed_cut_lp + score.proposed_intents_lp - given
    if margin <= 0:
        return None
    sure = math.exp(score.proposed_cut_lp)
    return _Doubt(
        "intent",
        score.proposed,
        margin,
        sure >= thresholds.numbers.get(len(score.proposed), 1.0),
        f"p({len(score.proposed)} calls) {sure:.2f}, of {len(score.calls)} as given "
        f"{math.exp(score.cut_lp):.2f}",
    )


def _intent_doubt(score: AnswerScore, thresholds: _Thresholds) -> _Doubt | None:
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
    return _Doubt("intent", tuple(calls), margin, confident, "; ".join(why))


def _arguments_doubt(score: AnswerScore, thresholds: _Thresholds) -> _Doubt | None:
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
    return _Doubt(
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


def _error(row: int, example: Example, rounds: Sequence[_Doubt], catalog: Catalog) -> LabelError:
    """The verdict of all rounds: the least doubt counts, the most doubtful suggests."""
    best = max(rounds, key=lambda d: d.score)
    return LabelError(
        row=row,
        example=example,
        kind=best.kind,
        given=example.output,
        suggested=catalog.render(best.suggested),
        score=min(d.score for d in rounds),
        confident=all(d.confident for d in rounds),
        why=best.why,
    )
