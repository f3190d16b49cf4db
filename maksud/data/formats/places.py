"""Which files a command may write: none of those it reads, and none of what it writes beside.

`--force` says that what an earlier command left may go. It never means the rows that are read
now, or what the same command has just put in place, so this is asked before anything is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from maksud.data.dataset import SPLITS
from maksud.data.formats import registry, store
from maksud.data.formats.manifest import is_manifest, read_manifest
from maksud.data.formats.targets import CATALOG_NAMES, REJECTS, split_files, suffix_of
from maksud.errors import InputError, MaksudError


def refuse_over(
    output: str, path: str, things: Mapping[str, str], *, catalogs: bool = True
) -> None:
    """Raises `InputError` where a file at `path` would replace one of the things or a part of one,
    or they could not stand beside each other. `things`: what each is, and where.

    Without `catalogs` it may be the catalog in a directory of data: it is one.
    """
    refuse_nameless(output, path)
    for what, place in things.items():
        if is_part(path, place, catalogs=catalogs) or _is_inside(place, path):
            raise InputError(
                f"{output} would be written over {what}; nothing was written",
                where=path,
                hint="Name another place for it: --force does not mean that",
            )


def refuse_nameless(output: str, path: str) -> None:
    """Raises `InputError` where a path names no file: `-`, which elsewhere means standard output,
    and the empty one, which would mean the folder that one is in."""
    if not path:  # what a shell makes of a variable that nobody set
        raise InputError(f"{output} has no name: '' was given", hint="Name a file")
    if path == "-":
        raise InputError(
            f"{output} is not written to standard output",
            where=path,
            hint="Name a file",
        )


def overlap(target: str, source: str) -> bool:
    """Whether data that is written to one place would replace some of the data at another."""
    return is_part(target, source) or is_part(source, target)


def is_part(path: str, data: str, *, catalogs: bool = True) -> bool:
    """Whether a file at `path` is the data at another, or a file of it: there, or to be written.

    Of a directory those are the files of splits and, with `catalogs`, the catalog; of an export of
    another tool, every file that could be data.
    """
    if any(_is_same(path, own) for own in _own_files(data, catalogs=catalogs)):
        return True
    inner = _inner_name(path, data)
    if not inner:
        return False
    if os.path.isfile(data) or (suffix_of(data) and not os.path.isdir(data) and data[-1] != "/"):
        return True  # below a file
    if inner in CATALOG_NAMES:
        return catalogs
    if any(split_files([inner], split) for split in SPLITS):
        return True
    if store.is_remote(data) or not os.path.isfile(path) or inner.endswith(REJECTS):
        return False
    is_export = any(f.is_directory is not None and f.is_directory(data) for f in registry.FORMATS)
    return is_export and suffix_of(path) in registry.suffixes()


def _own_files(data: str, *, catalogs: bool) -> list[str]:
    """The data itself, and the files of it that are known by name."""
    if store.is_remote(data):
        return [data]
    if is_manifest(data):
        try:
            entries = read_manifest(data).files
        except MaksudError:  # reading the data tells it
            return [data]
        return [data, *(os.path.join(os.path.dirname(data), e.path) for e in entries)]
    there = store.names(data) if os.path.isdir(data) else []
    names = [n for split in SPLITS for n in split_files(there, split)]
    names += [n for n in there if catalogs and n in CATALOG_NAMES]
    return [data, *(os.path.join(data, n) for n in names)]


def _names(path: str) -> set[str]:
    """A path as it is written to and as it is read: a link, and where it leads."""
    if store.is_remote(path):
        return {path.rstrip("/")}
    head, tail = os.path.split(path.rstrip("/") or path)
    if tail in ("", ".", ".."):
        return {os.path.realpath(path)}
    return {os.path.join(os.path.realpath(head), tail), os.path.realpath(path)}


def _is_same(a: str, b: str) -> bool:
    if _names(a) & _names(b):
        return True
    # Where letter case does not count, one file has several names.
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def _inner_name(path: str, directory: str) -> str:
    """The path as seen from a directory; "" where it is not inside."""
    for whole in _names(path):
        for head in _names(directory):
            if whole.startswith(head.rstrip("/") + "/"):
                return whole[len(head.rstrip("/")) + 1 :]
    return ""


def _is_inside(path: str, directory: str) -> bool:
    return bool(_inner_name(path, directory))
