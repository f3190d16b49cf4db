"""Answers to a template's questions: checked, kept the same by whoever gives them, exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import CATALOG, House, open_house

from maksud.data.formats.files import load
from maksud.labelling.conversations import view_conversation
from maksud.labelling.exporting import export_bytes, labelled
from maksud.labelling.forms import FormChecked, check_form, say_answers
from maksud.labelling.library import save_template
from maksud.labelling.looking import figures, show_item
from maksud.labelling.refusals import Refused
from maksud.labelling.tasks import Wanted, create_task
from maksud.labelling.templates import parse_template

FORM = parse_template(
    """
ask:
- {title: output, kind: calls}
- {title: nada, kind: choice, options: [positif, negatif]}
- {title: keluhan, kind: choices, options: [harga, mutu], when: {question: nada, is: negatif}}
- {title: nomor, kind: input, required: false, pattern: "[A-Z]{2}[0-9]+"}
- {title: sebutan, kind: span, required: false, options: [judul, tempat]}
"""
)
SAID = "putar lagu Hampa"


def check(**answers: Any) -> FormChecked:
    whole = {"output": "play_music(song=Hampa)", "nada": "positif", **answers}
    text = json.dumps({k: v for k, v in whole.items() if v is not None})
    return check_form(FORM, text, CATALOG, SAID, open=False)


def test_the_same_answers_are_the_same_text() -> None:
    span = {"start": 11, "end": 16, "label": "judul", "text": "anything"}
    one = check(sebutan=[span, span], nomor=" AB1 ", output="play_music( song = Hampa )")
    other = check_form(
        FORM,
        json.dumps({"sebutan": [span], "nomor": "AB1", "nada": "positif",
                    "output": "play_music(song=Hampa)"}),
        CATALOG, SAID, open=False,
    )  # fmt: skip
    assert one.errors == other.errors == []
    assert one.text == other.text
    assert list(json.loads(one.text)) == ["output", "nada", "nomor", "sebutan"]
    assert json.loads(one.text)["sebutan"][0]["text"] == "Hampa"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"nada": None}, "nada: an answer is needed"),
        ({"nada": "datar"}, "none of the options"),
        ({"nada": ["positif"]}, "is no text"),
        ({"nada": "negatif"}, "keluhan: an answer is needed"),
        ({"nada": "negatif", "keluhan": ["rasa"]}, "none of the options"),
        ({"nomor": "ab1"}, "does not fit the pattern"),
        ({"nomor": "x" * 4001}, "4,000"),
        ({"output": "fly()"}, "not in the catalog"),
        ({"output": None}, "output: an answer is needed"),
        ({"sebutan": [{"start": 3, "end": 99, "label": "judul"}]}, "the utterance does not have"),
        ({"sebutan": [{"start": True, "end": 5, "label": "judul"}]}, "does not have"),
        ({"sebutan": [{"start": 0, "end": 5, "label": "warna"}]}, "none of the options"),
        ({"sebutan": "Hampa"}, "is no list"),
        ({"warna": "merah"}, "no question 'warna'"),
    ],
)
def test_what_can_not_be_an_answer_is_told(answers: dict[str, Any], told: str) -> None:
    assert told in " ".join(check(**answers).errors)


def test_what_is_not_asked_has_no_answer() -> None:
    """The question that another's answer brings up, and only then."""
    kept = json.loads(check(nada="positif", keluhan=["mutu"]).text)
    assert "keluhan" not in kept
    kept = json.loads(check(nada="negatif", keluhan=["mutu", "harga"]).text)
    assert kept["keluhan"] == ["harga", "mutu"]  # in the order of the options
    assert check_form(FORM, "play_music()", CATALOG, SAID, open=False).errors


def test_free_input_is_checked_as_calls_where_asked() -> None:
    template = parse_template("ask: [{title: output, kind: input, calls: true}]")
    text = json.dumps({"output": "fly(x"})
    assert check_form(template, text, CATALOG, SAID, open=False).fields["output"]
    text = json.dumps({"output": "volume_down( )"})
    done = check_form(template, text, CATALOG, SAID, open=False)
    assert done.errors == [] and json.loads(done.text) == {"output": "volume_down()"}


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = open_house(tmp_path / "labels.db", utterances=[SAID, "mahal sekali 😀 di Solo"])
    id = made.store.write(lambda c: save_template(c, "form", FORM, 1.0))
    members = [p.id for p in made.people.values()]
    wanted = Wanted("form", made.dataset, members, template=id, votes=2, catalog=CATALOG)
    made.task_id = made.store.write(lambda c: create_task(c, wanted, 1.0))
    yield made
    made.close()


def said(**answers: Any) -> str:
    return json.dumps(answers)


def test_forms_are_voted_kept_and_exported(house: House, tmp_path: Path) -> None:
    item = house.take("ann0")
    assert item is not None and house.take("ann1") == item
    plain = said(nada="positif", output="play_music(song=Hampa, genre=lagu)")
    house.say("ann0", item, plain)
    other = said(output="play_music(genre=lagu, song=Hampa)", nada="positif")
    assert house.say("ann1", item, other)["state"] == "done"  # the same calls, in another order
    item = house.take("ann0")
    assert item is not None and house.take("ann1") == item
    with pytest.raises(Refused, match="nada: an answer is needed"):
        house.say("ann0", item, said(output="none()"))
    marked = [{"start": 18, "end": 22, "label": "tempat"}]
    assert "mahal sekali 😀 di Solo"[18:22] == "Solo"
    whole = said(output="none()", nada="negatif", keluhan=["harga"], sebutan=marked)
    house.say("ann0", item, whole)
    assert house.say("ann1", item, said(output="none()", nada="positif"))["state"] == "judge"
    house.take("leader", "judge")
    house.say("leader", item, whole, "judge")
    assert house.store.read(lambda c: figures(c, house.task))["disputed"] == 1
    data = house.store.read(lambda c: labelled(c, house.task))
    assert [e.output for e in data][1] == "none()"
    assert [e.metadata["labels"]["nada"] for e in data] == [["positif"], ["negatif"]]

    manifest = [json.loads(line) for line in export_bytes(data, "itag")[0].splitlines()]
    system = next(v for k, v in manifest[1].items() if k.endswith("-system"))
    labels = json.loads(system["results"][0]["MarkResult"])["annotations"][0]["labels"]
    assert labels["output"] == "none()" and labels["keluhan"] == ["harga"]
    assert labels["sebutan"][0]["text"] == "Solo"
    check_block = next(v for k, v in manifest[1].items() if k.endswith("-check"))
    assert len(check_block["results"]) == 1

    tasks = json.loads(export_bytes(data, "label-studio")[0])
    results = {r["from_name"]: r for r in tasks[1]["annotations"][0]["result"]}
    assert results["output"]["value"] == {"text": ["none()"]}
    assert results["nada"]["value"] == {"choices": ["negatif"]}
    assert results["sebutan"]["value"]["start"] == 19  # as JavaScript counts
    for format, ending in (("itag", ".manifest"), ("label-studio", ".json"), ("json", ".json")):
        path = tmp_path / f"{format}{ending}"
        path.write_bytes(export_bytes(data, format)[0])
        assert [e.output for e in load(path)] == [e.output for e in data]


def test_answers_without_calls_are_exported_too(tmp_path: Path) -> None:
    house = open_house(tmp_path / "l.db", utterances=[SAID])
    template = parse_template("ask: [{title: nada, kind: choice, options: [positif, negatif]}]")
    id = house.store.write(lambda c: save_template(c, "nada", template, 1.0))
    wanted = Wanted("nada", house.dataset, [1], template=id)
    house.task_id = house.store.write(lambda c: create_task(c, wanted, 1.0))
    item = house.take("admin")
    assert item is not None
    house.say("admin", item, said(nada="negatif"))
    data = house.store.read(lambda c: labelled(c, house.task))
    rows = json.loads(export_bytes(data, "json")[0])
    assert rows[0]["labels"] == {"nada": ["negatif"]}
    line = json.loads(export_bytes(data, "itag")[0])
    system = next(v for k, v in line.items() if k.endswith("-system"))
    assert '\\"nada\\"' in json.dumps(system)
    house.close()


def test_a_conversation_says_which_turns_are_open(house: House) -> None:
    turns = [
        {"role": "user", "content": "kecilkan suaranya"},
        {"role": "assistant", "content": "volume_down()"},
        {"role": "user", "content": "cuaca besok"},
        {"role": "assistant", "content": "Di mana?"},
        {"role": "user", "content": "Solo"},
    ]
    seen = view_conversation({"chat": turns}, "chat", CATALOG)
    assert [(t["role"], t["open"]) for t in seen] == [
        ("user", False), ("assistant", False), ("user", True), ("assistant", False), ("user", True),
    ]  # fmt: skip
    folded = {"turns": ["cuaca besok", "Solo"], "replies": ["Di mana?"]}
    assert [t["text"] for t in view_conversation(folded, "", CATALOG)] == [
        "cuaca besok", "Di mana?", "Solo",
    ]  # fmt: skip
    assert view_conversation({"turns": "x"}, "turns", CATALOG) == []
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["admin"], 3))
    assert shown["turns"] == []


def test_answers_are_said_as_a_line() -> None:
    span = {"start": 11, "end": 16, "label": "judul", "text": "Hampa"}
    line = say_answers(json.dumps({"nada": "positif", "sebutan": [span], "k": ["a", "b"]}))
    assert line == "nada: positif · sebutan: Hampa (judul) · k: a, b"
    assert say_answers("none()") == "none()"
