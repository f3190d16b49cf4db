"""The same store on PostgreSQL: Debian's, started here for the tests, skipped where it can't be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from labelling_cases import House, open_house
from sqlalchemy import create_engine, func, inspect, select, text

from maksud.errors import SettingsError, SystemFault
from maksud.labelling.packages import decide as decide_package
from maksud.labelling.packages import list_packages
from maksud.labelling.proposals import decide as decide_proposal
from maksud.labelling.proposals import propose
from maksud.labelling.refusals import Refused, StoreFault
from maksud.labelling.store import Store, copy_database
from maksud.labelling.tables import holders, items, metadata
from maksud.labelling.tasks import count_states
from maksud.labelling.terms import Terms
from maksud.labelling.work import claim

pytest.importorskip("psycopg")
_FOUND = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
TOOLS = _FOUND[-1].parent if _FOUND else None
"""Where Debian puts them."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A URL of a server of our own, without a name of a database."""
    root = os.geteuid() == 0
    if TOOLS is None or (root and not shutil.which("runuser")):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # A socket's path has to be short, and the server may not run as root.
    place = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    before = ["runuser", "-u", "postgres", "--"] if root else []

    def call(*words: str) -> None:
        done = subprocess.run([*before, *words], capture_output=True, text=True, cwd=place)
        if done.returncode:
            pytest.skip(f"PostgreSQL can't be started: {done.stderr.strip()[-200:]}")

    if root:
        shutil.chown(place, "postgres")
    data = str(place / "data")
    options = f"-k {place} -p 5499 -c listen_addresses=''"
    call(str(TOOLS / "initdb"), "-D", data, "-A", "trust", "-U", "maksud")
    call(str(TOOLS / "pg_ctl"), "-D", data, "-o", options, "-l", str(place / "log"), "-w", "start")
    try:
        yield f"?host={place}&port=5499"
    finally:
        stop = [*before, str(TOOLS / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def url(cluster: str, request: pytest.FixtureRequest) -> str:
    """A database of its own."""
    import psycopg

    name = f"t{abs(hash(request.node.name))}"
    about = cluster.lstrip("?").replace("&", " ")
    with psycopg.connect(f"user=maksud dbname=postgres {about}", autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return f"postgresql://maksud@/{name}{cluster}"


def counts(house: House) -> dict[str, int]:
    found = house.store.read(lambda c: count_states(c, house.task_id))
    return {state: n for state, n in found.items() if n}


def test_tables_and_migrations_agree(url: str) -> None:
    store = Store(url)
    with store.reading() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []
    with pytest.raises(SystemFault, match="pg_dump"):
        copy_database(store, Path("x"))
    store.close()


def test_another_program_s_tables_are_left_alone(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as c:
        c.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        c.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    with pytest.raises(SettingsError, match="of something else"):
        Store(url)
    with engine.connect() as c:
        assert inspect(c).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_the_password_is_not_told(url: str, tmp_path: Path) -> None:
    """Not by what is to be typed next, nor by the application when it starts."""
    (tmp_path / "raw.txt").write_text("putar Hampa\n")
    known = url.replace("maksud@", "maksud:geheim@")
    root = str(Path(__file__).parents[2])
    line = [sys.executable, "-m", "maksud", "label"]
    options: dict[str, Any] = {
        "cwd": tmp_path, "text": True, "env": os.environ | {"PYTHONPATH": root}
    }  # fmt: skip
    added = [*line, "add", "raw.txt", "--store", known]
    said = subprocess.run(added, **options, check=True, capture_output=True).stderr
    assert "maksud:***@" in said and "geheim" not in said
    with subprocess.Popen(
        [*line, "--port", "0", "--store", known], **options, stdout=subprocess.PIPE
    ) as serving:
        assert serving.stdout is not None
        lines = [serving.stdout.readline() for _ in range(3)]
        serving.terminate()
        lines.append(serving.stdout.read())
    assert "Labels are kept in postgresql://maksud:***@" in lines[2]
    assert "geheim" not in "".join(lines)


def test_items_go_through_their_stages(url: str) -> None:
    house = open_house(url, votes=2, stages=["label", "check"])
    assert (house.take("ann0"), house.take("ann1"), house.take("ann2")) == (1, 1, 2)
    first = house.say("ann0", 1, "none()", key="k")
    assert house.say("ann0", 1, "none()", key="k") == {**first, "repeated": True}
    house.say("ann1", 1, "play_music()")
    assert house.take("leader", "judge") == 1
    with pytest.raises(Refused, match="in hand"):
        house.take("admin", "judge", item=1)
    assert house.say("leader", 1, "none()", "judge")["state"] == "check"
    assert counts(house) == {"label": 3, "check": 1}
    house.close()


def test_twelve_who_work_at_once(url: str) -> None:
    """Each item is labelled by two people, and nobody has what is not theirs."""
    house = open_house(url, utterances=[f"u {k}" for k in range(40)], annotators=12, votes=2)
    taken: list[int] = []
    faults: list[BaseException] = []

    def work(who: str) -> None:
        try:
            while (item := house.take(who)) is not None:
                taken.append(item)
                house.say(who, item, "none()", key=f"{who}-{item}")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(f"ann{k}",)) for k in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert faults == []
    assert set(Counter(taken).values()) == {2} and counts(house) == {"done": 40}
    house.close()


def test_packages_proposals_and_what_is_counted(url: str) -> None:
    """The database's own triggers keep count; packages and proposals are told as on SQLite."""
    house = open_house(url, stages=["label", "accept"], terms=Terms("size", "2", 0.5), open=False)
    task, leader = house.task, house.people["leader"]
    item = house.take("ann0")
    assert item == 1 and house.take("ann1") == 3
    number = house.store.write(
        lambda c: propose(c, task, house.people["ann0"], "pause", "", {}, house.clock())
    )
    house.say("ann0", 1, "pause()")
    assert house.take("ann0") == 2
    house.say("ann0", 2, "none()")
    word = ("merged", "play_music", "", house.clock())
    assert house.store.write(lambda c: decide_proposal(c, house.task, leader, number, *word)) == 1
    looked = house.take("leader", "accept")
    assert looked in (1, 2)
    house.say("leader", looked, "none()", "accept")
    first = house.store.read(lambda c: list_packages(c, house.task, leader, house.clock()))[0]
    moved = house.store.write(
        lambda c: decide_package(c, house.task, leader, first["id"], True, "", house.clock())
    )
    assert moved == 1 and counts(house) == {"label": 2, "done": 2}
    with house.store.reading() as c:
        states = c.execute(select(items.c.state, func.count()).group_by(items.c.state)).all()
    assert dict(map(tuple, states)) == counts(house)
    house.close()


def test_a_server_that_is_not_there_is_told(cluster: str) -> None:
    with pytest.raises(StoreFault, match="does not answer"):
        Store(f"postgresql://maksud@/nothing{cluster}")


def wait_for_a_lock(cluster_url: str) -> None:
    """Returns once some statement waits for a row that another has locked."""
    engine = create_engine(cluster_url.replace("postgresql://", "postgresql+psycopg://"))
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        while not c.scalar(query):
            time.sleep(0.01)
    engine.dispose()


@contextmanager
def taken_by_two(house: House, url: str) -> Iterator[list[int | None]]:
    """In the block ann0 has taken an item, ann1 waits for it, and nothing is decided yet. What
    ann1 got stands in the list behind the block, which may end by dividing by zero."""
    outcome: list[int | None] = []
    thread = threading.Thread(target=lambda: outcome.append(house.take("ann1")))
    with suppress(ZeroDivisionError), house.store.writing() as c:
        assert claim(c, house.task, house.people["ann0"], "label", house.clock()) == 1
        thread.start()
        wait_for_a_lock(url)
        yield outcome
    thread.join(60)


def test_the_last_free_package_is_waited_for_and_not_given_twice(url: str) -> None:
    """Who waits for the row of a package that another takes looks at it again."""
    house = open_house(url, terms=Terms("count", "1"))
    with taken_by_two(house, url) as outcome:
        pass
    assert outcome == [None]
    with house.store.reading() as c:
        assert c.scalar(select(func.count()).select_from(holders)) == 1
    house.close()


def test_a_package_that_is_given_back_while_it_is_waited_for_is_taken(url: str) -> None:
    house = open_house(url, terms=Terms("count", "1"))
    with taken_by_two(house, url) as outcome:
        raise ZeroDivisionError  # what ann0 took is not theirs after all
    assert outcome == [1]
    house.close()
