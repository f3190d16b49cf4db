"""Likely label errors: rows whose answer a compact recognizer that never saw them doubts.

Cross-validation gives every row the opinion of networks trained without it (`cross_validation`);
confident learning compares that opinion with the given answer (`doubts`). The whole is done in
`rounds` with other folds and seeds; only what every round doubts is listed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, overload

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Finding, excerpt
from maksud.data.folds import group_near
from maksud.errors import CallSyntaxError, DataError, SettingsError
from maksud.evaluation.cross_validation import epochs_for, score_round
from maksud.evaluation.doubts import Doubt, Kind, find_doubts
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog
from maksud.language.text import normalise_text
from maksud.language.values import restore_values
from maksud.progress import OnProgress, listen

FOLDS = 4
ROUNDS = 2
TOP = 20
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

    def findings(self, top: int = TOP) -> list[Finding]:
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

    @property
    def summary(self) -> str:
        """How many answers were judged and doubted, in one line."""
        return (
            f"Of {self.judged:,} answers {len(self.of('intent')):,} intents and "
            f"{len(self.of('arguments')):,} times arguments are doubted; most likely first."
        )

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
    progress: OnProgress | bool | None = True,
) -> LabelErrors:
    """Rows of all splits whose answers are likely wrong, with the answer suggested instead.

    Trains `folds * rounds` small networks on one core (`expected_seconds`). Rows that can't be
    judged are counted in `left_out`. Raises `DataError` where there are too few rows for the
    folds, `SettingsError` for less than two folds or one round. `progress`: shown on standard
    error; a function is told it; False: silent.
    """
    if folds < 2 or rounds < 1:
        raise SettingsError(
            f"{folds} folds and {rounds} rounds", hint="Use two folds and one round or more"
        )
    cpu = time.process_time()
    rows, unusable = _usable_rows(data)
    examples = [data[row] for row in rows]
    catalog = data.catalog
    groups = group_near(examples)
    if len(groups) < folds:
        raise DataError(
            f"{len(groups)} different examples are too few for {folds} folds",
            where=data.name,
            hint="Label more examples first",
        )
    found: list[dict[int, Doubt]] = []
    reasons: dict[int, str] = {}
    with listen(progress) as tell:
        for k in range(rounds):
            scores = score_round(examples, groups, catalog, folds, seed + k, (k, rounds), tell)
            reasons |= {n: s.reason for n, s in enumerate(scores) if s.reason}
            found.append(find_doubts(scores))
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
    passes = epochs_for(max(1, clauses), max(1, len(data.catalog)))
    return rounds * clauses * (folds - 1) * passes / CLAUSES_PER_SECOND + 5


def _usable_rows(data: Dataset) -> tuple[list[int], dict[str, int]]:
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


def _error(row: int, example: Example, rounds: Sequence[Doubt], catalog: Catalog) -> LabelError:
    """The verdict of all rounds: the least doubt counts, the most doubtful suggests."""
    best = max(rounds, key=lambda d: d.score)
    read = normalise_text(example.instruction)  # networks read, and suggest, the normal form
    return LabelError(
        row=row,
        example=example,
        kind=best.kind,
        given=example.output,
        suggested=catalog.render(restore_values(best.suggested, read, catalog)),
        score=min(d.score for d in rounds),
        confident=all(d.confident for d in rounds),
        why=best.why,
    )
