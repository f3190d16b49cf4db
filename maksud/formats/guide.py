"""The guide's training format: `[{"instruction": …, "output": …}, …]`, and the same as JSONL.

Read as it is written: a comma after the last row (the guide's own sample has one) is a warning,
a broken row is a finding with its line, and the rest is read on where rows can be told apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import IO

from maksud.dataset import Example
from maksud.findings import Finding, excerpt
from maksud.formats.rows import DECODER, MAX_DEPTH, Reading, RowError, add_row, to_row

MAX_LINE = 1 << 20
"""Longest row read, in characters (1 MiB)."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT_ROW = re.compile(r",[ \t\r\n]*(?=\{)|\n[ \t]*(?=\{)")

Tick = Callable[[float], None]
"""Told the share of the file that is read, now and then."""


def read_array(text: str, source: str, split: str = "", tick: Tick | None = None) -> Reading:
    """Rows of a JSON array."""
    reading = Reading()
    at = _skip(text, 0)
    line, counted = 1 + text.count("\n", 0, at), at
    at = _skip(text, at + 1)  # past '['
    expect_row = False
    while True:
        line += text.count("\n", counted, at)
        counted = at
        if at >= len(text):
            what = "the file ends inside the array"
            fix = "the file may be cut: export it again"
            reading.findings.append(Finding("error", "E-JSON", what, f"{source}:{line}", fix=fix))
            break
        if text[at] == "]":
            if expect_row:
                reading.findings.append(
                    Finding(
                        "warning",
                        "W-COMMA",
                        "a comma after the last row: not valid JSON, read all the same",
                        f"{source}:{line}",
                        fix="remove the comma",
                    )
                )
            rest = text[at + 1 :].strip()
            if rest:
                what = f"text after the closing bracket: {excerpt(rest, 30)}"
                reading.findings.append(
                    Finding("error", "E-JSON", what, f"{source}:{line}", fix="one array per file")
                )
            break
        end = _row(reading, text, at, source, line, split)
        if end is None:  # a broken row: go on at the next thing that looks like one
            found = _NEXT_ROW.search(text, at + 1)
            if found is None:
                break
            at = found.end()
            continue
        at = _skip(text, end)
        expect_row = at < len(text) and text[at] == ","
        if expect_row:
            at = _skip(text, at + 1)
        elif at < len(text) and text[at] != "]":
            line += text.count("\n", counted, at)
            counted = at
            reading.findings.append(
                Finding(
                    "error",
                    "E-JSON",
                    f"expected ',' or ']' between rows, found {excerpt(text[at : at + 12])}",
                    f"{source}:{line}",
                    fix="put a comma between the rows",
                )
            )
        if tick is not None and len(reading.examples) % 5000 == 0:
            tick(at / len(text))
    return reading


def read_lines(
    lines: Iterable[str], source: str, split: str = "", tick: Callable[[int], None] | None = None
) -> Reading:
    """Rows of a JSON Lines file, one object a line; blank lines are skipped."""
    reading = Reading()
    for line, raw in enumerate(lines, 1):
        text = raw.strip(" \t\r\n")
        if not text:
            continue
        if len(text) > MAX_LINE:
            place = f"{source}:{line}"
            fix = "split or shorten it"
            reading.reject(place, "E-LINE", "line is longer than 1 MiB", fix, text)
            continue
        end = _row(reading, text, 0, source, line, split)
        if end is not None and text[end:].strip():
            place = f"{source}:{line}"
            if reading.examples and reading.examples[-1].line == line:
                reading.examples.pop()
            what = f"extra data after the object at column {end + 1}"
            reading.reject(place, "E-JSON", what, "one object per line", text)
        if tick is not None and line % 5000 == 0:
            tick(line)
    return reading


def write_array(examples: Iterable[Example], file: IO[str]) -> None:
    """A JSON array, one row per line."""
    file.write("[\n")
    first = True
    for example in examples:
        file.write("" if first else ",\n")
        file.write(json.dumps(to_row(example), ensure_ascii=False))
        first = False
    file.write("\n]\n")


def write_lines(examples: Iterable[Example], file: IO[str]) -> None:
    """JSON Lines: one object a line."""
    for example in examples:
        file.write(json.dumps(to_row(example), ensure_ascii=False) + "\n")


def _row(
    reading: Reading, text: str, at: int, source: str, line: int, split: str
) -> int | None:
    """Reads the value that starts at `at`; its end, or None where it is broken."""
    place = f"{source}:{line}"
    raw = text[at : at + 200]
    try:
        row, end = DECODER.raw_decode(text, at)
    except RowError as error:
        reading.reject(place, error.code, str(error), "mend the row", raw)
        return None
    except json.JSONDecodeError as error:
        column = error.pos - (text.rfind("\n", 0, error.pos) + 1) + 1
        line += text.count("\n", at, error.pos)
        fix = "mend the row; if it is a Python literal, write it with json.dumps"
        what = f"{error.msg[0].lower()}{error.msg[1:]} at column {column}"
        reading.reject(f"{source}:{line}", "E-JSON", what, fix, raw)
        return None
    except RecursionError:
        what = f"nesting exceeds {MAX_DEPTH}"
        reading.reject(place, "E-DEPTH", what, "a row is a flat object", raw)
        return None
    add_row(reading, row, source, line, split, text[at:end])
    return end


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
