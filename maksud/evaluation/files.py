"""A report as files: figures for scripts, a page for people, every answer for who looks closer."""

from __future__ import annotations

import json
import os
from pathlib import Path

from maksud.errors import SystemFault
from maksud.evaluation.page import render
from maksud.evaluation.report import Report


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
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _replace(directory / name, text)
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror})",
            where=str(directory),
            hint="Choose another --out",
        ) from error
    return directory


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all: readers see the old one until the new one stands."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Half a surrogate pair, which a model may write, becomes an escape that JSON reads back.
        staged.write_text(text, encoding="utf-8", errors="backslashreplace")
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
