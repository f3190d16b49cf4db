"""Tables: a header and rows of cells, whatever file they stand in (CSV, TSV, XLSX, Parquet).

Cells are text and stay text: `NA`, `007`, `1e5` and `true` are what they are. An empty answer means
not labelled yet. A label without parentheses is an intent's name. Unknown columns are metadata.
What has no name is left out, and told, where nothing is lost by it: empty columns, and the numbers
of the rows that pandas writes before the first one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import Any

from maksud.data.dataset import Example
from maksud.data.findings import escape_unprintable, excerpt, format_count
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import Choice, Columns, choose_columns
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.rows import add_row, to_row
from maksud.errors import DataError, nearest

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_LISTS = ("turns", "replies")
_INDEX = re.compile(r"[0-9]{1,12}")

MAX_COLUMNS = 16_384
"""Columns of a table, by the limit of spreadsheets."""


class Table:
    """Turns the rows of one table into examples. `code` is the code of what is wrong with it."""

    def __init__(
        self, header: Sequence[str], options: Options, reading: Reading, source: str, code: str,
        line: int = 1,
    ) -> None:  # fmt: skip
        self._reading = reading
        self._source = source
        self._split = options.split
        self._code = code
        self._labels = Labels(reading, source)
        self._header = [name.strip() for name in header]
        self._nameless = [k for k, name in enumerate(self._header) if not name]
        self._numbers = 0
        self._empty = 0
        where = self._where = f"{source}:{line}"
        _refuse_header(self._header, options, where, code)
        choice = choose_columns(self._header, options.columns)
        _refuse_choice(choice, self._header, where, code)
        self._alpaca = _is_alpaca(self._header) and not options.columns
        self._columns = Columns(choice.columns, self._labels, label_names=True)
        self._plain = _plain_places(self._header, choice.columns)
        if not self._alpaca:
            choice.tell(reading, options.columns, where)
        else:
            what = "columns instruction, input, output are read as Alpaca's: input is the utterance"
            reading.tell("info", "I-COLUMNS", what, where)

    def add(self, line: int, cells: Sequence[Any], original: Original) -> None:
        """Adds a row, or rejects it. Cells beside text are taken as the file types them.

        A row without anything in its cells is left out and counted.
        """
        if self._plain is not None:
            instruction, output = cells[self._plain[0]], cells[self._plain[1]]
            # Nearly every row: nothing to map, and the label is an answer as it stands.
            if type(instruction) is str and type(output) is str and instruction and "(" in output:
                self._reading.add(
                    instruction,
                    output,
                    source=self._source,
                    line=line,
                    original=original,
                    split=self._split,
                )
                return
        row = {k: v for k, v in zip(self._header, cells, strict=True) if v not in (None, "")}
        if not any(not isinstance(v, str) or v.strip() for v in row.values()):
            self._empty += 1
            return
        try:
            if self._nameless:
                row.pop("", None)
                self._look_at_nameless(cells)
            native = self._columns.native(row)
            if self._alpaca and str(native.get("input", "")).strip():
                if "instruction" in native:
                    native["prompt"] = native["instruction"]
                native["instruction"] = native.pop("input")
            native.setdefault("output", None)
            native.setdefault("instruction", "")
            for name in _LISTS:
                if isinstance(native.get(name), str):
                    native[name] = _list(native[name])
            if isinstance(native.get("weight"), str):
                native["weight"] = _weight(native["weight"])
        except RowError as error:
            place = f"{self._source}:{line}"
            self._reading.refuse(place, error, original)
            return
        add_row(self._reading, native, self._source, line, self._split, original)

    def _look_at_nameless(self, cells: Sequence[Any]) -> None:
        """Raises `RowError` where a column without a name holds something that would be lost."""
        for k in self._nameless:
            cell = "" if cells[k] is None else str(cells[k]).strip()
            if not cell:
                continue
            if k or _INDEX.fullmatch(cell) is None:
                what = f"column {k + 1} has no name, but holds {excerpt(cell, 40)}"
                raise RowError(self._code, what, "name the column in the first row, or empty it")
            self._numbers += 1

    def close(self) -> None:
        """Tells at the end what could only be counted."""
        if self._nameless:
            first = self._numbers > 0
            empty = len(self._nameless) - first
            parts = ["column 1 has no name and holds numbers of rows"] if first else []
            parts += [f"{format_count(empty, 'column')} without a name and empty"] if empty else []
            what = f"{', '.join(parts)}: left out"
            self._reading.tell("info", "I-NONAME", what, self._where)
        if self._empty:
            what = f"{format_count(self._empty, 'row')} with nothing but empty cells: left out"
            self._reading.tell("info", "I-EMPTYROW", what, self._source)
        self._labels.close()


def _refuse_header(header: Sequence[str], options: Options, where: str, code: str) -> None:
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"{code} the header has {len(header):,} columns (max {MAX_COLUMNS:,})",
            where=where,
            hint="Is the delimiter right, and does every row end its line?",
        )
    seen: set[str] = set()
    for name in filter(None, header):
        if name in seen:
            raise DataError(
                f"{code} column {excerpt(name, 40)} appears twice", where=where, hint="Rename one"
            )
        seen.add(name)
    for ours, theirs in options.columns.items():
        if theirs and theirs not in seen:
            raise DataError(
                f"{code} there is no column {excerpt(theirs, 40)} for {ours}",
                where=where,
                hint=nearest(theirs, [name for name in header if name]),
            )


def _refuse_choice(choice: Choice, header: Sequence[str], where: str, code: str) -> None:
    names = [name for name in header if name]
    has = ", ".join(excerpt(name, 30) for name in names[:6])
    if "instruction" not in choice.columns:
        raise DataError(
            f"{code} no column is the utterance (has: {has})", where=where, hint=_HEADER
        )
    if choice.lacks_answer:
        perhaps = quote("output=" + escape_unprintable(choice.unknown[0][:60]))
        raise DataError(
            f"{code} no column is the answer (has: {has})",
            where=where,
            hint=f"Say --columns {perhaps} where that is the answer, or --columns output= where no "
            "row has one yet",
        )


def _is_alpaca(header: Sequence[str]) -> bool:
    """Whether it is a table of Alpaca: we write metadata called `input` after the output."""
    return list(header[:3]) == ["instruction", "input", "output"]


def table_rows(
    examples: Iterable[Example], writing: Writing
) -> tuple[list[str], list[list[str | None]]]:
    """Header and rows of text cells. An answer that would be read as another is rejected."""
    rows: list[Mapping[str, Any]] = []
    for e in examples:
        if e.is_labelled and "(" not in e.output:
            writing.reject(e, "E-CALL", "the output is no answer", "write intent()")
        else:
            rows.append(to_row(e, with_split=writing.split))
    header = list(dict.fromkeys(["instruction", "output", *(k for row in rows for k in row)]))
    return header, [[_cell(row.get(name)) for name in header] for row in rows]


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: a quote stands before `= + - @` and tabs."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """The inverse of `neutralise`."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula."""
    return cell[:1] in ("=", "+", "-", "@")


def _plain_places(header: Sequence[str], columns: Mapping[str, str]) -> tuple[int, int] | None:
    """Where utterance and answer stand, in a table that has nothing else."""
    if len(header) != 2 or set(columns) != {"instruction", "output"} or not columns["output"]:
        return None
    places = header.index(columns["instruction"]), header.index(columns["output"])
    return places if places[0] != places[1] else None


_HEADER = "The first row names the columns: instruction, output; or say --columns instruction=NAME"


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _list(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return [cell]


def _weight(cell: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise RowError("E-WEIGHT", f"{excerpt(cell, 20)} is no number") from error
