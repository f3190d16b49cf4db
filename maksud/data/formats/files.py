"""Opens and writes data wherever and in whatever format it is: a file, or a directory of splits.

`read` collects findings and rejects; `load` refuses data with errors; `write` and `save` put
files in place whole or not at all. The format is told from the content, not from the name.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maksud.data.dataset import SPLITS, Dataset, Example
from maksud.data.findings import Finding, Findings, excerpt
from maksud.data.formats import registry, store
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.elsewhere import refuse_elsewhere
from maksud.data.formats.manifest import (
    Manifest,
    check_rows,
    is_manifest,
    read_manifest,
    verify_files,
)
from maksud.data.formats.parts.reading import Reading, Reject
from maksud.data.formats.parts.source import Source
from maksud.data.formats.registry import format_named
from maksud.data.formats.targets import (
    CATALOG_NAMES as CATALOG_NAMES,
)
from maksud.data.formats.targets import (
    is_file_name,
    split_file,
    suffix_of,
    target_files,
    target_format,
    unread_files,
)
from maksud.errors import CatalogError, DataError, SettingsError
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import format_catalog, load_catalog

Tick = Callable[[str, float], None]


@dataclass
class Found:
    """What reading a path gave: the dataset, its findings and rejects, the formats met."""

    dataset: Dataset
    findings: Findings
    rejects: list[Reject]
    formats: tuple[Format, ...]


@dataclass
class Written:
    """What writing gave: how many examples, in which format, and what had no place in it."""

    examples: int
    format: Format
    findings: Findings = field(default_factory=Findings)
    rejects: list[Reject] = field(default_factory=list)


def load(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str = "",
    options: Options | None = None,
) -> Dataset:
    """The dataset at `path`: a file of any of `registry.FORMATS`, a directory with
    `train.json` and, if there, `dev.json`, `test.json` and `catalog.yaml`, or a manifest; local or
    an fsspec URL.

    Raises `DataError` at the first row that can't be used, and says how many more there are.
    """
    dataset, findings, rejects = read(path, name=name, format=format, options=options)
    errors = findings.counts["error"]
    if errors:
        first = rejects[0].finding if rejects else findings[0]
        more = f" ({errors - 1:,} more errors)" if errors > 1 else ""
        raise DataError(
            f"{first.code} {first.message}{more}",
            where=first.place,
            hint=f"{first.fix[:1].upper()}{first.fix[1:]}; `maksud check` shows all",
        )
    return dataset


def read(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str = "",
    options: Options | None = None,
    tick: Tick | None = None,
) -> tuple[Dataset, Findings, list[Reject]]:
    """The dataset, the findings of reading it, and the rejected rows.

    `format` forces one of `registry.FORMATS` by name. `tick` is told file and share read, now
    and then. Raises `DataError` only where nothing can be read at all.
    """
    found = find(path, name=name, format=format, options=options, tick=tick)
    return found.dataset, found.findings, found.rejects


def find(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str = "",
    options: Options | None = None,
    tick: Tick | None = None,
) -> Found:
    """As `read`, with the formats that were met."""
    place = os.fspath(path)
    options = options or Options()
    name = name or _name(place)
    if is_manifest(place):
        return find_listed(read_manifest(place), place, options, format, tick)
    if not store.is_directory(place):
        readings = [_read_file(place, options, format, tick)]
        return _found(readings, place, name, None)
    there = store.names(place)
    files = [(split, f) for split in SPLITS if (f := split_file(place, there, split))]
    if not files:
        return _found([_read_directory(place, there, options, format)], place, name, None)
    catalog = next((c for c in CATALOG_NAMES if c in there), None)
    declared = load_catalog_at(store.join(place, catalog)) if catalog else None
    options = replace(options, catalog=declared)
    readings = [
        _read_file(store.join(place, file), replace(options, split=split), format, tick)
        for split, file in files
    ]
    found = _found(readings, place, name, declared)
    if unread := unread_files(there, [file for _, file in files]):
        what = f"{', '.join(unread[:8])} beside the files of splits: not read"
        fix = "name the files train, dev and test, or move others away"
        found.findings.append(Finding("info", "I-UNREAD", what, place, fix=fix))
    return found


def find_listed(
    manifest: Manifest,
    place: str,
    options: Options | None = None,
    format: str = "",
    tick: Tick | None = None,
) -> Found:
    """As `find`, of the files that a manifest lists, verified; `place` is where it stands, or
    will."""
    options = replace(options or Options(), catalog=manifest.catalog)
    readings = [
        _read_file(str(file), replace(options, split=split), format, tick)
        for split, file in verify_files(manifest, place)
    ]
    check_rows(manifest, [len(r.examples) - r.further for _, r in readings], place)
    found = _found(readings, place, manifest.name, manifest.catalog)
    found.dataset = Dataset(
        found.dataset.examples,
        catalog=manifest.catalog,
        name=manifest.name,
        version=manifest.reference,
    )
    return found


def save(
    dataset: Iterable[Example],
    path: str | os.PathLike[str],
    *,
    format: str = "",
    tools: bool = False,
) -> None:
    """Writes a file in the format of its name (or `format`), or all splits to a directory.

    A path without a suffix is a directory. All files appear whole or not at all. Raises
    `DataError` for an example that the format has no place for: nothing is written then.
    """
    with store.Staging() as staging:
        written = write(dataset, path, staging, format=format, tools=tools)
        if written.rejects:
            first = written.rejects[0].finding
            more = f" ({len(written.rejects) - 1:,} more)" if len(written.rejects) > 1 else ""
            raise DataError(
                f"{first.code} {first.message}{more}: {written.format.name} has no place for it",
                where=first.place,
                hint=f"Write {registry.whole_names()}, which hold everything",
            )


def write(
    dataset: Iterable[Example],
    path: str | os.PathLike[str],
    staging: store.Staging,
    *,
    format: str = "",
    tools: bool = False,
    catalog: bool = True,
) -> Written:
    """As `save`, into a staging of the caller, who decides about what could not be written, and
    whether a directory gets the dataset's declared catalog."""
    place = os.fspath(path)
    if not isinstance(dataset, Dataset):
        dataset = Dataset(dataset)
    chosen = target_format(place, format)
    written = Written(0, chosen)
    beside = dataset.declared_catalog if catalog and not is_file_name(place) else None
    for target, examples in target_files(dataset, place, chosen):
        several = len({e.split for e in examples}) > 1
        writing = Writing(dataset, tools=tools, split=several, path=target, beside=beside)
        examples = _with_own_ids(examples, writing)
        _tell_lost(chosen, examples, writing)
        with staging.file(target) as file:
            if chosen.write is not None:
                chosen.write(examples, file, writing)
        _tell_closing(chosen, writing)
        written.examples += len(examples) - len(writing.rejects)
        written.findings.extend(writing.findings)
        written.rejects += writing.rejects
    if beside is not None:
        with staging.file(store.join(place, CATALOG_NAMES[0])) as file:
            file.write(format_catalog(beside).encode())
    return written


def tally(rejects: Iterable[Reject]) -> str:
    """How many rejects of each code: `E-FIELD 500, E-JSON 12`."""
    counts = Counter(r.code for r in rejects)
    return ", ".join(f"{code} {n:,}" for code, n in counts.most_common())


# ---------------------------------------------------------------- reading


def _found(
    readings: Sequence[tuple[Format, Reading]], place: str, name: str, catalog: Catalog | None
) -> Found:
    whole = Reading()
    for _, reading in readings:
        whole.extend(reading)
    findings = whole.findings
    if whole.rejects and not whole.examples:
        what = f"all {len(whole.rejects):,} rows were rejected: {tally(whole.rejects)}"
        findings.append(Finding("error", "E-NOROWS", what, place, fix="mend the rows"))
    formats = tuple(dict.fromkeys(format for format, _ in readings))
    if catalog is None:
        catalog = _declared([r.catalog for _, r in readings if r.catalog], findings, place)
    dataset = Dataset(whole.examples, catalog=catalog, name=name)
    return Found(dataset, findings, whole.rejects, formats)


def _declared(catalogs: Sequence[Catalog], findings: Findings, place: str) -> Catalog | None:
    """The catalogs that the files themselves declare, in one."""
    merged: Catalog | None = None
    for catalog in catalogs:
        try:
            merged = catalog if merged is None else merged.merged(catalog)
        except CatalogError as error:
            findings.append(Finding("warning", "W-TOOLS", error.message, place, fix=error.hint))
    return merged


def _read_file(
    path: str, options: Options, format: str, tick: Tick | None
) -> tuple[Format, Reading]:
    if not path:  # what a shell makes of a variable that nobody set
        raise DataError("the data has no name: '' was given", hint="Name a file or a directory")
    if not store.is_remote(path) and not os.path.lexists(path):
        near = [
            n for n in store.names(os.path.dirname(path)) if suffix_of(n) in registry.suffixes()
        ]
        hint = f"In that directory: {', '.join(near[:5])}" if near else "Check the path"
        raise DataError("no such file or directory", where=path, hint=hint)
    source = Source(path)
    if tick is not None:
        options = replace(options, tick=lambda share: tick(source.name, share))
    chosen = format_named(format) if format else _detected(source)
    conversations = tuple(f.conversations for f in registry.FORMATS if f.conversations)
    options = replace(options, conversations=conversations)
    _refuse_sheet(options, chosen, path)
    reading = chosen.read(source, options)
    reading.close(path)
    if not reading.examples and not any(f.level == "error" for f in reading.findings):
        raise source.no_rows()
    return chosen, reading


def _read_directory(
    place: str, there: Sequence[str], options: Options, format: str
) -> tuple[Format, Reading]:
    for chosen in [format_named(format)] if format else registry.FORMATS:
        if (
            chosen.is_directory is not None
            and chosen.read_directory is not None
            and chosen.is_directory(place)
        ):
            _refuse_sheet(options, chosen, place)
            reading = chosen.read_directory(place, options)
            reading.close(place)
            return chosen, reading
    raise DataError(
        f"no train.json in the directory (it has {', '.join(there[:8]) or 'nothing'})",
        where=place,
        hint="Name the files train.json, dev.json, test.json, or give one file",
    )


def _refuse_sheet(options: Options, chosen: Format, path: str) -> None:
    if options.sheet and not chosen.has_sheets:
        raise SettingsError(
            f"is {chosen.name}, which has no sheets",
            where=path,
            hint="Leave --sheet away, or give a workbook",
        )


def _detected(source: Source) -> Format:
    refuse_elsewhere(source)
    for format in registry.FORMATS:
        if not format.detect(source):
            continue
        if (
            format.packed
            and source.suffix in registry.suffixes()
            and source.suffix not in format.suffixes
        ):
            source.refuse_packed()
        return format
    source.refuse_binary()
    start = source.head_text.strip()
    if not start:
        raise source.no_rows(source.head.rstrip(b"\n").count(b"\n") + 1)
    raise DataError(
        "E-FORMAT expected JSON (an array of rows, or one object a line) or another known "
        f"format, found {excerpt(start[:20])}",
        where=f"{source.path}:1",
        hint='Write [{"instruction": "…", "output": "…"}, …], or name the format: --format NAME',
    )


def load_catalog_at(path: str) -> Catalog:
    """The catalog at a path or URL. Raises `CatalogError`."""
    if not store.is_remote(path):
        return load_catalog(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.rsplit("/", 1)[-1]
        copy.write_bytes(Source(path).content())
        try:
            return load_catalog(copy)
        except CatalogError as error:
            raise CatalogError(
                error.message, where=error.where.replace(str(copy), path), hint=error.hint
            ) from error


def _name(place: str) -> str:
    if store.is_remote(place):
        last = place.rstrip("/").rsplit("/", 1)[-1]
        return last.removesuffix(suffix_of(last))
    return Path(place).resolve().name.removesuffix(Path(place).suffix)


# ---------------------------------------------------------------- writing


def _with_own_ids(examples: Sequence[Example], writing: Writing) -> Sequence[Example]:
    """The examples, without ids that stand before already: a file with them can't be read."""
    seen: set[str] = set()
    out = []
    for e in examples:
        out.append(replace(e, id="") if e.id in seen else e)
        if e.id:
            seen.add(e.id)
    again = sum(bool(e.id) for e in examples) - len(seen)
    if not again:
        return examples
    what = f"{again:,} ids stood before already (files were joined): written without id"
    writing.tell("warning", "W-ID", what, "give every row its own id")
    return out


def _tell_lost(format: Format, examples: Sequence[Example], writing: Writing) -> None:
    """Tells which metadata the format has no place for."""
    if format.keeps is None:
        return
    lost: Counter[str] = Counter()
    for e in examples:
        lost.update(k for k in e.metadata if k not in format.keeps)
        lost.update(k for k in ("id", "annotator") if getattr(e, k) and k not in format.keeps)
    if writing.split and "split" not in format.keeps:
        lost["split"] = len(examples)
    if lost:
        names = ", ".join(f"{excerpt(k, 30)} ({n:,})" for k, n in lost.most_common(8))
        what = f"{format.name} has no place for {names}: not written"
        writing.tell(
            "info", "I-LOST", what, f"write {registry.whole_names()}, which hold everything"
        )


def _tell_closing(format: Format, writing: Writing) -> None:
    """Tells how many replies were left out so that their rows stay whole."""
    if writing.closing:
        what = (
            f"{format.name} has no place for {writing.closing:,} replies "
            "that close the turns before them: not written, so that their rows stay whole"
        )
        fix = f"see W-CLOSED of `maksud check`, or write {registry.whole_names()}"
        writing.tell("info", "I-LOST", what, fix)
