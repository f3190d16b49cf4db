"""Every command, option and setting is documented; links lead somewhere; versions agree."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer

import maksud
from maksud.cli import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def commands() -> dict[str, object]:
    found: dict[str, object] = {}
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found[name] = command
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_a_page_with_every_option(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# maksud {name}\n")
    command = commands()[name]
    parts = getattr(command, "commands", {name: command})
    for sub in parts.values():
        for option in sub.params:
            for flag in option.opts:
                if flag.startswith("--"):
                    assert flag in page, f"docs/{name}.md does not mention {flag}"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in commands():
        assert f"maksud {name}" in readme, name


@pytest.mark.parametrize("page", sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")]), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_environment_variable_is_documented() -> None:
    docs = "\n".join(p.read_text(encoding="utf-8") for p in [*DOCS.glob("*.md")])
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "maksud").rglob("*.py"))
    for variable in set(re.findall(r"\bMAKSUD_[A-Z_]+\b", code)):
        assert variable in docs, f"{variable} is in no page of docs/"


def test_every_setting_is_documented() -> None:
    from maksud.serving.app import ServeSettings

    from maksud.joint.training import CompactSettings
    from maksud.language_model.training import LanguageModelSettings
    from maksud.recognizers import TrainSettings

    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    for kind in (TrainSettings, CompactSettings, LanguageModelSettings, ServeSettings):
        assert f"## {kind.__name__}" in page
        for f in fields(kind):
            assert f"`{f.name}`" in page, f"{kind.__name__}.{f.name}"


def test_every_check_is_documented() -> None:
    page = (DOCS / "check.md").read_text(encoding="utf-8")
    code = (ROOT / "maksud" / "checks.py").read_text(encoding="utf-8")
    for finding in set(re.findall(r'"([EWI]-[A-Z]+)"', code)):
        assert finding in page, finding


def test_every_module_stands_in_the_architecture() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "maksud").iterdir():
        if path.name.startswith("_"):
            continue
        assert f"`{path.stem}{'/' if path.is_dir() else ''}`" in page, path.name


def test_versions_agree() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == maksud.__version__
