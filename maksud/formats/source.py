"""What a format reads: a file with a name, wherever it is, and what a format is.

A source is a local path or an fsspec URL (`s3://…`, `oss://…`), checked before it is read: a
regular file that is not empty and does not change while it is read. Lines are told apart by
`\\n` alone, so that line numbers agree with every editor and no U+2028 splits a row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any, cast

from maksud.dataset import Example
from maksud.errors import DataError, SystemFault
from maksud.findings import Finding
from maksud.formats.rows import Reading

HEAD = 1 << 16
"""Bytes that a format may look at to tell whether a file is its own."""
MAX_LINE = 1 << 20
"""Longest line read, in bytes (1 MiB): a longer one is a reject, not a memory fault."""

BOM = b"\xef\xbb\xbf"

_FOREIGN = (
    (b"\x1f\x8b", "gzip: unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull`"),
    (b"<!DOCTYPE", "an HTML page: did the download fail?"),
    (b"<html", "an HTML page: did the download fail?"),
)


@dataclass(frozen=True)
class Options:
    """How to read a file, where its content leaves it open."""

    split: str = ""
    """Split of rows that do not say theirs."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column or field names of the file for ours: `{"instruction": "text", …}`."""
    delimiter: str = ""
    """Delimiter of a table; empty: told from the content."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    tick: Callable[[float], None] | None = None
    """Told the share of the file that is read, now and then."""


class Source:
    """A file to read. Raises `DataError` where there is none, or it is no data at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.is_remote = "://" in self.path
        self.size = _size(self.path) if not self.is_remote else self._remote_size()
        if self.size == 0:
            raise DataError("E-EMPTY file has 0 bytes", where=self.path, hint="Export it again")
        for magic, what in _FOREIGN:
            if self.head.startswith(magic):
                raise DataError(f"E-FORMAT content is {what}", where=self.path)

    @property
    def suffix(self) -> str:
        """The name's ending, lower case, with its dot."""
        return os.path.splitext(self.path)[1].lower()

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.open() as file:
            return file.read(HEAD)

    @cached_property
    def head_text(self) -> str:
        """The first 64 KiB as text, without byte order mark; a cut character is left out."""
        return self.head.removeprefix(BOM).decode("utf-8", "ignore")

    def open(self) -> IO[bytes]:
        """The file as a binary stream."""
        try:
            if self.is_remote:
                import fsspec

                return cast("IO[bytes]", fsspec.open(self.path, "rb").open())
            return open(self.path, "rb")
        except OSError as error:
            raise DataError(
                f"can't be read ({error.strerror or error})", where=self.path
            ) from error

    def content(self) -> bytes:
        """The whole file. Raises `DataError` where it changed meanwhile."""
        with self.open() as file:
            raw = file.read()
        if len(raw) != self.size:
            raise DataError(
                "E-CHANGED the file changed while it was read", where=self.path, hint="Try again"
            )
        return raw

    def text(self, reading: Reading, encoding: str = "utf-8") -> str:
        """The whole file as text; a byte order mark is skipped and told."""
        raw = self.content()
        self.refuse_utf16()
        if raw.startswith(BOM):
            raw = raw[len(BOM) :]
            reading.findings.append(bom(self.path))
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"E-ENCODING byte 0x{raw[error.start]:02X} at offset {error.start} is not "
                f"{encoding.upper()}{_looks_like(raw)}",
                where=f"{self.path}:{line}",
                hint="Save the file as UTF-8, or say its encoding",
            ) from error
        if not text.strip():
            raise self.no_rows()
        return text

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """`(number, line)` without its line end; an overlong line comes cut at `MAX_LINE + 1`.

        One line at a time is in memory. Raises `DataError` where the file changed meanwhile.
        """
        self.refuse_utf16()
        number = read = 0
        with self.open() as file:
            while True:
                line = file.readline(MAX_LINE + 2)
                if not line:
                    break
                number += 1
                read += len(line)
                while not line.endswith(b"\n") and len(line) > MAX_LINE:
                    rest = file.readline(MAX_LINE)
                    read += len(rest)
                    if not rest or rest.endswith(b"\n"):
                        break
                if number == 1:
                    line = line.removeprefix(BOM)
                yield number, line.rstrip(b"\r\n")
        if read != self.size:
            raise DataError(
                "E-CHANGED the file changed while it was read", where=self.path, hint="Try again"
            )

    def refuse_utf16(self) -> None:
        """Raises `DataError` for UTF-16 and UTF-32."""
        head = self.head[:64]
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(
                "E-ENCODING file is UTF-16 (byte order mark)",
                where=self.path,
                hint="Save it as UTF-8",
            )
        if b"\x00" in head:
            raise DataError(
                "E-ENCODING looks like UTF-16 without a byte order mark, or no text at all",
                where=self.path,
                hint="Save it as UTF-8",
            )

    def no_rows(self) -> DataError:
        """The error for a file without data rows."""
        return DataError("E-NOROWS no data rows found", where=self.path, hint="Export it again")

    def _remote_size(self) -> int:
        try:
            import fsspec

            system, path = fsspec.core.url_to_fs(self.path)
            return int(system.info(path)["size"])
        except ImportError as error:
            scheme = self.path.split("://")[0]
            raise SystemFault(
                f"{scheme}:// needs a package that is not installed ({error})",
                where=self.path,
                hint="Install maksud[s3] (or the fsspec package of that store)",
            ) from error
        except FileNotFoundError as error:
            raise DataError("no such file", where=self.path, hint="Check the URL") from error
        except Exception as error:  # every store has its own tree of errors
            raise SystemFault(
                f"the store can't be asked ({error})", where=self.path, hint="Check credentials"
            ) from error


@dataclass(frozen=True)
class Format:
    """An outside format: how it is told, read and, where that makes sense, written."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    detect: Callable[[Source], bool]
    read: Callable[[Source, Options], Reading]
    write: Callable[[Iterable[Example], IO[bytes]], Any] | None = None


def bom(path: str) -> Finding:
    """The finding about a byte order mark."""
    return Finding("info", "I-BOM", "UTF-8 byte order mark skipped", path)


def _size(path: str) -> int:
    try:
        about = os.stat(path)
    except OSError as error:
        raise DataError(f"can't be read ({error.strerror})", where=path) from error
    if not os.path.isfile(path):
        raise DataError("E-FILE not a regular file", where=path, hint="Give a data file")
    return about.st_size


def _looks_like(raw: bytes) -> str:
    for encoding in ("gb18030", "latin-1"):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return f" (looks like {encoding})"
    return ""
