"""CSV: a table with commas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.delimited import is_table, read_delimited, write_delimited
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source


def read_csv(file: Source, options: Options) -> Reading:
    """Rows of a table with commas, or with another delimiter that is named or shows."""
    return read_delimited(file, options, ",")


def write_csv(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A table with commas."""
    write_delimited(examples, file, writing, ",")


def _is_csv(file: Source) -> bool:
    return is_table(file, False, ".csv")


FORMAT = Format("csv", "table with commas", (".csv",), _is_csv, read_csv, write_csv)
