"""TSV: a table with tabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.delimited import is_table, read_delimited, write_delimited
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source


def read_tsv(file: Source, options: Options) -> Reading:
    """Rows of a table with tabs, or with another delimiter that is named or shows."""
    return read_delimited(file, options, "\t")


def write_tsv(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A table with tabs."""
    write_delimited(examples, file, writing, "\t")


def _is_tsv(file: Source) -> bool:
    return is_table(file, True, ".tsv")


FORMAT = Format("tsv", "table with tabs", (".tsv",), _is_tsv, read_tsv, write_tsv)
