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
from maksud.data.versions import Store
from maksud.errors import DataError, InputError, SettingsError, SystemFault
from maksud.language.catalog import Catalog, Intent

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
    done = convert(mixed, tmp_path / "out.json", overwrite=True)
    assert not done.rejects_path and not (tmp_path / "out.json.rejects.jsonl").exists()


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project as `maksud init` makes it: splits and a catalog."""
    rows = [Example(f"{s} {k}", "f()", split=s) for s in ("train", "dev", "test") for k in (1, 2)]
    catalog = Catalog((Intent("f"),))
    save(Dataset(rows, catalog=catalog), tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.parametrize("target", ["shop/train.json", "shop", "shop/", "shop/dev.json"])
def test_nothing_is_written_over_without_being_told_to(
    target: str, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl").write_text(GOOD)
    before = content(shop)
    place = f"{tmp_path}/{target}"
    error = maksud("convert", tmp_path / "x.jsonl", place, code=2).stderr
    assert "already" in error and "--append" in error and "--force" in error
    assert content(shop) == before
    assert not Path(f"{place.rstrip('/')}.rejects.jsonl").exists()
    error = maksud("convert", tmp_path / "x.jsonl", place, "--split", code=2).stderr
    assert "already" in error and content(shop) == before


def test_a_catalog_is_not_written_over_either(shop: Path, tmp_path: Path) -> None:
    before = content(shop)
    catalog = shop / "catalog.yaml"
    maksud("convert", shop, tmp_path / "y.json", "--catalog", catalog, code=2)
    assert content(shop) == before and not (tmp_path / "y.json").exists()
    maksud("convert", shop, tmp_path / "y.json", "--catalog", catalog, "--force")
    assert content(shop)["catalog.yaml"] != before["catalog.yaml"] or catalog.exists()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("catalog", "over"),
    [
        ("x.jsonl", "the source"),
        ("link.yaml", "the source"),
        ("out.json", "the target"),
        ("./sub/../out.json", "the target"),
        ("out.json/c.yaml", "the target"),
        ("out.json.rejects.jsonl", "the file of rejects"),
    ],
)
def test_a_catalog_is_never_written_over_rows(
    catalog: str, over: str, overwrite: bool, mixed: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.yaml").symlink_to(mixed)
    (tmp_path / "sub").mkdir()
    before = content(tmp_path)
    with pytest.raises(InputError, match=f"--catalog would be written over {over}"):
        convert(mixed, tmp_path / "out.json", catalog=f"{tmp_path}/{catalog}", overwrite=overwrite)
    assert content(tmp_path) == before


def test_a_catalog_is_never_written_over_a_file_of_a_split(shop: Path, tmp_path: Path) -> None:
    before = content(shop)
    for source, target, catalog in (
        (shop, tmp_path / "new", shop / "train.json"),
        (shop, tmp_path / "new", tmp_path / "new" / "dev.json"),
        (shop, tmp_path / "new" / "x.json", tmp_path / "new"),
    ):
        with pytest.raises(InputError, match="--catalog would be written over"):
            convert(source, target, catalog=catalog, overwrite=True)
    assert content(shop) == before and os.listdir(tmp_path) == ["shop"]
    convert(shop, tmp_path / "new", catalog=tmp_path / "new" / "catalog.yaml")
    assert load(tmp_path / "new").declared_catalog == load(shop).declared_catalog


def test_where_the_catalog_can_not_be_written_nothing_is(mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "file").write_text("")
    before = sorted(p.name for p in tmp_path.iterdir())
    for catalog in ("folder.yaml", "file/c.yaml"):
        with pytest.raises(SystemFault, match="can't be written"):
            convert(mixed, tmp_path / "out.json", catalog=tmp_path / catalog, overwrite=True)
        assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_rejects_are_not_written_over_the_source(tmp_path: Path) -> None:
    source = tmp_path / "out.json.rejects.jsonl"
    source.write_text(f"{GOOD}\n{BAD}\n")
    for overwrite, append in ((False, False), (True, False), (False, True)):
        with pytest.raises(InputError, match="the file of rejects would be written over"):
            convert(source, tmp_path / "out.json", overwrite=overwrite, append=append)
    assert content(tmp_path) == {source.name: f"{GOOD}\n{BAD}\n".encode()}


def test_a_kept_version_is_not_written_over(tmp_path: Path) -> None:
    kept = Store(tmp_path / "kept")
    kept.save(Dataset([Example("halo", "greet()")]), "d")
    (rows,) = (kept.root / "objects").rglob("*.jsonl")
    for target in (kept.path("d"), rows):
        with pytest.raises(InputError, match="the target would be written over the source"):
            convert(kept.path("d"), target, overwrite=True)
    with pytest.raises(InputError, match="--catalog would be written over the source"):
        convert(kept.path("d"), tmp_path / "x.json", catalog=rows, overwrite=True)
    assert len(kept.load("d")) == 1


def test_options_that_would_do_nothing_are_refused(mixed: Path, tmp_path: Path) -> None:
    for option, says in (
        (["--tools"], "--tools goes with a format of chats that has tools, which json is not"),
        (["--seed", 0], "--seed goes with --split. Add --split"),
        (["--sheet", "rows"], f"{mixed}: is jsonl, which has no sheets. Leave --sheet away"),
    ):
        error = maksud("convert", mixed, tmp_path / "out.json", *option, code=2).stderr
        assert says in error
    assert os.listdir(tmp_path) == [mixed.name]


def test_standard_output_is_no_target(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "not written to standard output" in maksud("convert", mixed, "-", code=2).stderr
    error = maksud("convert", mixed, "out.json", "--catalog", "-", code=2).stderr
    assert "--catalog is not written to standard output" in error
    for data, target in ((mixed, ""), ("", "out.json")):  # "$UNSET"
        assert "has no name: '' was given" in maksud("convert", data, target, code=2).stderr
    assert os.listdir(tmp_path) == [mixed.name]


@pytest.mark.parametrize("option", [[], ["--force"], ["--to", "json"]])
def test_a_file_without_an_ending_is_no_directory(
    option: list[str], mixed: Path, tmp_path: Path
) -> None:
    (tmp_path / "LICENSE").write_text("mine")
    error = maksud("convert", mixed, tmp_path / "LICENSE", *option, code=2).stderr
    assert "LICENSE: is a file, and a target without an ending is a directory" in error
    assert (tmp_path / "LICENSE").read_text() == "mine"


def test_what_appears_meanwhile_is_not_written_over(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("out.json", "catalog.yaml"):
        place = tmp_path / name

        def somebody(*_: object, place: Path = place) -> None:
            place.write_text("somebody else's")

        monkeypatch.setattr("maksud.data.formats.conversion._write_rejects", somebody)
        with pytest.raises(InputError, match="already"):
            convert(mixed, tmp_path / "out.json", catalog=tmp_path / "catalog.yaml")
        assert content(tmp_path) == {name: b"somebody else's", mixed.name: mixed.read_bytes()}
        place.unlink()


def test_force_replaces_a_file(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(GOOD)
    maksud("convert", tmp_path / "x.jsonl", shop / "train.json", "--force")
    assert [e.instruction for e in load(shop).train] == ["halo"]
    assert len(load(shop).dev) == 2


def test_force_leaves_no_directory_of_two_data_sets(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(GOOD)  # one row, of train: dev and test would stay
    before = content(shop)
    with pytest.raises(InputError, match=r"dev\.json: is of other data"):
        convert(tmp_path / "x.jsonl", shop, overwrite=True)
    other = tmp_path / "other.json"
    other.write_bytes((shop / "train.json").read_bytes())
    with pytest.raises(InputError, match="is of other data"):
        convert(other, shop, to="csv", overwrite=True)  # two files of a split
    assert content(shop) == before


def test_force_does_not_replace_the_source(shop: Path, mixed: Path) -> None:
    """Train split anew into its own directory took the place of dev and test, at each go."""
    before = content(shop) | content(mixed.parent)
    train = shop / "train.json"
    for source, target in ((mixed, mixed), (train, shop), (shop, train), (shop, shop)):
        for force in ([], ["--force"]):
            command = ("convert", source, target, "--split", *force)
            assert "is source and target, or a part of it" in maksud(*command, code=2).stderr
    assert content(shop) | content(mixed.parent) == before


def test_append_adds(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(GOOD.replace("greet", "f") + "\n" + BAD)
    done = maksud("convert", tmp_path / "x.jsonl", shop / "train.json", "--append", code=4)
    assert "Read 2, added 1 to 2, rejected 1" in done.stderr
    assert [e.instruction for e in load(shop).train] == ["train 1", "train 2", "halo"]
    more = [Example("dev 3", "f()", split="dev"), Example("train 4", "f()")]
    save(Dataset(more), tmp_path / "y.jsonl")
    (tmp_path / "y.jsonl").write_text(
        '{"instruction": "dev 3", "output": "f()", "split": "dev"}\n' + GOOD.replace("greet", "f")
    )
    catalog = (shop / "catalog.yaml").read_bytes()
    done = maksud("convert", tmp_path / "y.jsonl", shop, "--append")
    assert "Read 2, added 2 to 7" in done.stderr
    data = load(shop)
    assert (len(data.train), len(data.dev), len(data.test)) == (4, 3, 2)
    assert (shop / "catalog.yaml").read_bytes() == catalog
    assert len(rejects(shop / "train.json.rejects.jsonl")) == 1


def test_append_keeps_the_rejects_of_before(mixed: Path, tmp_path: Path) -> None:
    convert(mixed, tmp_path / "out.json")
    convert(mixed, tmp_path / "out.json", append=True)
    assert len(rejects(tmp_path / "out.json.rejects.jsonl")) == 6
    assert len(load(tmp_path / "out.json")) == 4


def test_append_makes_what_is_not_there(tmp_path: Path, mixed: Path) -> None:
    done = convert(mixed, tmp_path / "new.jsonl", append=True)
    assert (done.before, done.written) == (0, 2)


@pytest.mark.parametrize(
    ("there", "name", "says"),
    [
        (f"[{GOOD}, {BAD}]", "t.json", "1 row of what stands there can't be read"),
        ("nlu:\n- intent: f\n  examples: |\n    - halo\n", "t.yml", "not added to rasa"),
        ("instruction,output\nhalo,f()\n", "t.csv", "not added to csv"),
    ],
)
def test_append_never_loses_what_stands(
    there: str, name: str, says: str, mixed: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(there)
    with pytest.raises(InputError, match=says):
        convert(mixed, tmp_path / name, append=True)
    assert (tmp_path / name).read_text() == there


def test_append_to_itself_is_refused(shop: Path) -> None:
    before = content(shop)
    with pytest.raises(InputError, match="doubled"):
        convert(shop / "train.json", shop / "train.json", append=True)
    with pytest.raises(InputError, match="doubled"):
        convert(shop, shop, append=True)
    with pytest.raises(InputError, match=r"train\.json: is source and target, or a part"):
        convert(shop / "train.json", shop, append=True)
    with pytest.raises(InputError, match="doubled"):
        convert(shop, shop / "train.json", append=True)
    with pytest.raises(SettingsError, match="not both"):
        convert(shop, shop, append=True, overwrite=True)
    assert content(shop) == before


@pytest.mark.parametrize("target", ["shop/train.json", "shop"])
def test_an_answer_outside_the_catalog_of_the_directory_is_told_at_once(
    target: str, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl").write_text(f"{GOOD}\n{GOOD}\n" + GOOD.replace("greet", "f"))
    catalog = (shop / "catalog.yaml").read_bytes()
    done = convert(tmp_path / "x.jsonl", tmp_path / target, append=True)
    (told,) = (f for f in done.findings if f.code == "W-CATALOG")
    assert "intent 'greet' is not in the catalog" in told.message and "(2 rows)" in told.message
    assert told.place == f"{tmp_path}/x.jsonl:1"
    assert (shop / "catalog.yaml").read_bytes() == catalog


def test_the_catalog_of_a_directory_stays_and_the_tools_are_the_datas(
    shop: Path, tmp_path: Path
) -> None:
    convert(shop, shop / "chat.jsonl", to="openai", tools=True)
    row = json.loads((shop / "chat.jsonl").read_text().splitlines()[0])
    assert [t["function"]["name"] for t in row["tools"]] == ["f"]


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
        convert(mixed, tmp_path / "out.json", overwrite=True)
    assert (tmp_path / "out.json").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.json", "x.jsonl"]


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by SIGTERM"),
        (signal.SIGHUP, 129, "ended by SIGHUP"),
    ],
)
def test_an_end_half_way_leaves_nothing_half_written(
    sent: signal.Signals, code: int, words: str, tmp_path: Path
) -> None:
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
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code and "Traceback" not in said
    assert said.strip().splitlines()[-1] == f"error: {words}"
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
