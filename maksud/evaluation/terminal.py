"""Reports for the terminal: the figures of one in a table, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maksud.evaluation import wording
from maksud.evaluation.comparison import Comparison
from maksud.evaluation.report import Report
from maksud.evaluation.wording import Figure, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

OF_ONE = (*wording.HEADLINE, *wording.GATE[:4], wording.SURENESS[0], *wording.SPEED)
"""The figures of a report that are drawn; the page and the JSON have all."""

SIDE_BY_SIDE = (*wording.HEADLINE, *wording.GATE[:4], *wording.SURENESS[:3], *wording.SPEED)
"""The figures of a comparison that are drawn."""

_AFTER_A_GAP = (wording.GATE[0], wording.SURENESS[0], wording.SPEED[0])


def draw_report(report: Report) -> RenderableType:
    """The figures as something for `rich` to print, and where the guide's arithmetic misleads."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    figures = report.figures
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(_title(report))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column("95 % interval", no_wrap=True)
    table.add_column()
    for figure in OF_ONE:
        if figure in _AFTER_A_GAP:
            table.add_row()
        written = figure.written(figures)
        if figure.of(figures) is None:
            table.add_row(figure.name, Text("–", "dim"), "", Text(written, "dim"))
            continue
        interval = figure.interval(figures)
        table.add_row(
            figure.name,
            Text(written, "bold"),
            wording.percent_range(*interval) if interval else "",
            Text(figure.meaning, "dim", no_wrap=True, overflow="ellipsis"),
        )
    lines = [Text(wording.guide_line(figures))]
    lines += [Text(f"Note: {note}", style="yellow") for note in wording.notes(figures)]
    return Group(table, Text(), *lines)


def draw_comparison(comparison: Comparison) -> RenderableType:
    """The comparison as something for `rich` to print; the best of a row is bold.

    Beside a share stands its 95 % interval.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    reports = comparison.reports
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{reports[0]['examples']:,} examples", no_wrap=True)
    for name in comparison.names:
        table.add_column(Text(visible(name)), justify="right")
    for figure in SIDE_BY_SIDE:
        if figure in _AFTER_A_GAP:
            table.add_row()
        best = _best(figure, reports)
        cells = []
        for k, report in enumerate(reports):
            cells.append(Text(_cell(figure, report), style="bold" if k in best else ""))
        table.add_row(figure.name, *cells)
    lines = [Text(visible(line)) for line in comparison.lines()]
    lines += [Text(visible(line), style="dim") for line in _unmeasured(reports)]
    return Group(table, Text(), *lines)


def _title(report: Report) -> str:
    """What was measured, in a line."""
    kind = str(report["kind"]).replace("_", " ")
    return visible(f"{report['model']} ({kind}), {report['examples']:,} examples")


def _unmeasured(reports: Sequence[Report]) -> list[str]:
    """Why some cells are empty, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for figure in SIDE_BY_SIDE:
        for report in reports:
            if figure.of(report.figures) is None:
                names = reasons.setdefault(figure.written(report.figures), [])
                names += [figure.name] if figure.name not in names else []
    return [f"– {reason} ({', '.join(names)})" for reason, names in reasons.items()]


def _cell(figure: Figure, report: Report) -> str:
    if figure.of(report.figures) is None:
        return "–"
    written = figure.written(report.figures)
    interval = figure.interval(report.figures)
    if interval is None:
        return written
    low, high = (f"{100 * x:.1f}" for x in interval)
    return f"{written}  {low}–{high}"


def _best(figure: Figure, reports: Sequence[Report]) -> list[int]:
    """Which reports are best in a figure; none where all are the same."""
    values = [figure.of(r.figures) for r in reports]
    known = [v for v in values if v is not None]
    if not figure.better or len(set(known)) < 2:
        return []
    best = max(known) if figure.better == "higher" else min(known)
    return [k for k, v in enumerate(values) if v == best]
