"""Statements that the driver runs by itself: the same rows, values and errors as SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_cases import House, open_house
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from maksud.labelling.prepared import Prepared, command
from maksud.labelling.tables import items, tasks, users


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "a.db")
    yield made
    made.close()


def test_rows_are_those_of_sqlalchemy(house: House) -> None:
    plain = select(items).where(items.c.task_id == bindparam("task")).order_by(items.c.id)
    tables = select(tasks).where(tasks.c.id == bindparam("task"), tasks.c.votes == 1)
    with house.store.reading() as c:
        for query in (plain, tables):
            theirs = c.execute(query, {"task": 1}).all()
            ours = Prepared(query).rows(c, {"task": 1})
            assert [tuple(r) for r in ours] == [tuple(r) for r in theirs]
        [task] = Prepared(tables).rows(c, {"task": 1})
        assert task.stages == ["label"] and task.archived is False  # JSON and truth, not texts
        assert Prepared(plain).first(c, {"task": 99}) is None
        assert Prepared(plain).scalar(c, {"task": 1}) == 1
        assert Prepared(plain).scalars(c, {"task": 1}) == [1, 2, 3, 4]


def test_a_value_that_is_not_given_is_a_fault_of_ours(house: House) -> None:
    with house.store.reading() as c, pytest.raises(KeyError, match="task"):
        Prepared(select(items).where(items.c.task_id == bindparam("task"))).rows(c, {})


def test_lists_are_not_prepared(house: House) -> None:
    query = select(items).where(items.c.id.in_(bindparam("ids", expanding=True)))
    with house.store.reading() as c, pytest.raises(AssertionError, match="lists"):
        Prepared(query).rows(c, {"ids": [1]})


def test_rows_are_added_and_changed(house: House) -> None:
    adding = Prepared(insert(users), ("name", "role", "language", "disabled", "created"))
    values = {"name": "x", "role": "leader", "language": "id", "disabled": True, "created": 1.0}
    moving = Prepared(update(users).where(users.c.name == bindparam("who")), ("role",))
    with house.store.writing() as c:
        number = adding.add(c, values)
        moving.run(c, {"who": "x", "role": "admin"})
    with house.store.reading() as c:
        found = c.execute(select(users).where(users.c.id == number)).one()
    assert (found.name, found.role, found.disabled) == ("x", "admin", True)
    with house.store.writing() as c, pytest.raises(IntegrityError):
        adding.add(c, values)


def test_what_the_driver_refuses_is_told_as_by_sqlalchemy(house: House) -> None:
    with house.store.writing() as c, pytest.raises(OperationalError, match="no such"):
        command(c, "RELEASE elsewhere")
