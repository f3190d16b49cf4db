"""In which order items come, and how many without a suggestion; a leader may change it."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelling_cases import House, open_house
from sqlalchemy import select

from maksud.data.dataset import Example
from maksud.labelling import queueing
from maksud.labelling.help import FILE, RANDOM, UNCERTAIN, Help, changed, help_of, set_help
from maksud.labelling.library import append
from maksud.labelling.queueing import arrange, mixed, put_first
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import golds, items
from maksud.labelling.tasks import Wanted, add_items, create_task

MANY = [f"ujaran nomor {k}" for k in range(30)]


def queue(house: House) -> list[int]:
    query = select(items.c.id).where(items.c.task_id == house.task_id, items.c.state == "label")
    return house.store.read(lambda c: list(c.scalars(query.order_by(items.c.rank))))


def rearrange(house: House, help: Help) -> list[int]:
    def change(c):  # type: ignore[no-untyped-def]
        set_help(c, house.task_id, help)
        arrange(c, house.task_id, help)

    house.store.write(change)
    return queue(house)


def test_the_order_is_the_file_s_or_a_seeded_sample(tmp_path: Path) -> None:
    plain = open_house(tmp_path / "a.db", utterances=MANY)
    first = open_house(tmp_path / "b.db", utterances=MANY, help=Help(RANDOM, seed=1))
    again = open_house(tmp_path / "c.db", utterances=MANY, help=Help(RANDOM, seed=1))
    other = open_house(tmp_path / "d.db", utterances=MANY, help=Help(RANDOM, seed=2))
    assert queue(plain) == sorted(queue(plain)) == list(range(1, 31))
    assert queue(first) == queue(again) != queue(other)
    assert sorted(queue(first)) == queue(plain) != queue(first)
    assert first.take("ann0") == queue(first)[0]
    for house in (plain, first, again, other):
        house.close()


def test_shuffled_does_not_go_with_another_order(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY)
    people = [p.id for p in house.people.values()]
    wanted = Wanted("second", house.dataset, people, shuffled=True, help=Help(UNCERTAIN))
    with pytest.raises(Refused, match="short for the order random, not uncertain"):
        house.store.write(lambda c: create_task(c, wanted, 0.0))
    house.close()


def test_shuffled_is_short_for_random(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY, shuffled=True)
    assert house.store.read(lambda c: help_of(c, house.task_id)).order == RANDOM
    assert queue(house) != sorted(queue(house))
    house.close()


def test_a_leader_changes_the_order_of_what_is_left(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY, help=Help(UNCERTAIN, seed=3))
    shuffled = queue(house)  # until there is a recognizer
    assert shuffled != sorted(shuffled)
    done = house.take("ann0")
    assert done is not None
    house.say("ann0", done, "none()")
    left = rearrange(house, Help(FILE))
    assert left == sorted(set(shuffled) - {done})
    house.close()


def test_appended_items_come_last(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY, help=Help(RANDOM))
    before = queue(house)

    def more(c):  # type: ignore[no-untyped-def]
        append(c, house.dataset, [Example("yang baru", ""), Example("baru lagi", "")])
        add_items(c, house.task_id, house.clock())

    house.store.write(more)
    assert queue(house) == [*before, 31, 32]
    house.close()


def test_what_is_put_first_comes_first_and_labelled_items_stay(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY)
    assert house.take("ann0") == 1
    house.say("ann0", 1, "none()")
    moved = house.store.write(lambda c: put_first(c, house.task_id, [20, 1, 7], Help()))
    assert moved == 2
    assert queue(house)[:4] == [20, 7, 2, 3]
    house.close()


def test_gold_items_stand_among_the_others(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db", utterances=MANY)
    admin = house.people["admin"].id

    def mark(c):  # type: ignore[no-untyped-def]
        for item in (28, 29, 30):
            c.execute(golds.insert().values(item_id=item, task_id=house.task_id, user_id=admin,
                                            output="none()", created=0.0))  # fmt: skip

    house.store.write(mark)
    order = rearrange(house, Help(FILE, gold_every=5))
    places = sorted(order.index(item) for item in (28, 29, 30))
    assert [p // 5 for p in places] == [0, 1, 2]
    assert [i for i in order if i < 28] == list(range(1, 28))
    house.close()


@pytest.mark.parametrize("plain, gold, every", [(0, 3, 5), (4, 4, 5), (2, 9, 20), (100, 3, 10)])
def test_none_is_lost_when_gold_is_mixed_in(plain: int, gold: int, every: int) -> None:
    others, known = list(range(plain)), list(range(1000, 1000 + gold))
    out = mixed(others, known, every, 7)
    assert sorted(out) == others + known
    assert [i for i in out if i < 1000] == others
    assert out == mixed(others, known, every, 7)
    assert queueing.mixed(others, [], every, 7) == others


@pytest.mark.parametrize("percent", [0, 10, 35, 50])
def test_so_many_items_come_without_a_suggestion(percent: int) -> None:
    blind = sum(Help(blind=percent).is_blind(row) for row in range(1, 10_001))
    assert abs(blind / 100 - percent) < 1


def test_suggestions_are_held_back_as_the_task_says(tmp_path: Path) -> None:
    from maksud.labelling.looking import show_item

    for percent, shown in ((0, {True}), (50, {True, False})):
        house = open_house(tmp_path / f"{percent}.db", utterances=MANY, help=Help(blind=percent))
        found = [{"text": "none()", "confidence": 0.5, "by": "x"}]
        house.store.write(lambda c: c.execute(items.update().values(suggestions=found)))  # noqa: B023
        leader = house.people["leader"]
        seen = {
            bool(house.store.read(lambda c: show_item(c, house.task, leader, k))["suggestions"])  # noqa: B023
            for k in range(1, 31)
        }
        assert seen == shown
        house.close()


@pytest.mark.parametrize(
    "what", [{"order": "best"}, {"blind": 51}, {"every": -1}, {"gold_every": 1}, {"seed": -1}]
)
def test_settings_out_of_range(what: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        changed(Help(), what)
    assert refused.value.status == 400 and refused.value.hint
    assert changed(Help(blind=3), {"blind": None, "every": 7}) == Help(blind=3, every=7)


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    with pytest.raises(Refused, match="no dataset 99"):
        house.store.write(lambda c: set_help(c, house.task_id, Help(base=99)))
    house.close()
