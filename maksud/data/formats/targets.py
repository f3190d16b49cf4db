"""Where data is read from and written to by name: files of splits, catalogs, and what stands there.

A directory of data has a file a split and a catalog beside them. Nothing that stands is written
over unless a person says so (`refuse_standing`), and no directory is left that mixes two data sets
(`refuse_mixed`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from maksud.data.dataset import SPLITS, Dataset, Example
from maksud.data.formats import registry, store
from maksud.data.formats.base import Format
from maksud.data.formats.parts.reading import SPLIT_NAMES
from maksud.data.formats.registry import format_named
from maksud.errors import DataError, InputError, SettingsError

CATALOG_NAMES = ("catalog.yaml", "catalog.yml", "catalog.toml")
REJECTS = ".rejects.jsonl"
"""Ending of the file of rejects, after the target's name."""


def suffix_of(path: str) -> str:
    """The ending of a path's name, lower case, with its dot."""
    return os.path.splitext(path.rsplit("/", 1)[-1])[1].lower()


def is_file_name(place: str) -> bool:
    """Whether a target is a file: it has an ending, and is no directory yet."""
    return bool(suffix_of(place)) and not place.endswith("/") and not store.is_directory(place)


def split_files(there: Iterable[str], split: str) -> list[str]:
    """The names among those of a directory that are a file of the split."""
    endings = registry.suffixes()
    found = []
    for name in there:
        stem, ending = os.path.splitext(name)
        if ending.lower() in endings and SPLIT_NAMES.get(stem.casefold()) == split:
            found.append(name)
    return found


def split_file(place: str, there: Sequence[str], split: str) -> str | None:
    """The name of the one file of a split in a directory. Raises `DataError` for several."""
    files = split_files(there, split)
    if len(files) > 1:
        raise DataError(
            f"there are several files of the {split} split: {', '.join(files)}",
            where=place,
            hint="Keep one of them, or give the file to read",
        )
    return files[0] if files else None


def unread_files(there: Sequence[str], read: Iterable[str]) -> list[str]:
    """Names of data files in a directory that are no split, so that nothing reads them."""
    endings = set(registry.suffixes()) - {".txt", ".yml", ".yaml"}
    taken = {*read, *CATALOG_NAMES}
    return [
        n
        for n in there
        if n not in taken and suffix_of(n) in endings and not n.endswith(REJECTS) and n[0] != "."
    ]


def target_format(path: str | os.PathLike[str], format: str = "") -> Format:
    """The format that a target is written in: the named one, else that of the file's name, else
    (a directory) JSON. Raises `SettingsError` where nothing is written so."""
    place = os.fspath(path)
    here = not store.is_remote(place) and os.path.exists(place)
    if here and not suffix_of(place) and not os.path.isdir(place):
        raise SettingsError(
            "is a file, and a target without an ending is a directory of splits",
            where=place,
            hint="Name a file with an ending, such as .json, or another directory",
        )
    if format:
        chosen = format_named(format)
    elif not is_file_name(place):
        chosen = format_named(registry.DEFAULT)
    else:
        suffix = suffix_of(place)
        fitting = [f for f in registry.FORMATS if suffix in f.suffixes and f.write]
        if not fitting:
            raise SettingsError(
                f"no format is written to {suffix!r} files",
                hint=f"Use {', '.join(registry.written_suffixes())}, or name the format",
            )
        chosen = fitting[0]
    if chosen.write is None:
        raise SettingsError(
            f"format {chosen.name!r} can be read, not written",
            hint="Written are " + ", ".join(f.name for f in registry.FORMATS if f.write),
        )
    return chosen


def target_files(
    dataset: Dataset, place: str, chosen: Format
) -> list[tuple[str, Sequence[Example]]]:
    """The files that a dataset is written to at a place, each with its examples."""
    if is_file_name(place):
        return [(place, dataset.examples)]
    ending = chosen.ending or chosen.suffixes[0]
    there = store.names(place)
    parts: list[tuple[str, Sequence[Example]]] = []
    for split in SPLITS:
        examples = [e for e in dataset if (e.split or "train") == split]
        name = next((n for n in split_files(there, split) if suffix_of(n) == ending), "")
        if examples:
            parts.append((store.join(place, name or f"{split}{ending}"), examples))
    return parts


def find_standing(place: str) -> list[str]:
    """What stands where data is to be written: the file, or a directory's files of splits."""
    if is_file_name(place):
        return [place] if store.exists(place) else []
    there = store.names(place)
    return [store.join(place, n) for split in SPLITS for n in split_files(there, split)]


def refuse_standing(
    paths: Sequence[str],
    hint: str = "Name another target, add to it with --append, or replace it with --force",
) -> None:
    """Raises `InputError` where there are paths: what stands there would be written over."""
    if paths:
        names = ", ".join(os.path.basename(p) for p in paths[1:])
        raise InputError(
            "there is something already, and nothing was written"
            + (f" (beside it {names})" if names else ""),
            where=paths[0],
            hint=hint,
        )


def refuse_mixed(targets: Iterable[str], place: str) -> None:
    """Raises `InputError` where a split's file would stay beside those that are written: the
    directory would hold two data sets, or two files of one split."""
    left = sorted(set(find_standing(place)) - set(targets))
    if left:
        raise InputError(
            "is of other data, and this conversion writes none in its place: the directory would "
            "mix two data sets; nothing was written",
            where=left[0],
            hint="Remove it, or name a new directory",
        )


def catalog_beside(place: str) -> str:
    """The catalog of the directory in which data is written; "" where it has none."""
    if is_file_name(place):
        head, slash, _ = place.rpartition("/")
        folder = head or slash
        if not store.is_remote(place):
            folder = os.path.dirname(place)
    else:
        folder = place
    there = store.names(folder)
    name = next((c for c in CATALOG_NAMES if c in there), "")
    return store.join(folder, name) if name else ""
