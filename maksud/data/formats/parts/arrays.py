"""JSON arrays, one row a line: written as rows come, one at a time in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any


def write_array(rows: Iterable[Any], file: IO[bytes]) -> None:
    """The rows as a JSON array, each on its line; `[]` for none."""
    before = "[\n"
    for row in rows:
        file.write((before + json.dumps(row, ensure_ascii=False)).encode())
        before = ",\n"
    file.write(b"\n]\n" if before != "[\n" else b"[]\n")
