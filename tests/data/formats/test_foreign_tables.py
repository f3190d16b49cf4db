"""Tables as people have them: Excel's and pandas' habits, Indonesian headers, other delimiters."""

from __future__ import annotations

from pathlib import Path

import pytest

from maksud.data.findings import Finding
from maksud.data.formats.base import Options
from maksud.data.formats.files import find, load, read
from maksud.data.formats.parts.columns import choose_columns, parse_columns
from maksud.data.formats.parts.delimited import delimiter_of
from maksud.data.formats.parts.source import MAX_LINE
from maksud.data.formats.parts.table import MAX_COLUMNS
from maksud.errors import DataError

GREETINGS = [("halo, apa kabar", "greet()"), ("hai", "greet()")]


def write(folder: Path, text: str | bytes, name: str = "x.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def pairs(file: Path, options: Options | None = None) -> list[tuple[str, str]]:
    return [(e.instruction, e.output) for e in load(file, options=options)]


def told(file: Path, code: str) -> Finding:
    (finding,) = [f for f in read(file)[1] if f.code == code]
    return finding


# ---------------------------------------------------------------- what stands between the cells


@pytest.mark.parametrize(
    "text",
    [
        'text;label\n"halo, apa kabar";greet\nhai;greet\n',
        '"text";"label"\n"halo, apa kabar";"greet"\n"hai";"greet"\n',
        '\ufeff"text";"label"\r\n"halo, apa kabar";greet\r\nhai;greet\r\n',
        'sep=;\ntext;label\n"halo, apa kabar";greet\nhai;greet\n',
        '\ufeff"sep=;"\r\n"text";"label"\r\n"halo, apa kabar";greet\r\nhai;greet\r\n',
        "SEP=|\ntext|label\nhalo, apa kabar|greet\nhai|greet\n",
        'sep=,\ntext,label\n"halo, apa kabar",greet\nhai,greet\n',
        "sep=\t\ntext\tlabel\nhalo, apa kabar\tgreet\nhai\tgreet\n",
        "text|label\nhalo, apa kabar|greet\nhai|greet\n",
        '"text"\t"label"\n"halo, apa kabar"\t"greet"\nhai\tgreet\n',
        ';;\n"text";label;\n\'halo, apa kabar;greet;\nhai;greet;\n'.replace("'", ""),
    ],
)
def test_the_delimiter_is_told_from_the_header(text: str, tmp_path: Path) -> None:
    # A file that begins with rows of delimiters is known by its name alone.
    for name in ("x.csv", "x.tsv", *([] if text.startswith(";;") else ["x.dat"])):
        assert pairs(write(tmp_path, text, name)) == GREETINGS, name


def test_another_delimiter_is_told_and_lines_are_the_files(tmp_path: Path) -> None:
    file = write(tmp_path, "sep=;\ntext;label\nhalo;greet\nhai;oops(\n")
    assert told(file, "I-DELIMITER").message.startswith('cells are separated by ";"')
    assert [e.line for e in load(file)] == [3, 4]
    assert "I-DELIMITER" not in read(write(tmp_path, "text,label\na;b,f\n"))[1].codes


def test_a_named_delimiter_is_taken_and_a_wrong_one_corrected(tmp_path: Path) -> None:
    file = write(tmp_path, "text;label\nhalo;greet\n")
    with pytest.raises(DataError, match=r"seems to be \";\"\. Pass --delimiter ';', or none"):
        load(file, options=Options(delimiter="|"))
    assert pairs(file, Options(delimiter=";")) == [("halo", "greet()")]
    other = write(tmp_path, "sep=;\ntext|label\nhalo|greet\n")
    assert pairs(other, Options(delimiter="|")) == [("halo", "greet()")]


def test_columns_that_are_named_help_to_tell_the_delimiter(tmp_path: Path) -> None:
    file = write(tmp_path, "a, b, c; x\nhalo;greet\n")
    columns = {"instruction": "a, b, c", "output": "x"}
    assert pairs(file, Options(columns=columns)) == [("halo", "greet()")]


def test_the_known_names_decide_not_the_number_of_cells() -> None:
    assert delimiter_of("kalimat (a; b; c; d),maksud\n") == ","
    assert delimiter_of("text\nhalo; apa kabar\n") == ","
    assert delimiter_of("a\tb\n", ",") == "\t"


# ---------------------------------------------------------------- cells that hold nothing


def test_the_index_of_pandas_is_left_out_and_told(tmp_path: Path) -> None:
    file = write(tmp_path, ",text,label\n0,halo,greet\n17,dadah,bye\n")
    assert pairs(file) == [("halo", "greet()"), ("dadah", "bye()")]
    assert told(file, "I-NONAME").message == (
        "column 1 has no name and holds numbers of rows: left out"
    )
    assert not load(file)[0].metadata


def test_empty_columns_and_rows_at_the_end_are_left_out_and_told(tmp_path: Path) -> None:
    file = write(tmp_path, "text,label,,\nhalo,greet,,\ndadah,bye\n,,,\n , ,,\nya,yes,,,,\n")
    assert pairs(file) == [("halo", "greet()"), ("dadah", "bye()"), ("ya", "yes()")]
    assert told(file, "I-EMPTYROW").message.startswith("2 rows with nothing but empty cells")
    said = [f.message for f in read(file)[1] if f.code == "I-NONAME"]
    assert said == [
        "1 row with empty cells beyond the header's: left out",
        "2 columns without a name and empty: left out",
    ]


@pytest.mark.parametrize("text", ["text,label,\na,f,halo\n", ",text,label\nx1,a,f\n"])
def test_what_has_no_name_is_never_lost(text: str, tmp_path: Path) -> None:
    _, found, rejects = read(write(tmp_path, text))
    assert [r.code for r in rejects] == ["E-CSV"] and "has no name" in found[0].message
    row = "a,f,extra\n"
    _, _, rejects = read(write(tmp_path, "text,label\n" + row))
    assert [r.code for r in rejects] == ["E-CSV"]


def test_a_workbook_has_the_same_habits(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ([None, "kalimat", "maksud"], [0, "halo", "greet"], [1, "dadah", "bye"], [2]):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    data, found, rejects = read(tmp_path / "x.xlsx")
    assert [(e.instruction, e.output) for e in data] == [("halo", "greet()"), ("dadah", "bye()")]
    assert "I-NONAME" in found.codes and [r.code for r in rejects] == ["E-EMPTYTEXT"]


# ---------------------------------------------------------------- names of columns


@pytest.mark.parametrize(
    "utterance", ["kalimat", "Teks", "UJARAN", " Pertanyaan ", "text", "input"]
)
@pytest.mark.parametrize("answer", ["maksud", "Label", "jawaban", "KELUARAN", "kategori", "intent"])
def test_usual_names_in_both_languages_are_known(
    utterance: str, answer: str, tmp_path: Path
) -> None:
    file = write(tmp_path, f"{utterance},{answer}\nhalo,greet\n")
    assert pairs(file) == [("halo", "greet()")]
    assert "I-COLUMNS" in read(file)[1].codes


def test_an_intent_is_preferred_to_a_label_and_the_choice_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "text,label,intent\nhalo,ID,greet\n")
    assert pairs(file) == [("halo", "greet()")]
    finding = told(file, "W-COLUMNS")
    assert finding.message == ('column "intent" is taken as output, not "label": kept as metadata')
    options = Options(columns={"output": "label"})
    assert pairs(file, options) == [("halo", "ID()")]
    assert "W-COLUMNS" not in read(file, options=options)[1].codes


def test_several_utterances_are_told_too(tmp_path: Path) -> None:
    finding = told(write(tmp_path, "question,text,label\na,b,f\n"), "W-COLUMNS")
    assert 'column "text" is taken as instruction, not "question"' in finding.message


@pytest.mark.parametrize("header", ["kalimat,kelas_ujaran", "text,Intent Name", "teks,x,y"])
def test_a_header_that_is_known_by_half_is_refused_with_both_ways_on(
    header: str, tmp_path: Path
) -> None:
    cells = ["halo", *["greet"] * header.count(",")]
    file = write(tmp_path, f"{header}\n{','.join(cells)}\n")
    with pytest.raises(DataError, match="E-CSV no column is the answer") as caught:
        read(file)
    assert "--columns output= where no row has one yet" in caught.value.hint
    name = header.split(",")[1]
    assert f"output={name}" in caught.value.hint
    options = Options(columns=parse_columns(f"output={name}"))
    assert pairs(file, options) == [("halo", "greet()")]
    assert pairs(file, Options(columns=parse_columns("output="))) == [("halo", "")]


def test_a_half_mapping_by_hand_is_refused_as_well(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b\nhalo,greet\n")
    with pytest.raises(DataError, match="no column is the answer"):
        load(file, options=Options(columns={"instruction": "a"}))


def test_rows_of_json_without_an_answer_are_said_to_be_so(tmp_path: Path) -> None:
    file = write(tmp_path, '{"kata": "halo", "n": "x"}\n', "x.jsonl")
    assert pairs(file, Options(columns=parse_columns("instruction=kata,output="))) == [("halo", "")]


def test_utterances_alone_are_not_labelled_yet(tmp_path: Path) -> None:
    for header, cells in (
        ("text", "halo"),
        ("id,text,sumber", "7,halo,log"),
        (",teks,", "0,halo,"),
    ):
        assert pairs(write(tmp_path, f"{header}\n{cells}\n")) == [("halo", "")]


def test_fields_of_json_are_chosen_by_the_same_list() -> None:
    choice = choose_columns(["Kalimat", "label", "maksud", "x"], {})
    assert dict(choice.columns) == {"instruction": "Kalimat", "output": "maksud"}
    assert dict(choice.passed_over) == {"output": ("label",)}
    assert not choice.lacks_answer and choice.unknown == ("label", "x")
    assert choose_columns(["Kalimat", "x"], {}).lacks_answer


def test_a_table_of_alpaca(tmp_path: Path) -> None:
    text = "instruction,input,output\nTentukan maksud,putar Hampa,play\nkeraskan,,louder\n"
    data, found, _ = read(write(tmp_path, text))
    assert [(e.instruction, e.output, dict(e.metadata)) for e in data] == [
        ("putar Hampa", "play()", {"prompt": "Tentukan maksud"}),
        ("keraskan", "louder()", {}),
    ]
    assert "Alpaca" in next(f.message for f in found if f.code == "I-COLUMNS")
    assert "W-COLUMNS" not in found.codes
    data, _, _ = read(write(tmp_path, "instruction,output,input\na,f,b\n"))
    assert (data[0].instruction, data[0].metadata) == ("a", {"input": "b"})


# ---------------------------------------------------------------- small files, large work


def test_a_million_columns_are_refused_at_once(tmp_path: Path) -> None:
    names = ",".join(["text", "label", *map(str, range(MAX_COLUMNS))])
    with pytest.raises(DataError, match=r"the header has 16,386 columns \(max 16,384\)"):
        load(write(tmp_path, f"{names}\n"))
    with pytest.raises(DataError, match="E-CSV the header is longer than 1 MiB"):
        load(write(tmp_path, "text,label" + ",x" * MAX_LINE + "\na,f\n"))


def test_as_many_columns_as_there_may_be_take_linear_time(tmp_path: Path) -> None:
    names = [f"c{k}" for k in range(MAX_COLUMNS - 2)]
    cells = ",".join(["x"] * len(names))
    data = load(write(tmp_path, f"text,label,{','.join(names)}\nhalo,greet,{cells}\n"))
    assert len(data[0].metadata) == len(names)


def test_a_row_of_many_megabytes_is_a_reject_and_the_rest_is_read(tmp_path: Path) -> None:
    long = "a" * 3 * MAX_LINE
    for row in (f"{long},f", f'"{long}",f', ",".join(["b"] * MAX_LINE)):
        file = write(tmp_path, f"text,label\nhalo,greet\n{row}\r\nhai,greet\n")
        data, _, rejects = read(file)
        assert [(e.instruction, e.line) for e in data] == [("halo", 2), ("hai", 4)]
        assert [r.code for r in rejects] == ["E-LINE"]
        assert len(rejects[0].original) <= 1 << 16


def test_a_row_of_many_lines_ends_as_well(tmp_path: Path) -> None:
    lines = ",\n".join(['"' + "a\n" * 50_000 + '"'] * 20)
    _, _, rejects = read(write(tmp_path, f"text,label\nhalo,greet\n{lines}\n"))
    assert rejects and find(write(tmp_path, "text,label\na,f\n")).rejects == []
