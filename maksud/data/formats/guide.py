"""The shape that the guide's own conversion script writes, byte for byte.

The two keys, indented by four. What is converted from an iTAG manifest is written so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Writing
from maksud.data.formats.parts.native import read_rows
from maksud.data.formats.parts.source import Source


def write_guide(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """As the guide's `convert.py` writes: indented by four, no line end after the last bracket."""
    rows = [{"instruction": e.instruction, "output": e.output} for e in writing.labelled(examples)]
    file.write(json.dumps(rows, ensure_ascii=False, indent=4).encode())


def _never(file: Source) -> bool:
    return False


FORMAT = Format(
    "guide",
    "JSON array, byte for byte as the guide's script writes it",
    (),
    _never,
    read_rows,
    write_guide,
    ending=".json",
    keeps=(),
)
