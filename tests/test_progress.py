"""Progress is a bar on a terminal and a few lines elsewhere."""

import io

import pytest
from rich.console import Console

from maksud import progress
from maksud.progress import Progress


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    out = io.StringIO()
    with progress.shown(Console(file=out, width=40), indent="  ") as tell:
        tell(Progress("train", 0.0, "loading [base]"))
        tell(Progress("train", 0.1, "step 1"))  # too soon for another line
        now += progress.LINE_SECONDS
        tell(Progress("train", 0.5, "step 5"))
        tell(Progress("calibrate", 1.0))
    assert out.getvalue().splitlines() == [
        "  train …, loading [base]",
        "  train … 50%, step 5",
        "  calibrate … 100%",
    ]


@pytest.mark.parametrize("transient", [True, False])
def test_bars_on_a_terminal(transient: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    with progress.shown(console, transient=transient) as tell:
        tell(Progress("train", 0.5, "step 5"))
        tell(Progress("train", 1.0, "step 9"))
        tell(Progress("calibrate", 0.25))
    text = out.getvalue()
    assert "100 %" in text and "step 9" in text and "calibrate" in text
    frames = [f for f in text.split("\x1b[2K") if "calibrate" in f]
    assert len(text.split("train")) > 1 and frames
    assert text.endswith("\x1b[1A\x1b[2K") is transient  # the bars are wiped, or stay
