"""Packages: made, taken, assigned, lapsed; accepted by a sample, or refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house

from maksud.data.dataset import Dataset, Example
from maksud.labelling import packages
from maksud.labelling.library import append, register
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tasks import (
    Wanted,
    add_items,
    archive,
    count_states,
    create_task,
    list_tasks,
    set_members,
)
from maksud.labelling.terms import SIZE, Terms, draw_sample, move_deadline, terms_of

SAID = [f"u {k}" for k in range(10)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Ten items in packages of four."""
    made = open_house(tmp_path / "labels.db", utterances=SAID, terms=Terms(SIZE, "4"))
    yield made
    made.close()


def see(house: House, who: str) -> list[dict[str, Any]]:
    def look(c: Any) -> list[dict[str, Any]]:
        return packages.list_packages(c, house.task, house.people[who], house.clock())

    return house.store.read(look)


def do(house: House, act: Any, *args: Any) -> Any:
    return house.store.write(lambda c: act(c, house.task, *args))


def sizes(house: House) -> list[tuple[str, int]]:
    return [(p["name"], sum(p["states"].values())) for p in see(house, "leader")]


def label_all(house: House, who: str, stage: str = "label") -> list[int]:
    done = []
    while (item := house.take(who, stage)) is not None:
        house.say(who, item, "none()", stage)
        done.append(item)
    return done


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        (Terms("size", "4"), [4, 4, 2]),
        (Terms("count", "3"), [3, 3, 4]),
        (Terms("size", "99"), [10]),
    ],
)
def test_items_are_packed(tmp_path: Path, terms: Terms, wanted: list[int]) -> None:
    house = open_house(tmp_path / "l.db", utterances=SAID, terms=terms)
    assert [n for _, n in sizes(house)] == wanted
    house.close()


@pytest.mark.parametrize(
    ("terms", "stages", "told"),
    [
        (Terms("size", "0"), ["label"], "a package of nothing"),
        (Terms("count", "-1"), ["label"], "a package of nothing"),
        (Terms("count", "11"), ["label"], "some would have nothing"),
        (Terms("field", ""), ["label"], "no field is named"),
        (Terms("field", "channel"), ["label"], "no value under 'channel'"),
        (Terms("weight", "1"), ["label"], "no way 'weight'"),
        (Terms("size", "4", 0.5), ["label"], "with the stage accept"),
        (Terms("", "", 0.5), ["label", "accept"], "Say how large packages are"),
        (Terms("size", "4", 0.0), ["label", "accept"], "above 0"),
        (Terms("size", "4", 1.0, 1), ["label"], "a minute to a year"),
    ],
)
def test_terms_that_no_task_can_have(
    tmp_path: Path, terms: Terms, stages: list[str], told: str
) -> None:
    house = open_house(tmp_path / "l.db", utterances=SAID)
    wanted = Wanted("second", house.dataset, [1], stages=stages, terms=terms)
    with pytest.raises(Refused) as caught:
        house.store.write(lambda c: create_task(c, wanted, 1.0))
    assert told in str(caught.value)
    shown = house.store.read(lambda c: list_tasks(c, house.people["admin"]))
    assert [t["name"] for t in shown] == ["first"]
    house.close()


def test_by_the_values_of_a_field(tmp_path: Path) -> None:
    house = open_house(tmp_path / "l.db")
    rows = [Example(f"u {k}", "", metadata={"shop": "ab"[k % 2]}) for k in range(5)]
    data = house.store.write(lambda c: register(c, "shops", Dataset(rows), "x", 1.0))
    wanted = Wanted("shops", data, [1], terms=Terms("field", "shop"))
    house.task_id = house.store.write(lambda c: create_task(c, wanted, 1.0))
    assert sizes(house) == [("a", 3), ("b", 2)]
    more = [Example("u 5", "", metadata={"shop": "b"}), Example("u", "", metadata={"shop": "c"})]
    house.store.write(lambda c: append(c, data, more))
    assert house.store.write(lambda c: add_items(c, house.task_id, 2.0)) == 2
    assert sizes(house) == [("a", 3), ("b", 3), ("c", 1)]
    house.close()


def test_who_labels_gets_a_package_and_then_the_next(house: House) -> None:
    first, second = house.take("ann0"), house.take("ann1")
    assert (first, second) == (1, 5)  # each in a package of their own
    assert [p["mine"] for p in see(house, "ann0")] == [True, False]  # and the third is free
    with pytest.raises(Refused, match="a package that is not yours"):
        house.take("ann0", item=6)
    assert label_all(house, "ann0") == [1, 2, 3, 4, 9, 10]
    assert house.take("ann0") is None  # what is left is another's
    assert label_all(house, "ann1") == [5, 6, 7, 8]


def test_a_package_is_taken_assigned_and_given_back(house: House) -> None:
    ids = [p["id"] for p in see(house, "leader")]
    do(house, packages.take, house.people["ann0"], ids[2], house.clock())
    assert house.take("ann0") == 9
    with pytest.raises(Refused, match="in other hands"):
        do(house, packages.take, house.people["ann1"], ids[2], house.clock())
    one, two = house.people["ann1"].id, house.people["ann0"].id
    with pytest.raises(Refused, match="in other hands"):
        do(house, packages.assign, ids[2], one)
    with pytest.raises(Refused, match="only leaders"):
        do(house, packages.release, house.people["ann1"], ids[2], two)
    do(house, packages.assign, ids[2], one, two)
    assert house.take("ann1") == 9  # it was taken out of the other's hand, too
    assert house.take("ann0") == 1
    with pytest.raises(Refused, match="does not work on this task"):
        other = house.store.write(lambda c: packages.person_of(c, one))
        people = [p.id for p in house.people.values() if p.id != other.id]
        house.store.write(lambda c: set_members(c, house.task_id, people, house.task.plan))
        do(house, packages.assign, ids[1], one)
    with pytest.raises(Unknown):
        do(house, packages.take, house.people["ann0"], 99, house.clock())
    house.store.write(lambda c: archive(c, house.task_id, True))
    with pytest.raises(Refused, match="archived"):
        do(house, packages.take, house.people["ann0"], ids[1], house.clock())


def test_a_package_lapses_that_nobody_works_on(house: House) -> None:
    item = house.take("ann0")
    assert item == 1
    house.say("ann0", 1, "none()")
    house.clock.pass_by(20 * 3600)
    assert house.take("ann0") == 2  # work makes its time begin anew
    house.clock.pass_by(20 * 3600)
    assert house.take("ann1") == 5
    house.clock.pass_by(10 * 3600)
    assert house.take("ann2") == 2  # 30 hours without work: somebody else goes on
    kept = see(house, "leader")[0]["holders"]
    assert [h["name"] for h in kept] == ["ann2"]


def test_as_many_hold_a_package_as_label_an_item(tmp_path: Path) -> None:
    house = open_house(tmp_path / "l.db", utterances=SAID, votes=2, terms=Terms("size", "5"))
    assert [house.take(w) for w in ("ann0", "ann1", "ann2")] == [1, 1, 6]
    label_all(house, "ann0")
    label_all(house, "ann1")
    label_all(house, "ann2")
    states = house.store.read(lambda c: count_states(c, house.task_id))
    assert states["done"] == 10
    house.close()


@pytest.fixture
def sampled(tmp_path: Path) -> Iterator[House]:
    """Two packages of five, of which two items each are looked at."""
    made = open_house(
        tmp_path / "l.db", utterances=SAID, stages=["label", "accept"],
        terms=Terms("size", "5", 0.4),
    )  # fmt: skip
    yield made
    made.close()


def test_a_sample_is_looked_at_and_the_package_accepted(sampled: House) -> None:
    house = sampled
    leader, first = house.people["leader"], see(house, "leader")[0]["id"]

    def decide(accepted: bool, reason: str = "") -> int:
        done: int = do(house, packages.decide, leader, first, accepted, reason, house.clock())
        return done

    with pytest.raises(Refused, match="5 items of package 1 are not there yet"):
        decide(True)
    with pytest.raises(Refused, match="nothing to accept or refuse"):
        decide(False, "why")
    assert label_all(house, "ann0") == list(range(1, 11))
    with pytest.raises(Refused, match="2 items of package 1 still wait to be seen"):
        decide(True)
    looked = label_all(house, "leader", "accept")
    assert len(looked) == 4 and sum(i <= 5 for i in looked) == 2
    assert decide(True) == 3
    states = house.store.read(lambda c: count_states(c, house.task_id))
    assert (states["done"], states["accept"]) == (7, 3)
    assert [p["verdict"] for p in see(house, "leader")] == ["accepted", ""]


def test_a_package_is_refused_and_labelled_anew(sampled: House) -> None:
    house = sampled
    label_all(house, "ann0")
    house.take("leader", "accept")
    leader, first = house.people["leader"], see(house, "leader")[0]["id"]
    with pytest.raises(Refused, match="a reason is needed"):
        do(house, packages.decide, leader, first, False, " ", house.clock())
    assert do(house, packages.decide, leader, first, False, "terburu-buru", house.clock()) == 5
    shown = see(house, "ann0")[0]
    assert (shown["verdict"], shown["reason"], shown["mine"]) == ("refused", "terburu-buru", True)
    assert label_all(house, "ann0") == [1, 2, 3, 4, 5]
    assert len(label_all(house, "leader", "accept")) == 4
    assert do(house, packages.decide, leader, first, True, "", house.clock()) == 3


def test_packages_of_a_task_without_acceptance_are_not_decided(house: House) -> None:
    first = see(house, "leader")[0]["id"]
    with pytest.raises(Refused, match="no stage accept"):
        do(house, packages.decide, house.people["leader"], first, True, "", house.clock())


def test_the_sample_is_a_share_and_drawn_anew() -> None:
    ids = list(range(40))
    one, two = draw_sample(ids, 0.1, "a"), draw_sample(ids, 0.1, "b")
    assert len(one) == len(two) == 4 and one != two and draw_sample(ids, 0.1, "a") == one
    assert len(draw_sample(ids, 0.001, "a")) == 1 and draw_sample(ids, 1, "a") == set(ids)


def test_appended_items_fill_the_last_package_and_more(house: House) -> None:
    more = [Example(f"v {k}", "") for k in range(5)]
    house.store.write(lambda c: append(c, house.dataset, more))
    house.store.write(lambda c: add_items(c, house.task_id, 2.0))
    assert [n for _, n in sizes(house)] == [4, 4, 4, 3]


def test_a_deadline_is_told_and_moved(house: House) -> None:
    house.store.write(lambda c: move_deadline(c, house.task_id, 5.0))
    shown = house.store.read(lambda c: list_tasks(c, house.people["ann0"]))
    assert shown[0]["deadline"] == 5.0 and house.task.terms.deadline == 5.0
    house.store.write(lambda c: move_deadline(c, house.task_id, None))
    assert house.store.read(lambda c: terms_of(c, house.task_id)).deadline is None
