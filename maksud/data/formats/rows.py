"""From what a file holds to examples: the rules that all formats share.

`Reading.add` is the one door: an example comes in, or a reject with its place, its reason and its
original bytes; nothing is ever silently gone. A native row is an object with `instruction` and
`output` (`null`: not labelled yet); `id`, `split` and `annotator` are known; `turns` marks a folded
conversation; everything else is kept as metadata.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from maksud.data.dataset import SPLITS, Example, fold_turns
from maksud.data.findings import Finding, Findings, Level, escaped, excerpt
from maksud.errors import InputError, nearest
from maksud.language.catalog import Catalog

MAX_DEPTH = 64
"""Deepest nesting of a row."""
MAX_ID = 128
"""Longest id of a row, in characters."""
MAX_WEIGHT = 1e6
"""Largest weight of a row."""

_KNOWN = frozenset({"instruction", "output", "id", "split", "annotator"})
_EXPECTED = frozenset(
    {"turns", "replies", "system", "prompt", "reply", "language", "values", "answers", "stage"}
    | {"weight", "time", "timestamp", "created_at"}
)
"""Metadata that formats give, or checks look at: not worth a warning."""
_SPLIT_NAMES = {
    "training": "train",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "testing": "test",
    "train": "train",
    "dev": "dev",
    "test": "test",
}
_VISIBLE = re.compile(r"[^\s\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_UNFIT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
USUAL = {
    "instruction": ("text", "utterance", "query", "sentence", "question"),
    "output": ("label", "intent", "answer", "category"),
}
"""Usual names of the utterance and of the answer in other people's files."""
_SHAPES = 1000
"""Distinct sets of extra fields that are counted one by one; a file with more is told of these."""
_SHARED = 1 << 16
"""Answers repeat: so many distinct ones are kept once for all their examples."""

Original = str | bytes
"""A row as it stood in its file."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that can't be used: the finding about it, and its original bytes."""

    finding: Finding
    original: Original

    @property
    def code(self) -> str:
        """The finding's code."""
        return self.finding.code

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: `original`, or `original_base64` for what is not UTF-8."""
        about: dict[str, Any] = {
            "code": self.finding.code,
            "place": self.finding.place,
            "message": self.finding.message,
            "fix": self.finding.fix,
        }
        try:
            raw = self.original
            text = raw.decode() if isinstance(raw, bytes) else raw
            text.encode()
            return {**about, "original": text}
        except UnicodeError:
            raw = self.original
            encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
            return {**about, "original_base64": base64.b64encode(encoded).decode()}


@dataclass
class Reading:
    """What came out of a file: examples, findings, and the rejected rows as they stood."""

    examples: list[Example] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    rejects: list[Reject] = field(default_factory=list)
    catalog: Catalog | None = None
    """The catalog that the file itself declares, if it does."""
    _ids: dict[str, int] = field(default_factory=dict)
    _shapes: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    _shared: dict[str, str] = field(default_factory=dict)

    def refuse(self, place: str, error: RowError, original: Original) -> None:
        """Rejects a row for what reading it raised."""
        self.reject(place, error.code, str(error), error.fix, original)

    def reject(self, place: str, code: str, message: str, fix: str, original: Original) -> None:
        """Records a row that can't be used, with the reason."""
        finding = Finding("error", code, message, place=place, fix=fix)
        self.findings.append(finding)
        self.rejects.append(Reject(finding, original))

    def tell(self, level: Level, code: str, message: str, place: str, fix: str = "") -> None:
        """Records a finding about the file."""
        self.findings.append(Finding(level, code, message, place=place, fix=fix))

    def add(
        self,
        instruction: str,
        output: str | None,
        *,
        source: str,
        line: int,
        original: Original,
        split: str = "",
        id: str = "",
        annotator: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> bool:
        """Adds an example, or rejects it with the reason; whether it was added.

        `output` None: not labelled yet.
        """
        problem = _problem(instruction, output)
        if problem is None and split not in SPLITS and split:
            split = _SPLIT_NAMES.get(split.strip().casefold(), split)
            if split not in SPLITS:
                problem = "E-SPLIT", f"unknown split {excerpt(split, 20)}", nearest(split, SPLITS)
        if problem is None and id:
            problem = self._id_problem(id, line)
        if problem is not None:
            self.reject(f"{source}:{line}" if line else source, *problem, original)
            return False
        if output:
            output = self.share(output)
        if metadata:
            example = Example(
                instruction, output or "", id, split, source, line, annotator, metadata
            )
        else:
            example = Example(instruction, output or "", id, split, source, line, annotator)
        self.examples.append(example)
        return True

    def extend(self, other: Reading) -> None:
        """Takes what came out of another file."""
        self.examples += other.examples
        self.findings.extend(other.findings)
        self.rejects += other.rejects

    def share(self, text: str) -> str:
        """The text, as the same object as an equal one before: answers repeat."""
        if len(self._shared) > _SHARED:
            self._shared.clear()
        return self._shared.setdefault(text, text)

    def note_fields(self, row: Mapping[str, Any], line: int) -> None:
        """Counts the fields of a row that has more than the known ones; `close` tells them."""
        shape = tuple(row)
        seen = self._shapes.get(shape)
        if seen is not None:
            seen[0] += 1
        elif len(self._shapes) < _SHAPES:
            self._shapes[shape] = [1, line]

    def close(self, path: str) -> None:
        """Tells at the end of a file what could only be counted."""
        rows: dict[str, int] = {}
        for shape, (count, line) in self._shapes.items():
            for name in shape:
                if name not in _KNOWN and name not in _EXPECTED:
                    rows[name] = rows.get(name, 0) + count
            self._tell_near_keys(shape, f"{path}:{line}")
        for name, count in rows.items():
            what = f"unknown field {excerpt(name, 40)} in {count:,} rows, kept as metadata"
            self.tell("warning", "W-FIELD", what, path, "remove it if it is a slip of the pen")
        self._shapes.clear()
        self._ids.clear()
        self._shared.clear()

    def _tell_near_keys(self, shape: Sequence[str], place: str) -> None:
        folded: dict[str, str] = {_folded(name): name for name in _KNOWN}
        for name in shape:
            other = folded.setdefault(_folded(name), name)
            if other != name:
                what = f"{excerpt(name, 40)} differs from {excerpt(other, 40)} only by case or form"
                self.tell("warning", "W-KEY", what, place, "use one spelling")

    def _id_problem(self, id: str, line: int) -> tuple[str, str, str] | None:
        if len(id) > MAX_ID:
            return "E-ID", f"id has {len(id):,} characters (max {MAX_ID})", "shorten it"
        first = self._ids.get(id)
        if first is None:
            self._ids[id] = line
            return None
        where = f"line {first}" if first else "an earlier row"
        return "E-ID", f"id {excerpt(id, 40)} also at {where}", "give every row its own id"


class RowError(ValueError):
    """Something in a row that JSON allows or a lenient parser lets pass, and we do not."""

    def __init__(self, code: str, message: str, fix: str = "mend the row") -> None:
        super().__init__(message)
        self.code = code
        self.fix = fix


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
            row = {**row, "instruction": folded(row["turns"])}
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
    metadata = {k: v for k, v in row.items() if k not in _KNOWN}
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


def folded(turns: Any) -> str:
    """The user's turns as one utterance. Raises `RowError` where they are no list of texts."""
    if not isinstance(turns, list) or not all(isinstance(t, str) for t in turns):
        raise RowError("E-TYPE", '"turns" is no list of texts', 'write ["first", "second"]')
    try:
        return fold_turns(turns)
    except InputError as error:
        raise RowError("E-EMPTYTEXT", "no turn says anything", "remove the row") from error


def listed(names: Iterable[object]) -> str:
    """The first names that a file uses, for a message."""
    return ", ".join(escaped(str(n)[:40]) for n in islice(names, 6)) or "nothing"


def kind(value: Any) -> str:
    """What a decoded JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")


_MISSING: Any = object()
_SHAPE_FIX = 'each row is {"instruction": "…", "output": "…"}'


def _problem(instruction: str, output: str | None) -> tuple[str, str, str] | None:
    if _VISIBLE.search(instruction) is None:
        return "E-EMPTYTEXT", '"instruction" is empty after trimming', "remove the row"
    if output is not None and not output.strip():
        fix = 'write the answer, none() for "out of scope", or null for "not labelled yet"'
        return "E-EMPTYTEXT", '"output" is empty', fix
    found, name = _UNFIT.search(instruction), "instruction"
    if found is None and output is not None:
        found, name = _UNFIT.search(output), "output"
    if found is None:
        return None
    if found.group() > "\x7f":
        what = f'half a surrogate pair (U+{ord(found.group()):04X}) in "{name}"'
        return "E-SURROGATE", what, "export the file again as UTF-8"
    return "E-CONTROL", f'control character U+{ord(found.group()):04X} in "{name}"', "remove it"


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
    has = listed(keys)
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


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _short(value: Any) -> str:
    return excerpt(str(value), 20)
