"""Reports as files: figures for scripts, a page for people, every answer for who looks closer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from maksud.data.formats.targets import refuse_standing
from maksud.evaluation.comparison import Comparison
from maksud.evaluation.comparison_page import render_comparison
from maksud.evaluation.page import render
from maksud.evaluation.report import Report
from maksud.recognizers.runs import refuse_inside
from maksud.storage import StagedFile, make_directory, writing

REPORT = ("predictions.jsonl", "report.json", "report.html")
COMPARISON = ("comparison.json", "comparison.html")


def check_target(directory: str | Path, names: Sequence[str], *, overwrite: bool) -> None:
    """Raises `InputError` where one of the files stands, or would be put into a run: before
    anything is measured."""
    refuse_inside(directory)
    if not overwrite:
        places = [os.path.join(directory, name) for name in names]
        standing = [place for place in places if os.path.lexists(place)]
        refuse_standing(standing, "Choose another --out, or replace them with --force")


def write_report(report: Report, directory: str | Path, *, overwrite: bool = False) -> Path:
    """Writes `report.json`, `report.html` and `predictions.jsonl`; returns the directory.

    All three or none: on a full disk the old files stay as they were, and where there were none,
    nothing is left. Raises `InputError` in a run, and where one stands, without `overwrite`, and
    `SystemFault` where the place can't be written.
    """
    lines = (json.dumps(p.to_json(), ensure_ascii=False) for p in report.predictions)
    return _write_together(
        Path(directory),
        {
            "predictions.jsonl": "".join(line + "\n" for line in lines),
            "report.json": _json(report.figures),
            "report.html": render(report),
        },
        overwrite,
    )


def write_comparison(
    comparison: Comparison, directory: str | Path, *, overwrite: bool = False
) -> Path:
    """Writes `comparison.json` and `comparison.html`, both or none; returns the directory.

    Raises as `write_report` does.
    """
    return _write_together(
        Path(directory),
        {
            "comparison.json": _json(comparison.to_json()),
            "comparison.html": render_comparison(comparison),
        },
        overwrite,
    )


def _json(figures: Mapping[str, Any]) -> str:
    return json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write_together(directory: Path, texts: Mapping[str, str], overwrite: bool) -> Path:
    """Every file is whole and on disk before the first is put in its place."""
    with writing(directory, hint="Choose another --out"):
        made = make_directory(directory)
        try:
            with ExitStack() as stack:
                staged = [stack.enter_context(StagedFile(directory / name)) for name in texts]
                for file, text in zip(staged, texts.values(), strict=True):
                    # Half a surrogate pair, which a model may write, becomes an escape that
                    # JSON reads.
                    file.stream.write(text.encode("utf-8", "backslashreplace"))
                    file.seal()
                check_target(directory, list(texts), overwrite=overwrite)
                for file in staged:
                    file.put()
        except BaseException:
            with suppress(OSError):
                for place in reversed(made):
                    place.rmdir()  # what has something in it stays
            raise
    return directory
