"""From decoded rows to examples: the field rules that all formats share.

A row is an object with `instruction` and `output` (texts); `id`, `split` and `annotator` are
known; a list `turns` marks a folded conversation; everything else is kept as metadata. A row
that can't be used is a finding and a reject, never silently gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maksud.dataset import Example
from maksud.findings import Finding, excerpt

MAX_DEPTH = 64
_KNOWN = {"instruction", "output", "id", "split", "annotator"}
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))


@dataclass
class Reading:
    """What came out of a file: examples, findings, and the rejected rows as they stood."""

    examples: list[Example] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, place: str, code: str, message: str, fix: str, original: str) -> None:
        """Records a row that can't be used, with the reason."""
        self.findings.append(Finding("error", code, message, place=place, fix=fix))
        self.rejects.append(
            {"place": place, "code": code, "message": message, "original": original[:65536]}
        )


class RowError(ValueError):
    """Something in a row that JSON allows or a lenient parser lets pass, and we do not."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                raise RowError(
                    "E-DUPKEY",
                    f"{excerpt(key)} appears twice ({_short(seen[key])}, {_short(value)})",
                )
            seen[key] = value
    return row


def _constant(name: str) -> Any:
    raise RowError("E-NUMBER", f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise RowError("E-NUMBER", f"the number {text[:20]} is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > 19:
        raise RowError("E-NUMBER", f"integer has {len(text)} digits (max 19)")
    return int(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer
)
"""JSON as it is written, not as lenient parsers read it: no doubled keys, no NaN."""


def add_row(reading: Reading, row: Any, source: str, line: int, split: str, raw: str) -> None:
    """Turns a decoded row into an example of the reading, or into a reject with its reason."""
    place = f"{source}:{line}"
    if not isinstance(row, Mapping):
        reading.reject(place, "E-SHAPE", f"expected an object, found {_kind(row)}", _SHAPE_FIX, raw)
        return
    for name in ("instruction", "output"):
        if name not in row:
            reading.reject(place, "E-FIELD", *_missing(name, row), raw)
            return
        if not isinstance(row[name], str):
            what = f'"{name}" is {_kind(row[name])}, expected text'
            reading.reject(place, "E-TYPE", what, "write it as a JSON string", raw)
            return
    text = row["instruction"]
    if not text.translate(_INVISIBLE).strip():
        reading.reject(
            place, "E-EMPTYTEXT", '"instruction" is empty after trimming', "remove the row", raw
        )
        return
    if not row["output"].strip():
        fix = 'write the answer, or none() for "out of scope"'
        reading.reject(place, "E-EMPTYTEXT", '"output" is empty', fix, raw)
        return
    for name in ("instruction", "output"):
        bad = next((c for c in row[name] if c < " " and c not in "\t\n\r" or c == "\x7f"), None)
        if bad is not None:
            what = f'control character U+{ord(bad):04X} in "{name}"'
            reading.reject(place, "E-CONTROL", what, "remove it", raw)
            return
        if any("\ud800" <= c <= "\udfff" for c in row[name]):
            what = f'half a surrogate pair in "{name}"'
            reading.reject(place, "E-SURROGATE", what, "export the file again as UTF-8", raw)
            return
    metadata = {k: v for k, v in row.items() if k not in _KNOWN}
    reading.examples.append(
        Example(
            text,
            row["output"],
            id=str(row.get("id") or ""),
            split=str(row.get("split") or split),
            source=source,
            line=line,
            annotator=str(row.get("annotator") or ""),
            **({"metadata": metadata} if metadata else {}),
        )
    )


def to_row(example: Example) -> dict[str, Any]:
    """The row that `add_row` reads back as the same example."""
    row: dict[str, Any] = {"instruction": example.instruction, "output": example.output}
    for name in ("id", "annotator"):
        if value := getattr(example, name):
            row[name] = value
    return {**row, **example.metadata}


_SHAPE_FIX = 'each row is {"instruction": "…", "output": "…"}'


def _missing(name: str, row: Mapping[str, Any]) -> tuple[str, str]:
    import difflib

    near = difflib.get_close_matches(name, [str(k) for k in row], n=1, cutoff=0.7)
    has = ", ".join(str(k) for k in list(row)[:6]) or "nothing"
    if near:
        return f'"{name}" is missing; did you mean "{near[0]}"?', f'rename it to "{name}"'
    return f'required field "{name}" is missing (has: {has})', _SHAPE_FIX


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")


def _short(value: Any) -> str:
    return excerpt(str(value), 20)
