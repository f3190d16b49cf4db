"""A comparison as one HTML page, see `template`: figures side by side, and where answers differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from maksud.evaluation import wording
from maksud.evaluation.comparison import Comparison, best_of, list_unmeasured
from maksud.evaluation.figures import Prediction
from maksud.evaluation.template import fill
from maksud.evaluation.wording import Figure

SHOWN = 500
"""Examples that are right for one and wrong for another."""
FIGURES = (*wording.HEADLINE, *wording.GATE, *wording.SURENESS, *wording.SPEED)


def render_comparison(comparison: Comparison) -> str:
    """The page. Deterministic: the same comparison gives the same page."""
    first = comparison.reports[0].figures
    rows = list(zip(*(r.predictions for r in comparison.reports), strict=True))
    differ = [row for row in rows if len({p.exact for p in row}) > 1]
    return fill(
        "comparison.html",
        names=comparison.names,
        data_name=wording.data_name(first),
        examples=first["examples"],
        created=max(r["created"] for r in comparison.reports),
        lines=comparison.lines(),
        figures=[_row(figure, comparison) for figure in FIGURES],
        unmeasured=list_unmeasured(FIGURES, comparison.reports),
        by=_groups(comparison),
        differing=len(differ),
        differ=[_example(row, comparison) for row in differ[:SHOWN]],
        choices=_choices(differ[:SHOWN], comparison),
        measured=_facts(comparison),
    )


def _row(figure: Figure, comparison: Comparison) -> dict[str, Any]:
    best = best_of(figure, comparison.reports)
    cells = []
    for k, report in enumerate(comparison.reports):
        measured = figure.of(report.figures) is not None
        interval = figure.interval(report.figures) if measured else None
        cells.append(
            {
                "written": figure.write(report.figures) if measured else "–",
                "range": wording.percent_range(*interval) if interval else "",
                "best": k in best,
            }
        )
    return {"name": figure.name, "note": "", "cells": cells}


def _groups(comparison: Comparison) -> list[dict[str, Any]]:
    """Of each field, exact match of each group, side by side.

    Left out: fields whose groups differ, as the rows had other fields beside the same texts.
    """
    tables = []
    for name, groups in comparison.reports[0]["by"].items():
        sizes = [(g["value"], g["examples"]) for g in groups]
        others = [r["by"].get(name, []) for r in comparison.reports[1:]]
        if any(sizes != [(g["value"], g["examples"]) for g in other] for other in others):
            continue
        if name == "language" and len(groups) < 2:
            continue
        rows = []
        for sides in zip(groups, *others, strict=True):
            best = max(side["exact_match"] for side in sides)
            alike = len({side["exact_match"] for side in sides}) == 1
            rows.append(
                {
                    "name": wording.group_name(name, sides[0]["value"]),
                    "note": f"{sides[0]['examples']:,}",
                    "cells": [
                        {
                            "written": wording.percent(side["exact_match"]),
                            "range": wording.percent_range(*side["interval"]),
                            "best": side["exact_match"] == best and not alike,
                        }
                        for side in sides
                    ],
                }
            )
        tables.append(
            {"name": wording.field_name(name), "note": wording.field_note(name), "rows": rows}
        )
    return tables


# ---------------------------------------------------------------- where they differ


def _example(row: Sequence[Prediction], comparison: Comparison) -> dict[str, Any]:
    first = row[0]
    return {
        "instruction": first.instruction,
        "gold": first.gold,
        "place": first.place,
        "right": _who_is_right(row, comparison),
        "groups": [(f"g{k}", v) for k, v in enumerate(first.groups.values())],
        "answers": [
            {
                "name": name,
                "text": p.answer,
                "right": p.exact,
                "state": wording.state(p.accepted),
            }
            for name, p in zip(comparison.names, row, strict=True)
        ],
    }


def _who_is_right(row: Sequence[Prediction], comparison: Comparison) -> str:
    right = [name for name, p in zip(comparison.names, row, strict=True) if p.exact]
    return ", ".join(right)


def _choices(
    differ: Sequence[Sequence[Prediction]], comparison: Comparison
) -> list[dict[str, Any]]:
    right = Counter(_who_is_right(row, comparison) for row in differ)
    found = [("right", "who is right", [(name, name) for name, _ in right.most_common()])]
    for k, name in enumerate(comparison.reports[0]["by"]):
        values = Counter(row[0].groups[name] for row in differ)
        options = [(v, wording.group_name(name, v)) for v, _ in values.most_common()]
        found.append((f"g{k}", wording.field_name(name), options))
    return [
        {"name": name, "label": label, "options": options}
        for name, label, options in found
        if len(options) > 1
    ]


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    first = comparison.reports[0].figures
    return [
        ("data", wording.data_line(first)),
        ("data fingerprint", f"sha256:{first['data']['fingerprint']}"),
        *(
            (f"contract of {name}", str(report["contract"]))
            for name, report in zip(comparison.names, comparison.reports, strict=True)
        ),
        ("dates", ", ".join(r["created"].replace("T", " ") for r in comparison.reports)),
    ]
