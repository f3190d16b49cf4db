"""How rows are found that nobody else is just taking."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from maksud.labelling.claiming import candidates


class Rows:
    """A table that is asked: what each look finds, by whether it waits."""

    def __init__(self, passing: list[list[int]], waiting: list[list[int]]) -> None:
        self.finds = {False: iter(passing), True: iter(waiting), None: iter(passing)}
        self.asked: list[bool | None] = []

    def __call__(self, waits: bool | None) -> Iterable[int]:
        self.asked.append(waits)
        return next(self.finds[waits], [])


def found(rows: Rows, dialect: str = "postgresql", want: int | None = None) -> list[int]:
    connection: Any = SimpleNamespace(dialect=SimpleNamespace(name=dialect))
    seen = []
    for number in candidates(connection, rows):
        seen.append(number)
        if number == want:
            break
    return seen


def test_what_is_free_is_taken_and_nobody_is_waited_for() -> None:
    rows = Rows([[3, 4]], [[9]])
    assert found(rows, want=3) == [3] and rows.asked == [False]


def test_where_all_are_being_taken_they_are_waited_for() -> None:
    rows = Rows([[]], [[9]])
    assert found(rows, want=9) == [9] and rows.asked == [False, True]
    nothing = Rows([[]], [[]])
    assert found(nothing) == [] and nothing.asked == [False, True]


def test_who_holds_some_waits_for_none() -> None:
    """What was filled meanwhile is left, and the next look sees others."""
    rows = Rows([[3], [3, 5], [5]], [[9]])
    assert found(rows) == [3, 5] and rows.asked == [False, False, False]
    after = Rows([[], [7], [7]], [[9]])
    assert found(after) == [9, 7] and after.asked == [False, True, False, False]


def test_one_writer_at_a_time_looks_once() -> None:
    rows = Rows([[3, 4], [5]], [[9]])
    assert found(rows, "sqlite") == [3, 4] and rows.asked == [None]
