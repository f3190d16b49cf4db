"""What comes out of a file: examples, findings, and rejected rows with their reason.

`Reading.add` is the one door: an example comes in, or a reject with its place, its reason and its
original bytes; nothing is ever silently gone.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.data.dataset import SPLITS, Example
from maksud.data.findings import Finding, Findings, Level, excerpt, format_count
from maksud.data.suggestions import accepted, is_suggested
from maksud.errors import nearest
from maksud.language.catalog import Catalog

MAX_ID = 128
"""Longest id of a row, in characters."""

KNOWN = frozenset({"instruction", "output", "id", "split", "annotator"})
"""Fields of a native row; everything else is metadata."""
METADATA = frozenset(
    {"turns", "replies", "system", "prompt", "reply", "language", "values", "answers", "stage"}
    | {"weight", "time", "timestamp", "created_at"}
    | {"pair", "kind", "counters", "acting", "suggestion", "accept"}
)
"""Metadata that formats give, or checks look at: not worth a warning."""
SPLIT_NAMES = {
    "training": "train",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "testing": "test",
    "train": "train",
    "dev": "dev",
    "test": "test",
}
"""What a split is called, in a row's field and in a file's name, and which one it is."""
_VISIBLE = re.compile(r"[^\s\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_UNFIT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_SHAPES = 1000
"""Distinct sets of extra fields that are counted one by one; a file with more is told of these."""
_SHARED = 1 << 16
"""Answers repeat: so many distinct ones are kept once for all their examples."""

Row = str | bytes
"""A row as it stood in its file."""
Original = Row | Callable[[], Row]
"""The same, or what makes it: asked for at once, and only where the row is rejected."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that can't be used: the finding about it, and its original bytes."""

    finding: Finding
    original: Row

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
    further: int = 0
    """Examples beyond the first of rows that gave several."""
    _parted: int = 0
    _ids: dict[str, int] = field(default_factory=dict)
    _shapes: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    _shared: dict[str, str] = field(default_factory=dict)
    _weights: int = 0
    _suggested: int = 0
    _first_suggested: str = ""

    def refuse(self, place: str, error: RowError, original: Original) -> None:
        """Rejects a row for what reading it raised."""
        self.reject(place, error.code, str(error), error.fix, original)

    def reject(self, place: str, code: str, message: str, fix: str, original: Original) -> None:
        """Records a row that can't be used, with the reason."""
        finding = Finding("error", code, message, place=place, fix=fix)
        self.findings.append(finding)
        self.rejects.append(Reject(finding, original() if callable(original) else original))

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
        if not output and metadata and is_suggested(output, metadata):
            output, metadata = self._decide(metadata, f"{source}:{line}")
        problem = _problem(instruction, output)
        if problem is None and split not in SPLITS and split:
            split = SPLIT_NAMES.get(split.strip().casefold(), split)
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

    def add_parts(self, adds: Sequence[Callable[[], object]]) -> None:
        """Adds the examples of one row: all of them, or none where one is rejected."""
        examples, rejects = len(self.examples), len(self.rejects)
        for add in adds:
            add()
            if len(self.rejects) > rejects:
                del self.examples[examples:]
                return
        self.further += len(adds) - 1
        self._parted += len(adds) > 1

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

    def _decide(
        self, metadata: Mapping[str, Any], place: str
    ) -> tuple[str | None, Mapping[str, Any]]:
        """Answer and metadata of a suggested row: without an answer where nobody accepted it."""
        answered = accepted(metadata)
        if answered is None:
            self._suggested += 1
            self._first_suggested = self._first_suggested or place
            return None, metadata
        return answered

    def note_weight(self) -> None:
        """Counts a row that says how much it should weigh; `close` tells them."""
        self._weights += 1

    def close(self, path: str) -> None:
        """Tells at the end of a file what could only be counted."""
        rows: dict[str, int] = {}
        for shape, (count, line) in self._shapes.items():
            for name in shape:
                if name not in KNOWN and name not in METADATA:
                    rows[name] = rows.get(name, 0) + count
            self._tell_near_keys(shape, f"{path}:{line}")
        for name, count in rows.items():
            what = f"unknown field {excerpt(name, 40)} in {count:,} rows, kept as metadata"
            fix = "remove it if it is a slip of the pen"
            if name == "input":
                fix = "if it is the utterance, as in Alpaca's rows, say --format alpaca"
            self.tell("warning", "W-FIELD", what, path, fix)
        if self._weights:
            what = f"{self._weights:,} rows say a weight: training gives every row the same"
            self.tell("info", "I-WEIGHT", what, path, "repeat what should count more")
            self._weights = 0
        if self._parted:
            what = (
                f"{self._parted:,} conversations have several turns that were answered by calls: "
                f"{self._parted + self.further:,} examples, each with the turns that were open"
            )
            self.tell("info", "I-CLOSED", what, path)
            self._parted = 0
        if self._suggested:
            what = f"{format_count(self._suggested, 'suggestion')} not accepted: without answer"
            fix = 'read each, and write "yes" as its "accept", or remove the row'
            self.tell("info", "I-SUGGESTED", what, self._first_suggested, fix)
            self._suggested, self._first_suggested = 0, ""
        self._shapes.clear()
        self._ids.clear()
        self._shared.clear()

    def _tell_near_keys(self, shape: Sequence[str], place: str) -> None:
        folded: dict[str, str] = {_folded(name): name for name in KNOWN}
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


def _problem(instruction: str, output: str | None) -> tuple[str, str, str] | None:
    if _VISIBLE.search(instruction) is None:
        return "E-EMPTYTEXT", '"instruction" is empty after trimming', "remove the row"
    if output is not None and not output.strip():
        fix = 'write the answer, none() for "out of scope", or null for "not labelled yet"'
        return "E-EMPTYTEXT", '"output" is empty', fix
    # What is printable has none of them, and is told ten times as fast.
    found, name = None, "instruction"
    if not instruction.isprintable():
        found = _UNFIT.search(instruction)
    if found is None and output is not None and not output.isprintable():
        found, name = _UNFIT.search(output), "output"
    if found is None:
        return None
    if found.group() > "\x7f":
        what = f'half a surrogate pair (U+{ord(found.group()):04X}) in "{name}"'
        return "E-SURROGATE", what, "export the file again as UTF-8"
    return "E-CONTROL", f'control character U+{ord(found.group()):04X} in "{name}"', "remove it"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
