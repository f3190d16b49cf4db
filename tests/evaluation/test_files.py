"""The files of a report: whole or not at all, readable again."""

import json
import os
import stat
from pathlib import Path

import pytest
from reports import ANSWERS, ROWS, SURE, report_of
from scripted import examples

from maksud.errors import InputError, SystemFault
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
        write_report(report, tmp_path, overwrite=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["predictions.jsonl", "report.json", "report.html"])
def test_no_file_is_written_over_unasked(name: str, report: Report, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="nothing was written.*--force"):
        write_report(report, tmp_path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "mine")]
    write_report(report, tmp_path, overwrite=True)
    assert (tmp_path / name).read_text() != "mine"


@pytest.mark.parametrize("room", range(3))
def test_a_disk_that_fills_up_leaves_no_half_report(
    room: int, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room for none, one or two of the three files."""
    old = tmp_path / "old"
    write_report(report_of(ANSWERS), old)
    before = {p.name: p.read_bytes() for p in old.iterdir()}
    flush = os.fsync

    def fill_up(left: int) -> None:
        def flush_or_fail(handle: int) -> None:
            nonlocal left
            if stat.S_ISREG(os.fstat(handle).st_mode):
                left -= 1
                if left < 0:
                    raise OSError(28, "No space left on device")
            flush(handle)

        monkeypatch.setattr(os, "fsync", flush_or_fail)

    for place in (old, tmp_path / "deep" / "new"):
        fill_up(room)
        with pytest.raises(SystemFault, match="No space left on device"):
            write_report(report, place, overwrite=True)
    assert {p.name: p.read_bytes() for p in old.iterdir()} == before
    assert not (tmp_path / "deep").exists()


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
