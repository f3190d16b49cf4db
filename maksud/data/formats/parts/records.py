"""JSON records: the rows of an array, or one object a line, each with its line.

What is broken is a reject with its line, and reading goes on where rows can be told apart. A comma
after the last row (the guide's own sample has one) is a warning. One row at a time of a JSON
Lines file is in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from maksud.data.findings import excerpt
from maksud.data.formats.base import Options
from maksud.data.formats.parts.document import read_document
from maksud.data.formats.parts.lines import text_lines
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.rows import DECODER, MAX_DEPTH, kind, list_names
from maksud.data.formats.parts.source import Source
from maksud.errors import DataError

Record = tuple[int, Any, Original]
"""Line, decoded value, and the row as it stood."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT_ROW = re.compile(r",[ \t\r\n]*(?=\{)|\n[ \t]*(?=\{)")
_EVERY = 4096
"""Rows between two ticks of progress."""


def records(file: Source, options: Options, reading: Reading) -> Iterator[Record]:
    """The records of a file, whichever way they stand.

    Raises `DataError` for one object that spans lines: neither an array nor JSON Lines.
    """
    start = file.start
    if start.wrapped:
        yield from _wrapped(file, options, reading, start.wrapped)
        return
    if start.kind == "array":
        yield from _array(file, options, reading)
        return
    if start.spans_lines or start.kind == "object":
        if file.suffix == ".jsonl":
            raise DataError(
                "E-FORMAT first object spans many lines: this is JSON, not JSONL",
                where=f"{file.path}:1",
                hint="Write one object a line, or an array in a .json file",
            )
        text = file.text(reading, options.encoding)
        if _decoded(reading, text, _skip(text, 0), file.path, 1, None) is None:
            return  # broken or cut: the reject says where
        has = list_names(sorted(start.keys))
        raise DataError(
            f"E-SHAPE expected an array of rows, found one object (with {has})",
            where=f"{file.path}:1",
            hint='Write [{"instruction": "…", "output": "…"}, …], or one object a line',
        )
    yield from _lines(file, options, reading)


def _wrapped(file: Source, options: Options, reading: Reading, name: str) -> Iterator[Record]:
    """The rows of one object around them; what else stands in it is told."""
    document = read_document(file, options, reading)
    others = [k for k in document.value if k != name]
    what = f"rows are read from the list {excerpt(name)} of one object"
    if others:
        what += f"; beside it, {list_names(others)} are not read"
    reading.tell("warning" if others else "info", "I-WRAPPED", what, file.path)
    for row in document.value[name]:
        yield document.line(row), row, json.dumps(row, ensure_ascii=False)


def _lines(file: Source, options: Options, reading: Reading) -> Iterator[Record]:
    broken = number = 0
    for number, text, raw in text_lines(file, options, reading):
        decoded = _decoded(reading, text, 0, file.path, number, raw)
        if decoded is None:
            broken = number
            continue
        value, end = decoded
        if end != len(text) and text[end:].strip():
            what = f"extra data after the object at column {end + 1}"
            place = f"{file.path}:{number}"
            reading.reject(place, "E-JSON", what, "one object per line", raw)
            continue
        yield number, value, raw
    if broken and broken == number and not file.ends_in_newline:
        what = "last line has no newline and is broken: the file may be cut"
        reading.tell("warning", "W-TRUNC", what, f"{file.path}:{number}", "export it again")


def _array(file: Source, options: Options, reading: Reading) -> Iterator[Record]:
    text = file.text(reading, options.encoding)
    source = file.path
    at = _skip(text, 0)
    line, counted = 1 + text.count("\n", 0, at), at
    at = _skip(text, at + 1)  # past '['
    expect_row = False
    rows = 0
    while True:
        line += text.count("\n", counted, at)
        counted = at
        place = f"{source}:{line}"
        if at >= len(text):
            what, fix = "the file ends inside the array", "the file may be cut: export it again"
            reading.reject(place, "E-JSON", what, fix, text[-200:])
            break
        if text[at] == "]":
            if expect_row:
                what = "a comma after the last row: not valid JSON, read all the same"
                reading.tell("warning", "W-COMMA", what, place, "remove the comma")
            rest = text[at + 1 :].strip()
            if rest:
                what = f"text after the closing bracket: {excerpt(rest, 30)}"
                reading.reject(place, "E-JSON", what, "one array per file", rest)
            break
        decoded = _decoded(reading, text, at, source, line, None)
        if decoded is None:  # a broken row: go on at the next thing that looks like one
            found = _NEXT_ROW.search(text, at + 1)
            if found is None:
                break
            at, expect_row = found.end(), False
            continue
        value, end = decoded
        rows += 1
        yield line, value, text[at:end]
        at = _skip(text, end)
        expect_row = at < len(text) and text[at] == ","
        if expect_row:
            at = _skip(text, at + 1)
        elif at < len(text) and text[at] != "]":
            line += text.count("\n", counted, at)
            counted = at
            found = _NEXT_ROW.search(text, at) if text[at] != "{" else None
            following = found.end() if found else (at if text[at] == "{" else len(text))
            what = f"expected ',' or ']' between rows, found {excerpt(text[at : at + 12])}"
            fix = "put a comma between the rows"
            reading.reject(f"{source}:{line}", "E-JSON", what, fix, text[end:following])
            if following == len(text):
                break
            at = following
        if options.tick is not None and rows % _EVERY == 0:
            options.tick(at / len(text))
    if file.suffix == ".jsonl":
        reading.tell("info", "I-ARRAY", f"read as a JSON array of {rows:,}", source)


def _decoded(
    reading: Reading, text: str, at: int, source: str, line: int, original: Original | None
) -> tuple[Any, int] | None:
    """The value that starts at `at` and its end; a reject and None where it is broken."""
    try:
        return DECODER.raw_decode(text, at)
    except RowError as error:
        problem = (error.code, str(error), error.fix)
    except json.JSONDecodeError as error:
        column = error.pos - (text.rfind("\n", 0, error.pos) + 1) + 1
        line += text.count("\n", at, error.pos)
        what = f"{error.msg[0].lower()}{error.msg[1:]} at column {column}"
        fix = "mend the row"
        if error.msg.startswith("Invalid control character"):
            found = text[error.pos : error.pos + 1]
            what = f"unescaped control character U+{ord(found or ' '):04X} at column {column}"
            fix = "escape it, as json.dumps does"
        elif _is_python(text, at, error.pos):
            what += ": looks like a Python literal"
            fix = "write it with json.dumps"
        problem = ("E-JSON", what, fix)
    except RecursionError:
        problem = ("E-DEPTH", f"nesting exceeds {MAX_DEPTH}", "a row is a flat object")
    if original is None:
        following = _NEXT_ROW.search(text, at + 1)
        original = text[at : following.start() if following else len(text)]
    reading.reject(f"{source}:{line}", *problem, original)
    return None


def _is_python(text: str, at: int, broken: int) -> bool:
    here = text[broken : broken + 8]
    return here.startswith(("'", "True", "False", "None")) or text[at : at + 2] == "{'"


def shape_problem(value: Any) -> tuple[str, str, str] | None:
    """The reject of a record that is no object; None for one that is."""
    if isinstance(value, dict):
        return None
    return "E-SHAPE", f"expected an object, found {kind(value)}", "each row is an object"


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
