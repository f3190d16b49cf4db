"""A report drawn for the terminal; the drawing of a comparison is tested beside it."""

from dataclasses import replace

import pytest
from reports import ANSWERS, ROWS, SURE, report_of
from rich.console import Console
from scripted import Scripted, catalog_of

from maksud.evaluation.report import Report, evaluate
from maksud.evaluation.terminal import draw_report


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(ANSWERS, sure=SURE, threshold=0.5)


def printed(report: Report, width: int = 80) -> str:
    console = Console(width=width, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(draw_report(report))
    return capture.get()


def test_the_table_has_the_guides_names_and_the_line(report: Report) -> None:
    text = printed(report, 200)
    for name in ("exact match", "Akurasi pengenalan maksud", "Akurasi pengenalan parameter"):
        assert name in text
    assert "scripted (scripted), 6 examples" in text
    [line] = [line for line in text.splitlines() if line.startswith("utility ")]
    assert line.split()[1:5] == ["−16.7", "at", "best", "16.7"]
    assert "false accept rate" in text
    assert "0 that are wrong score right, 1 that are right score wrong" in text
    assert max(map(len, printed(report).splitlines())) <= 80


def test_the_table_says_what_is_not_measured_and_obeys_no_markup() -> None:
    found = report_of(ANSWERS, ROWS[:4], name="[bold red]x[/] \x1b[31m\u202e")
    text = printed(found, 200)
    assert "not measured: there are no out-of-scope examples" in text
    assert "[bold red]x[/]" in text and "\x1b[31m" not in text and "\u202e" not in text
    assert "Note: Only 4 examples" in text


def test_groups_stand_below_the_figures() -> None:
    rows = [replace(e, metadata={"channel": "[red]wa\x1b"}) for e in ROWS]
    text = printed(report_of(ANSWERS, [*rows[:3], *ROWS[3:]]), 200)
    assert "by number of calls" in text and "out of scope: none()" in text
    answers = {e.instruction: ANSWERS[e.instruction] for e in rows}
    found = evaluate(Scripted(answers, catalog_of(rows)), [*rows[:3], *ROWS[3:]], by=["channel"])
    text = printed(found, 200)
    assert "by channel" in text and "[red]wa⟨U+001B⟩" in text and "(not said)" in text
    assert max(map(len, printed(found).splitlines())) <= 80
