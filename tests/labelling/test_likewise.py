"""Nearly identical utterances answered together, each with an act of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house
from sqlalchemy import select

from maksud.data.dataset import Example
from maksud.labelling.library import append
from maksud.labelling.likewise import answer_likewise, offer
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import acts, items, leases
from maksud.labelling.tasks import add_items

SAID = [
    "tolong putar lagu Hampa sekarang juga ya",  # 1
    "tolong putar lagu Separuh sekarang juga ya",  # 2: one word other, and that is the value
    "Tolong putar lagu Hampa sekarang juga, ya!",  # 3: the same words
    "cuaca Hangzhou",  # 4
    "tolong putar lagu Hampa sekarang juga dong",  # 5: one word other
]
ANSWER = "play_music(song=Hampa)"


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = open_house(tmp_path / "a.db", utterances=SAID)
    made.take("ann0")
    made.say("ann0", 1, ANSWER)
    yield made
    made.close()


def offered(house: House, who: str = "ann0", item: int = 1) -> list[tuple[int, bool]]:
    person, task = house.people[who], house.task
    found = house.store.read(lambda c: offer(c, task, person, item, house.clock()))
    return [(o["item"], o["same"]) for o in found["items"]]


def likewise(
    house: House, others: list[int], who: str = "ann0", item: int = 1, key: str = "k"
) -> dict[str, Any]:
    person, task = house.people[who], house.task
    return house.store.write(
        lambda c: answer_likewise(c, task, person, item, others, key, house.clock())
    )


def test_offered_is_what_may_have_the_answer(house: House) -> None:
    """The same words first; not the one whose song is another, nor what is not alike."""
    assert offered(house) == [(3, True), (5, False)]
    assert offered(house, "ann1") == [], "who has not answered it"
    assert offered(house, item=4) == []


def test_each_is_an_act_of_its_own(house: House) -> None:
    assert house.take("ann0", item=4) == 4  # what is in hand stays there
    done = likewise(house, [3, 5, 3])
    assert [s["item"] for s in done["saved"]] == [3, 5] and done["refused"] == []
    with house.store.reading() as c:
        found = c.execute(select(acts).where(acts.c.item_id.in_([3, 5]))).all()
        assert [(r.kind, r.output, r.suggested) for r in found] == [
            ("answer", ANSWER, "likewise")
        ] * 2
        assert c.scalars(select(leases.c.item_id)).all() == [4]
        assert c.scalar(select(items.c.state).where(items.c.id == 5)) == "done"
    assert offered(house) == []


def test_sent_again_it_is_stored_once(house: House) -> None:
    first, again = likewise(house, [3, 5]), likewise(house, [3, 5])
    assert [s["act"] for s in again["saved"]] == [s["act"] for s in first["saved"]]
    assert all(s["repeated"] for s in again["saved"])
    with house.store.reading() as c:
        assert len(c.execute(select(acts)).all()) == 3


def test_what_can_t_be_is_told_and_the_rest_is_saved(house: House) -> None:
    house.take("ann1", item=3)
    done = likewise(house, [2, 3, 4, 5])
    assert [s["item"] for s in done["saved"]] == [5]
    assert [(r["item"], r["code"]) for r in done["refused"]] == [
        (2, "not_alike"), (3, "taken"), (4, "not_alike"),
    ]  # fmt: skip
    assert house.say("ann1", 3, "none()")["state"] == "done"


def test_not_twice_by_one_person_in_a_vote(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=SAID, votes=2)
    for who in ("ann0", "ann1"):
        house.take(who, item=1)
        house.say(who, 1, ANSWER)
    assert likewise(house, [3])["saved"][0]["state"] == "label"
    assert offered(house) == [(5, False)]
    assert likewise(house, [3], key="other")["refused"][0]["code"] == "moved_on"
    assert offered(house, "ann1") == [(3, True), (5, False)]
    assert likewise(house, [3], "ann1")["saved"][0]["state"] == "done"
    house.close()


def test_without_an_answer_there_is_nothing_to_repeat(house: House) -> None:
    with pytest.raises(Refused, match="not answered"):
        likewise(house, [3], "ann1")
    with pytest.raises(Refused, match="not answered"):
        likewise(house, [3], item=4)


def test_appended_rows_find_their_twins(house: House) -> None:
    def more(c: Any) -> None:
        append(c, house.dataset, [Example("tolong putar lagu Hampa sekarang juga kak", "")])
        add_items(c, house.task_id, house.clock())

    house.store.write(more)
    assert offered(house) == [(3, True), (5, False), (6, False)]


def test_what_is_in_another_s_package_is_theirs(tmp_path: Path) -> None:
    from maksud.labelling.terms import Terms

    house = open_house(tmp_path / "p.db", utterances=SAID, terms=Terms(by="size", value="3"))
    assert house.take("ann0") == 1
    house.say("ann0", 1, ANSWER)
    assert offered(house) == [(3, True)]
    assert likewise(house, [5])["refused"][0]["code"] == "not_your_package"
    assert likewise(house, [3], key="x")["saved"][0]["state"] == "done"
    house.close()
