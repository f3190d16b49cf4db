"""Reports as files: figures for scripts, a page for people, every answer for who looks closer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from maksud.evaluation.comparison import Comparison
from maksud.evaluation.comparison_page import render_comparison
from maksud.evaluation.page import render
from maksud.evaluation.report import Report
from maksud.storage import StagedFile, make_directory, writing


def write_report(report: Report, directory: str | Path) -> Path:
    """Writes `report.json`, `report.html` and `predictions.jsonl`; returns the directory.

    All three or none: on a full disk the old files stay as they were, and where there were none,
    nothing is left. Raises `SystemFault` where the place can't be written.
    """
    lines = (json.dumps(p.to_json(), ensure_ascii=False) for p in report.predictions)
    return _write_together(
        Path(directory),
        {
            "predictions.jsonl": "".join(line + "\n" for line in lines),
            "report.json": _json(report.figures),
            "report.html": render(report),
        },
    )


def write_comparison(comparison: Comparison, directory: str | Path) -> Path:
    """Writes `comparison.json` and `comparison.html`, both or none; returns the directory.

    Raises `SystemFault` where the place can't be written.
    """
    return _write_together(
        Path(directory),
        {
            "comparison.json": _json(comparison.to_json()),
            "comparison.html": render_comparison(comparison),
        },
    )


def _json(figures: Mapping[str, Any]) -> str:
    return json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write_together(directory: Path, texts: Mapping[str, str]) -> Path:
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
                for file in staged:
                    file.put()
        except BaseException:
            with suppress(OSError):
                for place in reversed(made):
                    place.rmdir()  # what has something in it stays
            raise
    return directory
