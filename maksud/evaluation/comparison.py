"""Several recognizers on the same examples: how they differ, and what of it is chance.

The difference in exact match is judged with a paired bootstrap (Efron and Tibshirani 1993;
Berg-Kirkpatrick et al. 2012): every resample draws the same examples for both, so that what is
hard for both cancels out. Its interval is far narrower than the two intervals side by side say.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.errors import InputError, SettingsError
from maksud.evaluation.metrics import LEVEL, interval, resampled_sums, share_interval
from maksud.evaluation.report import Report
from maksud.evaluation.wording import Figure, points

_FEW = 100
"""Examples on which two differ, up to which a bootstrap alone is not trusted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The exact match of one recognizer minus that of the baseline, on the same examples."""

    exact_match: float
    """In [-1, 1]; above 0 the recognizer is better."""
    low: float
    high: float
    """The 95 % interval, by paired bootstrap; where one has all examples right and the other all
    wrong, by the exact binomial bound."""
    only_right: int
    """Examples that it has right and the baseline wrong."""
    only_wrong: int
    """Examples that it has wrong and the baseline right."""

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out 0 and, of few examples, an exact sign test chance."""
        apart = self.only_right, self.only_wrong
        if sum(apart) <= _FEW and 2 * _at_most(min(apart), sum(apart)) > 1 - LEVEL:
            return False
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "exact_match": round(self.exact_match, 6),
            "interval": [round(self.low, 6), round(self.high, 6)],
            "level": LEVEL,
            "more_than_chance": self.is_shown,
            "only_right": self.only_right,
            "only_wrong": self.only_wrong,
        }


@dataclass(frozen=True)
class Comparison:
    """Reports on the same examples. The first one is the baseline; its difference is None."""

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    """Of the recognizers; where two are called the same, numbered."""
    differences: tuple[Difference | None, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: all figures of each, with its difference from the baseline."""
        first = self.reports[0]
        return {
            "examples": first["examples"],
            "data": first["data"],
            "baseline": self.names[0],
            "runs": [
                {
                    "name": name,
                    **{k: v for k, v in report.to_json().items() if k not in _LONG},
                    "decision": {k: v for k, v in report["decision"].items() if k != "curve"},
                    "difference": difference.to_json() if difference else None,
                }
                for name, report, difference in zip(
                    self.names, self.reports, self.differences, strict=True
                )
            ],
        }

    def lines(self) -> list[str]:
        """What the differences say, one line each."""
        return [
            _verdict(name, self.names[0], difference)
            for name, difference in zip(self.names, self.differences, strict=True)
            if difference is not None
        ]


_LONG = frozenset(
    ("errors", "confusion", "per_intent", "per_parameter", "calibration_bins", "risk_coverage")
    + ("data", "by")
)
"""Figures that stand in the report of each run, not in the comparison."""


def compare(reports: Sequence[Report], *, resamples: int = 1000, seed: int = 0) -> Comparison:
    """Compares reports on the same examples; the first is the baseline of the differences.

    Raises `InputError` for fewer than two reports, or for reports on different examples,
    `SettingsError` for less than one resample.
    """
    if resamples < 1:
        raise SettingsError(f"resamples is {resamples}, expected at least 1")
    if len(reports) < 2:
        raise InputError("there is nothing to compare", hint="Give two reports or more")
    first = reports[0]
    for other in reports[1:]:
        if other["data"]["fingerprint"] != first["data"]["fingerprint"]:
            raise InputError(
                f"{first['model']} was measured on {first['examples']:,} examples "
                f"({_short_id(first)}), {other['model']} on {other['examples']:,} others "
                f"({_short_id(other)})",
                hint="Evaluate all on the same examples",
            )
    return Comparison(
        reports=tuple(reports),
        names=_names([str(r["model"]) for r in reports]),
        differences=(None, *(_difference(first, r, resamples, seed) for r in reports[1:])),
    )


def best_of(figure: Figure, reports: Sequence[Report]) -> list[int]:
    """Which reports are best in a figure; none where all are the same."""
    values = [figure.of(r.figures) for r in reports]
    known = [v for v in values if v is not None]
    if not figure.better or len(set(known)) < 2:
        return []
    best = max(known) if figure.better == "higher" else min(known)
    return [k for k, v in enumerate(values) if v == best]


def list_unmeasured(figures: Sequence[Figure], reports: Sequence[Report]) -> list[str]:
    """Why some figures have no value, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for figure in figures:
        for report in reports:
            if figure.of(report.figures) is None:
                names = reasons.setdefault(figure.write(report.figures), [])
                names += [figure.name] if figure.name not in names else []
    return [f"– {reason} ({', '.join(names)})" for reason, names in reasons.items()]


def _difference(baseline: Report, other: Report, resamples: int, seed: int) -> Difference:
    ours = np.array([p.exact for p in other.predictions], dtype=np.float64)
    theirs = np.array([p.exact for p in baseline.predictions], dtype=np.float64)
    each = ours - theirs
    low, high = interval(resampled_sums(each, resamples=resamples, seed=seed)[:, 0] / len(each))
    if abs(each.sum()) == len(each):  # one has all, the other none: no resample can differ
        share = float(each[0] > 0)
        low, high = (2 * x - 1 for x in share_interval(share, np.zeros(1), len(each)))
    return Difference(
        exact_match=float(each.mean()),
        low=low,
        high=high,
        only_right=int((each > 0).sum()),
        only_wrong=int((each < 0).sum()),
    )


def _at_most(heads: int, tosses: int) -> float:
    """The probability of so many heads or fewer, of a fair coin."""
    ways = sum(math.comb(tosses, k) for k in range(heads + 1))
    return float(ways / 2**tosses)


def _verdict(name: str, baseline: str, d: Difference) -> str:
    figures = (
        f"{points(d.exact_match)} points of exact match, 95 % interval {points(d.low)} to "
        f"{points(d.high)}; right where the other is wrong: {d.only_right:,}, the other way round: "
        f"{d.only_wrong:,}"
    )
    if not d.is_shown:
        return f"No difference is shown between {name} and {baseline}: {figures}."
    better = "better" if d.exact_match > 0 else "worse"
    return f"{name} is {better} than {baseline}: {figures}."


def _names(models: list[str]) -> tuple[str, ...]:
    many, seen = Counter(models), Counter[str]()
    names = []
    for model in models:
        seen[model] += 1
        names.append(f"{model} ({seen[model]})" if many[model] > 1 else model)
    return tuple(names)


def _short_id(report: Report) -> str:
    return str(report["data"]["fingerprint"])[:12]
