"""The store: what it acknowledges is on disk; what goes wrong is told, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from labelling_cases import open_house
from sqlalchemy import func, select, text

from maksud.errors import SettingsError, SystemFault
from maksud.labelling import store as module
from maksud.labelling.people import list_people
from maksud.labelling.refusals import StoreFault
from maksud.labelling.store import Store, check_database, copy_database, restore_database
from maksud.labelling.tables import acts, metadata

ROUNDS = 4
"""Of killing. `benchmarks` may take more."""

SAVER = """
import sys
sys.path.insert(0, sys.argv[1])
from labelling_cases import Clock, House
from maksud.labelling.people import list_people
from maksud.labelling.store import Store
clock = Clock()
store = Store(sys.argv[2], clock)
house = House(store, clock, {p.name: p for p in store.read(list_people)}, 1, 1)
number = int(sys.argv[3])
while True:
    item = house.take("ann0")
    house.say("ann0", item, "none()", key=f"k{number}")
    sys.stdout.write(f"{number} {item}\\n")  # only now: it is acknowledged
    sys.stdout.flush()
    number += 1
"""


def test_tables_and_migrations_agree(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.db")
    assert (tmp_path / "labels.db").stat().st_mode & 0o077 == 0
    with store.reading() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []
        assert c.scalar(text("PRAGMA journal_mode")) == "wal"
        assert c.scalar(text("PRAGMA synchronous")) == 2
    store.close()


def test_the_migrations_are_in_the_package() -> None:
    folder = Path(module.__file__).parent / "migrations"
    assert (folder / "env.py").exists() and list((folder / "versions").glob("v0001*.py"))


def test_no_acknowledged_label_is_lost_by_killing(tmp_path: Path) -> None:
    """kill -9 in the middle of saving; each save that was not acknowledged is sent again."""
    place = tmp_path / "labels.db"
    open_house(place, utterances=[f"u {k}" for k in range(3000)]).close()
    acknowledged: dict[str, int] = {}
    for turn in range(ROUNDS):
        saver = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(Path(__file__).parents[1]), str(place),
             str(turn * 1000)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert saver.stdout is not None
        for line in saver.stdout:
            number, item = line.split()
            acknowledged[f"k{number}"] = int(item)
            if len(acknowledged) % 7 == 0 and len(acknowledged) >= (turn + 1) * 7:
                time.sleep(0.003 * turn)
                saver.send_signal(signal.SIGKILL)
                break
        for line in saver.stdout:  # what it said before it died
            if line.endswith("\n"):
                number, item = line.split()
                acknowledged[f"k{number}"] = int(item)
        saver.wait()
        saver.stdout.close()
        with sqlite3.connect(place) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept = dict(connection.execute("SELECT key, item_id FROM acts").fetchall())
        connection.close()
        assert acknowledged.items() <= kept.items()
        assert len(kept) - len(acknowledged) <= turn + 1  # done, and killed before it was said
    assert len(acknowledged) >= 7 * ROUNDS


def test_a_save_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    tracer = shutil.which("strace")
    if tracer is None:
        pytest.skip("there is no strace")
    place = tmp_path / "labels.db"
    open_house(place, utterances=[f"u {k}" for k in range(50)]).close()
    log = tmp_path / "trace"
    traced = subprocess.Popen(
        [tracer, "-f", "-o", str(log), "-e", "trace=fsync,fdatasync,pwrite64,write",
         sys.executable, "-c", SAVER, str(Path(__file__).parents[1]), str(place), "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert traced.stdout is not None
    said = [traced.stdout.readline() for _ in range(3)]
    traced.kill()
    traced.communicate()
    if not said[-1]:
        pytest.skip("processes may not be traced here")
    calls = [line.split(" ", 1)[1].strip() for line in log.read_text().splitlines()]
    told = next(k for k, call in enumerate(calls) if call.startswith('write(1, "1 '))
    before = next(k for k, call in enumerate(calls) if call.startswith('write(1, "0 '))
    between = calls[before + 1 : told]
    last = max(k for k, call in enumerate(between) if call.startswith("pwrite64"))
    assert any("sync(" in call for call in between[last:]), between


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    Store(place).close()
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SystemFault, match="newer Maksud.*Update Maksud"):
        Store(place)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    place.write_text("this is a letter\n" * 200)
    with pytest.raises(SettingsError, match="nor any SQLite database") as caught:
        Store(place)
    assert "restore" not in str(caught.value)  # it would take the place of somebody's file
    assert place.read_text() == "this is a letter\n" * 200
    with pytest.raises(SettingsError, match="no place for labels"):
        Store("mysql://x/y")


def test_a_damaged_database_is_told_with_what_mends_it(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    Store(place).close()
    raw = place.read_bytes()
    place.write_bytes(raw[:100] + b"\xff" * (len(raw) - 100))
    with pytest.raises(StoreFault, match="damaged.*maksud label restore") as caught:
        Store(place)
    assert caught.value.code == "store_damaged"


def test_a_backup_is_made_while_people_save_and_restored(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db", utterances=[f"u {k}" for k in range(200)])
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set() and (item := house.take("ann0")) is not None:
            house.say("ann0", item, "none()")

    worker = threading.Thread(target=work)
    worker.start()
    while house.keys < 20:
        time.sleep(0.01)
    backup = tmp_path / "copies" / "labels.backup"
    copy_database(house.store, backup)
    stop.set()
    worker.join()
    with house.store.reading() as c:
        all_keys = list(c.scalars(select(acts.c.key).order_by(acts.c.id)))
    house.close()
    check_database(backup)
    with pytest.raises(SettingsError, match="a store is there already.*--force"):
        restore_database(backup, tmp_path / "labels.db")
    restore_database(backup, tmp_path / "labels.db", replace=True)
    assert (tmp_path / "labels.db.replaced").exists()
    store = Store(tmp_path / "labels.db")
    with store.reading() as c:
        keys = list(c.scalars(select(acts.c.key).order_by(acts.c.id)))
    store.close()
    assert len(keys) >= 19 and keys == all_keys[: len(keys)], "not one moment of the history"


def test_what_gave_way_to_a_backup_stays_when_the_next_one_is_restored(tmp_path: Path) -> None:
    target, backup = tmp_path / "labels.db", tmp_path / "b"
    house = open_house(target, utterances=["u"])
    copy_database(house.store, backup)
    house.close()
    labels = target.read_bytes()
    assert restore_database(backup, target, replace=True) == tmp_path / "labels.db.replaced"
    (tmp_path / "labels.db.replaced-2-wal").touch()  # of a store that somebody moved
    assert restore_database(backup, target, replace=True) == tmp_path / "labels.db.replaced-3"
    assert (tmp_path / "labels.db.replaced").read_bytes() == labels
    assert restore_database(backup, tmp_path / "new.db") is None


def test_a_store_is_no_backup_of_itself(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    (tmp_path / "link").symlink_to(tmp_path / "labels.db")
    before = (tmp_path / "labels.db").stat().st_ino
    for place in (tmp_path / "labels.db", tmp_path / "link"):
        with pytest.raises(SettingsError, match="is the store itself"):
            copy_database(house.store, place)
    house.close()
    with pytest.raises(SettingsError, match="is the store itself"):
        restore_database(tmp_path / "link", tmp_path / "labels.db", replace=True)
    assert (tmp_path / "labels.db").stat().st_ino == before


def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    backup = tmp_path / "b"
    copy_database(house.store, backup)
    house.close()
    raw = bytearray(backup.read_bytes())
    raw[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    backup.write_bytes(raw)
    with pytest.raises(StoreFault, match="Choose another backup"):
        restore_database(backup, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_full_disk_loses_nothing_and_needs_no_restart(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    item = house.take("ann0")
    assert item is not None
    with house.store.engine.connect() as c:
        pages = c.exec_driver_sql("PRAGMA page_count").scalar()
    limit = f"PRAGMA max_page_count={pages}"
    from sqlalchemy import event

    event.listen(house.store.engine, "checkout", lambda c, *_: c.execute(limit))
    with pytest.raises(StoreFault, match="disk is full") as caught:
        house.say("ann0", item, "none()", comment="x" * 1000, key="k")
        for k in range(100):
            house.say("ann0", item, "none()", comment="x" * 1000, key=f"k{k}")
    assert (caught.value.code, caught.value.status) == ("disk_full", 507)
    assert house.store.read(list_people)  # it still reads
    limit = "PRAGMA max_page_count=1000000"
    assert house.say("ann0", item, "none()", comment="x" * 1000, key="later")["act"]
    house.close()


def test_another_program_that_writes_is_waited_for_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.2)
    house = open_house(tmp_path / "labels.db")
    other = sqlite3.connect(tmp_path / "labels.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault, match="another program is writing") as caught:
        house.take("ann0")
    assert (caught.value.code, caught.value.status) == ("store_busy", 503)
    other.execute("ROLLBACK")
    other.close()
    assert house.take("ann0") is not None
    house.close()


def test_what_raises_changes_nothing(tmp_path: Path) -> None:
    house = open_house(tmp_path / "labels.db")
    with house.store.reading() as c:
        before = json.dumps([list(r) for r in c.execute(text("SELECT * FROM items"))])
    with pytest.raises(ZeroDivisionError), house.store.writing() as c:
        c.execute(text("UPDATE items SET state = 'done'"))
        raise ZeroDivisionError
    with house.store.reading() as c:
        assert json.dumps([list(r) for r in c.execute(text("SELECT * FROM items"))]) == before
        assert c.scalar(select(func.count()).select_from(acts)) == 0
    house.close()
