"""`maksud convert`: what can be used is written, the rest is told and kept; whole or not at all."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats import registry
from maksud.data.formats.conversion import convert
from maksud.data.formats.files import load, save
from maksud.errors import DataError

GOOD = '{"instruction": "halo", "output": "greet()"}'
BAD = '{"instruction": "halo"}'


def maksud(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def rejects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    file = tmp_path / "x.jsonl"
    file.write_bytes(f"{GOOD}\n{BAD}\n{{oops\n".encode() + b"\xff\n" + f"{GOOD}\n".encode())
    return file


def test_rejects_stand_beside_the_target(mixed: Path, tmp_path: Path) -> None:
    done = convert(mixed, tmp_path / "out.json")
    assert (done.read, done.written) == (5, 2)
    assert done.rejected == {"E-FIELD": 1, "E-JSON": 1, "E-UTF8": 1}
    assert len(load(tmp_path / "out.json")) == 2
    kept = rejects(tmp_path / "out.json.rejects.jsonl")
    assert [(r["code"], r["place"]) for r in kept] == [
        ("E-FIELD", f"{mixed}:2"),
        ("E-JSON", f"{mixed}:3"),
        ("E-UTF8", f"{mixed}:4"),
    ]
    assert kept[0]["original"] == BAD and kept[0]["message"] and kept[0]["fix"]
    assert base64.b64decode(kept[2]["original_base64"]) == b"\xff"


def test_the_command_tells_and_exits_with_4(mixed: Path, tmp_path: Path) -> None:
    done = maksud("convert", mixed, tmp_path / "out.json", code=4)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Read 5, wrote 2, rejected 3 (E-FIELD 1, E-JSON 1, E-UTF8 1: ")
    assert f"ERROR E-FIELD {mixed}:2 " in done.stderr and not done.stdout
    as_json = json.loads(maksud("convert", mixed, tmp_path / "b.csv", "--json", code=4).stdout)
    assert as_json["written"] == 2 and as_json["target_format"] == "csv"
    assert as_json["rejected"] == {"E-FIELD": 1, "E-JSON": 1, "E-UTF8": 1}
    assert as_json["codes"] == {"E-FIELD": 1, "E-JSON": 1, "E-UTF8": 1}


def test_nothing_usable_exits_with_2_and_still_keeps_the_rejects(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(f"{BAD}\n" * 500 + "{oops\n" * 12)
    done = maksud("convert", file, tmp_path / "out.json", code=2)
    assert "E-NOROWS all 512 rows were rejected: E-FIELD 500, E-JSON 12" in done.stderr
    assert not (tmp_path / "out.json").exists()
    assert len(rejects(tmp_path / "out.json.rejects.jsonl")) == 512


def test_nothing_writable_exits_with_2(tmp_path: Path) -> None:
    save([Example("a", "f();g()")], tmp_path / "x.json")
    with pytest.raises(DataError, match="E-NOROWS all 1 rows were rejected: E-MULTI 1"):
        convert(tmp_path / "x.json", tmp_path / "out.yml")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.yml.rejects.jsonl", "x.json"]


def test_what_the_target_has_no_place_for_is_rejected_as_a_row(tmp_path: Path) -> None:
    save([Example("a", "f();g()", id="7"), Example("b", "f()")], tmp_path / "x.json")
    done = convert(tmp_path / "x.json", tmp_path / "out.yml")
    assert (done.written, done.rejected) == (1, {"E-MULTI": 1})
    (row,) = rejects(Path(done.rejects_path))
    assert json.loads(row["original"]) == {"instruction": "a", "output": "f();g()", "id": "7"}
    assert row["place"] == f"{tmp_path}/x.json:2"


def test_rejects_of_an_earlier_conversion_do_not_stay(mixed: Path, tmp_path: Path) -> None:
    convert(mixed, tmp_path / "out.json")
    mixed.write_text(GOOD)
    done = convert(mixed, tmp_path / "out.json")
    assert not done.rejects_path and not (tmp_path / "out.json.rejects.jsonl").exists()


def test_metadata_that_has_no_place_is_told(tmp_path: Path) -> None:
    rows = [Example("a", "f()", id="7", metadata={"topic": "x"}), Example("b", "f()")]
    save(rows, tmp_path / "x.json")
    done = convert(tmp_path / "x.json", tmp_path / "out.jsonl", to="openai")
    (told,) = (f for f in done.findings if f.code == "I-LOST")
    assert '"topic" (1)' in told.message and '"id" (1)' in told.message
    text = convert(tmp_path / "x.json", tmp_path / "out.txt")
    assert "the answers of 2 examples are not written" in str(list(text.findings))


def test_splits_of_a_directory_in_any_format(tmp_path: Path) -> None:
    rows = [Example(f"say {k} please", "say()") for k in range(40)]
    save(rows, tmp_path / "x.json")
    done = convert(tmp_path / "x.json", tmp_path / "sets", to="csv", split=True, seed=3)
    assert sorted(p.name for p in (tmp_path / "sets").iterdir()) == [
        "dev.csv",
        "test.csv",
        "train.csv",
    ]
    back = load(tmp_path / "sets")
    assert len(back) == done.written == 40 and len(back.dev) and len(back.test)
    again = convert(tmp_path / "sets", tmp_path / "one.jsonl")
    assert again.written == 40
    assert sorted(e.split for e in load(tmp_path / "one.jsonl")) == sorted(e.split for e in back)


def test_a_directory_with_two_files_of_a_split_is_refused(tmp_path: Path) -> None:
    for name in ("train.json", "train.jsonl"):
        (tmp_path / name).write_text(GOOD if name.endswith("l") else f"[{GOOD}]")
    with pytest.raises(DataError, match=r"several files of the train split: train\.json, train"):
        load(tmp_path)


def test_joined_files_may_have_the_same_ids(tmp_path: Path) -> None:
    rows = [
        Example(f"{s} {k}", "f()", id=str(k), split=s) for s in ("train", "dev") for k in (1, 2)
    ]
    save(Dataset(rows), tmp_path / "sets")
    done = convert(tmp_path / "sets", tmp_path / "one.json")
    assert done.findings.codes == {"W-ID": 1}
    assert [e.id for e in load(tmp_path / "one.json")] == ["1", "2", "", ""]


def test_options_of_reading_and_writing(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("teks;maksud\n播放 Hampa;play\n".encode("gb18030"))
    maksud(
        "convert", tmp_path / "x.csv", tmp_path / "x.jsonl",
        "--delimiter", ";", "--encoding", "gb18030", "--format", "csv",
        "--columns", "instruction=teks,output=maksud", "--to", "openai", "--tools",
    )  # fmt: skip
    row = json.loads((tmp_path / "x.jsonl").read_text())
    assert row["messages"][0] == {"role": "user", "content": "播放 Hampa"}
    assert row["messages"][1]["tool_calls"][0]["function"]["name"] == "play"
    assert row["tools"][0]["function"]["name"] == "play"
    error = maksud("convert", tmp_path / "x.csv", tmp_path / "y.json", "--format", "cvs", code=2)
    assert "unknown format 'cvs'. Nearest: csv" in error.stderr
    error = maksud(
        "convert", tmp_path / "x.jsonl", tmp_path / "y.json", "--to", "dialogflow", code=2
    )
    assert "can be read, not written" in error.stderr
    tab = tmp_path / "t.dat"
    tab.write_text("a\tb\nhalo\tf\n")
    maksud(
        "convert", tab, tmp_path / "t.json", "--format", "csv", "--delimiter", "tab",
        "--columns", "instruction=a,output=b",
    )  # fmt: skip
    assert load(tmp_path / "t.json")[0].output == "f()"


def test_a_fault_while_writing_leaves_everything_as_it_was(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.json").write_text("old")

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("maksud.data.formats.conversion._write_rejects", broken)
    with pytest.raises(KeyboardInterrupt):
        convert(mixed, tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.json", "x.jsonl"]


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    source = tmp_path / "x.jsonl"
    with open(source, "w") as file:
        for k in range(60_000):
            file.write(json.dumps({"instruction": f"halo {k}", "output": "greet()"}) + "\n")
    folder = tmp_path / "out"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "maksud", "convert", str(source), str(folder / "out.xlsx")],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not any(folder.iterdir()) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        assert any(folder.iterdir()), "it never began to write"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in said
    assert not list(folder.iterdir())


def test_every_format_can_be_named(tmp_path: Path) -> None:
    names = [f.name for f in registry.FORMATS]
    assert len(set(names)) == len(names)
    for format in registry.FORMATS:
        assert registry.format_named(format.name) is format
        assert format.write is None or format.suffixes or format.ending
    endings = [s for f in registry.FORMATS for s in f.suffixes]
    assert len(set(endings)) == len(endings), "an ending names one format"


def test_the_umask_holds(mixed: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        convert(mixed, tmp_path / "out.json")
    finally:
        os.umask(before)
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o640
