"""The files of a report: whole or not at all, readable again."""

import json
import os
import stat
from pathlib import Path

import pytest
from reports import ANSWERS, ROWS, SURE, report_of
from scripted import examples

from maksud.errors import SystemFault
from maksud.evaluation import page
from maksud.evaluation.files import write_report
from maksud.evaluation.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(ANSWERS, sure=SURE, threshold=0.5)


def test_write(report: Report, tmp_path: Path) -> None:
    place = write_report(report, tmp_path / "deep" / "report")
    assert sorted(p.name for p in place.iterdir()) == [
        "predictions.jsonl",
        "report.html",
        "report.json",
    ]
    assert json.loads((place / "report.json").read_text()) == report.to_json()
    lines = [json.loads(x) for x in (place / "predictions.jsonl").read_text().splitlines()]
    assert [x["instruction"] for x in lines] == [e.instruction for e in ROWS]
    assert lines[0]["exact"] is True and lines[0]["place"] == "test.json:1"
    assert (place / "report.html").read_text() == page.render(report)


def test_a_write_that_fails_leaves_the_old_files(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(report, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemFault, match="No space left on device"):
        write_report(report, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_disk_that_fills_leaves_no_half_report(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    left = iter([True] * (nth - 1))
    real = os.fsync

    def full(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and not next(left, False):
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemFault, match="No space left on device"):
        write_report(report, tmp_path / "report")
    assert list((tmp_path / "report").iterdir()) == []


def test_a_place_that_can_not_be_written(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault, match="Choose another --out"):
        write_report(report, tmp_path / "file" / "report")


def test_half_a_surrogate_pair_is_written_and_read_back(tmp_path: Path) -> None:
    rows = examples(("half \ud83d a", "f(p=a)"))
    found = report_of({"half \ud83d a": "f()"}, rows)
    write_report(found, tmp_path)
    line = json.loads((tmp_path / "predictions.jsonl").read_text(encoding="utf-8"))
    assert line["instruction"] == "half \ud83d a"
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == found.to_json()
