"""Native rows in JSON: read from an array or from lines, written as lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import Columns
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records
from maksud.data.formats.parts.rows import add_row, to_row
from maksud.data.formats.parts.source import Source


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


def write_lines(
    examples: Iterable[Example], file: IO[bytes], writing: Writing | None = None
) -> None:
    """JSON Lines: one object a line."""
    with_split = writing is not None and writing.split
    for example in examples:
        row = json.dumps(to_row(example, with_split=with_split), ensure_ascii=False)
        file.write((row + "\n").encode())


def begins_with_a_bracket_only(file: Source) -> bool:
    """Whether a text file only happens to begin with a bracket."""
    return file.suffix == ".txt" and not isinstance(file.start.first, dict)
