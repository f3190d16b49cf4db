"""CSV and TSV: a header, then one row a line, quoted where a cell holds the delimiter (RFC 4180).

On export a cell that a spreadsheet would take for a formula gets a quote before it; reading takes
that quote off again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.columns import ANSWERS, UTTERANCES
from maksud.data.formats.rows import Reading
from maksud.data.formats.source import BOM, Format, Options, Source, Writing, bom
from maksud.data.formats.table import Table, is_formula, neutralised, restored, table_rows
from maksud.errors import DataError

_EVERY = 4096


def read_csv(file: Source, options: Options) -> Reading:
    """Rows of a table with commas, or with the delimiter of the options."""
    return _read(file, options, options.delimiter or ",")


def read_tsv(file: Source, options: Options) -> Reading:
    """Rows of a table with tabs."""
    return _read(file, options, options.delimiter or "\t")


def write_csv(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A table with commas."""
    _write(examples, file, writing, ",")


def write_tsv(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A table with tabs."""
    _write(examples, file, writing, "\t")


class _Lines:
    """The lines of a file, as the csv module wants them; `taken` are those of the row so far."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.taken.append(line)
            yield line


def _read(file: Source, options: Options, delimiter: str) -> Reading:
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
        lines = _Lines(stream)
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
                original = _bytes(lines.taken, options.encoding)
                reading.reject(f"{file.path}:{start}", "E-CSV", *_broken(error, start), original)
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
            original = _bytes(lines.taken, options.encoding)
            place = f"{file.path}:{start}"
            if any("\udc80" <= c <= "\udcff" for cell in cells if not cell.isascii() for c in cell):
                bad += 1
                at = next(k for k, b in enumerate(original) if b >= 0x80)
                first_bad = first_bad or file.wrong_encoding(original, at, options.encoding, start)
                what = f"bytes that are not {options.encoding.upper()}"
                fix = "save the file as UTF-8, or pass --encoding NAME"
                reading.reject(place, "E-UTF8", what, fix, original)
            elif len(cells) != width:
                what = f"row has {len(cells)} fields, header has {width}"
                fix = "quote cells that hold the delimiter"
                reading.reject(place, "E-CSV", what, fix, original)
            else:
                cells = [restored(cell) for cell in cells]
                formulas += sum(map(is_formula, cells))
                table.add(start, cells, original)
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


def _write(examples: Sequence[Example], file: IO[bytes], writing: Writing, delimiter: str) -> None:
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


def _bytes(lines: Sequence[str], encoding: str) -> bytes:
    return "".join(lines).rstrip("\r\n").encode(encoding, "surrogateescape")


def _names(file: Source, delimiter: str) -> set[str]:
    header = file.head_text.lstrip().split("\n", 1)[0]
    return {cell.strip('" \t\r').casefold() for cell in header.split(delimiter)}


def _is_table(file: Source, delimiter: str, suffix: str) -> bool:
    if file.start.kind or file.packed or b"\x00" in file.head[:64]:
        return False
    names = _names(file, delimiter)
    if file.suffix == suffix:
        return True
    return not names.isdisjoint(UTTERANCES) and not names.isdisjoint(ANSWERS)


def _is_csv(file: Source) -> bool:
    return _is_table(file, ",", ".csv")


def _is_tsv(file: Source) -> bool:
    return _is_table(file, "\t", ".tsv")


CSV = Format("csv", "table with commas", (".csv",), _is_csv, read_csv, write_csv)
TSV = Format("tsv", "table with tabs", (".tsv",), _is_tsv, read_tsv, write_tsv)
