"""`maksud check` as people type it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs `maksud check`; its exit code must be `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def read(*arguments: object, code: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return content


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with thirty copies, a character of zero width and two intents."""
    path = tmp_path / "x.jsonl"
    rows = [("putar Hampa", "play(song=Hampa)")] * 31 + [("henti\u200bkan", "stop()")]
    lines = (json.dumps({"instruction": i, "output": o}) for i, o in rows)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_json_has_counts_findings_and_figures(file: Path) -> None:
    told = read(file)
    assert told["codes"]["W-DUP"] == 30
    assert sum(f["code"] == "W-DUP" for f in told["findings"]) == 20
    assert told["profile"]["examples"] == 32
    whole = read(file, "--all")
    assert sum(f["code"] == "W-DUP" for f in whole["findings"]) == 30


def test_the_terminal_has_groups_with_their_count(file: Path) -> None:
    done = run(file)
    assert "W-DUP  30  30 exact copies" in done.stdout
    assert "… and 25 more" in done.stdout and "→ keep one" in done.stdout
    assert "0 errors" in done.stdout
    assert "seq_length 128 holds it" in done.stderr


def test_the_page(file: Path, tmp_path: Path) -> None:
    run(file, "--html", tmp_path / "page.html")
    assert "W-DUP" in (tmp_path / "page.html").read_text()


def test_fixing_writes_beside_the_data(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    told = read(file, "--fix")
    assert file.read_bytes() == before
    assert told["fixed"]["changed"] == {"exact duplicate": 30, "zero-width characters": 1}
    assert told["fixed"]["data"] == str(tmp_path / "x-fixed.jsonl")
    assert "W-DUP" not in told["codes"]
    assert len((tmp_path / "x-fixed.jsonl").read_text().splitlines()) == 2
    run(file, "--fix", "--out", tmp_path / "other.json")
    assert len(json.loads((tmp_path / "other.json").read_text())) == 2
    run(file, "--fix", "--in-place")
    assert len(file.read_text().splitlines()) == 2


def test_nothing_is_written_over_unasked(file: Path, tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "out.jsonl"
    diff = tmp_path / "out.jsonl.diff"
    for place in (page, out, diff):
        place.write_text("mine")
        told = run(file, "--html", page, "--fix", "--out", out, code=2)
        assert f"{place}: there is something already, and nothing was written" in told.stderr
        assert "--force" in told.stderr
        assert [p for p in (page, out, diff) if p.exists()] == [place]
        assert place.read_text() == "mine"
        place.unlink()
    for place in (page, out, diff):
        place.write_text("mine")
    run(file, "--html", page, "--fix", "--out", out, "--force")
    assert all(place.read_text() != "mine" for place in (page, out, diff))


def test_the_diff_of_an_earlier_mend_in_place_is_not_written_over(
    file: Path, tmp_path: Path
) -> None:
    run(file, "--fix", "--in-place")
    before = (tmp_path / "x.jsonl.diff").read_bytes()
    assert "--force" in run(file, "--fix", "--in-place", code=2).stderr
    assert (tmp_path / "x.jsonl.diff").read_bytes() == before


def test_in_place_needs_fix(file: Path) -> None:
    assert "--in-place goes with --fix" in run(file, "--in-place", code=2).stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--out", "o.json"], "--out goes with --fix"),
        (["--top", 3], "--top goes with --label-errors"),
        (["--sheet", "rows"], "has no sheets"),
        (["--seq-length", -4], "Invalid value for '--seq-length'"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: list[object], says: str, file: Path
) -> None:
    assert says in run(file, *options, code=2).stderr
    assert os.listdir(file.parent) == [file.name]


def test_nothing_is_written_over_the_data(file: Path) -> None:
    before = file.read_bytes()
    error = run(file, "--html", file, "--force", code=2).stderr
    assert f"{file}: --html would be written over the data; nothing was written" in error
    page = file.parent / "x.html"
    error = run(file, "--fix", "--out", page, "--html", page, "--force", code=2).stderr
    assert "--html would be written over" in error and "which --fix writes" in error
    assert file.read_bytes() == before and os.listdir(file.parent) == [file.name]


def test_against_a_kept_version(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKSUD_WORKSPACE", str(tmp_path))
    old = Dataset([Example("putar", "play()"), Example("jeda", "pause()")])
    save(old, tmp_path / "old.json")
    told = read(file, "--against", tmp_path / "old.json", code=2)
    assert told["codes"]["E-SCHEMA"] == 1 and told["codes"]["I-SCHEMA"] == 2
    from maksud.data.versions import Store

    Store().save(old, "music")
    assert read(file, "--against", "music@1", code=2)["codes"]["E-SCHEMA"] == 1


def test_seq_length(file: Path) -> None:
    assert "W-LONG" not in read(file, "--seq-length", 128)["codes"]
    assert read(file, "--seq-length", 64, code=2)["codes"]["E-NOLABEL"] > 0


def test_progress_is_told_every_two_seconds_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from maksud.cli.output import ticks

    now = iter(range(100))  # a second passes between two words
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    tick = ticks(lambda event: None)
    for k in range(20):
        tick("Checking", k / 20)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 6 and lines[0] == "Checking … 5%"


@pytest.mark.parametrize("delay", [0.7, 1.2, 2.0])
def test_ctrl_c_leaves_nothing_half_written(delay: float, tmp_path: Path) -> None:
    """Interrupted at some moment, or not at all: what is written is there whole, or not at all."""
    rows = [Example(f" putar lagu {k} dari {k % 97}", f"play(song={k})") for k in range(40_000)]
    rows += [Example("berhenti", "none()")] * 2
    save(Dataset(rows), tmp_path / "data" / "train.jsonl")
    page, out = tmp_path / "page.html", tmp_path / "out"
    command = [sys.executable, "-m", "maksud", "check", tmp_path / "data", "--html", page]
    child = subprocess.Popen([*command, "--fix", "--out", out], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    child.send_signal(signal.SIGINT)
    child.wait(timeout=120)
    names = {p.name for p in tmp_path.iterdir()}
    assert names <= {"data", "out", "out.diff", "page.html"}
    assert ("out" in names) == ("out.diff" in names)
    if "out" in names:
        assert len((out / "train.jsonl").read_text().splitlines()) == 40_001
    if "page.html" in names:
        assert page.read_text().endswith("</html>\n")
    assert os.listdir(tmp_path / "data") == ["train.jsonl"]


def test_candidates_are_written_once_and_the_next_step_is_told(tmp_path: Path) -> None:
    rooms = "dapur teras garasi gudang lorong balkon taman loteng kamar aula".split()  # noqa: SIM905
    said = {"on": "nyalakan lampu", "play": "putar lagu"}
    rows = [Example(f"{t} yang di {r} itu", f"{i}(x={r})") for i, t in said.items() for r in rooms]
    save(Dataset(rows), tmp_path / "x.jsonl")
    new = tmp_path / "new.jsonl"
    done = run(tmp_path / "x.jsonl", "--suggest", new)
    assert "I-COUNTER  2" in done.stdout
    assert f"Wrote 12 candidates for 2 intents to {new}." in done.stderr
    assert f"Next: maksud convert {new} {tmp_path / 'x.jsonl'} --append" in done.stderr
    again = run(tmp_path / "x.jsonl", "--suggest", new, code=2)
    assert "there is something already" in again.stderr and "I-COUNTER" not in again.stdout
    new.unlink()
    told = read(tmp_path / "x.jsonl", "--suggest", new)
    assert told["suggested"]["candidates"] == 12 == len(new.read_text().splitlines())
    assert told["suggested"]["intents"] == ["on", "play"]


def test_label_errors_are_told_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maksud.cli import app
    from maksud.evaluation import label_errors

    path = tmp_path / "x.jsonl"
    path.write_text('{"instruction": "putar Hampa", "output": "play(song=Hampa)"}\n')
    monkeypatch.setattr(
        label_errors, "find_label_errors", lambda *_, **__: label_errors.LabelErrors((), 1)
    )
    told: dict[str, Any] = {}
    monkeypatch.setattr("maksud.cli.data.write_json", told.update)
    app(["check", str(path), "--label-errors", "--json"], standalone_mode=False)
    assert told["label_errors"]["judged"] == 1 and told["label_errors"]["errors"] == []


def test_nothing_is_written_into_a_run(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    about = {"format": "maksud-run/1", "kind": "compact", "contract": "sha256:0", "files": {}}
    (folder / "run.json").write_text(json.dumps(about))
    for asked in (
        ("--html", folder / "page.html"),
        ("--suggest", folder / "new.jsonl"),
        ("--fix", "--out", folder),
        ("--fix", "--out", folder / "x.jsonl"),
    ):
        assert "is in a run" in run(file, *asked, code=2).stderr
    assert [p.name for p in folder.iterdir()] == ["run.json"]


def test_all_findings_are_shown_when_all_are_asked_for(tmp_path: Path) -> None:
    save(Dataset(Example(f"say {k}", f"f{k}()") for k in "abcdefg"), tmp_path / "x.jsonl")
    shown = run(tmp_path / "x.jsonl").stdout
    assert "… and 2 more" in shown and "fg: 1 single-intent example" not in shown
    shown = run(tmp_path / "x.jsonl", "--all").stdout
    assert "more\n" not in shown and "fg: 1 single-intent example" in shown
