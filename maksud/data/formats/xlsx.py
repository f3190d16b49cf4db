"""XLSX: the first sheet of a workbook that is not hidden, or the one that is named.

A workbook is a zip archive from somebody: its sizes and its XML are looked at before openpyxl opens
it. Values are read as they are stored, formulas by their cached value, and each such reading is
told. Cells are written as text, which no spreadsheet runs.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import IO, Any
from xml.parsers import expat

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import MAX_LINE, Source
from maksud.data.formats.parts.table import MAX_COLUMNS, Table, table_rows
from maksud.errors import DataError, MaksudError, SettingsError, SystemFault, nearest

MAX_UNPACKED = 512 << 20
"""Largest workbook that is opened, in bytes of its unpacked parts."""
MAX_STRINGS = 128 << 20
"""Largest table of shared texts: it is held in memory."""
MAX_ROWS = 1_048_576
"""Rows of a sheet, by the format's own limit."""
MAX_CELL = 32_767
"""Characters of a cell, by the format's own limit."""
MAX_ELEMENT = 16 * MAX_CELL
"""Bytes between two marks of an XML part: a cell's text takes fewer, however it is escaped."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MUST_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_AGAIN = "Open it in a spreadsheet program and save it again, or export CSV"


def read_xlsx(file: Source, options: Options) -> Reading:
    """Rows of a sheet. Raises `DataError` (`E-XLSX`, `E-ARCHIVE`) for a workbook that can't be
    read as it is, `SystemFault` without openpyxl."""
    reading = Reading()
    load_workbook = _openpyxl().load_workbook
    with file.open() as binary:
        _refuse_hostile(binary, file)
        try:
            book = load_workbook(binary, read_only=True, data_only=True)
            sheet = _sheet(book, options, reading, file)
            formulas = _look_at(binary, sheet, file)
            _read_rows(sheet, options, reading, file)
            if formulas:
                written = load_workbook(binary, read_only=True, data_only=False)[sheet.title]
                _tell_formulas(written, sheet, reading, file)
        except MaksudError:
            raise
        except Exception as error:  # openpyxl raises whatever its XML makes it raise
            raise DataError(
                f"E-XLSX is not a workbook that can be read ({error})",
                where=file.path,
                hint=_AGAIN,
            ) from error
    return reading


def write_xlsx(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """One sheet, all cells text. An utterance beyond `MAX_CELL` characters is rejected."""
    openpyxl = _openpyxl()
    fitting: list[Example] = []
    for e in examples:
        if max(len(_escaped(e.instruction)), len(_escaped(e.output))) > MAX_CELL:
            writing.reject(e, "E-LONG", f"a cell holds {MAX_CELL:,} characters", "shorten it")
        elif len(fitting) == MAX_ROWS - 1:
            writing.reject(e, "E-LONG", f"a sheet holds {MAX_ROWS:,} rows", "write Parquet or CSV")
        else:
            fitting.append(e)
    header, rows = table_rows(fitting, writing)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("examples")
    cell_of = openpyxl.cell.WriteOnlyCell
    lines: list[list[str | None]] = [[*header], *rows]
    for row in lines:
        cells = []
        for text in row:
            cell = cell_of(sheet, _escaped(text or "")[:MAX_CELL])
            cell.data_type = "s"  # else a text that begins with "=" would become a formula
            cells.append(cell)
        sheet.append(cells)
    book.save(file)


def _rows(sheet: Any, file: Source) -> Iterator[tuple[int, dict[int, Any]]]:
    """Rows of a sheet by their own numbers, with the cells that they have, by column from 0.

    openpyxl's own iteration makes every row and cell up to a number that the file says, so that
    one small row of number 100,000,000,000 keeps it busy for hours.
    """
    from openpyxl.worksheet._reader import WorkSheetParser  # type: ignore[import-untyped]

    book = sheet.parent
    with sheet._get_source() as part:
        parser = WorkSheetParser(
            part,
            sheet._shared_strings,
            data_only=book.data_only,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        last = 0
        for line, cells in parser.parse():
            if not last < line <= MAX_ROWS:
                what = f"row {line:,} is beyond {MAX_ROWS:,}" if line > last else "rows go back"
                raise DataError(
                    f"E-XLSX {what}: no spreadsheet has such rows", where=file.path, hint=_AGAIN
                )
            last = line
            row = {cell["column"] - 1: cell for cell in cells}
            if max(row, default=0) >= MAX_COLUMNS:
                raise DataError(
                    f"E-XLSX a cell is beyond column {MAX_COLUMNS:,}",
                    where=f"{file.path}:{line}",
                    hint=_AGAIN,
                )
            yield line, row


def _read_rows(sheet: Any, options: Options, reading: Reading, file: Source) -> None:
    table: Table | None = None
    width = dates = numbers = line = 0
    for line, row in _rows(sheet, file):
        values = {k: cell["value"] for k, cell in row.items() if cell["value"] is not None}
        dates += sum(isinstance(v, (date, datetime, time, timedelta)) for v in values.values())
        numbers += sum(type(v) in (int, float, bool) for v in values.values())
        long = next((k for k, v in values.items() if len(str(v)) > MAX_CELL), None)
        place = f"{file.path}:{line}"
        if long is not None:
            what = f"cell {long + 1} has more than {MAX_CELL:,} characters"
            if table is None:
                raise DataError(f"E-LONG {what}", where=place, hint=_AGAIN)
            reading.reject(place, "E-LONG", what, "shorten it", _original(values.values()))
            continue
        texts = {k: text for k, v in values.items() if (text := _text(v))}
        if not texts:
            continue
        if table is None:
            header = [texts.get(k, "") for k in range(max(texts) + 1)]
            table = Table(header, options, reading, file.path, "E-XLSX", line)
            width = len(header)
            continue
        beyond = [k for k in texts if k >= width]
        if beyond:
            what = f"row has {max(beyond) + 1} cells, header has {width}"
            reading.reject(place, "E-XLSX", what, "name every column", _original(texts.values()))
            continue
        cells = [texts.get(k, "") for k in range(width)]
        table.add(line, cells, partial(_original, cells))
        if options.tick is not None and line % 1000 == 0 and sheet.max_row:
            options.tick(min(1.0, line / sheet.max_row))
    if table is None:
        raise file.no_rows(line)
    if dates:
        reading.tell("warning", "W-XLSX", f"{dates:,} date cells are read as ISO text", file.path)
    if numbers:
        reading.tell("info", "I-XLSX", f"{numbers:,} number cells are read as text", file.path)
    if line >= MAX_ROWS:
        what = f"the sheet has {MAX_ROWS:,} rows, the most there can be: it may have been cut"
        reading.tell("warning", "W-XLSX", what, file.path, "compare with where it came from")
    table.close()


def _sheet(book: Any, options: Options, reading: Reading, file: Source) -> Any:
    titles = [s.title for s in book.worksheets]
    if options.sheet:
        if options.sheet not in titles:
            raise SettingsError(
                f"there is no sheet {options.sheet!r}",
                where=file.path,
                hint=nearest(options.sheet, titles),
            )
        return book[options.sheet]
    shown = [s for s in book.worksheets if s.sheet_state == "visible"]
    if not shown:
        raise DataError("E-XLSX every sheet is hidden", where=file.path, hint="Pass --sheet NAME")
    for other in book.worksheets:
        if other is not shown[0]:
            hidden = "hidden sheet" if other.sheet_state != "visible" else "sheet"
            what = f"{hidden} {excerpt(other.title, 40)} is not read"
            reading.tell("warning", "W-XLSX", what, file.path, "pass --sheet NAME to read it")
    return shown[0]


def _look_at(binary: IO[bytes], sheet: Any, file: Source) -> bool:
    """Whether the sheet has formulas. Raises `DataError` for merged cells."""
    formulas = False
    with zipfile.ZipFile(binary) as archive, archive.open(sheet._worksheet_path) as part:
        for chunk in _overlapping(part):
            formulas = formulas or _FORMULA.search(chunk) is not None
            merged = _MERGED.search(chunk)
            if merged is not None:
                raise DataError(
                    f"E-XLSX merged cell {merged[1].decode()}",
                    where=file.path,
                    hint="Unmerge it: which row it belongs to can't be told",
                )
    return formulas


def _tell_formulas(written: Any, cached: Any, reading: Reading, file: Source) -> None:
    """Tells each formula, and whether it had a cached value: both views of the sheet have the same
    rows and cells."""
    for (line, row), (_, values) in zip(_rows(written, file), _rows(cached, file), strict=True):
        for k, cell in row.items():
            if cell["data_type"] == "f":
                empty = values[k]["value"] is None
                what = f"formula cell {_letters(k)}{line} " + (
                    "has no cached value: read as empty" if empty else "used its cached value"
                )
                place = f"{file.path}:{line}"
                reading.tell("warning", "W-XLSX", what, place, "paste it as a value")


def _letters(column: int) -> str:
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    return str(get_column_letter(column + 1))


def _refuse_hostile(binary: IO[bytes], file: Source) -> None:
    """Raises `DataError` for an archive that could harm whoever opens it."""

    def hostile(what: str) -> DataError:
        return DataError(f"E-ARCHIVE {what}: nothing was extracted", where=file.path)

    try:
        with zipfile.ZipFile(binary) as archive:
            parts = archive.infolist()
            names = [p.filename for p in parts]
            if len(set(names)) != len(names):
                raise hostile("the workbook holds a name twice")
            if sum(p.file_size for p in parts) > MAX_UNPACKED:
                raise hostile(f"the workbook unpacks to more than {MAX_UNPACKED >> 20} MiB")
            for part in parts:
                if part.filename.startswith("/") or ".." in re.split(r"[/\\]", part.filename):
                    raise hostile(f"entry {excerpt(part.filename, 40)} leaves the archive")
                if part.flag_bits & 1:
                    raise hostile("the workbook is encrypted")
                if part.filename.endswith("sharedStrings.xml") and part.file_size > MAX_STRINGS:
                    raise hostile(f"its texts take more than {MAX_STRINGS >> 20} MiB")
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        if _declares_entities(stream):
                            raise hostile(f"entry {excerpt(part.filename, 40)} declares a DTD")
                    with archive.open(part) as stream:
                        if _has_long_element(stream):
                            what = f"a text in {excerpt(part.filename, 40)} is longer than any cell"
                            raise hostile(f"{what} ({MAX_CELL:,} characters)")
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise DataError(f"E-XLSX the workbook is damaged ({error})", where=file.path) from error


def _declares_entities(stream: IO[bytes]) -> bool:
    """Whether an XML part has a document type, where entities that expand without end stand."""
    found: list[bool] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: found.append(True)
    parser.StartElementHandler = lambda *_: found.append(False)
    try:
        while not found and (chunk := stream.read(4096)):
            parser.Parse(chunk, False)
    except expat.ExpatError:
        return False  # openpyxl will tell what is wrong with it
    return bool(found and found[0])


def _has_long_element(stream: IO[bytes]) -> bool:
    """Whether more than `MAX_ELEMENT` bytes stand without a mark between them."""
    length = 0
    while chunk := stream.read(1 << 16):
        first = chunk.find(b"<")
        if first < 0:
            length += len(chunk)
        else:
            if length + first > MAX_ELEMENT:
                return True
            length = len(chunk) - chunk.rfind(b"<")
        if length > MAX_ELEMENT:
            return True
    return False


def _overlapping(part: IO[bytes]) -> Iterator[bytes]:
    last = b""
    while chunk := part.read(1 << 16):
        yield last + chunk
        last = chunk[-256:]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)


def _original(cells: Iterable[Any]) -> str:
    """A row as its reject keeps it: JSON, cut where its cells together are longer than a row is."""
    kept: list[str] = []
    room = MAX_LINE
    for cell in cells:
        text = str(cell)[: max(0, room)]
        kept.append(text)
        room -= len(text) + 4
        if room <= 0:
            break
    return json.dumps(kept, ensure_ascii=False)


def _escaped(text: str) -> str:
    return _MUST_ESCAPE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


def _openpyxl() -> Any:
    try:
        import openpyxl  # type: ignore[import-untyped]
        import openpyxl.cell  # type: ignore[import-untyped]
    except ImportError as error:
        raise SystemFault(
            f"XLSX needs openpyxl, which is not installed ({error})",
            hint="Install maksud[xlsx], or export CSV",
        ) from error
    return openpyxl


def _is_xlsx(file: Source) -> bool:
    return file.head.startswith(b"PK\x03\x04") and (file.suffix == ".xlsx" or b"xl/" in file.head)


FORMAT = Format(
    "xlsx",
    "workbook",
    (".xlsx",),
    _is_xlsx,
    read_xlsx,
    write_xlsx,
    packed=True,
    has_sheets=True,
)
