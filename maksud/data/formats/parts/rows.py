"""Native rows, to and from examples: the rules that all formats of rows share.

A native row is an object with `instruction` and
`output` (`null`: not labelled yet); `id`, `split` and `annotator` are known; `turns` marks a folded
conversation; everything else is kept as metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from maksud.data.dataset import Example, fold_turns
from maksud.data.findings import escape_unprintable, excerpt
from maksud.data.formats.parts.columns import USUAL
from maksud.data.formats.parts.reading import KNOWN, Original, Reading, RowError
from maksud.errors import InputError

MAX_DEPTH = 64
"""Deepest nesting of a row."""
MAX_WEIGHT = 1e6
"""Largest weight of a row."""


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
    if len(text.lstrip("-")) > 19:
        raise RowError("E-NUMBER", f"integer has {len(text.lstrip('-'))} digits (max 19)")
    return int(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer
)
"""JSON as it is written, not as lenient parsers read it: no doubled keys, no NaN."""

_SPELLED = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=str, parse_int=str
)
"""The same, with numbers as texts: 1e5 and 2.50 are what was written."""


def decode_inner(text: str, where: str, code: str, fix: str = "write it with json.dumps") -> Any:
    """The value of JSON that stands as text in a row, read as strictly as the row itself.

    Raises `RowError`: `code` where it is no JSON, `E-DUPKEY`, `E-NUMBER`, `E-DEPTH`.
    """
    return _decode(DECODER, text, where, code, fix)


def decode_spelled(text: str, where: str, code: str) -> Any:
    """As `decode_inner`, with numbers as the texts that they were written as."""
    return _decode(_SPELLED, text, where, code, "write it with json.dumps")


def _decode(decoder: json.JSONDecoder, text: str, where: str, code: str, fix: str) -> Any:
    try:
        return decoder.decode(text)
    except RowError as error:
        raise RowError(error.code, f"{where}: {error}", error.fix) from error
    except RecursionError as error:
        raise RowError("E-DEPTH", f"{where}: nesting exceeds {MAX_DEPTH}") from error
    except ValueError as error:
        raise RowError(code, f"{where} is not valid JSON: {error}", fix) from error


def add_row(
    reading: Reading, row: Any, source: str, line: int, split: str, original: Original
) -> None:
    """Turns a native row into an example of the reading, or into a reject with its reason."""
    if not isinstance(row, dict):
        what = f"expected an object, found {kind(row)}"
        reading.reject(f"{source}:{line}", "E-SHAPE", what, _SHAPE_FIX, original)
        return
    instruction, output = row.get("instruction"), row.get("output", _MISSING)
    if len(row) == 2 and type(instruction) is str and type(output) is str:
        reading.add(instruction, output, source=source, line=line, original=original, split=split)
        return
    try:
        if "instruction" not in row and "turns" in row:
            row = {**row, "instruction": fold_texts(row["turns"])}
            instruction = row["instruction"]
        for name in ("instruction", "output"):
            if name not in row:
                raise RowError("E-FIELD", *_missing(name, tuple(row)))
        if not isinstance(instruction, str):
            raise RowError("E-TYPE", *_mistyped("instruction", instruction))
        if output is not None and not isinstance(output, str):
            raise RowError("E-TYPE", *_mistyped("output", output))
        check_extra(row)
        named = {name: text_field(row, name) for name in ("id", "split", "annotator")}
    except RowError as error:
        reading.refuse(f"{source}:{line}", error, original)
        return
    metadata = {k: v for k, v in row.items() if k not in KNOWN}
    if "weight" in metadata:
        reading.note_weight()
    if metadata:
        reading.note_fields(row, line)
    reading.add(
        instruction,
        output,
        source=source,
        line=line,
        original=original,
        split=named["split"] or split,
        id=named["id"],
        annotator=named["annotator"],
        metadata=metadata,
    )


def to_row(example: Example, *, with_split: bool = False) -> dict[str, Any]:
    """The row that `add_row` reads back as the same example."""
    row: dict[str, Any] = {
        "instruction": example.instruction,
        "output": example.output if example.is_labelled else None,
    }
    for name in ("id", "annotator", *(("split",) if with_split else ())):
        if value := getattr(example, name):
            row[name] = value
    return {**row, **example.metadata}


def check_extra(row: Mapping[str, Any]) -> None:
    """Raises `RowError` for a weight out of range and for nesting beyond `MAX_DEPTH`."""
    if "weight" in row:
        weight = row["weight"]
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise RowError("E-WEIGHT", f"weight is {kind(weight)}, expected a number")
        if not 0 < weight <= MAX_WEIGHT:
            raise RowError("E-WEIGHT", f"{weight} (must be > 0 and at most {MAX_WEIGHT:,.0f})")
    for value in row.values():
        if type(value) in (dict, list) and _too_deep(value, MAX_DEPTH - 1):
            raise RowError("E-DEPTH", f"nesting exceeds {MAX_DEPTH}", "a row is a flat object")


def text_field(row: Mapping[str, Any], name: str) -> str:
    """A known text field of a row; "" where it is absent or null. Raises `RowError`."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        code = "E-ID" if name == "id" else "E-TYPE"
        raise RowError(code, f'"{name}" is {kind(value)}, expected text', "write it as a string")
    return value


def fold_texts(turns: Any) -> str:
    """The user's turns as one utterance. Raises `RowError` where they are no list of texts."""
    if not isinstance(turns, list) or not all(isinstance(t, str) for t in turns):
        raise RowError("E-TYPE", '"turns" is no list of texts', 'write ["first", "second"]')
    try:
        return fold_turns(turns)
    except InputError as error:
        raise RowError("E-EMPTYTEXT", "no turn says anything", "remove the row") from error


def list_names(names: Iterable[object]) -> str:
    """The first names that a file uses, for a message."""
    return ", ".join(escape_unprintable(str(n)[:40]) for n in islice(names, 6)) or "nothing"


def kind(value: Any) -> str:
    """What a decoded JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")


_MISSING: Any = object()
_SHAPE_FIX = 'each row is {"instruction": "…", "output": "…"}'


@lru_cache(maxsize=256)
def _missing(name: str, keys: tuple[str, ...]) -> tuple[str, str]:
    import difflib

    usual = {n: next((u for u in names if u in keys), "") for n, names in USUAL.items()}
    near = difflib.get_close_matches(name, keys, n=1, cutoff=0.7)
    if near:
        return (
            f'"{name}" is missing; did you mean {excerpt(near[0], 40)}?',
            f'rename it to "{name}"',
        )
    has = list_names(keys)
    fix = _SHAPE_FIX
    if mapped := ",".join(f"{n}={u}" for n, u in usual.items() if n not in keys and u):
        fix = f"say --columns {mapped}, or rename the fields"
    return f'required field "{name}" is missing (has: {has})', fix


def _mistyped(name: str, value: Any) -> tuple[str, str]:
    return f'"{name}" is {kind(value)}, expected text', "write it as a JSON string"


def _too_deep(value: Any, left: int) -> bool:
    if left < 0:
        return True
    if type(value) is dict:
        return any(_too_deep(v, left - 1) for v in value.values())
    if type(value) is list:
        return any(_too_deep(v, left - 1) for v in value)
    return False


def _short(value: Any) -> str:
    return excerpt(str(value), 20)
