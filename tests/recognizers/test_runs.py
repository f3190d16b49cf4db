"""A run is written whole or not at all, and refuses to open when anything is off."""

import json
from pathlib import Path

import pytest

from maksud.errors import RunError, SystemFault
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.contract import Contract
from maksud.recognizers.runs import Run, drafting

CONTRACT = Contract(Catalog((Intent("stop"),)))


def make(path: Path, *, weights: bytes = b"w", overwrite: bool = False) -> Run:
    with drafting(path, overwrite=overwrite) as draft:
        (draft.directory / "model.safetensors").write_bytes(weights)
        draft.log({"stage": "train"})
        draft.finish(kind="compact", contract=CONTRACT, metrics={"loss": 1.0}, about={"seed": 3})
    return Run.open(path)


def test_a_run_holds_what_was_put_in(tmp_path: Path) -> None:
    run = make(tmp_path / "runs" / "first")
    assert (run.kind, run.name, run.manifest["seed"]) == ("compact", "first", 3)
    assert run.contract == CONTRACT and run.metrics == {"loss": 1.0}
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["first"]


@pytest.mark.parametrize("file", ["model.safetensors", "contract.json", "metrics.json"])
@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_damaged_run_refuses_to_open(tmp_path: Path, file: str, damage: str) -> None:
    path = make(tmp_path / "run").path / file
    if damage == "change":
        content = bytearray(path.read_bytes())
        content[-2 if len(content) > 1 else 0] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    with pytest.raises(RunError, match=file.replace(".", r"\.")):
        Run.open(tmp_path / "run")


def test_another_format_refuses_to_open(tmp_path: Path) -> None:
    manifest = make(tmp_path / "run").path / "run.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "format": "maksud-run/9"}))
    with pytest.raises(RunError, match="maksud-run/9"):
        Run.open(tmp_path / "run")


def test_a_missing_run_offers_its_neighbours(tmp_path: Path) -> None:
    make(tmp_path / "first")
    with pytest.raises(RunError, match="Runs beside it: first"):
        Run.open(tmp_path / "frist")
    with pytest.raises(RunError, match="is not a run"):
        Run.open(tmp_path)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_a_failed_training_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), drafting(tmp_path / "run") as draft:
        (draft.directory / "half").write_bytes(b"x")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_kept_unless_told(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with pytest.raises(RunError, match="exists already"), drafting(tmp_path / "run"):
        raise AssertionError("no work may be done")
    make(tmp_path / "run", weights=b"new", overwrite=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_failed_replacement_keeps_the_old_run(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with pytest.raises(ValueError, match="x"), drafting(tmp_path / "run", overwrite=True):
        raise ValueError("x")
    assert Run.open(tmp_path / "run").path.joinpath("model.safetensors").read_bytes() == b"old"


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="left alone"), drafting(tmp_path / "notes", overwrite=True):
        raise AssertionError("no work may be done")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault), drafting(tmp_path / "file" / "run"):
        raise AssertionError("no work may be done")
