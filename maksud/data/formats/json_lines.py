"""JSON Lines: the guide's training rows, one object a line."""

from __future__ import annotations

from maksud.data.formats.base import Format
from maksud.data.formats.parts.native import begins_with_a_bracket_only, read_rows, write_lines
from maksud.data.formats.parts.source import Source


def _is_lines(file: Source) -> bool:
    return file.start.kind == "lines" and not begins_with_a_bracket_only(file)


FORMAT = Format(
    "jsonl", "JSON Lines", (".jsonl",), _is_lines, read_rows, write_lines, holds_all=True
)
