"""A check is one file and one line: a toy one is seen in `check` and in `--fix`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maksud.cli import app
from maksud.data.checks import check, registry
from maksud.data.checks.base import Check, Mend, Part
from maksud.data.checks.rows import Row
from maksud.data.findings import Finding, Findings


class Shouting(Part):
    def __init__(self) -> None:
        self._places: list[str] = []

    def see(self, row: Row) -> None:
        if row.text.endswith("!!!"):
            self._places.append(row.example.place)

    def tell(self, found: Findings) -> None:
        for place in self._places:
            found.append(Finding("info", "I-SHOUT", "shouted", place))


def calm(text: str) -> tuple[str, set[str]]:
    quiet = text.rstrip("!")
    return quiet, {"shouting"} if quiet != text else set()


TOY = Check("shouting", Shouting, Mend(("shouting",), trim=calm))


@pytest.fixture
def toy() -> Iterator[None]:
    registry.CHECKS.append(TOY)
    yield
    registry.CHECKS.remove(TOY)


def test_a_toy_check_is_told_and_mended(toy: None, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"instruction": "putar lagu!!!", "output": "play()"}))
    assert check(file).codes["I-SHOUT"] == 1
    done = CliRunner().invoke(app, ["check", str(file), "--fix", "--json"])
    told = json.loads(done.stdout)
    assert told["fixed"]["changed"] == {"shouting": 1} and "I-SHOUT" not in told["codes"]
    assert '"putar lagu"' in (tmp_path / "x-fixed.jsonl").read_text()


def test_without_its_line_it_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"instruction": "putar lagu!!!", "output": "play()"}))
    assert "I-SHOUT" not in check(file).codes


def test_names_and_parts_stand_once_and_what_runs_them_names_none() -> None:
    checks = registry.CHECKS
    assert len({c.name for c in checks}) == len({c.part for c in checks}) == len(checks)
    folder = Path(registry.__file__).parent
    for name in ("run.py", "fixing.py", "base.py"):
        text = (folder / name).read_text()
        assert not [c.name for c in checks if f"checks.{c.name} " in text], name
