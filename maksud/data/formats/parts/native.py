"""Native rows in JSON: read from an array or from lines, written as lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.columns import Columns, choose_columns
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records
from maksud.data.formats.parts.rows import add_row, list_names, to_row
from maksud.data.formats.parts.source import Source

_SHAPES = 1000
"""Distinct sets of fields whose names are looked up; rows of more are read as they are."""


def read_rows(file: Source, options: Options) -> Reading:
    """Native rows, of an array or one a line. `options.columns` renames their fields; those of
    other people are known by the names that are known in tables."""
    reading = Reading()
    source, split = file.path, options.split
    labels = Labels(reading, source)
    fields = _Fields(options, labels, reading, source)
    for line, row, original in records(file, options, reading):
        columns = fields.of(row, line) if isinstance(row, dict) else None
        if columns is not None:
            try:
                row = columns.native(row)
            except RowError as error:
                place = f"{source}:{line}"
                reading.refuse(place, error, original)
                continue
        add_row(reading, row, source, line, split, original)
    labels.close()
    return reading


class _Fields:
    """What the fields of a file's rows are: those that are mapped, and the usual names."""

    def __init__(self, options: Options, labels: Labels, reading: Reading, source: str) -> None:
        self._options = options
        self._labels = labels
        self._reading = reading
        self._source = source
        self._given = Columns(options.columns, labels) if options.columns else None
        self._known: dict[tuple[str, ...], Columns | None] = {}
        self._told: set[str] = set()

    def of(self, row: Mapping[str, Any], line: int) -> Columns | None:
        """The mapping of a row; None for one that has our names."""
        if ("instruction" in row or "turns" in row) and "output" in row:
            return self._given
        shape = tuple(row)
        if shape not in self._known and len(self._known) < _SHAPES:
            self._known[shape] = self._found(shape, f"{self._source}:{line}")
        return self._known.get(shape, self._given)

    def _found(self, shape: tuple[str, ...], place: str) -> Columns | None:
        given = self._options.columns
        choice = choose_columns(shape, given)
        found = dict(choice.columns)
        if "turns" in shape:
            found.pop("instruction", None)
        guessed = {k: v for k, v in found.items() if k not in given and k != v}
        whole = ("instruction" in found or "turns" in shape) and "output" in found
        if not guessed or not whole:  # a row that is half known is refused, with what it has
            return self._given
        said = ", ".join(f"{excerpt(v, 30)} is read as {k}" for k, v in guessed.items())
        others = choice.passed_over.get("output", ())
        if "output" in guessed and others:
            said += f" (not {list_names(others)}: metadata)"
        if said not in self._told:
            self._told.add(said)
            fix = "say --columns instruction=NAME,output=NAME where others are meant"
            self._reading.tell("info", "I-COLUMNS", f"field {said}", place, fix)
        return Columns(found, self._labels, label_names="output" in guessed)


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
