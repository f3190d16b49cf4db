"""Where the guide's scripts and samples are, and how its evaluation is run on a model of ours."""

import os
import re
import subprocess
import sys
from pathlib import Path

OURS = Path(__file__).parent / "guide"
"""Scripts that do what the guide's do, and manifests of our own in the platform's shape."""
_THEIRS = Path(
    os.environ.get("MAKSUD_GUIDE") or Path(__file__).parents[2] / "shared/reference/guide"
)
GUIDES = {"ours": OURS, **({"theirs": _THEIRS} if (_THEIRS / "evaluate.py").exists() else {})}
"""Folders with `convert.py`, `evaluate.py`, `export.manifest` and `import.manifest`; the guide's
own among them where it is at hand."""


def guide_figures(script: Path, model: Path, data: Path, work: Path) -> tuple[float, float]:
    """What the guide's `evaluate.py` prints, with only model path, data path and device changed."""
    text = script.read_text(encoding="utf-8")
    changes = (
        ("'/mnt/workspace/model/qwen14b-lora-3e4-256-train/'", repr(str(model))),
        ("'/mnt/workspace/data/testdata.json'", repr(str(data))),
        ('device = "cuda"', 'device = "cpu"'),
    )
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    copy = work / "evaluate.py"
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(copy)], capture_output=True, text=True, cwd=work, timeout=280
    )
    assert done.returncode == 0, done.stderr[-2000:]
    intent = re.search(r"Akurasi pengenalan maksud: ([\d.e-]+)", done.stdout)
    parameter = re.search(r"Akurasi pengenalan parameter: ([\d.e-]+)", done.stdout)
    assert intent and parameter
    return float(intent.group(1)), float(parameter.group(1))
