"""Fixes are safe, told in a diff, and never in place unless asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks import check, examine
from maksud.data.checks.fixing import PARTED, fix, mend
from maksud.data.checks.repeats import NOT_ALIKE
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load, save
from maksud.errors import DataError, SettingsError
from maksud.language.calls import Argument, Call, format_calls, parse_calls
from maksud.language.catalog import Catalog, Intent

CATALOG = Catalog((Intent("play_music"), Intent("stop")))


def fixed(*examples: Example, catalog: Catalog | None = None) -> list[tuple[str, str]]:
    return [(e.instruction, e.output) for e in fix(Dataset(examples, catalog=catalog)).dataset]


@pytest.mark.parametrize(
    ("text", "output", "right_text", "right_output"),
    [
        ("  putar lagu \n", "f()", "putar lagu", "f()"),
        ("satu\r\ndua", "f()", "satu\ndua", "f()"),
        ("cafe\u0301 ini", "f(p=cafe\u0301)", "caf\u00e9 ini", "f(p=caf\u00e9)"),
        ("Ham\u200bpa", "f(p=Ham\u200bpa)", "Hampa", "f(p=Hampa)"),
        ("a\u00adb \ufeffc", "f()", "ab c", "f()"),
        ("👨\u200d👩\u200d👧 itu", "f()", "👨\u200d👩\u200d👧 itu", "f()"),
        ("می\u200cخواهم", "f()", "می\u200cخواهم", "f()"),
        ("a \u202eb", "f()", "a \u202eb", "f()"),
        ("itu", "f( x ,y )", "itu", "f( x ,y )"),
        ("itu ", "f(", "itu", "f("),
    ],
)
def test_each_fix(text: str, output: str, right_text: str, right_output: str) -> None:
    assert fixed(Example(text, output)) == [(right_text, right_output)]


def test_the_catalogs_spelling_by_case_and_width_alone() -> None:
    rows = [
        Example("a", "Play_Music()"),
        Example("b", "ｐlay_music(song=b);STOP()"),
        Example("c", "play-music()"),
        Example("d", "p\u0430use()"),
    ]
    assert [output for _, output in fixed(*rows, catalog=CATALOG)] == [
        "play_music()",
        "play_music(song=b);stop()",
        "play-music()",
        "p\u0430use()",
    ]
    assert fixed(rows[0]) == [("a", "Play_Music()")]
    two = Catalog((Intent("on"), Intent("ON")))
    assert fixed(Example("a", "On()"), catalog=two) == [("a", "On()")]


def test_duplicates_go_where_all_of_the_row_is_the_same() -> None:
    rows = [
        Example("itu", "f()", split="train", line=1),
        Example("itu ", "f()", split="train", line=2),
        Example("itu", "f()", split="test", line=3),
        Example("itu", "f()", split="train", line=4, annotator="b"),
        Example("itu", "g()", split="train", line=5),
    ]
    done = fix(Dataset(rows))
    assert [e.line for e in done.dataset] == [1, 3, 4, 5]
    assert done.left == {NOT_ALIKE: 1}
    assert done.counts == {"exact duplicate": 1}


def test_turns_are_mended_with_their_utterance() -> None:
    turns = Example("satu. dua\u200b", "f()", metadata={"turns": [" satu", "dua\u200b"]})
    mended = fix(Dataset([turns])).dataset[0]
    assert mended.metadata["turns"] == ["satu", "dua"]


VALUES = st.text(st.sampled_from("ab e\u0301\u00e9\u200b\u200d\u00ad\r\n\u3000(,"), max_size=6)


@given(VALUES, VALUES, VALUES)
def test_a_value_that_was_said_is_still_said(before: str, value: str, after: str) -> None:
    output = format_calls([Call("f", (Argument("p", value),))])
    example = Example(before + value + after, output)
    done = fix(Dataset([example]))
    mended = done.dataset[0]
    assert parse_calls(mended.output)[0].arguments[0].value in mended.instruction
    again = fix(done.dataset)
    assert not again.changes
    if done.left.get(PARTED):
        assert mended == example


@given(st.lists(st.builds(Example, VALUES, st.sampled_from(["f()", "g(p=a)", "f("])), max_size=8))
def test_every_row_is_kept_changed_or_told(rows: list[Example]) -> None:
    done = fix(Dataset(rows))
    gone = [c for c in done.changes if c.after is None]
    assert len(done.dataset) + len(gone) == len(rows)
    kept = [(e.split, e.instruction, e.output) for e in done.dataset]
    assert len(set(kept)) == len(kept)


# ---------------------------------------------------------------- files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with faults in train and none in test, and a catalog with a comment."""
    directory = tmp_path / "data"
    directory.mkdir()
    rows = [("putar\u200b Hampa", "Play_Music()"), ("berhenti", "stop()"), ("berhenti", "stop()")]
    lines = [json.dumps({"instruction": i, "output": o, "n": k}) for k, (i, o) in enumerate(rows)]
    lines[2] = lines[1]
    (directory / "train.jsonl").write_text("\n".join(lines))
    (directory / "test.json").write_text('[{"instruction":"tutup","output":"stop()"}]')
    (directory / "catalog.yaml").write_text("# mine\nintents: {play_music: {}, stop: {}}\n")
    return directory


def test_fixing_a_directory_beside_it(data: Path) -> None:
    before = {p.name: p.read_bytes() for p in data.iterdir()}
    done = mend(examine(data), str(data))
    assert {p.name: p.read_bytes() for p in data.iterdir()} == before
    target = Path(done.target)
    assert target == data.parent / "data-fixed"
    assert (target / "test.json").read_bytes() == before["test.json"]
    assert (target / "catalog.yaml").read_bytes() == before["catalog.yaml"]
    assert [(e.instruction, e.output, e.metadata["n"]) for e in load(target).train] == [
        ("putar Hampa", "play_music()", 0),
        ("berhenti", "stop()", 1),
    ]
    diff = Path(done.diff).read_text()
    assert f"--- {data / 'train.jsonl'}" in diff
    assert "@@ line 1: zero-width characters, spelling of an intent @@" in diff
    assert '-{"instruction": "putar\\u200b Hampa", "output": "Play_Music()"}' in diff
    assert '+{"instruction": "putar Hampa", "output": "play_music()"}' in diff
    assert diff.count("@@ line 3: exact duplicate @@\n-") == 1
    assert "zero-width characters 1" in done.summary and "W-FEW" in done.summary


def test_in_place_only_when_asked(data: Path) -> None:
    untouched = (data / "test.json").read_bytes()
    done = mend(examine(data), str(data), in_place=True)
    assert (data / "test.json").read_bytes() == untouched
    assert len(load(data).train) == 2 and Path(done.diff) == data.parent / "data.diff"
    assert not {"W-HIDDEN", "W-DUP", "W-LABEL"} & set(done.after.findings.codes)
    assert {p.name for p in data.iterdir()} == {"train.jsonl", "test.json", "catalog.yaml"}


def test_naming_the_data_itself_is_not_asking(data: Path) -> None:
    (data.parent / "link").symlink_to(data)
    for name in ("data", "data/", "./data", "link", "data/train.jsonl"):
        with pytest.raises(SettingsError, match="is the data itself"):
            mend(examine(data), str(data), f"{data.parent}/{name}")
    assert len(load(data).train) == 3


def test_rows_that_can_not_be_read_are_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"instruction": " a", "output": "f()"}\n{"instruction": "b"\n')
    with pytest.raises(DataError, match="1 row can't be read and would be lost"):
        mend(examine(file), str(file))
    assert list(tmp_path.iterdir()) == [file]


def test_a_version_never_changes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maksud.data.versions import Store

    monkeypatch.setenv("MAKSUD_WORKSPACE", str(tmp_path))
    Store().save(load(data), "music")
    path = str(Store().path("music"))
    checked = examine(path)
    with pytest.raises(SettingsError, match="music@1 is a kept version"):
        mend(checked, path, in_place=True)
    assert len(Store().load("music")) == 4
    out = mend(checked, path, str(tmp_path / "out.jsonl"))
    assert len(load(out.target)) == 3


def test_foreign_formats_are_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("instruction,output\n putar ,f()\n")
    with pytest.raises(SettingsError, match="mended in place"):
        mend(examine(file), str(file), in_place=True)
    done = mend(examine(file), str(file))
    assert done.target == str(tmp_path / "x-fixed.jsonl")
    assert [e.instruction for e in load(done.target)] == ["putar"]


def test_an_interruption_leaves_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maksud.data.checks import fixing

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fixing, "write_diff", stop)
    before = sorted(data.parent.rglob("*"))
    with pytest.raises(KeyboardInterrupt):
        mend(examine(data), str(data))
    assert sorted(data.parent.rglob("*")) == before


def test_what_has_nothing_to_fix_stays_as_it_is(tmp_path: Path) -> None:
    save(Dataset([Example("a", "f()"), Example("b", "none()")]), tmp_path / "x.json")
    done = mend(examine(tmp_path / "x.json"), str(tmp_path / "x.json"))
    assert Path(done.target).read_bytes() == (tmp_path / "x.json").read_bytes()
    assert Path(done.diff).read_bytes() == b""
    assert "Fixed: nothing" in done.summary
    assert check(done.target).codes == check(tmp_path / "x.json").codes
