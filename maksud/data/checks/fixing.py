"""Safe fixes: what can be mended without a person, and a diff of all that was mended.

A fix is safe where it can't change what an example teaches: outer white space, line ends, Unicode
composition, characters of zero width, an intent's case or width where the catalog declares one,
rows that stand twice. Utterance and values change together, or not at all. Everything else is
left, and counted.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from maksud.data.checks.names import cased
from maksud.data.checks.text import hidden
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import counted
from maksud.data.formats import store
from maksud.data.formats.base import Format
from maksud.data.formats.files import CATALOG_NAMES, write
from maksud.errors import CallSyntaxError, DataError, SettingsError
from maksud.language.calls import Argument, Call, format_calls, parse_calls
from maksud.language.catalog import Catalog

if TYPE_CHECKING:
    from maksud.data.checks.run import Checked

DIFF = ".diff"
"""What is added to the name of the fixed data for the diff."""

SPACE, ENDS, COMPOSED, WIDTH, SPELLING, TWICE = (
    "outer white space",
    "line ends",
    "Unicode composition (NFC)",
    "zero-width characters",
    "spelling of an intent",
    "exact duplicate",
)
PARTED = "its value would no longer stand in the utterance"
NOT_ALIKE = "a duplicate that differs in id, annotator or metadata"

OVERWRITTEN = ("json", "jsonl")
"""Formats that hold all of a row, so that a file of it can be replaced by a mended one."""

_ZERO_WIDTH = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")


@dataclass(frozen=True, slots=True)
class Change:
    """An example that was mended (`after`), or removed (None); `kinds` says how."""

    before: Example
    after: Example | None
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Fixed:
    """The mended dataset, what was changed, and what could have been and was not, by reason."""

    dataset: Dataset
    changes: tuple[Change, ...]
    left: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many examples were changed, by kind."""
        return dict(Counter(kind for change in self.changes for kind in change.kinds))


def fix(data: Dataset, *, catalog: Catalog | None = None) -> Fixed:
    """Applies the safe fixes. `catalog`: the one to spell by, instead of the declared one."""
    declared = catalog or data.declared_catalog
    spelled = {cased(name): name for name in declared.names} if declared else {}
    if declared and len(spelled) < len(declared):  # names that differ by case alone on purpose
        spelled = {}
    kept: list[Example] = []
    changes: list[Change] = []
    left: Counter[str] = Counter()
    seen: dict[int, list[Example]] = {}
    for example in data:
        mended, kinds = _mended(example, spelled, declared, left)
        twin = _twin(mended, seen, left)
        if twin:
            changes.append(Change(example, None, (TWICE,)))
            continue
        if kinds:
            changes.append(Change(example, mended, kinds))
        kept.append(mended)
    fixed = Dataset(kept, catalog=data.declared_catalog, name=data.name)
    return Fixed(fixed, tuple(changes), dict(left))


def _mended(
    example: Example, spelled: Mapping[str, str], declared: Catalog | None, left: Counter[str]
) -> tuple[Example, tuple[str, ...]]:
    text, kinds = _clean(example.instruction)
    stripped = text.strip()
    if stripped != text:
        kinds.add(SPACE)
    output, more, parted = _clean_output(example, stripped, spelled, declared)
    if parted:
        left[PARTED] += 1
        return example, ()
    kinds |= more
    if not kinds:
        return example, ()
    metadata = example.metadata
    if isinstance(turns := metadata.get("turns"), list):
        metadata = {**metadata, "turns": [_clean(t)[0].strip() for t in map(str, turns)]}
    mended = replace(example, instruction=stripped, output=output, metadata=metadata)
    order = (SPACE, ENDS, COMPOSED, WIDTH, SPELLING)
    return mended, tuple(kind for kind in order if kind in kinds)


def _clean(text: str) -> tuple[str, set[str]]:
    """A text without what is never meant, and the kinds of what was mended."""
    kinds = set()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kinds.add(ENDS)
    if text.isascii():
        return text, kinds
    gone = {at for at in hidden(text) if text[at] in _ZERO_WIDTH}
    if gone:
        text = "".join(c for at, c in enumerate(text) if at not in gone)
        kinds.add(WIDTH)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        text = composed
        kinds.add(COMPOSED)
    return text, kinds


def _clean_output(
    example: Example, text: str, spelled: Mapping[str, str], declared: Catalog | None
) -> tuple[str, set[str], bool]:
    """The output, the kinds of what was mended, and whether it would part from the utterance."""
    try:
        calls = parse_calls(example.output)
    except CallSyntaxError:
        return example.output, set(), False  # a fault that needs a person
    kinds: set[str] = set()
    made = []
    for call in calls:
        name = call.intent
        if declared is not None and name not in declared and cased(name) in spelled:
            name = spelled[cased(name)]
            kinds.add(SPELLING)
        arguments = []
        for argument in call.arguments:
            value, how = _clean(argument.value)
            kinds |= how
            if argument.value in example.instruction and value not in text:
                return example.output, set(), True
            arguments.append(Argument(argument.name, value))
        made.append(Call(name, tuple(arguments)))
    return (format_calls(made) if kinds else example.output), kinds, False


def _twin(example: Example, seen: dict[int, list[Example]], left: Counter[str]) -> bool:
    """Whether the same row was there before; counts those that are nearly the same row."""
    key = hash((example.split, example.instruction, example.output))
    others = seen.setdefault(key, [])
    same = [o for o in others if _row(o)[:3] == _row(example)[:3]]
    if any(_row(o) == _row(example) for o in same):
        return True
    left[NOT_ALIKE] += bool(same)
    others.append(example)
    return False


def _row(e: Example) -> tuple[Any, ...]:
    return e.split, e.instruction, e.output, e.id, e.annotator, dict(e.metadata)


@dataclass(frozen=True)
class Mended:
    """What `mend` did: the changes, where the data and the diff are, and what is left to do."""

    fixed: Fixed
    target: str
    diff: str
    after: Checked
    """The mended dataset, checked again."""

    @property
    def summary(self) -> str:
        """What was done and what was left, in one line."""
        done = ", ".join(f"{kind} {n:,}" for kind, n in self.fixed.counts.items()) or "nothing"
        text = f"Fixed: {done}. Wrote {self.target} and {self.diff}."
        left = {**self.fixed.left, **self.after.findings.codes}
        if left:
            text += " Left as it is: " + ", ".join(f"{k} {n:,}" for k, n in left.items()) + "."
        return text

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "changed": self.fixed.counts,
            "left": dict(self.fixed.left),
            "data": self.target,
            "diff": self.diff,
        }


def mend(
    checked: Checked,
    source: str,
    target: str = "",
    *,
    in_place: bool = False,
    again: Callable[[Dataset], Checked] | None = None,
) -> Mended:
    """Applies the safe fixes to data that was checked, writes the result, and checks it again.

    `source` is where it was read from; the result goes to `target`, by default beside the source
    with `-fixed` in its name, or with `in_place` over the source. `again` is how it is checked:
    by default against the same catalog. Raises `DataError` where rows could not be read, which
    would be lost, and `SettingsError` where the target may not be overwritten.
    """
    from maksud.data.checks.run import examine

    if checked.rejects:
        first = checked.rejects[0].finding
        raise DataError(
            f"{counted(len(checked.rejects), 'row')} can't be read and would be lost ({first.code} "
            f"{first.message})",
            where=first.place,
            hint="Mend them first, or `maksud convert` the data, which keeps them apart",
        )
    fixed = fix(checked.dataset, catalog=checked.catalog)
    target = source if in_place else target or default_target(source, checked.formats)
    if os.path.realpath(target) == os.path.realpath(source) and not in_place:
        raise SettingsError("is the data itself", where=target, hint="--in-place writes over it")
    diff = save_fixed(fixed, checked.dataset, checked.formats, source, target)
    if again is None:
        after = examine(fixed.dataset, catalog=checked.catalog, limit=checked.findings.limit)
    else:
        after = again(fixed.dataset)
    return Mended(fixed, target, diff, after)


# ---------------------------------------------------------------- files


def save_fixed(
    fixed: Fixed, before: Dataset, formats: Sequence[Format], source: str, target: str
) -> str:
    """Writes the mended files to `target` (which may be `source`) and the diff beside it.

    `source` is the file or directory that `before` was read from, in `formats`. Files without a
    change, and a catalog beside them, keep their bytes. Everything appears together or not at
    all. Returns the path of the diff. Raises `SettingsError` where `source` may not be
    overwritten: a kept version never changes, and of a foreign format something would be lost.
    """
    in_place = os.path.realpath(source) == os.path.realpath(target)
    if in_place and before.version:
        raise SettingsError(
            f"{before.version} is a kept version, which never changes",
            hint="Name an output with --out, then keep it: maksud data save",
        )
    own = {format.name for format in formats} <= set(OVERWRITTEN)
    if in_place and not own:
        raise SettingsError(
            f"only {' and '.join(OVERWRITTEN)} are mended in place",
            where=source,
            hint="Name an output, as --out FILE.jsonl",
        )
    diff = target.rstrip("/") + DIFF
    with store.Staging() as staging:
        if own and store.is_directory(source):
            _save_directory(fixed, before, source, target, staging)
        elif fixed.changes or not in_place:
            _write(fixed.dataset, target, staging)
        with staging.file(diff) as out:
            write_diff(fixed.changes, out)
    return diff


def _save_directory(
    fixed: Fixed, before: Dataset, source: str, target: str, staging: store.Staging
) -> None:
    """File by file: what has no change keeps its bytes, and so does the catalog."""
    changed = {change.before.source for change in fixed.changes}
    for file in dict.fromkeys(example.source for example in before):
        place = store.join(target, os.path.basename(file))
        if file in changed:
            part = [e for e in fixed.dataset if e.source == file]
            _write(Dataset(part, catalog=fixed.dataset.declared_catalog), place, staging)
        elif place != file:
            _copy(file, place, staging)
    for name in CATALOG_NAMES:
        catalog = store.join(source, name)
        if catalog != store.join(target, name) and store.exists(catalog):
            _copy(catalog, store.join(target, name), staging)


def _write(data: Dataset, target: str, staging: store.Staging) -> None:
    if not len(data):
        raise DataError("no row would be left", where=target)
    written = write(data, target, staging)
    if written.rejects:
        first = written.rejects[0].finding
        raise DataError(
            f"{written.format.name} has no place for a row: {first.message}",
            where=first.place,
            hint="Name an output of another format, as --out FILE.jsonl",
        )


def write_diff(changes: Iterable[Change], out: IO[bytes]) -> None:
    """The changes as people read them: a unified diff of rows as JSON, without context.

    Characters that do not show, or look alike, are written as escapes.
    """
    file = None
    for change in changes:
        before, after = change.before, change.after
        if before.source != file:
            file = before.source
            out.write(f"--- {file}\n+++ {file} (fixed)\n".encode())
        out.write(f"@@ line {before.line}: {', '.join(change.kinds)} @@\n".encode())
        plain = not {COMPOSED, WIDTH} & set(change.kinds)
        for sign, example in (("-", before), ("+", after)):
            if example is not None:
                row = {"instruction": example.instruction, "output": example.output}
                out.write(f"{sign}{json.dumps(row, ensure_ascii=not plain)}\n".encode())


def default_target(source: str, formats: Sequence[Format]) -> str:
    """Where fixed data goes when nobody says: beside the source, with `-fixed` in its name.

    JSON and JSON Lines stay what they are; everything else becomes JSON Lines.
    """
    stem, suffix = os.path.splitext(source.rstrip("/"))
    own = {format.name for format in formats} <= set(OVERWRITTEN)
    return f"{stem}-fixed{suffix if own else '.jsonl'}"


def _copy(source: str, target: str, staging: store.Staging) -> None:
    with store.open_binary(source) as file, staging.file(target) as out:
        while chunk := file.read(1 << 20):
            out.write(chunk)
