"""Progress for a person: a bar for each stage of a long job, lines where there is no terminal.

with show(console) as tell: …      what the command line does
with listen(on_progress) as tell:  what a function does with its argument of that name
"""

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
SHORT_SECONDS = 2.0
"""A function that is called from Python says nothing before, where there is no terminal."""


@contextmanager
def listen(on_progress: OnProgress | bool | None) -> Iterator[OnProgress]:
    """What a function tells its progress to: `on_progress` itself; True: standard error, with
    bars that go away on a terminal and lines elsewhere; False or None: nobody.
    """
    if callable(on_progress):
        yield on_progress
    elif not on_progress:
        yield ignore
    else:
        from rich.console import Console

        with show(Console(stderr=True), transient=True, patience=SHORT_SECONDS) as tell:
            yield tell


def ignore(progress: Progress) -> None:
    """Nobody asked."""


@contextmanager
def show(
    console: Console, *, transient: bool = False, indent: str = "", patience: float = 0.0
) -> Iterator[OnProgress]:
    """Gives what to tell progress to. `transient`: the bars go away when the job is over.

    `patience`: seconds before the first line, where there is no terminal.
    """
    if not console.is_terminal:
        yield _write_lines(console, indent, patience)
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


def _write_lines(console: Console, indent: str, patience: float) -> OnProgress:
    """A line when a stage begins and ends, every `LINE_SECONDS` between, and for each figure of
    held-out data, which are few and what one waits for."""
    stage, done, last = "", 0.0, 0.0
    begun = monotonic()

    def tell(event: Progress) -> None:
        nonlocal stage, done, last
        now = monotonic()
        ended = event.done >= 1 > done
        due = event.stage != stage or ended or now - last >= LINE_SECONDS
        if now - begun < patience or not (due or _is_measured(event)):
            return
        stage, done, last = event.stage, event.done, now
        share = f" {event.done:.0%}" if event.done else ""
        text = f", {event.text}" if event.text else ""
        # One line, however narrow the console thinks it is: logs are searched by line.
        console.print(
            f"{indent}{stage} …{share}{text}", markup=False, highlight=False, soft_wrap=True
        )

    return tell


def _is_measured(event: Progress) -> bool:
    return any(key.startswith("dev") for key in event.metrics)
