"""A report drawn for the terminal; the drawing of a comparison is tested beside it."""

import pytest
from reports import ANSWERS, ROWS, SURE, report_of
from rich.console import Console

from maksud.evaluation.report import Report
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
    assert "0 that are wrong score right, 1 that are right score wrong" in text
    assert max(map(len, printed(report).splitlines())) <= 80


def test_the_table_says_what_is_not_measured_and_obeys_no_markup() -> None:
    found = report_of(ANSWERS, ROWS[:4], name="[bold red]x[/] \x1b[31m\u202e")
    text = printed(found, 200)
    assert "not measured: there are no out-of-scope examples" in text
    assert "[bold red]x[/]" in text and "\x1b[31m" not in text and "\u202e" not in text
    assert "Note: Only 4 examples" in text
