"""The guide's training format: `[{"instruction": …, "output": …}, …]`, and the same as JSONL.

`guide` is the shape that the guide's own conversion script writes, byte for byte: the two keys,
indented by four. What is converted from an iTAG manifest is written so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.columns import Columns
from maksud.data.formats.labels import Labels
from maksud.data.formats.records import records
from maksud.data.formats.rows import Reading, RowError, add_row, to_row
from maksud.data.formats.source import Format, Options, Source, Writing


def read_rows(file: Source, options: Options) -> Reading:
    """Native rows, of an array or one a line. `options.columns` renames their fields."""
    reading = Reading()
    source, split = file.path, options.split
    labels = Labels(reading, source)
    columns = Columns(options.columns, labels) if options.columns else None
    for line, row, original in records(file, options, reading):
        if columns is not None and isinstance(row, dict):
            try:
                row = columns.native(row)
            except RowError as error:
                place = f"{source}:{line}"
                reading.refuse(place, error, original)
                continue
        add_row(reading, row, source, line, split, original)
    labels.close()
    return reading


def write_array(
    examples: Iterable[Example], file: IO[bytes], writing: Writing | None = None
) -> None:
    """A JSON array, one row per line."""
    with_split = writing is not None and writing.split
    before = "[\n"
    for example in examples:
        row = json.dumps(to_row(example, with_split=with_split), ensure_ascii=False)
        file.write((before + row).encode())
        before = ",\n"
    file.write(b"\n]\n" if before != "[\n" else b"[]\n")


def write_lines(
    examples: Iterable[Example], file: IO[bytes], writing: Writing | None = None
) -> None:
    """JSON Lines: one object a line."""
    with_split = writing is not None and writing.split
    for example in examples:
        row = json.dumps(to_row(example, with_split=with_split), ensure_ascii=False)
        file.write((row + "\n").encode())


def write_guide(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """As the guide's `convert.py` writes: indented by four, no line end after the last bracket."""
    rows = []
    for e in examples:
        if e.is_labelled:
            rows.append({"instruction": e.instruction, "output": e.output})
        else:
            writing.reject(e, "E-UNLABELLED", "no answer yet", "label it first")
    file.write(json.dumps(rows, ensure_ascii=False, indent=4).encode())


def _is_lines(file: Source) -> bool:
    return file.start.kind == "lines" and not _is_said(file)


def _is_array(file: Source) -> bool:
    # A pretty-printed object is read as what it was meant to be, to be refused with a reason.
    return file.start.kind in ("array", "object") and not _is_said(file)


def _is_said(file: Source) -> bool:
    """Whether a text file only happens to begin with a bracket."""
    return file.suffix == ".txt" and not isinstance(file.start.first, dict)


def _never(file: Source) -> bool:
    return False


LINES = Format(
    "jsonl", "JSON Lines", (".jsonl",), _is_lines, read_rows, write_lines, holds_all=True
)
ARRAY = Format(
    "json", "JSON array, the guide's", (".json",), _is_array, read_rows, write_array, holds_all=True
)
GUIDE = Format(
    "guide",
    "JSON array, byte for byte as the guide's script writes it",
    (),
    _never,
    read_rows,
    write_guide,
    ending=".json",
    keeps=(),
)
