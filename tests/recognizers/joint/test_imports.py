"""What compact and an encoder share knows neither of them."""

import ast
from pathlib import Path

import pytest

import maksud.recognizers.joint as joint

MODULES = sorted(Path(joint.__file__ or "").parent.glob("*.py"))
OTHERS = ("compact", "encoder", "language_model")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_joint_imports_no_kind(path: Path) -> None:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{a.name}" for a in node.names]
    assert not [n for n in names for o in OTHERS if n.startswith(f"maksud.recognizers.{o}")]
