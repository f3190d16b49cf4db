"""Named, immutable versions of datasets, kept in the workspace.

    .maksud/data/
      music@1.json  music@2.json     manifests: what is in it, what it was made from, by what
      objects/9f/9f3a….jsonl         the splits' rows, named by their SHA-256

The same rows are kept once, whichever versions hold them. A version is written whole or not at
all, never changed, and verified when it is read. `diff` says what differs between two datasets.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maksud.data.dataset import SPLITS, Dataset, Example
from maksud.data.formats.files import find_listed, load
from maksud.data.formats.manifest import (
    Entry,
    Manifest,
    check_name,
    parse_manifest,
    read_manifest,
)
from maksud.data.formats.parts.native import write_lines
from maksud.errors import DataError, InputError, NotFoundError, nearest
from maksud.storage import StagedFile, Taken, make_directory, write_file, writing

DIRECTORY = Path(".maksud") / "data"
"""Where a workspace keeps its versions, below the folder that one works in."""

READ_ONLY = 0o444
"""Mode of what is kept."""

_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63})@(?P<version>\d{1,9}|latest)")


class Store:
    """The versions of a workspace. `root` is made when the first version is saved."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = Path(root) if root is not None else workspace() / DIRECTORY

    def save(
        self,
        data: Dataset,
        name: str,
        *,
        made_from: Sequence[str] = (),
        command: str = "",
        note: str = "",
    ) -> tuple[Manifest, bool]:
        """A version of the dataset under a name, and whether it is a new one.

        Rows and catalog that are those of the newest version make no new one. `made_from` names
        versions (`music@2`), which must exist. Raises `DataError` for an unusable name, a dataset
        without rows, or one that would not read back as it is, `NotFoundError` for an unknown
        ancestor, `SystemFault` where the workspace can't be written.
        """
        check_name(name)
        if not len(data):
            raise DataError("there are no examples to keep", where=data.name)
        ancestors = [self.manifest(reference).reference for reference in made_from]
        known = self.versions(name)
        with writing(self.root):
            entries = [
                self._put(split, [e for e in data if (e.split or "train") == split])
                for split in SPLITS
            ]
            files = tuple(e for e in entries if e is not None)
            newest = known[-1] if known else None
            if (
                newest is not None
                and newest.files == files
                and newest.catalog == data.declared_catalog
            ):
                return newest, False
            made = Manifest(
                name,
                newest.version + 1 if newest is not None else 1,
                files,
                catalog=data.declared_catalog,
                made_from=tuple(ancestors),
                command=command,
                note=note,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                fingerprint=data.fingerprint,
                counts={e.split: e.rows for e in files},
            )
            self._verify(made, data)
            while True:
                path = self.root / f"{made.reference}.json"
                try:
                    write_file(path, _text(made), mode=READ_ONLY, replace=False)
                    return made, True
                except Taken:  # another process saved a version meanwhile: versions never change
                    made = replace(made, version=made.version + 1)

    def names(self) -> list[str]:
        """The names that have versions."""
        found = (_REFERENCE.fullmatch(path.stem) for path in self.root.glob("*@*.json"))
        return sorted({match["name"] for match in found if match})

    def versions(self, name: str) -> list[Manifest]:
        """The versions of a name, the oldest first; none for an unknown one. Raises `InputError`
        for the first that can't be read."""
        found, bad = self.look(name)
        if bad:
            raise bad[0]
        return found

    def look(self, name: str) -> tuple[list[Manifest], list[InputError]]:
        """The versions of a name that can be read, the oldest first, and why others can't."""
        found, bad = [], []
        for path in sorted(self.root.glob(f"{check_name(name)}@*.json")):
            if _REFERENCE.fullmatch(path.stem):
                try:
                    found.append(read_manifest(path))
                except InputError as error:
                    bad.append(error)
        return sorted(found, key=lambda m: m.version), bad

    def manifest(self, reference: str) -> Manifest:
        """The version that `music@3`, `music@latest` or `music` names. Raises `NotFoundError`."""
        return read_manifest(self.path(reference))

    def path(self, reference: str) -> Path:
        """The manifest's file of a version: what `load` reads. Raises `NotFoundError`."""
        match = _REFERENCE.fullmatch(reference) or _REFERENCE.fullmatch(reference + "@latest")
        if match is None:
            raise NotFoundError(f"{reference[:70]!r} names no version", hint="Write NAME@NUMBER")
        name, version = match["name"], match["version"]
        known = sorted(
            int(p.stem.rpartition("@")[2])
            for p in self.root.glob(f"{name}@*.json")
            if p.stem.rpartition("@")[2].isdigit()
        )
        if not known:
            raise NotFoundError(
                f"no dataset {name!r} is kept in the workspace",
                where=str(self.root),
                hint=nearest(name, self.names()) + ". Keep one: maksud data save DATA --name NAME",
            )
        number = known[-1] if version == "latest" else int(version)
        if number not in known:
            raise NotFoundError(
                f"{name} has no version {number}",
                where=str(self.root),
                hint="It has " + ", ".join(map(str, known[-8:])),
            )
        return self.root / f"{name}@{number}.json"

    def resolve(self, data: str | os.PathLike[str]) -> str:
        """The path to read: `data` itself where it is one, else the version that it names."""
        place = os.fspath(data)
        if "@" not in place or os.path.exists(place) or not _REFERENCE.fullmatch(place):
            return place
        return str(self.path(place))

    def load(self, reference: str) -> Dataset:
        """The dataset of a version, verified."""
        return load(self.path(reference))

    # ------------------------------------------------------------ writing

    def _put(self, split: str, examples: list[Example]) -> Entry | None:
        """Keeps a split's rows as an object, unless it is there; None for no rows."""
        if not examples:
            return None
        objects = self.root / "objects"
        make_directory(objects)
        with StagedFile(objects / split, READ_ONLY) as staged:
            write_lines(examples, staged.stream)
            staged.stream.seek(0)
            digest = hashlib.file_digest(staged.stream, "sha256").hexdigest()
            name = f"objects/{digest[:2]}/{digest}.jsonl"
            target = self.root / name
            make_directory(target.parent)
            staged.put(target)
        return Entry(name, split, digest, len(examples))

    def _verify(self, made: Manifest, data: Dataset) -> None:
        """Raises `DataError` where a version would not read back as the dataset: before it has a
        name, as what is kept can't be mended."""
        path = str(self.root / f"{made.reference}.json")
        try:
            back = find_listed(parse_manifest(_text(made).encode(), path), path)
        except InputError as error:
            raise DataError(f"{error.message}: nothing was kept", where=data.name) from error
        if back.rejects or _contents(back.dataset) != _contents(data):
            raise DataError(
                "the rows would not read back as they are: nothing was kept",
                where=data.name,
                hint="`maksud check` the data, or write it to a file and read that",
            )


def _text(manifest: Manifest) -> str:
    return json.dumps(manifest.to_json(), ensure_ascii=False, indent=1) + "\n"


def _contents(examples: Iterable[Example]) -> Counter[tuple[str, str, str]]:
    return Counter((e.split or "train", e.instruction, e.output) for e in examples)


def workspace(start: Path | None = None) -> Path:
    """`$MAKSUD_WORKSPACE`, else the nearest folder upwards that has a `.maksud`, else this one."""
    given = os.environ.get("MAKSUD_WORKSPACE")
    if given:
        return Path(given).expanduser()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / ".maksud").is_dir():
            return folder
    return here


# ---------------------------------------------------------------- differences


@dataclass(frozen=True, slots=True)
class Change:
    """An example that differs: `before` and `after` are its (split, output), or None."""

    instruction: str
    before: tuple[str, str] | None
    after: tuple[str, str] | None


@dataclass(frozen=True)
class Difference:
    """What differs between two datasets, example by example, by the exact utterance."""

    added: tuple[Change, ...] = field(repr=False)
    removed: tuple[Change, ...] = field(repr=False)
    relabelled: tuple[Change, ...] = field(repr=False)
    moved: tuple[Change, ...] = field(repr=False)
    same: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "relabelled": len(self.relabelled),
            "moved": len(self.moved),
            "same": self.same,
        }

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        kinds = ("added", "removed", "relabelled", "moved")
        changes = {kind: [_change_json(c) for c in getattr(self, kind)] for kind in kinds}
        return {"counts": self.counts, **changes}


def diff(before: Iterable[Example], after: Iterable[Example]) -> Difference:
    """What was added, removed, given another answer, or moved to another split.

    Rows are told apart by their exact utterance. Of an utterance that stands several times,
    equal rows are paired first, then rows of the same answer, then what is left, in order. A row
    without a split is of train.
    """
    left, right = _by_text(before), _by_text(after)
    added, removed, relabelled, moved = [], [], [], []
    same = 0
    for text in dict.fromkeys([*left, *right]):
        old, new = Counter(left.get(text, ())), Counter(right.get(text, ()))
        common = old & new
        same += common.total()
        olds, news = list((old - common).elements()), list((new - common).elements())
        for row in list(olds):
            twin = next((n for n in news if n[1] == row[1]), None)
            if twin is not None:
                olds.remove(row)
                news.remove(twin)
                moved.append(Change(text, row, twin))
        while olds and news:
            relabelled.append(Change(text, olds.pop(0), news.pop(0)))
        removed += [Change(text, row, None) for row in olds]
        added += [Change(text, None, row) for row in news]
    return Difference(tuple(added), tuple(removed), tuple(relabelled), tuple(moved), same)


def _by_text(examples: Iterable[Example]) -> dict[str, list[tuple[str, str]]]:
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for e in examples:
        found[e.instruction].append((e.split or "train", e.output))  # as `save` keeps them
    return found


def _change_json(change: Change) -> dict[str, Any]:
    out: dict[str, Any] = {"instruction": change.instruction}
    for name in ("before", "after"):
        side = getattr(change, name)
        if side is not None:
            out[name] = {"split": side[0], "output": side[1]}
    return out
