"""A format is one file and one line: a toy format is told, read, written and converted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from maksud import data
from maksud.data import formats
from maksud.data.dataset import Dataset, Example
from maksud.data.formats import registry
from maksud.data.formats.conversion import convert
from maksud.data.formats.files import find, load, save
from maksud.errors import SettingsError

TOY = """
from maksud.data.formats.base import Format
from maksud.data.formats.parts.lines import text_lines
from maksud.data.formats.parts.reading import Reading


def read_toy(file, options):
    reading = Reading()
    for line, text, raw in text_lines(file, options, reading):
        said, arrow, answer = text.partition(" -> ")
        if said != "%toy":
            reading.add(said, answer or None, source=file.path, line=line, original=raw)
    return reading


def write_toy(examples, file, writing):
    file.write(b"%toy\\n")
    for e in writing.labelled(examples):
        file.write(f"{e.instruction} -> {e.output}\\n".encode())


FORMAT = Format(
    "toy", "a toy", (".toy",), lambda file: file.head.startswith(b"%toy"), read_toy, write_toy,
    keeps=(), converts_to=lambda dataset, ending: "toy" if ending == ".txt" else "",
)
"""
"""The one file."""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy format, put in as its author would: its file beside the others, a line in MODULES."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "toy_of_the_test.py").write_text(TOY)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])
    modules = ("toy_of_the_test", *registry.MODULES)  # the one line
    monkeypatch.setattr(registry, "FORMATS", registry.load_formats(modules))


@pytest.mark.usefixtures("toy")
def test_a_toy_format_is_told_read_written_and_converted(tmp_path: Path) -> None:
    rows = [Example("putar Hampa", "play(song=Hampa)"), Example("halo", "none()", id="7")]
    save(Dataset(rows), tmp_path / "x.toy")
    assert (tmp_path / "x.toy").read_text() == (
        "%toy\nputar Hampa -> play(song=Hampa)\nhalo -> none()\n"
    )
    (tmp_path / "x.toy").rename(tmp_path / "x.json")  # told from its content, not its name
    found = find(tmp_path / "x.json")
    assert [f.name for f in found.formats] == ["toy"]
    assert [(e.instruction, e.output) for e in found.dataset] == [
        ("putar Hampa", "play(song=Hampa)"),
        ("halo", "none()"),
    ]
    there = convert(tmp_path / "x.json", tmp_path / "y.csv")
    assert (there.written, there.target_format.name) == (2, "csv")
    back = convert(tmp_path / "y.csv", tmp_path / "z.toy")
    assert (back.written, back.target_format.name) == (2, "toy")
    assert (tmp_path / "z.toy").read_bytes() == (tmp_path / "x.json").read_bytes()
    own = convert(tmp_path / "z.toy", tmp_path / "z.txt")  # by the rule of the format itself
    assert own.target_format.name == "toy"


@pytest.mark.usefixtures("toy")
def test_a_toy_format_is_a_split_of_a_directory_and_told_in_messages(tmp_path: Path) -> None:
    save(Dataset([Example("a", "f()", split="train")]), tmp_path / "d", format="toy")
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["train.toy"]
    assert load(tmp_path / "d")[0].output == "f()"
    unlabelled = [Example("a", "f()", id="7"), Example("b", "")]
    with pytest.raises(Exception, match="E-UNLABELLED .*toy has no place for it"):
        save(Dataset(unlabelled), tmp_path / "e.toy")
    with pytest.raises(SettingsError) as error:
        save(Dataset(unlabelled), tmp_path / "e.unknown")
    assert ".toy" in error.value.hint and error.value.hint.startswith("Use .json, .jsonl, ")


def test_every_format_has_one_name_and_what_reads_them_names_none() -> None:
    names = {f.name for f in registry.FORMATS}
    assert len(names) == len(registry.FORMATS) == len(set(registry.MODULES))
    folder = Path(formats.__file__).parent
    shared = {
        "__init__",
        "base",
        "registry",
        "files",
        "conversion",
        "store",
        "manifest",
        "targets",
        "places",
        "elsewhere",
    }
    assert {p.stem for p in folder.glob("*.py")} == {*registry.MODULES, *shared}
    assert Path(data.__file__ or "").parent == folder.parent
    for module in (folder / "files.py", folder / "conversion.py", *folder.glob("parts/*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        imported = [
            f"{n.module}.{a.name}" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)
            for a in n.names
        ]  # fmt: skip
        own = {f"maksud.data.formats.{name}" for name in registry.MODULES}
        assert not [i for i in imported if i in own or i.rpartition(".")[0] in own], module
        texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        assert not texts & (names - {"text"}), module  # "text" is a field's name as well
