"""Gold items: seeded by a leader, unmarked in the queue, measured by; exported as known."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelling_cases import UTTERANCES, House, open_house
from sqlalchemy import select

from maksud.data.dataset import Example
from maksud.labelling.exporting import labelled
from maksud.labelling.gold import drop_gold, list_gold, seed_gold
from maksud.labelling.learning import agreed
from maksud.labelling.looking import show_item
from maksud.labelling.quality import report
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import items, rows


def seed(house: House, *given: tuple[str, str]) -> int:
    examples = [Example(u, o) for u, o in given]
    leader, task = house.people["leader"], house.task
    return house.store.write(lambda c: seed_gold(c, task, leader, examples, house.clock()))


def test_seeded_items_are_measured_by_and_unmarked(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    seed(
        house,
        ("kecilkan suaranya dong", "volume_down()"),
        (UTTERANCES[2], "play_music(song=Hampa)"),
    )
    found = house.store.read(lambda c: list_gold(c, house.task))
    assert [(g["utterance"], g["output"]) for g in found] == [
        (UTTERANCES[2], "play_music(song=Hampa)"), ("kecilkan suaranya dong", "volume_down()"),
    ]  # fmt: skip
    gold = {g["item"] for g in found}
    shown = []
    for _ in range(5):
        item = house.take("ann0")
        assert item is not None
        about = house.store.read(lambda c: show_item(c, house.task, house.people["ann0"], item))  # noqa: B023
        shown.append((item in gold, set(about), about["suggestions"]))
        house.say("ann0", item, "volume_down()")
    assert house.take("ann0") is None
    assert len({frozenset(keys) for _, keys, _ in shown}) == 1, "gold items look like the others"
    assert all(s == [] for _, _, s in shown)
    [ann0] = [p for p in house.store.read(lambda c: report(c, house.task))["people"]
              if p["name"] == "ann0"]  # fmt: skip
    assert (ann0["gold"], ann0["gold_accuracy"], ann0["labels"]) == (2, 0.5, 5)
    # What is exported is the known answer; a recognizer does not learn it.
    data = house.store.read(lambda c: labelled(c, house.task))
    answers = {e.instruction: e.output for e in data}
    assert answers[UTTERANCES[2]] == "play_music(song=Hampa)"
    assert answers[UTTERANCES[0]] == "volume_down()"
    ids, _ = house.store.read(lambda c: agreed(c, house.task))
    assert len(ids) == 3 and not gold & set(ids)
    house.close()


def test_the_known_answer_is_no_suggestion(tmp_path: Path) -> None:
    """Neither beside the item, nor in the row that was added."""
    house = open_house(tmp_path / "a.db")
    seed(house, ("matikan musiknya", "volume_down()"), (UTTERANCES[0], "play_music()"))
    with house.store.reading() as c:
        assert set(c.scalars(select(items.c.suggestions))) == {None}
        last = c.scalars(select(rows.c.data).order_by(rows.c.id.desc())).first()
    assert last == {"instruction": "matikan musiknya", "output": ""} or not last.get("output")
    house.close()


def test_only_the_first_answer_counts(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", stages=["label", "check"])
    seed(house, (UTTERANCES[0], "play_music()"))
    house.take("ann0", item=1)
    house.say("ann0", 1, "none()")
    house.take("leader", "check", item=1)
    house.say("leader", 1, stage="check", kind="reject", reason="salah")
    house.take("ann0", item=1)
    house.say("ann0", 1, "play_music()")
    people = house.store.read(lambda c: report(c, house.task))["people"]
    assert [(p["gold"], p["gold_accuracy"]) for p in people if p["name"] == "ann0"] == [(1, 0.0)]
    house.close()


@pytest.mark.parametrize(
    "given, code",
    [
        ([], "no_rows"),
        ([("x", "")], "invalid_value"),
        ([("x", "play_music(")], "invalid_answer"),
        ([("x", "unknown()")], "invalid_answer"),
        ([("x", "none()")] * 1001, "too_many_rows"),
    ],
)
def test_what_is_no_gold(given: list[tuple[str, str]], code: str, tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    with pytest.raises(Refused) as refused:
        seed(house, ("good", "none()"), *given) if given else seed(house)
    assert refused.value.code == code
    assert house.store.read(lambda c: list_gold(c, house.task)) == []
    assert house.store.read(lambda c: len(c.execute(select(items)).all())) == 4
    house.close()


def test_a_gold_item_becomes_an_ordinary_one(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    seed(house, (UTTERANCES[0], "play_music()"))
    house.store.write(lambda c: drop_gold(c, house.task, 1))
    assert house.store.read(lambda c: list_gold(c, house.task)) == []
    with pytest.raises(Unknown):
        house.store.write(lambda c: drop_gold(c, house.task, 1))
    house.close()
