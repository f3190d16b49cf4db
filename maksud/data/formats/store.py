"""Where files are: on this machine, or in a store that an fsspec URL names (`s3://`, `oss://`).

Reading asks here whether a path exists and what a directory holds. Writing goes through a
`Staging`: files are written aside and put in place together, so that a reader sees the whole
or nothing, whatever interrupts it. Credentials come from each store's usual environment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from maksud.errors import DataError, MaksudError, SystemFault
from maksud.storage import StagedFile, make_directory, writing

_OSS = (
    ("key", ("OSS_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID")),
    ("secret", ("OSS_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")),
    ("token", ("OSS_SESSION_TOKEN", "ALIBABA_CLOUD_SECURITY_TOKEN")),
)


def is_remote(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def join(directory: str, name: str) -> str:
    """The path of a file in a directory."""
    if is_remote(directory):
        return f"{directory.rstrip('/')}/{name}"
    return os.path.join(directory, name)


def exists(path: str) -> bool:
    """Whether there is something at a path. Raises `SystemFault` where a store can't be asked."""
    if not is_remote(path):
        return os.path.exists(path)
    with asking(path):
        system, inner = _system(path)
        return bool(system.exists(inner))


def is_directory(path: str) -> bool:
    """Whether a path is a directory, or the beginning of other names in a store."""
    if not is_remote(path):
        return os.path.isdir(path)
    with asking(path):
        system, inner = _system(path)
        return bool(system.isdir(inner))


def names(directory: str) -> list[str]:
    """Names of what a directory holds, sorted; none where there is no such directory.

    Raises `DataError` or `SystemFault` where it can't be listed.
    """
    try:
        if not is_remote(directory):
            return sorted(os.listdir(directory or "."))
        with asking(directory):
            system, inner = _system(directory)
            try:
                found = [str(path).rstrip("/") for path in system.ls(inner, detail=False)]
            except FileNotFoundError:
                return []
            return sorted({p.rsplit("/", 1)[-1] for p in found if p != inner.rstrip("/")})
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"can't be listed ({error.strerror})", where=directory) from error


def size(path: str) -> int:
    """Bytes of a file. Raises `DataError` where it is none that can be read, `SystemFault`."""
    if is_remote(path):
        with asking(path):
            system, inner = _system(path)
            return int(system.info(inner)["size"] or 0)
    try:
        about = os.stat(path)
    except OSError as error:
        raise DataError(f"E-FILE can't be read ({error.strerror})", where=path) from error
    if not os.path.isfile(path):
        raise DataError("E-FILE not a regular file", where=path, hint="Give a data file")
    return about.st_size


def open_binary(path: str) -> IO[bytes]:
    """A local file as a binary stream. Raises `DataError`."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"E-FILE can't be read ({error.strerror or error})", where=path) from error


def fetch(path: str) -> StagedFile:
    """A local copy of a file in a store; the caller discards it. Raises as `size` does.

    What is read twice is then the same twice, and a store that fails does so here. Copies of a
    killed process are removed by the next one that fetches, or stages for a store.
    """
    with writing(tempfile.gettempdir()):
        copy = _copy()
    try:
        with asking(path), copy.stream as file:
            system, inner = _system(path)
            with system.open(inner, "rb") as remote:
                shutil.copyfileobj(remote, file)
    except BaseException:
        copy.discard()
        raise
    return copy


def _copy() -> StagedFile:
    """A file for a copy of data, in a folder that all share."""
    return StagedFile(Path(tempfile.gettempdir(), "maksud"), 0o600)


@contextlib.contextmanager
def asking(path: str) -> Iterator[None]:
    """Turns whatever a store raises into an error that says where, and what to do."""
    scheme = path.split("://")[0]
    try:
        yield
    except MaksudError:
        raise
    except ImportError as error:
        raise SystemFault(
            f"{scheme}:// needs a package that is not installed ({error})",
            where=path,
            hint=f"Install maksud[{scheme if scheme in ('s3', 'oss') else 's3'}], "
            "or the fsspec package of that store",
        ) from error
    except FileNotFoundError as error:
        raise DataError("no such file", where=path, hint="Check the URL") from error
    except PermissionError as error:
        raise SystemFault(
            f"the store refuses ({error})", where=path, hint="Check credentials and rights"
        ) from error
    except Exception as error:  # every store has its own tree of errors
        if isinstance(error, ValueError) and "rotocol not known" in str(error):
            raise DataError(f"unknown kind of address {scheme}://", where=path) from error
        raise SystemFault(
            f"the store can't be asked ({error})", where=path, hint="Check address and credentials"
        ) from error


class Staging:
    """Files that are written aside, and put in place together at the end of the `with` block.

    An exception, Ctrl-C among them, leaves nothing behind. Raises `SystemFault` where a place
    can't be written.
    """

    def __init__(self) -> None:
        self._staged: list[tuple[StagedFile, str]] = []
        self._made: list[Path] = []

    def __enter__(self) -> Staging:
        return self

    @contextlib.contextmanager
    def file(self, path: str) -> Iterator[IO[bytes]]:
        """A binary stream whose content will stand at `path`."""
        with writing(path):
            if is_remote(path):
                staged = _copy()
            else:
                if os.path.isdir(path):  # told now: at the end others would stand already
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                self._made += make_directory(Path(path).parent)
                staged = StagedFile(Path(path))
            self._staged.append((staged, path))
            yield staged.stream
            staged.seal()

    def discard(self) -> None:
        """Forgets what was staged so far."""
        for staged, _ in self._staged:
            staged.discard()
        self._staged.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            self.discard()
            for directory in reversed(self._made):  # only those that stayed empty
                with contextlib.suppress(OSError):
                    directory.rmdir()

    def _commit(self) -> None:
        for staged, path in self._staged:
            if is_remote(path):
                with asking(path):
                    system, inner = _system(path)
                    system.put_file(str(staged.path), inner)
            else:
                with writing(path):
                    staged.put()


def _system(path: str) -> tuple[Any, str]:
    if "::" in path:
        raise DataError("a chained address is not read", where=path, hint="Give the file itself")
    import fsspec

    options: dict[str, Any] = {}
    if path.startswith("oss://"):
        # ossfs itself reads only OSS_ENDPOINT from the environment.
        for option, variables in _OSS:
            value = next((v for name in variables if (v := os.environ.get(name))), None)
            if value:
                options[option] = value
    system, inner = fsspec.core.url_to_fs(path, **options)
    system.invalidate_cache()  # others write there too
    return system, str(inner)
