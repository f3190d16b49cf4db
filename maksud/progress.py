"""Progress for a person: a bar for each stage of a long job, lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from maksud.recognition import OnProgress
from maksud.recognition import Progress as Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

LINE_SECONDS = 30.0
"""Between two lines of one stage, where there is no terminal."""


@contextmanager
def shown(console: Console, *, transient: bool = False, indent: str = "") -> Iterator[OnProgress]:
    """Gives what to tell progress to. `transient`: the bars go away when the job is over."""
    if not console.is_terminal:
        yield _lines(console, indent)
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(indent + "{task.description:<12}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[text]}[/dim]"),
    )
    with Progress(*columns, console=console, transient=transient) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(event: Event) -> None:
            if event.stage not in tasks:
                tasks[event.stage] = bars.add_task(event.stage, total=1.0, text="")
            bars.update(tasks[event.stage], completed=event.done, text=event.text)

        yield tell


def _lines(console: Console, indent: str) -> OnProgress:
    stage, last = "", 0.0

    def tell(event: Event) -> None:
        nonlocal stage, last
        if event.stage == stage and monotonic() - last < LINE_SECONDS:
            return
        stage, last = event.stage, monotonic()
        share = f" {event.done:.0%}" if event.done else ""
        text = f", {event.text}" if event.text else ""
        console.print(f"{indent}{stage} …{share}{text}", markup=False, highlight=False)

    return tell
