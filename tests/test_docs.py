"""Every command, option and setting is documented; links lead somewhere; versions agree."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
from test_layers import LAYERS

import maksud
from maksud.cli import app
from maksud.data.formats.base import Options
from maksud.data.formats.files import find
from maksud.data.formats.parts.columns import parse_columns
from maksud.data.formats.parts.rows import to_row
from maksud.data.formats.registry import FORMATS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "maksud"


def _script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


draw_house = _script(DOCS / "draw_house.py")


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


def test_what_the_readme_says_that_python_shows(tmp_path: Path) -> None:
    """Of the data that `maksud init` writes; what a recognizer answers is in the tour's tests."""
    from maksud.demo.shipped import write_starter

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^(\S.*?) {2,}# ('?.+)$", readme, re.MULTILINE))
    write_starter(tmp_path / "shop", "customer_service", "id")
    data = maksud.load(tmp_path / "shop")
    assert shown['data = maksud.load("shop")'] == repr(data)
    calls = maksud.parse_calls(shown["answer.text"].strip("'"))
    assert shown["answer.calls[0]"] == repr(calls[0])
    missing = data.catalog.missing(calls)
    assert shown["answer.missing[0].parameter"].startswith(f"{missing[0].parameter!r}: required")


@pytest.mark.parametrize("page", sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")]), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_environment_variable_is_documented() -> None:
    """Ours and the hub's, in the package, its tests and its benchmarks."""
    table = (DOCS / "settings.md").read_text(encoding="utf-8").split("\n## Environment\n")[1]
    files = [
        p for folder in ("maksud", "tests", "benchmarks") for p in (ROOT / folder).rglob("*.py")
    ]
    code = "\n".join(p.read_text(encoding="utf-8") for p in [*files, ROOT / "Makefile"])
    found = set(re.findall(r"\b(?:MAKSUD|HF|OPENBLAS)_[A-Z][A-Z_]*\b", code))
    assert {"MAKSUD_HOME", "MAKSUD_DATA", "HF_TOKEN"} <= found
    for variable in found:
        assert f"`{variable}`" in table, f"{variable} is not in docs/settings.md"


def test_the_architectures_of_language_models_are_documented() -> None:
    page = (DOCS / "models.md").read_text(encoding="utf-8")
    folder = PACKAGE / "recognizers" / "language_model"
    code = "\n".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.py"))
    let_in = set(re.findall(r'"(\w+ForCausalLM)"', code))
    assert let_in and let_in == set(re.findall(r"^\| `(\w+ForCausalLM)`", page, re.MULTILINE))


def test_the_limit_of_the_compact_network_is_documented() -> None:
    from maksud.recognizers.joint.tokens import MAX_TOKENS

    for page in (DOCS / "recognize.md", ROOT / "README.md"):
        assert f"first {MAX_TOKENS} " in page.read_text(encoding="utf-8"), page.name


def test_the_tables_of_settings_are_those_of_the_code() -> None:
    from maksud.http.settings import ServeSettings
    from maksud.labelling.web.settings import LabelSettings
    from maksud.recognizers.compact.settings import CompactSettings
    from maksud.recognizers.encoder.settings import EncoderSettings
    from maksud.recognizers.language_model.settings import LanguageModelSettings
    from maksud.recognizers.settings import TrainSettings
    from maksud.settings import draw_table

    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    for kind in (
        TrainSettings,
        CompactSettings,
        EncoderSettings,
        LanguageModelSettings,
        ServeSettings,
        LabelSettings,
    ):
        assert f"## {kind.__name__}" in page
        assert draw_table(kind) in page, f"write draw_table({kind.__name__}) into docs/settings.md"


def test_every_check_is_documented() -> None:
    page = (DOCS / "check.md").read_text(encoding="utf-8")
    files = [
        *(PACKAGE / "data" / "checks").rglob("*.py"),
        PACKAGE / "evaluation" / "label_errors.py",
    ]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for finding in set(re.findall(r'"([EWI]-[A-Z]+)"', code)):
        assert f"`{finding}`" in page, finding


def test_every_format_has_a_page() -> None:
    index = (DOCS / "formats.md").read_text(encoding="utf-8")
    for format in FORMATS:
        page = (DOCS / "formats" / f"{format.name}.md").read_text(encoding="utf-8")
        assert f"(`{format.name}`)\n" in page.split("\n\n")[0] + "\n", format.name
        assert f"(formats/{format.name}.md)" in index, format.name
        assert all(suffix in page for suffix in format.suffixes)
    pages = {p.stem for p in (DOCS / "formats").glob("*.md")}
    assert pages == {f.name for f in FORMATS}


@pytest.mark.parametrize("page", sorted((DOCS / "formats").glob("*.md")), ids=lambda p: p.stem)
def test_the_example_of_a_format_is_read_as_its_page_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    if page.stem in ("xlsx", "parquet"):
        assert not blocks, "a workbook has no text to show"
        return
    format = next(f for f in FORMATS if f.name == page.stem)
    named = re.search(r"`(\w+_usersays_\w+\.json)`:", text)
    ending = format.suffixes[0] if format.suffixes else format.ending or ".json"
    file = tmp_path / (named[1] if named else f"x{ending}")
    file.write_text(blocks[0], encoding="utf-8")
    columns = re.search(r"with `--columns (\S+)` is read as", text)
    options = Options(columns=parse_columns(columns[1]) if columns else {})
    found = find(file, options=options)
    assert found.formats[0].name in (page.stem, "json") and not found.rejects
    rows = [to_row(e, with_split=True) for e in found.dataset]
    assert rows == [json.loads(line) for line in blocks[1].splitlines()]


def test_the_catalog_of_the_docs_is_read() -> None:
    from maksud.language.catalog_files import _parse_yaml, catalog_from_json
    from maksud.language.confirmation import fill_confirmation

    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    shown = page.split("\n## Catalog\n")[1].split("```yaml\n")[1].split("```")[0]
    catalog = catalog_from_json(_parse_yaml(shown))
    assert catalog.names == ("set_alarm", "weather_search", "volume_up")
    said = fill_confirmation(catalog.intents[0].confirm, {"time": ["5"], "sound": ["bell"]})
    assert said == "Alarm dipasang 5 dengan nada bell."


def test_what_reading_tells_is_documented() -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    code = "\n".join(p.read_text("utf-8") for p in (PACKAGE / "data" / "formats").glob("*.py"))
    for finding in set(re.findall(r"\b[EWI]-[A-Z0-9]{2,}", code)):
        assert f"`{finding}`" in page, finding


def test_every_module_stands_in_the_architecture() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "maksud").iterdir():
        if path.name.startswith("_"):
            continue
        assert f"`{path.stem}{'/' if path.is_dir() else ''}`" in page, path.name


def test_the_wings_of_the_architecture_are_the_layers() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert [w.name.rstrip("/") for w in draw_house.read_wings(page, PACKAGE)] == LAYERS


def test_the_picture_of_the_house_is_fresh() -> None:
    drawn = (DOCS / "house.svg").read_text(encoding="utf-8")
    assert drawn == draw_house.picture(), "docs/house.svg is stale: run `make house`"


def test_the_house_counts_every_import(tmp_path: Path) -> None:
    package = tmp_path / "thing"
    (package / "up").mkdir(parents=True)
    (package / "down").mkdir()
    (package / "up" / "a.py").write_text("x = 1\n")
    (package / "up" / "b.py").write_text("import thing.up.a\n")
    (package / "down" / "c.py").write_text(
        "import json\nfrom thing.up import a\ndef f():\n    from thing.up.b import g\n"
    )
    (package / "down" / "d.py").write_text("from thing.up.a import x, y\n")
    assert draw_house.count_imports(package) == {("down", "up"): 3}
    wings = [draw_house.Wing("up/", "<idea>", 2), draw_house.Wing("down/", "", 2)]
    text = draw_house.draw(wings, {("down", "up"): 3})
    ElementTree.fromstring(text)
    assert ">3</text>" in text and "down imports up." in text


DRAWN = [p for p in sorted(DOCS.glob("*.svg")) if p.stem != "active-learning"]
"""Pictures with boxes: the other one is curves, of `benchmarks/active_learning.py`."""


@pytest.mark.parametrize("picture", DRAWN, ids=lambda p: p.stem)
def test_text_stays_in_its_box(picture: Path) -> None:
    """By the widths of a wide font: which one is at hand differs from machine to machine."""
    root = ElementTree.parse(picture).getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert root.find(f".//{name}g") is None, "places would be relative"
    boxes = [
        tuple(float(r.get(k, 0)) for k in ("x", "y", "width", "height"))
        for r in root.iter(f"{name}rect")
    ]
    for text in root.iter(f"{name}text"):
        x, y, size = (float(text.get(k, 0)) for k in ("x", "y", "font-size"))
        words = "".join(text.itertext())
        wide = len(words) * size * (0.66 if text.get("font-weight") else 0.6)
        left = x - wide * {"end": 1, "middle": 0.5}.get(text.get("text-anchor", ""), 0)
        around = [b for b in boxes if b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]]
        x0, y0, width, height = min(around, key=lambda b: b[2] * b[3])
        assert x0 + 4 <= left and left + wide <= x0 + width - 4, f"{words!r} is too wide"
        assert y0 + size <= y <= y0 + height - 4, f"{words!r} is too low or too high"


def test_the_example_of_decisions_is_what_the_code_says() -> None:
    from maksud.recognizers.decision import Rule, best_threshold, decide, upper_bound

    page = (DOCS / "decisions.md").read_text(encoding="utf-8")
    cells = {
        name: [c.strip(" *") for c in row.strip("|").split("|")]
        for name, row in re.findall(r"^\| (confidence|right\?) (\|.*\|)$", page, re.MULTILINE)
    }
    sure = [float(c) for c in cells["confidence"]]
    right = [c == "yes" for c in cells["right?"]]
    shown = re.findall(
        r"^\| (\S+) \| (\S+) \| (\d+) \| (\d+) \| .*\*\*(-?\d+)\*\* \|$", page, re.MULTILINE
    )
    assert len(shown) == 3
    for cost, threshold, acts, wrong, worth in shown:
        acted = [ok for c, ok in zip(sure, right, strict=True) if c >= float(threshold)]
        assert (len(acted), acted.count(False)) == (int(acts), int(wrong))
        assert 100 * (len(acted) - int(wrong) * (1 + float(cost))) / len(sure) == float(worth)
        rule = Rule(float(cost))
        if rule.least_confidence == float(threshold):
            decision = decide(sure, correct=right, out_of_scope=[False] * 10, rule=rule)
            assert decision.utility == pytest.approx(float(worth))
    assert best_threshold(sure, right, Rule(3)) == (0.91, pytest.approx(30))
    assert "the threshold 0.91 would have been best, with 30" in page
    assert round(upper_bound(2, 100), 2) == 0.06  # "their upper limit is 6 %"
    for limit, fewest in re.findall(r"^\| (0\.\d+) \| (\d+) \|$", page, re.MULTILINE):
        assert upper_bound(0, int(fewest)) <= float(limit) < upper_bound(0, int(fewest) - 1)
    for cost, least in re.findall(r"^\| (\S+) \| (0\.\d+) \| [^\d|]+ \|$", page, re.MULTILINE):
        assert Rule(float(cost)).least_confidence == pytest.approx(float(least), abs=0.005)


def test_versions_agree() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == maksud.__version__
