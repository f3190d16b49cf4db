"""New intents and parameters: used at once; approved, merged or refused; the catalog's versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import CATALOG, House, open_house

from maksud.labelling.exporting import labelled
from maksud.labelling.library import save_template
from maksud.labelling.looking import show_item
from maksud.labelling.proposals import decide, list_proposals, list_versions, propose
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tasks import Wanted, archive, count_states, create_task
from maksud.labelling.templates import parse_template


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "labels.db", open=False)
    yield made
    made.close()


def suggest(house: House, intent: str, parameter: str = "", **definition: Any) -> int:
    definition = definition or {"description": "Pauses it"}
    task, person = house.task, house.people["ann0"]
    return house.store.write(
        lambda c: propose(c, task, person, intent, parameter, definition, house.clock())
    )


def word(house: House, id: int, verdict: str, into: str = "", reason: str = "") -> int:
    task, person = house.task, house.people["leader"]
    return house.store.write(
        lambda c: decide(c, task, person, id, verdict, into, reason, house.clock())
    )


def answer(house: House, output: str, who: str = "ann0") -> int:
    item = house.take(who)
    assert item is not None
    house.say(who, item, output)
    return item


def kept(house: House) -> dict[str, int]:
    states = house.store.read(lambda c: count_states(c, house.task_id))
    return {s: n for s, n in states.items() if n}


def test_what_is_proposed_is_used_at_once_and_approved(house: House) -> None:
    item = house.take("ann0")
    assert item is not None
    with pytest.raises(Refused, match="not in the catalog"):
        house.say("ann0", item, "pause()")
    id = suggest(house, "pause")
    assert suggest(house, "pause") == id  # the same once more
    house.say("ann0", item, "pause()")
    assert house.store.read(lambda c: list_versions(c, house.task_id)) == []
    assert word(house, id, "approved") == 0
    versions = house.store.read(lambda c: list_versions(c, house.task_id))
    assert [v["version"] for v in versions] == [2, 1]
    assert "pause" in versions[0]["catalog"]["intents"] and "leader" in versions[0]["why"]
    assert "pause" not in versions[1]["catalog"]["intents"]
    assert house.task.catalog.names == (*CATALOG.names, "pause")
    data = house.store.read(lambda c: labelled(c, house.task))
    assert data.declared_catalog == house.task.catalog
    with pytest.raises(Refused, match="this was approved already"):
        word(house, id, "refused", reason="no")
    shown = house.store.read(lambda c: list_proposals(c, house.task_id))
    assert [(p["intent"], p["by"], p["verdict"]) for p in shown] == [("pause", "ann0", "approved")]


def test_a_parameter_is_proposed(house: House) -> None:
    id = suggest(house, "play_music", "artist", description="Who sings")
    answer(house, "play_music(artist=musik)")
    word(house, id, "approved")
    intent = house.task.catalog.get("play_music")
    assert intent is not None and intent.parameters[-1].name == "artist"


def test_merged_answers_say_the_other(house: House) -> None:
    id = suggest(house, "start_music", parameters={"song": {}})
    one = answer(house, "start_music(song=musik)")
    answer(house, "volume_down()")
    house.take("ann1")
    with pytest.raises(Refused, match="not in the catalog"):
        word(house, id, "merged", into="fly")
    assert word(house, id, "merged", into="play_music") == 1
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], one))
    assert shown["proposal"]["output"] == "play_music(song=musik)"
    assert [h["output"] for h in shown["history"]] == [
        "start_music(song=musik)", "play_music(song=musik)",
    ]  # fmt: skip
    assert "start_music -> play_music" in shown["history"][1]["comment"]
    assert kept(house) == {"done": 2, "label": 2}
    with pytest.raises(Refused, match="merged into play_music"):
        suggest(house, "start_music")


def test_a_merged_parameter_is_renamed_and_what_does_not_fit_is_labelled_anew(
    house: House,
) -> None:
    id = suggest(house, "play_music", "title")
    one = answer(house, "play_music(title=musik)")
    assert word(house, id, "merged", into="song") == 1
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], one))
    assert shown["proposal"]["output"] == "play_music(song=musik)"
    id = suggest(house, "stop_it", parameters={"what": {}})
    two = answer(house, "stop_it(what=suaranya)")
    assert word(house, id, "merged", into="volume_down") == 1
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], two))
    assert (shown["state"], shown["feedback"]) == ("label", "stop_it -> volume_down")


def test_refused_answers_are_labelled_anew(house: House) -> None:
    id = suggest(house, "pause")
    item = answer(house, "volume_down();pause()")
    answer(house, "volume_down()")
    with pytest.raises(Refused, match="a reason is needed"):
        word(house, id, "refused")
    assert word(house, id, "refused", reason="itu volume_down") == 1
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], item))
    assert (shown["state"], shown["round"]) == ("label", 2)
    assert "itu volume_down" in shown["feedback"]
    assert house.take("ann0") == item
    with pytest.raises(Refused, match="not in the catalog"):
        house.say("ann0", item, "pause()")
    with pytest.raises(Refused, match="proposed before, and refused: itu volume_down"):
        suggest(house, "pause")


@pytest.mark.parametrize(
    ("intent", "parameter", "definition", "told"),
    [
        ("play_music", "", {}, "has 'play_music' already"),
        ("play_music", "song", {}, "has the parameter 'song' already"),
        ("fly", "height", {}, "'fly' is not in the catalog"),
        ("two words", "", {}, "two words"),
        ("none", "", {}, "none"),
        ("fly", "", {"wings": 2}, "wings"),
        ("fly", "", {"parameters": {"to": {"type": "moon"}}}, "moon"),
    ],
)
def test_what_can_not_be_proposed(
    house: House, intent: str, parameter: str, definition: dict[str, Any], told: str
) -> None:
    with pytest.raises(Refused) as caught:
        house.store.write(
            lambda c: propose(
                c, house.task, house.people["ann0"], intent, parameter, definition, 1.0
            )
        )
    assert told in str(caught.value)
    assert house.store.read(lambda c: list_proposals(c, house.task_id)) == []


def test_an_open_or_closed_task_and_another_s_proposal(house: House, tmp_path: Path) -> None:
    id = suggest(house, "pause")
    with pytest.raises(Unknown):
        word(house, id + 1, "approved")
    with pytest.raises(Refused, match="no verdict"):
        word(house, id, "maybe")
    house.store.write(lambda c: archive(c, house.task_id, True))
    with pytest.raises(Refused, match="archived"):
        word(house, id, "approved")
    wanted = Wanted("open", house.dataset, [1], open=True, catalog=CATALOG)
    house.task_id = house.store.write(lambda c: create_task(c, wanted, 1.0))
    with pytest.raises(Refused, match="is open: new intents may just be used"):
        suggest(house, "pause")


def test_calls_inside_a_form_are_rewritten(house: House) -> None:
    template = parse_template(
        "ask: [{title: output, kind: calls}, {title: nada, kind: choice, options: [pause, b]}]"
    )
    number = house.store.write(lambda c: save_template(c, "form", template, 1.0))
    people = [p.id for p in house.people.values()]
    wanted = Wanted("form", house.dataset, people, template=number, catalog=CATALOG, open=False)
    house.task_id = house.store.write(lambda c: create_task(c, wanted, 1.0))
    id = suggest(house, "pause")
    item = answer(house, json.dumps({"output": "pause()", "nada": "pause"}))
    answer(house, json.dumps({"output": "none()", "nada": "pause"}))
    assert word(house, id, "merged", into="volume_down") == 1
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], item))
    assert json.loads(shown["proposal"]["output"]) == {"output": "volume_down()", "nada": "pause"}
