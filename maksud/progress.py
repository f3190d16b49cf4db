"""Progress for a person: a bar for each stage of a long job, lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is: `done` in [0, 1], `text` for a person, `metrics` for a plot."""

    stage: str
    done: float
    text: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]
"""Told about progress; it must be quick and must not raise."""


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
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn(indent + "{task.description:<12}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[text]}[/dim]"),
    )
    with Bars(*columns, console=console, transient=transient) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(event: Progress) -> None:
            if event.stage not in tasks:
                tasks[event.stage] = bars.add_task(event.stage, total=1.0, text="")
            bars.update(tasks[event.stage], completed=event.done, text=event.text)

        yield tell


def _lines(console: Console, indent: str) -> OnProgress:
    stage, last = "", 0.0

    def tell(event: Progress) -> None:
        nonlocal stage, last
        if event.stage == stage and monotonic() - last < LINE_SECONDS:
            return
        stage, last = event.stage, monotonic()
        share = f" {event.done:.0%}" if event.done else ""
        text = f", {event.text}" if event.text else ""
        console.print(f"{indent}{stage} …{share}{text}", markup=False, highlight=False)

    return tell
