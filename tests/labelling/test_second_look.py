"""Labels that are likely wrong come back to be looked at again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house
from sqlalchemy import insert

from maksud.labelling.refusals import Refused
from maksud.labelling.second_look import list_doubts, send_back
from maksud.labelling.tables import doubts
from maksud.labelling.work import standing_of
from maksud.labelling.workflow import settle


def done(tmp_path: Path, **wanted: Any) -> House:
    """A house of which two items are done, and doubted; the third is done, and not."""
    house = open_house(tmp_path / "a.db", **wanted)
    for item in (1, 2, 3):
        house.take("ann0", item=item)
        state = house.say("ann0", item, "none()")["state"]
        if state == "check":
            house.take("leader", "check", item=item)
            house.say("leader", item, "none()", "check")
    values = [
        {"item_id": item, "task_id": house.task_id, "place": place, "given": "none()",
         "suggested": "play_music()", "why": "x"}
        for place, item in enumerate((2, 1))
    ]  # fmt: skip
    house.store.write(lambda c: c.execute(insert(doubts), values))
    return house


def send(house: House, many: int, key: str = "k") -> list[int]:
    leader, task = house.people["leader"], house.task
    return house.store.write(lambda c: send_back(c, task, leader, many, key, house.clock()))


def listed(house: House) -> list[int]:
    return [d["item"] for d in house.store.read(lambda c: list_doubts(c, house.task))]


def test_the_most_suspicious_go_back_to_the_check(tmp_path: Path) -> None:
    house = done(tmp_path, stages=["label", "check"])
    assert listed(house) == [2, 1]
    assert send(house, 1) == [2]
    standing, history = house.store.read(lambda c: standing_of(c, house.task, 2))
    assert (standing.state, standing.round, standing.output) == ("check", 1, "none()")
    assert "play_music()" in standing.feedback and [r.kind for r in history][-1] == "doubt"
    assert len(standing.labels) == 1, "the labels stand"
    assert listed(house) == [1]
    assert send(house, 5) == [2], "the same key: nothing more"
    assert house.take("leader", "check") == 2
    assert house.say("leader", 2, "play_music()", "check")["state"] == "done"
    assert send(house, 5, "other") == [1]
    with pytest.raises(Refused, match="no label is doubted"):
        send(house, 5, "third")
    house.close()


def test_without_a_check_it_is_labelled_anew(tmp_path: Path) -> None:
    house = done(tmp_path)
    assert send(house, 2) == [2, 1]
    standing, _ = house.store.read(lambda c: standing_of(c, house.task, 1))
    assert (standing.state, standing.round, standing.labels) == ("label", 2, ())
    assert house.take("ann1", item=1) == 1
    house.close()


def test_what_was_changed_since_is_not_doubted_any_more(tmp_path: Path) -> None:
    house = done(tmp_path)
    house.say("ann0", 1, "play_music()")
    assert listed(house) == [2]
    house.close()


def test_a_decision_between_labels_stands(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", stages=["label", "check"], votes=2, agree=2)
    for who, said in (("ann0", "none()"), ("ann1", "play_music()")):
        house.take(who, item=1)
        house.say(who, 1, said)
    for stage in ("judge", "check"):
        house.take("leader", stage, item=1)
        house.say("leader", 1, "none()", stage)
    about = {"item_id": 1, "task_id": house.task_id, "place": 0, "given": "none()",
             "suggested": "play_music()", "why": "x"}  # fmt: skip
    house.store.write(lambda c: c.execute(insert(doubts).values(**about)))
    assert send(house, 1) == [1]
    standing, history = house.store.read(lambda c: standing_of(c, house.task, 1))
    assert (standing.state, standing.output) == ("check", "none()")
    from maksud.labelling.work import act_of

    assert settle(house.task.plan, [act_of(r) for r in history]) == standing
    house.close()
