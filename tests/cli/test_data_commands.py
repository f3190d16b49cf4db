"""`maksud data` as people type it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save


def data(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs `maksud data`; its exit code must be `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "data", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr and "fault" not in done.stderr
    return done


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAKSUD_WORKSPACE", str(tmp_path))
    rows = [Example(f"say {s}", "f()", split=s) for s in ("train", "dev")]
    save(Dataset(rows), tmp_path / "shop")
    shutil.copy(tmp_path / "shop" / "dev.json", tmp_path / "shop" / "test.json")
    return tmp_path / "shop"


def test_splits_of_the_same_content_are_kept_and_read(shop: Path) -> None:
    assert "Kept 3 examples as p@1." in data("save", shop, "--name", "p").stderr
    assert "3 same" in data("diff", "p@1", shop).stdout
    assert "Nothing changed" in data("save", shop, "--name", "p").stderr


def test_the_list_names_what_can_not_be_read_and_has_the_rest(shop: Path, tmp_path: Path) -> None:
    data("save", shop, "--name", "p")
    (tmp_path / ".maksud" / "data" / "x@1.json").mkdir()
    (tmp_path / ".maksud" / "data" / "p@2.json").write_text("{}")
    done = data("list", code=4)
    assert "p@1" in done.stdout
    assert [line.split(":")[1].rpartition("/")[2] for line in done.stderr.splitlines()] == [
        "p@2.json",
        "x@1.json",
    ]
    as_json = data("list", "--json", code=4)
    assert [m["version"] for m in json.loads(as_json.stdout)] == [1]
    assert "Nothing is kept yet" not in data("list", "x", code=4).stdout
    assert "no dataset 'y' is kept" in data("list", "y", code=2).stderr


def test_a_limit_is_a_count(shop: Path, tmp_path: Path) -> None:
    assert "'--limit'" in data("diff", shop, shop, "--limit", -1, code=2).stderr
    save([Example("new", "f()")], tmp_path / "x.json")
    told = data("diff", shop, tmp_path / "x.json", "--limit", 0).stdout
    assert "+ … and 1 more added" in told and "new" not in told
