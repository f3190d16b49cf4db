"""Safe fixes: what can be mended without a person, and a diff of all that was mended.

A fix is safe where it can't change what an example teaches: outer white space, line ends, Unicode
composition, characters of zero width, an intent's case or width where the catalog declares one,
rows that stand twice. Utterance and values change together, or not at all. Everything else is
left, and counted.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from maksud.data.checks.base import Clean
from maksud.data.checks.registry import CHECKS
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import format_count
from maksud.data.formats import store
from maksud.data.formats.base import Format
from maksud.data.formats.files import CATALOG_NAMES, write
from maksud.data.formats.places import overlap
from maksud.data.formats.targets import find_standing, refuse_standing
from maksud.errors import CallSyntaxError, DataError, SettingsError
from maksud.language.calls import Argument, Call, format_calls, parse_calls
from maksud.language.catalog import Catalog

if TYPE_CHECKING:
    from maksud.data.checks.run import Checked

DIFF = ".diff"
"""What is added to the name of the fixed data for the diff."""

PARTED = "its value would no longer stand in the utterance"


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
    left: Counter[str] = Counter()
    fixing = _Fixing(catalog or data.declared_catalog, left)
    kept: list[Example] = []
    changes: list[Change] = []
    for example in data:
        mended, kinds = fixing.mended(example)
        gone = next((kinds for goes, kinds in fixing.removes if goes(mended)), ())
        if gone:
            changes.append(Change(example, None, gone))
            continue
        if kinds:
            changes.append(Change(example, mended, kinds))
        kept.append(mended)
    fixed = Dataset(kept, catalog=data.declared_catalog, name=data.name)
    return Fixed(fixed, tuple(changes), dict(left))


class _Fixing:
    """The mends of all checks, ready for one run: texts first, then names, then whole rows."""

    def __init__(self, catalog: Catalog | None, left: Counter[str]) -> None:
        mends = [check.mend for check in CHECKS if check.mend is not None]
        self.left = left
        self._cleans = [m.clean for m in mends if m.clean]
        self._trims = [m.trim for m in mends if m.trim]
        self._spells = [(m.spell(catalog), m.kinds) for m in mends if m.spell]
        self.removes = [(m.remove(left), m.kinds) for m in mends if m.remove]
        texts = sorted(mends, key=lambda m: not (m.clean or m.trim))
        self._order = [kind for m in texts for kind in m.kinds]

    def mended(self, example: Example) -> tuple[Example, tuple[str, ...]]:
        """An example, mended, and the kinds of what was; itself where a value would part."""
        text, kinds = _through(self._trims, *_through(self._cleans, example.instruction))
        output, more, parted = self._output(example, text)
        if parted:
            self.left[PARTED] += 1
            return example, ()
        kinds = kinds | more
        if not kinds:
            return example, ()
        metadata = example.metadata
        if isinstance(turns := metadata.get("turns"), list):
            steps = [*self._cleans, *self._trims]
            metadata = {**metadata, "turns": [_through(steps, str(t))[0] for t in turns]}
        changed = replace(example, instruction=text, output=output, metadata=metadata)
        return changed, tuple(kind for kind in self._order if kind in kinds)

    def _output(self, example: Example, text: str) -> tuple[str, set[str], bool]:
        """The output, the kinds of what was mended, and whether it would part from the text."""
        try:
            calls = parse_calls(example.output)
        except CallSyntaxError:
            return example.output, set(), False  # a fault that needs a person
        kinds: set[str] = set()
        made = []
        for call in calls:
            name = call.intent
            for spell, how in self._spells:
                right = spell(name)
                if right != name:
                    name = right
                    kinds.update(how)
            arguments = []
            for argument in call.arguments:
                value, kinds = _through(self._cleans, argument.value, kinds)
                if argument.value in example.instruction and value not in text:
                    return example.output, set(), True
                arguments.append(Argument(argument.name, value))
            made.append(Call(name, tuple(arguments)))
        return (format_calls(made) if kinds else example.output), kinds, False


def _through(steps: Iterable[Clean], text: str, kinds: Iterable[str] = ()) -> tuple[str, set[str]]:
    found = set(kinds)
    for step in steps:
        text, more = step(text)
        found |= more
    return text, found


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
    overwrite: bool = False,
    again: Callable[[Dataset], Checked] | None = None,
) -> Mended:
    """Applies the safe fixes to data that was checked, writes the result, and checks it again.

    `source` is where it was read from; the result goes to `target`, by default beside the source
    with `-fixed` in its name, or with `in_place` over the source. `again` is how it is checked:
    by default against the same catalog. Raises `DataError` where rows could not be read, which
    would be lost, `SettingsError` where the target may not be overwritten, and, without
    `overwrite`, `InputError` where an earlier result or its diff stands.
    """
    from maksud.data.checks.run import examine

    if checked.rejects:
        first = checked.rejects[0].finding
        raise DataError(
            f"{format_count(len(checked.rejects), 'row')} can't be read and would be lost "
            f"({first.code} {first.message})",
            where=first.place,
            hint="Mend them first, or `maksud convert` the data, which keeps them apart",
        )
    fixed = fix(checked.dataset, catalog=checked.catalog)
    target = source if in_place else target or default_target(source, checked.formats)
    if not in_place and overlap(target, source):
        raise SettingsError("is the data itself", where=target, hint="--in-place writes over it")
    if not overwrite:
        earlier = [] if in_place else find_standing(target)
        diff = target.rstrip("/") + DIFF
        refuse_standing(
            [*earlier, *([diff] if store.exists(diff) else [])],
            "Name another --out, or replace it with --force",
        )
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
    own = all(map(_holds_all, formats))
    if in_place and not own:
        raise SettingsError(
            "a format that does not hold all of a row is not mended in place",
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
    unseen = {kind for check in CHECKS if check.mend for kind in check.mend.unseen}
    file = None
    for change in changes:
        before, after = change.before, change.after
        if before.source != file:
            file = before.source
            out.write(f"--- {file}\n+++ {file} (fixed)\n".encode())
        out.write(f"@@ line {before.line}: {', '.join(change.kinds)} @@\n".encode())
        plain = unseen.isdisjoint(change.kinds)
        for sign, example in (("-", before), ("+", after)):
            if example is not None:
                row = {"instruction": example.instruction, "output": example.output}
                out.write(f"{sign}{json.dumps(row, ensure_ascii=not plain)}\n".encode())


def _holds_all(format: Format) -> bool:
    """Whether all of a row has a place in it, so that a file can be replaced by a mended one."""
    return format.holds_all


def default_target(source: str, formats: Sequence[Format]) -> str:
    """Where fixed data goes when nobody says: beside the source, with `-fixed` in its name.

    JSON and JSON Lines stay what they are; everything else becomes JSON Lines.
    """
    stem, suffix = os.path.splitext(source.rstrip("/"))
    own = all(map(_holds_all, formats))
    return f"{stem}-fixed{suffix if own else '.jsonl'}"


def possible_targets(source: str, out: str = "", *, in_place: bool = False) -> list[str]:
    """Where `mend` may write data, as far as it is known before the data's formats are."""
    if in_place or out:
        return [source if in_place else out]
    stem, suffix = os.path.splitext(source.rstrip("/"))
    return list(dict.fromkeys(f"{stem}-fixed{ending}" for ending in (suffix, ".jsonl")))


def _copy(source: str, target: str, staging: store.Staging) -> None:
    with store.open_binary(source) as file, staging.file(target) as out:
        while chunk := file.read(1 << 20):
            out.write(chunk)
