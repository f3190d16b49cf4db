"""Writes of many threads: committed together, told when they are on disk, lost alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from maksud.labelling.people import add_person, list_people
from maksud.labelling.refusals import Refused, StoreFault
from maksud.labelling.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "labels.db")
    yield made
    made.close()


def crowd(store: Store, works: list[Callable[[Any], Any]]) -> tuple[list[Any], int]:
    """Lets all write while one holds the database up: what each got or raised, in order, and how
    many commits there were."""
    entered, go = threading.Event(), threading.Event()
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))

    def hold(_: Any) -> None:
        entered.set()
        assert go.wait(30)

    outcomes: list[Any] = [None] * len(works)

    def run(k: int) -> None:
        try:
            outcomes[k] = store.write(works[k])
        except Exception as error:
            outcomes[k] = error

    first = threading.Thread(target=store.write, args=(hold,))
    first.start()
    assert entered.wait(30)
    threads = []
    for k in range(len(works)):
        threads.append(threading.Thread(target=run, args=(k,)))
        threads[-1].start()
        while len(store.together._waiting) < k + 1:  # in order
            pass
    go.set()
    for t in (first, *threads):
        t.join(60)
        assert not t.is_alive()
    return outcomes, len(commits)


def names(store: Store) -> list[str]:
    return [p.name for p in store.read(list_people)]


def test_what_waits_is_committed_at_once(store: Store) -> None:
    works = [lambda c, k=k: add_person(c, f"p{k}", "annotator", 1.0).name for k in range(9)]
    outcomes, commits = crowd(store, works)
    assert outcomes == [f"p{k}" for k in range(9)] == names(store)
    assert commits == 2  # of the one that held it up, and of all others


def test_what_is_refused_is_lost_alone(store: Store) -> None:
    def twice(c: Any) -> None:
        add_person(c, "half", "annotator", 1.0)
        add_person(c, "a", "annotator", 1.0)

    works = [lambda c, n=n: add_person(c, n, "annotator", 1.0).name for n in "ab"]
    outcomes, _ = crowd(store, [works[0], twice, works[1]])
    assert outcomes[0] == "a" and outcomes[2] == "b"
    assert isinstance(outcomes[1], Refused) and names(store) == ["a", "b"]


def test_a_fault_of_the_database_leaves_the_others_their_own_word(store: Store) -> None:
    """As on a full disk, after which nothing of the transaction is there."""

    def fails(c: Any) -> None:
        add_person(c, "lost", "annotator", 1.0)
        c.execute(text("ROLLBACK"))
        c.execute(text("SELECT * FROM nothing"))

    works: list[Callable[[Any], Any]] = [
        lambda c: add_person(c, "a", "annotator", 1.0).name, fails,
        lambda c: add_person(c, "b", "annotator", 1.0).name,
    ]  # fmt: skip
    outcomes, _ = crowd(store, works)
    assert outcomes[0] == "a" and outcomes[2] == "b" and isinstance(outcomes[1], StoreFault)
    assert names(store) == ["a", "b"]


def test_nobody_is_told_before_the_commit(store: Store) -> None:
    """A commit that fails is told to all that are in it."""
    broken = [True]

    def refuse(_: Any) -> None:
        if broken:
            raise OSError("no commit today")

    works = [lambda c, k=k: add_person(c, f"p{k}", "annotator", 1.0) for k in range(3)]
    entered = threading.Event()

    def begin(c: Any) -> None:
        entered.set()

    store.write(begin)
    event.listen(store.engine, "commit", refuse)
    outcomes = []
    for work in works:
        with pytest.raises(OSError, match="no commit today"):
            outcomes.append(store.write(work))
    broken.clear()
    assert outcomes == [] and names(store) == []
    assert store.write(works[0]).name == "p0"
