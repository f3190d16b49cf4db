"""A report as files: figures for scripts, a page for people, every answer for who looks closer."""

from __future__ import annotations

import json
from pathlib import Path

from maksud.evaluation.page import render
from maksud.evaluation.report import Report
from maksud.storage import write_file


def write_report(report: Report, directory: str | Path) -> Path:
    """Writes `report.json`, `report.html` and `predictions.jsonl`; returns the directory.

    Each file is replaced whole. Raises `SystemFault` where the place can't be written.
    """
    directory = Path(directory)
    lines = (json.dumps(p.to_json(), ensure_ascii=False) for p in report.predictions)
    files = {
        "report.json": json.dumps(report.figures, ensure_ascii=False, indent=1, allow_nan=False)
        + "\n",
        "predictions.jsonl": "".join(line + "\n" for line in lines),
        "report.html": render(report),
    }
    for name, text in files.items():
        # Half a surrogate pair, which a model may write, becomes an escape that JSON reads.
        content = text.encode("utf-8", "backslashreplace")
        write_file(directory / name, content, hint="Choose another --out")
    return directory
