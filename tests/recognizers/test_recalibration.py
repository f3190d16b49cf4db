"""A run is decided anew: other calibration and threshold, the same weights, whole or not at all."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import maksud
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save
from maksud.errors import DataError, RunError
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import Rule
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.recalibration import calibrate, part_held_out
from maksud.recognizers.runs import Run
from maksud.storage import sha256


@pytest.fixture(scope="module")
def small_run(small_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Hardly trained: what it answers does not matter here."""
    out = tmp_path_factory.mktemp("runs") / "small"
    changes = {"members": 1, "epochs": 1, "dim": 16, "word_dim": 8, "buckets": 64}
    return train(small_data, out=out, on_progress=False, **changes)


@pytest.fixture
def run(small_run: Run, tmp_path: Path) -> Run:
    """A copy that may be replaced."""
    shutil.copytree(small_run.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def weights(run: Run) -> dict[str, str]:
    own = ("contract.json", "metrics.json")
    return {name: digest for name, digest in run.manifest["files"].items() if name not in own}


def as_of_before(run: Run) -> Run:
    """The run as a version wrote it that knew no rules."""
    old = replace(run.contract, rule=None, threshold=0.1235, false_accept_rate=0.05)
    old.save(run.path / "contract.json")
    manifest = json.loads((run.path / "run.json").read_text())
    manifest["contract"] = old.id
    manifest["files"]["contract.json"] = sha256(run.path / "contract.json")
    (run.path / "run.json").write_text(json.dumps(manifest))
    return Run.open(run.path)


def test_the_public_name() -> None:
    assert maksud.calibrate is calibrate and maksud.Rule is Rule


def test_the_run_is_replaced_and_keeps_its_weights(run: Run, small_data: Dataset) -> None:
    before, created = weights(run), run.manifest["data"]
    made = calibrate(run, small_data, rule=Rule(wrong_cost=3), on_progress=False)
    assert made.path == run.path and Run.open(run.path).contract == made.contract
    assert weights(made) == before
    assert made.contract.rule == Rule(wrong_cost=3) and made.contract.threshold == 0.75
    assert made.contract.id != run.contract.id
    assert replace(
        made.contract,
        calibration=run.contract.calibration,
        threshold=run.contract.threshold,
        rule=run.contract.rule,
        scope=run.contract.scope,
    ) == run.contract  # fmt: skip
    about = made.metrics["calibration"]
    assert about["wrong_cost"] == 3 and about["examples"] == len(small_data.dev)
    fingerprint = small_data.fingerprint
    assert about["data"] == {"name": "small", "fingerprint": fingerprint, "left_out": 0}
    # What training said of itself stays.
    assert made.manifest["data"] == created and made.manifest["seed"] == run.manifest["seed"]
    assert {k: v for k, v in made.metrics.items() if k != "calibration"}
    assert not [p for p in run.path.parent.iterdir() if p.name != "run"]


def test_answers_stay_what_they_are(run: Run, small_data: Dataset) -> None:
    before = load_recognizer(run).recognize([e.instruction for e in small_data.test])
    made = calibrate(run, small_data, rule=Rule(wrong_cost=9), on_progress=False)
    after = load_recognizer(made).recognize([e.instruction for e in small_data.test])
    assert [a.text for a in after] == [a.text for a in before]
    assert all(a.confidence >= 0.9 for a in after if a.accepted)


def test_the_log_goes_on(run: Run, small_data: Dataset) -> None:
    before = (run.path / "log.jsonl").read_text()
    made = calibrate(run, small_data, on_progress=False)
    assert (made.path / "log.jsonl").read_text().startswith(before)


def test_without_a_rule_the_runs_own_stays(run: Run, small_data: Dataset) -> None:
    rule = Rule(wrong_cost=4, max_wrong=0.3)
    calibrate(run, small_data, rule=rule, on_progress=False)
    assert calibrate(run.path, small_data, on_progress=False).contract.rule == rule


def test_a_run_of_before_there_were_rules_is_decided_anew(run: Run, small_data: Dataset) -> None:
    old = as_of_before(run)
    assert old.contract.rule is None and load_recognizer(old)("kecilkan suaranya 3 kali lusa")
    made = calibrate(old, small_data, on_progress=False)
    assert made.contract.rule == Rule() and made.contract.threshold == 0.5
    assert made.contract.false_accept_rate is None


def test_another_place(run: Run, small_data: Dataset, tmp_path: Path) -> None:
    made = calibrate(run, small_data, rule=Rule(3), out=tmp_path / "new", on_progress=False)
    assert made.path == tmp_path / "new" and weights(made) == weights(run)
    assert Run.open(run.path).contract == run.contract
    shutil.rmtree(run.path)  # no file is shared in a way that needs the old one
    assert load_recognizer(Run.open(made.path))("kecilkan suaranya 3 kali lusa").text
    with pytest.raises(RunError, match="exists already. Choose another --out, or leave"):
        calibrate(made, small_data, out=tmp_path / "new", on_progress=False)


def test_the_rows_of_dev_are_taken(run: Run, small_data: Dataset, tmp_path: Path) -> None:
    save(small_data, tmp_path / "data")
    made = calibrate(run, tmp_path / "data", on_progress=False)
    assert made.metrics["calibration"]["examples"] == len(small_data.dev)
    file = tmp_path / "data" / "test.json"
    assert calibrate(run, file, on_progress=False).metrics["calibration"]["examples"] == len(
        small_data.test
    )
    rows = [Example(e.instruction, e.output) for e in small_data.test]
    assert calibrate(run, rows, on_progress=False).metrics["calibration"]["examples"] == len(rows)


@pytest.mark.parametrize("which", ["none", "unlabelled", "without dev", "train"])
def test_data_that_teach_nothing(run: Run, small_data: Dataset, which: str) -> None:
    data = {
        "none": Dataset([], name="d"),
        "unlabelled": Dataset([Example("?", "")], name="d"),
        "without dev": Dataset([*small_data.train, *small_data.test], name="d"),
        "train": Dataset(small_data.train, name="d"),
    }[which]
    says = "learnt from" if which == "train" else "d: no labelled examples to calibrate on"
    with pytest.raises(DataError, match=says):
        calibrate(run, data, on_progress=False)
    assert Run.open(run.path).contract == run.contract


def test_a_fault_half_way_leaves_the_old_run(
    run: Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(self: Contract, path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Contract, "save", break_off)
    with pytest.raises(KeyboardInterrupt):
        calibrate(run, small_data, on_progress=False)
    monkeypatch.undo()
    assert Run.open(run.path).contract == run.contract
    assert [p.name for p in run.path.parent.iterdir()] == ["run"]


KILLED = """
import os, signal, sys
from maksud.recognizers import runs
from maksud.recognizers.recalibration import calibrate

runs._write_json = lambda path, content: os.kill(os.getpid(), signal.SIGKILL)
calibrate(sys.argv[1], sys.argv[2], on_progress=False)
"""


def test_killed_half_way_the_old_run_stands(run: Run, small_data: Dataset, tmp_path: Path) -> None:
    save(small_data, tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, run.path, tmp_path / "data"], capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert any(".staging-" in p.name for p in tmp_path.iterdir())
    assert Run.open(run.path).contract == run.contract
    made = calibrate(run.path, tmp_path / "data", rule=Rule(3), on_progress=False)
    assert made.contract.threshold == 0.75
    assert not any(".staging-" in p.name for p in tmp_path.iterdir())


def test_what_has_no_answer_is_left_out_and_counted(run: Run, small_data: Dataset) -> None:
    bare = [Example(f"entah {k}", "", split=s) for k, s in enumerate(("dev", "dev", "train"))]
    data = Dataset([*small_data, *bare], name="small")
    labelled, left_out = part_held_out(data)
    assert labelled == list(small_data.dev) and left_out == bare[:2]
    about = calibrate(run, data, on_progress=False).metrics["calibration"]
    assert (about["examples"], about["data"]["left_out"]) == (len(small_data.dev), 2)


def test_rows_of_another_catalog_are_told(run: Run, small_data: Dataset) -> None:
    strange = [Example(f"pesan meja {k}", "book_table()", split="dev") for k in range(3)]
    made = calibrate(run, Dataset([*small_data, *strange], name="d"), on_progress=False)
    asking = sum(e.output != "none()" for e in small_data.dev) + 3
    [note] = [n for n in made.metrics["calibration"]["notes"] if "does not know" in n]
    assert note.startswith(f"3 of the {asking} rows") and "(book_table)" in note
    none = Example("apa kabar", "none()", split="dev")
    with pytest.raises(
        DataError, match="d: no row asks for what the run knows, but for book_table"
    ):
        calibrate(run, Dataset([*strange, none], name="d"), on_progress=False)
    assert Run.open(run.path).contract == made.contract
    plain = calibrate(run, small_data, on_progress=False).metrics["calibration"]["notes"]
    assert not any("does not know" in n for n in plain)


@pytest.mark.parametrize("split", ["", "train"])
def test_the_file_that_was_trained_on_is_refused(
    split: str, run: Run, small_data: Dataset, tmp_path: Path
) -> None:
    """Rows without a split may be for anything; here they are what the run learnt from."""
    rows = [replace(e, split="") for e in small_data.dev]
    about = json.loads((run.path / "run.json").read_text())
    learnt = Dataset(replace(e, split=split) for e in rows)
    about["data"]["fingerprint"] = learnt.fingerprint
    (run.path / "run.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="the rows that the run was trained on"):
        calibrate(run, [*rows, Example("?", "")], on_progress=False)
    calibrate(run, rows[:-1], on_progress=False, out=tmp_path / "others")
