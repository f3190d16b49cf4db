"""A run made from another one: what it takes over as it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from typing import Any

from maksud.recognizers.runs import Draft, Run

_OWN = frozenset({"format", "kind", "contract", "created", "files"})
"""What `Draft.finish` writes into run.json itself."""


def about_of(run: Run) -> dict[str, Any]:
    """What run.json says of the training, for `Draft.finish`."""
    return {key: value for key, value in run.manifest.items() if key not in _OWN}


def copy_files(run: Run, draft: Draft, without: Collection[str] = ()) -> None:
    """Everything but what is written anew, and `without`; weights are linked where the disk can
    do that.

    Raises `RunError` where another run was put in its place since it was opened: what was read of
    it before and what is copied now would be of two runs.
    """
    for name in run.manifest["files"]:
        source, target = run.path / name, draft.directory / name
        if name in without:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "log.jsonl":
            draft.copy_log(source)
        elif name not in ("contract.json", "metrics.json"):
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
    run.require_current()
