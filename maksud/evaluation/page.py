"""A report as one HTML page that needs nothing beside it: no script, no request, no font.

What it shows is hostile until shown otherwise: utterances and answers come from anywhere. Jinja
escapes all of it, invisible characters are written out, and the page's content policy allows its
own style sheet (by hash) and nothing else. The template and the style sheet lie beside this file.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maksud.evaluation import charts, wording
from maksud.evaluation.metrics import NO_CALL
from maksud.evaluation.report import Report
from maksud.evaluation.wording import Figures, percent, visible
from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.measures import Bin

SHOWN_LABELS = 16
"""Intents in the picture of the confusion matrix; of more, the most confused ones."""
SHOWN_ROWS = 15
"""Rows of a table before the rest is folded away."""
FEW_ROWS = 8
"""Rows of a table beside a picture."""
SHOWN_CONFUSIONS = 1000
"""Pairs in the table of all confusions."""
LONGEST_TEXT = 500
"""Characters of an utterance or an answer that are shown."""

_HERE = Path(__file__).parent
_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


def render(report: Report) -> str:
    """The page. Deterministic: the same report gives the same page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    def harmless(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Markup):
            return visible(value)
        return value

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, shortened=_shortened)
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    figures = report.figures
    return template.render(
        r=figures,
        style=Markup(style),  # ours, from this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        headline=_rows(wording.HEADLINE, figures),
        gate=_rows(wording.GATE, figures),
        sureness=_rows(wording.SURENESS, figures),
        speed=_rows(wording.SPEED, figures),
        guide_line=wording.guide_line(figures),
        guide_judged=wording.guide_judged(figures),
        notes=wording.notes(figures),
        by_calls=_by_calls(figures),
        reliability=Markup(_reliability(figures)),
        risk_coverage=Markup(_risk_coverage(figures)),
        confusion=_confusion(figures),
        intents=_weakest_first(figures["per_intent"]),
        parameters=_weakest_first(figures["per_parameter"]),
        shown_rows=SHOWN_ROWS,
        few_rows=FEW_ROWS,
        wrong=sum(figures["error_kinds"].values()),
        errors=[_error(e) for e in figures["errors"]],
        measured=_measured(figures),
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
                "written": figure.written(figures),
                "interval": interval,
                "interval_written": wording.percent_range(*interval) if interval else "",
                "guide": figure.key.startswith("guide_"),
            }
        )
    return rows


def _by_calls(figures: Figures) -> list[dict[str, Any]]:
    names = {"0": "out of scope: none()", "1": "1 call"}
    return [
        {"name": names.get(n, f"{n} calls"), **found} for n, found in figures["by_calls"].items()
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


# ---------------------------------------------------------------- intents


def _intent_name(name: str) -> str:
    return f"{OUT_OF_SCOPE}()" if name == OUT_OF_SCOPE else _shortened(name)


def _confusion(figures: Figures) -> dict[str, Any]:
    """The picture, and all confusions as rows, the most frequent first."""
    from markupsafe import Markup

    labels = [_intent_name(name) for name in figures["confusion"]["labels"]]
    cells = {(gold, answered): n for gold, answered, n in figures["confusion"]["cells"]}
    totals = [0] * len(labels)
    for (gold, _), n in cells.items():
        totals[gold] += n
    wrong = sorted(
        ((n, gold, answered) for (gold, answered), n in cells.items() if gold != answered),
        key=lambda found: (-found[0], found[1:]),
    )
    chosen = _most_confused(labels, wrong)
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
        [_right(cells.get((k, k), 0), totals[k], labels[k]) for k in chosen],
    )
    return {
        "picture": Markup(picture) if chosen else "",
        "shown": len(chosen),
        "labels": len(labels),
        "pairs": len(wrong),
        "rows": [
            {"gold": labels[g], "answered": labels[a], "count": n, "share": n / totals[g]}
            for n, g, a in wrong[:SHOWN_CONFUSIONS]
        ],
    }


def _right(hits: int, total: int, label: str) -> str:
    return "" if label == NO_CALL or not total else f"{100 * hits / total:.0f} %"


def _most_confused(labels: Sequence[str], wrong: Sequence[tuple[int, int, int]]) -> list[int]:
    """The labels of the picture, in order: all, or those of the most frequent confusions.

    Labels that are taken for each other stand side by side, so that they are seen as a block.
    What is no intent is confused with everything: it stands last and chooses nothing.
    """
    apart = [k for k, label in enumerate(labels) if label in (NO_CALL, _intent_name(OUT_OF_SCOPE))]
    room = SHOWN_LABELS - len(apart)
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
    if len(labels) <= SHOWN_LABELS:
        order += [k for k in range(len(labels)) if k not in order and k not in apart]
    return order + apart


def _weakest_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (row["f1"], -row["support"]))


# ---------------------------------------------------------------- errors


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    gold, answer = differences(_shortened(error["gold"]), _shortened(error["answer"]))
    return {**error, "gold": gold, "answer": answer}


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


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} more characters)"


# ---------------------------------------------------------------- what was measured


def _measured(figures: Figures) -> list[tuple[str, str]]:
    machine = figures["machine"]
    threads = f", threads: {machine['threads']}" if machine["threads"] else ""
    sources = ", ".join(figures["data"]["sources"])
    timed = figures["latency_ms"]["examples"]
    stated = figures["stated_false_accept_rate"]
    return [
        ("model", figures["model"]),
        ("kind", figures["kind"].replace("_", " ")),
        ("contract", figures["contract"]),
        (
            "threshold",
            f"{figures['threshold']:.4g}"
            + (f", chosen for a false accept rate of {percent(stated)}" if stated else ""),
        ),
        ("data", f"{figures['examples']:,} examples" + (f" of {sources}" if sources else "")),
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
