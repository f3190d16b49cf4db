"""Tables: a header and rows of cells, whatever file they stand in (CSV, TSV, XLSX, Parquet).

Cells are text and stay text: `NA`, `007`, `1e5` and `true` are what they are. An empty answer means
not labelled yet. A label without parentheses is an intent's name. Unknown columns are metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import Columns, usual_columns
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.rows import add_row, to_row
from maksud.errors import DataError, nearest

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_LISTS = ("turns", "replies")


class Table:
    """Turns the rows of one table into examples. `code` is the code of what is wrong with it."""

    def __init__(
        self, header: Sequence[str], options: Options, reading: Reading, source: str, code: str
    ) -> None:
        self._reading = reading
        self._source = source
        self._split = options.split
        self._labels = Labels(reading, source)
        self._header = [name.strip() for name in header]
        where = f"{source}:1"
        for k, name in enumerate(self._header, 1):
            if not name:
                raise DataError(f"{code} column {k} has no name", where=where, hint=_HEADER)
            if name in self._header[: k - 1]:
                raise DataError(
                    f"{code} column {excerpt(name, 40)} appears twice",
                    where=where,
                    hint="Rename one",
                )
        for ours, theirs in options.columns.items():
            if theirs not in self._header:
                raise DataError(
                    f"{code} there is no column {excerpt(theirs, 40)} for {ours}",
                    where=where,
                    hint=nearest(theirs, self._header),
                )
        columns = usual_columns(self._header, options.columns)
        if "instruction" not in columns:
            has = ", ".join(excerpt(name, 30) for name in self._header[:6])
            raise DataError(
                f"{code} no column is the utterance (has: {has})", where=where, hint=_HEADER
            )
        self._columns = Columns(columns, self._labels, label_names=True)
        self._plain = _plain_places(self._header, columns)
        guessed = {k: v for k, v in columns.items() if k not in options.columns and k != v}
        if guessed:
            said = ", ".join(f"{excerpt(v, 30)} is read as {k}" for k, v in guessed.items())
            reading.tell("info", "I-COLUMNS", f"column {said}", where)

    def add(self, line: int, cells: Sequence[Any], original: Original) -> None:
        """Adds a row, or rejects it. Cells beside text are taken as the file types them."""
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
        try:
            native = self._columns.native(row)
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

    def close(self) -> None:
        """Tells at the end what could only be counted."""
        self._labels.close()


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


def neutralised(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: a quote stands before `= + - @` and tabs."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The inverse of `neutralised`."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula."""
    return cell[:1] in ("=", "+", "-", "@")


def _plain_places(header: Sequence[str], columns: Mapping[str, str]) -> tuple[int, int] | None:
    """Where utterance and answer stand, in a table that has nothing else."""
    if len(header) != 2 or set(columns) != {"instruction", "output"}:
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
