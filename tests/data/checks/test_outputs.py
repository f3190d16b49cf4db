"""What a check is to write: nothing over the data, nothing twice in one place."""

from pathlib import Path

import pytest

from maksud.data.checks.fixing import possible_targets
from maksud.data.checks.outputs import check_outputs
from maksud.errors import InputError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.json", "old.json", "c.yaml", "page.html"):
        Path(name).write_text("")


READ = {"the data": "x.json", "--catalog": "c.yaml", "--against": "old.json"}


@pytest.mark.parametrize(
    ("outs", "html", "suggest", "says"),
    [
        ([], "x.json", None, "--html would be written over the data"),
        ([], "c.yaml", None, "--html would be written over --catalog"),
        ([], "old.json", None, "--html would be written over --against"),
        ([], "-", None, "--html is not written to standard output"),
        (["-"], None, None, "--out is not written to standard output"),
        (["./x.json"], None, None, "--out would be written over the data"),
        (["old.json"], None, None, "--out would be written over --against"),
        (["o.json"], "o.json", None, "--html would be written over o.json, which --fix writes"),
        (["o.json"], "o.json.diff", None, "over o.json.diff, which --fix writes"),
        (["o"], "o/train.json", None, "over o, which --fix writes"),
        (["o/x.json"], "o", None, "over o/x.json, which --fix writes"),
        (["n.jsonl"], None, "n.jsonl", "--suggest would be written over n.jsonl"),
        ([], "n.jsonl", "n.jsonl", "--suggest would be written over --html"),
    ],
)
def test_what_is_refused(outs: list[str], html: str | None, suggest: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_outputs(READ, outs, html, suggest, overwrite=True)


def test_the_diff_may_be_no_data_either() -> None:
    with pytest.raises(InputError, match="the diff of --fix would be written over the data"):
        check_outputs({"the data": "o.json.diff"}, ["o.json"], overwrite=True)


def test_what_is_allowed() -> None:
    check_outputs(READ, ["o.json"], "page.html", "n.jsonl", overwrite=True)
    check_outputs(READ, ["x.json"], "page.html", in_place=True, overwrite=True)
    with pytest.raises(InputError, match="something already"):
        check_outputs(READ, [], "page.html")


def test_where_fixed_data_may_go() -> None:
    assert possible_targets("x.csv") == ["x-fixed.csv", "x-fixed.jsonl"]
    assert possible_targets("data/") == ["data-fixed", "data-fixed.jsonl"]
    assert possible_targets("x.csv", "o.json") == ["o.json"]
    assert possible_targets("x.json", in_place=True) == ["x.json"]
