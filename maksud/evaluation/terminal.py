"""A report for the terminal: the figures in a table, and where the guide's arithmetic misleads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maksud.evaluation import wording
from maksud.evaluation.wording import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from maksud.evaluation.report import Report

SHOWN = (*wording.HEADLINE, *wording.GATE[:4], wording.SURENESS[0], *wording.SPEED)
"""The figures that are drawn; the page and the JSON have all."""


def report_table(report: Report) -> RenderableType:
    """The figures as something for `rich` to print."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    figures = report.figures
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(title(report))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column("95 % interval", no_wrap=True)
    table.add_column()
    for figure in SHOWN:
        if figure in (wording.GATE[0], wording.SURENESS[0], wording.SPEED[0]):
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


def title(report: Report) -> str:
    """What was measured, in a line."""
    kind = str(report["kind"]).replace("_", " ")
    return visible(f"{report['model']} ({kind}), {report['examples']:,} examples")
