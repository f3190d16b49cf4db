"""Tables: CSV, TSV, XLSX, Parquet; columns, labels, cells that stay what they are."""

from __future__ import annotations

import builtins
import csv
import io
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.dataset import Example
from maksud.data.formats.base import Options
from maksud.data.formats.files import find, load, read, save
from maksud.data.formats.parts.columns import parse_columns
from maksud.data.formats.parts.table import neutralise, restore
from maksud.errors import DataError, SettingsError, SystemFault


def write(folder: Path, text: str, name: str = "x.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    return file


def pairs(path: Path, **options: Any) -> list[tuple[str, str]]:
    data = load(path, options=Options(**options))
    return [(e.instruction, e.output) for e in data]


# ---------------------------------------------------------------- columns and labels


def test_our_own_names_and_the_usual_ones_are_known(tmp_path: Path) -> None:
    file = write(tmp_path, "instruction,output\na,f()\n")
    assert pairs(file) == [("a", "f()")]
    assert not read(file)[1]
    file = write(tmp_path, "id,Text,Intent,note\n7,a,play_music,x\n")
    data, found, _ = read(file)
    assert (data[0].instruction, data[0].output, data[0].id) == ("a", "play_music()", "7")
    assert data[0].metadata == {"note": "x"}
    assert found.codes == {"I-COLUMNS": 1, "W-FIELD": 1}


def test_columns_are_mapped_and_others_may_be_arguments(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b,c,d\ncuaca,weather,Solo,besok\ncuaca,weather,,\n")
    columns = parse_columns("instruction=a, output=b, param:city=c, param:day=d")
    assert pairs(file, columns=columns) == [
        ("cuaca", "weather(city=Solo, day=besok)"),
        ("cuaca", "weather()"),
    ]


def test_columns_are_mapped_in_json_too(tmp_path: Path) -> None:
    file = write(tmp_path, '{"text": "a", "label": "play", "n": 3}\n', "x.jsonl")
    assert pairs(file) == [("a", "play()")]
    _, found, _ = read(file)
    assert found.codes == {"I-COLUMNS": 1, "W-FIELD": 1}
    told = next(f.message for f in found if f.code == "I-COLUMNS")
    assert '"text" is read as instruction, "label" is read as output' in told
    columns = {"instruction": "text", "output": "label", "param:count": "n"}
    assert pairs(file, columns=columns) == [("a", "play(count=3)")]


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("play_music", "play_music()"),
        ("Book Flight", "Book_Flight()"),
        ("none", "none()"),
        ("None", "none()"),
        ("f(x=1);g()", "f(x=1);g()"),
        ("smalltalk.hello-there/2", "smalltalk.hello-there/2()"),
    ],
)
def test_a_label_alone_is_an_intent(label: str, answer: str, tmp_path: Path) -> None:
    assert pairs(write(tmp_path, f"text,label\na,{label}\n")) == [("a", answer)]


def test_renamed_labels_are_told_once_and_two_that_become_one_warn(tmp_path: Path) -> None:
    text = "text,label\na,Book Flight\nb,Book Flight\nc,Book_Flight\n"
    _, found, _ = read(write(tmp_path, text))
    assert found.codes["I-NAME"] == 1 and found.codes["W-NAME"] == 1


def test_without_an_answer_an_example_is_not_labelled(tmp_path: Path) -> None:
    assert pairs(write(tmp_path, "text,label\na,\nb,f\n")) == [("a", ""), ("b", "f()")]
    assert pairs(write(tmp_path, "text\na\n")) == [("a", "")]


@pytest.mark.parametrize(
    ("given_text", "says"),
    [
        ("instruction", "expected OURS=THEIRS"),
        ("instrution=text", "Nearest: instruction"),
        ("param:a b=x", "unknown field 'param:a b'"),
        ("output=a,output=b", "mapped twice"),
    ],
)
def test_a_mapping_that_can_not_be_meant(given_text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse_columns(given_text)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    file = write(tmp_path, "tuturkata,label\na,f\n")
    with pytest.raises(DataError, match="no column is the utterance .has: .tuturkata., .label"):
        load(file)
    with pytest.raises(DataError, match='no column "text" for instruction. Known: tuturkata, la'):
        load(file, options=Options(columns={"instruction": "text"}))


def test_a_whole_answer_and_argument_columns_do_not_go_together(tmp_path: Path) -> None:
    file = write(tmp_path, "text,label,city\na,f(x),Solo\n")
    _, _, rejects = read(file, options=Options(columns={"param:city": "city"}))
    assert [r.code for r in rejects] == ["E-LABEL"]


# ---------------------------------------------------------------- CSV


def test_cells_stay_text(tmp_path: Path) -> None:
    cells = ["NA", "null", "None", "nan", "007", "1e5", "true", "2026-01-02", " a ", '"', "a\r\nb"]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["text", "label"], *[[c, "f()"] for c in cells]])
    assert [t for t, _ in pairs(write(tmp_path, buffer.getvalue()))] == cells


def test_rows_know_the_line_on_which_they_begin(tmp_path: Path) -> None:
    file = write(tmp_path, 'text,label\r\n"a\r\nb",f()\r\n\r\nc,g()\r\n')
    assert [e.line for e in load(file)] == [2, 5]


def test_other_delimiters(tmp_path: Path) -> None:
    assert pairs(write(tmp_path, "text;label\na;f\n"), delimiter=";") == [("a", "f()")]
    assert pairs(write(tmp_path, "text\tlabel\na\tf\n", "x.tsv")) == [("a", "f()")]
    assert find(write(tmp_path, "text\tlabel\na\tf\n", "x.csv")).formats[0].name == "tsv"
    assert find(write(tmp_path, "text,label\na,f\n", "x.dat")).formats[0].name == "csv"
    for bad in ("::", '"', "\n"):
        with pytest.raises(SettingsError, match="delimiter"):
            Options(delimiter=bad)


def test_an_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes("text,label\n播放音乐,play\n".encode("gb18030"))
    assert pairs(file, encoding="gb18030") == [("播放音乐", "play()")]
    for bad in ("utf-99", "utf-16"):
        with pytest.raises(SettingsError, match="encoding"):
            Options(encoding=bad)


def test_formulas_are_neutralised_and_come_back(tmp_path: Path) -> None:
    texts = ["=1+1", "+62 812", "-5", "@x", "\tx", "'=1", "''=1", "'quoted", "＝1", "a=1"]
    save([Example(t, "f()") for t in texts], tmp_path / "x.csv")
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        cells = [row[0] for row in csv.reader(file)][1:]
    assert not any(c[:1] in "=+-@\t＝" for c in cells)
    data, found, _ = read(tmp_path / "x.csv")
    assert [e.instruction for e in data] == texts
    assert found.codes == {"I-FORMULA": 1} and "4 cells" in found[0].message


@given(st.text())
def test_neutralising_is_undone(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert neutralise(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


def test_metadata_has_columns(tmp_path: Path) -> None:
    about = {"topic": "x", "list": [1, "a"], "turns": ["a", "b"]}
    rows = [Example("a. b", "f()", id="1", annotator="me", metadata=about), Example("c", "g()")]
    save(rows, tmp_path / "x.csv")
    back = load(tmp_path / "x.csv")
    assert (back[0].id, back[0].annotator) == ("1", "me")
    assert back[0].metadata == {"topic": "x", "list": '[1, "a"]', "turns": ["a", "b"]}
    assert not back[1].metadata


def test_a_weight_is_a_number(tmp_path: Path) -> None:
    text = "text,label,weight\na,f,2.5\nb,f,x\nc,f,0\n"
    data, _, rejects = read(write(tmp_path, text))
    assert data[0].metadata == {"weight": 2.5}
    assert [r.code for r in rejects] == ["E-WEIGHT", "E-WEIGHT"]


# ---------------------------------------------------------------- XLSX

openpyxl = pytest.importorskip("openpyxl")


def workbook(folder: Path, *rows: Any, **sheets: Any) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, state in sheets.items():
        book.create_sheet(name).sheet_state = state
        book[name].append(["text", "label"])
        book[name].append([name, "f"])
    book.save(folder / "x.xlsx")
    return folder / "x.xlsx"


def test_a_workbook_is_read_as_it_is_stored(tmp_path: Path) -> None:
    file = workbook(
        tmp_path,
        ["text", "label", "note"],
        [7, "f", datetime(2026, 1, 2)],
        [1.5, "f", datetime(2026, 1, 2, 3, 4)],
        [True, "f", date(2026, 1, 2)],
        [None, None, None],
        ["007", "f", None],
    )
    data, found, _ = read(file)
    assert [e.instruction for e in data] == ["7", "1.5", "TRUE", "007"]
    assert [e.metadata.get("note") for e in data] == [
        "2026-01-02",
        "2026-01-02T03:04:00",
        "2026-01-02",
        None,
    ]
    assert [e.line for e in data] == [2, 3, 4, 6]
    assert found.codes == {"W-XLSX": 1, "I-XLSX": 1, "I-COLUMNS": 1, "W-FIELD": 1}


def test_the_first_sheet_that_shows_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    file = workbook(tmp_path, ["text", "label"], ["a", "f"], secret="hidden", more="visible")
    data, found, _ = read(file)
    assert [e.instruction for e in data] == ["a"]
    assert sorted(f.message for f in found if f.code == "W-XLSX") == [
        'hidden sheet "secret" is not read',
        'sheet "more" is not read',
    ]
    assert pairs(file, sheet="secret") == [("secret", "f()")]
    with pytest.raises(SettingsError, match="Nearest: secret"):
        load(file, options=Options(sheet="secrt"))


def test_a_formula_is_written_as_text_and_no_spreadsheet_runs_it(tmp_path: Path) -> None:
    save([Example("=HYPERLINK(1)", "f()")], tmp_path / "x.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "x.xlsx").active["A2"]
    assert (cell.data_type, cell.value) == ("s", "=HYPERLINK(1)")
    assert load(tmp_path / "x.xlsx")[0].instruction == "=HYPERLINK(1)"


def test_what_a_cell_can_not_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="E-LONG a cell holds 32,767 characters"):
        save([Example("x" * 32_768, "f()")], tmp_path / "x.xlsx")
    save([Example("x" * 32_767, "f()")], tmp_path / "x.xlsx")
    assert len(load(tmp_path / "x.xlsx")[0].instruction) == 32_767


def hostile(folder: Path, change: Any) -> Path:
    """A workbook whose parts `change` (a mapping of names to contents) has been at."""
    source = workbook(folder, ["text", "label"], ["a", "f"])
    with zipfile.ZipFile(source) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    file = folder / "hostile.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in change(parts):
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda parts: [*parts, ("xl/big.bin", bytes(600 << 20))], "more than 512 MiB"),
        (lambda parts: [*parts, ("xl/sharedStrings.xml", bytes(200 << 20))], "more than 128 MiB"),
        (lambda parts: [*parts, ("../evil.xml", b"<x/>")], "leaves the archive"),
        (
            lambda parts: [
                (n, c if n != "xl/workbook.xml" else b'<!DOCTYPE x [<!ENTITY a "a">]>' + c)
                for n, c in parts
            ],
            "declares a DTD",
        ),
    ],
    ids=["bomb", "strings", "traversal", "entities"],
)
def test_a_workbook_that_could_harm_is_not_opened(
    change: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hostile(tmp_path, change)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(DataError, match="E-ARCHIVE") as caught:
        load(file)
    assert says in str(caught.value) and "nothing was extracted" in str(caught.value)


def test_a_name_twice_in_the_archive(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = hostile(tmp_path, lambda parts: [*parts, parts[0]])
    with pytest.raises(DataError, match="E-ARCHIVE the workbook holds a name twice"):
        load(file)


def test_a_damaged_workbook(tmp_path: Path) -> None:
    file = workbook(tmp_path, ["text", "label"], ["a", "f"])
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="E-XLSX the workbook is damaged"):
        load(file)
    file.write_bytes(raw.replace(b"xl/workbook.xml", b"xl/workbook.xmm"))
    with pytest.raises(DataError, match="E-XLSX is not a workbook that can be read"):
        load(file)


# ---------------------------------------------------------------- Parquet

pyarrow = pytest.importorskip("pyarrow")


def parquet(folder: Path, columns: dict[str, list[Any]]) -> Path:
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "x.parquet")
    return folder / "x.parquet"


def test_parquet_is_typed_as_json_is(tmp_path: Path) -> None:
    file = parquet(
        tmp_path,
        {
            "text": ["a", "b", None],
            "label": ["play", None, "stop"],
            "when": [datetime(2026, 1, 2), None, None],
            "n": [1.5, float("nan"), None],
        },
    )
    data, found, rejects = read(file)
    assert [(e.instruction, e.output) for e in data] == [("a", "play()"), ("b", "")]
    assert data[0].metadata == {"when": "2026-01-02T00:00:00", "n": 1.5}
    assert data[1].metadata == {"n": "nan"}
    assert [r.code for r in rejects] == ["E-EMPTYTEXT"]
    assert found.codes["I-COLUMNS"] == 1
    file = parquet(tmp_path, {"text": ["a"], "label": [3]})
    _, _, rejects = read(file)
    assert [r.code for r in rejects] == ["E-TYPE"]


def test_parquet_holds_conversations(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "f()"}]
    file = parquet(tmp_path, {"messages": [messages, messages[:1]]})
    data, _, rejects = read(file)
    assert [(e.instruction, e.output) for e in data] == [("a", "f()")]
    assert [r.code for r in rejects] == ["E-CHAT"]


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    file = parquet(tmp_path, {"text": ["a"], "label": ["f"]})
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="E-PARQUET"):
        load(file)


# ---------------------------------------------------------------- extras


@pytest.mark.parametrize(("package", "extra"), [("openpyxl", "xlsx"), ("pyarrow", "parquet")])
def test_a_missing_package_names_its_extra(
    package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"x.{extra}"
    save([Example("a", "f()")], file)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for attempt in (lambda: load(file), lambda: save([Example("a", "f()")], file)):
        with pytest.raises(SystemFault, match=rf"Install maksud\[{extra}\]"):
            attempt()


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    packages = ("openpyxl", "pyarrow", "fsspec", "yaml")
    code = f"import maksud, sys; print([m for m in {packages!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
