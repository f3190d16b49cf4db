"""What a format reads: a file with a name, wherever it is.

A source is a local path or an fsspec URL (`s3://…`, `oss://…`), checked before it is read: a
regular file that is not empty, not packed, and does not change while it is read. Lines are told
apart by `\\n` alone, so that line numbers agree with every editor and no U+2028 splits a row.
"""

from __future__ import annotations

import json
import os
import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from maksud.data.findings import Finding
from maksud.data.formats import store
from maksud.data.formats.parts.encodings import Advice, advise
from maksud.data.formats.parts.reading import Reading
from maksud.errors import DataError

HEAD = 1 << 16
"""Bytes that a format may look at to tell whether a file is its own."""
_LOOKED_AT = 200
"""So many rows of the head are decoded to tell what a file is."""
MAX_LINE = 1 << 20
"""Longest line read, in bytes (1 MiB): a longer one is a reject, not a memory fault."""

BOM = b"\xef\xbb\xbf"

_FOREIGN = (
    (b"version https://git-lfs", "E-LFS file is a Git LFS pointer", "Run `git lfs pull`"),
    (b"<!DOCTYPE", "E-FORMAT content is an HTML page", "Did the download fail?"),
    (b"<html", "E-FORMAT content is an HTML page", "Did the download fail?"),
    (b"<?xml", "E-FORMAT content is XML", "Did the download fail? Give JSON, JSONL or CSV"),
)
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "an old .xls workbook, or an encrypted one"),
    (b"PAR1", "Parquet"),
)
_PACKED_NAMES = ("", ".gz", ".tgz", ".zip", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar", ".xls")
WRAPPERS = ("data", "rows", "examples", "items", "results", "records")
"""Fields of one object around all rows: `{"data": [{…}, …]}`."""
_WRAPPED = re.compile(
    r"""\{\s*(?:"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)\s*,\s*)*"""
    rf""""(?P<name>{"|".join(WRAPPERS)})"\s*:\s*\[\s*(?=\{{)"""
)
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')


@dataclass(frozen=True)
class Start:
    """How the JSON of a file begins: `kind` is `array`, `lines`, `object` or "" (no JSON).

    `first` is its first row, decoded, where it ends within the head; `keys` are that row's, or
    else all that stand anywhere in the head. `rows` are the first rows, and `wrapped` is the field
    of the one object around them, if there is one.
    """

    kind: str
    first: Any
    keys: frozenset[str]
    spans_lines: bool = False
    rows: tuple[Any, ...] = ()
    wrapped: str = ""

    def has(self, *keys: str) -> bool:
        """Whether the first row has all these keys."""
        return self.keys.issuperset(keys)


class Source:
    """A file to read. Raises `DataError` where there is none, or it is no data at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.size = store.size(self.path)
        self._local = self.path
        if store.is_remote(self.path):
            copy = store.fetch(self.path)
            self._local = str(copy.path)
            weakref.finalize(self, copy.discard)
        self._changed = os.stat(self._local).st_mtime_ns
        self._advice: dict[str, Advice] = {}
        self.crlf_lines = 0
        self.ends_in_newline = True
        if self.size == 0:
            raise DataError("E-EMPTY file has 0 bytes", where=self.path, hint="Export it again")
        start = self.head.removeprefix(BOM).lstrip()
        for magic, what, hint in _FOREIGN:
            if start[: len(magic)].lower() == magic.lower():
                raise DataError(what, where=self.path, hint=hint)

    @property
    def suffix(self) -> str:
        """The name's ending, lower case, with its dot."""
        return os.path.splitext(self.path)[1].lower()

    @property
    def name(self) -> str:
        """The file's name without its directory."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.open() as file:
            return file.read(HEAD)

    @cached_property
    def head_text(self) -> str:
        """The first 64 KiB as text, without byte order mark; a cut character is left out."""
        return self.head.removeprefix(BOM).decode("utf-8", "ignore")

    @cached_property
    def start(self) -> Start:
        """How the file's JSON begins."""
        text = self.head_text.lstrip()
        if text[:1] not in ("[", "{"):
            return Start("", None, frozenset())
        at = 0 if text[0] == "{" else len(text) - len(text[1:].lstrip())
        wrapper = _WRAPPED.match(text)
        if wrapper is not None:
            at = wrapper.end()
        rows, end = _rows(text, at)
        first = rows[0] if rows else None
        if wrapper is not None:
            keys = first if isinstance(first, dict) else _KEY.findall(text[at:])
            return Start("object", first, frozenset(keys), True, rows, wrapper["name"])
        keys = first if isinstance(first, dict) else _KEY.findall(text)
        spans = "\n" in text[at:end]
        if text[0] == "[":
            return Start("array", first, frozenset(keys), spans, rows)
        line = text.split("\n", 1)[0].rstrip()
        lines = self.suffix == ".jsonl" or line.endswith("}") or len(line) > 10_000
        return Start("lines" if lines else "object", first, frozenset(keys), spans, rows)

    @cached_property
    def packed(self) -> str:
        """What the content is packed in: `gzip`, `a zip archive`, …; "" for plain content."""
        if self.head[257:262] == b"ustar":
            return "a tar archive"
        return next((what for magic, what in _PACKED if self.head.startswith(magic)), "")

    def open(self) -> IO[bytes]:
        """The file as a binary stream."""
        return store.open_binary(self._local)

    def content(self) -> bytes:
        """The whole file. Raises `DataError` where it changed meanwhile."""
        with self.open() as file:
            raw = file.read()
        self.refuse_changed(len(raw))
        return raw

    def text(self, reading: Reading, encoding: str = "utf-8") -> str:
        """The whole file as text; a byte order mark is skipped and told."""
        self.refuse_binary()
        raw = self.content()
        if raw.startswith(BOM):
            raw = raw[len(BOM) :]
            reading.findings.append(bom(self.path))
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.wrong_encoding(raw, error.start, encoding, line) from error
        if not text.strip():
            raise self.no_rows(raw.rstrip(b"\n").count(b"\n") + 1)
        return text

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """`(number, line)` without its line end; an overlong line comes cut at `MAX_LINE + 1`.

        One line at a time is in memory. Raises `DataError` where the file changed meanwhile.
        """
        self.refuse_binary()
        if b"\r" in self.head and b"\n" not in self.head:
            raise DataError(
                "E-EOL file uses CR only line ends",
                where=self.path,
                hint="Save it with LF or CRLF line ends",
            )
        number = read = crlf = 0
        line = b""
        with self.open() as file:
            while True:
                line = file.readline(MAX_LINE + 2)
                if not line:
                    break
                number += 1
                read += len(line)
                self.ends_in_newline = line.endswith(b"\n")
                while not self.ends_in_newline and len(line) > MAX_LINE:
                    rest = file.readline(MAX_LINE)
                    read += len(rest)
                    if not rest or rest.endswith(b"\n"):
                        break
                if number == 1:
                    line = line.removeprefix(BOM)
                if line.endswith(b"\r\n"):
                    crlf += 1
                yield number, line.rstrip(b"\r\n")
        self.crlf_lines = crlf
        self.refuse_changed(read)

    def tell_line_ends(self, reading: Reading) -> None:
        """Tells, after `lines`, of a byte order mark and of CRLF line ends."""
        if self.head.startswith(BOM):
            reading.findings.append(bom(self.path))
        if self.crlf_lines:
            what = f"{self.crlf_lines:,} lines end in CRLF: read as line ends"
            reading.tell("info", "I-CRLF", what, self.path)

    def refuse_binary(self) -> None:
        """Raises `DataError` for UTF-16 and UTF-32, and for packed content."""
        head = self.head[:64]
        if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
            kind = "UTF-32" if b"\x00\x00" in head[:4] else "UTF-16"
            order = "LE" if head[0] == 0xFF else "BE"
            raise DataError(
                f"E-ENCODING file is {kind}{order} (byte order mark)",
                where=self.path,
                hint="Save it as UTF-8",
            )
        if self.packed:
            self.refuse_packed()
        if b"\x00" in head:
            raise DataError(
                "E-ENCODING looks like UTF-16 without a byte order mark, or no text at all",
                where=self.path,
                hint="Save it as UTF-8",
            )

    def refuse_packed(self) -> None:
        """Raises `DataError` for packed content: `E-ARCHIVE`, or `E-FORMAT` where the name lies."""
        if self.suffix not in _PACKED_NAMES:
            raise DataError(
                f"E-FORMAT content is {self.packed}, name says {self.suffix[1:]}",
                where=self.path,
                hint="Unpack or rename it first",
            )
        raise DataError(
            f"E-ARCHIVE content is {self.packed}: nothing was extracted",
            where=self.path,
            hint="Unpack it where you trust it, and give the data file",
        )

    def refuse_changed(self, read: int) -> None:
        """Raises `DataError` where the file is not what it was when it was opened."""
        if read != self.size or os.stat(self._local).st_mtime_ns != self._changed:
            raise DataError(
                "E-CHANGED the file changed while it was read", where=self.path, hint="Try again"
            )

    def wrong_encoding(
        self, raw: bytes, at: int, encoding: str, line: int, begin: int = 0
    ) -> DataError:
        """The error for a file in another encoding: `raw` begins at byte `begin` of it."""
        advice = self.encoding_advice(encoding)
        return DataError(
            f"E-ENCODING byte 0x{raw[at]:02X} at offset {begin + at} is not {encoding.upper()}"
            f"{advice.said}",
            where=f"{self.path}:{line}",
            hint=advice.fix[:1].upper() + advice.fix[1:],
        )

    def encoding_advice(self, used: str) -> Advice:
        """Which encoding the file seems to have, after it was found not to be in the `used` one."""
        if used not in self._advice:
            with self.open() as file:
                self._advice[used] = advise(file, used)
        return self._advice[used]

    def no_rows(self, lines: int = 0) -> DataError:
        """The error for a file without data rows."""
        where = f" in {lines:,} lines" if lines else ""
        return DataError(
            f"E-NOROWS no data rows found{where}", where=self.path, hint="Export it again"
        )


def bom(path: str) -> Finding:
    """The finding about a byte order mark."""
    return Finding("info", "I-BOM", "UTF-8 byte order mark skipped", path)


def _rows(text: str, at: int) -> tuple[tuple[Any, ...], int]:
    """The first values that stand from an index on, with or without a comma between them, and
    where the first of them ends."""
    decoder = json.JSONDecoder()
    rows: list[Any] = []
    ends = [at]
    while len(rows) < _LOOKED_AT:
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        rows.append(value)
        ends.append(at)
        at = len(text) - len(text[at:].lstrip().removeprefix(",").lstrip())
    return tuple(rows), ends[1] if rows else ends[0]
