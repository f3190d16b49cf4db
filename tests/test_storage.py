"""Files and directories are written whole and durably; nothing that is not ours is replaced."""

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from maksud import storage
from maksud.errors import SystemFault
from maksud.storage import StagedFile, Taken, lock, stage_directory, sweep, write_file


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is done to the disk, in order, with paths below the test's folder."""
    done: list[str] = []

    def name(path: object) -> str:
        text = os.path.relpath(os.fspath(path), tmp_path)  # type: ignore[call-overload]
        parts = [
            "ROOM" if ".staging-" in p else "STAGED" if p.startswith(".") and p != "." else p
            for p in text.split("/")
        ]
        return "/".join(parts)

    def fsync(handle: int) -> None:
        done.append(f"sync {name(os.readlink(f'/proc/self/fd/{handle}'))}")
        real_fsync(handle)

    def noting(act: str, real: object) -> object:
        def call(source: object, target: object) -> None:
            real(source, target)  # type: ignore[operator]
            done.append(f"{act} {name(source)} {name(target)}")

        return call

    real_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    for act in ("rename", "replace", "link"):
        monkeypatch.setattr(os, act, noting(act, getattr(os, act)))
    real_rmtree = storage.shutil.rmtree

    def rmtree(path: Path) -> None:
        done.append(f"remove {name(path)}")
        real_rmtree(path)

    monkeypatch.setattr(storage.shutil, "rmtree", rmtree)
    return done


linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    old = os.umask(0o022)
    yield
    os.umask(old)


def make(target: Path, content: str, **put: object) -> None:
    with stage_directory(target) as stage:
        (stage.directory / "deep").mkdir()
        (stage.directory / "deep" / "a").write_text(content)
        (stage.directory / "b").write_text(content)
        stage.put(**put)  # type: ignore[arg-type]


def rooms(directory: Path) -> list[Path]:
    return [p for p in directory.iterdir() if ".staging-" in p.name]


def whatever(_: Path) -> bool:
    return True


# ---------------------------------------------------------------- files


@linux
def test_a_file_is_flushed_before_it_is_put_in_place_and_its_name_after(
    acts: list[str], tmp_path: Path
) -> None:
    write_file(tmp_path / "a.txt", "one")
    assert acts == ["sync STAGED", "replace STAGED a.txt", "sync ."]
    acts.clear()
    write_file(tmp_path / "b.txt", "one", replace=False)
    assert acts == ["sync STAGED", "link STAGED b.txt", "sync ."]


@linux
def test_folders_that_are_made_on_the_way_are_flushed(acts: list[str], tmp_path: Path) -> None:
    write_file(tmp_path / "x" / "y" / "a.txt", "one")
    assert acts[:2] == ["sync .", "sync x"]


@pytest.mark.parametrize(("mode", "umask", "found"), [
    (0o666, 0o022, 0o644), (0o666, 0o077, 0o600), (0o600, 0o022, 0o600), (0o444, 0o022, 0o444),
])  # fmt: skip
def test_permissions_are_those_of_any_file_and_secrets_are_the_owners(
    tmp_path: Path, mode: int, umask: int, found: int
) -> None:
    os.umask(umask)
    with StagedFile(tmp_path / "a", mode) as staged:  # never wider while it is staged
        assert stat.S_IMODE(staged.path.stat().st_mode) == found
        staged.put()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == found


def test_a_failure_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "a", "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemFault, match=r"a: can't be written \(No space left.*Check space"):
        write_file(tmp_path / "a", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "old")]


KILLED_FILE = """
import os, signal, sys
from pathlib import Path
from maksud.storage import StagedFile
staged = StagedFile(Path(sys.argv[1]))
staged.stream.write(b"half")
staged.seal()
print(staged.path.name, flush=True)
sys.stdin.readline()
"""


def test_a_staged_file_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    target = tmp_path / "a.json"
    (tmp_path / ".a.json.staged-notes").write_text("mine")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_FILE, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    write_file(target, "whole")
    assert (tmp_path / name).exists(), "it lives, sealed, and will put it in place"
    process.kill()
    process.wait()
    write_file(tmp_path / "b.json", "another")
    assert (tmp_path / name).exists(), "only those of the same file are looked for"
    write_file(target, "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"a.json", "b.json", ".a.json.staged-notes"}


def test_files_are_staged_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> bool:
        raise SystemFault("this file system can't lock files")

    monkeypatch.setattr(storage, "_flock", none)
    write_file(tmp_path / "a", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_what_is_there_is_not_replaced_unless_it_may_be(tmp_path: Path) -> None:
    write_file(tmp_path / "a", "old")
    with pytest.raises(Taken):
        write_file(tmp_path / "a", "new", replace=False)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "old")]
    write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_text() == "new"


def test_a_place_that_can_not_be_written_is_told_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault, match="Choose another"):
        write_file(tmp_path / "file" / "a", "x", hint="Choose another --out")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SystemFault, match="can't be written"):
        write_file(tmp_path / "folder", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path: Path) -> None:
    write_file(tmp_path / ("意" * 85), "x")
    make(tmp_path / ("图" * 85), "x")
    assert len(list(tmp_path.iterdir())) == 2


def test_only_directories_may_be_unable_to_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(os, "fsync", unable)
    storage.sync(tmp_path)
    with pytest.raises(OSError, match="Invalid"):
        storage.sync(tmp_path / "a")


# ---------------------------------------------------------------- directories


@linux
def test_a_directory_is_flushed_whole_before_it_is_put_in_place(
    acts: list[str], tmp_path: Path
) -> None:
    make(tmp_path / "run", "x")
    put = acts.index("rename ROOM/new run")
    before, after = acts[:put], acts[put + 1 :]
    for what in ("new/deep/a", "new/deep", "new/b", "new"):
        assert f"sync ROOM/{what}" in before
    assert before.index("sync ROOM/new/deep/a") < before.index("sync ROOM/new/deep")
    assert after[0] == "sync ."
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@linux
def test_the_old_directory_goes_after_the_new_one_stands(acts: list[str], tmp_path: Path) -> None:
    make(tmp_path / "run", "old")
    acts.clear()
    make(tmp_path / "run", "new", replace=whatever)
    order = [
        "sync ROOM/new",
        "sync .",  # the room lasts before it holds the old one
        "rename run ROOM/old",
        "sync ROOM",
        "rename ROOM/new run",
        "sync .",
        "remove ROOM/old",
    ]
    at = -1
    for act in order:
        at = acts.index(act, at + 1)
    assert acts.count("remove ROOM/old") == 1
    assert (tmp_path / "run" / "b").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_directory_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    make(tmp_path / "run", "x")
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "run" / "b").stat().st_mode) == 0o644


def test_what_is_staged_is_only_the_owners(tmp_path: Path) -> None:
    with stage_directory(tmp_path / "run") as stage:
        assert stat.S_IMODE(stage.room.stat().st_mode) == 0o700


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_without_put_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), stage_directory(tmp_path / "run") as stage:
        (stage.directory / "half").write_bytes(b"x")
        (stage.room / "download").write_bytes(b"x")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_gives_way(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    make(tmp_path / "run", "x")
    assert (tmp_path / "run" / "b").read_text() == "x"


@pytest.mark.parametrize("what", ["file", "link", "full"])
def test_what_stands_there_is_left_alone_and_the_work_is_kept(tmp_path: Path, what: str) -> None:
    target = tmp_path / "run"
    if what == "file":
        target.write_text("mine")
    elif what == "link":
        target.symlink_to(tmp_path / "elsewhere")
    else:
        target.mkdir()
        (target / "mine").write_text("mine")
    (tmp_path / "run-2").write_text("mine too")
    before = target.lstat()
    with stage_directory(target) as stage:
        (stage.directory / "b").write_text("new")
        with pytest.raises(Taken):
            stage.put()
        assert stage.put_beside() == tmp_path / "run-3"
    assert target.lstat() == before
    assert (tmp_path / "run-3" / "b").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run-2", "run-3"]


def test_what_appears_in_the_midst_of_a_swap_costs_nobody_his_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "run", "old")
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).name == "old":
            (tmp_path / "run").write_text("foreign")

    monkeypatch.setattr(os, "rename", rename)
    with stage_directory(tmp_path / "run") as stage:
        (stage.directory / "b").write_text("new")
        with pytest.raises(Taken):
            stage.put(whatever)
        assert stage.put_beside() == tmp_path / "run-3"
    assert (tmp_path / "run").read_text() == "foreign"
    assert (tmp_path / "run-2" / "b").read_text() == "old"
    assert (tmp_path / "run-3" / "b").read_text() == "new"


def test_an_interrupt_between_the_renames_ends_the_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "run", "old")
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).name == "old":
            monkeypatch.setattr(os, "rename", real)
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "run", "new", replace=whatever)
    assert (tmp_path / "run" / "b").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


KILLED = """
import os, signal, sys
from pathlib import Path
from maksud import storage
target, at = Path(sys.argv[1]), sys.argv[2]
real = os.rename
def rename(source, place):
    real(source, place)
    if Path(place).name == at:
        os.kill(os.getpid(), signal.SIGKILL)
os.rename = rename
with storage.stage_directory(target) as stage:
    (stage.directory / "b").write_text("new")
    if at == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    stage.put(lambda _: True)
"""


@pytest.mark.parametrize(("at", "stands"), [("before", "old"), ("old", "new"), ("run", "new")])
def test_what_a_killed_process_left_is_swept_and_a_run_always_stands(
    tmp_path: Path, at: str, stands: str
) -> None:
    make(tmp_path / "run", "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run"), at], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(rooms(tmp_path)) == 1
    sweep(tmp_path)
    assert (tmp_path / "run" / "b").read_text() == stands
    assert not rooms(tmp_path)
    with lock(tmp_path / ".run.lock", wait=0):
        pass  # the killed one's lock is free
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_an_old_directory_whose_successor_is_lost_comes_back(tmp_path: Path) -> None:
    make(tmp_path / "run", "old")
    room = tmp_path / f".run.staging-{'0' * 16}"
    room.mkdir()
    (room / "lock").write_bytes(b"maksud-staging/1\nrun")
    (tmp_path / "run").rename(room / "old")
    sweep(tmp_path)
    assert (tmp_path / "run" / "b").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_next_to_stage_sweeps(tmp_path: Path) -> None:
    room = tmp_path / f".other.staging-{'0' * 16}"
    (room / "new").mkdir(parents=True)
    (room / "lock").write_bytes(b"maksud-staging/1\nother")
    (tmp_path / f".empty.staging-{'1' * 16}").mkdir()
    make(tmp_path / "run", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("lock_of", [None, b"", b"something else\nrun", b"maksud-staging/1\n../a"])
def test_what_is_not_ours_is_not_swept(tmp_path: Path, lock_of: bytes | None) -> None:
    for name in (f".run.staging-{'0' * 16}", ".run.staging-mine", "run.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_text("mine")
        if lock_of is not None:
            (tmp_path / name / "lock").write_bytes(lock_of)
    away = tmp_path / "away" / f".run.staging-{'0' * 16}"
    away.mkdir(parents=True)
    (away / "lock").write_bytes(b"maksud-staging/1\nrun")
    (tmp_path / f".run.staging-{'1' * 16}").symlink_to(away)
    sweep(tmp_path)
    assert len(list(tmp_path.glob("*/old"))) == 3
    assert (away / "lock").exists()


def test_what_a_living_process_stages_is_left_alone(tmp_path: Path) -> None:
    with stage_directory(tmp_path / "run") as stage:
        (stage.directory / "b").write_text("x")
        sweep(tmp_path)
        make(tmp_path / "other", "x")
        stage.put()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "run"]


def test_a_sweep_never_raises(tmp_path: Path) -> None:
    sweep(tmp_path / "nothing")


def test_the_place_is_asked_about_under_its_lock(tmp_path: Path) -> None:
    make(tmp_path / "run", "old")

    def asked(place: Path) -> bool:
        assert place == tmp_path / "run"
        with pytest.raises(SystemFault), lock(tmp_path / ".run.lock", wait=0):
            pass
        return False

    with pytest.raises(Taken):
        make(tmp_path / "run", "new", replace=asked)
    assert (tmp_path / "run" / "b").read_text() == "old"


def test_many_at_once_all_keep_their_work(tmp_path: Path) -> None:
    def work(number: int) -> None:
        with stage_directory(tmp_path / "run") as stage:
            (stage.directory / "b").write_text(str(number))
            try:
                stage.put()
            except Taken:
                stage.put_beside()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {p.name for p in tmp_path.iterdir()} == {"run", *(f"run-{k}" for k in range(2, 9))}
    assert {p.joinpath("b").read_text() for p in tmp_path.iterdir()} == set("01234567")


# ---------------------------------------------------------------- locks


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with lock(tmp_path / "l"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


def test_waiting_for_a_lock_has_an_end(tmp_path: Path) -> None:
    with (
        lock(tmp_path / "l"),
        pytest.raises(SystemFault, match=r"another process holds it, after waiting 0\.05 s"),
        lock(tmp_path / "l", wait=0.05),
    ):
        pass
    with lock(tmp_path / "l", wait=0):
        pass


def test_a_lock_whose_file_was_removed_holds_nobody_out(tmp_path: Path) -> None:
    """Who waited on a file that its holder removed must not think it has the lock."""
    real, first = storage._flock, True

    def removed_meanwhile(handle: int, path: Path) -> bool:
        nonlocal first
        got = real(handle, path)
        if first:
            first = False
            path.unlink()
        return got

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "_flock", removed_meanwhile)
        with lock(tmp_path / "l"):
            assert (tmp_path / "l").exists()


def test_a_system_without_locks_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(SystemFault, match=r"no file locks.*Use Linux"):
        make(tmp_path / "run", "x")


def test_a_file_system_without_locks_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import fcntl

    def unable(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)
    with pytest.raises(SystemFault, match=r"can't lock files.*local disk"):
        make(tmp_path / "run", "x")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- small acts, to the letter


def test_the_digest_of_a_file_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc\r\n\x00")
    assert storage.sha256(tmp_path / "a") == hashlib.sha256(b"abc\r\n\x00").hexdigest()


def test_folders_that_were_made_are_named_the_outermost_first(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    assert storage.make_directory(deep) == [tmp_path / "a", tmp_path / "a" / "b", deep]
    assert storage.make_directory(deep) == []
    assert storage.make_directory(deep.with_name("d")) == [tmp_path / "a" / "b" / "d"]


def test_a_staged_file_may_go_to_another_place(tmp_path: Path) -> None:
    with StagedFile(tmp_path / "a") as staged:
        assert staged.path.parent == tmp_path and staged.path.name.startswith(".a.")
        staged.stream.write(b"x")
        staged.stream.seek(0)
        assert staged.stream.read() == b"x"  # what was written may be read before it is put
        staged.seal()
        staged.seal()
        assert staged.path.read_bytes() == b"x"
        staged.put(tmp_path / "b")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("b", "x")]


def test_a_staged_file_that_is_not_put_goes_away(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), StagedFile(tmp_path / "a") as staged:
        staged.stream.write(b"half")
        raise ValueError("x")
    assert staged.stream.closed and list(tmp_path.iterdir()) == []
    staged.discard()  # harmless


def test_two_who_stage_the_same_file_do_not_meet(tmp_path: Path) -> None:
    with StagedFile(tmp_path / "a") as first, StagedFile(tmp_path / "a") as second:
        first.stream.write(b"1")
        second.stream.write(b"2")
        second.put()
        assert (tmp_path / "a").read_bytes() == b"2"
        first.put()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"1")]


def test_errors_of_the_system_are_told_with_place_and_next_step(tmp_path: Path) -> None:
    for error, says in (
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("no number"), "no number"),
    ):
        with pytest.raises(SystemFault) as told, storage.writing(tmp_path / "a", hint="Do this"):
            raise error
        assert str(told.value) == f"{tmp_path / 'a'}: can't be written ({says}). Do this"
    with pytest.raises(SystemFault, match="Check space and rights"), storage.writing("a"):
        raise OSError(errno.EIO, "Input/output error")
    with pytest.raises(Taken), storage.writing("a"):
        raise Taken(errno.EEXIST, "File exists", "a")


def test_any_other_fault_of_a_rename_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if Path(target).name == "run":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="cross-device") as told:
        make(tmp_path / "run", "x", replace=whatever)
    assert not isinstance(told.value, Taken) and list(tmp_path.iterdir()) == []


def test_taken_names_the_place(tmp_path: Path) -> None:
    make(tmp_path / "run", "old")
    with pytest.raises(Taken) as told:
        make(tmp_path / "run", "new")
    assert told.value.filename == str(tmp_path / "run")
    assert told.value.errno in (errno.EEXIST, errno.ENOTEMPTY) and told.value.strerror
    write_file(tmp_path / "a", "old")
    with pytest.raises(Taken) as told:
        write_file(tmp_path / "a", "new", replace=False)
    assert told.value.errno == errno.EEXIST


@linux
def test_a_directory_that_is_put_beside_is_flushed(acts: list[str], tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with stage_directory(tmp_path / "run") as stage:
        (stage.directory / "b").write_text("x")
        acts.clear()
        stage.put_beside()
    put = acts.index("rename ROOM/new run-2")
    assert {"sync ROOM/new/b", "sync ROOM/new"} <= set(acts[:put])
    assert acts[put + 1] == "sync ."


@linux
def test_a_swap_that_a_sweep_ends_is_flushed(acts: list[str], tmp_path: Path) -> None:
    room = tmp_path / f".run.staging-{'0' * 16}"
    (room / "old").mkdir(parents=True)
    (room / "lock").write_bytes(b"maksud-staging/1\nrun")
    sweep(tmp_path)
    assert acts[:2] == ["rename ROOM/old run", "sync ."]


@linux
def test_a_file_is_not_renamed_before_its_room_is_known(acts: list[str], tmp_path: Path) -> None:
    make(tmp_path / "run", "x")
    put = acts.index("rename ROOM/new run")
    assert acts[put - 1] == "sync ROOM"  # the room's names, `new` among them


def test_links_and_pipes_are_flushed_by_nobody(tmp_path: Path) -> None:
    with stage_directory(tmp_path / "run") as stage:
        (stage.directory / "dangling").symlink_to("nothing")
        os.mkfifo(stage.directory / "pipe")
        stage.put()
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["dangling", "pipe"]


# ---------------------------------------------------------------- rooms


def leave_room(target: Path, number: int = 0) -> Path:
    """What a killed process leaves of a directory that it staged."""
    room = target.with_name(f".{target.name[:40]}.staging-{number:016x}")
    (room / "new").mkdir(parents=True)
    (room / "lock").write_bytes(b"maksud-staging/1\n" + os.fsencode(target.name))
    return room


def test_one_room_that_is_not_ours_hides_no_other(tmp_path: Path) -> None:
    for k in range(12):
        room = leave_room(tmp_path / "run", k)
        if k % 3 == 0:
            (room / "lock").write_bytes(b"mine")
    sweep(tmp_path)
    assert sorted(int(p.name[-16:], 16) for p in rooms(tmp_path)) == [0, 3, 6, 9]


def test_one_room_that_can_not_be_removed_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(6):
        leave_room(tmp_path / "run", k)
    real = storage.shutil.rmtree

    def rmtree(path: Path) -> None:
        if path.parent.name.endswith(("0", "3")):
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path)

    monkeypatch.setattr(storage.shutil, "rmtree", rmtree)
    sweep(tmp_path)
    assert sorted(int(p.name[-16:], 16) for p in rooms(tmp_path)) == [0, 3]
    monkeypatch.undo()
    sweep(tmp_path)  # their locks are free again
    assert not rooms(tmp_path)


@pytest.mark.parametrize("name", ["a\nb", "\n", "n\udce9", "x" * 41, "図" * 60, ".hidden"])
def test_a_room_of_any_name_is_known_again(tmp_path: Path, name: str) -> None:
    room = leave_room(tmp_path / name)
    (tmp_path / name).mkdir()
    (tmp_path / name).rename(room / "old")
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "lock_of", [b"maksud-staging/1\nother", b"maksud-staging/1\n", b"maksud-staging/1", b"\nrun"]
)
def test_a_room_of_another_name_is_not_ours(tmp_path: Path, lock_of: bytes) -> None:
    room = leave_room(tmp_path / "run")
    (room / "lock").write_bytes(lock_of)
    sweep(tmp_path)
    assert (room / "new").exists()


def test_what_a_room_holds_goes_but_not_what_its_links_show(tmp_path: Path) -> None:
    room = leave_room(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("keep")
    (room / "link").symlink_to(tmp_path / "mine")
    (room / "file").write_text("x")
    (room / "folder" / "deep").mkdir(parents=True)
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine" / "a").read_text() == "keep"


def test_what_took_the_place_of_a_killed_swap_costs_nobody_his_work(tmp_path: Path) -> None:
    room = leave_room(tmp_path / "run")
    (room / "new" / "a").write_text("new")
    (room / "old").mkdir()
    (room / "old" / "a").write_text("old")
    (tmp_path / "run").write_text("foreign")
    sweep(tmp_path)
    assert (tmp_path / "run").read_text() == "foreign"
    found = {p.name: (p / "a").read_text() for p in tmp_path.iterdir() if p.is_dir()}
    assert found == {"run-2": "new", "run-3": "old"}


def test_a_room_that_was_swept_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = storage._take, []

    def take(path: Path) -> int | None:
        if ".staging-" in str(path):
            seen.append(path)
            if len(seen) == 1:  # another process sweeps the empty room
                path.parent.rmdir()
            elif len(seen) == 2:  # another process holds its lock
                return None
        return real(path)

    monkeypatch.setattr(storage, "_take", take)
    make(tmp_path / "run", "x")
    assert len(seen) == 3 and (tmp_path / "run" / "b").read_text() == "x"


def test_a_room_that_can_not_be_filled_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path / "run", "x")
    assert list(tmp_path.iterdir()) == []


@linux
def test_nothing_that_was_opened_stays_open(tmp_path: Path) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    leave_room(tmp_path / "run", 1)
    make(tmp_path / "run", "old")
    make(tmp_path / "run", "new", replace=whatever)
    with pytest.raises(Taken):
        make(tmp_path / "run", "x")
    with lock(tmp_path / "l"), pytest.raises(SystemFault), lock(tmp_path / "l", wait=0):
        pass
    write_file(tmp_path / "a", "x")
    assert opened() == before


def test_a_lock_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError), lock(tmp_path / "l", wait=0):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_whose_file_another_made_anew_holds_nobody_out(tmp_path: Path) -> None:
    """Not the name counts but the file: who locks a removed one tries again."""
    real, first = storage._flock, True

    def replaced_meanwhile(handle: int, path: Path) -> bool:
        nonlocal first
        got = real(handle, path)
        if first:
            first = False
            path.unlink()
            path.write_text("another")
        return got

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "_flock", replaced_meanwhile)
        with lock(tmp_path / "l"):
            assert (tmp_path / "l").read_text() == "another"
            with pytest.raises(SystemFault), lock(tmp_path / "l", wait=0):
                pass
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_written_as_one(tmp_path: Path) -> None:
    write_file(tmp_path / "secret", "x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_place_beside_that_another_takes_meanwhile_is_left_to_him(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").write_text("mine")
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if Path(target).name == "run-2":
            Path(target).write_text("another's")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with stage_directory(tmp_path / "run") as stage:
        (stage.directory / "b").write_text("x")
        assert stage.put_beside() == tmp_path / "run-3"
    assert (tmp_path / "run-2").read_text() == "another's"


def test_a_room_whose_lock_can_not_be_made_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def opened(path: object, *how: int) -> int:
        if str(path).endswith("/lock"):
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(OSError, match="Too many open files"):
        make(tmp_path / "run", "x")
    assert list(tmp_path.iterdir()) == []
