"""Bad input while reading: each case of the catalogue, with its code, its place, its reason.

| case | where |
|---|---|
| D-01 … D-38 | here |
| D-39, D-40 | test_checks_bad_input |
| D-41 | here |
| D-42 … D-44, D-48 | test_checks_bad_input |
| D-45 … D-47, D-49 | here, more in test_formats_conversion |
| D-50 … D-59 | here, more in test_formats_table |
| D-60 … D-66, D-68 … D-73, D-75 | test_checks_bad_input |
| D-67, D-74 | here |
| D-76 … D-79 | test_formats_manifest |
| D-80 | here (archives), test_formats_table (workbooks) |
| D-81 … D-84 | here |
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Example
from maksud.data.formats.files import find, load, read, save
from maksud.data.formats.manifest import check_name
from maksud.data.formats.parts.source import MAX_LINE, Source
from maksud.errors import DataError

GOOD = '{"instruction": "halo", "output": "greet()"}'


def put(folder: Path, content: str | bytes, name: str = "x.jsonl") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


# ---------------------------------------------------------------- rows: the rest is read

ROWS: list[tuple[str, str | bytes, str, str]] = [
    ("D-07", GOOD.encode()[:20] + b"\xff" + GOOD.encode()[20:], "E-UTF8", "byte 0xFF at column 21"),
    ("D-08", b'{"instruction": "\xed\xa0\x80", "output": "f()"}', "E-UTF8", "byte 0xED"),
    ("D-08", b'{"instruction": "\xc0\xaf", "output": "f()"}', "E-UTF8", "byte 0xC0"),
    ("D-09", '{"instruction": "\\ud800", "output": "f()"}', "E-SURROGATE", "U+D800"),
    ("D-09", '{"instruction": "a", "output": "f(\\udc00)"}', "E-SURROGATE", '"output"'),
    ("D-10", '{"instruction": "a\\u0000b", "output": "f()"}', "E-CONTROL", "U+0000"),
    ("D-10", '{"instruction": "a\\u007f", "output": "f()"}', "E-CONTROL", "U+007F"),
    ("D-11", '{"instruction": "a\tb", "output": "f()"}', "E-JSON", "U+0009 at column 19"),
    ("D-12", '{"instruction": "a", "output": }', "E-JSON", "expecting value at column 32"),
    ("D-14", GOOD + GOOD, "E-JSON", "extra data after the object at column 45"),
    ("D-17", "null", "E-SHAPE", "expected an object, found null"),
    ("D-17", "3", "E-SHAPE", "found a number"),
    ("D-17", '"text"', "E-SHAPE", "found text"),
    ("D-17", "[1]", "E-SHAPE", "found a list"),
    ("D-18", '{"instruction": "a", "output": "f()", "w": NaN}', "E-NUMBER", "NaN is not JSON"),
    ("D-19", '{"instruction": "a", "output": "f()", "w": Infinity}', "E-NUMBER", "Infinity"),
    ("D-19", '{"instruction": "a", "output": "f()", "w": -1e999}', "E-NUMBER", "out of range"),
    ("D-20", f'{{"instruction": "a", "output": "f()", "n": {"9" * 5000}}}', "E-NUMBER", "5000 dig"),
    (
        "D-21",
        '{"instruction": "a", "output": "f()", "output": "g()"}',
        "E-DUPKEY",
        '("f()", "g()")',
    ),
    (
        "D-23",
        f'{{"instruction": "a", "output": "f()", "x": {"[" * 65}{"]" * 65}}}',
        "E-DEPTH",
        "64",
    ),
    (
        "D-23",
        f'{{"instruction": "a", "output": "f()", "x": {"[" * 1000}{"]" * 1000}}}',
        "E-DEPTH",
        "",
    ),
    ("D-23", f'{{"x": {"[" * 100_000}{"]" * 100_000}}}', "E-DEPTH", "nesting exceeds 64"),
    (
        "D-24",
        f'{{"instruction": "{"a" * MAX_LINE}", "output": "f()"}}',
        "E-LINE",
        "longer than 1 MiB",
    ),
    ("D-27", '{"instruction": "a", "output": "f()",}', "E-JSON", "column"),
    ("D-27", '{"instruction": "a", "output": "f()"} // note', "E-JSON", "extra data"),
    ("D-27", "{'instruction': 'a', 'output': 'f()'}", "E-JSON", "looks like a Python literal"),
    ("D-27", '{"instruction": "a", "output": "f()", "x": True}', "E-JSON", "Python literal"),
    ("D-31", '{"instruction": "a"}', "E-FIELD", '"output" is missing (has: instruction)'),
    ("D-31", '{"text": "a"}', "E-FIELD", '"instruction" is missing (has: text)'),
    ("D-33", '{"instrution": "a", "output": "f()"}', "E-FIELD", 'did you mean "instrution"?'),
    ("D-34", '{"instruction": null, "output": "f()"}', "E-TYPE", '"instruction" is null'),
    ("D-35", '{"instruction": "", "output": "f()"}', "E-EMPTYTEXT", "empty after trimming"),
    ("D-35", '{"instruction": " \\t ", "output": "f()"}', "E-EMPTYTEXT", '"instruction"'),
    ("D-35", '{"instruction": "\\u200b\\ufeff", "output": "f()"}', "E-EMPTYTEXT", ""),
    ("D-35", '{"instruction": "a", "output": ""}', "E-EMPTYTEXT", '"output" is empty'),
    ("D-36", '{"instruction": 3, "output": "f()"}', "E-TYPE", "is a number"),
    ("D-36", '{"instruction": ["a"], "output": "f()"}', "E-TYPE", "is a list"),
    ("D-36", '{"instruction": {"a": 1}, "output": "f()"}', "E-TYPE", "is an object"),
    ("D-37", '{"instruction": "a", "output": 3}', "E-TYPE", '"output" is a number'),
    ("D-38", '{"instruction": "a", "output": ["f", "g"]}', "E-TYPE", '"output" is a list'),
    ("D-67", '{"instruction": "a", "output": "f()", "id": "42"}', "E-ID", 'id "42" also at line 1'),
    (
        "D-67",
        '{"instruction": "a", "output": "f()", "id": 42}',
        "E-ID",
        "is a number, expected text",
    ),
    (
        "D-67",
        f'{{"instruction": "a", "output": "f()", "id": "{"x" * 129}"}}',
        "E-ID",
        "129 characters",
    ),
    ("D-74", '{"instruction": "a", "output": "f()", "weight": -1}', "E-WEIGHT", "-1 (must be > 0"),
    ("D-74", '{"instruction": "a", "output": "f()", "weight": 0}', "E-WEIGHT", "0 (must"),
    (
        "D-74",
        '{"instruction": "a", "output": "f()", "weight": 1e7}',
        "E-WEIGHT",
        "at most 1,000,000",
    ),
    ("D-74", '{"instruction": "a", "output": "f()", "weight": "1"}', "E-WEIGHT", "is text"),
    ("D-74", '{"instruction": "a", "output": "f()", "weight": true}', "E-WEIGHT", "true or false"),
]


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [pytest.param(*case[1:], id=f"{case[0]}-{k}") for k, case in enumerate(ROWS)],
)
def test_a_row_is_rejected_and_the_rest_read(
    row: str | bytes, code: str, says: str, tmp_path: Path
) -> None:
    raw = row if isinstance(row, bytes) else row.encode()
    first = b'{"instruction": "pertama", "output": "f()", "id": "42"}'
    file = put(tmp_path, b"\n".join([first, raw, GOOD.encode(), GOOD.encode()]) + b"\n")
    data, found, rejects = read(file)
    assert [e.line for e in data] == [1, 3, 4]
    errors = [f for f in found if f.level == "error"]
    assert [(f.code, f.place) for f in errors] == [(code, f"{file}:2")]
    assert says in errors[0].message and errors[0].fix
    (reject,) = rejects
    assert reject.original == (raw[: 1 << 16] if code == "E-LINE" else raw)
    line = str(errors[0])
    assert line.startswith(f"ERROR {code} {file}:2 ") and "\n" not in line and len(line) < 400
    with pytest.raises(DataError, match=code):
        load(file)


@pytest.mark.parametrize("case", [c for c in ROWS if c[2] not in ("E-LINE", "E-UTF8")])
def test_a_row_of_an_array_is_rejected_as_well(
    case: tuple[str, str, str, str], tmp_path: Path
) -> None:
    _, row, code, _ = case
    if row.endswith("// note"):
        row = row.replace("// note", "oops")
    first = '{"instruction": "pertama", "output": "f()", "id": "42"}'
    file = put(tmp_path, f"[\n{first},\n{row},\n{GOOD}\n]\n", "x.json")
    data, found, rejects = read(file)
    assert [e.line for e in data][:1] == [1 + 1] and len(data) >= 2
    assert rejects and rejects[0].finding.place == f"{file}:3"
    assert found.codes["E-JSON" if row.endswith("oops") or row == GOOD + GOOD else code] == 1


def test_what_is_not_utf8_is_kept_as_base64(tmp_path: Path) -> None:
    _, _, rejects = read(put(tmp_path, GOOD.encode() + b"\n\xff\xfe\n" + GOOD.encode()))
    kept = rejects[0].to_json()
    assert kept["original_base64"] == "//4=" and "original" not in kept
    _, _, rejects = read(put(tmp_path, GOOD.encode() + b"\n{oops\n"))
    assert rejects[0].to_json()["original"] == "{oops"


# ---------------------------------------------------------------- files: nothing can be read


def archive(kind: str) -> bytes:
    """A zip or tar archive with an entry that leaves its folder."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as made:
            made.writestr("../evil.json", GOOD)
    else:
        with tarfile.open(fileobj=buffer, mode="w") as made:
            entry = tarfile.TarInfo("../evil.json")
            entry.size = len(GOOD)
            made.addfile(entry, io.BytesIO(GOOD.encode()))
    return buffer.getvalue()


FILES: list[tuple[str, str, bytes, str]] = [
    ("D-01", "x.jsonl", b"", "E-EMPTY file has 0 bytes"),
    ("D-02", "x.jsonl", b"\n \n\t\n", "E-NOROWS no data rows found in 3 lines"),
    ("D-02", "x.json", b" \n ", "E-NOROWS"),
    ("D-02", "x.csv", b"\n\n", "E-NOROWS"),
    ("D-04", "x.jsonl", GOOD.encode("utf-16"), "E-ENCODING file is UTF-16LE (byte order mark)"),
    ("D-04", "x.csv", b"\xfe\xff" + "text,label".encode("utf-16-be"), "UTF-16BE"),
    ("D-04", "x.json", GOOD.encode("utf-32"), "E-ENCODING file is UTF-32LE"),
    ("D-05", "x.jsonl", GOOD.encode("utf-16-le"), "E-ENCODING looks like UTF-16 without"),
    (
        "D-06",
        "x.jsonl",
        '{"instruction": "播放", "output": "f()"}'.encode("gb18030"),
        "E-ENCODING byte 0xB2 at offset 17 is not UTF-8 (looks like gb18030)",
    ),
    (
        "D-06",
        "x.json",
        '[{"instruction": "播放音乐", "output": "f()"}]'.encode("gb18030"),
        "pass --encoding gb18030",
    ),
    ("D-06", "x.txt", "café\nnaïve\n".encode("latin-1"), "(looks like latin-1)"),
    ("D-06", "x.csv", "text,label\n播放,f\n".encode("gb18030"), "E-ENCODING"),
    (
        "D-15",
        "x.jsonl",
        b'{\n "instruction": "a",\n "output": "f()"\n}\n',
        "E-FORMAT first object spans many lines",
    ),
    (
        "D-16",
        "x.json",
        b'{\n "rows": 1,\n "data": 2\n}',
        "E-SHAPE expected an array of rows, found one object (with data, rows)",
    ),
    (
        "D-26",
        "x.jsonl",
        GOOD.encode() + b"\r" + GOOD.encode() + b"\r",
        "E-EOL file uses CR only line ends",
    ),
    (
        "D-28",
        "x.jsonl",
        b"\n<html><body>404",
        "E-FORMAT content is an HTML page. Did the download fail?",
    ),
    ("D-28", "x.json", b"<!doctype html>", "E-FORMAT"),
    (
        "D-28",
        "x.json",
        b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        "E-FORMAT content is XML",
    ),
    ("D-28", "x.json", b"Internal Server Error", "E-FORMAT expected JSON"),
    (
        "D-29",
        "x.jsonl",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "E-LFS file is a Git LFS pointer. Run `git lfs pull`",
    ),
    ("D-30", "x.jsonl", gzip.compress(GOOD.encode()), "E-FORMAT content is gzip, name says jsonl"),
    ("D-30", "x.jsonl", archive("zip"), "E-FORMAT content is a zip archive, name says jsonl"),
    ("D-30", "x.json", b"PAR1" + bytes(20), "E-FORMAT content is Parquet, name says json"),
    ("D-30", "x.csv", b"\xd0\xcf\x11\xe0" + bytes(20), "old .xls workbook"),
    (
        "D-54",
        "x.csv",
        b'"text;intent"\n"a;f"\n',
        'E-CSV only one column "text;intent" found. Each line stands in quotes as a whole',
    ),
    (
        "D-54",
        "x.csv",
        b"a\tb\n1\t2\n",
        'E-CSV no column is the utterance (has: "a", "b")',
    ),
    ("D-56", "x.csv", b"text,text,label\na,b,f\n", 'E-CSV column "text" appears twice'),
    (
        "D-56",
        "x.csv",
        b"putar lagu,play\nstop,stop\n",
        'E-CSV no column is the utterance (has: "putar lagu", "play")',
    ),
    (
        "D-80",
        "data.zip",
        archive("zip"),
        "E-ARCHIVE content is a zip archive: nothing was extracted",
    ),
    (
        "D-80",
        "data.tar",
        archive("tar"),
        "E-ARCHIVE content is a tar archive: nothing was extracted",
    ),
    ("D-80", "data.tgz", gzip.compress(archive("tar")), "E-ARCHIVE content is gzip"),
    ("D-84", "x.json", b"[]", "E-NOROWS no data rows found"),
]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [pytest.param(*case[1:], id=f"{case[0]}-{k}") for k, case in enumerate(FILES)],
)
def test_a_file_that_can_not_be_read(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    file = put(folder, content, name)
    with pytest.raises(DataError) as caught:
        read(file)
    said = str(caught.value)
    assert says in said and said.startswith(str(file)) and "\n" not in said
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(["data", name])


def test_a_column_without_a_name_that_holds_something(tmp_path: Path) -> None:
    """D-56: the row is a reject, so that the rest can be read; nothing of it is lost."""
    file = put(tmp_path, b"text,,label\na,b,f\nc,,g\n", "x.csv")
    data, _, rejects = read(file)
    assert [e.instruction for e in data] == ["c"]
    assert [str(r.finding) for r in rejects] == [
        f'ERROR E-CSV {file}:2 column 2 has no name, but holds "b" - name the column in the first '
        "row, or empty it"
    ]
    with pytest.raises(DataError, match="E-CSV column 2 has no name"):
        load(file)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("x.jsonl", "jsonl"),
        ("x.csv", "csv"),
        ("x.txt", "text"),
        ("x.yml", "rasa"),
        ("x.bio", "bio"),
    ],
)
def test_a_forced_format_does_not_read_packed_bytes_either(
    name: str, format: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="E-FORMAT content is gzip|E-ARCHIVE content is gzip"):
        read(put(tmp_path, gzip.compress(GOOD.encode()), name), format=format)


def test_a_workbook_or_parquet_file_under_another_name(tmp_path: Path) -> None:
    for suffix in (".xlsx", ".parquet"):
        save([Example("a", "f()")], tmp_path / f"x{suffix}")
        lying = put(tmp_path, (tmp_path / f"x{suffix}").read_bytes(), "y.jsonl")
        with pytest.raises(DataError, match="E-FORMAT content is .*, name says jsonl"):
            read(lying)
        honest = put(tmp_path, (tmp_path / f"x{suffix}").read_bytes(), "y.dat")
        assert len(load(honest)) == 1


# ---------------------------------------------------------------- told, and read


@pytest.mark.parametrize(
    ("name", "content", "codes", "rows"),
    [
        pytest.param("x.jsonl", b"\xef\xbb\xbf" + GOOD.encode(), {"I-BOM": 1}, 1, id="D-03"),
        pytest.param(
            "x.json", b"\xef\xbb\xbf[" + GOOD.encode() + b"]", {"I-BOM": 1}, 1, id="D-03-json"
        ),
        pytest.param(
            "x.csv", b"\xef\xbb\xbfinstruction,output\na,f\n", {"I-BOM": 1}, 1, id="D-03-csv"
        ),
        pytest.param("x.txt", b"\xef\xbb\xbfhalo\n", {"I-BOM": 1}, 1, id="D-03-txt"),
        pytest.param("x.jsonl", f"[{GOOD},{GOOD}]".encode(), {"I-ARRAY": 1}, 2, id="D-16"),
        pytest.param("x.jsonl", f"{GOOD}\r\n{GOOD}\r\n".encode(), {"I-CRLF": 1}, 2, id="D-26"),
        pytest.param("x.json", f"[{GOOD},]".encode(), {"W-COMMA": 1}, 1, id="D-27"),
        pytest.param(
            "x.jsonl", (GOOD[:-1] + ', "z": 1}\n').encode() * 2, {"W-FIELD": 1}, 2, id="D-32"
        ),
        pytest.param(
            "x.jsonl",
            (GOOD[:-1] + ', "Output": ""}\n').encode(),
            {"W-FIELD": 1, "W-KEY": 1},
            1,
            id="D-22",
        ),
        pytest.param(
            "x.jsonl",
            (GOOD[:-1] + ', "k\\u00e9": 1, "ke\\u0301": 2}\n').encode(),
            {"W-FIELD": 2, "W-KEY": 1},
            1,
            id="D-22-nfc",
        ),
        pytest.param(
            "x.csv", b"instruction,output\n=1+1,f\n-2,f\n", {"I-FORMULA": 1}, 2, id="D-58"
        ),
        pytest.param("x.csv", b"instruction\toutput\na\tf\n", {}, 1, id="D-54-tab"),
    ],
)
def test_what_is_told_and_read_all_the_same(
    name: str, content: bytes, codes: dict[str, int], rows: int, tmp_path: Path
) -> None:
    data, found, rejects = read(put(tmp_path, content, name))
    assert (len(data), found.codes, rejects) == (rows, codes, [])
    assert load(tmp_path / name)


def test_d13_a_truncated_last_line(tmp_path: Path) -> None:
    data, found, rejects = read(put(tmp_path, f'{GOOD}\n{{"instruction": "a", "outp'))
    assert len(data) == len(rejects) == 1
    assert found.codes == {"E-JSON": 1, "W-TRUNC": 1}
    assert "unterminated string" in found[0].message
    _, found, _ = read(put(tmp_path, f"{GOOD}\n{GOOD}"))
    assert not found, "a whole last line without its newline is fine"
    _, found, _ = read(put(tmp_path, f"{GOOD}\n{{oops\n"))
    assert found.codes == {"E-JSON": 1}


def test_d13_a_truncated_array(tmp_path: Path) -> None:
    data, found, rejects = read(put(tmp_path, f"[{GOOD},\n{GOOD[:20]}", "x.json"))
    assert len(data) == 1 and [r.code for r in rejects] == ["E-JSON"]
    _, found, rejects = read(put(tmp_path, f"[{GOOD},\n{GOOD}", "x.json"))
    assert "the file ends inside the array" in found[0].message and len(rejects) == 1


def test_d16_a_cut_object_is_broken_rather_than_of_the_wrong_shape(tmp_path: Path) -> None:
    data, found, rejects = read(put(tmp_path, '{"instruction": "a", "output": "f()"', "x.json"))
    assert not len(data) and [r.code for r in rejects] == ["E-JSON"]
    assert "column 37" in found[0].message


def test_d25_no_character_but_newline_ends_a_line(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\u2029d"
    row = json.dumps({"instruction": text, "output": "f()"}, ensure_ascii=False)
    escaped = json.dumps({"instruction": "a\x0bb\x0cc", "output": "f()"})
    data, found, rejects = read(put(tmp_path, f"{row}\n{escaped}\n{GOOD}\n"))
    assert [e.line for e in data] == [1, 2, 3] and not rejects and not found
    assert data[0].instruction == text and data[1].instruction == "a\x0bb\x0cc"


def test_d24_memory_stays_flat_on_a_long_line(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with open(file, "wb") as out:
        out.write(GOOD.encode() + b'\n{"instruction": "')
        for _ in range(64):
            out.write(b"a" * (1 << 20))
        out.write(b'", "output": "f()"}\n' + GOOD.encode() + b"\n")
    tracemalloc.start()
    data, found, _ = read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [e.line for e in data] == [1, 3] and found.codes == {"E-LINE": 1}
    assert peak < 16 << 20


# ---------------------------------------------------------------- labels, chat, tables


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ('"play\nmusic"', "U+000A"),
        ('"play,music"', "U+002C"),
        ("play\x01", "U+0001"),
        ("x" * 129, "129 characters (max 128)"),
    ],
)
def test_d41_a_label_that_can_not_be_a_name(label: str, says: str, tmp_path: Path) -> None:
    _, _, rejects = read(put(tmp_path, f"text,label\na,f\nb,{label}\n", "x.csv"))
    assert [r.code for r in rejects] == ["E-LABEL"] and says in rejects[0].finding.message


@pytest.mark.parametrize(
    ("messages", "code", "says"),
    [
        pytest.param([], "E-CHAT", "messages is empty", id="D-45"),
        pytest.param({}, "E-CHAT", "messages is an object", id="D-45-list"),
        pytest.param(
            [{"role": "user", "content": "a"}, {"role": "asistant", "content": "f()"}],
            "E-CHAT",
            'role "asistant" unknown at messages[1]',
            id="D-46",
        ),
        pytest.param(
            [{"role": "user", "content": "a"}],
            "E-CHAT",
            "last message must be assistant",
            id="D-46-last",
        ),
        pytest.param(
            [{"role": "user", "content": None}, {"role": "assistant", "content": "f()"}],
            "E-CHAT",
            "messages[0].content is null",
            id="D-47",
        ),
        pytest.param(
            [
                {"role": "user", "content": [{"type": "image_url"}]},
                {"role": "assistant", "content": "f()"},
            ],
            "E-CHAT",
            'messages[0].content[0].type "image_url" not supported',
            id="D-47-part",
        ),
        pytest.param(
            [
                {"role": "user", "content": "a"},
                {
                    "role": "assistant",
                    "tool_calls": [{"function": {"name": "f", "arguments": "{oops"}}],
                },
            ],
            "E-TARGET",
            "is not valid JSON",
            id="D-49",
        ),
    ],
)
def test_d45_to_d49_a_conversation(messages: Any, code: str, says: str, tmp_path: Path) -> None:
    good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "f()"}]}
    text = "\n".join(json.dumps(row) for row in (good, {"messages": messages}))
    _, _, rejects = read(put(tmp_path, text))
    assert [r.code for r in rejects] == [code] and says in rejects[0].finding.message


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param("a,f,extra", "row has 3 fields, header has 2", id="D-50"),
        pytest.param("a", "row has 1 fields, header has 2", id="D-50-short"),
        pytest.param('"a"b,f', "expected after", id="D-50-quote"),
    ],
)
def test_d50_a_ragged_row(row: str, says: str, tmp_path: Path) -> None:
    file = put(tmp_path, f"text,label\nx,f\n{row}\ny,f\n", "x.csv")
    data, _, rejects = read(file)
    assert [e.line for e in data] == [2, 4]
    assert [(r.code, r.finding.place, r.original) for r in rejects] == [
        ("E-CSV", f"{file}:3", row.encode())
    ]
    assert says in rejects[0].finding.message


@pytest.mark.parametrize(
    "cell",
    [
        "NA",
        "null",
        "None",
        "nan",
        "007",
        "12345678901234567890",
        "1e5",
        "2026-01-02",
        "true",
        "FALSE",
    ],
)
def test_d51_to_d53_cells_stay_text(cell: str, tmp_path: Path) -> None:
    data = load(put(tmp_path, f"text,label\n{cell},f\nx,{cell}\n", "x.csv"))
    assert data[0].instruction == cell
    assert data[1].output == ("none()" if cell == "None" else f"{cell}()")


def test_d55_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    file = put(tmp_path, 'text,label\na,f\n"b,f\nc,f\n', "x.csv")
    data, _, rejects = read(file)
    assert len(data) == 1
    assert [(r.code, r.original) for r in rejects] == [("E-CSV", b'"b,f\nc,f')]
    assert rejects[0].finding.message == "quote opened at line 3 never closed"
    with pytest.raises(DataError, match="E-CSV"):
        load(file)


def test_d55_a_quote_that_swallows_a_large_file(tmp_path: Path) -> None:
    file = put(tmp_path, 'text,label\n"b,f\n' + "c,f\n" * 50_000, "x.csv")
    _, found, _ = read(file)
    assert "is a quote opened at line 2 never closed?" in found[0].fix


def test_d57_line_breaks_and_doubled_quotes_in_cells(tmp_path: Path) -> None:
    data = load(put(tmp_path, 'text,label\n"a\nb ""c""",f\n"d\r\ne",g\n', "x.csv"))
    assert [e.instruction for e in data] == ['a\nb "c"', "d\r\ne"]


def test_d07_a_bad_byte_in_a_table(tmp_path: Path) -> None:
    file = put(tmp_path, b"text,label\na,f\nb\xff,f\nc,f\n", "x.csv")
    data, _, rejects = read(file)
    assert len(data) == 2
    assert [(r.code, r.original) for r in rejects] == [("E-UTF8", b"b\xff,f")]


def test_d59_workbooks(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    from datetime import date

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["text", "label"], ["a", "f"], ["=1+1", "f"], [date(2026, 1, 2), "f"]):
        sheet.append(row)
    book.create_sheet("hidden").sheet_state = "hidden"
    book.save(tmp_path / "x.xlsx")
    data, found, rejects = read(tmp_path / "x.xlsx")
    assert [e.instruction for e in data] == ["a", "2026-01-02"]
    assert [r.code for r in rejects] == ["E-EMPTYTEXT"], "the formula has no cached value"
    told = sorted(f.message for f in found if f.code == "W-XLSX")
    assert told == [
        "1 date cells are read as ISO text",
        "formula cell A3 has no cached value: read as empty",
        'hidden sheet "hidden" is not read',
    ]
    sheet.merge_cells("B2:B3")
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(DataError, match="E-XLSX merged cell B2:B3"):
        read(tmp_path / "x.xlsx")


# ---------------------------------------------------------------- places


def test_d81_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    file = put(tmp_path, f"{GOOD}\n" * 3)
    for change in (f"{GOOD}\n" * 2, f"{GOOD}\n" * 3):
        source = Source(file)
        lines = source.lines()
        next(lines)
        put(tmp_path, change)
        os.utime(file, ns=(1, 1))
        with pytest.raises(DataError, match="E-CHANGED the file changed while it was read"):
            list(lines)
    source = Source(put(tmp_path, f"[{GOOD}]", "x.json"))
    put(tmp_path, "[]", "x.json")
    with pytest.raises(DataError, match="E-CHANGED"):
        source.content()


def test_d82_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), Path("/dev/null")):
        if stat.S_ISREG(path.stat().st_mode):
            continue
        with pytest.raises(DataError, match="E-FILE not a regular file"):
            read(path)
    with pytest.raises(DataError, match=r"no train\.json in the directory"):
        read(tmp_path)
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nothing")
    with pytest.raises(DataError, match="E-FILE can't be read"):
        read(tmp_path / "dangling.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_d82_a_file_without_permission(tmp_path: Path) -> None:
    file = put(tmp_path, GOOD)
    file.chmod(0)
    with pytest.raises(DataError, match="E-FILE can't be read"):
        read(file)


@pytest.mark.parametrize("name", ["../x", "a/b", "$(rm)", "a b", "", ".hidden", "x" * 65, "a\n"])
def test_d83_a_dataset_name(name: str) -> None:
    with pytest.raises(DataError, match="E-NAME"):
        check_name(name)


def test_d84_all_rows_were_rejected(tmp_path: Path) -> None:
    file = put(tmp_path, '{"instruction": "a"}\n' * 5 + "{oops\n")
    data, found, rejects = read(file)
    assert not len(data) and len(rejects) == 6
    (told,) = (f for f in found if f.code == "E-NOROWS")
    assert told.message == "all 6 rows were rejected: E-FIELD 5, E-JSON 1"
    with pytest.raises(DataError, match=r"x\.jsonl:1: E-FIELD .* \(6 more errors\)"):
        load(file)


def test_a_finding_says_the_start_of_hostile_content_only(tmp_path: Path) -> None:
    row = json.dumps({"instruction": "a", "output": "f()", "\x1b[31m" + "x" * 500: 1})
    _, found, _ = read(put(tmp_path, row))
    assert "\x1b" not in found[0].message and len(found[0].message) < 200


def test_a_million_rows_with_one_fault_are_twenty_findings(tmp_path: Path) -> None:
    _, found, _ = read(put(tmp_path, f"{GOOD}\n" + '{"instruction": "a"}\n' * 30_000))
    assert len(found) == 20 and found.codes == {"E-FIELD": 30_000}


def test_what_was_found_is_a_format_of_the_list(tmp_path: Path) -> None:
    assert [f.name for f in find(put(tmp_path, GOOD)).formats] == ["jsonl"]
