"""A manifest: one JSON file that names the files of a dataset, each with its SHA-256 and rows.

    {"format": "maksud-data/1", "name": "music", "version": 3, "files": [
      {"path": "objects/9f…", "split": "train", "sha256": "9f…", "rows": 1200}, …],
     "catalog": {…}, "made_from": ["music@2"], "command": "maksud convert …", …}

All or nothing: a manifest with one entry that does not hold is refused whole. Files stand in the
manifest's own folder. `versions` writes manifests; anybody else may.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maksud.data.dataset import SPLITS
from maksud.errors import DataError, nearest
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_from_json, catalog_to_json

FORMAT = "maksud-data/1"
"""Version of the manifest's shape."""

LARGEST = 4 << 20
"""A manifest has at most so many bytes."""

_ITS_FORMAT = re.compile(rb'\s*\{[^{]*"format"\s*:\s*"maksud-data/')
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a dataset: where it is (relative), its split, content and number of rows."""

    path: str
    split: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """See the module. `made_from` names other versions; `command` is what made this one."""

    name: str
    version: int
    files: tuple[Entry, ...]
    catalog: Catalog | None = None
    made_from: tuple[str, ...] = ()
    command: str = ""
    note: str = ""
    created: str = ""
    fingerprint: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def to_json(self) -> dict[str, Any]:
        """The manifest as it stands in its file."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "created": self.created,
            "made_from": list(self.made_from),
            "command": self.command,
            "note": self.note,
            "fingerprint": self.fingerprint,
            "counts": dict(self.counts),
            "files": [
                {"path": e.path, "split": e.split, "sha256": e.sha256, "rows": e.rows}
                for e in self.files
            ],
            "catalog": catalog_to_json(self.catalog) if self.catalog is not None else None,
        }


def check_name(name: str) -> str:
    """The name, if it can stand in a file's name. Raises `DataError`."""
    if not _NAME.fullmatch(name):
        raise DataError(
            f"E-NAME {name[:70]!r} can't name a dataset",
            hint="Letters, digits, . _ - (64 at most), a letter or digit first",
        )
    return name


def is_manifest(path: str | os.PathLike[str]) -> bool:
    """Whether a file says of itself that it is a manifest."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(400)
    except OSError:
        return False
    return _ITS_FORMAT.match(head) is not None


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """The manifest in a file, its entries checked but not yet their content.

    Raises `DataError` (`E-MANIFEST`) for anything that does not hold, with the entry's number.
    """
    where = os.fspath(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)  # never more of it than that
    except OSError as error:
        raise _bad(where, f"can't be read ({error.strerror or error})") from error
    return parse_manifest(raw, where)


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """The manifest that a file at `where` holds, or will hold. Raises as `read_manifest` does."""
    if len(raw) > LARGEST:
        raise _bad(where, f"the manifest is larger than {LARGEST >> 20} MiB")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise _bad(f"{where}:{line}", f"is not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _bad(where, f"expected the format {FORMAT!r}")
    listed = content.get("files")
    if not isinstance(listed, list) or not listed:
        raise _bad(where, "it lists no files")
    entries = [_entry(item, k, where) for k, item in enumerate(listed, 1)]
    _refuse_collisions(entries, where)
    catalog = content.get("catalog")
    try:
        return Manifest(
            name=check_name(str(content["name"])),
            version=int(content["version"]),
            files=tuple(entries),
            catalog=catalog_from_json(catalog, where) if catalog is not None else None,
            made_from=tuple(map(str, content.get("made_from") or ())),
            command=str(content.get("command") or ""),
            note=str(content.get("note") or ""),
            created=str(content.get("created") or ""),
            fingerprint=str(content.get("fingerprint") or ""),
            counts={str(k): int(v) for k, v in (content.get("counts") or {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _bad(where, f"a field is missing or of the wrong kind ({error!r})") from error


def verify_files(manifest: Manifest, path: str | os.PathLike[str]) -> list[tuple[str, Path]]:
    """(split, file) of every entry, its content equal to what the manifest says.

    Raises `DataError` (`E-MANIFEST`) for a file that is missing, a link, outside the manifest's
    folder, or of other content.
    """
    where = os.fspath(path)
    folder = Path(path).resolve().parent
    found = []
    for number, entry in enumerate(manifest.files, 1):
        file = folder / entry.path
        if file.is_symlink() or not file.resolve().is_relative_to(folder):
            raise _bad(where, f"entry {number}: path {entry.path!r} leaves the dataset's folder")
        if not file.is_file():
            raise _bad(where, f"entry {number}: {entry.path} is missing", "Restore the file")
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != entry.sha256:
            raise _bad(
                where,
                f"{entry.path} sha256 differs (expected {entry.sha256[:12]}…, got {digest[:12]}…)",
                "The file was changed: restore it, or save a new version",
            )
        found.append((entry.split, file))
    return found


def check_rows(manifest: Manifest, rows: Sequence[int], path: str | os.PathLike[str]) -> None:
    """Raises `DataError` where a file has another number of rows than its entry says."""
    for entry, found in zip(manifest.files, rows, strict=True):
        if entry.rows != found:
            raise _bad(os.fspath(path), f"{entry.path} has {found:,} rows, expected {entry.rows:,}")


def _entry(item: Any, number: int, where: str) -> Entry:
    fields = ("path", "split", "sha256", "rows")
    if not isinstance(item, Mapping) or any(f not in item for f in fields):
        raise _bad(where, f"entry {number}: expected {', '.join(fields)}")
    path, split, digest, rows = (item[f] for f in fields)
    if not isinstance(path, str) or not path or "\x00" in path:
        raise _bad(where, f"entry {number}: path is no text")
    parts = re.split(r"[/\\]", path)
    if path.startswith(("/", "\\", "~")) or ".." in parts or ":" in parts[0]:
        raise _bad(where, f"entry {number}: path {path!r} leaves the dataset's folder")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise _bad(where, f"entry {number}: sha256 is not 64 hexadecimal digits")
    if split not in SPLITS:
        raise _bad(where, f"entry {number}: split {split!r}", nearest(str(split), SPLITS))
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise _bad(where, f"entry {number}: rows is not a count")
    return Entry(path, split, digest, rows)


def _refuse_collisions(entries: Sequence[Entry], where: str) -> None:
    """One file may be several splits: content names the files, and splits may be of the same."""
    seen: dict[str, list[Entry]] = {}
    for entry in entries:
        standing = seen.setdefault(entry.path.casefold(), [])
        for other in standing:
            same = replace(other, split=entry.split) == entry
            if not same or other.split == entry.split:
                raise _bad(
                    where,
                    f"{other.path!r} and {entry.path!r} collide: a file is listed once a split",
                )
        standing.append(entry)


def _bad(where: str, what: str, hint: str = "Nothing of it was read") -> DataError:
    return DataError(f"E-MANIFEST {what}", where=where, hint=hint)
