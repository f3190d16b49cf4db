"""A run is written whole or not at all, and refuses to open when anything is off."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

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


def test_a_printed_run_is_a_few_lines(compact_run: Run, tmp_path: Path) -> None:
    lines = str(compact_run).splitlines()
    about = compact_run.metrics["calibration"]
    assert len(lines) == 4 and max(map(len, lines[1:])) <= 100
    assert lines[0] == f"Run {compact_run.path}"
    assert lines[1] == "  compact, trained on 96 examples of small, 3 intents"
    assert lines[2].startswith(f"  held out: {about['exact_match']:.1%} of {about['examples']} ")
    assert compact_run.contract.id[:12] in lines[3]
    assert repr(compact_run) == f"Run({str(compact_run.path)!r}: compact)"
    bare = make(tmp_path / "bare")
    assert "nothing was held out" in str(bare)
    (bare.path / "metrics.json").unlink()
    assert "can't be read any more" in str(bare)


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


# ---------------------------------------------------------------- the list is the truth


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rewrite(run: Run, **changes: Any) -> None:
    (run.path / "run.json").write_text(json.dumps({**run.manifest, **changes}))


def test_every_file_is_listed(tmp_path: Path) -> None:
    with drafting(tmp_path / "run") as draft:
        (draft.directory / "deep").mkdir()
        (draft.directory / "deep" / "run.json").write_text("{}")
        draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={})
    listed = Run.open(tmp_path / "run").manifest["files"]
    assert set(listed) == {"contract.json", "metrics.json", "log.jsonl", "deep/run.json"}


@pytest.mark.parametrize("name", ["contract.json", "metrics.json", "model.safetensors"])
def test_a_file_that_is_not_listed_refuses_to_open(tmp_path: Path, name: str) -> None:
    run = make(tmp_path / "run")
    rewrite(run, files={k: v for k, v in run.manifest["files"].items() if k != name})
    with pytest.raises(RunError, match=f"{name}.* is not listed"):
        Run.open(run)


def test_an_empty_list_refuses_to_open(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    rewrite(run, files={})
    with pytest.raises(RunError, match="is missing|not listed"):
        Run.open(run)
    for file in run.path.iterdir():
        if file.name != "run.json":
            file.unlink()
    with pytest.raises(RunError, match=r"contract\.json is missing"):
        Run.open(run)


@pytest.mark.parametrize("name", ["notes.txt", "deep/notes.txt", ".hidden", "adapter.safetensors"])
def test_a_file_that_was_added_refuses_to_open(tmp_path: Path, name: str) -> None:
    run = make(tmp_path / "run")
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).write_text("x")
    with pytest.raises(RunError, match=f"{name} is not listed"):
        Run.open(run)


def test_what_a_desktop_drops_is_ignored(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (run.path / name).write_text("x")
    assert Run.open(run) == run


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "deep/../../secret", "run.json", ""])
def test_a_name_that_leaves_the_run_is_refused_unread(tmp_path: Path, name: str) -> None:
    run = make(tmp_path / "run")
    (tmp_path / "secret").write_text("x")
    file = run.path / name
    digest = sha256(file) if file.is_file() and name != "run.json" else "0" * 64
    rewrite(run, files={**run.manifest["files"], name: digest})
    with pytest.raises(RunError, match="no file of a run" if name else "is missing"):
        Run.open(run)


@pytest.mark.parametrize("what", ["file", "folder", "pipe", "dangling"])
def test_a_link_that_leaves_the_run_is_refused(tmp_path: Path, what: str) -> None:
    run = make(tmp_path / "run")
    weights = run.path / "model.safetensors"
    (tmp_path / "elsewhere").mkdir()
    weights.rename(tmp_path / "elsewhere" / "w")
    if what == "file":
        weights.symlink_to(tmp_path / "elsewhere" / "w")
    elif what == "folder":
        (tmp_path / "elsewhere" / "w").rename(weights)
        (run.path / "deep").symlink_to(tmp_path / "elsewhere")
    elif what == "pipe":
        os.mkfifo(weights)
    else:
        weights.symlink_to("nothing")
    with pytest.raises(RunError, match="is not a file of the run"):
        Run.open(run)


def test_another_contract_refuses_to_open(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    other = Contract(Catalog((Intent("stop"), Intent("start"))))
    other.save(run.path / "contract.json")
    files = {**run.manifest["files"], "contract.json": sha256(run.path / "contract.json")}
    rewrite(run, files=files)
    with pytest.raises(RunError, match=r"contract\.json is not the contract of this run"):
        Run.open(run)


@pytest.mark.parametrize(
    "text",
    ["[]", "null", "3", '"x"', "[" * 100_000, '{"a":' * 100_000, "", "\ud800".join("ab"), "{"],
)
@pytest.mark.parametrize("name", ["run.json", "contract.json"])
def test_json_of_any_form_is_an_error_of_the_run(tmp_path: Path, name: str, text: str) -> None:
    run = make(tmp_path / "run")
    (run.path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    if name == "contract.json":
        files = {**run.manifest["files"], name: sha256(run.path / name)}
        rewrite(run, files=files)
    with pytest.raises(RunError, match=r"is not a run|contract"):
        Run.open(run)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": None},
        {"files": ["model.safetensors"]},
        {"files": {"model.safetensors": 3}},
        {"kind": None},
        {"contract": None},
        {"format": ["maksud-run/1"]},
    ],
)
def test_a_manifest_of_another_form_is_an_error_of_the_run(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = make(tmp_path / "run")
    rewrite(run, **changes)
    with pytest.raises(RunError, match="needs kind, contract and files|run format"):
        Run.open(run)


# ---------------------------------------------------------------- what happens meanwhile


def finish(draft: Any, weights: bytes) -> None:
    (draft.directory / "model.safetensors").write_bytes(weights)
    draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={})


def weights_of(path: Path) -> bytes:
    return (Run.open(path).path / "model.safetensors").read_bytes()


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_trainings_into_one_place_both_are_kept(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "run"
    if overwrite:
        make(target, weights=b"old")
    with (
        pytest.raises(RunError, match=rf"left alone\. The run was put beside it: {target}-2"),
        drafting(target, overwrite=overwrite) as second,
    ):
        make(target, weights=b"first", overwrite=overwrite)
        finish(second, b"second")
    assert weights_of(target) == b"first"
    assert weights_of(tmp_path / "run-2") == b"second"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run-2"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_appears_meanwhile_is_never_deleted(
    tmp_path: Path, what: str, overwrite: bool
) -> None:
    target = tmp_path / "run"
    with pytest.raises(RunError, match="beside it"), drafting(target, overwrite=overwrite) as draft:
        if what == "directory":
            target.mkdir()
        mine = target / "mine.txt" if what == "directory" else target
        mine.write_text("keep")
        finish(draft, b"w")
    assert mine.read_text() == "keep"
    assert weights_of(tmp_path / "run-2") == b"w"


def test_the_old_run_stands_while_the_new_one_is_made(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with drafting(tmp_path / "run", overwrite=True) as draft:
        finish(draft, b"new")
        assert weights_of(tmp_path / "run") == b"old"
    assert weights_of(tmp_path / "run") == b"new"


def test_the_old_run_is_deleted_after_the_new_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    make(tmp_path / "run", weights=b"old")
    standing = []
    real = shutil.rmtree

    def rmtree(path: Path, **options: Any) -> None:
        standing.append(weights_of(tmp_path / "run"))
        real(path, **options)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    make(tmp_path / "run", weights=b"new", overwrite=True)
    assert standing == [b"new"]


def test_a_force_that_was_killed_half_way_ends_at_the_next_open(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    make(tmp_path / "other", weights=b"new")
    room = tmp_path / f".run.staging-{'0' * 16}"
    room.mkdir()
    (room / "lock").write_bytes(b"maksud-staging/1\nrun")
    (tmp_path / "run").rename(room / "old")
    (tmp_path / "other").rename(room / "new")
    assert weights_of(tmp_path / "run") == b"new"


def test_a_run_is_as_readable_as_any_other_folder(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        run = make(tmp_path / "run")
    finally:
        os.umask(old)
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o755
    for file in run.path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o644, file


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_is_no_empty_place(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "run"
    target.symlink_to(tmp_path / "nothing")
    with pytest.raises(RunError, match="left alone"), drafting(target, overwrite=overwrite):
        raise AssertionError("no work may be done")


def test_half_a_surrogate_pair_is_kept(tmp_path: Path) -> None:
    with drafting(tmp_path / "run") as draft:
        draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={"name": "a\udce9"})
    assert Run.open(tmp_path / "run").manifest["name"] == "a\udce9"
