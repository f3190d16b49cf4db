"""Arguments: names of runs, and how many options a page of help shows first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from maksud.cli import app
from maksud.cli.arguments import ADVANCED, READING, split_name
from maksud.errors import InputError

MOST = 12
"""Options of a command before the advanced ones, `--help` among them."""


def commands(group: object, name: str = "maksud") -> Iterator[tuple[str, object]]:
    parts = getattr(group, "commands", None)
    if parts is None:
        yield name, group
        return
    for part, command in parts.items():
        yield from commands(command, f"{name} {part}")


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_help_has_more_options_than_one_reads(name: str) -> None:
    params = ALL[name].params  # type: ignore[attr-defined]
    later = [p for p in params if getattr(p, "rich_help_panel", None) in (ADVANCED, READING)]
    first = [p for p in params if p.param_type_name == "option" and p not in later]
    shown = [p.opts[0] for p in first] + ["--help"]
    assert len(shown) <= MOST, f"{name}: {shown}"


def test_a_run_may_be_given_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert split_name("runs/compact") == ("", Path("runs/compact"))
    assert split_name("new=runs/compact") == ("new", Path("runs/compact"))
    assert split_name("a b=C:\\runs=x") == ("a b", Path("C:\\runs=x"))
    assert split_name("runs/lr=1e-3") == ("", Path("runs/lr=1e-3"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1").mkdir()
    assert split_name("lr=1") == ("", Path("lr=1"))
    for wrong in ("=runs/x", "name=", " =x", "a\nb=x", "a\u202eb=x"):
        with pytest.raises(InputError, match="no NAME=PATH"):
            split_name(wrong)
