"""Tables as text: a header, then one row a line, with quotes where they are needed (RFC 4180).

On export a cell that a spreadsheet would take for a formula gets a quote before it; reading takes
that quote off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import ANSWERS, UTTERANCES
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import BOM, Source, bom
from maksud.data.formats.parts.table import Table, is_formula, neutralised, restored, table_rows
from maksud.errors import DataError

_EVERY = 4096
_UNDECODED = re.compile("[\udc80-\udcff]")
"""Bytes that are not in the file's encoding, as `surrogateescape` leaves them."""
_SPECIAL = frozenset("'=+-@")
"""What a cell begins with that is a formula, or may be a neutralised one."""


class _Lines:
    """The lines of a file, as the csv module wants them; `taken` are those of the row so far."""

    def __init__(self, stream: io.TextIOWrapper, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.taken.append(line)
            yield line

    def original(self) -> bytes:
        """The row so far as it stood in the file: made only for a row that is rejected."""
        return "".join(self.taken).rstrip("\r\n").encode(self._encoding, "surrogateescape")


def read_delimited(file: Source, options: Options, delimiter: str) -> Reading:
    """Rows of a table. Raises `DataError` for one whose header can't be read."""
    file.refuse_binary()
    reading = Reading()
    if file.head.startswith(BOM):
        reading.findings.append(bom(file.path))
    formulas = full = bad = 0
    first_bad: DataError | None = None
    table: Table | None = None
    width = line = 0
    with file.open() as binary:
        if file.head.startswith(BOM):
            binary.read(len(BOM))
        stream = io.TextIOWrapper(
            binary, options.encoding, errors="surrogateescape", newline="", write_through=True
        )
        lines = _Lines(stream, options.encoding)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            lines.taken.clear()
            start = line + 1
            try:
                cells = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                line = rows.line_num
                place = f"{file.path}:{start}"
                reading.reject(place, "E-CSV", *_broken(error, start), lines.original)
                continue
            line = rows.line_num
            if not cells:
                continue
            if table is None:
                _refuse_other_delimiter(cells, delimiter, file)
                table = Table(cells, options, reading, file.path, "E-CSV")
                width = len(cells)
                continue
            full += 1
            if options.tick is not None and full % _EVERY == 0:
                options.tick(min(1.0, binary.tell() / file.size))
            if not all(map(str.isascii, cells)) and any(map(_UNDECODED.search, cells)):
                bad += 1
                original = lines.original()
                at = next(k for k, b in enumerate(original) if b >= 0x80)
                first_bad = first_bad or file.wrong_encoding(original, at, options.encoding, start)
                what = f"bytes that are not {options.encoding.upper()}"
                fix = "save the file as UTF-8, or pass --encoding NAME"
                reading.reject(f"{file.path}:{start}", "E-UTF8", what, fix, original)
            elif len(cells) != width:
                what = f"row has {len(cells)} fields, header has {width}"
                fix = "quote cells that hold the delimiter"
                place = f"{file.path}:{start}"
                reading.reject(place, "E-CSV", what, fix, lines.original)
            else:
                for k, cell in enumerate(cells):
                    if cell[:1] in _SPECIAL:
                        cells[k] = cell = restored(cell)
                        formulas += is_formula(cell)
                table.add(start, cells, lines.original)
        file.refuse_changed(binary.tell())
        stream.detach()
    if table is None:
        raise file.no_rows(line)
    if first_bad is not None and 2 * bad > full:
        raise first_bad
    if formulas:
        what = f"{formulas:,} cells start with = + - @: kept; neutralised on export"
        reading.tell("info", "I-FORMULA", what, file.path)
    table.close()
    return reading


def write_delimited(
    examples: Sequence[Example], file: IO[bytes], writing: Writing, delimiter: str
) -> None:
    """A table with a header; cells that a spreadsheet would run are neutralised."""
    header, rows = table_rows(examples, writing)
    stream = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    out = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    out.writerow(header)
    for row in rows:
        out.writerow([neutralised(cell or "") for cell in row])
    stream.detach()


def _broken(error: csv.Error, line: int) -> tuple[str, str]:
    said = str(error)
    if "unexpected end" in said:
        return f"quote opened at line {line} never closed", "close it, or double it inside a cell"
    if "field limit" in said:
        what = f"a cell is longer than {csv.field_size_limit():,} characters"
        return what, f"is a quote opened at line {line} never closed?"
    return said, "double a quote inside a quoted cell"


def _refuse_other_delimiter(header: Sequence[str], delimiter: str, file: Source) -> None:
    if len(header) != 1:
        return
    name = header[0]
    other = next((d for d in (";", "\t", "|", ",") if d in name and d != delimiter), None)
    if other is not None:
        said = "TAB" if other == "\t" else f'"{other}"'
        raise DataError(
            f"E-CSV only one column {excerpt(name, 40)} found: the delimiter seems to be {said}",
            where=f"{file.path}:1",
            hint=f"Pass --delimiter {'tab' if other == chr(9) else repr(other)}",
        )


def _names(file: Source, delimiter: str) -> set[str]:
    header = file.head_text.lstrip().split("\n", 1)[0]
    return {cell.strip('" \t\r').casefold() for cell in header.split(delimiter)}


def is_table(file: Source, delimiter: str, suffix: str) -> bool:
    """Whether a file is such a table: by its ending, or by the names in its header."""
    if file.start.kind or file.packed or b"\x00" in file.head[:64]:
        return False
    names = _names(file, delimiter)
    if file.suffix == suffix:
        return True
    return not names.isdisjoint(UTTERANCES) and not names.isdisjoint(ANSWERS)
