"""A report as files: figures for scripts, a page for people, every answer for who looks closer."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

from maksud.evaluation.page import render
from maksud.evaluation.report import Report
from maksud.storage import StagedFile, make_directory, writing


def write_report(report: Report, directory: str | Path) -> Path:
    """Writes `report.json`, `report.html` and `predictions.jsonl`; returns the directory.

    Either all are written or none: a full disk leaves no half report, and an old one as it was.
    Raises `SystemFault` where the place can't be written.
    """
    directory = Path(directory)
    lines = (json.dumps(p.to_json(), ensure_ascii=False) for p in report.predictions)
    files = {
        "report.json": json.dumps(report.figures, ensure_ascii=False, indent=1, allow_nan=False)
        + "\n",
        "predictions.jsonl": "".join(line + "\n" for line in lines),
        "report.html": render(report),
    }
    with writing(directory, hint="Choose another --out"), ExitStack() as stack:
        make_directory(directory)
        staged = []
        for name, text in files.items():
            file = stack.enter_context(StagedFile(directory / name))
            # Half a surrogate pair, which a model may write, becomes an escape that JSON reads.
            file.stream.write(text.encode("utf-8", "backslashreplace"))
            file.seal()
            staged.append(file)
        for file in staged:  # all are on the disk now: there is no half report
            file.put()
    return directory
