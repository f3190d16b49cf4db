"""Each person's figures, what suggestions do to answers, and the confusion view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house

from maksud.labelling.help import Help
from maksud.labelling.quality import confusion, report
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import items


def person(house: House, name: str) -> dict[str, Any]:
    people = house.store.read(lambda c: report(c, house.task))["people"]
    return next(p for p in people if p["name"] == name)


def test_figures_of_a_person(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", stages=["label", "check"])
    for item, (said, checked, seconds) in enumerate(
        [("none()", "none()", 4.0), ("play_music()", "volume_down()", 5000.0)], 1
    ):
        house.take("ann0", item=item)
        house.say(
            "ann0", item, said, seconds=seconds, suggested="shown" if item == 2 else "confirmed"
        )
        house.take("leader", "check", item=item)
        house.say("leader", item, checked, "check")
    about = person(house, "ann0")
    assert about["per_hour"] == pytest.approx(2 / (4 + 300) * 3600)  # left lying: 300 seconds
    assert (about["checked"], about["check_accuracy"]) == (2, 0.5)
    assert (about["confirmed"], about["corrected"], about["likewise"]) == (1, 1, 0)
    assert person(house, "ann1")["per_hour"] is None
    house.close()


def test_anchoring_is_measured_by_what_is_held_back(tmp_path: Path) -> None:
    """The first suggestion is kept with each label, also where it was not shown."""
    house = open_house(
        tmp_path / "a.db", utterances=[f"u {k}" for k in range(40)], help=Help(blind=50)
    )
    found = [{"text": "none()", "confidence": 0.5, "by": "x"}]
    house.store.write(lambda c: c.execute(items.update().values(suggestions=found)))
    for item in range(1, 41):
        house.take("ann0", item=item)
        blind = Help(blind=50).is_blind(item)
        answer = "volume_down()" if blind and item % 2 else "none()"
        house.say("ann0", item, answer, suggested="" if blind else "confirmed")
    # What is suggested later changes nothing of what was suggested then.
    found = [{"text": "play_music()", "confidence": 0.9, "by": "y"}]
    house.store.write(lambda c: c.execute(items.update().values(suggestions=found)))
    sides = house.store.read(lambda c: report(c, house.task))["suggestions"]
    hidden = [item for item in range(1, 41) if Help(blind=50).is_blind(item)]
    assert 0 < len(hidden) < 40
    assert (sides["with"]["equal"], sides["with"]["labels"]) == (1.0, 40 - len(hidden))
    alike = sum(item % 2 == 0 for item in hidden) / len(hidden)
    assert (sides["without"]["equal"], sides["without"]["labels"]) == (alike, len(hidden))
    assert 0 < alike < 1
    house.close()


def test_intents_that_are_confused(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", votes=2, agree=2)
    said = [("play_music()", "none()"), ("play_music(song=lagu)", "play_music()"),
            ("volume_down()", "volume_down()")]  # fmt: skip
    for item, (one, other) in zip((1, 3, 2), said, strict=True):
        for who, answer in (("ann0", one), ("ann1", other)):
            house.take(who, item=item)
            house.say(who, item, answer)
    house.take("leader", "judge", item=1)
    house.say("leader", 1, "play_music()", "judge")
    ann0, ann1 = house.people["ann0"].id, house.people["ann1"].id

    def cells(side: str, one: int = 0, other: int = 0) -> list[tuple[str, str, int]]:
        found = house.store.read(lambda c: confusion(c, house.task, one, other))[side]
        return [(e["row"], e["column"], e["count"]) for e in found["cells"]]

    assert cells("between") == [
        ("play_music", "none", 1), ("play_music", "play_music", 1),
        ("volume_down", "volume_down", 1),
    ]  # fmt: skip
    assert ("none", "play_music", 1) in cells("between", ann1, ann0)
    assert cells("between", ann0, ann1) == cells("between")
    assert cells("between", house.people["leader"].id) == []
    assert cells("decided") == [("none", "play_music", 1), ("play_music", "play_music", 1)]
    assert cells("decided", ann0) == [("play_music", "play_music", 1)]
    table = house.store.read(lambda c: confusion(c, house.task))["between"]
    assert table["intents"][0] in ("none", "play_music") and table["equal"] == pytest.approx(2 / 3)
    assert table["intents"][-1] == "volume_down" and table["left_out"] == 0
    house.close()


def test_free_text_has_no_intents(tmp_path: Path) -> None:
    from maksud.labelling.library import Template, save_template

    house = open_house(tmp_path / "a.db")
    text = house.store.write(lambda c: save_template(c, "t", Template(card="text"), 0.0))
    from maksud.labelling.tasks import Wanted, create_task, task_for

    wanted = Wanted("free", house.dataset, [p.id for p in house.people.values()], text)
    id = house.store.write(lambda c: create_task(c, wanted, 0.0))
    task = house.store.read(lambda c: task_for(c, id, house.people["admin"]))
    with pytest.raises(Refused, match="free text"):
        house.store.read(lambda c: confusion(c, task))
    house.close()
