"""Progress is a bar on a terminal and a few lines elsewhere."""

import io
import json

import pytest
from rich.console import Console

from maksud import progress
from maksud.progress import Progress
from maksud.recognizers.runs import Run


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    out = io.StringIO()
    with progress.show(Console(file=out, width=40), indent="  ") as tell:
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


def test_a_line_tells_every_held_out_figure_and_the_end_of_a_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "monotonic", lambda: 100.0)
    out = io.StringIO()
    with progress.show(Console(file=out, width=20)) as tell:
        tell(Progress("train", 0.1, "epoch 1, loss 2.0", {"loss": 2.0}))
        tell(Progress("train", 0.2, "epoch 2, loss 1.5", {"loss": 1.5}))
        tell(Progress("train", 0.2, "dev_exact_match 0.500", {"dev_exact_match": 0.5}))
        tell(Progress("train", 1.0, "epoch 9, loss 0.1 and a text that is long", {"loss": 0.1}))
        tell(Progress("train", 1.0, "once more"))
    assert out.getvalue().splitlines() == [
        "train … 10%, epoch 1, loss 2.0",
        "train … 20%, dev_exact_match 0.500",
        "train … 100%, epoch 9, loss 0.1 and a text that is long",
    ]


def test_from_python_progress_is_lines_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    with progress.listen(True) as tell:
        tell(Progress("train", 0.1, "a short job says nothing"))
        now += progress.SHORT_SECONDS
        tell(Progress("train", 0.5, "step 5"))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "train … 50%, step 5\n")


@pytest.mark.parametrize("nobody", [None, False])
def test_nobody_is_told(nobody: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.listen(nobody) as tell:
        tell(Progress("train", 0.5, "step 5", {"dev_loss": 1.0}))
    assert capsys.readouterr() == ("", "")


def test_a_function_is_told_everything() -> None:
    told: list[Progress] = []
    with progress.listen(told.append) as tell:
        tell(Progress("train", 0.5))
    assert told == [Progress("train", 0.5)]


@pytest.mark.parametrize("transient", [True, False])
def test_bars_on_a_terminal(transient: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    with progress.show(console, transient=transient) as tell:
        tell(Progress("train", 0.5, "step 5"))
        tell(Progress("train", 1.0, "step 9"))
        tell(Progress("calibrate", 0.25))
    text = out.getvalue()
    assert "100 %" in text and "step 9" in text and "calibrate" in text
    frames = [f for f in text.split("\x1b[2K") if "calibrate" in f]
    assert len(text.split("train")) > 1 and frames
    assert text.endswith("\x1b[1A\x1b[2K") is transient  # the bars are wiped, or stay


def test_a_training_tells_its_loss_and_what_held_out_data_say(compact_run: Run) -> None:
    log = (compact_run.path / "log.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    train = [e for e in events if e["stage"] == "train"]
    assert all(f"loss {e['loss']:.3f}" in e["text"] for e in train if "loss" in e)
    assert train[-1]["loss"] > 0
    [held_out] = [e for e in events if "dev_exact_match" in e]
    share = compact_run.metrics["calibration"]["exact_match"]
    assert (
        held_out["dev_exact_match"] == share and f"{share:.1%} of 32 held-out" in held_out["text"]
    )
