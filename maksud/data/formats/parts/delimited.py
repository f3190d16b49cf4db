"""Tables as text: a header, then one row a line, with quotes where they are needed (RFC 4180).

What stands between the cells is told from the header, or by Excel's own first line `sep=;`. On
export a cell that a spreadsheet would take for a formula gets a quote before it; reading takes
that quote off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.findings import excerpt, format_count
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import ANSWERS, UTTERANCES, folded_header
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import BOM, MAX_LINE, Source, bom
from maksud.data.formats.parts.table import Table, is_formula, neutralise, restore, table_rows
from maksud.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
"""What may stand between the cells without being named by the user."""
_EVERY = 4096
_KEPT = 1 << 16
"""Characters of an overlong row that its reject keeps."""
_UNDECODED = re.compile("[\udc80-\udcff]")
"""Bytes that are not in the file's encoding, as `surrogateescape` leaves them."""
_SPECIAL = frozenset("'=+-@")
"""What a cell begins with that is a formula, or may be a neutralised one."""
_SEP = re.compile(r'"?sep=(?P<delimiter>[^\r\n"])"?[,;\t|]*(?:[\r\n]+|\Z)', re.IGNORECASE)
"""Excel's first line: what stands between the cells of the rest."""


class _TooLong(Exception):
    """A row that is longer than any row is."""


class _Lines:
    """The lines of a file, as the csv module wants them; `taken` are those of the row so far.

    A line is never longer than `MAX_LINE` in memory, nor are the lines of a row together:
    `_TooLong` is raised, and the rest of that line skipped.
    """

    def __init__(self, stream: io.TextIOWrapper, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._length = 0
        self.taken: list[str] = []
        self.number = 0
        """Lines so far."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line[:_KEPT])
        self._length += len(line)
        if self._length > MAX_LINE:
            while not line.endswith(("\n", "\r")) and (line := self._stream.readline(MAX_LINE)):
                pass
            raise _TooLong
        self.taken[-1] = line
        return line

    def begin(self) -> None:
        """A row begins."""
        self.taken.clear()
        self._length = 0

    def original(self) -> bytes:
        """The row so far as it stood in the file: made only for a row that is rejected."""
        return "".join(self.taken).rstrip("\r\n").encode(self._encoding, "surrogateescape")

    def first_undecoded(self) -> int:
        """Which byte of the row so far is not in the encoding."""
        text = "".join(self.taken)
        found = _UNDECODED.search(text)
        return len(text[: found.start() if found else 0].encode(self._encoding, "surrogateescape"))


def read_delimited(file: Source, options: Options, usual: str) -> Reading:
    """Rows of a table, with the delimiter of the options, else that of its header, else the
    `usual` one. Raises `DataError` for one whose header can't be read."""
    file.refuse_binary()
    reading = Reading()
    if file.head.startswith(BOM):
        reading.findings.append(bom(file.path))
    said, header = _start(_text_of(file, options.encoding))
    seen = delimiter_of(header, usual, options.columns.values())
    delimiter = options.delimiter or said or seen
    if delimiter != usual and not options.delimiter:
        by = "its first line says so" if said else "the header has it"
        what = f"cells are separated by {_shown(delimiter)}: {by}"
        reading.tell("info", "I-DELIMITER", what, f"{file.path}:1")
    formulas = full = bad = 0
    extra = 0
    first_bad: DataError | None = None
    table: Table | None = None
    width = named = 0
    with file.open() as binary:
        if file.head.startswith(BOM):
            binary.read(len(BOM))
        stream = io.TextIOWrapper(
            binary, options.encoding, errors="surrogateescape", newline="", write_through=True
        )
        lines = _Lines(stream, options.encoding)
        if said is not None:
            next(lines)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            lines.begin()
            start = lines.number + 1
            place = f"{file.path}:{start}"
            try:
                cells = next(rows)
            except StopIteration:
                break
            except _TooLong:
                if table is None:
                    raise _too_long_a_header(place) from None
                full += 1
                what = f"row is longer than {MAX_LINE >> 20} MiB"
                fix = f"split or shorten it; is a quote opened at line {start} never closed?"
                reading.reject(place, "E-LINE", what, fix, lines.original()[:_KEPT])
                continue
            except csv.Error as error:
                full += 1
                reading.reject(place, "E-CSV", *_broken(error, start), lines.original)
                continue
            if not cells:
                continue
            if table is None:
                if not any(cell.strip() for cell in cells):
                    continue  # rows of delimiters before the header
                if len(cells) == 1:
                    _refuse_one_column(cells[0], header, seen, place)
                table = Table(cells, options, reading, file.path, "E-CSV", start)
                width = len(cells)
                while cells and not cells[-1].strip():
                    cells.pop()
                named = len(cells)
                continue
            full += 1
            if options.tick is not None and full % _EVERY == 0:
                options.tick(min(1.0, binary.tell() / file.size))
            if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                extra += 1
                del cells[width:]
            elif named <= len(cells) < width:
                cells += [""] * (width - len(cells))
            if not all(map(str.isascii, cells)) and any(map(_UNDECODED.search, cells)):
                bad += 1
                original = lines.original()
                if first_bad is None:
                    at = lines.first_undecoded()
                    first_bad = file.wrong_encoding(original, at, options.encoding, start)
                what = f"bytes that are not {options.encoding.upper()}"
                fix = file.encoding_advice(options.encoding).fix
                reading.reject(place, "E-UTF8", what, fix, original)
            elif len(cells) != width:
                what = f"row has {len(cells)} fields, header has {width}"
                fix = "quote cells that hold the delimiter"
                reading.reject(place, "E-CSV", what, fix, lines.original)
            else:
                for k, cell in enumerate(cells):
                    if cell[:1] in _SPECIAL:
                        cells[k] = cell = restore(cell)
                        formulas += is_formula(cell)
                table.add(start, cells, lines.original)
        file.refuse_changed(binary.tell())
        stream.detach()
    if table is None:
        raise file.no_rows(lines.number)
    if first_bad is not None and 2 * bad > full:
        raise first_bad
    if formulas:
        what = f"{formulas:,} cells start with = + - @: kept; neutralised on export"
        reading.tell("info", "I-FORMULA", what, file.path)
    if extra:
        what = f"{format_count(extra, 'row')} with empty cells beyond the header's: left out"
        reading.tell("info", "I-NONAME", what, file.path)
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
        out.writerow([neutralise(cell or "") for cell in row])
    stream.detach()


def _broken(error: csv.Error, line: int) -> tuple[str, str]:
    said = str(error)
    if "unexpected end" in said:
        return f"quote opened at line {line} never closed", "close it, or double it inside a cell"
    if "field limit" in said:
        what = f"a cell is longer than {csv.field_size_limit():,} characters"
        return what, f"is a quote opened at line {line} never closed?"
    return said, "double a quote inside a quoted cell"


def _refuse_one_column(name: str, header: str, seen: str, place: str) -> None:
    """Raises `DataError` for a header whose one cell holds several names: because another
    delimiter was named, or because the line stands in quotes as a whole."""
    several = len(_header_cells(header, seen)) > 1
    if not several and not any(d in name for d in DELIMITERS):
        return
    raise DataError(
        f"E-CSV only one column {excerpt(name, 40)} found"
        + (f": the delimiter seems to be {_shown(seen)}" if several else ""),
        where=place,
        hint=f"Pass --delimiter {_option(seen)}, or none"
        if several
        else "Each line stands in quotes as a whole: export it again without",
    )


def _too_long_a_header(place: str) -> DataError:
    return DataError(
        f"E-CSV the header is longer than {MAX_LINE >> 20} MiB",
        where=place,
        hint="Is it a table, and does every row end its line?",
    )


def _shown(delimiter: str) -> str:
    return "TAB" if delimiter == "\t" else f'"{delimiter}"'


def _option(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f"'{delimiter}'"


def _text_of(file: Source, encoding: str) -> str:
    return file.head.removeprefix(BOM).decode(encoding, "ignore")


def _start(text: str) -> tuple[str | None, str]:
    """The delimiter that Excel's first line names (None: there is no such line), and the text from
    the header on."""
    first = _SEP.match(text)
    if first is None:
        return None, text
    return first["delimiter"], text[first.end() :]


def delimiter_of(text: str, usual: str = ",", named: Iterable[str] = ()) -> str:
    """What stands between the cells of the table that a text begins with, by its header: what
    gives the most names that are known (or `named`), then the most cells; else the `usual` one."""
    wanted = set(named)

    def rank(delimiter: str) -> tuple[int, int, bool]:
        cells = _header_cells(text, delimiter)
        names = {folded_header(cell) for cell in cells}
        known = (not names.isdisjoint(UTTERANCES)) + (not names.isdisjoint(ANSWERS))
        known += len(wanted.intersection(cell.strip() for cell in cells))
        return known if len(cells) > 1 else 0, len(cells), delimiter == usual

    return max(DELIMITERS, key=rank)


def _header_cells(text: str, delimiter: str) -> list[str]:
    """The cells of a text's first row that has any; none where it can't be read so."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return next((cells for cells in rows if any(cell.strip() for cell in cells)), [])
    except csv.Error:
        return []


def is_table(file: Source, tabs: bool, suffix: str) -> bool:
    """Whether a file is a table, with `tabs` or with something else between its cells: by its
    ending, or by the names in its header."""
    if file.start.kind or file.packed or b"\x00" in file.head[:64]:
        return False
    said, header = _start(file.head_text)
    delimiter = said or delimiter_of(header, "\t" if suffix == ".tsv" else ",")
    if file.suffix == suffix:
        return True
    if (delimiter == "\t") is not tabs:
        return False
    names = {folded_header(cell) for cell in _header_cells(header, delimiter)}
    return not names.isdisjoint(UTTERANCES) and not names.isdisjoint(ANSWERS)
