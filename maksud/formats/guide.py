"""The guide's training format: `[{"instruction": …, "output": …}, …]`, and the same as JSONL.

Read as it is written: a comma after the last row (the guide's own sample has one) is a warning,
a broken row is a finding with its line, and the rest is read on where rows can be told apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import IO

from maksud.dataset import Example
from maksud.errors import DataError
from maksud.findings import Finding, excerpt
from maksud.formats.rows import DECODER, MAX_DEPTH, Reading, RowError, add_row, to_row
from maksud.formats.source import BOM, MAX_LINE, Format, Options, Source, bom

_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT_ROW = re.compile(r",[ \t\r\n]*(?=\{)|\n[ \t]*(?=\{)")


def read_array(file: Source, options: Options) -> Reading:
    """Rows of a JSON array."""
    reading = Reading()
    text = file.text(reading, options.encoding)
    source, split, tick = file.path, options.split, options.tick
    at = _skip(text, 0)
    if text[at] == "{":
        raise DataError(
            "E-SHAPE expected an array of rows, found one object",
            where=f"{source}:1",
            hint='Write [{"instruction": "…", "output": "…"}, …], or one object a line',
        )
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


def read_lines(file: Source, options: Options) -> Reading:
    """Rows of a JSON Lines file, one object a line; blank lines are skipped."""
    reading = Reading()
    if file.head.startswith(BOM):
        reading.findings.append(bom(file.path))
    read = 0
    for number, raw in file.lines():
        read += len(raw) + 1
        if options.tick is not None and number % 5000 == 0:
            options.tick(min(1.0, read / file.size))
        place = f"{file.path}:{number}"
        if len(raw) > MAX_LINE:
            fix = "split or shorten it"
            reading.reject(place, "E-LINE", "line is longer than 1 MiB", fix, _lossy(raw[:200]))
            continue
        try:
            text = raw.decode(options.encoding).strip(" \t\r\n")
        except UnicodeDecodeError as error:
            what = f"invalid byte 0x{raw[error.start]:02X} at column {error.start + 1}"
            reading.reject(place, "E-UTF8", what, "save the file as UTF-8", _lossy(raw))
            continue
        if not text:
            continue
        kept = len(reading.examples)
        end = _row(reading, text, 0, file.path, number, options.split)
        if end is not None and text[end:].strip():
            del reading.examples[kept:]
            what = f"extra data after the object at column {end + 1}"
            reading.reject(place, "E-JSON", what, "one object per line", text)
    return reading


def write_array(examples: Iterable[Example], file: IO[bytes]) -> None:
    """A JSON array, one row per line."""
    before = "[\n"
    for example in examples:
        file.write((before + json.dumps(to_row(example), ensure_ascii=False)).encode())
        before = ",\n"
    file.write(b"\n]\n" if before != "[\n" else b"[]\n")


def write_lines(examples: Iterable[Example], file: IO[bytes]) -> None:
    """JSON Lines: one object a line."""
    for example in examples:
        file.write((json.dumps(to_row(example), ensure_ascii=False) + "\n").encode())


def _is_array(file: Source) -> bool:
    start = file.head_text.lstrip()
    # A pretty-printed object is read as what it was meant to be, to be refused with a reason.
    return start[:1] == "[" or (start[:1] == "{" and not _is_lines(file))


def _is_lines(file: Source) -> bool:
    first = file.head_text.lstrip().split("\n", 1)[0].rstrip()
    if not first.startswith("{"):
        return False
    return file.suffix == ".jsonl" or first.endswith("}") or len(first) > 10_000


ARRAY = Format("json", "the guide's JSON array", (".json",), _is_array, read_array, write_array)
LINES = Format("jsonl", "JSON Lines", (".jsonl",), _is_lines, read_lines, write_lines)


def _row(reading: Reading, text: str, at: int, source: str, line: int, split: str) -> int | None:
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


def _lossy(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
