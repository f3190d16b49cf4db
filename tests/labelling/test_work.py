"""Work on items in a store: taken, answered, given back; what is refused, and how it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_cases import UTTERANCES, House, open_house

from maksud.data.dataset import Example
from maksud.labelling.library import append
from maksud.labelling.looking import list_mine, show_item
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tasks import add_items, count_states, set_members
from maksud.labelling.work import release, reopen


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "labels.db", stages=["label", "check"])
    yield made
    made.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "labels.db", votes=3)
    yield made
    made.close()


def states(house: House) -> dict[str, int]:
    found = house.store.read(lambda c: count_states(c, house.task_id))
    return {state: n for state, n in found.items() if n}


def must(item: int | None) -> int:
    assert item is not None
    return item


def test_an_item_goes_through_its_stages(house: House) -> None:
    item = must(house.take("ann0"))
    said = house.say("ann0", item, "play_music( )")
    assert said["state"] == "check" and states(house) == {"label": 3, "check": 1}
    assert house.take("leader", "check") == item
    assert house.say("leader", item, "play_music()", "check")["state"] == "done"
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], item))
    assert [h["stage"] for h in shown["history"]] == ["label", "check"]
    assert shown["labels"] == [
        {"by": "ann0", "kind": "answer", "output": "play_music()", "reason": "", "comment": ""}
    ]


def test_nobody_gets_what_another_has(house: House) -> None:
    taken = {house.take(who) for who in ("ann0", "ann1", "ann2", "leader")}
    assert len(taken) == 4 and None not in taken
    assert house.take("admin") is None


def test_who_claims_again_has_the_same(house: House) -> None:
    assert house.take("ann0") == house.take("ann0")


def test_one_takes_another_and_gives_back_the_first(house: House) -> None:
    first, second = must(house.take("ann0")), must(house.take("ann1"))
    house.store.write(lambda c: release(c, house.task, house.people["ann1"], second))
    assert house.take("ann0", item=second) == second
    assert house.take("ann2") == first


def test_a_late_answer_is_refused_and_can_be_sent_again(house: House) -> None:
    item = must(house.take("ann0"))
    house.clock.pass_by(30 * 60 + 1)
    with pytest.raises(Refused, match="time to answer") as caught:
        house.say("ann0", item, "play_music()", key="late")
    assert caught.value.code == "lease_lost" and caught.value.status == 409
    assert house.take("ann0", item=item) == item
    assert house.say("ann0", item, "play_music()", key="late")["state"] == "check"


def test_an_expired_item_is_given_to_the_next(house: House) -> None:
    item = must(house.take("ann0"))
    house.clock.pass_by(30 * 60 + 1)
    assert house.take("ann1") == item
    with pytest.raises(Refused) as caught:
        house.say("ann0", item, "play_music()")
    assert caught.value.code == "lease_lost"
    with pytest.raises(Refused, match="somebody else has this item in hand"):
        house.take("ann0", item=item)


def test_a_save_sent_again_is_stored_once(house: House) -> None:
    item = must(house.take("ann0"))
    first = house.say("ann0", item, "play_music()", key="k")
    again = house.say("ann0", item, "play_music()", key="k")
    assert again == {**first, "repeated": True}
    mine = house.store.read(lambda c: list_mine(c, house.task, house.people["ann0"]))
    assert len(mine["acts"]) == 1
    with pytest.raises(Refused, match="another save's"):
        house.say("ann0", item, "volume_down()", key="k")


def test_an_answer_is_revised_until_somebody_builds_on_it(house: House) -> None:
    item = must(house.take("ann0"))
    house.say("ann0", item, "play_music()")
    assert house.say("ann0", item, "volume_down()")["state"] == "check"
    house.take("leader", "check")
    with pytest.raises(Refused, match="looking at your answer"):
        house.say("ann0", item, "play_music()")
    house.say("leader", item, "volume_down()", "check")
    with pytest.raises(Refused) as caught:
        house.say("ann0", item, "play_music()")
    assert caught.value.code == "moved_on"


def test_two_leaders_who_judge_at_once(three: House) -> None:
    for who, answer in (("ann0", "play_music()"), ("ann1", "volume_down()"), ("ann2", "none()")):
        item = must(three.take(who))
        three.say(who, item, answer)
    assert states(three)["judge"] == 1
    assert three.take("leader", "judge") == item
    assert three.take("admin", "judge") is None
    with pytest.raises(Refused):
        three.say("admin", item, "none()", "judge")
    assert three.say("leader", item, "none()", "judge")["state"] == "done"
    with pytest.raises(Refused, match="somebody else has decided") as caught:
        three.say("admin", item, "play_music()", "judge")
    assert caught.value.code == "decided_already"


def test_n_people_label_an_item_at_once_and_no_more(three: House) -> None:
    items = [three.take(who) for who in ("ann0", "ann1", "ann2")]
    assert items == [1, 1, 1] and three.take("leader") == 2
    three.say("ann0", 1, "play_music()")
    assert three.take("ann0") == 2  # never the same item twice
    three.say("ann1", 1, "play_music()")
    assert three.say("ann2", 1, "volume_down()")["state"] == "done"


def test_a_skipped_item_comes_back_last(house: House) -> None:
    first = must(house.take("ann0"))
    house.say("ann0", first, kind="skip")
    order = []
    for _ in UTTERANCES:
        item = must(house.take("ann0"))
        order.append(item)
        house.say("ann0", item, "none()")
    assert order == [2, 3, 4, first]


def test_of_skipped_items_the_one_skipped_longest_ago_comes_first(house: House) -> None:
    order = []
    for _ in range(2 * len(UTTERANCES)):
        item = must(house.take("ann0"))
        order.append(item)
        house.say("ann0", item, kind="skip")
    assert order == [1, 2, 3, 4] * 2


@pytest.mark.parametrize("turns", [5, "abc", {"a": 1}, None])
def test_turns_that_are_none_leave_an_item_readable(house: House, turns: object) -> None:
    row = Example("hidupkan", "", metadata={"turns": turns})
    house.store.write(lambda c: append(c, house.dataset, [row]))
    house.store.write(lambda c: add_items(c, house.task_id, house.clock()))
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["leader"], 5))
    assert shown["turns"] == []


def test_abandoned_for_a_reason_and_opened_again(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    item = must(house.take("ann0"))
    with pytest.raises(Refused, match="a reason is needed"):
        house.say("ann0", item, kind="abandon")
    assert house.say("ann0", item, kind="abandon", reason="noise")["state"] == "abandoned"
    leader = house.people["leader"]
    opened = house.store.write(
        lambda c: reopen(c, house.task, leader, item, "it is clear", "r", house.clock())
    )
    assert opened["state"] == "label" and house.take("ann1") == item
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["ann1"], item))
    assert (shown["round"], shown["feedback"]) == (2, "it is clear")
    house.close()


def test_feedback_comes_to_the_labeller(house: House) -> None:
    item = must(house.take("ann0"))
    house.say("ann0", item, "play_music()")
    house.take("leader", "check")
    house.say("leader", item, stage="check", kind="reject", reason="there is no song")
    mine = house.store.read(lambda c: list_mine(c, house.task, house.people["ann0"]))
    assert mine["acts"][0]["feedback"] == "there is no song"
    assert mine["acts"][0]["remark"] == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("play_music(", "the text ends"),
        ("", "empty"),
        ("play_music(song=musik, song=musik)", "may stand once"),
        ("play_musik()", "not in the catalog"),
        ("set_light(state=red)", "not among the values"),
        ("play_music(song=Laskar Pelangi)", "not in the utterance"),
        ("a()" + ";a()" * 60, "more than 50 calls"),
        ("f(" + "x" * 5000 + ")", "longer than"),
    ],
)
def test_answers_that_can_not_be_are_told(house: House, answer: str, told: str) -> None:
    item = must(house.take("ann0"))
    with pytest.raises(Refused, match=told):
        house.say("ann0", item, answer)
    assert states(house) == {"label": 4}
    assert house.say("ann0", item, "none()")["state"] == "check"  # it is still in hand


def test_an_open_catalog_takes_new_intents(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db", catalog=None)
    item = must(house.take("ann0"))
    assert house.say("ann0", item, "weather_search(Hangzhou)")["state"] == "done"
    house.close()


def test_labellers_only_label_and_see_only_theirs(house: House) -> None:
    with pytest.raises(Refused, match="only leaders"):
        house.take("ann0", "check")
    item = must(house.take("ann0"))
    ann1 = house.people["ann1"]
    with pytest.raises(Unknown):
        house.store.read(lambda c: show_item(c, house.task, ann1, item))
    house.say("ann0", item, "none()")
    shown = house.store.read(lambda c: show_item(c, house.task, house.people["ann0"], item))
    assert "labels" not in shown and "history" not in shown


def test_who_leaves_the_task_gives_back(house: House) -> None:
    item = must(house.take("ann0"))
    others = [p.id for name, p in house.people.items() if name != "ann0"]
    house.store.write(lambda c: set_members(c, house.task_id, others, house.task.plan))
    assert house.take("ann1") == item


def test_thirty_two_who_claim_at_once(tmp_path: Path) -> None:
    house = open_house(tmp_path / "l.db", utterances=[f"u {k}" for k in range(40)], annotators=32)
    taken: list[int | None] = []
    threads = [
        threading.Thread(target=lambda who=f"ann{k}": taken.append(house.take(who)))  # type: ignore[misc]
        for k in range(32)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(taken)) == 32 and None not in taken
    house.close()
