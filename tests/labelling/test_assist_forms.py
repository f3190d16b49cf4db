"""Help and quality in a task whose template asks more than calls: the calls are what is learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labelling_cases import CATALOG, open_house

from maksud.data.dataset import Example
from maksud.labelling.exporting import labelled
from maksud.labelling.gold import seed_gold
from maksud.labelling.learning import agreed
from maksud.labelling.library import save_template
from maksud.labelling.likewise import offer
from maksud.labelling.quality import report
from maksud.labelling.tasks import Wanted, create_task
from maksud.labelling.templates import Template

SAID = [
    "tolong putar lagu Hampa sekarang juga ya",
    "tolong putar lagu Hampa sekarang juga ya",
    "tolong putar lagu Hampa sekarang juga dong",
    "turunkan suaranya",
]
ASK = [
    {"title": "output", "kind": "calls"},
    {"title": "mood", "kind": "choice", "options": ["ok", "bad"]},
]


def test_the_calls_of_a_form(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=SAID)
    template = Template.from_json({"ask": ASK})
    number = house.store.write(lambda c: save_template(c, "form", template, 0.0))

    def make(c: Any) -> int:
        people = [p.id for p in house.people.values()]
        wanted = Wanted("form", house.dataset, people, number, catalog=CATALOG)
        return create_task(c, wanted, 0.0)

    house.task_id = house.store.write(make)
    leader, gold = house.people["leader"], [Example(SAID[3], "volume_down()")]
    house.store.write(lambda c: seed_gold(c, house.task, leader, gold, 1.0))
    for item, calls in ((5, "play_music(song=Hampa)"), (8, "none()")):
        house.take("ann0", item=item)
        house.say("ann0", item, json.dumps({"output": calls, "mood": "ok"}))
    ann0 = house.people["ann0"]
    found = house.store.read(lambda c: offer(c, house.task, ann0, 5, house.clock()))
    assert [o["item"] for o in found["items"]] == [6], "marked words count letters: the same text"
    assert found["said"] == "output: play_music(song=Hampa) · mood: ok"
    _, learnt = house.store.read(lambda c: agreed(c, house.task))
    assert [e.output for e in learnt] == ["play_music(song=Hampa)"]
    people = house.store.read(lambda c: report(c, house.task))["people"]
    assert [(p["gold"], p["gold_accuracy"]) for p in people if p["name"] == "ann0"] == [(1, 0.0)]
    data = house.store.read(lambda c: labelled(c, house.task))
    assert [e.output for e in data] == ["play_music(song=Hampa)", "volume_down()"]
    house.close()
