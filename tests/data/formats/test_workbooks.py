"""Workbooks that are small and ask for large work, and how formulas and gaps are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from maksud.data.formats import xlsx
from maksud.data.formats.files import load, read
from maksud.errors import DataError

openpyxl = pytest.importorskip("openpyxl")

HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c>' + (
    '<c r="B1" t="inlineStr"><is><t>label</t></is></c></row>'
)


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def workbook(folder: Path, rows: str, dimension: str = "A1:B2") -> Path:
    """A workbook whose sheet holds this XML, however odd."""
    book = openpyxl.Workbook()
    book.save(folder / "plain.xlsx")
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    )
    file = folder / "x.xlsx"
    with (
        zipfile.ZipFile(folder / "plain.xlsx") as plain,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in plain.namelist():
            is_sheet = name.startswith("xl/worksheets/")
            made.writestr(name, sheet if is_sheet else plain.read(name))
    return file


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (f'<row r="100000000000">{cell("A100000000000", "halo")}</row>', "row 100,000,000,000"),
        (f'<row r="1048577">{cell("A1048577", "halo")}</row>', "row 1,048,577 is beyond"),
        (f'<row r="2">{cell("XFE2", "halo")}</row>', "beyond column 16,384"),
        (f'<row r="9">{cell("A9", "a")}</row><row r="3">{cell("A3", "b")}</row>', "rows go back"),
    ],
)
def test_a_place_that_no_spreadsheet_has_is_refused_at_once(
    rows: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="E-XLSX") as caught:
        load(workbook(tmp_path, HEADER + rows))
    assert says in str(caught.value)


def test_a_dimension_that_lies_costs_nothing(tmp_path: Path) -> None:
    """What is read follows the rows that are there: empty cells by the million are not made."""
    rows = "".join(f'<row r="{k}">{cell(f"A{k}", f"halo {k}")}</row>' for k in (2, 1_000_000))
    data = load(workbook(tmp_path, HEADER + rows, "A1:XFD1048576"))
    assert [(e.instruction, e.line) for e in data] == [("halo 2", 2), ("halo 1000000", 1_000_000)]


def test_a_cell_longer_than_cells_are_is_a_reject(tmp_path: Path) -> None:
    long, longest = "a" * (xlsx.MAX_CELL + 1), "b" * xlsx.MAX_CELL
    rows = "".join(
        f'<row r="{k}">{cell(f"A{k}", text)}{cell(f"B{k}", "f")}</row>'
        for k, text in ((2, longest), (3, long), (4, "halo"))
    )
    data, _, rejects = read(workbook(tmp_path, HEADER + rows))
    assert [e.line for e in data] == [2, 4]
    assert [(r.code, r.finding.place[-2:]) for r in rejects] == [("E-LONG", ":3")]


@pytest.mark.parametrize("size", [xlsx.MAX_ELEMENT + 1, 4 * xlsx.MAX_ELEMENT])
def test_a_cell_of_many_megabytes_is_refused_before_it_is_read(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f'<row r="2">{cell("A2", "a" * size)}{cell("B2", "f")}</row>'
    file = workbook(tmp_path, HEADER + rows)
    assert file.stat().st_size < 20_000
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(DataError, match="E-ARCHIVE a text in .* is longer than any cell"):
        load(file)


def test_a_row_with_more_cells_than_its_header_keeps_a_bounded_original(tmp_path: Path) -> None:
    cells = "".join(cell(f"{c}2", "x" * 30_000) for c in ("A", "B", "C", "XFD"))
    _, _, rejects = read(workbook(tmp_path, HEADER + f'<row r="2">{cells}</row>'))
    assert [r.code for r in rejects] == ["E-XLSX"]
    assert "row has 16384 cells, header has 2" in rejects[0].finding.message
    assert xlsx._original(["x" * 30_000] * 1_000).count("x") <= 1 << 20


def test_formulas_are_told_each_with_its_place(tmp_path: Path) -> None:
    rows = HEADER + (
        f'<row r="3">{cell("A3", "halo")}<c r="B3" t="str"><f>A1</f><v>greet</v></c></row>'
        f'<row r="5">{cell("A5", "hai")}<c r="B5"><f>A1</f></c></row>'
    )
    data, found, _ = read(workbook(tmp_path, rows))
    assert [(e.instruction, e.output, e.line) for e in data] == [
        ("halo", "greet()", 3),
        ("hai", "", 5),
    ]
    assert [f.message for f in found if f.code == "W-XLSX"] == [
        "formula cell B3 used its cached value",
        "formula cell B5 has no cached value: read as empty",
    ]
