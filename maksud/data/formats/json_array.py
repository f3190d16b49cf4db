"""The guide's training format: `[{"instruction": …, "output": …}, …]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Writing
from maksud.data.formats.parts.arrays import write_array
from maksud.data.formats.parts.native import begins_with_a_bracket_only, read_rows
from maksud.data.formats.parts.rows import to_row
from maksud.data.formats.parts.source import Source


def write_rows(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A JSON array, one row per line."""
    write_array((to_row(e, with_split=writing.split) for e in examples), file)


def _is_array(file: Source) -> bool:
    # A pretty-printed object is read as what it was meant to be, to be refused with a reason.
    return file.start.kind in ("array", "object") and not begins_with_a_bracket_only(file)


FORMAT = Format(
    "json",
    "JSON array, the guide's",
    (".json",),
    _is_array,
    read_rows,
    write_rows,
    holds_all=True,
)
