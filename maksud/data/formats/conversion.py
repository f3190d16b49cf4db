"""Conversion: everything that can be used goes to the target, everything else to a rejects file.

What was converted from a labelled iTAG manifest to `.json` has the shape that the guide's own
script gives; `to="json"` keeps the metadata. Target and rejects appear together, or not at all.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset
from maksud.data.findings import Finding, Findings
from maksud.data.formats import store
from maksud.data.formats.base import Format, Options
from maksud.data.formats.files import Tick, find, tally, target_format, write
from maksud.data.formats.parts.reading import Reject
from maksud.errors import DataError

REJECTS = ".rejects.jsonl"
"""Ending of the file of rejects, after the target's name."""


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

    @property
    def rejected(self) -> dict[str, int]:
        """How many were rejected, by code."""
        return dict(Counter(r.code for r in self.rejects).most_common())

    def __str__(self) -> str:
        text = f"Read {self.read:,}, wrote {self.written:,}"
        if self.rejects:
            text += f", rejected {len(self.rejects):,} ({tally(self.rejects)}: {self.rejects_path})"
        return text

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "read": self.read,
            "written": self.written,
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
    tick: Tick | None = None,
) -> Conversion:
    """Reads data in one format and writes it in another: paths, URLs, files, directories.

    `format` and `to` force what is read and written; else the content and the target's name
    decide. `split` assigns new splits with `seed`. Rejects go to `TARGET.rejects.jsonl`.

    Raises `DataError` (`E-NOROWS`) where nothing can be used; the rejects are written even then.
    """
    place = os.fspath(target)
    target_format(place, to)  # a target that can't be written is told before anything is read
    found = find(source, format=format, options=options, tick=tick)
    dataset = found.dataset.split(seed=seed) if split else found.dataset
    if not to and len(found.formats) == 1 and (rule := found.formats[0].converts_to) is not None:
        to = rule(dataset, os.path.splitext(place)[1])
    findings = Findings()
    findings.extend(found.findings)
    rejects_path = place.rstrip("/") + REJECTS
    if not len(dataset):
        with store.Staging() as staging:
            _write_rejects(found.rejects, rejects_path, staging)
        raise _nothing(found.rejects, os.fspath(source), rejects_path)
    with store.Staging() as staging:
        written = write(dataset, target, staging, format=to, tools=tools)
        rejects = (*found.rejects, *written.rejects)
        if not written.examples:
            staging.discard()
        _write_rejects(rejects, rejects_path, staging)
    findings.extend(written.findings)
    if not written.examples:
        raise _nothing(rejects, os.fspath(source), rejects_path)
    if not rejects and not store.is_remote(rejects_path):
        Path(rejects_path).unlink(missing_ok=True)  # of an earlier conversion to the same place
    return Conversion(
        dataset=dataset,
        source_formats=found.formats,
        target_format=written.format,
        read=len(dataset) + len(found.rejects),
        written=written.examples,
        rejects=rejects,
        rejects_path=rejects_path if rejects else "",
        findings=findings,
    )


def _write_rejects(rejects: Sequence[Reject], path: str, staging: store.Staging) -> None:
    if rejects:
        with staging.file(path) as file:
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
