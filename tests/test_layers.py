"""The layout is the architecture: imports go one way, and the light parts stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import maksud

PACKAGE = Path(maksud.__file__).parent

LAYERS = [
    "errors",
    "progress",
    "storage",
    "language",
    "data",
    "recognizers",
    "evaluation",
    "http",
    "serving",
    "demo",
    "cli",
]
"""Top to bottom: a module imports only from above itself, or from its own folder."""

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "starlette",
    "uvicorn",
    "numpy",
    "jinja2",
    "openpyxl",
    "pyarrow",
    "fsspec",
    "yaml",
)


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def layer(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> list[str]:
    """All modules that a file imports, at the top, lazily or for typing."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
            names += [f"{node.module}.{a.name}" for a in node.names]
    return names


def test_every_module_has_a_layer() -> None:
    assert {layer(p) for p in modules()} - {"__main__"} == set(LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_up(path: Path) -> None:
    if path.name == "__main__.py":
        return
    own = LAYERS.index(layer(path))
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "maksud":
            continue
        assert len(parts) > 1, f"{path.name} imports the package root"
        if parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= own, f"{layer(path)} imports {name} from below"


def test_the_test_sees_lazy_imports(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("def f():\n    from maksud.cli import main\n")
    assert "maksud.cli" in imported(file)


@pytest.mark.parametrize(
    "code",
    [
        "import maksud",
        "import sys; sys.argv=['maksud','--help']\n"
        "from maksud.cli import main\n"
        "try: main()\nexcept SystemExit: pass",
    ],
)
def test_light_import(code: str) -> None:
    check = code + f"\nimport sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_exports() -> None:
    for name in maksud.__all__:
        assert getattr(maksud, name) is not None
    assert sorted(maksud.__all__) == list(maksud.__all__)


def test_prints_stay_at_the_doors() -> None:
    """Only the CLI talks to the terminal."""
    for path in modules():
        if layer(path) in ("cli", "demo"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "eval", "exec"), f"{path}: {node.func.id}"
