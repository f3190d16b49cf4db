"""How commands speak: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import typer

from maksud.errors import SystemFault

if TYPE_CHECKING:
    from rich.console import Console

    from maksud.data.dataset import Dataset
    from maksud.data.findings import Findings
    from maksud.progress import OnProgress
    from maksud.recognizers.choosing import Choice
    from maksud.recognizers.recognition import Recognition
    from maksud.recognizers.runs import Run
    from maksud.recognizers.settings import TrainSettings


_ACTING = re.compile(
    "[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Characters that turn, hide or break other text of a terminal; JSON has an escape for each."""


def say(text: str) -> None:
    """A line for the person, beside the results."""
    with _unheard():
        typer.echo(readable(text), err=True)


def write(text: str) -> None:
    """A line of results for people."""
    with _printing():
        typer.echo(readable(text))


def readable(text: str) -> str:
    """Lines with what would move, hide or turn other text of a terminal written out.

    Data and file names come from strangers, and `U+202E` shows an answer in reverse.
    """
    if text.isascii() and text.isprintable():
        return text
    from maksud.evaluation.wording import make_visible

    return "\n".join(make_visible(line) for line in text.split("\n"))


def write_json(content: Any, indent: int | None = 1) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=indent, allow_nan=False)
    with _printing():
        typer.echo(_ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


class Announcement(Protocol):
    """What a server says when it can be asked."""

    def to_json(self) -> dict[str, Any]:
        """For scripts."""

    def lines(self) -> list[str]:
        """For people."""


def announcer(*, as_json: bool) -> Callable[[Announcement], None]:
    """Writes what a server says once it can be asked, at once: scripts wait for it."""

    def announce(about: Announcement) -> None:
        if as_json:
            write_json(about.to_json(), indent=None)
        else:
            for line in about.lines():
                write(line)

    return announce


def terminal(*, stderr: bool = False) -> Console:
    """Where tables are printed, or with `stderr` where progress is told."""
    from rich.console import Console

    class Terminal(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            with _unheard() if self.stderr else _printing():
                super().print(*objects, **options)

        def on_broken_pipe(self) -> None:
            raise  # as any other printing does; rich ends the process here, whatever is in work

    return Terminal(stderr=stderr)


@contextmanager
def _printing() -> Iterator[None]:
    """Tells what standard output can't take; where its reader left, the command ends well."""
    try:
        yield
    except BrokenPipeError as error:
        discard(sys.stdout)
        raise typer.Exit(0) from error  # as itself, typer would make a failure of it
    except OSError as error:
        discard(sys.stdout)
        raise SystemFault(
            f"can't be written ({error.strerror or error})",
            where="standard output",
            hint="Make room, or send it to another place",
        ) from error


@contextmanager
def _unheard() -> Iterator[None]:
    """That nobody can read what is said meanwhile is no reason to stop the work."""
    try:
        yield
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO | None) -> None:
    """From here on the stream goes nowhere: what it still holds would fail again when Python ends,
    and change the exit code."""
    with suppress(OSError, ValueError, AttributeError):  # it may have no descriptor, or not be
        held = stream.fileno()  # type: ignore[union-attr]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, held)
        os.close(nowhere)


def fail(message: str, code: int) -> None:
    say(f"error: {message}")
    sys.exit(code)


@contextmanager
def spinner(text: str) -> Iterator[None]:
    with terminal(stderr=True).status(text):
        yield


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[OnProgress]:
    """Progress on standard error, or none at all."""
    from maksud.progress import ignore, show

    if quiet:
        yield ignore
        return
    with show(terminal(stderr=True)) as tell:
        yield tell


def ticks(tell: OnProgress) -> Callable[[str, float], None]:
    """Progress of reading and checking: every step on a terminal, every two seconds else."""
    from time import monotonic

    from maksud.progress import Progress

    last = monotonic()

    def tick(what: str, share: float) -> None:
        nonlocal last
        if sys.stderr.isatty():
            tell(Progress(what, share))
        elif monotonic() - last >= 2:
            last = monotonic()
            say(f"{what} … {share:.0%}")

    return tick


def draw_findings(found: Findings, data: str, each: int | None = 5) -> None:
    """The findings by code, `each` of one; None: all that were kept."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = terminal()
    colours = {"error": "bold red", "warning": "yellow", "info": "cyan"}
    for group in found.groups:
        about = group.kept[0]
        head = Text.assemble((group.code, colours[group.level]), f"  {group.total:,}  ")
        console.print(head.append(about.why, "dim"))
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(overflow="fold")  # at its end is the line, without which it is no place
        for f in group.kept[:each]:
            place = _within(f.place, data)
            table.add_row(Text(readable(place), "dim"), Text(readable(f.message)))
        console.print(Padding(table, (0, 0, 0, 2)))
        if more := group.total - len(group.kept[:each]):
            console.print(Text(f"  … and {more:,} more", "dim"))
        if about.fix:
            console.print(Text(f"  → {about.fix}"))
    counts = found.counts
    console.print(", ".join(f"{n:,} {k}{'s' if n != 1 else ''}" for k, n in counts.items()))
    if counts["error"]:
        say("Training refuses data with errors. `--json` has more of each, `--all` every finding.")


def _within(place: str, data: str) -> str:
    """A place as seen from the data: what stands there once for all findings is left out."""
    head = data.rstrip("/")
    if place[len(head) : len(head) + 1] not in ("/", ":") or not place.startswith(head):
        return place
    return place[len(head) :].lstrip("/:") or place


def check_directory(path: Path) -> None:
    """Raises `SystemFault` where no directory can be made, before the work that will fill it.

    None stays: a signal that kills the work would leave it empty.
    """
    missing = [d for d in (path, *path.parents) if not d.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror})", where=str(path), hint="Choose another --out"
        ) from error
    finally:
        for made in missing:
            with suppress(OSError):
                made.rmdir()


def tell_run(run: Run, data: str, dataset: Dataset) -> None:
    """What a person wants to know of a finished training, and what to type next.

    `data`: what the person typed; `dataset`: what was read there.
    """
    for note in run.manifest["data"]["notes"]:
        say(f"Note: {note}.")
    for reason, count in run.metrics.get("skipped", {}).items():
        places = ", ".join(run.metrics.get("skipped_at", {}).get(reason, ()))
        say(f"Not learnt from: {count:,} × {reason}{f' ({places}, …)' if places else ''}.")
    tell_decision(run)
    say(f"Run: {run.path} ({run.metrics['total_seconds']:.0f} s)")
    place = str(run.path)
    tell_next(
        # Without a test split there is nothing to measure on but what was learnt.
        ["evaluate", place, data] if len(dataset.test) else ["recognize", place, _first(dataset)],
        ["serve", place],
    )


def tell_choice(choice: Choice) -> None:
    """What `auto` chose, and why."""
    for line in choice.why:
        say(f"{line[0].upper()}{line[1:]}.")


def tell_decision(run: Run) -> None:
    """From which confidence on a run's answers are acted on, and what to expect of that."""
    about = run.metrics["calibration"]
    rule = run.contract.rule
    if "exact_match" in about:
        say(f"Held out: {about['exact_match']:.1%} of {about['examples']:,} answers wholly right.")
        say(
            f"Acted on from confidence {run.contract.threshold:.2f}"
            + (f": {rule.summary}." if rule else ".")
        )
    if about.get("summary"):
        say(f"To expect: {about['summary']}{' (95 % intervals)' if about['examples'] else ''}.")
    if sayings := about.get("background"):
        say(
            f"Of {sayings['sayings']:,} ordinary sayings that the data does not serve (docs/"
            f"decisions.md), {sayings['acted']:,} would be acted on; {sayings['left_out']:,} that "
            "it may serve were left out."
        )
    for note in filter(None, (about.get("calibration_note"), *about.get("notes", ()))):
        say(f"Note: {note}.")


def format_answer(answer: Recognition) -> str:
    """A recognition as one line for people."""
    state = "" if answer.accepted else "  refused"
    if answer.truncated:
        state += ": too long, not all of it was read"
    elif answer.reason:
        state += f": {answer.reason}"
    asks = "".join(f"  ask: {m.question}" for m in answer.missing if answer.accepted)
    doubts = "".join(f"  no {d.expected} in {d.parameter}: {d.value}" for d in answer.doubts)
    return f"{answer.text}  ({answer.confidence:.2f}){state}{asks}{doubts}"


def _first(dataset: Dataset) -> str:
    """A short utterance of the data, to try; "…" where all are too long to be typed."""
    texts = [e.instruction for e in dataset.examples[:200]]
    return min((t for t in texts if 7 < len(t) <= 100 and t.isprintable()), key=len, default="…")


def tell_next(*commands: Sequence[str]) -> None:
    """What to type next, as it can be pasted: with the paths that the person typed."""
    for k, command in enumerate(commands):
        say(f"{'Next:' if not k else '     '} {shlex.join(['maksud', *command])}")


def draw_settings(settings: TrainSettings) -> None:
    """Every setting of a training with its value, range and meaning."""
    from dataclasses import replace

    from rich.table import Table

    from maksud.recognizers.choosing import kinds_to_show
    from maksud.settings import settings_of

    for value in (replace(settings, kind=None), *kinds_to_show(settings.kind)):
        table = Table("setting", "value", "range", "meaning", box=None, title=type(value).__name__)
        for name, about in settings_of(type(value)).items():
            shown = str(getattr(value, name))
            table.add_row(
                name, shown if len(shown) < 40 else shown[:37] + "…", about.range, about.help
            )
        terminal().print(table)
