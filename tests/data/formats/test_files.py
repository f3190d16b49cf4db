"""Opening and writing data files: nothing is dropped in silence, every fault has a place."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import find, load, read, save
from maksud.errors import DataError

GOOD = '{"instruction": "halo", "output": "greet()"}'


def codes(path: Path) -> list[str]:
    return [f.code for f in read(path)[1]]


def test_a_comma_after_the_last_row_is_read_and_told(tmp_path: Path) -> None:
    file = tmp_path / "guide.json"
    file.write_text(f"[ {GOOD}, {GOOD}, ]")
    data, found, _ = read(file)
    assert len(data) == 2 and [f.code for f in found] == ["W-COMMA"]
    assert len(load(file)) == 2


def test_rows_know_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(f"[\n{GOOD},\n\n{GOOD}\n]\n")
    assert [e.place for e in load(file)] == [f"{file}:2", f"{file}:4"]
    lines = tmp_path / "x.jsonl"
    lines.write_text(f"{GOOD}\n\n{GOOD}\r\n")
    assert [e.line for e in load(lines)] == [1, 3]


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ('{"instruction": "a", "output": }', "E-JSON", "expecting value"),
        ('{"instruction": "a"}', "E-FIELD", '"output" is missing'),
        ('{"instrution": "a", "output": "b()"}', "E-FIELD", 'did you mean "instrution"'),
        ('{"instruction": null, "output": "b()"}', "E-TYPE", "null"),
        ('{"instruction": 3, "output": "b()"}', "E-TYPE", "a number"),
        ('{"instruction": " \\u200b ", "output": "b()"}', "E-EMPTYTEXT", "empty"),
        ('{"instruction": "a", "output": " "}', "E-EMPTYTEXT", '"output" is empty'),
        ('{"instruction": "a\\u0000", "output": "b()"}', "E-CONTROL", "U+0000"),
        ('{"instruction": "\\ud800", "output": "b()"}', "E-SURROGATE", "surrogate"),
        ('{"instruction": "a", "instruction": "c", "output": "b()"}', "E-DUPKEY", "twice"),
        ('{"instruction": "a", "output": "b()", "w": NaN}', "E-NUMBER", "NaN"),
        ('{"instruction": "a", "output": "b()", "w": 1e999}', "E-NUMBER", "range"),
        ('{"instruction": "a", "output": "b()", "w": ' + "9" * 50 + "}", "E-NUMBER", "50 digits"),
        ("null", "E-SHAPE", "found null"),
        ('{"x": ' + "[" * 100000 + "]" * 100000 + "}", "E-DEPTH", "nesting"),
        (GOOD + GOOD, "E-JSON", "extra data"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(
    tmp_path: Path, row: str, code: str, says: str
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(f"{GOOD}\n{row}\n{GOOD}\n")
    data, found, rejects = read(file)
    assert len(data) == 2
    assert [(f.code, f.place) for f in found] == [(code, f"{file}:2")]
    assert says in found[0].message
    assert [r.original for r in rejects] == [row.encode()]
    with pytest.raises(DataError, match=code):
        load(file)


def test_a_broken_row_of_an_array_spares_the_others(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(f'[\n{GOOD},\n{{"instruction": "a" "output": "b()"}},\n{GOOD}\n]')
    data, found, rejects = read(file)
    assert len(data) == 2 and len(rejects) == 1
    assert found[0].place == f"{file}:3"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "E-EMPTY"),
        (b" \n\n ", "E-NOROWS"),
        (b"[]", "E-NOROWS"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04", "E-"),
        (b"<html><body>404", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        ('[{"instruction": "é"}]'.encode("utf-16"), "UTF-16"),
        (b'[{"instruction": "caf\xe9"}]', "byte 0xE9 at offset 21"),
        (b"hello there", "E-FORMAT expected JSON"),
        (b'{\n "data": []\n}', "E-SHAPE"),
        (b'[{"instruction": "a", "output": "b()"}', "ends inside the array"),
        (b'[{"instruction": "a", "output": "b()"}] trailing', "after the closing bracket"),
    ],
)
def test_a_file_that_is_no_data(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(file)
    assert says in str(caught.value) and str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_paths_offer_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(f"[{GOOD}]")
    with pytest.raises(DataError, match=r"In that directory: train\.json"):
        load(tmp_path / "trian.json")
    (tmp_path / "sub").mkdir()
    with pytest.raises(DataError, match=r"no train\.json"):
        load(tmp_path / "sub")


def test_a_directory_has_splits_and_catalog(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.json").write_text(f"[{GOOD}]")
    (tmp_path / "catalog.yaml").write_text("intents:\n  greet: {description: hello}\n")
    data = load(tmp_path)
    assert [e.split for e in data] == ["train", "dev", "test"]
    assert data.catalog.intents[0].description == "hello"


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda t: t.strip() and not t.isspace() and t.strip("\u200b\u200c\u200d\u2060\ufeff\u00ad ")
)


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.builds(Example, texts, texts, id=st.text("abc", max_size=3), metadata=st.just({"k": 1})),
        min_size=1,
        max_size=5,
        unique_by=lambda e: e.id or e.instruction,
    ),
    suffix=st.sampled_from([".json", ".jsonl"]),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Example], suffix: str
) -> None:
    file = tmp_path_factory.mktemp("data") / f"x{suffix}"
    save(rows, file)
    back = load(file)
    assert [(e.instruction, e.output, e.id, e.metadata) for e in back] == [
        (e.instruction, e.output, e.id, e.metadata) for e in rows
    ]


def test_what_is_not_labelled_yet_is_null(tmp_path: Path) -> None:
    save([Example("a", ""), Example("b", "f()")], tmp_path / "x.jsonl")
    first = json.loads((tmp_path / "x.jsonl").read_text().splitlines()[0])
    assert first == {"instruction": "a", "output": None}
    assert [e.is_labelled for e in load(tmp_path / "x.jsonl")] == [False, True]


def test_turns_alone_are_folded(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(
        '{"turns": ["putar musik", "Hampa"], "output": "play(song=Hampa)"}\n'
        '{"turns": [" "], "output": "f()"}\n{"turns": "a", "output": "f()"}\n'
    )
    data, _, rejects = read(file)
    assert data[0].instruction == "putar musik. Hampa" and data[0].is_multi_turn
    assert [r.code for r in rejects] == ["E-EMPTYTEXT", "E-TYPE"]


def test_a_row_may_say_its_split(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    splits = ("train", "Validation", "testing", "dve")
    file.write_text("\n".join(f'{GOOD[:-1]}, "split": "{s}"}}' for s in splits))
    data, _, rejects = read(file)
    assert [e.split for e in data] == ["train", "dev", "test"]
    assert rejects[0].code == "E-SPLIT" and "Nearest: dev" in rejects[0].finding.fix


def test_progress_is_told(tmp_path: Path) -> None:
    save([Example(f"a {k}", "f()") for k in range(20_000)], tmp_path / "x.jsonl")
    told: list[tuple[str, float]] = []
    read(tmp_path / "x.jsonl", tick=lambda name, share: told.append((name, share)))
    assert len(told) >= 4 and {name for name, _ in told} == {"x.jsonl"}
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_saving_is_atomic(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    save([Example("a", "b()")], file)
    before = file.read_bytes()

    with pytest.raises(TypeError):
        save([Example("a", "b()", metadata={"k": {1, 2}})], file)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_splits_go_to_a_directory(tmp_path: Path) -> None:
    rows = [Example("a b", "f()", split="train"), Example("c d", "f()", split="test")]
    save(Dataset(rows), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "test.json").read_text())[0]["instruction"] == "c d"
    assert load(tmp_path / "out").fingerprint == Dataset(rows).fingerprint


@pytest.mark.parametrize("name", ["validation.jsonl", "val.jsonl", "valid.json", "Dev.jsonl"])
def test_the_dev_split_has_several_names(name: str, tmp_path: Path) -> None:
    """Else a tenth of train is held out, and nobody hears that there was a dev split."""
    row = '{"instruction": "%s", "output": "f()"}\n'
    (tmp_path / "training.jsonl").write_text(row % "a" + row % "b")
    text = row % "c"
    (tmp_path / name).write_text(text if name.endswith("l") else f"[{text}]")
    (tmp_path / "testing.jsonl").write_text(row % "d")
    found = find(tmp_path)
    assert [e.instruction for e in found.dataset.dev] == ["c"]
    assert (len(found.dataset.train), len(found.dataset.test)) == (2, 1)
    assert not found.findings


def test_two_files_of_one_split_under_two_names_are_refused(tmp_path: Path) -> None:
    for name in ("train.jsonl", "dev.jsonl", "validation.jsonl"):
        (tmp_path / name).write_text('{"instruction": "a", "output": "f()"}\n')
    with pytest.raises(DataError, match=r"files of the dev split: dev\.jsonl, validation\.jsonl"):
        load(tmp_path)


def test_data_that_is_no_split_is_named(tmp_path: Path) -> None:
    for name in ("train.jsonl", "more.jsonl", "eval.csv", "x.jsonl.rejects.jsonl", "notes.txt"):
        (tmp_path / name).write_text('{"instruction": "a", "output": "f()"}\n')
    (told,) = find(tmp_path).findings
    assert (told.code, told.level) == ("I-UNREAD", "info")
    assert "eval.csv, more.jsonl" in told.message
