"""What comes out of a task, and the suggestions that come in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_cases import CATALOG, UTTERANCES, House, open_house
from serving_server import Scripted

from maksud.data.formats.files import load
from maksud.data.versions import Store as Versions
from maksud.labelling.exporting import FORMATS, export_bytes, keep_version, labelled, write_export
from maksud.labelling.looking import figures, show_item
from maksud.labelling.refusals import Refused
from maksud.labelling.suggestions import Suggester, suggest_item, suggest_task


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The first two items checked (one changed), the third abandoned, the fourth waiting."""
    made = open_house(tmp_path / "labels.db", stages=["label", "check"])
    for answer in ("play_music()", "none()"):
        item = made.take("ann0")
        assert item is not None
        made.say("ann0", item, answer)
    item = made.take("ann0")
    assert item is not None
    made.say("ann0", item, kind="abandon", reason="noise")
    for answer in ("play_music()", "volume_down()"):
        item = made.take("leader", "check")
        assert item is not None
        made.say("leader", item, answer, "check")
    assert made.take("leader", "check") == 3
    made.say("leader", 3, stage="check", kind="abandon", reason="only noise")
    yield made
    made.close()


def test_training_rows_are_those_that_are_done(house: House, tmp_path: Path) -> None:
    data = house.store.read(lambda c: labelled(c, house.task))
    assert [(e.instruction, e.output) for e in data] == [
        (UTTERANCES[0], "play_music()"), (UTTERANCES[1], "volume_down()"),
    ]  # fmt: skip
    assert data.declared_catalog == CATALOG
    assert write_export(data, str(tmp_path / "train.json")) == 2
    assert [e.output for e in load(tmp_path / "train.json")] == [e.output for e in data]
    more = house.store.read(lambda c: labelled(c, house.task, waiting=True))
    assert [e.output for e in more] == ["play_music()", "volume_down()", ""]


def test_a_manifest_has_all_stages_and_what_was_abandoned(house: House, tmp_path: Path) -> None:
    data = house.store.read(lambda c: labelled(c, house.task, abandoned=True))
    path = tmp_path / "export.manifest"
    write_export(data, str(path))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    stages = [sorted(k.rpartition("-")[2] for k in row if k.startswith("label-")) for row in lines]
    assert [len(s) for s in stages] == [3, 3, 0]
    assert (lines[2]["abandonFlag"], lines[2]["abandonRemark"]) == (1, "only noise")
    checked = next(v for k, v in lines[1].items() if k.endswith("-check"))
    label = next(v for k, v in lines[1].items() if k.startswith("label-") and k[-1].isdigit())
    assert "volume_down()" in checked["results"][0]["MarkResult"]
    assert "none()" in label["results"][0]["MarkResult"]
    assert [e.output for e in load(path)] == ["play_music()", "volume_down()"]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_of_the_page_is_read_again(house: House, tmp_path: Path, format: str) -> None:
    data = house.store.read(lambda c: labelled(c, house.task))
    body, ending = export_bytes(data, format)
    path = tmp_path / f"x{ending}"
    path.write_bytes(body)
    assert [(e.instruction, e.output) for e in load(path)] == [
        (e.instruction, e.output) for e in data
    ]


def test_a_version_is_kept(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_WORKSPACE", str(tmp_path))
    data = house.store.read(lambda c: labelled(c, house.task))
    name = house.store.read(lambda c: keep_version(c, house.task, data, "music", "test"))
    assert name == "music@1"
    assert [e.output for e in Versions().load(name)] == ["play_music()", "volume_down()"]
    manifest = Versions().manifest(name)
    assert "first" in manifest.note and manifest.catalog == CATALOG


def test_nothing_finished_is_told(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    data = house.store.read(lambda c: labelled(c, house.task))
    with pytest.raises(Refused, match="nothing of this task is finished"):
        write_export(data, str(tmp_path / "x.json"))
    with pytest.raises(Refused, match="no format 'elvish'"):
        export_bytes(data, "elvish")
    house.close()


def test_suggestions_of_a_recognizer(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db", utterances=[f"u {k}" for k in range(40)])
    scripted = Scripted()
    suggester = Suggester(scripted)
    suggest_item(house.store, suggester, 1)
    suggest_item(house.store, suggester, 1)
    assert len(scripted.batches) == 1  # kept: asked once
    assert suggest_task(house.store, suggester, house.task_id) == 39
    admin = house.people["admin"]
    shown = [house.store.read(lambda c, k=k: show_item(c, house.task, admin, k))["suggestions"]
             for k in range(1, 41)]  # fmt: skip
    seen = [s for s in shown if s]
    assert seen[0][0]["by"] == "scripted" and "play_music" in seen[0][0]["text"]
    assert 1 <= shown.count([]) <= 8  # about one in ten is shown without
    item = house.take("ann0")
    assert item is not None
    house.say("ann0", item, "none()", suggested="shown")
    people = house.store.read(lambda c: figures(c, house.task))["people"]
    assert next(p for p in people if p["name"] == "ann0")["corrected"] == 1
    house.close()
