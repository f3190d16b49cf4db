"""The one way to write a file or a directory: whole, durable, and never over what is not ours.

What is written is *staged* beside its place (the same file system, so that a rename is atomic),
flushed to disk, renamed, and the directory that names it is flushed as well: only then a rename
outlives a power cut. A reader sees the old content or the new one, whatever interrupts the writer.

    write_file(path, text)                      a file, in one call
    with StagedFile(path) as staged: …          a file in pieces, put in place when it is good
    with stage_directory(path) as stage: …      a directory, which may replace another
    with lock(path): …                          one process at a time

A file is staged as `.NAME.staged-…`, a directory in a *room*, `.NAME.staging-…`, that its process
holds a lock on. What a killed process left is known by its free lock, and removed by the next one
that stages there (`sweep`), or writes the same file. A replaced directory waits in the room until
the new one stands; where the process was killed between the two renames, `sweep` ends what it
began, so one of the two always stands.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from secrets import token_hex
from types import TracebackType

from maksud.errors import SystemFault

HINT = "Check space and rights"
LOCK_SECONDS = 60.0
"""How long `lock` waits for another process."""

_LOCK, _NEW, _OLD = "lock", "new", "old"
_SHOWN = 40  # characters of a name in that of what is staged for it: names have an end
_ROOM = re.compile(rf"\..{{1,{_SHOWN}}}\.staging-[0-9a-f]{{16}}", re.DOTALL)
_DIGITS = re.compile("[0-9a-f]{16}")
_MAGIC = b"maksud-staging/1\n"
_NOT_FREE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)
_CAN_NOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


class Taken(FileExistsError):
    """Something stands where a file or directory was to be put, and may not be replaced."""


@contextmanager
def writing(path: str | os.PathLike[str], *, hint: str = HINT) -> Iterator[None]:
    """Turns the system's errors into a `SystemFault` about `path`; `Taken` passes."""
    try:
        yield
    except Taken:
        raise
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror or error})", where=os.fspath(path), hint=hint
        ) from error


def write_file(
    path: str | os.PathLike[str],
    content: str | bytes,
    *,
    mode: int = 0o666,
    replace: bool = True,
    hint: str = HINT,
) -> None:
    """Writes a file whole or not at all; its directory is made where it is missing.

    `mode` is what the umask leaves of it: 0o600 for a secret. Without `replace`, raises `Taken`
    where something stands there. Raises `SystemFault` where the place can't be written.
    """
    target = Path(path)
    with writing(path, hint=hint):
        make_directory(target.parent)
        with StagedFile(target, mode) as staged:
            staged.stream.write(content.encode() if isinstance(content, str) else content)
            staged.put(replace=replace)


class StagedFile:
    """A file in the making, beside its place: fill `stream`, then `put`. Without, it goes away.

    Its directory must exist. All methods raise `OSError`; see `writing`.
    """

    def __init__(self, target: Path, mode: int = 0o666) -> None:
        self.target = target
        begin = target.with_name(f".{target.name[:_SHOWN]}.staged-")
        _sweep_files(begin)
        # Made with the final mode: the umask is asked by the system, and a secret is never open.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        while True:
            self.path = begin.with_name(begin.name + token_hex(8))
            self.stream: io.BufferedRandom = os.fdopen(os.open(self.path, flags, mode), "w+b")
            with suppress(SystemFault):  # without locks nobody sweeps
                if not _holds(self.stream.fileno(), self.path):
                    self.stream.close()
                    continue
            break
        # The lock outlives the stream, which is closed before the file is in its place.
        self._lock = os.fdopen(os.dup(self.stream.fileno()), "rb")

    def seal(self) -> None:
        """Flushes the content to disk and closes the stream."""
        if not self.stream.closed:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()

    def put(self, target: Path | None = None, *, replace: bool = True) -> None:
        """Puts the file in its place (or at `target`), durably.

        Raises `Taken` without `replace` where something stands there.
        """
        target = target or self.target
        self.seal()
        if replace:
            os.replace(self.path, target)
        else:
            try:
                os.link(self.path, target)  # unlike a rename, a link never replaces
            except FileExistsError as error:
                raise Taken(*error.args) from error
            os.unlink(self.path)
        self._lock.close()
        sync(target.parent)

    def discard(self) -> None:
        """Removes what was not put in place."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            os.unlink(self.path)
        self._lock.close()

    def __enter__(self) -> StagedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


class Stage:
    """A directory in the making: fill `directory`, then `put`. Methods raise `OSError`.

    `room` around it may hold what helps to make it (downloads); it goes away.
    """

    def __init__(self, target: Path, room: Path) -> None:
        self.target = target
        self.room = room
        self.directory = room / _NEW

    def put(self, replace: Callable[[Path], bool] | None = None) -> None:
        """Puts the directory in its place, durably; an empty directory there gives way.

        Where something else stands there, `replace(target)` is asked, under the lock of the
        place, whether it may go; it does so only after the new one stands. Raises `Taken` where
        it may not: nothing has changed then, and `put_beside` keeps the work.
        """
        sync_tree(self.directory)
        sync(self.room)
        with lock(self.target.with_name(f".{self.target.name[:_SHOWN]}.lock")):
            try:
                _move(self.directory, self.target)
            except Taken:
                if replace is None or not replace(self.target):
                    raise
                self._swap()
            sync(self.target.parent)

    def put_beside(self) -> Path:
        """Puts the directory at the first free of NAME-2, NAME-3, …; returns the place."""
        sync_tree(self.directory)
        return _put_beside(self.directory, self.target)

    def _swap(self) -> None:
        old = self.room / _OLD
        sync(self.room.parent)  # the room itself must last before it holds the old one
        _move(self.target, old)
        sync(self.room)
        try:
            _move(self.directory, self.target)
        except Taken:  # by somebody who asks no locks: nobody's work is lost
            _put_beside(old, self.target)
            raise


@contextmanager
def stage_directory(target: str | os.PathLike[str]) -> Iterator[Stage]:
    """A `Stage` for a directory at `target`; gone after the block, unless it was put in place.

    What killed processes left beside it is swept first. Raises `OSError`, or `SystemFault` where
    the system has no locks.
    """
    place = Path(os.path.abspath(target))
    make_directory(place.parent)
    sweep(place.parent)
    room, handle = _make_room(place)
    try:
        yield Stage(place, room)
    finally:
        with suppress(OSError):
            _clear(room)
        os.close(handle)


def sweep(directory: Path) -> None:
    """Removes what killed processes staged in a directory, ending a swap that one began.

    What a living process stages, and what is not ours, is left alone. Never raises.
    """
    with suppress(OSError), os.scandir(directory) as entries:
        rooms = [
            Path(e.path) for e in entries if _ROOM.fullmatch(e.name) and not e.is_symlink()
        ]  # fmt: skip
        for room in rooms:
            with suppress(OSError, SystemFault):
                if not _is_ours(room):
                    continue
                handle = _take(room / _LOCK)
                if handle is not None:
                    try:
                        _clear(room)
                    finally:
                        os.close(handle)


# ---------------------------------------------------------------- small acts


def make_directory(path: Path) -> list[Path]:
    """Makes a directory and its parents, durably; returns those made, the outermost first."""
    missing = [d for d in (path, *path.parents) if not d.exists()]
    path.mkdir(parents=True, exist_ok=True)
    missing.reverse()
    for made in missing:
        sync(made.parent)
    return missing


def sync(path: Path) -> None:
    """Flushes a file, or a directory's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems have no such thing for directories: they order by themselves.
        if error.errno not in _CAN_NOT_SYNC or not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise
    finally:
        os.close(handle)


def sync_tree(directory: Path) -> None:
    """Flushes all that a directory holds to disk, and itself."""
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            file = Path(folder, name)
            if stat.S_ISREG(file.lstat().st_mode):
                sync(file)
        sync(Path(folder))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock(path: Path, *, wait: float = LOCK_SECONDS) -> Iterator[None]:
    """Holds the lock that a file stands for; no other process, or thread, holds it meanwhile.

    The file is made and removed by the lock. Raises `SystemFault` where another still holds it
    after `wait` seconds, or the system has no locks.
    """
    until = time.monotonic() + wait
    while (handle := _take(path)) is None:
        if time.monotonic() >= until:
            raise SystemFault(
                f"another process holds it, after waiting {wait:g} s",
                where=str(path),
                hint="Try again when that process is done",
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(path)  # while it is held: see `_take`
        os.close(handle)


# ---------------------------------------------------------------- inside


def _take(path: Path) -> int | None:
    """A handle that holds the lock of a file, which is made; None where another has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        if _holds(handle, path):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _holds(handle: int, path: Path) -> bool:
    """Whether the lock of a file is had, and the file is there: who held it may have removed it."""
    with suppress(FileNotFoundError):
        return _flock(handle, path) and os.path.samestat(os.fstat(handle), os.stat(path))
    return False


def _flock(handle: int, path: Path) -> bool:
    try:
        import fcntl
    except ImportError as error:
        raise SystemFault(
            "this system has no file locks (flock)",
            where=str(path),
            hint="Use Linux, macOS or WSL",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise SystemFault(
            f"this file system can't lock files ({error.strerror or error})",
            where=str(path),
            hint="Choose a place on a local disk",
        ) from error
    return True


def _sweep_files(begin: Path) -> None:
    """Removes what killed processes staged under names that begin so. Never raises."""
    with suppress(OSError), os.scandir(begin.parent) as entries:
        left = [e.path for e in entries if _DIGITS.fullmatch(e.name.removeprefix(begin.name))]
        for path in left:
            with suppress(OSError, SystemFault), open(path, "rb") as file:
                if _flock(file.fileno(), begin):
                    os.unlink(path)


def _make_room(target: Path) -> tuple[Path, int]:
    while True:
        room = target.with_name(f".{target.name[:_SHOWN]}.staging-{token_hex(8)}")
        room.mkdir(mode=0o700)
        try:
            handle = _take(room / _LOCK)
        except FileNotFoundError:
            handle = None
        except BaseException:
            _remove(room)
            raise
        if handle is None:  # swept by another process before it was locked
            continue
        try:
            os.write(handle, _MAGIC + os.fsencode(target.name))
            (room / _NEW).mkdir()
        except BaseException:
            with suppress(OSError):
                _remove(room)
            os.close(handle)
            raise
        return room, handle


def _target_of(room: Path) -> Path | None:
    """Where the directory that is staged in a room belongs; None for what is no room of ours."""
    try:
        magic, name = (room / _LOCK).read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    target = room.with_name(os.fsdecode(name)) if name and b"/" not in name else None
    if magic + b"\n" != _MAGIC or target is None:
        return None
    return target if room.name.startswith(f".{target.name[:_SHOWN]}.staging-") else None


def _is_ours(room: Path) -> bool:
    # A process that was killed at once leaves nothing but an empty lock.
    return _target_of(room) is not None or not {p.name for p in room.iterdir()} - {_LOCK}


def _clear(room: Path) -> None:
    """Ends a swap that was begun, and removes a room. Its lock must be held."""
    target = _target_of(room)
    new, old = room / _NEW, room / _OLD
    if target is not None and os.path.lexists(old):
        # Only a directory that is whole and flushed starts a swap, so the new one may stand.
        if not os.path.lexists(target):
            _move(new if os.path.lexists(new) else old, target)
            sync(target.parent)
        elif os.path.lexists(new):  # somebody else's: both are kept
            _put_beside(new, target)
            _put_beside(old, target)
    _remove(room)


def _remove(room: Path) -> None:
    """Removes a room, the lock last: so the next process knows what a killed one left."""
    for path in room.iterdir():
        if path.name != _LOCK:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    (room / _LOCK).unlink(missing_ok=True)
    room.rmdir()


def _put_beside(source: Path, target: Path) -> Path:
    for number in count(2):
        place = target.with_name(f"{target.name}-{number}")
        if not os.path.lexists(place):
            with suppress(Taken):
                _move(source, place)
                sync(place.parent)
                return place
    raise AssertionError


def _move(source: Path, target: Path) -> None:
    """Renames; an empty directory at `target` gives way. Raises `Taken` for anything else."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in _NOT_FREE:
            raise Taken(error.errno, error.strerror, str(target)) from error
        raise
