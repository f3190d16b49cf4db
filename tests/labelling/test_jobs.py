"""Jobs: never two of a kind for a task, and one that died is told from one that works."""

from __future__ import annotations

import threading
from pathlib import Path

from labelling_cases import House, open_house

from maksud.labelling import jobs


def begin(house: House, kind: str = jobs.LEARN) -> int | None:
    return house.store.write(lambda c: jobs.begin(c, house.task_id, kind, 10, house.clock()))


def state(house: House, job: int) -> str:
    return str(house.store.read(lambda c: jobs.show_job(c, job))["state"])


def test_never_two_of_a_kind(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    first = begin(house)
    assert first is not None and begin(house) is None
    assert begin(house, jobs.DOUBT) is not None
    house.store.write(lambda c: jobs.end(c, first, house.clock(), jobs.DONE, "", {"run": "x"}))
    assert state(house, first) == "done" and begin(house) is not None
    house.close()


def test_two_who_begin_at_once_get_one(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    got: list[int | None] = []
    threads = [threading.Thread(target=lambda: got.append(begin(house))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(job is not None for job in got) == 1 and len(got) == 8
    house.close()


def test_a_job_that_is_silent_for_long_is_dead(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    first = begin(house)
    assert first is not None
    house.clock.pass_by(jobs.SILENT_SECONDS - 1)
    assert house.store.write(lambda c: jobs.beat(c, first, house.clock(), 0.5, "half"))
    house.clock.pass_by(jobs.SILENT_SECONDS - 1)
    assert begin(house) is None, "it was heard of not long ago"
    house.clock.pass_by(2)
    second = begin(house)
    assert second is not None and state(house, first) == "stopped"
    told = house.store.read(lambda c: jobs.show_job(c, first))["told"]
    assert "without a word" in told
    # What was counted dead, and lives, is told to stop, and changes nothing any more.
    assert not house.store.write(lambda c: jobs.beat(c, first, house.clock(), 0.9, ""))
    assert not house.store.write(lambda c: jobs.end(c, first, house.clock(), jobs.DONE))
    assert state(house, first) == "stopped" and state(house, second) == "running"
    house.close()


def test_the_newest_is_found(tmp_path: Path) -> None:
    house = open_house(tmp_path / "a.db")
    find = jobs.latest
    assert house.store.read(lambda c: find(c, house.task_id, jobs.LEARN)) is None
    first = begin(house)
    assert first is not None
    house.store.write(lambda c: jobs.end(c, first, house.clock(), jobs.DONE, "", {"run": "r"}))
    second = begin(house)
    assert second is not None
    house.store.write(lambda c: jobs.end(c, second, house.clock(), jobs.FAILED, "x" * 900))
    newest = house.store.read(lambda c: find(c, house.task_id, jobs.LEARN))
    good = house.store.read(lambda c: find(c, house.task_id, jobs.LEARN, jobs.DONE))
    assert newest is not None and good is not None
    assert (newest["id"], good["id"], good["result"]) == (second, first, {"run": "r"})
    assert len(newest["told"]) == jobs.LONGEST_TOLD
    house.close()
