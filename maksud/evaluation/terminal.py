"""Reports for the terminal: the figures of one in a table, or of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from maksud.evaluation import wording
from maksud.evaluation.comparison import Comparison, best_of, list_unmeasured
from maksud.evaluation.report import Report
from maksud.evaluation.wording import Figure, make_visible

if TYPE_CHECKING:
    from rich.console import RenderableType

OF_ONE = (*wording.HEADLINE, *wording.GATE[:5], wording.SURENESS[0], *wording.SPEED)
"""The figures of a report that are drawn; the page and the JSON have all."""

SIDE_BY_SIDE = (*wording.HEADLINE, *wording.GATE[:5], *wording.SURENESS[:3], *wording.SPEED)
"""The figures of a comparison that are drawn."""

_OF_GATE = len(wording.HEADLINE) + 5

MOST_GROUPS = 12
"""Groups of a field that are drawn."""

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
    asked = wording.gate_of(figures)[len(wording.GATE) :]
    for figure in (*OF_ONE[:_OF_GATE], *asked, *OF_ONE[_OF_GATE:]):
        if figure in _AFTER_A_GAP:
            table.add_row()
        written = figure.write(figures)
        if figure.of(figures) is None:
            table.add_row(figure.name, Text("–", "dim"), "", Text(written, "dim"))
            continue
        interval = figure.interval(figures)
        table.add_row(
            figure.name,
            Text(written, "bold"),
            wording.percent_range(*interval)
            if interval
            else wording.best_in_reach(figure, figures),
            Text(figure.meaning, "dim", no_wrap=True, overflow="ellipsis"),
        )
    groups = [_draw_groups(name, found) for name, found in figures["by"].items() if found[1:]]
    lines = [Text(wording.guide_line(figures))]
    if far := wording.background_line(figures):
        lines.append(Text(far))
    lines += [Text(f"Note: {note}", style="yellow") for note in wording.notes(figures)]
    return Group(table, Text(), *groups, *lines)


def _draw_groups(field: str, groups: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Exact match by one field, the first groups."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column(
        Text(make_visible(f"by {wording.field_name(field)}")), no_wrap=True, max_width=36
    )
    table.add_column("examples", justify="right")
    table.add_column("exact match", justify="right")
    table.add_column("95 % interval", no_wrap=True)
    for group in groups[:MOST_GROUPS]:
        table.add_row(
            Text(make_visible(wording.group_name(field, group["value"])), overflow="ellipsis"),
            f"{group['examples']:,}",
            Text(wording.percent(group["exact_match"]), "bold"),
            wording.percent_range(*group["interval"]),
        )
    if len(groups) > MOST_GROUPS:
        more = f"… and {len(groups) - MOST_GROUPS:,} more on the page"
        table.add_row(Text(more, "dim"), "", "", "")
    table.add_row()
    return table


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
        table.add_column(Text(make_visible(name)), justify="right")
    for figure in SIDE_BY_SIDE:
        if figure in _AFTER_A_GAP:
            table.add_row()
        best = best_of(figure, reports)
        cells = []
        for k, report in enumerate(reports):
            cells.append(Text(_cell(figure, report), style="bold" if k in best else ""))
        table.add_row(figure.name, *cells)
    lines = [Text(make_visible(line)) for line in comparison.lines()]
    lines += [
        Text(make_visible(line), style="dim") for line in list_unmeasured(SIDE_BY_SIDE, reports)
    ]
    return Group(table, Text(), *lines)


def _title(report: Report) -> str:
    """What was measured, in a line."""
    kind = str(report["kind"]).replace("_", " ")
    where = wording.data_name(report.figures)
    return make_visible(f"{report['model']} ({kind}), {report['examples']:,} examples of {where}")


def _cell(figure: Figure, report: Report) -> str:
    if figure.of(report.figures) is None:
        return "–"
    written = figure.write(report.figures)
    interval = figure.interval(report.figures)
    if interval is None:
        return written
    low, high = (f"{100 * x:.1f}" for x in interval)
    return f"{written}  {low}–{high}"
