"""A run is written whole or not at all, and refuses to open when anything is off."""

import errno
import hashlib
import io
import json
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maksud.errors import InputError, MaksudError, RunError, SystemFault
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.contract import Contract
from maksud.recognizers.runs import Run, check_target, draft_run, refuse_inside

CONTRACT = Contract(Catalog((Intent("stop"),)))


def make(path: Path, *, weights: bytes = b"w", overwrite: bool = False) -> Run:
    with draft_run(path, overwrite=overwrite) as draft:
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
    with pytest.raises(type(error)), draft_run(tmp_path / "run") as draft:
        (draft.directory / "half").write_bytes(b"x")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_kept_unless_told(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with pytest.raises(RunError, match="exists already"), draft_run(tmp_path / "run"):
        raise AssertionError("no work may be done")
    make(tmp_path / "run", weights=b"new", overwrite=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_failed_replacement_keeps_the_old_run(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with pytest.raises(ValueError, match="x"), draft_run(tmp_path / "run", overwrite=True):
        raise ValueError("x")
    assert Run.open(tmp_path / "run").path.joinpath("model.safetensors").read_bytes() == b"old"


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="left alone"), draft_run(tmp_path / "notes", overwrite=True):
        raise AssertionError("no work may be done")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"


def test_nothing_else_is_put_into_a_run(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    (tmp_path / "link").symlink_to(run.path)
    (tmp_path / "run.json").write_text("{}")  # of something else
    for inside in (run.path, run.path / "a" / "report.html", tmp_path / "link" / "rows.json"):
        with pytest.raises(InputError, match="is in a run.*beside the run"):
            refuse_inside(inside)
    refuse_inside(tmp_path / "run-evaluation")
    refuse_inside("")


def test_no_run_is_put_into_a_run(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    with (
        pytest.raises(InputError, match=r"run/more: is in a run.*beside the run"),
        draft_run(run.path / "more"),
    ):
        raise AssertionError("no work may be done")
    assert Run.open(run.path).path.is_dir()
    make(tmp_path / "run-2")


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault), draft_run(tmp_path / "file" / "run"):
        raise AssertionError("no work may be done")


# ---------------------------------------------------------------- the list is the truth


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rewrite(run: Run, **changes: Any) -> None:
    (run.path / "run.json").write_text(json.dumps({**run.manifest, **changes}))


def test_every_file_is_listed(tmp_path: Path) -> None:
    with draft_run(tmp_path / "run") as draft:
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
        draft_run(target, overwrite=overwrite) as second,
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
    with (
        pytest.raises(RunError, match="beside it"),
        draft_run(target, overwrite=overwrite) as draft,
    ):
        if what == "directory":
            target.mkdir()
        mine = target / "mine.txt" if what == "directory" else target
        mine.write_text("keep")
        finish(draft, b"w")
    assert mine.read_text() == "keep"
    assert weights_of(tmp_path / "run-2") == b"w"


def test_the_old_run_stands_while_the_new_one_is_made(tmp_path: Path) -> None:
    make(tmp_path / "run", weights=b"old")
    with draft_run(tmp_path / "run", overwrite=True) as draft:
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


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_weights_that_a_library_keeps_for_one_user_get_the_mode_of_the_umask(
    umask: int, mode: int, tmp_path: Path
) -> None:
    old = os.umask(umask)
    try:
        with draft_run(tmp_path / "run") as draft:
            (draft.directory / "more").mkdir()
            for name in ("model.safetensors", "more/part.safetensors"):
                (draft.directory / name).write_bytes(b"w")
                (draft.directory / name).chmod(0o600)
            draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={})
    finally:
        os.umask(old)
    files = [f for f in Run.open(tmp_path / "run").path.rglob("*") if f.is_file()]
    assert len(files) == 6
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {mode}


def test_files_that_a_library_wrote_for_their_owner_alone_are_opened_to_others(
    tmp_path: Path,
) -> None:
    """safetensors writes 0600: another user could not read the run."""
    old = os.umask(0o027)
    try:
        with draft_run(tmp_path / "run") as draft:
            weights = draft.directory / "model.safetensors"
            weights.touch(mode=0o600)
            draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={})
    finally:
        os.umask(old)
    for file in (tmp_path / "run").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o640, file


@pytest.mark.parametrize("name", ["run.json", "contract.json", "model.safetensors"])
def test_a_file_that_may_not_be_read_is_the_machines_fault(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "run")
    real = io.open

    def closed(file: Any, *given: Any, **more: Any) -> Any:
        if str(file) == str(tmp_path / "run" / name):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return real(file, *given, **more)

    monkeypatch.setattr(io, "open", closed)
    with pytest.raises(SystemFault, match="Permission denied.*Check rights") as caught:
        Run.open(tmp_path / "run")
    assert caught.value.exit_code == 3


def test_a_folder_that_may_not_be_entered_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(SystemFault, match="Permission denied"):
        Run.open(tmp_path / "run")


@pytest.mark.parametrize("name", ["run.json", "metrics.json"])
def test_json_without_end_is_not_read(tmp_path: Path, name: str) -> None:
    run = make(tmp_path / "run")
    os.truncate(run.path / name, 1 << 40)
    with pytest.raises(RunError, match="larger than 64 MiB"):
        _ = Run.open(run.path) if name == "run.json" else run.metrics


def test_a_full_disk_under_a_library_is_the_machines_fault(tmp_path: Path) -> None:
    """safetensors raises an error of its own, which would be "a fault of Maksud"."""
    from safetensors import SafetensorError

    with pytest.raises(SystemFault, match="no space left.*Make room"), draft_run(tmp_path / "run"):
        raise SafetensorError("I/O error: No space left on device (os error 28)")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_behind_another_error_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="no space left"), draft_run(tmp_path / "run"):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("unexpected pos 64 vs 0") from error
    with pytest.raises(RuntimeError, match="another"), draft_run(tmp_path / "run"):
        raise RuntimeError("another")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_is_no_empty_place(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "run"
    target.symlink_to(tmp_path / "nothing")
    with pytest.raises(RunError, match="left alone"), draft_run(target, overwrite=overwrite):
        raise AssertionError("no work may be done")


def test_half_a_surrogate_pair_is_kept(tmp_path: Path) -> None:
    with draft_run(tmp_path / "run") as draft:
        draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={"name": "a\udce9"})
    assert Run.open(tmp_path / "run").manifest["name"] == "a\udce9"


# ---------------------------------------------------------------- to the letter


def test_a_manifest_says_all_of_a_run(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    content = json.loads((run.path / "run.json").read_text())
    assert list(content) == ["format", "kind", "contract", "created", "seed", "files"]
    assert content["format"] == "maksud-run/1" and content["contract"] == CONTRACT.id
    assert datetime.fromisoformat(content["created"]).utcoffset() == timedelta(0)
    assert "." not in content["created"]
    names = ["contract.json", "log.jsonl", "metrics.json", "model.safetensors"]
    assert list(content["files"].items()) == [(n, sha256(run.path / n)) for n in names]
    assert os.fspath(run) == str(tmp_path / "run") and run.manifest == content


def test_what_is_written_is_read_by_people_too(tmp_path: Path) -> None:
    with draft_run(tmp_path / "run") as draft:
        assert draft.target == tmp_path / "run"
        draft.log({"text": "意图", "loss": 0.5})
        # Who follows a training sees each event when it happens.
        log = (draft.directory / "log.jsonl").read_text(encoding="utf-8")
        assert log == '{"text": "意图", "loss": 0.5}\n'
        draft.log({"n": 2})
        draft.finish(kind="compact", contract=CONTRACT, metrics={"意": 1}, about={"b": "图"})
    for name in ("run.json", "metrics.json"):
        text = (tmp_path / "run" / name).read_text(encoding="utf-8")
        assert "\\u" not in text and text.startswith('{\n "') and text.endswith("\n}\n")
    log = (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in log.splitlines()] == [
        {"text": "意图", "loss": 0.5},
        {"n": 2},
    ]


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError), draft_run(tmp_path / "run") as draft:
        draft.finish(kind="compact", contract=CONTRACT, metrics={"loss": float("nan")}, about={})
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_draft_is_no_run(tmp_path: Path) -> None:
    with (
        pytest.raises(MaksudError, match="run: a draft was left unfinished"),
        draft_run(tmp_path / "run") as draft,
    ):
        (draft.directory / "model.safetensors").write_bytes(b"w")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written_is_told_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    says = r"file/run: can't be written.*Choose another --out"
    with pytest.raises(SystemFault, match=says), draft_run(tmp_path / "file" / "run"):
        raise AssertionError("no work may be done")


def test_neighbours_are_offered_in_order_and_five_at_most(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run. Make one with `maksud train`"):
        Run.open(tmp_path / "run")
    for name in "fbadec":
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{}")
    (tmp_path / "no").mkdir()
    with pytest.raises(RunError) as told:
        Run.open(str(tmp_path / "run"))
    place = tmp_path / "run"
    assert str(told.value) == f"{place}: no such run. Runs beside it: a, b, c, d, e"


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_stands_at_the_target_is_told_before_any_work(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "run"
    check_target(target, overwrite=overwrite)
    target.mkdir()
    check_target(target, overwrite=overwrite)
    (target / "run.json").write_text("{}")
    if overwrite:
        check_target(target, overwrite=True)
    else:
        with pytest.raises(RunError, match="run: exists already. Choose another --out, or --force"):
            check_target(target, overwrite=False)
    (target / "run.json").rename(target / "notes")
    with pytest.raises(RunError, match="exists and is not a run. Choose another --out; it is left"):
        check_target(target, overwrite=overwrite)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(RunError, match="is not a run"):
        check_target(tmp_path / "link", overwrite=overwrite)


def test_a_run_that_took_the_place_of_the_old_one_is_not_replaced(tmp_path: Path) -> None:
    """The same content in another folder is another's work all the same."""
    import shutil

    target = tmp_path / "run"
    make(target, weights=b"old")
    with (
        pytest.raises(RunError, match="appeared while the training ran, and is left alone"),
        draft_run(target, overwrite=True) as draft,
    ):
        shutil.copytree(target, tmp_path / "copy")
        shutil.rmtree(target)
        (tmp_path / "copy").rename(target)
        finish(draft, b"new")
    assert weights_of(target) == b"old" and weights_of(tmp_path / "run-2") == b"new"


def test_a_file_that_can_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maksud.recognizers import runs

    run = make(tmp_path / "run")
    real = runs.sha256

    def refused(path: Path) -> str:
        if path.name == "model.safetensors":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(runs, "sha256", refused)
    with pytest.raises(SystemFault, match=r"file model\.safetensors can't be read \(Perm"):
        Run.open(run)


def test_a_folder_that_can_not_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path / "run")
    real = os.scandir

    def refused(path: Any) -> Any:
        if Path(path) == run.path:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(SystemFault, match=r"can't be listed \(Permission denied\)"):
        Run.open(run)


@pytest.mark.parametrize("listed", ["contract.json", "metrics.json"])
def test_contract_and_metrics_must_be_listed(tmp_path: Path, listed: str) -> None:
    run = make(tmp_path / "run")
    (run.path / listed).unlink()
    rewrite(run, files={k: v for k, v in run.manifest["files"].items() if k != listed})
    with pytest.raises(RunError, match=f"file {listed} is missing"):
        Run.open(run)


def test_droppings_hide_nothing_and_a_link_inside_the_run_is_its_own(tmp_path: Path) -> None:
    with draft_run(tmp_path / "run") as draft:
        (draft.directory / "deep").mkdir()
        for place in (draft.directory, draft.directory / "deep"):
            (place / ".DS_Store").write_text("x")
            (place / "Thumbs.db").write_text("x")
            (place / "z.txt").write_text("z")
        (draft.directory / "link.txt").symlink_to("deep/z.txt")
        draft.finish(kind="compact", contract=CONTRACT, metrics={}, about={})
    run = Run.open(tmp_path / "run")
    named = set(run.manifest["files"]) - {"contract.json", "metrics.json", "log.jsonl"}
    assert named == {"z.txt", "deep/z.txt", "link.txt"}
    (run.path / "deep" / "z.txt").write_text("changed")
    with pytest.raises(RunError, match="was changed or damaged"):
        Run.open(run)
