"""A report as one HTML page, see `template`: figures, charts, and the answers behind them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from maksud.evaluation import charts, wording
from maksud.evaluation.figures import Prediction, worst_first
from maksud.evaluation.grouping import ALWAYS
from maksud.evaluation.metrics import NO_CALL
from maksud.evaluation.report import Report
from maksud.evaluation.template import fill, shorten
from maksud.evaluation.wording import Figures
from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.measures import Bin

SHOWN_LABELS = 16
"""Intents in the picture of the confusion matrix; of more, the most confused ones."""
SMALL_LABELS = 8
"""Intents in its picture for a phone."""
SHOWN_ROWS = 15
"""Rows of a table before the rest is folded away."""
FEW_ROWS = 8
"""Rows of a table beside a picture."""
SHOWN_CONFUSIONS = 1000
"""Pairs in the list of all confusions."""
SHOWN_OF_A_PAIR = 10
"""Utterances of one pair."""
SHOWN_OF_PAIRS = 2000
"""Utterances of all pairs together: the most frequent pairs first."""
SHOWN_ERRORS = 500
"""Wrong answers that can be filtered and searched."""

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


def render(report: Report) -> str:
    """The page. Deterministic: the same report gives the same page."""
    from markupsafe import Markup

    figures = report.figures
    wrong = worst_first(report.predictions)
    return fill(
        "page.html",
        r=figures,
        data_name=wording.data_name(figures),
        headline=_rows(wording.HEADLINE, figures),
        gate=_rows(wording.gate_of(figures), figures),
        sureness=_rows(wording.SURENESS, figures),
        less_used=_rows(wording.LESS_USED, figures),
        speed=_rows(wording.SPEED, figures),
        guide_line=wording.guide_line(figures),
        guide_judged=wording.name_guide_text(figures),
        notes=wording.notes(figures),
        by=_groups(figures),
        reliability=Markup(_reliability(figures)),
        risk_coverage=Markup(_risk_coverage(figures)),
        utility=Markup(_utility(figures)),
        utility_line=wording.utility_line(figures),
        background_line=wording.background_line(figures),
        threshold_line=wording.threshold_line(figures),
        confusion=_confusion(report),
        intents=_weakest_first(figures["per_intent"]),
        parameters=_weakest_first(figures["per_parameter"]),
        shown_rows=SHOWN_ROWS,
        few_rows=FEW_ROWS,
        wrong=len(wrong),
        errors=[_error(p, figures) for p in wrong[:SHOWN_ERRORS]],
        choices=_choices(wrong[:SHOWN_ERRORS], figures),
        measured=_facts(figures),
        bar=lambda *arguments: Markup(charts.bar(*arguments)),
        intent_name=_intent_name,
    )


# ---------------------------------------------------------------- figures


def _rows(shown: Sequence[wording.Figure], figures: Figures) -> list[dict[str, Any]]:
    rows = []
    for figure in shown:
        value = figure.of(figures)
        interval = figure.interval(figures)
        rows.append(
            {
                "name": figure.name,
                "meaning": figure.meaning,
                "value": value,
                "written": figure.write(figures),
                "interval": interval,
                "interval_written": wording.percent_range(*interval) if interval else "",
                "guide": figure.key.startswith("guide_"),
            }
        )
    return rows


def _groups(figures: Figures) -> list[dict[str, Any]]:
    """The tables of `by`; a language that all rows have in common says nothing."""
    return [
        {
            "name": wording.field_name(name),
            "note": wording.field_note(name),
            "rows": [
                {
                    **group,
                    "name": wording.group_name(name, group["value"]),
                    "range": wording.percent_range(*group["interval"]),
                }
                for group in groups
            ],
        }
        for name, groups in figures["by"].items()
        if name != "language" or len(groups) > 1
    ]


def _reliability(figures: Figures) -> str:
    if not figures["calibration_bins"]:
        return ""
    return charts.reliability([Bin(**b) for b in figures["calibration_bins"]])


def _risk_coverage(figures: Figures) -> str:
    if not figures["risk_coverage"]:
        return ""
    curve = [(p["coverage"], p["risk"]) for p in figures["risk_coverage"]]
    right = figures["accuracy_accepted"]
    at = None if right is None else (figures["coverage"], 1 - right)
    return charts.risk_coverage(curve, at, figures["threshold"])


def _utility(figures: Figures) -> str:
    decision = figures["decision"]
    if not decision["curve"]:
        return ""
    curve = [(p["threshold"], p["utility"]) for p in decision["curve"]]
    best = decision["best_threshold"]
    return charts.utility(
        curve,
        (decision["threshold"], decision["utility"]),
        None if best is None else (best, decision["best_utility"]),
    )


# ---------------------------------------------------------------- intents


def _intent_name(name: str) -> str:
    return f"{OUT_OF_SCOPE}()" if name == OUT_OF_SCOPE else shorten(name)


def _confusion(report: Report) -> dict[str, Any]:
    """The pictures, and all confusions as rows with their utterances, the most frequent first."""
    from markupsafe import Markup

    names = report["confusion"]["labels"]
    labels = [_intent_name(name) for name in names]
    cells = {(gold, answered): n for gold, answered, n in report["confusion"]["cells"]}
    totals = [0] * len(labels)
    for (gold, _), n in cells.items():
        totals[gold] += n
    wrong = sorted(
        ((n, gold, answered) for (gold, answered), n in cells.items() if gold != answered),
        key=lambda found: (-found[0], found[1:]),
    )
    listed = wrong[:SHOWN_CONFUSIONS]
    ids = {(g, a): f"pair-{g}-{a}" for _, g, a in listed}

    def draw(room: int, name: str) -> tuple[Any, int]:
        chosen = _choose_labels(labels, wrong, room)
        if not chosen:
            return "", 0
        at = {label: k for k, label in enumerate(chosen)}
        inside: dict[tuple[int, int], int] = {}
        others = [0] * len(chosen)
        for (gold, answered), n in cells.items():
            if gold not in at:
                continue
            if answered in at:
                inside[at[gold], at[answered]] = n
            else:
                others[at[gold]] += n
        picture = charts.heat_map(
            [labels[k] for k in chosen],
            inside,
            others,
            [totals[k] for k in chosen],
            [_share_right(cells.get((k, k), 0), totals[k], labels[k]) for k in chosen],
            {(at[g], at[a]): f"#{i}" for (g, a), i in ids.items() if g in at and a in at},
            name=name,
            small=room == SMALL_LABELS,
        )
        return Markup(picture), len(chosen)

    picture, shown = draw(SHOWN_LABELS, "confusion")
    small_picture, small_shown = draw(SMALL_LABELS, "confusion-small")
    examples = _examples_of_pairs(report.predictions)
    rows, room = [], SHOWN_OF_PAIRS
    for n, g, a in listed:
        found = examples[names[g], names[a]]
        kept = found[: min(SHOWN_OF_A_PAIR, room)]
        room -= len(kept)
        rows.append(
            {
                "id": ids[g, a],
                "gold": labels[g],
                "answered": labels[a],
                "count": n,
                "share": n / totals[g],
                "examples": kept,
                "more": len(found) - len(kept),
            }
        )
    return {
        "picture": picture,
        "shown": shown,
        "small_picture": small_picture,
        "small_shown": small_shown,
        "labels": len(labels),
        "pairs": len(wrong),
        "rows": rows,
    }


def _examples_of_pairs(
    predictions: Sequence[Prediction],
) -> dict[tuple[str, str], list[Prediction]]:
    found: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        for pair in dict.fromkeys(prediction.confused):
            found.setdefault(pair, []).append(prediction)
    return found


def _share_right(hits: int, total: int, label: str) -> str:
    return "" if label == NO_CALL or not total else f"{100 * hits / total:.0f} %"


def _choose_labels(
    labels: Sequence[str], wrong: Sequence[tuple[int, int, int]], most: int
) -> list[int]:
    """The labels of the picture, in order: all, or those of the most frequent confusions.

    Labels that are taken for each other stand side by side, so that they are seen as a block.
    What is no intent is confused with everything: it stands last and chooses nothing.
    """
    apart = [k for k, label in enumerate(labels) if label in (NO_CALL, _intent_name(OUT_OF_SCOPE))]
    room = most - len(apart)
    both: Counter[tuple[int, int]] = Counter()
    for n, gold, answered in wrong:
        if gold not in apart and answered not in apart:
            both[min(gold, answered), max(gold, answered)] += n
    order: list[int] = []
    for pair in sorted(both, key=lambda p: (-both[p], p)):
        new = [k for k in pair if k not in order]
        if not new or len(order) + len(new) > room:
            continue
        partner = next((k for k in pair if k in order), None)
        place = len(order) if partner is None else order.index(partner) + 1
        order[place:place] = new
    if len(labels) <= most or not order:  # without confusions, the most wanted ones
        order += [k for k in range(len(labels)) if k not in order and k not in apart]
    return order[:room] + apart


def _weakest_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (row["f1"], -row["support"]))


# ---------------------------------------------------------------- errors


def _error(p: Prediction, figures: Figures) -> dict[str, Any]:
    gold, answer = differences(shorten(p.gold), shorten(p.answer))
    return {
        "instruction": p.instruction,
        "gold": gold,
        "answer": answer,
        "what": p.what,
        "accepted": p.accepted,
        "state": wording.state(p.accepted),
        "confidence": p.confidence,
        "place": p.place,
        "groups": [(f"g{k}", p.groups[name]) for k, name in enumerate(figures["by"])],
        "notes": [f"{name}: {value}" for name, value in p.groups.items() if name not in ALWAYS],
    }


def _choices(errors: Sequence[Prediction], figures: Figures) -> list[dict[str, Any]]:
    """What the wrong answers can be filtered by: only where there is something to choose."""

    def choice(name: str, label: str, values: Sequence[str], field: str = "") -> dict[str, Any]:
        ranked = [value for value, _ in Counter(values).most_common()]
        options = [(v, wording.group_name(field, v) if field else v) for v in ranked]
        return {"name": name, "label": label, "options": options}

    found = [
        choice("kind", "kind", [p.what for p in errors]),
        choice("state", "state", [wording.state(p.accepted) for p in errors]),
        *(
            choice(f"g{k}", wording.field_name(name), [p.groups[name] for p in errors], name)
            for k, name in enumerate(figures["by"])
        ),
    ]
    return [c for c in found if len(c["options"]) > 1]


Pieces = list[tuple[str, bool]]


def differences(gold: str, answer: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces: (text, whether it differs from the other)."""
    a, b = _TOKEN.findall(gold), _TOKEN.findall(answer)
    left: Pieces = []
    right: Pieces = []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        for pieces, tokens in ((left, a[a1:a2]), (right, b[b1:b2])):
            if tokens:
                pieces.append(("".join(tokens), kind != "equal"))
    return left, right


# ---------------------------------------------------------------- what was measured


def _facts(figures: Figures) -> list[tuple[str, str]]:
    machine = figures["machine"]
    threads = f", threads: {machine['threads']}" if machine["threads"] else ""
    timed = figures["latency_ms"]["examples"]
    return [
        ("model", figures["model"]),
        ("kind", figures["kind"].replace("_", " ")),
        ("contract", figures["contract"]),
        ("threshold", wording.threshold_line(figures)),
        ("data", wording.data_line(figures)),
        ("data fingerprint", f"sha256:{figures['data']['fingerprint']}"),
        ("date", figures["created"].replace("T", " ")),
        ("versions", ", ".join(f"{k} {v}" for k, v in figures["versions"].items())),
        (
            "machine",
            f"{machine['system']} {machine['processor']}, {machine['cores']} cores{threads}",
        ),
        ("latency", f"{timed:,} single requests, after a warm-up" if timed else "not timed"),
        (
            "intervals",
            "95 %, percentile bootstrap over examples, 1,000 resamples; where all "
            "examples agree, the exact binomial bound",
        ),
    ]
