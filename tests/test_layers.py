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
    "settings",
    "storage",
    "language",
    "data",
    "recognizers",
    "evaluation",
    "http",
    "serving",
    "labelling",
    "demo",
    "cli",
]
"""Top to bottom: a module imports only from above itself, or from its own folder."""

LONGEST = 450
"""Lines of a module, at most: over it, it is split along an idea."""

LONGEST_COMMAND = 45
"""Lines of a command's body, at most: over it, it does what belongs elsewhere."""

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "starlette",
    "uvicorn",
    "numpy",
    "jinja2",
    "sqlalchemy",
    "alembic",
    "nltk",
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


def graph(package: Path) -> dict[str, set[str]]:
    """Which module of a package imports which, at the top, lazily or for typing."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    edges = {}
    for name, path in names.items():
        found = set(imported(path)) & set(names)
        # `from folder import module` needs the module, not what else stands in the folder.
        folders = {n for n in found if any(m.startswith(f"{n}.") for m in found)}
        edges[name] = found - folders - {name}
    return edges


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The shortest circle through each module that is in one, each circle once."""
    found = {}
    for start in sorted(edges):
        before: dict[str, str] = {}
        waiting = [start]
        for name in waiting:
            for other in sorted(edges[name] - set(before)):
                before[other] = name
                waiting.append(other)
        if start in before:
            way = [start]
            while before[way[-1]] != start:
                way.append(before[way[-1]])
            found.setdefault(frozenset(way), way[::-1])
    return list(found.values())


def test_no_circles() -> None:
    assert circles(graph(PACKAGE)) == []


@pytest.mark.parametrize(
    "back",
    [
        "from thing.a import f\n",
        "def g():\n    from thing.a import f\n",
        "def g():\n    from thing import a\n",
        "def g():\n    import thing.a\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from thing.a import f\n",
    ],
    ids=["top", "lazy", "lazy from the folder", "lazy whole", "for typing"],
)
def test_circles_are_seen(back: str, tmp_path: Path) -> None:
    package = tmp_path / "thing"
    package.mkdir()
    (package / "__init__.py").write_text("from thing.a import f\n")
    (package / "a.py").write_text("from thing import b\nfrom thing.d import h\n")
    (package / "b.py").write_text("from thing.c import g\n")
    (package / "c.py").write_text("import sys\n")
    (package / "d.py").write_text("h = 1\n")
    assert circles(graph(package)) == []
    (package / "c.py").write_text(back)
    [circle] = circles(graph(package))
    assert sorted(circle) == ["thing.a", "thing.b", "thing.c"]


def test_modules_are_short() -> None:
    lines = {str(p.relative_to(PACKAGE)): p.read_text("utf-8").count("\n") for p in modules()}
    assert {name for name, n in lines.items() if n > LONGEST} == set()


def test_commands_are_short() -> None:
    """They carry arguments in and messages out."""
    lengths = {}
    for path in (PACKAGE / "cli").glob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                told = ast.get_docstring(node) is not None and len(node.body) > 1
                first = node.body[1 if told else 0]
                lengths[node.name] = node.body[-1].end_lineno - first.lineno + 1  # type: ignore[operator]
    assert {"check", "train", "serve"} <= set(lengths)
    assert {name for name, n in lengths.items() if n > LONGEST_COMMAND} == set()


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
