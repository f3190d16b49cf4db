"""Conversion: everything that can be used goes to the target, everything else to a rejects file.

What was converted from a labelled iTAG manifest to `.json` has the shape that the guide's own
script gives; `to="json"` keeps the metadata. Target, catalog and rejects appear together, or not at
all.
Nothing that stands is written over unless the caller says so; rows may be added to it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Finding, Findings, format_count
from maksud.data.formats import store
from maksud.data.formats.base import Format, Options
from maksud.data.formats.files import Found, Tick, find, load_catalog_at, tally, write
from maksud.data.formats.manifest import is_manifest
from maksud.data.formats.parts.reading import Reject
from maksud.data.formats.places import overlap, refuse_nameless, refuse_over
from maksud.data.formats.registry import FORMATS, whole_names
from maksud.data.formats.targets import (
    REJECTS,
    catalog_beside,
    find_standing,
    refuse_mixed,
    refuse_standing,
    target_files,
    target_format,
)
from maksud.data.suggestions import part_suggested
from maksud.errors import CallSyntaxError, DataError, InputError, SettingsError
from maksud.language.catalog_files import format_for

_SHOWN = 5
"""So many different answers outside the catalog are told one by one."""


@dataclass(frozen=True)
class Conversion:
    """What a conversion did."""

    dataset: Dataset
    """What was read and could be used."""
    source_formats: tuple[Format, ...]
    target_format: Format
    read: int
    written: int
    rejects: tuple[Reject, ...]
    rejects_path: str
    """Where the rejects are; "" for none."""
    findings: Findings
    before: int = 0
    """Examples that stood at the target already, where they were added to."""

    @property
    def rejected(self) -> dict[str, int]:
        """How many were rejected, by code."""
        return dict(Counter(r.code for r in self.rejects).most_common())

    def __str__(self) -> str:
        text = f"Read {self.read:,}, wrote {self.written:,}"
        if self.before:
            text = f"Read {self.read:,}, added {self.written:,} to {self.before:,}"
        if self.rejects:
            text += f", rejected {len(self.rejects):,} ({tally(self.rejects)}: {self.rejects_path})"
        return text

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "read": self.read,
            "written": self.written,
            "before": self.before,
            "rejected": self.rejected,
            "rejects": self.rejects_path,
            "source_formats": [f.name for f in self.source_formats],
            "target_format": self.target_format.name,
            **self.findings.to_json(),
        }


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    format: str = "",
    to: str = "",
    options: Options | None = None,
    tools: bool = False,
    split: bool = False,
    seed: int = 0,
    catalog: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    append: bool = False,
    tick: Tick | None = None,
) -> Conversion:
    """Reads data in one format and writes it in another: paths, URLs, files, directories.

    `format` and `to` force what is read and written; else the content and the target's name
    decide. `split` assigns new splits with `seed`. `catalog` is where the catalog goes as well.
    Rejects go to `TARGET.rejects.jsonl`. Answers outside the catalog that stands where the target
    goes are told (`W-CATALOG`).

    Where something stands at the target, `overwrite` replaces it and `append` adds to it; without
    either raises `InputError`, before anything is read; so do, in any case, a target that is the
    source or a part of it, and a catalog or rejects that would be written over the source, the
    target or each other. Raises `DataError`
    (`E-NOROWS`) where nothing can be used; the rejects are written even then.
    """
    place = os.fspath(target)
    if overwrite and append:
        raise SettingsError("replace, or add: not both", hint="Choose --force or --append")
    chosen = target_format(place, to)  # a target that can't be written is told before reading
    if tools and not chosen.has_tools:
        raise SettingsError(
            f"--tools goes with a format of chats that has tools, which {chosen.name} is not",
            where=place,
            hint="Name it with --to, " + " or ".join(f.name for f in FORMATS if f.has_tools),
        )
    rejects_path = place.rstrip("/") + REJECTS
    catalogs = [os.fspath(catalog)] if catalog is not None else []
    _refuse_overlaps(os.fspath(source), place, rejects_path, catalogs)
    if not append:
        _refuse_source(os.fspath(source), place)
    there = find_standing(place)
    if not overwrite:
        refuse_standing([p for p in catalogs if store.exists(p)])
        refuse_standing([] if append else there)
    found = find(source, format=format, options=options, tick=tick)
    dataset = found.dataset.split(seed=seed) if split else found.dataset
    findings = Findings()
    findings.extend(found.findings)
    if not len(dataset):
        with store.Staging() as staging:
            _write_rejects(found.rejects, rejects_path, staging, append)
        raise _nothing(found.rejects, os.fspath(source), rejects_path)
    before = 0
    if append:
        dataset, waiting = _leave_out_suggested(dataset, os.fspath(source))
        findings.extend(waiting)
    if append and there:
        earlier = _read_target(place, os.fspath(source), chosen if to else None)
        before = len(earlier.dataset)
        to = earlier.formats[0].name
        dataset = Dataset([*earlier.dataset, *dataset], name=dataset.name)
    elif not to and len(found.formats) == 1 and (rule := found.formats[0].converts_to) is not None:
        to = rule(dataset, os.path.splitext(place)[1])
    targets = [name for name, _ in target_files(dataset, place, target_format(place, to))]
    refuse_mixed(targets, place)
    declared = catalog_beside(place)
    if declared:
        findings.extend(_outside(dataset.examples[before:], declared))
    with store.Staging() as staging:
        stays = bool(declared) and not overwrite  # a catalog that somebody wrote
        written = write(dataset, target, staging, format=to, tools=tools, catalog=not stays)
        rejects = (*found.rejects, *written.rejects)
        if not written.examples:
            staging.discard()
        for path in catalogs if written.examples else ():
            with staging.file(path) as file:
                file.write(format_for(dataset.catalog, path).encode())
        _write_rejects(rejects, rejects_path, staging, append)
        if not overwrite:  # what came meanwhile
            refuse_standing([p for p in catalogs if store.exists(p)])
            refuse_standing([] if append else find_standing(place))
    findings.extend(written.findings)
    if not written.examples:
        raise _nothing(rejects, os.fspath(source), rejects_path)
    if not rejects and not append and not store.is_remote(rejects_path):
        Path(rejects_path).unlink(missing_ok=True)  # of an earlier conversion to the same place
    return Conversion(
        dataset=found.dataset if not split else dataset,
        source_formats=found.formats,
        target_format=written.format,
        read=len(found.dataset) + len(found.rejects),
        written=written.examples - before,
        rejects=rejects,
        rejects_path=rejects_path if rejects else "",
        findings=findings,
        before=before,
    )


def _refuse_overlaps(source: str, place: str, rejects: str, catalogs: Sequence[str]) -> None:
    """Raises `InputError` where one of what is written would replace another, or the source."""
    refuse_nameless("the target", place)
    if is_manifest(source):  # what is kept never changes
        refuse_over("the target", place, {"the source": source})
    refuse_over("the file of rejects", rejects, {"the source": source})
    things = {"the source": source, "the target": place, "the file of rejects": rejects}
    for path in catalogs:
        refuse_over("--catalog", path, things, catalogs=False)


def _refuse_source(source: str, place: str) -> None:
    """Raises `InputError` where the target is the source, a file of it or its directory: what the
    target's format does not hold, or other splits there, would go with nothing left to read."""
    if overlap(place, source):
        raise InputError(
            "is source and target, or a part of it, and would be replaced by what was read of it; "
            "nothing was written",
            where=source,
            hint="Name another target: --force does not mean that",
        )


def _read_target(place: str, source: str, wanted: Format | None) -> Found:
    """What stands at the target, to add to. Raises `InputError` where it would not stay whole."""
    if overlap(place, source):
        raise InputError(
            "is source and target, or a part of it: its rows would be doubled",
            where=source,
            hint="Name the file with the rows to add",
        )
    found = find(place)
    unlike = next((f for f in found.formats if not f.holds_all), None)
    wrapped = next((f for f in found.findings if f.code == "I-WRAPPED"), None)
    if found.rejects:
        raise DataError(
            f"{format_count(len(found.rejects), 'row')} of what stands there can't be read, and "
            "would be lost",
            where=found.rejects[0].finding.place,
            hint="Mend it first: `maksud check` shows all",
        )
    if unlike is not None or wrapped is not None or len(found.formats) > 1:
        what = unlike.name if unlike else "several formats" if not wrapped else "a wrapped array"
        raise InputError(
            f"rows are not added to {what}: it may hold what we do not read",
            where=place,
            hint=f"Convert it to {whole_names()} first, and add to that",
        )
    if wanted is not None and wanted != found.formats[0]:
        raise InputError(
            f"is {found.formats[0].name}, not {wanted.name}", where=place, hint="Leave --to away"
        )
    return found


def _leave_out_suggested(dataset: Dataset, source: str) -> tuple[Dataset, list[Finding]]:
    """The dataset without suggestions that nobody accepted, and what is told of them. Raises
    `DataError` where there is nothing else."""
    kept, waiting = part_suggested(dataset)
    if not waiting:
        return dataset, []
    what = f"{format_count(len(waiting), 'suggestion')} that nobody accepted"
    fix = 'write "yes" as their "accept", and add them again'
    if not kept:
        raise DataError(
            f"{what}, and nothing else", where=source, hint=f"{fix[:1].upper()}{fix[1:]}"
        )
    finding = Finding("info", "I-SUGGESTED", f"{what}: not added", waiting[0].place, fix=fix)
    return Dataset(kept, catalog=dataset.declared_catalog, name=dataset.name), [finding]


def _outside(examples: Sequence[Example], path: str) -> list[Finding]:
    """Findings about answers that the catalog at `path` does not allow, each once."""
    catalog = load_catalog_at(path)
    said: Counter[str] = Counter()
    first: dict[str, str] = {}
    for e in examples:
        try:
            violations = catalog.violations(e.calls)[:1] if e.is_labelled else []
        except CallSyntaxError:
            continue  # `check` tells it, with its place
        for what in violations:
            said[what] += 1
            first.setdefault(what, e.place)
    found = [
        Finding(
            "warning",
            "W-CATALOG",
            f"{what.rstrip('.')} ({format_count(n, 'row')})",
            first[what],
            why=f"training refuses answers that {path} does not have",
            fix=f"add it to {path}, or mend the rows",
        )
        for what, n in said.most_common(_SHOWN)
    ]
    if len(said) > _SHOWN:
        more = format_count(sum(n for _, n in said.most_common()[_SHOWN:]), "row")
        what = f"{more} more with answers outside {path}"
        found.append(Finding("warning", "W-CATALOG", what, path, fix="see `maksud check`"))
    return found


def _write_rejects(
    rejects: Sequence[Reject], path: str, staging: store.Staging, append: bool
) -> None:
    """Stages the file of rejects; with `append`, behind those of the conversions before."""
    if rejects:
        earlier = b""
        if append and not store.is_remote(path) and store.exists(path):
            earlier = Path(path).read_bytes()
        with staging.file(path) as file:
            file.write(earlier)
            for reject in rejects:
                row = json.dumps(reject.to_json(), ensure_ascii=False)
                file.write((row + "\n").encode())


def _nothing(rejects: Sequence[Reject], source: str, path: str) -> DataError:
    first: Finding | None = rejects[0].finding if rejects else None
    said = f": {tally(rejects)}" if rejects else ""
    where = f"; the first at {first.place}: {first.message}" if first else ""
    return DataError(
        f"E-NOROWS all {len(rejects):,} rows were rejected{said}{where}",
        where=source,
        hint=f"All of them, with their reasons: {path}",
    )
